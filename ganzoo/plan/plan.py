"""A plan: which part fills each slot, what every setting is, and why. :mod:`ganzoo.plan.resolver` makes plans."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ganzoo.errors import ModelError, UnknownPart
from ganzoo.plan.settings import Value, candidates, read, spec_of, value_from, write, z_dim_names
from ganzoo.registry.labels import kind_in, with_kind, without_class
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Entry
from ganzoo.registry.recipe import EMPTY, NAME, PART_KINDS, WORD_KINDS, kind_of
from ganzoo.registry.shown import block

# Kinds with a slot for each side, and kinds of which a GAN may have several parts; of all others there is one.
BRINGING = ("conditioning", "regularizer")  # kinds whose ``provides`` other parts may need, as "context" of norms
SIDED = ("normalization", "weight", "attention", "conditioning")
MANY = ("regularizer", "augment")
IN_ORDER = "augment"  # of all kinds the one whose parts act, and are written, in the order of the recipe
SIDES = ("g", "d")
GIVEN = "set by you"  # why a setting is what it is


@dataclass(frozen=True)
class Slot:
    """One place of a plan and the part in it.

    Attributes:
        kind: of the part.
        side: ``"g"``, ``"d"``, or None for kinds that belong to no side.
        name: the part's registered name, or ``"none"``.
        options: every option of the part with its value.
        reason: who chose it.
        resolutions: of an attention: where it stands; empty for the architecture's own sites.
        entry: the registered part; None for ``"none"``.
    """

    kind: str
    side: str | None
    name: str
    options: Mapping[str, Any]
    reason: str
    resolutions: tuple[int, ...] = ()
    entry: Entry | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The part as a recipe writes it: ``sn@d``, ``r1:gamma=1``."""
        places = [*([self.side] if self.side else []), *map(str, self.resolutions)]
        options = ",".join(f"{key}={text}" for key, text in self.changed.items())
        return self.name + (f"@{','.join(places)}" if places else "") + (f":{options}" if options else "")

    @property
    def changed(self) -> dict[str, str]:
        """The options that are not at their defaults, as recipes write them: key to canonical text."""
        known = {} if self.entry is None else self.entry.options()
        mine = {name: option for name, option in known.items() if name in self.options}
        values = self.options
        return {o.key: o.format(values[name]) for name, o in mine.items() if values[name] != o.default}

    @property
    def scheduled(self) -> dict[str, Any]:
        """The options that may be schedules, as recipes write them, with their values."""
        known = {} if self.entry is None else self.entry.options()
        return {o.key: self.options[name] for name, o in known.items() if o.schedulable and name in self.options}


