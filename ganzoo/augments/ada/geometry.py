"""Blits and geometric transforms: one matrix for each image, and one resampling.

Pixels beyond the border are those of the image mirrored at its outermost pixels. Where only blits were drawn pixels
are copied; elsewhere the image is doubled by the orthogonal wavelet sym6, read bilinearly, and halved by the same
wavelet, so that a transform which does nothing would change nothing. All of it is linear in the image and made of
operations with derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.augments.ada.draws import Draws, where

# The scaling filter of the least asymmetric wavelet with 6 vanishing moments (Daubechies, Ten Lectures on Wavelets,
# 1992, section 8.1.1): the spectral factor of her polynomial whose phase is nearest to linear.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
CENTRE = sum(k * tap for k, tap in enumerate(SYM6)) / sum(SYM6)  # where a pixel's middle is among the taps
REACH = 3  # pixels beyond the border that the filter which halves reads, of an image that is not moved
MARGIN = REACH + 3  # pixels beyond the border that the doubled image is made of
SHIFT = 0.125  # of the sides
SCALE = 0.2  # octaves


def blits(g: Tensor, draws: Draws, p: Tensor | float, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """x-flips, turns by 90° and whole shifts.

    Args:
        g: matrices ``(B, 3, 3)`` from a pixel's place (x, y, 1) in what is made to its place in the image, both
            measured from the image's middle.
        draws: the numbers.
        p: the probability of each.
        size: height and width.

    Returns:
        The matrices with the transforms, and which images one of them acts on, ``(B,)``.
    """
    height, width = size
    flips, turns, shifts = draws.acts(p), draws.acts(p), draws.acts(p)
    flip = torch.where(flips, 1 - 2 * draws.whole(2), 1.0)
    turn = torch.where(turns, draws.whole(4), 0.0).long()
    right = torch.where(shifts, (draws.uniform(-SHIFT, SHIFT) * width).round(), 0.0)
    down = torch.where(shifts, (draws.uniform(-SHIFT, SHIFT) * height).round(), 0.0)
    cosines = g.new_tensor([1.0, 0.0, -1.0, 0.0])  # exact, as those of a computer are not
    g = g @ scaling(flip, torch.ones_like(flip))
    g = g @ rotation(cosines[turn], cosines[(turn + 3) % 4])
    return g @ translation(-right, -down), flips | turns | shifts


def geometry(g: Tensor, draws: Draws, p: Tensor | float, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Scaling, rotation, scaling along an axis, rotation again, shifts by parts of pixels; see :func:`blits`.

    Each rotation has a probability of ``1 - sqrt(1 - p)``, so that one of the two acts with ``p``.
    """
    height, width = size
    acts, factor = draws.acts(p), draws.lognormal(SCALE)
    either = [acts]
    factor = torch.where(acts, factor, 1.0)
    g = g @ scaling(1 / factor, 1 / factor)
    each = 1 - (1 - p) ** 0.5
    for place in ("before", "after"):
        acts = draws.acts(each)
        angle = torch.where(acts, draws.uniform(-torch.pi, torch.pi), 0.0)
        g = g @ rotation(angle.cos(), angle.sin())
        either.append(acts)
        if place == "before":
            acts, factor = draws.acts(p), draws.lognormal(SCALE)
            factor = torch.where(acts, factor, 1.0)
            g = g @ scaling(1 / factor, factor)
            either.append(acts)
    acts = draws.acts(p)
    right, down = draws.normal(SHIFT) * width, draws.normal(SHIFT) * height
    g = g @ translation(torch.where(acts, -right, 0.0), torch.where(acts, -down, 0.0))
    return g, torch.stack([*either, acts]).any(0)


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Matrices ``(B, 3, 3)`` that scale by ``x`` and ``y`` ``(B,)``."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], 1))


def rotation(cosine: Tensor, sine: Tensor) -> Tensor:
    """Matrices ``(B, 3, 3)`` that turn by an angle ``(B,)``."""
    zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
    rows = [cosine, -sine, zero, sine, cosine, zero, zero, zero, one]
    return torch.stack(rows, 1).unflatten(1, (3, 3))


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Matrices ``(B, 3, 3)`` that shift by ``x`` and ``y`` ``(B,)``."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack([one, zero, x, zero, one, y, zero, zero, one], 1).unflatten(1, (3, 3))


