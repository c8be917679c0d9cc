"""How good is my GAN? (Shmelkov et al. 2018, arXiv 1807.09499): a classifier between real and generated images.

GAN-test: a classifier that learnt real images reads generated ones; its accuracy on the labels that were asked for says
whether images show their class. GAN-train: one that learns generated images reads real ones (the classification
accuracy score, Ravuri & Vinyals 2019, arXiv 1905.10887); its accuracy says also whether they are as diverse.

How ours differs: the classifier is a small one of 32 pixels at most, which a CPU trains in a minute; it learns the data
that are evaluated with but for one image in ten (5,000 at most), on which its own accuracy, the floor, is measured.
Models without labels have no accuracy; for them GAN-test counts classes alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.metrics.classifier import (
    Classifier,
    class_labels,
    instrument,
    learnt,
    pictures,
    reader,
    seen,
    share_right,
    split,
)
from ganzoo.metrics.instruments import Instrument
from ganzoo.metrics.metric import Experiment, Value, at_least
from ganzoo.metrics.subjects import Generated

TEST, COVERED, TRAIN = "gan-test", "classes-covered", "gan-train"
STEPS = 1500
LEAST_IMAGES = 20  # of the data: one in ten is held out


class ByClassifier(Experiment):
    """What both have in common: the classifier, and what they can be measured of."""

    name: str
    higher_is_better = True

    def instrument(self, resolution: int) -> Instrument:
        """The classifier."""
        return instrument(resolution)

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse what cannot be measured.

        Raises:
            UsageError: the data have no classes or too few images, or lack what the model makes images from.
        """
        if data.labels is None or data.label_kind != "class" or len(data.class_names) < 2:
            raise UsageError(f"{self.name} needs images of several classes, and {data.name} has no class labels")
        if data.count < LEAST_IMAGES:
            raise UsageError(f"{self.name} needs {LEAST_IMAGES} real images at least, and {data.name} has {data.count}")
        missing = sorted(gan.input_names - {NOISE} - data.paired.keys())
        if missing:
            raise UsageError(
                f"this model makes images from {', '.join(missing)}, and {data.name} has none for each image"
            )


def drawn(gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> tuple[Tensor, Tensor | None]:
    """Generated images as the classifier looks at them, and the class numbers asked for, ``(n,)``; None without."""
    fakes = Generated.of(gan, data)
    pairs = [(seen(images), labels) for images, labels in fakes.batches(fakes.count(n), seed, batch)]
    known = [labels for _, labels in pairs if labels is not None]
    asked = torch.cat(known) if known and fakes.label_kind == "class" else None
    return torch.cat([images for images, _ in pairs]), asked


class GANTest(ByClassifier):
    """The share of generated images whose class, as a classifier of real ones sees it, is the one asked for; 1 is best.

    ``mean [C(G(z, y)) = y]``, with a classifier C that learnt real images.

    Its floor is the same share of real images that the classifier has not seen. ``classes-covered`` counts the classes
    that at least ``share`` of the images are of; it is the only number of a model without labels. ``details`` has the
    share of each class as read. The same arguments give the same numbers, on the same machine with as many threads.

    As in ``ganzoo eval sngan-cond-mnist --data mnist --metrics gan-test``.

    Args:
        steps: of the classifier's training, at most; few images are gone through 40 times.
        share: of the images, from which on a class counts as covered.
    """

    name = TEST

    def __init__(self, *, steps: int = STEPS, share: float = 0.01) -> None:
        self.steps = at_least("gan-test:steps", steps, 1)
        if not 0 < share <= 1:
            raise UsageError(f"gan-test:share={share:g} does not work: it is above 0 and at most 1")
        self.share = share

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value]:
        """Accuracy and classes covered.

        Args:
            gan: draws the images.
            data: real images with class labels, of the GAN's size.
            n: images to draw.
            seed: of the noise.
            batch: images drawn at once.
        """
        judge = reader(data, self.steps)
        images, asked = drawn(gan, data, n, seed, batch)
        read, count = judge.network.read(images), len(data.class_names)
        shares = torch.bincount(read, minlength=count) / len(read)
        about = {"real": judge.tested, "real_accuracy": judge.accuracy, "classifier": judge.digest}
        covered = Value(
            int((shares >= self.share).sum()),
            samples=len(read),
            floor=float(count),
            details={**about, "of": count, "share": self.share, "shares": _named(data, shares)},
        )
        return {**self._accuracy(data, read, asked, judge.accuracy, about), COVERED: covered}

    def _accuracy(
        self, data: ImageData, read: Tensor, asked: Tensor | None, floor: float, about: dict[str, Any]
    ) -> dict[str, Value]:
        """The share of images that were read as asked for; nothing where no class was."""
        if asked is None:
            return {}
        right = (read == asked).float()
        each = {number: float(right[asked == number].mean()) for number in asked.unique().tolist()}
        classes = {data.class_names[number]: share for number, share in each.items()}
        details = {**about, "chance": 1 / len(data.class_names), "classes": classes}
        return {TEST: Value(float(right.mean()), samples=len(read), floor=floor, details=details)}


def _named(data: ImageData, shares: Tensor) -> dict[str, float]:
    return dict(zip(data.class_names, shares.tolist(), strict=True))


class GANTrain(ByClassifier):
    """Accuracy on real images of a classifier that learnt generated ones with the labels asked for; 1 is best.

    ``mean [C(x) = y]`` over real images x of class y, with a classifier C that learnt generated ones.

    Its floor is that of a classifier that learnt real images. The same arguments give the same number, on the same
    machine with as many threads.

    As in ``ganzoo eval sngan-cond-mnist --data mnist --metrics gan-train``.

    Args:
        steps: of the classifiers' training, at most; few images are gone through 40 times.
    """

    name = TRAIN

    def __init__(self, *, steps: int = STEPS) -> None:
        self.steps = at_least("gan-train:steps", steps, 1)

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse what cannot be measured.

        Raises:
            UsageError: as of GAN-test, and a model without classes.
        """
        super().check(gan, data)
        fakes = Generated.of(gan, data)
        if not fakes.labelled or fakes.label_kind != "class":
            raise UsageError("gan-train needs a model that is asked for classes, and this one is not: try gan-test")

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The accuracy.

        Args:
            gan: draws the images.
            data: real images with class labels, of the GAN's size.
            n: images to learn from.
            seed: of the noise, and of the classifier that learns from them.
            batch: images drawn at once.
        """
        images, asked = drawn(gan, data, n, seed, batch)
        assert asked is not None
        learner: Classifier = learnt(images, asked, len(data.class_names), self.steps, seed)
        _, test = split(data)
        found = share_right(learner, pictures(data, test), class_labels(data)[test])
        floor = reader(data, self.steps).accuracy
        return {TRAIN: Value(found, samples=len(images), floor=floor, details={"real": len(test)})}
