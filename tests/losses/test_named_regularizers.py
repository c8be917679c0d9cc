"""Consistency, latent optimisation and the small regularizers, against their formulas in closed form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.gan.embedding import SharedEmbedding
from ganzoo.layers import spectral_norm, weight_norm
from ganzoo.losses.regularizers.cr import CR, flipped_and_shifted
from ganzoo.losses.regularizers.fm import FeatureMatching
from ganzoo.losses.regularizers.historical_average import HistoricalAverage
from ganzoo.losses.regularizers.icr import BalancedCR, LatentCR
from ganzoo.losses.regularizers.lo import LatentOptimisation
from ganzoo.losses.regularizers.maxgp import MaxGP
from ganzoo.losses.regularizers.ortho import Ortho
from ganzoo.losses.regularizers.pull_away import PullAway
from ganzoo.losses.regularizers.r1 import R1
from ganzoo.losses.regularizers.r1_approx import ApproximateR1, ApproximateR2
from ganzoo.losses.regularizers.san import SAN, Direction
from ganzoo.losses.regularizers.vicreg import VICReg
from ganzoo.losses.regularizers.wgan_div import WassersteinDivergence
from ganzoo.parts import LinearHead, Output, TurnContext
from ganzoo.parts.update import Update
from ganzoo.testing.tiny import tiny

B, Z = 5, 3


class LinearG(nn.Module):
    """Images ``(B, 1, 4, 4)`` that are linear in the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(Z, 16, bias=False)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.map(z).reshape(-1, 1, 4, 4)


