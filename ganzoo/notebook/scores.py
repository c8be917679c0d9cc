"""Scores in a few lines, and as a table with intervals and what real images get."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from ganzoo.files.untrusted import file_digest, file_state
from ganzoo.folder.scores import Score, read_scores, value_text
from ganzoo.gan.shown import Loaded
from ganzoo.notebook.html import box, note, table, whole

COLUMNS = ("metric", "value", "better", "real images", "data", "images", "step", "key")
FIRST = ("fid", "fd")  # what people ask for first
LARGEST_HASHED = 256 << 20  # bytes of weights that are read once more, to see which scores are theirs


def html(scores: Sequence[Score], name: str = "") -> str:
    """Scores as a table.

    Args:
        scores: any.
        name: of what was scored.
    """
    title = f"{len(scores)} score{'' if len(scores) == 1 else 's'}" + (f" of {name}" if name else "")
    return whole(lambda: box(title, [rows_of(scores), *explained(scores)]), list(scores))


def rows_of(scores: Iterable[Score]) -> str:
    """The table."""
    return table(COLUMNS, map(_row, scores))


def explained(scores: Sequence[Score]) -> list[str]:
    """What the numbers mean, as far as there are such."""
    spread = any(score.std is not None for score in scores)
    floor = any(score.floor is not None for score in scores)
    said = [
        "± is the standard deviation over seeds, or over splits of the images." if spread else "",
        "A perfect model would get what real images get." if floor else "",
    ]
    return [note(" ".join(filter(None, said)))] if any(said) else []


def _row(score: Score) -> tuple[object, ...]:
    return (
        score.measured,
        value_text(score.value, score.std),
        "higher" if score.higher_is_better else "lower",
        "not measured" if score.floor is None else value_text(score.floor),
        f"{score.dataset['name']} ({score.dataset['split']})",
        f"{score.samples:,}",
        f"{score.step:,}",
        score.key,
    )


# --- the scores of a model ----------------------------------------------------------------------------------


def scores_of(loaded: Loaded) -> tuple[Score, ...]:
    """The scores of the weights that were loaded, what people ask for first in front; none of a very large file.

    Raises:
        ModelError: for a folder whose scores make no sense.
    """
    if loaded.file.stat().st_size > LARGEST_HASHED:
        return ()
    digest = _digest(loaded.file, file_state(loaded.file))
    found = [score for score in read_scores(loaded.folder) if score.weights == digest]
    return tuple(ranked(found))


def ranked(scores: Iterable[Score]) -> list[Score]:
    """Scores with what people ask for first in front: the newest, FID, and that of most images."""
    rank = {name: place for place, name in enumerate(FIRST)}
    return sorted(scores, key=lambda score: (-score.step, rank.get(score.metric, len(rank)), -score.samples))


@lru_cache(maxsize=64)
def _digest(path: Path, state: tuple[int, ...]) -> str:
    """sha256 of a file's weights, read again only when the file has changed."""
    return file_digest(path)


def in_words(score: Score) -> str:
    """``fd10k-test@... 482.2 (real images: 72.69)``."""
    floor = "" if score.floor is None else f" (real images: {value_text(score.floor)})"
    return f"{score.key} {value_text(score.value, score.std)}{floor}"
