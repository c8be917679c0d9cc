"""What is done on the device: tests, benchmarks, two processes, a training."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpulab.clock import Clock, Done, Skipped

GRACE = 0.1  # of the time for everything
SPARE = 10.0  # seconds that the end keeps for writing what was found
OFF, ON, GRAPHS = "off", "on", "graphs"


@dataclass(frozen=True)
class Case:
    """A recipe of the benchmark.

    Attributes:
        recipe: it.
        peers: that have its architecture.
        words: sizes.
    """

    recipe: str
    peers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


CASES = (
    Case("dcgan", ("pytorch-example", "torch-mimicry", "torchgan"), ("--z-dim", "100")),
    Case("sngan", ("torch-mimicry",)),
    Case("sagan", ("torch-mimicry",), ("--classes", "10")),
    Case("biggan", (), ("--classes", "10")),
    Case("stylegan2:ch=512,full=4", ("stylegan2-pytorch",), ("--resolution", "64", "--batch", "32")),
    Case("r3gan", (), ("--batch", "32")),
)
SMALL = (Case("dcgan:ch=8", ("pytorch-example",), ("--z-dim", "16", "--batch", "4")),)  # for a dry run on a CPU
PLAN = [("bf16", OFF), ("fp32", OFF), ("bf16", GRAPHS), ("bf16", ON), ("fp32", GRAPHS)]


class Lab:
    """The stages, on one device.

    Args:
        clock: of everything.
        out: the folder for results.
        device: such as ``cuda``.
        cases: of the benchmark.
        rounds: timed steps of each.
        data: what is trained on.
        small: whether the training is of tiny networks, as in a dry run.
    """

    def __init__(
        self, clock: Clock, out: Path, device: str, cases: Sequence[Case], rounds: int, data: str, small: bool
    ) -> None:
        self.clock, self.out, self.device, self.cases = clock, out, device, cases
        self.rounds, self.data, self.small = rounds, data, small
        self.ganzoo = (sys.executable, "-m", "ganzoo")
        self.gpus = 0

    def look(self, _: float) -> dict[str, Any]:
        """What the machine is: the device's name, and versions."""
        code = (
            "import json, torch; gpu = torch.cuda.is_available(); print(json.dumps({'torch': torch.__version__,"
            " 'cuda': torch.version.cuda, 'gpus': torch.cuda.device_count(), 'name': torch.cuda.get_device_name() if"
            " gpu else None, 'capability': list(torch.cuda.get_device_capability()) if gpu else None,"
            " 'cudnn': torch.backends.cudnn.version() if gpu else None}))"
        )
        done = self.clock.run([sys.executable, "-c", code], 120)
        if done.status != 0:
            raise RuntimeError(f"torch does not start: {done.reason}")
        found: dict[str, Any] = json.loads(done.text.splitlines()[-1])
        self.gpus = int(found["gpus"])
        if self.device.startswith("cuda") and not self.gpus:
            raise RuntimeError("torch finds no CUDA device here; a dry run: .ci/gpu --device cpu --minutes 2")
        return found

    def tests(self, most: float) -> dict[str, Any]:
        """The tests marked ``gpu``."""
        words = [sys.executable, "-m", "pytest", "-m", "gpu", "-n", "0", "-p", "no:cacheprovider", "--durations", "8"]
        if not _has("xdist"):
            words[5:7] = []
        done = self.clock.run([*words, "-rsf", "tests/gpu"], most)
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.text)}
        if not counts:
            raise RuntimeError(done.reason)
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.text, re.MULTILINE)
        return {**counts, "names_failed": failed, "status": done.status}

    def bench(self, most: float) -> list[dict[str, Any]]:
        """Every recipe beside its peers as written, in bf16 and in single precision (TF32 on a GPU)."""
        return self._bench(most, [way for way in PLAN if way[1] == OFF], peers=True)

    def compiled(self, most: float) -> list[dict[str, Any]]:
        """The same by torch.compile and as CUDA graphs, without the peers."""
        ways = [way for way in PLAN if way[1] != OFF]
        return self._bench(most, ways[:2] if self.small else ways, peers=False)

    def _bench(self, most: float, ways: Sequence[tuple[str, str]], peers: bool) -> list[dict[str, Any]]:
        ends, found, longest = self.clock.left - most, list[dict[str, Any]](), 0.0
        grace = GRACE * self.clock.seconds  # of the last one, which is not ended where it takes a little more
        for precision, compiled in ways:
            for case in self.cases:
                row = {"recipe": case.recipe, "precision": precision, "compile": compiled}
                if self.clock.left - ends < longest or self.clock.left < SPARE:
                    found.append({**row, "skipped": "no time was left for it"})
                    continue
                at_most = min(self.clock.left - ends + grace, self.clock.left - SPARE)
                made, seconds = self._measured(case, precision, compiled, peers, at_most)
                longest = max(longest, seconds)
                found.append({**row, **made})
        return found

    def _measured(
        self, case: Case, precision: str, compiled: str, peers: bool, most: float
    ) -> tuple[dict[str, Any], float]:
        """One benchmark, and the seconds that it took; peers that are not installed are left out, with the reason."""
        words = [*self.ganzoo, "bench", case.recipe, *case.words, "--json", "--device", self.device]
        words += ["--rounds", str(self.rounds), "--set", f"precision={precision}", "--set", f"compile={compiled}"]
        asked, reasons, seconds = list(case.peers) if peers else [], {}, 0.0
        while True:
            against = [word for peer in asked for word in ("--against", peer)]
            done = self.clock.run([*words, *against], most - seconds)
            seconds += done.seconds
            if done.status == 0:
                return {"result": _json(done.text), "without": reasons}, seconds
            wrong = next((peer for peer in asked if peer in done.reason or _library(peer) in done.reason), None)
            if wrong is None:
                return {"failed": done.reason, "without": reasons}, seconds
            reasons[wrong] = done.reason
            asked.remove(wrong)

    def two(self, most: float) -> dict[str, Any]:
        """A training by two processes: one GPU each by NCCL, or both on one device by gloo."""
        by_nccl = self.gpus >= 2
        shared = {} if by_nccl else {"GANZOO_COLLECTIVES": "gloo"}
        alone = "gloo" if self.device == "cpu" else "gloo, both on one GPU, as NCCL wants one for each"
        way = "NCCL, a GPU each" if by_nccl else alone
        run = self.out / "two"
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
        words = ["ganzoo", "train", "dcgan:ch=8", "--data", "digits", "--batch", "32", "--steps", "20", "--quiet"]
        before = dict(self.clock.environment)
        self.clock.environment |= shared
        try:
            done = self.clock.run([*launch, *words, "--device", self.device, "--out", str(run)], most)
        finally:
            self.clock.environment = before
        return {"way": way, "steps": 20, **_outcome(done)}

    def training(self, most: float) -> dict[str, Any]:
        """A training as a person starts it, of ten minutes or what is left, and a look at how it went."""
        seconds = int(min(600, most, self.clock.left - 3 * SPARE))  # it starts, and looks at its end
        if seconds < 5:
            raise Skipped(f"{self.clock.left:.0f} s were left")
        run, recipe = self.out / "run", "dcgan:ch=8" if self.small else "sngan+hinge"
        words = [*self.ganzoo, "train", recipe, "--data", self.data, "--budget", f"{seconds}s", "--quiet"]
        done = self.clock.run([*words, "--device", self.device, "--out", str(run)], self.clock.left - SPARE)
        lines = [json.loads(line) for line in _text(run / "log.jsonl").splitlines()]
        records = [line for line in lines if "losses" in line]
        if not records or done.status is not None:
            _outcome(done)  # one whose time was up on a busy machine is as good as one that took its last step
        grid = run / "samples.png"
        if grid.is_file():
            (self.out / "samples.png").write_bytes(grid.read_bytes())
        if not records:
            raise RuntimeError(f"{run / 'log.jsonl'} has no step")
        last = records[-1]
        speed = [line["clock"]["images_per_second"] for line in records if "images_per_second" in line["clock"]]
        return {
            "recipe": recipe,
            "data": self.data,
            "budget": seconds,
            "steps": last["step"],
            "images_per_second": sorted(speed)[len(speed) // 2] if speed else None,
            "losses": last["losses"],
            "seconds": round(done.seconds, 1),
        }


def _outcome(done: Done) -> dict[str, Any]:
    """What a command that should have ended well did.

    Raises:
        Skipped: its time was up, which says nothing of it.
        RuntimeError: it failed.
    """
    if done.status is None:
        raise Skipped(done.reason)
    if done.status != 0:
        raise RuntimeError(done.reason)
    return {"status": done.status, "seconds": round(done.seconds, 1)}


def _json(text: str) -> Any:
    """The JSON object in what a command printed, between its warnings."""
    return json.JSONDecoder().raw_decode(text[text.index("{\n") :])[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _library(peer: str) -> str:
    """What a peer's package is called when it is imported."""
    return peer.replace("-", "_")


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def stages(lab: Lab, install: Callable[[float], Any]) -> list[tuple[str, float, float, Callable[[float], Any]]]:
    """Names, shares of the time, least seconds, and work of the stages, in their order."""
    cpu = lab.device == "cpu"
    return [
        ("device", 0.2, 0, lab.look),
        ("install", 0.15, 0, install),
        ("tests", 0.22, 20, _only(not cpu, lab.tests, "the tests marked gpu need a CUDA device")),
        ("bench", 0.33, 20, lab.bench),
        ("two processes", 0.1, 20, lab.two),
        ("compiled", 0.17, 30, lab.compiled),
        ("training", 1.0, 30, lab.training),
    ]


def _only(possible: bool, work: Callable[[float], Any], reason: str) -> Callable[[float], Any]:
    """The work, or that it is left out."""

    def skipped(_: float) -> Any:
        raise Skipped(reason)

    return work if possible else skipped


def environment() -> dict[str, str]:
    """That of the commands: the checkout's plugin and no other, no look at the network, lines as they are printed."""
    quiet = {"HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, "GANZOO_PLUGINS": "ganzoo-peers", **quiet}
