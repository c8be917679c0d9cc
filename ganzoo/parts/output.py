"""What a discriminator says of a batch of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Output:
    """What a discriminator says of a batch.

    Attributes:
        scores: ``(B,)``, or ``(B, P)`` for patches and several heads; higher is more real.
        features: what the head saw, ``(B, F)`` or ``(B, F, H, W)``.
        extras: further outputs of the head by name, such as ``class_logits`` ``(B, classes)``.
    """

    scores: Tensor
    features: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)
