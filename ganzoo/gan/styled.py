"""What can be done with the w of a generator that has one, and with the noise inputs of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, either, whole
from ganzoo.gan.draw import in_pieces
from ganzoo.gan.style import has_w
from ganzoo.registry.loading import registry
from ganzoo.seeding import derive


class Styled:
    """The w of a GAN, where its generator has one: ``mapping(z, y)`` gives it, ``synthesis(w)`` makes images of it."""

    get_submodule: Any

    @property
    def has_w(self) -> bool:
        """Whether the generator maps noise to w."""
        return has_w(self.get_submodule("G"))

    @torch.no_grad()
    def styles(self, z: Tensor, y: Tensor, batch: int = 64) -> Tensor:
        """The w ``(n, layers, w_dim)``, float32 on the CPU, truncated as :meth:`noise` was told when ``z`` was drawn.

        Args:
            z: noise ``(n, z_dim)``.
            y: label vectors ``(n, y_dim)``.
            batch: how many go through the network at once.

        Raises:
            UsageError: the generator has no w.
        """
        whole("batch", batch, 1)
        generator = self.get_submodule("G")
        self.refuse_without_w()
        return torch.cat(in_pieces(generator, generator.styles, (z, y), batch))

    @torch.no_grad()
    def synthesize(self, w: Tensor, batch: int = 64) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1] on the CPU, of ``w`` ``(n, layers, w_dim)``.

        Raises:
            UsageError: the generator has no w.
        """
        whole("batch", batch, 1)
        generator = self.get_submodule("G")
        self.refuse_without_w()
        return (torch.cat(in_pieces(generator, generator.synthesis, (w,), batch)) + 1).mul_(0.5).clamp_(0, 1)

    def refuse_without_w(self) -> None:
        """Refuse a generator that has no w.

        Raises:
            UsageError: naming architectures that have one.
        """
        if not self.has_w:
            known = sorted(entry.name for entry in registry().entries("architecture") if "w" in entry.provides)
            raise UsageError(f"this model has no w, as its generator draws from its noise at once; {either(known)} has")


def noise_inputs(network: nn.Module) -> list[Any]:
    """The modules of a network whose noise can be drawn again: they have ``redraw(rng)``."""
    return [module for module in network.modules() if callable(getattr(module, "redraw", None))]


@contextmanager
@torch.no_grad()
def layer_noise(network: nn.Module, seed: int | None) -> Iterator[None]:
    """Let the noise inputs of a generator have other constants inside the ``with`` block; None leaves them.

    Raises:
        UsageError: it has no noise inputs.
    """
    if seed is None:
        yield
        return
    inputs = noise_inputs(network)
    if not inputs:
        raise UsageError("this model has no noise inputs in its layers: leave out the seed of their noise")
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    rng = torch.Generator()
    for number, module in enumerate(inputs):
        module.redraw(rng.manual_seed(derive("layer noise", whole("layer_noise", seed), number)))
    try:
        yield
    finally:
        for name, buffer in network.named_buffers():
            buffer.copy_(before[name])
