"""A GAN as a module of torch: where it is, what it computes in, and what it says of names that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganzoo.errors import UsageError, nearest


class Networks(nn.Module):
    """What a GAN is to torch: a module of several networks, of which none is the whole."""

    if not TYPE_CHECKING:  # for type checkers an attribute is what torch says: a module or a tensor

        def __getattr__(self, name: str) -> Any:
            """A network by name, as of every module of torch; an error says which there are."""
            try:
                return super().__getattr__(name)
            except AttributeError:
                if name.startswith("_"):
                    raise
                raise AttributeError(
                    f"this {type(self).__name__} has no {name!r}{self._instead(name)}", name=name
                ) from None

    def _instead(self, name: str) -> str:
        """What to use in place of a name that is not there."""
        played = {} if name == "game" else getattr(getattr(self, "game", None), "players", {})
        if any(name in names for names in played.values()):
            return (
                ": it was loaded to sample. ganzoo.load(..., discriminator=True) brings the discriminator of a run, or"
                " of a model that was published with it"
            )
        return f"; nearest: {', '.join(nearest(name, [one for one in dir(self) if not one.startswith('_')]))}"

    def forward(self, *inputs: Any, **conditions: Any) -> Any:
        """Refuse: a GAN is several networks, and each has a ``forward`` of its own.

        Raises:
            UsageError: always, with what to call.
        """
        raise UsageError(
            "a GAN is several networks, and is not called itself: gan.sample(16) draws images, and gan.G(z, y) is the"
            " generator, whose images (n, C, H, W) are in [-1, 1]"
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are, as those of the first network."""
        return next((tensor.device for tensor in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """What the networks compute in, as the first one does."""
        return next((tensor.dtype for tensor in self.parameters()), torch.get_default_dtype())
