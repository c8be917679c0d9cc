"""What an augmentation can do."""

from __future__ import annotations

from torch import Tensor

from ganzoo.parts.context import TurnContext


class Augment:
    """Changes of what D is shown, of real and of fake images alike; several act in the order of the recipe.

    Attributes:
        selects: whether :meth:`scores` leaves some of the fakes out, which not every loss can do without.
    """

    selects: bool = False

    def check(self, image: tuple[int, int, int]) -> None:
        """Refuse images of shape ``(C, H, W)`` that it has no meaning on, by ``UsageError``; none by default.

        It is called when a GAN is built, before anything is allocated.
        """

    def images(self, x: Tensor, ctx: TurnContext) -> Tensor:
        """What D sees of images ``(B, C, H, W)`` in [-1, 1]; gradients go through it to G. ``x`` by default."""
        return x

    def pair(self, x: Tensor, source: Tensor, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """What D sees of images ``x`` ``(B, C, H, W)`` and of the source image of each in the update ``ctx``.

        Only the former change by default.

        One that moves pixels gives both the same draw.
        """
        return self.images(x, ctx), source

    def scores(self, s: Tensor, ctx: TurnContext) -> Tensor:
        """What losses see of scores ``(B,)`` or ``(B, P)`` of ``ctx.scored``, for each head. ``s`` by default."""
        return s

    def reals(self, ctx: TurnContext) -> Tensor:
        """What stands in place of this update's real images ``(B, C, H, W)``. They themselves by default."""
        return ctx.real

    def remark(self) -> str | None:
        """A sentence on how a run ended, such as a warning of what its strength may have done; none by default."""
        return None

    def observe(self, ctx: TurnContext) -> None:
        """Look at an update of D once its terms are there, such as to adapt a strength, which is a buffer."""
