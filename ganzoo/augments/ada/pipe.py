"""Training Generative Adversarial Networks with Limited Data, Karras et al. 2020, arXiv 2006.06676."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganzoo.augments.ada.draws import Draws
from ganzoo.augments.ada.geometry import transformed
from ganzoo.augments.ada.pixels import equalized, holed, noised, recolored
from ganzoo.augments.steered import Steered
from ganzoo.errors import UsageError, within
from ganzoo.parts import Number, TurnContext, accurate

Pipe = Literal["b", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc", "blit", "geom", "color", "filter", "noise", "cutout"]
GROUPS = ("blit", "geom", "color", "filter", "noise", "cutout")  # in the order in which they act
LETTERS = {GROUPS[0][0] + "gcfnc"[:more]: GROUPS[: more + 1] for more in range(len(GROUPS))}
SAFE = 0.8  # p up to which transforms do not leak (section 2.2 and figure 3 of the paper)
COLOURED = (1, 3)  # channels of images that have colours, or a brightness


class ADA(Steered):
    """D sees every image, real and fake, through 18 transforms, as often as it overfits (ADA, Karras et al. 2020).

    Each transform acts on an image with probability p: ``p += sign(E[sign D(real)] - target)·images/(1000·kimg)`` every
    ``interval`` updates of D. Source: arXiv 2006.06676, sections 3.1 and 3.2 and appendix B, whose transforms,
    strengths and order are these: ``blit`` x-flip, turns by 90°, whole shifts; ``geom`` scaling, rotation, scaling
    along an axis, rotation, shifts by parts of pixels; ``color`` brightness, contrast, luma flip, hue, saturation;
    ``filter`` gains of four frequency bands; ``noise``; ``cutout``. Gradients go through them, also twice, and G's
    images stay clean.

    How ours differs: far beyond the border coordinates are mirrored, in place of an image padded as far as a batch
    needs, so that no image depends on another; where only blits act pixels are copied, without the wavelet. All is
    computed in float32, whatever the precision of the training. Grey images have no hue and no saturation. An image
    that no transform acts on is left to the bit; one that D sees beside its source shares its draw with that. Labels
    are not changed: where a turn or a flip would falsify them (sides, angles), take a pipe without ``blit``. A p that
    stays above 0.8 may leak into what G draws.

    Args:
        pipe: groups of transforms: ``b``, ``bg``, ``bgc``, ``bgcf``, ``bgcfn`` or ``bgcfnc`` for the first ones, or
            names with ``/`` between them.
        p: a fixed probability, or a schedule such as ``linear/0/0.55/20M``; none to steer it.
        color: what p is multiplied by for each transform of colours.
        target: of the mean sign of D's scores of real images.
        interval: updates of D between two moves of p.
        kimg: thousands of real images in which p can go from 0 to 1.
    """

    def __init__(
        self,
        *,
        pipe: tuple[Pipe, ...] = ("bgc",),
        p: Number | None = None,
        color: float = 1.0,
        target: float = 0.6,
        interval: int = 4,
        kimg: float = 500.0,
    ) -> None:
        super().__init__("ada", p, target, interval, kimg)
        within("ada:color", color, 0, 1)
        self.color, self.groups = color, groups_of(pipe)

    def check(self, image: tuple[int, int, int]) -> None:
        """Colours are those of grey and RGB: hue and luma mean nothing to alpha or to other channels."""
        if "color" in self.groups and self.color and image[0] not in COLOURED:
            rest = "/".join(name for name in GROUPS if name in self.groups and name != "color") or "bg"
            raise UsageError(
                f"ada changes the colours of grey or RGB, and these images have {image[0]} channels: leave colours out"
                f" with ada:pipe={rest}"
            )

    def images(self, x: Tensor, ctx: TurnContext) -> Tensor:
        """What D sees of images ``(B, C, H, W)`` in [-1, 1], float32; they may leave that range, as in the paper."""
        p = self.probability(ctx)
        if isinstance(p, float) and p == 0:
            return x
        with torch.autocast(x.device.type, enabled=False):
            x = accurate(x)
            return self.transformed(x, p, Draws(len(x), x))

    def pair(self, x: Tensor, source: Tensor, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """Images and the source image of each, by one draw: both are moved and recoloured alike."""
        p = self.probability(ctx)
        if isinstance(p, float) and p == 0:
            return x, source
        with torch.autocast(x.device.type, enabled=False):
            x = accurate(x)
            draws = Draws(len(x), x)
            return self.transformed(x, p, draws), self.transformed(accurate(source), p, draws)

    def remark(self) -> str | None:
        """A warning where p stands so high that transforms may leak: the paper finds that safe up to about 0.8."""
        if self.fixed is not None or self.p <= SAFE:
            return None
        return (
            f"ada's p is {float(self.p):.2f} at the end: above {SAFE:g} its transforms may leak into the samples; look"
            " for turned, shifted or recoloured ones, and try more data, fewer transforms (such as ada:pipe=b) or less"
            " of a D"
        )

    def transformed(self, x: Tensor, p: Tensor | float, draws: Draws) -> Tensor:
        """Images ``(B, C, H, W)`` after every transform of the pipe, each with probability ``p``."""
        draws = draws.again()
        x = transformed(x, draws, p, self.groups)
        if "color" in self.groups:
            x = recolored(x, draws, p * self.color)
        for name, change in {"filter": equalized, "noise": noised, "cutout": holed}.items():
            if name in self.groups:
                x = change(x, draws, p)
        return x


def groups_of(pipe: tuple[str, ...]) -> frozenset[str]:
    """The groups of transforms that a pipe names.

    Raises:
        UsageError: it names none, or one of them twice.
    """
    named = [group for name in pipe for group in LETTERS.get(name, (name,))]
    if not named or len(set(named)) < len(named):
        text = "/".join(pipe) or "none"
        why = "names a group of transforms twice" if named else "names no transforms: leave out ada"
        raise UsageError(f"ada:pipe={text} {why}; such as bgc, or blit/color")
    return frozenset(named)
