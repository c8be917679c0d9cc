"""Differentiable Augmentation for Data-Efficient GAN Training, Zhao et al. 2020, arXiv 2006.10738."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError, within
from ganzoo.parts import Augment, TurnContext, global_draw

COLOURED = (1, 3)  # channels of images that have a brightness, a saturation and a contrast


class DiffAugment(Augment):
    """D sees every image, real and fake, with other colours, moved, and with a square cut out (Zhao et al. 2020).

    The losses are of ``D(T(x))`` and ``D(T(G(z)))`` in place of ``D(x)`` and ``D(G(z))``, T being drawn for each image.

    Each image has changes of its own at each pass, gradients go through them to G, and G's images stay clean. Source:
    arXiv 2006.10738, sections 3.2 and 4, policy Color + Translation + Cutout with the paper's strengths. Ours
    has one number for each of the three, and 0 leaves it out. Labels and source images that D is given are not changed.

    Args:
        color: share of the paper's ranges: brightness ±0.5 in [-1, 1], saturation 0 to 2, contrast 0.5 to 1.5.
        translation: farthest shift, as a share of the side; zeros come in.
        cutout: side of the square that becomes 0, as a share of the image's; it may lie across the border.
    """

    def __init__(self, *, color: float = 1.0, translation: float = 0.125, cutout: float = 0.5) -> None:
        for name, value in {"color": color, "translation": translation, "cutout": cutout}.items():
            within(f"diffaugment:{name}", value, 0, 1)
        self.color, self.translation, self.cutout = color, translation, cutout

    def check(self, image: tuple[int, int, int]) -> None:
        """Colours are those of grey and RGB: a change of saturation means nothing to alpha or to other channels."""
        if self.color and image[0] not in COLOURED:
            raise UsageError(
                f"diffaugment:color={self.color:g} changes the colours of grey or RGB, and these images have "
                f"{image[0]} channels: leave colours out with diffaugment:color=0"
            )

    def images(self, x: Tensor, ctx: TurnContext) -> Tensor:
        """What D sees of images ``(B, C, H, W)`` in [-1, 1]; colours may leave that range, as in the paper."""
        x = recolored(x, self.color) if self.color else x
        x = moved(x, self.translation) if self.translation else x
        return holed(x, self.cutout) if self.cutout else x


def uniform(x: Tensor, low: float, high: float) -> Tensor:
    """A number for each image of the batch, ``(B, 1, 1, 1)``."""
    return global_draw(torch.rand, len(x), 1, 1, 1).to(x, non_blocking=True) * (high - low) + low


def recolored(x: Tensor, strength: float) -> Tensor:
    """Brightness, saturation and contrast of each image changed, at most by ``strength`` of the whole range."""
    x = x + uniform(x, -strength / 2, strength / 2)
    grey = x.mean(1, keepdim=True)
    x = torch.lerp(grey, x, uniform(x, 1 - strength, 1 + strength))
    level = x.mean((1, 2, 3), keepdim=True)
    return torch.lerp(level, x, uniform(x, 1 - strength / 2, 1 + strength / 2))


def steps(x: Tensor, farthest: int) -> Tensor:
    """A whole number from ``-farthest`` to ``farthest`` for each image, ``(B, 1)``."""
    drawn = global_draw(torch.rand, len(x), 1).to(x.device, non_blocking=True)
    return (drawn * (2 * farthest + 1)).long().clamp(max=2 * farthest) - farthest


def moved(x: Tensor, share: float) -> Tensor:
    """Each image shifted by up to ``share`` of its height and width; where it came from there are zeros."""
    places = []
    for side in x.shape[2:]:
        place = torch.arange(side, device=x.device) + steps(x, round(side * share))
        places.append((place.clamp(0, side - 1), (place >= 0) & (place < side)))
    (rows, high), (columns, wide) = places
    images = torch.arange(len(x), device=x.device)[:, None, None]
    shifted = x.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return shifted * (high[:, :, None] & wide[:, None, :]).unsqueeze(1)


def holed(x: Tensor, share: float) -> Tensor:
    """Each image with a square of ``share`` of its sides set to 0; its middle lies anywhere in the image."""
    inside = []
    for side in x.shape[2:]:
        middle = global_draw(torch.rand, len(x), 1).to(x.device, non_blocking=True) * side
        place = torch.arange(side, device=x.device) + 0.5
        inside.append((place - middle).abs() < side * share / 2)
    return x * ~(inside[0][:, :, None] & inside[1][:, None, :]).unsqueeze(1)
