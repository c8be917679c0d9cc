"""A compact network that enlarges pictures, of Real-ESRGAN's small models, in the game of ESRGAN.

Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833) publishes small models beside its large ones (``realesr-general-x4v3``,
``realesr-animevideov3``), whose network is BasicSR's ``SRVGGNetCompact``: 3x3 convolutions in a row at the size of the
small picture, each with a ReLU of learnt slopes, then one whose maps are laid out as the pixels of a large picture
(arXiv 1609.05158), added to the small one enlarged pixel by pixel. There are 16 convolutions between the first and the
last, 621,424 parameters at four times the size; 32 have 1,213,296. How ours differs: as :mod:`ganzoo_translate.esrgan`.

Inside, G computes with pixels in [0, 1], beyond whose edges lies black. Pairs of small and large pictures are made of
any pictures (``pairs:downscale:cifar10``).
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit, UsageError, within
from ganzoo.layers import Conv2d
from ganzoo_translate.esrgan import Enlarger
from ganzoo_translate.patches import PatchDiscriminator, PatchTrunk, halvings, planes
from ganzoo_translate.sizes import whole_halves

Scale = Literal["1", "2", "3", "4", "8"]
Shuffle = Literal["1", "2", "3", "4", "8"]


class Compact(nn.Module):
    """A picture of any size to one that is ``scale`` times as wide and high.

    Args:
        kit: of side ``"g"``.
        ch: maps.
        convs: convolutions between the first and the last.
        shuffle: times that the convolutions enlarge.
        scale: times that the result is as wide; where that is less, what they make is reduced by cubic interpolation.
    """

    def __init__(self, kit: Kit, ch: int, convs: int, shuffle: int, scale: int) -> None:
        super().__init__()
        self.shuffle, self.share = shuffle, scale / shuffle
        self.convs = nn.ModuleList(Conv2d(kit.inputs if i == 0 else ch, ch, 3, padding=1) for i in range(convs + 1))
        self.acts = nn.ModuleList(nn.PReLU(ch) for _ in range(convs + 1))
        self.image = Conv2d(ch, kit.channels * shuffle**2, 3, padding=1)
        self.reduce = nn.Identity() if scale == shuffle else Reduce(self.share)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Pictures ``(B, C, scale H, scale W)`` in [0, 1] or about it, of pictures ``(B, C, H, W)``."""
        h = x
        for conv, act in zip(self.convs, self.acts, strict=True):
            h = act(conv(h))
        large = F.interpolate(x[:, : self.planes], scale_factor=float(self.shuffle), mode="nearest")
        return self.reduce(large + F.pixel_shuffle(self.image(h), self.shuffle))

    @property
    def planes(self) -> int:
        """Of an image: what comes behind these in ``x`` is a label's."""
        return self.image.out_channels // self.shuffle**2


class Reduce(nn.Module):
    """Cubic interpolation between the pixels of a larger picture, which are not smoothed before.

    Args:
        share: of the width that is left.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, share H, share W)``."""
        return F.interpolate(x, scale_factor=self.share, mode="bicubic", align_corners=False)


def compact(
    g: Kit,
    d: Kit,
    *,
    ch: int = 64,
    ch_d: int | None = None,
    convs: int = 16,
    scale: Scale = "4",
    shuffle: Shuffle | None = None,
    layers: int | None = None,
) -> dict[str, nn.Module]:
    """Convolutions at the size of the small picture, and a PatchGAN (BasicSR's SRVGGNetCompact, arXiv 2107.10833).

    G has no attention sites; those of D are all maps from 8 pixels to a half.

    Args:
        g, d: kits of the two sides.
        ch: maps of G.
        ch_d: channels of D's first map; as G's by default.
        convs: convolutions between G's first and last; 16 in ``realesr-animevideov3``, 32 in ``realesr-general-x4v3``.
        scale: times that an image is as wide and high as its source.
        shuffle: times that the convolutions enlarge, ``scale`` or more; as ``scale`` by default. What they make is then
            reduced, as some files of ``realesr-animevideov3`` do.
        layers: halvings in D, for patches of 16, 34, 70, ... pixels; 3, or as many as leave them within the image.
    """
    for name, value in {"ch": ch, "ch.d": ch_d}.items():
        within(f"compact:{name}", value, 1)
    within("compact:convs", convs, 0, 256)
    times = int(scale)
    most = times if shuffle is None else int(shuffle)
    if most < times:
        raise UsageError(f"compact:shuffle={most} does not work: it is scale={times} or more")
    whole_halves("compact", g.resolution, times, 16 + -16 % times)
    net = Compact(g, ch, convs, most, times)
    trunk = PatchTrunk(d, planes(d), ch if ch_d is None else ch_d, halvings("compact", layers, d.resolution), d.bias)
    return {"G": Enlarger(g, net, times), "D": PatchDiscriminator(d, trunk)}
