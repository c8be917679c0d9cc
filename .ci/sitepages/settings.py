"""Every setting of training, and which parts ask for another value of it."""

from __future__ import annotations

from pathlib import Path

from ganzoo.plan.settings import PER_PLAYER, SETTINGS, Spec, write
from ganzoo.registry.loading import registry
from ganzoo.schedules import FORM
from sitepages.markdown import code, form, table, text

HEADER = """\
# Settings

Settings are the hyperparameters of training: `ganzoo train RECIPE --set lr.g=1e-4 --set repeat.d=5`, or in Python
`ganzoo.train(..., settings={"lr.g": 1e-4})`. `ganzoo build RECIPE --explain` shows each with its value and where that comes
from: what you set wins over what a named part asks for, that over what the architecture asks for, and that over the default
below. Hyperparameters of one part are its options, such as `r1:gamma=1`: each part's [page](../zoo/parts/index.md) has them.
"""
SCHEDULES = """\
## Schedules

There is no learning-rate scheduler to build. Where a number may be a schedule, {form} is written in place of it:

- `cosine/2e-4/0` goes from 2e-4 to 0 along half a cosine, over the steps of the run (its horizon);
- `linear/2e-4/0/300k` goes in a line, over the first 300,000 real images; a plain number there counts steps;
- `step/2e-4/1e-4/5000` changes at step 5,000.

After its end a schedule stays at its last value.
"""


def pages() -> dict[str, str | Path]:
    """The page."""
    plain = {name: spec for name, spec in SETTINGS.items() if name.partition(".")[0] not in PER_PLAYER}
    sections = [
        HEADER,
        "## Of each player\n\n`lr.g` is for G, `lr.d` for D, and a plain `lr` for every player without one of its own.",
        _table(PER_PLAYER),
        "## Of the whole training",
        _table(plain),
        SCHEDULES.format(form=text(FORM)),
        "## Who asks for other values",
        "Parts and presets come with settings of their own, which `--set` overrides.",
        _asked(),
    ]
    return {"reference/settings.md": "\n\n".join(sections) + "\n"}


def _table(specs: dict[str, Spec] | object) -> str:
    rows = []
    for name, spec in dict(specs).items():  # type: ignore[call-overload]
        default = code(write(spec.default)) if spec.always else f"{code(write(spec.default))}, where it is used"
        rows.append((code(name), default, form(spec.form, "#schedules"), text(spec.about)))
    return table(("setting", "default", "takes", "meaning"), rows)


def _asked() -> str:
    rows = []
    for entry in registry().entries():
        if entry.train:
            asked = ", ".join(code(f"{name}={_written(value)}") for name, value in entry.train.items())
            rows.append((f"[`{entry.name}`](../zoo/parts/{entry.kind}/{entry.name}.md)", entry.kind, asked))
    return table(("part", "kind", "settings"), rows)


def _written(value: object) -> str:
    return write(value) if isinstance(value, (int, float, str, tuple)) else str(value)