class LinearD(nn.Module):
    """Scores that are linear in the image; features are the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.features = LinearHead(16), 16

    def forward(self, x: Tensor, y: Tensor) -> Output:
        out = self.head(x.flatten(1), y)
        return Output(out.scores, out.features, {"class_logits": x.flatten(1)[:, :2]})


def context(player: str, discriminate: Callable[[Tensor], Output] | None = None) -> TurnContext:
    torch.manual_seed(0)
    g, d = LinearG().requires_grad_(player == "g"), LinearD().requires_grad_(player == "d")
    ctx = TurnContext(
        Update(0, player),
        lambda ctx, x, exact, conditions: discriminate(x) if discriminate else d(x, conditions["y"]),
        g,
        batch={},
        real=torch.rand(B, 1, 4, 4) * 2 - 1,
        z=torch.randn(B, Z),
        y_real=torch.zeros(B, 0),
        y_fake=torch.zeros(B, 0),
        networks={"G": g, "D": d},
    )
    with torch.set_grad_enabled(player == "g"):
        ctx.fake = ctx.generate(ctx.z, ctx.y_fake)
    return ctx


def score(ctx: TurnContext, x: Tensor) -> Tensor:
    return ctx.networks["D"](x, ctx.y_real).scores


# --- consistency ---------------------------------------------------------------------------------------------


def test_images_are_flipped_and_shifted_with_reflected_borders():
    torch.manual_seed(0)
    x = torch.arange(36.0).reshape(1, 1, 6, 6).expand(64, 1, 6, 6)
    padded = nn.functional.pad(x[:1], (2, 2, 2, 2), mode="reflect")
    windows = [padded[0, 0, i : i + 6, j : j + 6] for i in range(5) for j in range(5)]
    seen = set()
    for image in flipped_and_shifted(x, 2):
        same = [n for n, window in enumerate(windows) if torch.equal(window, image[0])]
        mirrored = [-1 - n for n, window in enumerate(windows) if torch.equal(window, image[0].flip(1))]
        assert same or mirrored
        seen.update(same or mirrored)
    assert len(seen) > 25, "there are 50 of them"
    assert torch.equal(flipped_and_shifted(x, 0, flip=False), x)
    assert flipped_and_shifted(torch.rand(2, 3, 2, 5), 64).shape == (2, 3, 2, 5)


def test_consistency_is_the_squared_distance_of_scores_and_logits(monkeypatch):
    moved = torch.rand(B, 1, 4, 4)
    monkeypatch.setattr("ganzoo.losses.regularizers.cr.flipped_and_shifted", lambda x, shift, flip: moved)
    ctx = context("d")
    wanted = (score(ctx, ctx.real) - score(ctx, moved)).square().mean()
    wanted = wanted + (ctx.real.flatten(1)[:, :2] - moved.flatten(1)[:, :2]).square().mean()
    assert CR(weight=3).terms(ctx)["cr"].item() == pytest.approx(3 * wanted.item(), rel=1e-5)


def test_balanced_consistency_is_of_real_images_and_of_fakes(monkeypatch):
    monkeypatch.setattr("ganzoo.losses.regularizers.icr.flipped_and_shifted", lambda x, shift, flip: x + 1)
    ctx = context("d", lambda x: Output(x.mean((1, 2, 3)) ** 2, x))
    terms = BalancedCR(real=2, fake=7).terms(ctx)
    for what, x, weight in (("real", ctx.real, 2), ("fake", ctx.fake, 7)):
        m = x.mean((1, 2, 3))
        assert terms[f"bcr_{what}"].item() == pytest.approx(weight * ((m + 1) ** 2 - m**2).square().mean().item())


@pytest.mark.parametrize("player", ["d", "g"])
def test_latent_consistency_of_a_linear_generator(player):
    ctx, part = context(player), LatentCR(weight=4, weight_g=3, sigma=0.1)
    torch.manual_seed(5)
    term = part.terms(ctx)["zcr"]
    torch.manual_seed(5)
    change = ctx.networks["G"](0.1 * torch.randn(B, Z), ctx.y_fake).detach()
    if player == "g":
        assert term.item() == pytest.approx(-3 * change.square().mean().item(), rel=1e-4)
    else:
        weight = ctx.networks["D"].head.score.weight
        moved = (change.flatten(1) @ weight.T).square().mean() + change.flatten(1)[:, :2].square().mean()
        assert term.item() == pytest.approx(4 * moved.item(), rel=1e-4)
    assert LatentCR(sigma=0).terms(context(player))["zcr"].item() == 0


# --- latent optimisation -------------------------------------------------------------------------------------


def test_the_step_of_a_linear_critic_by_hand():
    ctx, part = context("g"), LatentOptimisation(alpha=0.5, beta=0.3, share=1, weight=2)
    slope = (ctx.networks["D"].head.score.weight @ ctx.networks["G"].map.weight).squeeze(0)
    step = 0.5 * slope / (0.3 + slope.square().sum())
    assert torch.allclose(part.refine(ctx), ctx.z + step, atol=1e-6)
    assert part.terms(ctx)["lo"].item() == pytest.approx(2 * step.square().sum().item(), rel=1e-5)


def test_a_share_moves_and_a_bound_holds():
    ctx = context("g")
    moved = (LatentOptimisation(share=0.4).refine(ctx) != ctx.z).float()
    assert 0 < moved.mean() < 1
    assert torch.equal(LatentOptimisation(share=0).refine(ctx), ctx.z)
    assert LatentOptimisation(bound=0.2).refine(ctx).abs().max() <= 0.2


def test_codes_are_no_noise_and_stay():
    ctx, part = context("g"), LatentOptimisation(alpha=0.5, beta=0.3, share=1, weight=2, bound=0.1)
    ctx._codes = {1: slice(-2, None)}
    slope = (ctx.networks["D"].head.score.weight @ ctx.networks["G"].map.weight).squeeze(0)[: Z - 2]
    step = 0.5 * slope / (0.3 + slope.square().sum())
    moved = part.refine(ctx)
    assert torch.equal(moved[:, Z - 2 :], ctx.z[:, Z - 2 :])
    assert torch.allclose(moved[:, : Z - 2], (ctx.z[:, : Z - 2] + step).clamp(-0.1, 0.1), atol=1e-6)
    assert part.terms(ctx)["lo"].item() == pytest.approx(2 * step.square().sum().item(), rel=1e-5)


def test_consistency_of_noise_leaves_codes(monkeypatch):
    ctx, seen = context("g"), []
    ctx._codes = {1: slice(-2, None)}
    monkeypatch.setattr(ctx, "generate", lambda z, y: seen.append(z) or ctx.fake)
    LatentCR().terms(ctx)
    assert torch.equal(seen[0][:, Z - 2 :], ctx.z[:, Z - 2 :]) and not torch.equal(seen[0], ctx.z)


@pytest.mark.parametrize("player", ["d", "g"])
def test_gradients_go_through_the_step(player):
    ctx, part = context(player), LatentOptimisation(share=1)
    ctx.z = part.refine(ctx)
    own = ctx.networks[player.upper()]
    slopes = torch.autograd.grad(
        ctx.z.square().sum() + part.terms(ctx)["lo"], list(own.parameters()), allow_unused=True
    )
    assert any(slope is not None and slope.abs().sum() > 0 for slope in slopes)


# --- slopes --------------------------------------------------------------------------------------------------


def test_the_steepest_slope_counts():
    ctx = context("d", lambda x: Output(x.square().sum((1, 2, 3)) / 2, x))  # whose slope is x itself
    torch.manual_seed(3)
    term = MaxGP(weight=2).terms(ctx)["maxgp"]
    torch.manual_seed(3)
    share = torch.rand(B, 1, 1, 1)
    between = share * ctx.real + (1 - share) * ctx.fake
    assert term.item() == pytest.approx(2 * between.square().sum((1, 2, 3)).max().item(), rel=1e-5)


@pytest.mark.parametrize(("part", "which"), [(ApproximateR1, "real"), (ApproximateR2, "fake")])
def test_approximate_penalties_are_what_they_say_and_near_the_exact_one(part, which):
    ctx = context("d")
    x = getattr(ctx, which)
    torch.manual_seed(4)
    (term,) = part(gamma=2, sigma=0.5).terms(ctx).values()
    torch.manual_seed(4)
    noise = torch.randn(x.shape)
    gap = (score(ctx, x) - score(ctx, x + 0.5 * noise)) / 0.5
    assert term.item() == pytest.approx(gap.square().mean().item(), rel=1e-4)
    many = torch.stack([next(iter(part(gamma=2).terms(ctx).values())) for _ in range(400)]).mean()
    exact = R1(gamma=2).terms(ctx)["r1"]  # of a linear critic the same everywhere
    assert many.item() == pytest.approx(exact.item(), rel=0.15)


# --- others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_feature_matching_is_of_means(norm):
    ctx = context("g")
    gap = ctx.real.flatten(1).mean(0) - ctx.fake.flatten(1).mean(0)
    wanted = gap.square().sum() if norm == "l2" else gap.abs().mean()
    term = FeatureMatching(weight=3, norm=norm).terms(ctx)["fm"]
    assert term.item() == pytest.approx(3 * wanted.item(), rel=1e-5)
    assert torch.autograd.grad(term, ctx.networks["G"].map.weight)[0].abs().sum() > 0


def test_a_power_of_the_slope():
    ctx = context("d")
    slope = ctx.networks["D"].head.score.weight.norm()
    term = WassersteinDivergence(k=3, p=4).terms(ctx)["wgan-div"]
    torch.testing.assert_close(term, 3 * slope**4)
    with pytest.raises(ganzoo.UsageError, match="wgan-div:p"):
        WassersteinDivergence(p=0.5)


def test_fakes_pull_away_by_the_cosines_of_pairs():
    ctx = context("g")
    rows = ctx.fake.detach().flatten(1)
    pairs = [(i, j) for i in range(B) for j in range(B) if i != j]
    squares = [torch.cosine_similarity(rows[i], rows[j], dim=0) ** 2 for i, j in pairs]
    term = PullAway(weight=2).terms(ctx)["pull-away"]
    torch.testing.assert_close(term.detach(), 2 * torch.stack(squares).mean())
    (slope,) = torch.autograd.grad(term, ctx.networks["G"].map.weight)
    assert slope.abs().sum() > 0


@pytest.mark.parametrize("player", ["d", "g"])
def test_features_vary_each_in_its_own_way(player):
    ctx = context(player)
    ctx.real = 3 * ctx.real
    seen = [ctx.real, ctx.fake] if player == "d" else [ctx.fake]

    def by_hand(x: Tensor) -> Tensor:
        covariance = torch.cov(x.detach().flatten(1).T)
        low = (1 - (covariance.diagonal() + 1e-4).sqrt()).clamp(min=0).mean()
        others = covariance - torch.diag(covariance.diagonal())
        return low + 0.04 * others.square().sum() / len(covariance)

    term = VICReg(weight=2).terms(ctx)["vicreg"]
    torch.testing.assert_close(term.detach(), 2 * torch.stack([by_hand(x) for x in seen]).mean())


def test_features_of_a_single_image_are_no_reason_for_nan():
    ctx = context("g")
    ctx.fake = ctx.fake[:1]
    assert torch.isfinite(VICReg().terms(ctx)["vicreg"]) and PullAway().terms(ctx)["pull-away"] == 0


@pytest.mark.parametrize("player", ["d", "g"])
def test_parameters_stay_near_the_mean_of_what_they_were(player):
    ctx = context(player)
    part = HistoricalAverage(weight=2)
    part.prepare(ctx.networks)
    network = ctx.networks[player.upper()]
    past = []
    for update in range(3):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(update)
        past.append(torch.cat([parameter.detach().flatten() for parameter in network.parameters()]))
        term = part.terms(ctx)["historical-average"]
        gap = past[-1] - torch.stack(past).mean(0)
        torch.testing.assert_close(term.detach(), 2 * gap.square().sum())
    slopes = torch.autograd.grad(term, list(network.parameters()))
    torch.testing.assert_close(torch.cat([slope.flatten() for slope in slopes]), 4 * gap)  # the mean is held
    again = HistoricalAverage(weight=2)
    again.prepare(ctx.networks)
    again.load_state_dict(part.state_dict())
    assert torch.equal(part.terms(ctx)["historical-average"], again.terms(ctx)["historical-average"])


@pytest.mark.parametrize("weight", ["weight/none", "sn", "wn", "eqlr"])
def test_the_mean_is_of_what_is_trained_whatever_the_weights_are(weight):
    gan = ganzoo.build(f"dcgan:ch=2+{weight}+historical-average", resolution=16, channels=1)
    part = gan.parts.regularizers["historical-average"]
    for player, network in {"d": gan.D, "g": gan.G}.items():
        ctx = context(player)
        ctx.networks = {player.upper(): network}
        assert part.terms(ctx)["historical-average"] == 0  # the first is its own mean
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(1.5)
        assert part.terms(ctx)["historical-average"] > 0


def test_images_that_are_no_squares_are_not_turned():
    assert (
        ganzoo.build("dcgan:ch=2+rotation", resolution=16, channels=1).parts.regularizers["rotation"].weights["g"]
        == 0.2
    )
    with pytest.raises(ganzoo.UsageError, match="16x32 is no square"):
        ganzoo.build("dcgan:ch=2+rotation", resolution=(16, 32), channels=1)


def test_filters_are_to_be_at_right_angles():
    ctx = context("g")
    layers = nn.ModuleDict({"conv": nn.Conv2d(2, 3, 3), "up": nn.ConvTranspose2d(2, 3, 3), "line": nn.Linear(4, 2)})
    layers["shared"] = SharedEmbedding(3, 4)
    rows = {
        "conv": layers["conv"].weight.flatten(1),
        "up": layers["up"].weight.transpose(0, 1).flatten(1),
        "line": layers["line"].weight,
    }
    wanted = sum((w @ w.T * (1 - torch.eye(len(w)))).square().sum() for w in rows.values())
    ctx.networks = {"G": layers}
    assert Ortho(weight=2).terms(ctx)["ortho"].item() == pytest.approx(2 * float(wanted), rel=1e-5)
    spectral_norm(layers["line"])
    assert Ortho(weight=2).terms(ctx)["ortho"].item() == pytest.approx(2 * float(wanted), rel=1e-5)
    weight_norm(layers["conv"])
    assert Ortho(weight=2).terms(ctx)["ortho"].item() == pytest.approx(2 * float(wanted), rel=1e-5)


def test_the_direction_learns_by_its_term_alone():
    ctx, part = context("d"), SAN(weight=2)
    part.prepare(ctx.networks)
    head = ctx.networks["D"].head.score
    assert isinstance(head, Direction)
    unit = head.weight / head.weight.norm()
    wanted = ((ctx.fake.flatten(1).mean(0) - ctx.real.flatten(1).mean(0)) * unit.squeeze(0)).sum()
    term = part.terms(ctx)["direction"]
    assert term.item() == pytest.approx(2 * wanted.item(), rel=1e-4)
    assert torch.autograd.grad(term, head.weight)[0].abs().sum() > 0
    scores = score(ctx, ctx.real)
    assert torch.allclose(scores, ctx.real.flatten(1) @ unit.squeeze(0) * head.scale + head.bias, atol=1e-5)
    by_score = torch.autograd.grad(scores.sum(), [head.weight, head.scale, head.bias], allow_unused=True)
    assert by_score[0] is None and by_score[1] is not None and by_score[2] is not None


def test_san_refuses_a_head_that_is_not_linear():
    with pytest.raises(ganzoo.UsageError, match="linear in its features"):
        ganzoo.build("sngan:ch=4+md+san", 16, 1, 3)


def test_spectral_norm_leaves_the_shared_embedding_alone():
    """BigGAN's spectral norm: every convolution and linear map of both networks, and D's embedding, but not G's."""
    gan = ganzoo.build("biggan:ch=2", 16, 1, 3)
    layers = (nn.Conv2d, nn.Linear)
    free = [
        f"{side}.{name}"
        for side in "GD"
        for name, module in gan.networks[side].named_modules()
        if isinstance(module, layers) and not nn.utils.parametrize.is_parametrized(module, "weight")
    ]
    assert free == ["G.trunk.shared.embedding"]


