"""Equivariance: does a picture as a whole move when the input of its generator is moved?

Alias-Free Generative Adversarial Networks (Karras et al. 2021, arXiv 2106.12423), sections 2 and 3 and appendix E: the
peak signal-to-noise ratio in decibels, of images in [-1, 1], between what a generator makes of a moved input and its
own image moved; over the pixels that both have, and the mean square over all images before the logarithm.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError
from ganzoo.gan.draw import draw
from ganzoo.gan.gan import GAN
from ganzoo.layers import Band, FourierInput, low_pass, moved
from ganzoo.metrics.instruments import PIXELS, Instrument, version_digest
from ganzoo.metrics.metric import Experiment, Value
from ganzoo.seeding import derive

LOBES = 3  # of the windowed sinc that moves images by fractions of pixels
FARTHEST = 1 / 8  # of a side, that images are shifted by
TAPS = 7  # of the filter that takes the corners of the spectrum away
SMALLEST = 24  # pixels: a smaller image has no pixels left that a turned one has, too
MOST_DB = 150.0  # of equal images, whose ratio is infinite


class Equivariance(Experiment):
    """The protocol of both: images one batch after another, each moved in its own way."""

    higher_is_better = True

    def instrument(self, resolution: int) -> Instrument:
        """A formula over pixels."""
        return Instrument(PIXELS, resolution, version_digest("equivariance", 1))

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model whose input nothing can move.

        Raises:
            UsageError: its generator does not start from waves.
        """
        if not any(isinstance(module, FourierInput) for module in gan.get_submodule("G").modules()):
            raise UsageError(
                f"{gan.plan.head.name} has no input that can be moved: equivariance is measured of generators that"
                " start from waves, as stylegan3 does"
            )

    @torch.no_grad()
    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> Mapping[str, Value]:
        """Decibels by name; ``data`` is not looked at."""
        sums: dict[str, list[float]] = {}
        rng = torch.Generator().manual_seed(derive("equivariance", seed))
        height, width = gan.image[1:]
        motions = self.motions(n, (height, width), rng)
        for start in range(0, n, batch):
            count = min(batch, n - start)
            given = gan.inputs(count, seed, gan.default_labels(count, start), start=start)
            still = self.prepared(_images(gan, given, count))
            for name, every in motions.items():
                motion = every[start : start + count]
                with moved(gan.get_submodule("G"), motion):
                    made = self.prepared(_images(gan, given, count))
                wanted, inside = self.moved(still, motion)
                error = ((made - wanted).square().mean(1) * inside).sum().item()
                total = sums.setdefault(name, [0.0, 0.0])
                total[0], total[1] = total[0] + error, total[1] + inside.sum().item()
        return {name: Value(decibels(error / pixels), samples=n) for name, (error, pixels) in sums.items()}

    @abstractmethod
    def motions(self, n: int, size: tuple[int, int], rng: torch.Generator) -> dict[str, Tensor]:
        """Motions ``(n, 3, 3)`` as :func:`ganzoo.layers.moved` takes them, by the name of the number."""

    @abstractmethod
    def moved(self, images: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Images moved, and where pixels count, ``(n, H, W)``."""

    def prepared(self, images: Tensor) -> Tensor:
        """What is compared of images ``(n, C, H, W)``; they themselves by default."""
        return images


class TranslationEquivariance(Equivariance):
    """Peak signal-to-noise ratio of shifted inputs against shifted images, in decibels; higher is better (EQ-T).

    ``10 log10(I²/MSE)`` with I = 2, of images of shifted inputs against shifted images.

    Karras et al. 2021 (arXiv:2106.12423), appendix E: shifts of up to an eighth of the side along each axis, by whole
    pixels (``eq-t``) and by fractions (``eq-t-frac``, where images are shifted by a Lanczos filter of three lobes). For
    generators whose input can be moved. The paper draws 50,000 images.

    As in ``ganzoo eval runs/stylegan3 --data cifar10 --metrics eq-t``.
    """

    def motions(self, n: int, size: tuple[int, int], rng: torch.Generator) -> dict[str, Tensor]:
        """One shift for each image; for ``eq-t`` the nearest of whole pixels."""
        side = min(size)
        shift = (torch.rand(n, 2, generator=rng) * 2 - 1) * FARTHEST
        return {"eq-t": _rigid(shift=(shift * side).round() / side), "eq-t-frac": _rigid(shift=shift)}

    def moved(self, images: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Shifted images; the pixels whose every neighbour in the filter's reach was there."""
        places = _origins(images, motion)
        fraction = (places - places.round()).abs().amax() > 1e-3
        return lanczos(images, places), _within(places, images, LOBES if fraction else 0)


class RotationEquivariance(Equivariance):
    """Peak signal-to-noise ratio of turned inputs against turned images, in decibels; higher is better (EQ-R).

    ``10 log10(I²/MSE)`` with I = 2, of images of turned inputs against turned images.

    Karras et al. 2021 (arXiv:2106.12423), appendix E: any angle, about the middle. For generators whose input can be
    moved. A turned image has a turned square of frequencies; ours takes from both images, before they are compared, by
    one radial filter, the corners that only one can have, where the paper filters as it turns: its numbers and ours
    are no more than alike. The paper draws 50,000 images.

    As in ``ganzoo eval runs/stylegan3 --data cifar10 --metrics eq-r``.
    """

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model whose input nothing can move, and images that are too small to be turned."""
        super().check(gan, data)
        if min(gan.image[1:]) < SMALLEST:
            raise UsageError(f"eq-r needs images of {SMALLEST} pixels at least, and these have {min(gan.image[1:])}")

    def motions(self, n: int, size: tuple[int, int], rng: torch.Generator) -> dict[str, Tensor]:
        """One angle for each image."""
        return {"eq-r": _rigid(angle=2 * math.pi * torch.rand(n, generator=rng))}

    def prepared(self, images: Tensor) -> Tensor:
        """Images without the corners of their spectrum."""
        kernel = low_pass(Band(10, 4.0, 1.0), 10, TAPS, radial=True)
        taps = kernel.expand(images.shape[1], 1, -1, -1)
        return F.conv2d(F.pad(images, (TAPS // 2,) * 4, mode="replicate"), taps, groups=len(taps))

    def moved(self, images: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Turned images; the pixels of a disc that no filter reaches out of."""
        places = _origins(images, motion)
        at = _grid(images)
        radius = min(images.shape[2:]) / 2 - LOBES - TAPS // 2
        return lanczos(images, places), (at.norm(dim=2) < radius).expand(len(images), -1, -1)


def decibels(error: float) -> float:
    """``10 log10(2² / error)`` of a mean square error of images in [-1, 1]; 150 at most."""
    return MOST_DB if error <= 0 else min(MOST_DB, 10 * math.log10(4 / error))


def lanczos(images: Tensor, places: Tensor) -> Tensor:
    """Images ``(n, C, H, W)`` looked up at ``(n, H, W, 2)``, (x, y) in pixels from their middle.

    A sinc under a window of three lobes along each axis, scaled to a sum of 1; beyond the borders the last pixel holds.
    """
    n, _, height, width = images.shape
    first, weights = [], []
    for axis, size in ((0, width), (1, height)):
        at = places[..., axis].double() + (size - 1) / 2
        base = at.floor()
        near = torch.arange(1 - LOBES, LOBES + 1)
        away = at[..., None] - base[..., None] - near
        weight = torch.sinc(away) * torch.sinc(away / LOBES)
        weights.append((weight / weight.sum(-1, keepdim=True)).float())
        first.append((base[..., None].long() + near).clamp(0, size - 1))
    image = torch.arange(n)[:, None, None]
    made = torch.zeros_like(images)
    for i in range(2 * LOBES):
        for j in range(2 * LOBES):
            pixels = images[image, :, first[1][..., i], first[0][..., j]].movedim(3, 1)
            made += pixels * (weights[1][..., i] * weights[0][..., j])[:, None]
    return made


def _images(gan: GAN, given: dict[str, Tensor], batch: int) -> Tensor:
    """Images ``(n, C, H, W)`` as the generator makes them, beyond [-1, 1] too."""
    (made,) = draw(gan.get_submodule("G"), given["z"], given["y"], batch, {})
    return made


def _rigid(angle: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
    """Motions ``(n, 3, 3)`` by angles ``(n,)``, from x to y, or shifts ``(n, 2)`` in sides."""
    given = angle if angle is not None else shift
    assert given is not None
    made = torch.eye(3).repeat(len(given), 1, 1)
    if shift is not None:
        made[:, :2, 2] = shift
    if angle is not None:
        cos, sin = angle.cos(), angle.sin()
        made[:, :2, :2] = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return made


def _grid(images: Tensor) -> Tensor:
    """Where the pixels of ``(n, C, H, W)`` lie, ``(H, W, 2)``: (x, y) in pixels from the middle."""
    y, x = (torch.arange(size) - (size - 1) / 2 for size in images.shape[2:])
    return torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], 2)


def _origins(images: Tensor, motion: Tensor) -> Tensor:
    """Where what moves to each pixel comes from, ``(n, H, W, 2)``."""
    back, side = torch.linalg.inv(motion.double()), min(images.shape[2:])
    at = _grid(images).double()
    return torch.einsum("nij,hwj->nhwi", back[:, :2, :2], at) + side * back[:, None, None, :2, 2]


def _within(places: Tensor, images: Tensor, reach: int) -> Tensor:
    """Whether places lie ``reach`` pixels from every border at least, ``(n, H, W)``."""
    height, width = images.shape[2:]
    least = torch.tensor([(width - 1) / 2 - reach, (height - 1) / 2 - reach])
    return (places.abs() <= least + 1e-3).all(3)
