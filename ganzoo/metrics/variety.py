"""Metrics of what a model draws, by formulas over pixels: MS-SSIM of pairs of samples, sliced Wasserstein distance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.images import visible
from ganzoo.metrics.instruments import PIXELS, Instrument, version_digest
from ganzoo.metrics.metric import Experiment, Value, at_least
from ganzoo.metrics.similarity import multi_scale
from ganzoo.metrics.subjects import Generated
from ganzoo.seeding import derive

SMALLEST = 16  # pixels: of MS-SSIM, which halves an image four times, and of a level of a pyramid
PATCH = 7  # pixels
MOST_PATCHES = 1 << 18  # of a level, that are held in memory
DIRECTIONS = 512  # that patches are projected on
AT_ONCE = 32  # of them
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)


class OfPixels(Experiment):
    """A formula over what a model draws and over real images, of 16 pixels at least."""

    name: str

    def instrument(self, resolution: int) -> Instrument:
        """A formula over pixels."""
        return Instrument(PIXELS, resolution, version_digest(self.name, 1))

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse images that are too small, and data that lack what the model makes images from.

        Raises:
            UsageError: saying which.
        """
        if min(gan.image[1:]) < SMALLEST:
            raise UsageError(
                f"{self.name} needs images of {SMALLEST} pixels at least, and these have {min(gan.image[1:])}"
            )
        missing = sorted(gan.input_names - {NOISE} - data.paired.keys())
        if missing:
            raise UsageError(
                f"this model makes images from {', '.join(missing)}, and {data.name} has none for each image"
            )

    @torch.no_grad()
    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> Mapping[str, Value]:
        """The numbers by name."""
        fakes = Generated.of(gan, data)
        n = self.count(fakes.count(n), data)
        drawn = torch.cat([visible(images) for images, _ in fakes.batches(n, seed, batch)])
        rng = torch.Generator().manual_seed(derive(self.name, seed))
        order = torch.randperm(data.count, generator=rng)
        real = [visible(data.images.fetch(rows)) for rows in order[: 2 * n].split(n)]
        return self.measured(drawn[torch.randperm(n, generator=rng)], real, batch)

    @abstractmethod
    def count(self, n: int, data: ImageData) -> int:
        """How many images are drawn where there may be ``n``."""

    @abstractmethod
    def measured(self, drawn: Tensor, real: list[Tensor], batch: int) -> dict[str, Value]:
        """The numbers of images, bytes ``(n, C, H, W)`` in random order.

        Args:
            drawn: by the model.
            real: as many, or all where there are fewer; and others, up to as many.
            batch: images computed at once.
        """


