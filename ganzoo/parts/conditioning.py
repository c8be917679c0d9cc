"""How labels enter a network: what every conditioning can do."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.parts.context import TurnContext
from ganzoo.parts.output import Output


class LinearHead(nn.Module):
    """One linear map from features to a score; maps of features are flattened first.

    Args:
        features: how many there are of them once flattened.
        bias: whether the score has a bias.
    """

    def __init__(self, features: int, bias: bool = True) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=bias)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of features ``(B, F)`` or ``(B, F, H, W)``."""
        return Output(self.score(features.flatten(1)).squeeze(1), features)


class Conditioning(nn.Module):
    """No labels: D ends in one linear map to a score. Other ways for labels to enter derive from this class.

    ``D(x) = w·h(x) + b``, h the features.

    Args:
        y_dim: length of the label vector ``y`` ``(B, y_dim)``, one-hot for plain labels; 0 without labels.
    """

    def __init__(self, y_dim: int) -> None:
        super().__init__()
        self.y_dim = y_dim

    def added(self) -> int:
        """Channels that :meth:`embed` adds to its input."""
        return 0

    def embed(self, x: Tensor, y: Tensor) -> Tensor:
        """Labels before the trunk: ``x`` is an image ``(B, C, H, W)`` in D, a latent ``(B, z_dim)`` in G."""
        return x

    def attach(self, z_dim: int) -> int:
        """In a generator: build what :meth:`context` needs, and say how long what it returns is.

        Args:
            z_dim: length of the noise.
        """
        return self.y_dim

    def context(self, z: Tensor, y: Tensor) -> Tensor:
        """What a generator's trunk and its norms are called with, ``(B, c_dim)``; the label vectors by default.

        A conditioning that makes another context, such as one of the noise (self-modulation), declares
        ``provides={"context"}``; ``ccbn`` is the norm for it.

        Args:
            z: noise ``(B, z_dim)``.
            y: label vectors ``(B, y_dim)``.
        """
        return y

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Weighted losses of a discriminator's conditioning by name, in the updates of every player; none here."""
        return {}

    def head(self, features: int, bias: bool) -> nn.Module:
        """The module that a discriminator ends in, called ``head(features, y) -> Output``."""
        return LinearHead(features, bias)
