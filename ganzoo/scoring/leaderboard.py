"""Models ranked by scores of one protocol, and never across two. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.files.untrusted import printable
from ganzoo.folder.layout import CONFIG, MODEL
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import SEEN, Score

Protocol = tuple[str, str, str, str]  # see Score.protocol


@dataclass(frozen=True)
class RankedScore:
    """A model, as a table calls it, and one of its scores."""

    model: str
    recipe: str
    score: Score


def scored(folders: Sequence[Path]) -> Iterator[RankedScore]:
    """Every score of the weights that the models have now.

    Raises:
        UsageError: for a folder that is not there, or holds no model.
        ModelError: for a model's file that makes no sense.
    """
    for folder in map(ModelFolder, model_folders(folders)):
        recipe = printable(folder.config["recipe"], 120)
        for score in folder.own_scores:
            yield RankedScore(printable(folder), recipe, score)


def model_folders(folders: Sequence[Path]) -> list[Path]:
    """The folders of models among ``folders`` and in them, each once, by name."""
    found: dict[Path, Path] = {}
    for folder in folders or (Path("runs"),):
        inside = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
        here = [path for path in inside if (path / CONFIG).is_file() and (path / MODEL).exists()]
        if not here:
            what = "holds no model" if inside else "is no folder"
            raise UsageError(f"{folder} {what}: name folders that train wrote, or one that they are in")
        found |= {path.resolve(): path for path in here}
    return list(found.values())


def rankings(rows: Iterable[RankedScore]) -> dict[Protocol, list[RankedScore]]:
    """Rows by protocol, in the order of their appearance, the best first.

    Of a model that a protocol scored more than once, such as with other seeds, the last score counts.
    """
    last: dict[Protocol, dict[str, RankedScore]] = {}
    for row in rows:
        last.setdefault(row.score.protocol, {})[row.model] = row
    return {one: _sorted(list(found.values())) for one, found in last.items()}


def _sorted(rows: list[RankedScore]) -> list[RankedScore]:
    return sorted(rows, key=lambda row: row.score.value, reverse=rows[0].score.higher_is_better)


def title(score: Score) -> str:
    """A line that says what a table compares."""
    data = score.dataset
    better = "higher" if score.higher_is_better else "lower"
    untrained = "" if score.network["pretrained"] else ", untrained network"
    untrained += ", a network that training looked through" if score.network["name"].endswith(SEEN) else ""
    fingerprint = data["fingerprint"].partition(":")[2][:8]
    return f"{score.key} on {printable(data['name'])} ({fingerprint}), {score.resize}{untrained}: {better} is better"


def described(rows: Sequence[RankedScore]) -> dict[str, Any]:
    """A ranking as ``--json`` prints it."""
    first = rows[0].score
    return {
        "key": first.key,
        "dataset": dict(first.dataset),
        "network": dict(first.network),
        "resize": first.resize,
        "higher_is_better": first.higher_is_better,
        "ranking": [
            {
                "rank": rank,
                "model": row.model,
                "recipe": row.recipe,
                "step": row.score.step,
                "value": row.score.value,
                "std": row.score.std,
                "floor": row.score.floor,
                "weights": row.score.weights,
            }
            for rank, row in enumerate(rows, 1)
        ],
    }
