"""Inputs of a model besides noise, from the command line: pictures to translate, and texts to draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ganzoo.cli.show import say
from ganzoo.errors import DataError, UsageError, either

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ganzoo.gan.gan import GAN


def replace_examples(gan: GAN, source: Path | None, resize: bool, texts: tuple[str, ...]) -> list[str]:
    """Put the given inputs in the place of the examples that a model came with.

    Args:
        gan: loaded.
        source: a picture or a folder of them.
        resize: cut pictures to the proportions of what the model takes and bring them to its size.
        texts: to draw.

    Returns:
        Names of the pictures, for what is made of each; none where none were given.

    Raises:
        UsageError: the model does not take it, or pictures have another size.
        DataError: a picture cannot be read.
    """
    from ganzoo.gan.inputs import SOURCE, TEXT, encode_text, refuse_needless

    refuse_needless(gan.input_names, {SOURCE: source, TEXT: texts or None})
    names = list[str]()
    if source is not None:
        pixels, names = read_pictures(source, resize, gan.source_image, gan.least_source)
        gan.examples, gan.sources_are_final = {SOURCE: pixels}, True
    if texts:
        gan.examples = {TEXT: encode_text(texts)}
    return names


def result_names(pictures: Sequence[str]) -> list[str]:
    """Names without suffix for what is made of pictures: theirs; with their suffix where two differ by it alone."""
    stems = [str(PurePosixPath(name).with_suffix("")) for name in pictures]
    counted = Counter(stem.lower() for stem in stems)
    names = [stem if counted[stem.lower()] == 1 else name for stem, name in zip(stems, pictures, strict=True)]
    return names if len(set(names)) == len(names) else list(pictures)


def _listed(path: Path) -> tuple[Path, list[str]]:
    """A folder and the names of the pictures in it, found as those of a data set are; what was left alone is said."""
    from ganzoo.data.formats import SHOWN
    from ganzoo.data.walk import left_alone, walk

    if not path.is_dir():
        return path.parent, [path.name]
    found = walk(path)
    for text in left_alone(str(path), found.left):
        say(f"note: {text}", err=True)
    if not found.names:
        raise UsageError(f"{path} holds no pictures ({SHOWN})")
    return path, found.names


def read_pictures(
    path: Path, resize: bool, image: tuple[int, int, int], least: int | None = None
) -> tuple[Tensor, list[str]]:
    """Bytes ``(n, C, H, W)`` of one picture, or of those of a folder in the order of their names; and the names.

    Args:
        path: of the picture or the folder.
        resize: whether pictures are cut and resized to the model's size.
        image: ``(C, H, W)`` that the model takes.
        least: smallest side of pictures that may have any size, if it is the same in all of a folder; None where they
            have the model's.

    Raises:
        UsageError: their size is not the model's, and they are not to be resized.
        DataError: there are none, or one cannot be read.
    """
    import numpy as np
    import torch

    from ganzoo.data.decode import UNREADABLE, central, cropped, open_picture, planes, upright, why
    from ganzoo.gan.inputs import MODES, sized
    from ganzoo.registry.sizes import height_width, size_of

    folder, names = _listed(path)
    channels, height, width = image
    if channels not in MODES:
        raise UsageError(f"pictures have {either(MODES)} channels, and images of this model {channels}")
    rows, parts, size = list["np.ndarray"](), dict[str, tuple[int, int]](), size_of(height, width)
    free = least is not None and not resize
    for name in names:
        file = folder / name
        try:
            with open_picture(file) as picture:
                shape = upright(picture)
                if free and not rows:
                    _, *side = sized(image, shape, least)
                    size = size_of(*side)
                if free and shape != height_width(size):
                    raise UsageError(
                        f"{file} has {shape[1]} x {shape[0]} pixels, and those before it have others: give pictures of"
                        f" several sizes one by one, or --resize brings all to {width} x {height}"
                    )
                if central(shape, size) != shape:
                    parts[name] = shape
                if not resize and not free and picture.size != (width, height):
                    to = "square" if width == height else "to its proportions"
                    raise UsageError(
                        f"{file} has {picture.width} x {picture.height} pixels, and this model takes {width} x"
                        f" {height}: --resize cuts it {to} and resizes it"
                    )
                rows.append(planes(picture, size, channels))
        except UNREADABLE as error:
            raise DataError(f"{file} cannot be read: {why(error)}") from error
    if parts:
        say(f"note: {cropped(str(path), parts, len(names), size)}", err=True)
    return torch.from_numpy(np.stack(rows)), names
