"""The folder of a run or a model: its files, and what each JSON file of it says, from the code that writes them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ganzoo.folder import config, cost, layout, versions
from ganzoo.folder.scores import Score
from ganzoo.gan.builder import build
from ganzoo.images import LARGEST_PROGRESS
from ganzoo.registry.docstrings import arguments
from ganzoo.training import log
from sitepages import models
from sitepages.markdown import code, paragraphs, table, text

HOME = "reference"
FILES = {
    layout.CONFIG: "recipe, every setting with its reason, sizes, classes, data: see [config.json](config.md)",
    layout.MODEL: "the weights of G to sample from: their exponential moving average (EMA)",
    layout.METRICS: "every score with its whole protocol: see [metrics.json](metrics.md)",
    layout.CARD: "the model card, generated from the other files",
    layout.SAMPLES: "64 samples from fixed noise",
    layout.ANIMATION: f"the first rows of it over the training; ganzoo writes {LARGEST_PROGRESS / 1e6:g} MB of it at most",
    layout.LICENCE: "the text of the weights' licence, where it has to go with them",
    f"{layout.PICTURES}/": "more pictures of the card: classes, interpolation, attention, curves, scores; and "
    f"`{layout.NEIGHBOURS_PICTURE}`, with its numbers in `{layout.NEIGHBOURS_RECORD}`, where `ganzoo neighbours --card`"
    " drew it",
    f"{layout.EXAMPLES}/": "inputs of a translation or text model, or label vectors of one with labels other than classes",
    layout.DISCRIMINATOR: "D's weights; only in a repository of the Hub, with `ganzoo push --with-discriminator`",
}
RUN_FILES = {
    layout.LOG: "losses, learning rates, D's accuracy and health, one line every few steps: see [log.jsonl](log.md)",
    f"{layout.SNAPSHOTS}/": "weights of kept steps, with `--keep K`",
    f"{layout.TRAINING}/": "checkpoints: all that resuming needs, in safetensors and JSON only",
    f"{layout.TRAINING}/{layout.RUN}": "where and how the run was computed: paths, machine, precision, intervals",
    f"{layout.TRAINING}/{layout.FRAMES}/": f"the frames of `{layout.ANIMATION}`",
    f"{layout.TRAINING}/step-00000500/": f"one checkpoint: `{layout.STATE_TENSORS}` and `{layout.STATE}`; two are kept",
    f"{layout.TRAINING}/best-00000300/": "the checkpoint of the best step so far",
}
CONFIG_FIELDS = {
    "format": "version of this file's form; older ones are read for ever",
    "ganzoo": "version of ganzoo that wrote it",
    "recipe": "canonical recipe: the same text for the same model",
    "provides": "keys of a batch that the data brought, such as `image` and `label`",
    "parts": "every part: `part` as `kind/name`, `side`, `resolutions`, `options` and `reason`; the architecture first",
    "settings": "every setting by name: `value` and `reason`",
    "height": "of the images, in pixels",
    "width": "of the images, in pixels",
    "channels": "of the images: 1 is grey, 3 RGB, 4 RGBA",
    "bits": "of each value of an image: 8 or 16",
    "classes": "length of the label vector; 0 without labels",
    "class_names": "a name for each entry of the label vector",
    "class_counts": "images of each class, in order; null where that is not known",
    "label_kind": "`class`, `multilabel` or `continuous`; null without labels",
    "z_dim": "length of the noise",
    "dataset": "`name`, `fingerprint`, `count` and `licence` of the data; never a path",
    "fingerprint_kind": "what the fingerprint is made from: `sha256` or `files-sha256`",
    "plugins": "packages that bring parts of the model, with their versions",
    "seed": "of everything that was drawn",
    "step": "of training that the weights are of",
    "selection": "`chosen` is `best` or `last`; `split`, `key` and the data of the score that chose",
    "origin": "where imported weights are from; null for our own",
    "frozen": "sha256 of frozen weights that are loaded by name",
    "dtype": "of the published weights: `float32`, `bfloat16` or `float16`",
    "license": "licence of the model; null where none is stated",
}
OPTIONAL = {
    cost.COST: "what the training cost, where somebody knows: `seconds` on the wall, `processor_seconds` of all threads, "
    "`device`, `processor`, `threads`, `processes` and `steps`, as the run counted them, once the model is published; or what a "
    "person says, `said` (`ganzoo card --cost`)",
}
ALSO = {"class_counts": [0], "origin": {}}  # what a field may hold that no model of the zoo has
TRUST = """\
## Trust

