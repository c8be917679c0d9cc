"""What a card shows beside its samples: the same noise in every class, walks, attention, curves.

Each is a function of the model's folder; the same folder gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.card.facts import LONGEST_TEXT, MOST_EVENTS, PICTURES_FORMAT, by_step, read_index
from ganzoo.card.markdown import one_line
from ganzoo.errors import UsageError
from ganzoo.files.write import make_folder, write_json
from ganzoo.folder.layout import (
    CURVES_PICTURE,
    DRAWN_PICTURES,
    LOG,
    NEIGHBOURS_PICTURE,
    NEIGHBOURS_RECORD,
    PICTURES,
    PICTURES_INDEX,
    SCORES_PICTURE,
)
from ganzoo.folder.log import read_log
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.neighbours import NeighboursRecord, write_neighbours
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.labels import written
from ganzoo.images import PAPER, fitting, grid, save_png, to_uint8
from ganzoo.visual.attention import attention_layers, capture, default_points
from ganzoo.visual.attention import picture as overlays
from ganzoo.visual.curves import Curve, plot, read_curves
from ganzoo.visual.interpolation import walk

ROWS, COLUMNS, STEPS, LOOKS = 20, 10, 10, 4
PAGE, LEAST_STRIP = 640, 160  # pixels of a strip's width, at most and at least
LARGEST_STRIP = 200_000  # bytes of its file
INK, LETTERS = 60, 14  # grey of the names of classes, and how much of a name is shown
OF_TRAINING = (CURVES_PICTURE, SCORES_PICTURE)
CURVES = ("losses/", "reports/", "accuracy/")
LINES = 30  # of the log: a longer one is smoothed over as many as make this many waves


def draw(folder: ModelFolder) -> list[str]:
    """Draw every picture that this model can have, and write down what they show; returns what was left out, and why.

    Where the log of the training is not, as in a folder that was published, what is there of the training stays.

    Raises:
        ModelError: for a folder that cannot be loaded.
    """
    gan = folder.load()
    out, logged = folder.path / PICTURES, folder.has(LOG)
    before = read_index(folder)
    known = before.captions if before.step == folder.config["step"] else {}  # else of another model
    make_folder(out)
    captions, notes = {}, []
    for file, make in MAKERS.items():
        try:
            caption = make(gan, folder, out / file)
        except UsageError as error:  # no matplotlib
            notes.append(f"{PICTURES}/{file} was not drawn: {error}")
            caption = None
        if caption is None and file in OF_TRAINING and not logged and folder.has(f"{PICTURES}/{file}"):
            caption = known.get(file)
        if caption is None:
            (out / file).unlink(missing_ok=True)
        else:
            captions[file] = caption[:LONGEST_TEXT]
    strip = known.get(NEIGHBOURS_PICTURE) if before.weights == folder.digest else None  # drawn elsewhere, of these
    if strip is not None and folder.has(f"{PICTURES}/{NEIGHBOURS_PICTURE}"):
        captions[NEIGHBOURS_PICTURE] = strip
    else:
        for file in (NEIGHBOURS_PICTURE, NEIGHBOURS_RECORD):
            (out / file).unlink(missing_ok=True)
    _write_index(folder, captions, events(folder.path) if logged else before.events)
    return notes


def add_neighbours(folder: ModelFolder, picture: Image.Image, record: NeighboursRecord) -> None:
    """Keep a strip of samples and the training images nearest to them, which the folder alone could not draw.

    It stays for as long as the weights do.

    Args:
        folder: of the model whose samples are shown.
        picture: shrunk where it is wider than a page, or its file would be large.
        record: what was measured.
    """
    before, out = read_index(folder), folder.path / PICTURES
    known = before.captions if (before.step, before.weights) == (folder.config["step"], folder.digest) else {}
    make_folder(out)
    _save_strip(picture, out / NEIGHBOURS_PICTURE)
    write_neighbours(folder.path, record)
    said = f"{record.caption} {record.sentence[:1].upper()}{record.sentence[1:]}."
    _write_index(folder, {**known, NEIGHBOURS_PICTURE: said[:LONGEST_TEXT]}, before.events)


def _save_strip(picture: Image.Image, path: Path) -> None:
    """Write a strip that fits a page, in as many pixels as a small file holds."""
    width = min(PAGE, picture.width)
    while True:
        shown = picture
        if width < picture.width:
            shown = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
        save_png(shown, path)
        if path.stat().st_size <= LARGEST_STRIP or width <= LEAST_STRIP:
            return
        width = round(width * 0.85)


def _write_index(folder: ModelFolder, captions: Mapping[str, str], told: Sequence[tuple[int, str]]) -> None:
    """Write down what the pictures of the folder's weights show, and what the guards did."""
    index = {"step": folder.config["step"], "weights": folder.digest, "pictures": dict(captions)}
    path = folder.path / PICTURES / PICTURES_INDEX
    write_json(path, {"format": PICTURES_FORMAT, **index, "events": list(told)})


def events(folder: Path) -> list[tuple[int, str]]:
    """What the guards did, by the run's log."""
    told = [record for record in read_log(folder) if record.get("event")]
    return [(record["step"], _words(record["event"])[:LONGEST_TEXT]) for record in told][-MOST_EVENTS:]


