"""Scores: what a number means, where it is kept, and which numbers may stand beside each other.

A score is measured, never typed. ``metrics.json`` of a folder keeps each with its whole protocol; the file is a
stranger's until it has been read here. Nothing in this module imports torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError, RecipeError
from ganzoo.files.untrusted import field as checked
from ganzoo.files.untrusted import quoted, read_json
from ganzoo.files.write import write_json
from ganzoo.folder.layout import LARGEST_METRICS, METRICS
from ganzoo.folder.records import (
    HALF_KEY,
    LONGEST_TEXT,
    WORD,
    dataset_of,
    hash_of,
    network_of,
    real,
    real_or_none,
    text_of,
    whole,
)
from ganzoo.registry.about import install
from ganzoo.registry.entry import resolve
from ganzoo.registry.recipe import Part
from ganzoo.registry.shown import block, cut

SEEN = ":seen"  # behind the name of a network that the model was trained to please, whose scores flatter it
METRICS_FORMAT = 2  # with options of metrics, which ganzoo 0.1.0 does not know; 1 where no score has any
DEEPEST = 4  # of mappings within details
MOST_SAMPLES, MOST_SEEDS = 10**8, 10**4  # that anybody scores
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
LONGEST_REQUEST = 120
HTML = "ganzoo.notebook.scores:html"  # by its name: it stands above this room
MOST_LINES = 11  # of scores in a terminal


@dataclass(frozen=True, repr=False)
class Score:
    """One measured number and the protocol that it was measured by.

    Attributes:
        key: metric, number of images, split, network and, where it is not the network's own, the input's size in
            pixels, such as ``fd10k-test@tf_efficientnet_lite0.in1k-64``; see :func:`score_key`.
        metric: ``fid``, ``fd`` (the Fréchet distance on another network), ``kid``, ``is``, ``precision``, ...
        value: of the metric; the mean over seeds where there are several.
        std: over seeds, or over the splits of an Inception Score; None where there is no such thing.
        samples: generated images that the number rests on.
        dataset: ``name``, ``fingerprint``, ``split`` and ``count`` of the real images.
        network: ``name``, ``input`` (pixels), ``pretrained`` and ``sha256`` of the weights of the feature network.
        resize: how images came to the network's size.
        seed: the first seed of the noise.
        seeds: how many seeds were used, from the first on.
        step: of training; 0 where it is not known.
        seconds: that measuring took, shared by the scores of one evaluation.
        weights: sha256 of the ``model.safetensors`` that was scored; empty for images and unsaved models.
        higher_is_better: which way is up.
        floor: the same metric between real training and real test images, where it was measured.
        details: more that the metric says, as JSON: by class, sizes of subsets, ...
        request: the metric as it was asked for, where options are not its defaults, such as ``kid:subsets=50``; a
            metric of several numbers has one name here, ``prdc:k.balls=3`` for ``density``. Empty without options.
    """

    key: str
    metric: str
    value: float
    std: float | None
    samples: int
    dataset: Mapping[str, Any]
    network: Mapping[str, Any]
    resize: str
    seed: int
    seeds: int
    step: int
    seconds: float
    weights: str
    higher_is_better: bool
    floor: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""

    @property
    def options(self) -> str:
        """The options that are not the metric's defaults, ``size=100,subsets=50``; empty without any."""
        return self.request.partition(":")[2]

    @property
    def measured(self) -> str:
        """What was measured, as keys begin: the metric, with the options that are not its defaults."""
        return f"{self.metric}:{self.options}" if self.options else self.metric

    @property
    def measured_by(self) -> str:
        """What to ask for to measure it again: the metric's name, with the options that are not its defaults."""
        return self.request or self.metric

    @property
    def protocol(self) -> tuple[str, str, str, str]:
        """What two scores must share to be ranked together: key, data, weights of the network, resizing."""
        return self.key, self.dataset["fingerprint"], self.network["sha256"], self.resize

    @property
    def identity(self) -> tuple[Any, ...]:
        """What a second measurement of the same thing shares with the first."""
        return *self.protocol, self.seed, self.step, self.weights

    def __repr__(self) -> str:
        """What was measured, and by which protocol."""
        way = "higher" if self.higher_is_better else "lower"
        real = None if self.floor is None else value_text(self.floor)
        spread = "" if self.seeds == 1 else f", mean of {self.seeds} seeds"
        facts = [
            ("better is", way),
            ("real images", real),
            ("images", f"{self.samples:,} of seed {self.seed}{spread}, step {self.step:,}"),
            ("compared with", f"{self.dataset['name']}, {self.dataset['split']}, {self.dataset['count']:,} images"),
            ("seen through", self.network["name"]),
        ]
        return block(f"Score {self.key} = {value_text(self.value, self.std)}", facts)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of one line."""
        return Scores([self])._repr_html_()

    def better_than(self, other: Score) -> bool:
        """Whether this is the better of two scores of one protocol."""
        return self.value > other.value if self.higher_is_better else self.value < other.value

    def to_json(self) -> dict[str, Any]:
        """Every field, as ``metrics.json`` and ``--json`` have it; ``request`` where there are options."""
        table = asdict(self)
        return table if self.request else {name: value for name, value in table.items() if name != "request"}


class Scores(list[Score]):
    """Scores, oldest first: a list that shows itself as a table, in a terminal and in a notebook."""

    def __repr__(self) -> str:
        lines = [
            f"{score.key} = {value_text(score.value, score.std)}"
            + ("" if score.floor is None else f" (real images: {value_text(score.floor)})")
            for score in self
        ]
        return "\n".join(map(cut, [*lines[:MOST_LINES], *(["..."] if len(lines) > MOST_LINES else [])])) or "[]"

    def _repr_html_(self) -> str:
        page: str = resolve(HTML)(self)
        return page


def value_text(value: float, std: float | None = None) -> str:
    """``12.34 ± 0.05``: four digits of a value, and two of its standard deviation where there is one."""
    return f"{value:.4g}" + ("" if std is None else f" ± {std:.2g}")


def short_count(count: int) -> str:
    """``50k`` for 50,000; numbers that are no whole thousands stay as they are."""
    return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else str(count)


def score_key(
    metric: str, samples: int, split: str, network: str, pixels: int | None = None, *, request: str = ""
) -> str:
    """The name of a protocol; ``pixels`` is the side of the network's input where it is not the network's own.

    A metric that ends in a digit is set off from the number: ``l1-10k-test@pixels``; and so are options, which come
    from ``request``, sorted by name and without those that are the default: ``kid:size=100,subsets=50-10k-test@…``.
    """
    colon, options = request.partition(":")[1:]
    joiner = "-" if options or metric[-1:].isdigit() else ""
    key = f"{metric}{colon}{options}{joiner}{short_count(samples)}-{split}@{network}"
    return key if pixels is None else f"{key}-{pixels}"


# --- metrics.json -------------------------------------------------------------------------------------------


def read_scores(folder: str | Path) -> list[Score]:
    """Every score of a folder, oldest first; none where there is no ``metrics.json``.

    Raises:
        ModelError: for a file that is too large, malformed, or of a newer format.
    """
    path = Path(folder) / METRICS
    if not path.is_symlink() and not path.exists():
        return []
    table = read_json(path, LARGEST_METRICS)
    if checked(table, "format", int, path) > METRICS_FORMAT:
        raise ModelError(f"{path} has format {table['format']}, newer than this ganzoo: {install(upgrade=True)}")
    return [_read(record, path) for record in checked(table, "scores", list, path)]


def add_scores(folder: str | Path, scores: Iterable[Score]) -> None:
    """Add scores to a folder's ``metrics.json``; one that measures the same thing again takes the old one's place.

    Raises:
        ModelError: when the file that is there makes no sense.
        RunError: when it cannot be written.
    """
    merged = {score.identity: score for score in read_scores(folder)}
    for score in scores:
        merged.pop(score.identity, None)
        merged[score.identity] = score
    write_scores(folder, merged.values())


def write_scores(folder: str | Path, scores: Iterable[Score]) -> None:
    """Replace a folder's ``metrics.json``; its format is the oldest that can say what these scores are.

    Raises:
        RunError: when it cannot be written.
    """
    kept = list(scores)
    written = METRICS_FORMAT if any(score.request for score in kept) else 1
    write_json(Path(folder) / METRICS, {"format": written, "scores": [score.to_json() for score in kept]})


# --- checking a stranger's record ---------------------------------------------------------------------------


def _read(record: object, path: Path) -> Score:
    """One record, every field checked, unknown ones left out."""
    if not isinstance(record, dict):
        raise ModelError(f"{path}: a score is {quoted(record)}, not an object")
    score = Score(
        key=text_of(record, "key", HALF_KEY, path, "@"),
        metric=text_of(record, "metric", NAME, path),
        value=real(record, "value", path),
        std=real_or_none(record, "std", path),
        samples=whole(record, "samples", path, 1, MOST_SAMPLES),
        dataset=dataset_of(checked(record, "dataset", dict, path), path),
        network=network_of(checked(record, "network", dict, path), path),
        resize=text_of(record, "resize", WORD, path),
        seed=whole(record, "seed", path),
        seeds=whole(record, "seeds", path, 1, MOST_SEEDS),
        step=whole(record, "step", path),
        seconds=real(record, "seconds", path),
        weights=hash_of(record, "weights", path),
        higher_is_better=checked(record, "higher_is_better", bool, path),
        floor=real_or_none(record, "floor", path),
        details=_details(record, path),
        request=_request(record, path),
    )
    name, split = score.network["name"], score.dataset["split"]
    keys = {
        score_key(score.metric, score.samples, split, name, pixels, request=score.request)
        for pixels in (None, score.network["input"])
    }
    if score.key not in keys:
        raise ModelError(f"{path}: the key {quoted(score.key)} does not say what its record says")
    return score


def _request(record: Mapping[str, Any], path: Path) -> str:
    """A metric with options in their one spelling; nothing where there are none."""
    text = str(checked(record, "request", str, path)) if "request" in record else ""
    try:
        part = Part.parse(text[:LONGEST_REQUEST]) if text else None
    except RecipeError:
        part = Part("metric")  # not what is written there, which is refused below
    if part is not None and (str(part) != text or part.places or part.kind or not part.options):
        raise ModelError(f"{path}: {quoted(text)} is no metric with options, such as kid:subsets=50")
    return text


def _details(record: Mapping[str, Any], path: Path) -> dict[str, Any]:
    details = record.get("details", {})
    if not isinstance(details, dict) or not _tame(details, DEEPEST):
        raise ModelError(f"{path}: details are not a small table of short texts, numbers and lists")
    return details


def _tame(value: object, depth: int) -> bool:
    """Whether a JSON value is shallow, finite, and made of short texts."""
    if isinstance(value, dict):
        return depth > 0 and all(len(key) <= LONGEST_TEXT and _tame(one, depth - 1) for key, one in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_tame(one, depth - 1) for one in value)
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, bool) or (abs(value) < 2**63 and math.isfinite(value))  # type: ignore[arg-type, type-var, operator]
