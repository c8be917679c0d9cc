"""Several processes at one training, with real ones: torchrun, gloo, this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from distributed_worker import RECIPES
from safetensors.torch import load_file

import ganzoo
from ganzoo.data import open_data
from ganzoo.distributed.batch import World, gather, global_draw, global_mean, use_world
from ganzoo.distributed.group import all_reduce_max, broadcast_object, choose_gpu
from ganzoo.distributed.launch import Launch, launched, said_elsewhere
from ganzoo.errors import GanzooError, UsageError
from ganzoo.folder.layout import checkpoints
from ganzoo.folder.log import read_log
from ganzoo.folder.scores import read_scores
from ganzoo.layers.dropout import Dropout

WORKER = Path(__file__).parents[1] / "distributed_worker.py"
SIZES = {"batch": 8, "resolution": 16, "log_every": 1, "grid_every": 2, "save_every": 2}
WORDS = [word for name, value in SIZES.items() for word in (f"--{name.replace('_', '-')}", str(value))]
TRAIN = ("-m", "ganzoo", "train", "--device", "cpu")
NEW = (*TRAIN, "gan:ch=16", "--data", "digits", *WORDS)
# Adam makes a step of full length of a gradient that is nothing but rounding; with SGD rounding stays rounding.
SLOW = {"optimizer": "sgd", "lr.g": 0.02, "lr.d": 0.02}
SLOWLY = [word for name, value in SLOW.items() for word in ("--set", f"{name}={value}")]
ROUNDING = 2e-5
HERE = ("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0")


def launch(*words: str | Path, size: int = 2, where: tuple[str, ...] = HERE) -> subprocess.Popen[str]:
    """Start ``torchrun`` with ``size`` processes on this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(size), *where, *map(str, words)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def result(*processes: subprocess.Popen[str]) -> str:
    """What they print, once all have ended."""
    return "".join(process.communicate(timeout=300)[0] for process in processes)


def torchrun(*words: str | Path, size: int = 2) -> str:
    """What ``torchrun`` and its processes print."""
    return result(launch(*words, size=size))


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    """Wait until something holds, while a process is alive."""
    end = time.monotonic() + 200
    while not condition():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


