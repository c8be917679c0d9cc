"""Tiny models, made once, and a cache that is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ganzoo

SIDE = 16


def colours(channels: int) -> torch.Tensor:
    """64 pictures of two colours, one above the other, bytes ``(64, C, 16, 16)``."""
    rng = torch.Generator().manual_seed(0)
    top, bottom = torch.randint(0, 256, (2, 64, channels, 1, 1), generator=rng, dtype=torch.uint8)
    return torch.cat([top.expand(-1, -1, 8, SIDE), bottom.expand(-1, -1, 8, SIDE)], 2).contiguous()


class Labelled(torch.utils.data.Dataset):
    """The same with a class for each: whether the upper half is the brighter one."""

    classes = ("dark sky", "bright sky")

    def __init__(self) -> None:
        self.images = colours(3)
        self.labels = (self.images[:, :, 0].float().mean((1, 2)) > self.images[:, :, -1].float().mean((1, 2))).long()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], int(self.labels[index])


def trained(folder: Path, recipe: str, data: object, **settings: object) -> Path:
    """A run of a few steps: enough for images that noise moves."""
    ganzoo.train(recipe, data, folder, steps=40, batch=16, settings=settings, device="cpu", quiet=True, guard="off")
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Run folders by kind: colour, grey (with noise in a cube), classes."""
    home = tmp_path_factory.mktemp("models")
    fast = {"lr.g": 4e-3, "lr.d": 2e-3, "ema": 0.0}
    return {
        "colour": trained(home / "colour", "dcgan:ch=8", colours(3), **fast),
        "grey": trained(home / "grey", "dcgan:ch=8", colours(1), prior="uniform", **fast),
        "classes": trained(home / "classes", "cgan:ch=8", Labelled(), **fast),
    }


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes a person's cache."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
