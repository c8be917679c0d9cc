"""A loss as somebody writes it into a notebook, and how to forget what was registered there."""

from __future__ import annotations

from typing import Any

from ganzoo.registry import loading


class Mine:
    """A loss of mine."""

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    def d(self, critic: Any, real: Any, fake: Any) -> Any:
        return self.weight * (critic(fake).mean() - critic(real).mean())

    def g(self, critic: Any, real: Any, fake: Any) -> Any:
        return -self.weight * critic(fake).mean()


def forget() -> None:
    """Forget the parts that this process registered."""
    loading._here.clear()
    loading.installed.cache_clear()
