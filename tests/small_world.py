"""A GAN so small that every loss, head and regularizer can be written out by hand in it, in float64.

Noise of three numbers, images of 1x4x4, three classes, five features. G and D are two linear maps with a tanh between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.parts import Conditioning, Output, TurnContext
from ganzoo.parts.update import Update
from ganzoo.registry.loading import registry

B, K, Z, F, SIDE = 5, 3, 3, 5, 4
REAL, FAKE = [0, 1, 2, 0, 1], [2, 2, 1, 0, 1]  # classes of the images


def one_hot(classes: Iterable[int]) -> Tensor:
    return torch.eye(K, dtype=torch.float64)[list(classes)]


class SmallG(nn.Module):
    """Images ``(B, 1, 4, 4)`` of noise and whatever codes lie behind it."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(inputs, 6), nn.Linear(6, SIDE**2)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.last(self.first(z).tanh()).tanh().reshape(-1, 1, SIDE, SIDE)


class SmallD(nn.Module):
    """A linear map of the pixels, tanh, and a head."""

    def __init__(self, conditioning: Conditioning) -> None:
        super().__init__()
        self.features = F
        self.conditioning = conditioning
        self.trunk = nn.Linear(SIDE**2 * (1 + conditioning.added()), F)
        self.head = conditioning.head(F, True)

    def forward(self, x: Tensor, y: Tensor) -> Output:
        return self.head(self.trunk(self.conditioning.embed(x, y).flatten(1)).tanh(), y)


def part(word: str, *arguments: object, **options: object) -> Any:
    """What ``kind/name`` makes, with options."""
    return registry().find(word).load()(*arguments, **options)


class World:
    """One update of one player, and what formulas are made of.

    Args:
        player: who learns.
        head: the conditioning of D, ``kind/name`` and options.
        codes: how many numbers lie behind the noise.
    """

    def __init__(self, player: str, head: tuple[str, Mapping[str, object]], codes: int = 0) -> None:
        torch.manual_seed(3)
        self.player = player
        name, options = head
        self.G, self.D = SmallG(Z + codes), SmallD(part(name, K, **options))
        self.modules = nn.ModuleDict({"G": self.G, "D": self.D})
        self.real = torch.rand(B, 1, SIDE, SIDE, dtype=torch.float64) * 2 - 1
        self.z = torch.randn(B, Z + codes, dtype=torch.float64)
        self.y_real, self.y_fake = one_hot(REAL), one_hot(FAKE)
        self.parts: list[Any] = []

    def ready(self) -> None:
        """Float64 throughout, weights that nothing is special about, and gradients for the player alone."""
        learners = [own for own in self.parts if isinstance(own, nn.Module)]
        self.own = {"g": [self.G], "d": [self.D, *learners]}[self.player]
        for module in (self.G, self.D, *learners):
            module.double().requires_grad_(module in self.own)
            for parameter in module.parameters():
                parameter.data.copy_(torch.randn_like(parameter) * 0.7)

    @property
    def parameters(self) -> list[Tensor]:
        return [parameter for module in self.own for parameter in module.parameters()]

    def context(self, codes: Mapping[int, slice] | None = None, refine: Callable[..., Tensor] | None = None) -> Any:
        """The update as parts see it."""
        ctx = TurnContext(
            Update(0, self.player),
            lambda ctx, x, exact, conditions: self.D(x, conditions["y"]),
            self.G,
            batch={},
            real=self.real,
            z=self.z,
            y_real=self.y_real,
            y_fake=self.y_fake,
            networks={"G": self.G, "D": self.D},
            codes=codes,
        )
        if refine is not None:
            ctx.z = refine(ctx)
        with torch.set_grad_enabled(self.player == "g" or ctx.z.requires_grad):
            ctx.fake = ctx.generate(ctx.z, ctx.y_fake)
        return ctx

    # --- what formulas are made of: images one by one, and no method of a part ---

    @property
    def fake(self) -> Tensor:
        return self.made(self.z) if self.player == "g" else self.made(self.z).detach()

    def made(self, z: Tensor) -> Tensor:
        """G, written out."""
        h = torch.tanh(z @ self.G.first.weight.T + self.G.first.bias)
        return torch.tanh(h @ self.G.last.weight.T + self.G.last.bias).reshape(-1, 1, SIDE, SIDE)

    def h(self, x: Tensor) -> Tensor:
        """The features ``(F,)`` of one image."""
        return torch.tanh(self.D.trunk.weight @ x.flatten() + self.D.trunk.bias)

    def s(self, x: Tensor, y: int) -> Tensor:
        """The plain score of one image."""
        return self.D.head.score.weight[0] @ self.h(x) + self.D.head.score.bias[0]

    def slope(self, x: Tensor) -> Tensor:
        """The gradient of the plain score of one image in its pixels, in closed form."""
        return ((1 - self.h(x) ** 2) * self.D.head.score.weight[0]) @ self.D.trunk.weight

    def seen(self) -> tuple[Tensor, list[int]]:
        """The images of the player's own update and their classes: reals for D, fakes for G."""
        return {"d": (self.real, REAL), "g": (self.fake, FAKE)}[self.player]


def mean(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()
