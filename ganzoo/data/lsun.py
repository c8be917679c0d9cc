"""LSUN (Yu et al. 2015, arXiv 1506.03365), read from its LMDB files.

Not through torchvision's class, which keeps a pickle of the keys in whatever folder it is called from.
"""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData, choose_split
from ganzoo.data.decode import open_picture
from ganzoo.data.pictures import Pictures
from ganzoo.errors import DataError, UsageError, either, nearest
from ganzoo.registry.about import install

CATEGORIES = (
    *("bedroom", "bridge", "church_outdoor", "classroom", "conference_room"),
    *("dining_room", "kitchen", "living_room", "restaurant", "tower"),
)


class _LmdbPictures(Pictures):
    """The values of an LMDB environment, each an encoded picture; its keys are read once."""

    def __init__(self, environment: Any, where: str) -> None:
        self.environment = environment
        with environment.begin() as transaction:
            self.keys = [bytes(key) for key in transaction.cursor().iternext(keys=True, values=False)]
        super().__init__(where, [key.decode("ascii", "replace") for key in self.keys])

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        return open_picture(io.BytesIO(self._encoded(index)))

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`."""
        return sha256(self._encoded(index)).digest()

    def _encoded(self, index: int) -> bytes:
        with self.environment.begin() as transaction:
            return bytes(transaction.get(self.keys[index]))


def _open(folder: Path) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise DataError(f"lsun needs the package lmdb; type: {install('lsun')}") from error
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"{folder} is not an LMDB folder of LSUN ({error}); download and unpack it again") from error


def lsun(argument: str, request: DataRequest) -> ImageData:
    """LSUN scenes, shown at 64x64: lsun:bedroom, lsun:church_outdoor …, from files fetched by hand (needs lmdb)."""
    category = argument or "bedroom"
    if category not in CATEGORIES:
        raise UsageError(f"LSUN has no category {category!r}; nearest: {either(nearest(category, CATEGORIES))}")
    split = choose_split("lsun", {"test": "val"}.get(request.split, request.split), ("train", "val"))
    name = f"{category}_{split}_lmdb"
    places = (request.root / "lsun" / name, request.root / name)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise DataError(
            f"LSUN is not fetched by ganzoo: unpack {name}.zip (https://github.com/fyu/lsun) into {places[0].parent}, "
            "or use data that is here: digits, a folder of images, or a .zip of them"
        )
    return collect_pictures(
        _LmdbPictures(_open(folder), name),
        request,
        name=f"lsun:{category}",
        licence="no licence stated; cite Yu et al. 2015",
        flip=True,
        resolution=64,
    )
