"""sngan and sagan compute what torch-mimicry's networks compute, once they hold the same weights.

mimicry doubles maps bilinearly, and its in-place ReLUs rectify the inputs of D's shortcuts: ``upsample=bilinear`` and
``rectify=true`` say so. Its spectral norm is torch's older one, whose vectors are copied too.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.spectral_norm import SpectralNorm

from ganzoo.gan.builder import build

SPEC = importlib.util.find_spec("torch_mimicry")  # finds the package without running its __init__
pytestmark = pytest.mark.skipif(
    SPEC is None, reason="torch-mimicry is not installed: pip install --no-deps torch-mimicry"
)

OPTIONS = "upsample=bilinear,rectify=true"


@pytest.fixture(scope="module")
def nets():
    """mimicry's network modules under a bare package: its own __init__ would import TensorFlow."""
    assert SPEC is not None and SPEC.origin is not None
    root = Path(SPEC.origin).parent
    made = []
    for name in ("torch_mimicry", "torch_mimicry.nets"):
        package = types.ModuleType(name)
        package.__path__ = [str(root / "nets") if name.endswith("nets") else str(root)]
        sys.modules[name] = package
        made.append(name)
    names = {
        "sngan": "sngan.sngan_32:SNGAN",
        "sngan+cbn+projection": "cgan_pd.cgan_pd_32:CGANPD",
        "sagan": "sagan.sagan_32:SAGAN",
    }
    try:
        found = {}
        for recipe, place in names.items():
            module, _, stem = place.partition(":")
            home = importlib.import_module(f"torch_mimicry.nets.{module}")
            found[recipe] = (getattr(home, f"{stem}Generator32"), getattr(home, f"{stem}Discriminator32"))
        yield found
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == "torch_mimicry"]:
            del sys.modules[name]


def singular_vectors(theirs: nn.Module) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The vectors that the layer's spectral norm uses in evaluation; mimicry has torch's and one of its own."""
    if hasattr(theirs, "weight_u"):
        return theirs.weight_u, theirs.weight_v
    if hasattr(theirs, "sn_u"):
        _, u, v = theirs._power_iteration(theirs.weight.flatten(1), theirs.sn_u, 1)
        return u[0], v[0]
    return None


def copy_weight(ours: nn.Module, theirs: nn.Module) -> None:
    """A linear or convolutional layer, with its spectral norm's vectors; an embedding is our linear map transposed."""
    turned = isinstance(theirs, nn.Embedding)
    original = theirs.weight_orig if hasattr(theirs, "weight_orig") else theirs.weight
    vectors = singular_vectors(theirs)
    assert hasattr(ours, "parametrizations") == (vectors is not None)
    with torch.no_grad():
        target = ours.parametrizations.weight.original if vectors else ours.weight
        target.copy_(original.t() if turned else original)
        if getattr(ours, "bias", None) is not None:
            ours.bias.copy_(theirs.bias)
        if vectors:
            u, v = reversed(vectors) if turned else vectors
            ours.parametrizations.weight[0].u.copy_(u)
            ours.parametrizations.weight[0].v.copy_(v)


def copy_norm(ours: nn.Module, theirs: nn.Module) -> None:
    """A batch norm or a conditional one, with its running statistics."""
    with torch.no_grad():
        if hasattr(theirs, "embed"):
            gain, shift = theirs.embed.weight.chunk(2, 1)
            ours.gain.copy_(gain)
            ours.shift.copy_(shift)
            theirs = theirs.bn
        else:
            ours.weight.copy_(theirs.weight)
            ours.bias.copy_(theirs.bias)
        ours.running_mean.copy_(theirs.running_mean)
        ours.running_var.copy_(theirs.running_var)


def copy_block(ours: nn.Module, theirs: nn.Module) -> None:
    copy_weight(ours.conv1, theirs.c1)
    copy_weight(ours.conv2, theirs.c2)
    if hasattr(theirs, "c_sc"):
        layers = [m for m in ours.shortcut.modules() if isinstance(m, nn.Conv2d)]
        copy_weight(layers[0], theirs.c_sc)
    if hasattr(theirs, "b1"):
        copy_norm(ours.norm1, theirs.b1)
        copy_norm(ours.norm2, theirs.b2)


