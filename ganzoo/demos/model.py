"""What a page asks of a model, and what it is given: pictures, each with its caption, and the command for the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.decode import UNREADABLE, open_picture, planes, why
from ganzoo.errors import DataError, UsageError, command, printable, whole
from ganzoo.folder.layout import SAMPLES
from ganzoo.gan.arguments import take_truncation
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import MODES, NOISE, SOURCE, TEXT, decode_text, enlarged
from ganzoo.gan.labels import BETWEEN, NONE, written
from ganzoo.gan.priors import LAWS
from ganzoo.gan.steering import Directions
from ganzoo.gan.style import has_w
from ganzoo.images import to_pil
from ganzoo.registry.sizes import size_of

MOST = 64  # pictures at once
FEW, LARGE = 4, 128  # pictures that are drawn at first, of models with larger ones than this
MANY = 16  # that are drawn of all others
SLIDERS = 8  # directions that the page moves along, from the first
FURTHEST = 3.0  # standard deviations, to either side
TAIL = 3.0  # standard deviations at which a bound on normal noise is no bound to speak of
LONGEST = 60  # letters of a name that are shown


@dataclass(frozen=True)
class Span:
    """The truncations that a page offers.

    Attributes:
        least, most: of the slider; at ``most`` nothing is truncated.
        step: of the slider.
        about: what it does, in a sentence.
    """

    least: float
    most: float
    step: float
    about: str


@dataclass(frozen=True)
class Asked:
    """What somebody asks for; what the model does not take stays as it is here.

    Attributes:
        n: how many pictures.
        seed: of the noise.
        labels: as ``--label`` takes them, in turn; none for those of the training in turn.
        truncation: None for none.
        moves: standard deviations by the number of a direction.
        picture: a file to translate; None for the examples of the model.
        text: to draw; empty for the examples of the model.
    """

    n: int = MANY
    seed: int = 0
    labels: Sequence[str] = ()
    truncation: float | None = None
    moves: Mapping[int, float] = field(default_factory=dict)
    picture: Path | None = None
    text: str = ""


@dataclass(frozen=True)
class DemoModel:
    """A model behind a page. It may be asked from several threads.

    Attributes:
        gan: ready to sample.
        name: what a person calls it, as on the command line.
        directions: of this model, that it can be moved along; None for none.
        file: of the directions, as the command line names it.
    """

    gan: GAN
    name: str
    directions: Directions | None = None
    file: str = ""
    _one_at_a_time: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def draws(self) -> bool:
        """Whether it draws from noise, so that there is a seed and any number of pictures."""
        return NOISE in self.gan.input_names

    @property
    def takes_picture(self) -> bool:
        """Whether somebody can give it a picture to translate."""
        return SOURCE in self.gan.input_names and self.gan.source_image[0] in MODES

    @property
    def takes_text(self) -> bool:
        """Whether it draws what a text says."""
        return TEXT in self.gan.input_names

    @property
    def usual(self) -> int:
        """How many pictures are drawn at first."""
        count = MANY if max(self.gan.image[1:]) <= LARGE else FEW
        shown = [len(rows) for rows in self.gan.examples.values()]
        return min([count, *([] if self.draws else shown)])

    @property
    def moves(self) -> int:
        """How many directions the page moves along."""
        return 0 if self.directions is None else min(SLIDERS, len(self.directions.vectors))

    def span(self) -> Span | None:
        """The truncations that the model takes; None where it takes none."""
        if not self.draws:
            return None
        if has_w(self.gan.G):
            span = Span(0.0, 1.0, 0.05, "ψ: how far w keeps from its mean. 1 changes nothing, 0 draws the mean.")
        elif (edge := LAWS[str(self.gan.plan["prior"])].edge) is not None:
            span = Span(0.05, 1.0, 0.05, f"The noise lies within ±{edge:g} times this: smaller is tamer, less varied.")
        else:
            about = f"A bound on the noise: smaller is tamer, less varied. At {TAIL:g} there is none."
            span = Span(0.1, TAIL, 0.1, about)
        try:
            self.gan.noise(1, 0, (span.least + span.most) / 2)
        except UsageError:
            return None
        finally:
            take_truncation(self.gan.G, self.gan.input_names, None)
        return span

    def choices(self) -> list[tuple[str, str]]:
        """The labels that can be chosen from, as shown and as ``labels`` takes them; none for continuous labels."""
        if self.gan.label_kind == "continuous":
            return []
        names = [(printable(name, LONGEST), str(number)) for number, name in enumerate(self.gan.class_names)]
        several = self.gan.label_kind == "multilabel" and NONE not in self.gan.class_names
        return [*names, *([(f"({NONE} of them)", NONE)] if several else [])]

    def draw(self, asked: Asked) -> tuple[list[tuple[Image.Image, str]], str]:
        """Pictures, the same that ``ganzoo sample`` draws, each with its caption; and the command that draws them.

        Raises:
            UsageError: for what the model does not take.
            DataError: the picture cannot be read.
        """
        with self._one_at_a_time:  # a truncation is the generator's until the next
            return self._drawn(asked)

    def _drawn(self, asked: Asked) -> tuple[list[tuple[Image.Image, str]], str]:
        n = whole("n", asked.n, 1, MOST) if asked.picture is None else 1
        labels = self._labels(n, asked.labels)
        given: dict[str, Any] = {}
        if asked.picture is not None:
            given["source"] = self._read(asked.picture)
        if asked.text.strip():
            given["text"] = asked.text
        moves = {f"d{number}": amount for number, amount in asked.moves.items() if amount}
        if moves:
            given |= {"direction": moves, "directions": self.directions}
        images: list[Image.Image] = self.gan.sample(
            n, labels=labels, seed=asked.seed, truncation=asked.truncation, output="pil", **given
        )
        captions = self._captions(n, labels, given)
        shown = list(zip(images, captions, strict=True))
        if SOURCE in self.gan.input_names and "source" not in given:
            shown = [one for pair in zip(self._sources(n), shown, strict=True) for one in pair]
        return shown, self._command(asked, moves)

    def _labels(self, n: int, chosen: Sequence[str]) -> Tensor | None:
        """Labels of ``n`` images: those chosen in turn, or together where a label is several classes."""
        if not chosen:
            return self.gan.default_labels(n)
        given = self.gan.read_labels(self._spelled(chosen))
        return given[torch.arange(n) % len(given)]

    def _spelled(self, chosen: Sequence[str]) -> list[str]:
        """Labels as ``--label`` takes them: by name where they are classes."""
        if self.gan.label_kind == "continuous":
            return list(chosen)
        names = [self._class_name(word) for word in chosen]
        return [BETWEEN.join(names)] if self.gan.label_kind == "multilabel" else names

    def _class_name(self, word: str) -> str:
        """The name of a class that was chosen by its number, unless it would be taken for something else."""
        number = int(word) if word.isdecimal() and int(word) < len(self.gan.class_names) else None
        name = word if number is None else self.gan.class_names[number]
        clear = self.gan.class_names.count(name) == 1 and BETWEEN not in name and name.isprintable()
        return name if clear else word

    def _captions(self, n: int, labels: Tensor | None, given: Mapping[str, Any]) -> list[str]:
        """What stands under each picture: its class or label vector, or its text."""
        if TEXT in self.gan.input_names:
            if "text" in given:
                return [printable(given["text"], LONGEST)] * n
            rows = self.gan.examples[TEXT]
            return [printable(text, LONGEST) for text in decode_text(rows[torch.arange(n) % len(rows)])]
        if labels is None:
            return [""] * n
        names = self.gan.class_names
        if not labels.is_floating_point():
            return [printable(names[number], LONGEST) for number in labels.tolist()]
        return [printable(written(row, self.gan.label_kind, names), LONGEST) for row in labels]

    def _sources(self, n: int) -> list[tuple[Image.Image, str]]:
        """The examples that images were made from, as large as these."""
        rows = self.gan.examples[SOURCE][torch.arange(n) % len(self.gan.examples[SOURCE])]
        large = enlarged(rows, torch.empty(0, *self.gan.image))
        return [(picture, "example") for picture in to_pil(large)]

    def _read(self, path: Path) -> Image.Image:
        """A picture cut to the proportions of what the model takes, and brought to its size, as ``--resize`` does."""
        channels, height, width = self.gan.source_image
        try:
            with open_picture(path, trusted=False) as picture:
                pixels = planes(picture, size_of(height, width), channels)
        except UNREADABLE as error:
            raise DataError(f"this picture cannot be read: {why(error)}") from error
        return to_pil(torch.from_numpy(pixels.copy())[None])[0]

    def _command(self, asked: Asked, moves: Mapping[str, float]) -> str:
        """What to type for the same pictures."""
        words: list[object] = ["sample", self.name]
        if asked.picture is None:
            words += ["-n", asked.n]
        if self.draws:
            words += ["--seed", asked.seed]
        for label in self._spelled(asked.labels):
            words += ["--label", label]
        if asked.picture is not None:
            words += ["--input", "PICTURE", "--resize"]
        if asked.text.strip():
            words += ["--text", asked.text]
        if asked.truncation is not None:
            words += ["--truncation", f"{asked.truncation:g}"]
        for name, amount in moves.items():
            words += ["--direction", f"{name}={amount:g}"]
        if moves:
            words += ["--directions", self.file]
        return command(*words, "--out", SAMPLES)
