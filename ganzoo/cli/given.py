"""Inputs of a model besides noise, from the command line: pictures to translate, and texts to draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError, UsageError, either

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN


def replace_examples(gan: GAN, source: Path | None, resize: bool, texts: tuple[str, ...]) -> int | None:
    """Put the given inputs in the place of the examples that a model came with.

    Args:
        gan: loaded.
        source: a picture or a folder of them.
        resize: cut pictures to the proportions of the model's images and bring them to its size.
        texts: to draw.

    Returns:
        How many pictures there are; None where none were given.

    Raises:
        UsageError: the model does not take it, or pictures have another size.
        DataError: a picture cannot be read.
    """
    from ganzoo.gan.inputs import SOURCE, TEXT, encode_text, refuse_needless

    refuse_needless(gan.input_names, {SOURCE: source, TEXT: texts or None})
    if source is not None:
        gan.examples = {SOURCE: read_pictures(source, resize, gan.image)}
    if texts:
        gan.examples = {TEXT: encode_text(texts)}
    return None if source is None else len(gan.examples[SOURCE])


def read_pictures(path: Path, resize: bool, image: tuple[int, int, int]) -> Tensor:
    """Bytes ``(n, C, H, W)`` of one picture, or of those of a folder in the order of their names.

    Raises:
        UsageError: their size is not the model's, and they are not to be resized.
        DataError: there are none, or one cannot be read.
    """
    import numpy as np
    import torch

    from ganzoo.data.decode import SUFFIXES, UNREADABLE, open_picture, planes, why
    from ganzoo.gan.inputs import MODES

    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise UsageError(f"{path} holds no pictures ({' '.join(sorted(SUFFIXES))})")
    channels, height, width = image
    if channels not in MODES:
        raise UsageError(f"pictures have {either(MODES)} channels, and images of this model {channels}")
    rows = []
    for file in files:
        try:
            picture = open_picture(file)
            if not resize and picture.size != (width, height):
                to = "square" if width == height else "to its proportions"
                raise UsageError(
                    f"{file} has {picture.width} x {picture.height} pixels, and this model takes {width} x"
                    f" {height}: --resize cuts it {to} and resizes it"
                )
            rows.append(planes(picture, (height, width), channels))
        except UNREADABLE as error:
            raise DataError(f"{file} cannot be read: {why(error)}") from error
    return torch.from_numpy(np.stack(rows))
