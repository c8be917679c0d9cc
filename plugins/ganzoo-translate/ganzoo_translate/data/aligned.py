"""Folders of aligned pairs, as pix2pix's data sets have them: A and B in one picture, or in two folders."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo import DataError
from ganzoo.data import DataRequest, ImageData, Pictures, choose_split, plain
from ganzoo_translate.data.inner import fingerprint_of
from ganzoo_translate.data.sides import WHOLE, ChosenPictures, both_sides, folder_pictures, open_folder, two_sides

SPLITS = ("train", "test", "val", "valid", "validation")


class HalfPictures(Pictures):
    """One half of each of pictures that are twice as wide as high.

    Args:
        pictures: the wide ones.
        right: whether it is the right half.
    """

    def __init__(self, pictures: Pictures, right: bool) -> None:
        self.pictures, self.right = pictures, right
        super().__init__(pictures.where, pictures.names, pictures.labels, pictures.class_names)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`.

        Raises:
            ValueError: the picture has another shape; what decoding raises.
        """
        with self.pictures.read(index) as wide:
            both = plain(wide)
            side = both.height
            if both.width != 2 * side:
                raise ValueError(f"it has {both.width} x {side} pixels; A and B side by side are twice as wide as high")
            return both.crop((side, 0, 2 * side, side) if self.right else (0, 0, side, side))

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`."""
        return sha256(self.pictures.digest(index) + bytes([self.right])).digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`."""
        return f"{self.pictures.stamp(index)}\0{self.right}"


def side_by_side(kind: str, text: str, request: DataRequest) -> ImageData:
    """Pictures A|B: the source is A for ``kind`` ``ab``, and B for ``ba``."""
    folder = open_folder(text, f"pairs:{kind}")
    name = f"pairs:{kind}:{folder.name}"
    splits = [split for split in SPLITS if (folder / split).is_dir()]
    split = choose_split(name, request.split, splits or WHOLE)
    wide = folder_pictures(folder / split if splits else folder)
    a, b = HalfPictures(wide, right=False), HalfPictures(wide, right=True)
    return _paired(*((a, b) if kind == "ab" else (b, a)), request, name)


def two_folders(kind: str, text: str, request: DataRequest) -> ImageData:
    """Pictures of equal names in two folders, of which the first has the sources."""
    folder = open_folder(text, f"pairs:{kind}")
    name = f"pairs:{kind}:{folder.name}"
    a, b = map(folder_pictures, two_sides(folder, request.split, name))
    return _paired(*_by_name(folder, a, b), request, name)


def _by_name(folder: Path, a: Pictures, b: Pictures) -> tuple[Pictures, Pictures]:
    """Both in the order of their names, endings such as .png left out.

    Raises:
        DataError: a picture has no partner.
    """
    ours, theirs = _numbered(a), _numbered(b)
    lonely = sorted(ours.keys() ^ theirs.keys())
    if lonely:
        side, other = (a, b) if lonely[0] in ours else (b, a)
        raise DataError(
            f"{folder} has {len(ours)} and {len(theirs)} pictures, and {len(lonely)} have no partner of the same name:"
            f" {lonely[0]!r} is in {Path(side.where).name} and not in {Path(other.where).name}"
        )
    names = sorted(ours)
    return ChosenPictures(a, [ours[name] for name in names], names), ChosenPictures(
        b, [theirs[name] for name in names], names
    )


def _numbered(pictures: Pictures) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, name in enumerate(pictures.names):
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem in found:
            raise DataError(f"{pictures.where} has {pictures.names[found[stem]]!r} and {name!r}: keep one of the two")
        found[stem] = index
    return found


def _paired(source: Pictures, target: Pictures, request: DataRequest, name: str) -> ImageData:
    """The data set of two sides whose pictures have equal names."""
    given, image = both_sides(source, target, request, name)
    bad = given.skipped | image.skipped
    if bad and given.skipped.keys() != image.skipped.keys():
        good = [index for index, one in enumerate(target.names) if one not in bad]
        names = [target.names[index] for index in good]
        given, image = both_sides(
            ChosenPictures(source, good, names), ChosenPictures(target, good, names), request, name
        )
    return replace(
        image,
        fingerprint=fingerprint_of("pairs", given.fingerprint, image.fingerprint),
        paired={"source": given.images},
        skipped=bad,
    )
