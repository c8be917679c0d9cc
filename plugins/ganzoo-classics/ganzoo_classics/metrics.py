"""What these models are for, measured with their own networks: ``ganzoo eval MODEL --data D --metrics clusters``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganzoo import GAN, UsageError
from ganzoo.data import ImageData, signed
from ganzoo.metrics import Experiment, Instrument, Value, version_digest
from ganzoo_classics.encoding import Classifies, Clusters, Couples, Encodes

VERSION = 1  # raised when a metric counts otherwise


class OwnWork(Experiment):
    """A metric of what a model's own networks do; nothing else is needed, so that is what records name.

    Attributes:
        name: of the metric.
        does: what a game has to be.
        doing: the same in words.
    """

    name: str
    does: type
    doing: str
    labels = False

    def instrument(self, resolution: int) -> Instrument:
        """The model itself."""
        return Instrument("own-networks", resolution, version_digest(self.name, VERSION))

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse what cannot be measured.

        Raises:
            UsageError: the model does no such thing, or the data has no class labels where they are needed.
        """
        if not isinstance(gan.game, self.does):
            raise UsageError(f"this model {self.doing}, so there is no {self.name} of it")
        if (self.labels or gan.classes) and (data.labels is None or data.label_kind != gan_kind(gan)):
            raise UsageError(
                f"{self.name} of this model needs labels of the kind {gan_kind(gan)}: {data.name} has none"
            )

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The numbers, with the model in eval mode.

        Args:
            gan: the model.
            data: real images, of which the first ``n`` count.
            n: images.
            seed: of noise.
            batch: images computed at once.
        """
        with evaluating(gan), torch.no_grad():
            return self.measure(gan, data, n, seed, batch)

    @abstractmethod
    def measure(self, gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The numbers by name."""


def gan_kind(gan: GAN) -> str:
    """The kind of labels that matter to a model; of classes where it takes none."""
    return gan.label_kind if gan.classes else "class"


