"""Comparing a generated image with the one real image that belongs to it: a number for each pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
class Comparison:
    """What a metric of pairs looks through, in place of a feature network.

    Attributes:
        name: as keys have it.
        pixels: side of the images.
        pretrained: whether it was fitted to anything.
        sha256: of its weights; of its name and version where it has none.
        measure: the comparison.
        device: where it is computed.
        resize: images are compared at their own size.
        standard: its numbers have one name only.
        classifies: it gives no logits.
    """

    name: str
    pixels: int
    pretrained: bool
    sha256: str
    measure: Measure
    device: torch.device
    resize: str = "none"
    standard: bool = True
    classifies: bool = False

    @torch.no_grad()
    def see(self, images: Tensor, resize: str, targets: Targets) -> tuple[Tensor, None]:
        """A column of numbers ``(B, 1)``, float32 on the CPU, of uint8 images beside their targets."""
        with torch.autocast(self.device.type, enabled=False):
            found = self.measure(images.to(self.device).float(), targets().to(self.device).float())
        return found.float().cpu()[:, None], None

    def record(self) -> dict[str, Any]:
        """What a score says of it."""
        return {"name": self.name, "input": self.pixels, "pretrained": self.pretrained, "sha256": self.sha256}

    @property
    def unusual_pixels(self) -> int | None:
        """None: every size is its own."""
        return None


def of_pixels(measure: Measure, resolution: int, device: torch.device, version: int = 1) -> Comparison:
    """A comparison by a formula, without any network.

    Args:
        measure: the formula.
        resolution: of the images.
        device: where it is computed.
        version: raised when the formula gives other numbers.
    """
    digest = sha256(f"{PIXELS} {version}".encode()).hexdigest()
    return Comparison(PIXELS, resolution, pretrained=True, sha256=digest, measure=measure, device=device)
