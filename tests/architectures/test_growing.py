"""Networks that grow: their sizes, their stages, how they fade, and a training that is resumed in the middle of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from tiny_runs import contents, resume, tiny
from torch import Tensor, nn

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import ModelError, UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.growing import GrowingGame, Growth, enlarge, growth_of, shrink, stages_at
from ganzoo.machine.precision import Precision
from ganzoo.parts.update import Update
from ganzoo.training.loop import Trainer

# Parameters and tensors of G and of D, each built from its public code in November 2026: genforce (pggan) and
# pytorch_GAN_zoo (pggan-fb).
PGGAN = [
    ("pggan/32", 32, (20_719_628, 24), (20_726_785, 26)),
    ("pggan/64", 64, (22_490_383, 30), (22_498_049, 32)),
    ("pggan/256", 256, (23_044_309, 42), (23_052_353, 44)),
    ("pggan/512", 512, (23_072_120, 48), (23_080_225, 50)),
    ("pggan/1024", 1024, (23_079_115, 54), (23_087_249, 56)),
]
BIASES = 15 * 512  # the first layer of pytorch_GAN_zoo's G has a bias for each number, ours one for each map
PGGAN_FB = [
    ("pggan-fb/16", 16, (16_006_153, 18), (16_005_121, 20)),
    ("pggan-fb/32", 32, (20_727_308, 24), (20_726_785, 26)),
    ("pggan-fb/64", 64, (22_498_063, 30), (22_498_049, 32)),
    ("pggan-fb/128", 128, (22_941_074, 36), (22_941_313, 38)),
    ("pggan-fb/256", 256, (23_051_989, 42), (23_052_353, 44)),
    ("pggan-fb/512", 512, (23_079_800, 48), (23_080_225, 50)),
    ("pggan-fb/1024", 1024, (23_086_795, 54), (23_087_249, 56)),
]
STYLEGAN = [  # genforce
    ("stylegan1/32", 32, (22_841_356, 64), (20_726_785, 26)),
    ("stylegan1/64", 64, (25_137_935, 76), (22_498_049, 32)),
    ("stylegan1/256", 256, (26_086_229, 100), (23_052_353, 44)),
    ("stylegan1/512", 512, (26_179_768, 112), (23_080_225, 50)),
    ("stylegan1/1024", 1024, (26_219_627, 124), (23_087_249, 56)),
]
HEADS = ["pggan:ch=8", "stylegan:ch=8,mapping=2,start=4,mixing=0"]


def size(network: nn.Module) -> tuple[int, int]:
    parameters = list(network.parameters())
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(("name", "side", "g", "d"), [pytest.param(*row, id=row[0]) for row in (*PGGAN, *STYLEGAN)])
def test_networks_are_as_large_as_their_peers(name: str, side: int, g: tuple[int, int], d: tuple[int, int]) -> None:
    gan = ganzoo.build(name.partition("/")[0].rstrip("1"), side, device="meta")
    assert (size(gan.G), size(gan.D)) == (g, d)


@pytest.mark.parametrize(("side", "g", "d"), [row[1:] for row in PGGAN_FB], ids=[row[0] for row in PGGAN_FB])
def test_what_differs_on_purpose_differs_by_that(side: int, g: tuple[int, int], d: tuple[int, int]) -> None:
    gan = ganzoo.build("pggan", side, device="meta")
    assert ((size(gan.G)[0] + BIASES, size(gan.G)[1]), size(gan.D)) == (g, d)


def at(gan: GAN, level: float) -> GAN:
    """The GAN with both networks at a number of stages."""
    assert isinstance(gan.game, GrowingGame)
    gan.game.stand_at(level)
    return gan


def drawn(gan: GAN, n: int = 3) -> Tensor:
    z = torch.randn(n, gan.z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return gan.G(z, torch.zeros(n, 0))


@pytest.fixture(params=HEADS)
def gan(request: pytest.FixtureRequest) -> GAN:
    torch.manual_seed(0)
    return ganzoo.build(request.param, 32, 3).train()


def test_a_fresh_network_is_whole(gan: GAN) -> None:
    assert drawn(gan).shape == (3, 3, 32, 32)


def test_at_alpha_0_the_picture_is_the_old_one_doubled(gan: GAN) -> None:
    old = drawn(at(gan, 1))
    assert old.shape == (3, 3, 8, 8)
    just_begun = drawn(at(gan, 1 + 2**-16))
    assert torch.allclose(just_begun, F.interpolate(old, scale_factor=2, mode="nearest"), atol=1e-3)


def test_fading_in_is_a_straight_line_to_the_next_stage(gan: GAN) -> None:
    old, new = enlarge(drawn(at(gan, 1))), drawn(at(gan, 2))
    assert torch.allclose(drawn(at(gan, 1.25)), 0.75 * old + 0.25 * new, atol=1e-5)


def test_both_networks_agree_all_the_way(gan: GAN) -> None:
    last = growth_of(gan.G).last
    for eighths in range(8 * last + 1):
        images = drawn(at(gan, eighths / 8))
        assert images.shape[2] == 32 >> last - growth_of(gan.D).high
        assert gan.D(images, torch.zeros(3, 0)).scores.isfinite().all()


def test_d_sees_of_larger_images_what_the_stage_has(gan: GAN) -> None:
    small = drawn(at(gan, 1.5))
    with torch.no_grad():
        scores = [gan.D(x, torch.zeros(3, 0)).score for x in (small, enlarge(small), enlarge(small, 2))]
    assert torch.allclose(scores[0], scores[1], atol=1e-5) and torch.equal(scores[1], scores[2])


def test_d_fades_between_what_both_stages_say(gan: GAN) -> None:
    trunk, x = gan.D.trunk, torch.randn(2, 3, 8, 8)
    seen: list[Tensor] = []
    trunk.blocks[0].register_forward_hook(lambda *call: seen.append(call[2]))
    at(gan, 0.25)
    with torch.no_grad():
        trunk.eval()(x, torch.zeros(2, 0))
        wanted = 0.75 * trunk.of_image(F.avg_pool2d(x, 2), 0) + 0.25 * seen[0]
        mixed: list[Tensor] = []
        trunk.spread.register_forward_hook(lambda module, inputs, made: mixed.append(inputs[0]))
        trunk(x, torch.zeros(2, 0))
    assert torch.allclose(mixed[0], wanted, atol=1e-5)


def test_images_are_whole_out_of_training(gan: GAN) -> None:
    small = drawn(at(gan, 1.5))
    assert torch.equal(drawn(gan.eval()), enlarge(small, 2))
    assert gan.sample(2, seed=0).shape == (2, 3, 32, 32)


def test_real_images_fade_as_fakes_do(gan: GAN) -> None:
    real = torch.randn(2, 3, 32, 32)
    game = at(gan, 1.25).game
    at_16 = F.avg_pool2d(real, 2)
    wanted = 0.75 * F.interpolate(F.avg_pool2d(real, 4), scale_factor=2, mode="nearest") + 0.25 * at_16
    assert torch.allclose(game.shown(real), wanted, atol=1e-6)
    assert torch.equal(at(gan, 3).game.shown(real), real)
    assert torch.allclose(at(gan, 0).game.shown(real), F.avg_pool2d(real, 8), atol=1e-6)


def test_stages_share_the_way() -> None:
    stages = [stages_at(quarter / 4, 0, 2, 0.5) for quarter in range(9)]
    assert stages == [0, 0, 0, 0.5, 1, 1, 1, 1.5, 2]
    assert [stages_at(done, 1, 3, 0.5) for done in (0, 0.75, 2, 14)] == [1, 1.5, 3, 3]
    assert [stages_at(done, 0, 2, 0) for done in (0, 0.98, 1)] == [0, 0, 1]
    assert stages_at(0.5, 0, 2, 1) == 0.5


@pytest.mark.parametrize(
    ("grow", "seen", "pixels"),
    [
        ("linear/0/3/1k", 0, 4),
        ("linear/0/3/1k", 510, 16),
        ("linear/0/3/1k", 1000, 32),
        ("linear/0/3/1k", 10**6, 32),
        ("8", 0, 32),
        ("0", 10**6, 4),
        ("linear/0/6", 160, 32),
        ("linear/0/6", 96, 16),
        ("", 799_984, 4),
        ("", 1_600_000, 8),
        ("", 4_800_000, 32),
    ],
)
def test_networks_grow_with_the_images_that_were_seen(grow: str, seen: int, pixels: int) -> None:
    gan = ganzoo.build(f"pggan:ch=4{grow and ',grow='}{grow}", 32, 1)
    gan.update = Update(seen // 16, "d", horizon=20, images_seen=seen)
    ctx = gan.train().game.context({"image": torch.zeros(2, 1, 32, 32)}, 0, "d")
    assert ctx.real.shape[2] == ctx.fake.shape[2] == pixels
    assert ctx.at.reports["pixels"] == pixels


def test_averages_stand_where_the_networks_do() -> None:
    gan = ganzoo.build("pggan:ch=4,grow=linear/0/4", 16, 1, settings={"batch": 2, "ema": 0.5})
    trainer = Trainer(gan, 0, 16, Precision(torch.device("cpu"), torch.float32))
    for _ in range(4):
        trainer.train_step([{"image": torch.zeros(2, 1, 16, 16)}])
    live, average = growth_of(gan.G), growth_of(trainer.ema.averages["G"])
    assert live.level.item() == average.level.item() == 0.5
    assert (average.low, average.high) == (0, 1)


def test_state_brings_back_the_stage() -> None:
    one, two = (at(ganzoo.build("pggan:ch=4", 16, 1), level) for level in (0.5, 2))
    two.load_state_dict(one.state_dict())
    assert (growth_of(two.G).low, growth_of(two.G).high) == (0, 1)
    assert torch.equal(drawn(one.eval()), drawn(two.eval()))
    growth = Growth(3)
    growth.load_state_dict({"level": torch.tensor(1e9)})
    assert (growth.low, growth.high, growth.level.item()) == (3, 3, 3)


@pytest.mark.parametrize("recipe", HEADS)
def test_a_training_resumed_in_the_middle_of_fading_is_the_unbroken_one(recipe: str, tmp_path: Path) -> None:
    options = {"horizon": 16, "resolution": 16, "batch": 2, "log_every": 1, "save_every": 2}
    growing = f"{recipe},grow=linear/0/4"
    whole = tiny(tmp_path / "whole", growing, steps=5, **options)
    tiny(tmp_path / "parts", growing, steps=3, **options)
    parts = resume(tmp_path / "parts", steps=5)
    first, second = contents(whole.folder), contents(parts.folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_a_model_that_still_grows_draws_whole_images(tmp_path: Path) -> None:
    run = tiny(tmp_path / "run", "pggan:ch=4,grow=0.5", steps=1, resolution=16, batch=2)
    model = ganzoo.load(run.folder)
    assert growth_of(model.G).high == 0
    images = model.sample(2, seed=0)
    assert images.shape[2:] == (16, 16)
    assert torch.allclose(images, enlarge(shrink(images, 4), 4), atol=1e-6)


def test_networks_that_do_not_both_grow_are_trained_whole() -> None:
    gan = ganzoo.build("pggan:ch=4+dcgan@d", 16, 1)
    gan.update = Update(0, "d")
    assert gan.train().game.context({"image": torch.zeros(2, 1, 16, 16)}, 0, "d").fake.shape[2] == 16


@pytest.mark.parametrize(
    ("recipe", "side", "says"),
    [
        ("pggan:fade=2", 16, "pggan:fade=2"),
        ("pggan:ch=0", 16, "pggan:ch=0"),
        ("pggan:group=-1", 16, "pggan:group=-1"),
        ("pggan", 17, "nearest sizes"),
        ("pggan:grow=soon", 16, "pggan:grow=soon does not work"),
        ("pggan:grow=linear/0/1/5k+dcgan@d", 16, "G and D must grow together, and pggan and dcgan do not"),
    ],
)
def test_what_does_not_work_is_said_in_one_line(recipe: str, side: int, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        ganzoo.build(recipe, side, 1, device="meta")
    assert "\n" not in str(refused.value)


def test_a_batch_in_pieces_is_refused() -> None:
    with pytest.raises(UsageError, match="pggan, which looks across the batch"):
        ganzoo.build("pggan:ch=4", 16, 1, settings={"accumulate.d": 2}, device="meta")


def test_drift_is_the_mean_square_of_real_scores() -> None:
    gan = ganzoo.build("gan:ch=4+drift:weight=0.5", 16, 1)
    real = torch.randn(4, 1, 16, 16)
    gan.eval()
    terms = gan.game.discriminator_loss({"image": real}, 0)
    wanted = 0.5 * gan.D(real, torch.zeros(4, 0)).scores.square().mean()
    assert torch.allclose(terms["drift"], wanted)
    assert "drift" not in gan.game.generator_loss({"image": real}, 0)


def test_a_model_that_still_grows_says_so_wherever_it_is_met(tmp_path: Path) -> None:
    run = tiny(tmp_path / "run", "pggan:ch=4,grow=linear/0/4", steps=1, horizon=9, resolution=16, batch=2)
    how = "a run grows to its end with pggan:grow=linear/0/2"
    said = f"it is still growing: its images have 4x4 pixels, enlarged to 16x16; {how}"
    assert json.loads((run.folder / "config.json").read_text())["remarks"] == [said]
    assert f"Note: {said}." in (run.folder / "README.md").read_text()
    drawn = CliRunner().invoke(main, ["sample", str(run.folder), "-n", "1", "--out", str(tmp_path / "one.png")])
    assert drawn.exit_code == 0 and f"note: {run.folder}: {said}" in drawn.stderr
    grown = resume(run.folder, steps=6)
    assert "remarks" not in json.loads((grown.folder / "config.json").read_text())
    assert "Note:" not in (grown.folder / "README.md").read_text()
    at(run := ganzoo.build("pggan:ch=4", 16, 1), 0.25)
    assert run.game.remarks() == [
        f"it is still growing: its images have 8x8 pixels, faded in by 25%, enlarged to 16x16; {how}",
    ]


@pytest.mark.parametrize("remarks", ["growing", [1], ["x" * 301], ["x"] * 11])
def test_remarks_of_a_folder_are_checked(remarks: object, tmp_path: Path) -> None:
    gan = ganzoo.build("pggan:ch=4", 8, 1)
    folder = gan.save(tmp_path / "model", data="mine", license="mit")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "remarks": remarks}))
    with pytest.raises(ModelError, match="a list of a few short texts"):
        ganzoo.load(folder)


@pytest.mark.parametrize("norm", ["in@g", "pixelnorm@g", "normalization/none@g"])
def test_a_norm_that_w_does_not_steer_is_refused(norm: str) -> None:
    with pytest.raises(UsageError, match="keep adain@g, or name style@g"):
        ganzoo.build(f"stylegan:ch=2+{norm}", resolution=16, channels=1)
    assert ganzoo.build("stylegan:ch=2+style@g", resolution=16, channels=1).G.layers == 6


@pytest.mark.parametrize("recipe", HEADS)
def test_another_layout_of_memory_draws_the_same(recipe: str) -> None:
    """No norm makes rounding errors large enough to see, also in networks that have hardly learned."""
    for seed in range(3):
        torch.manual_seed(seed)
        gan = ganzoo.build(recipe, 32, 3).eval()
        one = drawn(gan)
        gan.G.to(memory_format=torch.channels_last)
        torch.testing.assert_close(drawn(gan), one, rtol=0, atol=1e-4)
