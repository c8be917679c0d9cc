"""Ways for labels to enter D, against their formulas written out image by image."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tiny_runs import tiny

import ganzoo
from ganzoo.folder.log import read_log
from ganzoo.layers.heads.contragan import ConditionalContrastive
from ganzoo.layers.heads.reacgan import DataToDataCrossEntropy
from ganzoo.losses.adversarial.multi_hinge import crammer_singer
from ganzoo.parts import TurnContext
from ganzoo.parts.update import Update

K, B = 3, 6
near = partial(pytest.approx, rel=1e-4)


def one_hot(*classes: int) -> torch.Tensor:
    return torch.eye(K)[list(classes)]


Y_REAL, Y_FAKE = one_hot(0, 1, 2, 0, 1, 0), one_hot(2, 2, 1, 0, 1, 1)


@pytest.fixture
def images() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(2, B, 1, 16, 16).mul(2).sub(1).unbind(0)


def context(gan: ganzoo.GAN, player: str, images: tuple[torch.Tensor, torch.Tensor]) -> TurnContext:
    """An update in which fakes are given images."""
    real, fake = images
    ctx = TurnContext(
        Update(0, player),
        lambda ctx, x, exact, conditions: gan.D(x, conditions["y"]),
        gan.G,
        batch={},
        real=real,
        z=torch.zeros(B, gan.z_dim),
        y_real=Y_REAL,
        y_fake=Y_FAKE,
        networks={"G": gan.G, "D": gan.D},
    )
    ctx.fake = fake
    return ctx


def built(word: str) -> ganzoo.GAN:
    torch.manual_seed(1)
    return ganzoo.build(f"sngan:ch=4+normalization/none+weight/none+{word}", 16, 1, K).eval()


def terms(gan: ganzoo.GAN, player: str, images: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    ctx = context(gan, player, images)
    return {name: term.item() for name, term in gan.D.conditioning.terms(ctx).items()}


def nll(logits: torch.Tensor, classes: list[int]) -> float:
    return -logits.log_softmax(1)[range(len(classes)), classes].mean().item()


REAL, FAKE = Y_REAL.argmax(1).tolist(), Y_FAKE.argmax(1).tolist()


def test_twin_classifiers_learn_from_real_images_and_from_fakes(images):
    gan = built("tac:weight=2,weight.d=3,weight.g=5")
    real, fake = (gan.D(x, y).extras for x, y in zip(images, (Y_REAL, Y_FAKE), strict=True))
    twin = nll(fake["twin_logits"], FAKE)
    assert terms(gan, "d", images) == near({"class": 2 * nll(real["class_logits"], REAL), "twin": 3 * twin})
    assert terms(gan, "g", images) == near({"class": 2 * nll(fake["class_logits"], FAKE), "twin": -5 * twin})


def test_the_discriminative_classifier_has_a_class_for_fakes_of_each_class(images):
    gan = built("adc:weight=2,weight.g=3")
    real, fake = (gan.D(x, y).extras["class_logits"] for x, y in zip(images, (Y_REAL, Y_FAKE), strict=True))
    assert real.shape == (B, 2 * K)
    odd = [2 * y + 1 for y in FAKE]
    assert terms(gan, "d", images) == near(
        {"class_real": 2 * nll(real, [2 * y for y in REAL]), "class_fake": 2 * nll(fake, odd)}
    )
    assert terms(gan, "g", images) == near(
        {"class_real": 3 * nll(fake, [2 * y for y in FAKE]), "class_fake": -3 * nll(fake, odd)}
    )


def test_multi_hinge_scores_and_losses(images):
    gan = built("mh")
    real, fake = (gan.D(x, y) for x, y in zip(images, (Y_REAL, Y_FAKE), strict=True))
    logits = real.extras["class_logits"]
    assert torch.allclose(real.scores, logits[range(B), REAL] - logits[:, K])

    def hinge(logits: torch.Tensor, classes: list[int]) -> float:
        rows = [
            max(0.0, 1 - row[c] + max(o for k, o in enumerate(row) if k != c))
            for row, c in zip(logits.tolist(), classes, strict=True)
        ]
        return sum(rows) / len(rows)

    loss = gan.critics["D"].loss
    wanted = hinge(logits, REAL) + hinge(fake.extras["class_logits"], [K] * B)
    assert loss.discriminator(context(gan, "d", images)).item() == pytest.approx(wanted, rel=1e-5)
    wanted = 0.05 * hinge(fake.extras["class_logits"], FAKE)
    assert loss.generator(context(gan, "g", images)).item() == pytest.approx(wanted, rel=1e-5)
    assert float(crammer_singer(torch.tensor([[5.0, 0, 0]]), torch.tensor([[1.0, 0, 0]]))) == 0


def test_of_many_discriminators_that_of_the_class_counts(images):
    gan = built("md")
    every = torch.stack([gan.D(images[0], one_hot(*[k] * B)).scores for k in range(K)], 1)
    assert torch.allclose(gan.D(images[0], Y_REAL).scores, every[range(B), REAL])


def contra(f: torch.Tensor, v: torch.Tensor, y: list[int], t: float) -> float:
    total = 0.0
    for i in range(len(y)):
        proxy = math.exp(float(f[i] @ v[i]) / t)
        pairs = {k: math.exp(float(f[i] @ f[k]) / t) for k in range(len(y)) if k != i}
        same = sum(value for k, value in pairs.items() if y[k] == y[i])
        total -= math.log((proxy + same) / (proxy + sum(pairs.values())))
    return total / len(y)


def d2dce(f: torch.Tensor, v: torch.Tensor, y: list[int], m: float, t: float) -> float:
    total = 0.0
    for i in range(len(y)):
        near = math.exp(min(float(f[i] @ v[i]) - m, 0) / t)
        far = sum(math.exp(max(float(f[i] @ f[j]) - (1 - m), 0) / t) for j in range(len(y)) if y[j] != y[i])
        total -= math.log(near / (near + far))
    return total / len(y)


FORMS = {
    "2c:weight=2,temperature=0.7": (lambda f, v, y: 2 * contra(f, v, y, 0.7), 2.0),
    "d2dce:weight=2,margin=0.9,temperature=0.4": (lambda f, v, y: 2 * d2dce(f, v, y, 0.9, 0.4), 2.0),
}


@pytest.mark.parametrize("word", FORMS)
def test_contrast_is_of_reals_for_d_and_of_fakes_for_g(word, images):
    gan, (form, _) = built(word), FORMS[word]
    real, fake = (gan.D(x, y).extras for x, y in zip(images, (Y_REAL, Y_FAKE), strict=True))
    assert torch.allclose(real["embedding"].norm(dim=1), torch.ones(B))
    assert terms(gan, "d", images) == near({"contrast": form(real["embedding"], real["proxy"], REAL)})
    assert terms(gan, "g", images) == near({"contrast": form(fake["embedding"], fake["proxy"], FAKE)})


@pytest.mark.parametrize("word", FORMS)
def test_what_fakes_add_to_contrast(word, images):
    gan, (form, weight) = built(f"{word},aux=tac,weight.d=3,weight.g=5"), FORMS[word]
    fake = gan.D(images[1], Y_FAKE).extras
    twin = form(fake["twin_embedding"], fake["twin_proxy"], FAKE) / weight
    assert terms(gan, "d", images)["twin"] == near(3 * twin)
    assert terms(gan, "g", images)["twin"] == near(-5 * twin)
    gan = built(f"{word},aux=adc,weight.g=5")
    fake = gan.D(images[1], Y_FAKE).extras
    proxies = F.normalize(gan.D.head.space.proxies.weight.T, dim=1)
    assert torch.allclose(fake["proxy"], proxies[[2 * y for y in FAKE]], atol=1e-6)
    assert torch.allclose(fake["fake_proxy"], proxies[[2 * y + 1 for y in FAKE]], atol=1e-6)
    apart = form(fake["embedding"], fake["fake_proxy"], FAKE)
    assert terms(gan, "d", images)["contrast_fake"] == near(apart)
    assert terms(gan, "g", images)["contrast_fake"] == near(-5 * apart / weight)


@pytest.mark.parametrize("part", [ConditionalContrastive, DataToDataCrossEntropy])
@pytest.mark.parametrize("classes", [(0, 1, 2), (1, 1, 1), (0,)])
def test_contrast_is_finite_when_no_class_comes_twice_and_when_all_are_one(part, classes):
    f = F.normalize(torch.randn(len(classes), 4), dim=1).requires_grad_()
    v = F.normalize(torch.randn(len(classes), 4), dim=1)
    loss = part(K).contrast(f, v, one_hot(*classes))
    (slope,) = torch.autograd.grad(loss, f)
    assert loss.isfinite() and slope.isfinite().all() and loss >= -1e-6


def test_mapped_projection_is_an_inner_product_with_the_mapped_label(images):
    gan = built("spd:width=8,layers=2")
    head, out = gan.D.head, gan.D(images[0], Y_REAL)
    h = head.vector(out.features.float())
    m = head.embed(Y_REAL)
    m = m / m.square().mean(1, keepdim=True).add(1e-8).sqrt()
    for layer in head.mapping.layers:
        m = 2**0.5 * F.leaky_relu(F.linear(m, layer.weight * 0.01 / 8**0.5, layer.bias * 0.01), 0.2)
    assert torch.allclose(out.scores, (h * m).sum(1) / 8**0.5, atol=1e-6)


def test_unlabelled_keeps_labels_out_of_g():
    gan = ganzoo.build("biggan:ch=2+unlabelled@g", 16, 1, K).eval()
    z = torch.randn(2, gan.z_dim)
    assert torch.equal(gan.G(z, one_hot(0, 1)), gan.G(z, one_hot(2, 2)))
    labelled = ganzoo.build("biggan:ch=2", 16, 1, K).eval()
    assert not torch.equal(labelled.G(z, one_hot(0, 1)), labelled.G(z, one_hot(2, 2)))


def test_unlabelled_without_a_place_keeps_labels_from_a_d_that_brings_a_head_for_them():
    gan = ganzoo.build("stylegan2:ch=2,mapping=1+unlabelled", 16, 1, K).eval()
    assert not [name for name, _ in gan.D.named_parameters() if "mapping" in name]
    x = torch.rand(2, 1, 16, 16) * 2 - 1
    assert torch.equal(gan.D(x, one_hot(0, 1)).scores, gan.D(x, one_hot(2, 2)).scores)
    labelled = ganzoo.build("stylegan2:ch=2,mapping=1+unlabelled@g", 16, 1, K).eval()
    assert [name for name, _ in labelled.D.named_parameters() if "mapping" in name]


@pytest.mark.parametrize("word", ["tac", "adc", "mh", "md", "2c:width=8", "d2dce:width=8,aux=tac", "spd:width=8"])
def test_heads_without_labels_are_refused(word):
    with pytest.raises(ganzoo.GanzooError, match="label"):
        ganzoo.build(f"dcgan:ch=4+{word}", 16, 1)


@pytest.mark.parametrize("word", ["tac", "adc", "mh", "md", "2c:width=8,aux=adc", "d2dce:width=8,aux=tac"])
def test_each_term_is_logged_by_itself(word, tmp_path):
    run = tiny(tmp_path / "run", f"sngan:ch=4+normalization/none+{word}", steps=1)
    name = word.split(":")[0]
    added = {"tac": {"class", "twin"}, "adc": {"class_real", "class_fake"}, "mh": set(), "md": set()}
    wanted = added.get(name, {"contrast", "contrast_fake" if "adc" in word else "twin"})
    assert read_log(run.folder)[0]["losses"].keys() == {
        f"{player}/{term}" for player in "dg" for term in {"loss", *wanted}
    }