# --- codes ---------------------------------------------------------------------------------------------------


def test_codes_are_read_by_cross_entropy_and_by_a_gaussian(tmp_path):
    recipe = "sngan:ch=4+normalization/none+info:categorical=2,classes=3,continuous=1,weight=2,weight.c=5"
    gan = ganzoo.build(recipe, 16, 1, z_dim=4)
    (part,) = gan.regularizers
    z = gan.G.prior(B, torch.Generator().manual_seed(0))
    codes = z[:, 4:]
    assert z.shape == (B, 4 + 7)
    assert torch.equal(codes[:, :3].sum(1), torch.ones(B)) and torch.equal(codes[:, 3:6].sum(1), torch.ones(B))
    assert (codes[:, 6].abs() <= 1).all()
    features = torch.randn(B, part.reader.in_features)
    ctx = context("g", lambda x: Output(x.mean((1, 2, 3)), features))
    ctx.z, ctx._codes = z, {id(part): slice(-7, None)}
    said = part.reader(features)
    wanted = sum(
        torch.nn.functional.cross_entropy(said[:, at : at + 3], codes[:, at : at + 3].argmax(1)) for at in (0, 3)
    )
    law = torch.distributions.Normal(said[:, 6], said[:, 7].exp())
    terms = part.terms(ctx)
    assert terms["info_categorical"].item() == pytest.approx(2 * float(wanted.detach()), rel=1e-5)
    assert terms["info_continuous"].item() == pytest.approx(-5 * law.log_prob(codes[:, 6]).mean().item(), rel=1e-5)


