"""The conditional discriminator of StyleGAN2-ADA, Karras et al. 2020, arXiv 2006.06676."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.equalized import EqualizedLinear, EqualizedMLP, UnitMeanSquare
from ganzoo.parts import Conditioning, Output

WIDTH = 512  # of the vectors in the paper's networks


class MappedProjectionHead(nn.Module):
    """The inner product of a vector of the features with one that a network makes of the label.

    Args:
        features: how many there are of them once flattened.
        y_dim: length of the label vector.
        width: of both vectors.
        layers: of the network that maps the label.
    """

    def __init__(self, features: int, y_dim: int, width: int, layers: int) -> None:
        super().__init__()
        self.embed = EqualizedLinear(y_dim, width)
        self.normalise = UnitMeanSquare()
        self.mapping = EqualizedMLP(width, layers)
        self.vector = EqualizedLinear(features, width)
        self.scale = 1 / math.sqrt(width)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of features under label vectors."""
        label = self.mapping(self.normalise(self.embed(y)))
        return Output((self.vector(features.flatten(1)) * label).sum(1) * self.scale, features)


class MappedProjection(Conditioning):
    """Projection on a label that went through layers of its own: the D of conditional StyleGAN2 (Karras et al. 2020).

    ``⟨W h(x), m(y)⟩/√width``: source arXiv 2006.06676, appendix C, where the label is embedded, scaled to a mean square
    of 1 and mapped by 8 layers that learn a hundredth as fast. PyTorch-StudioGAN calls it SPD.

    Args:
        y_dim: length of the label vector.
        width: of the vectors; by default 512, or the number of features where that is less.
        layers: that map the label.
    """

    def __init__(self, y_dim: int, *, width: int | None = None, layers: int = 8) -> None:
        super().__init__(y_dim)
        within("spd:width", width, 1)
        within("spd:layers", layers, 0, 64)
        self.width, self.layers = width, layers

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`MappedProjectionHead`."""
        return MappedProjectionHead(features, self.y_dim, self.width or min(WIDTH, features), self.layers)
