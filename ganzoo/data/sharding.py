"""Writing a data set as shards, tar files of ``KEY.png`` and ``KEY.cls``: ``ganzoo data pack --shards``."""

from __future__ import annotations

import io
import json
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.dataset import ImageData
from ganzoo.data.labels import INDEX
from ganzoo.data.packed import refuse_columns
from ganzoo.data.progress import progress_bar
from ganzoo.data.shards import CLASS, FACTS, MOST_SHARDS, TAR
from ganzoo.errors import DataError, UsageError
from ganzoo.files.write import atomic_folder, check_writable
from ganzoo.registry.labels import LABEL_KINDS

AT_ONCE = 256  # images that are encoded between two steps of the progress bar


def write_shards(data: ImageData, out: Path, count: int) -> list[Path]:
    """Write a data set as so many shards of about as many pictures each; the folder appears when it is whole.

    Args:
        data: with images that a PNG holds, labels, and no further columns.
        out: the folder, which must not be there.
        count: of shards.

    Returns:
        The shards.

    Raises:
        UsageError: there are fewer images than shards, or ``out`` is there.
        DataError: no PNG holds such images.
        RunError: the disk is full.
    """
    refuse_columns(data)
    if not 1 <= count <= min(data.count, MOST_SHARDS):
        raise UsageError(
            f"--shards {count} does not work for {data.count:,} images: from 1 to {min(data.count, MOST_SHARDS):,}"
        )
    if data.channels not in (1, 3, 4) or (data.bits == 16 and data.channels != 1):
        raise DataError(
            f"no PNG that is read again whole holds {data.channels} channels of {data.bits} bits: leave --shards out"
        )
    if out.exists():
        raise UsageError(f"{out} is there already: choose another name, or remove it")
    check_writable(out.parent)
    digits = max(5, len(str(count - 1)))
    bounds = [number * data.count // count for number in range(count + 1)]
    with atomic_folder(out) as folder, progress_bar(f"packing {data.name}", data.count) as advance:
        for number, (start, stop) in enumerate(pairwise(bounds)):
            with tarfile.open(folder / f"{number:0{digits}}{TAR}", "w", format=tarfile.USTAR_FORMAT) as tar:
                for rows in torch.arange(start, stop).split(AT_ONCE):
                    _add(tar, data, rows)
                    advance(len(rows))
        if data.labels is not None:
            said = {"labels": None, "classes": list(data.class_names), "label_kind": data.label_kind}
            (folder / INDEX).write_text(json.dumps(said) + "\n", encoding="utf-8")
    return sorted(out.glob(f"*{TAR}"))


def _add(tar: tarfile.TarFile, data: ImageData, rows: Tensor) -> None:
    for row, image in zip(rows.tolist(), data.images.fetch(rows).numpy(), strict=True):
        key = f"{row:09}"
        _member(tar, f"{key}.png", _png(image))
        if data.labels is None:
            continue
        label = data.labels[row].tolist()
        if data.label_kind == LABEL_KINDS[0]:
            _member(tar, f"{key}.{CLASS}", str(label).encode())
        else:
            numbers = [int(value) for value in label] if data.label_kind == "multilabel" else label
            _member(tar, f"{key}.{FACTS}", json.dumps({"label": numbers}).encode())


def _png(image: np.ndarray) -> bytes:
    """An image ``(C, H, W)`` as a PNG, without loss."""
    content = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))).save(
        content, "PNG"
    )
    return content.getvalue()


def _member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file without a time or an owner: the same data gives the same bytes."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
