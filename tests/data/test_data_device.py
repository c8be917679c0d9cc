"""A data set on the device hands out the batches of the host."""

from __future__ import annotations

import numpy as np
import torch

from ganzoo.data import Stream, resident
from ganzoo.data.device import DeviceImages
from ganzoo.data.images import LazyImages, MemoryImages
from ganzoo.machine.precision import Precision

CPU = torch.device("cpu")


def stream(images=None, **more) -> Stream:
    pixels = torch.randint(256, (10, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = images or MemoryImages(pixels)
    columns = {"paired": {"mask": MemoryImages(255 - pixels)}, "unpaired": {"b": MemoryImages(pixels // 2)}}
    return Stream(images, torch.arange(10) % 3, 4, seed=5, flip=True, **{**columns, **more})


def test_the_batches_are_those_of_the_host():
    host, there = stream(), resident(stream(), CPU, free=1 << 20)
    assert isinstance(there.pictures["image"], DeviceImages)
    for index in range(6):
        ours, theirs = there.batch(index), host.batch(index)
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_what_does_not_fit_or_is_decoded_on_demand_stays_where_it_is():
    crowded = stream()
    assert resident(crowded, CPU, free=100) is crowded
    assert resident(crowded, CPU) is crowded  # a CPU has it already
    lazy = stream(LazyImages((10, 3, 4, 4), lambda index: np.zeros((3, 4, 4), np.uint8)))
    assert resident(lazy, CPU, free=1 << 20) is lazy


def test_a_batch_is_sent_with_its_images_channels_last():
    batch = Precision(CPU, torch.float32).send(stream().batch(0))
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch["image"], stream().batch(0)["image"]) and batch["label"].dtype == torch.int64
