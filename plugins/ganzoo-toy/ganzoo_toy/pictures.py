"""What the games look like: paths, fields of directions, and clouds of points. The same input gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ganzoo.cli.kit import atomic, save_gif
from ganzoo_toy.matrix import MatrixGame, Play, equilibrium
from ganzoo_toy.training import Lesson, Look, scores

BLUE, ORANGE, GREEN, GREY = "#3b82c4", "#d97706", "#3f9b6c", "#9ca3af"
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
ARROWS = 21  # in each direction of a field
SHADES = 96  # in each direction of a map of scores


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, by its ending, in one piece."""
    metadata = {"Software": None} if path.suffix.lower() == ".png" else {"Date": None}
    with atomic(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), metadata=metadata)


def _plainly(axis: Any, title: str) -> None:
    axis.set_title(title, fontsize=10, loc="left", color="#1f2937")
    axis.tick_params(colors="#6b7280", length=0, labelsize=8)
    for edge in axis.spines.values():
        edge.set_visible(False)


# --- matrix games ---------------------------------------------------------------------------------------------


def draw_play(game: MatrixGame, play: Play, title: str) -> Figure:
    """The row player's strategies, and how far both are from an equilibrium."""
    figure = Figure(figsize=(9, 4.2), dpi=130, layout="constrained")
    left, right = figure.subplots(1, 2)
    (_simplex if len(game.actions) == 3 else _shares)(left, game, play, title)
    steps = np.arange(1, len(play.last) + 1)
    tiny = 1e-12  # an equilibrium met exactly has no place on a logarithmic axis
    right.loglog(steps, np.maximum(play.last, tiny), color=BLUE, linewidth=0.9, label="strategies")
    right.loglog(steps, np.maximum(play.average, tiny), color=ORANGE, linewidth=1.6, label="their averages")
    right.set_xlabel("step", color="#6b7280")
    right.grid(color="#e5e7eb", linewidth=0.7)
    right.legend(frameon=False, fontsize=8)
    _plainly(right, "exploitability (0 at an equilibrium)")
    return figure


def _simplex(axis: Any, game: MatrixGame, play: Play, title: str) -> None:
    """Three probabilities as a place in a triangle."""
    edge = CORNERS[[0, 1, 2, 0]]
    axis.plot(*edge.T, color=GREY, linewidth=1)
    average = play.p.cumsum(0) / np.arange(1, len(play.p) + 1)[:, None]
    for strategies, colour, width in ((play.p, BLUE, 0.6), (average, ORANGE, 1.6)):
        axis.plot(*(strategies @ CORNERS).T, color=colour, linewidth=width)
    axis.plot(*(equilibrium(game)[0] @ CORNERS), "*", color=GREEN, markersize=13, zorder=3)
    for name, place, below in zip(game.actions, CORNERS, (True, True, False), strict=True):
        axis.annotate(
            name,
            place,
            ha="center",
            va="top" if below else "bottom",
            fontsize=9,
            color="#374151",
            xytext=(0, -5 if below else 5),
            textcoords="offset points",
        )
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.set_title(title, fontsize=10, loc="left", color="#1f2937")


def _shares(axis: Any, game: MatrixGame, play: Play, title: str) -> None:
    """Each probability over time, with its equilibrium dotted."""
    target = equilibrium(game)[0]
    for k, name in enumerate(game.actions):
        (line,) = axis.plot(play.p[:, k], linewidth=1, label=name)
        axis.axhline(target[k], color=line.get_color(), linestyle=":", linewidth=1)
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel("step", color="#6b7280")
    axis.legend(frameon=False, fontsize=8)
    _plainly(axis, title)


# --- the plane ------------------------------------------------------------------------------------------------


def draw_path(path: Tensor, field: Callable[[float, float], tuple[float, float]], names: Sequence[str]) -> Figure:
    """A path through a field of directions.

    Args:
        path: places ``(steps + 1, 2)``.
        field: from a place to the direction there.
        names: of the picture and of both axes.
    """
    reach = 1.15 * float(path.abs().quantile(0.98).clamp(0.5, 6))
    line = torch.linspace(-reach, reach, ARROWS)
    places = torch.cartesian_prod(line, line)
    ways = torch.tensor([field(float(x), float(y)) for x, y in places])
    lengths = ways.norm(dim=1, keepdim=True)
    ways = ways / lengths.clamp_min(1e-9)
    figure = Figure(figsize=(5.4, 5.2), dpi=130, layout="constrained")
    axis = figure.subplots()
    axis.quiver(*places.T.numpy(), *ways.T.numpy(), lengths[:, 0].log1p().numpy(), cmap="Blues", scale=34, width=0.003)
    axis.plot(*path.T.numpy(), color=ORANGE, linewidth=1)
    axis.plot(*path[0].numpy(), "o", color=ORANGE, markersize=5)
    axis.plot(*path[-1].numpy(), "o", color="#b91c1c", markersize=5)
    axis.plot(0, 0, "*", color=GREEN, markersize=13)
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_xlabel(names[1], color="#6b7280")
    axis.set_ylabel(names[2], color="#6b7280")
    _plainly(axis, names[0])
    return figure


def draw_look(lesson: Lesson, look: Look, *, judged: bool = False) -> Figure:
    """Points of G over the real ones; ``judged`` also shows D's scores and the way that G is sent, as D is now."""
    reach = lesson.mixture.reach
    figure = Figure(figsize=(5.2, 5.2), dpi=100)
    axis = figure.add_axes((0.02, 0.02, 0.96, 0.9))
    if judged:
        _draw_scores(axis, lesson.gan, reach)
    real = lesson.mixture.draw(1000, torch.Generator().manual_seed(0))
    axis.plot(*real.T.numpy(), ".", color=GREY, markersize=3, alpha=0.6)
    axis.plot(*look.points.T.numpy(), ".", color=ORANGE, markersize=3, alpha=0.8)
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_xticks([])
    axis.set_yticks([])
    seen = look.found
    title = f"step {look.step:,}: {seen.modes} of {seen.of} modes, {seen.quality:.0%} of points on one"
    _plainly(axis, title)
    return figure


def _draw_scores(axis: Any, gan: Any, reach: float) -> None:
    line = torch.linspace(-reach, reach, SHADES)
    value, _ = scores(gan, torch.cartesian_prod(line, line))
    value = value.unflatten(0, (SHADES, SHADES)).T.numpy()
    axis.contourf(line.numpy(), line.numpy(), value, levels=20, cmap="Blues", alpha=0.55)
    coarse = torch.linspace(-0.93 * reach, 0.93 * reach, ARROWS)
    places = torch.cartesian_prod(coarse, coarse)
    ways = scores(gan, places)[1]
    ways = ways / ways.norm(dim=1, keepdim=True).clamp_min(1e-9)
    axis.quiver(*places.T.numpy(), *ways.T.numpy(), color="#475569", scale=36, width=0.0025, alpha=0.7)


def animate(lesson: Lesson, path: Path) -> None:
    """Every look of a lesson as an animation."""
    save_gif([_bitmap(draw_look(lesson, look)) for look in lesson.looks], path)


def _bitmap(figure: Figure) -> Image.Image:
    memory = io.BytesIO()
    figure.savefig(memory, format="png")
    memory.seek(0)
    return Image.open(memory).convert("RGB")
