"""How far images are from a photo: in pixels, and in what a network sees of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo import UsageError
from ganzoo.metrics import FeatureNetwork, open_network

CORNER = 1e-3  # where L1 is rounded off, of a range of 1: L-BFGS needs a gradient at 0
PIXELS = ("l2", "l1")
MAPS = 3  # of a feature network that are compared
COARSEST = 4  # pixels: smaller maps have lost where things are


class Nearness:
    """The distance of images from one photo, ``(n,)``, differentiable.

    The pixel term is a mean over pixels: of squared differences (``l2``) or of absolute ones (``l1``). The feature
    term of iGAN (arXiv 1609.03552, which takes conv4 of AlexNet) compares here several maps of any convolutional
    network, each place's vector at unit length.

    Args:
        photo: ``(C, H, W)`` in [0, 1].
        pixels: ``l2`` or ``l1``.
        features: a feature network that ``ganzoo eval`` takes, such as ``tf_efficientnet_lite0.in1k``, or None.
        weight: of the feature term.

    Raises:
        UsageError: for an unknown pixel term, or a network without convolutions.
        GanzooError: the network's weights are not here and cannot be fetched.
    """

    def __init__(self, photo: Tensor, pixels: str = "l2", features: str | None = None, weight: float = 0.05) -> None:
        if pixels not in PIXELS:
            raise UsageError(f"there is no pixel term {pixels!r}: it is l2 or l1")
        self.photo, self.pixels, self.weight = photo[None], pixels, weight
        self.maps = FeatureMaps(open_network(features, photo.shape[-1], device=photo.device)) if features else None
        with torch.no_grad():
            self.seen = self.maps(self.photo) if self.maps else []

    def __call__(self, images: Tensor) -> Tensor:
        """Distances ``(n,)`` of images ``(n, C, H, W)`` in [0, 1]."""
        squares = (images - self.photo).square()
        if self.pixels == "l1":
            squares = (squares + CORNER**2).sqrt() - CORNER
        distance = squares.flatten(1).mean(1)
        if self.maps is None:
            return distance
        pairs = zip(self.maps(images), self.seen, strict=True)
        apart = [(ours - theirs).square().sum(1).flatten(1).mean(1) for ours, theirs in pairs]
        return distance + self.weight * torch.stack(apart).mean(0)


class FeatureMaps:
    """What the last convolution before each halving of a network sees, from 4x4 places up; the coarsest few.

    Args:
        network: with its weights.

    Raises:
        UsageError: it has no such convolution.
    """

    def __init__(self, network: FeatureNetwork) -> None:
        self.pixels, self.module = network.pixels, network.module
        with torch.no_grad():
            blank = torch.zeros(1, 3, self.pixels, self.pixels, device=network.device)
            self.sides = sorted(side for side in self._all(blank) if side >= COARSEST)[:MAPS]
        if not self.sides:
            raise UsageError(f"--features {network.name} has no maps of convolutions: take tf_efficientnet_lite0.in1k")

    def _all(self, images: Tensor) -> dict[int, Tensor]:
        """The last map of each size, by its side."""
        caught: dict[int, Tensor] = {}

        def catch(layer: nn.Module, given: Any, made: Tensor) -> None:
            if made.dim() == 4:
                caught[made.shape[-1]] = made

        layers = [layer for layer in self.module.modules() if isinstance(layer, nn.Conv2d)]
        hooks = [layer.register_forward_hook(catch) for layer in layers]
        try:
            self.module(images)
        finally:
            for hook in hooks:
                hook.remove()
        return caught

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Maps of vectors of unit length, of images ``(n, C, H, W)`` in [0, 1]."""
        x = images.expand(-1, 3, -1, -1) * 255
        x = functional.interpolate(x, size=(self.pixels, self.pixels), mode="bilinear", antialias=True)
        caught = self._all(x)
        return [functional.normalize(caught[side].float(), dim=1) for side in self.sides]


def mean_difference(a: Tensor, b: Tensor) -> float:
    """Mean absolute difference of two images in [0, 1]."""
    return float((a - b).abs().mean())


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio, in dB, of two images in [0, 1]; infinite for equal ones."""
    error = float((a - b).square().mean())
    return -10 * math.log10(error) if error > 0 else math.inf
