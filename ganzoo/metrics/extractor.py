"""What a part of kind ``features`` is asked for, and what it gives: a network that metrics look at images through.

A builder is called with a :class:`FeatureRequest`, and returns an :class:`Extractor`::

    def clip(request: FeatureRequest, *, tokens: bool = False) -> Extractor:
        "CLIP's image tower."
        module = Tower(tokens)
        if not (request.untrained or request.load(module)):
            module.load_state_dict(read_what_i_published())
        return Extractor(module, pixels=224, resize="bicubic", pretrained=not request.untrained)

    @ganzoo.hookimpl
    def register_features(register):
        register("clip", clip)

Then ``ganzoo eval --features clip``, or ``clip:tokens=true``, is scored with it; keys and records have its name, input
size and the sha256 of its weights. ``open_network("clip")`` opens it for whatever else looks at images, such as a
discriminator. What the builder needs it imports when it is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from ganzoo.metrics.weights import fitted, read_state

Seen = Tensor | tuple[Tensor, Tensor | None]
"""What a module gives of images: features ``(B, d)``; or these, and logits ``(B, classes)`` or None."""


@dataclass(frozen=True)
class FeatureRequest:
    """Which feature network is wanted.

    Attributes:
        name: as it was asked for, without options. A part that provides ``names`` is asked for any.
        resolution: of the images that it will see, in pixels.
        weights: a file with its weights; None for the part's own.
        untrained: leave its weights as they were drawn (``NAME:random``), and load nothing.
    """

    name: str
    resolution: int = 32
    weights: Path | None = None
    untrained: bool = False

    def load(self, module: nn.Module) -> bool:
        """Load the file that was given, if one was, into a module; whether there was one.

        Raises:
            GanzooError: it cannot be read, or holds the weights of another network.
        """
        if self.weights is None:
            return False
        module.load_state_dict(fitted(read_state(self.weights), module.state_dict(), self.weights))
        return True


@dataclass(frozen=True)
class Extractor:
    """A network that metrics look through, as its part built it.

    Attributes:
        module: from images ``(B, 3, pixels, pixels)`` in [0, 255] to features ``(B, d)``, or a pair of these and
            logits ``(B, classes)``; what it expects its images to be normalised by is its own business. One with a
            method ``maps(images)``, which gives maps ``(B, C, h, w)`` of several sizes, the largest first, can be
            looked through by a discriminator: ``projected@d:features=NAME``. They are of images of any size that it
            can see, and gradients go through them.
        pixels: side of the images that it is shown.
        own: the side that it was trained at, if that is another; keys then name ``pixels``.
        pretrained: whether its weights were trained; keys then have its name without ``:random``.
        sha256: of the file of its weights, in hex; of their numbers where it is empty.
        resize: how images come to its size, a key of ``ganzoo.metrics.resize.RESIZES``.
        classifies: whether it gives logits, which an Inception Score needs.
        name: what keys call it; the part's name and options where it is empty.
    """

    module: nn.Module
    pixels: int
    own: int | None = None
    pretrained: bool = True
    sha256: str = ""
    resize: str = "bilinear"
    classifies: bool = False
    name: str = ""
