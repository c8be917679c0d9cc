"""Data: from a name, a folder, a zip or a tensor to batches that depend on nothing but a seed and an index.

:func:`open_data` decodes once to uint8; :class:`Stream` hands out float batches; :func:`prefetch` keeps one thread
ahead. Names are imported when first used, so that listing the data sets imports no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "DataRequest": "dataset",
    "ImageData": "dataset",
    "Images": "images",
    "Stream": "stream",
    "prefetch": "stream",
    "resident": "device",
    "open_data": "open",
    "open_inner": "open",
}

__all__ = ["DataRequest", "ImageData", "Images", "Stream", "open_data", "open_inner", "prefetch", "resident"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
