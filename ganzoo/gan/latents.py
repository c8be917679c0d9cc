"""Latents that were found, such as those of a projected picture: z or w, labels, and the noise of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, counted
from ganzoo.gan.arguments import check_noise, take_truncation
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.steering import Move
from ganzoo.gan.styled import noise_inputs

CONSTANT = "constant"  # the buffer of a noise input that all images have in evaluation


@dataclass(frozen=True)
class Latents:
    """What images are made of, but for the generator.

    Attributes:
        space: ``"z"`` or ``"w"``.
        values: noise ``(n, z_dim)``, or w ``(n, layers, w_dim)``, float.
        labels: class numbers ``(n,)``, int64, or label vectors ``(n, classes)``; None for none.
        noise: the pictures of the noise inputs ``(H, W)``, by the name of the module in G; empty for those of the
            model.
        model: sha256 of the weights that they were found in; empty where nobody said.
    """

    space: str
    values: Tensor
    labels: Tensor | None = None
    noise: Mapping[str, Tensor] = field(default_factory=dict)
    model: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def y(self, gan: Any) -> Tensor:
        """Their label vectors ``(n, classes)``; the labels that the model gives by itself where there are none."""
        n = len(self)
        return gan.label_vectors(gan.default_labels(n) if self.labels is None else self.labels, n)

    def in_w(self, gan: Any) -> Tensor:
        """Their w ``(n, layers, w_dim)``, without truncation.

        Raises:
            UsageError: the model has no w.
        """
        take_truncation(gan.G, gan.input_names, None)
        return self.values if self.space == "w" else gan.styles(self.values, self.y(gan))

    def draw(self, gan: Any, move: Move | None = None, batch: int = 64) -> Tensor:
        """Their images ``(n, C, H, W)`` in [0, 1] on the CPU.

        Args:
            gan: the model.
            move: along directions; None for none.
            batch: how many go through the generator at once.

        Raises:
            UsageError: they are of another model, or are w and the move is one of z.
        """
        refuse_other_latents(gan, self)
        if self.space == "w" and move is not None and move.space == "z":
            raise UsageError("these latents are w, and the directions are of z: find some of w, which --space w does")
        take_truncation(gan.G, gan.input_names, None)
        with noise_maps(gan.G, self.noise):
            if self.space == "w":
                images: Tensor = gan.synthesize(self.values if move is None else move(self.values), batch)
                return images
            return gan.generate_moved(move, self.values, self.y(gan), batch)


def refuse_other_latents(gan: Any, found: Latents) -> None:
    """Refuse latents that this model does not take.

    Raises:
        UsageError: the model takes no noise alone, has no w, or its latents, labels or noise inputs have other shapes.
    """
    if gan.input_names != {NOISE}:
        raise UsageError("latents are of models that draw from noise, and this one draws from other things")
    n = len(found)
    if found.space == "w":
        gan.refuse_without_w()
        noise = gan.G.prior(1, torch.Generator())
        shape = tuple(gan.styles(noise, torch.zeros(1, gan.classes)).shape[1:])
        if tuple(found.values.shape[1:]) != shape:
            raise UsageError(
                f"these latents are of another model: they have {tuple(found.values.shape[1:])} numbers of w an image"
                f" where this one has {shape}"
            )
    else:
        check_noise(found.values, n, gan.noise_shape)
    _refuse_other_labels(gan, found.labels, n)
    maps = {name: tuple(module.constant.shape) for name, module in noise_modules(gan.G).items()}
    for name, picture in found.noise.items():
        if maps.get(name) != tuple(picture.shape):
            raise UsageError(
                f"these latents have noise {tuple(picture.shape)} for {name}, and this model has"
                f" {maps.get(name, 'no such layer')}: they are of another model"
            )


def _refuse_other_labels(gan: Any, labels: Tensor | None, n: int) -> None:
    if labels is None:
        return
    if not gan.classes:
        raise UsageError("these latents have labels, and this model is unconditional")
    if labels.is_floating_point():
        if labels.shape != (n, gan.classes):
            shape = tuple(labels.shape)
            raise UsageError(f"these latents have label vectors {shape}, and this model takes {(n, gan.classes)}")
    elif not bool(((labels >= 0) & (labels < gan.classes)).all()):
        number = int(labels.max() if labels.max() >= gan.classes else labels.min())
        raise UsageError(f"these latents are of class {number}, and this model has {gan.classes} classes")


def noise_modules(network: nn.Module) -> dict[str, Any]:
    """The noise inputs of a generator that have a picture of their own, by name."""
    known = {id(module) for module in noise_inputs(network)}
    return {
        name: module
        for name, module in network.named_modules()
        if id(module) in known and isinstance(module._buffers.get(CONSTANT), Tensor)
    }


@contextmanager
def noise_maps(network: nn.Module, pictures: Mapping[str, Tensor]) -> Iterator[None]:
    """Let noise inputs of a generator have these pictures inside the ``with`` block; the others keep theirs.

    Gradients reach the pictures. A name or a shape that the generator does not have is the caller's mistake.
    """
    modules = noise_modules(network)
    before = {name: modules[name].constant for name in pictures}
    try:
        for name, picture in pictures.items():
            modules[name].constant = picture.to(before[name])
        yield
    finally:
        for name, picture in before.items():
            modules[name].constant = picture


def one_by_one(found: Latents) -> list[Latents]:
    """Latents of each image alone."""
    rows = range(len(found))
    labels = [None if found.labels is None else found.labels[i : i + 1] for i in rows]
    return [Latents(found.space, found.values[i : i + 1], labels[i], found.noise, found.model) for i in rows]


def of_file(found: Latents, n: int | None, given: Mapping[str, object]) -> Latents:
    """The first ``n`` latents of a file, all for None.

    Args:
        found: all of them.
        n: how many are asked for.
        given: what else was, by name; None for what was not.

    Raises:
        UsageError: there are not ``n``, or something was given that the file says itself.
    """
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} is said by the latents that were given: leave one of the two out")
    if n is None:
        return found
    if n > len(found):
        raise UsageError(f"{counted(n, 'image')} of {counted(len(found), 'latent')}: ask for fewer")
    labels = None if found.labels is None else found.labels[:n]
    return Latents(found.space, found.values[:n], labels, found.noise, found.model)
