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

NETWORKS = {"G": "g", "D": "d"}  # of the usual game, each with its player, whose side it stands on
SEPARATE = {"generator": "g", "discriminator": "d"}  # what declares the network of one side
NOISE = "noise"  # what an architecture provides whose G makes images of noise; a game of its own has to say so
PLAYER = re.compile(r"[gd]|[a-z][a-z0-9_]*(@[gd])?")
IMPORT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
PAPER = re.compile(r"arxiv:\d{4}\.\d{4,5}|arxiv:[a-z-]+/\d{7}|doi:10\.\S+|https://\S+")


def make_entry(kind: str, name: str, build: Callable[..., Any] | str | None = None, **declarations: Any) -> Entry:
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
    checked = {key: _DECLARATIONS[key](part, key, value) for key, value in declarations.items()}
    if kind == "architecture":
        return _architecture(part, name, build, checked)
    if alone := [key for key in SEPARATE if checked.get(key) is not None]:
        raise PluginError(f"{part}: {alone[0]}= is of architectures, not of a {kind}")
    _check_build(part, kind, build)
    return Entry(kind, name, build, form="" if form == kind else form, **checked)


def _architecture(part: str, name: str, build: Callable[..., Any] | str | None, checked: Mapping[str, Any]) -> Entry:
    """The entry of an architecture: networks that are built together, one by one, or both ways."""
    sides = tuple(side for key, side in SEPARATE.items() if checked.get(key) is not None)
    if build is not None:
        _check_build(part, "architecture", build)
    elif not sides:
        raise PluginError(f"{part}: give generator= and discriminator=, one of them, or what builds both together")
    own = {network: side for network, side in NETWORKS.items() if build is not None or side in sides}
    networks = checked.get("networks") or own
    if build is None and networks != own:
        raise PluginError(f"{part}: networks= is of networks that are built together; here they are {own}, by side")
    if checked.get("game") is None:
        for network, player in networks.items():
            if player not in SEPARATE.values():
                raise PluginError(
                    f"{part}: networks gives {network} to the player {player.partition('@')[0]!r}, which the usual game"
                    f" does not have; its players are g and d, and game= declares a game with others"
                )
    if checked.get("game") is None and "g" in networks.values():  # of the usual one, whose G is given noise
        checked = {**checked, "provides": frozenset(checked.get("provides", ())) | {NOISE}}
    return Entry("architecture", name, build, **{**checked, "networks": networks, "sides": sides or ("g", "d")})


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


def _excludes(part: str, key: str, value: object) -> dict[str, object]:
    excluded = _mapping(part, key, value)
    for name in excluded.values():
        _names(part, key, (name,))
    return excluded


def _networks(part: str, key: str, value: object) -> dict[str, object]:
    networks = _mapping(part, key, value)
    if not networks or not all(name.isidentifier() and isinstance(networks[name], str) for name in networks):
        raise PluginError(f"{part}: {key} maps each network's name to its player, such as {{'G': 'g', 'D': 'd'}}")
    for name, player in networks.items():
        own, at, _ = str(player).partition("@")
        if not PLAYER.fullmatch(str(player)) or (at and own in SEPARATE.values()):
            raise PluginError(
                f"{part}: {key} gives {name} to {player!r}; a player is g, d, or another name in lower case, such as"
                f" 'e', or 'e@g' for one with the parts and inputs of side g"
            )
    return networks


def _game(part: str, key: str, value: object) -> object:
    return _reference(part, key, value, "a ganzoo.Game")


def _flag(part: str, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise PluginError(f"{part}: {key} is True or False, not {value!r}")
    return value


def _builder(part: str, key: str, value: object) -> object:
    return _reference(part, key, value, "a callable (kit, *, options)")


def _reference(part: str, key: str, value: object, what: str) -> object:
    if value is None or callable(value) or (isinstance(value, str) and IMPORT.fullmatch(value)):
        return value
    raise PluginError(f"{part}: {key} is {what} or 'module:Name' of one, not {value!r}")


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
    "excludes": _excludes,
    "requires_settings": _train,
    "requires_parts": _names,
    "fallback": _text,
    "train": _train,
    "family": _text,
    "paper": _paper,
    "aliases": _names,
    "sides": _sides,
    "across_batch": _flag,
    "within_class": _flag,
    "game": _game,
    "networks": _networks,
    "published": _published,
    "generator": _builder,
    "discriminator": _builder,
}
DECLARATIONS = tuple(_DECLARATIONS)
