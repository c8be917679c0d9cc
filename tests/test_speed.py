"""The page of speeds on a CPU: what it says comes from results, and a loaded machine is called one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

import speed  # noqa: E402
import speed_page  # noqa: E402

MEASURED = {"date": "2026-01-01", "load": 0.1, "threads": 2}
LAYERS = [
    {"type": "NearestUpConv2d", "forward_ms": 30.0, "backward_ms": 50.0, "gflop": 40.0},
    {"type": "BatchNorm", "forward_ms": 5.0, "backward_ms": 5.0, "gflop": 0.0},
    {"type": "GBlock", "forward_ms": 4.0, "backward_ms": 1.0, "gflop": 0.0},
    {"type": "", "forward_ms": 5.0, "backward_ms": 0.0, "gflop": 0.0},
]


def results(**about: Any) -> dict[str, Any]:
    ours = {
        "step_ms": 50.0,
        "images_per_second": 1280.0,
        "gflop_per_step": 40.0,
        "fraction_of_peak": 0.8,
        "layers": LAYERS,
    }
    machine = {"precision": "bf16", "threads": 2, "matrix_gflops": 1000.0}
    way = {"images_per_second": 900.0, "ratio": 1.5, "fraction_of_peak": 0.6, "levels": 0.01}
    pass_ = {"pixels": 64, "images_per_second": 700.0, "mflop": 31.0, "fraction_of_peak": 0.2}
    pass_ |= {"shares": {"depthwise": 0.3, "other": 0.5}}
    scored = {"network": "net", "real": 2000, "peak_mb": {"2000": 500.0, "8000": 501.0}}
    scored |= {"processor_seconds": {"2000": 8.0, "8000": 20.0}}
    return {
        "steps": {"sngan": {**MEASURED, **about, "ours": ours, "machine": machine}},
        "drawing": {"dcgan": {**MEASURED, **about, "ways": {"gan.sample": way}}},
        "scoring": {"net": {**MEASURED, **about, **pass_}},
        "memory": {"memory": {**MEASURED, **scored}},
        "data": {"data": {**MEASURED, "pictures": 9, "batch": 64, "read_ms": 5.0, "step_ms": 95.0}},
    }


def test_the_page_is_that_of_the_results():
    """To make it anew: python .ci/speed.py."""
    kept = json.loads(speed_page.RESULTS.read_bytes())
    assert speed_page.PAGE.read_text(encoding="utf-8") == speed_page.page(kept)


def test_what_layers_have_of_a_step_sums_to_it_and_the_goal_is_a_time():
    text = speed_page.page(results())
    assert "| `sngan` | convolutions | 40.0 | 80% | 40.0 |" in text  # of 100 ms that watching it took
    assert "| `sngan` | norms | 5.0 | 10% | 0.0 |" in text
    assert f"| `sngan` | {speed_page.BETWEEN} | 2.5 | 5% |" in text and f"| {speed_page.NONE} | 2.5 | 5% |" in text
    assert "| 80% of 1,000 | 47.1 |" in text, "40 GFLOP at 850 GFLOP/s"
    assert "take 20 s of processor time of one thread, the real ones included: 500 images a second" in text
    assert "500 MB for 2,000 and 501 MB for 8,000" in text and "**5.0%** of both" in text


def test_a_loaded_machine_is_called_one():
    assert "loaded** (" not in speed_page.page(results())
    assert speed_page.page(results(load=7.25)).count("2026-01-01, 2 threads, **loaded** (7.2)") == 3


def test_what_is_not_there_to_be_measured_is_refused_before_anything_is(capsys):
    assert speed.main(["measure", "dcgan", "dcgn"]) == 2
    assert "dcgn" in capsys.readouterr().err
    assert speed.main(["nonsense"]) == 2


@pytest.mark.slow
def test_drawing_again_takes_no_memory_of_the_system_again():
    code = """
import resource, sys, torch, ganzoo
from ganzoo.machine import memory
if sys.argv[1] == "without":
    memory.keep_memory = lambda: False
gan = ganzoo.build("sngan:ch=32", resolution=32)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    gan.sample(64, seed=0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print([faults() for _ in range(8)][2:], memory.keep_memory())
"""

    def least(how):
        """Page faults of the drawing that had the fewest: where maps come to lie differs for the first few."""
        words = [sys.executable, "-c", code, how]
        *counts, kept = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        return min(int(count.strip("[],")) for count in counts), kept == "True"

    count, kept = least("with")
    if not kept:
        pytest.skip("no knob of the C library here")
    assert count < 500 < least("without")[0], "a map alone is 2,048 pages"
