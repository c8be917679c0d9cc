"""The passes of one update, each of them made once, whoever asks for it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor


class Passes:
    """What networks said in one update.

    A pass is known by its network, the tensor it was made of, its conditions, whether it is exact, and whether it has a
    graph: one made under ``no_grad`` never serves one that needs gradients, but the other way round it does.

    A tensor that nobody else holds any more takes its passes along: the store keeps no image alive.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[weakref.ref[Tensor], tuple[object, ...], Any]] = {}

    def get(
        self, network: Hashable, x: Tensor, conditions: Mapping[str, object], exact: bool, make: Callable[[], Any]
    ) -> Any:
        """What ``make()`` gave when the same was asked before, or gives now.

        Args:
            network: what tells one network from another.
            x: the tensor that goes through it.
            conditions: further inputs by name.
            exact: see :func:`ganzoo.parts.exact`.
            make: makes the pass.
        """
        named = tuple((name, *_identity(value)) for name, value in sorted(conditions.items()))
        known = (network, *_identity(x), exact, named)
        graph = torch.is_grad_enabled()
        for serves in (True,) if graph else (True, False):
            key = (*known, serves)
            if key in self._made:
                return self._made[key][2]
        made, key = make(), (*known, graph)
        watched = weakref.ref(x, partial(_forget, weakref.ref(self), key))
        # The conditions are held, so that their ids are not given to other tensors; x is only watched.
        self._made[key] = (watched, tuple(conditions.values()), made)
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._made.clear()


def _forget(store: weakref.ref[Passes], key: Hashable, _: object) -> None:
    """Let a store forget the passes of a tensor that is gone; a weak reference makes no circle that would keep them."""
    if (passes := store()) is not None:
        passes._made.pop(key, None)


def _identity(value: object) -> tuple[int, int]:
    """What tells a tensor, in the state it is in, from every other that lives."""
    return id(value), value._version if isinstance(value, Tensor) and not value.is_inference() else 0
