"""Whether captions steer the class: a small classifier learns the real classes and then names those of samples.

The same idea as GAN-test of "How good is my GAN?" (Shmelkov et al. 2018, arXiv 1807.09499), for captions.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, UsageError
from ganzoo.data import ImageData, derive, signed, to_uint8
from ganzoo.metrics import Experiment, Instrument, Value, version_digest

NETWORK, METRIC, VERSION = "small-cnn", "caption-accuracy", 1
LARGEST = 32  # pixels that the classifier looks at; larger images are brought to that
STEPS, BATCH, RATE = 800, 64, 4e-3
HELD_OUT = 1000  # real images, at most, that say how good the classifier is; never more than a fifth
_SPLIT, _WEIGHTS, _FLIPS = 0, 1, 2  # what a derived seed is for


class Classifier(nn.Sequential):
    """Three convolutions with batch norm, each halving the map, the mean over pixels, a linear map."""

    def __init__(self, channels: int, classes: int) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((channels, 32, 2), (32, 64, 2), (64, 128, 2)):
            conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


class CaptionAccuracy(Experiment):
    """The share of images whose class, as a classifier of real ones sees it, is that of their caption; 1 is best.

    The floor is the same share of real images that the classifier has not seen. The same arguments give the same
    number, on the same machine with as many threads.

    As in ``ganzoo eval stackgan-cifar10 --data captions:cifar10 --metrics caption-accuracy``.

    Args:
        steps: of the classifier's training.
    """

    higher_is_better = True

    def __init__(self, *, steps: int = STEPS) -> None:
        if steps < 1:
            raise UsageError(f"steps={steps} does not work: it is 1 or more")
        self.steps = steps

    def instrument(self, resolution: int) -> Instrument:
        """The classifier, which is another one for other data; records tell the data apart."""
        resize = "area" if resolution > LARGEST else "none"
        return Instrument(NETWORK, min(resolution, LARGEST), version_digest(METRIC, VERSION), resize=resize)

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse what cannot be measured.

        Raises:
            UsageError: the model draws no texts, or the data lacks captions or labels.
        """
        if "text" not in gan.input_names:
            raise UsageError(f"this model takes no text: {METRIC} measures models that draw captions")
        if "text" not in data.paired or data.labels is None:
            raise UsageError(f"{data.name} has no captions with labels: captions:SOURCE makes them of class names")

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The share; ``details`` has it by class, and what chance would get.

        Args:
            gan: draws captions.
            data: real images with labels and captions, of the GAN's size.
            n: images to draw, one for each of ``n`` captions at even distances in the data.
            seed: of the classifier and of the noise.
            batch: images drawn at once.
        """
        order = torch.randperm(data.count, generator=_generator(seed, _SPLIT))
        held_out, train = order.tensor_split([min(HELD_OUT, -(-data.count // 5))])
        classifier = learn(data, train, seed, self.steps)
        rows = torch.arange(n) * data.count // n if n <= data.count else torch.arange(n) % data.count
        right = torch.cat(list(_right(classifier, gan, data, rows, seed, batch)))
        details = {"chance": 1 / len(data.class_names), "classes": _by_class(data, rows, right)}
        real = share_right(classifier, data, held_out)
        return {METRIC: Value(float(right.float().mean()), floor=real, details=details)}


def _generator(*numbers: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*numbers))


def seen(images: Tensor) -> Tensor:
    """Bytes ``(B, C, H, W)`` as the classifier looks at them: in [-1, 1], 32 pixels at most."""
    shown = signed(images)
    return F.interpolate(shown, size=LARGEST, mode="area") if shown.shape[2] > LARGEST else shown


def learn(data: ImageData, rows: Tensor, seed: int, steps: int) -> Classifier:
    """A classifier of the images ``rows`` of the data; Adam with one cycle of the learning rate."""
    assert data.labels is not None
    torch.manual_seed(derive(seed, _WEIGHTS))
    net = Classifier(data.channels, len(data.class_names))
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
    for _ in range(steps):
        chosen = rows[torch.randint(len(rows), (BATCH,))]
        x = seen(data.images.fetch(chosen))
        mirrored = torch.rand(BATCH) < (0.5 if data.flip else 0.0)
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
        F.cross_entropy(net(x), data.labels[chosen]).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return net.eval()


@torch.no_grad()
def share_right(net: Classifier, data: ImageData, rows: Tensor) -> float:
    """The share of real images whose class the classifier names."""
    assert data.labels is not None
    right = [net(seen(data.images.fetch(some))).argmax(1) == data.labels[some] for some in rows.split(256)]
    return float(torch.cat(right).float().mean())


@torch.no_grad()
def _right(net: Classifier, gan: GAN, data: ImageData, rows: Tensor, seed: int, batch: int) -> Iterator[Tensor]:
    """For each row, whether the class of what its caption draws is its own."""
    assert data.labels is not None
    start = 0
    for some in rows.split(256):
        columns, labels = data.columns({"text"}, some), data.labels[some]
        inputs = gan.inputs(len(some), seed, labels if gan.classes else None, start=start, columns=columns)
        yield net(seen(to_uint8(gan.generate(**inputs, batch=batch), low=0))).argmax(1) == labels
        start += len(some)


def _by_class(data: ImageData, rows: Tensor, right: Tensor) -> dict[str, float]:
    """The share of each class that was drawn."""
    assert data.labels is not None
    labels = data.labels[rows]
    found = {name: right[labels == number].float().mean() for number, name in enumerate(data.class_names)}
    return {name[:100]: round(float(share), 4) for name, share in found.items() if share.isfinite()}
