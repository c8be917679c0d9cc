"""Write docs/reference/speed-cpu.md: where a step's time goes, and how fast this machine draws, scores and reads.

python .ci/speed.py measure             measures all of it here, in about six minutes where nothing else is at work,
                                        puts it into docs/speed-cpu.json, and writes the page
python .ci/speed.py measure NAME...     some of it: recipes and models as the page names them, networks, memory, data
python .ci/speed.py                     the page again, from docs/speed-cpu.json
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Any

import torch
from speed_page import PAGE, RESULTS, page

ROUNDS, BATCH = 5, 64
STEPS = {"dcgan": 0, "sngan": 0, "sagan": 10, "biggan:ch=64": 10}  # recipes, and the classes of their labels
MODELS = ("dcgan-cifar10", "sngan-cifar10", "sagan-cifar10", "dcgan-mnist")  # that come with the package
DRAWN = {**STEPS, "stylegan2:ch=64": 0}  # recipes that draw with their first weights
NETWORKS = ("tf_efficientnet_lite0.in1k", "tf_efficientnet_lite2.in1k")
SEEN = 512  # images of a feature pass
SCORED, REAL = (1_000, 50_000), 10_000  # images of two evaluations, whose memory is compared, and real ones of each
PICTURES, BATCHES = 20_000, 40  # PNGs in a folder, and batches that are read of them
MEMORY = """
import resource, sys, time, torch, ganzoo
from ganzoo.metrics.evaluation import evaluate
from ganzoo.data import ImageData
from ganzoo.data.images import MemoryImages
gan = ganzoo.build("dcgan:ch=4", resolution=32)
real = ImageData("noise", MemoryImages(torch.randint(256, (int(sys.argv[3]), 3, 32, 32), dtype=torch.uint8)), None, ())
begun = time.process_time()
evaluate(gan, real, metrics="fid,kid,prdc", n=int(sys.argv[1]), features=sys.argv[2])
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def step(recipe: str, classes: int) -> dict[str, Any]:
    """A step of a training by layer, as ``ganzoo bench --turns`` has it."""
    from ganzoo.training.bench import bench

    found = bench(recipe, batch=BATCH, classes=classes, rounds=ROUNDS, turns=True)
    return {"classes": classes, "batch": BATCH, **{key: found[key] for key in ("ours", "machine")}}


def drawing(name: str, classes: int | None) -> dict[str, Any]:
    """How fast a model that comes with the package draws, or a recipe of so many classes."""
    import ganzoo
    from ganzoo.training.drawing import drawing_speed

    gan = ganzoo.load(name) if classes is None else ganzoo.build(name, resolution=32, classes=classes)
    return {"batch": BATCH, "ways": drawing_speed(gan, torch.device("cpu"), BATCH, ROUNDS)}


