"""Perceptual path length: how much images change, to an eye, along a small step between two draws of the latents.

A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948), section
4.1: ``E[d(G(path(a, b; t)), G(path(a, b; t + ε))) / ε²]`` with t uniform in [0, 1] and ε = 1e-4; the path is an arc in
normal z, and straight in uniform z and in w. The distance d is LPIPS on VGG16 where its weights are on this machine;
elsewhere the squared distance of features, each scaled to length 1, of the network that needs no download.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import UsageError
from ganzoo.gan.draw import in_pieces
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.priors import PATHS
from ganzoo.metrics.features import open_network
from ganzoo.metrics.instruments import Instrument
from ganzoo.metrics.lpips import NAME as LPIPS
from ganzoo.metrics.lpips import SHA256, linear_layers, open_lpips, vgg16
from ganzoo.metrics.metric import Experiment, Value
from ganzoo.metrics.paired import LPIPS_SMALLEST
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.seeding import derive

Distance = Callable[[Tensor, Tensor], Tensor]
"""From two batches of images, float ``(B, 1 or 3, H, W)`` in [0, 255], to a number for each pair, ``(B,)``."""


class PathLength(Experiment):
    """Perceptual path length: how much images change in a small step between draws, over its square; lower is better.

    ``E[d(G(path(t)), G(path(t + ε)))/ε²]`` over pairs of draws and t in [0, 1].

    Karras et al. 2019 (arXiv:1812.04948), full paths: ``ppl-z`` in z, and ``ppl-w`` where the generator has w. Keys say
    what looks: ``lpips-vgg16``, as in the paper, where its weights are here, else a feature network, whose numbers are
    others. Images keep their size, and no draw is left out. The paper draws 100,000 pairs.

    Args:
        step: ε, the length of the step along the path from 0 to 1.
    """

    def __init__(self, *, step: float = 1e-4) -> None:
        if not 1e-6 <= step <= 0.1:
            raise UsageError(f"ppl:step={step:g} does not work: it is a number from 1e-6 to 0.1")
        self.step = step

    def instrument(self, resolution: int) -> Instrument:
        """LPIPS, or the feature network in its place."""
        if lpips_is_here(resolution):
            return Instrument(LPIPS, resolution, SHA256)
        network = open_network(OFFLINE_NETWORK, resolution)
        return Instrument(network.name, network.pixels, network.sha256, pretrained=network.pretrained)

    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model that draws from other things than noise and labels.

        Raises:
            UsageError: it does.
        """
        if gan.input_names != {NOISE}:
            raise UsageError("ppl walks between draws of noise, and this model draws from other things")

    @torch.no_grad()
    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> Mapping[str, Value]:
        """Path lengths by name; ``data`` is not looked at."""
        generator: Any = gan.get_submodule("G")
        distance = opened_distance(min(gan.image[1:]), next(generator.parameters()).device)
        rng = torch.Generator().manual_seed(derive("ppl", seed))
        found: dict[str, list[Tensor]] = {}
        for start in range(0, n, batch):
            count = min(batch, n - start)
            a, b = (gan.noise(count, derive("ppl", end, seed), start=start) for end in ("a", "b"))
            y = gan.label_vectors(gan.default_labels(count, start), count)
            t = torch.rand(count, 1, generator=rng, dtype=torch.float64)
            for name, walk in self._walks(gan, a, b, y).items():
                pair = [walk(t + step) for step in (0.0, self.step)]
                found.setdefault(name, []).append(distance(pair[0], pair[1]).double().cpu() / self.step**2)
        return {name: _value(torch.cat(lengths)) for name, lengths in found.items()}

    def _walks(self, gan: GAN, a: Tensor, b: Tensor, y: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
        """From places ``(B, 1)`` on the paths to images, by the name of the number."""
        generator: Any = gan.get_submodule("G")
        path: Any = PATHS[str(gan.plan["prior"])]

        def through_z(t: Tensor) -> Tensor:
            return _seen(in_pieces(generator, generator, (path(a.double(), b.double(), t), y), len(a)))

        def through_w(t: Tensor) -> Tensor:
            w = torch.lerp(first.double(), last.double(), t[:, :, None])
            return _seen(in_pieces(generator, generator.synthesis, (w,), len(a)))

        if not gan.has_w:
            return {"ppl-z": through_z}
        first, last = gan.styles(a, y, len(a)), gan.styles(b, y, len(a))
        return {"ppl-z": through_z, "ppl-w": through_w}


def lpips_is_here(resolution: int) -> bool:
    """Whether both files of LPIPS are on this machine, and images large enough for VGG16."""
    return resolution >= LPIPS_SMALLEST and linear_layers().here() is not None and vgg16().here() is not None


def opened_distance(resolution: int, device: torch.device) -> Distance:
    """LPIPS where it is here, else the squared distance of features of length 1.

    Raises:
        GanzooError: the weights of that network are not here and cannot be fetched.
    """
    if lpips_is_here(resolution):
        measure = open_lpips(resolution, device).measure
        return lambda a, b: measure(a.to(device), b.to(device))
    network = open_network(OFFLINE_NETWORK, resolution, device=device)

    def apart(a: Tensor, b: Tensor) -> Tensor:
        one, other = (F.normalize(network(images)[0].double()) for images in (a, b))
        return (one - other).square().sum(1)

    return apart


def _seen(pieces: list[Tensor]) -> Tensor:
    """Images in [-1, 1], not cut off, as they are looked at: grey or RGB in [0, 255]."""
    images = torch.cat(pieces)
    return (images[:, : 3 if images.shape[1] >= 3 else 1] + 1) * 127.5


def _value(lengths: Tensor) -> Value:
    return Value(float(lengths.mean()), samples=len(lengths), details={"image_std": float(lengths.std(correction=0))})
