"""Loading: built-in parts, then each installed plugin under a guard of its own.

A plugin is an entry point of the group ``ganzoo``. One that fails is quarantined: nothing of it is used, it is named
with its error, and everything else works. ``GANZOO_PLUGINS=a,b`` loads only those, an empty value only built-ins.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache, partial
from importlib import metadata
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

import pluggy

from ganzoo.compat.lookup import warn
from ganzoo.errors import GanzooError, PluginError, UsageError, either, nearest, printable
from ganzoo.registry import hookspecs
from ganzoo.registry.about import DISTRIBUTION, FORMER, MODELS_DISTRIBUTION, NAMES, VERSION, install
from ganzoo.registry.cache import Registrations
from ganzoo.registry.declarations import make_entry
from ganzoo.registry.entry import Entry, Plugin
from ganzoo.registry.hookspecs import HOOKS, OLD_HOOKS, PLUGIN_API
from ganzoo.registry.lookup import Registry, read_kind
from ganzoo.registry.namesake import warn_of_namesake
from ganzoo.registry.requirements import missing_package

GROUP = "ganzoo"
COMMANDS = "ganzoo.commands"
PEERS = "ganzoo.peers"  # of ``ganzoo bench``
MODELS = "ganzoo.models"
SELECTION = "GANZOO_PLUGINS"
THIS_PROGRAM = "this program"  # stands for the package of what :func:`register_here` registered
LONGEST = 400  # characters of a plugin's error that are shown
BESIDE = Path(__file__).resolve().parents[2]
OWN_MODELS = "model_cards"  # of a checkout; a package of their own has the same models for everyone else


def _one_line(record: logging.LogRecord) -> bool:
    """Let a warning pass as one line that no terminal obeys: there are names of files in them."""
    record.msg, record.args = printable(record.getMessage(), None), ()
    return True


log = logging.getLogger("ganzoo")
log.addFilter(_one_line)
inline: list[tuple[object, str]] = []  # plugins that are objects of this process, for tests
_here: dict[tuple[str, str], Entry] = {}  # what this program registered for itself, by kind and name
_used: list[Registry] = []  # what a check in progress goes by in place of what is installed; the last one counts


def registry() -> Registry:
    """The parts of ganzoo and of what is installed, or those that a check of :mod:`ganzoo.testing` goes by."""
    return _used[-1] if _used else installed()


@contextmanager
def using(known: Registry) -> Iterator[None]:
    """For the time of a ``with`` block, :func:`registry` is ``known``."""
    _used.append(known)
    try:
        yield
    finally:
        _used.pop()


@cache
def installed() -> Registry:
    """The parts of ganzoo and of what is installed, made at the first call; a warning is logged for each that fails."""
    registrations = Registrations(VERSION)
    plugins = [_built_in()]
    chosen, skipped, missing = selected(GROUP)
    for entry_point in chosen:
        plugins.append(_guarded(entry_point, registrations))
    for plugin, name in inline:
        check_distribution(name)
        plugins.append(Plugin(name, name, "0", register(plugin, name, name, "0")))
    if _here:
        plugins.append(Plugin(THIS_PROGRAM, THIS_PROGRAM, "", tuple(_here.values())))
    registrations.save()
    made = Registry(plugins, sorted({distribution(point) for point in skipped}), missing, is_model)
    for plugin in made.quarantined:
        log.warning(
            "plugin %s of %s is not used: %s; see 'ganzoo plugins'", plugin.name, plugin.distribution, plugin.error
        )
    if made.quarantined:
        warn_of_namesake()  # which may be why
    for name in missing:
        log.warning("%s names %s, which is not installed", SELECTION, name)
    return made


@cache
def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group, in the order of distributions and names."""
    return tuple(sorted(metadata.entry_points(group=group), key=lambda point: (distribution(point), point.name)))


def selected(group: str) -> tuple[list[EntryPoint], list[EntryPoint], list[str]]:
    """What ``GANZOO_PLUGINS`` keeps of other packages' entry points, what it leaves out, and what it misses."""
    points = [point for point in entry_points(group) if not _ours(point)]
    if SELECTION not in os.environ:
        return points, [], []
    wanted = {normalised(name) for name in os.environ[SELECTION].split(",") if name.strip()}
    names = {point: {normalised(point.name), distribution(point)} for point in points}
    everyone = _every_name() if group == GROUP else wanted  # missing names are warned of once, not for each group
    return (
        [point for point in points if names[point] & wanted],
        [point for point in points if not names[point] & wanted],
        sorted(wanted - everyone),
    )


