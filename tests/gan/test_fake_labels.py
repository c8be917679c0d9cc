"""The setting ``fake-labels``: which labels fakes are made with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_runs import Labelled, contents, resume, tiny

import ganzoo
from ganzoo.training.loop import Trainer

RECIPE = "gan:ch=4+onehot"


def labels_of(setting: str, data: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels of the real images and of the fakes of one update of D."""
    gan = ganzoo.build(RECIPE, resolution=16, channels=1, classes=3, settings={"fake-labels": setting, "batch": 600})
    gan.data_labels = data
    seen = []
    loss = gan.parts.loss
    loss.discriminator = lambda ctx: (seen.append((ctx.y_real, ctx.y_fake)), loss.d(ctx.critic, ctx.real, ctx.fake))[1]
    trainer = Trainer(gan, 0, 1)
    batch = {"image": torch.zeros(600, 1, 16, 16), "label": torch.zeros(600, dtype=torch.int64)}
    trainer.train_step([batch] * trainer.batches_per_step)
    real, fake = seen[0]
    return real.argmax(1), fake.argmax(1)


def test_those_of_the_batch_by_default() -> None:
    real, fake = labels_of("batch")
    assert torch.equal(real, fake)
    assert "fake-labels" not in ganzoo.build(RECIPE, resolution=16, channels=1, classes=3).plan.settings


@pytest.mark.parametrize(
    ("setting", "shares"), [("uniform", (1 / 3, 1 / 3, 1 / 3)), ("data", (0.1, 0.2, 0.7))], ids=["uniform", "data"]
)
def test_drawn_by_their_frequencies(setting: str, shares: tuple[float, ...]) -> None:
    data = torch.tensor([0] * 10 + [1] * 20 + [2] * 70)
    real, fake = labels_of(setting, data)
    assert not real.any(), "those of the batch are real images' own"
    found = torch.bincount(fake, minlength=3) / len(fake)
    assert torch.allclose(found, torch.tensor(shares), atol=0.08)


@pytest.mark.parametrize("setting", ["data", "uniform"])
def test_a_run_resumes_to_the_byte(setting: str, tmp_path: Path) -> None:
    options = {"data": Labelled(), "settings": {"fake-labels": setting}}
    whole = tiny(tmp_path / "whole", RECIPE, steps=4, **options)
    broken = tiny(tmp_path / "broken", RECIPE, steps=2, **options)
    assert contents(whole.folder) == contents(resume(broken.folder, steps=4).folder)


@pytest.mark.parametrize("loss", ["relativistic", "relativistic-average"])
def test_a_loss_of_pairs_refuses_other_labels(loss: str) -> None:
    with pytest.raises(
        ganzoo.UsageError, match=f"{loss} works with fake-labels=batch alone, and fake-labels is uniform"
    ):
        ganzoo.build(f"{RECIPE}+{loss}", 16, 1, 3, settings={"fake-labels": "uniform"})


def test_values_that_do_not_work_are_refused() -> None:
    with pytest.raises(
        ganzoo.UsageError, match="fake-labels=some does not work: fake-labels takes batch, data or uniform"
    ):
        ganzoo.build(RECIPE, 16, 1, 3, settings={"fake-labels": "some"})
    with pytest.raises(ganzoo.UsageError, match="labels here are continuous: give fake-labels=data"):
        ganzoo.build(RECIPE, 16, 1, 3, settings={"fake-labels": "uniform"}, label_kind="continuous")