def workers(agent: subprocess.Popen[str]) -> dict[int, int]:
    """Process ids of what a ``torchrun`` started, by rank."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if re.search(rf"^PPid:\s{agent.pid}$", (path / "status").read_text(), re.MULTILINE):
                environ = dict(word.partition("=")[::2] for word in (path / "environ").read_text().split("\0"))
                found[int(environ["RANK"])] = int(path.name)
        except (OSError, KeyError):
            continue
    return found


def alone(out: Path, **options: Any) -> ganzoo.Run:
    """The same training by one process."""
    return ganzoo.train(
        "gan:ch=16", **{"data": "digits", "out": out, "device": "cpu", "quiet": True, **SIZES, **options}
    )


def check_alike(one: Path, other: Path) -> None:
    """Two runs have the same files, the same log but for rounding and clock, and the same weights but for rounding."""
    files = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (one, other)]
    assert files[0] == files[1]
    logs = [read_log(folder) for folder in (one, other)]
    assert [record["step"] for record in logs[0]] == [record["step"] for record in logs[1]]
    for mine, its in zip(*logs, strict=True):
        assert mine["losses"] == pytest.approx(its["losses"], rel=1e-3)
        assert mine["accuracy"] == its["accuracy"]
    assert (one / "config.json").read_bytes() == (other / "config.json").read_bytes()
    models = [load_file(folder / "model.safetensors") for folder in (one, other)]
    for name, tensor in models[0].items():
        assert torch.allclose(tensor, models[1][name], atol=1e-3), name


# --- alone ---------------------------------------------------------------------------------------------------


def test_alone_the_helpers_are_the_plain_thing():
    x = torch.rand(4, 2)
    assert gather(x) is x and broadcast_object(x) is x and all_reduce_max(3) == 3
    assert torch.equal(global_mean(x), x.mean()) and torch.equal(global_mean(x, (0,)), x.mean(0))
    torch.manual_seed(0)
    drawn = global_draw(torch.rand, 4, 2)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(4, 2))


def test_processes_read_the_rows_of_one_batch():
    data = open_data("digits")
    one = data.stream(6, 3, flip=True)
    parts = [data.stream(6, 3, True, World(rank, 3)) for rank in range(3)]
    for index in (0, 1000):
        batches = [part.batch(index) for part in parts]
        for name, value in one.batch(index).items():
            assert torch.equal(torch.cat([batch[name] for batch in batches]), value)
    with pytest.raises(UsageError, match="6 cannot be shared by 4 processes: give --batch 4 or 8"):
        data.stream(6, 0, False, World(0, 4))


def test_processes_draw_the_rows_of_one_draw():
    """No messages are needed for that: each process draws for all and keeps its own."""

    def drawn(world: World) -> list[torch.Tensor]:
        images = torch.ones(6 // world.size, 3, 4, 4)
        with use_world(world):
            torch.manual_seed(5)
            return [global_draw(torch.rand, len(images), 2, 2), Dropout(0.5)(images), Dropout(0.5).eval()(images)]

    parts = zip(*(drawn(World(rank, 3)) for rank in range(3)), strict=True)
    for whole_one, part in zip(drawn(World()), parts, strict=True):
        assert torch.equal(torch.cat(part), whole_one)
    _, dropped, kept = drawn(World())
    assert set(dropped.unique().tolist()) == {0.0, 2.0} and torch.equal(kept, torch.ones(6, 3, 4, 4))


def test_alone_synchronised_batch_norm_is_batch_norm():
    def shown(sync: str) -> torch.Tensor:
        torch.manual_seed(0)
        gan = ganzoo.build("dcgan:ch=2", 16, 1, settings={"sync": sync}).train()
        return gan.G(torch.ones(3, 128) * torch.arange(3)[:, None], torch.zeros(3, 0))

    assert torch.equal(shown("on"), shown("off"))


def test_each_process_takes_the_gpu_of_its_number(monkeypatch):
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    choose_gpu(Launch(5, 6, 1), None)
    choose_gpu(Launch(5, 6, 1), "cpu")
    assert chosen == [1]
    with pytest.raises(UsageError, match="--nproc-per-node 2"):
        choose_gpu(Launch(2, 3, 2), "cuda")
    with pytest.raises(UsageError, match="give --device cuda, and each takes its own"):
        choose_gpu(Launch(0, 2, 0), "cuda:0")
    monkeypatch.setenv("GANZOO_COLLECTIVES", "gloo")  # which carries what is on one GPU between its processes
    choose_gpu(Launch(2, 3, 2), "cuda")
    assert chosen[-1] == 0
    monkeypatch.setenv("GANZOO_COLLECTIVES", "mpi")
    with pytest.raises(UsageError, match="GANZOO_COLLECTIVES='mpi' is neither of gloo and nccl: unset it"):
        choose_gpu(Launch(2, 3, 2), "cuda")


def test_the_environment_says_who_is_who(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert launched() == Launch() and not said_elsewhere(GanzooError("x"))
    monkeypatch.setenv("RANK", "3")
    assert launched() == Launch() and not said_elsewhere()
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert launched() == Launch(3, 4, 1, 0, 4) and said_elsewhere(GanzooError("x"))
    error = GanzooError("x")
    error.said_elsewhere = False
    assert not said_elsewhere(error)
    for rank in ("4", "x"):
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(UsageError, match=f"RANK={rank}"):
            launched()


@pytest.mark.slow
def test_of_other_commands_the_first_process_does_the_work(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    folder = shutil.copytree(finished, tmp_path / "run")
    words = ("--data", "digits", "--metrics", "kid", "-n", "20", "--features", "test_efficientnet:random")
    printed = torchrun("-m", "ganzoo", "eval", folder, *words, "--device", "cpu")
    assert printed.count("kid20-train@") == 1, printed
    alone = ganzoo.evaluate(folder, "digits", metrics=["kid"], n=20, features="test_efficientnet:random", save=False)
    assert read_scores(folder)[0].value == pytest.approx(alone[0].value, rel=1e-9)


# --- numbers -------------------------------------------------------------------------------------------------


def compared(tmp_path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What the worker found."""
    out = tmp_path / "found.json"
    printed = torchrun(WORKER, out, *names)
    assert out.exists(), printed
    return json.loads(out.read_text())


def check_numbers(found: dict[str, Any]) -> None:
    far = {name: value for name, value in found["helpers"].items() if abs(value) > 1e-12}
    assert not far
    assert found["poisoned"] == "step 0: the term 'loss' of the turn 'd' is nan"
    apart = {name: found[name] for name in RECIPES if name in found}
    assert apart.pop("ownbn") > 100 * ROUNDING  # batch norm over halves of a batch is another network
    assert {name: value for name, value in apart.items() if value > ROUNDING * (10 if "gp" in name else 1)} == {}


@pytest.mark.slow
def test_two_processes_compute_what_one_does(tmp_path):
    check_numbers(compared(tmp_path, tuple(RECIPES)))


