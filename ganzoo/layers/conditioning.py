"""How labels enter a network. ``plain`` is :class:`ganzoo.parts.conditioning.Conditioning` itself.

``y`` is a float label vector ``(B, y_dim)`` everywhere, one-hot for plain labels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.parts import Conditioning, LinearHead, NotNegative, Output, TurnContext


class ProjectionHead(LinearHead):
    """A linear score plus the inner product of the features with a learnt vector for ``y``."""

    def __init__(self, features: int, y_dim: int, bias: bool = True) -> None:
        super().__init__(features, bias)
        self.embedding = nn.Linear(y_dim, features, bias=False)
        nn.init.xavier_uniform_(self.score.weight)
        nn.init.xavier_uniform_(self.embedding.weight)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of features under label vectors."""
        plain = super().forward(features, y)
        match = (self.embedding(y) * features.flatten(1)).sum(1)
        return Output(plain.scores + match, features)


class Projection(Conditioning):
    """D adds to its score the inner product of its features with a vector per label.

    ``D(x, y) = w·h(x) + b + ⟨V y, h(x)⟩``, h the features. Source: cGANs with Projection Discriminator (Miyato & Koyama
    2018, arXiv 1802.05637), equation 3. As the paper; the look-up is a
    bias-free linear map of a float vector, the same for one-hot labels.
    """

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`ProjectionHead`, with ``y_dim * features`` parameters more than the plain one."""
        return ProjectionHead(features, self.y_dim, bias)


class ClassifierHead(LinearHead):
    """A linear score, and the logits of a classifier in ``extras["class_logits"]`` ``(B, y_dim)``."""

    def __init__(self, features: int, y_dim: int, bias: bool = True, classifier_bias: bool = True) -> None:
        super().__init__(features, bias)
        self.classifier = nn.Linear(features, y_dim, bias=classifier_bias)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` and class logits of features."""
        plain = super().forward(features, y)
        return Output(plain.scores, features, {"class_logits": self.classifier(features.flatten(1))})


class AuxiliaryClassifier(Conditioning):
    """D also names the class; both players are paid for images whose class it can name.

    Conditional Image Synthesis with Auxiliary Classifier GANs (Odena et al. 2017, arXiv 1610.09585). With the weights
    at 1 as the paper: D's classifier learns from real and fake images. Many later codes leave out the fake ones:
    ``weight.fake=0``.

    Args:
        y_dim: number of classes.
        weight: of the cross-entropy of real images in D's turn.
        weight_fake: of the cross-entropy of fake images in D's turn.
        weight_g: of the cross-entropy of fake images in G's turn.
        bias: whether the classifier has one; PyTorch-StudioGAN's has not.
    """

    def __init__(
        self,
        y_dim: int,
        *,
        weight: NotNegative = 1.0,
        weight_fake: NotNegative = 1.0,
        weight_g: NotNegative = 1.0,
        bias: bool = True,
    ) -> None:
        super().__init__(y_dim)
        self.classifier_bias = bias
        weights = {"d": {"real": weight, "fake": weight_fake}, "g": {"fake": weight_g}}
        self.weights = {side: {k: w for k, w in pairs.items() if w} for side, pairs in weights.items()}

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`ClassifierHead`, whose classifier gives ``y_dim`` logits."""
        return ClassifierHead(features, self.y_dim, bias, self.classifier_bias)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted cross-entropies of the player whose turn it is: ``class_real``, ``class_fake``."""
        seen = {"real": (ctx.real, ctx.y_real), "fake": (ctx.fake, ctx.y_fake)}
        return {
            f"class_{what}": weight * self.cross_entropy(ctx, *seen[what])
            for what, weight in self.weights.get(ctx.player, {}).items()
        }

    def cross_entropy(self, ctx: TurnContext, x: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy of D's classifier on images ``x`` against their label vectors ``y``."""
        return F.cross_entropy(ctx.discriminate(x).extras["class_logits"], y)


class Unlabelled(Conditioning):
    """Labels are left out, whatever the data has: G's norms and layers see noise alone, and D judges images alone.

    On both players, or on one: under ``@g`` alone a D whose architecture brings a way for labels to enter, as those of
    StyleGAN do, goes on judging labels that G cannot know, and wins by them.
    """

    def attach(self, z_dim: int) -> int:
        """The context is empty."""
        return 0

    def context(self, z: Tensor, y: Tensor) -> Tensor:
        """Empty vectors ``(B, 0)``."""
        return y[:, :0]


class OneHot(Conditioning):
    """The label vector is laid beside the input: after ``z`` in G, as constant maps under the image in D.

    Conditional Generative Adversarial Nets (Mirza & Osindero 2014, arXiv 1411.1784). The paper's networks are fully
    connected; for images ours adds one map per entry of ``y``, as later convolutional versions do.
    """

    def added(self) -> int:
        """One channel per entry of ``y``."""
        return self.y_dim

    def embed(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, ...)`` to ``(B, C + y_dim, ...)``."""
        maps = y.to(x.dtype).reshape(*y.shape, *(1,) * (x.dim() - 2)).expand(*y.shape, *x.shape[2:])
        return torch.cat([x, maps], 1)


class SelfModulation(Conditioning):
    """G's norms are scaled and shifted by the noise itself, and by labels where there are any.

    On Self Modulation for Generative Adversarial Networks (Chen et al. 2019, arXiv 1810.01365). There each norm has a
    layer of hidden units of its own, ``γ(z) = V max(0, U z + b)``; ours share it, and ``V`` is the norm's (``ccbn``, so
    scales start around 1). With labels the noise is ``z + E y + z · E' y``, as in the paper.

    Args:
        y_dim: length of the label vector.
        hidden: units, and so the length of the context.
    """

    def __init__(self, y_dim: int, *, hidden: int = 32) -> None:
        super().__init__(y_dim)
        within("selfmod:hidden", hidden, 1)
        self.hidden = hidden

    def attach(self, z_dim: int) -> int:
        """Build the hidden layer: the context has a number for each of its units."""
        self.modulate = nn.Linear(z_dim, self.hidden)
        self.labelled = LabelledNoise(self.y_dim, z_dim) if self.y_dim else UnlabelledNoise()
        return self.hidden

    def context(self, z: Tensor, y: Tensor) -> Tensor:
        """Hidden units ``(B, hidden)`` of noise and labels."""
        return F.relu(self.modulate(self.labelled(z, y)))


class LabelledNoise(nn.Module):
    """Noise with labels in it: ``z + E y + z · E' y``."""

    def __init__(self, y_dim: int, z_dim: int) -> None:
        super().__init__()
        self.shift = nn.Linear(y_dim, z_dim, bias=False)
        self.scale = nn.Linear(y_dim, z_dim, bias=False)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Noise ``(B, z_dim)`` of noise and label vectors ``(B, y_dim)``."""
        return z + self.shift(y) + z * self.scale(y)


class UnlabelledNoise(nn.Module):
    """Noise as it is, where there are no labels."""

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """``z`` itself."""
        return z
