"""Networks of timm as feature extractors, by timm's names. It is imported when one is built: it costs seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError, UnknownPart, UsageError, nearest
from ganzoo.files.hub_cache import intact, remove
from ganzoo.metrics.extractor import Extractor, FeatureRequest
from ganzoo.metrics.weights import OFFLINE_NETWORK, PACKAGES, content_digest, fitted, packaged, read_state
from ganzoo.registry.about import install
from ganzoo.registry.loading import registry

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")  # what timm's repositories on the Hub call them
SMALLEST = 64  # pixels: below, a network of ImageNet sees next to nothing


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

    def maps(self, x: Tensor) -> list[Tensor]:
        """The last maps ``(B, C, h, w)`` of each size, the largest first, of images ``(B, 3, H, W)``."""
        made = self.network.forward_intermediates((x - self.mean) / self.std, intermediates_only=True)
        return list({each.shape[2:]: each for each in made}.values())


def image_model(request: FeatureRequest) -> Extractor:
    """Any network of timm, by timm's own name, such as ``tf_efficientnet_lite0.in1k``."""
    import timm

    name = request.name
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        others = [entry.name for entry in registry().entries("features")]
        close = ", ".join(nearest(name, [*others, OFFLINE_NETWORK, *timm.list_models()]))
        raise UnknownPart(f"no feature network is called {name!r}; nearest: {close}")
    try:
        network: Any = timm.create_model(name)
    except RuntimeError as error:  # an unknown tag
        close = ", ".join(nearest(name, timm.list_models(f"{architecture}.*", pretrained=True)))
        raise UsageError(f"{architecture} has no weights called {name!r}; it has {close}") from error
    settings = network.pretrained_cfg
    if not request.untrained:
        name = f"{architecture}.{settings['tag']}" if settings.get("tag") else architecture
        network.load_state_dict(_state(name, network, request.weights))
    own = int(settings["input_size"][-1])
    return Extractor(
        module=_Timm(network),
        pixels=own if settings.get("fixed_input_size") else min(own, max(SMALLEST, 2 * request.resolution)),
        own=own,
        pretrained=not request.untrained,
        sha256=content_digest(network.state_dict()),
        classifies=bool(network.num_classes),
        name=architecture if request.untrained else name,
    )


def _state(name: str, network: nn.Module, weights: Path | None) -> dict[str, Tensor]:
    """Weights from the file that was given, an installed package, or timm's own place on the Hub."""
    import timm

    file = weights or packaged(name)
    if file is not None:
        return fitted(read_state(file), network.state_dict(), file)
    settings: Any = network.pretrained_cfg
    try:
        _damaged(settings)  # what lies in the cache damaged is gone now, so that it is fetched
        state = timm.create_model(name, pretrained=True).state_dict()
        if _damaged(settings):
            raise GanzooError("what arrives is not what the Hub lists, and is not kept")
        return state
    except Exception as error:  # whatever the Hub's client, the network or a file's reader raises
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        hint = f"{install('offline')} brings them" if name in PACKAGES else f"use {OFFLINE_NETWORK}"
        raise GanzooError(
            f"the weights of {name} are not on this machine and cannot be fetched ({why});"
            f" ganzoo eval --weights takes a file, or {hint}"
        ) from error


def _damaged(settings: Mapping[str, Any]) -> list[Path]:
    """Files of a network in the Hub's cache that are not what they are stored as; they are taken out of it."""
    from huggingface_hub import try_to_load_from_cache

    repo = settings.get("hf_hub_id")
    names = (settings.get("hf_hub_filename"), *WEIGHT_FILES)
    found = [try_to_load_from_cache(repo, name) for name in dict.fromkeys(names) if name] if repo else []
    damaged = [Path(path) for path in found if isinstance(path, str) and not intact(Path(path))]
    for path in damaged:
        remove(path)
    return damaged
