"""stylegan2-pytorch: what ``Trainer.train`` does in its first 5,000 steps, by its own networks, losses and optimisers.

Its module refuses to be imported without CUDA, and asks for packages that only log or read a command line; its networks
compute on any device. It is told here that there is CUDA while it is imported, and the moves to a GPU are left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

import torch
from torch import Tensor, nn

from ganzoo import UsageError
from ganzoo.cli.kit import Peer, PeerArchitecture, PeerTraining, Workload
from ganzoo_peers.bare import bare_package, in_eval_mode, stand_ins

COMMAND = "pip install --no-deps stylegan2-pytorch kornia kornia_rs einops"
UNUSED = ("fire", "aim", "vector_quantize_pytorch")  # what its module imports, and no network of it needs
PENALTY_EVERY, MIXED = 4, 0.9  # steps; share of batches that mix two styles
LR = 2e-4


@contextmanager
def _as_if_on_a_gpu() -> Iterator[None]:
    with patch.object(torch.cuda, "is_available", lambda: True), patch.object(nn.Module, "cuda", lambda net, *_: net):
        yield


def prepare(workload: Workload) -> PeerTraining:
    """Its networks at ``network_capacity=16``: 512 maps at 4 pixels in G and half as many for each doubling.

    ``stylegan2:ch=512,full=4`` has these widths. D is penalised every fourth step, and images are in [0, 1].

    Raises:
        UsageError: stylegan2-pytorch, or what its networks need, is not installed; or the images are not in colour.
    """
    if workload.real.shape[1] != 3:
        raise UsageError(f"stylegan2-pytorch makes images of 3 channels, and these have {workload.real.shape[1]}")
    try:
        with bare_package("stylegan2_pytorch", COMMAND), stand_ins(UNUSED), _as_if_on_a_gpu():
            home = importlib.import_module("stylegan2_pytorch.stylegan2_pytorch")
            gan = home.StyleGAN2(workload.real.shape[-1], workload.z_dim, lr=LR)
    except ModuleNotFoundError as error:
        raise UsageError(f"stylegan2-pytorch needs {error.name}: {COMMAND}") from error
    s, g, d = gan.S, gan.G, gan.D
    steps = count()

    def drawn(n: int) -> Tensor:
        split = int(torch.randint(g.num_layers, ())) if torch.rand(()) < MIXED else g.num_layers
        rows = [(torch.randn(n, workload.z_dim), layers) for layers in (split, g.num_layers - split) if layers]
        w = home.styles_def_to_tensor(home.latent_to_w(s, rows))
        return g(w, torch.rand(n, g.image_size, g.image_size, 1))

    def critic() -> None:
        penalised = next(steps) % PENALTY_EVERY == 0
        gan.D_opt.zero_grad()
        fake = drawn(len(workload.real)).detach().requires_grad_(penalised)
        real = ((workload.real + 1) / 2).requires_grad_(penalised)
        for_fake, for_real = d(fake)[0], d(real)[0]
        loss = home.hinge_loss(for_fake, for_real)
        if penalised:
            loss = loss + home.gradient_penalty(real, for_real) + home.gradient_penalty(fake, for_fake)
        loss.backward()
        gan.D_opt.step()

    def step() -> None:
        critic()
        gan.G_opt.zero_grad()
        home.gen_hinge_loss(d(drawn(len(workload.real)))[0], None).backward()
        gan.G_opt.step()

    return PeerTraining(step, critic, lambda n: in_eval_mode(g, lambda: drawn(n).clamp(0, 1) * 2 - 1))


PEER = Peer({"stylegan2": PeerArchitecture(prepare, sizes=(32, 64, 128, 256))})
