"""A part as plain data, as ``ganzoo info`` shows it, and recipes that have it in them."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, ResolutionError, UsageError
from ganzoo.plan.plan import BRINGING
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.registry.docstrings import arguments
from ganzoo.registry.entry import Entry, link
from ganzoo.registry.labels import LABEL, LABEL_KEYS
from ganzoo.registry.loading import registry
from ganzoo.registry.options import options_of
from ganzoo.registry.recipe import EMPTY, HEAD_KINDS, PART_KINDS, WORD_KINDS, Recipe
from ganzoo.registry.sizes import closest

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.plan.plan import Plan


def describe_part(entry: Entry) -> dict[str, Any]:
    """Everything known of a part, ready for JSON; imports it, and builds architectures without memory."""
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.summary,
        "about": about(entry),
        "paper": entry.paper,
        "link": link(entry.paper),
        "options": describe_options(entry),
        "implies": list(entry.implies),
        "requires": sorted(needs(entry)),
        "provides": sorted(entry.provides),
        "fallback": entry.fallback,
        "works_with": [*entry.requires_parts, *(f"{name}={value}" for name, value in entry.requires_settings.items())],
        "across_batch": entry.across_batch,
        "within_class": entry.within_class,
        "train": dict(entry.train),
        "flavour": entry.family,
        "aliases": list(entry.aliases),
        "sides": list(entry.sides),
        "networks": dict(entry.networks),
        "attention_sites": attention_sites(entry),
        "example": example(entry),
        "published": [dict(score) for score in entry.published],
        "distribution": entry.distribution,
        "version": entry.version,
        "entry_point": entry.entry_point,
    }


def needs(entry: Entry) -> frozenset[str]:
    """The keys that a part requires; a preset requires the labels that parts named in it do, for those do not yield."""
    if entry.kind != "preset":
        return entry.requires
    recipe, known = Recipe.parse(str(entry.build)), registry()
    named = [known.find(word.spelling, WORD_KINDS) for word in recipe.parts if word.name != EMPTY]
    asked = frozenset().union(*(one.requires & LABEL_KEYS for one in named))
    return asked | needs(known.find(recipe.head.spelling, HEAD_KINDS))


def attention_sites(entry: Entry, resolution: int = 32) -> dict[str, list[int]]:
    """Resolutions where attention can stand in an architecture, by side; nothing for other kinds.

    Args:
        entry: the architecture.
        resolution: of the images; the nearest that it takes, if not this one.
    """
    recipe = example(entry) if entry.kind == "architecture" else None
    if recipe is None:
        return {}
    sites = fitted(_plan(recipe), resolution).sites
    own = entry.networks.values()  # of a network that stands alone, not those of what it is shown with
    return {side: sorted(where) for side, where in sites.items() if where and side in own}


def fitted(plan: Plan, resolution: int = 32, classes: int = 0) -> GAN:
    """A plan on the device ``meta``, in colour or else in grey, at a resolution or else the nearest that it takes.

    Raises:
        UsageError: it cannot be built at any of these sizes.
    """
    try:
        return _nearest(plan, resolution, 3, classes)
    except UsageError:
        return _nearest(plan, resolution, 1, classes)


def _nearest(plan: Plan, resolution: int, channels: int, classes: int) -> GAN:
    from ganzoo.gan.builder import assemble

    try:
        return assemble(plan, resolution, channels, classes, device="meta")
    except ResolutionError as error:
        if not error.nearest:
            raise
        near = closest(error.nearest, resolution)
        return assemble(plan, near, channels, classes, device="meta")


def _plan(recipe: str, keys: Collection[str] = ()) -> Plan:
    """A recipe on images that have the columns its architecture cannot do without, and those called ``keys``."""
    return make_plan(recipe, {"image", *keys, *wants(recipe)})


def example(entry: Entry) -> str | None:
    """A recipe with the part in it that builds, or None if no architecture takes it."""
    if entry.complete:
        return entry.name
    if entry.kind not in WORD_KINDS:
        return None
    keys = {LABEL, *columns(entry)}
    words = ["", *(f"+{giver.name}" for giver in givers(entry)), *(f"+{word}" for word in _networks_for(entry))]
    candidates = (recipe + word for word in words for head in heads() for recipe in _candidates(head, entry))
    return next((recipe for recipe in candidates if _builds(recipe, keys)), None)


def givers(entry: Entry) -> list[Entry]:
    """The parts that bring something which a part needs."""
    return [giver for kind in BRINGING for giver in registry().entries(kind) if giver.provides & entry.requires]


def _networks_for(entry: Entry) -> list[str]:
    """Architectures of one side that bring something which a part needs, as they are written behind another."""
    alone = [other for other in registry().entries("architecture") if not other.complete]
    return [f"{other.name}@{side}" for other in alone if other.provides & entry.requires for side in other.builders]


def heads() -> list[Entry]:
    """What a recipe can start with, the plainest first; but those that name no parts at all take few: they come last.

    They are architectures with the networks of both sides.
    """
    complete = [entry for entry in registry().entries("architecture") if entry.complete]
    return sorted(complete, key=lambda head: (not head.implies, len(head.implies)))


def columns(entry: Entry) -> frozenset[str]:
    """The keys of a batch that a part needs from data: what it requires and no network or part could bring."""
    known = registry()
    givers = (giver for kind in ("architecture", *BRINGING) for giver in known.entries(kind))
    return entry.requires.difference(*(giver.provides for giver in givers))


def _candidates(head: Entry, part: Entry) -> list[str]:
    word = part.spelling if _ambiguous(part) else part.name
    sites = attention_sites(head) if part.kind == "attention" else {}
    numbers = sorted({number for where in sites.values() for number in where})
    places = ["", *(f"@{number}" for number in numbers[-1:])] if part.kind in PART_KINDS else ["@g", "@d"]
    return [f"{head.name}+{word}{place}" for place in places]


def _ambiguous(part: Entry) -> bool:
    try:
        return registry().find(part.name, WORD_KINDS) != part
    except GanzooError:
        return True


def _builds(recipe: str, keys: Collection[str]) -> bool:
    try:
        fitted(_plan(recipe, keys), classes=10)
    except GanzooError:
        return False
    return True


def describe_options(entry: Entry) -> list[dict[str, str]]:
    """The options of a part: name, default, what they take, and what they mean by its docstrings; imports it."""
    meanings = {name: text for doc in reversed(_docs(entry)) for name, text in arguments(doc).items()}
    return [
        {
            "name": option.key,
            "default": option.format(option.default),
            "takes": option.form,
            "meaning": meanings.get(name, ""),
        }
        for name, option in entry.options().items()
    ]


def about(entry: Entry) -> str:
    """The docstring; of an architecture that has none for both networks, those of each; of a preset, what is in it."""
    if entry.kind == "preset":
        recipe = Recipe.parse(str(entry.build))
        words = [word for word in recipe.parts if word.name != EMPTY]
        head = registry().find(recipe.head.spelling, HEAD_KINDS)
        found = [head, *(registry().find(word.spelling, WORD_KINDS) for word in words)]
        return "\n".join(f"{part.name}: {part.summary}" for part in found)
    return "\n\n".join(_docs(entry))


def _docs(entry: Entry) -> list[str]:
    """The docstrings of what makes a part, and of its game where that has options; none of a preset."""
    if entry.kind == "preset":
        return []
    builders = [entry.load()] if entry.build is not None else [entry.load_side(side) for side in entry.builders]
    game = entry.load_game()
    if game is not None and options_of(game, entry.name):
        builders.append(game)
    return [inspect.cleandoc(inspect.getdoc(builder) or "").replace("``", "`") for builder in builders]
