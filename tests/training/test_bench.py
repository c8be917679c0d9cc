"""``ganzoo bench``: what it reports, and what it refuses. Speeds themselves are not tested."""

import json
from importlib.machinery import PathFinder

import pytest
import torch
from click.testing import CliRunner

from ganzoo.cli.bench import bench as command
from ganzoo.errors import UsageError
from ganzoo.training.bench import bench
from ganzoo.training.peers import Job, prepare

TINY = {"batch": 2, "rounds": 1, "z_dim": 8}


def installed(name: str) -> bool:
    return PathFinder.find_spec(name) is not None


def test_the_report_is_json_and_ratio_is_peer_over_ours():
    words = ["dcgan:ch=8", "--against", "pytorch-example", "--batch", "2", "--rounds", "1", "--json"]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    report = json.loads(result.output)
    ours, peer = report["ours"], report["peers"]["pytorch-example"]
    assert peer["ratio"] == pytest.approx(peer["step_ms"] / ours["step_ms"], abs=1e-3)
    assert ours["images_per_second"] == pytest.approx(2 / ours["step_ms"] * 1e3, rel=1e-2)
    assert set(ours["turn_ms"]) == {"d", "g"} and sum(ours["turn_ms"].values()) > 0
    assert report["recipe"] == "dcgan:ch=8" and report["machine"]["matrix_gflops"] > 0
    whole = ours["end_to_end"]
    per_step = whole["wait_ms"] + whole["step_ms"] + whole["log_ms"] / 10 + whole["grid_ms"] / 100
    assert whole["ratio"] == pytest.approx((per_step + whole["save_ms"] / 250) / whole["step_ms"], rel=1e-2)
    assert ours["data_share"] == pytest.approx(whole["wait_ms"] / (whole["wait_ms"] + whole["step_ms"]), abs=1e-3)
    assert ours["peak_memory_mb"] > 50 and ours["fraction_of_peak"] > 0 and report["notes"] == []


def test_the_table_names_every_figure():
    result = CliRunner().invoke(command, ["gan:ch=8", "--batch", "2", "--rounds", "1"], catch_exceptions=False)
    for words in ("ms a step", "images/s", "GFLOP a step", "peak memory", "training session", "waits for its batch"):
        assert words in result.output


def test_flops_grow_with_the_batch_and_repeat_is_one_by_default():
    one, two = (bench("dcgan:ch=8", **{**TINY, "batch": size})["ours"]["gflop_per_step"] for size in (2, 4))
    assert two == pytest.approx(2 * one, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "peer", "head"),
    [("torch_mimicry", "torch-mimicry", "sngan"), ("torch_mimicry", "torch-mimicry", "sagan"),
     ("torchgan", "torchgan", "dcgan")],
)  # fmt: skip
def test_peers_of_packages_take_their_own_steps(package, peer, head):
    if not installed(package):
        pytest.skip(f"{peer} is not installed: pip install --no-deps {peer}")
    report = bench(f"{head}:ch=8", [peer], classes=10 if head == "sagan" else 0, **TINY)
    assert report["peers"][peer]["step_ms"] > 0
    learns_and_draws(peer, head)


def test_the_example_learns_and_draws():
    learns_and_draws("pytorch-example", "dcgan")


def learns_and_draws(peer, head):
    """What it draws depends on what its batch held at each update."""

    def drawn(*reals):
        torch.manual_seed(0)
        job = Job(torch.zeros(2, 3, 32, 32), torch.zeros(2, dtype=torch.long), 10 if head == "sagan" else 0, 8)
        what = prepare(peer, head, job)
        for update, real in zip((what.critic, what.step, what.step), reals, strict=True):
            job.real.fill_(real)
            update()
        return what.draw(3)

    images = drawn(0, 0, 0)
    assert images.shape == (3, 3, 32, 32) and images.abs().max() <= 1 and not images.requires_grad
    assert torch.equal(images, drawn(0, 0, 0))
    assert not torch.equal(images, drawn(1, 0, 0))


@pytest.mark.parametrize(
    ("recipe", "peer", "words"),
    [
        ("dcgan", "stylegan", ["stylegan", "torch-mimicry"]),
        ("sngan", "torchgan", ["torchgan", "sngan", "dcgan"]),
        ("sagan:ch=8", "torch-mimicry", ["torch-mimicry", "sagan", "--classes 10"]),
    ],
)
def test_peers_that_cannot_be_compared_are_refused(recipe, peer, words):
    with pytest.raises(UsageError) as refused:
        bench(recipe, [peer], **TINY)
    assert all(word in str(refused.value) for word in words)
