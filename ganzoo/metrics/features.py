"""Feature extractors by name: the networks whose features scores compare.

``inception-v3-compat`` is the graph that FID is defined on; any other name is a network of timm, with its weights.
``NAME:random`` leaves the weights untrained, for tests, and says so in every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganzoo.errors import GanzooError, UsageError, nearest
from ganzoo.metrics.instruments import Targets
from ganzoo.metrics.resize import RESIZES
from ganzoo.metrics.weights import (
    INCEPTION_SHA256,
    OFFLINE_NETWORK,
    content_digest,
    fitted,
    inception_weights,
    packaged,
    read_state,
)
from ganzoo.registry.about import install

INCEPTION = "inception-v3-compat"
RANDOM = ":random"
SMALLEST = 64  # pixels: below, a network of ImageNet sees next to nothing


@dataclass(frozen=True)
class FeatureNetwork:
    """A feature extractor: a network with its weights, its input size and its way of resizing.

    Attributes:
        name: as keys have it.
        pixels: side of its input.
        own: side that it was trained at.
        pretrained: whether its weights were trained.
        sha256: of its weights: of the published file for the Inception graph, else of their numbers.
        resize: how images are brought to its size; see :mod:`ganzoo.metrics.resize`.
        standard: whether a Fréchet distance on it is FID.
        classifies: whether it gives logits.
        module: from images ``(B, 3, pixels, pixels)`` in [0, 255] to features ``(B, d)`` and logits or None.
        device: where it is.
    """

    name: str
    pixels: int
    own: int
    pretrained: bool
    sha256: str
    resize: str
    standard: bool
    classifies: bool
    module: nn.Module
    device: torch.device

    @torch.no_grad()
    def __call__(self, images: Tensor, resize: str | None = None) -> tuple[Tensor, Tensor | None]:
        """Features ``(B, d)`` and logits of uint8 images ``(B, 1 or 3, H, W)``, float32 on the CPU.

        Always computed in float32: see ``tests/test_features.py`` for what bf16 does to a score.
        """
        x = images.to(self.device).float().expand(-1, 3, -1, -1)
        x = RESIZES[resize or self.resize](x, self.pixels).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, enabled=False):
            features, logits = self.module(x)
        return features.float().cpu(), None if logits is None else logits.float().cpu()

    def see(self, images: Tensor, resize: str, targets: Targets) -> tuple[Tensor, Tensor | None]:
        """As a call; ``targets``, which only comparisons of pairs need, are not fetched."""
        return self(images, resize)

    def record(self) -> dict[str, Any]:
        """Name, input size, ``pretrained`` and sha256, as a score's record has them."""
        return {"name": self.name, "input": self.pixels, "pretrained": self.pretrained, "sha256": self.sha256}

    @property
    def unusual_pixels(self) -> int | None:
        """Side of its input, if that is not the one it was trained at."""
        return None if self.pixels == self.own else self.pixels


@lru_cache(maxsize=2)
def open_network(
    name: str | None = None, resolution: int = 32, weights: Path | None = None, device: str | torch.device = "cpu"
) -> FeatureNetwork:
    """The feature network called ``name``, with its weights; the last ones stay open, for scores during training.

    Args:
        name: ``inception-v3-compat`` (the default), or a network of timm such as ``tf_efficientnet_lite0.in1k``;
            ``:random`` after it leaves it untrained.
        resolution: of the images: timm's networks are given twice that size, from 64 pixels up to what
            they were trained at.
        weights: a file with its weights; else they are found on this machine, or fetched.
        device: where it goes.

    Raises:
        UsageError: for an unknown name.
        GanzooError: the weights are not here and cannot be fetched, or are those of another network.
    """
    full = name or INCEPTION
    base, untrained = full.removesuffix(RANDOM), full.endswith(RANDOM)
    if untrained and weights is not None:
        raise UsageError(f"--features {full} takes no --weights: leave out one of the two")
    opener = _inception if base == INCEPTION else _timm
    with torch.random.fork_rng(devices=[]):  # building networks draws random numbers
        torch.manual_seed(0)
        return opener(base, untrained, resolution, weights, torch.device(device))


