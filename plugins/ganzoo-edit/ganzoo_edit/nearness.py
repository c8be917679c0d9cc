"""How far images are from a photo: in pixels, and in what a network sees of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo import UsageError
from ganzoo.metrics import FeatureNetwork, lpips_is_here, open_lpips, open_network

CORNER = 1e-3  # where L1 is rounded off, of a range of 1: L-BFGS needs a gradient at 0
PIXELS = ("l2", "l1")
LPIPS, PERCEPTUAL, NETWORK = "lpips", "perceptual", "tf_efficientnet_lite0.in1k"
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
        features: a feature network that ``ganzoo eval`` takes, such as ``tf_efficientnet_lite0.in1k``; ``lpips``, whose
            distance is then the feature term (arXiv 1801.03924); ``perceptual`` for LPIPS where its weights are on this
            machine, else for that network; or None.
        weight: of the feature term.

    Raises:
        UsageError: for an unknown pixel term, or a network without convolutions.
        GanzooError: the network's weights are not here and cannot be fetched.
    """

    def __init__(self, photo: Tensor, pixels: str = "l2", features: str | None = None, weight: float = 0.05) -> None:
        if pixels not in PIXELS:
            raise UsageError(f"there is no pixel term {pixels!r}: it is l2 or l1")
        self.photo, self.pixels, self.weight = photo[None], pixels, weight
        self.apart = _feature_term(features, photo) if features else None

    def __call__(self, images: Tensor) -> Tensor:
        """Distances ``(n,)`` of images ``(n, C, H, W)`` in [0, 1]."""
        images = self.cut(images)
        squares = (images - self.photo).square()
        if self.pixels == "l1":
            squares = (squares + CORNER**2).sqrt() - CORNER
        distance = squares.flatten(1).mean(1)
        return distance if self.apart is None else distance + self.weight * self.apart(images.clamp(0, 1))

    def cut(self, images: Tensor) -> Tensor:
        """Images as a picture shows them where the photo is black or white: what is beyond that cannot be seen there.

        Generators without a bound, as StyleGAN2's, draw colours beyond 0 and 1, at which their pictures are cut:
        without this such a picture would be far from its own image. Elsewhere they stay, for the way back.
        """
        images = torch.where(self.photo <= 0, images.clamp_min(0), images)
        return torch.where(self.photo >= 1, images.clamp_max(1), images)


def _feature_term(features: str, photo: Tensor) -> Callable[[Tensor], Tensor]:
    """The distances ``(n,)`` of images ``(n, C, H, W)`` in [0, 1] from a photo, in what a network sees."""
    if features == PERCEPTUAL:
        features = LPIPS if lpips_is_here() else NETWORK
    if features == LPIPS:
        measure: Any = open_lpips(photo.shape[-1], photo.device).measure
        original = 255 * coloured(photo[None])
        return lambda images: measure(255 * coloured(images), original.expand(len(images), -1, -1, -1))
    return FeatureDistance(FeatureMaps(open_network(features, photo.shape[-1], device=photo.device)), photo)


class FeatureDistance:
    """The distance of images from a photo in maps of a network, each place's vector at unit length.

    Args:
        maps: of the network.
        photo: ``(C, H, W)`` in [0, 1].
    """

    def __init__(self, maps: FeatureMaps, photo: Tensor) -> None:
        self.maps = maps
        with torch.no_grad():
            self.seen = maps(photo[None])

    def __call__(self, images: Tensor) -> Tensor:
        """Distances ``(n,)`` of images ``(n, C, H, W)`` in [0, 1]."""
        pairs = zip(self.maps(images), self.seen, strict=True)
        return torch.stack([(a - b).square().sum(1).flatten(1).mean(1) for a, b in pairs]).mean(0)


def coloured(images: Tensor) -> Tensor:
    """Images ``(n, C, H, W)`` as RGB: grey three times, and the colours without what is transparent."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]


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
        x = coloured(images) * 255
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
