"""From a recipe to a plan.

Precedence, strongest first: named by the person, implied by those, named in the preset, implied by those, implied by
the architecture, the kind's default. A part that found every slot taken implies nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ganzoo.errors import RecipeError, either, read_text
from ganzoo.plan.canonical import canonical_text
from ganzoo.plan.claim import Claim, acting_order, displaces, refuse_conflicts, strongest_first, supersedes
from ganzoo.plan.networks import brought, entry_of, refuse_idle_options, rest_of, sides_of, train_of_sides
from ganzoo.plan.plan import BRINGING, GIVEN, IN_ORDER, MANY, SIDED, SIDES, Plan, Setting, Slot
from ganzoo.plan.precedence import Suggestion, players_of, settle
from ganzoo.plan.settings import write
from ganzoo.registry.labels import LABEL, LABEL_KEYS, kind_in, with_kind
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Entry, Registry
from ganzoo.registry.recipe import (
    EMPTY,
    HEAD_KINDS,
    OLD_FAMILIES,
    PART_KINDS,
    WORD_KINDS,
    Part,
    Recipe,
    kind_of,
)

DEEPEST = 8  # presets within presets; more is a circle
PAIR = 2  # images, which a part within a class needs of a batch
DEFAULTS = {"conditioning": "plain", "loss": "bce"}


def make_plan(
    recipe: str | Recipe,
    provides: Collection[str] = ("image",),
    settings: Mapping[str, object] | None = None,
    suggested: Mapping[str, object] | None = None,
) -> Plan:
    """Resolve a recipe.

    Args:
        recipe: text or parsed.
        provides: batch keys that the data has: ``image``, ``label``, ...; labels are classes if no kind is among them.
        settings: values set by the person, as ``--set`` gives them.
        suggested: values that the data set asks for; they give way to everything but the defaults.

    Raises:
        RecipeError: for unknown, conflicting or misplaced parts, or parts whose needs nothing meets.
        UsageError: for options and settings that do not exist or cannot have the value.
    """
    return _Resolver(_parsed(recipe), with_kind(provides)).plan(settings or {}, suggested or {})


def wants(recipe: str | Recipe) -> frozenset[str]:
    """The keys of a batch that the architecture of a recipe cannot do without, such as ``source``; often none."""
    brought = _Resolver(_parsed(recipe), frozenset()).brought
    return frozenset().union(*(slot.entry.requires for slot in brought if slot.entry))


def _parsed(recipe: str | Recipe) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.parse(read_text("recipe", recipe, "dcgan+sn+hinge"))


class _Resolver:
    def __init__(self, recipe: Recipe, provides: frozenset[str]) -> None:
        self.registry: Registry = registry()
        self.recipe, self.provides = recipe, provides
        self.accepted: list[Claim] = []
        self.notes: list[str] = []
        self.layers, head = self._unfold(recipe)
        self.head, *self.replaced = self.brought = brought(head, self.layers, self.registry)
        refuse_idle_options(recipe.head, self.head)
        self.layers = [(said, rest_of(parts, self.registry), preset) for said, parts, preset in self.layers]

    # --- the head -------------------------------------------------------------------------------------------

    def _unfold(self, recipe: Recipe) -> tuple[list[tuple[str, tuple[Part, ...], Entry | None]], Slot]:
        """Presets down to the architecture: for each, who says it, its words and its entry; and the head slot."""
        layers: list[tuple[str, tuple[Part, ...], Entry | None]] = []
        options: dict[str, str] = {}
        said, preset = "named", None
        while True:
            layers.append((said, recipe.parts, preset))
            options = {**dict(recipe.head.options), **options}
            entry = self.registry.find(recipe.head.spelling, HEAD_KINDS, what="architecture or preset")
            if entry.kind == "architecture":
                break
            if len(layers) > DEEPEST:
                raise RecipeError(f"{entry.name} is a preset of a preset of a preset ...: more than {DEEPEST} deep")
            said, preset, recipe = f"preset {entry.name}", entry, Recipe.parse(str(entry.build))
        self.head_entry = entry
        return layers, Slot("architecture", None, entry.name, _options(entry, options), "named", entry=entry)

    # --- claims ---------------------------------------------------------------------------------------------

    def plan(self, settings: Mapping[str, object], suggested: Mapping[str, object]) -> Plan:
        for slot in self.brought:
            if missing := entry_of(slot).requires - self.provides:
                raise RecipeError(self._refusal(slot.name, missing))
        for depth, (said, parts, _) in enumerate(self.layers):
            level = 2 * depth
            claims = [self._claim(part, level, said, SIDES) for part in parts]
            refuse_conflicts(claims)
            self._fill_slots(claims, level)
        level = 2 * len(self.layers) + 1
        self._fill_slots([claim for slot in self.brought for claim in self._implied_by(slot, level)], level)
        defaults = [self._claim(Part(name, kind), level + 2, "default", SIDES) for kind, name in DEFAULTS.items()]
        self._fill_slots(defaults, level + 2)
        self._refuse_wrong_company()
        return Plan(
            recipe=canonical_text(self.recipe.head, self.head, self.replaced, self._named()),
            head=self.head,
            slots=tuple(self._slots()),
            settings=self._settings(settings, suggested),
            provides=self.provides,
            notes=tuple(sorted(self.notes)),
        )

    def _named(self) -> list[tuple[Claim, Part]]:
        """What the recipe itself names, and the words for it, whether it got its slots or not."""
        return [(self._claim(part, 0, "named", SIDES), part) for part in self.layers[0][1]]

    def _implied_by(self, slot: Slot, level: int) -> list[Claim]:
        """What an architecture brings: on one side only what belongs to it, and of the head what belongs to none."""
        claims = [self._claim(Part.parse(text), level, slot.name, sides_of(slot)) for text in entry_of(slot).implies]
        return [claim for claim in claims if claim.sides or (claim.kind not in SIDED and slot is self.head)]

    def _claim(self, part: Part, level: int, reason: str, within: Collection[str]) -> Claim:
        """A claim for ``part`` on those of its sides that lie in ``within``."""
        if part.name == EMPTY:
            return self._claim_nothing(part, level, reason, within)
        entry = self.registry.find(part.spelling, WORD_KINDS, what="part")
        allowed = entry.sides if entry.kind in SIDED else ()
        _check_places(part, entry.kind, entry.name, allowed)
        sides = tuple(side for side in allowed if side in (part.sides or allowed) and side in within)
        numbers = tuple(sorted(part.resolutions))
        options = _options(entry, dict(part.options))
        return Claim(
            entry.kind, entry.name, entry, sides=sides, resolutions=numbers, options=options, level=level, reason=reason
        )

    def _claim_nothing(self, part: Part, level: int, reason: str, within: Collection[str]) -> Claim:
        kind = kind_of(str(part.kind))
        if kind not in PART_KINDS or kind == "loss":
            raise RecipeError(f"{kind}/none empties nothing: a GAN always has its {kind}")
        _check_places(part, kind, f"{kind}/none", SIDES if kind in SIDED else ())
        sides = tuple(side for side in SIDES if side in (part.sides or SIDES) and side in within)
        return Claim(
            kind,
            EMPTY,
            None,
            sides=sides if kind in SIDED else (),
            resolutions=tuple(sorted(part.resolutions)),
            options={},
            level=level,
            reason=reason,
            families=OLD_FAMILIES.get(str(part.kind), ()),
            spelling=part.spelling,
        )

    def _meet_needs(self, claim: Claim) -> bool:
        """Turn an implied claim whose needs are not met into its fallback; a named one is refused.

        Returns:
            Whether it stands: not so where its fallback is to do without.
        """
        if claim.entry is None:
            return True
        available = self._available(_acts_on(claim)) | self._brought_to(claim)
        missing = claim.entry.requires - available
        if excluded := sorted(claim.entry.excludes.keys() & available):
            self._refuse_excluded(claim, excluded[0])
        if not missing:
            return True
        if claim.named or claim.entry.fallback is None:
            said = self._of(claim)
            alike = [other.name for other in self.registry.entries(claim.kind) if self._could(other, claim, available)]
            raise RecipeError(self._refusal(f"{claim.name}{said}", missing, alike))
        needs = either(sorted(missing), "and")
        who = "the data" if missing <= {LABEL, *LABEL_KEYS, "image"} else self._networks_of(claim)
        if claim.entry.fallback == EMPTY:
            self.notes.append(f"{claim.name} needs {needs}, which {who} lacks: left out")
            return False
        fallback = self.registry.find(f"{claim.kind}/{claim.entry.fallback}", (claim.kind,))
        self.notes.append(f"{claim.name} needs {needs}, which {who} lacks: {fallback.name} in its place")
        claim.reason = f"{claim.reason}, in place of {claim.name} (no {needs})"
        claim.name, claim.entry, claim.options = fallback.name, fallback, _options(fallback, {})
        claim.sides = tuple(side for side in claim.sides if side in fallback.sides)
        return self._meet_needs(claim)

    def _networks_of(self, claim: Claim) -> str:
        """The architectures whose networks a claim would act on, as a message names them."""
        sides = set(_acts_on(claim))
        brought = [slot for slot in self.brought if not sides or set(sides_of(slot)) & sides]
        return either(dict.fromkeys(slot.name for slot in brought), "or")

    def _of(self, claim: Claim) -> str:
        """Who says a part, behind its name in a message; nothing where a person does."""
        if claim.reason == "named":
            return ""
        typed = self.recipe.head.name
        within_another = claim.reason.startswith("preset ") and claim.reason != f"preset {typed}"
        return f" of {claim.reason}" + (f", which {typed} builds on," if within_another else "")

    def _refuse_wrong_company(self) -> None:
        """A part that works with another alone, which lost its slot to a third."""
        for claim in self.accepted:
            for name in claim.entry.requires_parts if claim.entry else ():
                wanted = self.registry.find(name, WORD_KINDS, what="part")
                there = [other for other in self.accepted if other.kind == wanted.kind]
                if wanted not in [other.entry for other in there]:
                    said = self._of(claim)
                    has = either([f"{other} ({other.reason})" for other in there], "and") if there else "none"
                    raise RecipeError(
                        f"{claim.name}{said} works with the {wanted.kind} {wanted.name} alone, and here it is {has}:"
                        f" leave out one of the two"
                    )

    def _available(self, sides: Collection[str]) -> frozenset[str]:
        """What the data has, and the networks on every one of these sides; for no side, those on any."""
        theirs = [entry_of(slot).provides for slot in self.brought if not sides or set(sides_of(slot)) & set(sides)]
        return self.provides | (frozenset.intersection(*theirs) if sides else frozenset().union(*theirs))

    def _brought_to(self, claim: Claim) -> frozenset[str]:
        """Keys that accepted parts bring to a side of the claim, or to one that has none, such as ``context``."""
        brought = [
            other.entry.provides
            for other in self.accepted
            if other.kind in BRINGING
            and other.entry is not None
            and (not claim.sides or not other.sides or set(other.sides) & set(claim.sides))
        ]
        return frozenset().union(*brought)

    def _refuse_excluded(self, claim: Claim, key: str) -> None:
        assert claim.entry is not None
        said = self._of(claim)
        raise RecipeError(
            f"{claim.name}{said} does not work with a part that brings {key!r}, as in {self.recipe}: write"
            f" {claim.entry.excludes[key]} in its place"
        )

    def _could(self, other: Entry, claim: Claim, available: frozenset[str]) -> bool:
        """Whether a part that labels matter to would do in the place of a claim, with the labels that there are."""
        theirs = set(claim.sides) <= set(other.sides) and other.labelled
        return theirs and other.requires <= available and not other.excludes.keys() & available

    def _refusal(self, who: str, missing: frozenset[str], alike: Collection[str] = ()) -> str:
        """Why a part is refused: what is missing, who brings that, and which parts take the labels that there are."""
        lines = []
        for key in sorted(missing):
            givers = sorted(
                e.name
                for kind in ("dataset", "architecture", *BRINGING)
                for e in self.registry.entries(kind)
                if key in e.provides
            )
            lines.append(f"{key!r}" + (f" (from {', '.join(givers[:6])})" if givers else ""))
        names = either(dict.fromkeys(slot.name for slot in self.brought), "and")
        what = f"{who} needs {either(lines, 'and')}, which neither the data nor {names} has"
        if missing & LABEL_KEYS and LABEL in self.provides:
            what += f"; its labels are of the kind {kind_in(self.provides)}"
            what += f", for which there {'is' if len(alike) == 1 else 'are'} {either(alike, 'and')}" if alike else ""
        elif missing & LABEL_KEYS:
            what += "; use labelled data, or ganzoo build --classes N"
        return what

    # --- slots ----------------------------------------------------------------------------------------------

    def _fill_slots(self, claims: list[Claim], level: int) -> None:
        """Give each claim the slots still free, then the same for what the accepted ones imply."""
        # First those that may bring what other parts need.
        queue = sorted(claims, key=lambda claim: (claim.kind not in BRINGING, -PART_KINDS.index(claim.kind)))
        implied: list[Claim] = []
        while queue:
            for claim in queue:
                if self._accept(claim):
                    implied += self._implications(claim, level | 1)
            queue, implied = sorted(implied, key=lambda c: PART_KINDS.index(c.kind), reverse=True), []

    def _implications(self, claim: Claim, level: int) -> list[Claim]:
        texts = claim.entry.implies if claim.entry else ()
        within = claim.sides if claim.kind in SIDED else SIDES
        reason = claim.name if claim.reason == "named" else f"{claim.name} ({claim.reason})"
        claims = [self._claim(Part.parse(text), level, reason, within) for text in texts]
        return [claim for claim in claims if claim.sides or claim.kind not in SIDED]

    def _accept(self, claim: Claim) -> bool:
        """Whether the claim got a slot; its sides shrink to those that it got."""
        rivals = [other for other in self.accepted if other.kind == claim.kind]
        if claim.kind in MANY:
            free = not any(displaces(other, claim) for other in rivals)
        elif claim.kind == "attention":
            taken = {side for other in rivals if supersedes(other, claim) for side in other.sides}
            claim.sides = tuple(side for side in claim.sides if side not in taken)
            free = bool(claim.sides)
        elif claim.kind in SIDED:
            taken = {side for other in rivals for side in other.sides}
            claim.sides = tuple(side for side in claim.sides if side not in taken)
            free = bool(claim.sides)
        else:
            free = not rivals
        if free:
            free = self._meet_needs(claim) and (claim.kind not in SIDED or bool(claim.sides))
        if free:
            self.accepted.append(claim)
        return free

    def _slots(self) -> list[Slot]:
        slots = list(self.replaced)
        for kind in PART_KINDS:
            of_kind = [claim for claim in self.accepted if claim.kind == kind]
            of_kind.sort(key=acting_order if kind == IN_ORDER else strongest_first)
            for claim in of_kind:
                for side in claim.sides if kind in SIDED else (None,):
                    if claim.entry is not None or kind in SIDED:
                        slots.append(
                            Slot(
                                kind,
                                side,
                                claim.name,
                                claim.options,
                                reason=claim.reason,
                                resolutions=claim.resolutions,
                                entry=claim.entry,
                            )
                        )
            if kind in SIDED and kind != "attention":
                filled = {slot.side for slot in slots if slot.kind == kind}
                slots += [Slot(kind, side, EMPTY, {}, "default") for side in SIDES if side not in filled]
        return slots

    # --- settings -------------------------------------------------------------------------------------------

    def _settings(self, given: Mapping[str, object], suggested: Mapping[str, object]) -> dict[str, Setting]:
        suggestions: list[Suggestion] = []
        for claim in self.accepted:
            if claim.entry is not None:
                reason = claim.name if claim.reason == "named" else f"{claim.name} ({claim.reason})"
                suggestions.append((claim.level, PART_KINDS.index(claim.kind), reason, claim.entry.train))
        for depth, (_, _, preset) in enumerate(self.layers):
            if preset is not None:
                suggestions.append((2 * depth, len(PART_KINDS), f"preset {preset.name}", preset.train))
        for slot in self.brought:
            asked = train_of_sides(entry_of(slot).train, sides_of(slot), whole=slot is self.head)
            # Of its level, where all else is what it implies: it knows what it brings those parts for.
            suggestions.append((2 * len(self.layers) + 1, len(PART_KINDS), slot.name, asked))
        suggestions.append((2 * len(self.layers) + 2, -1, "the data set", suggested))
        suggestions.append((-1, 0, GIVEN, given))
        settled = settle(suggestions, players_of(self.head_entry))
        for claim in self.accepted:
            for name, value in claim.entry.requires_settings.items() if claim.entry else ():
                if name in settled and settled[name].value != value:
                    raise RecipeError(
                        f"{claim.name} works with {name}={value} alone, and {name} is {write(settled[name].value)}"
                        f" ({settled[name].reason}): leave out one of the two"
                    )
            batch = settled["batch"].value
            if claim.entry is not None and claim.entry.within_class and isinstance(batch, int) and batch < PAIR:
                raise RecipeError(
                    f"{claim.name} compares images of one class within a batch, and batch={batch} has no two: give"
                    f" {PAIR} or more"
                )
        return settled


def _options(entry: Entry, given: Mapping[str, str]) -> dict[str, Any]:
    """Every option of a part, with the given ones read."""
    return {**{name: option.default for name, option in entry.options().items()}, **entry.read_options(given)}


def _acts_on(claim: Claim) -> tuple[str, ...]:
    """The sides whose networks have to meet a claim's needs; none where those of either side may.

    Such as a regularizer's that declares a side, though it stands on none.
    """
    declared = claim.entry.sides if claim.entry is not None else SIDES
    return claim.sides or (tuple(declared) if len(declared) == 1 else ())


def _check_places(part: Part, kind: str, name: str, allowed: Collection[str]) -> None:
    if part.places and not allowed:
        raise RecipeError(f"{name} takes no place: a {kind} belongs to the whole GAN; write {name}")
    if part.resolutions and kind != "attention":
        number = min(part.resolutions)
        raise RecipeError(f"{name}@{number} does not work: only an attention stands at a resolution, {name} is {kind}")
    if part.sides and not set(part.sides) <= set(allowed):
        raise RecipeError(
            f"{name} cannot stand on {either(sorted(set(part.sides) - set(allowed)))}: "
            f"it stands on {either(allowed, 'and')}"
        )
