"""A registered part as it is known before anything of it is imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import PluginError, UsageError, counted
from ganzoo.registry.docstrings import first_line
from ganzoo.registry.labels import LABEL_KEYS
from ganzoo.registry.options import Option, options_of, read_options
from ganzoo.registry.requirements import missing_package
from ganzoo.registry.shown import block, cut


@dataclass(frozen=True, repr=False)
class Entry:
    """One registered part.

    Attributes:
        kind: one of ``KINDS``.
        name: its bare name in recipes.
        build: what makes it, or ``"module:Name"`` of that; the recipe's text for a preset; None for an architecture
            that has only the two below.
        generator, discriminator: of an architecture: what makes one side's network by itself, or ``"module:Name"``.
        implies: parts that come with it, such as ``normalization/none@d``.
        requires: keys it needs from data or architecture.
        provides: keys it brings.
        excludes: keys that must not be there, each with the part to use in its place.
        requires_settings: settings that it works with alone, with their values.
        requires_parts: names of parts that it works with alone, each of a kind whose slot they fill.
        fallback: the part of the same kind that stands in where the needs of an implied one are not met; ``none`` to do
            without.
        train: settings that it asks for.
        family: of a regularizer; a named one displaces implied ones of its family, such as ``gradient``.
        paper: ``arxiv:…``, ``doi:…`` or a URL.
        aliases: other names for it.
        across_batch: whether what it says of an image depends on the others of the batch, as with batch norm.
        within_class: whether it compares images of one class with each other: a batch of one image has none.
        sides: where it may stand.
        game: of an architecture: a ``ganzoo.Game``, or ``"module:Name"`` of one; None for the usual game.
        networks: of an architecture: each network's name and its player, ``g``, ``d`` or another; ``e@g`` is player e
            with the slots and inputs of side g.
        published: scores that others published: mappings with score, value, data, source and protocol.
        form: the kind that version 0.1.0 called it, if it is written as there: ``penalty`` or ``auxiliary``.
        distribution: the package that provides it, as PEP 503 compares names.
        version: of that package.
        entry_point: its name in the group ``ganzoo``.
        built_in: whether ganzoo itself provides it: how it was registered says so, and not what its package is called.
        packaged: whether others can install it; not so for what ``ganzoo.register`` made known to this program alone.
    """

    kind: str
    name: str
    build: Callable[..., Any] | str | None
    implies: tuple[str, ...] = ()
    requires: frozenset[str] = frozenset()
    provides: frozenset[str] = frozenset()
    excludes: Mapping[str, str] = field(default_factory=dict, hash=False)
    requires_settings: Mapping[str, object] = field(default_factory=dict, hash=False)
    requires_parts: tuple[str, ...] = ()
    fallback: str | None = None
    train: Mapping[str, object] = field(default_factory=dict, hash=False)
    family: str | None = None
    paper: str | None = None
    aliases: tuple[str, ...] = ()
    sides: tuple[str, ...] = ("g", "d")
    across_batch: bool = False
    within_class: bool = False
    game: str | Callable[..., Any] | None = None
    networks: Mapping[str, str] = field(default_factory=dict, hash=False)
    published: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    form: str = ""
    generator: Callable[..., Any] | str | None = None
    discriminator: Callable[..., Any] | str | None = None
    distribution: str = ""
    version: str = ""
    entry_point: str = ""
    built_in: bool = False
    packaged: bool = True

    def __repr__(self) -> str:
        """What it is, where it is from, and what it needs and brings."""
        facts = [
            ("what", self.summary),
            ("from", f"{self.distribution} {self.version}" if self.packaged else "this program"),
            ("paper", link(self.paper)),
            ("aliases", ", ".join(self.aliases)),
            ("implies", ", ".join(self.implies)),
            ("requires", ", ".join(sorted(self.requires))),
            ("provides", ", ".join(sorted(self.provides))),
            ("sides", ", ".join(self.sides) if len(self.sides) == 1 else ""),
            ("family", self.family),
            ("settings", " ".join(f"{name}={value}" for name, value in self.train.items())),
        ]
        return block(self.spelling, facts)

    @property
    def labelled(self) -> bool:
        """Whether it needs labels, of any kind or of one."""
        return bool(self.requires & LABEL_KEYS)

    @property
    def spelling(self) -> str:
        """``kind/name``, which means this part wherever it is unique."""
        return f"{self.kind}/{self.name}"

    @property
    def summary(self) -> str:
        """One line on what it is: the recipe of a preset, else the first line of the docstring."""
        if self.kind == "preset":
            return str(self.build)
        return first_line(next(iter(self._references)))

    @property
    def builders(self) -> dict[str, Callable[..., Any] | str]:
        """Of an architecture: what makes the network of a side by itself, as registered, by side."""
        both = {"g": self.generator, "d": self.discriminator}
        return {side: builder for side, builder in both.items() if builder is not None}

    @property
    def complete(self) -> bool:
        """Whether it can be the first word of a recipe: a preset, or an architecture with both sides' networks."""
        return self.kind == "preset" or (
            self.kind == "architecture" and (self.build is not None or len(self.builders) == 2)
        )

    @property
    def _references(self) -> list[Callable[..., Any] | str]:
        """All that makes the part, as registered: for an architecture up to three."""
        return [*([] if self.build is None else [self.build]), *self.builders.values()]

    def load(self) -> Callable[..., Any]:
        """What makes the part, imported now if it was registered as ``"module:Name"``.

        For an architecture whose networks are built one by one, what makes the first of them.

        Raises:
            PluginError: if the import fails.
            UsageError: for a preset, which is a recipe and makes nothing by itself.
        """
        if self.kind == "preset":
            raise UsageError(f"{self.name} is a preset, a name for {self.build}; build it as a recipe")
        return self._imported(next(iter(self._references)))

    def load_side(self, side: str) -> Callable[..., Any]:
        """What makes an architecture's network of a side, ``g`` or ``d``, by itself, called ``(kit, *, options)``.

        Raises:
            PluginError: if the import fails.
            KeyError: it has none; :attr:`builders` says which it has.
        """
        return self._imported(self.builders[side])

    def load_game(self) -> Callable[..., Any] | None:
        """The game that an architecture declares, imported; None if it declares none."""
        return None if self.game is None else self._imported(self.game)

    def options(self, side: str | None = None, head: bool = True) -> dict[str, Option]:
        """The keyword-only arguments of what makes the part and of its game, by keyword; none for a preset.

        Args:
            side: of an architecture of which only this side's network is wanted.
            head: whether its game is wanted, as that of a recipe's first word is.

        Raises:
            PluginError: if two of these declare an option of one name, but not the same.
        """
        if self.kind == "preset":
            return {}
        found: dict[str, Option] = {}
        game = self.load_game() if head else None
        own = map(self._imported, self._references) if side is None else [self.load_side(side)]
        for builder in (*own, *([] if game is None else [game])):
            for name, option in options_of(builder, self.name).items():
                if found.setdefault(name, option) != option:
                    raise PluginError(
                        f"{self.spelling}: its option {option.key} has another type or default in one place than in"
                        f" another: {found[name].format(found[name].default)} and {option.format(option.default)}"
                    )
        return found

    def arguments(self, builder: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``options`` that one of the part's builders, or its game, declares."""
        known = options_of(builder, self.name)
        return {name: value for name, value in options.items() if name in known}

    def read_options(self, given: Mapping[str, object], side: str | None = None, head: bool = True) -> dict[str, Any]:
        """Keyword arguments from options as recipes spell them; see :func:`ganzoo.registry.options.read_options`."""
        return read_options(self.name, self.options(side, head), given)

    def _imported(self, reference: Callable[..., Any] | str) -> Callable[..., Any]:
        if not isinstance(reference, str):
            return reference
        try:
            return resolve(reference)
        except (Exception, SystemExit) as error:  # whatever a plugin's module does when it is imported
            raise PluginError(
                f"{self.spelling} of {self.distribution} {self.version} cannot be imported from {reference}:"
                f" {missing_package(error, self.distribution) or error}"
            ) from error


def resolve(reference: str) -> Any:
    """Import ``"module:Name"``."""
    module, _, qualname = reference.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in qualname.split("."):
        found = getattr(found, attribute)
    return found


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        told = "" if self.error is None else f", failed: {self.error}"
        return cut(
            f"Plugin({self.name}, {self.distribution} {self.version}, {counted(len(self.entries), 'part')}{told})"
        )


def link(paper: str | None) -> str | None:
    """Where to read a paper given as ``arxiv:…``, ``doi:…`` or a URL."""
    if paper is None:
        return None
    scheme, _, rest = paper.partition(":")
    return {"arxiv": f"https://arxiv.org/abs/{rest}", "doi": f"https://doi.org/{rest}"}.get(scheme, paper)
