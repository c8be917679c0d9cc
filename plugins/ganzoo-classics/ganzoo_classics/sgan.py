"""SGAN: a discriminator that names classes too, and learns them from a few labels.

Semi-Supervised Learning with Generative Adversarial Networks (Odena 2016, arXiv 1606.01583), section 2, which is at the
same time that of Improved Techniques for Training GANs (Salimans et al. 2016, arXiv 1606.03498), section 5: a softmax
over K classes and one more, of fakes. With logits l of D and those of the classes among them,

    score = log Σ_k exp l_k - l_{K+1},   so  sigmoid(score) = p(real | x)
    D:  -E log p(real | x) - E log p(fake | G(z)) - E log p(y | x, real)   the last over images whose label is known
    G:  -E log p(real | G(z))

and -log p(real | x) - log p(y | x, real) = -log p(y | x) of the softmax over all K + 1, the paper's loss. How ours
differs: the first two terms are those of the recipe's loss, of the score; the last is a mean over the labelled images
of a batch. G is told labels only where a recipe says so. Which labels are known, the column ``labelled`` of the data
says: ``few-labels:100:mnist`` has a hundred of them; other data has all.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Batch, Conditioning, Discriminator, Generator, Kit, NoiseGame, Output, TurnContext, within
from ganzoo.parts import global_mean, world
from ganzoo_classics.convolutions import Drawing, Looking, check_widths
from ganzoo_classics.encoding import Classifies

LABELLED = "labelled"  # column of the data: 1 where the label of an image is known, 0 where it is hidden
TRUTH = "truth"  # in the batches of this game: labels as the data has them, to be counted and nothing else


class OneClassMoreHead(nn.Module):
    """A linear map to ``y_dim + 1`` logits, the last of which is of fakes."""

    def __init__(self, features: int, y_dim: int, bias: bool) -> None:
        super().__init__()
        self.logits = nn.Linear(features, y_dim + 1, bias=bias)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)``, the log odds of real, and ``class_logits`` ``(B, y_dim)`` in ``extras``."""
        logits = self.logits(features.flatten(1))
        classes, fake = logits[:, :-1], logits[:, -1]
        return Output(classes.logsumexp(1) - fake, features, {"class_logits": classes})


class OneClassMore(Conditioning):
    """D has a class for fakes beside those of the data, and learns these where labels are known (Odena 2016).

    ``score = logsumexp(l_1..K) - l_{K+1}``, and in D's updates ``weight·E[CE(softmax(l_1..K), y)]`` over the images
    whose label vector is not 0. Source: arXiv 1606.01583, section 2, equation of arXiv 1606.03498, section 5.

    Args:
        y_dim: number of classes.
        weight: of the cross-entropy.
    """

    def __init__(self, y_dim: int, *, weight: float = 1.0) -> None:
        super().__init__(y_dim)
        within("kplus1:weight", weight, 0)
        self.weight = weight

    def head(self, features: int, bias: bool) -> nn.Module:
        """A classifier of one class more."""
        return OneClassMoreHead(features, self.y_dim, bias)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The cross-entropy of real images whose label is known, in D's updates."""
        if ctx.player != "d":
            return {}
        logits = ctx.discriminate(ctx.real).extras["class_logits"]
        known = (ctx.y_real.sum(1) > 0).float()
        each = F.cross_entropy(logits, ctx.y_real, reduction="none")  # 0 without a label
        share = global_mean(known).clamp(min=1 / (len(known) * world().size))
        return {"class": self.weight * (each * known).mean() / share}


def sgan(g: Kit, d: Kit, *, ch: int = 64, ch_d: int | None = None) -> dict[str, nn.Module]:
    """D names classes, learnt from a few labels and many images without (Odena 2016, arXiv 1606.01583).

    Networks are as of DCGAN. Attention sites of G and D are all maps below the image's size; own ones the largest of
    them, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of G's largest map below the image's size; they double with every halving.
        ch_d: the same of D; ``ch`` by default.
    """
    trunk = Looking("sgan", d, d.inputs, check_widths("sgan", ch, ch_d))
    return {"G": Generator(g, Drawing("sgan", g, g.latent, ch)), "D": Discriminator(d, trunk, trunk.features)}


class SemiSupervisedGame(Classifies, NoiseGame):
    """The usual game, in which labels may be hidden: their vectors are 0. D is part of the model, as it names classes.

    ``class_accuracy`` and ``hidden_accuracy`` are reported: shares of the real images of a batch, with known and with
    hidden labels, whose class D names.
    """

    published: ClassVar[tuple[str, ...]] = ("D",)

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """As of the usual game, with the labels that are known."""
        return super().context(self.hidden(batch), step, side)

    def hidden(self, batch: Batch) -> Batch:
        """A batch whose labels are vectors, 0 where they are hidden; the true ones are :data:`TRUTH`."""
        y = self.gan.label_vectors(batch["label"], len(batch["image"])).to(batch["image"].device)
        known = batch[LABELLED].to(y) if LABELLED in batch else y.new_ones(len(y))
        return {**batch, "label": y * known[:, None], TRUTH: y, LABELLED: known}

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's terms; how many classes it names is reported."""
        ctx = self.context(batch, step, "d")
        terms = self.adversary.discriminator_loss(ctx)
        if not ctx.at.own_step and "class_logits" in (extras := ctx.discriminate(ctx.real).extras):
            self.report(ctx, extras["class_logits"].detach())
        return terms

    def report(self, ctx: TurnContext, logits: Tensor) -> None:
        """Say how many classes of known and of hidden labels D names; nothing of those that the batch has none of."""
        right = (logits[:, : self.gan.classes].argmax(1) == ctx.batch[TRUTH].argmax(1)).float()
        known = ctx.batch[LABELLED]
        for name, chosen in {"class_accuracy": known, "hidden_accuracy": 1 - known}.items():
            ctx.report(name, global_mean(right * chosen) / global_mean(chosen))  # NaN of none, which says nothing

    def class_logits(self, x: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of images, by D's head."""
        gan: Any = self.gan
        said: Output = gan.D(x, torch.zeros(len(x), gan.classes, device=x.device))
        logits: Tensor = said.extras["class_logits"]
        return logits[:, : gan.classes]
