"""Pages that are files of the repository elsewhere: the changelog."""

from __future__ import annotations

from pathlib import Path

from sitepages import ROOT


def pages() -> dict[str, str | Path]:
    """Them."""
    return {"changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