# --- runs ----------------------------------------------------------------------------------------------------


def test_torchrun_makes_the_run_that_one_process_makes(tmp_path):
    text = torchrun(*NEW, *SLOWLY, "--steps", "4", "--out", tmp_path / "two")
    alone(tmp_path / "one", steps=4, settings=SLOW)
    check_alike(tmp_path / "one", tmp_path / "two")
    for said in (r"^step 4/4 .*done$", r": 4 steps\. See"):
        assert len(re.findall(said, text, re.MULTILINE)) == 1, text
    assert json.loads((tmp_path / "two" / "training" / "run.json").read_text())["processes"] == 2


@pytest.mark.slow
def test_an_error_before_the_start_is_said_once_and_all_end(tmp_path):
    text = torchrun(*NEW, "--batch", "7", "--out", tmp_path / "run")
    assert text.count("ganzoo: error: ") == 1 and "a batch of 7 cannot be shared by 2 processes" in text
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_words_that_cannot_be_read_are_refused_once():
    text = torchrun(*TRAIN, "gan", "--steps", "many")
    assert text.count("ganzoo: error: ") == 1 and "'many' is not a valid integer" in text


LATE = """
import os, sys, time
import ganzoo.distributed.launch as launch
from ganzoo.cli import main

launch.FIRST_WORD, late = map(float, sys.argv[1:])
if os.environ["RANK"] == "0":
    time.sleep(late)
main(["train", "gan", "--steps", "many"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("first_word", "late"), [(60, 3), (1, 60)], ids=["by-the-first", "by-the-other"])
def test_what_ends_all_is_said_once_though_the_first_process_is_late(tmp_path, first_word, late):
    (tmp_path / "script.py").write_text(LATE)
    text = torchrun(tmp_path / "script.py", str(first_word), str(late))
    assert text.count("ganzoo: error: ") == 1 and "'many' is not a valid integer" in text


@pytest.mark.slow
def test_an_error_of_a_later_process_is_said_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, torch, ganzoo\n"
        "from ganzoo.cli import main\n"
        "from ganzoo.data import open as opened\n"
        "if os.environ['RANK'] == '1':\n"
        "    import ganzoo.training.worker as follower\n"
        "    def missing(*_): raise ganzoo.GanzooError('no such data on this machine')\n"
        "    follower.open_data = missing\n"
        "main(sys.argv[1:])\n"
    )
    text = torchrun(script, *NEW[2:], "--steps", "4", "--out", tmp_path / "run")
    assert text.count("ganzoo: error: ") == 1 and "ganzoo: error: no such data on this machine" in text


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    alone(one, steps=6, settings=SLOW)
    alone(two, steps=2, settings=SLOW)
    text = torchrun(*TRAIN, "--resume", two, "--steps", "4")
    assert "note: resumed with " in text and "processes 2 (was 1)" in text
    assert max(checkpoints(two)) == 4
    ganzoo.train(resume=two, steps=6, device="cpu", quiet=True)
    check_alike(one, two)


@pytest.mark.slow
def test_a_resumed_run_of_two_is_that_of_two_bit_by_bit(tmp_path):
    recipe = "sngan:ch=4+r1:every=3"  # batch norm of its own in each process
    for steps, name in ((6, "long"), (3, "short")):
        torchrun(*TRAIN, recipe, "--data", "digits", *WORDS, "--steps", str(steps), "--out", tmp_path / name)
    torchrun(*TRAIN, "--resume", tmp_path / "short", "--steps", "6")
    states = [checkpoints(tmp_path / name)[6] / "state.safetensors" for name in ("long", "short")]
    assert states[0].read_bytes() == states[1].read_bytes()


def underway(tmp_path, step):
    """The folder of an endless run of two processes, and their agent, once it has the checkpoint of a step."""
    run = tmp_path / "run"
    agent = launch(*NEW, "--steps", "100000", "--out", run)
    wait_for(lambda: max(checkpoints(run), default=0) >= step, agent)
    return run, agent


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_process_stops_all_at_one_step(tmp_path, rank):
    run, agent = underway(tmp_path, 2)
    os.kill(workers(agent)[rank], signal.SIGTERM)
    text = result(agent)
    stopped = re.findall(r"stopped at step ([\d,]+) and saved; go on with: ganzoo train --resume", text)
    assert len(stopped) == 1 and max(checkpoints(run)) == int(stopped[0].replace(",", "")), text
    assert ganzoo.train(resume=run, steps=max(checkpoints(run)) + 1, device="cpu", quiet=True).step


@pytest.mark.slow
def test_ctrl_c_at_torchrun_saves(tmp_path):
    run, agent = underway(tmp_path, 2)
    agent.send_signal(signal.SIGINT)
    text = result(agent)
    assert len(re.findall(r"stopped at step [\d,]+ and saved", text)) == 1, text
    assert read_log(run)[-1]["step"] == max(checkpoints(run))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_lost_process_ends_the_run_and_it_can_go_on(tmp_path, rank):
    run, agent = underway(tmp_path, 4)
    os.kill(workers(agent)[rank], signal.SIGKILL)
    text = result(agent)
    said = re.findall(r"ganzoo: error: step [\d,]+: another process .* step [\d,]+ is saved: go on with (.*)", text)
    assert said == [f"ganzoo train --resume {run}"], text
    saved = max(checkpoints(run))
    text = torchrun(*TRAIN, "--resume", run, "--steps", str(saved + 2))
    assert f": {saved + 2:,} steps. See" in text


@pytest.mark.slow
def test_a_run_whose_launcher_is_killed_saves_and_ends(tmp_path):
    run, agent = underway(tmp_path, 2)
    left = [Path(f"/proc/{pid}/exe") for pid in workers(agent).values()]
    agent.kill()
    assert re.search(r"stopped at step [\d,]+ and saved", result(agent))  # which ends with the last of them that prints
    assert not any(os.path.lexists(path) and path.exists() for path in left)
    assert read_log(run)[-1]["step"] == max(checkpoints(run))


@pytest.mark.slow
def test_torchrun_restarts_a_lost_process_where_the_run_stood(tmp_path):
    run, where = tmp_path / "run", (*HERE, "--max-restarts", "1")
    exact = *SLOWLY, "--set", "precision=fp32"  # rounding of bf16 grows beyond a thousandth in sixty steps
    agent = launch(*NEW, "--steps", "60", "--out", run, "--resume", *exact, where=where)
    wait_for(lambda: max(checkpoints(run), default=0) >= 2, agent)
    os.kill(workers(agent)[1], signal.SIGKILL)
    text = result(agent)
    assert agent.returncode == 0 and ": 60 steps. See" in text, text
    alone(tmp_path / "one", steps=60, settings={**SLOW, "precision": "fp32"})
    check_alike(tmp_path / "one", run)


@pytest.mark.slow
def test_two_machines(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    agents = [
        launch(
            *NEW, *SLOWLY, "--steps", "4", "--out", tmp_path / "two", size=1,
            where=("--nnodes", "2", "--node-rank", str(node), "--master-addr", "127.0.0.1", "--master-port", str(port)),
        )
        for node in range(2)
    ]  # fmt: skip
    text = result(*agents)
    assert [agent.returncode for agent in agents] == [0, 0], text
    alone(tmp_path / "one", steps=4, settings=SLOW)
    check_alike(tmp_path / "one", tmp_path / "two")


ALARMED = """
import hashlib, os, sys
import ganzoo
from ganzoo.training.guard import Alarm, Guard

