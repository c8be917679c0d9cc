"""A registered part as it is known before anything of it is imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import PluginError, UsageError
from ganzoo.registry.docstrings import first_line
from ganzoo.registry.options import Option, options_of, read_options


@dataclass(frozen=True)
class Entry:
    """One registered part.

    Attributes:
        kind: one of ``KINDS``.
        name: its bare name in recipes.
        build: what makes it, or ``"module:Name"`` of that; the recipe's text for a preset.
        implies: parts that come with it, such as ``normalization/none@d``.
        requires: keys it needs from data or architecture.
        provides: keys it brings.
        fallback: the part of the same kind that stands in where the needs of an implied one are not met.
        train: settings that it asks for.
        family: of a regularizer; a named one displaces implied ones of its family, such as ``gradient``.
        paper: ``arxiv:…``, ``doi:…`` or a URL.
        aliases: other names for it.
        sides: where it may stand.
        game: of an architecture: a ``ganzoo.Game``, or ``"module:Name"`` of one; None for the usual game.
        networks: of an architecture: each network's name and its player.
        published: scores that others published: mappings with score, value, data, source and protocol.
        form: the kind that version 0.1.0 called it, if it is written as there: ``penalty`` or ``auxiliary``.
        distribution: the package that provides it, as PEP 503 compares names.
        version: of that package.
        entry_point: its name in the group ``ganzoo``.
        built_in: whether ganzoo itself provides it: how it was registered says so, and not what its package is called.
    """

    kind: str
    name: str
    build: Callable[..., Any] | str
    implies: tuple[str, ...] = ()
    requires: frozenset[str] = frozenset()
    provides: frozenset[str] = frozenset()
    fallback: str | None = None
    train: Mapping[str, object] = field(default_factory=dict, hash=False)
    family: str | None = None
    paper: str | None = None
    aliases: tuple[str, ...] = ()
    sides: tuple[str, ...] = ("g", "d")
    game: str | Callable[..., Any] | None = None
    networks: Mapping[str, str] = field(default_factory=dict, hash=False)
    published: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    form: str = ""
    distribution: str = ""
    version: str = ""
    entry_point: str = ""
    built_in: bool = False

    @property
    def spelling(self) -> str:
        """``kind/name``, which means this part wherever it is unique."""
        return f"{self.kind}/{self.name}"

    @property
    def summary(self) -> str:
        """One line on what it is: the recipe of a preset, else the first line of the docstring."""
        if self.kind == "preset":
            return str(self.build)
        return first_line(self.build)

    def load(self) -> Callable[..., Any]:
        """What makes the part, imported now if it was registered as ``"module:Name"``.

        Raises:
            PluginError: if the import fails.
            UsageError: for a preset, which is a recipe and makes nothing by itself.
        """
        if self.kind == "preset":
            raise UsageError(f"{self.name} is a preset, a name for {self.build}; build it as a recipe")
        return self._imported(self.build)

    def load_game(self) -> Callable[..., Any] | None:
        """The game that an architecture declares, imported; None if it declares none."""
        return None if self.game is None else self._imported(self.game)

    def options(self) -> dict[str, Option]:
        """The keyword-only arguments of :meth:`load` and of the game, by keyword; none for a preset."""
        if self.kind == "preset":
            return {}
        game = self.load_game()
        return {**options_of(self.load(), self.name), **(options_of(game, self.name) if game else {})}

    def shared_options(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Options of an architecture, split into those of :meth:`load` and those of its game."""
        game = self.load_game()
        both = (options_of(self.load(), self.name), options_of(game, self.name) if game else {})
        own, of_game = ({name: value for name, value in options.items() if name in known} for known in both)
        return own, of_game

    def read_options(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Keyword arguments from options as recipes spell them; see :func:`ganzoo.registry.options.read_options`."""
        return read_options(self.name, self.options(), given)

    def _imported(self, reference: Callable[..., Any] | str) -> Callable[..., Any]:
        if not isinstance(reference, str):
            return reference
        try:
            return resolve(reference)
        except (Exception, SystemExit) as error:  # whatever a plugin's module does when it is imported
            raise PluginError(
                f"{self.spelling} of {self.distribution} {self.version} cannot be imported from {reference}: {error}"
            ) from error


def resolve(reference: str) -> Any:
    """Import ``"module:Name"``."""
    module, _, qualname = reference.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in qualname.split("."):
        found = getattr(found, attribute)
    return found


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group ``ganzoo``, or ganzoo itself: where it comes from and what came of it.

    Attributes:
        name: of the entry point.
        distribution: the package that declares it.
        version: of that package.
        entries: what it registered; nothing if ``error`` is set.
        error: why nothing of it is used; None when all is well.
    """

    name: str
    distribution: str
    version: str
    entries: tuple[Entry, ...] = ()
    error: str | None = None


def link(paper: str | None) -> str | None:
    """Where to read a paper given as ``arxiv:…``, ``doi:…`` or a URL."""
    if paper is None:
        return None
    scheme, _, rest = paper.partition(":")
    return {"arxiv": f"https://arxiv.org/abs/{rest}", "doi": f"https://doi.org/{rest}"}.get(scheme, paper)
