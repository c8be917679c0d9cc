"""Discriminator Rejection Sampling, Azadi et al. 2018, arXiv 1810.06758."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.errors import within
from ganzoo.parts import Sampler, ScoredGenerator

EPS = 1e-6  # in the logarithm, whose argument would be 0 for the highest score
MOST = 1_000_000  # images of a kind, and tries
NEWTON = 50  # steps at most; a logistic regression in one variable takes about ten


class DRS(Sampler):
    """Draws until D's score accepts an image, the likelier the more real it looks (DRS, Azadi et al. 2018).

    An image is accepted with probability ``σ(F(x))``, ``F = s - M - log(1 - e^(s - M - 1e-6)) - γ``, where M is the
    highest score of ``fakes`` images, and γ a percentile of F over them: with γ = 0 it is plain rejection sampling,
    and a lower γ accepts more. The score s is D's after a logistic regression that tells ``reals`` real images, which
    D should not have seen, from as many fakes, so that it is the logarithm of how much likelier an image is in the
    data. Source: arXiv 1810.06758, section 3 and algorithm 1. There M grows with what is met; here it is that of the
    first ``fakes`` images, and a higher score counts as M, so that an image depends on the seed and its number alone.
    Where none of ``tries`` images is accepted, the one of the highest score is taken.

    Args:
        reals: real images that D's score is calibrated with, and as many fakes.
        fakes: images that M and γ are of.
        percentile: of F, which γ is.
        gamma: γ itself in its place.
        tries: for one image.
    """

    def __init__(
        self,
        *,
        reals: int = 1000,
        fakes: int = 1000,
        percentile: float = 80.0,
        gamma: float | None = None,
        tries: int = 100,
    ) -> None:
        within("drs:reals", reals, 2, MOST)
        within("drs:fakes", fakes, 2, MOST)
        within("drs:percentile", percentile, 0, 100)
        within("drs:tries", tries, 1, MOST)
        self.reals, self.fakes, self.percentile, self.tries = reals, fakes, percentile, tries
        self.given = gamma
        self.slope, self.shift, self.highest, self.gamma = 1.0, 0.0, 0.0, 0.0

    def calibrate(self, model: ScoredGenerator, real: Tensor, rng: torch.Generator) -> None:
        """Fit the regression, then M and γ."""
        self.slope, self.shift = logistic_regression(real, drawn_scores(model, len(real), rng))
        scores = self.calibrated(drawn_scores(model, self.fakes, rng))
        self.highest, self.gamma = float(scores.max()), 0.0
        share = torch.quantile(self.chance(scores), self.percentile / 100)
        self.gamma = float(share) if self.given is None else self.given

    def calibrated(self, scores: Tensor) -> Tensor:
        """D's scores as the logarithm of how much likelier each image is in the data."""
        return self.slope * scores.double() + self.shift

    def chance(self, scores: Tensor) -> Tensor:
        """F: the logit of being accepted, of calibrated scores."""
        below = (scores - self.highest).clamp(max=0)
        return below - torch.log(-torch.expm1(below - EPS)) - self.gamma

    def noise(self, model: ScoredGenerator, z: Tensor, y: Tensor, rngs: Sequence[torch.Generator]) -> Tensor:
        """The noise ``(B, z_dim)`` of accepted images, ``z`` itself where its image is accepted."""
        kept, best = z.clone(), torch.full((len(z),), -torch.inf, dtype=torch.float64)
        waiting, tried = torch.arange(len(z)), z
        for _ in range(self.tries):
            scores = self.calibrated(model.scores(tried, y[waiting]))
            drawn = torch.cat([torch.rand(1, generator=rngs[k], dtype=torch.float64) for k in waiting])
            accepted = drawn < torch.sigmoid(self.chance(scores))
            taken = accepted | (scores > best[waiting])
            kept[waiting[taken]], best[waiting[taken]] = tried[taken], scores[taken]
            waiting = waiting[~accepted]
            if not len(waiting):
                break
            tried = torch.cat([model.draw(rngs[k]) for k in waiting])
        return kept


def drawn_scores(model: ScoredGenerator, n: int, rng: torch.Generator) -> Tensor:
    """The scores ``(n,)`` of n images of drawn noise."""
    return model.scores(torch.cat([model.draw(rng) for _ in range(n)]), model.labels(n))


def logistic_regression(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Slope and shift of the scores for which ``σ(slope·s + shift)`` tells real images from fakes best.

    By Newton's method, in float64. Targets are Platt's, (n + 1)/(n + 2) and 1/(n + 2), so that there is a best slope
    even where every real image has a higher score than every fake one.
    """
    scores = torch.cat([real, fake]).double()
    middle, spread = scores.mean(), scores.std().clamp(min=1e-12)
    rows = torch.stack([(scores - middle) / spread, torch.ones_like(scores)], 1)
    low = [(len(real) + 1) / (len(real) + 2), 1 / (len(fake) + 2)]
    target = torch.tensor(low, dtype=torch.float64).repeat_interleave(torch.tensor([len(real), len(fake)]))
    found = torch.zeros(2, dtype=torch.float64)
    for _ in range(NEWTON):
        said = torch.sigmoid(rows @ found)
        curve = rows.T @ (rows * (said * (1 - said))[:, None]) + 1e-9 * torch.eye(2, dtype=torch.float64)
        change = torch.linalg.solve(curve, rows.T @ (target - said))
        found = found + change.clamp(-5, 5)
        if change.abs().max() < 1e-10:
            break
    slope = found[0] / spread
    return float(slope), float(found[1] - slope * middle)
