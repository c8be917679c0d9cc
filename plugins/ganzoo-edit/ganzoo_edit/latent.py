"""The file that holds a place of the manifold: its noise and, for a model with classes, the number of its class."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ganzoo import UsageError
from ganzoo.cli.kit import quoted, read_shapes, read_tensors, write_tensors
from ganzoo_edit.manifold import Manifold


def latent_tensors(z: Tensor, label: int | None) -> dict[str, Tensor]:
    """``z`` ``(1, z_dim)`` float32 and, where there is a class, ``label`` ``(1,)`` int64."""
    tensors = {"z": z.detach().float().cpu().contiguous()}
    return tensors if label is None else {**tensors, "label": torch.tensor([label])}


def save_latent(path: Path, z: Tensor, label: int | None) -> None:
    """Write them as safetensors."""
    write_tensors(path, latent_tensors(z, label))


def read_latent(path: Path, manifold: Manifold) -> tuple[Tensor, int | None]:
    """Noise ``(1, z_dim)`` and class, as a model takes them; class 0 where a model needs one and the file has none.

    Raises:
        ModelError: the file is not safetensors.
        UsageError: it holds something else than one place of this model.
    """
    shapes = read_shapes(path)
    if "w" in shapes:
        raise UsageError(f"{quoted(path)} holds w, and here z is moved: 'ganzoo project --space z' writes such a file")
    found = {name: tuple(tensor.shape) for name, tensor in shapes.items()}
    wanted = {"z": (1, manifold.z_dim)}
    if found not in (wanted, {**wanted, "label": (1,)}) or shapes["z"].dtype != torch.float32:
        raise UsageError(f"{quoted(path)} holds no z of shape {wanted['z']} for this model: ganzoo project writes one")
    tensors = read_tensors(path, shapes)
    label = int(tensors["label"]) if "label" in tensors else 0
    if not manifold.classes:
        return tensors["z"].to(manifold.device), None
    if not 0 <= label < manifold.classes:
        raise UsageError(f"{quoted(path)} is of class {label}, and this model has {manifold.classes} classes")
    return tensors["z"].to(manifold.device), label
