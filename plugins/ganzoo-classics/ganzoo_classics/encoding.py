"""What a game promises whose model encodes images, so that metrics and commands never ask which game it is."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class Encodes:
    """A game whose model also finds the noise of an image.

    By default a network ``E``, called ``E(x, y)``, gives that noise.
    """

    gan: Any

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """The noise ``(B, z_dim)`` of images ``(B, C, H, W)`` in [-1, 1] with label vectors ``(B, y_dim)``."""
        code: Tensor = self.gan.E(x, y)
        return code

    def reconstruct(self, x: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] as G draws them from what :meth:`encode` makes of images."""
        image: Tensor = self.gan.G(self.encode(x, y), y)
        return image


class Clusters:
    """A game whose model sorts images into clusters."""

    def cluster(self, x: Tensor, y: Tensor) -> Tensor:
        """The number of the cluster, int64 ``(B,)``, of images ``(B, C, H, W)`` in [-1, 1]; no label matters to it."""
        raise NotImplementedError(f"{type(self).__name__} has no cluster(x, y)")


class Classifies:
    """A game whose model names the classes of images."""

    def class_logits(self, x: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of images ``(B, C, H, W)`` in [-1, 1]."""
        raise NotImplementedError(f"{type(self).__name__} has no class_logits(x)")


class Couples:
    """A game whose model draws an image and the same one of another domain."""

    def pair(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``(B, C, H, W)`` in [-1, 1] of both domains, of one noise ``(B, z_dim)``."""
        raise NotImplementedError(f"{type(self).__name__} has no pair(z, y)")

    def moved(self, x: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] of the first domain as the second one has them."""
        raise NotImplementedError(f"{type(self).__name__} has no moved(x)")
