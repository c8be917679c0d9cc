"""A small classifier of a data set's classes, by which metrics read generated images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.data import ImageData, signed, to_uint8
from ganzoo.metrics.cache import keep_weights, kept_weights
from ganzoo.metrics.instruments import Instrument, version_digest
from ganzoo.metrics.weights import content_digest
from ganzoo.seeding import derive

NETWORK, VERSION = "small-cnn", 1
LARGEST = 32  # pixels that it looks at; larger images are brought to that
BATCH, RATE = 128, 4e-3
MOST_TRAIN, MOST_TEST, SHARE = 30_000, 5_000, 10  # real images to learn from, at most; to test on; one in ten of all
EPOCHS = 40  # passes over the images, at most
BLOCK = 512  # images looked at together
_ORDER, _WEIGHTS, _ROWS = 0, 1, 2  # what a derived seed is for


class Classifier(nn.Sequential):
    """Three convolutions with batch norm, each halving the map, the mean over pixels, a linear map."""

    def __init__(self, channels: int, classes: int) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in ((channels, 32), (32, 64), (64, 128)):
            conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Class numbers ``(N,)`` of images as :func:`seen` gives them."""
        return torch.cat([self(signed(some)).argmax(1) for some in images.split(BLOCK)])


def instrument(resolution: int) -> Instrument:
    """The classifier as score records name it; the data that it learnt from is in the record, too.

    Args:
        resolution: of the images, in pixels.
    """
    resize = "area" if resolution > LARGEST else "none"
    return Instrument(
        NETWORK, min(resolution, LARGEST), version_digest(f"classifier-{NETWORK}", VERSION), resize=resize
    )


def seen(images: Tensor) -> Tensor:
    """Images uint8 or uint16 ``(B, C, H, W)`` as the classifier looks at them: uint8, 32 pixels at most."""
    height, width = images.shape[2:]
    longer = max(height, width)
    shown = signed(images)
    if longer > LARGEST:
        size = tuple(max(1, round(side * LARGEST / longer)) for side in (height, width))
        shown = F.interpolate(shown, size=size, mode="area")
    return to_uint8(shown, low=-1)


def pictures(data: ImageData, rows: Tensor) -> Tensor:
    """Real images of a data set by number, as the classifier looks at them."""
    return torch.cat([seen(data.images.fetch(some)) for some in rows.split(BLOCK)])


def split(data: ImageData) -> tuple[Tensor, Tensor]:
    """Numbers of the images that a classifier of the data learns from, and of those that it is tested on; the same
    every time."""
    order = torch.randperm(data.count, generator=torch.Generator().manual_seed(derive(_ORDER)))
    test, train = order.tensor_split([min(MOST_TEST, -(-data.count // SHARE))])
    return train[:MOST_TRAIN], test


def learnt(images: Tensor, labels: Tensor, classes: int, steps: int, seed: int = 0) -> Classifier:
    """A classifier of images, by Adam with one cycle of the learning rate; global random numbers stay as they were.

    Args:
        images: as :func:`seen` gives them.
        labels: class numbers ``(N,)``.
        classes: how many there are.
        steps: of training; few images are gone through 40 times, and that is it.
        seed: of first weights and batches.
    """
    rng = torch.Generator().manual_seed(derive(_ROWS, seed))
    steps = min(steps, -(-EPOCHS * len(images) // BATCH))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(derive(_WEIGHTS, seed))
        net = Classifier(images.shape[1], classes)
        optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
        for _ in range(steps):
            rows = torch.randint(len(images), (BATCH,), generator=rng)
            F.cross_entropy(net(signed(images[rows])), labels[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return net.eval()


@dataclass(frozen=True)
class Reader:
    """A classifier that learnt a data set's real images, and how good it is.

    Attributes:
        network: the classifier.
        accuracy: share of real images that it did not learn from whose class it names.
        tested: how many of them there are.
    """

    network: Classifier
    accuracy: float
    tested: int

    @property
    def digest(self) -> str:
        """sha256 of its weights."""
        return content_digest(self.network.state_dict())


def share_right(network: Classifier, images: Tensor, labels: Tensor) -> float:
    """The share of images, as :func:`seen` gives them, whose class a classifier names."""
    return float((network.read(images) == labels).float().mean())


def reader(data: ImageData, steps: int) -> Reader:
    """The classifier of a data set; its weights are kept on disk, so that it learns once and not once a score.

    Args:
        data: images with class labels.
        steps: of its training.
    """
    train, test = split(data)
    labels, classes = class_labels(data), len(data.class_names)
    key = (VERSION, data.fingerprint, data.numbering, data.size, data.channels, classes, steps)
    state = kept_weights(NETWORK, *key)
    network = _built(state, data.channels, classes)
    if network is None:
        network = learnt(pictures(data, train), labels[train], classes, steps)
        keep_weights(network.state_dict(), NETWORK, *key)
    return Reader(network, share_right(network, pictures(data, test), labels[test]), len(test))


def _built(state: Mapping[str, Tensor] | None, channels: int, classes: int) -> Classifier | None:
    """A kept classifier; None where none was kept."""
    if state is None:
        return None
    network = Classifier(channels, classes)
    network.load_state_dict(state)
    return network.eval()


def class_labels(data: ImageData) -> Tensor:
    """Class numbers ``(N,)`` of a data set that has them."""
    assert data.labels is not None and data.label_kind == "class"
    return data.labels
