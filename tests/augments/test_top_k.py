"""Top-k training: G learns from the fakes that D scores highest, and from no other."""

import pytest
import torch
from tiny_runs import contents, resume, tiny
from torch import Tensor

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.folder.log import read_log
from ganzoo.gan.builder import build
from ganzoo.parts import TurnContext
from ganzoo.parts.output import Output
from ganzoo.parts.update import Update
from ganzoo.training.loop import Trainer

SCORES = torch.tensor([0.3, -1.0, 2.0, 0.1, 0.9, -0.2])


@pytest.mark.parametrize(
    "options, batch, epoch, k",
    [({}, 64, 0, 64), ({}, 64, 1, 63), ({}, 64, 10, 57), ({}, 64, 68, 32), ({}, 64, 1000, 32), ({}, 1, 500, 1),
     ({"gamma": 0.5, "nu": 0.1}, 10, 1, 5), ({"gamma": 0.5, "nu": 0.1}, 10, 9, 1), ({"gamma": 0.7, "nu": 0}, 10, 1, 7),
     ({"gamma": 0.0, "nu": 0.75}, 8, 0, 8), ({"gamma": 0.0, "nu": 0.75}, 8, 1, 6), ({"nu": 1.0}, 8, 400, 8)],
)  # fmt: skip
def test_k_falls_by_gamma_each_epoch_down_to_nu(options, batch, epoch, k):
    assert ganzoo.create("top-k", **options).count(batch, epoch) == k


def context(player: str, scores: Tensor = SCORES, epoch: int = 10**4) -> TurnContext:
    """An update in which D, without augmentations, says ``scores`` of whatever it sees."""
    rows = torch.zeros(len(scores), 1, 4, 4)
    ctx = TurnContext(
        Update(0, player, epoch=epoch),
        lambda ctx, x, exact, given: Output(scores, None),
        lambda z, y: z,
        batch={}, real=rows.clone(), z=rows, y_real=rows[:, 0, 0, :0], y_fake=rows[:, 0, 0, :0], networks={},
    )  # fmt: skip
    ctx.fake = rows.clone()
    return ctx


def seen(ctx: TurnContext, x: Tensor, scores: Tensor = SCORES, **options: float) -> Tensor:
    ctx.scored = x
    return ganzoo.create("top-k", **options).scores(scores, ctx)


def test_only_the_highest_fakes_count_in_g_and_all_do_elsewhere():
    ctx = context("g")
    assert seen(ctx, ctx.fake).tolist() == pytest.approx([2.0, 0.9, 0.3])
    assert seen(ctx, ctx.real) is SCORES and seen(ctx, ctx.fake.clone()) is SCORES
    first = context("g", epoch=0)
    assert seen(first, first.fake) is SCORES
    d = context("d")
    assert seen(d, d.fake) is SCORES and seen(d, d.real) is SCORES
    assert ctx.at.reports["top_k"] == 3


def test_images_count_by_the_mean_of_their_patches():
    ctx, patches = context("g"), torch.tensor([[5.0, -5], [1, 1], [0, 1], [3, 0]])
    assert seen(ctx, ctx.fake, patches).tolist() == [[3.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("loss", ["bce", "hinge", "ls", "wgan", "logistic", "minimax"])
def test_the_loss_is_the_mean_over_the_highest_and_the_others_have_no_gradient(loss):
    torch.manual_seed(0)
    gan = build(f"gan:ch=8+{loss}+regularizer/none+top-k", 8, 1, settings={"batch": 8, "repeat.d": 1})
    gan.data_count, trainer = 4, Trainer(gan, 0, 100)
    trainer.step = 200  # 400 passes over the data: k = 4 of 8
    made: list[Tensor] = []
    gan.G.register_forward_hook(lambda module, given, image: (image.retain_grad(), made.append(image))[1])
    batch = {"image": torch.rand(8, 1, 8, 8) * 2 - 1}
    turn = next(turn for turn in trainer.turns if turn.player == "g")
    trainer.backward(turn, batch, 0)
    (fake,) = made
    with torch.no_grad():
        scores = gan.D(fake, torch.zeros(8, 0)).scores
    best = scores.topk(4).indices
    plain = ganzoo.create(f"loss/{loss}")
    assert trainer.report()["losses"]["g/loss"] == pytest.approx(
        float(plain.g(lambda x: x, None, scores[best])), rel=1e-5
    )
    moved = fake.grad.flatten(1).abs().sum(1) > 0
    assert sorted(moved.nonzero().flatten().tolist()) == sorted(best.tolist())
    # of each of them, the gradient of a mean over k
    image = fake.detach().requires_grad_()
    plain.g(lambda x: gan.D(x, torch.zeros(len(x), 0)).scores, None, image[best]).backward()
    assert torch.allclose(image.grad, fake.grad, atol=1e-7)


def test_d_learns_as_without():
    states = []
    for word in ("", "+top-k:gamma=0.1"):
        torch.manual_seed(0)
        gan = build(f"gan:ch=8{word}", 8, 1, settings={"batch": 8})
        gan.data_count, trainer = 1, Trainer(gan, 0, 10)
        trainer.step = 5
        torch.manual_seed(1)
        trainer.train_step([{"image": torch.rand(8, 1, 8, 8) * 2 - 1}])
        states.append({name: tensor.clone() for name, tensor in gan.state_dict().items()})
    plain, top = states
    assert all(torch.equal(tensor, top[name]) for name, tensor in plain.items() if name.startswith("D."))
    assert not torch.equal(plain["G.trunk.image.weight"], top["G.trunk.image.weight"])


@pytest.mark.parametrize("loss", ["relativistic", "multi-hinge"])
def test_losses_that_compare_each_fake_with_something_are_refused(loss):
    head = "+mh" if loss == "multi-hinge" else ""
    with pytest.raises(UsageError, match=f"top-k leaves fakes out of G's loss, and {loss} compares each with"):
        build(f"dcgan{head}+{loss}+top-k", 32, 1, 3, device="meta")


@pytest.mark.parametrize("options", ["gamma=1.5", "nu=-1", "gamma=0,nu=0"])
def test_shares_that_cannot_be_are_refused(options):
    with pytest.raises(UsageError, match="top-k:"):
        build(f"dcgan+top-k:{options}", 32, device="meta")


def test_pieces_are_refused():
    with pytest.raises(UsageError, match=r"accumulate\.g=2 does not work with .*top-k"):
        build("dcgan+normalization/none+top-k", 32, settings={"accumulate.g": 2}, device="meta")


def test_a_run_resumes_with_its_k(tmp_path):
    recipe = "dcgan:ch=4+top-k:gamma=0.8,nu=0.25"  # 48 images, 4 in a batch: an epoch has 12 steps
    whole = tiny(tmp_path / "whole", recipe, steps=26, save_every=13, grid_every=26)
    tiny(tmp_path / "half", recipe, steps=13, save_every=13, grid_every=26)
    resume(tmp_path / "half", steps=26)
    assert contents(tmp_path / "half") == contents(tmp_path / "whole")
    reported = {record["step"]: record["reports"]["g/top_k"] for record in read_log(whole.folder)}
    assert [reported[step] for step in (12, 13, 24, 25)] == [4, 3, 3, 2]
