"""ViTGAN: transformers that noise steers by their norms, and a discriminator of attention by distances.

ViTGAN: Training GANs with Vision Transformers (Lee et al. 2022, arXiv 2107.04589), section 3. Noise, and the label
where there is one, are mapped to w. G's tokens start as one learnt vector for each patch, the same for every image, and
go through ``depth`` blocks (4, beyond 32 pixels 6) whose layer norms w scales and shifts. Each token then draws its
patch as a function of where a pixel lies in it: two layers over waves of that place (``E(p) = sin(W p + b)``) and the
token, ``V sin(A E(p) + B y)``. Row i of w goes to block i, the last one to the norm behind them.

D has patches that overlap, ``overlap`` pixels (half a patch) beyond each border, a class token, and attention by
distances with queries as keys: ``softmax(-‖q - k‖² / √d) v``. Its every weight keeps the largest singular value that it
started with (``isn``). Patches are an eighth of the shorter side, so that a square image has 8x8; tokens have ``ch``
(384) channels and 6 heads. D's training has DiffAugment and balanced consistency (``diffaugment``, ``bcr``).

All weights are N(0, 1) at first and scaled when used (equalised learning rates), so that ``init`` changes none of them.
Nothing but training bounds what leaves G. How ours differs: the paper gives one w to all norms; ours are rows, all
alike unless styles are mixed, as in every network of ours with w. Labels, which the paper has none of, enter as in
StyleGAN2. D's keys start smaller than N(0, 1), so that its tokens see each other (:class:`L2Attention`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.gan.kit import Discriminator, Kit
from ganzoo.gan.style import StyleGenerator
from ganzoo.layers.attention import tokens
from ganzoo.layers.equalized import EqualizedConv2d, EqualizedLinear, equalize_scores
from ganzoo.layers.mapping import MOST_LAYERS, MappingNetwork
from ganzoo.layers.multi_head import L2Attention, MultiHeadAttention
from ganzoo.layers.self_modulation import SelfModulatedLayerNorm
from ganzoo.layers.sizes import rectangle
from ganzoo.layers.transformer import ClassToken, Positions, TransformerBlock, as_map
from ganzoo.parts import Share

BOTTOMS = (8,)  # patches on the shorter side
SHALLOW = 32  # pixels of the largest image for which 4 blocks do
MOST_BLOCKS = 64
WAVES = math.pi  # standard deviation of their frequencies, for places from -1 to 1 within a patch


def grid(kit: Kit, patch: int | None) -> tuple[int, tuple[int, int]]:
    """Pixels on a side of a patch, and how many of them there are, down and across.

    Raises:
        UsageError: for a patch that does not divide the image.
    """
    _, k = rectangle("vitgan", (kit.height, kit.width), BOTTOMS)
    within("vitgan:patch", patch, 1)
    side = patch or 1 << k
    if kit.height % side or kit.width % side:
        raise UsageError(
            f"vitgan:patch={side} does not work: it does not divide an image of {kit.height}x{kit.width} pixels: "
            f"try vitgan:patch={1 << k}"
        )
    return side, (kit.height // side, kit.width // side)


def blocks_of(kit: Kit, depth: int | None) -> int:
    """How many blocks a network has."""
    within("vitgan:depth", depth, 1, MOST_BLOCKS)
    return depth or (4 if min(kit.height, kit.width) <= SHALLOW else 6)


class Waves(nn.Module):
    """Learnt waves over the places of a patch: ``sin(W p + b)``, p from -1 to 1 down and across.

    Args:
        channels: how many.
        side: pixels of the patch.
    """

    ganzoo_init = "own"

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.frequencies = nn.Parameter(torch.empty(2, channels).normal_(std=WAVES))
        self.phases = nn.Parameter(torch.empty(channels).uniform_(-math.pi, math.pi))

    def forward(self) -> Tensor:
        """``(side², channels)``, row by row."""
        weight = self.frequencies
        place = (torch.arange(self.side, device=weight.device, dtype=weight.dtype) * 2 + 1) / self.side - 1
        down, across = place[:, None] * weight[0], place[:, None] * weight[1]
        return torch.sin(down[:, None] + across[None] + self.phases).flatten(0, 1)


class PatchPainter(nn.Module):
    """Tokens ``(B, N, C)`` to patches: two layers over the waves of a pixel's place and its token, with a sine between.

    Args:
        channels: of a token.
        planes: of the image.
        side: pixels of a patch.
    """

    def __init__(self, channels: int, planes: int, side: int) -> None:
        super().__init__()
        self.waves = Waves(channels, side)
        self.place = EqualizedLinear(channels, channels, bias=False)
        self.token = EqualizedLinear(channels, channels)
        self.last = EqualizedLinear(channels, planes)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, N, side², planes)``."""
        hidden = torch.sin(self.place(self.waves()) + self.token(x)[:, :, None])
        made: Tensor = self.last(hidden)
        return made


