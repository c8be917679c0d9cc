"""What is done to the weights of networks once they are built, in this order: initialise, then reparametrise.

A parametrised layer computes ``module.weight`` from what it stores, so an initialiser that came after would write into
a temporary and be lost; and spectral norm estimates its vectors of the weight it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from ganzoo.parts.freeze import learning_modules, uninitialised_modules
from ganzoo.plan.plan import Slot

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED, nn.Linear)


def output_dim(module: nn.Module) -> int:
    """The dimension of ``module.weight`` that counts outputs; transposed convolutions have it second."""
    return 1 if isinstance(module, TRANSPOSED) else 0


def with_weights(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The convolutions, linear layers and embeddings among modules, but those with ``ganzoo_weight = "own"``.

    By type, not by the attribute ``weight``: torch would silently accept a batch norm, whose weight is no matrix. What
    has ``"own"`` nobody reparametrises or regularises, such as the class embedding that norms share.
    """
    layers = (module for module in modules if isinstance(module, (*WEIGHTED, nn.Embedding)))
    return [layer for layer in layers if getattr(layer, "ganzoo_weight", "") != "own"]


def initialise(network: nn.Module, init: str) -> None:
    """Draw the weights of every convolution and linear layer anew, biases zero; ``default`` keeps what they have.

    A module with ``ganzoo_init = "own"`` is left alone with all that it holds, such as a last layer that starts at 0.

    Args:
        network: whose weights.
        init: the setting, ``NAME`` or ``NAME/WIDTH``: a standard deviation or a gain.
    """
    name, _, width = init.partition("/")
    draws: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "normal": lambda w: nn.init.normal_(w, 0.0, float(width or 0.02)),
        "orthogonal": lambda w: nn.init.orthogonal_(w, float(width or 1.0)),
        "xavier": lambda w: nn.init.xavier_uniform_(w, float(width or 1.0)),
    }
    for module in uninitialised_modules(network):
        if name in draws and isinstance(module, WEIGHTED):
            draws[name](module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def reparametrise(network: nn.Module, slot: Slot) -> None:
    """Put the weight part on the layers that :func:`with_weights` names."""
    if slot.entry is None:
        return
    apply = slot.entry.load()
    for module in with_weights(learning_modules(network)):  # listed first: a parametrization adds modules of its own
        apply(module, **slot.options)


def synchronise(network: nn.Module) -> None:
    """Let every batch norm take its statistics over the global batch of a distributed run (SyncBN)."""
    for module in learning_modules(network):
        if callable(sync := getattr(module, "sync", None)):
            sync()
