"""GANs as users and parts meet them: sampling, critics, turns, and what build refuses."""

import copy
import math
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.errors import RecipeError, ResolutionError, UsageError
from ganzoo.folder.weights import make_plain
from ganzoo.gan.catalogue import heads
from ganzoo.gan.game import Turn
from ganzoo.parts.context import Critic
from ganzoo.parts.output import Output
from ganzoo.registry.loading import registry
from ganzoo.testing import plugin
from ganzoo.testing.tiny import subject

SMALL = {"resolution": 16, "channels": 1, "z_dim": 8}


@pytest.fixture(scope="module")
def gan():
    torch.manual_seed(0)
    return ganzoo.build("dcgan:ch=8+onehot", classes=3, **SMALL)


def test_the_first_samples_do_not_depend_on_how_many_follow(gan):
    many = gan.sample(7, seed=5)
    assert many.shape == (7, 1, 16, 16) and many.dtype == torch.float32
    assert many.min() >= 0 and many.max() <= 1
    torch.testing.assert_close(gan.sample(3, seed=5), many[:3])
    torch.testing.assert_close(gan.sample(7, seed=5, batch=2), many)
    assert not torch.equal(gan.sample(7, seed=6), many)


def test_noise_is_a_function_of_seed_and_index(gan):
    assert torch.equal(gan.noise(4, 1)[2:], gan.noise(2, 1, start=2))


def test_labels_are_numbers_or_names_and_default_to_all_in_turn(gan):
    gan.class_names = ("cat", "dog", "7")
    z = gan.noise(3, 0)
    torch.testing.assert_close(gan.sample(labels=["dog", 1, "1"], z=z), gan.sample(labels=[1, 1, 1], z=z))
    torch.testing.assert_close(gan.sample(3, z=z), gan.sample(labels=[0, 1, 2], z=z))
    torch.testing.assert_close(gan.sample(labels=["7"], z=z[:1]), gan.sample(labels=[2], z=z[:1]))
    with pytest.raises(UsageError, match=r"dgo.*dog"):
        gan.sample(labels=["dgo"])
    with pytest.raises(UsageError, match="2 labels for 3"):
        gan.sample(3, labels=[0, 1])
    with pytest.raises(UsageError, match="from 0 to 2"):
        gan.sample(labels=[3])


def test_an_unconditional_model_takes_no_labels():
    with pytest.raises(UsageError, match="unconditional"):
        ganzoo.build("dcgan:ch=8", **SMALL).sample(labels=[0])


def test_outputs(gan):
    tensor = gan.sample(2, seed=0)
    array, pictures = gan.sample(2, seed=0, output="np"), gan.sample(2, seed=0, output="pil")
    assert array.shape == (2, 16, 16, 1) and array.dtype == np.float32
    np.testing.assert_array_equal(array, tensor.permute(0, 2, 3, 1).numpy())
    assert pictures[0].mode == "L" and pictures[0].size == (16, 16)
    assert abs(np.asarray(pictures[1], dtype=float) / 255 - array[1, ..., 0]).max() < 0.5 / 255 + 1e-6
    with pytest.raises(UsageError, match="jpg"):
        gan.sample(1, output="jpg")


def test_sampling_leaves_the_mode_alone_and_is_in_eval_mode(gan):
    gan.train()
    before = {name: value.clone() for name, value in gan.G.state_dict().items()}
    gan.sample(4, seed=0)
    assert gan.G.training
    assert all(torch.equal(value, before[name]) for name, value in gan.G.state_dict().items())


class Mapped(nn.Module):
    """A generator by protocol alone, whose truncation draws its images towards their mean."""

    def __init__(self, kit):
        super().__init__()
        self.layer, self.psi = nn.Linear(kit.z_dim, math.prod(kit.image)), 1.0
        self.size = kit.image

    def forward(self, z, y):
        """Images of noise."""
        return torch.tanh(self.psi * self.layer(z)).unflatten(1, self.size)

    def prior(self, n, rng, truncation=None):
        """Noise, whatever the truncation."""
        return torch.randn(n, self.layer.in_features, generator=rng)

    def truncate(self, value):
        """From 0, the mean, to 1."""
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"truncation={value} does not work: it is from 0 to 1")
        self.psi = 1.0 if value is None else value


def test_a_generator_by_protocol_has_a_truncation_of_its_own():
    class Mappers:
        @ganzoo.hookimpl
        def register_architectures(self, register):
            register("mapped", generator=Mapped)

    with plugin(Mappers()):
        gan = ganzoo.build("dcgan:ch=4+mapped@g", **SMALL)
    free, mean, again = (gan.sample(4, seed=0, truncation=t) for t in (None, 0.0, None))
    assert torch.equal(free, again) and mean.std() == 0 < free.std()
    assert torch.equal(gan.noise(4, 0), gan.noise(4, 0, truncation=0.5))
    with pytest.raises(UsageError, match="from 0 to 1"):
        gan.sample(1, truncation=2.0)
    with pytest.raises(UsageError, match="more than 0"):
        ganzoo.build("dcgan:ch=4", **SMALL).sample(1, truncation=0.0)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_priors_and_truncation(prior):
    gan = ganzoo.build("gan:ch=8", settings={"prior": prior}, resolution=16, channels=1, z_dim=64)
    free, cut = gan.noise(64, 0), gan.noise(64, 0, truncation=0.5)
    assert cut.abs().max() <= 0.5 < free.abs().max()
    assert abs(free.mean()) < 0.1
    assert abs(free.std() - (1.0 if prior == "normal" else 3**-0.5)) < 0.05
    if prior == "uniform":
        assert free.abs().max() <= 1


