"""cGANs with Multi-Hinge Loss, Kavalerov et al. 2021, arXiv 1912.04216."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.parts import Conditioning, Output


class MultiHingeHead(nn.Module):
    """A logit for each class and one for "fake"; the score is the class's own less that of "fake".

    Args:
        features: how many there are of them once flattened.
        y_dim: number of classes.
        bias: whether the logits have one.
    """

    def __init__(self, features: int, y_dim: int, bias: bool = True) -> None:
        super().__init__()
        self.classifier = nn.Linear(features, y_dim + 1, bias=bias)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)``, and ``class_logits`` ``(B, y_dim + 1)``, of which the last is that of "fake"."""
        logits = self.classifier(features.flatten(1))
        own = (logits[:, :-1] * y).sum(1)
        return Output(own - logits[:, -1], features, {"class_logits": logits})


class MultiHinge(Conditioning):
    """D sorts images into the classes and "fake" (Kavalerov et al. 2021); it learns by the loss ``multi-hinge``.

    Of K + 1 logits ``o = W h(x) + b`` the last is that of "fake". Source: arXiv 1912.04216, with a score for parts that
    need one, ``D(x, y) = o_y - o_K``.

    Args:
        y_dim: number of classes.
    """

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`MultiHingeHead`."""
        return MultiHingeHead(features, self.y_dim, bias)
