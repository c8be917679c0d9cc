"""The keyword arguments of ``register(name, build, ...)``, such as ``implies`` and ``requires``, and their checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ganzoo.compat.lookup import warn
from ganzoo.compat.table import KEYWORDS
from ganzoo.errors import PluginError, RecipeError, either, nearest
from ganzoo.registry.entry import Entry
from ganzoo.registry.recipe import EMPTY, KINDS, NAME, Recipe, kind_of

IMPORT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
PAPER = re.compile(r"arxiv:\d{4}\.\d{4,5}|arxiv:[a-z-]+/\d{7}|doi:10\.\S+|https://\S+")


def make_entry(kind: str, name: str, build: Callable[..., Any] | str, **declarations: Any) -> Entry:
    """The entry of a part that a plugin registers, once all that it declares is checked.

    Raises:
        PluginError: naming the part, what is wrong and what would work.
    """
    form, kind = kind, kind_of(kind)
    if kind not in KINDS:
        raise PluginError(f"there is no kind {kind!r}; kinds are {either(KINDS, 'and')}")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == EMPTY:
        raise PluginError(
            f"{name!r} cannot be the name of a {kind}: names have lower-case letters, digits, '.', '_' and '-',"
            f" start with a letter or digit, and are not 'none'"
        )
    part = f"{kind}/{name}"
    declarations = _of_today(declarations)
    unknown = sorted(set(declarations) - set(_DECLARATIONS))
    if unknown:
        raise PluginError(
            f"{part}: there is no declaration {unknown[0]!r}; nearest: {', '.join(nearest(unknown[0], _DECLARATIONS))}"
            f" (all: {', '.join(_DECLARATIONS)})"
        )
    _check_build(part, kind, build)
    checked = {key: _DECLARATIONS[key](part, key, value) for key, value in declarations.items()}
    if kind == "architecture":
        checked.setdefault("networks", {"G": "g", "D": "d"})
    return Entry(kind, name, build, form="" if form == kind else form, **checked)


def _of_today(declarations: Mapping[str, Any]) -> dict[str, Any]:
    """Declarations under the keywords that they have now."""
    for old in KEYWORDS.keys() & declarations.keys():
        warn(f"register(..., {old}=)", f"{KEYWORDS[old]}=", depth=5)
    return {KEYWORDS.get(key, key): value for key, value in declarations.items()}


def _check_build(part: str, kind: str, build: object) -> None:
    if kind == "preset":
        if not isinstance(build, str):
            raise PluginError(f"{part}: a preset is the text of a recipe, not {build!r}")
        try:
            Recipe.parse(build)
        except RecipeError as error:
            raise PluginError(f"{part}: {error}") from error
    elif not (callable(build) or (isinstance(build, str) and IMPORT.fullmatch(build))):
        raise PluginError(f"{part}: build is a callable or 'module:Name', not {build!r}")


def _text(part: str, key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise PluginError(f"{part}: {key} is text, not {value!r}")
    return value


def _paper(part: str, key: str, value: object) -> str | None:
    text = _text(part, key, value)
    if text is not None and not PAPER.fullmatch(text):
        raise PluginError(f"{part}: {key} is 'arxiv:NNNN.NNNNN', 'doi:10.…' or an https URL, not {value!r}")
    return text


def _texts(part: str, key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise PluginError(f"{part}: {key} is a collection of names such as ({value!r},), not {value!r}")
    names = tuple(value)
    if not all(isinstance(name, str) for name in names):
        raise PluginError(f"{part}: {key} is a collection of names, not {value!r}")
    return names


def _names(part: str, key: str, value: object) -> tuple[str, ...]:
    names = _texts(part, key, value)
    for name in names:
        if not NAME.fullmatch(name) or name == EMPTY:
            raise PluginError(f"{part}: {name!r} of {key} is no name of a part")
    return names


def _implied(part: str, key: str, value: object) -> tuple[str, ...]:
    words = _texts(part, key, value)
    for word in words:
        try:
            parts = Recipe.parse(f"head+{word}").parts
        except RecipeError as error:
            raise PluginError(f"{part}: {key} {word!r}: {error}") from error
        if len(parts) != 1:
            raise PluginError(f"{part}: {key} {word!r} is several parts; give each by itself")
    return words


def _keys(part: str, key: str, value: object) -> frozenset[str]:
    return frozenset(_texts(part, key, value))


def _sides(part: str, key: str, value: object) -> tuple[str, ...]:
    sides = _texts(part, key, value)
    if not sides or not set(sides) <= {"g", "d"}:
        raise PluginError(f"{part}: {key} is ('g',), ('d',) or ('g', 'd'), not {value!r}")
    return tuple(side for side in ("g", "d") if side in sides)


def _train(part: str, key: str, value: object) -> dict[str, object]:
    settings = _mapping(part, key, value)
    for name, number in settings.items():
        items = number if isinstance(number, tuple) else (number,)
        if not all(isinstance(item, (int, float, str)) for item in items):
            raise PluginError(f"{part}: {key}[{name!r}] is a number, text or a tuple of them, not {number!r}")
    return settings


def _mapping(part: str, key: str, value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise PluginError(f"{part}: {key} is a mapping from names, such as {{'lr.g': 1e-4}}, not {value!r}")
    return dict(value)


def _networks(part: str, key: str, value: object) -> dict[str, object]:
    networks = _mapping(part, key, value)
    if not networks or not all(name.isidentifier() and isinstance(networks[name], str) for name in networks):
        raise PluginError(f"{part}: {key} maps each network's name to its player, such as {{'G': 'g', 'D': 'd'}}")
    return networks


def _game(part: str, key: str, value: object) -> object:
    if value is None or callable(value) or (isinstance(value, str) and IMPORT.fullmatch(value)):
        return value
    raise PluginError(f"{part}: {key} is a ganzoo.Game or 'module:Name' of one, not {value!r}")


def _published(part: str, key: str, value: object) -> tuple[dict[str, object], ...]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise PluginError(f"{part}: {key} is a collection of mappings, not {value!r}")
    scores = tuple(_mapping(part, key, score) for score in value)
    wanted = {"score", "value", "data", "source", "protocol"}
    for score in scores:
        if set(score) != wanted:
            raise PluginError(f"{part}: each of {key} has {either(sorted(wanted), 'and')}, not {sorted(score)}")
    return scores


_DECLARATIONS: Mapping[str, Callable[[str, str, Any], Any]] = {
    "implies": _implied,
    "requires": _keys,
    "provides": _keys,
    "fallback": _text,
    "train": _train,
    "family": _text,
    "paper": _paper,
    "aliases": _names,
    "sides": _sides,
    "game": _game,
    "networks": _networks,
    "published": _published,
}
DECLARATIONS = tuple(_DECLARATIONS)
