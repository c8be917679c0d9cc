"""Which of our tensors a peer's tensor is: a table of patterns, one line for each kind of layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted

Change = Callable[[Tensor], Tensor]
ANY = "{any}"
HOLE = re.compile(r"\{(\d*)([a-z])(?:\+(\d+))?\}")  # {i}, {i+2}, {3i+4}
LISTED = 3  # names of an error
# A number as code writes it. Whoever counts up to the highest has to come to an end: no network has ten thousand layers
# of a kind, and a file of two tensors may name the thousand-millionth.
NUMBER = r"0|[1-9][0-9]{0,3}"


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        theirs: pattern of a peer's names, in which ``{i}`` stands for a number, ``{3i+4}`` for 4, 7, 10, ..., and one
            ``{any}`` for any text.
        ours: the name that it gets, with the same holes; None for a tensor that is known and not needed.
        change: what makes our tensor of theirs, where they are laid out differently.
    """

    theirs: str
    ours: str | None
    change: Change | None = None


def line(theirs: str, ours: str | None, change: Change | None = None) -> Line:
    """A line of a table: ``theirs`` becomes ``ours``, after a ``change`` if there is one; see :class:`Line`."""
    return Line(theirs, ours, change)


UNUSED = (line("{any}.num_batches_tracked", None),)  # counters of batch norms, which nothing that samples reads


@lru_cache(maxsize=4096)
def _pattern(theirs: str) -> tuple[re.Pattern[str], tuple[tuple[str, int, int], ...]]:
    """The regular expression of a pattern, and of each hole in turn its letter, step and start."""
    text, holes, end = "", list[tuple[str, int, int]](), 0
    for hole in HOLE.finditer(theirs):
        text += _literal(theirs[end : hole.start()]) + f"(?P<hole{len(holes)}>{NUMBER})"
        holes.append((hole[2], int(hole[1] or 1), int(hole[3] or 0)))
        end = hole.end()
    return re.compile(text + _literal(theirs[end:])), tuple(holes)


def _literal(text: str) -> str:
    return r"(?P<any>.+)".join(map(re.escape, text.split(ANY)))


def _match(theirs: str, name: str) -> tuple[dict[str, int], str] | None:
    """What the letters of a pattern stand for in a name, and its ``{any}``; None where it does not match."""
    pattern, holes = _pattern(theirs)
    found = pattern.fullmatch(name)
    if found is None:
        return None
    letters: dict[str, int] = {}
    for place, (letter, step, start) in enumerate(holes):
        index, rest = divmod(int(found[f"hole{place}"]) - start, step)
        if rest or index < 0 or letters.setdefault(letter, index) != index:
            return None
    return letters, found["any"] if ANY in theirs else ""


def _filled(ours: str, letters: Mapping[str, int], rest: str) -> str:
    """A name with its holes filled."""
    numbered = HOLE.sub(lambda hole: str(int(hole[1] or 1) * letters[hole[2]] + int(hole[3] or 0)), ours)
    return numbered.replace(ANY, rest)


def renamed(state: Mapping[str, Tensor], table: Iterable[Line], source: str) -> dict[str, Tensor]:
    """Our tensors by our names; of the lines that match a name the first counts.

    Args:
        state: a peer's tensors by name.
        table: what each becomes.
        source: of the file, for messages.

    Raises:
        ModelError: a tensor is in no line, or of another shape than its line changes, or two get one name.
    """
    lines, ours, left = [*UNUSED, *table], dict[str, Tensor](), list[str]()
    for name, tensor in state.items():
        one, match = next(((one, match) for one in lines if (match := _match(one.theirs, name))), (None, None))
        if one is None or match is None:
            left.append(name)
            continue
        if one.ours is None:
            continue
        new = _filled(one.ours, *match)
        if new in ours:
            raise ModelError(f"{source}: {quoted(name)} and another tensor would both be {new}")
        ours[new] = tensor if one.change is None else _changed(one.change, name, tensor, source)
    if left:
        raise ModelError(f"{source}: no place for {listed(left)}: it is another variant than its name says")
    return ours


def _changed(change: Change, name: str, tensor: Tensor, source: str) -> Tensor:
    """What a change makes of a tensor, whose shape may be one that it does not know."""
    try:
        return change(tensor)
    except (IndexError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{source}: {quoted(name)} has the shape {list(tensor.shape)}, which is not that of its kind"
        ) from error


def listed(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(quoted(name) for name in names[:LISTED])}{more}"


def highest(state: Iterable[str], theirs: str, letter: str = "i") -> int:
    """The highest number that a letter of the pattern ``theirs`` stands for in any name of ``state``; -1 for none."""
    return max((found[0][letter] for name in state if (found := _match(theirs, name))), default=-1)
