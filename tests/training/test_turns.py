"""The trainer's look at its terms: never needed by a step, never late for what is reported or saved."""

from __future__ import annotations

import pytest
import torch

from ganzoo.gan.builder import build
from ganzoo.training.loop import NotFinite, Trainer


class Poisoned:
    """A loss that is not a number in one turn of D."""

    def __init__(self, step: int) -> None:
        self.left = step

    def d(self, critic, real, fake):
        self.left -= 1
        return critic(real).mean() * (float("nan") if self.left == -1 else 1.0)

    def g(self, critic, real, fake):
        return critic(fake).mean() * 0


def trainer(pending: int, step: int = 1) -> Trainer:
    torch.manual_seed(0)
    gan = build("gan:ch=4,depth=1", resolution=16, channels=1, z_dim=4)
    gan.parts.loss = Poisoned(step)
    found = Trainer(gan, 0, 1)
    found.most_pending = pending
    return found


def steps(trainer: Trainer, n: int) -> None:
    for _ in range(n):
        trainer.train_step([{"image": torch.zeros(2, 1, 16, 16)}] * trainer.batches_per_step)


def test_a_cpu_looks_at_once():
    with pytest.raises(NotFinite, match=r"step 1: the term 'loss' of the turn 'd' is nan"):
        steps(trainer(Trainer(build("gan:ch=4", 16, 1), 0, 1).most_pending), 2)


def test_a_device_that_is_waited_for_rarely_still_names_the_first_step_and_term():
    one = trainer(pending=8)
    steps(one, 3)  # 6 turns noted, the fourth bad; nothing was looked at
    with pytest.raises(NotFinite, match=r"step 1: the term 'loss' of the turn 'd' is nan"):
        steps(one, 1)


@pytest.mark.parametrize("ask", ["report", "check"])
def test_nothing_is_reported_or_saved_before_a_look(ask):
    one = trainer(pending=100)
    steps(one, 2)
    with pytest.raises(NotFinite, match="step 1"):
        getattr(one, ask)()


def test_going_back_forgets_what_was_noted():
    one = trainer(pending=100)
    good = {name: tensor.clone() for name, tensor in one.tensors().items()}
    steps(one, 2)
    one.restore(0, good, {})
    one.check()


def test_a_state_with_nan_is_named_by_its_tensor():
    one = trainer(pending=1, step=100)
    with torch.no_grad():
        one.gan.D.head.score.weight[0, 0] = float("inf")
    with pytest.raises(NotFinite, match=r"gan/D\.head\.score\.weight"):
        one.check()
