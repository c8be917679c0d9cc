"""Pictures of tensors: PNG grids, GIF animations, and the animation of a training run."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.files.write import atomic, make_folder

PAPER = 255  # the grey between the pictures of a grid
PROGRESS_PAGE, PROGRESS_COLOURS = (640, 400), 128  # width and height of a training's animation at most; of a picture
LARGEST_PROGRESS = 1_000_000  # bytes of its file
DARK, LIGHT = 153, 204  # the greys of the checkerboard that is seen through what is transparent


def to_uint8(images: Tensor, *, low: float) -> Tensor:
    """uint8 on the CPU of images of any shape whose values run from ``low`` to 1; what lies outside is cut off.

    Args:
        images: float.
        low: what black is: 0 for what ``sample`` gives, -1 for what networks give.
    """
    scaled = (images.detach().float().cpu() - low) * (255 / (1 - low))
    return scaled.round().clamp_(0, 255).byte()


def to_levels(images: Tensor, *, low: float, bits: int) -> Tensor:
    """As :func:`to_uint8`, and uint16 for images of 16 bits."""
    if bits == 8:
        return to_uint8(images, low=low)
    scaled = (images.detach().float().cpu() - low) * (65535 / (1 - low))
    return scaled.round().clamp_(0, 65535).int().to(torch.uint16)


def to_bytes(images: Tensor) -> Tensor:
    """uint8 of images of 8 or 16 bits, of any shape: of the latter the high byte, rounded."""
    if images.dtype != torch.uint16:
        return images
    return images.int().add_(128).div_(257, rounding_mode="floor").byte()


def convert(images: Tensor, output: str, bits: int = 8) -> Any:
    """Images ``(N, C, H, W)`` in [0, 1] as ``"pt"`` (unchanged), ``"np"`` (float32 NHWC) or ``"pil"`` (a list)."""
    if output == "pt":
        return images
    if output == "np":
        return images.permute(0, 2, 3, 1).contiguous().numpy()
    return to_pil(to_levels(images, low=0, bits=bits))


def to_pil(images: Tensor) -> list[Image.Image]:
    """Images ``(N, C, H, W)``, uint8 or uint16, as pictures: grey for one channel, RGB for three, RGBA for four.

    Of other numbers of channels the first three are shown, or of two the first. Grey keeps its 16 bits (mode
    ``I;16``); colour cannot, as pictures of Pillow have 8 bits of each: :func:`save_picture` writes 16.
    """
    planes = first_channels(images)
    arrays = (planes if planes.shape[1] == 1 else to_bytes(planes)).permute(0, 2, 3, 1).contiguous().numpy()
    return [Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array) for array in arrays]


# --- what cannot be seen as it is ---------------------------------------------------------------------------


def first_channels(images: Tensor) -> Tensor:
    """Those of images ``(N, C, H, W)`` that a picture can have: 1, 3 or 4, else the first 3, of 2 the 1st."""
    channels = images.shape[1]
    return images if channels in (1, 3, 4) else images[:, : 3 if channels > 3 else 1]


def visible(images: Tensor) -> Tensor:
    """What people and feature networks are shown of images ``(N, C, H, W)``, uint8 or uint16: bytes, grey or RGB.

    Grey and RGB of 8 bits are given back as they are; ``ganzoo.registry.sizes.shown_as`` says what happens to others.
    """
    planes = to_bytes(first_channels(images))
    if planes.shape[1] != 4:
        return planes
    height, width = planes.shape[2:]
    rows, columns = torch.arange(height, device=planes.device), torch.arange(width, device=planes.device)
    square = max(1, min(height, width) // 8)
    odd = (rows[:, None] // square + columns[None, :] // square) % 2
    board = torch.where(odd == 0, DARK, LIGHT)
    colours, alpha = planes[:, :3].int(), planes[:, 3:].int()
    return ((colours * alpha + board * (255 - alpha)) / 255).round().byte()


def magnify(image: Image.Image, factor: int) -> Image.Image:
    """The picture with every pixel ``factor`` by ``factor`` times as large, and no new colours."""
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def fitting(width: int, aim: int = 560, most: int = 8) -> int:
    """The whole factor, at most ``most``, that brings ``width`` pixels closest to ``aim`` and never shrinks."""
    return max(1, min(most, round(aim / max(1, width))))


def grid(images: Tensor, columns: int = 8, pad: int = 2, scale: int | None = None) -> Image.Image:
    """Images ``(N, C, H, W)`` as one picture, row by row, on white: what of them is :func:`visible`.

    Args:
        images: uint8 or uint16.
        columns: how many stand in a row; fewer images make a narrower grid.
        pad: pixels of white around each image, not magnified.
        scale: whole magnification; by default small images are magnified until a person can see them.
    """
    count, width = images.shape[0], images.shape[3]
    columns = max(1, min(columns, count))
    scale = fitting(columns * width) if scale is None else scale
    return tile([magnify(picture, scale) for picture in to_pil(visible(images))], columns, pad)


def tile(pictures: Sequence[Image.Image], columns: int, pad: int = 2) -> Image.Image:
    """Pictures of one size and mode, row by row on white."""
    width, height = (pictures[0].width + pad, pictures[0].height + pad)
    rows = -(-len(pictures) // columns)
    colour = PAPER if pictures[0].mode == "L" else (PAPER,) * 3
    sheet = Image.new(pictures[0].mode, (columns * width + pad, rows * height + pad), colour)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        sheet.paste(picture, (pad + column * width, pad + row * height))
    return sheet


def save_png(image: Image.Image, path: str | Path) -> None:
    """Write a PNG in one piece. The same picture gives the same bytes: no date, no text, fixed compression."""
    with atomic(path) as temporary:
        # Below level 7 the bytes of zlib-ng, which Pillow brings, can depend on what memory held (its issue 2100).
        image.save(temporary, format="PNG", compress_level=7, optimize=False)


def save_picture(image: Tensor, path: str | Path) -> None:
    """Write an image ``(C, H, W)``, uint8 or uint16, as a PNG of its channels and bits, in one piece.

    One channel is grey, three are RGB, four RGBA; of others see :func:`first_channels`.
    """
    planes = first_channels(image[None])
    if planes.dtype != torch.uint16 or planes.shape[1] == 1:
        save_png(to_pil(planes)[0], path)
        return
    _, channels, height, width = planes.shape
    rows = planes[0].permute(1, 2, 0).contiguous().numpy().astype(">u2").reshape(height, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)  # each line unfiltered
    # Pillow has no colour of 16 bits; the format is simple where nothing is filtered, interlaced or indexed.
    header = struct.pack(">II", width, height) + bytes([16, 2 if channels == 3 else 6, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines, 7)), (b"IEND", b"")]
    with atomic(path) as temporary, Path(temporary).open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, content in chunks:
            checksum = struct.pack(">I", zlib.crc32(name + content))
            file.write(struct.pack(">I", len(content)) + name + content + checksum)


def save_gif(pictures: Sequence[Image.Image], path: str | Path, milliseconds: int = 150, rest: int = 1500) -> None:
    """Write pictures of one size as an endless animation; the same bytes every time.

    Args:
        pictures: in order.
        path: of the GIF.
        milliseconds: that each is shown.
        rest: milliseconds that the last one is shown.
    """
    data = gif_bytes(pictures, milliseconds, rest)
    with atomic(path) as temporary:
        Path(temporary).write_bytes(data)


def gif_bytes(pictures: Sequence[Image.Image], milliseconds: int = 150, rest: int = 1500, colours: int = 256) -> bytes:
    """The file that :func:`save_gif` writes, each of its pictures in so many colours at most."""
    frames = [picture.convert("RGB").quantize(colours, Image.Quantize.MEDIANCUT) for picture in pictures]
    durations = [milliseconds] * (len(frames) - 1) + [rest]
    file = io.BytesIO()
    frames[0].save(
        file, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False
    )
    return file.getvalue()


def save_progress(pictures: Sequence[Image.Image], path: str | Path, most: int = 16) -> None:
    """Write the pictures of a training as an animation whose file is small, whatever they show.

    Everybody who loads the model fetches it, so it has few pictures, spread evenly, of 128 colours each: with fewer the
    skies of photographs get steps. Where they would still be too many bytes, there are fewer of them.

    Args:
        pictures: in order; the first and the last are shown. Larger ones are cut at the bottom to the size of the
            smallest, and all are shrunk to fit a page.
        path: of the GIF, of :data:`LARGEST_PROGRESS` bytes at most.
        most: pictures that are shown.
    """
    size = min(picture.width for picture in pictures), min(picture.height for picture in pictures)
    share = min(1.0, *(page / side for page, side in zip(PROGRESS_PAGE, size, strict=True)))
    fitted = max(1, round(size[0] * share)), max(1, round(size[1] * share))
    count = min(len(pictures), most)
    while True:
        chosen = [pictures[index].crop((0, 0, *size)) for index in evenly(len(pictures), count)]
        if share < 1:
            chosen = [picture.convert("RGB").resize(fitted, Image.Resampling.LANCZOS) for picture in chosen]
        data = gif_bytes(chosen, colours=PROGRESS_COLOURS)
        if len(data) <= LARGEST_PROGRESS or count <= 2:
            break
        count = max(2, min(count - 1, int(count * LARGEST_PROGRESS / len(data))))
    with atomic(path) as temporary:
        Path(temporary).write_bytes(data)


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers below ``count``, spread evenly, with the first and the last."""
    if count <= most:
        return list(range(count))
    return [int(index) for index in np.linspace(0, count - 1, most).round()]


class Animation:
    """The frames of a training run as PNG files in a folder, and the animated GIF made of them.

    The folder is all its state, so a resumed run goes on with it; a frame of a step that is taken again is replaced
    by the same bytes.

    Args:
        folder: made with the first frame; its files are named by step.
        most: frames that the animation has at most, spread evenly over the training.
    """

    def __init__(self, folder: str | Path, most: int = 16) -> None:
        self.folder, self.most = Path(folder), most

    def add(self, image: Image.Image, step: int) -> None:
        """Keep the picture as the frame of ``step``."""
        make_folder(self.folder)
        save_png(image, self.folder / f"{step:08d}.png")

    def frames(self) -> list[Path]:
        """The files of the frames that the animation shows, oldest first; always with the first and the last."""
        files = sorted(self.folder.glob("[0-9]*.png"))
        return [files[index] for index in evenly(len(files), self.most)]

    def write(self, path: str | Path) -> None:
        """Write the animation; without frames there is nothing to write."""
        pictures = []
        for file in self.frames():
            with Image.open(file) as image:
                pictures.append(image.copy())
        if pictures:
            save_progress(pictures, path, self.most)
