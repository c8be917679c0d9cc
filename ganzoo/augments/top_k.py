"""Top-k Training of GANs: Improving GAN Performance by Throwing Away Bad Samples, Sinha et al. 2020.

arXiv 2002.06224.
"""

from __future__ import annotations

from torch import Tensor

from ganzoo.errors import UsageError, within
from ganzoo.parts import Augment, TurnContext, gather, world


class TopK(Augment):
    """In G's updates only the fakes count that D scores highest (Sinha et al. 2020).

    ``k = max(γ^epoch·B, ν·B)`` of the B fakes of the global batch, rounded down, at least one; G's loss is the mean
    over those k, and the others have no gradient in it. Source: arXiv 2002.06224, section 3, with its γ and ν. There,
    too, k falls once an epoch, a pass over the data. D's updates stay as they are, and so do terms of labels and of
    regularizers in G's. Of patches, the images with the highest mean count; of several heads, each chooses for itself.

    Args:
        gamma: k is multiplied by it each epoch.
        nu: share of the batch that k does not fall below.
    """

    selects = True

    def __init__(self, *, gamma: float = 0.99, nu: float = 0.5) -> None:
        for name, value in {"gamma": gamma, "nu": nu}.items():
            within(f"top-k:{name}", value, 0, 1)
        if not gamma and not nu:
            raise UsageError("top-k:gamma=0,nu=0 does not work: no fake would be left; give a share nu more than 0")
        self.gamma, self.nu = gamma, nu

    def count(self, batch: int, epoch: int) -> int:
        """How many of ``batch`` fakes count in an epoch, which is counted from 0."""
        # A hair more, as .7 of 10 is 6.999…
        return max(1, int(max(self.gamma**epoch, self.nu) * batch + 1e-9))

    def scores(self, s: Tensor, ctx: TurnContext) -> Tensor:
        """The highest scores ``(k,)`` or ``(k, P)`` of the global batch, of this update's fakes in G's updates."""
        if ctx.player == "d" or ctx.scored is not ctx.fake:
            return s
        batch = len(s) * world().size
        k = self.count(batch, ctx.epoch)
        ctx.report("top_k", k)
        if k == batch:
            return s
        every = gather(s)
        best = every.detach().reshape(len(every), -1).mean(1).topk(k).indices
        return every[best]
