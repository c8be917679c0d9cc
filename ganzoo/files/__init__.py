"""Files: written whole or not at all, and read as if a stranger had made them."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
