"""What a discriminator says of a batch of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganzoo.parts.exactness import accurate

Scores = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Encoding:
    """A map of a discriminator that images can be decoded from, as its ``encodings`` lists it by name.

    Such a discriminator gives the maps ``(B, channels, H/scale, W/scale)`` in ``extras["encodings"]`` by those names,
    and in ``extras["seen"]`` the images that they are maps of, augmented as they are.

    Attributes:
        channels: of the map.
        scale: how many times smaller than the image it is, a power of two.
        cropped: whether a part of it is to tell of that part of the image.
    """

    channels: int
    scale: int
    cropped: bool = False


@dataclass(frozen=True, repr=False)
class Output:
    """What a discriminator says of a batch.

    Attributes:
        scores: ``(B,)``, or ``(B, P)`` for patches; higher is more real. A tuple of those for several heads.
        features: what the head saw, ``(B, F)`` or ``(B, F, H, W)``; a tuple where there are several.
        extras: further outputs of the head by name, such as ``class_logits`` ``(B, classes)``.
    """

    scores: Any
    features: Any
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Shapes, and no numbers."""
        extras = "".join(f", {name} {_shape(value)}" for name, value in self.extras.items())
        return f"Output(scores {_shape(self.scores)}, features {_shape(self.features)}{extras})"

    @property
    def heads(self) -> tuple[Tensor, ...]:
        """The scores of each head; of one where there are no several."""
        return self.scores if isinstance(self.scores, tuple) else (self.scores,)

    @property
    def score(self) -> Tensor:
        """One score an image, ``(B,)``: the mean over heads of the mean of each head's patches."""
        means = [scores.reshape(scores.shape[0], -1).mean(1) for scores in self.heads]
        return means[0] if len(means) == 1 else torch.stack(means).mean(0)

    def with_scores(self, change: Callable[[Tensor], Tensor]) -> Output:
        """The same, with the scores of each head changed."""
        changed = tuple(map(change, self.heads))
        return Output(changed if isinstance(self.scores, tuple) else changed[0], self.features, self.extras)

    def in_float(self) -> Output:
        """The same with scores and extras in float32 at least, as losses need them; features stay as they are."""
        extras = {name: accurate(value) if isinstance(value, Tensor) else value for name, value in self.extras.items()}
        scores = self.with_scores(accurate).scores
        return Output(scores, self.features, extras)


def _shape(value: object) -> str:
    """What a value is, as a ``repr`` says it: the shape of a tensor, of a tuple those of its members."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_shape, value))})"
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
