"""The folder of a model or a run: every file in it, and what may be believed of it."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
