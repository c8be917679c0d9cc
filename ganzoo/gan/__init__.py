"""A GAN: networks built from a plan, and the game that they play."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
