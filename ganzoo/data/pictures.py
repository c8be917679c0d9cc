"""Encoded pictures wherever they are: what a source defines, what a header says, and one loop over all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from PIL import Image

from ganzoo.data.decode import UNREADABLE, is_deep, is_grey, why
from ganzoo.data.formats import SHOWN
from ganzoo.data.images import DECODERS
from ganzoo.data.labels import Label
from ganzoo.data.progress import progress_bar
from ganzoo.errors import DataError
from ganzoo.files.names import as_text
from ganzoo.registry.loading import log


class Pictures(ABC):
    """Encoded pictures as a source found them; a source defines :meth:`read`.

    Args:
        where: what messages call the source.
        names: one per picture, unique.
        labels: of each a class number, or a label vector, all of one length; None for none.
        class_names: one per class, or per number in a label vector.
        label_kind: ``class``, ``multilabel`` or ``continuous``.
        left: names of files beside the pictures that are none.
        remarks: what a person should know of the source, in sentences; they are said as warnings at once.
        runs: how many pictures lie one after another in each file that is best read in order, such as a tar; empty
            where any picture is as near as the next. Such pictures are shuffled so that a file is read in one go.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        labels: Sequence[Label] | None = None,
        class_names: tuple[str, ...] = (),
        label_kind: str = "class",
        *,
        left: Sequence[str] = (),
        remarks: Sequence[str] = (),
        runs: Sequence[int] = (),
    ) -> None:
        for text in remarks:
            log.warning("%s", text)
        self.where, self.names, self.labels = where, names, labels
        self.class_names, self.label_kind = tuple(map(as_text, class_names)), label_kind
        self.left, self.remarks, self.runs = tuple(left), tuple(remarks), tuple(runs)

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def read(self, index: int) -> Image.Image:
        """Open a picture, all its bytes checked as far as the source can; called from several threads."""

    def peek(self, index: int) -> Image.Image:
        """Open a picture for its header only."""
        return self.read(index)

    def digest(self, index: int) -> bytes:
        """sha256 of what is in a picture: of its encoded bytes where the source has them, else of its pixels."""
        with self.read(index) as image:
            return sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()

    def stamp(self, index: int) -> str:
        """Name and size, or checksum: what is known of a picture without reading it."""
        return self.names[index]

    def encoded_bytes(self, index: int) -> int:
        """How long a picture is as it is stored; 0 where the source does not know."""
        return 0


@dataclass(frozen=True)
class Header:
    """What a picture says of itself: ``(height, width)`` as stored, whether it is grey, and whether grey of 16 bits."""

    size: tuple[int, int]
    grey: bool
    deep: bool = False

    @classmethod
    def of(cls, image: Image.Image) -> Header:
        """The header of a picture that is open; pixels are not decoded for it."""
        grey = is_grey(image)
        return cls((image.height, image.width), grey, grey and is_deep(image))


def refuse(pictures: Pictures, index: int, reason: str) -> DataError:
    """The error for a picture that cannot be read."""
    return DataError(
        f"{pictures.names[index]!r} in {pictures.where} cannot be read: {reason}; "
        "--skip-bad goes on without such pictures, and `ganzoo data check` lists them all"
    )


def refuse_few(pictures: Pictures) -> None:
    """Raise DataError for fewer than two pictures."""
    if len(pictures) < 2:
        what = "only one picture" if len(pictures) else f"no pictures ({SHOWN})"
        raise DataError(f"{pictures.where} has {what}; a GAN needs two at least, and learns from thousands")


def for_each(
    pictures: Pictures, do: Callable[[int], None], what: str, skip_bad: bool, workers: int = DECODERS
) -> dict[int, str]:
    """Call ``do(index)`` for every picture on a few threads.

    Returns:
        The pictures that could not be read and why, in order.

    Raises:
        DataError: one cannot be read, and ``skip_bad`` is false.
    """

    def some(indices: range) -> dict[int, str]:
        bad: dict[int, str] = {}
        for index in indices:
            try:
                do(index)
            except UNREADABLE as error:
                bad[index] = why(error)
                if not skip_bad:
                    break
        return bad

    bad: dict[int, str] = {}
    groups = [range(start, min(start + 64, len(pictures))) for start in range(0, len(pictures), 64)]
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ganzoo-decode")
    try:
        with progress_bar(what, len(pictures)) as advance:
            for indices, found in zip(groups, pool.map(some, groups), strict=True):
                bad.update(found)
                if bad and not skip_bad:
                    raise refuse(pictures, *next(iter(bad.items())))
                advance(len(indices))
    finally:
        pool.shutdown(cancel_futures=True)
    return bad
