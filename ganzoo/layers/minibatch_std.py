"""Minibatch standard deviation: feature maps that tell a discriminator how much the images of a batch differ."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.parts import accurate, gather, world

EPS = 1e-8  # under the root, whose slope at 0 is no number


class MinibatchStd(nn.Module):
    """Append maps with the standard deviation over a group of images, each image with that of its own group.

    Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196), section 3: the standard deviation of each entry
    over the images, averaged over channels and pixels, as one more map of one value. The paper takes all images of the
    batch; groups of 4 and several maps, each of an equal share of the channels, are of its authors' later papers.

    A group is ``group`` images in a row. A batch of B images has ``B // group`` groups, at least one, and where that
    does not divide they differ by one image at most: 5 to 7 images are one group of 4, and 11 are groups of 6 and 5.
    They are groups of the global batch: processes whose slices hold whole groups need nothing of each other, others
    gather the maps of all, so that N processes compute what one computes. In eval mode a process groups its own.

    It looks across the batch, so whoever uses it declares ``across_batch=True``.

    Args:
        channels: of the input.
        group: images that are compared; 0 for the whole batch.
        maps: how many are appended; they divide ``channels``.

    Attributes:
        channels: of the output.

    Raises:
        UsageError: for maps that do not divide the channels.
    """

    def __init__(self, channels: int, group: int = 4, maps: int = 1) -> None:
        super().__init__()
        within("minibatch std: group", group, 0)
        within("minibatch std: maps", maps, 1)
        if channels % maps:
            fits = max(number for number in range(1, maps) if channels % number == 0)
            raise UsageError(
                f"{maps} maps of minibatch std do not divide {channels} channels: {fits} is the most below that does"
            )
        self.group, self.maps, self.channels = group, maps, channels + maps

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C + maps, H, W)``."""
        shared = self.training and (self.group == 0 or len(x) % self.group > 0)  # groups may be of several processes
        rows = gather(x) if shared else x
        own = world().rows(len(x)) if shared else slice(None)
        with torch.autocast(x.device.type, enabled=False):
            spread = self.spread(accurate(rows))[own].to(x.dtype)
        height, width = x.shape[2:]
        return torch.cat([x, spread[:, :, None, None].expand(-1, -1, height, width)], 1)

    def spread(self, x: Tensor) -> Tensor:
        """The appended values ``(B, maps)`` of float32 maps ``(B, C, H, W)``."""
        # How many images there are is counted in tensors: an exporter would keep the number that it was shown.
        place = torch.arange(x.shape[0], device=x.device)
        total = torch.ones_like(place).sum()
        count = (total // self.group).clamp(min=1) if self.group else torch.ones_like(total)
        group = place * count // total
        together = (group[:, None] == group).to(x.dtype)  # (B, B)
        mean_of = together / together.sum(1, keepdim=True)
        flat = x.flatten(1)
        away = flat - mean_of @ flat
        deviation = (mean_of @ away.square() + EPS).sqrt()
        return deviation.unflatten(1, (self.maps, -1)).mean(2)

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"group={self.group}, maps={self.maps}"
