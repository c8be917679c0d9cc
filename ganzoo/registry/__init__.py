"""The registry: what parts there are, what their names and options mean, and which package each comes from."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