def _placed(module: nn.Module, pixels: int, device: torch.device) -> nn.Module:
    """The module in eval mode, channels last, batch norm folded into convolutions where that changes nothing."""
    module = module.eval().requires_grad_(False)
    # Order of registration is only a guess at order of execution, so the folded network is tried on random images,
    # and put back as it was where its features differ by more than rounding.
    probe = torch.rand(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        expected = module(probe)[0]
        undo = fold_batch_norms(module)
        if not torch.allclose(module(probe)[0], expected, rtol=1e-3, atol=1e-4 * expected.abs().amax().item()):
            for parent, child, original in reversed(undo):
                setattr(parent, child, original)
    return module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def fold_batch_norms(module: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Fold each batch norm that stands right behind a convolution into it, in place.

    What stands behind a convolution need not come after it, so callers compare outputs.

    Returns:
        Parent, name and module of all that was replaced, in order.
    """
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(module.modules()):
        children = list(parent.named_children())
        for (first, conv), (second, norm) in pairwise(children):
            if not (isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
                continue
            if conv.out_channels == norm.num_features:
                replaced += [(parent, first, conv), (parent, second, norm)]
                after = [getattr(norm, name) for name in ("drop", "act") if hasattr(norm, name)]  # timm's, with act
                setattr(parent, first, fuse_conv_bn_eval(conv, norm))
                setattr(parent, second, nn.Sequential(*after))
    return replaced


# --- the 2015 Inception graph -------------------------------------------------------------------------------


def _inception(
    name: str, untrained: bool, resolution: int, weights: Path | None, device: torch.device
) -> FeatureNetwork:
    state = None if untrained else read_state(inception_weights(weights))
    from ganzoo.metrics.inception import PIXELS, InceptionGraph

    graph = InceptionGraph()
    if state is not None:
        graph.network.load_state_dict(fitted(state, graph.network.state_dict(), name))
    return FeatureNetwork(
        name=name if state else name + RANDOM,
        pixels=PIXELS,
        own=PIXELS,
        pretrained=state is not None,
        sha256=INCEPTION_SHA256 if state else content_digest(graph.network.state_dict()),
        resize="tf1-bilinear",
        standard=state is not None,
        classifies=True,
        module=_placed(graph, PIXELS, device),
        device=device,
    )


# --- networks of timm ---------------------------------------------------------------------------------------


class _Timm(nn.Module):
    """A network of timm from images in [0, 255] to pooled features and logits."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        settings: Mapping[str, Any] = network.pretrained_cfg
        for key in ("mean", "std"):
            self.register_buffer(key, 255 * torch.tensor(settings[key]).reshape(1, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features ``(B, d)`` and logits ``(B, classes)`` of images ``(B, 3, H, W)``."""
        maps = self.network.forward_features((x - self.mean) / self.std)
        features = self.network.forward_head(maps, pre_logits=True)
        return features, self.network.get_classifier()(features) if self.network.num_classes else None


def _timm(name: str, untrained: bool, resolution: int, weights: Path | None, device: torch.device) -> FeatureNetwork:
    import timm

    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        close = ", ".join(nearest(name, [INCEPTION, OFFLINE_NETWORK, *timm.list_models()]))
        raise UsageError(f"no feature network is called {name!r}; nearest: {close}")
    try:
        network: Any = timm.create_model(name)
    except RuntimeError as error:  # an unknown tag
        close = ", ".join(nearest(name, timm.list_models(f"{architecture}.*", pretrained=True)))
        raise UsageError(f"{architecture} has no weights called {name!r}; it has {close}") from error
    settings = network.pretrained_cfg
    if not untrained:
        name = f"{architecture}.{settings['tag']}" if settings.get("tag") else architecture
        network.load_state_dict(_timm_state(name, network, weights))
    own = int(settings["input_size"][-1])
    pixels = own if settings.get("fixed_input_size") else min(own, max(SMALLEST, 2 * resolution))
    return FeatureNetwork(
        name=architecture + RANDOM if untrained else name,
        pixels=pixels,
        own=own,
        pretrained=not untrained,
        sha256=content_digest(network.state_dict()),
        resize="bilinear",
        standard=False,
        classifies=bool(network.num_classes),
        module=_placed(_Timm(network), pixels, device),
        device=device,
    )


def _timm_state(name: str, network: nn.Module, weights: Path | None) -> dict[str, Tensor]:
    """Weights from the file that was given, an installed package, or timm's own place on the Hub."""
    import timm

    file = weights or packaged(name)
    if file is not None:
        return fitted(read_state(file), network.state_dict(), file)
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # whatever the Hub's client, the network or a file's reader raises
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        hint = f"{install('offline')} brings them" if name == OFFLINE_NETWORK else f"use {OFFLINE_NETWORK}"
        raise GanzooError(
            f"the weights of {name} are not on this machine and cannot be fetched ({why});"
            f" name a file with --weights, or {hint}"
        ) from error
