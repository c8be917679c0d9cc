"""Objects as text that fits on a screen: what ``repr`` says of a model, a plan, a part, a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ganzoo.errors import printable

WIDE, MOST = 118, 12  # letters of a line, and lines


def cut(text: str, longest: int = WIDE) -> str:
    """One line, of ``longest`` letters at most; nothing in it is obeyed by a terminal."""
    shown = printable(text, None)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."


def block(title: str, facts: Iterable[tuple[str, object]]) -> str:
    """A title and under it a line for each fact, of which those without a value are left out.

    Args:
        title: what it is.
        facts: pairs of a name and a value; a value of None or empty text is none.
    """
    said = [(name, str(value)) for name, value in facts if value is not None and str(value)]
    wide = max((len(name) for name, _ in said), default=0)
    lines = [cut(title), *(cut(f"  {name:<{wide}}  {value}") for name, value in said)]
    return "\n".join(lines if len(lines) <= MOST else [*lines[: MOST - 1], "  ..."])


def readable(facts: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Facts as far as they can be found: whoever prints an object to see what is wrong with it must see something."""
    try:
        yield from facts
    except Exception as error:
        yield "not shown", f"{type(error).__name__}: {error}"


def some(names: Iterable[str], most: int = 6) -> str:
    """Names as a list of which the first ``most`` are written: ``a, b, c and 7 more``."""
    every = list(names)
    left = len(every) - most
    return ", ".join(every[:most]) + (f" and {left:,} more" if left > 0 else "")
