"""What the four games do in their turns, and that the zoo's parts fit into them."""

import pytest
import torch
from ganzoo_translate.cartoongan import outline, smoothed
from ganzoo_translate.history import History
from made_up import PLAIN, data_for, trainer

import ganzoo
from ganzoo import UsageError
from ganzoo.parts import Regularizer
from ganzoo.testing import plugin

NOW = {**PLAIN, "cartoongan": "cartoongan:blocks=1,ch=4,warmup=0", "simgan": "simgan:blocks=1,ch=6,warmup=0,warmup.d=0"}
PARTS = (
    "hinge+r1",
    "wgan+gp",
    "wgan-clip",
    "minimax",
    "ls+penalty/dragan",
    "relativistic+r1+r2",
    "relativistic-average:form=ls",
    "hinge+lecam+sn",
    "wn+gn",
    "eqlr@d+ln+logistic",
    "normalization/none+sa",
)
LABELLED = ("projection+hinge", "ac", "onehot+bn", "cbn@g+projection+wgan+gp")
TERMS = {
    "pix2pix": {"d/loss", "g/loss", "g/l1"},
    "cyclegan": {f"{term}{back}" for term in ("d/loss", "g/loss", "g/cycle", "g/identity") for back in ("", "_back")},
    "cartoongan": {"warm-up/content", "d/loss", "d/edges", "g/loss", "g/content"},
    "simgan": {"warm-up/self", "d/loss", "g/loss", "g/self"},
}


def weights(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def moved(network, before):
    return any(not torch.equal(now, then) for now, then in zip(network.parameters(), before, strict=True))


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("system", PLAIN)
def test_every_loss_and_penalty_fits(system, parts):
    made, step = trainer(f"{NOW[system]}+{parts}", **{"lr.g": 2e-4, "lr.d": 2e-4})
    for _ in range(2):
        step()
    made.check()


@pytest.mark.parametrize("parts", LABELLED)
@pytest.mark.parametrize("system", PLAIN)
def test_labels_fit(system, parts):
    made, step = trainer(f"{NOW[system]}+{parts}", labels=True)
    for _ in range(2):
        step()
    made.check()
    images = made.gan.sample(source=torch.rand(3, 3, 16, 16), labels=["cat", "dog", "cow"][:0] or [0, 1, 2])
    assert torch.isfinite(images).all()


@pytest.mark.parametrize("system", PLAIN)
def test_terms_by_name(system):
    made, step = trainer(PLAIN[system])
    for _ in range(4):
        step()
    assert made.report()["losses"].keys() == TERMS[system]
    assert made.gan.game.accuracy() is not None


@pytest.mark.parametrize("system", PLAIN)
def test_every_network_learns(system):
    made, step = trainer(NOW[system])
    before = {name: weights(getattr(made.gan, name)) for names in made.gan.players.values() for name in names}
    step()
    assert all(moved(getattr(made.gan, name), own) for name, own in before.items())


# --- pix2pix ------------------------------------------------------------------------------------------------


def test_pix2pix_pays_l1_times_its_weight():
    batch = data_for("pix2pix").stream(4, 0).batch(0)
    terms = []
    for l1 in (100, 10):
        torch.manual_seed(0)
        gan = ganzoo.build(f"pix2pix:ch=4,dropout=0,l1={l1}", 16, 3)
        fake = gan.G(batch["source"], torch.zeros(4, 0))
        terms.append(gan.turns()[1].loss(batch, 0)["l1"])
        assert torch.isclose(terms[-1], l1 * (fake - batch["image"]).abs().mean())
    assert torch.isclose(terms[0], 10 * terms[1])


def test_pix2pix_learns_to_turn_images_negative():
    torch.manual_seed(0)
    made, _ = trainer("pix2pix:ch=8,dropout=0", **{"lr.g": 2e-3})
    source = torch.rand(8, 3, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3) * 2 - 1
    batch = {"source": source, "image": -source}
    distances = []
    for _ in range(60):
        made.train_step([batch])
        distances.append(made.report()["losses"]["g/l1"])
    assert sum(distances[-5:]) < 0.4 * sum(distances[:5])


# --- cyclegan -----------------------------------------------------------------------------------------------


def test_cyclegan_without_identity_and_pool():
    made, step = trainer("cyclegan:ch=4,blocks=1,identity=0,pool=0")
    step()
    assert not any("identity" in name for name in made.report()["losses"])
    assert made.gan.game.history["image"].images.numel() == 0


def test_cycle_term_is_what_comes_back():
    torch.manual_seed(0)
    gan = ganzoo.build("cyclegan:ch=4,blocks=1,cycle=3", 16, 3)
    batch, y = data_for("cyclegan").stream(4, 0).batch(0), torch.zeros(4, 0)
    terms = gan.turns()[1].loss(batch, 0)
    back = gan.F(gan.G(batch["source"], y), y)
    assert torch.isclose(terms["cycle"], 3 * (back - batch["source"]).abs().mean())
    assert torch.isclose(terms["identity"], 1.5 * (gan.G(batch["image"], y) - batch["image"]).abs().mean())
    assert torch.isclose(terms["cycle_back"], 3 * (gan.G(gan.F(batch["image"], y), y) - batch["image"]).abs().mean())


# --- histories ----------------------------------------------------------------------------------------------


def flat(*values):
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, 16, 16)


