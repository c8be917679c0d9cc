"""The self-supervised discriminator of FastGAN, Liu et al. 2021, arXiv 2101.04775."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.layers.decoder import NearestDecoder, ShuffledDecoder
from ganzoo.losses.gradient import check_every
from ganzoo.parts import Encoding, NotNegative, Regularizer, TurnContext, accurate, global_draw

LARGEST = 4  # doublings of a decoder: 8 pixels to 128
SHARES = (4, 8, 8, 16)  # by which the channels of FastGAN's decoders are fewer than those of D's last map

Distance = Callable[[Tensor, Tensor], Tensor]
View = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
DISTANCES: Mapping[str, Distance] = {"l1": F.l1_loss, "l2": F.mse_loss}


class Reconstruction(nn.Module, Regularizer):
    """D's maps of real images can be decoded into them: what it looks at is all of an image (FastGAN).

    ``weight·Σ E|decode(f) - T(x)|`` over the maps f that D declares, in its updates, of real images alone; T makes x as
    large as what is decoded, 128 pixels at most. Of one map a part is decoded, a rectangle of the share ``crop`` of
    both sides at a place that is drawn for each image, into the same part of the image. Source: arXiv 2101.04775,
    section 3.2, equation 2. There the distance is a perceptual one (LPIPS) and the part an eighth of either side;
    copies of its code cut out a quarter of the map. D's maps are those of the augmented image, which is decoded.

    Args:
        weight: of the sum.
        distance: ``"l1"``, the mean absolute difference, or ``"l2"``, the mean square.
        form: ``"nearest"``, FastGAN's decoders; ``"shuffled"``, those of lightweight-gan.
        crop: side of the part, as a share.
        every: it acts once in so many updates.
    """

    players, owner = ("d",), "d"

    def __init__(
        self,
        *,
        weight: NotNegative = 1.0,
        distance: Literal["l1", "l2"] = "l1",
        form: Literal["nearest", "shuffled"] = "nearest",
        crop: float = 0.5,
        every: int = 1,
    ) -> None:
        super().__init__()
        within("reconstruction:crop", crop, 0.01, 1)
        self.weight, self.crop, self.every = weight, crop, check_every("reconstruction", every)
        self.distance, self.form = DISTANCES[distance], form

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Build a decoder for each map of D.

        Raises:
            UsageError: where D does not say which maps there are.
        """
        found: Mapping[str, Encoding] | None = getattr(networks["D"], "encodings", None)
        if not found:
            raise UsageError(
                "reconstruction needs a D that says which maps of it can be decoded, such as that of fastgan"
            )
        shapes: Any = networks["D"].shapes
        last = max(found.values(), key=lambda encoding: encoding.channels).channels
        self.views: dict[str, View] = {
            name: partial(cut, share=self.crop) if encoding.cropped else whole for name, encoding in found.items()
        }
        self.decoders = nn.ModuleDict(
            {name: self.decoder(encoding, last, shapes[0][0]) for name, encoding in found.items()}
        )

    def decoder(self, encoding: Encoding, last: int, planes: int) -> nn.Module:
        """The decoder of one map.

        Args:
            encoding: what it decodes.
            last: channels of D's widest map.
            planes: of the image.
        """
        doublings = min(LARGEST, encoding.scale.bit_length() - 1)
        if self.form == "shuffled":
            return ShuffledDecoder(encoding.channels, doublings, planes)
        return NearestDecoder(encoding.channels, [max(1, last // share) for share in SHARES[:doublings]], planes)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted distances, summed."""
        extras = ctx.discriminate(ctx.real).extras
        found = [self.gap(name, extras["encodings"][name], extras["seen"]) for name in self.decoders]
        return {"reconstruction": self.weight * torch.stack(found).sum()}

    def gap(self, name: str, maps: Tensor, seen: Tensor) -> Tensor:
        """The distance of what is decoded from maps ``(B, F, h, w)`` to the images, or to a part of both."""
        maps, seen = self.views[name](maps, seen)
        made = self.decoders[name](maps)
        return self.distance(accurate(made), F.interpolate(accurate(seen), made.shape[2:], mode="area"))


def whole(maps: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """All of both."""
    return maps, images


def cut(maps: Tensor, images: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The same part of maps ``(B, F, h, w)`` and images ``(B, C, H, W)``, at a place of its own for each image.

    Args:
        maps, images: of the same pictures; the images are a whole number of times as large.
        share: of either side.
    """
    times = images.shape[2] // maps.shape[2]
    drawn = global_draw(torch.rand, len(maps), 2).to(maps.device, non_blocking=True)
    sides = [max(1, round(share * side)) for side in maps.shape[2:]]
    starts = [(drawn[:, axis] * (maps.shape[2 + axis] - side + 1)).long() for axis, side in enumerate(sides)]
    return window(maps, starts, sides), window(images, [times * s for s in starts], [times * s for s in sides])


def window(x: Tensor, starts: list[Tensor], sides: list[int]) -> Tensor:
    """A rectangle of each of ``x`` ``(B, C, H, W)``, from rows and columns ``(B,)`` on."""
    rows, columns = (
        start[:, None] + torch.arange(side, device=x.device) for start, side in zip(starts, sides, strict=True)
    )
    images = torch.arange(len(x), device=x.device)[:, None, None]
    return x.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
