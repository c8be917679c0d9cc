"""What a plan may ask of networks in vain: refused by name, before memory is taken."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ganzoo.errors import RecipeError, ResolutionError, either
from ganzoo.gan.game import Parts
from ganzoo.gan.gan import GAN
from ganzoo.plan.plan import SIDES, Plan, Slot
from ganzoo.registry.loading import registry
from ganzoo.registry.sizes import Size, pixels_text, size_text, square_side

NON_SQUARE = "non-square"  # what an architecture provides that can make such images
MAX_PARAMETERS = 2_000_000_000


def parameter_limit() -> int:
    """The largest number of parameters that a GAN may have; ``GANZOO_MAX_PARAMETERS`` overrides it."""
    given = os.environ.get("GANZOO_MAX_PARAMETERS", "")
    return int(given) if given.isdecimal() else MAX_PARAMETERS


def refuse_rectangle(plan: Plan, size: Size) -> None:
    """An architecture declares that it can make images that are not square: ``provides={"non-square"}``."""
    entries = [plan.architecture(side).entry for side in SIDES]
    unable = [entry.name for entry in entries if entry is not None and NON_SQUARE not in entry.provides]
    if isinstance(size, int) or not unable:
        return
    side = square_side(size)
    can = sorted(e.name for e in registry().entries("architecture") if NON_SQUARE in e.provides)
    raise ResolutionError(
        f"{unable[0]} makes square images, not {size_text(size)}: try --resolution {side}, or {either(can)}",
        nearest=(side,),
    )


def refuse_selecting(plan: Plan, critics: Mapping[str, Parts]) -> None:
    """A loss that needs every score declares ``selectable = False``; augmentations that leave some out, ``selects``."""
    for parts in critics.values():
        selecting = [name for name, augment in parts.augments.items() if augment.selects]
        if selecting and not parts.loss.selectable:
            raise RecipeError(
                f"{selecting[0]} leaves fakes out of G's loss, and {plan.slot('loss').name} compares each with a real"
                f" image or a label: leave out one of the two, or take another loss"
            )


def refuse_too_large(gan: GAN) -> None:
    """A GAN has no more parameters than :func:`parameter_limit` says, whatever memory there is."""
    count, limit = sum(parameter.numel() for parameter in gan.parameters()), parameter_limit()
    if count > limit:
        raise RecipeError(
            f"{gan.plan.recipe} at {pixels_text(gan.size)} has {count:,} parameters, more than the {limit:,} allowed; "
            "GANZOO_MAX_PARAMETERS raises the limit"
        )


def refuse_unused(plan: Plan, gan: GAN) -> None:
    """An explicit part that no network used is an error, never a no-op."""
    for slot in plan.slots:
        if slot.kind == "attention" and slot.reason == "named":
            _check_sites(plan, gan, slot)
    for side in SIDES:
        slot = plan.slot("normalization", side)
        head, named = plan.architecture(side), slot.reason == "named" and slot.entry is not None
        if named and head.entry is not None and not gan.kits[side].norms:
            raise RecipeError(f"{head.name} has no place for a normalization on {side}: leave out {slot.name}")
        slot = plan.slot("conditioning", side)
        # One that needs nothing and brings nothing, as the plain one, is as good as none.
        matters = slot.reason == "named" and slot.entry is not None and (slot.entry.requires or slot.entry.provides)
        if matters and head.entry is not None and not gan.kits[side].conditionings:
            raise RecipeError(f"{head.name} takes no conditioning on {side}: leave out {slot.name}")


def refuse_bare_critics(plan: Plan, gan: GAN) -> None:
    """A loss that needs what a head brings needs that head on every critic: a game may have one without labels.

    Raises:
        RecipeError: naming the critic that has another head.
    """
    loss, head = plan.slot("loss").entry, plan.slot("conditioning", "d").entry
    if loss is None or head is None or not loss.requires & head.provides:
        return
    wanted = type(gan.kits["d"].condition())
    for name in gan.critics:
        if not any(isinstance(module, wanted) for module in gan.get_submodule(name).modules()):
            raise RecipeError(
                f"{loss.name} needs {head.name} on every discriminator, and {name} of {plan.head.name} has no labels:"
                f" leave out {loss.name} and {head.name}"
            )


def _check_sites(plan: Plan, gan: GAN, slot: Slot) -> None:
    sides_named = [other.side for other in plan.parts("attention") if other.name == slot.name]
    sites = sorted({site for side in sides_named for site in gan.sites[str(side)]})
    own = [site for site, owned in gan.sites[str(slot.side)].items() if owned]
    names = dict.fromkeys(plan.architecture(str(side)).name for side in sides_named)
    who = f"{either(names, 'and')} {'has' if len(names) == 1 else 'have'}"
    has = f"{who} attention sites {', '.join(map(str, sites))}" if sites else f"{who} no attention sites"
    for number in slot.resolutions:
        if number not in sites:
            raise RecipeError(f"{has}; none at {number}")
    if not slot.resolutions and not own and slot.entry is not None:
        raise RecipeError(f"{has}; {slot.name} needs a number")
