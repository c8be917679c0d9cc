"""Weights under spectral normalization, in the layouts of peers, as the plain ones that they compute with."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import ModelError


def divided(weight: Tensor, u: Tensor, v: Tensor | None = None, outputs: int = 0) -> Tensor:
    """A weight divided by its largest singular value, as its vectors estimate it; in float32 at least.

    Args:
        weight: the weight, in float64 from here on.
        u: the left vector, of any shape.
        v: the right one; made of ``u`` by half a step of the power iteration where a layout does not keep it.
        outputs: the dimension of the outputs, 1 for a transposed convolution.

    Raises:
        ModelError: the vectors are not as long as the weight has outputs and inputs.
    """
    if weight.ndim < 2:
        raise ModelError(f"spectral norm: weights of the shape {list(weight.shape)} are no matrix")
    matrix = weight.double().movedim(outputs, 0).flatten(1)
    left = u.double().flatten()
    half = matrix.T @ left if v is None and left.numel() == matrix.shape[0] else left
    right = torch.nn.functional.normalize(half, dim=0) if v is None else v.double().flatten()
    if (left.numel(), right.numel()) != tuple(matrix.shape):
        raise ModelError(
            f"spectral norm: vectors of {left.numel()} and {right.numel()} numbers beside weights {list(weight.shape)}"
        )
    return (weight.double() / (left @ (matrix @ right))).to(torch.promote_types(weight.dtype, torch.float32))


def plain_spectral(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state with the weights of torch's ``spectral_norm`` (``weight_orig``, ``weight_u``, ``weight_v``) plain."""
    found = dict(state)
    for name in state:
        if name.endswith("weight_orig") and f"{name[:-5]}_u" in state:
            stem = name.removesuffix("_orig")
            weight, u, v = found.pop(name), found.pop(f"{stem}_u"), found.pop(f"{stem}_v", None)
            outputs = 1 if weight.shape[:1] != (u.numel(),) else 0
            found[stem] = divided(weight, u, v, outputs)
    return found


def plain_iterated(state: dict[str, Tensor], vector: str, value: str) -> dict[str, Tensor]:
    """The state with the weights plain of layers that take one more step of the iteration whenever they are used.

    Args:
        state: tensors by name.
        vector: what the layer calls its left vector, such as ``sn_u``; its weight is ``weight``.
        value: what it calls the singular value, which it keeps and does not use.

    Raises:
        ModelError: a vector is of another length than its weight.
    """
    found = dict(state)
    for name in state:
        stem = name.removesuffix(f".{vector}")
        if stem != name and f"{stem}.weight" in state:
            weight, u = found[f"{stem}.weight"], found.pop(name).double().flatten()
            found.pop(f"{stem}.{value}", None)
            if weight.ndim < 2 or len(weight) != u.numel():
                raise ModelError(f"spectral norm: '{name}' has {u.numel()} numbers beside {list(weight.shape)} weights")
            matrix = weight.double().flatten(1)
            right = torch.nn.functional.normalize(u @ matrix, dim=0)
            left = torch.nn.functional.normalize(matrix @ right, dim=0)
            found[f"{stem}.weight"] = divided(weight, left, right)
    return found
