"""Small proofs of the contracts: plugins that train, resume to the byte and pass what built-in parts pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import proof_parts
import pytest
import torch
from tiny_runs import contents, resume
from tiny_runs import tiny as tiny_run

import ganzoo
from ganzoo.folder.log import read_log
from ganzoo.testing import check_component, plugin
from ganzoo.testing.tiny import tiny


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with plugin(proof_parts, "proofs"):
        yield


@pytest.mark.parametrize(
    "part",
    [
        "loss/classhinge",
        "loss/balance",
        "regularizer/answer",
        "regularizer/codes",
        "regularizer/pathlength",
        "augment/adaptive",
    ],
)
def test_each_passes_what_built_in_parts_pass(part: str) -> None:
    check_component(part)


@pytest.mark.parametrize("part", ["architecture/small", "architecture/looking"])
def test_networks_of_no_base_class_pass(part: str) -> None:
    check_component(part)


@pytest.mark.parametrize("recipe", proof_parts.PROOFS.values(), ids=proof_parts.PROOFS)
def test_each_resumes_to_the_byte(recipe: str, tmp_path: Path) -> None:
    whole, broken = (tiny_run(tmp_path / name, recipe, steps=steps) for name, steps in (("whole", 6), ("broken", 2)))
    resumed = resume(broken.folder, steps=6)
    assert contents(whole.folder) == contents(resumed.folder)
    assert ganzoo.load(resumed.folder).sample(2, seed=0).shape == (2, 1, 16, 16)


def test_what_parts_report_is_in_the_log_and_in_no_loss(tmp_path: Path) -> None:
    lines = read_log(tiny_run(tmp_path / "run", "small+balance+pathlength+adaptive").folder)
    assert all({"d/share", "d/p"} <= line["reports"].keys() for line in lines)
    assert ["g/length" in line["reports"] for line in lines] == [True, False, True, False]
    assert lines[-1]["reports"]["d/share"] != 0.5
    assert not any(name in line["losses"] for line in lines for name in ("d/share", "d/p", "g/length"))


def test_a_step_of_its_own_is_no_update_and_lowers_rate_and_betas() -> None:
    made = tiny("gan:ch=8+pathlength:every=4", {"image"})
    trainer = made.trainer()
    plain = tiny("gan:ch=8", {"image"}).trainer()
    factor = 4 / 5
    assert trainer.rate("g") == pytest.approx(plain.rate("g") * factor) and trainer.rate("d") == plain.rate("d")
    betas = [trainer.optimizers[player].param_groups[0]["betas"] for player in ("d", "g")]
    usual = plain.optimizers["g"].param_groups[0]["betas"]
    assert betas[0] == usual and betas[1] == pytest.approx([beta**factor for beta in usual])
    steps = []
    for _ in range(5):
        trainer.train_step(made.batches(trainer))
        state = trainer.optimizers["g"].state[next(iter(trainer.parameters["g"].values()))]
        steps.append(int(state["step"]))
    assert steps == [2, 3, 4, 5, 7] and trainer.updates["g"] == 5


def test_codes_are_drawn_behind_the_noise() -> None:
    gan = ganzoo.build("dcgan:ch=4+codes", resolution=16, channels=1, z_dim=6)
    plain = ganzoo.build("dcgan:ch=4", resolution=16, channels=1, z_dim=6)
    z = gan.noise(5, seed=3)
    assert z.shape == (5, 9) and torch.equal(z[:, :6], plain.noise(5, seed=3)), "z's own numbers are what they were"
    assert (
        torch.equal(z[:, 6:8].sum(1), torch.ones(5)) and (z[:, 8].abs() <= 1).all() and len(set(z[:, 8].tolist())) == 5
    )
    assert gan.sample(z=z).shape == (5, 1, 16, 16)
    with pytest.raises(ganzoo.UsageError, match=r"z has shape \(5, 6\); 5 images of this model take \(5, 9\)"):
        gan.sample(z=z[:, :6])


def test_a_network_of_a_regularizer_learns_with_its_owner_alone() -> None:
    made = tiny("gan:ch=8+answer", {"image"})
    trainer = made.trainer()
    answer = trainer.gan.parts.regularizers["answer"]
    assert [name for name in trainer.parameters["g"] if name.startswith("part_answer")]
    assert not [name for name in trainer.parameters["d"] if name.startswith("part_")]
    before = {name: tensor.clone() for name, tensor in answer.state_dict().items()}
    (batch,) = made.batches(trainer)
    d, g = trainer.turns
    trainer.take(d, batch, 0)
    assert all(torch.equal(before[name], tensor) for name, tensor in answer.state_dict().items())
    trainer.take(g, batch, 1)
    assert not all(torch.equal(before[name], tensor) for name, tensor in answer.state_dict().items())
    assert any(name.startswith("gan/part_answer") for name in trainer.tensors())


def test_a_conditioning_that_no_network_asks_for_is_refused() -> None:
    with pytest.raises(ganzoo.RecipeError, match="small takes no conditioning on d: leave out onehot"):
        ganzoo.build("small+onehot@d", resolution=16, channels=1, classes=3)
