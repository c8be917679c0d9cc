"""What each peer does: it takes its own steps on what its batch holds, and draws."""

import importlib.util
import json

import pytest
import torch
from click.testing import CliRunner
from ganzoo_peers.bare import bare_package

from ganzoo import UsageError
from ganzoo.cli.kit import Workload, find_peer, main, prepare_peer
from ganzoo.training.peers import listed_peers

NAMES = {  # what each imports
    "pytorch-example": ["torch"],
    "torch-mimicry": ["torch_mimicry"],
    "torchgan": ["torchgan"],
    "stylegan2-pytorch": ["stylegan2_pytorch", "kornia", "einops"],
}


def test_the_package_brings_them():
    assert {name for name, who in listed_peers().items() if who.startswith("ganzoo-peers ")} == set(NAMES)
    assert {head for head, own in find_peer("torch-mimicry").architectures.items() if own.conditional} == {"sagan"}


def test_bench_measures_the_example_beside_ours():
    words = ["bench", "dcgan:ch=8", "--against", "pytorch-example", "--batch", "2", "--rounds", "1", "--json"]
    report = json.loads(CliRunner().invoke(main, [*words, "--device", "cpu"]).stdout)
    ours, peer = report["ours"], report["peers"]["pytorch-example"]
    assert peer["ratio"] == pytest.approx(peer["step_ms"] / ours["step_ms"], abs=1e-3)


@pytest.mark.parametrize(
    ("peer", "head"),
    [
        ("pytorch-example", "dcgan"),
        ("torch-mimicry", "dcgan"),
        ("torch-mimicry", "sngan"),
        ("torch-mimicry", "sagan"),
        ("torchgan", "dcgan"),
        pytest.param("stylegan2-pytorch", "stylegan2", marks=pytest.mark.slow),
    ],
)
def test_a_peer_learns_and_draws(peer, head):
    """What it draws depends on what its batch held at each update."""
    if missing := [name for name in NAMES[peer] if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{peer} needs {missing}: pip install --no-deps")

    def drawn(*reals):
        torch.manual_seed(0)
        labels = torch.zeros(2, dtype=torch.long)
        workload = Workload(torch.zeros(2, 3, 32, 32), labels, 10 if head == "sagan" else 0, 8)
        training = prepare_peer(peer, head, workload)
        for update, real in zip((training.critic, training.step, training.step), reals, strict=True):
            workload.real.fill_(real)
            update()
        return training.draw(3)

    images = drawn(0, 0, 0)
    assert images.shape == (3, 3, 32, 32) and images.abs().max() <= 1 and not images.requires_grad
    assert torch.equal(images, drawn(0, 0, 0))
    assert not torch.equal(images, drawn(1, 0, 0))


def test_a_peer_computes_where_its_images_are():
    """On torch's device of shapes, which refuses whatever was left on another."""
    workload = Workload(torch.zeros(2, 3, 32, 32, device="meta"), torch.zeros(2, device="meta").long(), 0, 8)
    training = prepare_peer("pytorch-example", "dcgan", workload)
    training.step()
    assert training.draw(3).device.type == "meta"


@pytest.mark.parametrize(
    ("recipe", "peer", "words"),
    [
        ("dcgan", "torch-gan", ["'torch-gan'", "nearest: torchgan"]),
        ("sngan", "torchgan", ["torchgan has no sngan: it has dcgan", "peers with sngan: torch-mimicry"]),
        ("sagan:ch=8", "torch-mimicry", ["sagan of torch-mimicry", "--classes 10"]),
        ("dcgan:ch=8", "torchgan --resolution 64", ["dcgan of torchgan has images of 32 pixels, and these have 64"]),
        ("stylegan2:ch=8", "stylegan2-pytorch --channels 1", ["images of 3 channels, and these have 1"]),
    ],
)
def test_peers_that_cannot_be_compared_are_refused(recipe, peer, words):
    command = ["bench", recipe, "--batch", "2", "--rounds", "1", "--z-dim", "8", "--against", *peer.split()]
    refused = CliRunner().invoke(main, [*command, "--device", "cpu"])
    assert refused.exit_code == 2 and all(word in refused.stderr for word in words), refused.stderr


def test_a_library_that_is_not_installed_says_what_installs_it():
    package = bare_package("no_such_gans", "pip install --no-deps no-such-gans")
    with pytest.raises(UsageError, match="no_such_gans is not installed: pip install --no-deps no-such-gans"), package:
        raise AssertionError("it was found")
