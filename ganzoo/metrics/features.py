"""Feature extractors by name: the networks whose features scores compare, parts of the kind ``features``.

``inception-v3-compat`` is the graph that FID is defined on; a name that no part has is a network of timm. Options come
behind a ``:``, as in ``clip:tokens=true``. ``NAME:random`` leaves the weights untrained, for tests, and says so in
every key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganzoo.errors import PluginError, RecipeError, UnknownPart, UsageError, either, read_text
from ganzoo.gan.arguments import read_device
from ganzoo.gan.gan import GAN
from ganzoo.metrics.extractor import Extractor, FeatureRequest, Seen
from ganzoo.metrics.instruments import Targets
from ganzoo.metrics.resize import RESIZES
from ganzoo.metrics.weights import INCEPTION_SHA256, content_digest
from ganzoo.metrics.words import configured
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import known_provider
from ganzoo.registry.recipe import Part

DEFAULT = "inception-v3-compat"
RANDOM = ":random"
NAMES = "names"  # provided by a part that opens networks of other names than its own


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
            features, logits = _both(self.module(x))
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


def open_network(
    name: str | None = None, resolution: int = 32, weights: Path | None = None, device: str | torch.device = "cpu"
) -> FeatureNetwork:
    """The feature network called ``name``, with its weights; the last ones stay open, for scores during training.

    Args:
        name: of a part of kind ``features``, with its options: ``inception-v3-compat`` by default; or of a network of
            timm such as ``tf_efficientnet_lite0.in1k``; ``:random`` after it leaves it untrained.
        resolution: of the images: timm's networks are given twice that size, from 64 pixels up to what
            they were trained at.
        weights: a file with its weights; else they are found on this machine, or fetched.
        device: where it goes.

    Raises:
        UsageError: for an unknown name or option; before anything is fetched.
        GanzooError: the weights are not here and cannot be fetched, or are those of another network.
    """
    full, where = read_text("features", name or DEFAULT, DEFAULT), read_device(device)
    base, untrained = full.removesuffix(RANDOM), full.endswith(RANDOM)
    if untrained and weights is not None:
        raise UsageError(f"--features {full} takes no --weights: leave out one of the two")
    try:
        part = Part.parse(base)
    except RecipeError as error:
        raise UsageError(f"no feature network is called {base!r}: {error}") from error
    request = FeatureRequest(part.name, resolution, weights, untrained)
    unknown: UnknownPart | None = None
    for entry in candidates(part):
        try:
            return opened(entry, part, request, where)
        except UnknownPart as error:  # a part that opens many names, and not this one
            unknown = unknown or error
    assert unknown is not None
    raise unknown


def candidates(part: Part) -> Iterator[Entry]:
    """The part of that name; or, where none is known, those that open networks of other names than their own.

    Raises:
        UnknownPart: there is none, or a package that is not installed is known to bring it.
    """
    try:
        yield registry().find(part.spelling, ("features",), what="feature network")
    except UnknownPart:
        others = [entry for entry in registry().entries("features") if NAMES in entry.provides]
        if not others or known_provider("features", part.name):
            raise
        yield from others


@lru_cache(maxsize=2)
def opened(entry: Entry, part: Part, request: FeatureRequest, device: torch.device) -> FeatureNetwork:
    """A feature network as its part builds it.

    Args:
        entry: of kind ``features``.
        part: its name as it was asked for, and options.
        request: what its builder is asked for.
        device: where it goes.

    Raises:
        UnknownPart: the part opens networks of many names, and has none of this one.
        UsageError: for an option that it does not have, or has no value of that kind for.
        PluginError: it gives something else than an :class:`~ganzoo.metrics.Extractor` that can be used.
    """
    values, written = configured(entry, part)
    with torch.random.fork_rng(devices=[]):  # building networks draws random numbers
        torch.manual_seed(0)
        found = checked(entry, entry.load()(request, **values))
        if request.untrained and found.pretrained:
            raise UsageError(f"{written} has no untrained form: leave out {RANDOM}")
        name = found.name or written
        return FeatureNetwork(
            name=name if found.pretrained else name + RANDOM,
            pixels=found.pixels,
            own=found.own or found.pixels,
            pretrained=found.pretrained,
            sha256=(digest := found.sha256 or content_digest(found.module.state_dict())),
            resize=found.resize,
            standard=digest == INCEPTION_SHA256,
            classifies=found.classifies,
            module=_placed(found.module, found.pixels, device),
            device=device,
        )


def checked(entry: Entry, found: object) -> Extractor:
    """What a part of kind ``features`` built, once it is known to be an extractor.

    Raises:
        PluginError: it is something else, or resizes in no known way.
    """
    if not isinstance(found, Extractor):
        raise PluginError(f"{entry.spelling} gives {type(found).__name__}, and not a ganzoo.metrics.Extractor")
    if found.resize not in RESIZES:
        raise PluginError(f"{entry.spelling} resizes by {found.resize!r}; there are {either(RESIZES, 'and')}")
    return found


def was_seen(name: str, gan: GAN) -> bool:
    """Whether the training of a model looked through a network of that name, with other options or weights of its kind.

    A score on it says less than it seems to: the generator learned from the same features.
    """

    def kind(network: str) -> tuple[str, bool]:
        return network.rpartition("/")[2].partition(":")[0].partition(".")[0], network.endswith(RANDOM)

    return kind(name) in map(kind, gan.looked_through)


def _both(seen: Seen) -> tuple[Tensor, Tensor | None]:
    """Features, and logits or None, whichever way a module gives them."""
    return seen if isinstance(seen, tuple) else (seen, None)


def _placed(module: nn.Module, pixels: int, device: torch.device) -> nn.Module:
    """The module in eval mode, channels last, batch norm folded into convolutions where that changes nothing."""
    module = module.eval().requires_grad_(False)
    # Order of registration is only a guess at order of execution, so the folded network is tried on random images,
    # and put back as it was where its features differ by more than rounding.
    probe = torch.rand(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        expected = _both(module(probe))[0]
        undo = fold_batch_norms(module)
        same = torch.allclose(_both(module(probe))[0], expected, rtol=1e-3, atol=1e-4 * expected.abs().amax().item())
        if not same:
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
