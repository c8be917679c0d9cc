"""The class in D of R3GAN, Huang et al. 2024, arXiv 2501.05441."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ganzoo.parts import Conditioning, Output


class BilinearHead(nn.Module):
    """The inner product of a linear map of the features with a vector for the label.

    Args:
        features: how many there are of them once flattened.
        y_dim: length of the label vector.
    """

    ganzoo_init = "own"

    def __init__(self, features: int, y_dim: int) -> None:
        super().__init__()
        self.map = nn.Linear(features, features, bias=False)
        self.embedding = nn.Linear(y_dim, features, bias=False)
        nn.init.normal_(self.map.weight, std=1 / math.sqrt(features))
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(features))

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of features under label vectors."""
        return Output((self.map(features.flatten(1)) * self.embedding(y)).sum(1), features)


class Bilinear(Conditioning):
    """D's score is bilinear in its features and the label, without a part that labels do not enter.

    ``D(x, y) = ⟨A h(x), V y⟩``, h the features. Source: arXiv 2501.05441, whose conditional networks end so.

    Args:
        y_dim: length of the label vector.
    """

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`BilinearHead`."""
        return BilinearHead(features, self.y_dim)
