"""A discriminator that looks at images through a network which was trained for something else, and is frozen.

Projected GANs Converge Faster (Sauer et al. 2021, arXiv 2111.01007), section 3. An image is brought to the size of a
feature network (``features``), whose last maps of four sizes are mixed across channels by random 1x1 convolutions to
``ch``, 2 ``ch``, 4 ``ch`` and 8 ``ch`` maps, and across scales, from the smallest to the largest: each, with what comes
from below, goes through a random convolution and is enlarged. What is random is drawn once and frozen, too. On each
size stands a small discriminator of strided 4x4 convolutions with spectral norm, which ends in 4x4 scores
of patches. Labels enter each by projection. The loss is the mean over the four, in place of the paper's sum. The paper
trains with DiffAugment (``projected@d+diffaugment``), and so should you: on MNIST's digits D tells all images apart
after 20 steps without it, and G learns nothing more.

How ours differs: mixing across scales has 3x3 convolutions, as the paper says; the authors' code has 1x1
(``mixing=1``), and another layer for the label. Random convolutions have weights from N(0, 1/inputs) (He et al. without
a rectifier) and no biases.

The features that D sees are those that scores compare, where both look through one network: a model can be good at
what that measures. Its scores on that network are marked ``:seen``, and ranked apart from all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.gan.eyes import Eyes, find_eyes
from ganzoo.gan.kit import Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.patches import PatchHead, together
from ganzoo.parts import Conditioning, Output, as_weights, frozen

SLOPE = 0.2
WINDOW = 4  # side of what a score sees of the last map
LAST = 8  # the largest side of a last map
WIDEST = 4  # doublings of ``ch``, one less


class Mixing(nn.Module):
    """Random mixtures of the maps of a network, across channels and scales.

    Args:
        channels: of the maps, the largest first.
        ch: of the first mixture; each has twice as many as the one before.
        kernel: side of the convolutions across scales.
    """

    def __init__(self, channels: Sequence[int], ch: int, kernel: int) -> None:
        super().__init__()
        wide = [ch << i for i in range(len(channels))]
        pairs = zip(wide, mixed_widths(len(wide), ch), strict=True)
        self.channels = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(channels, wide, strict=True))
        self.scales = nn.ModuleList(nn.Conv2d(a, b, kernel, padding=kernel // 2) for a, b in pairs)
        for conv in (*self.channels, *self.scales):
            nn.init.normal_(conv.weight, std=1 / math.sqrt(conv.weight[0].numel()))
            nn.init.zeros_(conv.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Mixtures ``(B, C, h, w)``, the largest first, of maps; each of the next larger one's size, the first twice
        its own."""
        mixed = [conv(x) for conv, x in zip(self.channels, maps, strict=True)]
        height, width = mixed[0].shape[2:]
        sizes = [torch.Size((2 * height, 2 * width)), *(x.shape[2:] for x in mixed[:-1])]
        below, found = torch.zeros_like(mixed[-1]), list[Tensor]()
        for x, conv, size in reversed(list(zip(mixed, self.scales, sizes, strict=True))):
            below = F.interpolate(conv(x + below), tuple(size), mode="bilinear", align_corners=False)
            found.append(below)
        return found[::-1]


def mixed_widths(count: int, ch: int) -> list[int]:
    """Channels of the mixtures, the largest map first: those of the next larger one, to which they are added."""
    return [max(1, ch << max(0, i - 1)) for i in range(count)]


