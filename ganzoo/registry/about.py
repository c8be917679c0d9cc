"""What this release is called: read by :mod:`ganzoo`, by ``pyproject.toml`` and by what writes files."""

VERSION = "0.1.0"
