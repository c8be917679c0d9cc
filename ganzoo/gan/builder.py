"""From a plan to networks.

Everything is built on the ``meta`` device first, where sizes are free, so that an absurd request is refused before
memory is taken. Weights are initialised before they are reparametrised: the other order silently loses them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganzoo.errors import PluginError, RecipeError, UnknownPart, UsageError, either, whole
from ganzoo.gan.arguments import META, read_device
from ganzoo.gan.freezing import refuse_freezing
from ganzoo.gan.game import Game, Parts
from ganzoo.gan.gan import GAN
from ganzoo.gan.kit import Kit
from ganzoo.gan.noise import NoiseGame
from ganzoo.gan.pieces import refuse_mixing
from ganzoo.gan.priors import PRIORS, with_codes
from ganzoo.gan.refusals import refuse_bare_critics, refuse_rectangle, refuse_selecting, refuse_too_large, refuse_unused
from ganzoo.gan.weights import initialise, reparametrise, synchronise
from ganzoo.parts.complete import complete
from ganzoo.parts.loss import Loss
from ganzoo.parts.penalty import of_auxiliary, of_penalty
from ganzoo.parts.regularizer import Regularizer
from ganzoo.plan.plan import GIVEN, SIDES, Plan, Slot
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.plan.settings import check_mapping, z_dim_names
from ganzoo.registry.arguments import known_arguments
from ganzoo.registry.declarations import NETWORKS
from ganzoo.registry.labels import LABEL_KINDS, label_keys
from ganzoo.registry.recipe import Recipe
from ganzoo.registry.sizes import Sized, read_size

# What only sets values: in place, of its first argument, which it returns. See Unfilled.
FILLERS = (Tensor.normal_, Tensor.uniform_, Tensor.random_, Tensor.bernoulli_, nn.functional.normalize)


@known_arguments
def build(
    recipe: str | Recipe,
    resolution: Sized = 32,
    channels: int = 3,
    classes: int = 0,
    z_dim: int | None = None,
    settings: Mapping[str, object] | None = None,
    device: str | torch.device = "cpu",
    label_kind: str = LABEL_KINDS[0],
) -> GAN:
    """Assemble a GAN by name, with fresh weights.

    Args:
        recipe: such as ``"sagan+sn+hinge"``.
        resolution: of the images: the side of squares, or height and width, as ``(64, 128)`` or ``"64x128"``.
        channels: of the images: 1 for grey, 3 for RGB, 4 for RGBA, or any other number.
        classes: length of the label vectors, the number of classes; 0 for data without labels.
        z_dim: length of the noise; by default the setting ``z-dim``, which is 128 unless an architecture asks for more.
        settings: as ``--set`` takes them, such as ``{"init": "orthogonal"}``.
        device: where the weights live; ``"meta"`` allocates nothing.
        label_kind: what labels are: ``class``, ``multilabel`` or ``continuous``.

    Raises:
        UsageError: for a recipe that does not resolve or sizes that cannot be.

    Example:
        >>> gan = ganzoo.build("dcgan+sn+hinge", resolution=32, channels=1)
        >>> gan.sample(4, seed=0).shape
        torch.Size([4, 1, 32, 32])
    """
    if label_kind not in LABEL_KINDS:
        raise UsageError(f"label_kind={label_kind!r} does not work: it is {either(LABEL_KINDS)}")
    check_mapping(settings)
    labels = label_keys(label_kind) if whole("classes", classes, 0) else frozenset[str]()
    plan = make_plan(recipe, {"image", *labels, *wants(recipe)}, settings)
    return assemble(plan, resolution, channels, classes, z_dim, device)


def assemble(
    plan: Plan,
    resolution: Sized,
    channels: int,
    classes: int = 0,
    z_dim: int | None = None,
    device: str | torch.device = "cpu",
) -> GAN:
    """Build the networks and parts of a plan; see :func:`build`."""
    if isinstance(resolution, int) and resolution < 1:
        raise UsageError(f"resolution={resolution} does not work: it is a whole number from 1 up")
    size, where = read_size(resolution), read_device(device)
    channels, classes = whole("channels", channels, 1), whole("classes", classes, 0)
    z_dim = None if z_dim is None else whole("z_dim", z_dim, 1)
    length = whole("z_dim", _z_dim(plan, size if isinstance(size, int) else size[0], z_dim), 1)
    refuse_rectangle(plan, size)
    shape: dict[str, Any] = {
        "resolution": size,
        "channels": channels,
        "classes": classes if plan.conditional else 0,
        "z_dim": length,
    }
    try:
        with torch.device("meta"), Unfilled():
            gan = _construct(plan, shape)
    except (RuntimeError, OverflowError, MemoryError, TypeError) as error:
        why = (str(error) or "out of memory").splitlines()[0]
        if isinstance(error, TypeError):  # as torch refuses a size of more than 64 bits, but many a mistake is one too
            if "Overflow when unpacking" not in str(error):
                raise
            why = "a size of more than 64 bits"
        raise RecipeError(f"{plan.recipe} cannot be built at these sizes: {why}") from error
    refuse_unused(plan, gan)
    refuse_freezing(plan, gan)
    refuse_bare_critics(plan, gan)
    refuse_too_large(gan)
    # Built a second time, not moved: Module.to_empty() would lose every value that a layer gives itself, such as the
    # ones of a norm or the vectors of spectral norm.
    return gan if where.type == META else _construct(plan, shape, fresh=True).to(where)


def _z_dim(plan: Plan, height: int, given: int | None) -> int:
    """The length of the noise: the one given, else the plan's.

    Raises:
        UsageError: a person gave it as a setting too, and another.
    """
    planned = plan.z_dim(height)
    if given is None or given == planned:
        return planned
    by_person = [name for name in z_dim_names(height) if name in plan.settings and plan.settings[name].reason == GIVEN]
    if by_person:
        raise UsageError(
            f"z_dim={given} and the setting {by_person[0]}={planned} are two lengths of z: give one of them"
        )
    return given


class Unfilled(TorchFunctionMode):
    """Skip initialisers while building on ``meta``.

    They change values, of which ``meta`` has none; and for random ones there torch imports its decompositions and with
    them its compiler, which takes seconds.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``function``, or return its first argument untouched where it only fills that."""
        filled = args[0] if args else (kwargs or {}).get("tensor")
        if function in FILLERS or getattr(function, "__module__", "") == "torch.nn.init":
            return filled
        return function(*args, **(kwargs or {}))


def _construct(plan: Plan, shape: dict[str, Any], fresh: bool = False) -> GAN:
    assert plan.head.entry is not None
    game: type[Game] = plan.head.entry.load_game() or NoiseGame  # type: ignore[assignment]
    parts = {critic: Parts(Loss()) if plan.unknown else _parts(plan) for critic in game.critics}
    refuse_mixing(plan, parts, game)
    refuse_selecting(plan, parts)
    codes = list(next(iter(parts.values())).regularizers.values())
    kits = {side: _kit(plan, side, shape, codes) for side in SIDES}
    networks = _networks(plan, kits)
    _check_players(plan.head, game)
    for critic, acting in parts.items():
        for augment in acting.augments.values():
            augment.check(shown_to(networks[critic], kits["d"].image))
        for part in acting.regularizers.values():
            part.prepare({**networks, "D": networks[critic]})
    for name, network in networks.items():
        if fresh:
            initialise(network, str(plan["init"]))
        if side := side_of(plan, name):
            reparametrise(network, plan.slot("weight", side))
        if plan["sync"] == "on":
            synchronise(network)
    of_game = plan.head.entry.arguments(game, plan.head.options)
    return GAN(networks, parts, plan, partial(game, **of_game), kits=kits, **shape)


def shown_to(critic: nn.Module, image: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape ``(C, H, W)`` of what a critic is shown: the image, unless it says otherwise, as one of codes does."""
    shapes = getattr(critic, "shapes", None)
    shape: tuple[int, int, int] = shapes[0] if shapes else image
    return shape


