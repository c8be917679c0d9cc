"""Growing networks: a training that starts with small images, and fades in one doubling after the other.

Progressive Growing of GANs for Improved Quality, Stability, and Variation (Karras et al. 2018, arXiv 1710.10196),
section 2. A network that grows has a :class:`Growth` among its modules, which says how many of its maps are at work.
In training its images have the size of the stage; otherwise they are whole, those of a stage before the last enlarged.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, either, within
from ganzoo.gan.gan import GAN
from ganzoo.gan.noise import NoiseGame
from ganzoo.parts.context import Batch, TurnContext
from ganzoo.parts.update import Update
from ganzoo.schedules import NotNegativeNumber, number_at

OPTIONS = ("start", "grow", "fade")  # of recipes, which are about growing
STEPS = 1 << 16  # of a stage: few enough for float32 to hold a level exactly


def enlarge(x: Tensor, factor: int = 2) -> Tensor:
    """Maps ``(B, C, H, W)`` with each pixel repeated ``factor`` times along both axes."""
    if factor == 1:
        return x
    # Copies of a view: unlike F.interpolate, exporters write that with its factor.
    channels, height, width = map(int, x.shape[1:])  # and any number of images, which one that traces would fix
    wide = x[:, :, :, None, :, None].expand(-1, -1, -1, factor, -1, factor)
    return wide.reshape(-1, channels, height * factor, width * factor)


def shrink(x: Tensor, factor: int = 2) -> Tensor:
    """The means of squares of ``factor`` pixels' side of maps ``(B, C, H, W)``."""
    return x if factor == 1 else F.avg_pool2d(x, factor)


class Growth(nn.Module):
    """How far a network has grown: a number of stages, between whole ones while the next stage fades in.

    A fresh one is at the last stage: only a training makes it small. What a forward pass asks is kept beside the
    buffer, so that a GPU need not be waited for; whatever loads or copies the buffer sets that, too.

    Args:
        last: the last stage, counted from 0, the smallest images.

    Attributes:
        level: the stages as a number, a buffer.
        low, high: the stages before and behind it; the same where nothing fades.
    """

    level: Tensor

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last
        self.low = self.high = last
        self.register_buffer("level", torch.tensor(float(last)))

    @property
    def alpha(self) -> Tensor:
        """How much of the higher stage is in the image, from 0 to 1."""
        return self.level - self.low

    @property
    def grown(self) -> bool:
        """Whether the last stage is reached."""
        return self.low == self.last

    def whole(self, image: Tensor, training: bool) -> Tensor:
        """An image ``(B, C, h, w)`` of the higher stage: as it is in training, else enlarged to the whole size."""
        return image if training else enlarge(image, 1 << self.last - self.high)

    def set(self, level: float) -> None:
        """Stand at a number of stages, kept within those that there are."""
        level = round(min(max(level, 0.0), float(self.last)) * STEPS) / STEPS
        self.low, self.high = math.floor(level), math.ceil(level)
        with torch.no_grad():
            self.level.fill_(level)

    def follow(self, other: nn.Module) -> None:
        """Stand where another one does, whose buffer was copied."""
        assert isinstance(other, Growth)
        self.low, self.high = other.low, other.high

    def _load_from_state_dict(self, *arguments: Any, **keywords: Any) -> None:
        """Load the buffer, and take what it says."""
        super()._load_from_state_dict(*arguments, **keywords)
        if not self.level.is_meta:
            self.set(float(self.level))

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"last={self.last}"


def growth_of(network: nn.Module) -> Growth | None:
    """The :class:`Growth` of a network; None for one that does not grow."""
    return next((module for module in network.modules() if isinstance(module, Growth)), None)


def stages_at(doublings: float, first: int, last: int, fade: float) -> float:
    """How many stages a training has reached.

    In each doubling first images stay as they are, then the doubled ones fade in.

    Args:
        doublings: how many it has behind it, parts of one included.
        first, last: the stages at which it starts and ends.
        fade: share of a doubling in which the next stage fades in.
    """
    way = min(max(doublings, 0.0), last - first)
    done = math.floor(way)
    within_part = way - done
    return first + done + (max(0.0, within_part - (1 - fade)) / fade if fade else 0.0)


