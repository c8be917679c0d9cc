"""Checking recorded scores: each is measured again by its own protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ganzoo.data import ImageData
from ganzoo.data.dataset import kind_like
from ganzoo.data.holdout import VALID
from ganzoo.errors import ModelError, UsageError, command
from ganzoo.files.untrusted import printable
from ganzoo.folder.layout import METRICS
from ganzoo.folder.scores import SEEN, Score
from ganzoo.gan.gan import GAN
from ganzoo.hub.locate import ModelReference, locate
from ganzoo.machine.memory import keep_memory
from ganzoo.metrics import evaluate
from ganzoo.metrics.extract import Progress
from ganzoo.metrics.select import asked_by, choose, views_of
from ganzoo.registry.sizes import shorter
from ganzoo.scoring.score import held_out_of, open_real

TOLERANCE = 0.01
SMALLEST_DIFFERENCE = 1e-5  # that a verification minds, whatever the tolerance: float32 on another machine


@dataclass(frozen=True)
class Verification:
    """What became of a recorded score when it was measured again.

    Attributes:
        recorded: the score.
        measured: the new one; None where it could not be measured.
        reason: why not, or nothing.
        tolerance: relative difference that is allowed.
    """

    recorded: Score
    measured: Score | None
    reason: str
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the score was confirmed."""
        return self.measured is not None and math.isclose(
            self.measured.value, self.recorded.value, rel_tol=self.tolerance, abs_tol=SMALLEST_DIFFERENCE
        )

    @property
    def text(self) -> str:
        """``holds``, ``does not hold``, or why neither is known."""
        if self.measured is None:
            return f"not measured: {self.reason}"
        return "holds" if self.holds else "does not hold"


@dataclass
class ScoreVerifier:
    """Measures recorded scores again, each by its own protocol.

    Args:
        data: the real images, as a person gives them.
        tolerance: relative difference that a verification allows.
        weights: a file with the feature network's weights.
        batch: images computed at once.
        device: where everything is computed.
        skip_bad: leave out real pictures that cannot be read.
        progress: told how many images are done, and of how many.
    """

    data: Any
    tolerance: float = TOLERANCE
    weights: Path | None = None
    batch: int = 64
    device: str = "cpu"
    skip_bad: bool = False
    progress: Progress | None = None

    def __post_init__(self) -> None:
        self._opened: dict[tuple[Any, ...], ImageData] = {}

    def measure_again(self, gan: GAN, recorded: Sequence[Score]) -> list[Verification]:
        """What becomes of ``recorded``, in order, when the images of ``gan`` are scored.

        Raises:
            DataError, UsageError: the data cannot be opened.
        """
        keep_memory()
        found: dict[tuple[Any, ...], Verification] = {}
        for scores in _alike(recorded):
            measured, reason = self._measure(gan, scores)
            again = {(score.key, score.resize): score for score in measured}
            for score in scores:
                measured_one = again.get((score.key, score.resize))
                found[score.identity] = Verification(score, measured_one, reason, self.tolerance)
        return [found[score.identity] for score in recorded]

    def _real(self, split: str, gan: GAN, fingerprint: str) -> ImageData:
        """The real images of a split, of the size that a model draws; opened once."""
        kind = kind_like(fingerprint)
        wanted = (split, gan.image, gan.bits, held_out_of(gan) if split == VALID else None, kind)
        if wanted not in self._opened:
            self._opened[wanted] = open_real(self.data, split, gan, fingerprint, self.skip_bad)[0]
        return self._opened[wanted]

    def _measure(self, gan: GAN, scores: Sequence[Score]) -> tuple[list[Score], str]:
        """Scores of one pass, measured again; or none, and the reason."""
        first = scores[0]
        real = self._real(first.dataset["split"], gan, first.dataset["fingerprint"])
        if not real.is_known_as(first.dataset["fingerprint"]):
            return [], f"{printable(real.name)} is not the data that was scored"
        try:
            asked = [asked_by(score.measured_by) for score in scores]
            selected = choose(asked)
        except UsageError as error:
            return [], str(error)
        name = first.network["name"].removesuffix(SEEN)
        networks: dict[str, Any] = {"features": name, "weights": self.weights, "device": self.device}
        views = views_of(selected, resolution=shorter(gan.size), **networks, gan=gan)
        if any(view.network.record() != dict(first.network) for view in views):
            return [], "the feature network here has other weights than the one that scored"
        try:
            found = evaluate(
                gan,
                real,
                metrics=asked,
                n=first.samples,
                **networks,
                seed=first.seed,
                seeds=first.seeds,
                batch=self.batch,
                progress=self.progress,
                split=first.dataset["split"],
            )
        except UsageError as error:  # such as classes of other names, which version 0.1.0 did not look at
            return [], str(error)
        return found, "the metric of that name gives no such number"


def verify(model: str | PathLike[str] | ModelReference, verifier: ScoreVerifier) -> list[Verification]:
    """Measure the recorded scores of a model's weights again.

    Args:
        model: a folder, or a reference as :func:`ganzoo.load` takes it.
        verifier: has the real images that it was scored against.

    Returns:
        A verification for every recorded score of the weights that are there now.

    Raises:
        ModelError: nothing is recorded of these weights.
        DataError, UsageError: the data cannot be opened.
    """
    found = model if isinstance(model, ModelReference) else locate(model, also=(METRICS,))
    recorded = found.folder.own_scores
    if not recorded:
        raise ModelError(
            f"{found.label} has no scores of its weights; {command('eval', found.label, '--data', 'D')} makes them"
        )
    return verifier.measure_again(found.load(verifier.device), recorded)


def _alike(scores: Sequence[Score]) -> list[list[Score]]:
    """Scores that one pass over the images measures, together."""
    groups: dict[tuple[Any, ...], list[Score]] = {}
    for score in scores:
        against = (score.dataset["fingerprint"], score.dataset["split"], score.network["sha256"])
        groups.setdefault((*against, score.samples, score.seed, score.seeds, _known(score)), []).append(score)
    return list(groups.values())


def _known(score: Score) -> bool:
    """Whether a metric of its name is here; commands of plugins record scores of their own."""
    try:
        asked_by(score.measured_by)
    except UsageError:
        return False
    return True
