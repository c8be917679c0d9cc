"""Scores of models by reference: measured, verified, compared and ranked."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
