"""Every loss against its formula, written out anew from the networks."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from ganzoo_classics import cogan, sgan, vae_gan
from tiny_runs import batch, terms, trainer

import ganzoo
from ganzoo import UsageError

NONE = torch.zeros(8, 0)
EXACT = {"rel": 1e-5, "abs": 1e-6}


def fooled(score):
    return F.softplus(-score).mean()


def told(score):
    return F.softplus(score).mean()


def test_aae_judges_codes_and_rebuilds_images():
    gan = trainer("aae", ",reconstruction=7").gan
    given = batch()
    torch.manual_seed(1)
    prior, x = gan.G.prior(8, torch.default_generator), given["image"]
    code = gan.E(x, NONE)
    score = gan.D(code[:, :, None, None], NONE).scores
    d, g = terms(gan, "d", given), terms(gan, "g", given)
    real = gan.D(prior[:, :, None, None], NONE).scores
    assert float(d["loss"]) == pytest.approx(float(fooled(real) + told(score)), **EXACT)
    assert float(g["loss"]) == pytest.approx(float(fooled(score)), **EXACT)
    assert float(g["reconstruction"]) == pytest.approx(7 * float((gan.G(code, NONE) - x).square().mean()), **EXACT)
    assert torch.allclose(gan.game.reconstruct(x, NONE), gan.G(code, NONE))


def test_aae_teaches_e_by_both_terms_and_g_by_one():
    gan = trainer("aae").gan
    told_by = terms(gan, "g", batch())
    weight = gan.G.trunk.image.weight
    assert torch.autograd.grad(told_by["loss"], weight, retain_graph=True, allow_unused=True) == (None,)
    for term in told_by.values():
        (slope,) = torch.autograd.grad(term, gan.E.code.weight, retain_graph=True)
        assert slope.abs().sum() > 0


def pairs(gan, given):
    """Scores of (x, E(x)) and of (G(z), z), in train mode as a turn has them."""
    torch.manual_seed(1)
    z, x = gan.G.prior(8, torch.default_generator), given["image"]
    fake = gan.G(z, NONE)
    return gan.D(x, NONE, gan.E(x, NONE)).scores, gan.D(fake, NONE, z).scores


def test_bigan_exchanges_real_and_fake():
    gan, given = trainer("bigan").gan, batch()
    real, fake = pairs(gan, given)
    assert float(terms(gan, "d", given)["loss"]) == pytest.approx(float(fooled(real) + told(fake)), **EXACT)
    assert float(terms(gan, "g", given)["loss"]) == pytest.approx(float(told(real) + fooled(fake)), **EXACT)


def test_bigan_of_wgan_gives_g_and_e_the_opposite_of_ds_loss():
    gan, given = trainer("bigan", "+wgan").gan, batch()
    real, fake = pairs(gan, given)
    assert float(terms(gan, "d", given)["loss"]) == pytest.approx(float(fake.mean() - real.mean()), **EXACT)
    assert float(terms(gan, "g", given)["loss"]) == pytest.approx(float(real.mean() - fake.mean()), **EXACT)


def test_bigan_teaches_d_nothing_of_e_and_e_by_real_images():
    gan, given = trainer("bigan").gan, batch()
    weight = gan.E.code.weight
    assert torch.autograd.grad(terms(gan, "d", given)["loss"], weight, allow_unused=True) == (None,)
    assert torch.autograd.grad(terms(gan, "g", given)["loss"], weight)[0].abs().sum() > 0


def test_bigan_gives_an_image_made_of_a_fake_that_fakes_code():
    """bcr moves fakes and asks again: with no shift and no flip, D says the same, for which the code has to be z."""
    gan = trainer("bigan", "+bcr:shift=0,flip=false").gan
    said = terms(gan, "d", batch())
    assert float(said["bcr_fake"]) == pytest.approx(0, abs=1e-9) and float(said["bcr_real"]) == pytest.approx(
        0, abs=1e-9
    )


def test_clustergan_reads_its_noise_back():
    gan, given = trainer("clustergan", ",beta.c=3,beta.n=5").gan, batch()
    torch.manual_seed(1)
    z = gan.G.prior(8, torch.default_generator)
    logits, rest = gan.E(gan.G(z, NONE), NONE).split([10, 30], 1)
    said = terms(gan, "g", given)
    assert float(said["cluster"]) == pytest.approx(3 * float(F.cross_entropy(logits, z[:, :10].argmax(1))), **EXACT)
    assert float(said["noise"]) == pytest.approx(5 * float((rest - z[:, 10:]).square().mean()), **EXACT)


def test_clustergan_draws_clusters_and_narrow_noise():
    gan = trainer("clustergan", ",clusters=4,sigma=0.5").gan
    z = gan.G.prior(4000, torch.Generator().manual_seed(0))
    assert z.shape == (4000, 34) and set(z[:, :4].unique().tolist()) == {0, 1} and torch.all(z[:, :4].sum(1) == 1)
    assert torch.allclose(z[:, :4].mean(0), torch.full((4,), 0.25), atol=0.03)
    assert float(z[:, 4:].std()) == pytest.approx(0.5, abs=0.01)


def test_cogan_plays_in_both_domains_with_one_noise():
    gan, given = trainer("cogan").gan, batch()
    torch.manual_seed(1)
    z, x = gan.G.prior(8, torch.default_generator), given["image"]
    first, second = gan.G(z, NONE), gan.G.second(z, NONE)
    scores = {"": (gan.D, x, first), "_second": (gan.E, -x, second)}
    d, g = terms(gan, "d", given), terms(gan, "g", given)
    for mark, (critic, real, fake) in scores.items():
        up, down = critic(real, NONE).scores, critic(fake, NONE).scores
        assert float(d[f"loss{mark}"]) == pytest.approx(float(fooled(up) + told(down)), **EXACT)
        assert float(g[f"loss{mark}"]) == pytest.approx(float(fooled(down)), **EXACT)
    assert [torch.equal(*both) for both in zip(gan.game.pair(z, NONE), (first, second), strict=True)] == [True, True]


def test_cogan_shares_all_but_the_ends():
    gan = trainer("cogan").gan
    assert gan.E.trunk.common is gan.D.trunk.common
    assert not any("common" in name for name in gan.E.state_dict())
    one, other = gan.G.images
    z = gan.G.prior(2, torch.Generator())
    with torch.no_grad():
        other.weight.copy_(one.weight)
        other.bias.copy_(one.bias)
    gan.eval()
    assert torch.equal(*gan.game.pair(z, torch.zeros(2, 0)))


def test_edges_are_what_a_dilation_adds():
    dot = -torch.ones(1, 1, 5, 5)
    dot[0, 0, 2, 2] = 1
    found = cogan.edges(dot)
    expected = -torch.ones(5, 5)
    expected[1:4, 1:4], expected[2, 2] = 1, -1
    assert torch.equal(found[0, 0], expected) and torch.equal(cogan.inverted(dot), -dot)


def test_a_step_of_its_own_has_the_terms_of_every_critic():
    made = trainer("cogan", "+r1:gamma=1,own.step=true,every=2")
    at = made.update_at("d", own_step=True)
    with made.updating(at):
        next(turn for turn in made.turns if turn.player == "d").loss(batch(), 0)
    assert len(at.own_terms) == 2 and len({float(term) for term in at.own_terms.values()}) == 2


def test_kplus1_is_the_softmax_over_one_class_more():
    torch.manual_seed(0)
    head = sgan.OneClassMoreHead(5, 3, True)
    features, y = torch.randn(4, 5), torch.tensor([0, 2, 1, 1])
    said, logits = head(features, torch.zeros(4, 3)), head.logits(features)
    p = logits.softmax(1)
    assert torch.allclose(said.scores.sigmoid(), 1 - p[:, 3], atol=1e-6)
    both = F.softplus(-said.scores) + F.cross_entropy(said.extras["class_logits"], y, reduction="none")
    assert torch.allclose(both, F.cross_entropy(logits, y, reduction="none"), atol=1e-5)  # the paper's loss


def test_sgan_learns_known_labels_alone():
    gan, given = trainer("sgan").gan, batch(labels=True)
    known = given["labelled"].bool()
    logits = gan.D(given["image"], torch.zeros(8, 10)).extras["class_logits"]
    expected = F.cross_entropy(logits[known], given["label"][known])
    assert float(terms(gan, "d", given)["class"]) == pytest.approx(float(expected), **EXACT)
    others = {**given, "label": torch.where(known, given["label"], 9 - given["label"])}
    assert all(torch.equal(terms(gan, "d", given)[k], terms(gan, "d", others)[k]) for k in ("loss", "class"))
    nobody = {**given, "labelled": torch.zeros(8)}
    assert float(terms(gan, "d", nobody)["class"]) == 0
    assert "class" not in terms(gan, "g", given)


def test_sgan_reports_how_many_classes_it_names():
    made = trainer("sgan")
    made.train_step([batch(labels=True)])
    found = made.report()["reports"]
    assert {"d/class_accuracy", "d/hidden_accuracy"} == set(found) and all(0 <= share <= 1 for share in found.values())


def test_sgan_reports_nothing_of_labels_that_a_batch_has_none_of():
    made = trainer("sgan")
    given = batch(labels=True)
    for known in (0.0, 0.0, 1.0):  # the last batch alone says something of known labels
        made.train_step([{**given, "labelled": torch.full((len(given["image"]),), known)}])
    mixed = made.report()["reports"]
    assert set(mixed) == {"d/class_accuracy", "d/hidden_accuracy"}
    assert all(share == round(share * 8) / 8 for share in (mixed["d/class_accuracy"],))
    made.train_step([{**given, "labelled": torch.ones(len(given["image"]))}])
    assert set(made.report()["reports"]) == {"d/class_accuracy"}


def test_vae_gan_has_three_losses():
    gan, given = trainer("vae-gan", ",gamma=3,kl=0.5").gan, batch()
    x = given["image"]
    torch.manual_seed(1)
    z = gan.G.prior(8, torch.default_generator)
    fake = gan.G(z, NONE)
    mean, spread = gan.E(x, NONE).chunk(2, 1)
    rebuilt = gan.G(mean + (spread / 2).exp() * torch.randn(8, 32), NONE)
    up, down, again = (gan.D(images, NONE) for images in (x, fake, rebuilt))
    unlike = 0.5 * (up.features - again.features).square().mean()
    d, g = terms(gan, "d", given), terms(gan, "g", given)
    loss = fooled(up.scores) + (told(down.scores) + told(again.scores)) / 2
    assert float(d["loss"]) == pytest.approx(float(loss), **EXACT)
    assert float(g["loss"]) == pytest.approx(float(fooled(down.scores) + fooled(again.scores)) / 2, **EXACT)
    assert float(g["likelihood"]) == pytest.approx(3 * float(unlike), **EXACT)
    torch.manual_seed(1)
    rebuilt = gan.G(mean + (spread / 2).exp() * torch.randn(8, 32), NONE)
    unlike = 0.5 * (up.features - gan.D(rebuilt, NONE).features).square().mean()
    e = terms(gan, "e", given)
    divergence = 0.5 * (mean.square() + spread.exp() - 1 - spread).mean()
    assert float(e["likelihood"]) == pytest.approx(float(unlike), **EXACT)
    assert float(e["kl"]) == pytest.approx(0.5 * float(divergence), **EXACT)


def test_vae_gans_divergence_is_that_of_two_normal_laws():
    law = torch.distributions.Normal(torch.tensor([0.3, -2.0]), torch.tensor([0.5, 2.0]))
    unit = torch.distributions.Normal(0.0, 1.0)
    found = vae_gan.divergence(law.mean[None], 2 * law.stddev.log()[None])
    assert float(found) == pytest.approx(float(torch.distributions.kl_divergence(law, unit).mean()), rel=1e-6)


def test_vae_gan_teaches_each_player_what_is_its_own():
    made = trainer("vae-gan")
    assert {turn.player for turn in made.turns} == {"d", "g", "e"}
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in made.gan.networks.items()}
    for turn in made.turns:
        made.take(turn, batch(), 0)
        moved = {
            name
            for name, net in made.gan.networks.items()
            if any(not torch.equal(p, old) for p, old in zip(net.parameters(), before[name], strict=True))
        }
        assert moved == set(made.gan.players[turn.player])
        before = {name: [p.detach().clone() for p in net.parameters()] for name, net in made.gan.networks.items()}


def test_vae_gan_needs_a_normal_prior():
    with pytest.raises(UsageError, match="prior=uniform does not work with vae-gan"):
        trainer("vae-gan", prior="uniform")


def test_a_part_for_pictures_is_refused_on_codes():
    with pytest.raises(UsageError, match="8 channels"):
        ganzoo.build("aae+diffaugment", 8, 1)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("aae:depth=0", "aae:depth"),
        ("bigan:joint=0", "bigan:joint"),
        ("bigan+lo", "noise"),
        ("clustergan:clusters=0", "clustergan:clusters"),
        ("cogan:domain=blue", "inverted or edges"),
        ("aae+in", "maps"),
    ],
)
def test_wrong_use_is_refused_by_name(recipe, said):
    with pytest.raises(UsageError, match=said):
        ganzoo.build(recipe, 8, 1)


def test_sgan_is_refused_on_data_without_labels(tmp_path):
    with pytest.raises(UsageError, match="sgan needs 'label-class'"):
        ganzoo.train("sgan", data=torch.zeros(4, 1, 8, 8, dtype=torch.uint8), out=tmp_path / "run", steps=1)
    assert not (tmp_path / "run").exists()


def test_sizes_that_no_network_has_are_refused():
    with pytest.raises(ganzoo.ResolutionError, match="bigan cannot make images of 20x20"):
        ganzoo.build("bigan", 20, 1)
    assert ganzoo.build("bigan:ch=4", 28, 1, device="meta").resolution == 28


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_aae_has_the_sizes_of_the_papers_mnist():
    gan = ganzoo.build("aae", 28, 1, device="meta")
    hidden = 1000 * 1000 + 1000
    assert count(gan.E) == 784 * 1000 + 1000 + hidden + 1000 * 8 + 8
    assert count(gan.G) == 8 * 1000 + 1000 + hidden + 1000 * 784 + 784
    assert count(gan.D) == 8 * 1000 + 1000 + hidden + 1000 + 1


def test_convolutional_networks_have_the_sizes_counted_by_hand():
    """At 32 px and ch=8: maps of 4, 8 and 16 pixels of 32, 16 and 8 channels; every norm has two numbers a channel."""
    ch, z = 8, SimpleNamespace(bigan=50, vae=32, sgan=100)
    gan = ganzoo.build("bigan:ch=8,joint=16", 32, 1, device="meta")
    up = 32 * 16 + 2 * 32 + 32 * 16 * 16 + 2 * 16 + 16 * ch * 16 + 2 * ch + ch * 16 + 1
    up -= 32 * 16  # which depends on the noise
    down = ch * 16 + ch + ch * 16 * 16 + 2 * 16 + 16 * 32 * 16 + 2 * 32
    maps = 32 * 16  # features of the smallest map
    assert count(gan.G) == z.bigan * maps + up
    assert count(gan.E) == down + maps * z.bigan + z.bigan
    assert count(gan.D) == down + (maps + z.bigan) * 16 + 16 + 16 + 1
    gan = ganzoo.build("vae-gan:ch=8", 32, 1, device="meta")
    assert (count(gan.G), count(gan.D)) == (z.vae * maps + up, down + maps + 1)
    assert count(gan.E) == down + maps * 2 * z.vae + 2 * z.vae
    gan = ganzoo.build("sgan:ch=8", 32, 1, classes=10, device="meta")
    assert (count(gan.G), count(gan.D)) == (z.sgan * maps + up, down + maps * 11 + 11)
    gan = ganzoo.build("cogan:ch=8", 32, 1, device="meta")
    assert count(gan.G) == 100 * maps + up + ch * 16 + 1
    assert count(gan.D) == down + maps * 500 + 500 + 500 + 1
    assert count(gan.E) == ch * 16 + ch + 500 + 1  # its own: the first layer and the head
    gan = ganzoo.build("clustergan:ch=8", 32, 1, device="meta")
    assert count(gan.G) == 40 * maps + up
    assert count(gan.E) == down + maps * 40 + 40
    without_norms = down - 2 * 16 - 2 * 32 + 16 + 32  # wgan takes them off D, whose convolutions have biases then
    assert count(gan.D) == without_norms + maps + 1
