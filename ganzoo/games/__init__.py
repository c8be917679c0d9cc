"""Games: who plays, in which order, and what each turn minimises."""

from ganzoo.games.noise import NoiseGame

__all__ = ["NoiseGame"]