def _networks(plan: Plan, kits: Mapping[str, Kit]) -> dict[str, nn.Module]:
    """The networks by name: all from the head's one builder, or G and D each from a builder of its own, in that order.

    Raises:
        PluginError: an architecture builds other networks than it declares.
    """
    entry = plan.head.entry
    assert entry is not None
    if plan.head.side is None and entry.build is not None:
        build = entry.load()
        networks = build(kits["g"], kits["d"], **entry.arguments(build, plan.head.options))
        if set(networks) != set(entry.networks):
            declared = either(entry.networks, "and")
            raise PluginError(f"{plan.head.name} declares networks {declared} but builds {either(networks)}")
        return networks
    networks = {}
    for name, side in NETWORKS.items():
        slot = plan.architecture(side)
        if slot.entry is None:
            networks[name] = Absent(slot.name)
            continue
        build = slot.entry.load_side(side)
        networks[name] = build(kits[side], **slot.entry.arguments(build, slot.options))
        if not isinstance(networks[name], nn.Module):
            raise PluginError(f"{slot.name} builds a {type(networks[name]).__name__} for {side}; it is an nn.Module")
    return networks


class Absent(nn.Module):
    """Stands for a discriminator that nothing installed provides, in a model that is only sampled from."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, *inputs: Tensor, **conditions: Tensor) -> Tensor:
        """Refuse: there is no network.

        Raises:
            UnknownPart: naming the architecture.
        """
        raise UnknownPart(f"nothing installed provides the discriminator {self.name}")


def side_of(plan: Plan, network: str) -> str | None:
    """The side whose parts a network takes, ``g`` or ``d``; None for a player's that stands on none."""
    entry = plan.head.entry
    declared = entry.networks if entry is not None else NETWORKS
    player, _, side = str(declared.get(network, "")).partition("@")
    return side or (player if player in SIDES else None)