class Synthesis(nn.Module):
    """w to images.

    Args:
        kit: of G's side.
        channels: of a token.
        count: of blocks.
        heads: of attention.
        w_dim: length of each w.
        patch: pixels on its side; None for the default.

    Attributes:
        rows: how many w it takes.
    """

    def __init__(self, kit: Kit, channels: int, count: int, *, heads: int, w_dim: int, patch: int | None) -> None:
        super().__init__()
        self.side, self.patches = grid(kit, patch)
        self.positions = Positions(self.patches[0] * self.patches[1], channels)
        nn.init.normal_(self.positions.vectors)

        def norm(width: int) -> nn.Module:
            return SelfModulatedLayerNorm(width, w_dim)

        self.blocks = nn.ModuleList(
            TransformerBlock(
                channels, MultiHeadAttention(channels, heads, EqualizedLinear), norm=norm, linear=EqualizedLinear
            )
            for _ in range(count)
        )
        self.norm = norm(channels)
        self.attention = kit.attention(channels, self.patches[0], own=True)
        self.paint = PatchPainter(channels, kit.channels, self.side)
        self.rows = count + 1

    def forward(self, w: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of ``w`` ``(B, rows, w_dim)``."""
        *rows, last = w.unbind(1)
        x = self.positions.vectors.expand(w.shape[0], -1, -1)
        for block, row in zip(self.blocks, rows, strict=True):
            x = block(x, row)
        x = tokens(self.attention(as_map(self.norm(x, last), self.patches)))
        painted = self.paint(x).unflatten(2, (self.side, self.side)).unflatten(1, self.patches)  # (B, R, S, p, p, C)
        return painted.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, channels)``.

    Args:
        kit: of D's side.
        channels: of a token.
        count: of blocks.
        heads: of attention.
        patch: pixels on its side; None for the default.
        overlap: pixels beyond each of its borders; None for half of it.
    """

    def __init__(
        self, kit: Kit, channels: int, count: int, *, heads: int, patch: int | None, overlap: int | None
    ) -> None:
        super().__init__()
        side, patches = grid(kit, patch)
        beyond = side // 2 if overlap is None else overlap
        self.patches = EqualizedConv2d(kit.inputs, channels, side + 2 * beyond, side, beyond)
        self.attention = kit.attention(channels, patches[0], own=True)
        self.token = ClassToken(channels)
        self.positions = Positions(patches[0] * patches[1] + 1, channels)
        self.blocks = nn.ModuleList(
            TransformerBlock(channels, L2Attention(channels, heads, EqualizedLinear), linear=EqualizedLinear)
            for _ in range(count)
        )
        self.norm = nn.LayerNorm(channels)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        *most, last = [(block,) for block in self.blocks]
        return [(self.patches, self.attention, self.token, self.positions), *most, (*last, self.norm)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of images; labels meet them in the head."""
        seen = self.positions(self.token(tokens(self.attention(self.patches(x)))))
        for block in self.blocks:
            seen = block(seen)
        made: Tensor = self.norm(seen)[:, 0]
        return made


def generator(
    kit: Kit,
    *,
    ch: int = 384,
    depth: int | None = None,
    heads: int = 6,
    patch: int | None = None,
    mapping: int = 2,
    w_dim: int | None = None,
    mixing: Share = 0.0,
) -> StyleGenerator:
    """ViTGAN: a transformer whose layer norms w steers, and that paints patches (Lee et al. 2022, arXiv 2107.04589).

    Attention sites: the map of patches.

    Args:
        kit: of G's side.
        ch: channels of a token.
        depth: blocks; by default 4, and 6 beyond 32 pixels.
        heads: of attention; as many as divide ``ch``, where these do not.
        patch: pixels on its side; an eighth of the image's shorter side by default.
        mapping: layers of the mapping network.
        w_dim: length of w; as ``ch`` by default.
        mixing: probability that the layers of a training's image have two w.
    """
    within("vitgan:ch", ch, 1)
    within("vitgan:heads", heads, 1)
    within("vitgan:mapping", mapping, 1, MOST_LAYERS)
    within("vitgan:w.dim", w_dim, 1)
    length, count = w_dim or ch, blocks_of(kit, depth)
    style = MappingNetwork(kit.latent, kit.c_dim, length, mapping)
    trunk = Synthesis(kit, ch, count, heads=heads, w_dim=length, patch=patch)
    return StyleGenerator(kit, style, trunk, layers=trunk.rows, w_dim=length, mixing=mixing)


def discriminator(
    kit: Kit,
    *,
    ch: int = 384,
    ch_d: int | None = None,
    depth: int | None = None,
    depth_d: int | None = None,
    heads: int = 6,
    patch: int | None = None,
    overlap: int | None = None,
) -> Discriminator:
    """D of ViTGAN: overlapping patches, and attention by distances.

    Args:
        kit: of D's side.
        ch: channels of a token of G.
        ch_d: D's own; ``ch`` by default.
        depth: blocks of G.
        depth_d: D's own; as G's by default.
        heads: of attention; as many as divide the width, where these do not.
        patch: pixels on its side; an eighth of the image's shorter side by default.
        overlap: pixels that a patch has beyond each of its borders; half a patch by default.
    """
    within("vitgan:ch", ch, 1)
    within("vitgan:ch.d", ch_d, 1)
    within("vitgan:heads", heads, 1)
    within("vitgan:depth.d", depth_d, 1, MOST_BLOCKS)
    within("vitgan:overlap", overlap, 0, min(kit.height, kit.width))
    count, width = depth_d or blocks_of(kit, depth), ch_d or ch
    trunk = DTrunk(kit, width, count, heads=heads, patch=patch, overlap=overlap)
    network = Discriminator(kit, trunk, width)
    equalize_scores(network.head)
    return network
