"""Two folders without pairs, as CycleGAN's data sets have them."""

from __future__ import annotations

from dataclasses import replace

from ganzoo.data import DataRequest, ImageData
from ganzoo_translate.data.inner import fingerprint_of
from ganzoo_translate.data.sides import both_sides, folder_pictures, open_folder, two_sides


def folders(argument: str, request: DataRequest) -> ImageData:
    """Two folders without pairs: folders:FOLDER with sub-folders A, the sources, and B.

    Also source and target, or trainA, trainB, testA and testB. Numbers and names of the pictures need not agree.
    """
    folder = open_folder(argument, "folders")
    name = f"folders:{folder.name}"
    a, b = two_sides(folder, request.split, name)
    given, image = both_sides(folder_pictures(a), folder_pictures(b), request, name)
    return replace(
        image,
        fingerprint=fingerprint_of("folders", given.fingerprint, image.fingerprint),
        unpaired={"source": given.images},
        skipped=given.skipped | image.skipped,
    )
