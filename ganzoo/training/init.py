"""First weights from another folder, to fine-tune a model that is already there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.errors import GanzooError, ModelError, RunError
from ganzoo.files.untrusted import quoted, read_shapes, read_tensors
from ganzoo.folder.layout import DISCRIMINATOR, STATE_TENSORS, checkpoints
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.weights import plain_places
from ganzoo.gan.gan import GAN
from ganzoo.training.discriminator import discriminators


def _match(own: Mapping[str, Tensor], given: Mapping[str, Tensor], source: Path) -> None:
    """Refuse tensors that are not those of this network, naming the first that differs."""
    for name in sorted(own.keys() | given.keys()):
        have, want = given.get(name), own.get(name)
        if have is None or want is None or have.shape != want.shape:
            there = "missing" if have is None else f"{list(have.shape)}"
            here = "none" if want is None else f"{list(want.shape)}"
            raise ModelError(
                f"{source} does not fit this recipe: {quoted(name)} is {there} there and {here} here; use its recipe "
                "and resolution"
            )


@torch.no_grad()
def _set_plain(network: nn.Module, given: Mapping[str, Tensor], source: Path) -> None:
    """Give a network the weights of an exported one, through its reparametrisations where it has them."""
    places = plain_places(network)
    _match({name: getattr(module, key) for name, (module, key) in places.items()}, given, source)
    for name, (module, key) in places.items():
        if parametrize.is_parametrized(module, key):
            try:
                setattr(module, key, given[name])
            except (RuntimeError, NotImplementedError) as error:
                raise ModelError(
                    f"{quoted(name)} of this recipe cannot start from weights that are there: its weight part has no "
                    "right_inverse"
                ) from error
        else:
            getattr(module, key).copy_(given[name])


def _networks_of_run(source: Path, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The networks as trained, out of the last checkpoint that can be read; nothing for a folder without any.

    Raises:
        ModelError: by its header, the checkpoint's networks are others than ``own``.
    """
    for path in reversed(checkpoints(source).values()):
        try:
            shapes = read_shapes(path / STATE_TENSORS)
        except ModelError:
            continue
        _match(own, _of_networks(shapes, own), source)  # before memory is taken for any of it
        try:
            return _of_networks(read_tensors(path / STATE_TENSORS, shapes), own)
        except ModelError:
            continue
    return {}


def _of_networks(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Out of a checkpoint, the tensors of the networks that ``own`` has some of; averaged ones where there are such."""
    networks = {name.partition(".")[0] for name in own}
    found = {name[4:]: t for group in ("gan/", "ema/") for name, t in tensors.items() if name.startswith(group)}
    return {name: tensor for name, tensor in found.items() if name.partition(".")[0] in networks}


def _find(source: str | Path) -> ModelFolder:
    """The folder that ``--init`` names: one that is there, else a model of the Hub, with what is published to train on.

    Raises:
        GanzooError: there is neither.
    """
    from ganzoo.hub.locate import on_command_line

    return on_command_line(str(source), also=(DISCRIMINATOR,)).folder


def _published_discriminators(gan: GAN, source: Path) -> bool:
    """Give the discriminators the weights that a published model brings for them; False where it brings none."""
    path = source / DISCRIMINATOR
    if not os.path.lexists(path):
        return False
    shapes, networks = read_shapes(path), discriminators(gan)
    for name in shapes:
        if name.partition(".")[0] not in networks:
            raise ModelError(f"{path} holds {quoted(name)}, of no network that this recipe trains; use its recipe")
    places = {
        f"{name}.{key}": place for name, network in networks.items() for key, place in plain_places(network).items()
    }
    _match({name: getattr(module, key) for name, (module, key) in places.items()}, shapes, source)
    given = read_tensors(path, shapes)
    for name, network in networks.items():
        own = {key.removeprefix(f"{name}."): tensor for key, tensor in given.items() if key.startswith(f"{name}.")}
        _set_plain(network, own, source)
    return True


def model_to_start_from(source: str | Path) -> ModelFolder:
    """The model that ``--init`` names: a folder, or a model of the Hub such as ``"org/name"``.

    Raises:
        RunError: there is no such model.
    """
    try:
        model = _find(source)
        _ = model.config  # a folder that is no model is refused here
    except GanzooError as error:
        raise RunError(f"--init {source} does not work: {error}") from error
    return model


@torch.no_grad()
def copy_weights(gan: GAN, model: ModelFolder, source: str | Path) -> list[str]:
    """Start ``gan`` from a model: all networks of a run, what is published of a model.

    The generator side is the averaged one. Optimisers start afresh.

    Args:
        gan: whose weights are replaced.
        model: where they come from.
        source: what the person calls it.

    Returns:
        What a person should know.

    Raises:
        ModelError: its tensors are not those of this recipe, or cannot be used by it.
    """
    networks: dict[str, Any] = {name: getattr(gan, name) for names in gan.players.values() for name in names}
    own = {f"{name}.{key}": t for name, net in networks.items() for key, t in net.state_dict().items()}
    trained = _networks_of_run(model.path, own)
    if trained:
        gan.load_state_dict({**gan.state_dict(), **trained})
        return []
    published = model.load()
    for name in gan.players["g"]:
        _set_plain(getattr(gan, name), getattr(published, name).state_dict(), model.path)
    return [] if _published_discriminators(gan, model.path) else [f"{source} holds no discriminator: it starts afresh"]
