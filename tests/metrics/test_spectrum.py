"""Power spectra: against plain numpy, of images whose spectrum is known, and of shapes and kinds of images."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.metrics.spectrum import PowerSpectrum


def spectrum(images: Tensor, pieces: int = 100) -> tuple[Tensor, Tensor]:
    found = PowerSpectrum(*images.shape[2:])
    for piece in images.split(pieces):
        found.add(piece)
    return found.frequencies, found.power()


def in_numpy(images: np.ndarray) -> dict[int, float]:
    """The mean power of each ring of a height x width image, written as plainly as can be."""
    _, _, height, width = images.shape
    short = min(height, width)
    window = np.outer(*[np.sin(np.pi * np.arange(1, size + 1) / (size + 1)) ** 2 for size in (height, width)])
    rings: dict[int, list[float]] = {}
    for picture in images.reshape(-1, height, width).astype(float) / 255:
        centred = picture - np.average(picture, weights=window)
        power = np.abs(np.fft.fft2(centred * window)) ** 2 / np.sum(window**2)
        for y in range(height):
            for x in range(width):
                fy, fx = min(y, height - y) / height, min(x, width - x) / width
                rings.setdefault(int(np.rint(math.hypot(fy, fx) * short)), []).append(power[y, x])
    return {ring: float(np.mean(values)) for ring, values in rings.items()}


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 12, 20), (1, 9, 7)])
def test_it_is_that_of_plain_numpy(shape: tuple[int, int, int]) -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (3, *shape), generator=rng, dtype=torch.uint8)
    frequencies, power = spectrum(images, pieces=2)
    expected = in_numpy(images.numpy())
    short = min(shape[1:])
    assert frequencies.tolist() == [ring / short for ring in range(1, short // 2 + 1)]
    assert power.tolist() == pytest.approx([expected[ring] for ring in range(1, short // 2 + 1)], rel=1e-9)


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    rng = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (400, 1, 16, 16), generator=rng, dtype=torch.uint8)
    _, power = spectrum(noise)
    variance = (256**2 - 1) / 12 / 255**2
    assert power[1:].tolist() == pytest.approx([variance] * 7, rel=0.08)  # the mean that is taken away touches the 1st


def test_a_wave_stands_at_its_frequency_alone() -> None:
    x = torch.arange(32)
    wave = (127.5 + 100 * torch.cos(2 * math.pi * 6 / 32 * x)).round().byte().expand(1, 3, 32, 32)
    for images in (wave, wave.transpose(2, 3)):
        frequencies, power = spectrum(images)
        assert float(frequencies[power.argmax()]) == 6 / 32
        assert power[8:].max() < 1e-3 * power.max() and power[:3].max() < 1e-3 * power.max()


def test_a_plain_image_has_none_and_16_bits_have_what_is_seen_of_them() -> None:
    assert spectrum(torch.full((2, 3, 8, 8), 200, dtype=torch.uint8))[1].abs().max() < 1e-20
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 1, 8, 8), generator=rng, dtype=torch.uint8)
    wide = (images.int() * 257).to(torch.uint16)
    assert torch.equal(spectrum(wide)[1], spectrum(images)[1])
