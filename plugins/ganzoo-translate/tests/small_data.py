"""Small images, and folders of them, for the tests of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor


def pixels(n: int = 6, channels: int = 3, side: int = 16, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=rng)


def picture(path: Path, image: Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.permute(1, 2, 0).numpy().squeeze()).save(path)


def folder(path: Path, images: Tensor) -> Path:
    """A folder of PNGs 0.png, 1.png, ..."""
    for number, image in enumerate(images):
        picture(path / f"{number}.png", image)
    return path


def every(images: Any) -> Tensor:
    return images.fetch(torch.arange(images.shape[0]))
