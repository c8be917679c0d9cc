"""Where everything is in the folder of a model or a run, and what of it may be published, without torch.

No other module spells a file name of a folder; ``tests/folder/test_layout.py`` holds them to it.
"""

from __future__ import annotations

import re
from pathlib import Path

from ganzoo.files.untrusted import LARGEST_HEADER
from ganzoo.files.write import LOCK as LOCK  # the lock of a folder, named where it is taken

# A model: what is published.
CONFIG = "config.json"
MODEL = "model.safetensors"
METRICS = "metrics.json"
CARD = "README.md"
SAMPLES = "samples.png"
ANIMATION = "progress.gif"
LICENCE = "LICENSE"  # the text of the weights' licence, where it asks to go with them, as others' often does
DISCRIMINATOR = "discriminator.safetensors"  # only with ``push --with-discriminator``

EXAMPLES = "examples"  # inputs of a translation or text model, by the batch key that they are fed as
EXAMPLE_PICTURES = {"source": "source.png", "target": "target.png"}
EXAMPLE_TEXTS = "text.json"
EXAMPLE_LABELS = "label.json"  # label vectors of a model that is conditional on other labels than classes
EXAMPLE_FILES = tuple(f"{EXAMPLES}/{file}" for file in (*EXAMPLE_PICTURES.values(), EXAMPLE_TEXTS, EXAMPLE_LABELS))

PICTURES = "pictures"  # what a card shows beside its samples, and what these files are pictures of
PICTURES_INDEX = "index.json"
CURVES_PICTURE, SCORES_PICTURE = "curves.png", "scores.png"
DRAWN_PICTURES = ("classes.png", "interpolation.png", "attention.png", CURVES_PICTURE, SCORES_PICTURE)
NEIGHBOURS_PICTURE = "neighbours.png"  # which takes the training's images, and is there only where somebody drew it
NEIGHBOURS_RECORD = "neighbours.json"  # the numbers of that strip
CARD_PICTURES = (*DRAWN_PICTURES, NEIGHBOURS_PICTURE)

# A run: what stays where it was trained.
LOG = "log.jsonl"
SNAPSHOTS = "snapshots"
TRAINING = "training"
RUN = "run.json"
FRAMES = "frames"
STATE, STATE_TENSORS = "state.json", "state.safetensors"
CHECKPOINT = re.compile(r"(step|best)-([0-9]{1,15})")


# --- a run's steps ------------------------------------------------------------------------------------------


def snapshot_path(folder: Path, step: int) -> Path:
    """Where the weights of a kept step are."""
    return folder / SNAPSHOTS / f"step-{step:08d}.safetensors"


def checkpoint_path(folder: Path, step: int) -> Path:
    """The checkpoint folder of a step."""
    return folder / TRAINING / f"step-{step:08d}"


def best_path(folder: Path, step: int) -> Path:
    """The checkpoint folder of a step that was the best when it was scored."""
    return folder / TRAINING / f"best-{step:08d}"


def snapshots(folder: Path) -> dict[int, Path]:
    """Kept weights by step, oldest first."""
    inside = folder / SNAPSHOTS
    files = [] if inside.is_symlink() else sorted(inside.glob("step-*.safetensors"))
    return {int(file.stem[5:]): file for file in files if file.stem[5:].isdecimal()}


def checkpoints(folder: Path) -> dict[int, Path]:
    """Checkpoint folders of a run by step, oldest first, whether they hold together or not."""
    found = sorted((folder / TRAINING).glob("step-*"))
    return {int(path.name[5:]): path for path in found if path.name[5:].isdecimal()}


def bests(folder: Path) -> dict[int, Path]:
    """Checkpoint folders of the best step by step, oldest first; the last is the best one now. Runs have them."""
    inside = folder / TRAINING
    found = [] if inside.is_symlink() else sorted(inside.glob("best-*"))
    return {int(path.name[5:]): path for path in found if path.name[5:].isdecimal() and not path.is_symlink()}


# --- what a push sends and a pull takes ---------------------------------------------------------------------

MEGABYTE = 1 << 20
LARGEST_METRICS = 16 * MEGABYTE  # some ten thousand evaluations
WIDEST = 4  # bytes of a published number
LARGEST: dict[str, int] = {
    CONFIG: MEGABYTE,
    METRICS: LARGEST_METRICS,
    CARD: 4 * MEGABYTE,
    LICENCE: MEGABYTE,
    SAMPLES: 64 * MEGABYTE,
    ANIMATION: 256 * MEGABYTE,
}
PUBLISHED_FOLDERS = (PICTURES, EXAMPLES)
INSIDE = re.compile(
    rf"(?:{'|'.join(PUBLISHED_FOLDERS)})(?:/[A-Za-z0-9_][A-Za-z0-9._-]{{0,99}}){{1,2}}\.(?:png|gif|jpe?g|webp|json|txt)"
)
LARGEST_INSIDE = 64 * MEGABYTE
MOST_FILES = 2_000


def largest(name: str) -> int | None:
    """How many bytes a published file may have; None for a name that is not published, such as a path outside."""
    if name in (MODEL, DISCRIMINATOR):
        from ganzoo.gan.refusals import parameter_limit  # imports torch, which most of this module's readers do without

        return parameter_limit() * WIDEST + LARGEST_HEADER + 8
    if INSIDE.fullmatch(name):
        return LARGEST_INSIDE
    return LARGEST.get(name)
