"""How to train each system of the documents that the project began with, and each configuration of StudioGAN."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from ganzoo.folder.scores import read_scores
from sitepages import ROOT, models
from sitepages.cost import HOW, cost
from sitepages.documents import DOCUMENTS, OPENING, System
from sitepages.markdown import bash, code, table, text

sys.path.append(str(ROOT / "tests"))
from studiogan_rows import ROWS, settings_of  # the table of docs/studiogan.md, which tests hold against the plans

THEIRS = ROOT / "docs" / "reproduce" / "studiogan.json"
STUDIOGAN = """\
# PyTorch-StudioGAN's configurations for CIFAR-10

Each of the 72 configurations of PyTorch-StudioGAN for CIFAR-10, the command that trains it here, what that costs, and what
StudioGAN published of it. What differs from StudioGAN, and the same table with every setting, is on
[another page](../studiogan.md). None of these trainings has been run in full by this project: the numbers are **theirs**, each
under its own protocol, and are not to be compared with scores of ganzoo's models, which look through another network.

{how}
To score a run as the benchmark figure does:

```bash
ganzoo eval runs/mine --data cifar10 --split train --metrics fid -n 50000
```
"""


def pages() -> dict[str, str | Path]:
    """The pages."""
    return {"reproduce/studiogan.md": _studiogan(), "reproduce/documents.md": _documents()}


# --- StudioGAN ----------------------------------------------------------------------------------------------


def _studiogan() -> str:
    theirs = json.loads(THEIRS.read_bytes())
    sections = [STUDIOGAN.format(how=HOW)]
    for name, (recipe, steps, _) in ROWS.items():
        settings = settings_of(name)
        count = int(steps.replace(",", ""))
        spent = cost(recipe, count, tuple(settings.items()))
        words = [word for pair in settings.items() for word in ("--set", "=".join(pair))]
        command = shlex.join(["ganzoo", "train", recipe, "--data", "cifar10", "--steps", str(count), *words])
        facts = [
            ("cost", f"{spent}; G {spent.generator:,} and D {spent.discriminator:,} parameters"),
            ("what to expect", _expected(name, theirs)),
        ]
        sections += [f"## {name}", bash(command), table(("", ""), facts)]
    return "\n\n".join(sections) + "\n"


def _expected(name: str, theirs: dict[str, Any]) -> str:
    """What StudioGAN says of a row."""
    figure, log, end = (theirs[key]["rows"].get(name) for key in ("benchmark", "log", "ended"))
    said = []
    if figure is not None:
        said.append(
            f"theirs: FID **{figure}** in their benchmark figure (TF Inception, 50k fakes, 50k training images)"
        )
    if log is not None:
        best = f"{'theirs: ' if not said else ''}at best {log[0]:.2f} at step {log[1]:,} of their log (test images)"
        said.append(best + (f", and {end} at its end: it got worse" if end is not None else ""))
    return "; ".join(said) or "StudioGAN published no CIFAR-10 score of it that was found"


# --- the documents ------------------------------------------------------------------------------------------


def _documents() -> str:
    sections = [OPENING.format(how=HOW)]
    for document in DOCUMENTS:
        sections += [f"## {document.title}", document.about]
        for system in document.systems:
            sections += [f"### {system.name}", system.about, bash(*system.commands), table(("", ""), _facts(system))]
    return "\n\n".join(sections) + "\n"


def _facts(system: System) -> list[tuple[str, str]]:
    rows = []
    if system.recipe:
        rows.append(("cost", str(cost(system.recipe, system.steps, size=system.size))))
    if system.takes:
        rows.append(("cost", system.takes))
    rows.append(("theirs", system.theirs or "no number"))
    expected = "; ".join([*([system.expect] if system.expect else []), *map(_model, system.models)])
    rows.append(("what to expect", expected))
    return rows


def _model(name: str) -> str:
    """What a model of the zoo, trained so or nearly so, scores."""
    folder = models.CARDS / name
    said = models.config(folder)
    trained = f"[`{name}`](../zoo/models/{name}/index.md) ({code(said['recipe'])}, {said['step']:,} steps)"
    first = next(score for score in read_scores(folder) if score.metric == "fd")
    floor = "" if first.floor is None else f", where real images get {first.floor:.4g}"
    return f"{trained} has an FD of {first.value:.4g}{floor} (`{text(first.key)}`: not an FID)".replace("\\", "")
