"""TransGAN: a generator and a discriminator of transformer blocks, without convolutions but those of single patches.

TransGAN: Two Pure Transformers Can Make One Strong GAN, and That Can Scale Up (Jiang et al. 2021, arXiv 2102.07074). G
makes 8x8 tokens (12x12 for 48 pixels) of the noise by a linear layer. At each map it adds a learnt vector for each
place and has ``depth`` transformer blocks; between maps each token becomes four of a quarter of its width (pixel
shuffle), and at the end a linear layer makes a pixel of each token. Beyond 32 pixels, maps up to 32 are doubled by
bicubic interpolation instead, which keeps their width, and attention stays within windows of ``window`` (16) tokens on
maps that are larger than 32 (grid self-attention). Attention also learns how places lie to each other.

| pixels | tokens of G, from the first map | blocks |
|---|---|---|
| 16 | ch ch/4 | 5 4 |
| 32, 48 | ch ch/4 ch/16 | 5 4 2 |
| 64 | ch ch ch ch/4 | 5 4 4 4 |
| 128 | ch ch ch ch/4 ch/16 | 5 4 4 4 4 |
| 256 | ch ch ch ch/4 ch/16 ch/64 | 5 4 4 4 4 4 |

D sees an image at two or, beyond 48 pixels, three sizes of patches: of ``patch`` (2, beyond 64 pixels 4) pixels, of
twice and of four times that. The tokens of the smallest patches go through ``depth.d`` (3) blocks, their map is halved
by means and gets those of the next beside it, and so on; of D's width, 3/8 of ``ch``, the sizes have 3/4 and 1/4, or
1/4, 1/4 and 1/2. A class token is put before the last map; what a last block makes of it are the features.

Nothing but training bounds what leaves G. How ours differs: norms of the published network of CIFAR-10 are layer norms,
and that of 256 pixels scales each token to a mean square of 1 as the paper's text has it (``norm=pixel``); ours has the
first everywhere, unless a recipe says so. D of the published code adds noise in each block, times a learnt number,
which the paper has not. Batches of G and D are of one size. Labels enter by whatever a recipe chooses,
``transgan+onehot@g+projection`` say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.attention import tokens
from ganzoo.layers.multi_head import MultiHeadAttention, RelativeAttention
from ganzoo.layers.sizes import rectangle
from ganzoo.layers.transformer import ClassToken, Norm, Positions, TransformerBlock, Windowed, as_map, common_window

TokenNorm = Literal["layer", "pixel"]

BOTTOMS = (8, 12)  # tokens on the shorter side of the first map
DEPTHS = {3: (5, 4, 2)}  # blocks by the number of maps, where it is not DEPTH
DEPTH = (5, 4, 4)
FULL = 32  # side of the largest map whose tokens all see each other, and that G doubles by interpolation
LARGEST_OF_TWO = 48  # pixels of the largest image that D sees at two sizes of patches
SMALL_PATCHES = 64  # pixels of the largest image whose smallest patches have 2
SHARES = {2: (3, 1), 3: (1, 1, 2)}  # quarters of D's width by the number of sizes
D_WIDTH = 3 / 8  # of ch
ATTENTION = 16  # height of the map where attention stands unless a recipe says a number
MOST_BLOCKS = 64

NORMS: Mapping[str, Norm] = {"layer": nn.LayerNorm, "pixel": partial(nn.RMSNorm, eps=1e-8, elementwise_affine=False)}


def maps_of(kit: Kit) -> list[tuple[int, int]]:
    """Height and width of G's maps, from the first to the image's size."""
    bottom, k = rectangle("transgan", (kit.height, kit.width), BOTTOMS, deeper=1)
    return [(bottom[0] << i, bottom[1] << i) for i in range(k + 1)]


def widths(maps: Sequence[tuple[int, int]], ch: int) -> list[int]:
    """Channels of G's maps.

    Raises:
        UsageError: a token cannot be cut into four parts.
    """
    wide = [ch]
    for size in maps[1:]:
        wide.append(wide[-1] if interpolated(maps, size) else wide[-1] // 4)
    quarters = sum(not interpolated(maps, size) for size in maps[1:])
    if ch % 4**quarters:
        raise UsageError(
            f"transgan:ch={ch} does not work: at {maps[-1][0]}x{maps[-1][1]} pixels a token is quartered {quarters} "
            f"times: try transgan:ch={max(1, round(ch / 4**quarters)) * 4**quarters}"
        )
    return wide


def interpolated(maps: Sequence[tuple[int, int]], size: tuple[int, int]) -> bool:
    """Whether G reaches the map of a size by interpolation."""
    return min(size) <= FULL < LARGEST_OF_TWO < min(maps[-1])


def depths(count: int, depth: Sequence[int] | None) -> list[int]:
    """Blocks of each of ``count`` maps: as given, the last number for those that come after; the paper's for none."""
    given = tuple(depth or ()) or DEPTHS.get(count, DEPTH)
    for blocks in given:
        within("transgan:depth", blocks, 1, MOST_BLOCKS)
    return [given[min(i, len(given) - 1)] for i in range(count)]


