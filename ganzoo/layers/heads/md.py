"""The discriminator of FUNIT: Few-Shot Unsupervised Image-to-Image Translation, Liu et al. 2019, arXiv 1905.01723."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.parts import Conditioning, Output


class MultipleScores(nn.Module):
    """A score for each class, of which that of the image's own counts.

    Args:
        features: how many there are of them once flattened.
        y_dim: number of classes.
        bias: whether the scores have one.
    """

    def __init__(self, features: int, y_dim: int, bias: bool = True) -> None:
        super().__init__()
        self.scores = nn.Linear(features, y_dim, bias=bias)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of features under label vectors."""
        return Output((self.scores(features.flatten(1)) * y).sum(1), features)


class MultipleDiscriminators(Conditioning):
    """D decides "real or fake" for each class by itself: one output a class, and the image's class says which counts.

    ``D(x, y) = w_y·h(x) + b_y``, h the features of any trunk. Source: arXiv 1905.01723, section 3.1, and StarGAN v2
    (Choi et al. 2020, arXiv 1912.01865).

    Args:
        y_dim: number of classes.
    """

    def head(self, features: int, bias: bool) -> nn.Module:
        """:class:`MultipleScores`."""
        return MultipleScores(features, self.y_dim, bias)