judge = Guard.judge_samples
made_up = lambda step: [Alarm("collapse", "made up")] if step == 4 else []
Guard.judge_samples = lambda self, report: judge(self, report) + made_up(report.step)
run = ganzoo.train("gan:ch=16", "digits", sys.argv[1], 8, device="cpu", guard="rollback", **SIZES)
weights = b"".join(tensor.numpy().tobytes() for tensor in run.gan.state_dict().values())
open(sys.argv[1] + os.environ["RANK"], "w").write(hashlib.sha256(weights).hexdigest())
"""


@pytest.mark.slow
def test_the_guard_of_the_first_process_moves_all(tmp_path):
    script, run = tmp_path / "script.py", tmp_path / "run"
    script.write_text(ALARMED.replace("SIZES", repr(SIZES)))
    text = torchrun(script, run)
    assert read_log(run)[-1]["step"] == 8, text
    events = [record["event"] for record in read_log(run) if "event" in record]
    assert [event["action"] for event in events] == ["rollback"]
    assert read_log(run)[-1]["lr"]["g"] == events[0]["factor"] * read_log(run)[0]["lr"]["g"]
    assert (tmp_path / "run0").read_text() == (tmp_path / "run1").read_text()


@pytest.mark.slow
def test_the_budget_of_the_first_process_ends_all(tmp_path):
    agent = launch(*NEW, "--budget", "3s", "--out", tmp_path / "run")
    text = result(agent)
    assert agent.returncode == 0 and len(re.findall(r": [\d,]+ steps\. See", text)) == 1, text
