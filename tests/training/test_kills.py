"""Whatever ends a run, it can be resumed, it ends as one that nothing had ended, and its best model is never lost.

Runs are processes forked from a server that has torch imported, so that starting them takes no seconds.
"""

import multiprocessing
import os
import random
import resource
import shutil
import signal

import pytest
from tiny_runs import contents, full_disk, killed_at, resume, tiny

import ganzoo
from ganzoo.errors import RunError
from ganzoo.files.write import lock
from ganzoo.folder.layout import bests, checkpoints
from ganzoo.folder.versions import identity_of
from ganzoo.training import resume as resuming
from ganzoo.training.checkpoint import load_best, load_training
from ganzoo.training.signals import Interrupted

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["ganzoo.training.train", "torch._dynamo", "pytest"])
ENDLESS = {"steps": 100_000, "resume": True}


def start(target, *arguments, **options):
    process = FORKS.Process(target=target, args=arguments, kwargs=options)
    process.start()
    return process


def end(process, kill=None):
    """Wait for a process, killed by a signal if one is given; its exit status, negative for a signal."""
    if kill is not None:
        os.kill(process.pid, kill)
    process.join(120)
    assert process.exitcode is not None, "it goes on and on"
    return process.exitcode


def step_of(folder):
    """The step that a run goes on from, once everything that has to be whole is; 0 for one that had not begun."""
    if not (folder / "config.json").exists():
        assert max(checkpoints(folder), default=0) == 0
        return 0
    assert ganzoo.load(folder).sample(1, seed=0).isfinite().all()
    config, _, _ = resuming.read_run(folder)
    known = identity_of(config)
    state, _ = load_training(folder, known)
    best = state.info["best"]
    if best != state.step:  # else it is the checkpoint itself, which is kept as the best when the run goes on
        load_best(folder, best, known)
        assert (bests(folder)[best] / "model.safetensors").exists()
    return state.step


def finish_like_an_unbroken_run(folder, tmp_path):
    steps = step_of(folder) + 3
    assert tiny(folder, steps=steps, resume=True).step == steps
    mine, whole = contents(folder), contents(tiny(tmp_path / "whole", steps=steps).folder)
    assert mine.pop("log.jsonl") == whole.pop("log.jsonl")  # first, and by itself: it shows what differs elsewhere
    assert set(mine) == set(whole)
    assert [name for name in mine if mine[name] != whole[name]] == []  # by name: bytes say nothing to a reader
    assert not list(folder.rglob(".new-*"))


def kill_often(folder, times, rng):
    """Start a run again and again, and end it at moments and file operations that nobody chose."""
    reached = 0
    for number in range(times):
        how = ("moment", "operation", "term")[number % 3]
        if how == "operation":
            code = end(start(killed_at, rng.randrange(1, 120), folder, **ENDLESS))
            assert code == -signal.SIGKILL
        else:
            process = start(tiny, folder, **ENDLESS)
            process.join(rng.uniform(0.0, 2.0))
            code = end(process, signal.SIGKILL if how == "moment" else signal.SIGTERM)
            # A process that SIGTERM met before its training began ends by the signal, a training by its exception.
            assert code in ((-signal.SIGKILL,) if how == "moment" else (-signal.SIGTERM, 1))
        step = step_of(folder)
        assert step >= reached
        reached = step


@pytest.mark.slow
def test_killed_run_goes_on_as_if_nothing_had_been(tmp_path):
    kill_often(tmp_path / "run", 3, random.Random(1))
    finish_like_an_unbroken_run(tmp_path / "run", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_run_killed_again_and_again_goes_on_as_if_nothing_had_been(seed, tmp_path):
    kill_often(tmp_path / "run", 12, random.Random(seed))
    finish_like_an_unbroken_run(tmp_path / "run", tmp_path)


def test_running_run_is_locked_and_a_killed_one_is_not(tmp_path):
    folder = tmp_path / "run"
    process = start(tiny, folder, **ENDLESS)
    while process.is_alive() and not (folder / "training" / "step-00000002").exists():
        process.join(0.05)
    with pytest.raises(RunError, match=f"in use by process {process.pid}"):
        resume(folder)
    assert end(process, signal.SIGKILL) == -signal.SIGKILL
    with lock(folder):
        assert step_of(folder) >= 2


# --- a full disk, and folders that cannot be written to -----------------------------------------------------


def disk_fills(folder, limit):
    """Train with files of at most so many bytes: it must end with the error that says so."""
    assert end(start(full_disk, limit, folder, **ENDLESS)) == 3
    return step_of(folder)


def test_disk_that_is_full_from_the_start_leaves_a_run_that_can_be_begun_again(tmp_path):
    assert disk_fills(tmp_path / "run", 300) == 0
    finish_like_an_unbroken_run(tmp_path / "run", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 1_000, 3_000, 10_000, 30_000, 70_000, 100_000, 200_000])
def test_disk_of_any_size_fills_up_without_harm(limit, tmp_path):
    tiny(tmp_path / "run", steps=3)
    assert disk_fills(tmp_path / "run", limit) >= 3
    finish_like_an_unbroken_run(tmp_path / "run", tmp_path)


def test_disk_that_fills_up_in_a_step_leaves_a_run_that_can_be_resumed(tmp_path, finished):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(record):
        if record["step"] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    try:
        with pytest.raises(RunError, match=r"cannot write .*; make room or choose another folder"):
            tiny(tmp_path / "run", callback=fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ganzoo.load(tmp_path / "run").config["step"] == 2
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(finished)


@pytest.mark.parametrize("name", ["training", "training/frames", "snapshots"])
def test_folder_that_cannot_be_written_to_ends_the_run_and_nothing_more(name, tmp_path):
    folder, away = tmp_path / "run" / name, tmp_path / "away"

    def put_a_file_in_its_place(record):
        if record["step"] == 3:
            shutil.move(folder, away)
            folder.write_text("in the way")

    options = {"keep": 2, "steps": 5}
    with pytest.raises(RunError, match=rf"cannot write .*{name}.*; make room or choose another folder"):
        tiny(tmp_path / "run", callback=put_a_file_in_its_place, **options)
    folder.unlink()
    shutil.move(away, folder)
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tiny(tmp_path / "whole", **options).folder)


# --- signals and errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_step_saves_and_says_how_to_go_on(number, tmp_path, finished):
    def send(record):
        if record["step"] == 3:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=r"stopped at step 3 .*--resume") as caught:
        tiny(tmp_path / "run", callback=send)
    assert caught.value.status == 128 + number
    assert signal.getsignal(number) == before
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(finished)


def test_error_in_callback_leaves_a_run_that_can_be_resumed(tmp_path):
    def fail(record):
        if record["step"] == 3:
            raise KeyError("mine")

    with pytest.raises(KeyError):
        tiny(tmp_path / "run", callback=fail)
    assert resume(tmp_path / "run").step == 4
