"""Checks of whole GANs: that they build, learn and draw, and that a training of them can be repeated and resumed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.folder.config import describe
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.parts.output import Output
from ganzoo.parts.update import Update
from ganzoo.registry.entry import Entry
from ganzoo.testing.expect import expect, expect_scalar
from ganzoo.testing.tiny import Tiny, subject, unlabelled
from ganzoo.training.loop import Trainer, learning

STEPS = 2


def check_networks(entry: Entry) -> None:
    """It builds at full size without memory, and the networks are those that it declares."""
    made = subject(entry)
    plan = made.plan
    build(entry.spelling if entry.complete else plan.recipe, **made.sizes, device="meta")
    gan, abstract = made.build(), made.build(device="meta")
    declared = set(entry.networks) or (set(plan.head.entry.networks) if plan.head.entry else set())
    expect(declared <= set(dict(gan.named_children())), entry, f"builds the networks {sorted(declared)}")
    for player, names in gan.players.items():
        for name in names:
            expect(isinstance(getattr(gan, name, None), nn.Module), entry, f"has the network {name} of player {player}")
    same = _shapes(gan) == _shapes(abstract)
    expect(same, entry, "has the same tensors on the device meta: sizes that depend on values cannot be loaded")


def _shapes(gan: GAN) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in gan.state_dict().items()}


def check_shapes(entry: Entry) -> None:
    """Scores ``(B,)`` or ``(B, P)`` in fp32 from every critic, scalar terms, and images of the size asked for."""
    for made in _subjects(entry):
        gan = made.build()
        hooks = [
            gan.get_submodule(critic).register_forward_hook(_check_scores(entry, critic)) for critic in gan.critics
        ]
        for turn in gan.train().turns():
            for name, term in turn.loss(made.batch(), turn.start).items():
                expect_scalar(term, entry, f"the term {name} of turn {turn.name}")
        for hook in hooks:
            hook.remove()
        gan.get_submodule("G").register_forward_hook(
            _check_images(entry, (2, gan.channels, gan.resolution, gan.resolution))
        )
        images = made.draw(gan, 2, seed=0)
        expect(torch.isfinite(images).all(), entry, "the images it draws are finite")


def _check_scores(entry: Entry, critic: str) -> Callable[..., None]:
    """A forward hook that checks a critic's output."""

    def look(module: nn.Module, inputs: tuple[Any, ...], said: object) -> None:
        expect(isinstance(said, Output), entry, f"{critic} returns a ganzoo.Output, not {type(said).__name__}")
        assert isinstance(said, Output)
        n = len(inputs[0])
        for shape in (tuple(scores.shape) for scores in said.heads):
            fine = len(shape) in (1, 2) and shape[0] == n
            expect(fine, entry, f"scores of {critic} are ({n},) or ({n}, P), not {shape}")

    return look


def _check_images(entry: Entry, expected: tuple[int, ...]) -> Callable[..., None]:
    """A forward hook that checks G's images."""

    def look(module: nn.Module, inputs: tuple[Any, ...], images: object) -> None:
        expect(isinstance(images, Tensor), entry, f"G returns a tensor of images, not {type(images).__name__}")
        assert isinstance(images, Tensor)
        expect(tuple(images.shape) == expected, entry, f"draws images {expected}, not {tuple(images.shape)}")

    return look


def check_reach(entry: Entry) -> None:
    """Every parameter of a player that may learn gets a finite gradient in some turn of that player."""
    for made in _subjects(entry):
        gan = made.build().train()
        reached: set[int] = set()
        for phase in range(gan.game.phases):
            gan.game.enter(phase)
            _collect_reached(gan, made, entry, reached)
        for owner, module in (item for player in gan.players for item in gan.modules_of(player).items()):
            for name, parameter in module.named_parameters():
                fine = not parameter.requires_grad or id(parameter) in reached
                expect(fine, entry, f"its parameter {owner}.{name} gets a gradient in a turn of its player")


def _collect_reached(gan: GAN, made: Tiny, entry: Entry, reached: set[int]) -> None:
    """Add the ids of the parameters that get a gradient in some turn."""
    for turn in gan.turns():
        gan.zero_grad()
        with learning(gan, turn.player):
            _total(turn.loss(made.batch(), turn.start)).backward()
        if any(part.takes_step_of(turn.player) for part in gan.regularizers):
            at = gan.update = Update(turn.start, turn.player, own_step=True)
            with learning(gan, turn.player):
                turn.loss(made.batch(), turn.start)
                _total(at.own_terms).backward()
            gan.update = None
        for name, parameter in gan.named_parameters():
            if parameter.grad is not None:
                expect(torch.isfinite(parameter.grad).all(), entry, f"the gradient of {name} is finite")
                reached.add(id(parameter))


