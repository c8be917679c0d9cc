"""What a GAN does with labels: those of batches, those that a person gives, and those of nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, counted, whole
from ganzoo.gan.labels import Label, class_number, one_for_each, read

if TYPE_CHECKING:
    from ganzoo.plan.plan import Plan


class Labelled:
    """The labels of a GAN.

    Attributes:
        classes: how many there are, or the length of a label vector; 0 for an unconditional GAN.
        class_names: of each.
        class_counts: pictures of each that it learned from; None where nobody counted them.
        label_rows: label vectors of the training, for images whose labels nobody gives.
        plan: what the GAN was built from.
    """

    classes: int
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...] | None
    label_rows: Sequence[Tensor]
    plan: Plan

    @property
    def label_kind(self) -> str:
        """What labels are: ``class``, ``multilabel`` or ``continuous``."""
        return self.plan.label_kind

    def label_vectors(self, labels: Tensor | None, n: int) -> Tensor:
        """Label vectors ``(n, classes)``, float; ``(n, 0)`` for an unconditional GAN, and zeros without labels.

        Args:
            labels: as batches have them: class numbers, int64 ``(n,)``, or label vectors, float ``(n, classes)``.
            n: how many.
        """
        if self.classes == 0 or labels is None:
            return torch.zeros(n, self.classes)
        if labels.is_floating_point():
            return labels.float()
        return nn.functional.one_hot(labels, self.classes).float()

    def read_labels(self, labels: Iterable[Label] | Tensor) -> Tensor:
        """Labels as a person gives them, for :meth:`inputs`: class numbers, int64 ``(n,)``, or label vectors.

        Args:
            labels: of each image the number or name of a class, or a label vector; see :func:`ganzoo.gan.labels.read`.

        Raises:
            UsageError: for a class that does not exist, a vector of another length, a number that is NaN or infinite.
        """
        if self.classes == 0:
            raise UsageError("this model is unconditional: it takes no labels")
        return read(labels, self.label_kind, self.class_names)

    def default_labels(self, n: int, start: int = 0) -> Tensor | None:
        """Labels of images ``start`` to ``start + n`` where a person gives none; None for an unconditional GAN.

        The classes in turn, those without pictures left out, or else the rows of :attr:`label_rows`.

        Raises:
            UsageError: there are no such rows.
        """
        n, start = whole("n", n, 0), whole("start", start, 0)
        if self.classes == 0:
            return None
        index = torch.arange(start, start + n)
        if self.label_kind == "class":
            drawn = torch.tensor(self.drawn_classes)
            return drawn[index % len(drawn)]
        if not self.label_rows:
            raise UsageError(
                f"this model came without label vectors: give it labels, vectors of {self.classes} numbers"
            )
        return torch.stack([self.label_rows[int(place) % len(self.label_rows)] for place in index])

    @property
    def drawn_classes(self) -> tuple[int, ...]:
        """The classes, by number, that it learned pictures of; all where nobody counted them."""
        counts = self.class_counts
        learned = range(self.classes) if counts is None else (k for k in range(self.classes) if counts[k])
        return tuple(learned) or tuple(range(self.classes))

    def class_numbers(self, labels: Iterable[int | str]) -> list[int]:
        """Numbers of classes given as numbers or names.

        Raises:
            UsageError: for a label that the model does not have.
        """
        if self.classes == 0:
            raise UsageError("this model is unconditional: it takes no labels")
        if self.label_kind != "class":
            raise UsageError(f"this model's labels are not classes but of the kind {self.label_kind}")
        return [class_number(label, self.class_names) for label in one_for_each(labels)]

    def labels_for(self, n: int, labels: Sequence[Label] | None) -> Tensor | None:
        """Labels of ``n`` images as :meth:`read_labels` gives them; the default ones for None.

        Raises:
            UsageError: there are not ``n`` of them.
        """
        if labels is None:
            return self.default_labels(n)
        if len(labels) != n and self.classes:
            only = labels[0] if len(labels) == 1 and isinstance(labels[0], int | str) else None
            one = "" if only is None else f", such as labels=[{only!r:.40}] * {n}"
            raise UsageError(f"{counted(len(labels), 'label')} for {counted(n, 'image')}: give one for each{one}")
        return self.read_labels(labels)
