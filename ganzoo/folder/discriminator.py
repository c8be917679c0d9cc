"""The networks that samples do not need, such as D: exported from a training to be published, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ganzoo.errors import ModelError, RunError
from ganzoo.files.untrusted import read_shapes, read_tensors
from ganzoo.folder.building import build_from
from ganzoo.folder.layout import DISCRIMINATOR, STATE_TENSORS, bests, checkpoints
from ganzoo.folder.weights import generator_side, make_plain, plain_state, refuse_other_shapes
from ganzoo.gan.gan import GAN


def discriminators(gan: GAN) -> dict[str, nn.Module]:
    """The networks that no sample needs and no model is published with, by name."""
    own = generator_side(gan).keys()
    return {name: getattr(gan, name) for names in gan.players.values() for name in names if name not in own}


def discriminator_state(gan: GAN) -> dict[str, Tensor]:
    """The tensors of those networks, as ``network.path``, reparametrisations such as ``sn`` baked in."""
    own = discriminators(gan).items()
    return {f"{name}.{key}": tensor.clone() for name, net in own for key, tensor in plain_state(net).items()}


def export_discriminators(folder: Path, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The discriminators of the published step, as ``network.path``, reparametrisations such as ``sn`` baked in.

    Args:
        folder: of a run, with its ``training/``.
        config: its checked ``config.json``.

    Raises:
        RunError: no state of that step is kept, or the model has every network already.
        ModelError: the state does not hold together.
    """
    step = config["step"]
    state = {**checkpoints(folder), **bests(folder)}.get(step)
    if state is None:
        raise RunError(
            f"{folder} keeps no training state of step {step}, so there is no discriminator to publish:"
            " push from the folder that it was trained in, or leave out --with-discriminator"
        )
    names = discriminators(build_from(config, folder, "meta"))
    if not names:
        raise RunError(f"{folder} has every network in its model already: leave out --with-discriminator")
    path = state / STATE_TENSORS
    found = read_shapes(path)
    expected = {f"gan/{name}.{key}": t for name, net in names.items() for key, t in net.state_dict().items()}
    refuse_other_shapes(expected, {key: t for key, t in found.items() if key in expected}, path)
    saved, built = read_tensors(path, found), build_from(config, folder, "cpu")
    for name, network in discriminators(built).items():
        prefix = f"gan/{name}."
        own = {key.removeprefix(prefix): tensor for key, tensor in saved.items() if key.startswith(prefix)}
        network.load_state_dict(own)
    return discriminator_state(built)


def trained(folder: Path, step: int) -> bool:
    """Whether a run keeps the training state of a step, discriminators and all."""
    return step in checkpoints(folder) or step in bests(folder)


def read_discriminators(gan: GAN, config: Mapping[str, Any], folder: Path, step: int | None) -> dict[str, nn.Module]:
    """The discriminators of a model, by name, in eval mode: those of its run, or those that were published with it.

    Args:
        gan: built ``plain`` from ``config``, on ``meta``; its own discriminators are filled and returned.
        config: checked.
        folder: of the model.
        step: a kept step; None for the model itself.

    Raises:
        ModelError: there are none, with what to type; or what is there does not hold together.
    """
    networks = {name: make_plain(network) for name, network in discriminators(gan).items()}
    if not networks:  # the model has them all
        return {}
    expected = {f"{name}.{key}": t for name, net in networks.items() for key, t in net.state_dict().items()}
    number = config["step"] if step is None else step
    if trained(folder, number):
        tensors = export_discriminators(folder, {**config, "step": number})
    elif step is None and (folder / DISCRIMINATOR).is_file():
        tensors = read_tensors(folder / DISCRIMINATOR, expected)
    else:
        of = "" if step is None else f" of step {step}"
        raise ModelError(
            f"{folder} has no discriminator{of}, which a sampler asks: draw from the folder that it was trained in,"
            " or publish it there by 'ganzoo push --with-discriminator'"
        )
    for name, network in networks.items():
        own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
        network.load_state_dict(own, strict=True, assign=True)
        network.requires_grad_(False)
    return networks
