"""The two trunks of FastGAN's D, of residual and of plain blocks: see :mod:`ganzoo.architectures.fastgan`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.gan.kit import Kit
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.excitation import SkipLayerExcitation, Unexcited

BIG, SMALL = 256, 128  # shorter side of the map that residual blocks start from, and of what the second trunk sees
REACH = 3  # halvings between the maps of a gate
ATTENTION = 32  # height of the map where attention stands unless a recipe says a number
SLOPE = 0.2


def wide(ch: int, multiple: float) -> int:
    """Channels of maps, one at least."""
    return max(1, int(ch * multiple))


class Layer(nn.Module):
    """A convolution that keeps the size, or halves it, a norm and a leaky ReLU.

    Args:
        kit: of side ``d``.
        inputs, outputs: channels before and after.
        kernel: its side: an odd number of stride 1, an even one of stride 2.
        stride: in pixels.
    """

    def __init__(self, kit: Kit, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = Conv2d(inputs, outputs, kernel, stride=stride, padding=(kernel - 1) // 2, bias=kit.bias)
        self.norm = kit.norm(outputs)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H/stride, W/stride)``."""
        return F.leaky_relu(self.norm(self.conv(x), y), SLOPE)


def halving(kit: Kit, inputs: int, outputs: int) -> Layer:
    """A layer of a 4x4 convolution of stride 2."""
    return Layer(kit, inputs, outputs, 4, stride=2)


class ResidualDown(nn.Module):
    """A strided and a plain convolution, beside mean pooling and a 1x1 convolution; the mean of both.

    Args:
        kit: of side ``d``.
        inputs, outputs: channels before and after.
    """

    def __init__(self, kit: Kit, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down, self.again = halving(kit, inputs, outputs), Layer(kit, outputs, outputs, 3)
        self.direct = Layer(kit, inputs, outputs, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H/2, W/2)``."""
        return (self.again(self.down(x, y), y) + self.direct(F.avg_pool2d(x, 2), y)) / 2


class Opening(nn.Module):
    """Images to the first maps of D: of 256 pixels at most, by strides where they are larger.

    Args:
        kit: of side ``d``.
        ch: unit of width.
        halvings: none, one or two.
        side: of the square maps that it makes, or their shorter one.
    """

    def __init__(self, kit: Kit, ch: int, halvings: int, side: int) -> None:
        super().__init__()
        width = wide(ch, 64 / side)
        first = wide(ch, 64 / (2 * side)) if halvings > 1 else width
        self.first = (
            Conv2d(kit.inputs, first, 4, stride=2, padding=1, bias=False)
            if halvings
            else Conv2d(kit.inputs, first, 3, padding=1, bias=False)
        )
        self.more = nn.ModuleList(halving(kit, first, width) for _ in range(halvings - 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The maps of images ``(B, inputs, H, W)``."""
        x = F.leaky_relu(self.first(x), SLOPE)
        for down in self.more:
            x = down(x, y)
        return x


class BigTrunk(nn.Module):
    """The image to maps of 16, and of 8 pixels: residual blocks, gated by larger maps.

    Args:
        kit: of side ``d``.
        ch: unit of width.
        k: halvings to 4 pixels.

    Attributes:
        widths: channels of the maps from the first on.
    """

    def __init__(self, kit: Kit, ch: int, k: int) -> None:
        super().__init__()
        entry = max(0, k - int(math.log2(BIG // 4)))
        side, blocks = 4 << (k - entry), k - entry - 1
        self.entry = Opening(kit, ch, entry, side)
        self.widths = [wide(ch, 64 / (side >> i)) for i in range(blocks + 1)]
        self.blocks = nn.ModuleList(ResidualDown(kit, a, b) for a, b in pairwise(self.widths))
        reach = min(REACH, blocks)
        self.sources = [max(0, i - reach) for i in range(1, blocks + 1)]
        self.gates = nn.ModuleList(
            SkipLayerExcitation(self.widths[i - reach], self.widths[i]) if i >= reach else Unexcited()
            for i in range(1, blocks + 1)
        )
        heights = [kit.height >> (entry + i) for i in range(1, blocks + 1)]
        self.attentions = kit.attentions(self.widths[1:], heights, ATTENTION)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(self.entry,), *zip(self.blocks, self.gates, self.attentions, strict=True)]

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The last two maps of images, the larger first."""
        maps = [self.entry(x, y)]
        for block, gate, source, attention in zip(self.blocks, self.gates, self.sources, self.attentions, strict=True):
            maps.append(attention(gate(block(maps[-1], y), maps[source])))
        return maps[-2], maps[-1]


class SmallTrunk(nn.Module):
    """The image at half of its size, or less, to maps of 8 pixels.

    Args:
        kit: of side ``d``.
        ch: unit of width.
        k: halvings of the image to 4 pixels.
    """

    def __init__(self, kit: Kit, ch: int, k: int) -> None:
        super().__init__()
        halvings = max(1, k - int(math.log2(SMALL // 4)))
        self.shrink = nn.AvgPool2d(1 << halvings)
        side = 4 << (k - halvings)
        downs = max(1, k - halvings - 1)
        self.scale = 1 << (halvings + downs)  # image pixels a side of a pixel of its last map
        self.widths = [wide(ch, 32 / (side >> i)) for i in range(1, downs + 1)]
        self.first = Conv2d(kit.inputs, self.widths[0], 4, stride=2, padding=1, bias=False)
        self.blocks = nn.ModuleList(halving(kit, a, b) for a, b in pairwise(self.widths))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The maps of images ``(B, inputs, H, W)``."""
        x = F.leaky_relu(self.first(self.shrink(x)), SLOPE)
        for block in self.blocks:
            x = block(x, y)
        return x