def copy_attention(trunk: nn.Module, theirs: nn.Module) -> None:
    if hasattr(theirs, "attn_block"):
        (ours,) = [site for site in trunk.attentions if not isinstance(site, nn.Identity)]
        for mine, other in {"query": "theta", "key": "phi", "value": "g", "out": "o"}.items():
            copy_weight(getattr(ours, mine), getattr(theirs.attn_block, other))
        with torch.no_grad():
            ours.gamma.copy_(theirs.attn_block.gamma)


def roughen(network: nn.Module) -> None:
    """Values that no initialisation gives, so that nothing agrees by being zero or one."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("bias", "gamma")) or "b1" in name or "b2" in name or "embed" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.3)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2)


def settle(network: nn.Module) -> None:
    """Power iterations until spectral norm's vectors, random at first, mean something."""
    for module in network.train().modules():
        hooks = [h for h in module._forward_pre_hooks.values() if isinstance(h, SpectralNorm)]
        for _ in range(20):
            for hook in hooks:
                hook(module, ())
            if hasattr(module, "sn_u"):
                module.sn_weights()
    network.eval()


CASES = ["sngan", "sngan+cbn+projection", "sagan"]


@pytest.fixture(scope="module", params=CASES)
def case(request, nets):
    """Our GAN, and mimicry's G and D with the same weights, in evaluation."""
    recipe = request.param
    classes = 0 if recipe == "sngan" else 10
    head, _, rest = recipe.partition("+")
    torch.manual_seed(0)
    ours = build(f"{head}:{OPTIONS}" + (f"+{rest}" if rest else ""), classes=classes).eval()
    given = {"num_classes": classes} if classes else {}
    theirs_g, theirs_d = (net(**given).eval() for net in nets[recipe])
    for network in (theirs_g, theirs_d):
        roughen(network)
        settle(network)
    trunk = ours.G.trunk
    copy_weight(trunk.project, theirs_g.l1)
    for block, name in zip(trunk.blocks, ("block2", "block3", "block4"), strict=True):
        copy_block(block, getattr(theirs_g, name))
    copy_norm(trunk.norm, theirs_g.b5)
    copy_weight(trunk.image, theirs_g.c5)
    copy_attention(trunk, theirs_g)
    for block, name in zip(ours.D.trunk.blocks, ("block1", "block2", "block3", "block4"), strict=True):
        copy_block(block, getattr(theirs_d, name))
    copy_weight(ours.D.head.score, theirs_d.l5)
    if classes:
        copy_weight(ours.D.head.embedding, theirs_d.l_y)
    copy_attention(ours.D.trunk, theirs_d)
    return ours, theirs_g, theirs_d, classes


def labels(classes: int, n: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    numbers = torch.arange(n) % max(1, classes)
    return torch.eye(max(1, classes))[numbers][:, :classes], (numbers,) if classes else ()


def test_sizes_agree(case):
    ours, theirs_g, theirs_d, _ = case
    for mine, other in ((ours.G, theirs_g), (ours.D, theirs_d)):
        assert sum(p.numel() for p in mine.parameters()) == sum(p.numel() for p in other.parameters())


def test_generators_agree(case):
    ours, theirs, _, classes = case
    y, given = labels(classes, 4)
    z = torch.randn(4, 128)
    with torch.no_grad():
        mine, other = ours.G(z, y), theirs(z, *given)
    assert other.std() > 0.05
    assert torch.allclose(mine, other, atol=2e-5)


def test_discriminators_agree(case):
    ours, _, theirs, classes = case
    y, given = labels(classes, 4)
    x = torch.rand(4, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        mine, other = ours.D(x, y).scores, theirs(x.clone(), *given)[:, 0]
    assert other.std() > 1e-4 * other.abs().max()
    assert torch.allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_generators_agree_in_training_mode(case):
    ours, theirs, _, classes = case
    y, given = labels(classes, 4)
    z = torch.randn(4, 128)
    if hasattr(ours.G.trunk.project, "parametrizations"):
        pytest.skip("each would move its own vectors of spectral norm")
    ours.G.train()
    theirs.train()
    with torch.no_grad():
        mine, other = ours.G(z, y), theirs(z, *given)
    ours.G.eval()
    theirs.eval()
    assert torch.allclose(mine, other, atol=5e-5)
