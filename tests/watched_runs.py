"""Folders of runs that nobody trained, for the tests of ``ganzoo watch``."""

import json
from pathlib import Path

from PIL import Image

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\u202e"


def line(step: int, **more) -> str:
    """A line of a log."""
    numbers = {"step": step, "images": step * 64, "losses": {"d/loss": 1.5, "g/loss": step / 10}, "lr": {"d": 2e-4}}
    clock = {"clock": {"time": "2026-11-22T03:33:59+00:00", "images_per_second": 640.0}}
    return json.dumps({**numbers, **more, **clock}) + "\n"


def make_run(folder: Path, steps: int = 100, logged: int = 3, recipe: str = "dcgan+sn+hinge", **config) -> Path:
    """A folder as a training writes it, with ``logged`` lines in its log."""
    (folder / "training").mkdir(parents=True)
    part = {"part": "architecture/dcgan", "side": None, "resolutions": [], "options": {"ch": 64}, "because": "named"}
    known = {
        "format": 1, "recipe": recipe, "parts": [part], "settings": {"lr.g": {"value": 2e-4, "because": "default"}},
        "resolution": 32, "channels": 1, "classes": 0, "class_names": [], "seed": 0, "step": 0, "ganzoo": "0.1.0",
        "dataset": {"name": "digits", "count": 1438, "licence": "CC BY 4.0"},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({**known, **config}))
    (folder / "training" / "run.json").write_text(json.dumps({"pacing": {"steps": steps}, "host": "here"}))
    (folder / "log.jsonl").write_text("".join(line(10 * (index + 1)) for index in range(logged)))
    Image.new("L", (16, 16), 90).save(folder / "samples.png")
    return folder