def model_places() -> list[tuple[str, Path]]:
    """Folders with one folder for each shipped model, each with who ships it; ganzoo's own first.

    A package ships models by an entry point of the group ``ganzoo.models`` whose value is a Python package; nothing of
    it is imported but its parents. ganzoo's own are those of a checkout, else those of the package that is made of
    them; never both, as the same model twice could not be chosen between. ``GANZOO_PLUGINS`` hides neither.
    """
    beside = BESIDE / OWN_MODELS
    own = [] if beside.is_dir() else [one for one in entry_points(MODELS) if distribution(one) == MODELS_DISTRIBUTION]
    others = [one for one in selected(MODELS)[0] if distribution(one) not in {*NAMES, MODELS_DISTRIBUTION}]
    packages = [(distribution(point), folder) for point in (*own, *others) for folder in _package_folders(point)]
    return [(DISTRIBUTION, beside), *packages]


def is_model(name: str) -> bool:
    """Whether a model is shipped under ``name``: where a part is asked for, that is what to say."""
    return re.fullmatch(r"\w[\w.-]*", name) is not None and any((place / name).is_dir() for _, place in model_places())


def _package_folders(point: EntryPoint) -> list[Path]:
    try:
        spec = find_spec(point.value)
    except (ImportError, ValueError):
        return []
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


@cache
def own_commands() -> dict[str, EntryPoint]:
    """ganzoo's own commands by name, wherever another package of its name stands before it on ``sys.path``."""
    for name in (DISTRIBUTION, FORMER):  # a checkout that was installed as 0.1.0 and then pulled has but the former
        points = [point for one in metadata.distributions(name=name) for point in one.entry_points]
        own = {point.name: point for point in reversed(points) if point.group == COMMANDS and _ours(point)}
        if own:
            return own
    return {}


def _ours(point: EntryPoint) -> bool:
    """Whether ganzoo itself declares an entry point: it has the name and points into the package ``ganzoo``."""
    return distribution(point) in NAMES and point.value.startswith("ganzoo.")


def check_distribution(name: str) -> None:
    """Refuse a package of plugins that bears ganzoo's own name.

    Raises:
        PluginError: it does.
    """
    if normalised(name) in NAMES:
        raise PluginError(f"a plugin's package is not called {name}, a name of ganzoo itself; call it ganzoo-SOMETHING")


def _every_name() -> set[str]:
    """What ``GANZOO_PLUGINS`` may name: plugins, and the packages that bring parts, commands, peers or models."""
    points = [point for group in (GROUP, COMMANDS, PEERS, MODELS) for point in entry_points(group)]
    bringing = {distribution(point) for point in points} - NAMES
    return bringing | {normalised(point.name) for point in points if point.group == GROUP}


def by_name(group: str) -> dict[str, list[EntryPoint]]:
    """Other packages' entry points that ``GANZOO_PLUGINS`` keeps, by name; several where packages contest it."""
    points: dict[str, list[EntryPoint]] = {}
    for point in selected(group)[0]:
        points.setdefault(point.name, []).append(point)
    return points


def providers(points: Iterable[EntryPoint]) -> str:
    """The packages that declare the entry points, with their versions: ``one 1.0 and two 2.0``."""
    return either((f"{distribution(point)} {version_of(point)}" for point in points), "and")


def load(what: str, points: Sequence[EntryPoint]) -> object:
    """The object of the one entry point of a name, imported.

    Args:
        what: ``command`` or ``peer``, for messages.
        points: those of the name.

    Raises:
        PluginError: several packages provide it, one bears ganzoo's own name, or it cannot be imported; the message
            names the packages.
    """
    if len(points) > 1:
        who = either(map(distribution, points), "and")
        raise PluginError(
            f"the {what} {points[0].name!r} comes from {who}; uninstall one, or leave it out of GANZOO_PLUGINS"
        )
    (point,) = points
    try:
        if not _ours(point):
            check_distribution(distribution(point))
        return point.load()
    except (Exception, SystemExit) as error:  # whatever its module does when it is imported
        why = one_line(error, distribution(point))
        raise PluginError(f"the {what} {point.name!r} of {providers(points)} cannot be imported: {why}") from error


def distribution(point: EntryPoint) -> str:
    """The normalised name of the package that declares an entry point."""
    return _name_of(point.dist) if point.dist else "unknown"


@lru_cache(maxsize=1024)
def _name_of(dist: metadata.Distribution) -> str:
    return normalised(dist.name)  # for which a file is read and parsed each time


def version_of(point: EntryPoint) -> str:
    """The version of the package that declares an entry point."""
    return point.dist.version if point.dist else ""


