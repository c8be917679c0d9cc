"""Losses and penalties against closed forms, finite differences and other people's packages."""

from __future__ import annotations

import importlib.util
import inspect
import math
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.losses.adversarial.boundary_seeking import BoundarySeeking
from ganzoo.losses.adversarial.cross_entropy import BCE, Logistic, Minimax
from ganzoo.losses.adversarial.dual_contrastive import DualContrastive
from ganzoo.losses.adversarial.hinge import Hinge
from ganzoo.losses.adversarial.least_squares import LeastSquares
from ganzoo.losses.adversarial.relativistic import Relativistic, RelativisticAverage
from ganzoo.losses.adversarial.softmax import Softmax
from ganzoo.losses.adversarial.wasserstein import ClippedWasserstein, Wasserstein
from ganzoo.losses.gradient import gradient
from ganzoo.losses.regularizers.dragan import Dragan
from ganzoo.losses.regularizers.gp import GP
from ganzoo.losses.regularizers.lecam import LeCam
from ganzoo.losses.regularizers.r1 import R1, R2

LOSSES = {
    "bce": BCE(),
    "bce-smooth": BCE(smooth=0.9),
    "minimax": Minimax(),
    "logistic": Logistic(),
    "ls": LeastSquares(),
    "ls-pearson": LeastSquares(a=-1, b=1, c=0),
    "hinge": Hinge(),
    "wgan": Wasserstein(),
    "wgan-clip": ClippedWasserstein(),
    "relativistic": Relativistic(),
    "ra-bce": RelativisticAverage(),
    "ra-ls": RelativisticAverage(form="ls"),
    "ra-hinge": RelativisticAverage(form="hinge"),
    "boundary-seeking": BoundarySeeking(),
    "softmax": Softmax(),
    "dual-contrastive": DualContrastive(),
}
RELATIVE = ("relativistic", "ra-bce", "ra-ls", "ra-hinge", "softmax", "dual-contrastive")
AIMED = ("ls-pearson", "boundary-seeking")  # whose G aims at 0 from both sides
REAL, FAKE = [1.5, -0.5, 0.25], [0.75, -2.0, 3.0]
scores = st.lists(st.floats(-20, 20, width=32), min_size=4, max_size=4)


def scored(x: Tensor) -> Tensor:
    """The critic whose images are their own scores."""
    return x


def value(name: str, real: object, fake: object, side: str = "d") -> float:
    return getattr(LOSSES[name], side)(scored, torch.as_tensor(real), torch.as_tensor(fake)).item()


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def sigma(s: float) -> float:
    return 1 / (1 + math.exp(-s))


def average(shape: Callable[[float], float]) -> tuple[Callable, Callable]:
    """RaGAN's D loss written out as in the paper, and G's with the images exchanged."""

    def loss(r: list[float], f: list[float]) -> float:
        return mean([shape(x - mean(f)) for x in r]) + mean([shape(mean(r) - x) for x in f])

    return loss, lambda r, f: loss(f, r)


def share(s: float, among: list[float]) -> float:
    """The probability of a score by a softmax."""
    return math.exp(s) / sum(map(math.exp, among))


def contrasted(r: list[float], f: list[float]) -> float:
    """Each real score among all fakes, and minus each fake among minus all real ones."""
    first = mean([-math.log(share(s, [s, *f])) for s in r])
    return first + mean([-math.log(share(-s, [-s, *(-x for x in r)])) for s in f])


