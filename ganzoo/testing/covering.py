"""Rows of choices such that every pair of choices stands in one of them.

A pairwise covering array, built one row at a time by greedy choice as in AETG (Cohen et al. 1997,
doi:10.1109/32.605761): most faults of combinations need two of their choices only. Ours is deterministic, and
knows rows that do not fit: a pair that fits with nothing gets a row of its own, as plain as can be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

Combination = dict[str, str]
Choice = tuple[str, str]
Pair = tuple[Choice, Choice]

TRIES = 6  # rows that a pair may be put into before it counts as one that fits with nothing


def covering(
    axes: Mapping[str, Sequence[str]], fits: Callable[[Combination], bool], focus: str | None = None
) -> Iterator[Combination]:
    """Rows that cover every pair of values of two axes, the first ones the most.

    Args:
        axes: the values of each; the first is the plainest.
        fits: whether a row can be; pairs count as covered by rows that can, where there is one.
        focus: cover only the pairs of this axis with the others.
    """
    rng = random.Random(0)
    left = {pair: None for pair in _pairs(axes) if focus in (None, pair[0][0], pair[1][0])}
    while left:
        pair = next(iter(left))
        plainest = {axis: values[0] for axis, values in axes.items()} | dict(pair)
        row = next((row for row in (*_candidates(axes, pair, left, rng), plainest) if fits(row)), None)
        yield plainest if row is None else row
        for covered in [pair] if row is None else _within(row):
            left.pop(covered, None)


def _pairs(axes: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    for one, two in combinations(axes, 2):
        yield from (((one, a), (two, b)) for a in axes[one] for b in axes[two])


def _within(row: Combination) -> Iterator[Pair]:
    return combinations(row.items(), 2)


def _candidates(
    axes: Mapping[str, Sequence[str]], pair: Pair, left: Mapping[Pair, None], rng: random.Random
) -> Iterator[Combination]:
    """Rows with ``pair`` in them: the first covers as much as can be, the others as it comes."""
    for number in range(TRIES):
        row = dict(pair)
        rest = [axis for axis in axes if axis not in row]
        rng.shuffle(rest)
        for axis in rest:
            values = rng.sample(list(axes[axis]), len(axes[axis]))
            row[axis] = values[0] if number else max(values, key=lambda value: _gain(axes, row, axis, value, left))
        yield {axis: row[axis] for axis in axes}


def _gain(axes: Mapping[str, Sequence[str]], row: Combination, axis: str, value: str, left: Mapping[Pair, None]) -> int:
    """How many pairs not yet covered a value makes with what is chosen."""
    order = list(axes)
    choices = (sorted([(axis, value), chosen], key=lambda choice: order.index(choice[0])) for chosen in row.items())
    return sum(tuple(choice) in left for choice in choices)
