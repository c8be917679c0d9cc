"""DCGAN of the PyTorch examples. It is no package, so its step is written out here, cut to 32 pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.cli.kit import Peer, PeerArchitecture, PeerTraining, Workload

WIDTH = 64  # channels of G's last and of D's first map


def prepare(workload: Workload) -> PeerTraining:
    """NCHW, fp32, and G learns from the fakes that D just saw; samples are made as its grids are, in training mode."""
    g, d = generator(workload.z_dim, workload.real.shape[1]), discriminator(workload.real.shape[1])
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (d, g)]
    judge, n = nn.BCELoss(), len(workload.real)
    ones, zeros = torch.ones(n), torch.zeros(n)

    def critic() -> Tensor:
        d.zero_grad()
        judge(d(workload.real).view(-1), ones).backward()
        fake: Tensor = g(torch.randn(n, workload.z_dim, 1, 1))
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
        images: Tensor = g(torch.randn(count, workload.z_dim, 1, 1))
        return images

    return PeerTraining(step, critic, draw)


def generator(z_dim: int, channels: int) -> nn.Sequential:
    """From noise ``(B, z_dim, 1, 1)`` to images ``(B, channels, 32, 32)`` in [-1, 1]."""
    return nn.Sequential(
        *_up(z_dim, 4 * WIDTH, stride=1, padding=0),
        *_up(4 * WIDTH, 2 * WIDTH),
        *_up(2 * WIDTH, WIDTH),
        nn.ConvTranspose2d(WIDTH, channels, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def discriminator(channels: int) -> nn.Sequential:
    """From images ``(B, channels, 32, 32)`` to probabilities ``(B, 1, 1, 1)`` that they are real."""
    return nn.Sequential(
        nn.Conv2d(channels, WIDTH, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        *_down(WIDTH, 2 * WIDTH),
        *_down(2 * WIDTH, 4 * WIDTH),
        nn.Conv2d(4 * WIDTH, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )


def _up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(True)]


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]


PEER = Peer({"dcgan": PeerArchitecture(prepare)})
