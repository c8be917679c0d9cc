"""How the codes that regularizers draw behind the noise enter a generator (InfoGAN, arXiv 1606.03657)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.parts.regularizer import Entrance, Regularizer


class Behind(nn.Module):
    """Codes stay behind the noise: the first layer sees both."""

    def forward(self, noise: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, codes, and nothing for the context."""
        return noise, codes, codes[:, :0]


class Mixed(nn.Module):
    """Noise and codes are mixed by a linear map into what takes the noise's place.

    Args:
        noise: length of the noise.
        codes: how many there are.
    """

    def __init__(self, noise: int, codes: int) -> None:
        super().__init__()
        self.map = nn.Linear(noise + codes, noise)

    def forward(self, noise: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What takes the noise's place, no codes, and nothing for the context."""
        return self.map(torch.cat([noise, codes], 1)), codes[:, :0], codes[:, :0]


class Beside(nn.Module):
    """Codes leave the noise and join, by a linear map, the context that norms are called with.

    Args:
        codes: how many there are.
        width: of their part of the context.
    """

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(codes, width)

    def forward(self, noise: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The noise, no codes, and their part of the context."""
        return noise, codes[:, :0], self.map(codes)


class Codes(nn.Module):
    """The way of the noise and the codes behind it into a generator.

    Args:
        noise: length of the noise without codes.
        parts: whose codes follow it, in their order.

    Attributes:
        latent: length of what the first layer sees.
        context: length of what is added to the context.
    """

    def __init__(self, noise: int, parts: Sequence[Regularizer]) -> None:
        super().__init__()
        self.lengths = [noise, *(part.codes for part in parts)]
        ways = [part.entrance for part in parts]
        self.ways = nn.ModuleList(way(noise, part.codes, entry) for part, entry in zip(parts, ways, strict=True))
        self.latent = noise + sum(part.codes for part in parts if part.entrance.way == "behind")
        self.context = sum(entry.width for entry in ways if entry.way == "context")

    def forward(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """What the first layer sees ``(B, latent)``, and the context ``(B, c_dim)`` with codes added to it."""
        noise, *codes = z.split(self.lengths, dim=1)
        behind, context = [], [c]
        for way, own in zip(self.ways, codes, strict=True):
            noise, left, beside = way(noise, own)
            behind.append(left)
            context.append(beside)
        return torch.cat([noise, *behind], 1), torch.cat(context, 1)


class NoCodes:
    """The way of noise without codes: nothing is done to it. No module, as it is no layer of a network.

    Args:
        noise: length of the noise.
    """

    context = 0

    def __init__(self, noise: int) -> None:
        self.latent = noise

    def __call__(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The noise and the context as they are."""
        return z, c


def way(noise: int, codes: int, entrance: Entrance) -> nn.Module:
    """The module of one part's way."""
    if entrance.way == "concat":
        return Mixed(noise, codes)
    return Beside(codes, entrance.width) if entrance.way == "context" else Behind()


def codes_of(z_dim: int, parts: Sequence[Regularizer]) -> Codes | NoCodes:
    """The way of noise ``(B, z_dim)``, in which the codes of parts are counted."""
    coded = [part for part in parts if part.codes]
    return Codes(z_dim - sum(part.codes for part in coded), coded) if coded else NoCodes(z_dim)