@dataclass(frozen=True)
class Setting:
    """A setting's value, who chose it, and what it overrode, weakest first: texts such as ``0.0002 (default)``."""

    value: Value
    reason: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Plan:
    """A resolved recipe.

    Attributes:
        recipe: its canonical text, the only id.
        head: the architecture; on one side if another brings the network of the other.
        slots: what else was chosen, in kind order; of attentions the stronger come first, augmentations as they act.
        settings: by name.
        provides: keys that the data has.
        notes: what a person should know, such as a part that yielded.
    """

    recipe: str
    head: Slot
    slots: tuple[Slot, ...]
    settings: Mapping[str, Setting]
    provides: frozenset[str] = frozenset({"image"})
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """What is in it, by kind, and the settings that somebody chose."""
        named: dict[str, list[str]] = {kind: [] for kind in WORD_KINDS}
        for slot in (self.head, *self.slots):
            named[slot.kind] += [] if slot.name == EMPTY else [slot.text]
        chosen = (
            f"{name}={write(setting.value)}" for name, setting in self.settings.items() if setting.reason == GIVEN
        )
        parts = [(kind, " ".join(texts)) for kind, texts in named.items()]
        return block(f"Plan of {self.recipe}", [*parts, (GIVEN, " ".join(chosen)), ("notes", "; ".join(self.notes))])

    def __getitem__(self, name: str) -> Any:
        for source in candidates(name):
            if source in self.settings:
                return value_from(name, source, self.settings[source].value)
        spec = spec_of(name)
        if spec is None:
            raise KeyError(name)
        return spec.default

    def z_dim(self, height: int) -> int:
        """How long the noise is for images of so many rows, unless somebody says otherwise."""
        exact, general = z_dim_names(height)
        return int(self[exact if exact in self.settings else general])

    def slot(self, kind: str, side: str | None = None) -> Slot:
        """The slot of a single-valued kind."""
        return next(slot for slot in self.slots if slot.kind == kind and slot.side == side)

    def parts(self, kind: str, side: str | None = None) -> list[Slot]:
        """Every slot of a kind, of one side if given."""
        return [slot for slot in self.slots if slot.kind == kind_of(kind) and side in (None, slot.side)]

    def architecture(self, side: str) -> Slot:
        """What brings the network of a side: the head, or an architecture that replaces it there."""
        return next((slot for slot in self.parts("architecture", side)), self.head)

    @property
    def architectures(self) -> tuple[str, ...]:
        """The name of G's architecture, and D's where it is another."""
        return tuple(dict.fromkeys(self.architecture(side).name for side in SIDES))

    @property
    def conditional(self) -> bool:
        """Whether a part needs labels."""
        return any(slot.entry is not None and slot.entry.labelled for slot in (self.head, *self.slots))

    @property
    def label_kind(self) -> str:
        """What labels of the data are: ``class``, ``multilabel`` or ``continuous``."""
        return kind_in(self.provides)

    @property
    def slug(self) -> str:
        """The recipe as a folder's name."""
        return re.sub(r"[^a-z0-9.]+", "-", self.recipe).strip("-")

    @property
    def hash(self) -> str:
        """64 hex digits over recipe, parts, options and settings."""
        parts = [[s.kind, s.side, s.name, s.resolutions, dict(s.options)] for s in (self.head, *self.slots)]
        settings = {name: setting.value for name, setting in self.settings.items()}
        return sha256(json.dumps([self.recipe, parts, settings], sort_keys=True).encode()).hexdigest()

    def to_config(self) -> dict[str, Any]:
        """The plan as JSON: every part as ``kind/name``, so that it rebuilds even if a recipe's meaning moves on."""
        return {
            "recipe": self.recipe,
            "provides": sorted(without_class(self.provides)),
            "parts": [
                {
                    "part": f"{slot.kind}/{slot.name}",
                    "side": slot.side,
                    "resolutions": list(slot.resolutions),
                    "options": {key: _plain(value) for key, value in slot.options.items()},
                    "reason": slot.reason,
                }
                for slot in (self.head, *self.slots)
            ],
            "settings": {
                name: {"value": _plain(setting.value), "reason": setting.reason}
                for name, setting in self.settings.items()
            },
        }

    @property
    def unknown(self) -> tuple[Slot, ...]:
        """Parts that nothing installed provides, kept by name: see :meth:`from_config`."""
        return tuple(slot for slot in self.slots if slot.entry is None and slot.name != EMPTY)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], sampling: bool = False) -> Plan:
        """The plan that :meth:`to_config` wrote; what a later release added to a part's options has its default.

        Args:
            config: with the parts, settings, recipe and keys of the data.
            sampling: keep a part that nothing installed provides by its name, where G does without it.

        Raises:
            UnknownPart: for a part that nothing installed provides.
            ModelError: for anything that is not such a plan.
        """
        try:
            slots = [_slot(given, sampling, first=index == 0) for index, given in enumerate(config["parts"])]
            settings = {
                str(name): Setting(read(str(name), given["value"]), str(given["reason"]))
                for name, given in config["settings"].items()
            }
            _check_architectures(slots)
            _check_slots(slots)
            provides = with_kind([str(key) for key in config["provides"]])
            return cls(str(config["recipe"]), slots[0], tuple(slots[1:]), settings, provides)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ModelError(f"the plan in config.json does not hold together: {error!r}") from error


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_architectures(slots: Sequence[Slot]) -> None:
    """The first part brings both networks, or one beside another architecture that brings the other."""
    head, *others = [slots[0], *(slot for slot in slots[1:] if slot.kind == "architecture")]
    if head.entry is None or head.kind != "architecture":
        raise ValueError("the first part is an architecture")
    if not others and head.side is None and head.entry.complete:
        return
    known = [slot for slot in (head, *others) if slot.entry is not None]
    own = all(slot.entry is not None and slot.side in slot.entry.builders for slot in known)
    if not own or sorted(str(slot.side) for slot in (head, *others)) != sorted(SIDES):
        raise ValueError("the architectures bring one network of each side")


def _check_slots(slots: Sequence[Slot]) -> None:
    """One part in each slot that takes one; a side where there are sides, and none elsewhere."""
    found = Counter((slot.kind, slot.side) for slot in slots)
    for kind in PART_KINDS:
        sides = SIDES if kind in SIDED else (None,)
        if any(one == kind and side not in sides for one, side in found):
            raise ValueError(f"the sides of {kind} are {sides}")
        if kind not in (*MANY, "attention") and any(found[kind, side] != 1 for side in sides):
            raise ValueError(f"there is one {kind}" + (" on each side" if kind in SIDED else ""))
    for kind in MANY:
        names = [slot.name for slot in slots if slot.kind == kind]
        if len(set(names)) != len(names):
            raise ValueError(f"a {kind} stands twice")


def _slot(given: Mapping[str, Any], sampling: bool, first: bool) -> Slot:
    """One slot from JSON, its options read as if they came from a recipe."""
    kind, _, name = str(given["part"]).partition("/")
    kind = kind_of(kind)
    side, reason = given["side"], str(given["reason"])
    resolutions = tuple(int(number) for number in given["resolutions"])
    if kind not in WORD_KINDS or side not in (None, *SIDES) or (resolutions and kind != "attention"):
        raise ValueError(f"{kind}/{name} on {side}")
    if name == EMPTY:
        return Slot(kind, side, EMPTY, {}, reason, resolutions)
    values = {str(key): tuple(value) if isinstance(value, list) else value for key, value in given["options"].items()}
    try:
        entry = registry().find(f"{kind}/{name}", (kind,))
    except UnknownPart:
        if not sampling or first or side == "g" or not NAME.fullmatch(name):
            raise
        return Slot(kind, side, name, values, reason, resolutions)
    if kind in SIDED and side not in entry.sides:
        raise ValueError(f"{kind}/{name} on {side}")
    own = side if kind == "architecture" else None
    known = entry.options(own, head=first)
    texts = {key: known[key].format(value) if key in known else str(value) for key, value in values.items()}
    options = {key: option.default for key, option in known.items()} | entry.read_options(texts, own, head=first)
    return Slot(kind, side, name, options, reason, resolutions, entry=entry)
