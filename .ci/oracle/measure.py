"""Measures the ganzoo that this process imports, through its command line and its public functions alone."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from oracle.recipes import TOYS, Trial, trials

SIZES = {"labelled": ("--classes", "10"), "plain": ()}  # a plan is explained for data with labels and without
SEED, COUNT, SIDE = 7, 16, 4  # of the samples: noise, number, pictures in a row of the grid
STOP, END = 4, 8  # steps of the run that is stopped half-way
RUN = {"resolution": 16, "batch": 4, "log_every": 1, "grid_every": 4, "save_every": 4, "quiet": True, "device": "cpu"}
SHORT = {**RUN, "grid_every": 1000, "save_every": 1000, "guard": "off"}
HALF_WAY = "dcgan:ch=2+lecam+r1:every=3"


def command(*words: str) -> str:
    """What ``ganzoo WORDS`` prints, run in this process.

    Raises:
        RuntimeError: with what it says, if it ends with another status than 0.
    """
    (script, *_) = entry_points(group="console_scripts", name="ganzoo")
    before, said, errors = sys.argv, io.StringIO(), io.StringIO()
    sys.argv = ["ganzoo", *words]
    try:
        with redirect_stdout(said), redirect_stderr(errors):
            script.load()()
    except SystemExit as end:
        if end.code not in (None, 0):
            raise RuntimeError(f"ganzoo {' '.join(words)}: {errors.getvalue() or end.code}") from None
    finally:
        sys.argv = before
    return said.getvalue()


def one_thread() -> None:
    """Compute with one thread: the last bits of sums depend on their number."""
    import torch

    torch.set_num_threads(1)


def all_trials() -> list[Trial]:
    """Every trial of what is installed."""
    import ganzoo

    return trials(ganzoo.list("architecture"), ganzoo.list("preset"))


def noise() -> Any:
    """48 random grey images of 16 pixels and three classes, the same every time: a torch data set."""
    import torch

    class Noise(torch.utils.data.Dataset[Any]):
        classes = ("cat", "dog", "cow")
        images = torch.randint(256, (48, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
        targets = [index % 3 for index in range(48)]  # noqa: RUF012 - the attribute that data sets of torchvision have

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            return self.images[index], self.targets[index]

    return Noise()


# --- shipped models -----------------------------------------------------------------------------------------


def samples(name: str) -> Any:
    """The samples of the baseline's seed of a shipped model, as one picture."""
    from PIL import Image

    import ganzoo

    one_thread()
    pictures = ganzoo.load(name).sample(COUNT, seed=SEED, output="pil")
    width, height = pictures[0].size
    grid = Image.new(pictures[0].mode, (SIDE * width, -(-len(pictures) // SIDE) * height))
    for index, picture in enumerate(pictures):
        grid.paste(picture, (index % SIDE * width, index // SIDE * height))
    return grid


# --- plans --------------------------------------------------------------------------------------------------


def explained(recipe: str, size: str, shown: bool = True) -> dict[str, Any]:
    """The plan of a recipe at 32 pixels, in a form that outlives releases and other words.

    Args:
        recipe: at its own width; nothing is allocated.
        size: a key of ``SIZES``.
        shown: see also that ``--explain`` shows each slot and setting.

    Returns:
        JSON: canonical recipe, slug and hash; ``networks`` with parameters and multiply-accumulates; ``slots`` and
        ``settings`` with the meaning of their reasons (:func:`meaning`); the number of notes; ``needs``, the
        distributions besides ganzoo's that provide parts.

    Raises:
        RuntimeError: where ``--explain`` does not show a slot or a setting of ``--json``.
    """
    words = ("build", recipe, *SIZES[size])
    told = json.loads(command(*words, "--json"))
    if shown:
        assert_shown(words, told)
    core = own_distribution()
    return {
        **{key: told[key] for key in ("recipe", "slug", "hash", "head", "resolution", "channels", "classes", "z_dim")},
        "networks": {name: [net["side"], net["parameters"], net["macs"]] for name, net in told["networks"].items()},
        "slots": [
            [slot["kind"], slot["side"], slot["resolutions"], slot["part"], slot["options"], meaning(reason(slot))]
            for slot in told["slots"]
        ],
        "settings": {
            name: [setting["value"], meaning(reason(setting)), [meaning(text) for text in setting["overrides"]]]
            for name, setting in told["settings"].items()
        },
        "notes": len(told["notes"]),
        "needs": sorted({slot["distribution"] for slot in told["slots"]} - {core, None}),
    }


def assert_shown(words: tuple[str, ...], told: dict[str, Any]) -> None:
    """Refuse an ``--explain`` that does not show what ``--json`` told: each slot with its part, and each setting.

    Raises:
        RuntimeError: naming what is missing.
    """
    rows = [re.split(r"\s{2,}", line.strip()) for line in command(*words, "--explain").splitlines()]
    pairs = {(row[0].partition("@")[0], row[1]) for row in rows if len(row) > 1}
    missing = [pair for slot in told["slots"] if (pair := (slot["kind"], slot["part"])) not in pairs]
    missing += [name for name in told["settings"] if name not in {first for first, _ in pairs}]
    if missing:
        raise RuntimeError(f"{' '.join(words)} --explain does not show {missing}")


def own_distribution() -> str:
    """The distribution that provides the built-in parts."""
    import ganzoo

    return str(ganzoo.info("architecture/dcgan").distribution)


def reason(entry: dict[str, Any]) -> str:
    """The reason of a slot or setting, under the key of any version."""
    return str(entry["reason"] if "reason" in entry else entry["because"])


def meaning(text: str) -> list[str]:
    """What a reason says whatever its words: the parts and numbers that it names, ``default``, or ``given``."""
    words = re.findall(r"[\w./-]+", text.replace("in place of", ""))
    named = [word for word in words if word in known_words() or re.fullmatch(r"[\d./e-]+", word)]
    return named or ["given"]


def known_words() -> frozenset[str]:
    """Names of parts, and the one reason that is none."""
    import ganzoo

    return frozenset({*ganzoo.list(), "default"})


# --- first steps --------------------------------------------------------------------------------------------


def first_losses(trial: Trial, steps: int = 3) -> list[dict[str, float]]:
    """The named losses of the first steps of a trial, in fp32 on one thread."""
    import ganzoo

    one_thread()
    lines: list[dict[str, Any]] = []
    settings = {"precision": "fp32", **trial.settings}
    data = noise() if trial.data == "noise" else trial.data
    with TemporaryDirectory(prefix="baselines-") as name:
        out = Path(name) / "run"
        ganzoo.train(trial.recipe, data, out=out, steps=steps, settings=settings, callback=lines.append, **SHORT)
    return [{name: float(f"{value:.8g}") for name, value in line["losses"].items()} for line in lines]


def toys() -> dict[str, Any]:
    """What ``ganzoo toy`` says of games of a few steps, by the words that start them; nothing without the plugin."""
    import ganzoo

    if not set(TOYS) <= set(ganzoo.list("architecture")):
        return {}
    one_thread()
    games = (
        "dirac hinge+r1 --steps 3",
        "mixture wgan+gp --steps 3 --set batch=8",
        "duel saddle --steps 20",
        "matrix matching-pennies --steps 20",
    )
    with TemporaryDirectory(prefix="baselines-") as folder:
        out = str(Path(folder) / "picture.png")
        return {game: json.loads(command("toy", *game.split(), "--json", "--out", out)) for game in games}


# --- a run that is stopped half-way -------------------------------------------------------------------------


def stop_half_way(folder: Path, recipe: str, data: Any, stop: int, **options: Any) -> None:
    """Begin a run and interrupt it, as Ctrl-C does, after ``stop`` steps.

    Raises:
        RuntimeError: if it went on.
    """
    import ganzoo

    def interrupt(record: dict[str, Any]) -> None:
        if record["step"] == stop:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        ganzoo.train(recipe, data, out=folder, callback=interrupt, **options)
    except ganzoo.GanzooError as error:
        if "stopped" in str(error):
            return
        raise
    raise RuntimeError(f"{folder} was not stopped at step {stop}")


def begin_half_way(folder: Path) -> None:
    """The run of the baseline, stopped in the middle."""
    one_thread()
    settings = {"precision": "fp32", "lr.g": "linear/2e-4/1e-4"}
    stop_half_way(folder, HALF_WAY, "digits", STOP, steps=END, settings=settings, **RUN)


def end_half_way(folder: Path) -> None:
    """Go on with it to its end."""
    import ganzoo

    one_thread()
    ganzoo.train(resume=folder, quiet=True)


def refusal_of_half_way(folder: Path) -> str:
    """What a ganzoo of the second edition says when it is to go on with a run of version 0.1.0; empty if it does."""
    import ganzoo

    try:
        ganzoo.train(resume=folder, quiet=True)
    except ganzoo.GanzooError as error:
        return str(error)
    return ""


def fork_half_way(folder: Path, fork: Path) -> None:
    """Go on with it to its end in another folder."""
    import ganzoo

    one_thread()
    ganzoo.train(resume=folder, fork=fork, quiet=True)


def machine() -> dict[str, str]:
    """What bytes depend on besides ganzoo: the processor as runs record it, Python and the packages that compute."""
    import numpy
    import PIL
    import torch

    versions = {"torch": torch.__version__, "numpy": numpy.__version__, "pillow": PIL.__version__}
    return {"processor": processor(), "python": platform.python_version(), **versions}


def processor() -> str:
    """Name of the processor with its widest vector unit that torch uses."""
    import torch

    return f"{cpu()} ({torch.backends.cpu.get_cpu_capability()})"


def cpu() -> str:
    """Name of the processor."""
    found = Path("/proc/cpuinfo")
    lines = found.read_text(encoding="utf-8").splitlines() if found.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
