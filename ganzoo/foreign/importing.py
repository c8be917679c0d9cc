"""From a foreign file to a model: which converter takes it, and whether every tensor has its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, ModelError, UsageError, command, either
from ganzoo.files.paths import to_path
from ganzoo.files.untrusted import quoted
from ganzoo.folder.config import IMPORTED
from ganzoo.folder.weights import make_plain
from ganzoo.foreign.converter import Converted, Converter
from ganzoo.foreign.files.reading import ForeignFile, read_foreign, said_of
from ganzoo.foreign.keys import listed
from ganzoo.gan.arguments import read_device
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry

KIND = "converter"
STUMBLES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)  # of a converter


@dataclass(frozen=True)
class Foreign:
    """A model made of a foreign file.

    Attributes:
        gan: on the CPU, ready to sample.
        file: what was read.
        entry: of the converter.
        converter: itself.
        notes: what a person should know.
        discriminator: whether the file had D, too.
    """

    gan: GAN
    file: ForeignFile
    entry: Entry
    converter: Converter
    notes: tuple[str, ...]
    discriminator: bool

    @property
    def origin(self) -> dict[str, str]:
        """Where the weights are from, as ``config.json`` keeps it."""
        return {
            IMPORTED: self.file.path.name,
            "sha256": self.file.sha256,
            "converter": self.entry.name,
            "url": self.converter.url,
        }


def load_foreign(file: str | PathLike[str], converter: str | None = None, device: str | torch.device = "cpu") -> GAN:
    """A generator that another project's code trained, ready to sample. Nothing of the file is run.

    Args:
        file: of weights: a ``.pth``, ``.pt``, ``.bin``, ``.pkl`` or ``.safetensors`` file that the project saved.
        converter: name of the project, as ``ganzoo import --list`` has it; by default the one that the content fits.
        device: where the weights go, such as ``"cuda"``.

    Returns:
        The GAN in eval mode. :meth:`GAN.save` keeps it as a folder; ``ganzoo import`` also writes where it is from.

    Raises:
        UsageError: no converter knows the content, or several do.
        ModelError: the file is broken or hostile, or holds a variant that ganzoo does not compute.

    Example:
        >>> ganzoo.load_foreign("netG.pth").sample(16, seed=0, output="pil")
    """
    where = str(read_device(device))  # before anything is read
    return load_file(to_path(file, "file"), converter).gan.to(where)


def load_file(path: Path, name: str | None = None) -> Foreign:
    """Read a foreign file and make a model of it; nothing of the file is run.

    Args:
        path: of the file.
        name: of the converter; the one that the content fits by default.

    Raises:
        UsageError: no converter knows the content, or several do.
        ModelError: the file is broken or hostile, or a tensor is missing, left over or of another shape.
    """
    chosen = None if name is None else registry().find(name, (KIND,))
    file = read_foreign(path)
    entry, converter = _fitting(file, chosen)
    with said_of(path):
        converted = _converted(converter, file, entry.name)
        gan = _unfilled(converted, entry.name)
    if converted.class_names:
        gan.class_names = tuple(converted.class_names)
    for network, tensors in converted.networks.items():
        _fill(gan, network, tensors)
    return Foreign(gan.eval(), file, entry, converter, tuple(converted.notes), "D" in converted.networks)


def _unfilled(converted: Converted, source: str) -> GAN:
    """The GAN to be, whose weights are as cheap as can be: orthogonal ones of large networks take minutes.

    Memory is taken once each tensor is known to have its place: an empty one may claim thousands of millions of rows.

    Raises:
        ModelError: one is missing, left over, or of another shape.
    """
    sketch = build(converted.recipe, **{**converted.size, "device": "meta"})
    plan = sketch.plan
    for network, tensors in converted.networks.items():
        _check(make_plain(sketch.get_submodule(network)).state_dict(), network, tensors, source)
    settings = {**converted.size.get("settings", {}), "init": "default"}
    gan = build(converted.recipe, **{**converted.size, "settings": settings})
    gan.plan = plan
    return gan


def _converted(converter: Converter, file: ForeignFile, name: str) -> Converted:
    """What a converter makes of a file; what it stumbles over are shapes that no file of its project has.

    Raises:
        ModelError: it says that it cannot compute the file's variant, or it stumbles.
    """
    try:
        return converter.convert(file.content)
    except STUMBLES as error:
        if isinstance(error, GanzooError):
            raise
        raise ModelError(
            f"it looks like {name}'s, and a tensor of it is missing or has a shape that none of its networks"
            f" has ({type(error).__name__}: {quoted(str(error))})"
        ) from error


def _fitting(file: ForeignFile, chosen: Entry | None) -> tuple[Entry, Converter]:
    """The converter that a content fits."""
    entries = [chosen] if chosen is not None else registry().entries(KIND)
    fitting = [(entry, made) for entry in entries if _fits(made := entry.load()(), file.content)]
    if not fitting:
        known = command("import", "--list")
        what = f"no file of {chosen.name}" if chosen is not None else "of no project that ganzoo knows"
        raise UsageError(f"{file.path} is {what}: {said(file.content)}; what can be imported: {known}")
    if len(fitting) > 1:
        names = [entry.name for entry, _ in fitting]
        raise UsageError(f"{file.path} may be of {either(names)}: say which with --as {names[0]}")
    return fitting[0]


def _fits(converter: Converter, content: object) -> bool:
    """Whether a file is a converter's. One that stumbles says no: it must not keep the others from their files."""
    try:
        return converter.fits(content)
    except STUMBLES:
        return False


def said(content: object) -> str:
    """What a content looks like, in some words."""
    if isinstance(content, Mapping):
        return f"it holds {listed([str(key) for key in content])}" if content else "it is empty"
    return f"it holds a {type(content).__name__}"


@torch.no_grad()
def _fill(gan: GAN, network: str, tensors: Mapping[str, Tensor]) -> None:
    """Give a network its tensors, weights that are reparametrised as plain ones."""
    own = make_plain(gan.get_submodule(network))
    places = own.state_dict()
    own.load_state_dict({name: tensor.to(places[name].dtype) for name, tensor in tensors.items()})


def _check(places: Mapping[str, Tensor], network: str, tensors: Mapping[str, Tensor], source: str) -> None:
    """Compare tensors with a network's.

    Raises:
        ModelError: one is missing, left over, of another shape, or holds NaN or infinity.
    """
    if missing := sorted(places.keys() - tensors.keys()):
        raise ModelError(f"{source}: the file has no tensor for {network}'s {listed(missing)}")
    if extra := sorted(tensors.keys() - places.keys()):
        raise ModelError(f"{source}: {network} has no {listed(extra)}")
    for name, tensor in tensors.items():
        if tensor.shape != places[name].shape:
            was, needed = tuple(tensor.shape), tuple(places[name].shape)
            raise ModelError(f"{source}: {network}'s {name} would be {was}, and is {needed} in this network")
    _refuse_not_finite(tensors, source)


def _refuse_not_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    bad = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    if bad:
        raise ModelError(f"{source}: {listed(bad)} hold NaN or infinity")