def copied(x: Tensor, g: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` read at the places of ``g``: exact copies of pixels where those are whole."""
    grid = [torch.arange(side, device=x.device, dtype=x.dtype) for side in x.shape[2:]]
    rows, columns = placed(g, grid, x.shape[2:])
    return bilinear(x, mirrored(rows, x.shape[2]), mirrored(columns, x.shape[3]))


def warped(x: Tensor, g: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` doubled by sym6, read at the places of ``g``, and halved by it."""
    height, width = x.shape[2:]
    taps = x.new_tensor(SYM6)
    wide = doubled(extended(x, MARGIN), taps)
    # The places of the doubled image that is made; the filter that halves it wants some beyond its border.
    grid = [(torch.arange(2 * side + 10, device=x.device, dtype=x.dtype) - CENTRE) / 2 for side in (height, width)]
    rows, columns = placed(g, grid, (height, width))
    at = [2 * (nearby(place, side) + MARGIN) + CENTRE for place, side in ((rows, height), (columns, width))]
    return halved(bilinear(wide, *at), taps)


def placed(g: Tensor, grid: Sequence[Tensor], size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Where ``g`` ``(B, 3, 3)`` has the places of a grid, given by its rows and columns: both ``(B, h, w)``."""
    y, x = (place - (side - 1) / 2 for place, side in zip(grid, size, strict=True))
    g = g[:, :, :, None, None]
    across, down = (g[:, k, 0] * x + g[:, k, 1] * y[:, None] + g[:, k, 2] for k in range(2))
    return down + (size[0] - 1) / 2, across + (size[1] - 1) / 2


def mirrored(place: Tensor, side: int) -> Tensor:
    """Places brought into 0 to ``side - 1`` by mirrors at both ends."""
    last = side - 1
    if last == 0:
        return torch.zeros_like(place)
    return last - (place.remainder(2 * last) - last).abs()


def nearby(place: Tensor, side: int) -> Tensor:
    """Places mirrored as by :func:`mirrored`, but for those close to the border, where the doubled image has its own.

    The wavelet is not quite symmetric, so what is mirrored before it is not what is mirrored after it.
    """
    close = (place >= -REACH) & (place <= side - 1 + REACH)
    return torch.where(close, place, mirrored(place, side))


def bilinear(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` read between their pixels at ``rows`` and ``columns`` ``(B, h, w)``, within them.

    By gathering pixels and not by ``grid_sample``, which cannot be differentiated twice.
    """
    height, width = x.shape[2:]
    top, left = rows.floor().clamp(0, height - 1), columns.floor().clamp(0, width - 1)
    below, right = (rows - top)[:, None], (columns - left)[:, None]
    flat = x.flatten(2)

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        place = row.long().clamp(max=height - 1) * width + column.long().clamp(max=width - 1)
        index = place.flatten(1)[:, None].expand(-1, x.shape[1], -1)
        return flat.gather(2, index).unflatten(2, place.shape[1:])

    upper = pixels(top, left) * (1 - right) + pixels(top, left + 1) * right
    lower = pixels(top + 1, left) * (1 - right) + pixels(top + 1, left + 1) * right
    return upper * (1 - below) + lower * below


def extended(x: Tensor, margin: int) -> Tensor:
    """Images ``(B, C, H, W)`` with ``margin`` mirrored pixels on each side, more than there are if need be."""
    for dim in (2, 3):
        side = x.shape[dim]
        place = mirrored(torch.arange(-margin, side + margin, device=x.device, dtype=torch.float32), side)
        x = x.index_select(dim, place.long())
    return x


def doubled(x: Tensor, taps: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` with zeros between pixels, convolved: ``(B, C, 2H + 10, 2W + 10)`` for 12 taps."""
    flat = x.flatten(0, 1)[:, None]
    flat = F.conv_transpose2d(flat, taps[None, None, :, None], stride=(2, 1))
    return F.conv_transpose2d(flat, taps[None, None, None], stride=(1, 2))[:, 0].unflatten(0, x.shape[:2])


def halved(x: Tensor, taps: Tensor) -> Tensor:
    """The transpose of :func:`doubled`, which undoes it, since shifts by two pixels of the filter are orthogonal."""
    flat = x.flatten(0, 1)[:, None]
    flat = F.conv2d(flat, taps[None, None, :, None], stride=(2, 1))
    return F.conv2d(flat, taps[None, None, None], stride=(1, 2))[:, 0].unflatten(0, x.shape[:2])


def transformed(x: Tensor, draws: Draws, p: Tensor | float, groups: frozenset[str]) -> Tensor:
    """Images ``(B, C, H, W)`` after the groups ``blit`` and ``geom``, as far as they are named."""
    size = (x.shape[2], x.shape[3])
    g = torch.eye(3, dtype=x.dtype, device=x.device).expand(len(x), 3, 3)
    y = x
    if "blit" in groups:
        g, blit = blits(g, draws, p, size)
        y = where(blit, copied(x, g), x)
    if "geom" in groups:
        g, acts = geometry(g, draws, p, size)
        y = where(acts, warped(x, g), y)
    return y
