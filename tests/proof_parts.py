"""Small parts, one for each thing that a paper may ask of the contracts; of ganzoo they see the public surface."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganzoo
from ganzoo.parts import Augment, Loss, Output, Regularizer, TurnContext, frozen, global_draw, global_mean


class ClassHinge(Loss):
    """A hinge with a margin of its own for each class: a loss that labels matter to."""

    def margins(self, y: Tensor) -> Tensor:
        """``(B,)``: 1 and up, by the class's number; 1 without labels."""
        steps = torch.arange(y.shape[1], device=y.device, dtype=y.dtype)
        return 1 + 0.1 * y @ steps

    def discriminator(self, ctx: TurnContext) -> Tensor:
        """How far real scores are below their margin, plus how far fake scores are above minus theirs."""
        real, fake = ctx.discriminate(ctx.real).score, ctx.discriminate(ctx.fake).score
        return F.relu(self.margins(ctx.y_real) - real).mean() + F.relu(self.margins(ctx.y_fake) + fake).mean()

    def generator(self, ctx: TurnContext) -> Tensor:
        """Minus the mean fake score."""
        return -ctx.discriminate(ctx.fake).score.mean()


class Balance(nn.Module, Loss):
    """Least squares in which D cares less for fakes the better it is: BEGAN's k in miniature, a state that is seen."""

    share: Tensor

    def __init__(self, *, rate: float = 0.1) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("share", torch.tensor(0.5))

    def discriminator(self, ctx: TurnContext) -> Tensor:
        """Squared distance of real scores from 1, and of fake scores from 0 as far as the state says."""
        real, fake = ctx.discriminate(ctx.real).score, ctx.discriminate(ctx.fake).score
        loss = (real - 1).square().mean() + self.share.clone() * fake.square().mean()
        with torch.no_grad():
            gap = global_mean((real - 1).square()) - global_mean(fake.square())
            self.share.add_(self.rate * gap).clamp_(0.1, 1)
        ctx.report("share", self.share)
        return loss

    def generator(self, ctx: TurnContext) -> Tensor:
        """Squared distance of fake scores from 1."""
        return (ctx.discriminate(ctx.fake).score - 1).square().mean()


class Answer(nn.Module, Regularizer):
    """A network that guesses the mean of the noise from the image; both players help it, G owns it (InfoGAN)."""

    players, owner = ("d", "g"), "g"

    def __init__(self, *, weight: float = 0.1) -> None:
        super().__init__()
        self.weight = weight
        self.guess = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16, 1))

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Squared error of the guess."""
        if ctx.player == "d":  # D's part of it is in its scores: they are to follow the noise, too
            return {"follow": self.weight * (ctx.discriminate(ctx.fake).score - ctx.z.mean(1)).square().mean()}
        error = self.guess(ctx.fake.mean(1, keepdim=True)).squeeze(1) - ctx.z.mean(1)
        return {"answer": self.weight * error.square().mean()}


class Codes(nn.Module, Regularizer):
    """Two classes and a number that G is told behind the noise, and that a network reads off its images (InfoGAN)."""

    players, owner, codes = ("g",), "g", 3

    def __init__(self, *, weight: float = 0.1) -> None:
        super().__init__()
        self.weight = weight
        self.read = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16, 3))

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """One-hot classes ``(n, 2)``, and a number in [-1, 1]."""
        kinds = F.one_hot((2 * torch.rand(n, generator=rng)).long(), 2).float()
        return torch.cat([kinds, 2 * torch.rand(n, 1, generator=rng) - 1], 1)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Cross-entropy of the class, and squared error of the number."""
        codes, read = ctx.codes(self), self.read(ctx.fake.mean(1, keepdim=True))
        kinds = F.cross_entropy(read[:, :2], codes[:, :2])
        return {"codes": self.weight * (kinds + (read[:, 2] - codes[:, 2]).square().mean())}


class PathLength(nn.Module, Regularizer):
    """G's image moves as far for each step of the noise: path length in miniature, in a step of its own."""

    players, owner, own_step = ("g",), "g", True
    mean: Tensor

    def __init__(self, *, weight: float = 0.1, every: int = 2) -> None:
        super().__init__()
        ganzoo.within("pathlength:every", every, 1)
        self.weight, self.every = weight, every
        self.register_buffer("mean", torch.zeros(()))

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Squared distance of the lengths from their moving average."""
        z = ctx.z.detach().requires_grad_()
        with torch.enable_grad():
            image = ctx.generate(z, ctx.y_fake, exact=True)
            noise = global_draw(torch.randn, *image.shape).to(image, non_blocking=True) / image[0].numel() ** 0.5
            (slope,) = torch.autograd.grad((image * noise).sum(), z, create_graph=True)
        lengths = (slope.square().sum(1) + 1e-8).sqrt()
        with torch.no_grad():
            self.mean.lerp_(global_mean(lengths).to(self.mean), 0.1)
        ctx.report("length", lengths)
        return {"path": self.weight * (lengths - self.mean).square().mean()}


class Adaptive(nn.Module, Augment):
    """Images are dimmed the more, the surer D is of real ones: ADA in miniature."""

    p: Tensor

    def __init__(self, *, target: float = 0.6, rate: float = 0.05) -> None:
        super().__init__()
        self.target, self.rate = target, rate
        self.register_buffer("p", torch.zeros(()))

    def images(self, x: Tensor, ctx: TurnContext) -> Tensor:
        """Each image dimmed with the probability ``p``."""
        chosen = (global_draw(torch.rand, len(x), 1, 1, 1).to(x, non_blocking=True) < self.p).to(x)
        return x * (1 - 0.5 * chosen)

    def observe(self, ctx: TurnContext) -> None:
        """Move ``p`` by the mean sign of real scores, over the global batch."""
        with torch.no_grad():
            sign = global_mean(ctx.discriminate(ctx.real).score.sign())
            self.p.add_(self.rate * (sign - self.target).sign()).clamp_(0, 0.8)
        ctx.report("p", self.p)


class Trunk(nn.Module):
    """A generator that takes half of the usual noise, whatever that is."""

    def __init__(self, kit: Any, width: int) -> None:
        super().__init__()
        self.kit_image, self.z_dim = kit.image, max(kit.z_dim // 2, 1)
        self.shapes = ((self.z_dim,), (kit.y_dim,))
        self.draw = kit.draw
        self.layers = nn.Sequential(
            nn.Linear(self.z_dim + kit.y_dim, width), nn.ReLU(), nn.Linear(width, torch.Size(kit.image).numel())
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images in [-1, 1] of noise ``(B, z_dim)``."""
        return self.layers(torch.cat([z, y], 1)).reshape(len(z), *self.kit_image).tanh()

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """Noise ``(n, z_dim)`` of its own length."""
        return self.draw(n, self.z_dim, rng, truncation)


