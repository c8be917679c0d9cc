r"""From a pattern with braces to recipes: text only, as a shell expands it, but with a memory of what was chosen.

``dcgan+{bn,normalization/none}+{bce,hinge}`` is four recipes in two *factors*. An alternative may be empty
(``dcgan{,+sn}`` or ``dcgan+{,sn}``) and may hold braces itself; ``\,`` is a comma that does not separate, as in
``dcgan+{gp,r1:gamma=1\,every=4}``. Commas outside braces are letters like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from ganzoo.errors import UsageError

MOST = 1000  # recipes; a longer list is a slip of the pen
NOTHING = "(nothing)"  # how an empty alternative is called


@dataclass(frozen=True)
class Variant:
    """One recipe of a pattern and the alternative that it took of each factor."""

    recipe: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """A recipe with braces, read.

    Attributes:
        text: as written.
        pieces: alternatives of each piece, in order; a piece outside braces has one.
        factors: the pieces that leave a choice.
    """

    text: str
    pieces: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern.

        Raises:
            UsageError: for braces that do not close or hold nothing, or too many recipes.
        """
        reader = _Reader(text)
        pieces = tuple(reader.pieces(inside=False))
        if prod(map(len, pieces)) > MOST:
            raise UsageError(f"{text!r} means {prod(map(len, pieces)):,} recipes; a grid has at most {MOST:,}")
        return cls(text, pieces)

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """The alternatives of each choice, as they are called."""
        return tuple(tuple(map(called, piece)) for piece in self.pieces if len(piece) > 1)

    def variants(self) -> Iterator[Variant]:
        """Every recipe, the last factor changing fastest."""
        for words in product(*self.pieces):
            choices = tuple(called(word) for word, piece in zip(words, self.pieces, strict=True) if len(piece) > 1)
            yield Variant(_joined(words), choices)


def called(alternative: str) -> str:
    """An alternative as it stands in a table: without the ``+`` that belongs to its place."""
    return alternative.strip("+") or NOTHING


def _joined(words: Sequence[str]) -> str:
    """The recipe; where nothing was chosen, the ``+`` before it goes too."""
    text = "".join(words)
    return re.sub(r"\+{2,}", "+", text).strip("+") if "" in words else text


class _Reader:
    """Reads a pattern letter by letter."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def pieces(self, inside: bool) -> Iterator[tuple[str, ...]]:
        """Pieces up to the end, or inside braces to the next ``,`` or ``}``."""
        letters = ""
        while self.at < len(self.text):
            letter = self.text[self.at]
            if inside and letter in ",}":
                break
            self.at += 1
            if letter == "\\" and self.text[self.at : self.at + 1] in (",", "{", "}", "\\"):
                letters += self.text[self.at]
                self.at += 1
            elif letter == "{":
                if letters:
                    yield (letters,)
                letters = ""
                yield self.alternatives()
            elif letter == "}":
                raise UsageError(f"{self.text!r} has a '}}' without its '{{'")
            else:
                letters += letter
        if letters:
            yield (letters,)

    def alternatives(self) -> tuple[str, ...]:
        """What stands between braces, the first of which has been read."""
        begun, found = self.at, list[str]()
        while self.at < len(self.text):
            pieces = tuple(self.pieces(inside=True))
            if len(found) + prod(map(len, pieces)) > MOST:
                raise UsageError(f"{self.text!r} means more than {MOST:,} recipes, the most that a grid has")
            found += ("".join(words) for words in product(*pieces))
            closed = self.text[self.at : self.at + 1]
            self.at += 1
            if closed == "}":
                if found == [""]:
                    raise UsageError(f"{self.text!r} has braces with nothing in them: write {{bce,hinge}}")
                return tuple(found)
            if closed == "," and self.at == len(self.text):
                break
        raise UsageError(f"{self.text!r} has a '{{' without its '}}': {self.text[begun - 1 :]!r}")


def expand(patterns: Sequence[str]) -> tuple[list[Pattern], list[tuple[int, Variant]]]:
    """Patterns, and all their recipes with the number of the pattern that each is of.

    Raises:
        UsageError: for a pattern that cannot be read, too many recipes, or one that comes twice.
    """
    read = [Pattern.parse(text) for text in patterns]
    variants = [(index, variant) for index, pattern in enumerate(read) for variant in pattern.variants()]
    if len(variants) > MOST:
        raise UsageError(f"these patterns mean {len(variants):,} recipes; a grid has at most {MOST:,}")
    seen: set[str] = set()
    for _, variant in variants:
        if variant.recipe in seen:
            raise UsageError(f"{variant.recipe!r} comes twice in the grid: keep one")
        seen.add(variant.recipe)
    return read, variants
