"""Check of a batch in pieces: a part that does not declare ``across_batch`` gives the gradients of one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, UsageError
from ganzoo.gan.game import Turn
from ganzoo.plan.plan import Setting
from ganzoo.registry.entry import Entry
from ganzoo.registry.recipe import EMPTY
from ganzoo.testing.expect import expect
from ganzoo.testing.tiny import Tiny, subject, tiny

PIECES = 2
CLOSE = 1e-5  # of the largest gradient
MIXER = "normalization"  # the kind whose usual part looks across the batch


def check_pieces(entry: Entry) -> None:
    """A batch in two pieces gives the gradients of one pass to rounding, unless the part says that it cannot.

    It is checked for each player whose graph has no other part that looks across the batch. Rounding is 1e-5 of the
    largest gradient; a network that is so steep that its gradients move further where each weight moves by one bit may
    be as far off as that, for kernels round otherwise for another number of images.
    """
    if entry.across_batch:
        return
    made = _alone(entry)
    for turn in made.build(device="meta").turns():
        pieces = _in_pieces(made, turn.player)
        if pieces is None:
            continue
        for own_step in (False, True):
            whole, parts = (_gradients(one, turn, own_step) for one in (made, pieces))
            largest = max((float(gradient.abs().max()) for gradient in whole.values()), default=0.0)
            for name, gradient in whole.items():
                away = float((gradient - parts[name]).abs().max()) if name in parts else largest
                expect(
                    away <= CLOSE * max(largest, 1e-12) or away <= _moved(made, turn, own_step, whole),
                    entry,
                    f"gives {name} the same gradient when a batch goes through in pieces, in a turn of {turn.name}"
                    f" (off by {away:.2g} of {largest:.2g}); one that looks across the batch, or whose state moves by"
                    f" what it sees, declares across_batch=True",
                )


def _alone(entry: Entry) -> Tiny:
    """The part at the smallest sizes, without norms where it does without, as the usual one looks across the batch."""
    made = subject(entry)
    if entry.kind in (MIXER, "preset"):
        return made
    try:
        plain = tiny(f"{made.plan.recipe}+{MIXER}/{EMPTY}", made.plan.provides)
        plain.build(device="meta")
    except GanzooError:  # the part, or its architecture, needs what is left out
        return made
    return plain


def _in_pieces(made: Tiny, player: str) -> Tiny | None:
    """The same with the player's batches in pieces; None where that is refused."""
    setting = Setting(PIECES, "the suite")
    plan = replace(made.plan, settings={**made.plan.settings, f"accumulate.{player}": setting})
    pieces = replace(made, plan=plan)
    try:
        pieces.build(device="meta")
    except UsageError as refused:
        if "accumulate" not in str(refused):
            raise
        return None
    return pieces


def _moved(made: Tiny, turn: Turn, own_step: bool, whole: Mapping[str, Tensor]) -> float:
    """How far the gradients ``whole`` move, at most, where each weight is moved by its last bit, up or down."""
    beside = _gradients(made, turn, own_step, bit=torch.finfo(torch.float32).eps)
    return max(float((gradient - beside[name]).abs().max()) for name, gradient in whole.items())


def _gradients(made: Tiny, turn: Turn, own_step: bool, bit: float = 0.0) -> dict[str, Tensor]:
    """What the parameters of a turn's player get in its first update; of none where no part takes a further step.

    Args:
        made: the part at its smallest sizes.
        turn: whose update it is.
        own_step: the further step of the regularizers that have one.
        bit: what each weight is moved by, of itself, up or down.
    """
    trainer = made.trainer()
    if bit:
        signs = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in trainer.gan.parameters():
                weight.mul_(1 + bit * (2 * torch.randint(2, weight.shape, generator=signs) - 1).to(weight))
    mine = next(other for other in trainer.turns if other.name == turn.name)
    if own_step and not any(part.takes_step_of(mine.player) for part in trainer.gan.regularizers):
        return {}
    trainer.gan.train()
    trainer.step = mine.start
    trainer.backward(mine, trainer.precision.send(made.batch()), 0, own_step)
    own = trainer.parameters[mine.player]
    return {name: parameter.grad for name, parameter in own.items() if parameter.grad is not None}
