"""Dropout whose draws belong to images, so that it is the same however many processes share a batch."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.parts import global_draw


class Dropout(nn.Dropout):
    """Set entries to zero with probability ``p`` in training, and scale the rest by ``1 / (1 - p)``.

    As PyTorch's, but every process draws for the global batch and keeps its rows.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``(n, ...)``, some of it zero."""
        if not self.training:
            return x
        kept = global_draw(lambda n: x.new_empty(n, *x.shape[1:]).bernoulli_(1 - self.p), len(x))
        return x * kept / max(1 - self.p, 1e-9)  # p may be 1, and then nothing is kept
