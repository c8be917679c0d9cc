"""The networks that samples do not need, such as D: exported from a training to be published, for fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ganzoo.errors import RunError
from ganzoo.files.untrusted import read_shapes, read_tensors
from ganzoo.folder.building import build_from
from ganzoo.folder.layout import STATE_TENSORS, bests, checkpoints
from ganzoo.folder.weights import plain_state
from ganzoo.gan.gan import GAN
from ganzoo.training.checkpoint import refuse_other_shapes


def discriminators(gan: GAN) -> dict[str, nn.Module]:
    """The networks of every player but the generator's, by name."""
    return {name: getattr(gan, name) for player, names in gan.players.items() if player != "g" for name in names}


def export_discriminators(folder: Path, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The discriminators of the published step, as ``network.path``, reparametrisations such as ``sn`` baked in.

    Args:
        folder: of a run, with its ``training/``.
        config: its checked ``config.json``.

    Raises:
        RunError: no state of that step is kept.
        ModelError: the state does not hold together.
    """
    step = config["step"]
    state = {**checkpoints(folder), **bests(folder)}.get(step)
    if state is None:
        raise RunError(
            f"{folder} keeps no training state of step {step}, so there is no discriminator to publish:"
            " push from the folder that it was trained in, or leave out --with-discriminator"
        )
    path = state / STATE_TENSORS
    found, names = read_shapes(path), discriminators(build_from(config, folder, "meta"))
    expected = {f"gan/{name}.{key}": t for name, net in names.items() for key, t in net.state_dict().items()}
    refuse_other_shapes(expected, {key: t for key, t in found.items() if key in expected}, path)
    saved, networks = read_tensors(path, found), discriminators(build_from(config, folder, "cpu"))
    exported: dict[str, Tensor] = {}
    for name, network in networks.items():
        prefix = f"gan/{name}."
        own = {key.removeprefix(prefix): tensor for key, tensor in saved.items() if key.startswith(prefix)}
        network.load_state_dict(own)
        exported |= {f"{name}.{key}": tensor.clone() for key, tensor in plain_state(network).items()}
    return exported
