"""Pictures of tensors: PNG grids, GIF animations, and the animation of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ganzoo.files.write import atomic, make_folder

PAPER = 255  # the grey between the pictures of a grid


def to_uint8(images: Tensor, *, low: float) -> Tensor:
    """uint8 on the CPU of images of any shape whose values run from ``low`` to 1; what lies outside is cut off.

    Args:
        images: float.
        low: what black is: 0 for what ``sample`` gives, -1 for what networks give.
    """
    scaled = (images.detach().float().cpu() - low) * (255 / (1 - low))
    return scaled.round().clamp_(0, 255).byte()


def convert(images: Tensor, output: str) -> Any:
    """Images ``(N, C, H, W)`` in [0, 1] as ``"pt"`` (unchanged), ``"np"`` (float32 NHWC) or ``"pil"`` (a list)."""
    if output == "pt":
        return images
    if output == "np":
        return images.permute(0, 2, 3, 1).contiguous().numpy()
    return to_pil(to_uint8(images, low=0))


def to_pil(images: Tensor) -> list[Image.Image]:
    """Bytes ``(N, C, H, W)`` as pictures: grey for one plane, RGB for three, else the first plane in grey."""
    planes = images if images.shape[1] in (1, 3) else images[:, :1]
    arrays = planes.permute(0, 2, 3, 1).contiguous().numpy()
    return [Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array) for array in arrays]


def magnify(image: Image.Image, factor: int) -> Image.Image:
    """The picture with every pixel ``factor`` by ``factor`` times as large, and no new colours."""
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def fitting(width: int, aim: int = 560, most: int = 8) -> int:
    """The whole factor, at most ``most``, that brings ``width`` pixels closest to ``aim`` and never shrinks."""
    return max(1, min(most, round(aim / max(1, width))))


def grid(images: Tensor, columns: int = 8, pad: int = 2, scale: int | None = None) -> Image.Image:
    """Bytes ``(N, C, H, W)`` as one picture, row by row, on white.

    Args:
        images: uint8.
        columns: how many stand in a row; fewer images make a narrower grid.
        pad: pixels of white around each image, not magnified.
        scale: whole magnification; by default small images are magnified until a person can see them.
    """
    count, width = images.shape[0], images.shape[3]
    columns = max(1, min(columns, count))
    scale = fitting(columns * width) if scale is None else scale
    return tile([magnify(picture, scale) for picture in to_pil(images)], columns, pad)


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


def save_gif(pictures: Sequence[Image.Image], path: str | Path, milliseconds: int = 150, rest: int = 1500) -> None:
    """Write pictures of one size as an endless animation that rests on its last one; the same bytes every time."""
    frames = [picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT) for picture in pictures]
    durations = [milliseconds] * (len(frames) - 1) + [rest]
    with atomic(path) as temporary:
        frames[0].save(
            temporary, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False
        )


class Animation:
    """The frames of a training run as PNG files in a folder, and the animated GIF made of them.

    The folder is all its state, so a resumed run goes on with it; a frame of a step that is taken again is replaced
    by the same bytes.

    Args:
        folder: made with the first frame; its files are named by step.
        most: frames that the animation has at most, spread evenly over the training.
    """

    def __init__(self, folder: str | Path, most: int = 40) -> None:
        self.folder, self.most = Path(folder), most

    def add(self, image: Image.Image, step: int) -> None:
        """Keep the picture as the frame of ``step``."""
        make_folder(self.folder)
        save_png(image, self.folder / f"{step:08d}.png")

    def frames(self) -> list[Path]:
        """The files of the frames that the animation shows, oldest first; always with the first and the last."""
        files = sorted(self.folder.glob("[0-9]*.png"))
        if len(files) <= self.most:
            return files
        chosen = np.linspace(0, len(files) - 1, self.most).round().astype(int)
        return [files[index] for index in chosen]

    def write(self, path: str | Path) -> None:
        """Write the animation; without frames there is nothing to write."""
        pictures = []
        for file in self.frames():
            with Image.open(file) as image:
                pictures.append(image.copy())
        if pictures:
            save_gif(pictures, path)
