"""From a checked ``config.json`` to its networks: the plan, the GAN, the tensors that its file must hold."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.version import Version
from torch import Tensor, nn

from ganzoo.errors import GanzooError, ModelError, PartMissing, UnknownPart, either
from ganzoo.files.untrusted import printable, quoted, read_tensors
from ganzoo.folder.config import UNPACKAGED, resolution_of
from ganzoo.folder.weights import DTYPES, generator_side, generator_state, make_plain
from ganzoo.gan.builder import assemble
from ganzoo.gan.game import Game
from ganzoo.gan.gan import GAN
from ganzoo.plan.agreement import refuse_other_parts
from ganzoo.plan.plan import Plan
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, Recipe


def _missing(config: Mapping[str, Any]) -> list[str]:
    """The packages that a model says it needs and that are not installed, as pip takes them."""
    missing = []
    for name, version in config["plugins"].items():
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(f"'{name}=={Version(version)}'")
    return missing


def _unregistered(config: Mapping[str, Any]) -> list[str]:
    """The parts that a model says are in no package, and that this program has not registered either."""
    missing = []
    for spelling in config.get(UNPACKAGED, ()):
        try:
            registry().find(spelling)
        except UnknownPart:
            missing.append(spelling)
    return missing


def _missing_parts(config: Mapping[str, Any], folder: Path, error: GanzooError) -> PartMissing:
    """What to install or to register, as the model has it: a stranger's claim, so quoted and marked as one."""
    missing, alone = _missing(config), _unregistered(config)
    hint = f"; as claimed by the model, it needs: pip install {' '.join(missing)}" if missing else ""
    if alone:
        kind, _, name = alone[0].partition("/")
        are = f"{either(alone, 'and')} {'is' if len(alone) == 1 else 'are'}"
        hint += (
            f"; as claimed by the model, {are} in no package, but in its author's program: ask for the code,"
            f" and call ganzoo.register({kind!r}, {name!r}, ...) before loading"
        )
    return PartMissing(f"{folder} cannot be built: {printable(error)}{hint}")


def _without_weights(plan: Plan) -> Plan:
    """The plan with plain weights on both sides: what an exported network looks like."""
    slots = [replace(s, name=EMPTY, options={}, entry=None) if s.kind == "weight" else s for s in plan.slots]
    return replace(plan, slots=tuple(slots))


def plan_of(config: Mapping[str, Any], folder: Path, sampling: bool = False) -> Plan:
    """The plan that a checked ``config.json`` describes.

    Args:
        config: checked.
        folder: where it is from, for messages.
        sampling: do without parts of packages that are not installed, as far as G does.

    Raises:
        PartMissing: an installed package brings no part of that name; the text says what to install.
        ModelError: the plan does not hold together.
    """
    try:
        Recipe.parse(config["recipe"])
        plan = Plan.from_config(config, sampling and bool(_missing(config) or _unregistered(config)))
        refuse_other_parts(plan)
        return plan
    except UnknownPart as error:
        raise _missing_parts(config, folder, error) from error
    except GanzooError as error:
        raise ModelError(f"{folder} cannot be built: {printable(error)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AssertionError) as error:
        raise ModelError(f"{folder} cannot be built: {quoted(error)}") from error


def build_from(
    config: Mapping[str, Any], folder: Path, device: str, plain: bool = False, plan: Plan | None = None
) -> GAN:
    """The GAN that a checked ``config.json`` describes, with fresh weights or on ``meta``.

    Args:
        config: checked.
        folder: where it is from, for messages.
        device: where the weights live.
        plain: leave out the reparametrisations, such as ``sn``.
        plan: of ``config``, where it has been made already.

    Raises:
        ModelError: when a part is missing or the plan cannot be built; the text says which and why.
    """
    sizes = {name: config[name] for name in ("channels", "classes", "z_dim")}
    sizes["resolution"] = resolution_of(config)
    plan = plan_of(config, folder) if plan is None else plan
    try:
        gan = assemble(_without_weights(plan) if plain else plan, device=device, **sizes)
    except GanzooError as error:
        raise ModelError(f"{folder} cannot be built: {printable(error)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, StopIteration, AssertionError) as error:
        raise ModelError(f"{folder} cannot be built: {quoted(error)}") from error
    if gan.classes != config["classes"]:
        raise ModelError(f"{folder} says {config['classes']} classes; its recipe {gan.plan.recipe} takes none")
    gan.plan, gan.class_names, gan.bits = plan, tuple(config["class_names"]), config["bits"]
    gan.looked_through |= config["frozen"].keys()  # where what brings D is not installed
    gan.class_counts = None if config["class_counts"] is None else tuple(config["class_counts"])
    return gan


def exported(gan: GAN, config: Mapping[str, Any]) -> tuple[dict[str, nn.Module], dict[str, Tensor]]:
    """The generator side of a GAN on ``meta`` as its file holds it: plain networks by name, and tensors of its dtype.

    Args:
        gan: built ``plain`` from ``config``.
        config: checked.
    """
    networks = {name: make_plain(network) for name, network in generator_side(gan).items()}
    dtype = DTYPES[config["dtype"]]
    expected = {key: t.to(dtype) if t.is_floating_point() else t for key, t in generator_state(gan).items()}
    return networks, expected


def stateless(game: Game) -> Game:
    """A game without what it remembers of a training: it goes on saying what the networks take."""
    game._modules.clear()
    game._buffers.clear()
    return game


def read_weights(gan: GAN, config: Mapping[str, Any], file: Path) -> None:
    """Give a GAN on ``meta`` the weights of a file; what the file does not hold, such as D, is taken out of it.

    Raises:
        ModelError: for a tensor that is not as ``config`` says, before memory is taken for it.
    """
    networks, expected = exported(gan, config)
    tensors = read_tensors(file, expected)
    game = gan.game
    for child in list(gan._modules):
        delattr(gan, child)
    gan.__dict__["game"] = stateless(game)
    for name, network in networks.items():
        own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
        full = {key: t.float() if t.is_floating_point() else t for key, t in own.items()}
        network.load_state_dict(full, strict=True, assign=True)
        setattr(gan, name, network.requires_grad_(False))
