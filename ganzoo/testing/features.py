"""Checks of feature networks, with untrained weights: nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from unittest import SkipTest

import torch
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.folder.records import HASH
from ganzoo.metrics.extractor import Extractor, FeatureRequest
from ganzoo.metrics.features import NAMES, RANDOM, FeatureNetwork, open_network
from ganzoo.metrics.resize import RESIZES
from ganzoo.registry.entry import Entry
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect

COUNT, SIDE = 3, 16


def check_features(entry: Entry) -> None:
    """Finite features of every image, by itself, the same every time, of grey images and RGB ones.

    Raises:
        SkipTest: it opens networks of other names than its own, of which none is known here.
    """
    if NAMES in entry.provides:
        raise SkipTest(f"{entry.spelling} opens networks by their names: check those that you mean")
    for options in variants(entry):
        built = entry.load()(FeatureRequest(entry.name, SIDE, untrained=True), **options)
        expect(isinstance(built, Extractor), entry, "gives a ganzoo.metrics.Extractor")
        expect(built.resize in RESIZES, entry, f"its resize is one of {', '.join(RESIZES)}")
        expect(built.pixels > 0 and (built.own or 1) > 0, entry, "sees images of one pixel at least")
    network = _opened(entry)
    expect(HASH.fullmatch(network.sha256), entry, "has a sha256 of its weights, or leaves it empty")
    expect(not network.standard, entry, "untrained, it is not the graph that FID is defined on")
    for channels in (1, 3):
        _check_images(entry, network, _pictures(channels))
    _check_file(entry)


def _opened(entry: Entry) -> FeatureNetwork:
    """The network with untrained weights; with its own where it has none that could be trained."""
    network = open_network(f"{entry.spelling}{RANDOM}", SIDE)
    weights = any(True for _ in network.module.parameters())
    expect(not (weights and network.pretrained), entry, "untrained, it says that it is not pretrained")
    return network


def _pictures(channels: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (COUNT, channels, SIDE, SIDE), dtype=torch.uint8, generator=rng)


def _check_images(entry: Entry, network: FeatureNetwork, images: Tensor) -> None:
    features, logits = network(images)
    expect(features.ndim == 2 and len(features) == COUNT, entry, "gives features (B, d) of B images")
    expect(bool(features.isfinite().all()), entry, "gives finite features")
    expect(
        (logits is not None) == network.classifies, entry, "gives logits if, and only if, it says that it classifies"
    )
    expect(logits is None or (logits.ndim == 2 and len(logits) == COUNT), entry, "gives logits (B, classes)")
    again, alone = network(images)[0], torch.cat([network(one[None])[0] for one in images])
    expect(torch.equal(again, features), entry, "gives the same features again")
    scale = features.abs().amax().item()
    expect(
        torch.allclose(alone, features, rtol=1e-3, atol=1e-4 * scale),
        entry,
        "sees an image alone as it does in a batch",
    )
    expect(not torch.equal(features[0], features[1]), entry, "gives other features of other images")


def _check_file(entry: Entry) -> None:
    """A file of weights that is not there is refused, and not passed over."""
    nowhere = Path("there-is-no-such-file.safetensors")
    try:
        entry.load()(FeatureRequest(entry.name, SIDE, nowhere))
    except GanzooError as error:
        expect(nowhere.stem in str(error), entry, f"names the file of weights that it cannot read: {error}")
        return
    expect(False, entry, "refuses a file of weights that it cannot use: FeatureRequest.load does, where one was given")
