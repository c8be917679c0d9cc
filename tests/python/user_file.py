"""What a person who uses ganzoo from Python writes; strict type checkers pass it, see test_typing.py. Never run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

import ganzoo
from ganzoo.data import ImageData, open_data
from ganzoo.parts import Loss, Output, Regularizer, TurnContext


class SoftHinge:
    """A loss with only the methods of the tutorial."""

    def __init__(self, *, margin: float = 1.0) -> None:
        self.margin = margin

    def d(self, critic: ganzoo.Critic, real: Tensor, fake: Tensor) -> Tensor:
        real_scores, fake_scores = critic.output(real).score, critic.output(fake).score
        return functional.softplus(self.margin - real_scores).mean() + functional.softplus(fake_scores).mean()

    def g(self, critic: ganzoo.Critic, real: Tensor, fake: Tensor) -> Tensor:
        return -critic.output(fake).score.mean()


class Whole(Loss):
    """A loss that sees the whole update."""

    def discriminator(self, ctx: TurnContext) -> Tensor:
        real: Output = ctx.discriminate(ctx.real)
        return ctx.discriminate(ctx.fake).score.mean() - real.score.mean()


class Small(Regularizer):
    """A regularizer whose weight may be a schedule."""

    def __init__(self, *, gamma: ganzoo.Number = 1.0) -> None:
        self.gamma = gamma

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        return {"small": ctx.now(self.gamma) * ctx.fake.square().mean()}


@ganzoo.hookimpl
def register_losses(register: ganzoo.Register) -> None:
    register("softhinge", SoftHinge, paper="arxiv:1705.02894")
    register("whole", Whole)


def load_and_sample(folder: Path) -> tuple[Tensor, list[Image.Image], float]:
    gan: ganzoo.GAN = ganzoo.load("sngan-cond-mnist", device=torch.device("cpu"))
    images: Tensor = gan.sample(4, seed=0, labels=["3", "1", "4", "1"], truncation=0.7)
    array = gan.sample(output="np")
    pictures = gan.sample(16, seed=0, output="pil")
    pictures[0].save(folder / "first.png")
    between = gan.interpolate(gan.noise(1, seed=1), gan.noise(1, seed=2), 0.5)
    same: Tensor = gan.sample(z=between, labels=[3])
    parameters = sum(parameter.numel() for parameter in gan.G.parameters())
    gan = gan.to("cpu").eval()
    return torch.cat([images, same]), pictures, float(np.mean(array)) + parameters


def build_train_resume(out: Path) -> ganzoo.Run:
    gan = ganzoo.build("sagan+sn+hinge", resolution=(32, 64), classes=10, settings={"lr.g": 1e-4})
    print(gan, gan.plan.recipe, gan.plan["lr.g"], [turn.player for turn in gan.turns()])
    data: ImageData = open_data("digits")
    print(data.count, data.class_names)
    run = ganzoo.train("dcgan+sn+hinge", data="digits", steps=200, out=out, callback=lambda line: print(line["step"]))
    losses: list[float] = [float(line["losses"]["g/loss"]) for line in run.log if "losses" in line]
    print(run.folder, run.step, losses, run.verdict.text if run.verdict is not None else "fine")
    return ganzoo.train(resume=run.folder, steps=400)


def score_and_share(run: ganzoo.Run) -> str:
    scores = ganzoo.evaluate(run.folder, "digits", metrics=["fid", "kid:subsets=10"], n=1000, floor="digits")
    best = min(scores, key=lambda score: score.value)
    print(best.key, best.value, best.std, best.floor, best.dataset["name"], best.better_than(scores[0]))
    ganzoo.pull("someone/dcgan-digits", run.folder / "theirs")
    return ganzoo.push(run.folder, "me/dcgan-digits", license="mit")


def look_around() -> list[str]:
    entry = ganzoo.info("hinge")
    print(entry.kind, entry.summary, entry.paper, sorted(entry.options()))
    models: list[str] = ganzoo.list_models("*mnist*")
    return [*models, *ganzoo.list("loss"), *ganzoo.list()]


def own_loop(gan: ganzoo.GAN, real: Tensor) -> None:
    ganzoo.register("loss", "softhinge", SoftHinge)
    ganzoo.register("regularizer", "small", Small, family="consistency")
    optimizers: dict[str, torch.optim.Optimizer] = {
        player: torch.optim.Adam([p for name in names for p in gan.networks[name].parameters()], 2e-4)
        for player, names in gan.players.items()
    }
    for step in range(10):
        for turn in gan.turns():
            loss = torch.stack(list(turn.loss({"image": real}, step).values())).sum()
            optimizers[turn.player].zero_grad()
            torch.autograd.backward(loss)
            optimizers[turn.player].step()
    gan.save("runs/mine", data="my photos", step=10)


def be_careful() -> None:
    try:
        ganzoo.load("dcgan-cifra10")
    except (ganzoo.ModelError, ganzoo.HubError, ganzoo.UsageError) as error:
        print(error)
    ganzoo.testing.check_component("softhinge")