class GrowingGame(NoiseGame):
    """Noise to image by networks that grow: both see images of the stage's size, real ones faded as the fakes are.

    While the next stage fades in, a real image is itself, of the larger size, mixed with itself halved and doubled,
    as G's are and as D takes them apart. Where G or D is of an architecture that does not grow, none does.

    Args:
        gan: with networks ``G`` and ``D``.
        start: shorter side in pixels of the first images.
        grow: how many doublings they have behind them, of those that there are: by default as in the paper, 1.6
            million images for each. ``linear/0/4`` has four at the end of a training, of whatever length; 8 has them
            all from the first step.
        fade: share of a doubling in which the doubled images fade in; before it nothing changes.

    Attributes:
        first: the stage at which a training starts, counted from 0.
        held: the number of stages at which it stays; None to grow.
    """

    def __init__(
        self, gan: GAN, *, start: int = 4, grow: NotNegativeNumber = "linear/0/8/12800k", fade: float = 0.5
    ) -> None:
        super().__init__(gan)
        name = gan.plan.head.name
        within(f"{name}:fade", fade, 0, 1)
        self.grow, self.fade, self.first = grow, fade, 0
        self.held: float | None = None
        found = [growth_of(gan.get_submodule(network)) for network in "GD"]
        self.growing = [growth for growth in found if growth is not None]
        if len(self.growing) < 2 or self.growing[0].last != self.growing[1].last:
            self.growing = []
            known = all(gan.plan.architecture(side).entry is not None for side in "gd")
            if known and (
                given := [f"{name}:{key}={text}" for key, text in gan.plan.head.changed.items() if key in OPTIONS]
            ):
                others = either(dict.fromkeys(gan.plan.architecture(side).name for side in "gd"), "and")
                raise UsageError(
                    f"{given[0]} does not work here: G and D must grow together, and {others} do not; leave it out"
                )
            return
        smallest, last = min(gan.height, gan.width) >> self.growing[0].last, self.growing[0].last
        sides = [smallest << stage for stage in range(last + 1)]
        if start not in sides:
            raise UsageError(
                f"{name}:start={start} does not work: images here have {either(sides)} pixels as they grow"
            )
        self.first = sides.index(start)

    @property
    def phases(self) -> int:
        """Every stage that there is, and the fading between each two."""
        return 2 * self.growing[0].last + 1 if self.growing else 1

    def enter(self, phase: int) -> None:
        """Let the networks stand at a stage, or in the middle of its fading in."""
        self.stand_at(phase / 2)

    def phase_of(self, at: Update) -> int:
        """Twice the stages in an update; the one between, while the next fades in."""
        if not self.growing:
            return 0
        level = self.stages(at)
        return math.floor(level) + math.ceil(level)

    def hold(self, phase: int) -> None:
        """Stay at a stage, or in the middle of its fading in."""
        self.held = phase / 2

    def stand_at(self, level: float) -> None:
        """Let both networks stand at a number of stages."""
        for growth in self.growing:
            growth.set(level)

    def stages(self, at: Update) -> float:
        """The number of stages in an update."""
        doublings = number_at(self.grow, at.step, at.horizon, at.images_seen)
        return stages_at(doublings, self.first, self.growing[0].last, self.fade)

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Let both networks grow to where the training stands, and show them real images of that stage."""
        gan: Any = self.gan
        if not self.growing:
            return super().context(batch, step, side)
        if gan.update is not None:  # outside of a training they stay as they are
            self.stand_at(self.stages(gan.update) if self.held is None else self.held)
        real = self.growing[0].whole(self.shown(batch["image"]), gan.G.training)
        ctx = super().context({**batch, "image": real}, step, side)
        ctx.report("pixels", real.shape[2])
        ctx.report("alpha", self.growing[0].alpha if self.fading else 1.0)
        return ctx

    def remarks(self) -> list[str]:
        """That G has not grown yet, and what its images have instead of all pixels."""
        growth = growth_of(self.gan.get_submodule("G"))
        if growth is None or growth.grown:
            return []
        less = growth.last - growth.high
        height, width = self.gan.height >> less, self.gan.width >> less
        faded = f", faded in by {100 * float(growth.alpha):.0f}%" if growth.low < growth.high else ""
        whole = f"{self.gan.height}x{self.gan.width}"
        all_by_its_end = f"{self.gan.plan.head.name}:grow=linear/0/{growth.last - self.first}"
        return [
            f"it is still growing: its images have {height}x{width} pixels{faded}, enlarged to {whole}; a run grows to"
            f" its end with {all_by_its_end}"
        ]

    @property
    def fading(self) -> bool:
        """Whether a stage is fading in."""
        return self.growing[0].low < self.growing[0].high

    def shown(self, real: Tensor) -> Tensor:
        """Whole images ``(B, C, H, W)`` as the stage has them: of its size, and as far as it has faded in."""
        growth = self.growing[0]
        real = shrink(real, 1 << growth.last - growth.high)
        if self.fading:
            real = torch.lerp(enlarge(shrink(real)), real, growth.alpha.to(real))
        return real
