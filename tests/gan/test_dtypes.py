"""Networks compute in the dtype of their weights: in double, for checks of gradients, and in what a model is loaded."""

from pathlib import Path

import pytest
import torch

import ganzoo

SIDE = 16
RECIPES = {  # with the number of classes
    "dcgan:ch=4+gp+lecam": 0,
    "dcgan:ch=4+unet@d:ch=4+cutmix:p=1": 0,
    "dcgan:ch=4+gn+rotation+infomax+vicreg+diffaugment": 0,
    "sngan:ch=4+info+san+zcr+ada:p=0.5": 0,
    "autoencoder:ch=4+pull-away+historical-average": 0,
    "vitgan:ch=12,depth=1": 0,
    "transgan:ch=32,depth=1": 0,
    "sagan:ch=4+sn+2c": 3,
    "biggan:ch=4+adc+pl-z": 3,
    "stylegan3:ch=8": 0,
}
NOISY = ("fastgan:ch=4", "lightweight-gan:ch=4", "stylegan2:ch=4+pl")  # layers draw noise, another in double


def update(gan: ganzoo.GAN, classes: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The gradients of one update of each player, of the same images and noise."""
    gan.to(dtype).train()
    rng = torch.Generator().manual_seed(0)
    batch = {"image": (2 * torch.rand(4, 3, SIDE, SIDE, generator=rng) - 1).to(dtype)}
    if classes:
        batch["label"] = torch.arange(4) % classes
    found = {}
    for turn in gan.turns():
        torch.manual_seed(1)
        gan.zero_grad()
        torch.stack([term.to(dtype) for term in turn.loss(batch, 0).values()]).sum().backward()
        found |= {
            f"{turn.name} {network}.{name}": parameter.grad
            for network in gan.players[turn.player]
            for name, parameter in gan.get_submodule(network).named_parameters()
            if parameter.grad is not None
        }
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_update_in_double_has_the_gradients_of_one_in_single_precision(recipe: str) -> None:
    made = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(0)
        gan = ganzoo.build(recipe, resolution=SIDE, classes=RECIPES[recipe])
        made.append(update(gan, RECIPES[recipe], dtype))
    single, double = made
    assert single and single.keys() == double.keys()
    most = max(float(grad.abs().max()) for grad in double.values())
    for name, grad in double.items():
        assert grad.dtype is torch.float64, name
        assert float((grad - single[name]).abs().max()) <= 1e-3 * most, name


@pytest.mark.parametrize("recipe", NOISY)
def test_networks_with_noise_in_their_layers_learn_in_double(recipe: str) -> None:
    for name, grad in update(ganzoo.build(recipe, resolution=SIDE), 0, torch.float64).items():
        assert grad.dtype is torch.float64 and grad.isfinite().all(), name


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_loaded_in_half_precision_has_a_discriminator_that_samplers_can_ask(dtype: str, tmp_path: Path) -> None:
    images = torch.randint(0, 256, (8, 3, SIDE, SIDE), dtype=torch.uint8)
    run = tmp_path / "run"
    ganzoo.train("sngan:ch=4", data=images, out=run, steps=1, batch=4, settings={"repeat.d": 1}, quiet=True)
    gan = ganzoo.load(run, dtype=dtype, discriminator=True)
    drawn = gan.sample(2, seed=0)
    x = (2 * drawn - 1).to(getattr(torch, dtype))
    said = gan.D(x, gan.label_vectors(None, 2).to(x)).score
    full = ganzoo.load(run, discriminator=True)
    assert torch.allclose(said.float(), full.D(x.float(), full.label_vectors(None, 2)).score, atol=0.05)
    assert gan.sample(2, seed=0, sampler="ddls:steps=1").shape == drawn.shape
    assert gan.sample(2, seed=0, sampler="drs:reals=8,fakes=4,tries=2", data=images).shape == drawn.shape
