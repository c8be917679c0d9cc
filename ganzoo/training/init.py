"""First weights from another folder, to fine-tune a model that is already there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.checkpoint import load_folder, plain_places, read_config
from ganzoo.errors import GanzooError, ModelError, RunError
from ganzoo.folder import quoted, read_shapes, read_tensors
from ganzoo.gan import GAN
from ganzoo.training.state import TENSORS, checkpoints


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
    """Give a network the weights of a baked one, through its reparametrisations where it has them."""
    places = plain_places(network)
    _match({name: getattr(module, key) for name, (module, key) in places.items()}, given, source)
    for name, (module, key) in places.items():
        if parametrize.is_parametrized(module, key):
            setattr(module, key, given[name])
        else:
            getattr(module, key).copy_(given[name])


def _networks_of_run(source: Path) -> dict[str, Tensor]:
    """The networks as trained, out of the last checkpoint that can be read; nothing for a folder without any."""
    for path in reversed(checkpoints(source).values()):
        try:
            tensors = read_tensors(path / TENSORS, read_shapes(path / TENSORS))
        except ModelError:
            continue
        averaged = {name[4:]: t for name, t in tensors.items() if name.startswith("ema/")}
        return {**{name[4:]: t for name, t in tensors.items() if name.startswith("gan/")}, **averaged}
    return {}


def copy_weights(gan: GAN, source: Path) -> list[str]:
    """Start ``gan`` from the model in ``source``: all networks of a run, the generator side of a published model.

    The generator side is the averaged one. Optimisers start afresh.

    Returns:
        What a person should know.

    Raises:
        RunError: there is no model in ``source``.
        ModelError: its tensors are not those of this recipe.
    """
    try:
        read_config(source)
    except GanzooError as error:
        raise RunError(f"--init {source} does not work: {error}") from error
    trained = _networks_of_run(source)
    if trained:
        networks: dict[str, Any] = {name: getattr(gan, name) for names in gan.players.values() for name in names}
        own = {f"{name}.{key}": t for name, net in networks.items() for key, t in net.state_dict().items()}
        given = {name: tensor for name, tensor in trained.items() if name.partition(".")[0] in networks}
        _match(own, given, source)
        gan.load_state_dict({**gan.state_dict(), **given})
        return []
    model = load_folder(source)
    for name in gan.players["g"]:
        _set_plain(getattr(gan, name), getattr(model, name).state_dict(), source)
    return [f"{source} holds no discriminator: it starts afresh"]
