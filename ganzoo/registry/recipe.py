"""Recipes: a GAN as one word that is safe in a shell, such as ``sagan+sn@d+sa@16,32+r1:gamma=10,every=16``.

A recipe is a head and the parts that are put into it, joined by ``+``::

    recipe = head ("+" part)*
    part   = [kind "/"] name ["@" place ("," place)*] [":" key "=" value ("," key "=" value)*]
    place  = "g" | "d" | a resolution such as 32
    value  = letters, digits and . _ - /

The head is an architecture, or a preset: a recipe that has a name. It brings both networks and all that they need. A
later word is a part that takes the place of what the head has in its slot, such as the loss; regularizers and
augmentations are added to those that are there. An architecture on one side takes the place of that side's network.

Places say where a part stands: in the generator (``g``), in the discriminator (``d``), at one resolution; everywhere
that it can without them. Options are set after a colon; lists are written with ``/``, large numbers without a ``+``
(``1e3``), and a number that may be scheduled as ``linear/A/B``, ``cosine/A/B`` or ``step/A/B/AT``. A name that several
kinds have is written ``kind/name``; ``kind/none`` empties a slot. What a person names goes before what another part
implies, and that before what a preset or an architecture says.

Examples::

    dcgan                              DCGAN as its paper has it
    dcgan+sn@d+hinge                   spectral normalization in D, which takes batch norm away there; hinge loss
    sagan+sn+hinge                     self-attention GAN, conditional where the data has labels
    sagan+sa@g,16,32                   self-attention in G alone, at 16 and 32 pixels
    sngan+wgan+gp:weight=10            Wasserstein loss with a gradient penalty
    dcgan:ch=32+r1:gamma=1,every=16    narrower networks; a lazy R1 penalty
    dcgan+diffaugment+lecam            for few images: augmentation and a regularizer
    dcgan+normalization/none@d         no normalization in D
    stylegan2+sngan@d                  the generator of one architecture, the discriminator of another
    dcgan+r1:gamma=cosine/1/0.1        a penalty whose weight falls over the training
    wgan-gp+hinge                      a preset with another loss

This module is text only. It knows the kinds of parts, but no part: what a name means is the registry's business, and
what a recipe builds is the plan's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ganzoo.errors import RecipeError, either, nearest
from ganzoo.registry.terms import part_meant

KINDS = (
    "architecture",
    "normalization",
    "weight",
    "attention",
    "conditioning",
    "loss",
    "regularizer",
    "augment",
    "dataset",
    "metric",
    "features",
    "sampler",
    "converter",
    "preset",
)
OLD_KINDS = {"penalty": "regularizer", "auxiliary": "regularizer"}
"""What became of kinds of version 0.1.0. ``penalty/r1`` goes on meaning ``regularizer/r1``."""
OLD_FAMILIES = {"penalty": ("gradient", "scores")}
"""Families of regularizers that a kind of version 0.1.0 had: ``penalty/none`` empties them alone."""
HEAD_KINDS = ("architecture", "preset")
ASKED_BY = {
    "dataset": "--data",
    "metric": "--metrics",
    "features": "--features",
    "sampler": "--sampler",
    "converter": "--as",
}
"""Kinds that are no parts of a GAN, and the option that asks for one."""
PART_KINDS = tuple(kind for kind in KINDS if kind not in (*HEAD_KINDS, *ASKED_BY))
WORD_KINDS = ("architecture", *PART_KINDS)  # of later words: an architecture with one side replaces its network
LONGEST = 4096
EMPTY = "none"  # attention/none: the name that empties a slot

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
KEY = re.compile(r"[a-z][a-z0-9._]*")
VALUE = re.compile(r"[A-Za-z0-9._/-]+")
RESOLUTION = re.compile(r"[1-9][0-9]{0,5}")
NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]-?[0-9]{1,3})?")
EXPONENT_PLUS = re.compile(r"=(?:[^+,:]*/)?(([0-9.]+)[eE]\+([0-9]+))(?=[,+/]|$)")


def kind_of(kind: str) -> str:
    """What a kind is called now."""
    return OLD_KINDS.get(kind, kind)


def canonical(value: str) -> str:
    """The one spelling of ``value``: numbers, also between ``/``, lose what does not count.

    ``10.0`` and ``1e1`` become ``10``, ``.9`` becomes ``0.9``, ``1e-5`` stays; what is no number stays as it is.
    """
    return "/".join(map(_canonical_number, value.split("/")))


def _canonical_number(text: str) -> str:
    if not NUMBER.fullmatch(text):
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    significant = "".join(map(str, digits)).lstrip("0").rstrip("0")
    if not significant:
        return "0"
    # Where the decimal point stands, counted from the first significant digit; positional where Python's repr is.
    point = len("".join(map(str, digits)).lstrip("0")) + int(exponent)
    if -3 <= point <= 16:
        padded = significant.ljust(point, "0")
        whole, rest = ("0", "0" * -point + padded) if point <= 0 else (padded[:point], padded[point:])
        number = f"{whole}.{rest}" if rest else whole
    else:
        mantissa = f"{significant[0]}.{significant[1:]}" if significant[1:] else significant
        number = f"{mantissa}e{point - 1}"
    return f"-{number}" if sign else number


@dataclass(frozen=True, repr=False)
class Part:
    """One word of a recipe: a name, where it stands, and its options, always in canonical order.

    Attributes:
        name: the name as written, without its kind; ``none`` empties the slot of ``kind``.
        kind: one of ``KINDS`` if written as ``kind/name``, else None.
        places: ``g``, ``d`` and resolutions as text; none means everywhere.
        options: pairs of key and canonical value, sorted by key.

    Raises:
        RecipeError: if the name, a place or an option cannot be written in a recipe.
    """

    name: str
    kind: str | None = None
    places: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _check_name(self.name, self.kind)
        written = f"{self.kind}/{self.name}" if self.kind else self.name
        places = [str(place) for place in self.places]
        for place in places:
            _check_place(place, written)
        _check_repeats(places, "place", written)
        options = [_option(key, value, written) for key, value in self.options]
        _check_repeats([key for key, _ in options], "option", written)
        if self.name == EMPTY and options:
            raise RecipeError(f"{written} empties a slot and takes no options; drop ':{options[0][0]}=…'")
        object.__setattr__(self, "places", tuple(sorted(places, key=_place_order)))
        object.__setattr__(self, "options", tuple(sorted(options)))

    @classmethod
    def parse(cls, text: str) -> Part:
        """Read ``[kind/]name[@place,…][:key=value,…]``."""
        before, colon, options = text.partition(":")
        qualified, at, places = before.partition("@")
        kind, slash, name = qualified.partition("/")
        if not slash:
            kind, name = "", qualified
        if slash and not kind:
            raise RecipeError(f"{text!r} has no kind before the '/'; write for example loss/{name or 'name'}")
        if at and not places:
            raise RecipeError(f"{text!r} has no place after '@'; write @g, @d or a resolution such as @16")
        if colon and not options:
            raise RecipeError(f"{text!r} has no option after ':'; write :key=value or drop the ':'")
        return cls(
            name,
            kind or None,
            tuple(places.split(",")) if at else (),
            tuple(_split_option(option, qualified) for option in options.split(",")) if colon else (),
        )

    def __str__(self) -> str:
        text = self.spelling
        if self.places:
            text += "@" + ",".join(self.places)
        if self.options:
            text += ":" + ",".join(f"{key}={value}" for key, value in self.options)
        return text

    def __repr__(self) -> str:
        return f"Part.parse({str(self)!r})"

    @property
    def spelling(self) -> str:
        """The name as written, with its kind if that was written: ``sn`` or ``weight/sn``."""
        return f"{self.kind}/{self.name}" if self.kind else self.name

    @property
    def sides(self) -> frozenset[str] | None:
        """The sides named, out of ``g`` and ``d``; None if none is named, which means both."""
        return frozenset(place for place in self.places if place in ("g", "d")) or None

    @property
    def resolutions(self) -> frozenset[int]:
        """The resolutions named; empty means everywhere."""
        return frozenset(int(place) for place in self.places if place not in ("g", "d"))

    @property
    def order(self) -> tuple[Any, ...]:
        """What parts of one name are sorted by: places, then options; numbers by their size."""
        options = ((key, [_by_size(item) for item in value.split("/")]) for key, value in self.options)
        return tuple(map(_place_order, self.places)), tuple(options)

    def overlaps(self, other: Part) -> bool:
        """Whether the two stand in a common place. Sides restrict sides, numbers restrict resolutions."""
        both = frozenset("gd")
        if not (self.sides or both) & (other.sides or both):
            return False
        return not (self.resolutions and other.resolutions) or bool(self.resolutions & other.resolutions)


@dataclass(frozen=True, repr=False)
class Recipe:
    """An architecture or preset, and the parts put into it.

    Attributes:
        head: the first word; it has options but no places.
        parts: the further words, in the order written.

    Raises:
        RecipeError: if the words do not make a recipe, whatever they mean.
    """

    head: Part
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if self.head.places:
            raise RecipeError(
                f"{str(self.head)!r} is the head of the recipe, which stands everywhere;"
                f" put '@{','.join(self.head.places)}' on a later part"
            )
        if self.head.kind not in (None, *HEAD_KINDS):
            raise RecipeError(
                f"a recipe starts with an architecture or a preset, not with {self.head.spelling!r};"
                f" write dcgan+{self.head.spelling}"
            )
        for part in self.parts:
            sideless = part.kind == "architecture" and part.sides is None
            if part.kind not in (None, *WORD_KINDS, *OLD_KINDS) or sideless:
                raise RecipeError(_misplaced(part))
        for index, part in enumerate(self.parts):
            for earlier in self.parts[:index]:
                if (part.kind, part.name) == (earlier.kind, earlier.name) and part.overlaps(earlier):
                    raise RecipeError(
                        f"{part.spelling!r} stands twice in one place: {str(earlier)!r} and {str(part)!r};"
                        f" keep one, or give them different places such as @g and @d"
                    )

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read a recipe; ``str()`` of the result is its normalised text, which reads back as the same recipe."""
        _check_text(text)
        words = text.split("+")
        if not all(words):
            raise RecipeError(f"{text!r} has a '+' with nothing beside it; write {'+'.join(filter(None, words))!r}")
        head, *parts = map(Part.parse, words)
        return cls(head, tuple(parts))

    def __str__(self) -> str:
        return "+".join(map(str, (self.head, *self.parts)))

    def __repr__(self) -> str:
        return f"Recipe.parse({str(self)!r})"