A folder, from the Hub or copied, is untrusted: nothing in it is executed or unpickled, it is read only where its own files are,
and sizes are checked before memory is taken. `config.json` has a megabyte at most; weights are safetensors, whose every name,
shape and dtype is checked against the networks of the recipe first. A newer `format` than this ganzoo reads is refused with the
version to install.
"""


def pages() -> dict[str, str | Path]:
    """The pages."""
    return {
        f"{HOME}/folder.md": _folder(),
        f"{HOME}/config.md": _config(),
        f"{HOME}/metrics.md": _metrics(),
        f"{HOME}/log.md": f"# log.jsonl\n\n{paragraphs(inspect.cleandoc(log.__doc__ or ''))}\n",
    }


def _folder() -> str:
    shared = [(code(name), what, _largest(name)) for name, what in FILES.items()]
    kept = [(code(name), what) for name, what in RUN_FILES.items()]
    sections = [
        "# The folder of a run or a model",
        "`ganzoo train` writes a folder, and every later command reads one. A model on the Hub is such a folder, too.",
        "## What a model consists of, and `ganzoo push` publishes",
        table(("file", "content", "at most"), shared),
        "## What a run has besides, and is never published",
        table(("file", "content"), kept),
        "While a run is trained, a lock file in its folder keeps a second training out of it.",
        TRUST,
    ]
    return "\n\n".join(sections)


def _largest(name: str) -> str:
    bound = layout.LARGEST.get(name)
    return "" if bound is None else f"{bound // layout.MEGABYTE} MB"


def written() -> dict[str, Any]:
    """The ``config.json`` of a small model, as a training writes it."""
    data = {"name": "digits", "fingerprint": f"sha256:{'0' * 64}", "count": 1797, "licence": "cc-by-4.0"}
    gan = build("dcgan+hinge", resolution=16, channels=1, classes=10)
    return config.describe(gan, step=600, seed=0, dataset=data, license=None)


def _config() -> str:
    found = [written(), *(config.read_config(folder) for folder in models.folders())]
    found.append({**found[0], **ALSO})
    rows = [(code(name), code(_types([one[name] for one in found])), what) for name, what in CONFIG_FIELDS.items()]
    known = {name: [one[name] for one in found if name in one] for name in OPTIONAL}
    rows += [(code(name), f"{code(_types(known[name]))}, or not there", what) for name, what in OPTIONAL.items()]
    words = paragraphs(inspect.cleandoc(versions.__doc__ or ""))
    return f"# config.json\n\n{table(('field', 'type', 'meaning'), rows)}\n\n## Formats\n\n{words}\n"


def _types(values: list[Any]) -> str:
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "number", type(None): "null"}
    return " or ".join(dict.fromkeys(names[type(value)] for value in sorted(values, key=lambda one: one is None)))


def _metrics() -> str:
    doc = inspect.cleandoc(Score.__doc__ or "")
    meanings = arguments(doc.replace("Attributes:", "Args:"))
    fields = inspect.get_annotations(Score)
    rows = [(code(name), code(str(form)), text(meanings[name])) for name, form in fields.items()]
    sections = [
        "# metrics.json",
        "`format`, and under `scores` a list of records. A number is measured, by `ganzoo eval`, and never typed. Two scores "
        "are ranked together only where key, data, weights of the network and way of resizing agree.",
        table(("field", "type", "meaning"), rows),
    ]
    return "\n\n".join(sections) + "\n"
