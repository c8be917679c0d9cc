"""What an image shows, as a network of timm sees it: CartoonGAN holds its generator to that."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import UsageError
from ganzoo.metrics import open_network

STRIDE = 8  # of the map that is compared: in VGG-19 its last convolution is conv4_4, the paper's


class Content:
    """The map of a frozen network's last convolution that sees an eighth of the image's side.

    Args:
        name: of a network of timm with its weights, such as ``tf_efficientnet_lite0.in1k``.
        resolution: of the images, which are shown at the size that ``ganzoo eval`` shows them at.
        device: where it goes.

    Raises:
        UsageError: there is no such network, or it has no such map.
        GanzooError: its weights are not here and cannot be fetched.
    """

    def __init__(self, name: str, resolution: int, device: torch.device) -> None:
        network = open_network(name, resolution, device=device)
        self.module, self.pixels = network.module, network.pixels
        self.caught: Tensor | None = None
        with torch.no_grad():
            self._maps(torch.zeros(1, 3, resolution, resolution, device=device))
        if self.caught is None:
            raise UsageError(
                f"cartoongan:content={name} does not work: it has no convolution at an eighth of its input; take "
                "content=tf_efficientnet_lite0.in1k"
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Maps ``(B, F, h, w)`` in float32 of images ``(B, 1 or 3, R, R)`` in [-1, 1]; gradients go through."""
        with torch.autocast(images.device.type, enabled=False):
            self._maps(images.float())
        caught, self.caught = self.caught, None
        assert caught is not None
        return caught

    def _maps(self, images: Tensor) -> None:
        """One pass of the network; what its last convolution of that size makes is kept in ``caught``."""

        def catch(layer: nn.Module, given: Any, made: Tensor) -> None:
            if made.shape[-1] == self.pixels // STRIDE:
                self.caught = made

        hooks = [m.register_forward_hook(catch) for m in self.module.modules() if isinstance(m, nn.Conv2d)]
        x = (images.expand(-1, 3, -1, -1) + 1) * 127.5
        try:
            self.module(F.interpolate(x, (self.pixels, self.pixels), mode="bilinear", antialias=True))
        finally:
            for hook in hooks:
                hook.remove()
