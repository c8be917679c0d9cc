"""Regularizing Generative Adversarial Networks under Limited Data, Tseng et al. 2021, arXiv 2104.03310."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, ScoreFunction, TurnContext, global_mean


class LeCam(nn.Module, Regularizer):
    """Real scores are drawn towards the usual fake score, and fakes towards the usual real one (Tseng et al. 2021).

    ``weight·(E[(D(x)-α_F)²] + E[(D(G(z))-α_R)²])``, α_R and α_F being moving averages of the mean scores of real and
    fake images. Source: arXiv 2104.03310, section 3, with the weight (0.3) and decay (0.99) of the authors' CIFAR runs
    with hinge; losses with larger scores want far less. The averages are bias-corrected, as in their
    StyleGAN2 code, so they hold from the first step and no warm-up is needed. Paper and code differ: the code draws
    only real scores above α_F down, and fake scores below α_R up, which is ``clip=true``.

    Args:
        weight: of both squares.
        decay: of the moving averages.
        clip: take ``max(0, D(x)-α_F)²`` and ``max(0, α_R-D(G(z)))²``, as the authors' code does
            (github.com/google/lecam-gan), in place of the paper's squares.
        every: it acts once in so many updates.
    """

    real: Tensor
    fake: Tensor
    rounds: Tensor

    def __init__(self, *, weight: NotNegative = 0.3, decay: float = 0.99, clip: bool = False, every: int = 1) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise UsageError(f"lecam:decay={decay:g} does not work: decay is a number from 0 up and below 1")
        self.weight, self.decay, self.every = weight, decay, check_every("lecam", every)
        self.lowest = 0.0 if clip else -torch.inf
        self.register_buffer("real", torch.zeros(()))
        self.register_buffer("fake", torch.zeros(()))
        # Calls so far. The name is a key of checkpoints since version 0.1.0, so it stays.
        self.register_buffer("rounds", torch.zeros((), dtype=torch.int64))

    def forward(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar; takes this batch into the averages first."""
        real_scores, fake_scores = critic(real), critic(fake)
        self.remember(real_scores, fake_scores)
        seen = 1 - self.decay**self.rounds
        to_fake = (real_scores - self.fake / seen).clamp(min=self.lowest).square().mean()
        to_real = (self.real / seen - fake_scores).clamp(min=self.lowest).square().mean()
        return self.weight * (to_fake + to_real)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty on this update's own passes."""
        return {"lecam": self(lambda x: ctx.discriminate(x).score, ctx.real, ctx.fake)}

    @torch.no_grad()
    def remember(self, real_scores: Tensor, fake_scores: Tensor) -> None:
        """Move both averages towards the means of these scores."""
        self.real.lerp_(global_mean(real_scores).to(self.real), 1 - self.decay)
        self.fake.lerp_(global_mean(fake_scores).to(self.fake), 1 - self.decay)
        self.rounds += 1
