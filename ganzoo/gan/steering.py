"""Directions of the noise z or of w, along which images of a model change, and moving samples along them.

They are found by :mod:`ganzoo.visual.directions` and kept in a file by :mod:`ganzoo.folder.directions`. A direction is
used where it was found: in z or in w, and of w in the same layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.files.paths import to_path
from ganzoo.gan.arguments import real_number
from ganzoo.registry.entry import resolve

SAVE = "ganzoo.folder.directions:save_directions"  # by its name: what writes files of models stands above this room
Moves = str | Sequence[str] | Mapping[str, float]
Range = tuple[float, float]
Ranges = str | Sequence[str] | Mapping[str, float | Range]
BETWEEN = ".."  # the ends of a range, as a person writes them


@dataclass(frozen=True)
class Directions:
    """Directions of one model's z or w, the strongest first: d0, d1 and so on.

    Attributes:
        vectors: ``(k, d)``, each of length 1, its component that is largest in size positive.
        sigma: ``(k,)``: the standard deviation of z, or of w, along each.
        space: ``"z"`` or ``"w"``.
        layers: of w that are moved, from the first to the last; None for all, and in z.
        method: how they were found, in a word or two.
        model: sha256 of the weights of the generator side.
    """

    vectors: Tensor
    sigma: Tensor
    space: str
    layers: tuple[int, int] | None
    method: str
    model: str

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file that ``ganzoo sample --directions`` and :meth:`GAN.sample` take; the same bytes every time.

        Args:
            path: replaced in one piece; ``.safetensors`` is what others call such a file.

        Raises:
            RunError: it cannot be written.
        """
        resolve(SAVE)(to_path(path, "path"), self)

    def move(self, amounts: Mapping[int, float]) -> Move:
        """The move by so many sigma along each direction, by its number.

        Raises:
            UsageError: so far that no latents are there.
        """
        shift = torch.zeros_like(self.vectors[0])
        for number, amount in amounts.items():
            shift = shift + amount * self.sigma[number] * self.vectors[number]
        if not bool(shift.isfinite().all()):
            far = ", ".join(f"d{number}={amount:g}" for number, amount in amounts.items())
            raise UsageError(f"{far} does not work: it is further than numbers go; -3 to 3 is where most images are")
        return Move(self.space, shift, self.layers)

    def moves(self, ranges: Mapping[int, Range], count: int) -> Move:
        """The moves of ``count`` images, from the first end of each range to the last in even steps."""
        shares = [number / max(1, count - 1) for number in range(count)]
        amounts = [{name: a + (b - a) * share for name, (a, b) in ranges.items()} for share in shares]
        return Move(self.space, torch.stack([self.move(one).shift for one in amounts]), self.layers)


@dataclass(frozen=True)
class Move:
    """A shift of the latents that images are made of.

    Attributes:
        space: ``"z"`` or ``"w"``.
        shift: ``(d,)``; or ``(n, d)`` for ``n`` images that are made at once.
        layers: of w that are moved, from the first to the last; None for all.
    """

    space: str
    shift: Tensor
    layers: tuple[int, int] | None = None

    def __call__(self, latents: Tensor) -> Tensor:
        """Latents ``(n, d)``, or w ``(n, layers, d)``, moved."""
        shift = self.shift.to(latents)
        if latents.ndim < 3:
            return latents + shift
        places = torch.arange(latents.shape[1], device=latents.device)
        first, last = self.layers or (0, latents.shape[1] - 1)
        return latents + ((places >= first) & (places <= last)).to(latents)[:, None] * shift[..., None, :]

    def through(self, generator: Any) -> Callable[..., Tensor]:
        """What to call in place of ``generator``: it draws images whose latents were moved."""
        if self.space == "w":  # behind truncation, so that a move is as long for every psi
            return lambda z, y: generator.synthesis(self(generator.styles(z, y)))
        return lambda z, y, **conditions: generator(self(z), y, **conditions)


def read_moves(given: Moves, count: int) -> dict[int, float]:
    """How far along which directions: ``"d3=1.5"``, several of these, or ``{"d3": 1.5}``.

    Args:
        given: by the name of each direction, in sigma.
        count: how many directions there are.

    Raises:
        UsageError: for other text, a direction that there is not, one given twice, no number, or a range.
    """
    found = read_ranges(given, count)
    for number, (first, last) in found.items():
        if first != last:
            raise UsageError(
                f"direction d{number}={first:g}{BETWEEN}{last:g} is a range, along which 'ganzoo interpolate' walks:"
                f" here it is one number, such as d{number}={last:g}"
            )
    return {number: first for number, (first, _) in found.items()}


def read_ranges(given: Ranges, count: int) -> dict[int, Range]:
    """From where to where along which directions: ``"d3=-2..2"``, several of these, or ``{"d3": (-2, 2)}``.

    One number is a range that begins and ends there. Arguments as :func:`read_moves` takes them.

    Raises:
        UsageError: for other text, a direction that there is not, one given twice, or no numbers.
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else [_pair(word) for word in _words(given)]
    found: dict[int, Range] = {}
    for name, amount in pairs:
        number = re.fullmatch(r"d(\d{1,6})", name) if isinstance(name, str) else None
        if number is None or int(number[1]) >= count:
            raise UsageError(f"there is no direction {name}: there are d0 to d{count - 1}")
        if int(number[1]) in found:
            raise UsageError(f"the direction {name} is given twice: keep one of them")
        ends = amount if isinstance(amount, tuple | list) else (amount, amount)
        if len(ends) != 2:
            raise UsageError(f"{name}={amount!r} does not work: it is a number, or a range of two, such as (-2, 2)")
        found[int(number[1])] = real_number(name, ends[0]), real_number(name, ends[1])
    return found


def check_moves(direction: object, directions: object) -> None:
    """Refuse a move without a file of directions, and the other way round.

    Raises:
        UsageError: only one of them is given.
    """
    if direction and directions is None:
        raise UsageError("a direction is one of a file that 'ganzoo directions MODEL' writes: give directions too")
    if directions is not None and not direction:
        raise UsageError("directions are given, and none of them to move along: give a direction too, such as d0=1.5")


def _words(given: object) -> list[str]:
    words = [given] if isinstance(given, str) else list(given) if isinstance(given, list | tuple) else [given]
    if not all(isinstance(word, str) for word in words):
        raise UsageError(f"direction={given!r} does not work: write 'd3=1.5', or {{'d3': 1.5}}")
    return [str(word) for word in words]


def _pair(word: str) -> tuple[str, Range]:
    name, _, amount = word.partition("=")
    first, between, last = amount.partition(BETWEEN)
    try:
        return name, (float(first), float(last if between else first))
    except ValueError:
        raise UsageError(
            f"direction {word} does not work: write NAME=SIGMAS, such as d3=1.5 or d3=-2, or a walk as d3=-2..2"
        ) from None
