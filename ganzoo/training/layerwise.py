"""What each layer has of a step: its time in forward and backward passes, and the operations that it asks for.

A module's forward pass is measured between hooks, less the modules that it calls. Its part of the backward pass are the
nodes of the graph that its forward pass made, each measured between hooks of its own. Networks run as they are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.gan.game import Turn
from ganzoo.layers.layout import as_written
from ganzoo.machine.timing import DeviceClock
from ganzoo.parts.context import Batch
from ganzoo.training.loop import Trainer

FORWARD, BACKWARD = "forward", "backward"
Key = tuple[str, str, str]  # turn, layer, pass
Span = tuple[int, Any, Any]  # whether it counts or is taken off, its start, its end


@dataclass
class Spans:
    """What was measured of layers: spans by turn, layer and pass.

    Args:
        now: what a place is: a time, an event of a GPU, a count of operations.
    """

    now: Callable[[], Any]
    turn: str = ""
    found: dict[Key, list[Span]] = field(default_factory=lambda: defaultdict(list))
    open: list[tuple[str, Any, int]] = field(default_factory=list)  # layers that are at work: name, start, first node
    claimed: set[int] = field(default_factory=set)  # numbers of nodes that belong to a layer already

    def begin(self, name: str, module: nn.Module, inputs: Any) -> None:
        """A layer's forward pass begins."""
        self.open.append((name, self.now(), _next_node()))

    def end(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        """It ends: its time counts for it and is taken off that of the layer that called it; its nodes are its own."""
        _, start, first = self.open.pop()
        end = self.now()
        self.found[self.turn, name, FORWARD].append((1, start, end))
        if self.open:
            self.found[self.turn, self.open[-1][0], FORWARD].append((-1, start, end))
        for node in _made(output, first):
            number = node._sequence_nr()
            if number not in self.claimed:
                self.claimed.add(number)
                self.watch(node, name)

    def watch(self, node: Any, name: str) -> None:
        """Measure a node of the graph whenever it works."""
        begun: list[Any] = []
        node.register_prehook(lambda gradients: begun.append(self.now()))

        def done(inputs: Any, outputs: Any) -> None:
            self.found[self.turn, name, BACKWARD].append((1, begun.pop(), self.now()))

        node.register_hook(done)


def _next_node() -> int:
    """The number that the next node of the graph gets."""
    return int(torch._C._autograd._get_sequence_nr())  # type: ignore[attr-defined]


def _made(output: Any, first: int) -> Iterator[Any]:
    """Nodes behind an output that were made from node ``first`` on."""
    last = _next_node()
    tensors = [each for each in tree_leaves(_fields(output)) if isinstance(each, Tensor)]
    waiting, seen = [each.grad_fn for each in tensors if each.grad_fn is not None], set[Any]()
    while waiting:
        node = waiting.pop()
        if node in seen or not first <= node._sequence_nr() < last:  # what parameters wait in has none of these numbers
            continue
        seen.add(node)
        yield node
        waiting += [other for other, _ in node.next_functions if other is not None]


def _fields(output: Any) -> Any:
    """What an output holds, such as scores and features."""
    return vars(output) if hasattr(output, "__dict__") and not isinstance(output, Tensor) else output


@contextmanager
def _watched(trainer: Trainer, spans: Spans) -> Iterator[None]:
    """Measure the layers of every network of a trainer inside the block, turn by turn."""
    hooks, take = [], trainer.take
    for network in dict.fromkeys(name for names in trainer.gan.players.values() for name in names):
        for path, module in trainer.gan.get_submodule(network).named_modules(prefix=network):
            if "parametrizations" in path.split("."):
                continue  # is of weights; it counts for the layer that asks for them
            hooks.append(module.register_forward_pre_hook(partial(spans.begin, path)))
            hooks.append(module.register_forward_hook(partial(spans.end, path)))

    def taken(turn: Turn, batch: Batch, update: int) -> None:
        spans.turn = turn.name
        spans.claimed.clear()
        start = spans.now()
        take(turn, batch, update)
        spans.found[turn.name, "", FORWARD].append((1, start, spans.now()))

    trainer.take = taken  # type: ignore[method-assign]
    try:
        yield
    finally:
        trainer.take = take  # type: ignore[method-assign]
        for hook in hooks:
            hook.remove()


def layers_of(trainer: Trainer, step: Callable[[], None], rounds: int) -> list[dict[str, Any]]:
    """A step by turn and layer, in the order in which layers are met.

    Args:
        trainer: whose networks; it has taken a step before.
        step: takes one.
        rounds: steps that are timed; means of them count.

    Returns:
        For each turn and layer JSON: ``turn``, ``layer`` (its name from the network down; empty for what belongs to
        none, such as losses and the optimiser), ``type``, ``forward_ms``, ``backward_ms``, ``share`` of its turn's time
        and ``gflop``. Shares of a turn sum to one.
    """
    clock, counter = DeviceClock(trainer.precision.device), FlopCounterMode(display=False)
    times, counts = Spans(clock.now), Spans(counter.get_total_flops)
    with _watched(trainer, times):
        for _ in range(rounds):
            step()
        clock.wait()
    counter.mod_tracker = Untracked()  # type: ignore[assignment]
    with counter, as_written(), _watched(trainer, counts):
        step()
    seconds = {key: sum(sign * clock.between(a, b) for sign, a, b in spans) for key, spans in times.found.items()}
    flop = {key: sum(sign * (b - a) for sign, a, b in spans) for key, spans in counts.found.items()}
    rows = [_row(trainer, turn, seconds, flop, rounds) for turn in dict.fromkeys(turn for turn, *_ in seconds)]
    return [row for of_turn in rows for row in of_turn]


def _row(
    trainer: Trainer, turn: str, seconds: Mapping[Key, float], flop: Mapping[Key, float], rounds: int
) -> list[dict[str, Any]]:
    """The rows of a turn, the last of what belongs to no layer."""
    layers = dict.fromkeys(layer for own, layer, _ in seconds if own == turn and layer)
    whole = {what: values.get((turn, "", FORWARD), 0.0) for what, values in {"s": seconds, "flop": flop}.items()}
    rows, spent, counted = [], 0.0, 0.0
    for layer in layers:
        forward, backward = (seconds.get((turn, layer, which), 0.0) for which in (FORWARD, BACKWARD))
        operations = sum(flop.get((turn, layer, which), 0) for which in (FORWARD, BACKWARD))
        spent, counted = spent + forward + backward, counted + operations
        kind = parametrize.type_before_parametrizations(trainer.gan.get_submodule(layer)).__name__
        rows.append(_figures(turn, layer, kind, (forward / rounds, backward / rounds), operations, whole["s"] / rounds))
    rest = (max(0.0, whole["s"] - spent) / rounds, 0.0)
    return [*rows, _figures(turn, "", "", rest, whole["flop"] - counted, whole["s"] / rounds)]


def _figures(
    turn: str, layer: str, kind: str, seconds: tuple[float, float], operations: float, whole: float
) -> dict[str, Any]:
    forward, backward = seconds
    return {
        "turn": turn,
        "layer": layer,
        "type": kind,
        "forward_ms": round(1e3 * forward, 4),
        "backward_ms": round(1e3 * backward, 4),
        "share": round((forward + backward) / whole, 5),
        "gflop": round(operations / 1e9, 6),
    }


class Untracked:
    """In place of what tells which module an operation is of: its hooks fail where a pass is differentiated twice."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""