class ThreeHeads(nn.Module):
    """A discriminator with three heads: of the image, of half of it, and of its quarters."""

    def __init__(self, kit: Any, width: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.trunks = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(kit.channels * side**2, width), nn.ReLU())
            for side in (8, 4, 2)
        )
        self.heads = nn.ModuleList(nn.Linear(width + kit.y_dim, scores) for scores in (1, 1, 4))

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)``, ``(B,)`` and ``(B, 4)``."""
        features = tuple(trunk(x) for trunk in self.trunks)
        scores = [head(torch.cat([f, y], 1)) for head, f in zip(self.heads, features, strict=True)]
        return Output((scores[0].squeeze(1), scores[1].squeeze(1), scores[2]), features)


class Eyes:
    """Where the weights of a frozen network come from: a file of its own, which a test may change or take away."""

    seed: int | None = 7
    opened = 0

    @classmethod
    def load(cls) -> nn.Module:
        """Features ``(B, 8, H/2, W/2)`` of images with three planes."""
        if cls.seed is None:
            raise ganzoo.GanzooError("the weights of eyes are not here: put them there")
        cls.opened += 1
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(cls.seed)
            return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())


class Projected(nn.Module):
    """A discriminator that looks through a frozen network, and through a mixing layer drawn at random."""

    def __init__(self, kit: Any, width: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.planes = kit.channels
        self.eyes = frozen(Eyes.load, "eyes")
        self.mix = frozen(lambda: nn.Conv2d(8, width, 1))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width + kit.y_dim, 1))
        self.conditioning = kit.condition()

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)``."""
        features = self.mix(self.eyes(x.mean(1, keepdim=True).expand(-1, 3, -1, -1)))
        pooled = self.head[:2](features)
        return Output(self.head[2](torch.cat([pooled, y], 1)).squeeze(1), features)


def looking(g: Any, d: Any, *, ch: int = 16) -> dict[str, nn.Module]:
    """A small G, and a D of frozen features."""
    ganzoo.within("looking:ch", ch, 1)
    return {"G": Trunk(g, ch), "D": Projected(d, ch)}


def small(g: Any, d: Any, *, ch: int = 16) -> dict[str, nn.Module]:
    """A G that ignores the noise's usual length, and a D with three heads."""
    ganzoo.within("small:ch", ch, 1)
    return {"G": Trunk(g, ch), "D": ThreeHeads(d, ch)}


@ganzoo.hookimpl
def register_losses(register: ganzoo.Register) -> None:
    """Losses with labels, and with a state."""
    register("classhinge", ClassHinge)
    register("balance", Balance, across_batch=True)


@ganzoo.hookimpl
def register_regularizers(register: ganzoo.Register) -> None:
    """One of both players with a network, one of G that takes its own step."""
    register("answer", Answer)
    register("codes", Codes)
    register("pathlength", PathLength, family="path", across_batch=True)


@ganzoo.hookimpl
def register_augments(register: ganzoo.Register) -> None:
    """One that adapts."""
    register("adaptive", Adaptive, across_batch=True)


@ganzoo.hookimpl
def register_architectures(register: ganzoo.Register) -> None:
    """Networks by protocol, of no base class of ganzoo's."""
    register("small", small)
    register("looking", looking, train={"init": "normal"})


PROOFS = {
    "loss with labels": "sngan:ch=4+normalization/none+onehot+classhinge",
    "loss with a state": "gan:ch=16+balance",
    "several heads": "small+hinge",
    "several heads, paired": "small+relativistic",
    "regularizer of both with a network": "gan:ch=16+answer",
    "codes behind the noise": "dcgan:ch=4+normalization/none+codes",
    "path length in a step of its own": "gan:ch=16+pathlength",
    "augmentation that adapts": "gan:ch=16+hinge+adaptive",
    "frozen networks": "looking+sn@d+hinge",
    "all at once": "small+balance+answer+pathlength+adaptive",
}