def _total(terms: Mapping[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def check_training(entry: Entry) -> None:
    """Two steps of the loop: finite terms, finite weights."""
    for made in _subjects(entry):
        _trained(made, STEPS).check()


def check_dtype(entry: Entry) -> None:
    """Numbers are kept in float32, in tensors that a saved state holds; so are the images drawn."""
    made = subject(entry)
    gan = made.build()
    for name, tensor in gan.state_dict(keep_vars=True).items():
        expect(isinstance(tensor, Tensor), entry, f"{name} of its state is a tensor, not {type(tensor).__name__}")
        fine = not tensor.is_floating_point() or tensor.dtype == torch.float32
        expect(fine, entry, f"{name} is float32, not {tensor.dtype}")
    for path, module in gan.named_modules():
        for name in module._non_persistent_buffers_set:
            expect(False, entry, f"its buffer {path}.{name} is persistent: others are lost when a model is loaded")
    expect(made.draw(gan, 1, seed=0).dtype == torch.float32, entry, "draws float32 images")


def check_device(entry: Entry) -> None:
    """Nothing stays behind when the GAN moves; it trains on a GPU if there is one."""
    made = subject(entry)
    gan = made.build().to("meta")
    for name, tensor in gan.state_dict().items():
        expect(tensor.is_meta, entry, f"{name} moves with it")
    parts = [part for critic in gan.critics.values() for part in critic.all().values()]
    for owner in (*gan.modules(), *parts, gan.game):
        for name, value in vars(owner).items():
            stray = isinstance(value, Tensor) and not value.is_meta and value.ndim > 0
            expect(not stray, entry, f"{type(owner).__name__}.{name} moves with it: register it as a buffer")
    if torch.cuda.is_available():
        trainer = made.trainer(device="cuda")
        trainer.train_step(made.batches(trainer))
        trainer.check()


def check_seed(entry: Entry) -> None:
    """A training is a function of its seed, bit for bit, and so is a sample."""
    made = subject(entry)
    trainers = [_trained(made, STEPS) for _ in range(2)]
    one, again = (trainer.tensors() for trainer in trainers)
    differs = _difference(one, again)
    expect(
        not differs,
        entry,
        f"two trainings from one seed are equal, and {differs} is not: draw with ganzoo.parts.global_draw",
    )
    gan = trainers[0].gan
    more, fewer = made.draw(gan, 3, seed=5), made.draw(gan, 2, seed=5)
    expect(torch.allclose(more[:2], fewer, atol=1e-5), entry, "the first 2 of 3 samples are the 2 of the same seed")


def check_state(entry: Entry) -> None:
    """A state put into a GAN of other weights gives the same GAN, and a saved model the same samples."""
    made = subject(entry)
    gan, other = _trained(made, 1).gan, made.build(seed=1)
    missing, unexpected = other.load_state_dict(gan.state_dict(), strict=False)
    expect(not missing and not unexpected, entry, f"its state has the same names each time: {missing or unexpected}")
    images = made.draw(gan, 2, seed=0)
    expect(torch.equal(images, made.draw(other, 2, seed=0)), entry, "draws the same from a state put into another GAN")
    for turn, same in zip(gan.eval().turns(), other.eval().turns(), strict=True):
        terms = [_terms(turn.loss, made), _terms(same.loss, made)]
        expect(_difference(*terms) is None, entry, f"turn {turn.name} is the same from a state put into another GAN")
    with tempfile.TemporaryDirectory() as folder:
        save_model(gan, Path(folder), describe(gan, step=1, seed=0, dataset={"name": "made-up"}, license="cc0-1.0"))
        loaded = made.draw(ModelFolder(folder).load(), 2, seed=0)
    expect(torch.allclose(images, loaded, atol=1e-4), entry, "draws the same from its folder")


def _terms(loss: Callable[..., dict[str, Tensor]], made: Tiny) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return loss(made.batch(), 0)


def check_resume(entry: Entry) -> None:
    """A step, a save, a load into a fresh GAN and another step are two steps without a break, bit for bit."""
    made = subject(entry)
    whole, first = _trained(made, STEPS), _trained(made, STEPS - 1)
    saved = {name: tensor.detach().clone() for name, tensor in first.tensors().items()}
    second = made.trainer(seed=1)
    second.seed = first.seed
    second.restore(first.step, saved, first.counts)
    second.train_step(made.batches(second))
    differs = _difference(whole.tensors(), second.tensors())
    expect(not differs, entry, f"resumes exactly, and {differs} differs: keep what changes in buffers")


def check_bf16(entry: Entry) -> None:
    """Steps under bf16 autocast, one whenever a turn is taken first: finite terms, and weights that stay finite."""
    made = subject(entry)
    trainer = made.trainer(0, torch.bfloat16)
    for start in sorted({turn.start for turn in trainer.turns}):
        trainer.step = start
        trainer.train_step(made.batches(trainer))
    trainer.check()


def _trained(made: Tiny, steps: int, seed: int = 0) -> Trainer:
    trainer = made.trainer(seed)
    for _ in range(steps):
        trainer.train_step(made.batches(trainer))
    trainer.check_terms()
    return trainer


def _difference(one: Mapping[str, Tensor], two: Mapping[str, Tensor]) -> str | None:
    """The first name under which two states are not the same, or None."""
    names: Iterable[str] = dict.fromkeys((*one, *two))
    return next((n for n in names if n not in one or n not in two or not _equal(one[n], two[n])), None)


def _equal(one: Tensor, two: Tensor) -> bool:
    """Whether two tensors are equal, NaN to NaN: a report of which a batch had nothing to say."""
    if torch.equal(one, two) or not one.is_floating_point() or (one.shape, one.dtype) != (two.shape, two.dtype):
        return torch.equal(one, two)
    return torch.allclose(one, two, rtol=0, atol=0, equal_nan=True)


def _subjects(entry: Entry) -> list[Tiny]:
    """The part with labels; an architecture also without, where it can do without."""
    plain = unlabelled(entry) if entry.kind == "architecture" else None
    return [subject(entry), *([] if plain is None else [plain])]
