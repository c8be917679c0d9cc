"""InfoMax-GAN's loss: by its formula image by image, beside torch-mimicry's, and on D's maps."""

from __future__ import annotations

import copy
import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.gan.builder import build
from ganzoo.losses.regularizers.infomax import LOCAL, info_nce


def formula(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    lost = []
    for i in range(len(images)):
        others = sum(torch.exp(images[i] @ c) for j in range(len(images)) if j != i for c in places[j])
        for c in places[i]:
            own = torch.exp(images[i] @ c)
            lost.append(-torch.log(own / (own + others)))
    return torch.stack(lost).mean()


def features(n: int = 4, m: int = 3, width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    made = torch.randn(n, width, dtype=torch.float64), torch.randn(n, m, width, dtype=torch.float64)
    return made[0].requires_grad_(), made[1].requires_grad_()


def test_the_loss_and_its_gradients_are_those_of_the_formula() -> None:
    images, places = features()
    ours, theirs = info_nce(images, places), formula(images, places)
    assert ours.item() == pytest.approx(theirs.item())
    for mine, other in zip(*(torch.autograd.grad(v, (images, places)) for v in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, other)


def test_one_image_alone_has_nothing_to_be_told_from() -> None:
    images, places = features(1)
    loss = info_nce(images, places)
    assert loss == 0 and all(slope.eq(0).all() for slope in torch.autograd.grad(loss, (images, places)))


def test_the_loss_is_mimicrys() -> None:
    found = importlib.util.find_spec("torch_mimicry")  # without its __init__, which imports TensorFlow
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps torch-mimicry")
    root, names = Path(found.origin).parent, set(sys.modules)
    try:
        for name in ("torch_mimicry", "torch_mimicry.nets"):
            package = types.ModuleType(name)
            package.__path__ = [str(root / name.partition(".")[2])]
            sys.modules[name] = package
        theirs = importlib.import_module("torch_mimicry.nets.infomax_gan.infomax_gan_base").BaseDiscriminator
        images, places = features()
        other = theirs.infonce_loss(None, places.transpose(1, 2), images[:, :, None])
    finally:
        for name in set(sys.modules) - names:
            if name.partition(".")[0] == "torch_mimicry":
                del sys.modules[name]
    # There an image's own places weigh e^-10 each in the denominator; here they weigh nothing.
    assert info_nce(images, places).item() == pytest.approx(other.item(), abs=1e-3)


def context(gan: ganzoo.GAN, player: str, n: int = 3):
    from ganzoo.gan.adversary import Adversary

    batch = {"image": torch.rand(n, *gan.image) * 2 - 1}
    return Adversary(gan).context(batch, 0, player, batch["image"], torch.randn(n, gan.z_dim), gan.G)


@pytest.mark.parametrize("player", ["d", "g"])
def test_it_sees_the_map_before_the_last_block_and_what_the_head_sees(player: str) -> None:
    gan = build("sngan:ch=4+infomax:width=6,weight=2,weight.g=3", resolution=16, channels=1, z_dim=3).eval()
    part, trunk = gan.parts.regularizers["infomax"].eval(), gan.D.trunk
    ctx = context(gan, player)
    got = part.terms(ctx)["infomax"]
    x = y = {"d": ctx.real, "g": ctx.fake}[player]
    for block in trunk.blocks[:-1]:
        y = block(y, ctx.y_real)
    assert torch.allclose(ctx.discriminate(x).extras[LOCAL], y)
    rows = [part.local(row.flatten(1).T) for row in y]
    wanted = info_nce(part.whole(trunk(x, ctx.y_real)), torch.stack(rows))
    assert got.item() == pytest.approx({"d": 2, "g": 3}[player] * wanted.item(), rel=1e-5)
    assert got.requires_grad and gan.D(x, ctx.y_real).extras.keys() == {LOCAL}


def test_numbers_are_those_of_mimicrys_networks() -> None:
    gan = build("infomax-gan", resolution=32, channels=3, device="meta")
    count = sum(p.numel() for module in gan.modules_of("d").values() for p in module.parameters())
    assert count == 1_615_233  # torch-mimicry 0.1.16, InfoMaxGANDiscriminator32
    part = gan.parts.regularizers["infomax"]
    assert (part.width, part.weights) == (1024, {"d": 0.2, "g": 0.2})


def test_a_copy_hands_on_its_own_map() -> None:
    gan = build("dcgan:ch=2+infomax:width=4", resolution=16, channels=1).eval()
    twin, x, y = copy.deepcopy(gan), torch.rand(2, 1, 16, 16), torch.zeros(2, 0)
    with torch.no_grad():
        for parameter in gan.D.parameters():
            parameter.add_(1)
        assert twin.D(x, y).extras[LOCAL].shape == gan.D(x, y).extras[LOCAL].shape
        assert not torch.equal(twin.D(x, y).extras[LOCAL], gan.D(x, y).extras[LOCAL])


@pytest.mark.parametrize(
    ("recipe", "said"), [("pggan:ch=4", "all of them from the start"), ("gan", "infomax"), ("autoencoder", "infomax")]
)
def test_a_discriminator_that_has_no_such_map_is_refused(recipe: str, said: str) -> None:
    with pytest.raises(ganzoo.UsageError, match=said):
        build(f"{recipe}+infomax", resolution=16, channels=1)
