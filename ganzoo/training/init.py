"""First weights from another folder, to fine-tune a model that is already there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError, ModelError, RunError, UsageError
from ganzoo.files.untrusted import quoted, read_shapes, read_tensors
from ganzoo.folder.building import build_from
from ganzoo.folder.config import resolution_of
from ganzoo.folder.discriminator import discriminators
from ganzoo.folder.layout import DISCRIMINATOR, STATE_TENSORS, checkpoints
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.weights import generator_side, plain_state
from ganzoo.gan.freezing import feature_blocks
from ganzoo.gan.gan import GAN
from ganzoo.plan.settings import FREEZE
from ganzoo.registry.sizes import pixels_text
from ganzoo.training.transfer import (
    Match,
    layer_of,
    match,
    plain_tensors,
    raw_tensors,
    refuse_strangers,
    set_plain,
    shapes_of,
)


def networks_of(gan: GAN) -> dict[str, nn.Module]:
    """The networks of all players, by name."""
    return {name: gan.get_submodule(name) for names in gan.players.values() for name in names}


def _of_networks(tensors: Mapping[str, Tensor], names: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Out of a checkpoint, the tensors of the networks of these names; averaged ones where there are such."""
    found = {name[4:]: t for group in ("gan/", "ema/") for name, t in tensors.items() if name.startswith(group)}
    return {name: tensor for name, tensor in found.items() if name.partition(".")[0] in names}


def _find(source: str | Path) -> ModelFolder:
    """The folder that ``--init`` names: one that is there, else a model of the Hub, with what is published to train on.

    Raises:
        GanzooError: there is neither.
    """
    from ganzoo.hub.locate import on_command_line

    return on_command_line(str(source), also=(DISCRIMINATOR,)).folder


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


@dataclass
class Given:
    """What a model has for the networks of a recipe.

    Attributes:
        networks: those of the recipe that it has something for.
        raw: their tensors as a checkpoint has them, ``meta`` ones until they are read; empty without a checkpoint.
        plain: with plain weights.
        file: the checkpoint.
        model: the GAN that it is a checkpoint of, on ``meta``.
    """

    networks: dict[str, nn.Module]
    raw: dict[str, Tensor] = field(default_factory=dict)
    plain: dict[str, Tensor] = field(default_factory=dict)
    file: Path | None = None
    model: GAN | None = None

    def read(self) -> None:
        """Read the checkpoint; it was compared by its header before.

        Raises:
            ModelError: it cannot be read.
        """
        if self.file is None or self.model is None:
            return
        self.raw = _of_networks(read_tensors(self.file, read_shapes(self.file)), self.networks)
        for name in self.networks.keys() & networks_of(self.model).keys():
            network = self.model.get_submodule(name)
            own = {key.removeprefix(f"{name}."): t for key, t in self.raw.items() if key.startswith(f"{name}.")}
            network.load_state_dict(own, assign=True)
            self.plain |= {f"{name}.{key}": tensor for key, tensor in plain_state(network).items()}


def _of_run(gan: GAN, model: ModelFolder) -> Iterator[Given]:
    """The networks as trained, by each checkpoint whose header can be read, the last one first."""
    networks = networks_of(gan)
    for path in reversed(checkpoints(model.path).values()):
        file = path / STATE_TENSORS
        try:
            raw = _of_networks(read_shapes(file), networks)
        except ModelError:
            continue
        try:
            built, plain = (build_from(model.config, model.path, "meta", plain=plain) for plain in (False, True))
        except ModelError:  # such as of a package that is not installed: then only what is the same here is known
            yield Given(networks, raw, file=file)
            continue
        there = {name: network for name, network in networks_of(built).items() if name in networks}
        if shapes_of(raw) != shapes_of(raw_tensors(there)):  # so for runs that an earlier release began
            yield Given(networks, raw, file=file)
            continue
        yield Given(networks, raw, plain_tensors({name: networks_of(plain)[name] for name in there}), file, built)


