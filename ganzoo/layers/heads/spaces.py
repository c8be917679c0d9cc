"""What contrastive heads share: embeddings of images beside proxies of classes, on the unit sphere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.heads.adc import real_and_fake
from ganzoo.parts import Conditioning, LinearHead, Output, TurnContext, gather

Aux = Literal["none", "tac", "adc"]
Contrast = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A loss, a scalar, of unit embeddings ``(B, W)``, the unit proxies of their own labels, and label vectors."""


class Space(nn.Module):
    """Unit vectors of features, and one for each label.

    Args:
        features: how many there are of them once flattened.
        labels: how many labels have a proxy.
        width: of the vectors.
    """

    def __init__(self, features: int, labels: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.proxies = nn.Linear(labels, width, bias=False)

    def forward(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and proxies ``(B, W)`` of features ``(B, F)`` and label vectors ``(B, labels)``."""
        return F.normalize(self.embed(features), dim=1), F.normalize(self.proxies(labels), dim=1)


class ContrastiveHead(LinearHead):
    """A linear score, and in ``extras`` unit vectors ``embedding`` and ``proxy`` ``(B, W)``."""

    def __init__(self, features: int, y_dim: int, width: int, bias: bool = True) -> None:
        super().__init__(features, bias)
        self.space = Space(features, y_dim, width)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` and embeddings of features."""
        embedding, proxy = self.space(features.flatten(1), y)
        return Output(super().forward(features, y).scores, features, {"embedding": embedding, "proxy": proxy})


class TwinContrastiveHead(ContrastiveHead):
    """With a second space, of fakes: ``twin_embedding`` and ``twin_proxy`` (TAC, arXiv 1907.02690)."""

    def __init__(self, features: int, y_dim: int, width: int, bias: bool = True) -> None:
        super().__init__(features, y_dim, width, bias)
        self.twin = Space(features, y_dim, width)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` and both embeddings of features."""
        own = super().forward(features, y)
        embedding, proxy = self.twin(features.flatten(1), y)
        return Output(own.scores, features, {**own.extras, "twin_embedding": embedding, "twin_proxy": proxy})


class SplitContrastiveHead(LinearHead):
    """With two proxies a class: ``proxy`` of real images, ``fake_proxy`` of fakes (ADC, arXiv 2107.10060)."""

    def __init__(self, features: int, y_dim: int, width: int, bias: bool = True) -> None:
        super().__init__(features, bias)
        self.space = Space(features, 2 * y_dim, width)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)``, and embeddings of features."""
        as_real, as_fake = real_and_fake(y)
        embedding, proxy = self.space(features.flatten(1), as_real)
        fake_proxy = F.normalize(self.space.proxies(as_fake), dim=1)
        extras = {"embedding": embedding, "proxy": proxy, "fake_proxy": fake_proxy}
        return Output(super().forward(features, y).scores, features, extras)


HEADS = {"none": ContrastiveHead, "tac": TwinContrastiveHead, "adc": SplitContrastiveHead}


class Contrastive(Conditioning):
    """Embeddings of images are drawn to their class's proxy, reals in D's updates and fakes in G's.

    Args:
        y_dim: number of classes.
        name: of the part, for messages.
        weight: of the loss.
        width: of the embeddings.
        aux: what fakes add: ``"none"``; ``"tac"``, a second space that learns from them, whose loss G subtracts; or
            ``"adc"``, a second proxy a class for fakes, under which G subtracts the loss.
        weight_d: of the loss of ``"tac"`` in D's updates.
        weight_g: of what G subtracts.
    """

    def __init__(
        self, y_dim: int, *, name: str, weight: float, width: int, aux: Aux, weight_d: float, weight_g: float
    ) -> None:
        super().__init__(y_dim)
        within(f"{name}:width", width, 1)
        self.weight, self.width, self.aux = weight, width, aux
        self.twins = {"d": weight_d, "g": -weight_g}
        self.added_terms = {"none": self.no_more, "tac": self.twin, "adc": self.split}[aux]

    def contrast(self, embedding: Tensor, proxy: Tensor, y: Tensor) -> Tensor:
        """The loss of a global batch of unit vectors ``(B, W)`` with label vectors ``(B, y_dim)``, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} has no contrast(embedding, proxy, y)")

    def head(self, features: int, bias: bool) -> nn.Module:
        """The head of ``aux``."""
        return HEADS[self.aux](features, self.y_dim, self.width, bias)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted losses of this update, each by itself: ``contrast``, and what ``aux`` adds."""
        images, y = {"d": (ctx.real, ctx.y_real), "g": (ctx.fake, ctx.y_fake)}[ctx.player]
        return {"contrast": self.weight * self.of(ctx, images, y, "embedding", "proxy"), **self.added_terms(ctx)}

    def of(self, ctx: TurnContext, images: Tensor, y: Tensor, embedding: str, proxy: str) -> Tensor:
        """The loss of D's vectors of images, by their names in ``extras``."""
        extras = ctx.discriminate(images).extras
        return self.contrast(gather(extras[embedding]), gather(extras[proxy]), gather(y))

    def no_more(self, ctx: TurnContext) -> dict[str, Tensor]:
        """What plain contrast adds."""
        return {}

    def twin(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The loss of fakes in the second space, which D lowers and G raises."""
        return {"twin": self.twins[ctx.player] * self.of(ctx, ctx.fake, ctx.y_fake, "twin_embedding", "twin_proxy")}

    def split(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The loss of fakes under their own proxies, which D lowers and G raises."""
        weight = {"d": self.weight, "g": self.twins["g"]}[ctx.player]
        return {"contrast_fake": weight * self.of(ctx, ctx.fake, ctx.y_fake, "embedding", "fake_proxy")}


def same_class(y: Tensor) -> Tensor:
    """``(B, B)``, whether two label vectors ``(B, y_dim)`` are of one class."""
    classes = y.argmax(1)
    return classes[:, None] == classes[None, :]


def others(n: int, device: torch.device) -> Tensor:
    """``(n, n)``, whether two places are not the same."""
    return ~torch.eye(n, dtype=torch.bool, device=device)
