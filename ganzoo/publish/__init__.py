"""Publishing a model: pushed as it is, or converted to weights in half as many bytes."""

from ganzoo.compat.lookup import old_names

__getattr__ = old_names(__name__)
