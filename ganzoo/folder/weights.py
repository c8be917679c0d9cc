"""The weights of a model as plain tensors, and the file that they are written to."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.errors import ModelError, RunError
from ganzoo.files.untrusted import quoted, read_shapes, read_tensors
from ganzoo.files.write import atomic
from ganzoo.folder import config
from ganzoo.folder.layout import CONFIG
from ganzoo.gan.gan import GAN

DTYPES: Mapping[str, torch.dtype] = {name: getattr(torch, name) for name in config.DTYPES}


def plain_places(network: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Module and attribute of each tensor of a network, a reparametrised weight counting as the plain one it makes."""
    places: dict[str, tuple[nn.Module, str]] = {}
    for path, module in network.named_modules():
        if "parametrizations" in path.split("."):
            continue
        own = {**module._parameters, **module._buffers}
        names = [name for name, tensor in own.items() if tensor is not None]
        # Not asked for here: a spectral norm in training moves its vectors whenever its weight is.
        names += getattr(module, "parametrizations", ())
        places |= {f"{path}.{name}".lstrip("."): (module, name) for name in names}
    return places


@torch.no_grad()
def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network for export: reparametrised weights, such as ``sn`` makes, as plain ones."""
    was_training = network.training
    network.eval()
    try:
        return {name: getattr(module, key).detach() for name, (module, key) in plain_places(network).items()}
    finally:
        network.train(was_training)


def make_plain(network: nn.Module) -> nn.Module:
    """Take out the reparametrisations that an architecture made by itself.

    For networks of which there is no copy: copies share their classes, and would lose their weights.
    """
    network.eval()
    for module in list(network.modules()):
        for name in list(getattr(module, "parametrizations", ())):
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    return network


def generator_side(gan: GAN) -> dict[str, nn.Module]:
    """The networks that a model is published with, by name: those that samples come from, and what a game adds."""
    return {name: getattr(gan, name) for name in (*gan.players["g"], *gan.game.published)}


def generator_state(gan: GAN) -> dict[str, Tensor]:
    """What ``model.safetensors`` holds: the generator side, exported, as ``network.path``."""
    networks = generator_side(gan).items()
    return {f"{name}.{key}": tensor for name, network in networks for key, tensor in plain_state(network).items()}


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256, in hex, of the file that :func:`write_tensors` would write."""
    from safetensors.torch import save

    return sha256(save(_flat(tensors))).hexdigest()


def _flat(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, in the order of their indices."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Replace the file at ``path`` by tensors in safetensors form; the same tensors give the same bytes.

    Args:
        path: of the file.
        tensors: by name.
        metadata: texts beside them, by name; of several the order, and so the bytes, may differ from time to time.

    Raises:
        RunError: the disk is full or the folder cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    flat = _flat(tensors)
    with atomic(path) as temporary:
        try:
            save_file(flat, temporary, None if metadata is None else dict(metadata))
            temporary.chmod(0o644)  # the library makes files that nobody else can read
        except SafetensorError as error:
            raise RunError(f"cannot write {path}: {error}; make room or choose another folder") from error


def refuse_other_shapes(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Refuse tensors of other names or shapes than ``config.json`` asks for; none of them need be more than a header.

    Raises:
        ModelError: naming the first that differs, and both shapes.
    """
    for name in sorted(expected.keys() | found.keys()):
        there, here = (list(tensors[name].shape) if name in tensors else None for tensors in (found, expected))
        if there != here:
            was, now = ("nothing" if shape is None else str(shape) for shape in (there, here))
            raise ModelError(
                f"{path} has {was} for {quoted(name.removeprefix('gan/'))} where {CONFIG} asks for {now}: one of them "
                "was changed"
            )


# --- tensors kept to save work ------------------------------------------------------------------------------

DIGEST = "sha256"  # what the digest is called among the tensors: bytes, (32,)


def _digest(tensors: Mapping[str, Tensor]) -> Tensor:
    """sha256 over names, dtypes, shapes and bytes, in the order of names; uint8 ``(32,)``."""
    digest = sha256()
    for name, tensor in sorted(_flat(tensors).items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def keep_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Replace the file at ``path`` by tensors and their sha256, for :func:`kept_tensors` to read.

    Raises:
        RunError: the disk is full or the folder cannot be written to.
    """
    write_tensors(path, {**tensors, DIGEST: _digest(tensors)})


def kept_tensors(path: Path) -> dict[str, Tensor]:
    """What :func:`keep_tensors` wrote.

    Raises:
        ModelError: the file is not there, is no such file, or one bit of it is not as it was written.
    """
    tensors = read_tensors(path, read_shapes(path))
    digest = tensors.pop(DIGEST, None)
    if digest is None or not torch.equal(digest, _digest(tensors)):
        raise ModelError(f"{path} is damaged: its content is not that of its {DIGEST}")
    return tensors