def scoring(name: str) -> dict[str, Any]:
    """A feature pass: images a second, its operations, and what of its time convolutions of each kind take."""
    from torch.utils.flop_counter import FlopCounterMode

    from ganzoo.machine.memory import keep_memory
    from ganzoo.metrics.features import open_network
    from ganzoo.training.peak import Peak

    keep_memory()
    network, peak = open_network(name), Peak(torch.float32, torch.device("cpu"))
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        network(images)
    spent, seconds = {"depthwise": 0.0, "other": 0.0}, []
    for _ in range(ROUNDS + 1):
        peak.measure(1)
        begun = perf_counter()
        for _ in range(SEEN // BATCH):
            network(images)
        seconds.append((perf_counter() - begun) / SEEN)
    _timed_convolutions(network.module, spent)
    begun = perf_counter()
    network(images)
    whole = perf_counter() - begun
    flop = counter.get_total_flops() / BATCH
    return {
        "pixels": network.pixels,
        "images_per_second": round(1 / min(seconds), 1),
        "mflop": round(flop / 1e6, 2),
        "fraction_of_peak": round(flop / min(seconds) / 1e9 / peak.best, 4),
        "matrix_gflops": round(peak.best, 1),
        "shares": {kind: round(each / whole, 3) for kind, each in spent.items()},
    }


def _timed_convolutions(module: torch.nn.Module, spent: dict[str, float]) -> None:
    """Let each convolution add its seconds to those of its kind."""
    begun: list[float] = []

    def end(kind: str, *_: Any) -> None:
        spent[kind] += perf_counter() - begun.pop()

    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_pre_hook(lambda *_: begun.append(perf_counter()))
            layer.register_forward_hook(partial(end, "depthwise" if layer.groups > 1 else "other"))


def memory() -> dict[str, Any]:
    """The most memory of an evaluation of few images and of many, and its seconds, each in a process of one thread."""
    peaks, seconds = {}, {}
    for count in SCORED:
        words = [sys.executable, "-c", MEMORY, str(count), NETWORKS[0], str(REAL)]
        alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # threads that wait for each other count as at work
        told = subprocess.run(words, check=True, capture_output=True, text=True, env=alone)
        *_, taken, peak = told.stdout.split()
        peaks[str(count)], seconds[str(count)] = round(int(peak) / 1024, 1), round(float(taken), 1)
    return {"network": NETWORKS[0], "real": REAL, "peak_mb": peaks, "processor_seconds": seconds}


def data() -> dict[str, Any]:
    """Processor time of a batch that is read of a folder of PNGs, decoded anew, beside that of a step of dcgan."""
    import ganzoo
    from ganzoo.data import DataRequest, open_data
    from ganzoo.images import to_pil
    from ganzoo.machine.precision import choose_precision
    from ganzoo.training.loop import Trainer

    rng = torch.Generator().manual_seed(0)
    with TemporaryDirectory() as folder:
        for number in range(PICTURES):
            smooth = torch.rand(1, 3, 6, 6, generator=rng)
            picture = torch.nn.functional.interpolate(smooth, 32, mode="bicubic").clamp(0, 1).mul(255).byte()
            to_pil(picture)[0].save(Path(folder) / f"{number:05}.png")
        begun = process_time()
        opened = open_data(folder, DataRequest(memory=0))
        opening = process_time() - begun
        stream = opened.stream(BATCH, 0)
        read = _least(stream.batch, BATCHES)
    gan, precision = ganzoo.build("dcgan", resolution=32), choose_precision("auto", torch.device("cpu"))
    precision.tune()
    precision.place(gan)
    trainer, threads = Trainer(gan, 0, 1, precision), torch.get_num_threads()
    some = precision.send(stream_of(opened.resolution))
    torch.set_num_threads(1)  # threads that wait for each other count as at work
    taken = _least(lambda _: trainer.train_step([some] * trainer.batches_per_step), 12)
    torch.set_num_threads(threads)
    return {
        "pictures": PICTURES,
        "batch": BATCH,
        "open_ms": round(1e3 * opening, 1),
        "read_ms": round(1e3 * read, 3),
        "step_ms": round(1e3 * taken, 3),
    }


def stream_of(pixels: int) -> dict[str, torch.Tensor]:
    """A batch of noise, in place of pictures."""
    return {"image": torch.rand(BATCH, 3, pixels, pixels) * 2 - 1, "label": torch.zeros(BATCH).long()}


def _least(work: Callable[[int], Any], times: int) -> float:
    """The least of this process's processor seconds for one of so many pieces of work; threads read pictures, too."""
    seconds = []
    for number in range(times):
        begun = process_time()
        work(number)
        seconds.append(process_time() - begun)
    return min(seconds)


def jobs() -> dict[tuple[str, str], Callable[[], dict[str, Any]]]:
    """What can be measured, by its section and name."""
    found: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {}
    found |= {("steps", recipe): partial(step, recipe, classes) for recipe, classes in STEPS.items()}
    found |= {("drawing", name): partial(drawing, name, None) for name in MODELS}
    found |= {("drawing", recipe): partial(drawing, recipe, classes) for recipe, classes in DRAWN.items()}
    found |= {("scoring", name): partial(scoring, name) for name in NETWORKS}
    return {**found, ("memory", "memory"): memory, ("data", "data"): data}


def busy(seconds: float = 1.0) -> float:
    """Processors that other programs keep at work, while this one sleeps for so long."""
    before = ticks()
    sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def ticks() -> int:
    """Clock ticks that all processors together have worked: of programs and of the system, in place of idling."""
    user, nice, system, _, _, interrupts, soft, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return user + nice + system + interrupts + soft


def measure(names: list[str]) -> int:
    """Measure what was asked for, and write it down; an exit status."""
    known = jobs()
    if unknown := [name for name in names if name not in {name for _, name in known}]:
        print(f"nothing is called {unknown[0]}: {', '.join(dict.fromkeys(name for _, name in known))}", file=sys.stderr)
        return 2
    for (section, name), work in known.items():
        if names and name not in names:
            continue
        print(f"{section}: {name}", flush=True)
        before = busy()
        about = {
            "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
            "load": round(before, 2),
            "threads": torch.get_num_threads(),
            "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
            "torch": torch.__version__,
        }
        found = {**about, **work()}
        results: dict[str, Any] = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}  # others may write, too
        results.setdefault(section, {})[name] = found
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def main(words: list[str]) -> int:
    """Do what the words say; an exit status."""
    if words and words[0] != "measure":
        print(__doc__, file=sys.stderr)
        return 2
    status = measure(words[1:]) if words else 0
    PAGE.write_text(page(json.loads(RESULTS.read_bytes())), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