@pytest.mark.parametrize("word", ["info", "info:inject=concat", "info-context"])
@pytest.mark.parametrize("head", ["dcgan:ch=4", "biggan:ch=2", "r3gan:ch=16", "sngan:ch=4+selfmod"])
def test_codes_change_the_picture_in_every_network(word, head):
    torch.manual_seed(0)
    gan = ganzoo.build(f"{head}+{word}", 16, 1, 3).eval()
    z, y = gan.G.prior(2, torch.Generator().manual_seed(0)), torch.eye(3)[:2, : gan.G.y_dim]
    other = z.clone()
    other[:, -10:] = z[:, -10:].roll(1, 1)
    assert not torch.equal(gan.G(z, y), gan.G(other, y))


def test_q_learns_with_d_and_d_with_it_and_g_by_it():
    trainer = tiny("sngan:ch=4+info", {"image"}).trainer()
    (part,) = trainer.gan.regularizers
    moved = {}
    for turn in trainer.turns:
        before = {name: p.detach().clone() for name, p in trainer.gan.named_parameters()}
        q = part.reader.weight.detach().clone()
        trainer.take(turn, trainer.precision.send(tiny("sngan:ch=4+info", {"image"}).batch()), 0)
        moved[turn.player] = {
            n.split(".")[0] for n, p in trainer.gan.named_parameters() if not torch.equal(p, before[n])
        }
        moved[turn.player] |= {"Q"} if not torch.equal(part.reader.weight, q) else set()
    assert {"D", "Q"} <= moved["d"] and "G" not in moved["d"]
    assert "G" in moved["g"] and not {"D", "Q"} & moved["g"]


def test_info_is_refused_where_nothing_can_be_read():
    with pytest.raises(ganzoo.UsageError, match="info:categorical=0 needs codes of the other kind"):
        ganzoo.build("dcgan:ch=4+info:categorical=0", 16, 1)


@pytest.mark.parametrize("player", ["d", "g"])
def test_the_perturbed_image_has_the_layer_noise_of_the_other(player):
    for sigma, apart in (("0", False), ("0.05", True)):
        made = tiny(f"stylegan2:ch=8,mixing=0.5+zcr:sigma={sigma}")
        gan = made.build().train()
        for name, parameter in gan.G.named_parameters():
            if name.endswith("strength"):
                nn.init.constant_(parameter, 0.5)
        turn = next(turn for turn in gan.turns() if turn.player == player)
        assert (turn.loss(made.batch(), 0)["zcr"].item() != 0) == apart
