"""``.ci/gpu``: shares of time, reasons, the page; and a dry run of all of it on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

from gpulab import page  # noqa: E402
from gpulab.clock import Clock, Skipped, Stage  # noqa: E402
from gpulab.install import install, requirements  # noqa: E402
from gpulab.stages import Case, Lab  # noqa: E402


def clock(tmp_path: Path, seconds: float = 60) -> Clock:
    return Clock(seconds, tmp_path / "log", dict(os.environ), ROOT)


def result(**found: Any) -> dict[str, Any]:
    """What ``.ci/gpu`` writes, with what some stages found."""
    about = {"name": "NVIDIA Model", "torch": "2.14", "cuda": "13.0"}
    stages = [
        {"name": name, "status": "done", "reason": None, "seconds": 1.0, "found": each}
        for name, each in {"device": about, **found}.items()
    ]
    return {"date": "2026-11-30", "device": "cuda", "minutes": 9, "commit": "abc1234", "seconds": 5.0, "stages": stages}


MEASURED = {
    "ours": {"step_ms": 2.5, "images_per_second": 25600.0, "fraction_of_peak": 0.31},
    "peers": {"pytorch-example": {"step_ms": 6.0, "ratio": 2.4}},
}


# --- time ---------------------------------------------------------------------------------------------------


def test_a_stage_without_time_is_left_out_with_the_reason(tmp_path):
    called = []
    stage = Stage("late", 0.5, 120, called.append)
    stage.go(clock(tmp_path, 60))
    assert stage.status == "skipped" and "60 s were left, and it takes 120" in str(stage.reason) and called == []


def test_a_stage_gets_its_share_and_what_breaks_is_told(tmp_path):
    given = []
    fine = Stage("fine", 0.25, 0, lambda most: given.append(most) or {"n": 1})
    fine.go(clock(tmp_path, 100))
    assert given == [25] and fine.told()["found"] == {"n": 1} and fine.status == "done"

    def breaks(most: float) -> None:
        raise ValueError("no such thing")

    def leaves(most: float) -> None:
        raise Skipped("there is no GPU")

    for work, status, reason in (
        (breaks, "failed", "ValueError: no such thing"),
        (leaves, "skipped", "there is no GPU"),
    ):
        stage = Stage("other", 1, 0, work)
        stage.go(clock(tmp_path))
        assert (stage.status, stage.reason) == (status, reason)


def test_a_command_is_ended_with_what_it_started_when_its_time_is_up(tmp_path):
    inner = "import time; time.sleep(60)"
    sleeper = f"import subprocess, sys; print(1, flush=True); subprocess.run([sys.executable, '-c', {inner!r}])"
    done = clock(tmp_path).run([sys.executable, "-c", sleeper], 3)
    assert done.status is None and done.seconds < 30 and "ended as its time was up" in done.reason
    assert "sleep(60)" in (tmp_path / "log").read_text()


def test_the_reason_of_a_failure_is_the_last_line(tmp_path):
    done = clock(tmp_path).run([sys.executable, "-c", "print('a'); print('why'); raise SystemExit(3)"], 30)
    assert (done.status, done.reason) == (3, "exit status 3: why")


def test_a_peer_that_is_not_there_is_left_out_and_the_rest_measured(tmp_path, monkeypatch):
    asked = []

    def run(words, most):
        asked.append([word for word, before in zip(words[1:], words, strict=False) if before == "--against"])
        from gpulab.clock import Done

        if "torchgan" in asked[-1]:
            return Done(1, "ganzoo: error: torchgan needs torchgan: pip install --no-deps torchgan", 1.0)
        return Done(0, "a warning\n" + json.dumps(MEASURED, indent=2), 1.0)

    own = clock(tmp_path)
    monkeypatch.setattr(own, "run", run)
    lab = Lab(own, tmp_path, "cpu", [Case("dcgan", ("pytorch-example", "torchgan"))], 1, "digits", True)
    first, second = lab.bench(50)
    assert asked[:2] == [["pytorch-example", "torchgan"], ["pytorch-example"]]
    assert (first["precision"], second["precision"]) == ("bf16", "fp32")
    assert first["result"] == MEASURED and "pip install" in first["without"]["torchgan"]


# --- install ------------------------------------------------------------------------------------------------


def test_the_checkout_is_installed_without_pip_and_an_index(tmp_path):
    own = clock(tmp_path)
    own.environment["GANZOO_PLUGINS"] = "ganzoo-peers"
    found = install(own, tmp_path / "site", None)
    assert found["missing"] == [] and found["fetched"] == [] and requirements()[0] == []
    code = (
        "from importlib.metadata import entry_points, version; import ganzoo; print(version('ganzoo-peers'), "
        "ganzoo.__file__, sorted(p.name for p in entry_points(group='ganzoo.peers')))"
    )
    done = own.run([sys.executable, "-c", code], 60)
    assert done.status == 0, done.text
    assert str(ROOT / "ganzoo") in done.text and "pytorch-example" in done.text


# --- the page -----------------------------------------------------------------------------------------------


def test_the_page_is_that_of_the_results():
    """To make it anew: python .ci/gpu_run.py --page gpu.json."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.known())


