"""LPIPS: a perceptual distance learned from what people found alike."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.metrics.instruments import Comparison
from ganzoo.metrics.weights import Published, fitted, read_state

NAME = "lpips-vgg16"
LINEAR_SHA256 = "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"
VGG_SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
SHA256 = sha256(f"{LINEAR_SHA256} {VGG_SHA256}".encode()).hexdigest()  # of both together
CHANNELS = (64, 128, 256, 512, 512)
ENDS = (4, 9, 16, 23, 30)  # the layers of VGG16 that follow the activations compared: relu 1_2 2_2 3_3 4_3 5_3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, images in [0, 1]
WORKS_WITHOUT = "the metrics l1, psnr and ssim need no weights"


def linear_layers() -> Published:
    """The file of LPIPS's own weights, version 0.1: 1,472 numbers."""
    return Published(
        what="the linear layers of LPIPS (VGG16, version 0.1)",
        file="weights-vgg16-lpips.pth",
        also=("vgg.pth",),
        sha256=LINEAR_SHA256,
        size=7_289,
        url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-vgg16-lpips.pth",
        variable="GANZOO_LPIPS",
        needed_by="lpips",
        instead=f"pip install lpips brings it; {WORKS_WITHOUT}",
        packaged=_of_package(),
    )


def vgg16() -> Published:
    """The file of VGG16's weights on ImageNet."""
    return Published(
        what="the weights of VGG16",
        file="vgg16-397923af.pth",
        sha256=VGG_SHA256,
        size=553_433_881,
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        variable="GANZOO_VGG16",
        needed_by="lpips",
        instead=WORKS_WITHOUT,
    )


def _of_package() -> Path | None:
    """The file that the package ``lpips`` of PyPI carries, where it is installed."""
    spec = find_spec("lpips")
    return Path(spec.origin).parent / "weights/v0.1/vgg.pth" if spec and spec.origin else None


class PerceptualDistance(nn.Module):
    """From two batches of images ``(B, 1 or 3, H, W)`` in [0, 255] to their distances ``(B,)``.

    At five depths of VGG16 the activations of each place are scaled to length 1, their squared differences weighted
    by channel, averaged over places, and summed over depths.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models.vgg import cfgs, make_layers

        self.features: Any = make_layers(cfgs["D"])  # without the classifier, which is nine tenths of VGG16
        self.weights = nn.ParameterList(nn.Parameter(torch.zeros(channels)) for channels in CHANNELS)
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, 255 * torch.tensor(values).view(1, 3, 1, 1))

    def load(self, linear: Mapping[str, Tensor], vgg: Mapping[str, Tensor]) -> None:
        """Take the numbers of both files, which are checked to be theirs.

        Raises:
            GanzooError: one holds the weights of another network.
        """
        like = {f"lin{k}.model.1.weight": torch.empty(1, n, 1, 1) for k, n in enumerate(CHANNELS)}
        for mine, theirs in zip(self.weights, fitted(linear, like, linear_layers().file).values(), strict=True):
            mine.data = theirs.flatten().float()
        own = {name.removeprefix("features."): t for name, t in vgg.items() if not name.startswith("classifier.")}
        self.features.load_state_dict(fitted(own, self.features.state_dict(), vgg16().file))

    def activations(self, x: Tensor) -> list[Tensor]:
        """The five maps of activations, each place of length 1."""
        found, x = [], (x.expand(-1, 3, -1, -1) - self.mean) / self.std
        for start, end in zip((0, *ENDS), ENDS, strict=False):
            x = self.features[start:end](x)
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances ``(B,)``, 0 for equal images."""
        levels = zip(self.activations(a), self.activations(b), self.weights, strict=True)
        return sum(((x - y).square() * w.view(1, -1, 1, 1)).sum(1).mean((1, 2)) for x, y, w in levels)  # type: ignore[return-value]


def lpips_is_here() -> bool:
    """Whether the weights of LPIPS are on this machine, so that nothing need be fetched for it."""
    return linear_layers().here() is not None and vgg16().here() is not None


@lru_cache(maxsize=1)
def open_lpips(resolution: int, device: torch.device) -> Comparison:
    """The comparison by LPIPS, with its weights: two files, found on this machine or fetched.

    Raises:
        GanzooError: they are not here and cannot be fetched.
    """
    linear, trunk = linear_layers().path(), vgg16().path()
    network = PerceptualDistance()
    network.load(read_state(linear), read_state(trunk))
    return Comparison(
        name=NAME,
        pixels=resolution,
        sha256=SHA256,
        measure=network.eval().requires_grad_(False).to(device),
        device=device,
    )
