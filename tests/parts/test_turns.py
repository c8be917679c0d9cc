"""What parts are handed in an update, and that each pass of it is made once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.parts import Augment, Loss, Output, Regularizer, TurnContext
from ganzoo.parts.complete import complete
from ganzoo.parts.passes import Passes
from ganzoo.testing import plugin
from ganzoo.testing.tiny import tiny
from ganzoo.training.loop import Trainer

TURNS = [Path(ganzoo.__file__).parent / path for path in ("gan/adversary.py", "gan/noise.py", "training/loop.py")]


@contextmanager
def counted(network: nn.Module) -> Iterator[list[bool]]:
    """Whether each pass of a network may be differentiated, as it is made."""
    passes: list[bool] = []
    hook = network.register_forward_pre_hook(lambda module, inputs: passes.append(torch.is_grad_enabled()))
    try:
        yield passes
    finally:
        hook.remove()


def passes_of(recipe: str, player: str) -> tuple[int, int]:
    """How many passes of G and of D one update of a player makes."""
    trainer = tiny(recipe, {"image", "label"}).trainer()
    trainer.gan.train()
    (turn,) = [turn for turn in trainer.turns if turn.player == player]
    (batch,) = tiny(recipe, {"image", "label"}).batches(trainer)
    with counted(trainer.gan.G) as g, counted(trainer.gan.D) as d:
        trainer.take(turn, batch, 0)
    return len(g), len(d)


@pytest.mark.parametrize("recipe", ["sngan", "acgan", "acgan+diffaugment", "acgan+lecam", "sngan+relativistic"])
def test_an_update_sees_the_fakes_once(recipe: str) -> None:
    real_too = "relativistic" in recipe
    assert passes_of(recipe, "g") == (1, 2 if real_too else 1)
    assert passes_of(recipe, "d") == (1, 2)


def test_exact_passes_are_passes_of_their_own() -> None:
    assert passes_of("sngan+r1", "d") == (1, 3)
    assert passes_of("sngan+r1+r2+gp", "d") == (1, 5)


def test_the_store_ends_with_the_update_and_parts_know_where_it_stands() -> None:
    made = tiny("dcgan:ch=4", {"image"})
    trainer = made.trainer()
    seen: list[tuple[int, str, int, int]] = []
    kept = []

    def watch(ctx: TurnContext) -> Tensor:
        seen.append((ctx.step, ctx.player, ctx.update, ctx.images_seen))
        kept.append(ctx.at.passes)
        return loss.d(ctx.critic, ctx.real, ctx.fake)

    loss = trainer.gan.parts.loss
    loss.discriminator = watch
    for _ in range(3):
        trainer.train_step(made.batches(trainer))
    batch = int(trainer.gan.plan["batch"])
    assert seen == [(step, "d", step, step * batch) for step in range(3)]
    assert trainer.gan.update is None and not any(passes._made for passes in kept)


def test_a_pass_keeps_no_tensor_alive_and_never_serves_another() -> None:
    passes, made = Passes(), []

    def ask(x: Tensor, y: Tensor, exact: bool = False) -> object:
        return passes.get("D", x, {"y": y}, exact, lambda: made.append(None) or len(made))

    x, y = torch.zeros(2), torch.zeros(2, 1)
    assert ask(x, y) == ask(x, y) == 1
    assert ask(x, y, exact=True) == 2 and ask(x, y.clone()) == 3 and ask(x.clone(), y) == 4
    x.add_(1)
    assert ask(x, y) == 5, "a tensor that changed is another tensor"
    del x
    assert not [key for key, (watched, _, _) in passes._made.items() if watched() is not None]


def test_labels_are_those_of_the_images() -> None:
    gan = ganzoo.build("cgan:ch=4", resolution=16, channels=1, classes=3)
    real, z = torch.zeros(2, 1, 16, 16), gan.noise(2, seed=0)
    y_fake = torch.eye(3)[:2]
    seen: list[Tensor] = []
    gan.D.register_forward_hook(lambda module, inputs, named, output: seen.append(named["y"]), with_kwargs=True)
    adversary = ganzoo.Adversary(gan)
    ctx = adversary.context({"image": real, "label": torch.tensor([2, 2])}, 0, "d", real, z, gan.G, y_fake=y_fake)
    ctx.discriminate(ctx.fake), ctx.discriminate(ctx.real), ctx.discriminate(real * 1, y=y_fake)
    assert [y.argmax(1).tolist() for y in seen] == [[0, 1], [2, 2], [0, 1]]
    assert torch.equal(ctx.y_real, torch.eye(3)[[2, 2]]) and set(ctx.networks) == {"G", "D"}


class Heads(nn.Module):
    """Three heads that look at an image in their own way."""

    def forward(self, x: Tensor, y: Tensor) -> Output:
        means = x.mean(1)
        return Output((means.mean((1, 2)), means.amax((1, 2)), means[:, :2, :2].flatten(1)), means)


def test_a_loss_in_the_simple_form_is_averaged_over_heads() -> None:
    gan = ganzoo.build("gan:ch=4", resolution=16, channels=1)
    gan.D = Heads()
    adversary = ganzoo.Adversary(gan)
    batch = {"image": torch.rand(4, 1, 16, 16)}
    for name in ("hinge", "relativistic", "relativistic-average", "wgan"):
        loss = ganzoo.build(f"gan:ch=4+{name}", resolution=16, channels=1).parts.loss
        ctx = adversary.context(batch, 0, "d", batch["image"], gan.noise(4, seed=0), gan.G)
        heads = [lambda x, k=k: gan.D(x, None).scores[k] for k in range(3)]
        wanted = torch.stack([loss.d(head, ctx.real, ctx.fake) for head in heads]).mean()
        torch.testing.assert_close(loss.discriminator(ctx), wanted)
    output = gan.D(batch["image"], None)
    torch.testing.assert_close(
        output.score, torch.stack([head.reshape(4, -1).mean(1) for head in output.scores]).mean(0)
    )


def test_classes_of_the_tutorial_are_completed() -> None:
    class Plain:
        def d(self, critic, real, fake):
            return critic(real).mean()

        def g(self, critic, real, fake):
            return critic(fake).mean()

    class Weighted(nn.Module):
        def images(self, x, ctx):
            return -x

    loss, augment = complete(Plain(), Loss, "plain"), complete(Weighted(), Augment, "weighted")
    assert isinstance(loss, Loss) and isinstance(loss, Plain) and loss.boundary == 0
    loss.after(nn.Linear(1, 1))
    assert isinstance(augment, nn.Module) and augment.images(torch.ones(1), None) == -1
    assert augment.scores(torch.ones(1), None) == 1
    assert type(complete(Plain(), Loss, "plain")) is type(loss)


def test_a_class_that_cannot_be_completed_says_what_to_do() -> None:
    class Slotted:
        __slots__ = ("weight",)

    with pytest.raises(ganzoo.PluginError, match=r"slotted: derive its class from ganzoo\.parts\.Loss"):
        complete(Slotted(), Loss, "slotted")


@pytest.mark.parametrize("path", TURNS, ids=lambda path: path.name)
def test_no_turn_asks_what_a_part_has(path: Path) -> None:
    """But for networks by name, which games declare, and names of 0.1.0."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "hasattr", f"{path.name}:{node.lineno}"
            if node.func.id == "getattr":
                assert ast.unparse(node.args[0]) in ("self.gan", "gan"), f"{path.name}:{node.lineno}"


