"""A history of fakes, so that D does not forget what G made before.

Learning from Simulated and Unsupervised Images through Adversarial Training (Shrivastava et al. 2017, arXiv
1612.07828), section 2.3, in the form of CycleGAN (arXiv 1703.10593): an old fake that D is shown leaves the history,
and a new one takes its place.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo import GAN
from ganzoo.parts import gather, world


class History(nn.Module):
    """Up to ``size`` fakes of the past, in buffers, so that a resumed training has them.

    In a run of several processes each holds the same ones: all of them look at the global batch, and draw alike.

    Args:
        gan: whose images they are. Where a recipe tells labels nothing is kept, as an old fake has an old label.
        size: how many are kept; 0 for none.
    """

    images: Tensor
    held: Tensor

    def __init__(self, gan: GAN, size: int) -> None:
        super().__init__()
        self.size = 0 if gan.classes else size
        self.register_buffer("images", torch.zeros(self.size, *gan.image))
        self.register_buffer("held", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fakes: Tensor, chosen: Tensor) -> Tensor:
        """The fakes ``(n, C, H, W)``, each of the ``chosen`` exchanged for an old one.

        Until the history is full it takes in every fake, and gives nothing back.

        Args:
            fakes: of this process.
            chosen: bool ``(B,)``, for each image of the global batch.
        """
        batch = gather(fakes.detach())
        n = min(len(batch), self.size)
        full = self.held >= self.size
        after = (self.held + torch.arange(n, device=batch.device)) % max(self.size, 1)
        places = torch.where(
            full, torch.randperm(self.size)[:n].to(batch.device, non_blocking=True), after
        )  # no place comes twice
        new, old = batch[:n], self.images[places]
        gives = full & chosen[:n].to(batch.device, non_blocking=True)
        takes = gives | (~full & (self.held + torch.arange(n, device=batch.device) < self.size))
        self.images[places] = torch.where(per_image(takes), new, old)
        self.held.add_(n).clamp_(max=self.size)
        shown = torch.cat([torch.where(per_image(gives), old, new), batch[n:]])
        return shown[world().rows(len(fakes))]


def per_image(choice: Tensor) -> Tensor:
    """A choice for each image ``(n,)``, shaped to meet images ``(n, C, H, W)``."""
    return choice.reshape(-1, 1, 1, 1)


def size_of_batch(fakes: Tensor) -> int:
    """Images in the global batch, of which ``fakes`` are this process's."""
    return len(fakes) * world().size
