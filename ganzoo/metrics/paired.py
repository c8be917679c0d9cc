"""Metrics of pairs: how near each generated image is to the real image that belongs to it.

They need data with pairs and a model that makes image k from source k. Images are compared at their own size.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.metrics.instruments import Comparison, Measure, of_pixels
from ganzoo.metrics.metric import Metric, Value
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.similarity import WINDOW, similarities

MOST_DB = 100.0  # of equal images, whose ratio is infinite
LPIPS_SMALLEST = 16  # pixels: VGG16 halves its images four times


class Paired(Metric):
    """The mean over pairs of a number that each pair has; ``details`` has its spread over the images."""

    name: ClassVar[str]

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """The mean over pairs, with ``image_std`` in its details."""
        return {self.name: Value(fake.pairs.mean, details={"image_std": fake.pairs.std})}

    @abstractmethod
    def own_network(self, resolution: int, device: torch.device) -> Comparison:
        """The comparison of this metric, at ``resolution``; UsageError for images that are too small."""


class Pixels(Paired):
    """A formula over pixels, which needs no network."""

    smallest: ClassVar[int] = 1

    @staticmethod
    @abstractmethod
    def measure(images: Tensor, targets: Tensor) -> Tensor:
        """The formula; see :data:`ganzoo.metrics.instruments.Measure`."""

    def own_network(self, resolution: int, device: torch.device) -> Comparison:
        """The formula as a comparison; no network is opened."""
        _check_size(self.name, resolution, self.smallest)
        measure: Measure = self.measure
        return of_pixels(measure, resolution, device)


def _check_size(name: str, resolution: int, smallest: int) -> None:
    if resolution < smallest:
        raise UsageError(f"{name} needs images of {smallest} pixels at least, and these have {resolution}")


class L1(Pixels):
    """Mean absolute difference of the pixels of each generated image and its own real one, in [0, 1]; 0 is best.

    ``mean |a - b| / 255``.

    Needs data with pairs. Pixel values are scaled to [0, 1]; a difference in [-1, 1] is twice as large.

    As in ``ganzoo eval pix2pix-cifar10-color --data pairs:gray:cifar10 --metrics l1``.
    """

    name = "l1"

    @staticmethod
    def measure(images: Tensor, targets: Tensor) -> Tensor:
        """``mean |a - b| / 255``."""
        return (images - targets).abs().flatten(1).double().mean(1) / 255


class PSNR(Pixels):
    """Peak signal-to-noise ratio of each generated image and its own real one, in decibels; higher is better.

    Needs data with pairs. ``10 log10(255² / MSE)`` over the pixels and channels of an image, then the mean over
    images; equal images count as 100 dB.

    As in ``ganzoo eval pix2pix-cifar10-color --data pairs:gray:cifar10 --metrics psnr``.
    """

    name = "psnr"
    higher_is_better = True

    @staticmethod
    def measure(images: Tensor, targets: Tensor) -> Tensor:
        """``10 log10(255² / mean (a - b)²)``."""
        mse = (images - targets).flatten(1).double().square().mean(1)
        return (10 * (255**2 / mse).log10()).clamp(max=MOST_DB)


class SSIM(Pixels):
    """Structural similarity of each generated image and its own real one, at most 1; higher is better.

    ``(2μ_a μ_b + C₁)(2σ_ab + C₂) / ((μ_a² + μ_b² + C₁)(σ_a² + σ_b² + C₂))`` in each window, ``C = (255 K)²``.

    Needs data with pairs. Wang et al. 2004 (doi:10.1109/TIP.2003.819861): a Gaussian window of 11 pixels and
    σ = 1.5, K1 = 0.01, K2 = 0.03, only where the window fits; the mean over pixels, channels and images.

    As in ``ganzoo eval pix2pix-cifar10-color --data pairs:gray:cifar10 --metrics ssim``.
    """

    name = "ssim"
    higher_is_better = True
    smallest = WINDOW

    @staticmethod
    def measure(images: Tensor, targets: Tensor) -> Tensor:
        """The mean of the map of local similarities."""
        luminance, structure = similarities(images, targets)
        return (luminance * structure).flatten(1).mean(1)


class LPIPS(Paired):
    """Perceptual distance of each generated image and its own real one, by the features of VGG16; 0 is best.

    ``Σ_l mean_hw ‖w_l·(a_l - b_l)‖²``, of activations a_l and b_l at five depths l, scaled to length 1 at each place.

    Needs data with pairs. Zhang et al. 2018 (arXiv:1801.03924), version 0.1 of its linear layers; grey images are
    shown as three equal planes, and nothing is resized.

    As in ``ganzoo eval pix2pix-cifar10-color --data pairs:gray:cifar10 --metrics lpips``.
    """

    name = "lpips"

    def own_network(self, resolution: int, device: torch.device) -> Comparison:
        """VGG16 with the linear layers of LPIPS; see :func:`ganzoo.metrics.lpips.open_lpips` for its weights."""
        from ganzoo.metrics.lpips import open_lpips

        _check_size(self.name, resolution, LPIPS_SMALLEST)
        return open_lpips(resolution, device)
