"""One update of one player, as the trainer knows it: where it stands, its passes, and what parts report."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganzoo.distributed.batch import WHOLE, Piece
from ganzoo.parts.passes import Passes


@dataclass(eq=False)
class Update:
    """One update of one player.

    Attributes:
        step: of the training, counted from 0.
        player: who learns, such as ``"d"``.
        number: of this player's updates, counted from 0.
        horizon: steps that schedules spread over.
        images_seen: real images before this step, as ``--images`` counts them.
        epoch: passes over the data before this step, whole ones; 0 where nobody knows how much data there is.
        own_step: whether it is a further step that regularizers take by themselves: see
            :class:`ganzoo.parts.Regularizer`.
        passes: those of this update.
        reported: what parts report, detached, by name and piece.
        piece: which piece of the batch is at work, where it goes through the networks in several.
        shared: what all pieces of the batch use, such as fakes that are made once.
        own_terms: the terms of an ``own_step``: they alone are its loss.
    """

    step: int
    player: str
    number: int = 0
    horizon: int = 1
    images_seen: int = 0
    epoch: int = 0
    own_step: bool = False
    piece: Piece = WHOLE
    shared: dict[Hashable, Any] = field(default_factory=dict)
    passes: Passes = field(default_factory=Passes)
    reported: dict[str, dict[int, Tensor]] = field(default_factory=dict)
    own_terms: dict[str, Tensor] = field(default_factory=dict)

    def report(self, name: str, value: Tensor | float) -> None:
        """Take a number into the reports of this update; of pieces, into their mean."""
        number = torch.as_tensor(value).detach().double().mean()
        self.reported.setdefault(name, {})[self.piece.index] = number

    @property
    def reports(self) -> dict[str, Tensor]:
        """What parts reported, detached, by name: means over the pieces of the batch."""
        return {name: torch.stack(list(numbers.values())).mean() for name, numbers in self.reported.items()}
