"""Games: who plays, in which order, and what each turn minimises."""

from ganzoo.games.contest import Contest
from ganzoo.games.noise import NoiseGame

__all__ = ["Contest", "NoiseGame"]
