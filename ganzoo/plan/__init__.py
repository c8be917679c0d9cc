"""From a recipe to a plan: which part fills each slot, what every setting is, and why."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
