"""Training steps and samples of other libraries, as their own code makes them, to be measured beside ours.

Each peer is loaded without its package's ``__init__`` (torch-mimicry's imports TensorFlow) and runs as its users get
it: fp32, its own losses, its own optimiser calls. torch-mimicry and torchgan are used where they are installed; the
PyTorch DCGAN example is no package, so its step is written out here from its description, cut to 32 pixels.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, either


@dataclass(frozen=True)
class Job:
    """What a peer is asked to do.

    Attributes:
        real: a batch of images ``(B, C, 32, 32)`` in [-1, 1]; steps see what it and ``labels`` hold at the time.
        labels: their classes ``(B,)``.
        classes: how many there are; 0 for an unconditional GAN.
        z_dim: length of the noise.
    """

    real: Tensor
    labels: Tensor
    classes: int
    z_dim: int


@dataclass(frozen=True)
class Peer:
    """What a peer does.

    Attributes:
        step: one update of D, then one of G.
        critic: one of D only, for peers whose D is updated more often; what it returns is its own affair.
        draw: so many images ``(n, C, 32, 32)`` in [-1, 1], as its own code makes those that it shows or scores.
        updates: of D for one of G, as its authors train it.
    """

    step: Callable[[], None]
    critic: Callable[[], object]
    draw: Callable[[int], Tensor]
    updates: int = 1


# --- the PyTorch example --------------------------------------------------------------------------------------


def pytorch_example(job: Job) -> Peer:
    """DCGAN of the PyTorch examples at 32 pixels: NCHW, fp32, G learns from the fakes that D just saw.

    Its samples are made as its grids are, in training mode.
    """
    wide, channels = 64, job.real.shape[1]
    g = nn.Sequential(
        *_example_up(job.z_dim, 4 * wide, stride=1, padding=0),
        *_example_up(4 * wide, 2 * wide),
        *_example_up(2 * wide, wide),
        nn.ConvTranspose2d(wide, channels, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    d = nn.Sequential(
        nn.Conv2d(channels, wide, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        *_example_down(wide, 2 * wide),
        *_example_down(2 * wide, 4 * wide),
        nn.Conv2d(4 * wide, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (d, g)]
    judge, n = nn.BCELoss(), len(job.real)
    ones, zeros = torch.ones(n), torch.zeros(n)

    def critic() -> Tensor:
        d.zero_grad()
        judge(d(job.real).view(-1), ones).backward()
        fake: Tensor = g(torch.randn(n, job.z_dim, 1, 1))
        judge(d(fake.detach()).view(-1), zeros).backward()
        optimizers[0].step()
        return fake

    def step() -> None:
        fake = critic()
        g.zero_grad()
        judge(d(fake).view(-1), ones).backward()
        optimizers[1].step()

    @torch.no_grad()
    def draw(count: int) -> Tensor:
        images: Tensor = g(torch.randn(count, job.z_dim, 1, 1))
        return images

    return Peer(step, critic, draw)


def _example_up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(True)]


def _example_down(inputs: int, outputs: int) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]


# --- packages -------------------------------------------------------------------------------------------------


@contextmanager
def bare_package(name: str, command: str) -> Iterator[None]:
    """Let submodules of ``name`` be imported without running the package's own ``__init__``."""
    spec = PathFinder.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise UsageError(f"{name} is not installed: {command}")
    before = {key: module for key, module in sys.modules.items() if key.split(".")[0] == name}
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    try:
        yield
    finally:
        for key in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[key]
        sys.modules.update(before)


@torch.no_grad()
def in_eval_mode(network: nn.Module, draw: Callable[[], Tensor]) -> Tensor:
    """What ``draw`` gives while ``network`` is in eval mode."""
    network.eval()
    try:
        return draw()
    finally:
        network.train()


class _Ignored:
    """Stands in for mimicry's log."""

    def add_metric(self, *args: object, **kwargs: object) -> None:
        """Forget it."""


def mimicry(family: str, stem: str) -> Callable[[Job], Peer]:
    """torch-mimicry: ``train_step`` of its D, then of its G; its scores are of ``generate_images`` in eval mode.

    On CIFAR-10 it takes five updates of D for one of G, whatever the architecture (its README, Training Parameters).
    """

    def prepare(job: Job) -> Peer:
        with bare_package("torch_mimicry", "pip install --no-deps torch-mimicry"):
            home = importlib.import_module(f"torch_mimicry.nets.{family}.{family}_32")
        classes: dict[str, Any] = {"num_classes": job.classes} if job.classes else {}
        g = getattr(home, f"{stem}Generator32")(nz=job.z_dim, **classes)
        d = getattr(home, f"{stem}Discriminator32")(**classes)
        for_d, for_g = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.0, 0.9)) for net in (d, g))
        batch, log = (job.real, job.labels), _Ignored()

        def critic() -> None:
            d.train_step(real_batch=batch, netG=g, optD=for_d, log_data=log, device="cpu")

        def step() -> None:
            critic()
            g.train_step(real_batch=batch, netD=d, optG=for_g, log_data=log, device="cpu")

        return Peer(step, critic, lambda count: in_eval_mode(g, lambda: g.generate_images(count)), updates=5)

    return prepare


def torchgan(job: Job) -> Peer:
    """torchgan's DCGAN: ``train_ops`` of its minimax losses; its grids are drawn in eval mode."""
    with bare_package("torchgan", "pip install --no-deps torchgan"):
        models = importlib.import_module("torchgan.models")
        losses = importlib.import_module("torchgan.losses")
    g = models.DCGANGenerator(encoding_dims=job.z_dim, out_channels=job.real.shape[1], step_channels=64)
    d = models.DCGANDiscriminator(in_channels=job.real.shape[1], step_channels=64)
    for_d, for_g = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (d, g))
    of_d, of_g = losses.MinimaxDiscriminatorLoss(), losses.MinimaxGeneratorLoss()

    def critic() -> None:
        of_d.train_ops(g, d, for_d, job.real, torch.device("cpu"))

    def step() -> None:
        critic()
        of_g.train_ops(g, d, for_g, torch.device("cpu"), len(job.real))

    return Peer(step, critic, lambda count: in_eval_mode(g, lambda: g(torch.randn(count, job.z_dim))))


PEERS: Mapping[str, Mapping[str, Callable[[Job], Peer]]] = {
    "pytorch-example": {"dcgan": pytorch_example},
    "torch-mimicry": {
        "dcgan": mimicry("dcgan", "DCGAN"),
        "sngan": mimicry("sngan", "SNGAN"),
        "sagan": mimicry("sagan", "SAGAN"),
    },
    "torchgan": {"dcgan": torchgan},
}
CONDITIONAL = {("torch-mimicry", "sagan")}  # those that cannot do without classes


def check(peer: str, head: str, classes: int = 0) -> None:
    """Refuse a peer that is unknown, has no architecture ``head``, or has it only for data with classes."""
    if peer not in PEERS:
        raise UsageError(f"there is no peer {peer!r} to compare with; --against takes {either(PEERS)}")
    if head not in PEERS[peer]:
        others = either([name for name, heads in PEERS.items() if head in heads])
        raise UsageError(f"{peer} has no {head}: it has {either(PEERS[peer], 'and')}; peers with {head}: {others}")
    if (peer, head) in CONDITIONAL and not classes:
        raise UsageError(f"{head} of {peer} draws classes, and there are none: add --classes 10")


def prepare(peer: str, head: str, job: Job) -> Peer:
    """What ``peer`` does with the architecture ``head``, which :func:`check` let pass.

    Raises:
        UsageError: the peer is not installed.
    """
    return PEERS[peer][head](job)