def _words(event: object) -> str:
    """An event in words."""
    if not isinstance(event, Mapping):
        return one_line(event)
    said = event.get("text") or event.get("message") or event.get("kind")
    return one_line(said or ", ".join(f"{key} {value}" for key, value in event.items()))


# --- pictures of the model ----------------------------------------------------------------------------------


def takes_noise(gan: GAN) -> bool:
    """Whether samples come from noise, and from labels at most."""
    return gan.input_names == {NOISE}


def draw_classes(gan: GAN, folder: ModelFolder, path: Path) -> str | None:
    """A row for each class, a column for each noise."""
    if not gan.classes or not takes_noise(gan):
        return None
    labels, names, which = _labels_of_rows(gan)
    rows = len(names)
    seed = _seed(gan)
    z = gan.noise(COLUMNS, seed).repeat(rows, 1)
    y = gan.label_vectors(labels.repeat_interleave(COLUMNS, 0), rows * COLUMNS)
    picture = grid(to_uint8(gan.generate(z, y), low=0), COLUMNS, scale=fitting(COLUMNS * gan.width, 640))
    save_png(named_rows(picture, names), path)
    return f"A row for each {which}, a column for each noise: along a column only the label changes."


def _labels_of_rows(gan: GAN) -> tuple[Tensor, tuple[str, ...], str]:
    """Labels of the rows, their names, and what a row is for: the classes, or the first label vectors of the training.

    Raises:
        UsageError: the model came without label vectors.
    """
    if gan.label_kind == "class":
        drawn = gan.drawn_classes[:ROWS]
        which = "class" if len(drawn) == gan.classes else f"of {len(drawn)} of {gan.classes} classes"
        return torch.tensor(drawn), tuple(gan.class_names[number] for number in drawn), which
    vectors = torch.unique(gan.default_labels(ROWS), dim=0)
    names = tuple(written(row, gan.label_kind, gan.class_names) for row in vectors)
    return vectors, names, f"of {len(names)} label vectors of the training"


def draw_walk(gan: GAN, folder: ModelFolder, path: Path) -> str | None:
    """Rows from one sample to another."""
    if not takes_noise(gan):
        return None
    rows = 6
    images = walk(gan, rows, STEPS, _seed(gan), gan.default_labels(rows))
    save_png(grid(images, STEPS, scale=fitting(STEPS * gan.width, 640)), path)
    held = f", the {'class' if gan.label_kind == 'class' else 'label'} held" if gan.classes else ""
    return f"From one sample to another{held}: each row walks between two noises."


def draw_attention(gan: GAN, folder: ModelFolder, path: Path) -> str | None:
    """Where the attention looks from a few points."""
    if not attention_layers(gan.G):  # type: ignore[arg-type]
        return None
    maps = capture(gan, LOOKS, _seed(gan), gan.default_labels(LOOKS))
    save_png(overlays(maps, default_points(gan.height, gan.width)), path)
    height, width = maps.weights.shape[1:3]
    return (
        f"Self-attention at {height} x {width}: left a sample with coloured dots, then for each dot the places that"
        " it attends to, bright for much."
    )


def _seed(gan: GAN) -> int:
    return int((gan.config or {})["seed"])


def named_rows(picture: Image.Image, names: tuple[str, ...]) -> Image.Image:
    """A grid with a name in front of each of its rows."""
    height = picture.height / len(names)
    font = ImageFont.load_default(size=max(10, min(18, round(height / 3))))
    short = [one_line(name)[:LETTERS] for name in names]
    margin = 16 + max(round(font.getlength(name)) for name in short)
    sheet = Image.new(picture.mode, (margin + picture.width, picture.height), PAPER if picture.mode == "L" else "white")
    sheet.paste(picture, (margin, 0))
    pen = ImageDraw.Draw(sheet)
    ink = INK if picture.mode == "L" else (INK,) * 3
    for row, name in enumerate(short):
        pen.text((margin - 8, (row + 0.5) * height), name, fill=ink, font=font, anchor="rm")
    return sheet


# --- pictures of the training -------------------------------------------------------------------------------


def draw_curves(gan: GAN, folder: ModelFolder, path: Path) -> str | None:
    """Losses, what parts report, such as ADA's probability, and how often D is right, over the steps."""
    if not folder.has(LOG) or not read_log(folder.path):
        return None
    curves = [curve for curve in read_curves([folder.path], ["*"]) if curve.key.startswith(CURVES)]
    if not curves:
        return None
    smooth = max(1, max(len(curve.values) for curve in curves) // LINES)
    plot(curves, path, smooth)
    told = " what parts report," if any(curve.key.startswith("reports/") for curve in curves) else ""
    smoothed = ", smoothed." if smooth > 1 else "."
    return f"Losses by turn,{told} and the share of images that D judges right{smoothed}"


def draw_scores(gan: GAN, folder: ModelFolder, path: Path) -> str | None:
    """Scores over the steps."""
    series = by_step(folder.scores)
    if not series:
        return None
    lines = [Curve("", line[0].key, [one.step for one in line], [one.value for one in line]) for line in series]
    plot(lines, path)
    return "Scores over training."


Maker = Callable[[GAN, ModelFolder, Path], "str | None"]
"""Draws at a path; returns the caption, or None where the model has nothing of the kind."""

MAKERS: Mapping[str, Maker] = dict(
    zip(DRAWN_PICTURES, (draw_classes, draw_walk, draw_attention, draw_curves, draw_scores), strict=True)
)
