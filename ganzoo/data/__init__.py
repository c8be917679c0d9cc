"""Data sets and the data loader: from a name, a folder, a zip or a tensor to batches of a seed and an index.

:func:`open_data` decodes once to uint8; :class:`Stream`, the data loader, makes float batches; :func:`prefetch` makes
them on a thread ahead of the training loop. A data set of a plugin is a function ``(argument, request)`` that returns
:class:`ImageData`: it decodes :class:`Pictures` with :func:`collect_pictures`, or changes what :func:`open_inner`
opened. Names are imported when first used, so that listing the data sets imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.data.collect import collect_pictures
    from ganzoo.data.dataset import DataRequest, ImageData, choose_split, fingerprint
    from ganzoo.data.decode import plain, planes, read_picture
    from ganzoo.data.device import resident
    from ganzoo.data.folder import FolderPictures
    from ganzoo.data.images import Images, LazyImages, MemoryImages
    from ganzoo.data.open import open_data, open_inner
    from ganzoo.data.pictures import Pictures
    from ganzoo.data.progress import progress_bar
    from ganzoo.data.stream import Stream, prefetch
    from ganzoo.files.paths import to_path
    from ganzoo.files.untrusted import quoted
    from ganzoo.gan.inputs import LONGEST_TEXT, decode_text, encode_text, signed
    from ganzoo.images import to_uint8
    from ganzoo.seeding import derive

_HOMES = {
    "LONGEST_TEXT": "ganzoo.gan.inputs",
    "DataRequest": "ganzoo.data.dataset",
    "FolderPictures": "ganzoo.data.folder",
    "ImageData": "ganzoo.data.dataset",
    "Images": "ganzoo.data.images",
    "LazyImages": "ganzoo.data.images",
    "MemoryImages": "ganzoo.data.images",
    "Pictures": "ganzoo.data.pictures",
    "Stream": "ganzoo.data.stream",
    "choose_split": "ganzoo.data.dataset",
    "collect_pictures": "ganzoo.data.collect",
    "decode_text": "ganzoo.gan.inputs",
    "derive": "ganzoo.seeding",
    "encode_text": "ganzoo.gan.inputs",
    "fingerprint": "ganzoo.data.dataset",
    "open_data": "ganzoo.data.open",
    "open_inner": "ganzoo.data.open",
    "plain": "ganzoo.data.decode",
    "planes": "ganzoo.data.decode",
    "prefetch": "ganzoo.data.stream",
    "progress_bar": "ganzoo.data.progress",
    "quoted": "ganzoo.files.untrusted",
    "read_picture": "ganzoo.data.decode",
    "resident": "ganzoo.data.device",
    "signed": "ganzoo.gan.inputs",
    "to_path": "ganzoo.files.paths",
    "to_uint8": "ganzoo.images",
}

__all__ = [
    "LONGEST_TEXT",
    "DataRequest",
    "FolderPictures",
    "ImageData",
    "Images",
    "LazyImages",
    "MemoryImages",
    "Pictures",
    "Stream",
    "choose_split",
    "collect_pictures",
    "decode_text",
    "derive",
    "encode_text",
    "fingerprint",
    "open_data",
    "open_inner",
    "plain",
    "planes",
    "prefetch",
    "progress_bar",
    "quoted",
    "read_picture",
    "resident",
    "signed",
    "to_path",
    "to_uint8",
]


if not TYPE_CHECKING:  # for type checkers a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