def _published(gan: GAN, model: ModelFolder) -> Given:
    """What is published of a model: the averaged generator side, and discriminators where it brings them."""
    published = model.load()
    there = dict(published.named_children())
    networks = {name: network for name, network in generator_side(gan).items() if name in there}
    plain = plain_tensors({name: published.get_submodule(name) for name in networks})
    path = model.path / DISCRIMINATOR
    if os.path.lexists(path):
        shapes, others = read_shapes(path), discriminators(gan)
        for name in shapes:
            if name.partition(".")[0] not in others:
                raise ModelError(f"{path} holds {quoted(name)}, of no network that this recipe trains; use its recipe")
        networks |= others
        plain |= read_tensors(path, shapes)
    return Given(networks, plain=plain)


def _labels_note(gan: GAN, model: ModelFolder, who: str) -> list[str]:
    """What labels mean to what came over, where only one of the two knows them."""
    if bool(model.config["classes"]) == bool(gan.classes):
        return []
    if gan.classes:
        return [f"{who} was trained without labels: the layers that see them start afresh"]
    return [f"{who} was trained with labels, which this recipe does not use: what it learned of them stays behind"]


def _refuse_fresh_blocks(gan: GAN, fresh: list[str], who: str) -> None:
    """Blocks that ``freeze.d`` keeps must have come from somewhere.

    Raises:
        UsageError: naming a layer that did not, and how many blocks did.
    """
    names = {module: name for name, module in gan.named_modules()}
    for critic in gan.critics:
        blocks = feature_blocks(gan.get_submodule(critic))[: int(gan.plan[FREEZE])]
        for number, block in enumerate(blocks):
            new = [layer for layer in fresh for part in block if _within(layer, names[part]) or layer == critic]
            if new:
                works = f"give {FREEZE}={number}" if number else f"leave out {FREEZE}"
                raise UsageError(
                    f"{FREEZE}={gan.plan[FREEZE]} keeps blocks of {critic} as --init brings them, and {new[0]} does not"
                    f" come from {who}: {works}"
                )


def _within(name: str, module: str) -> bool:
    """Whether a module of this name is ``module`` or lies in it."""
    return f"{name}.".startswith(f"{module}.")


@torch.no_grad()
def copy_weights(gan: GAN, model: ModelFolder, source: str | Path) -> list[str]:
    """Start ``gan`` from a model: from all networks of a run, or from what is published of a model.

    Layers come over that agree by name and shape, as :mod:`ganzoo.training.transfer` has it: all of them where recipe
    and sizes are the same. The generator side is the averaged one. Optimisers start afresh.

    Args:
        gan: whose weights are replaced.
        model: where they come from.
        source: what the person calls it.

    Returns:
        What a person should know.

    Raises:
        ModelError: no layer agrees, or the tensors cannot be used by this recipe.
        UsageError: blocks of D that stay as they come do not come.
    """
    for given in chain(_of_run(gan, model), map(_published, [gan], [model])):
        found = match(given.networks, given.raw, given.plain)
        refuse_strangers(found, given.networks, given.plain or given.raw, str(source))
        without = sorted(discriminators(gan).keys() - given.networks.keys())
        _refuse_fresh_blocks(gan, [*found.fresh, *without], str(source))
        try:
            given.read()
        except ModelError:  # torn: there may be one before it
            continue
        _copy(given, found)
        break
    notes = found.notes(f"{source} ({pixels_text(resolution_of(model.config))})")
    if without:
        notes.append(f"{source} holds no discriminator: it starts afresh")
    return [*notes, *_labels_note(gan, model, str(source))]


def _copy(given: Given, found: Match) -> None:
    """Give the networks the layers that were found."""
    for name, network in given.networks.items():
        own = {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}
        taken = {key: t for key, t in given.raw.items() if key in own and layer_of(key) in found.raw}
        network.load_state_dict({key.removeprefix(f"{name}."): t for key, t in {**own, **taken}.items()})
    set_plain(given.networks, {key: t for key, t in given.plain.items() if layer_of(key) in found.plain})
