"""Whether images use the range that their numbers have: 12 bits kept in 16 show as black."""

from __future__ import annotations

import torch

from ganzoo.data.images import Images

LOOKED_AT = 16  # images, evenly spaced, that stand for all
LEAST = {8: 65 / 255, 16: 1 / 2}  # share of the range, by bits, below which no honest set of pictures stays


def highest(images: Images) -> int:
    """The highest value of some of the images.

    Raises:
        DataError: one of them is decoded now, and cannot be.
    """
    rows = torch.linspace(0, images.shape[0] - 1, min(LOOKED_AT, images.shape[0])).long()
    return int(images.fetch(rows).numpy().max())


def said_of_range(where: str, top: int, bits: int) -> list[str]:
    """A sentence about images that are next to black; none where they are not.

    Args:
        where: what messages call them.
        top: the highest of their values.
        bits: of each value.
    """
    full = 2**bits - 1
    if top >= full * LEAST[bits]:
        return []
    used = top.bit_length()
    if not top:
        return [f"{where}: every value is 0: the pictures are black"]
    return [
        f"{where}: no value is above {top:,} of {full:,}, as {used}-bit data has that is kept in {bits} bits: it shows "
        f"as nearly black; multiply the values by {2 ** (bits - used):,} beforehand, unless the pictures are that dark"
    ]
