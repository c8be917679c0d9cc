"""A picture to start from that can be moved: waves of random frequencies, in place of a learnt constant."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.layers.equalized import EqualizedLinear


class Motion(EqualizedLinear):
    """Where a style puts its picture: ``(B, w_dim)`` to ``(B, 4)``, a direction (cos, sin) and a shift in sides.

    At the start every style leaves the picture where it is.

    Args:
        w_dim: length of the style.
    """

    ganzoo_weight = "own"  # what starts at zero has no norm to divide by

    def __init__(self, w_dim: int) -> None:
        super().__init__(w_dim, 4)
        nn.init.zeros_(self.weight)
        with torch.no_grad():
            self.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))


class FourierInput(nn.Module):
    """Waves over a canvas, turned and shifted by a style, then mixed by a learnt matrix.

    Alias-Free Generative Adversarial Networks (Karras et al. 2021, arXiv 2106.12423), section 3.1 and appendix F. The
    frequencies fill the disc up to the cutoff evenly, and are never learnt. Channel c at a place u is
    ``sin(2π (f_c · R_w (u - t_w) + φ_c))``: a style gives (cos, sin) and a shift, all divided by the length of the
    first two, and the picture is turned by the one and then moved by the other.

    Args:
        channels: of the maps.
        w_dim: length of the style.
        size: height and width of the canvas in pixels.
        rate: pixels a side of the image; the canvas may be wider.
        cutoff: highest frequency, in cycles a side.

    Attributes:
        transform: where a place of the canvas, in sides from its middle (x, y, 1), is looked up: the identity
            ``(3, 3)``, or one for each image ``(B, 3, 3)``; see :func:`moved`.
    """

    ganzoo_init = "own"
    transform: Tensor
    frequencies: Tensor
    phases: Tensor

    def __init__(self, channels: int, w_dim: int, size: tuple[int, int], rate: int, cutoff: float) -> None:
        super().__init__()
        self.affine = Motion(w_dim)
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.register_buffer("frequencies", in_disc(cutoff, torch.rand(channels), torch.rand(channels)))
        self.register_buffer("phases", torch.rand(channels))
        self.register_buffer("transform", torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        self.size, self.rate = size, rate

    def forward(self, w: Tensor) -> Tensor:
        """Styles ``(B, w_dim)`` to maps ``(B, channels, *size)``, float32: waves would lose their place in bf16."""
        with torch.autocast(w.device.type, enabled=False):
            w = w.to(self.weight.dtype)
            motion = self.affine(w)
            motion = motion / motion[:, :2].norm(dim=1, keepdim=True)
            cos, sin = motion[:, :2].unbind(1)
            turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # of frequencies: f R_w
            frequencies = self.frequencies @ turn
            phases = self.phases - (frequencies @ motion[:, 2:, None])[:, :, 0]
            u = (self.grid() @ self.transform.transpose(-2, -1))[..., :2]
            waves = torch.sin(2 * math.pi * (u @ frequencies.transpose(-2, -1) + phases[:, None]))
            maps = waves @ (self.weight.t() / math.sqrt(len(self.weight)))
            return maps.transpose(1, 2).unflatten(2, self.size)

    def grid(self) -> Tensor:
        """The canvas's pixels in sides from its middle, ``(H · W, 3)`` as (x, y, 1), row by row."""
        height, width = self.size
        kept = self.transform
        y, x = (
            (torch.arange(n, device=kept.device, dtype=kept.dtype) + 0.5 - n / 2) / self.rate for n in (height, width)
        )
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        return torch.stack([columns, rows, torch.ones_like(rows)], 2).flatten(0, 1)


def in_disc(radius: float, out: Tensor, around: Tensor) -> Tensor:
    """Points ``(n, 2)`` that fill a disc evenly, of two draws ``(n,)`` from [0, 1) each."""
    if out.is_meta:  # where the arithmetic would import torch's compiler, which takes seconds
        return out.new_empty(len(out), 2)
    length, angle = radius * out.sqrt(), 2 * math.pi * around
    return torch.stack([length * angle.cos(), length * angle.sin()], 1)


@contextmanager
def moved(network: nn.Module, motion: Tensor) -> Iterator[None]:
    """Let the pictures of a network be moved inside the ``with`` block.

    Args:
        network: with one :class:`FourierInput` at least.
        motion: ``(3, 3)``, or one for each image ``(B, 3, 3)``: where what is at (x, y, 1), in sides of the image from
            its middle, shall be. It can be inverted.
    """
    inputs = [module for module in network.modules() if isinstance(module, FourierInput)]
    before = [module.transform for module in inputs]
    try:
        for module in inputs:
            module.transform = torch.linalg.inv(motion.double()).to(module.transform)
        yield
    finally:
        for module, transform in zip(inputs, before, strict=True):
            module.transform = transform
