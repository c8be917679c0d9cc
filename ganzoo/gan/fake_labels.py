"""Whose labels fakes are made with: the setting ``fake-labels``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganzoo.distributed.batch import gather, global_draw
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN

Draw = Callable[[GAN, Tensor, int], "Tensor | None"]


def _of_batch(gan: GAN, labels: Tensor, n: int) -> None:
    """Those of the real batch."""
    return


def _of_data(gan: GAN, labels: Tensor, n: int) -> Tensor:
    """Rows of the data's labels, drawn by their frequencies; of the batch's where there is no data, as in a test."""
    known = gather(labels) if gan.data_labels is None else gan.data_labels
    chosen = global_draw(lambda count: torch.randint(len(known), (count,)), n)
    return known[chosen.to(known.device, non_blocking=True)].to(labels.device, non_blocking=True)


def _uniform(gan: GAN, labels: Tensor, n: int) -> Tensor:
    """Every class that has pictures as often."""
    drawn = torch.tensor(gan.drawn_classes)
    return global_draw(lambda count: drawn[torch.randint(len(drawn), (count,))], n).to(labels.device, non_blocking=True)


DRAWS: Mapping[str, Draw] = {"batch": _of_batch, "data": _of_data, "uniform": _uniform}


def fake_labels_of(gan: GAN) -> Draw:
    """What draws the labels of fakes: called ``(gan, labels of the batch, n)``; None for those of the batch.

    Raises:
        UsageError: ``uniform`` for labels that are no classes.
    """
    setting = str(gan.plan["fake-labels"])
    if setting == "uniform" and gan.classes and gan.label_kind != "class":
        raise UsageError(
            f"fake-labels=uniform draws classes, and labels here are {gan.label_kind}: give fake-labels=data"
        )
    return DRAWS[setting if gan.classes else "batch"]