class Stage(nn.Module):
    """Transformer blocks over the tokens of one map.

    Args:
        channels: of a token.
        size: height and width of the map.
        count: of blocks.
        heads: of attention.
        window: side of what attention stays in on a map that is larger than 32.
        norm: see :data:`NORMS`.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], count: int, *, heads: int, window: int, norm: TokenNorm = "layer"
    ) -> None:
        super().__init__()
        self.size = size
        self.positions = Positions(size[0] * size[1], channels)
        seen = size if max(size) <= FULL else common_window(size, window)
        attentions = [RelativeAttention(channels, heads, seen) for _ in range(count)]
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(channels, one if seen == size else Windowed(one, size, seen), norm=NORMS[norm])
                for one in attentions
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, C, H, W)`` to the same shape."""
        return as_map(self.blocks(self.positions(tokens(x))), self.size)


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)``.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the first to the image's size.
        counts: blocks for each map.
        heads, window, norm: see :class:`Stage`.
    """

    def __init__(
        self, kit: Kit, wide: Sequence[int], counts: Sequence[int], *, heads: int, window: int, norm: TokenNorm
    ) -> None:
        super().__init__()
        maps = maps_of(kit)
        self.shape = (wide[0], *maps[0])
        self.start = nn.Linear(kit.latent, wide[0] * maps[0][0] * maps[0][1])
        kept: nn.Module = nn.Identity()
        ups = [
            nn.Upsample(scale_factor=2, mode="bicubic") if interpolated(maps, size) else nn.PixelShuffle(2)
            for size in maps[1:]
        ]
        self.ups = nn.ModuleList([kept, *ups])
        rows = zip(wide, maps, counts, strict=True)
        self.stages = nn.ModuleList(Stage(*row, heads=heads, window=window, norm=norm) for row in rows)
        self.attentions = kit.attentions(wide, [height for height, _ in maps], ATTENTION)
        self.image = nn.Conv2d(wide[-1], kit.channels, 1)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Images of noise ``(B, latent)``, which holds labels where a recipe puts them."""
        x = self.start(h).unflatten(1, self.shape)
        for up, stage, attention in zip(self.ups, self.stages, self.attentions, strict=True):
            x = attention(stage(up(x)))
        made: Tensor = self.image(x)
        return made


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``.

    Args:
        kit: of D's side.
        wide: channels that each size of patches has.
        patch: pixels on a side of the smallest.
        count: of blocks for each map.
        heads, window: see :class:`Stage`.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], patch: int, count: int, *, heads: int, window: int) -> None:
        super().__init__()
        sides = [patch << i for i in range(len(wide))]
        maps = [(kit.height // side, kit.width // side) for side in sides]
        totals = [sum(wide[: i + 1]) for i in range(len(wide))]
        self.patches = nn.ModuleList(
            nn.Conv2d(kit.inputs, width, side, stride=side) for width, side in zip(wide, sides, strict=True)
        )
        rows = zip(totals, maps, strict=True)
        self.stages = nn.ModuleList(Stage(total, size, count, heads=heads, window=window) for total, size in rows)
        self.attentions = kit.attentions(totals, [height for height, _ in maps], ATTENTION)
        self.halve = nn.AvgPool2d(2)
        self.features = totals[-1]
        self.token = ClassToken(self.features)
        self.last = TransformerBlock(self.features, MultiHeadAttention(self.features, heads))
        self.norm = nn.LayerNorm(self.features)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [*zip(self.patches, self.stages, self.attentions, strict=True), (self.token, self.last, self.norm)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of images; labels meet them in the head."""
        maps = self.attentions[0](self.stages[0](self.patches[0](x)))
        later = zip(self.patches[1:], self.stages[1:], self.attentions[1:], strict=True)
        for patch, stage, attention in later:
            maps = attention(stage(torch.cat([self.halve(maps), patch(x)], 1)))
        seen: Tensor = self.norm(self.last(self.token(tokens(maps))))
        return seen[:, 0]


def generator(
    kit: Kit,
    *,
    ch: int = 1024,
    depth: tuple[int, ...] | None = None,
    heads: int = 4,
    window: int = 16,
    norm: TokenNorm = "layer",
) -> Generator:
    """TransGAN: transformer blocks over maps that grow (Jiang et al. 2021, arXiv 2102.07074).

    Attention sites: behind the blocks of each map. Own one: 16 pixels.

    Args:
        kit: of G's side.
        ch: channels of a token of the first map.
        depth: blocks of each map, as ``5/4/2``; the last number is for those that come after it.
        heads: of attention; as many as divide the width, where these do not.
        window: tokens on a side of what attention stays in, on maps that are larger than 32.
        norm: of a token: layer norm, or to a mean square of 1.
    """
    within("transgan:ch", ch, 1)
    check_attention(heads, window)
    maps = maps_of(kit)
    wide, counts = widths(maps, ch), depths(len(maps), depth)
    return Generator(kit, GTrunk(kit, wide, counts, heads=heads, window=window, norm=norm))


def discriminator(
    kit: Kit,
    *,
    ch: int = 1024,
    ch_d: int | None = None,
    depth_d: int = 3,
    patch: int | None = None,
    heads: int = 4,
    window: int = 16,
) -> Discriminator:
    """D of TransGAN: transformer blocks over patches of two or three sizes.

    Args:
        kit: of D's side.
        ch: G's.
        ch_d: channels of a token of D's last map, where they are not the 3/8 of ``ch`` that go with G.
        depth_d: blocks of each map.
        patch: pixels on a side of the smallest patches; by default 2, and 4 beyond 64 pixels.
        heads: of attention; as many as divide the width, where these do not.
        window: tokens on a side of what attention stays in, on maps that are larger than 32.
    """
    within("transgan:ch", ch, 1)
    within("transgan:ch.d", ch_d, 4)
    within("transgan:depth.d", depth_d, 1, MOST_BLOCKS)
    within("transgan:patch", patch, 1)
    check_attention(heads, window)
    maps_of(kit)
    short = min(kit.height, kit.width)
    shares = SHARES[2 if short <= LARGEST_OF_TWO else 3]
    side = patch or (2 if short <= SMALL_PATCHES else 4)
    largest = side << (len(shares) - 1)
    if kit.height % largest or kit.width % largest:
        raise UsageError(
            f"transgan:patch={side} does not work: its largest patches have {largest} pixels a side, which do not "
            f"divide an image of {kit.height}x{kit.width}: try transgan:patch=2"
        )
    quarter = max(1, round((ch_d or ch * D_WIDTH) / sum(shares)))
    wide = [share * quarter for share in shares]
    trunk = DTrunk(kit, wide, side, depth_d, heads=heads, window=window)
    return Discriminator(kit, trunk, trunk.features)


def check_attention(heads: int, window: int) -> None:
    """Refuse attention that there is not."""
    within("transgan:heads", heads, 1)
    within("transgan:window", window, 1, FULL)
