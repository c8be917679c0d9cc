"""What holds on a CUDA device: the numbers of the CPU, exact resumption, no wait in a step, and what runs nowhere else.

``.ci/gpu`` runs these on a machine that has one; elsewhere they are skipped.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import Labelled, contents, resume, tiny
from torch import Tensor

import ganzoo
from ganzoo.cli import main
from ganzoo.data.device import resident
from ganzoo.folder.log import read_log
from ganzoo.folder.scores import read_scores
from ganzoo.gan.builder import build
from ganzoo.machine.compiled import compile_networks
from ganzoo.machine.precision import Precision
from ganzoo.registry.loading import registry
from ganzoo.testing.tiny import subject
from ganzoo.testing.tiny import tiny as tiny_of
from ganzoo.training.loop import Trainer

pytestmark = pytest.mark.gpu
DEVICE = "cuda"
# Adam makes a step of full length of a gradient that is nothing but rounding; with SGD rounding stays rounding.
SLOW = {"optimizer": "sgd", "lr.g": 0.02, "lr.d": 0.02, "batch": 8, "repeat.d": 1}
RECIPES = [
    "dcgan:ch=8+sn@d+hinge",
    "sngan:ch=8+projection+normalization/none@g",
    "sagan:ch=8+r1:every=2",
    "gan+wgan+gp",
]
STEPS = 3
ARCHITECTURES = [entry for entry in registry().entries("architecture") if not entry.labelled or entry.complete]


@contextmanager
def full_precision() -> Iterator[None]:
    """Single precision without TF32, which rounds what it multiplies to eleven bits."""
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn


@contextmanager
def no_waits() -> Iterator[None]:
    """A wait for the GPU is an error."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def trainer(recipe: str, device: str, settings: dict[str, object], dtype: torch.dtype = torch.float32) -> Trainer:
    torch.manual_seed(0)
    gan = build(recipe, resolution=16, channels=1, classes=3, z_dim=8, settings=settings)
    precision = Precision(torch.device(device), dtype)
    precision.place(gan)
    compile_networks(gan, precision.device)
    return Trainer(gan, 0, horizon=STEPS, precision=precision)


def trained(recipe: str, device: str, **settings: object) -> dict[str, Tensor]:
    made = trainer(recipe, device, {**SLOW, **settings})
    stream = tiny_of("sngan", {"image", "label"}).data()
    images = stream.images.fetch(torch.arange(8))[:, :1].float() / 127.5 - 1
    batch = made.precision.send({"image": images, "label": torch.arange(8) % 3})
    for _ in range(STEPS):
        made.train_step([batch] * made.batches_per_step)
    made.check()
    return {name: tensor.cpu() for name, tensor in made.tensors().items()}


def agree(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        close = torch.allclose(tensor.double(), other[name].double(), rtol=tolerance, atol=tolerance)
        assert close, f"{name}: {(tensor.double() - other[name].double()).abs().max():.2g} apart"


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_training_has_the_weights_and_averages_of_one_on_the_cpu(recipe):
    with full_precision():
        agree(trained(recipe, "cpu"), trained(recipe, DEVICE), 1e-3)


@pytest.mark.parametrize("settings", [{"ema": 0.5}, {"ema.halflife": "32"}, {"accumulate.d": 2, "clip.g": 1.0}])
def test_averages_pieces_and_clipping_are_those_of_the_cpu(settings):
    recipe = "dcgan:ch=8+sn@d+hinge+normalization/none"
    with full_precision():
        agree(trained(recipe, "cpu", **settings), trained(recipe, DEVICE, **settings), 1e-3)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "sgd", "nadam", "radam"])
