"""A discriminator that rebuilds images, and the losses of its error, against their formulas."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.training.loop import Trainer


def errors(gan: ganzoo.GAN, images: torch.Tensor, power: int) -> torch.Tensor:
    rebuilt = gan.D.decoder(gan.D.encoder(images), images.new_zeros(len(images), 0))
    return (rebuilt - images).abs().pow(power).mean((1, 2, 3))


@pytest.mark.parametrize(("error", "power"), [("l1", 1), ("l2", 2)])
def test_a_score_is_minus_the_error_of_an_image(error, power):
    gan = ganzoo.build(f"autoencoder:ch=2,hidden=3,error={error}", resolution=16, channels=1)
    x = torch.rand(4, 1, 16, 16) * 2 - 1
    output = gan.D(x, torch.zeros(4, 0))
    torch.testing.assert_close(output.scores, -errors(gan, x, power))
    assert output.features.shape == (4, 3) and output.extras["reconstruction"].shape == x.shape


def test_the_balance_moves_k_after_an_update_and_both_are_reported():
    torch.manual_seed(0)
    gan = ganzoo.build("began:ch=2,hidden=3+began:gamma=0.5,rate=0.1", resolution=16, channels=1)
    trainer, loss = Trainer(gan, 0, 10), gan.parts.loss
    k, seen = 0.0, []
    discriminator = type(loss).discriminator

    def watched(ctx):
        real, fake = (errors(gan, x, 1).mean().item() for x in (ctx.real, ctx.fake))
        value = discriminator(loss, ctx)
        seen.append((real, fake, value.item(), loss.k.item()))
        return value

    loss.discriminator = watched
    for _ in range(3):
        trainer.train_step([{"image": torch.rand(4, 1, 16, 16) * 2 - 1}])
    for real, fake, value, moved in seen:
        assert value == pytest.approx(real - k * fake, rel=1e-5)
        k = min(max(k + 0.1 * (0.5 * real - fake), 0), 1)
        assert moved == pytest.approx(k, rel=1e-5)
    assert "part_loss.k" in gan.state_dict()


def test_energy_takes_no_interest_beyond_its_margin():
    from ganzoo.losses.adversarial.energy import Energy

    loss, real, fake = Energy(margin=2), torch.tensor([-0.5, -1.5]), torch.tensor([-1.0, -3.0], requires_grad=True)
    assert loss.d(lambda x: x, real, fake).item() == pytest.approx(1.0 + 0.5)
    assert loss.g(lambda x: x, real, fake).item() == pytest.approx(2.0)
    (slope,) = torch.autograd.grad(loss.d(lambda x: x, real, fake), fake)
    assert slope.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("dcgan+began", "began needs 'reconstruction' (from autoencoder)"),
        ("sngan+energy", "energy needs 'reconstruction'"),
        ("autoencoder:hidden=0", "autoencoder:hidden"),
        ("autoencoder+energy:margin=-1", "energy:margin"),
        ("autoencoder+began:gamma=2", "began:gamma"),
        ("autoencoder+began:rate=0", "began:rate=0 does not work"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line(recipe, says):
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, resolution=16, channels=1)
    assert says in str(caught.value)


def test_both_play_against_a_generator_of_another_paper():
    for recipe in ("ebgan:ch=2", "dcgan:ch=2+autoencoder@d:ch=2+began"):
        gan = ganzoo.build(recipe, resolution=16, channels=1)
        Trainer(gan, 0, 1).train_step([{"image": torch.rand(4, 1, 16, 16) * 2 - 1}])
        assert gan.sample(2, seed=0).shape == (2, 1, 16, 16)