def _check_text(text: str) -> None:
    """Refuse what is wrong with the text as a whole, where a message about one part would mislead."""
    if len(text) > LONGEST:
        raise RecipeError(f"the recipe has {len(text)} characters; at most {LONGEST} are read")
    if not text.strip():
        raise RecipeError("the recipe is empty; write an architecture and parts, such as dcgan+sn+hinge")
    if not text.strip("+ "):
        raise RecipeError(f"{text!r} names nothing; write an architecture and parts, such as dcgan+sn+hinge")
    if re.search(r"\s", text):
        raise RecipeError(f"{text!r} has a space in it, and a recipe has none; write {_meant(text)!r}")
    if found := EXPONENT_PLUS.search(text):
        raise RecipeError(
            f"{found[1]!r} has a '+', which starts the next part of a recipe; write {found[2]}e{found[3]}"
        )


def _meant(text: str) -> str:
    """A recipe whose words have spaces or capitals, with the names that they mean."""
    words = [re.match(r"[\w\s.-]*", word)[0] for word in text.split("+")]  # type: ignore[index]
    rests = ["".join(word.removeprefix(name).split()) for word, name in zip(text.split("+"), words, strict=True)]
    return "+".join(part_meant(name) + rest for name, rest in zip(words, rests, strict=True))


