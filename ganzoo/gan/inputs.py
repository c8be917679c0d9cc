"""Inputs of a generator besides noise: source images, captions, and the examples that a folder keeps of both.

A game declares its inputs (``Game.inputs``). Inside, a source image is float in [-1, 1] and a caption a row of UTF-8
bytes; a person gives pictures or images in [0, 1], and texts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.errors import UsageError, either
from ganzoo.parts.context import NOISE, SOURCE, TARGET, TEXT

LONGEST_TEXT = 256  # bytes of a caption
WIDE = 8  # images in a row of a grid, or as near as whole groups come to it
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # of pictures, by their channels
COMPARED = 24  # examples that a grid shows beside their sources
HOW = {SOURCE: "a picture: source= in Python, --input on the command line", TEXT: "text: text= in Python, --text there"}


def encode_text(captions: Sequence[str], where: str = "text") -> Tensor:
    """Captions as bytes ``(n, LONGEST_TEXT)``, padded with zeros.

    Raises:
        UsageError: for an empty caption, one that is too long, or one that is no text.
    """
    rows = torch.zeros(len(captions), LONGEST_TEXT, dtype=torch.uint8)
    for row, caption in zip(rows, captions, strict=True):
        try:
            data = " ".join(caption.split()).encode()
        except UnicodeEncodeError:
            raise UsageError(f"{where} {caption[:40]!r} is no text in UTF-8: write it anew") from None
        if not 0 < len(data) <= LONGEST_TEXT:
            raise UsageError(f"{where} {caption[:40]!r} has {len(data)} bytes; a caption has 1 to {LONGEST_TEXT}")
        row[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return rows


def columns_of(
    n: int | None, source: Any, text: Any, image: tuple[int, int, int], least: int | None = None
) -> dict[str, Tensor]:
    """The inputs that a person gave besides noise, by name, as networks take them.

    Args:
        n: how many images.
        source: as :func:`read_source` takes it; None for none.
        text: one for all images, or one for each; None for none.
        image: ``(C, h, w)`` of a source.
        least: smallest side of sources that may have any size; None where they have that one.

    Raises:
        UsageError: for what is no picture or no text.
    """
    columns: dict[str, Tensor] = {}
    if source is not None:
        columns[SOURCE] = read_source(source, image, least)
    if text is not None:
        texts = [text] * (1 if n is None else n) if isinstance(text, str) else text
        if not isinstance(texts, Sequence) or not all(isinstance(one, str) for one in texts):
            raise UsageError(f"text={text!r:.80} does not work: it is a text, or a list of one for each image")
        columns[TEXT] = encode_text(texts)
    return columns


def decode_text(rows: Tensor) -> list[str]:
    """The captions that :func:`encode_text` made bytes ``(n, LONGEST_TEXT)`` of; what is no UTF-8 is replaced."""
    return [bytes(row).rstrip(b"\0").decode(errors="replace") for row in rows.cpu().numpy()]


def signed(images: Tensor) -> Tensor:
    """uint8 or uint16 images of any shape as float32 in [-1, 1], as networks take them: ``x / 127.5 - 1``."""
    return images.float().div_(32767.5 if images.dtype is torch.uint16 else 127.5).sub_(1.0)


def read_source(source: Any, image: tuple[int, int, int], least: int | None = None) -> Tensor:
    """Source images as a person gives them, as float32 ``(n, C, H, W)`` in [-1, 1].

    Args:
        source: float images ``(n, C, H, W)`` or ``(C, H, W)`` in [0, 1], one picture, or several.
        image: ``(C, h, w)`` that the model takes.
        least: smallest side, for a model that takes any size; all images then have one.

    Raises:
        UsageError: for images of another size, or something else.
    """
    if isinstance(source, Tensor):
        images = source[None] if source.ndim == 3 else source
        if images.ndim == 4 and images.shape[1] == image[0]:
            image = sized(image, (images.shape[2], images.shape[3]), least)
        if images.ndim != 4 or images.shape[1:] != image:
            raise UsageError(
                f"source has shape {tuple(source.shape)}; this model takes (n, {', '.join(map(str, image))})"
            )
        if not images.is_floating_point() or (images.numel() and not 0 <= images.min() <= images.max() <= 1):
            raise UsageError("source holds floats in [0, 1]; divide bytes by 255")
        return images.detach().float().cpu() * 2 - 1
    pictures = [source] if hasattr(source, "convert") else source
    if not isinstance(pictures, Sequence) or not all(hasattr(picture, "convert") for picture in pictures):
        raise UsageError("source is a picture, a list of pictures, or a tensor (n, C, H, W) in [0, 1]")
    if pictures:
        image = sized(image, (pictures[0].height, pictures[0].width), least)
    return signed(torch.stack([_pixels(picture, image) for picture in pictures]))


def sized(image: tuple[int, int, int], shape: tuple[int, int], least: int | None) -> tuple[int, int, int]:
    """What sources of that height and width are to be like, for a model that takes ``image``, or any size.

    Args:
        image: ``(C, h, w)`` that the model takes.
        shape: height and width of the sources.
        least: smallest side of sources that may have any size; None where they have that of ``image``.

    Raises:
        UsageError: they are smaller.
    """
    if least is None:
        return image
    if min(shape) < least:
        raise UsageError(f"a source has {shape[1]} x {shape[0]} pixels; this model takes any from {least} x {least} up")
    return image[0], *shape


def _pixels(picture: Any, image: tuple[int, int, int]) -> Tensor:
    """Bytes ``(C, H, W)`` of a picture."""
    channels, height, width = image
    if channels not in MODES:
        raise UsageError(f"a picture has 1, 3 or 4 channels, and this model takes {channels}: give it a tensor")
    if picture.size != (width, height):
        raise UsageError(
            f"a picture has {picture.width} x {picture.height} pixels; this model takes {width} x {height}: cut it and "
            "resize it first (--resize does)"
        )
    pixels = np.asarray(picture.convert(MODES[channels]))
    return torch.from_numpy(pixels.copy()).reshape(height, width, channels).permute(2, 0, 1)


def cycled(examples: Mapping[str, Tensor], names: Collection[str], start: int, n: int) -> dict[str, Tensor]:
    """Rows ``start`` to ``start + n`` of examples, taken in a cycle: images float in [-1, 1], captions as bytes.

    Raises:
        UsageError: there are no examples, with what to give in their place.
    """
    missing = sorted(set(names) - examples.keys())
    if missing:
        raise UsageError(f"this model came without examples: give it {either([HOW.get(m, m) for m in missing], 'and')}")
    return {name: prepared(name, _rows(examples[name], start, n)) for name in names}


def _rows(column: Tensor, start: int, n: int) -> Tensor:
    return column[torch.arange(start, start + n) % len(column)]


def prepared(name: str, rows: Tensor) -> Tensor:
    """Rows of a column as networks take them: images in [-1, 1], texts as they are."""
    return rows if name == TEXT else signed(rows)


def reduced(rows: Tensor, image: tuple[int, int, int], source: tuple[int, int, int]) -> Tensor:
    """Source images ``(n, C, H, W)`` as large as images, as those of data are, at the size that a model takes.

    A model that enlarges pictures takes smaller ones, whose pixels are the means of the large one's.
    """
    if rows.shape[1:] != image or image == source:
        return rows
    return F.interpolate(rows, size=source[1:], mode="area")


def refuse_needless(inputs: Collection[str], given: Mapping[str, Any]) -> None:
    """Refuse inputs that a model does not have.

    Args:
        inputs: names of the model's inputs.
        given: by name, what a person gave; None for nothing.

    Raises:
        UsageError: naming the needless one, and the model's own.
    """
    for name, value in given.items():
        if value is not None and name not in inputs:
            kinds = {NOISE: "noise", SOURCE: "source images", TEXT: "text"}
            wanted = either([kinds[key] for key in kinds if key in inputs], "and")
            raise UsageError(f"this model takes {wanted}, and no {kinds[name]}")


def panels(images: Tensor, examples: Mapping[str, Tensor]) -> tuple[Tensor, int]:
    """What a grid shows of images that were made from examples: each beside its source and its target.

    Args:
        images: bytes ``(n, C, H, W)``.
        examples: as ``GAN.examples`` has them.

    Returns:
        Bytes ``(m, C, H, W)``, and how many of them make a row. Without source images these are the images, 8 in a row,
        or as many as let each of a few texts have columns of its own.
    """
    if SOURCE not in examples:
        texts = len(examples.get(TEXT, ()))
        return images, texts * (WIDE // texts) if 0 < texts < WIDE else WIDE
    images = images[:COMPARED]
    named = [examples[SOURCE], images, *([examples[TARGET]] if TARGET in examples else [])]
    sides = [enlarged(_rows(column, 0, len(images)), images) for column in named]
    return torch.stack(sides, dim=1).flatten(0, 1), len(sides) * round(WIDE / len(sides))


def enlarged(rows: Tensor, images: Tensor) -> Tensor:
    """Bytes ``(n, C, h, w)`` as large as images ``(m, C, H, W)``: each pixel a block of its colour."""
    if rows.shape[2:] == images.shape[2:]:
        return rows
    high, wide = (torch.arange(n) * k // n for n, k in zip(images.shape[2:], rows.shape[2:], strict=True))
    return rows[:, :, high[:, None], wide]
