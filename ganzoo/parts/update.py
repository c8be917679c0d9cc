"""One update of one player, as the trainer knows it: where it stands, its passes, and what parts report."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

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
        own_step: whether it is a further step that regularizers take by themselves: see
            :class:`ganzoo.parts.Regularizer`.
        passes: those of this update.
        reports: what parts report, detached, by name.
        own_terms: the terms of an ``own_step``: they alone are its loss.
    """

    step: int
    player: str
    number: int = 0
    horizon: int = 1
    images_seen: int = 0
    own_step: bool = False
    passes: Passes = field(default_factory=Passes)
    reports: dict[str, Tensor] = field(default_factory=dict)
    own_terms: dict[str, Tensor] = field(default_factory=dict)

    def report(self, name: str, value: Tensor | float) -> None:
        """Take a number into the reports of this update."""
        self.reports[name] = torch.as_tensor(value).detach().double().mean()
