"""Text encoders: from captions as bytes to vectors. Which one is the option ``encoder`` of ``stackgan``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo_text import minilm

LETTERS, WIDTH, WINDOW = 256, 128, 4
REACH = WINDOW**2  # bytes that become one place of the last layer
MARGIN = 2  # places behind the text that its convolutions still reach


class SmallEncoder(nn.Module):
    """Bytes to a vector by convolutions over them, learnt with the network that it is a part of.

    Character-level Convolutional Networks for Text Classification (Zhang, Zhao & LeCun 2015, arXiv 1509.01626), much
    smaller: an embedding of 32 numbers, three convolutions of width 3 and, over all places, the largest value. There
    are no biases, so what is no text stays exactly 0 and the length of the padding does not matter.
    """

    features = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS, 32)
        wide = (32, WIDTH // 2, WIDTH, WIDTH)
        self.convs = nn.ModuleList(nn.Conv1d(a, b, 3, padding=1, bias=False) for a, b in pairwise(wide))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, text: Tensor) -> Tensor:
        """``(B, L)`` bytes, L a multiple of :data:`REACH`, to ``(B, 128)``."""
        text = text.long()
        h = self.letters(text) * (text != 0)[:, :, None]
        h = h.transpose(1, 2)  # (B, 32, L)
        first, second, third = self.convs
        h = F.max_pool1d(F.relu(first(h)), WINDOW)
        h = F.max_pool1d(F.relu(second(h)), WINDOW)
        return self.norm(F.relu(third(h)).amax(2))


class MiniLM(nn.Module):
    """A sentence encoder that is never trained and has no weights of its own: those of an installed package.

    all-MiniLM-L6-v2, from MiniLM (Wang et al. 2020, arXiv 2002.10957) and Sentence-BERT (Reimers & Gurevych 2019,
    arXiv 1908.10084). Captions are encoded once each and remembered.

    Raises:
        GanzooError: the package is not there, with how to install it.
    """

    features = minilm.FEATURES

    def __init__(self) -> None:
        super().__init__()
        minilm.check()

    def forward(self, text: Tensor) -> Tensor:
        """``(B, L)`` bytes to ``(B, 384)`` of length 1, times the root of 384 so that a number is about 1 or -1."""
        return minilm.embed(text) * minilm.FEATURES**0.5


ENCODERS: Mapping[str, Callable[[], nn.Module]] = {"small": SmallEncoder, "minilm": MiniLM}


def trimmed(text: Tensor) -> Tensor:
    """Captions ``(B, L)`` without most of the zeros that all of them end in; encoders say the same of them.

    On a CPU only, where they cost time; elsewhere looking for them would make the step wait for the device.
    """
    if text.device.type != "cpu":
        return text
    longest = int((text != 0).any(0).sum())
    return text[:, : (-(-longest // REACH) + MARGIN) * REACH]