class Rises(Regularizer):
    """Reports numbers, and adds nothing."""

    players = ("d", "g")

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        ctx.report("step", float(ctx.step))
        ctx.report("mean", ctx.fake)
        return {}


def test_reports_are_logged_and_in_no_loss() -> None:
    made = tiny("dcgan:ch=4", {"image"})
    reports = []
    for parts in ({}, {"rises": Rises()}):
        trainer = made.trainer()
        trainer.gan.parts.regularizers = parts
        for _ in range(3):
            trainer.train_step(made.batches(trainer))
        reports.append(trainer.report())
    plain, told = reports
    assert plain["losses"] == told["losses"] and "reports" not in plain
    assert told["reports"].keys() == {"d/mean", "d/step", "g/mean", "g/step"} and told["reports"]["d/step"] == 1


def test_updates_are_counted_and_counts_are_saved() -> None:
    made = tiny("dcgan:ch=4", {"image"})
    plan_of = made.trainer()
    trainer = made.trainer()
    trainer.repeat["d"] = 2
    trainer.batches_per_step = 2
    stream = made.batches(plan_of) * 2
    for _ in range(3):
        trainer.train_step(stream)
    assert trainer.updates == {"d": 6, "g": 3}
    fresh: Trainer = made.trainer()
    fresh.restore(trainer.step, trainer.tensors(), trainer.counts)
    assert fresh.updates == {"d": 6, "g": 3}


def test_a_loss_without_a_player_is_refused_when_it_is_built() -> None:
    class Half:
        """D's half of a loss."""

        def d(self, critic, real, fake):
            return critic(real).mean()

    class Hooks:
        @ganzoo.hookimpl
        def register_losses(self, register):
            register("half", Half)

    said = r"loss/half has neither g\(critic, real, fake\) nor generator\(ctx\)"
    with plugin(Hooks()), pytest.raises(ganzoo.PluginError, match=said):
        ganzoo.build("gan:ch=4+half", resolution=16, channels=1)
