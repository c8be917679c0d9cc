"""FreezeD: the first blocks of D stay as they came, and the rest of the training is as ever."""

from itertools import chain

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import contents, resume, tiny
from torch import nn

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.freezing import feature_blocks, frozen_modules, frozen_parameters
from ganzoo.registry.loading import registry
from ganzoo.testing import plugin
from ganzoo.testing.tiny import subject
from ganzoo.training.loop import Trainer


@pytest.mark.parametrize("entry", registry().entries("architecture"), ids=lambda entry: entry.name)
def test_blocks_of_every_discriminator_lie_in_the_order_of_its_forward_pass(entry):
    made = subject(entry)
    trainer = made.trainer()
    for critic in trainer.gan.critics:
        network, called = trainer.gan.get_submodule(critic), []
        blocks = feature_blocks(network)
        if not blocks:
            pytest.skip("its discriminator lists no blocks, and freeze.d is refused")
        held = list(chain.from_iterable(blocks))
        assert len(set(held)) == len(held) and set(held) <= set(network.modules())
        head = {parameter for name, parameter in network.named_parameters() if name.startswith("head")}
        assert head and not head & {parameter for module in held for parameter in module.parameters()}
        for number, block in enumerate(blocks):
            for module in block:
                module.register_forward_hook(lambda *_, number=number, called=called: called.append(number))
        trainer.train_step(made.batches(trainer))
        first = called[: 1 + called.index(len(blocks) - 1)]  # of a D that grows, those that there are at first
        assert list(dict.fromkeys(first)) == list(range(first[0], len(blocks))) and first == sorted(first)


def weights(gan, network="D"):
    return {name: p.detach().clone() for name, p in gan.get_submodule(network).named_parameters(prefix=network)}


@pytest.mark.parametrize(
    "recipe",
    ["sngan:ch=8+r1", "dcgan:ch=8+normalization/none+wgan-clip", "dcgan:ch=8+bn+diffaugment+ortho", "biggan:ch=8+cr"],
)
def test_frozen_blocks_stay_and_all_else_learns(recipe):
    settings = {"freeze.d": 2, "weight-decay.d": 0.1, "optimizer": "adamw", "repeat.d": 1, "batch": 4}
    torch.manual_seed(0)
    gan = build(recipe, 32, 3, z_dim=20, settings=settings)
    trainer, before, g = Trainer(gan, 0, 2), weights(gan), weights(gan, "G")
    vectors = {name: buffer.clone() for name, buffer in gan.named_buffers() if name.endswith(".v")}
    for _ in range(2):
        trainer.train_step([{"image": torch.rand(4, 3, 32, 32) * 2 - 1}])
    frozen = tuple(f"{name}." for name in frozen_modules(gan))
    after = weights(gan)
    assert len({id(p) for p in frozen_parameters(gan)}) == sum(name.startswith(frozen) for name in before)
    for name, value in before.items():
        assert torch.equal(value, after[name]) == name.startswith(frozen), name
    assert not any(torch.equal(value, weights(gan, "G")[name]) for name, value in g.items() if value.ndim > 1)
    for name, vector in vectors.items():  # of spectral norm: they move with the weights that learn
        if name.startswith("D."):
            assert torch.equal(vector, gan.get_buffer(name)) == name.startswith(frozen), name
    assert all(parameter.requires_grad for parameter in gan.parameters())
    assert not any(name.startswith(frozen) for name in trainer.parameters["d"])


def test_the_first_step_of_what_is_not_frozen_is_that_of_a_run_without():
    steps = []
    for settings in ({}, {"freeze.d": 1}):
        torch.manual_seed(0)
        gan = build("dcgan:ch=8", 16, 1, settings={**settings, "batch": 4})
        trainer = Trainer(gan, 0, 2)
        torch.manual_seed(1)
        trainer.train_step([{"image": torch.rand(4, 1, 16, 16) * 2 - 1}])
        steps.append(weights(gan))
    free, frozen = steps
    assert all(torch.equal(value, free[name]) for name, value in frozen.items() if ".stages.0." not in name)


def test_a_run_with_frozen_blocks_resumes_and_says_so(tmp_path):
    source = tiny(tmp_path / "source").folder
    options = {"init": source, "settings": {"freeze.d": 1}}
    whole = tiny(tmp_path / "whole", **options)
    tiny(tmp_path / "half", steps=2, **options)
    resume(tmp_path / "half", steps=4)
    assert contents(tmp_path / "half") == contents(tmp_path / "whole")
    given, trained = (weights(resume(folder).gan) for folder in (source, whole.folder))
    stayed = {name for name, value in given.items() if torch.equal(value, trained[name])}
    assert stayed == {name for name in given if name.startswith("D.trunk.stages.0.")}
    assert ganzoo.load(whole.folder).plan["freeze.d"] == 1


def test_a_fork_may_freeze_and_thaw(tmp_path):
    source = tiny(tmp_path / "source", steps=2).folder
    frozen = resume(source, fork=tmp_path / "frozen", steps=4, settings={"freeze.d": 1})
    given, trained = weights(resume(source, steps=2).gan), weights(frozen.gan)
    assert torch.equal(given["D.trunk.stages.0.conv.weight"], trained["D.trunk.stages.0.conv.weight"])
    assert not torch.equal(given["D.trunk.stages.1.conv.weight"], trained["D.trunk.stages.1.conv.weight"])
    thawed = weights(resume(tmp_path / "frozen", fork=tmp_path / "thawed", steps=6, settings={"freeze.d": 0}).gan)
    assert not torch.equal(thawed["D.trunk.stages.0.conv.weight"], trained["D.trunk.stages.0.conv.weight"])


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"freeze.d": 3}, r"freeze.d=3 does not work: D of dcgan has 2 blocks at this size; give at most freeze.d=2$"),
        ({"freeze.d": -1}, r"freeze.d takes a whole number from 0 up$"),
        ({"freeze.d": "cosine/2/0"}, "takes no schedule"),
    ],
)
def test_more_blocks_than_there_are_is_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        build("dcgan:ch=4", 16, 1, settings=settings)


def test_a_discriminator_without_blocks_is_refused():
    with pytest.raises(UsageError, match=r"freeze\.d=1 does not work: D of autoencoder has no blocks; leave it out"):
        build("autoencoder:ch=4", 16, 1, settings={"freeze.d": 1})


def test_freezing_needs_first_weights_and_the_command_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "dcgan:ch=4", "--data", "no-such-data", "--set", "freeze.d=2"]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 2 and not list(tmp_path.iterdir())
    assert said.stderr.splitlines()[-1].endswith("add --init MODEL, or leave out freeze.d")
    shown = CliRunner().invoke(main, ["build", "dcgan", "--set", "freeze.d=2", "--explain"])
    assert shown.exit_code == 0 and "freeze.d" in shown.stdout


@pytest.mark.parametrize("block", [nn.ModuleDict({"conv": nn.Conv2d(1, 1, 1)}), nn.Conv2d(1, 1, 1)])
def test_blocks_that_are_not_lists_of_modules_are_refused_in_words(block):
    class Trunk(nn.Flatten):
        feature_blocks = (block,)

        def forward(self, x, y):
            return super().forward(x)

    class Hooks:
        @ganzoo.hookimpl
        def register_architectures(self, register):
            register("blocky", discriminator=lambda kit: ganzoo.Discriminator(kit, Trunk(), 256))

    with plugin(Hooks()), pytest.raises(UsageError, match=r"feature_blocks of Trunk has a \w+ at 0: it lists a tuple"):
        ganzoo.build("dcgan:ch=4+blocky@d", resolution=16, channels=1)
