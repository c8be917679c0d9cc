"""Training curves from the logs of runs. Needs matplotlib, which the extra ``plot`` brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError, UsageError, nearest
from ganzoo.folder.layout import LOG
from ganzoo.folder.log import flat, new_series, read_log
from ganzoo.visual.figure import INKS, LABEL_INK, figure_in_memory, plain, quiet, title, written_figure

KEYS = ("losses/*", "reports/*", "accuracy/*", "clock/images_per_second")
TITLES = {
    "losses": "losses",
    "reports": "what parts report",
    "accuracy": "accuracy of D on real and on fake images",
    "clock": "images per second",
    "lr": "learning rate",
}
ACROSS = 3  # panels in a row


@dataclass
class Curve:
    """One logged quantity of one run: ``values`` at ``steps``."""

    run: str
    key: str
    steps: list[int]
    values: list[float]


def read_curves(folders: Sequence[Path], patterns: Sequence[str] = ()) -> list[Curve]:
    """The series of some runs whose names match one of ``patterns``, such as ``losses/d/*``.

    Raises:
        RunError: for a folder without a log, or with an empty one.
        UsageError: for a pattern that fits nothing.
    """
    curves = [
        curve for folder, name in zip(folders, _names(folders), strict=True) for curve in _curves_of(folder, name)
    ]
    known = sorted({curve.key for curve in curves})
    for pattern in patterns:
        if not any(fnmatch(key, pattern) for key in known):
            raise UsageError(f"--keys {pattern} fits nothing; nearest: {', '.join(nearest(pattern, known))}")
    return [curve for curve in curves if any(fnmatch(curve.key, pattern) for pattern in patterns or KEYS)]


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, or their paths where two share one."""
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _curves_of(folder: Path, name: str) -> list[Curve]:
    if not (folder / LOG).is_file():
        what = f"{folder} holds no {LOG}" if folder.is_dir() else f"there is no folder {folder}"
        raise RunError(f"{what}: give the folder of a run, such as runs/first")
    curves: dict[str, Curve] = {}
    for record in read_log(folder):
        for key, value in flat(record).items():
            if new_series(key, curves):
                curves[key] = Curve(name, key, [], [])
            if key in curves:
                curves[key].steps.append(record["step"])
                curves[key].values.append(value)
    if not curves:
        raise RunError(
            f"{folder / LOG} has no lines: a run writes one every 10 steps, or as 'ganzoo train --log-every N' says"
        )
    return list(curves.values())


def smoothed(values: Sequence[float], lines: int) -> list[float]:
    """An average that follows about the last ``lines`` values, unbiased from the first on."""
    from scipy.signal import lfilter

    recursion = [1.0], [1.0, 1 / max(lines, 1) - 1]  # y[n] = x[n] + keep * y[n - 1], in C: a log has 10^5 lines
    return list(lfilter(*recursion, values) / lfilter(*recursion, [1.0] * len(values)))


def plot(curves: Sequence[Curve], path: Path, smooth: int = 1) -> None:
    """Draw curves as a PNG or SVG file, by its ending; the same curves give the same bytes.

    One run has a panel for each group of keys; several runs have one for each key, so that they can be compared.

    Raises:
        UsageError: when matplotlib is not installed.
    """
    panels = _panels(curves)
    with written_figure(path, "ganzoo plot", _size(panels)) as figure:
        _draw(figure, panels, smooth)


def png(curves: Sequence[Curve], smooth: int = 1) -> bytes:
    """The same as :func:`plot`, as the bytes of a PNG file.

    Raises:
        UsageError: when matplotlib is not installed.
    """
    file, panels = BytesIO(), _panels(curves)
    with figure_in_memory(file, "a plot", _size(panels)) as figure:
        _draw(figure, panels, smooth)
    return file.getvalue()


def _panels(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """The curves of each panel, by its title."""
    several = len({curve.run for curve in curves}) > 1
    panels: dict[str, list[Curve]] = {}
    for curve in curves:
        panels.setdefault(curve.key if several else curve.key.partition("/")[0], []).append(curve)
    return panels


def _size(panels: Mapping[str, Sequence[Curve]]) -> tuple[float, float]:
    return 4.6 * min(ACROSS, len(panels)), 3.1 * -(-len(panels) // ACROSS)


def _draw(figure: Any, panels: Mapping[str, Sequence[Curve]], smooth: int) -> None:
    several = len({curve.run for group in panels.values() for curve in group}) > 1
    across = min(ACROSS, len(panels))
    axes = list(figure.subplots(-(-len(panels) // across), across, squeeze=False).flat)
    for axis, (name, group) in zip(axes, panels.items(), strict=False):
        _panel(axis, TITLES.get(name, name), group, several, smooth)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()


def _panel(axis: Any, name: str, curves: Sequence[Curve], several: bool, smooth: int) -> None:
    for curve, ink in zip(curves, INKS * len(curves), strict=False):
        label = plain(curve.run if several else curve.key.partition("/")[2])
        if smooth > 1:
            axis.plot(curve.steps, curve.values, color=ink, linewidth=0.7, alpha=0.25)
        axis.plot(curve.steps, smoothed(curve.values, smooth), color=ink, linewidth=1.4, label=label)
    title(axis, name)
    axis.set_xlabel("step", color=LABEL_INK)
    axis.margins(x=0.01)
    if all(curve.key.startswith("accuracy/") for curve in curves):
        axis.set_ylim(-0.03, 1.03)
    quiet(axis)
    if several or len(curves) > 1:
        axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside the curves