@contextmanager
def evaluating(gan: GAN) -> Iterator[None]:
    """Eval mode inside the block, and afterwards whatever it was."""
    modes = {module: module.training for module in gan.modules()}
    gan.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def batches(gan: GAN, data: ImageData, n: int, batch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The first images of data in [-1, 1], their label vectors, both where the model is, and their numbers."""
    device = next(gan.parameters()).device
    for rows in torch.arange(min(n, data.count)).split(batch):
        labels = data.labels[rows] if data.labels is not None and gan.classes else None
        yield signed(data.images.fetch(rows)).to(device), gan.label_vectors(labels, len(rows)).to(device), rows


class ReconstructionError(OwnWork):
    """Mean squared error of a pixel in [0, 1] of real images, encoded and drawn again; 0 is best.

    ``details`` has ``mean_image``, the error of the mean of these images in their place: what a code without any
    information gets.

    As in ``ganzoo eval runs/aae --data mnist --split test --metrics reconstruction-error``.
    """

    name, does, doing = "reconstruction-error", Encodes, "encodes no images"

    def measure(self, gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The error, over the first ``n`` images."""
        game: Any = gan.game
        error, total, squares, count = 0.0, torch.zeros(1), 0.0, 0
        for x, y, _ in batches(gan, data, n, batch):
            error += float(((game.reconstruct(x, y).float() - x).double() / 2).square().sum())
            unit = (x.double().cpu() + 1) / 2
            total, squares, count = total + unit.sum(0), squares + float(unit.square().sum()), count + len(x)
        spread = squares / count - float((total / count).square().sum())
        size = total.numel()
        return {self.name: Value(error / count / size, samples=count, details={"mean_image": spread / size})}


class ClustersFound(OwnWork):
    """How far the clusters that a model finds in real images are their classes; 1 is best.

    ``cluster-purity`` is the share of images of the most common class of their cluster, ``cluster-nmi`` the normalised
    mutual information. ``details`` has the share of images that the best assignment of clusters to classes gets right
    (``accuracy``), the adjusted Rand index (``ari``), and how many clusters are used.

    As in ``ganzoo eval runs/clusters --data mnist --split test --metrics clusters``.
    """

    name, does, doing, labels = "clusters", Clusters, "sorts no images into clusters", True
    higher_is_better = True

    def measure(self, gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> dict[str, Value]:
        """Purity and mutual information, over the first ``n`` images."""
        from scipy.optimize import linear_sum_assignment
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        game: Any = gan.game
        assert data.labels is not None
        pairs = [(game.cluster(x, y).cpu(), data.labels[rows]) for x, y, rows in batches(gan, data, n, batch)]
        found, truth = (torch.cat(column) for column in zip(*pairs, strict=True))
        table = counts(found, truth)
        rows, columns = linear_sum_assignment(-table.numpy())
        details = {
            "accuracy": float(table[rows, columns].sum() / len(truth)),
            "ari": float(adjusted_rand_score(truth.numpy(), found.numpy())),
            "used": int((table.sum(1) > 0).sum()),
        }
        purity = float(table.amax(1).sum() / len(truth))
        nmi = float(normalized_mutual_info_score(truth.numpy(), found.numpy()))
        return {
            "cluster-purity": Value(purity, samples=len(truth), details=details),
            "cluster-nmi": Value(nmi, samples=len(truth), details=details),
        }


def counts(found: Tensor, truth: Tensor) -> Tensor:
    """How many images each cluster (row) has of each class (column)."""
    table = torch.zeros(int(found.max()) + 1, int(truth.max()) + 1, dtype=torch.int64)
    return table.index_put_((found, truth), torch.ones_like(found), accumulate=True)


class ClassAccuracy(OwnWork):
    """The share of real images whose class the model names; 1 is best. Give it images that it did not learn.

    ``details`` has the share of each class, and what chance gets.

    As in ``ganzoo eval runs/sgan --data mnist --split test --metrics class-accuracy``.
    """

    name, does, doing, labels = "class-accuracy", Classifies, "names no classes", True
    higher_is_better = True

    def measure(self, gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The share, over the first ``n`` images."""
        game: Any = gan.game
        assert data.labels is not None
        right = torch.cat(
            [game.class_logits(x).argmax(1).cpu() == data.labels[rows] for x, _, rows in batches(gan, data, n, batch)]
        ).float()
        labels = data.labels[: len(right)]
        each = {data.class_names[k]: round(float(right[labels == k].mean()), 4) for k in labels.unique().tolist()}
        details = {"chance": 1 / len(data.class_names), "classes": each}
        return {self.name: Value(float(right.mean()), samples=len(right), details=details)}


class PairError(OwnWork):
    """Mean squared error of a pixel in [0, 1] between drawn images of the second domain and the first ones moved there.

    0 is best. ``details`` has ``unpaired``, the same of images of other noise: what no coupling gets.

    As in ``ganzoo eval runs/cogan --data mnist --metrics pair-error``.
    """

    name, does, doing = "pair-error", Couples, "draws no pairs"

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model that draws no pairs; real images are not looked at."""
        if not isinstance(gan.game, self.does):
            raise UsageError(f"this model {self.doing}, so there is no {self.name} of it")

    def measure(self, gan: GAN, data: ImageData, n: int, seed: int, batch: int) -> dict[str, Value]:
        """The error, over ``n`` pairs."""
        game: Any = gan.game
        device = next(gan.parameters()).device
        error = unpaired = 0.0
        for start in range(0, n, batch):
            size = min(batch, n - start)
            given = gan.inputs(size, seed, gan.default_labels(size, start), start=start)
            first, second = game.pair(given["z"].to(device), given["y"].to(device))
            moved = game.moved(first.float())
            error += distance(second.float(), moved)
            unpaired += distance(second.float().roll(1, 0), moved)
        pixels = n * gan.channels * gan.height * gan.width
        return {self.name: Value(error / pixels, samples=n, details={"unpaired": unpaired / pixels})}


def distance(one: Tensor, other: Tensor) -> float:
    """The sum of squared differences of pixels in [0, 1]."""
    return float(((one - other).double() / 2).square().sum())
