"""torch-mimicry: ``train_step`` of its D, then of its G; its scores are of ``generate_images`` in eval mode."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import torch

from ganzoo.cli.kit import Peer, PeerArchitecture, PeerTraining, Workload
from ganzoo_peers.bare import bare_package, in_eval_mode


class _Ignored:
    """Stands in for mimicry's log."""

    def add_metric(self, *args: object, **kwargs: object) -> None:
        """Forget it."""


def prepare(family: str, stem: str, workload: Workload) -> PeerTraining:
    """Its networks for 32 pixels, and Adam as its README has it.

    On CIFAR-10 it takes five updates of D for one of G, whatever the architecture (its README, Training Parameters).

    Args:
        family: its folder under ``torch_mimicry/nets``, such as ``sngan``.
        stem: what the names of its classes begin with, such as ``SNGAN``.
        workload: what to train on.

    Raises:
        UsageError: torch-mimicry is not installed.
    """
    with bare_package("torch_mimicry", "pip install --no-deps torch-mimicry"):
        home = importlib.import_module(f"torch_mimicry.nets.{family}.{family}_32")
    classes: dict[str, Any] = {"num_classes": workload.classes} if workload.classes else {}
    g = getattr(home, f"{stem}Generator32")(nz=workload.z_dim, **classes)
    d = getattr(home, f"{stem}Discriminator32")(**classes)
    for_d, for_g = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.0, 0.9)) for net in (d, g))
    batch, log, device = (workload.real, workload.labels), _Ignored(), workload.real.device

    def critic() -> None:
        d.train_step(real_batch=batch, netG=g, optD=for_d, log_data=log, device=device)

    def step() -> None:
        critic()
        g.train_step(real_batch=batch, netD=d, optG=for_g, log_data=log, device=device)

    return PeerTraining(step, critic, lambda count: in_eval_mode(g, lambda: g.generate_images(count)), updates=5)


PEER = Peer(
    {
        "dcgan": PeerArchitecture(partial(prepare, "dcgan", "DCGAN")),
        "sngan": PeerArchitecture(partial(prepare, "sngan", "SNGAN")),
        "sagan": PeerArchitecture(partial(prepare, "sagan", "SAGAN"), conditional=True),
    }
)
