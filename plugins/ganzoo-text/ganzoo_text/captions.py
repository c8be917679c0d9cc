"""Data with a caption for each image: made of class names, or written by somebody.

Which template or line an image gets is drawn from its number, so it is the same each time and for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from ganzoo import DataError, UsageError
from ganzoo.data import (
    LONGEST_TEXT,
    DataRequest,
    FolderPictures,
    ImageData,
    choose_split,
    collect_pictures,
    derive,
    encode_text,
    open_inner,
    quoted,
    to_path,
)

TEMPLATES = (
    "a photo of {}",
    "a picture of {}",
    "an image of {}",
    "a small photo of {}",
    "this is {}",
    "here we see {}",
    "one can see {}",
    "{}",
)
VOWELS = re.compile(r"[aeiou]|8|11(?!\d)|18(?!\d)", re.IGNORECASE)
LARGEST_TEXT = 1 << 16  # bytes of a .txt


def captions(argument: str, request: DataRequest) -> ImageData:
    """Captions made of the class names of any labelled data: captions:cifar10, captions:./folder, captions:hf:org/name.

    "a photo of a frog" and seven other templates, one for each image. Labels and class names stay.
    """
    data = open_inner(argument, request, "captions")
    if data.labels is None:
        raise DataError(f"captions are made of class names, and {data.name} has none: give labelled data")
    said = [template.format(thing(name)) for name in data.class_names for template in TEMPLATES]
    drawn = torch.tensor([derive(number) % len(TEMPLATES) for number in range(data.count)])
    return captioned_data(data, encode_text(said)[data.labels * len(TEMPLATES) + drawn], f"captions:{data.name}")


def thing(name: str) -> str:
    """A class's name with an article: ``n01_great-auk`` is "a n01 great auk"."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return f"an {words}" if VOWELS.match(words) else f"a {words}"


def captioned(argument: str, request: DataRequest) -> ImageData:
    """A folder with a .txt of the same name beside each picture: captioned:FOLDER; of several lines each image has one.

    Labels come from sub-folders, as those of any folder, which is taken whole, whatever the split.
    """
    if not argument:
        raise UsageError("captioned needs a folder: captioned:FOLDER, with cat.txt beside cat.png")
    folder = to_path(argument)
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; captioned:FOLDER has cat.txt beside cat.png")
    choose_split(f"captioned:{folder.resolve().name}", request.split, ("train", "test", "all"))
    pictures = FolderPictures(folder, known=(".txt",))
    lines = [read_lines(folder / PurePosixPath(name).with_suffix(".txt"), name) for name in pictures.names]
    data = collect_pictures(pictures, request, name=f"captioned:{folder.resolve().name}")
    kept = [own for name, own in zip(pictures.names, lines, strict=True) if name not in data.skipped]
    return captioned_data(data, encode_text([choose(own, number) for number, own in enumerate(kept)]), data.name)


def choose(lines: Sequence[str], number: int) -> str:
    """The line of image ``number``."""
    return lines[derive(number) % len(lines)]


def read_lines(path: Path, picture: str) -> list[str]:
    """The captions of a picture, one in each line.

    Raises:
        DataError: the file is missing, cannot be read, or holds no caption, or one that is too long.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_TEXT + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{quoted(picture)} has no caption: write one into {quoted(path.name)} beside it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"the caption {quoted(path)} cannot be read: {error}; it is a text in UTF-8") from None
    if len(data) > LARGEST_TEXT:
        raise DataError(f"{quoted(path)} is larger than {LARGEST_TEXT >> 10} kB: a line is one caption of the picture")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.split()]
    if not lines:
        raise DataError(f"{quoted(path)} is empty: write a caption into it, or several, one in each line")
    for line in lines:
        if len(line.encode()) > LONGEST_TEXT or "\0" in line:
            raise DataError(
                f"{quoted(path)}: {quoted(line, 40)} has {len(line.encode())} bytes; a caption has at most "
                f"{LONGEST_TEXT}, and no zeros"
            )
    return lines


def captioned_data(data: ImageData, text: Tensor, name: str) -> ImageData:
    """``data`` with a caption for each image, and a fingerprint of both."""
    kind = data.fingerprint.rpartition(":")[0]
    digest = sha256(data.fingerprint.encode() + text.numpy().tobytes()).hexdigest()
    return replace(data, name=name, paired={**data.paired, "text": text}, fingerprint=f"{kind}:{digest}")
