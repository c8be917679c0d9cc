"""The smallest images whose class can be seen: noise with one bright third of its rows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset


def stripes(labels: Tensor) -> Tensor:
    """Noisy 16 px images whose class says where the bright third of rows lies, uint8 ``(N, 1, 16, 16)``."""
    rng = torch.Generator().manual_seed(1)
    images = torch.randint(0, 60, (len(labels), 1, 16, 16), dtype=torch.uint8, generator=rng)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 5 * label : 5 * label + 5] += 150
    return images


class Striped(Dataset):
    """Stripes of three classes."""

    classes = ("top", "middle", "bottom")

    def __init__(self, count: int = 120) -> None:
        self.targets = [index % 3 for index in range(count)]
        self.images = stripes(torch.tensor(self.targets))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], self.targets[index]