class SmallDiscriminator(nn.Module):
    """Strided 4x4 convolutions, and scores of patches.

    Args:
        kit: of side ``d``.
        conditioning: makes its head.
        channels: of its input.
        side: of its input.
        ch: unit of width: the last map has 8 times as many channels.
    """

    def __init__(self, kit: Kit, conditioning: Conditioning, channels: int, side: int, ch: int) -> None:
        super().__init__()
        halvings = max(0, math.ceil(math.log2(side / LAST)))
        wide = [ch << max(0, WIDEST - 1 - i) for i in reversed(range(halvings))]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, padding=1) for a, b in pairwise([channels, *wide]))
        self.norms = nn.ModuleList(kit.norm(width, 0) for width in wide)
        self.acts = [relu_after(norm, SLOPE) for norm in self.norms]
        self.features = wide[-1] if wide else channels
        window = min(WINDOW, side >> halvings)
        self.head = PatchHead(conditioning, self.features, (window, window), bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B, P)`` of mixtures ``(B, C, h, w)`` under label vectors."""
        for conv, norm, act in zip(self.convs, self.norms, self.acts, strict=True):
            x = act(norm(conv(x), y))
        with torch.autocast(x.device.type, enabled=False):  # bf16 would leave a score three digits
            return self.head(*as_weights(self.head, x, y))


class Projected(nn.Module):
    """A frozen network, a frozen random mixing of its maps, and a small discriminator on each.

    Args:
        kit: of side ``d``.
        eyes: the feature network.
        ch: unit of width.
        kernel: side of the convolutions across scales.

    Attributes:
        features: how many there are: the means of each small discriminator's last maps.
    """

    def __init__(self, kit: Kit, eyes: Eyes, ch: int, kernel: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.pixels = eyes.pixels
        self.conditioning = kit.condition()
        self.network = eyes.network()
        channels, sides = zip(*eyes.maps, strict=True)
        self.mixing = frozen(partial(Mixing, channels, ch, kernel))
        larger = [2 * sides[0], *sides[:-1]]
        each = [
            SmallDiscriminator(kit, self.conditioning, width, side, ch)
            for width, side in zip(mixed_widths(len(sides), ch), larger, strict=True)
        ]
        self.small = nn.ModuleList(each)
        self.features = sum(small.features for small in each)

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B, P)`` of each size, of images ``(B, 1 or 3, H, W)`` in [-1, 1] under label vectors."""
        x = (x.expand(-1, 3, -1, -1) + 1) * 127.5
        size = (self.pixels, self.pixels)
        x = F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
        maps = self.network(x)[-len(self.small) :]
        return together([small(mixed, y) for small, mixed in zip(self.small, self.mixing(maps), strict=True)])


def discriminator(
    kit: Kit,
    *,
    features: str = "tf_efficientnet_lite0.in1k",
    ch: int = 64,
    mixing: int = 3,
    pixels: int | None = None,
    untrained: bool = False,
) -> Projected:
    """Small discriminators on the mixed maps of a frozen feature network (Sauer et al. 2021, arXiv 2111.01007).

    Args:
        kit: of D's side.
        features: the network: a part of kind ``features`` that has maps, or a network of timm. Its weights come from
            an installed package, or are fetched, when a training begins.
        ch: unit of width.
        mixing: side of the convolutions across scales; the authors' code has 1.
        pixels: side of what the network is shown; by default the one that it was trained at. A small discriminator has
            a convolution for each halving of its map down to 4: 4, 3, 2 and 1 at 224 pixels, and at 64 pixels two of
            them have none and are linear.
        untrained: leave the network's weights as they are drawn, which is no good but to compare with.
    """
    within("projected:ch", ch, 1)
    within("projected:mixing", mixing, 1, 7)
    within("projected:pixels", pixels, 32, 2048)
    if mixing % 2 == 0:
        raise UsageError(f"projected:mixing={mixing} does not work: it is 1, 3, 5 or 7")
    if kit.inputs != kit.channels:
        raise UsageError(
            "projected looks through a network that sees images alone, and a conditioning on d lays labels beside them:"
            " take projection, or another head"
        )
    if kit.channels not in (1, 3):
        raise UsageError(f"projected looks at grey or RGB images, not at {kit.channels} channels: take another D")
    return Projected(kit, find_eyes(features, untrained, pixels), ch, mixing)
