"""Pairs of a source and an image: made of any data set, or kept in folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from ganzoo import UsageError, either, nearest
from ganzoo.data import DataRequest, ImageData, open_inner
from ganzoo_translate.data import derive
from ganzoo_translate.data.aligned import side_by_side, two_folders
from ganzoo_translate.data.inner import Derive, derived, fingerprint_of

VERSION = 1  # raised when pictures come out otherwise
SOURCE = "source"
SOME = 64  # images that are looked at, to see whether there is colour
DERIVED: Mapping[str, Derive] = {
    "gray": derive.gray,
    "edges": derive.edges,
    "inpaint": derive.inpaint,
    "downscale": derive.downscale,
}
FOLDERS = {"ab": side_by_side, "ba": side_by_side, "two": two_folders}


def pairs(argument: str, request: DataRequest) -> ImageData:
    """Pairs: pairs:gray:SOURCE (also edges, inpaint, downscale) of any data; pairs:ab:FOLDER, pairs:two:FOLDER.

    The image is a picture of SOURCE, any other value of --data, and its source is made from it: its brightness, its
    edges (pairs:edges), the picture with a hole (pairs:inpaint), or at a quarter of its size (pairs:downscale).
    pairs:ab:FOLDER has pictures twice as wide as high, the
    left half the source (pairs:ba:FOLDER: the right half). pairs:two:FOLDER has pictures of equal names in A, the
    sources, and B (also source and target, trainA and trainB, testA and testB). Splits are those of SOURCE, or
    sub-folders such as train and test.
    """
    kind, _, text = argument.partition(":")
    if kind in FOLDERS:
        return FOLDERS[kind](kind, text, request)
    if kind not in DERIVED:
        known = [*DERIVED, *FOLDERS]
        near = f"nearest: {either(nearest(kind, known, 2))}; " if kind else ""
        raise UsageError(f"pairs:{argument}: {near}write pairs:KIND:SOURCE with KIND one of {', '.join(known)}")
    inner = open_inner(text, request, f"pairs:{kind}")
    if kind == "gray" and _is_grey(inner):
        raise UsageError(f"pairs:gray needs colour to learn, and {inner.name} is grey; pairs:edges or pairs:inpaint do")
    return made(kind, inner, request.memory)


def _is_grey(data: ImageData) -> bool:
    """Whether its first images have no colour, in however many planes."""
    some = data.images.fetch(torch.arange(min(SOME, data.count)))
    return bool((some == some[:, :1]).all())


def made(kind: str, inner: ImageData, memory: int) -> ImageData:
    """The data set with a source made for each of its images; everything else is its own.

    Args:
        kind: a key of :data:`DERIVED`.
        inner: the data set.
        memory: bytes that its images and the sources may take.
    """
    name = f"pairs:{kind}:{inner.name}"
    source = derived(inner.images, DERIVED[kind], memory, f"making {name}")
    return replace(
        inner,
        name=name,
        fingerprint=fingerprint_of(f"pairs:{kind} {VERSION}", inner.fingerprint),
        paired={**inner.paired, SOURCE: source},
        unpaired={key: column for key, column in inner.unpaired.items() if not key.startswith(SOURCE)},
    )
