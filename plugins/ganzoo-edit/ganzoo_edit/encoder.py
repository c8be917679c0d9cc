"""A network that guesses the noise of an image, trained on what the generator itself draws."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo import GanzooError
from ganzoo.cli.kit import cache_for, keep_tensors, kept_tensors, make_folder
from ganzoo.metrics import content_digest
from ganzoo_edit.manifold import Manifold

VERSION = 1  # raised when an encoder is made in another way
BATCH, RATE, WIDTH, WIDEST = 32, 1e-3, 32, 256
Progress = Callable[[int, int, float], None]


class Encoder(nn.Module):
    """From images and label vectors to noise: halvings down to 4x4, then two linear maps.

    Args:
        manifold: whose images it is for; only sizes are taken from it.
    """

    def __init__(self, manifold: Manifold) -> None:
        super().__init__()
        channels, height, breadth = manifold.size
        width, layers = WIDTH, []
        while min(height, breadth) > 4:
            layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.GroupNorm(8, width), nn.LeakyReLU(0.2)]
            channels, height, breadth, width = width, height // 2, breadth // 2, min(2 * width, WIDEST)
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        features = channels * height * breadth + manifold.classes
        self.head = nn.Sequential(nn.Linear(features, 512), nn.LeakyReLU(0.2), nn.Linear(512, manifold.z_dim))
        self.bounded = manifold.bounded

    def forward(self, images: Tensor, y: Tensor) -> Tensor:
        """Noise ``(n, z_dim)`` for images ``(n, C, H, W)`` in [0, 1] and label vectors ``(n, classes)``."""
        guess = self.head(torch.cat([self.trunk(2 * images - 1), y], 1))
        return torch.tanh(guess) if self.bounded else guess


def open_encoder(manifold: Manifold, steps: int, seconds: float, progress: Progress = lambda *_: None) -> Encoder:
    """The encoder of a model: from the cache, or trained now and kept there.

    Args:
        manifold: the model.
        steps: of training.
        seconds: after which training ends in any case; how good the encoder is then depends on the machine.
        progress: told step, steps and the loss, now and then.
    """
    path = cached(manifold, steps)
    encoder = _fresh(manifold)
    if path.is_file():
        with suppress(GanzooError, RuntimeError):  # damaged or foreign: made again
            encoder.load_state_dict(kept_tensors(path))
            return encoder.to(manifold.device).eval().requires_grad_(False)
    train(encoder.to(manifold.device), manifold, steps, seconds, progress)
    with suppress(GanzooError, OSError):  # a cache that cannot be written to is no error
        make_folder(path.parent)
        keep_tensors(path, encoder.state_dict())
    return encoder.eval().requires_grad_(False)


def cached(manifold: Manifold, steps: int) -> Path:
    """Where the encoder of a model is kept, by the sha256 of the generator's weights: in ``$GANZOO_CACHE/encoders``."""
    key = f"{VERSION} {steps} {manifold.bounded} {content_digest(manifold.state())}"
    return cache_for("encoders") / f"encoder-{sha256(key.encode()).hexdigest()[:32]}.safetensors"


def _fresh(manifold: Manifold) -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Encoder(manifold)


def train(encoder: Encoder, manifold: Manifold, steps: int, seconds: float, progress: Progress) -> int:
    """Teach the encoder to find noise whose image is the one it was shown; returns the steps taken.

    The loss is iGAN's (arXiv 1609.03552, section 3.1): the distance of the image drawn anew, here in pixels, on images
    that the generator drew itself, so that no data set is needed.
    """
    rng = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(encoder.parameters(), RATE, betas=(0.9, 0.99))
    begun, learned = time.monotonic(), torch.tensor(manifold.learned)
    for step in range(steps):
        z = manifold.G.prior(BATCH, rng).to(manifold.device)
        numbers = learned[torch.randint(len(learned), (BATCH,), generator=rng)] if len(learned) else None
        y = manifold.labels(numbers, BATCH)
        with torch.no_grad():
            images = manifold.draw(z, y)
        guess = encoder(images, y)
        distance = (manifold.draw(guess, y) - images).square().mean()
        optimizer.zero_grad(set_to_none=True)
        (distance + 0.01 * manifold.strain(guess).mean()).backward()
        optimizer.step()
        if step % 20 == 0:
            progress(step, steps, float(distance.detach()))
        if time.monotonic() - begun > seconds:
            return step + 1
    return steps
