"""The loop: players take turns, and nothing here knows what a turn does.

All randomness is a function of the seed, the step and the turn, so a training resumed from its tensors goes on bit for
bit, and no generator's state has to be saved.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from ganzoo.compat.lookup import old_attribute
from ganzoo.distributed.batch import Piece, all_reduce_mean, whole_batch
from ganzoo.distributed.group import all_reduce_means, average_gradients, running_statistics
from ganzoo.errors import ModelError, RunError
from ganzoo.files.untrusted import printable
from ganzoo.folder.weights import generator_side
from ganzoo.gan.adversary import due
from ganzoo.gan.freezing import frozen_parameters
from ganzoo.gan.game import Turn
from ganzoo.gan.gan import GAN
from ganzoo.machine.compiled import turn_marker
from ganzoo.machine.precision import Precision, choose_precision
from ganzoo.parts.context import Batch
from ganzoo.parts.freeze import open_frozen
from ganzoo.parts.update import Update
from ganzoo.seeding import derive
from ganzoo.training import optim
from ganzoo.training.ema import EMA, averaging_of
from ganzoo.training.health import short
from ganzoo.training.learning import kept, learning

REPORT = "report of "  # before "player/name" of what parts report, beside the terms
GRADIENT = "gradient of "  # before a player's name: the mean norm of its gradients, beside the terms "turn/name"
MOST_PENDING_TURNS = 64  # whose terms may wait on a GPU, so that no step waits for it; a CPU is asked at once
PendingTerms = tuple[int, str, tuple[str, ...], Tensor]  # step, turn, names of its terms, their values


class NotFinite(RunError):
    """A loss or a weight is NaN or infinite: the training diverged."""


def reseed(*names: int | str) -> None:
    """Set the global generators of torch (every device), Python and NumPy to a function of a stream and numbers."""
    seed = derive(*names)
    if torch.cuda.is_initialized():
        torch.manual_seed(seed)
    else:  # the same, without the note of who asked that torch makes for a GPU to come: a millisecond every time
        torch.default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def mean_terms(said: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The terms of a batch, of those of its pieces."""
    if len(said) == 1:
        return dict(said[0])
    return {name: torch.stack([terms[name] for terms in said]).mean() for name in said[0]}


