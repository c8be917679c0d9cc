"""A run in a few lines, and as HTML: losses and scores over the steps, and samples as they are now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ganzoo.card.facts import by_step
from ganzoo.errors import command
from ganzoo.files.names import path_text
from ganzoo.folder.log import read_log
from ganzoo.folder.scores import read_scores
from ganzoo.gan.gan import GAN
from ganzoo.notebook.gan import samples, sizes
from ganzoo.notebook.html import box, embedded, facts, note, piece, whole
from ganzoo.notebook.scores import in_words, ranked
from ganzoo.registry.shown import block, readable, some
from ganzoo.visual.curves import Curve, png, read_curves

GROUPS = ("losses", "accuracy", "reports")  # of the log's numbers, each a panel
LINES = 30  # of the log: a longer one is smoothed over as many as make this many waves
MOST_CURVES = 24  # of a run; more of them would be a list of names and no picture


def text(folder: Path, step: int, gan: GAN, wrong: str | None) -> str:
    """The lines of a run's ``repr``.

    Args:
        folder: of the run.
        step: steps taken.
        gan: as trained.
        wrong: what is wrong with it, if anything.
    """
    return block(f"Run of {gan.plan.recipe}", [*readable(_told(folder, step, gan)), ("verdict", wrong)])


def html(folder: Path, step: int, gan: GAN, plain_text: str) -> str:
    """What a notebook shows: self-contained, and nothing in it runs.

    Args:
        folder, step, gan: as in :func:`text`.
        plain_text: what that gives, for where the rest fails.
    """
    told = facts(line_of(line) for line in plain_text.splitlines()[1:])
    title = f"Run of {gan.plan.recipe}"
    return whole(lambda: box(title, [piece(lambda: curves(folder), "curves"), samples(gan), told]), plain_text)


def line_of(line: str) -> tuple[str, str]:
    """A line of a block, taken apart again."""
    name, _, value = line.strip().partition("  ")
    return name, value.strip()


def _told(folder: Path, step: int, gan: GAN) -> Iterator[tuple[str, object]]:
    yield "folder", path_text(folder)
    yield "step", f"{step:,}"
    yield from ((name, value) for name, value in sizes(gan) if name in ("images", "classes", "networks"))
    records = [record for record in read_log(folder) if isinstance(record.get("losses"), dict)]
    scores = read_scores(folder)
    if records:
        losses = (f"{name} {value:.4g}" for name, value in records[-1]["losses"].items())
        yield "losses", f"{some(losses)} (step {records[-1]['step']:,})"
    if scores:
        yield "score", in_words(ranked(scores)[0])
    yield "samples", "run.gan.sample(16, output='pil')"
    yield "go on", command("train", "--resume", folder)


def curves(folder: Path) -> str:
    """Losses, how often D is right, what parts report, and scores, over the steps: two pictures at most."""
    found = [curve for curve in read_curves([folder], ()) if _drawn(curve)][:MOST_CURVES]
    longest = max((len(curve.values) for curve in found), default=0)
    series = by_step(read_scores(folder))
    lines = [Curve("", line[0].key, [one.step for one in line], [one.value for one in line]) for line in series]
    pictures = [
        embedded(png(drawn, smooth), about, "background:#fff")
        for drawn, smooth, about in (
            (found, max(1, longest // LINES), "losses over steps"),
            (lines, 1, "scores over steps"),
        )
        if drawn
    ]
    return "".join(pictures) or note("no curves yet: one needs two lines of the log")


def _drawn(curve: Curve) -> bool:
    """Whether a curve belongs into the picture: a point alone is none."""
    return len(curve.values) > 1 and curve.key.partition("/")[0] in GROUPS