PAPERS = {
    "bce": (
        lambda r, f: -mean([math.log(sigma(s)) for s in r]) - mean([math.log(1 - sigma(s)) for s in f]),
        lambda r, f: -mean([math.log(sigma(s)) for s in f]),
    ),
    "bce-smooth": (
        lambda r, f: (
            -mean([0.9 * math.log(sigma(s)) + 0.1 * math.log(1 - sigma(s)) for s in r])
            - mean([math.log(1 - sigma(s)) for s in f])
        ),
        lambda r, f: -mean([math.log(sigma(s)) for s in f]),
    ),
    "minimax": (
        lambda r, f: -mean([math.log(sigma(s)) for s in r]) - mean([math.log(1 - sigma(s)) for s in f]),
        lambda r, f: mean([math.log(1 - sigma(s)) for s in f]),
    ),
    "logistic": (
        lambda r, f: mean([math.log(1 + math.exp(-s)) for s in r]) + mean([math.log(1 + math.exp(s)) for s in f]),
        lambda r, f: mean([math.log(1 + math.exp(-s)) for s in f]),
    ),
    "ls": (
        lambda r, f: 0.5 * mean([(s - 1) ** 2 for s in r]) + 0.5 * mean([s**2 for s in f]),
        lambda r, f: 0.5 * mean([(s - 1) ** 2 for s in f]),
    ),
    "ls-pearson": (
        lambda r, f: 0.5 * mean([(s - 1) ** 2 for s in r]) + 0.5 * mean([(s + 1) ** 2 for s in f]),
        lambda r, f: 0.5 * mean([s**2 for s in f]),
    ),
    "hinge": (
        lambda r, f: mean([max(0, 1 - s) for s in r]) + mean([max(0, 1 + s) for s in f]),
        lambda r, f: -mean(f),
    ),
    "wgan": (lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
    "wgan-clip": (lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
    "relativistic": (
        lambda r, f: -mean([math.log(sigma(x - y)) for x, y in zip(r, f, strict=True)]),
        lambda r, f: -mean([math.log(sigma(y - x)) for x, y in zip(r, f, strict=True)]),
    ),
    "boundary-seeking": (
        lambda r, f: -mean([math.log(sigma(s)) for s in r]) - mean([math.log(1 - sigma(s)) for s in f]),
        lambda r, f: 0.5 * mean([(math.log(sigma(s)) - math.log(1 - sigma(s))) ** 2 for s in f]),
    ),
    "softmax": (
        lambda r, f: mean([-math.log(share(s, r + f)) for s in r]),
        lambda r, f: mean([-math.log(share(s, r + f)) for s in r + f]),
    ),
    "dual-contrastive": (contrasted, lambda r, f: contrasted(f, r)),
    "ra-bce": average(lambda m: -math.log(sigma(m))),
    "ra-ls": average(lambda m: (m - 1) ** 2),
    "ra-hinge": average(lambda m: max(0, 1 - m)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_the_formula_of_its_paper(name: str) -> None:
    d, g = PAPERS[name]
    assert value(name, REAL, FAKE) == pytest.approx(d(REAL, FAKE), rel=1e-6)
    assert value(name, REAL, FAKE, "g") == pytest.approx(g(REAL, FAKE), rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_higher_is_more_real(name: str) -> None:
    """D's loss falls as a real image's score rises and as a fake's falls; G's falls as its image's score rises."""
    real, fake = torch.full((4,), 0.3).requires_grad_(), torch.full((4,), 0.2).requires_grad_()
    d_real, d_fake = torch.autograd.grad(LOSSES[name].d(scored, real, fake), (real, fake))
    (g_fake,) = torch.autograd.grad(LOSSES[name].g(scored, real, fake), fake)
    assert (d_real < 0).all() and (d_fake > 0).all()
    assert (g_fake < 0).all() or name in AIMED


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("side", ["d", "g"])
def test_gradients_agree_with_finite_differences(name: str, side: str) -> None:
    real = torch.tensor([1.3, -0.4], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([0.6, -1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r, f: getattr(LOSSES[name], side)(scored, r, f), (real, fake))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_float32_scalars_and_take_patches(name: str) -> None:
    """Equal scores on every patch give the loss of one score for each image."""
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    for side in ("d", "g"):
        whole = getattr(LOSSES[name], side)(scored, real, fake)
        patches = getattr(LOSSES[name], side)(lambda x: x[:, None].expand(-1, 5), real, fake)
        assert whole.dtype == patches.dtype == torch.float32 and whole.shape == patches.shape == ()
        torch.testing.assert_close(whole, patches)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("side", ["d", "g"])
def test_losses_stay_finite_where_probabilities_would_not(name: str, side: str) -> None:
    far = torch.full((2,), 1e4)
    for sign in (1, -1):
        real, fake = (sign * far).requires_grad_(), (-sign * far).requires_grad_()
        loss = getattr(LOSSES[name], side)(scored, real, fake)
        slopes = torch.autograd.grad(loss, (real, fake), materialize_grads=True)
        assert all(torch.isfinite(tensor).all() for tensor in (loss, *slopes))


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=25, deadline=None)
@given(real=scores, fake=scores, shift=st.floats(-5, 5, width=32))
def test_relativistic_losses_see_differences_only(name: str, real: list, fake: list, shift: float) -> None:
    """Adding one number to every score changes nothing exactly where the loss is of differences."""
    moved = value(name, torch.tensor(real) + shift, torch.tensor(fake) + shift)
    if name in RELATIVE or name.startswith("wgan"):
        assert moved == pytest.approx(value(name, real, fake), rel=1e-3, abs=1e-3)
    else:
        assert value(name, [60.0] * 4, [60.0] * 4) > value(name, [0.0] * 4, [0.0] * 4)


@settings(max_examples=25, deadline=None)
@given(real=scores, fake=scores, scale=st.floats(0, 10, width=32))
def test_wasserstein_scales_with_the_scores(real: list, fake: list, scale: float) -> None:
    scaled = value("wgan", torch.tensor(real) * scale, torch.tensor(fake) * scale)
    assert scaled == pytest.approx(scale * value("wgan", real, fake), rel=1e-4, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(real=scores, fake=scores)
def test_properties_that_hold_for_every_score(real: list, fake: list) -> None:
    for side in ("d", "g"):
        assert value("bce", real, fake, side) == value("logistic", real, fake, side)
        for form in ("ra-bce", "ra-ls", "ra-hinge", "relativistic"):
            assert value(form, real, fake, "g") == pytest.approx(value(form, fake, real, "d"), rel=1e-5, abs=1e-6)
    assert value("minimax", real, fake, "g") <= 0 <= value("bce", real, fake, "g")
    assert value("hinge", real, fake) >= 0


def test_smoothing_moves_only_the_target_of_real_images() -> None:
    """D is content with real images at the logit of 0.9, and G's loss knows nothing of it."""
    real = torch.full((1,), math.log(9.0), requires_grad=True)
    (slope,) = torch.autograd.grad(BCE(smooth=0.9).d(scored, real, torch.zeros(1)), real)
    assert slope.item() == pytest.approx(0, abs=1e-7)
    assert value("bce-smooth", REAL, FAKE, "g") == value("bce", REAL, FAKE, "g")


def test_wgan_clip_clips_every_parameter() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    ClippedWasserstein(clip=0.05).after(net)
    assert max(parameter.abs().max().item() for parameter in net.parameters()) == pytest.approx(0.05)
    assert torch.equal(net[1].weight, torch.full((4,), 0.05))
    before = [parameter.clone() for parameter in net.parameters()]
    Wasserstein().after(net)
    assert all(map(torch.equal, before, net.parameters()))


@pytest.mark.parametrize("kind", [*(type(loss) for loss in LOSSES.values()), GP, R1, R2, Dragan, LeCam])
def test_options_are_keyword_only_and_documented(kind: type) -> None:
    parameters = list(inspect.signature(kind).parameters.values())
    own = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert not own or kind.__init__ is object.__init__
    assert "arXiv" in (kind.__doc__ or "") and "``" in (kind.__doc__ or "")
    assert all(p.default is not p.empty for p in parameters if p.kind is p.KEYWORD_ONLY)


# ---- penalties: a linear critic has one known gradient everywhere ----

SHAPE = (6, 3, 4, 4)
PENALTIES = {"gp": GP(), "r1": R1(), "r2": R2(), "dragan": Dragan()}


class Linear:
    """Scores ``a·x`` of flat images, whose gradient is ``a`` everywhere, in float64."""

    def __init__(self, norm: float) -> None:
        a = torch.randn(math.prod(SHAPE[1:]), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        self.a = (a / a.norm() * norm).requires_grad_()

    def __call__(self, x: Tensor) -> Tensor:
        return x.flatten(1).double() @ self.a


def images(seed: int) -> Tensor:
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_penalties_of_a_linear_critic_are_exact(norm: float) -> None:
    critic, real, fake = Linear(norm), images(0), images(1)
    assert GP()(critic, real, fake).item() == pytest.approx(10 * (norm - 1) ** 2, abs=1e-5)
    assert GP(weight=2)(critic, real, fake).item() == pytest.approx(2 * (norm - 1) ** 2, abs=1e-5)
    assert Dragan()(critic, real, fake).item() == pytest.approx(10 * (norm - 1) ** 2, abs=1e-5)
    assert Dragan(k=3.0)(critic, real, fake).item() == pytest.approx(10 * (norm - 3) ** 2, abs=1e-5)
    assert R1()(critic, real, fake).item() == pytest.approx(5 * norm**2, rel=1e-5)
    assert R2(gamma=1)(critic, real, fake).item() == pytest.approx(0.5 * norm**2, rel=1e-5)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_train_the_critic(name: str) -> None:
    """Their gradient in a linear critic's weights is the derivative of the closed form, and in the images nothing."""
    critic, real, fake = Linear(3.0), images(0).requires_grad_(), images(1).requires_grad_()
    PENALTIES[name](critic, real, fake).backward()
    expected = 10 * critic.a if name in ("r1", "r2") else 20 * (3 - 1) * critic.a / 3
    torch.testing.assert_close(critic.a.grad, expected.detach(), rtol=1e-5, atol=1e-6)
    assert real.grad is None and fake.grad is None


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_of_patches_is_that_of_their_mean(name: str) -> None:
    critic, real, fake = Linear(2.0), images(0), images(1)

    def patches(x: Tensor) -> Tensor:
        return critic(x)[:, None] * torch.tensor([0.5, 1.5, 1.0]) + torch.tensor([1.0, 2.0, 3.0])

    torch.testing.assert_close(PENALTIES[name](patches, real, fake), PENALTIES[name](critic, real, fake))


def test_where_each_penalty_looks() -> None:
    seen: dict[str, Tensor] = {}
    real, fake = images(0) + 10, images(1) - 10

    def watched(x: Tensor) -> Tensor:
        seen["x"] = x.detach()
        return x.sum((1, 2, 3))

    R1()(watched, real, fake)
    assert torch.equal(seen["x"], real)
    R2()(watched, real, fake)
    assert torch.equal(seen["x"], fake)
    GP()(watched, real, fake)
    share = (seen["x"] - fake) / (real - fake)
    assert ((share >= 0) & (share <= 1)).all() and torch.allclose(share, share[:, :1, :1, :1].expand(SHAPE), atol=1e-5)
    assert len(share[:, 0, 0, 0].unique()) == SHAPE[0]
    Dragan()(watched, real, fake)
    moved = seen["x"] - real
    assert (moved >= 0).all() and moved.max() <= 0.5 * real.std() and moved.max() > 0


def test_random_penalties_follow_the_global_generator() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    for penalty in (GP(), Dragan()):
        values = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            values.append(penalty(net, images(0), images(1)).item())
        assert values[0] == values[1] != values[2]


def test_gradient_agrees_with_finite_differences() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1), nn.Flatten(0)).double()
    x, step = images(3).double(), 1e-6
    slope = gradient(net, x)
    for pixel in (0, 17, 47):
        nudge = torch.zeros(48, dtype=torch.float64)
        nudge[pixel] = step
        nudge = nudge.view(SHAPE[1:])
        rise = (net(x + nudge) - net(x - nudge)) / (2 * step)
        torch.testing.assert_close(slope[:, pixel], rise, rtol=1e-5, atol=1e-8)


def test_gradient_ignores_autocast_and_no_grad() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        slope = gradient(critic, images(0))
    assert slope.dtype == torch.float32
    torch.testing.assert_close(slope, critic[1].weight.detach().expand(SHAPE[0], -1), rtol=0, atol=0)


def test_flat_critics_have_finite_second_derivatives() -> None:
    """Where the slope is 0 its norm has no derivative; the penalty must not turn that into NaN."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    nn.init.zeros_(net[1].weight)
    for name, penalty in PENALTIES.items():
        net.zero_grad()
        penalty(net, images(0), images(1)).backward()
        assert torch.isfinite(net[1].weight.grad).all(), name


@pytest.mark.parametrize("kind", [GP, R1, R2, Dragan, LeCam])
@pytest.mark.parametrize("every", [0, -2])
def test_every_is_a_number_of_rounds(kind: type, every: int) -> None:
    with pytest.raises(UsageError, match=f"{kind.__name__.lower()}:every={every}"):
        kind(every=every)
    assert kind(every=4).every == 4


# ---- LeCam ----


@pytest.mark.parametrize("decay", [1.0, -0.1, 2.0])
def test_lecam_refuses_averages_that_never_move(decay: float) -> None:
    with pytest.raises(UsageError, match="lecam:decay"):
        LeCam(decay=decay)


def test_lecam_draws_scores_towards_the_other_side() -> None:
    lecam = LeCam(weight=0.5, decay=0.9)
    real, fake = torch.tensor([2.0, 4.0]), torch.tensor([-1.0, -3.0])
    first = 0.5 * (((2 + 2) ** 2 + (4 + 2) ** 2) / 2 + ((-1 - 3) ** 2 + (-3 - 3) ** 2) / 2)
    assert lecam(scored, real, fake).item() == pytest.approx(first, rel=1e-5)
    usual_real = (0.9 * 3 + 1 * 13) / 1.9  # the second mean, 13, weighs 1 against 0.9 of the first
    usual_fake = (0.9 * -2 + 1 * 8) / 1.9
    second = 0.5 * (
        ((12 - usual_fake) ** 2 + (14 - usual_fake) ** 2) / 2 + ((9 - usual_real) ** 2 + (7 - usual_real) ** 2) / 2
    )
    assert lecam(scored, real + 10, fake + 10).item() == pytest.approx(second, rel=1e-5)


def test_lecam_state_survives_a_checkpoint_and_anchors_do_not_train() -> None:
    one, two = LeCam(), LeCam()
    one(scored, torch.tensor([1.0]), torch.tensor([0.0]))
    two.load_state_dict(one.state_dict())
    real, fake = torch.tensor([5.0, 2.0], requires_grad=True), torch.tensor([1.0, -3.0])
    first, second = one(scored, real, fake), two(scored, real, fake)
    assert torch.equal(first, second)
    (slope,) = torch.autograd.grad(first, real)
    anchor = two.fake / (1 - 0.99**2)
    torch.testing.assert_close(slope, 0.3 * 2 * (real.detach() - anchor) / 2)


# ---- other people's packages ----


def torchgan() -> ModuleType:
    return pytest.importorskip("torchgan.losses.functional", reason="pip install --no-deps torchgan==0.1.0")


def mimicry() -> ModuleType:
    """torch-mimicry's losses by file: its package imports TensorFlow."""
    found = importlib.util.find_spec("torch_mimicry")
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps torch-mimicry")
    path = Path(found.origin).parent / "modules" / "losses.py"
    spec = importlib.util.spec_from_file_location("mimicry_losses", path)
    assert isinstance(spec, ModuleSpec) and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_losses_agree_with_torchgan() -> None:
    other, r, f = torchgan(), torch.randn(16), torch.randn(16)
    pairs = {
        "bce": (other.minimax_discriminator_loss(r, f), other.minimax_generator_loss(f)),
        "bce-smooth": (other.minimax_discriminator_loss(r, f, 0.1), other.minimax_generator_loss(f)),
        "minimax": (
            other.minimax_discriminator_loss(r, f),
            other.minimax_generator_loss(f, nonsaturating=False),
        ),
        "ls": (other.least_squares_discriminator_loss(r, f), other.least_squares_generator_loss(f)),
        "ls-pearson": (
            other.least_squares_discriminator_loss(r, f, a=-1.0, b=1.0),
            other.least_squares_generator_loss(f, c=0.0),
        ),
        "wgan": (other.wasserstein_discriminator_loss(r, f), other.wasserstein_generator_loss(f)),
    }
    for name, (d, g) in pairs.items():
        torch.testing.assert_close(LOSSES[name].d(scored, r, f), d, msg=name)
        torch.testing.assert_close(LOSSES[name].g(scored, r, f), g, msg=name)


def test_penalties_agree_with_torchgan_on_single_images() -> None:
    """On one image, since torchgan takes one norm over the whole batch."""
    other, net = torchgan(), nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    x = images(5)[:1].requires_grad_()
    theirs = other.wasserstein_gradient_penalty(x, net(x))
    torch.testing.assert_close(GP(weight=1)(net, x, x), theirs)
    torch.testing.assert_close(Dragan(weight=1, c=0.0)(net, x, x), other.dragan_gradient_penalty(x, net(x)))


def test_losses_agree_with_mimicry() -> None:
    other, r, f = mimicry(), torch.randn(16, 1), torch.randn(16, 1)
    pairs = {
        "bce": (other.minimax_loss_dis(f, r), other.minimax_loss_gen(f)),
        "hinge": (other.hinge_loss_dis(f, r), other.hinge_loss_gen(f)),
        "wgan": (other.wasserstein_loss_dis(r, f), other.wasserstein_loss_gen(f)),
    }
    for name, (d, g) in pairs.items():
        torch.testing.assert_close(LOSSES[name].d(scored, r, f), d, msg=name)
        torch.testing.assert_close(LOSSES[name].g(scored, r, f), g, msg=name)
    torch.testing.assert_close(LOSSES["bce"].g(scored, r, f), other.ns_loss_gen(f))


def test_bce_agrees_with_torch() -> None:
    r, f = torch.randn(16), torch.randn(16)
    theirs = F.binary_cross_entropy_with_logits(r, torch.full_like(r, 0.9))
    theirs += F.binary_cross_entropy_with_logits(f, torch.zeros_like(f))
    torch.testing.assert_close(BCE(smooth=0.9).d(scored, r, f), theirs)