def _misplaced(part: Part) -> str:
    if part.kind == "architecture":
        return (
            f"{part.spelling!r} can only be the first word of a recipe, or replace one side's network:"
            f" write {part.spelling}@g or {part.spelling}@d"
        )
    if part.kind in HEAD_KINDS:
        return f"{part.spelling!r} can only be the first word of a recipe; later words are parts such as sn or hinge"
    asked = f"{ASKED_BY[str(part.kind)]} {part.name}"
    return f"{part.spelling!r} is no part of a GAN; give the {part.kind} with {asked}"


def _check_name(name: str, kind: str | None) -> None:
    if kind is not None and kind_of(kind) not in KINDS:
        close = either(nearest(kind, KINDS))
        raise RecipeError(f"{f'{kind}/{name}'!r}: there is no kind of part called {kind!r}; nearest: {close}")
    if NAME.fullmatch(name):
        if name == EMPTY and kind is None:
            raise RecipeError("'none' does not say which slot to empty; write for example attention/none")
        if name == EMPTY and kind in HEAD_KINDS:
            raise RecipeError(f"{f'{kind}/none'!r} leaves nothing to build; write a name such as dcgan")
        return
    if not name:
        raise RecipeError("a part has no name; write for example sn@d or loss/hinge")
    if NAME.fullmatch(name.lower()):
        raise RecipeError(f"{name!r}: names are written in lower case; write {_meant(name)!r}")
    raise RecipeError(f"{name!r} is no name; names have lower-case letters, digits, '.', '_' and '-', such as sn")


def _check_place(place: str, name: str) -> None:
    if place in ("g", "d") or RESOLUTION.fullmatch(place):
        return
    if place.lower() in ("g", "d"):
        raise RecipeError(f"{f'{name}@{place}'!r}: write @{place.lower()}, in lower case")
    raise RecipeError(
        f"{f'{name}@{place}'!r}: {place!r} is no place; write @g, @d or a resolution such as @16"
        + ("; options come after a ':'" if "=" in place else "")
    )


def _place_order(place: str) -> tuple[int, int]:
    return ("gd".index(place), 0) if place in ("g", "d") else (2, int(place))


def _by_size(text: str) -> tuple[bool, Decimal, str]:
    """What a value is sorted by: numbers first, by their size."""
    number = NUMBER.fullmatch(text) is not None
    return not number, Decimal(text) if number else Decimal(0), text


def _check_repeats(names: Iterable[str], what: str, part: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RecipeError(f"{part}: the {what} {name!r} is given twice; give it once")
        seen.add(name)


def _split_option(text: str, part: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise RecipeError(f"{part}: {text!r} is no option; write key=value, such as {part}:{key or 'weight'}=10")
    return key, value


def _option(key: str, value: str, part: str) -> tuple[str, str]:
    if not KEY.fullmatch(key):
        raise RecipeError(f"{part}: {key!r} is no name of an option; they are lower case, such as weight or ch.d")
    value = str(value)
    if not VALUE.fullmatch(value):
        hint = "write a list with '/', such as 0/0.9"
        if "@" in value:
            hint = "places come before options, such as r1@d:gamma=10"
        elif ":" in value:
            hint = "options are separated by ',', such as r1:gamma=10,every=16"
        raise RecipeError(f"{part}: {value!r} is no value for {key!r}; {hint}")
    return key, canonical(value)
