"""Contexts: what norms and trunks of a generator are called with in place of raw labels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.layers import BatchNorm, ConditionalBatchNorm, ContextBatchNorm, context_batch_norm
from ganzoo.testing import plugin

SIZES = {"resolution": 16, "channels": 1}


def test_ccbn_is_the_formula_and_plain_without_a_context() -> None:
    norm, x, c = ContextBatchNorm(3, 5), torch.randn(8, 3, 4, 4), torch.randn(8, 5)
    plain = nn.BatchNorm2d(3, affine=False)(x)
    gain, shift = 1 + c @ norm.gain.weight.T, c @ norm.shift.weight.T
    torch.testing.assert_close(norm(x, c), plain * gain[:, :, None, None] + shift[:, :, None, None])
    assert isinstance(context_batch_norm(3, 0), BatchNorm)


def test_rows_of_statistics_learn_as_one_and_are_chosen_by_the_truncation() -> None:
    norm, plain = context_batch_norm(3, 0, rows=5), context_batch_norm(3, 0)
    x, y = torch.randn(8, 3, 4, 4, requires_grad=True), torch.zeros(8, 0)
    for batch in (x, x * 2 + 1):  # two passes before a step back, as D's updates have them
        torch.testing.assert_close(norm(batch, y), plain(batch, y))
    norm(x, y).sum().backward()
    plain(x, y)
    torch.testing.assert_close(norm.running_mean, plain.running_mean.expand(5, 3))
    torch.testing.assert_close(norm.running_var, plain.running_var.expand(5, 3))
    norm.eval().running_mean.copy_(torch.arange(5.0)[:, None].expand(5, 3))
    means = []
    for truncation in (None, 1.0, 0.5, 0.4375):
        norm.truncate(truncation)
        means.append(float(norm.statistics()[0][0]))
    assert means == [4, 4, 2, 1.25], "between rows the nearer one counts less, as in the code that is known"
    with pytest.raises(ganzoo.UsageError, match="up to 1"):
        norm.truncate(1.01)
    with pytest.raises(ganzoo.UsageError, match="ccbn:rows"):
        context_batch_norm(3, 2, rows=1)


def test_cbn_of_what_is_not_one_hot_keeps_a_scale_of_one() -> None:
    norm, x = ConditionalBatchNorm(2, 3).eval(), torch.randn(4, 2, 3, 3)
    one_hot = torch.eye(3)[[0, 1, 2, 0]]
    rows = one_hot @ norm.gain
    assert torch.equal(rows + (1 - one_hot.sum(1, keepdim=True)), rows), "to the bit what it was"
    torch.testing.assert_close(norm(x, torch.zeros(4, 3)), norm.standardise(x))
    several = torch.tensor([[1.0, 1.0, 0.0]]).expand(4, 3)
    gain = norm.gain[0] + norm.gain[1] - 1
    torch.testing.assert_close(norm(x, several), norm.standardise(x) * gain[:, None, None])


def test_initialisation_and_spectral_norm_reach_ccbn_and_not_cbn() -> None:
    gan = ganzoo.build("dcgan:ch=4+selfmod+sn@g", **SIZES)
    norms = [module for module in gan.G.modules() if isinstance(module, ContextBatchNorm)]
    assert norms and all(hasattr(norm.gain, "parametrizations") for norm in norms)
    assert all(norm.gain.parametrizations.weight.original.std() < 0.05 for norm in norms), "init=normal"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (
            "dcgan+ccbn",
            r"ccbn needs 'context' \(from biggan, biggan-deep, info-context, selfmod, stylegan\), "
            "which neither the data nor dcgan has",
        ),
        ("dcgan+selfmod+cbn", "cbn does not work with a part that brings 'context', as in .*: write ccbn in its place"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(recipe: str, said: str) -> None:
    with pytest.raises(ganzoo.RecipeError, match=said):
        ganzoo.build(recipe, **SIZES, classes=3)


def test_selfmod_is_conditioned_by_noise_and_labels() -> None:
    gan = ganzoo.build("dcgan:ch=4+selfmod", **SIZES, classes=3).eval()
    conditioning = gan.G.conditioning
    z, y = torch.randn(2, gan.z_dim), torch.eye(3)[:2]
    assert gan.classes == 0, "nothing in this recipe needs labels"
    assert conditioning.context(z, y[:, :0]).shape == (2, 32)
    both = ganzoo.build("dcgan:ch=4+selfmod+projection", **SIZES, classes=3).G.conditioning
    assert not torch.equal(both.context(z, y), both.context(z, y.flip(0)))


class Chunks(nn.Module):
    """A trunk with a context of its own: a piece of the noise beside an embedding that its norms share."""

    def __init__(self, kit: Any) -> None:
        super().__init__()
        self.piece = kit.z_dim // 2
        self.shared = nn.Linear(kit.y_dim, 4, bias=False)
        self.first = nn.Linear(self.piece, 8 * 16)
        self.norm = kit.norm(8, c_dim=self.piece + 4)
        self.image = nn.ConvTranspose2d(8, kit.channels, 4, 4)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise and labels."""
        context = torch.cat([h[:, self.piece :], self.shared(c)], 1)
        return self.image(self.norm(self.first(h[:, : self.piece]).unflatten(1, (8, 4, 4)), context)).tanh()


class Flat(nn.Module):
    """A trunk of D that does nothing."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Pixels as features."""
        return x.flatten(1)


def skipping(g: Any, d: Any) -> dict[str, nn.Module]:
    """BigGAN's way of conditioning, in miniature."""
    return {"G": ganzoo.Generator(g, Chunks(g)), "D": ganzoo.Discriminator(d, Flat(), d.inputs * d.resolution**2)}


class Hooks:
    @staticmethod
    @ganzoo.hookimpl
    def register_architectures(register: ganzoo.Register) -> None:
        register("skipping", skipping, provides={"context", "features"}, implies=("ccbn@g", "projection"))


def test_a_trunk_may_make_its_own_context() -> None:
    with plugin(Hooks(), "contexts"):
        gan = ganzoo.build("skipping", **SIZES, classes=3)
        assert isinstance(gan.G.trunk.norm, ContextBatchNorm)
        assert gan.G.trunk.norm.gain.in_features == gan.z_dim // 2 + 4
        assert gan.sample(3, seed=0).shape == (3, 1, 16, 16)
        with pytest.raises(ganzoo.RecipeError, match="write ccbn in its place"):
            ganzoo.build("skipping+cbn", **SIZES, classes=3)