def shown(history, *values, chosen=True):
    return history(flat(*values), torch.full((len(values),), chosen))[:, 0, 0, 0].tolist()


def history(size, classes=0):
    recipe = "cyclegan:ch=2,blocks=0" + ("+projection" if classes else "")
    return History(ganzoo.build(recipe, 16, 3, classes=classes), size)


def test_history_gives_nothing_before_it_is_full():
    kept = history(4)
    assert shown(kept, 1, 2, 3) == [1, 2, 3] and int(kept.held) == 3
    assert shown(kept, 4, 5, 6) == [4, 5, 6] and int(kept.held) == 4
    assert sorted(kept.images[:, 0, 0, 0].tolist()) == [1, 2, 3, 4]


def test_full_history_exchanges_what_is_chosen():
    kept = history(4)
    shown(kept, 1, 2, 3, 4)
    assert shown(kept, 5, 6, chosen=False) == [5, 6]
    seen = [*shown(kept, 7, 8), *shown(kept, 9, 10)]
    assert len(set(seen)) == 4 and set(seen) <= {1, 2, 3, 4, 7, 8}
    assert sorted(kept.images[:, 0, 0, 0].tolist() + seen) == [1, 2, 3, 4, 7, 8, 9, 10]


def test_history_smaller_than_a_batch():
    kept = history(2)
    shown(kept, 1, 2, 3, 4)
    seen = shown(kept, 5, 6, 7)
    assert sorted(seen[:2]) == [1, 2] and seen[2] == 7


def test_history_keeps_nothing_of_labelled_fakes():
    assert history(4, classes=3).size == 0
    assert history(4).size == 4


def test_critics_of_cyclegan_see_old_fakes(monkeypatch):
    made, step = trainer("cyclegan:ch=4,blocks=1,pool=4")
    step()
    kept = {name: own.images.clone() for name, own in made.gan.game.history.items()}
    assert all(int(own.held) == 4 for own in made.gan.game.history.values())
    judged = {}
    for name, adversary in made.gan.game.adversaries.items():
        judge = adversary.discriminator_loss
        monkeypatch.setattr(
            adversary, "discriminator_loss", lambda ctx, n=name, j=judge: judged.update({n: ctx.fake}) or j(ctx)
        )
    step()
    for name, fakes in judged.items():
        old = [any(torch.equal(fake, image) for image in kept[name]) for fake in fakes]
        assert not all(old)
        assert sum(old) == sum(not any(torch.equal(image, now) for now in made.gan.game.history[name].images)
                               for image in kept[name])  # fmt: skip


# --- warming up ---------------------------------------------------------------------------------------------


def test_simgan_warms_up_g_then_d():
    made, step = trainer("simgan:ch=6,blocks=1,warmup=2,warmup.d=1,pool=4")
    seen = []
    for _ in range(4):
        before = {name: weights(getattr(made.gan, name)) for name in "GD"}
        step()
        seen.append({name for name in "GD" if moved(getattr(made.gan, name), before[name])})
    assert seen == [{"G"}, {"G"}, {"D"}, {"G", "D"}]


def test_simgan_shows_d_half_a_batch_of_the_past(monkeypatch):
    made, step = trainer("simgan:ch=6,blocks=1,warmup=0,warmup.d=0,pool=8")
    for _ in range(2):
        step()
    kept, judge, judged = made.gan.game.history.images.clone(), made.gan.game.adversary.discriminator_loss, []
    monkeypatch.setattr(
        made.gan.game.adversary, "discriminator_loss", lambda ctx: judged.append(ctx.fake) or judge(ctx)
    )
    step()
    assert [any(torch.equal(fake, old) for old in kept) for fake in judged[0]] == [True, True, False, False]


def test_simgan_moves_g_twice_a_step_unless_told_otherwise():
    assert trainer("simgan")[0].repeat == {"d": 1, "g": 2}
    assert trainer("simgan", **{"repeat.g": 1, "repeat.d": 3})[0].repeat == {"d": 3, "g": 1}


def test_refiner_starts_by_leaving_sources_as_they_are():
    made, _ = trainer("simgan:ch=8,blocks=1,warmup=100", **{"lr.g": 5e-3})
    batch = data_for("simgan").stream(4, 0).batch(0)
    terms = []
    for _ in range(40):
        made.train_step([batch, batch])
        terms.append(made.report()["losses"]["warm-up/self"])
    assert terms[-1] < 0.3 * terms[0]