def normalised(name: str) -> str:
    """A package's name as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def register(plugin: object, name: str, distribution: str, version: str) -> tuple[Entry, ...]:
    """The parts that a plugin (a module or any object with hooks) registers.

    Raises:
        PluginError: if it needs a newer ganzoo, has a misspelt hook or none, or says of a part what cannot be.
    """
    needed = getattr(plugin, "GANZOO_PLUGIN_API", PLUGIN_API)
    if not isinstance(needed, int) or needed > PLUGIN_API:
        raise PluginError(
            f"it needs plugin API {needed!r} and this ganzoo has {PLUGIN_API};"
            f" upgrade ganzoo ({install(upgrade=True)}), or install an older {name}"
        )
    # A manager for each plugin, so that whatever one does, no other sees it.
    manager = pluggy.PluginManager("ganzoo")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    _check_hooks(manager, plugin)
    entries: dict[tuple[str, str], Entry] = {}
    source: dict[str, Any] = {"distribution": distribution, "version": version, "entry_point": name}
    for kind, hook in {**HOOKS, **OLD_HOOKS}.items():
        getattr(manager.hook, hook)(register=partial(_collect, entries, source, kind))
    for hook in sorted({*OLD_HOOKS.values()} & {caller.name for caller in manager.get_hookcallers(plugin) or []}):
        warn(f"{name}: {hook}", HOOKS["regularizer"], depth=4)
    return tuple(dict.fromkeys(entries.values()))


def register_here(kind: str, name: str, build: Any = None, **declarations: Any) -> Entry:
    """Register one part for this program, without a package; see :func:`ganzoo.register`.

    Raises:
        UsageError: there is no such kind, or ganzoo or an installed package has a part of that name.
        PluginError: a declaration, or an option of the part, cannot be.
    """
    source: dict[str, Any] = {"distribution": THIS_PROGRAM, "entry_point": THIS_PROGRAM, "packaged": False}
    entry = replace(make_entry(read_kind(kind), name, build, **declarations), **source)
    entry.options()  # which says now what could not be read from a recipe
    for other in installed().entries(entry.kind):
        clash = {entry.name, *entry.aliases} & {other.name, *other.aliases}
        if clash and (other.packaged or other.name != entry.name):
            whose = f"{other.distribution} {other.version}".strip()
            raise UsageError(f"{entry.kind}/{min(clash)} is a part of {whose} already: give yours another name")
    _here[entry.kind, entry.name] = entry
    installed.cache_clear()
    return entry


def _collect(
    entries: dict[tuple[str, str], Entry],
    source: dict[str, Any],
    kind: str,
    name: str,
    build: Any = None,
    **declarations: Any,
) -> None:
    entry = replace(make_entry(kind, name, build, **declarations), **source)
    for spelling in (entry.name, *entry.aliases):
        if (entry.kind, spelling) in entries:
            raise PluginError(f"it registers {entry.kind}/{spelling} twice; every name of a kind can be given once")
        entries[entry.kind, spelling] = entry


def _check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        raise PluginError("it has no hooks; write functions such as register_losses with @ganzoo.hookimpl before them")
    for caller in callers:
        if not caller.has_spec():
            close = ", ".join(nearest(caller.name, HOOKS.values()))
            raise PluginError(f"there is no hook called {caller.name!r}; nearest: {close}")


def _built_in() -> Plugin:
    from ganzoo.registry import builtin

    whose = ("built-in", DISTRIBUTION, VERSION)
    entries = register(builtin, *whose)
    return Plugin(*whose, tuple(replace(entry, built_in=True) for entry in entries))


def _guarded(point: EntryPoint, registrations: Registrations) -> Plugin:
    """One entry point, loaded so that nothing it raises goes further."""
    source = {"distribution": distribution(point), "version": version_of(point), "entry_point": point.name}
    whose = (point.name, source["distribution"], source["version"])
    try:
        check_distribution(source["distribution"])
        entries = registrations.recall(point, source)
        if entries is None:
            entries = register(point.load(), *whose)
            registrations.remember(point, entries)
        return Plugin(*whose, entries)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may even call sys.exit() while it is imported
        return Plugin(*whose, error=one_line(error, source["distribution"]))


def one_line(error: BaseException, distribution: str = "") -> str:
    """What an error says, in one line of bounded length; with its type unless it is one of ganzoo's.

    Args:
        error: a module that is missing is called by the package that brings it.
        distribution: whose code was running, where that is known.
    """
    needed = missing_package(error, *filter(None, [distribution]))
    if needed is not None:
        return needed
    said = shorten(str(error), LONGEST, placeholder="…") or "no message"
    return said if isinstance(error, GanzooError) else f"{type(error).__name__}: {said}"
