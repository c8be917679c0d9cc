"""Figures of matplotlib, which the extra ``plot`` brings: how they look, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.files.write import atomic
from ganzoo.registry.about import install

INKS = ("#3b82c4", "#d97706", "#3f9b6c", "#b4529b", "#64748b", "#c2410c", "#0f766e", "#8b5cf6")
TITLE_INK, LABEL_INK, GRID_INK, EDGE_INK = "#1f2937", "#6b7280", "#e5e7eb", "#d1d5db"
ENDINGS = (".png", ".svg")


def need_matplotlib(what: str) -> tuple[Any, Any]:
    """Matplotlib's ``Figure`` and ``rc_context``.

    Args:
        what: cannot be done without, such as ``ganzoo plot``.

    Raises:
        UsageError: it is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(f"{what} draws with matplotlib, which is not here: {install('plot')}") from None
    return Figure, rc_context


@contextmanager
def written_figure(path: Path, what: str, size: tuple[float, float]) -> Iterator[Any]:
    """A figure to draw in, which is written as PNG or SVG, by its ending, when the block ends without an error.

    The same drawing gives the same bytes.

    Args:
        path: replaced in one piece.
        what: draws it, for the error.
        size: in inches.

    Raises:
        UsageError: matplotlib is not installed.
    """
    with _figure(what, size) as figure:
        yield figure
        metadata = {"Software": None} if path.suffix.lower() == ".png" else {"Date": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)


@contextmanager
def figure_in_memory(file: BytesIO, what: str, size: tuple[float, float]) -> Iterator[Any]:
    """The same as :func:`written_figure`, as a PNG in ``file``."""
    with _figure(what, size) as figure:
        yield figure
        figure.savefig(file, format="png", metadata={"Software": None})


@contextmanager
def _figure(what: str, size: tuple[float, float]) -> Iterator[Any]:
    """The figure, and matplotlib's settings while it is drawn."""
    figure_class, settings = need_matplotlib(what)
    with settings({"svg.hashsalt": "ganzoo", "font.size": 9, "svg.fonttype": "none"}):
        yield figure_class(figsize=size, dpi=130, layout="constrained")


def title(axis: Any, text: str) -> None:
    """Write a title at the left of a panel."""
    axis.set_title(plain(text), fontsize=10, loc="left", color=TITLE_INK)


def quiet(axis: Any, grid: bool = True) -> None:
    """Take the frame away, but for a line below; ``grid`` leaves faint lines."""
    if grid:
        axis.grid(color=GRID_INK, linewidth=0.7)
    axis.tick_params(which="both", colors=LABEL_INK, length=0)
    for edge in ("top", "right", "left"):
        axis.spines[edge].set_visible(False)
    axis.spines["bottom"].set_color(EDGE_INK)


def plain(text: str) -> str:
    """Text that matplotlib shows as it is: no formulas, no hidden labels, nothing that does not print."""
    return "".join(sign if sign.isprintable() else "?" for sign in text).replace("$", r"\$").lstrip("_")