def test_cartoongan_warms_up_on_content_alone():
    made, step = trainer("cartoongan:ch=4,blocks=1,warmup=1")
    before = weights(made.gan.D)
    step()
    assert made.report()["losses"].keys() == {"warm-up/content"}
    assert not moved(made.gan.D, before)
    step()
    assert moved(made.gan.D, before)


class Bright(Regularizer):
    """Brighter images, in a step of its own of G."""

    players, own_step = ("g",), True

    def __init__(self, *, every: int = 1) -> None:
        self.every = every

    def terms(self, ctx):
        """How dark the images are."""
        return {"bright": -ctx.fake.mean()}


class BrightPlugin:
    @ganzoo.hookimpl
    def register_regularizers(self, register):
        register("bright", Bright)


def test_a_step_of_a_regularizers_own_waits_while_a_warm_up_asks_no_part():
    with plugin(BrightPlugin()):
        made, step = trainer("cartoongan:ch=4,blocks=1,warmup=1+bright")
        step()
        assert made.report()["losses"].keys() == {"warm-up/content"}
        step()
        assert "g/bright" in made.report()["losses"]


# --- cartoons -----------------------------------------------------------------------------------------------


def test_cartoongan_refuses_a_content_network_that_is_none():
    gan = ganzoo.build("cartoongan:ch=4,content=tf_efficientnet_lite9", 16, 3)
    with pytest.raises(UsageError, match=r"tf_efficientnet_lite9.*nearest: tf_efficientnet_lite"):
        gan.turns()


def test_content_is_nothing_of_the_gan():
    made, step = trainer("cartoongan:ch=4,blocks=1,warmup=1")
    step()
    assert {name.split(".")[0] for name in made.gan.state_dict()} == {"G", "D"}


def test_content_term_is_zero_for_the_photo_itself_and_teaches_g():
    torch.manual_seed(0)
    gan = ganzoo.build("cartoongan:ch=4,blocks=1", 16, 3)
    warm_up = gan.turns()[0]
    batch = data_for("cartoongan").stream(4, 0).batch(0)
    warm_up.loss(batch, 0)["content"].backward()
    assert all(parameter.grad is not None for parameter in gan.G.parameters())
    round = gan.game.context(batch, 0, "g")
    round.fake = batch["source"]
    assert float(gan.game.kept(round)["content"].detach()) == 0


def test_color_term_compares_means_of_squares():
    gan = ganzoo.build("cartoongan:ch=4,blocks=1,color=3", 16, 3)
    round = gan.game.context(data_for("cartoongan").stream(4, 0).batch(0), 0, "g")
    gan.turns()
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 0.4 - 0.2  # their mean is 0 in every square
    round.fake = round.z + checks
    assert float(gan.game.kept(round)["color"]) == pytest.approx(0, abs=1e-6)
    round.fake = round.z - 0.25
    assert float(gan.game.kept(round)["color"]) == pytest.approx(0.75)


def test_edges_are_smoothed_and_the_rest_stays():
    image = torch.full((1, 3, 32, 32), -0.8)
    image[..., 16:] = 0.9  # an edge between columns 15 and 16
    smooth = smoothed(image)
    changed = ((smooth - image).abs() > 1e-4).any(1)[0].any(0).nonzero().flatten().tolist()
    assert changed == [15, 16]
    middle = smooth[0, 0, 8, 14:18]
    assert middle[0] < -0.79 and middle[0] + 0.01 < middle[1] < middle[2] < middle[3] - 0.01
    assert outline(image)[0, 0].any(0).nonzero().flatten().tolist() == [15, 16]


def test_slow_slopes_are_no_edges():
    ramp = torch.linspace(-1, 1, 32).expand(2, 1, 32, 32)
    assert torch.equal(smoothed(ramp), ramp)
    assert smoothed(torch.rand(2, 3, 256, 256) * 2 - 1).shape == (2, 3, 256, 256)


def test_cartoongan_without_edges():
    made, step = trainer("cartoongan:ch=4,blocks=1,warmup=0,edges=0")
    step()
    assert "d/edges" not in made.report()["losses"]


@pytest.mark.parametrize("word", ["lo", "zcr", "info", "selfmod", "pl-z"])
def test_what_needs_noise_is_refused(word):
    with pytest.raises(UsageError, match=f"{word} needs 'noise'"):
        ganzoo.build(f"pix2pix+{word}", 32, device="meta")


def test_a_loss_of_labels_is_refused_where_a_discriminator_has_none():
    with pytest.raises(
        UsageError, match="multi-hinge needs mh on every discriminator, and E of cyclegan has no labels"
    ):
        ganzoo.build("cyclegan+mh", 32, classes=3, device="meta")
