"""The registry: what parts there are, where each comes from, and which one a name means."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from importlib import resources

from ganzoo.errors import PluginError, RecipeError, UnknownPart, UsageError, either, nearest, read_text
from ganzoo.registry.entry import Entry, Plugin, resolve
from ganzoo.registry.hookspecs import HOOKS, OLD_HOOKS
from ganzoo.registry.leads import asked, lead
from ganzoo.registry.options import Option
from ganzoo.registry.recipe import KINDS, kind_of

__all__ = [
    "KINDS",
    "Entry",
    "Option",
    "Plugin",
    "Registry",
    "known_plugins",
    "resolve",
]

MODELS = "models"  # trained ones: no kind of part, and listed like one
MODEL = "model"  # before the name of one in known_plugins.json


class Registry:
    """Every part that the plugins registered, and the plugins that failed.

    Args:
        plugins: in the order of registration, ganzoo itself first.
        skipped: distributions that ``GANZOO_PLUGINS`` leaves out.
        missing: names in ``GANZOO_PLUGINS`` that nothing installed has.
        is_model: whether a trained model is shipped under a name, for messages.
    """

    def __init__(
        self,
        plugins: Iterable[Plugin],
        skipped: Iterable[str] = (),
        missing: Iterable[str] = (),
        is_model: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self.plugins = tuple(plugins)
        self.skipped = tuple(skipped)
        self.missing = tuple(missing)
        self.is_model = is_model
        self._spelled: dict[tuple[str, str], list[Entry]] = {}
        for entry in (entry for plugin in self.plugins for entry in plugin.entries):
            for name in dict.fromkeys((entry.name, *entry.aliases)):
                self._spelled.setdefault((entry.kind, name), []).append(entry)

    @property
    def quarantined(self) -> list[Plugin]:
        """Plugins that failed, each with its error; nothing of them is used."""
        return [plugin for plugin in self.plugins if plugin.error is not None]

    @property
    def contested(self) -> dict[str, list[Entry]]:
        """``kind/name`` of which there are several providers; using one is an error."""
        return {f"{kind}/{name}": found for (kind, name), found in self._spelled.items() if len(found) > 1}

    def entries(self, kind: str | None = None) -> list[Entry]:
        """The parts, in the order of kinds and then of registration; contested ones are among them."""
        wanted = None if kind is None else kind_of(kind)
        found = [entry for plugin in self.plugins for entry in plugin.entries if wanted in (None, entry.kind)]
        return sorted(found, key=lambda entry: KINDS.index(entry.kind))

    def find(self, name: str, kinds: Collection[str] = KINDS, *, what: str = "part") -> Entry:
        """The part that ``name`` means among ``kinds``.

        Args:
            name: a name or alias, bare or as ``kind/name``.
            kinds: where to look. A bare name that a built-in part has in one of them means the built-in.
            what: what is looked for, in words, for messages.

        Raises:
            UnknownPart: nothing is called that; the message has the nearest names, and who provides it if known.
            RecipeError: the bare name means parts of several kinds, or the kind is not among ``kinds``.
            PluginError: two packages provide the part.
        """
        kind, slash, bare = read_text("name", name, "hinge").rpartition("/")
        kind, kinds = kind_of(kind), {kind_of(one) for one in kinds}
        if slash and kind not in KINDS:
            raise RecipeError(f"{name!r}: there is no kind of part called {kind!r}; kinds are {either(KINDS, 'and')}")
        looked_up = [one for one in KINDS if one in kinds and (not slash or one == kind)]
        found = {one: self._spelled[one, bare] for one in looked_up if (one, bare) in self._spelled}
        built_in = {one: entries for one, entries in found.items() if any(entry.built_in for entry in entries)}
        found = built_in or found
        if not found:
            raise UnknownPart(self._unknown(name, bare, kinds, what))
        if len(found) > 1:
            spellings = either(f"{one}/{bare}" for one in found)
            raise RecipeError(f"{name!r} is the name of several parts; write {spellings}")
        (entries,) = found.values()
        if len(entries) > 1:
            raise PluginError(_contest(f"{entries[0].kind}/{bare}", entries))
        return entries[0]

    def _unknown(self, name: str, bare: str, kinds: Collection[str], what: str) -> str:
        message = f"no {what} is called {name!r}"
        elsewhere = [
            entries[0] for (kind, other), entries in self._spelled.items() if other == bare and kind not in kinds
        ]
        if elsewhere:
            how = either(asked(entry.kind, entry.name) for entry in elsewhere)
            return f"{message}: {how}{self._provider(bare, kinds)}"
        if self.is_model(name):
            message += f": {name} is a trained model, which 'ganzoo info' describes and 'ganzoo sample' draws from,"
            message += f" and ganzoo.load({name!r}) in Python"
        return message + self._meant(bare, kinds) + self._provider(bare, kinds)

    def _meant(self, bare: str, kinds: Collection[str]) -> str:
        """What the field calls so, else what is spelled alike."""
        known = [name for kind, name in self._spelled if kind in kinds]
        return lead(bare, "part", known) or self._nearest(bare, kinds)

    def _nearest(self, bare: str, kinds: Collection[str]) -> str:
        names: dict[str, list[str]] = {}
        for kind, name in self._spelled:
            if kind in kinds:
                names.setdefault(name, []).append(kind)
        close = [name if len(names[name]) == 1 else f"{names[name][0]}/{name}" for name in nearest(bare, names)]
        return f"; nearest: {', '.join(close)}" if close else "; there are none"

    def _provider(self, bare: str, kinds: Collection[str]) -> str:
        """Who is known to provide the name, and what keeps it from being used."""
        distribution, command = next(filter(None, (known_provider(kind, bare) for kind in sorted(kinds))), ("", ""))
        if any(plugin.distribution == distribution for plugin in self.quarantined):
            return f". {distribution} provides it, and failed to load: see 'ganzoo plugins'"
        if distribution in self.skipped:
            return f". {distribution} provides it, and GANZOO_PLUGINS leaves it out"
        return f". {distribution} provides it: {command}" if distribution else ""


def _contest(spelling: str, entries: Collection[Entry]) -> str:
    who = either((f"{entry.distribution} {entry.version}".strip() for entry in entries), "and")
    others = [entry.distribution for entry in entries if not entry.built_in]
    return (
        f"{spelling} comes from {who}, and ganzoo does not choose between them;"
        f" uninstall one (pip uninstall {others[-1]}) or leave it out of GANZOO_PLUGINS"
    )


def read_kind(given: str) -> str:
    """The kind that somebody means, also by its plural or by what 0.1.0 called it.

    Raises:
        UsageError: there is no such kind.
    """
    kinds = {hook.removeprefix("register_"): kind for kind, hook in {**OLD_HOOKS, **HOOKS}.items()}
    given = read_text("kind", given, "loss")
    kind = kind_of(kinds.get(given, given))
    if kind not in KINDS:
        near = f"; nearest: {', '.join(nearest(given, [*KINDS, MODELS]))}"
        raise UsageError(f"there is no kind called {given!r}{lead(given, 'kind', [*KINDS, MODELS]) or near}")
    return kind


def known_plugins() -> dict[str, dict[str, str]]:
    """Packages known to bring parts, installed or not: distribution to ``kind/name`` to the command to install it."""
    return json.loads(resources.files("ganzoo.registry").joinpath("known_plugins.json").read_text("utf-8"))


def known_provider(kind: str, name: str) -> tuple[str, str] | None:
    """The package known to provide a part, ``command``, ``peer`` or trained ``model``, and what installs it."""
    found = ((who, parts.get(f"{kind}/{name}")) for who, parts in known_plugins().items())
    return next(((who, command) for who, command in found if command), None)


def known_names(kind: str) -> list[str]:
    """What packages are known to bring of a kind of part, ``command``, ``peer`` or ``model``; installed or not."""
    spellings = (spelling.partition("/") for parts in known_plugins().values() for spelling in parts)
    return [name for one, _, name in spellings if one == kind]