def test_the_truncated_normal_is_cut_once_and_scaled_by_a_truncation():
    gan = ganzoo.build("gan:ch=8", settings={"prior": "truncated-normal"}, resolution=16, channels=1, z_dim=64)
    free = gan.noise(64, 0)
    assert 1.9 < free.abs().max() <= 2 and abs(free.std() - 0.88) < 0.03
    torch.testing.assert_close(gan.noise(64, 0, truncation=0.3), free * 0.3)


def test_turns_are_due_by_every_start_and_stop():
    turn = Turn("d", lambda batch, step: {}, every=3, start=3, stop=10)
    assert [step for step in range(15) if turn.due(step)] == [3, 6, 9]


class Counter(nn.Module):
    passes = 0

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Output:
        self.passes += 1
        return Output(x.mean((1, 2, 3)).to(torch.bfloat16) + y.sum(1), x, {"more": x.sum().bfloat16()})


def test_a_critic_makes_each_pass_once_and_speaks_fp32():
    judge = Counter()
    x, y = torch.randn(2, 1, 4, 4), torch.zeros(2, 1)
    critic = Critic(judge, y=y)
    assert critic(x) is critic(x) and critic.output(x).features is x and judge.passes == 1
    assert critic(x).dtype == torch.float32 and critic.output(x).extras["more"].dtype == torch.float32
    needs = x.clone().requires_grad_()
    assert critic(needs) is critic(needs) and judge.passes == 2
    with torch.no_grad():
        assert critic(needs).requires_grad and judge.passes == 2, "a pass with a graph serves one that needs none"
        bare = x.clone().requires_grad_()
        assert not critic(bare).requires_grad
    assert critic(bare).requires_grad and judge.passes == 4, "one without never serves one that needs it"
    other = critic.with_(y=y + 1)
    torch.testing.assert_close(other(x), critic(x) + 1, atol=0.02, rtol=0.02)


def test_the_game_says_how_often_its_critic_was_right():
    torch.manual_seed(0)
    gan = ganzoo.build("dcgan:ch=8", **SMALL)
    assert gan.game.accuracy() is None
    for turn in gan.turns():
        turn.loss({"image": torch.rand(4, 1, 16, 16) * 2 - 1}, 0)
    real, fake = gan.game.accuracy()
    assert 0 <= real <= 1 and 0 <= fake <= 1


@pytest.mark.parametrize(
    "loss, right",
    [("hinge", (1, 0)), ("ls", (1, 1)), ("ls:a=-1,b=1", (1, 0)), ("wgan", (1, 1)), ("relativistic", (1, 1))],
)
def test_right_is_what_the_loss_calls_right(loss, right, monkeypatch):
    gan = ganzoo.build(f"dcgan:ch=8+{loss}", **SMALL)

    def white(x, y):
        return Output(0.3 + 0.4 * (x.mean((1, 2, 3)) > 0.9) + 0 * x.sum((1, 2, 3)), x)

    monkeypatch.setattr(gan.D, "forward", white)
    next(turn for turn in gan.turns() if turn.player == "d").loss({"image": torch.ones(4, 1, 16, 16)}, 0)
    assert gan.game.accuracy() == right


@pytest.mark.parametrize("head", ["plain", "projection", "ac"])
def test_heads_speak_fp32_where_networks_compute_in_bf16(head):
    torch.manual_seed(0)
    gan = ganzoo.build(f"dcgan:ch=8+conditioning/{head}", classes=2, **SMALL)
    x, y = torch.rand(4, 1, 16, 16), torch.eye(2)[[0, 1, 0, 1]][:, : gan.classes]
    with torch.autocast("cpu", torch.bfloat16):
        said = gan.D(x, y)
    assert all(value.dtype == torch.float32 for value in (said.scores, *said.extras.values()))
    assert not torch.equal(said.scores, said.scores.bfloat16().float())


def test_labels_reach_the_critic_through_the_conditioning():
    torch.manual_seed(0)
    gan = ganzoo.build("sngan:ch=8+projection", classes=2, **SMALL)
    x = torch.rand(2, 1, 16, 16)
    eye = torch.eye(2)
    assert not torch.allclose(gan.D(x, eye).scores, gan.D(x, eye.flip(0)).scores)