class Trainer:
    """Takes the turns of a GAN, one step at a time.

    Args:
        gan: placed on the device already.
        seed: of everything that is drawn.
        horizon: steps that schedules without a length spread over.
        precision: device and arithmetic; fp32 on the CPU by default.
    """

    def __init__(self, gan: GAN, seed: int, horizon: int, precision: Precision | None = None) -> None:
        self.gan, self.seed, self.horizon = gan, seed, horizon
        self.precision = precision or choose_precision("fp32", torch.device("cpu"))
        self.step = 0
        open_frozen(gan)
        self.turns = gan.turns()
        plan, players = gan.plan, gan.players
        self.updates = dict.fromkeys(players, 0)  # that each player has had
        self.repeat = {player: optim.repeat_of(plan, player) for player in players}
        self.pieces = {player: int(plan[f"accumulate.{player}"]) for player in players}  # of each batch
        self.batches_per_step = max(self.repeat.values())
        self.images_per_step = self.batches_per_step * int(plan["batch"])
        self.still = frozen_parameters(gan)
        self.parameters = {player: optim.named_parameters(gan.modules_of(player), self.still) for player in players}
        self.optimizers = {
            player: optim.make_optimizer(plan, player, own.values()) for player, own in self.parameters.items()
        }
        self.lazy = {player: self.lazy_factor(player) for player in players}
        self.statistics = running_statistics(gan)
        self.ema = EMA(generator_side(gan), averaging_of(plan, self.horizon, self.images_per_step))
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.pending_terms: list[PendingTerms] = []
        self.most_pending = 1 if self.precision.device.type == "cpu" else MOST_PENDING_TURNS
        self.begin = turn_marker(plan, self.precision.device)
        self.factor = 1.0  # of every learning rate; a guard that rolls back lowers it
        self.numbers: dict[str, optim.Numbers] = {}  # of this step
        for player in players:
            self.set_numbers(player)

    if not TYPE_CHECKING:  # for type checkers an attribute that is not there stays an error

        def __getattr__(self, name: str) -> Any:
            """What 0.1.0 called its methods; asked only for what is not there."""
            return old_attribute(self, name)

    def train_step(self, batches: Sequence[Batch]) -> None:
        """One step: every turn that is due, those of one player together and as often as its ``repeat`` says.

        Args:
            batches: ``batches_per_step`` of them; a player that moves less often sees the last ones.
        """
        self.gan.train()
        updates = count()
        due = [turn for turn in self.turns if turn.due(self.step)]
        for player, turns in groupby(due, key=lambda turn: turn.player):
            self.set_numbers(player)
            own = list(turns)
            for batch in batches[-self.repeat[player] :]:
                for turn in own:
                    self.take(turn, batch, next(updates))
        all_reduce_means(self.statistics)
        self.ema.update(self.step)
        self.step += 1

    def take(self, turn: Turn, batch: Batch, update: int) -> None:
        """One update of one player: losses, gradients, step.

        Args:
            turn: the player's.
            batch: a batch of its own.
            update: its number among the player's updates of this step, from 0.
        """
        self.optimise(turn, batch, update)
        if any(due(part, self.update_at(turn.player, own_step=True)) for part in self.gan.regularizers):
            self.optimise(turn, batch, update, own_step=True)
        self.updates[turn.player] += 1
        if turn.after is not None:
            with kept(self.still):
                turn.after()

    def optimise(self, turn: Turn, batch: Batch, update: int, own_step: bool = False) -> None:
        """Losses, gradients, a step of the player's optimiser.

        Args:
            turn: whose loss.
            batch: of real images.
            update: number in the step, for the seed.
            own_step: whether the loss is that of regularizers which take a step by themselves.
        """
        optimizer = self.optimizers[turn.player]
        try:
            if not self.backward(turn, batch, update, own_step):
                return
        except NotFinite:
            optimizer.zero_grad(set_to_none=True)  # of the pieces before
            raise
        own = self.parameters[turn.player].values()
        average_gradients(own)
        length = optim.gradient_norm(own)
        if not own_step:
            self.add(f"{GRADIENT}{turn.player}", length)
        optim.clip_gradients(own, length, self.numbers[turn.player]["clip"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def backward(self, turn: Turn, batch: Batch, update: int, own_step: bool = False) -> bool:
        """The losses of an update and their gradients, in as many pieces of the batch as the player's setting says.

        Arguments are those of :meth:`take`: ``turn``, ``batch``, ``update``; and ``own_step`` for the further step of
        regularizers that have one.

        Every piece begins with the same numbers, of which it takes its rows. What is computed of weights alone, such as
        spectral norm, is computed once, so its graph stays until the last piece.

        Returns:
            Whether there was a loss: a turn that asks no adversary, as in a warm-up, has none for a further step.
        """
        self.begin()
        stream = "own-step" if own_step else "update"
        at, count = self.update_at(turn.player, own_step), self.pieces[turn.player]
        said: list[dict[str, Tensor]] = []
        with learning(self.gan, turn.player, self.still), parametrize.cached():
            for index in range(count):
                at.piece, last = Piece(index, count), index == count - 1
                reseed(stream, self.seed, self.step, update)
                with self.updating(at), self.precision.autocast(), whole_batch():
                    terms = turn.loss(batch, self.step)
                    terms = dict(at.own_terms) if own_step else terms
                if own_step and not terms:
                    return False
                total = torch.stack(list(terms.values())).sum()
                said.append({name: term.detach() for name, term in terms.items()})
                del terms  # and with it what only this piece's graph needs, once it went backward
                if last:
                    self.note(turn, mean_terms(said))
                    self.note_reports(turn.player, at)
                (total if count == 1 else total / count).backward(retain_graph=not last)
                del total
        return True

    def set_numbers(self, player: str) -> None:
        """Fix what the settings of a player are in the step to come."""
        self.numbers[player] = self.numbers_at(player, self.step)
        optimizer, lazy = self.optimizers[player], self.lazy[player]
        optim.set_numbers(optimizer, self.numbers[player], self.factor * lazy, power=lazy)

    def numbers_at(self, player: str, step: int) -> optim.Numbers:
        """What the settings of a player's optimiser are in ``step``."""
        return optim.numbers_of(self.gan.plan, player, step, self.horizon, images_seen=step * self.images_per_step)

    def lazy_factor(self, player: str) -> float:
        """What the player's learning rate is multiplied by, as its further steps of regularizers come on top."""
        factors = [part.every / (part.every + 1) for part in self.gan.regularizers if part.takes_step_of(player)]
        return math.prod(factors)

    def update_at(self, player: str, own_step: bool = False) -> Update:
        """Where the training stands before an update of ``player``."""
        seen, count = self.step * self.images_per_step, self.gan.data_count
        return Update(
            step=self.step,
            player=player,
            number=self.updates[player],
            horizon=self.horizon,
            images_seen=seen,
            epoch=seen // count if count else 0,
            own_step=own_step,
        )

    @contextmanager
    def updating(self, at: Update) -> Iterator[Update]:
        """Tell the parts that act in the ``with`` block which update it is; its passes end with it."""
        self.gan.update = at
        try:
            yield at
        finally:
            self.gan.update = None
            at.passes.clear()

    def rate(self, player: str) -> float:
        """The learning rate of a player in the step to come."""
        return self.rate_at(player, self.step)

    def rate_at(self, player: str, step: int) -> float:
        """The learning rate of a player in ``step``, as its schedule and the factor have it."""
        return self.factor * self.lazy[player] * self.numbers_at(player, step)["lr"]

    def note(self, turn: Turn, terms: Mapping[str, Tensor]) -> None:
        """Add the terms to what the next log line reports; sooner or later they are looked at."""
        values = all_reduce_mean(torch.stack([term.detach().double() for term in terms.values()]))  # over processes
        self.pending_terms.append((self.step, turn.name, tuple(terms), values))
        if len(self.pending_terms) >= self.most_pending:
            self.check_terms()
        for name, value in zip(terms, values, strict=True):
            self.add(f"{turn.name}/{name}", value)

    def note_reports(self, player: str, at: Update) -> None:
        """Add what parts reported in an update to what the next log line reports; NaN says nothing of the update.

        It counts as the mean before it, which leaves the mean as it is: a look at whether it is NaN would wait for it.
        """
        for name in sorted(at.reports):
            key, value = f"{REPORT}{player}/{name}", all_reduce_mean(at.reports[name])
            value = value.to(self.precision.device, non_blocking=True)
            count = self.counts.get(key, 0)
            before = self.sums.get(key, torch.full_like(value, math.nan))
            value = torch.where(value.isnan(), before / max(count, 1), value)
            self.sums[key] = torch.where(before.isnan(), (count + 1) * value, before + value)
            self.counts[key] = count + 1

    def check_terms(self) -> None:
        """Look at the terms since the last time, which waits for the device: a step by itself never does.

        Raises:
            NotFinite: for the first term that is not a number.
        """
        pending, self.pending_terms = self.pending_terms, []
        if not pending or bool(torch.cat([values for *_, values in pending]).isfinite().all()):
            return
        for step, turn, names, values in pending:
            for name, value in zip(names, values.tolist(), strict=True):
                if not math.isfinite(value):
                    raise NotFinite(f"step {step:,}: the term {name!r} of the turn {turn!r} is {value}")

    def add(self, key: str, value: Tensor) -> None:
        """Take a number, a scalar, into a mean of the next report; it stays on the device until then."""
        self.sums[key] = self.sums.get(key, 0.0) + value
        self.counts[key] = self.counts.get(key, 0) + 1

    def report(self) -> dict[str, Any]:
        """Means since the last report of every term and of the players' gradient norms; learning rates; EMA drift."""
        self.check_terms()
        means = {key: float(self.sums[key]) / self.counts[key] for key in sorted(self.sums)}
        self.sums, self.counts = {}, {}
        gradients = {key.removeprefix(GRADIENT): short(mean) for key, mean in means.items() if key.startswith(GRADIENT)}
        said = {key.removeprefix(REPORT): mean for key, mean in means.items() if key.startswith(REPORT)}
        reports = {name: short(mean) for name, mean in said.items() if not math.isnan(mean)}
        losses = {key: mean for key, mean in means.items() if not key.startswith((GRADIENT, REPORT))}
        return {
            "losses": losses,
            **({"reports": reports} if reports else {}),
            "lr": {player: self.rate_at(player, max(self.step - 1, 0)) for player in self.optimizers},
            "health": {"gradients": gradients, "drift": short(self.ema.drift())},
        }

    # --- state ----------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Networks, parts, averages and optimisers: all that the next step depends on."""
        own = {f"gan/{key}": tensor for key, tensor in self.gan.state_dict().items()}
        averages = {f"ema/{key}": tensor for key, tensor in self.ema.state_dict().items()}
        remembered = {
            f"optimizer/{player}/{key}": tensor
            for player, optimizer in self.optimizers.items()
            for key, tensor in optim.state_of(optimizer, self.parameters[player]).items()
        }
        sums = {f"sum/{key}": torch.as_tensor(value) for key, value in self.sums.items()}
        factor = {"rate/factor": torch.tensor(self.factor, dtype=torch.float64)}
        updates = {f"updates/{player}": torch.tensor(number) for player, number in self.updates.items()}
        return {**own, **averages, **remembered, **sums, **factor, **updates}

    def check(self) -> None:
        """Refuse a state with NaN or infinite numbers: it must not be saved.

        Raises:
            NotFinite: naming the term or the tensor.
        """
        self.check_terms()
        # What parts report may be anything; it is in no loss.
        numbers = {
            name: tensor
            for name, tensor in self.tensors().items()
            if tensor.is_floating_point() and not name.startswith(f"sum/{REPORT}")
        }
        fine = [tensor.isfinite().all().to(self.precision.device) for tensor in numbers.values()]
        if not bool(torch.stack(fine).all()):  # one wait for all of them
            name = next(name for name, good in zip(numbers, fine, strict=True) if not bool(good))
            raise NotFinite(f"step {self.step:,}: {name} holds NaN or infinite numbers")

    def restore(self, step: int, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Stand where :meth:`tensors` was taken: after so many steps, with the counts that belong to the sums.

        Raises:
            ModelError: for tensors of another GAN.
        """
        groups: dict[str, dict[str, Tensor]] = {
            name: {} for name in ("gan", "ema", "optimizer", "sum", "rate", "updates")
        }
        for name, tensor in tensors.items():
            group, _, key = name.partition("/")
            groups.setdefault(group, {})[key] = tensor
        try:
            self.gan.load_state_dict(groups["gan"], strict=True)
            for name, average in self.ema.averages.items():
                own = {k.removeprefix(f"{name}."): t for k, t in groups["ema"].items() if k.startswith(f"{name}.")}
                average.load_state_dict(own, strict=True)
            for player, optimizer in self.optimizers.items():
                start = f"{player}/"
                state = {k.removeprefix(start): t for k, t in groups["optimizer"].items() if k.startswith(start)}
                optim.restore(optimizer, self.parameters[player], state)
            if counts.keys() != groups["sum"].keys() or not all(type(n) is int and n > 0 for n in counts.values()):
                raise ValueError("its counts are not those of its sums")
            self.factor = float(groups["rate"].get("factor", 1.0))
            # Version 0.1.0 did not count them: then every step had as many as the settings say.
            counted = groups["updates"]
            self.updates = {player: int(counted.get(player, step * self.repeat[player])) for player in self.updates}
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            said = printable(str(error).splitlines()[0])
            raise ModelError(f"the checkpoint belongs to another GAN: {said}") from error
        device = self.precision.device
        self.step, self.counts, self.pending_terms = step, dict(counts), []
        self.ema.fresh_statistics = False
        self.sums = {key: tensor.to(device) for key, tensor in groups["sum"].items()}
