"""torchgan: ``train_ops`` of its minimax losses; its grids are drawn in eval mode."""

from __future__ import annotations

import importlib

import torch

from ganzoo.cli.kit import Peer, PeerArchitecture, PeerTraining, Workload
from ganzoo_peers.bare import bare_package, in_eval_mode


def prepare(workload: Workload) -> PeerTraining:
    """Its DCGAN, as wide as the others'.

    Raises:
        UsageError: torchgan is not installed.
    """
    with bare_package("torchgan", "pip install --no-deps torchgan"):
        models = importlib.import_module("torchgan.models")
        losses = importlib.import_module("torchgan.losses")
    channels = workload.real.shape[1]
    g = models.DCGANGenerator(encoding_dims=workload.z_dim, out_channels=channels, step_channels=64)
    d = models.DCGANDiscriminator(in_channels=channels, step_channels=64)
    for_d, for_g = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (d, g))
    of_d, of_g = losses.MinimaxDiscriminatorLoss(), losses.MinimaxGeneratorLoss()

    def critic() -> None:
        of_d.train_ops(g, d, for_d, workload.real, workload.real.device)

    def step() -> None:
        critic()
        of_g.train_ops(g, d, for_g, workload.real.device, len(workload.real))

    return PeerTraining(step, critic, lambda n: in_eval_mode(g, lambda: g(torch.randn(n, workload.z_dim))))


PEER = Peer({"dcgan": PeerArchitecture(prepare)})