def test_results_come_into_the_docs_once_a_device(tmp_path, monkeypatch):
    for name in ("PAGE", "RESULTS"):
        monkeypatch.setattr(page, name, tmp_path / name)
    page.RESULTS.write_text("[]")
    row = {
        "recipe": "dcgan",
        "precision": "bf16",
        "compile": "off",
        "result": MEASURED,
        "without": {"torchgan": "no | it"},
    }
    late = {"recipe": "sngan", "precision": "bf16", "compile": "off", "skipped": "no time was left for it"}
    tests = {"passed": 60, "failed": 1, "names_failed": ["tests/gpu/test_on_cuda.py::test_x"], "status": 1}
    for _ in range(2):
        (tmp_path / "gpu.json").write_text(json.dumps(result(bench=[row, late], tests=tests)))
        assert page.add(tmp_path / "gpu.json") == 0
    text = page.PAGE.read_text()
    assert text.count("## NVIDIA Model") == 1 and len(json.loads(page.RESULTS.read_bytes())) == 1
    assert "| `dcgan` | bf16 | off | 2.50 | 25,600 | 31% | pytorch-example | 2.40 times |" in text
    assert "no time was left for it" in text and "not measured: no \\| it" in text
    assert "60 passed, 1 failed; tests/gpu/test_on_cuda.py::test_x" in text


@pytest.mark.parametrize("text", ["", "[]", '{"stages": 3}', "not JSON"])
def test_what_is_no_result_changes_nothing(tmp_path, monkeypatch, capsys, text):
    for name in ("PAGE", "RESULTS"):
        monkeypatch.setattr(page, name, tmp_path / name)
    (tmp_path / "gpu.json").write_text(text)
    assert page.add(tmp_path / "gpu.json") == 1
    assert "holds no results" in capsys.readouterr().err and not page.PAGE.exists()


# --- all of it ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_dry_run_on_the_cpu_does_every_stage_and_ends_in_time(tmp_path):
    environment = {**os.environ, "GANZOO_PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    words = [ROOT / ".ci" / "gpu", "--device", "cpu", "--minutes", "4", "--out", tmp_path]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_bytes())
    stages = {stage["name"]: stage for stage in found["stages"]}
    assert found["seconds"] < 240 + 20 and "the tests marked gpu need" in stages["tests"]["reason"]
    assert all(stage["status"] in ("done", "skipped") for stage in stages.values())
    assert stages["bench"]["found"][0]["result"]["peers"]["pytorch-example"]["ratio"] > 0
    assert (tmp_path / "gpu.md").read_text().startswith("## cpu") and "$ " in (tmp_path / "gpu.log").read_text()


def test_without_a_gpu_it_says_so_and_what_to_type(tmp_path):
    environment = {**os.environ, "GANZOO_PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""}
    words = [ROOT / ".ci" / "gpu", "--out", tmp_path]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 1 and "torch finds no CUDA device here; a dry run: .ci/gpu --device cpu" in done.stdout
    assert json.loads((tmp_path / "gpu.json").read_bytes())["stages"][0]["status"] == "failed"