@pytest.mark.parametrize("law", ["normal", "normal/0.1", "orthogonal", "xavier/2"])
def test_initial_weights_follow_the_setting_and_come_before_spectral_norm(law):
    gan = ganzoo.build("dcgan:ch=16+sn", settings={"init": law}, resolution=32)
    raw = gan.D.trunk.stages[1].conv.parametrizations.weight.original
    name, _, width = law.partition("/")
    if name == "normal":
        assert abs(raw.std() / float(width or 0.02) - 1) < 0.1
    if name == "orthogonal":
        flat = raw.flatten(1)
        torch.testing.assert_close(flat @ flat.T, torch.eye(len(flat)), atol=1e-4, rtol=0)
    if name == "xavier":
        assert raw.abs().max() <= 2 * (6 / (raw[0].numel() + raw.shape[0] * 16)) ** 0.5
    used = gan.D.trunk.stages[1].conv.weight
    assert abs(torch.linalg.matrix_norm(used.flatten(1), 2) - 1) < 0.1


@pytest.mark.parametrize(
    ("recipe", "sizes", "words"),
    [
        ("dcgan", {"resolution": 28}, ["28", "32"]),
        ("dcgan+sa@64", {}, ["dcgan has attention sites 8, 16; none at 64"]),
        ("dcgan+sa@8,64", {}, ["none at 64"]),
        ("gan+sa", {}, ["gan has no attention sites"]),
        ("dcgan:ch=1000000000000", {}, ["ch=1000000000000"]),
        ("dcgan:ch=20000", {}, ["parameters", "GANZOO_MAX_PARAMETERS"]),
        ("dcgan", {"resolution": 0}, ["resolution=0"]),
        ("dcgan", {"channels": -1}, ["channels=-1"]),
        ("dcgan", {"classes": -1}, ["classes=-1"]),
        ("dcgan", {"resolution": 1 << 40}, ["dcgan"]),
    ],
)
def test_build_refuses_before_it_allocates(recipe, sizes, words):
    with pytest.raises(RecipeError if recipe != "dcgan" else UsageError) as refused:
        ganzoo.build(recipe, **sizes)
    assert all(word in str(refused.value) for word in words)


def test_a_resolution_error_knows_what_would_work():
    with pytest.raises(ResolutionError) as refused:
        ganzoo.build("dcgan", resolution=100, device="meta")
    assert set(refused.value.nearest) == {64, 128}


def test_the_parameter_limit_is_an_environment_variable(monkeypatch):
    monkeypatch.setenv("GANZOO_MAX_PARAMETERS", "1000")
    with pytest.raises(RecipeError, match="1,000 allowed"):
        ganzoo.build("dcgan", device="meta")


def test_meta_allocates_nothing():
    gan = ganzoo.build("sagan", classes=10, device="meta")
    assert all(p.is_meta for p in gan.parameters()) and gan.sites["g"][16]


def test_parts_by_themselves():
    scores = torch.tensor([0.5, -2.0])
    assert ganzoo.create("hinge").d(lambda x: x, scores, scores) == pytest.approx((0.5 + 3) / 2 + 1.5 / 2)
    assert ganzoo.create("normalization/gn", 8, 0, groups=2)(torch.randn(2, 8, 4, 4), torch.zeros(2, 0)).shape[1] == 8
    with pytest.raises(UsageError, match=r"gama.*gamma"):
        ganzoo.create("r1", gama=1)
    assert "hinge" in ganzoo.list("loss") and ganzoo.info("sagan").paper == "arxiv:1805.08318"


def test_a_loaded_gan_can_be_pickled_saved_and_sent_to_a_process(tmp_path):
    gan = ganzoo.load("dcgan-mnist")
    images = gan.sample(2, seed=0)
    assert torch.equal(pickle.loads(pickle.dumps(gan)).sample(2, seed=0), images)
    torch.save(gan, tmp_path / "gan.pt")
    assert torch.equal(torch.load(tmp_path / "gan.pt", weights_only=False).sample(2, seed=0), images)


def test_a_gan_with_parts_of_every_kind_can_be_pickled():
    gan = ganzoo.build("sagan:ch=4+weight/none+lecam+r1+diffaugment+sa@16", resolution=32, channels=1, classes=3)
    assert torch.equal(pickle.loads(pickle.dumps(gan)).sample(2, seed=0), gan.sample(2, seed=0))


@pytest.mark.parametrize(
    "entry",
    [*heads(), *(entry for kind in ("loss", "regularizer", "augment") for entry in registry().entries(kind))],
    ids=lambda entry: entry.spelling,
)
def test_a_gan_with_any_part_can_be_pickled_and_copied(entry):
    gan = subject(entry).build()
    for module in gan.children():  # the networks, and parts that have some
        make_plain(module)  # torch itself pickles no module with a parametrization
    again = pickle.loads(pickle.dumps(gan))
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), gan.state_dict().values(), strict=True))
    assert copy.deepcopy(gan).turns()


@pytest.mark.slow
def test_a_loaded_gan_is_sent_to_a_process_that_is_spawned():
    gan = ganzoo.load("gan-mnist")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert torch.equal(pool.submit(gan.sample, 2, seed=0).result(), gan.sample(2, seed=0))
