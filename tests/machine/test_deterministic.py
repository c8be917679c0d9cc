"""Same seed, same result: whatever the number of data workers, and bit for bit with --deterministic."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import Labelled, contents, resume, tiny

import ganzoo
from ganzoo.data import DataRequest, open_data
from ganzoo.data.images import LazyImages
from ganzoo.errors import RunError, UsageError
from ganzoo.machine.deterministic import WORKSPACE, deterministic


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder of pictures that do not fit into memory, so that they are decoded while a run goes on."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(24):
        Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(folder / f"{index:02d}.png")
    monkeypatch.setattr("ganzoo.data.dataset.available_memory", lambda: 0)
    assert isinstance(open_data(folder, DataRequest()).images, LazyImages)
    return folder


def test_number_of_workers_changes_nothing(pictures, tmp_path):
    runs = [tiny(tmp_path / str(n), data=pictures, workers=n, steps=3).folder for n in (1, 2, 7)]
    assert contents(runs[0]) == contents(runs[1]) == contents(runs[2])


def test_workers_may_change_on_resume(pictures, tmp_path):
    whole = tiny(tmp_path / "whole", data=pictures, workers=5).folder
    tiny(tmp_path / "parts", data=pictures, workers=1, steps=2)
    ganzoo.train(resume=tmp_path / "parts", workers=3, steps=4, quiet=True)
    assert contents(tmp_path / "parts") == contents(whole)


def test_workers_are_counted_from_one(tmp_path):
    with pytest.raises(UsageError, match="--workers 0"):
        tiny(tmp_path / "out", workers=0)
    with pytest.raises(UsageError, match="--workers 0"):
        DataRequest(workers=0)


def notes_of(folder):
    return json.loads((folder / "training" / "run.json").read_text())


def test_deterministic_is_recorded_kept_on_resume_and_over_after_the_run(tmp_path, capsys):
    seen = []

    def look(record):
        seen.append(torch.are_deterministic_algorithms_enabled())

    run = tiny(tmp_path / "run", deterministic=True, callback=look)
    assert all(seen) and not torch.are_deterministic_algorithms_enabled() and os.environ[WORKSPACE]
    assert notes_of(run.folder)["deterministic"] is True
    resume(run.folder, steps=5, quiet=False)
    assert notes_of(run.folder)["deterministic"] is True and "last bits" not in capsys.readouterr().err
    resume(run.folder, steps=6, deterministic=False, quiet=False)
    assert "deterministic False (was True)" in capsys.readouterr().err


def test_deterministic_gives_the_same_as_without_on_a_cpu(tmp_path):
    one, two = (tiny(tmp_path / str(on), deterministic=on).folder for on in (False, True))
    assert contents(one) == contents(two)


def test_operation_without_a_deterministic_form_is_named():
    with pytest.raises(RunError, match=r"^op_cuda has no deterministic form on this device"), deterministic(True):
        raise RuntimeError("op_cuda does not have a deterministic implementation, but you set ...")
    with pytest.raises(RuntimeError, match="another"), deterministic(True):
        raise RuntimeError("another")
    assert not torch.are_deterministic_algorithms_enabled()


# --- memory -------------------------------------------------------------------------------------------------


def resident():
    """Bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_memory_stays_flat_over_ten_thousand_steps(tmp_path):
    held = {}

    def note(record):
        held[record["step"]] = resident()

    options = {"log_every": 500, "save_every": 2500, "grid_every": 2500, "batch": 4}
    tiny(tmp_path / "run", "gan:ch=4", data=Labelled().images, steps=10_000, callback=note, **options)
    assert held[10_000] - held[1000] < 8 << 20, {step: size >> 20 for step, size in held.items()}