def _check_players(head: Slot, game: type[Game]) -> None:
    """Refuse a game whose players are not those that its architecture declares."""
    assert head.entry is not None
    played = {network: player for player, names in game.players.items() for network in names}
    for network, player in head.entry.networks.items():
        own = player.partition("@")[0]
        if played.get(network, own) != own or own not in game.players:
            has = either(game.players, "and")
            raise PluginError(
                f"{head.name} gives the network {network} to player {own}, but in its game {game.__name__} "
                + (f"{network} is of player {played[network]}" if network in played else f"the players are {has}")
            )


def _parts(plan: Plan) -> Parts:
    """The loss, regularizers and augmentations of one critic, built anew: their state is its own."""
    return Parts(
        loss=_loss(plan.slot("loss")),
        regularizers={slot.name: _regularizer(slot) for slot in plan.parts("regularizer")},
        augments={slot.name: _part(slot) for slot in plan.parts("augment")},
    )


def _part(slot: Slot) -> Any:
    assert slot.entry is not None
    return slot.entry.load()(**slot.options)


def _loss(slot: Slot) -> Loss:
    """The loss, once it is known to have one of both players in either form."""
    made: Loss = complete(_part(slot), Loss, slot.name)
    for simple, full in {"d": "discriminator", "g": "generator"}.items():
        if all(getattr(type(made), name) is getattr(Loss, name) for name in (simple, full)):
            raise PluginError(f"loss/{slot.name} has neither {simple}(critic, real, fake) nor {full}(ctx)")
    return made


def _regularizer(slot: Slot) -> Regularizer:
    """One regularizer, as it is written now or as version 0.1.0 wrote it."""
    assert slot.entry is not None
    part = _part(slot)
    if slot.entry.form:
        return (of_penalty if slot.entry.form == "penalty" else of_auxiliary)(part, slot.name)
    made: Regularizer = complete(part, Regularizer, slot.name)
    if all(getattr(type(made), name) is getattr(Regularizer, name) for name in ("terms", "refine", "prepare", "codes")):
        raise PluginError(f"{slot.entry.spelling} does nothing: it has none of terms(ctx), refine(ctx), prepare, codes")
    return made


def _kit(plan: Plan, side: str, shape: dict[str, Any], coded: Sequence[Regularizer]) -> Kit:
    """The layer factory of one side, with the parts that the plan put there."""
    norm, conditioning = plan.slot("normalization", side), plan.slot("conditioning", side)
    factories: dict[str, Any] = {}
    if conditioning.entry is not None:
        factories["condition"] = partial(conditioning.entry.load(), **conditioning.options)
    if norm.entry is not None:
        factories["norm"] = partial(norm.entry.load(), **norm.options)
        factories["steered"] = "context" in norm.entry.requires
    return Kit(
        side,
        shape["resolution"],
        shape["channels"],
        shape["classes"],
        shape["z_dim"] + sum(part.codes for part in coded),
        attend=Attentions(tuple(plan.parts("attention", side))),
        prior=with_codes(PRIORS[str(plan["prior"])], coded),
        coded=coded,
        **factories,
    )


@dataclass(frozen=True)
class Attentions:
    """Finds the attention for a site. An object and no function within another, so that a GAN can be pickled.

    Attributes:
        slots: of one side, the stronger first.
    """

    slots: tuple[Slot, ...]

    def __call__(self, resolution: int, own: bool) -> Callable[[int], nn.Module] | None:
        """What makes the attention at a resolution; None for none. ``own`` is as :meth:`Kit.attention` has it."""
        for slot in self.slots:  # an empty slot (entry None) keeps weaker ones out
            if resolution in slot.resolutions or (not slot.resolutions and (own or slot.entry is None)):
                return None if slot.entry is None else partial(slot.entry.load(), **slot.options)
        return None
