"""Among which parts a part is checked: ganzoo's own, and those of its package and of the packages that it requires.

Whatever else is installed is left out, so that a stranger's plugin, be it broken or called like one's own, decides
nothing about a part that knows nothing of it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata

from packaging.requirements import Requirement

from ganzoo.registry import loading
from ganzoo.registry.about import DISTRIBUTION
from ganzoo.registry.entry import Entry
from ganzoo.registry.lookup import Registry


def partners(entry: Entry) -> Registry:
    """The registry in which a part is checked: without packages that its own does not require.

    Plugins that are objects of this process (:func:`ganzoo.testing.plugin`) stay: somebody put them there.
    """
    return _only(loading.registry(), entry.distribution, tuple(name for _, name in loading.inline))


@lru_cache(maxsize=16)  # one object for each package, as the caches of tiny GANs know a registry by its identity
def _only(known: Registry, distribution: str, inline: tuple[str, ...]) -> Registry:
    kept = {DISTRIBUTION, *inline, *_required(distribution, {plugin.distribution for plugin in known.plugins})}
    plugins = [plugin for plugin in known.plugins if plugin.distribution in kept]
    return known if len(plugins) == len(known.plugins) else Registry(plugins, known.skipped, known.missing)


def _required(distribution: str, candidates: set[str]) -> set[str]:
    """The package, and those among ``candidates`` that it requires, by way of each other too."""
    found, left = {distribution}, [distribution]
    while left:
        try:
            lines = metadata.requires(left.pop()) or []
        except metadata.PackageNotFoundError:  # an object of this process
            continue
        names = {loading.normalised(Requirement(line).name) for line in lines} & candidates
        left += names - found
        found |= names
    return found
