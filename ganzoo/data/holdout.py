"""Images of the training split that no step is taken on: the split ``valid``, by which a run chooses its best step.

Which images these are is drawn from a seed and their number alone. What :class:`HoldOut` says goes into
``config.json``, so that a resume, a fork, another process or ``ganzoo eval --split valid`` cuts the very same images
off again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.dataset import ImageData
from ganzoo.data.images import Images, chosen
from ganzoo.data.stream import leader
from ganzoo.errors import DataError, ModelError, UsageError
from ganzoo.files.untrusted import field, quoted
from ganzoo.seeding import derive

VALID = "valid"  # what the images held out are called, as a split
SHARE, MOST = 10, 5_000  # one in ten is held out, and no more than so many
LEAST = 2  # images on either side, below which there is nothing to score, or to learn from


@dataclass(frozen=True)
class HoldOut:
    """Which images of a data set are held out.

    Attributes:
        count: how many.
        seed: that they are drawn by.
        of: fingerprint of the whole data set.
    """

    count: int
    seed: int
    of: str

    @classmethod
    def drawn(cls, data: ImageData, seed: int) -> HoldOut:
        """What a new run holds out of its training images: one in ten, and :data:`MOST` at most.

        Raises:
            UsageError: there are too few to hold any out.
        """
        count = max(LEAST, min(data.count // SHARE, MOST))
        if data.count - count < LEAST:
            raise UsageError(
                f"{data.name} has {data.count} images, too few to hold any out for --eval-every: name others with"
                " --eval-data"
            )
        return cls(count, seed, data.fingerprint)

    @classmethod
    def read(cls, config: Mapping[str, Any], path: Path) -> HoldOut | None:
        """What the ``config.json`` of a run says was held out; None where nothing was.

        Raises:
            ModelError: it makes no sense.
        """
        found = config["dataset"].get(VALID)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise ModelError(f"{path}: {VALID} is {quoted(found)}, not what was held out")
        held = cls(field(found, "count", int, path), field(found, "seed", int, path), field(found, "of", str, path))
        if held.count < LEAST:
            raise ModelError(f"{path}: {VALID} has {held.count} images")
        return held

    def record(self) -> dict[str, Any]:
        """What ``config.json`` keeps, as :meth:`read` takes it."""
        return asdict(self)

    def divide(self, data: ImageData) -> tuple[ImageData, ImageData]:
        """The images to learn from, and those held out.

        Columns that go with the images are cut with them; unpaired ones are cut by the same share, drawn anew.
        A fingerprint of either says which images of which data set it is.

        Raises:
            DataError: ``data`` is not the data set that they are of.
        """
        if not data.is_known_as(self.of) or data.count - self.count < LEAST:
            raise DataError(f"{data.name} is not the data that {self.count:,} images were held out of")
        rows = {name: self._rows(column.shape[0], data.count, name) for name, column in _pictures(data).items()}
        rows[""] = self._rows(data.count, data.count)
        train = _cut(data, {name: kept for name, (kept, _) in rows.items()})
        valid = _cut(data, {name: held for name, (_, held) in rows.items()})
        return (
            replace(train, fingerprint=self._fingerprint("train"), valid=self.record()),
            replace(valid, fingerprint=self._fingerprint(VALID), split=VALID, skipped={}),
        )

    def _rows(self, total: int, images: int, name: str = "") -> tuple[Tensor, Tensor]:
        """Numbers that stay and numbers that are held out, of ``total``, each int64 in ascending order."""
        count = max(1, total * self.count // images)
        if total <= count:
            return torch.arange(total), torch.arange(total)
        rng = torch.Generator().manual_seed(derive(f"{VALID}{name}", self.seed))
        order = torch.randperm(total, generator=rng)
        return order[count:].sort().values, order[:count].sort().values

    def _fingerprint(self, part: str) -> str:
        form, _, digest = self.of.rpartition(":")
        return f"{form}:{sha256(f'{digest} {part} {self.count} {self.seed}'.encode()).hexdigest()}"


def _pictures(data: ImageData) -> dict[str, Images]:
    """Columns of images with an order of their own."""
    return {name: column for name, column in data.unpaired.items() if not isinstance(column, Tensor)}


def _cut(data: ImageData, rows: Mapping[str, Tensor]) -> ImageData:
    """Some of the images, and of the unpaired ones, by name; ``""`` has the numbers of the images themselves."""
    own, pictures = rows[""], _pictures(data)
    unpaired = {name: _taken(column, rows[leader(name, pictures) or name]) for name, column in data.unpaired.items()}
    return replace(
        data,
        images=chosen(data.images, own),
        labels=None if data.labels is None else data.labels[own],
        paired={name: _taken(column, own) for name, column in data.paired.items()},
        unpaired=unpaired,
    )


def _taken(column: Images | Tensor, rows: Tensor) -> Images | Tensor:
    return column[rows] if isinstance(column, Tensor) else chosen(column, rows)
