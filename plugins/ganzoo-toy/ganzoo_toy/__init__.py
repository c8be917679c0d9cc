"""Games small enough to see: what losses and penalties do when there is nothing else to look at.

``ganzoo toy`` plays matrix games and two-player minimisations, and trains the zoo's own losses and penalties on a
single point (``dirac``) or on 2-D mixtures (``points``) with ganzoo's own loop.
"""

from __future__ import annotations

import ganzoo


@ganzoo.hookimpl
def register_architectures(register: ganzoo.Register) -> None:
    """``points`` for clouds of points in the plane, ``dirac`` for a single number."""
    networks = {"G": "g", "D": "d"}
    register(
        "points",
        "ganzoo_toy.networks:points",
        networks=networks,
        provides={"features"},
        train={"lr.g": 1e-3, "lr.d": 1e-3, "ema": 0.0},
        paper="arxiv:1606.03498",
    )
    register(
        "dirac",
        "ganzoo_toy.networks:dirac",
        networks=networks,
        provides={"features"},
        train={"optimizer": "sgd", "lr.g": 0.1, "lr.d": 0.1, "ema": 0.0},
        paper="arxiv:1801.04406",
    )
