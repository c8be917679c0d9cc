"""The mapping network of style-based generators: noise and label to w."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.equalized import EqualizedLinear, EqualizedMLP, UnitMeanSquare

MOST_LAYERS = 64


def check_style(name: str, *, ch: int, full: int, mapping: int, w_dim: int | None) -> None:
    """Refuse sizes of a style-based generator that there are not.

    Args:
        name: of the architecture, for messages.
        ch: channels of the widest maps.
        full: side up to which maps are that wide.
        mapping: layers of the mapping network.
        w_dim: length of w; None for the default.
    """
    within(f"{name}:ch", ch, 1)
    within(f"{name}:full", full, 1)
    within(f"{name}:mapping", mapping, 1, MOST_LAYERS)
    within(f"{name}:w.dim", w_dim, 1)


class MappingNetwork(nn.Module):
    """Noise, and a label if there is one, each scaled to a mean square of 1, through layers of one width.

    A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948); the
    label as in Training Generative Adversarial Networks with Limited Data (Karras et al. 2020, arXiv 2006.06676): a
    linear map of it stands beside the noise.

    Args:
        latent: length of the noise.
        labels: length of the label vector; 0 for none.
        w_dim: length of w, and of every layer.
        layers: how many.
        speed: of their learning, in effect.
    """

    def __init__(self, latent: int, labels: int, w_dim: int, layers: int, speed: float = 0.01) -> None:
        super().__init__()
        self.normalise = UnitMeanSquare()
        empty = nn.Identity()  # of an empty vector
        self.embed = nn.Sequential(EqualizedLinear(labels, w_dim), UnitMeanSquare()) if labels else empty
        self.layers = EqualizedMLP(w_dim, layers, speed, inputs=latent + (w_dim if labels else 0))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Noise ``(B, latent)`` and label vectors ``(B, labels)`` to w ``(B, w_dim)``."""
        w: Tensor = self.layers(torch.cat([self.normalise(h), self.embed(c)], 1))
        return w
