"""Classes of which no two images stand in one batch, for parts that compare images of one class."""

from __future__ import annotations

from ganzoo.data import ImageData
from ganzoo.errors import UsageError, either
from ganzoo.plan.plan import Plan
from ganzoo.registry.labels import LABEL_KINDS

FEW = 1.0  # pairs of one class in a batch, on average, below which a person is told


def refuse_lonely_classes(plan: Plan, data: ImageData) -> list[str]:
    """Refuse data whose every class has one image alone where a part declares ``within_class``.

    Returns:
        A note where a batch seldom has two images of one class.

    Raises:
        UsageError: naming the part.
    """
    parts = list(dict.fromkeys(slot.name for slot in plan.slots if slot.entry is not None and slot.entry.within_class))
    if not parts or data.labels is None or data.label_kind != LABEL_KINDS[0]:
        return []
    who, counts = either(parts, "and"), data.labels.bincount().double()
    if counts.max() < 2:
        raise UsageError(
            f"{who} compares images of one class, and every class of {data.name} has one image alone: leave it out,"
            f" as with projection in its place"
        )
    batch = int(plan["batch"])
    pairs = float((counts / counts.sum()).square().sum()) * batch * (batch - 1) / 2
    if pairs >= FEW:
        return []
    return [f"{who} compares images of one class, and a batch of {batch} has {pairs:.2g} such pairs on average"]
