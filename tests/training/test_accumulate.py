"""A batch in pieces: the gradients of one pass, and a refusal where a part looks across the batch."""

import pytest
import torch

from ganzoo.errors import UsageError
from ganzoo.gan.builder import build
from ganzoo.training.loop import Trainer


def trainer_of(recipe, settings, classes=0):
    torch.manual_seed(0)
    fixed = {"batch": 8, "repeat.d": 1, "optimizer": "sgd", "lr": 0.05}
    return Trainer(build(recipe, 32, 3, classes, 16, settings={**fixed, **settings}), 0, 10)


def gradients_of(recipe, settings, player, classes=0):
    """Gradients of a player's first update, by parameter, and the state that it left."""
    trainer = trainer_of(recipe, settings, classes)
    torch.manual_seed(1)
    batch = {"image": torch.rand(8, 3, 32, 32) * 2 - 1}
    if classes:
        batch["label"] = torch.arange(8) % classes
    trainer.gan.train()
    trainer.backward(next(turn for turn in trainer.turns if turn.player == player), batch, 0)
    gradients = {name: p.grad for name, p in trainer.parameters[player].items() if p.grad is not None}
    return gradients, {name: buffer.clone() for name, buffer in trainer.gan.named_buffers()}, trainer.report()


@pytest.mark.parametrize("player", ["d", "g"])
@pytest.mark.parametrize(
    "recipe",
    [
        "sngan:ch=8+normalization/none@g+hinge",
        "dcgan:ch=8+normalization/none+wgan+gp",
        "dcgan:ch=8+in+relativistic+r1+r2+diffaugment",
        "sngan:ch=8+normalization/none@g+projection+hinge",
        "dcgan:ch=8,dropout=0.5+normalization/none+ls",
    ],
)
def test_pieces_give_the_gradients_of_one_pass(recipe, player):
    classes = 3 if "projection" in recipe else 0
    whole, before, said = gradients_of(recipe, {}, player, classes)
    parts, after, told = gradients_of(recipe, {f"accumulate.{player}": 4}, player, classes)
    assert whole.keys() == parts.keys() and whole
    largest = max(float(gradient.abs().max()) for gradient in whole.values())
    for name, gradient in whole.items():
        assert torch.allclose(parts[name], gradient, rtol=1e-5, atol=1e-5 * largest), name
    for name, buffer in before.items():  # spectral norm iterated once
        assert torch.allclose(after[name].double(), buffer.double(), atol=1e-6), name
    assert told["losses"] == pytest.approx(said["losses"], rel=1e-5)


def test_sngan_with_hinge_accumulates_in_d_with_batch_norm_in_g():
    whole, before, _ = gradients_of("sngan:ch=8+hinge", {}, "d")
    parts, after, _ = gradients_of("sngan:ch=8+hinge", {"accumulate.d": 4}, "d")
    for name, gradient in whole.items():
        assert torch.allclose(parts[name], gradient, rtol=1e-5, atol=1e-6), name
    assert all(torch.allclose(after[name].double(), buffer.double(), atol=1e-6) for name, buffer in before.items())


def test_lazy_regularizers_and_accuracy_go_in_pieces_too():
    trainers = [trainer_of("sngan:ch=8+hinge+r1:every=2", {"accumulate.d": count}) for count in (1, 2)]
    for trainer in trainers:
        torch.manual_seed(1)
        for _ in range(2):
            trainer.train_step([{"image": torch.rand(8, 3, 32, 32)}])
    one, two = (dict(trainer.gan.named_parameters()) for trainer in trainers)
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    assert trainers[1].gan.game.accuracy() == pytest.approx(trainers[0].gan.game.accuracy())


@pytest.mark.parametrize(
    ("recipe", "settings", "says"),
    [
        ("dcgan", {"accumulate.d": 4}, "accumulate.d=4 does not work with bn"),
        ("sngan", {"accumulate.g": 2}, "accumulate.g=2 does not work with bn"),
        ("sngan", {"accumulate": 2}, "does not work with bn"),
        ("sngan+relativistic-average", {"accumulate.d": 2}, "relativistic-average"),
        ("sngan+lecam", {"accumulate.d": 2}, "lecam, which looks across the batch"),
        ("sngan+dragan", {"accumulate.d": 2}, "dragan"),
        ("sngan", {"accumulate.d": 3}, "does not divide a batch of 64 images: give 1, 2, 4"),
        ("sngan", {"accumulate.d": 0}, "accumulate.d=0"),
        ("sngan", {"accumulate.d": "linear/1/2"}, "accumulate.d=linear/1/2"),
    ],
)
def test_what_cannot_go_in_pieces_is_refused_by_name(recipe, settings, says):
    with pytest.raises(UsageError, match=says):
        build(recipe, 32, 3, settings=settings, device="meta")


def test_a_part_that_acts_in_another_players_updates_is_no_hindrance():
    settings = {"accumulate.g": 2}
    assert build("sngan+normalization/none+lecam+dragan", 32, 3, settings=settings, device="meta")