def test_every_optimiser_goes_on_from_its_state(name):
    settings = {"batch": 4, "optimizer": name}
    made, batch = trainer("gan:ch=8", DEVICE, settings), None
    batch = made.precision.send({"image": torch.rand(4, 1, 16, 16) * 2 - 1, "label": torch.arange(4) % 3})
    made.train_step([batch])
    state, counts = {key: tensor.cpu().clone() for key, tensor in made.tensors().items()}, dict(made.counts)
    other = trainer("gan:ch=8", DEVICE, settings)
    other.restore(1, state, counts)
    for each in (made, other):
        each.train_step([batch])
    agree(
        {key: tensor.cpu() for key, tensor in made.tensors().items()},
        {key: tensor.cpu() for key, tensor in other.tensors().items()},
        1e-6,
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("entry", ARCHITECTURES, ids=lambda entry: entry.name)
def test_every_architecture_trains_and_draws(entry, dtype):
    made = subject(entry)
    gan = made.build()
    precision = Precision(torch.device(DEVICE), dtype)
    precision.place(gan)
    learner = Trainer(gan, 0, horizon=4, precision=precision)
    for _ in range(2):
        learner.train_step(made.batches(learner))
    learner.check()
    images = made.draw(gan, 3, seed=0)
    assert images.device.type == "cpu" and images.isfinite().all()


# --- waits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [*RECIPES, "stylegan2:ch=8+ada", "dcgan:ch=8+diffaugment+lecam+cr", "biggan:ch=8"])
def test_no_step_waits_for_the_gpu(recipe):
    made = tiny_of(recipe, {"image", "label"})
    gan = made.build()
    precision = Precision(torch.device(DEVICE), torch.bfloat16)
    precision.place(gan)
    learner = Trainer(gan, 0, horizon=8, precision=precision)
    batches = made.batches(learner)
    learner.train_step(batches)  # what is made once, such as cuDNN's plans and the optimisers' state
    with no_waits():
        for _ in range(3):
            learner.train_step(batches)
    learner.check()


def test_a_batch_of_data_on_the_gpu_is_made_without_a_wait():
    stream = resident(tiny_of("sngan", {"image", "label"}).data().stream(4, seed=0, flip=True), torch.device(DEVICE))
    stream.batch(0)
    with no_waits():
        batch = stream.batch(1)
    assert all(column.device.type == DEVICE for column in batch.values())


def test_batches_from_the_host_take_pinned_memory_once_and_do_not_wait():
    precision = Precision(torch.device(DEVICE), torch.float32)
    batch = {"image": torch.rand(64, 3, 32, 32), "label": torch.arange(64)}
    for _ in range(8):
        precision.send(batch)
    torch.cuda.synchronize()
    before = torch.cuda.memory.host_memory_stats()["num_host_alloc"]
    with no_waits():
        sent = [precision.send({name: column + index for name, column in batch.items()}) for index in range(8)]
    assert torch.cuda.memory.host_memory_stats()["num_host_alloc"] == before
    for index, one in enumerate(sent):  # no copy was overtaken by the next batch in its memory
        assert torch.equal(one["label"].cpu(), batch["label"] + index)


# --- whole runs ---------------------------------------------------------------------------------------------


def test_a_run_that_is_resumed_is_the_unbroken_one_bit_for_bit(tmp_path):
    given = {"device": DEVICE, "deterministic": True}
    whole = tiny(tmp_path / "whole", steps=4, **given).folder
    tiny(tmp_path / "parts", steps=2, **given)
    parts = resume(tmp_path / "parts", steps=4, **given).folder
    assert contents(whole) == contents(parts)


def test_a_run_goes_on_from_the_gpu_to_the_cpu_and_back(tmp_path):
    folder = tiny(tmp_path / "run", steps=2, device=DEVICE).folder
    for steps, device in ((4, "cpu"), (6, DEVICE)):
        assert resume(folder, steps=steps, device=device).step == steps


def test_samples_are_those_of_the_cpu_and_the_same_each_time():
    torch.manual_seed(0)
    here = build("dcgan:ch=8", resolution=16, channels=3)
    there = copy.deepcopy(here).to(DEVICE)
    with full_precision():
        images, again, fewer = there.sample(9, seed=3), there.sample(9, seed=3), there.sample(4, seed=3)
        assert torch.equal(images, again) and torch.allclose(images[:4], fewer, atol=1e-4)
        assert torch.allclose(images, here.sample(9, seed=3), atol=1e-4)


def test_a_score_on_the_gpu_is_that_of_the_cpu(tmp_path):
    folder, scores = tiny(tmp_path / "run", steps=2).folder, {}
    for device in ("cpu", DEVICE):
        words = [str(folder), "--data", "digits", "-n", "64", "--metrics", "swd", "--device", device, "--json"]
        result = CliRunner().invoke(main, ["eval", *words])
        assert result.exit_code == 0, result.output
        scores[device] = read_scores(folder)[-1].value
    assert scores[DEVICE] == pytest.approx(scores["cpu"], rel=1e-2)


def test_two_processes_share_a_gpu_by_gloo(tmp_path):
    words = [
        "train",
        "gan:ch=8",
        "--data",
        "digits",
        "--batch",
        "8",
        "--steps",
        "4",
        "--set",
        "precision=fp32",
        "--quiet",
    ]
    words += ["--log-every", "1", "--set", "optimizer=sgd", "--device", DEVICE, "--out"]
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "ganzoo"]
    env = {**os.environ, "GANZOO_COLLECTIVES": "gloo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*run, *words, tmp_path / "two"], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    result = CliRunner().invoke(main, [*words, str(tmp_path / "one")])
    assert result.exit_code == 0, result.output
    one, two = (losses(tmp_path / name) for name in ("one", "two"))
    assert len(one) == len(two) == 4
    for mine, theirs in zip(one, two, strict=True):
        assert mine == pytest.approx(theirs, rel=2e-3, abs=2e-3)


def losses(folder: Path) -> list[dict[str, float]]:
    return [record["losses"] for record in read_log(folder) if "losses" in record]


def test_too_large_a_batch_is_a_sentence(tmp_path):
    share = 600 * 2**20 / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        words = ["bench", "sngan", "--batch", "2048", "--rounds", "1", "--device", DEVICE]
        result = CliRunner().invoke(main, words)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert result.exit_code == 1
    assert "out of memory" in result.stderr.splitlines()[-1] and "smaller batch" in result.stderr.splitlines()[-1]


# --- compiled -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["on", "graphs"])
def test_compiled_networks_and_graphs_learn_what_plain_ones_do(setting):
    recipe = "dcgan:ch=8+sn@d+hinge+normalization/none"
    with full_precision():
        agree(trained(recipe, DEVICE), trained(recipe, DEVICE, compile=setting), 2e-3)


def test_training_data_larger_than_its_share_of_the_gpu_stays_on_the_host():
    data = ganzoo.data.open_data(Labelled(), ganzoo.data.DataRequest(resolution=16))
    stream = data.stream(4, seed=0)
    assert resident(stream, torch.device(DEVICE), free=1) is stream
    assert resident(stream, torch.device(DEVICE)) is not stream
