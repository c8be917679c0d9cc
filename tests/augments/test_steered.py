"""How ADA and APA steer their probability: by hand, in images, over processes and a resume, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.augments.ada.draws import Draws
from ganzoo.augments.ada.pipe import ADA
from ganzoo.augments.apa import APA
from ganzoo.augments.blur import Blur
from ganzoo.card import draw_pictures, make_card
from ganzoo.errors import UsageError
from ganzoo.folder.model import ModelFolder
from ganzoo.parts import Augment, Output, TurnContext
from ganzoo.parts.update import Update
from ganzoo.training.loop import Trainer

SIDE = 8


class Noise(torch.nn.Module):
    """A generator of which a context asks for noise alone."""

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        return torch.randn(n, 4, generator=rng)


def update(scores: list[float], number: int = 0, player: str = "d", step: int = 0, fake: float = 0.0) -> TurnContext:
    """An update of D that gives real images these scores and fakes another; G draws its noise."""
    n = len(scores)

    def discriminate(ctx: TurnContext, x: Tensor, exact: bool, conditions: object) -> Output:
        return Output(torch.full((n,), fake) if x is ctx.fake else torch.tensor(scores), None)

    y = torch.zeros(n, 0)
    ctx = TurnContext(
        Update(step, player, number, horizon=10, images_seen=step * n),
        discriminate,
        lambda z, y: z.reshape(-1, 1, 2, 2),
        batch={},
        real=torch.zeros(n, 1, 2, 2),
        z=torch.zeros(n, 4),
        y_real=y,
        y_fake=y,
        networks={"G": Noise()},
    )
    ctx.boundary = 0.0
    ctx.fake = torch.ones(n, 1, 2, 2)
    return ctx


SURE, UNSURE = [1.0, 2.0, 3.0, 4.0], [1.0, -2.0, -3.0, 4.0]  # mean signs of 1 and 0


@pytest.mark.parametrize("kind", [ADA, APA])
def test_p_moves_by_images_every_interval_and_never_leaves_0_to_1(kind: type[ADA] | type[APA]) -> None:
    part = kind(interval=2, kimg=0.032)  # 32 images from 0 to 1, and 8 in each interval
    seen = []
    for number, scores in enumerate([SURE, SURE, SURE, UNSURE, *[SURE] * 8, *[UNSURE] * 10]):
        part.observe(update(scores, number))
        seen.append(round(float(part.p), 4))
    # r is 1, then 0.5, which is below the target of 0.6; at the end it comes down to 0 and stays there.
    up, down = [0, 0.25, 0.25, 0.0], [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1.0]
    assert seen == [*up, *down, 1.0, 0.75, 0.75, 0.5, 0.5, 0.25, 0.25, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("batch", [1, 2, 4, 16])
def test_p_is_the_same_after_as_many_images_for_every_batch(batch: int) -> None:
    part = ADA(kimg=1)
    for number in range(256 // batch):
        part.observe(update([1.0] * batch, number))
    assert float(part.p) == pytest.approx(0.256)


def test_the_boundary_is_the_losss_or_halfway_between_real_and_fake() -> None:
    part = ADA(interval=1, kimg=0.004)
    high = [10.0, 11.0, 12.0, 13.0]
    for boundary, fake, p in ((10.5, 0.0, 0.0), (None, 0.0, 1.0), (None, 12.9, 0.0), (0.5, 0.0, 1.0)):
        ctx = update(high, fake=fake)
        ctx.boundary = boundary
        part.observe(ctx)
        assert float(part.p) == p


def test_r_and_p_are_reported_and_a_fixed_p_follows_its_schedule() -> None:
    part, ctx = ADA(interval=1, kimg=0.016), update(SURE)
    part.observe(ctx)
    assert {name: float(value) for name, value in ctx.at.reports.items()} == {"ada_p": 0.25, "ada_r": 1.0}
    fixed = ADA(p="linear/0/0.5/5")
    for step, p in ((0, 0.0), (1, 0.1), (5, 0.5), (9, 0.5)):
        ctx = update(SURE, step=step)
        fixed.p.fill_(0.9)  # which is not looked at
        fixed.observe(ctx)
        assert float(ctx.at.reports["ada_p"]) == pytest.approx(p) and list(ctx.at.reports) == ["ada_p"]
    x = torch.rand(3, 1, 4, 4)
    assert fixed.images(x, update(SURE)) is x


def test_apa_shows_d_fakes_of_their_own_noise_with_probability_p() -> None:
    part = APA(p=0.3)
    ctx = update([0.0] * 2000)
    ctx.real = torch.full_like(ctx.real, 7.0)
    shown = part.reals(ctx)
    replaced = (shown != 7.0).flatten(1).any(1)
    assert float(replaced.float().mean()) == pytest.approx(0.3, abs=0.04) and not shown.requires_grad
    assert len({picture.numpy().tobytes() for picture in shown[replaced]}) == int(replaced.sum())
    ctx = update([0.0] * 8, player="g")
    assert part.reals(ctx) is ctx.real and APA(p=0.0).reals(update(SURE)) is not None
    assert bool((APA(p=1.0).reals(update(SURE)) != 0).flatten(1).any(1).all())
    assert torch.equal(APA().reals(update(SURE)), update(SURE).real)  # p begins at 0


def test_an_image_and_its_source_share_one_draw() -> None:
    x, source = torch.rand(16, 3, SIDE, SIDE), torch.rand(16, 1, SIDE, SIDE)
    part = ADA(pipe=("blit",), p=1.0)
    _, beside = part.pair(x, source, update(SURE))
    both, again = part.pair(torch.cat([x, source], 1), source, update(SURE))  # another draw
    assert torch.equal(both[:, 3:], again) and not torch.equal(beside, again)
    sides = ADA(pipe=("geom",), p=0.7)
    warped, same = sides.pair(source, source, update(SURE))
    assert torch.equal(warped, same) and not torch.equal(warped, source)


def test_d_is_shown_pairs_that_were_moved_alike() -> None:
    gan = ganzoo.build("gan:ch=2+ada:pipe=blit,p=1", SIDE, 1, z_dim=4)
    adversary = gan.game.adversary
    shown = []
    gan.D.forward = lambda x, y=None, source=None: shown.append((x, source)) or Output(x.mean((1, 2, 3)), None)
    x = torch.rand(8, 1, SIDE, SIDE)
    ctx = update(SURE * 2)
    adversary._pass(ctx, x, False, {"source": x})
    assert torch.equal(*shown[0]) and not torch.equal(shown[0][0], x)


# --- in trainings -----------------------------------------------------------------------------------------------

LIFE = "gan:ch=8+hinge+{}kimg=0.032,interval=2,target=-0.99"


def trained(recipe: str, steps: int) -> Trainer:
    torch.manual_seed(0)
    gan = ganzoo.build(recipe, SIDE, 1, z_dim=4, settings={"batch": 4})
    trainer = Trainer(gan, 0, 8)
    for step in range(steps):
        images = torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(step)) * 2 - 1
        trainer.train_step([{"image": images}] * trainer.batches_per_step)
    return trainer


@pytest.mark.parametrize("part", ["ada:pipe=b,", "apa:"])
def test_a_resumed_training_goes_on_between_two_moves_of_p(part: str) -> None:
    recipe, name = LIFE.format(part), part.partition(":")[0]
    whole, first = trained(recipe, 5), trained(recipe, 3)
    saved = {name: tensor.clone() for name, tensor in first.tensors().items()}
    assert 0 < float(saved[f"gan/part_{name}.p"]) < 1 and int(saved[f"gan/part_{name}.images_since"]) == 4
    second = trained(recipe, 0)
    second.restore(3, saved, first.counts)
    for step in (3, 4):
        images = torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(step)) * 2 - 1
        second.train_step([{"image": images}] * second.batches_per_step)
    assert all(torch.equal(tensor, second.tensors()[name]) for name, tensor in whole.tensors().items())


@pytest.mark.parametrize("more", ["apa", "diffaugment", "r1", "gp", "lo", "cr"])
def test_it_goes_with_others(more: str) -> None:
    trainer = trained(f"gan:ch=8+hinge+ada:pipe=bgcfnc,p=0.9+{more}", 2)
    trainer.check()


def test_the_log_and_the_card_have_the_curve_of_p(tmp_path: Path) -> None:
    images = torch.randint(256, (16, 1, 16, 16), dtype=torch.uint8)
    words = {"batch": 4, "device": "cpu", "quiet": True, "log_every": 2}
    run = ganzoo.train(LIFE.format("ada:pipe=b,"), images, tmp_path / "a", 4, **words)
    lines = [json.loads(line) for line in (Path(run.folder) / "log.jsonl").read_text("utf-8").splitlines()]
    reports = [line["reports"] for line in lines if "reports" in line]
    assert reports and all(0 <= told["d/ada_p"] <= 1 and -1 <= told["d/ada_r"] <= 1 for told in reports)
    folder = ModelFolder(Path(run.folder))
    draw_pictures(folder)
    assert "Losses by turn, what parts report, and the share of images" in make_card(folder)


def test_bf16_is_computed_in_float32() -> None:
    x = torch.rand(4, 3, 16, 16)
    part = ADA(pipe=("bgcfnc",), p=1.0)
    torch.manual_seed(0)
    expected = part.transformed(x, 1.0, Draws(4, x))
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = part.images(x.bfloat16().float(), update(SURE))
    assert made.dtype == torch.float32 and torch.allclose(made, expected, atol=0.1)
    assert (made - made.bfloat16().float()).abs().max() > 0  # not rounded on the way


# --- wrong use --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "settings", "why"),
    [
        ("dcgan+ada", {"accumulate.d": 2}, "accumulate.d=2 does not work with .*ada"),
        ("gan+apa", {"accumulate.d": 2}, "accumulate.d=2 does not work with apa"),
        ("dcgan+ada:p=1.5", {}, "ada:p=1.5 does not work"),
        ("dcgan+ada:p=linear/0/2/20M", {}, "ada:p=2 does not work"),
        ("dcgan+ada:interval=0", {}, "ada:interval=0 does not work"),
        ("dcgan+apa:kimg=0", {}, "apa:kimg=0 does not work"),
        ("dcgan+apa:target=3", {}, "apa:target=3 does not work"),
        ("dcgan+ada:color=2", {}, "ada:color=2 does not work"),
        ("dcgan+ada:pipe=none", {}, "ada:pipe=none names no transforms"),
        ("dcgan+ada:pipe=bgc/color", {}, "ada:pipe=bgc/color names a group of transforms twice"),
        ("dcgan+ada:pipe=cgb", {}, "ada:pipe=cgb does not work: pipe takes"),
    ],
)
def test_wrong_use_is_one_line(recipe: str, settings: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why) as said:
        ganzoo.build(recipe, 16, 3, device="meta", settings=settings)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(("pipe", "rest"), [("bgc", "blit/geom"), ("bgcfnc", "blit/geom/filter/noise/cutout")])
def test_colours_of_four_channels_are_refused_with_the_way_out(pipe: str, rest: str) -> None:
    with pytest.raises(UsageError, match=rf"4 channels: leave colours out with ada:pipe={rest}$"):
        ganzoo.build(f"dcgan:ch=4+ada:pipe={pipe}", 16, 4, device="meta")
    ganzoo.build(f"dcgan:ch=4+ada:pipe={rest}", 16, 4, device="meta")
    ganzoo.build("dcgan:ch=4+ada:color=0", 16, 4, device="meta")


def test_apa_needs_noise() -> None:
    entry = ganzoo.registry.loading.registry().find("apa")
    assert entry.requires == {"noise"}


def test_a_p_that_ends_high_warns_of_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = torch.randint(256, (8, 1, 16, 16), dtype=torch.uint8)
    words = {"batch": 4, "device": "cpu"}
    ganzoo.train("gan:ch=8+hinge+ada:pipe=b,kimg=0.001,interval=1,target=-1", images, tmp_path / "a", 2, **words)
    said = "".join(capsys.readouterr())
    assert "note: ada's p is 1.00 at the end: above 0.8" in said.replace("\n", " ")
    part = ADA()
    for p, warned in ((0.0, False), (0.8, False), (0.81, True)):
        part.p.fill_(p)
        assert (part.remark() is not None) == warned
    assert ADA(p=0.9).remark() is None and APA().remark() is None


@pytest.mark.slow
def test_flips_and_turns_do_not_leak() -> None:
    """D's pictures are flipped, turned or shifted at p = 0.5; G draws them bright on the left all the same."""
    torch.manual_seed(0)
    gan = ganzoo.build("gan:ch=32+hinge+ada:pipe=blit,p=0.5", SIDE, 1, z_dim=8, settings={"batch": 32, "ema": 0.99})
    trainer = Trainer(gan, 0, 1)
    for _ in range(600):
        images = torch.full((32, 1, SIDE, SIDE), -0.6)
        images[..., : SIDE // 2] = 0.6
        trainer.train_step([{"image": images + 0.1 * torch.randn_like(images)}] * trainer.batches_per_step)
    drawn = trainer.ema.averages["G"](gan.noise(256, 0), torch.zeros(256, 0))
    left, right = drawn[..., : SIDE // 2].mean((1, 2, 3)), drawn[..., SIDE // 2 :].mean((1, 2, 3))
    upper, lower = drawn[:, :, : SIDE // 2].mean((1, 2, 3)), drawn[:, :, SIDE // 2 :].mean((1, 2, 3))
    assert float((left > right + 0.5).float().mean()) > 0.97
    assert float((upper - lower).abs().max()) < 0.5


@pytest.mark.parametrize("part", [ADA(pipe=("bgcfnc",), p=1.0), Blur(sigma=1.0)], ids=["ada", "blur"])
def test_images_are_changed_in_float32_in_a_training_in_bf16(part: Augment) -> None:
    x, ctx = torch.rand(2, 3, SIDE, SIDE) * 2 - 1, update(SURE)
    torch.manual_seed(0)
    plain = part.images(x, ctx)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(part.images(x, ctx), plain) and plain.dtype == torch.float32


def test_ada_takes_what_another_augmentation_left_in_bf16() -> None:
    x, ctx = (torch.rand(2, 3, SIDE, SIDE) * 2 - 1).bfloat16(), update(SURE)
    part = ADA(pipe=("bgcfnc",), p=1.0)
    seen = []
    for given in (x, x.float()):
        torch.manual_seed(0)
        seen.append(part.images(given, ctx))
    assert torch.equal(*seen) and seen[0].dtype == torch.float32
