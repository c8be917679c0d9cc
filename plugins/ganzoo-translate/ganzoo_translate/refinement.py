"""What refining is worth: a classifier learns from refined sources with their labels, and is tested on real images.

Simulated training (Shrivastava et al. 2017, arXiv:1612.07828, section 3.1.1) is judged by that, beside the same for
unrefined sources. Two failures look well in a grid: a refiner that changes nothing, and one that makes other digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, DataError, UsageError
from ganzoo.data import ImageData, signed, to_uint8
from ganzoo.metrics import Experiment, Instrument, Value, version_digest
from ganzoo.parts import NOISE, SOURCE

METRIC, NETWORK, VERSION = "refined-accuracy", "small-cnn", 1
LABELS = "source_label"
EPOCHS, BATCH, RATE = 5, 64, 1e-3
MOST_REAL = 10_000  # real images that are classified
MOST_HELD_OUT = 1000  # sources that no classifier learns from
MOVED = 0.01  # mean change of a pixel in [0, 1]: less is an identity map
KEPT = 0.5  # share of labels that a refiner has to keep
MARGIN = 0.05  # that a share may lie below another


@dataclass(frozen=True)
class Refinement:
    """What was measured.

    Attributes:
        refined: accuracy on real images of a classifier that learnt from refined sources.
        unrefined: of one that learnt from the sources as they are.
        moved: mean ``|G(x) - x|`` over pixels in [0, 1], on sources that no classifier saw.
        kept: share of these whose label the second classifier sees in the refined image too.
        sources, real: how many images were learnt from and classified.
    """

    refined: float
    unrefined: float
    moved: float
    kept: float
    sources: int
    real: int

    @property
    def gain(self) -> float:
        """What refining adds to the accuracy."""
        return self.refined - self.unrefined

    @property
    def alarms(self) -> list[str]:
        """What a good accuracy would hide: nothing is refined, or labels do not fit any more.

        A refiner that keeps its labels makes images on which the second classifier is right at least as often as on
        real ones.
        """
        said = []
        if self.moved < MOVED:
            said.append(f"identity map: refining changes a pixel by {self.moved:.4f} on average, less than {MOVED:g}")
        least = max(KEPT, self.unrefined - MARGIN)
        if self.kept < least:
            said.append(f"labels drift: {self.kept:.1%} of the refined images show their label, less than {least:.1%}")
        return said


def measure(gan: GAN, data: ImageData, n: int = 5000, seed: int = 0, batch: int = 64) -> Refinement:
    """Train both classifiers and test them; the same arguments give the same numbers.

    Args:
        gan: refines source images.
        data: sources with labels, and labelled real images.
        n: sources to learn from, at most; a sixth of all at least is kept for the alarms.
        seed: of classifiers and noise.
        batch: images refined at once.

    Raises:
        UsageError: the model takes no source images.
        DataError: sources or images have no labels, or other ones.
    """
    check(gan, data)
    sources = data.unpaired[SOURCE]
    labels, real_labels = data.unpaired[LABELS], data.labels
    assert isinstance(labels, Tensor) and real_labels is not None and not isinstance(sources, Tensor)
    total = sources.shape[0]
    held_out = max(1, min(MOST_HELD_OUT, total // 6))
    n = min(n, total - held_out)
    rows = torch.arange(n + held_out)
    plain, wanted = sources.fetch(rows), labels[rows]
    refined = _refined(gan, plain, wanted, seed, batch)
    classes = len(data.class_names)
    naive = learnt(plain[:n], wanted[:n], classes, seed)
    better = learnt(refined[:n], wanted[:n], classes, seed)
    chosen = torch.arange(min(data.count, MOST_REAL))
    real = data.images.fetch(chosen)
    return Refinement(
        refined=accuracy(better, real, real_labels[chosen]),
        unrefined=accuracy(naive, real, real_labels[chosen]),
        moved=(refined[n:].float() - plain[n:].float()).abs().mean().item() / 255,
        kept=accuracy(naive, refined[n:], wanted[n:]),
        sources=n,
        real=len(chosen),
    )


def check(gan: GAN, data: ImageData) -> None:
    """Refuse a model and data that this cannot be measured of; see :func:`measure`."""
    if gan.input_names - {NOISE} != {SOURCE}:
        raise UsageError("this model does not refine source images, so there is no refined-accuracy of it")
    if not {SOURCE, LABELS} <= data.unpaired.keys():
        raise DataError(f"{data.name} has no sources with labels of their own; rendered-digits:SOURCE has")
    if data.labels is None:
        raise DataError(f"the real images of {data.name} have no labels to test on; give a SOURCE that has")
    highest = int(torch.as_tensor(data.unpaired[LABELS]).max())
    if highest >= len(data.class_names):
        raise DataError(f"{data.name} has {len(data.class_names)} classes of real images and {highest + 1} of sources")


@torch.no_grad()
def _refined(gan: GAN, images: Tensor, labels: Tensor, seed: int, batch: int) -> Tensor:
    """Source images, uint8, as the generator refines them."""
    parts = []
    for start in range(0, len(images), batch):
        some = images[start : start + batch]
        numbers = labels[start : start + batch] if gan.classes else None
        inputs = gan.inputs(len(some), seed, numbers, start=start, columns={SOURCE: signed(some)})
        parts.append(to_uint8(gan.generate(**inputs, batch=batch), low=0))
    return torch.cat(parts)


# --- the classifier -----------------------------------------------------------------------------------------


def network(channels: int, classes: int) -> nn.Module:
    """Three convolutions of 3 x 3, each halved by a maximum, and a linear layer on a map of 3 x 3."""
    layers: list[nn.Module] = []
    for before, after in ((channels, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Dropout(0.25), nn.Linear(9 * 64, classes))


def learnt(images: Tensor, labels: Tensor, classes: int, seed: int) -> nn.Module:
    """A classifier that learnt from images, uint8 ``(N, C, R, R)``; global random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network(images.shape[1], classes)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(images)).split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(model(signed(images[rows])), labels[rows]).backward()
                optimizer.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of the images whose class a classifier sees."""
    right = sum((model(signed(some)).argmax(1) == own).sum().item() for some, own in _blocks(images, labels))
    return right / len(images)


def _blocks(images: Tensor, labels: Tensor) -> zip[tuple[Tensor, Tensor]]:
    return zip(images.split(512), labels.split(512), strict=True)


# --- the metric ---------------------------------------------------------------------------------------------


class RefinedAccuracy(Experiment):
    """Accuracy on real images of a small classifier that learnt from refined sources, at most 1; 1 is best.

    ``details`` has the same for the sources as they are (``unrefined``), the difference (``gain``), how many real
    images were classified, the mean change of a pixel (``moved``), the share of refined images that still show their
    label (``labels_kept``), and ``alarms``, a list of texts. See :func:`measure`.

    As in ``ganzoo eval simgan-digits --data rendered-digits:mnist --metrics refined-accuracy``.
    """

    higher_is_better = True

    def instrument(self, resolution: int) -> Instrument:
        """The classifier."""
        return Instrument(NETWORK, resolution, version_digest(NETWORK, VERSION))

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model that refines no sources, and data without labels; see :func:`check`."""
        check(gan, data)

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The accuracy; ``n`` are the sources to learn from."""
        found = measure(gan, data, n, seed, batch)
        details = {
            "unrefined": found.unrefined,
            "gain": found.gain,
            "real": found.real,
            "moved": found.moved,
            "labels_kept": found.kept,
            "alarms": found.alarms,
        }
        return {METRIC: Value(found.refined, samples=found.sources, details=details)}
