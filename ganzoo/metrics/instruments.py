"""Instruments: what some metrics measure with in place of a feature extractor, such as a formula over pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

Measure = Callable[[Tensor, Tensor], Tensor]
"""From generated and real images, float ``(B, C, H, W)`` in [0, 255], to a number for each pair, ``(B,)``."""

Targets = Callable[[], Tensor]
"""The real images that belong to the generated ones at hand, uint8 ``(B, C, H, W)``; fetched when called."""

PIXELS = "pixels"  # what keys call a comparison that looks through no network


@dataclass(frozen=True)
class Instrument:
    """What a metric measures with, in place of a feature network.

    Attributes:
        name: as keys have it.
        pixels: side of the images that it sees.
        sha256: of its weights; of its name and version where it has none.
        pretrained: whether it was fitted to anything.
        resize: how images come to its size.
        standard: its numbers have one name only.
        classifies: it gives no logits.
    """

    name: str
    pixels: int
    sha256: str
    _: KW_ONLY
    pretrained: bool = True
    resize: str = "none"
    standard: bool = True
    classifies: bool = False

    def record(self) -> dict[str, Any]:
        """Name, input size, ``pretrained`` and sha256, as a score's record has them."""
        return {"name": self.name, "input": self.pixels, "pretrained": self.pretrained, "sha256": self.sha256}

    @property
    def unusual_pixels(self) -> int | None:
        """None: every size is its own."""
        return None


@dataclass(frozen=True)
class Comparison(Instrument):
    """The instrument of a metric of pairs: images are compared at their own size.

    Attributes:
        measure: the comparison.
        device: where it is computed.
    """

    measure: Measure
    device: torch.device

    @torch.no_grad()
    def see(self, images: Tensor, resize: str, targets: Targets) -> tuple[Tensor, None]:
        """A column of numbers ``(B, 1)``, float32 on the CPU, of uint8 images beside their targets."""
        with torch.autocast(self.device.type, enabled=False):
            found = self.measure(images.to(self.device).float(), targets().to(self.device).float())
        return found.float().cpu()[:, None], None


def version_digest(name: str, version: int) -> str:
    """What a record has in place of the sha256 of weights, for an instrument that has none of its own.

    Args:
        name: of the instrument.
        version: raised when it gives other numbers.
    """
    return sha256(f"{name} {version}".encode()).hexdigest()


def of_pixels(measure: Measure, resolution: int, device: torch.device, version: int = 1) -> Comparison:
    """A comparison by a formula, without any network.

    Args:
        measure: the formula.
        resolution: of the images.
        device: where it is computed.
        version: raised when the formula gives other numbers.
    """
    return Comparison(PIXELS, resolution, version_digest(PIXELS, version), measure=measure, device=device)