class PairSimilarity(OfPixels):
    """Multi-scale structural similarity of pairs of a model's images: lower is more varied; real pairs get the floor.

    ``Π_s cs_s^w_s · l_S^w_S``, of contrast and structure cs at each of S scales and luminance l at the last.

    Conditional Image Synthesis with Auxiliary Classifier GANs (Odena et al. 2017, arXiv:1610.09585), over random pairs
    of all images as in arXiv:1710.10196. A model much above the floor draws alike images; below it says nothing good,
    as noise is varied too. Images below 176 pixels have smaller windows at their last scales.

    Args:
        pairs: how many at most, of as many images as are drawn.
    """

    name = "ms-ssim"

    def __init__(self, *, pairs: int = 5_000) -> None:
        self.pairs = at_least("ms-ssim:pairs", pairs, 1)

    def count(self, n: int, data: ImageData) -> int:
        """Two for each pair, and no more than there are real ones."""
        return max(2, min(n, 2 * self.pairs, data.count) // 2 * 2)

    def measured(self, drawn: Tensor, real: list[Tensor], batch: int) -> dict[str, Value]:
        """The mean over pairs of images, each of which is in one pair."""
        found, floor = pair_similarities(drawn, batch), pair_similarities(real[0], batch)
        details = {"pairs": len(found), "pair_std": float(found.std(correction=0))}
        return {self.name: Value(float(found.mean()), samples=len(drawn), floor=float(floor.mean()), details=details)}


def pair_similarities(images: Tensor, batch: int = 64) -> Tensor:
    """MS-SSIM of images 0 and 1, 2 and 3 and so on, ``(n // 2,)``, of bytes ``(n, C, H, W)``."""
    even, odd = images[0 : len(images) // 2 * 2 : 2], images[1::2]
    pieces = zip(even.split(batch), odd.split(batch), strict=True)
    return torch.cat([multi_scale(a.float(), b.float()) for a, b in pieces])


class SlicedWasserstein(OfPixels):
    """Sliced Wasserstein distance of patches at each level of Laplacian pyramids, times 1000; 0 is best.

    ``mean_θ mean_i |sort(θ·p)_i - sort(θ·q)_i|``, of real patches p and generated patches q, over directions θ.

    Progressive Growing of GANs (Karras et al. 2018, arXiv:1710.10196), section 5: patches of 7x7 pixels, 128 an image,
    each channel brought to mean 0 and variance 1 over all patches, projected on 512 directions. ``swd-N`` is of the
    level of N pixels: the largest of fine detail, the smallest, 16 to 31 pixels, of the image as a whole; ``swd`` is
    their mean. At most 262,144 patches a level, and as many real images as drawn ones; the paper has 16,384 images.

    Args:
        patches: of an image at each level.
    """

    name = "swd"

    def __init__(self, *, patches: int = 128) -> None:
        self.patches = at_least("swd:patches", patches, 1)

    def count(self, n: int, data: ImageData) -> int:
        """No more than there are real images."""
        return min(n, data.count)

    def measured(self, drawn: Tensor, real: list[Tensor], batch: int) -> dict[str, Value]:
        """The distance at each level, and their mean; the floor is that of as many other real images."""
        found = self.distances(drawn, real[0], batch)
        whole = len(real) > 1 and len(real[1]) == len(drawn)
        floors = self.distances(real[1], real[0], batch) if whole else {}
        each = {
            f"{self.name}-{side}": Value(value, samples=len(drawn), floor=floors.get(side))
            for side, value in found.items()
        }
        floor = sum(floors.values()) / len(floors) if floors else None
        return {self.name: Value(sum(found.values()) / len(found), samples=len(drawn), floor=floor), **each}

    def distances(self, images: Tensor, others: Tensor, batch: int) -> dict[int, float]:
        """The distance at each level, by its smaller side."""
        sides = [self._patches(bytes_, batch) for bytes_ in (images, others)]
        return {side: 1000 * sliced(sides[0][side], sides[1][side]) for side in sides[0]}

    def _patches(self, images: Tensor, batch: int) -> dict[int, Tensor]:
        """Patches ``(m, C, 49)`` of each level, by its smaller side."""
        each = max(1, min(self.patches, MOST_PATCHES // len(images)))
        found: dict[int, list[Tensor]] = {}
        rng: dict[int, torch.Generator] = {}
        for piece in images.split(batch):
            for level in pyramid(piece.float()):
                side = min(level.shape[2:])
                draw = rng.setdefault(side, torch.Generator().manual_seed(derive("patches", side)))
                found.setdefault(side, []).append(patches(level, each, draw))
        return {side: torch.cat(rows) for side, rows in found.items()}


def pyramid(images: Tensor) -> list[Tensor]:
    """The Laplacian pyramid of ``(B, C, H, W)``, the finest level first, the last the image as it has become.

    Each level but the last is what is lost when the map is halved and doubled again, by a binomial filter of five
    (Burt and Adelson 1983); the last has a smaller side of less than 32 pixels.
    """
    levels = []
    while min(images.shape[2:]) >= 2 * SMALLEST:
        small = _smoothed(images)[:, :, ::2, ::2]
        levels.append(images - _doubled(small, images.shape[2:]))
        images = small
    return [*levels, images]


def _smoothed(x: Tensor, gain: float = 1.0) -> Tensor:
    weights = torch.tensor(BINOMIAL, device=x.device)
    weights = weights / weights.sum() * gain**0.5
    planes = F.pad(x.flatten(0, 1)[:, None], (2, 2, 2, 2), mode="reflect")
    planes = F.conv2d(F.conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return planes.view(*x.shape[:2], *planes.shape[2:])


def _doubled(small: Tensor, size: torch.Size) -> Tensor:
    spread = small.new_zeros(*small.shape[:2], *size)
    spread[:, :, ::2, ::2] = small
    return _smoothed(spread, gain=4.0)


def patches(level: Tensor, each: int, rng: torch.Generator) -> Tensor:
    """``each`` patches of every image of ``(B, C, H, W)``, anywhere in it: ``(B * each, C, 49)``."""
    count, _, height, width = level.shape
    corner = torch.rand(count, each, 2, generator=rng)
    near = torch.arange(PATCH)
    rows = (corner[..., 0] * (height - PATCH + 1)).long()[..., None] + near
    columns = (corner[..., 1] * (width - PATCH + 1)).long()[..., None] + near
    image = torch.arange(count)[:, None, None, None]
    found = level[image, :, rows[..., :, None], columns[..., None, :]]  # (B, each, 7, 7, C)
    return found.flatten(2, 3).transpose(2, 3).flatten(0, 1)


def sliced(a: Tensor, b: Tensor) -> float:
    """The sliced Wasserstein distance of patches ``(m, C, 49)`` and as many others, each channel brought to one scale.

    The mean over random directions of the mean distance of the sorted projections.
    """
    rng = torch.Generator().manual_seed(derive("slices"))
    count = min(len(a), len(b))
    first, second = (_standardised(one[:count]).flatten(1) for one in (a, b))
    total = 0.0
    for _ in range(DIRECTIONS // AT_ONCE):
        to = F.normalize(torch.randn(first.shape[1], AT_ONCE, generator=rng), dim=0)
        apart = (first @ to).sort(dim=0).values - (second @ to).sort(dim=0).values
        total += float(apart.abs().double().mean())
    return total * AT_ONCE / DIRECTIONS


def _standardised(patches: Tensor) -> Tensor:
    centred = patches - patches.mean((0, 2), keepdim=True)
    return centred / centred.square().mean((0, 2), keepdim=True).sqrt().clamp(min=1e-8)
