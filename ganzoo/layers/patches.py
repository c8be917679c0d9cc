"""Scores for parts of an image: the head of a recipe at every place of a map, and several of them in one output."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.parts import Conditioning, Output


class PatchHead(nn.Module):
    """A head that looks at a map through a window, at every place where that fits, with the image's label.

    Without labels it is a convolution to one map of scores.

    Args:
        conditioning: makes the head.
        channels: of the map.
        window: its height and width.
        bias: whether the score has one.
    """

    def __init__(
        self, conditioning: Conditioning, channels: int, window: tuple[int, int] = (1, 1), bias: bool = True
    ) -> None:
        super().__init__()
        self.window = window
        self.head = conditioning.head(channels * window[0] * window[1], bias)

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B, P)`` of maps ``(B, C, H, W)`` under label vectors ``(B, y_dim)``, rows of places in turn.

        Features are the means of the maps, ``(B, C)``; extras the means over places.
        """
        windows = F.unfold(x, self.window).transpose(1, 2)
        places = int(windows.shape[1])  # and any number of images, which an exporter that traces would fix
        said = self.head(windows.flatten(0, 1), y.repeat_interleave(places, 0))
        extras = {name: value.reshape(-1, places, *value.shape[1:]).mean(1) for name, value in said.extras.items()}
        return Output(said.scores.reshape(-1, places), x.mean((2, 3)), extras)


def together(outputs: Sequence[Output]) -> Output:
    """What several heads say of a batch: the scores of each, all features ``(B, F)``, and the means of extras."""
    scores = tuple(score for output in outputs for score in output.heads)
    features = torch.cat([output.features.flatten(1) for output in outputs], 1)
    extras = {name: torch.stack([output.extras[name] for output in outputs]).mean(0) for name in outputs[0].extras}
    return Output(scores, features, extras)
