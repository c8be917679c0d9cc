"""What would make a step wait for a GPU, found without one: a GAN on the device ``meta`` stands in for one on a GPU.

A GPU works through what it is asked while the program asks for more. A program that looks at a number on it, or hands
it memory that is not pinned without saying ``non_blocking``, waits until all is done, and a small step then costs what
its launches cost. ``meta`` has shapes and no numbers, and so every such look is seen; work on the CPU is done as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganzoo.gan.gan import GAN
from ganzoo.machine.precision import Precision
from ganzoo.parts.freeze import Frozen, open_frozen
from ganzoo.registry.entry import Entry
from ganzoo.testing.expect import expect
from ganzoo.testing.tiny import subject
from ganzoo.training.loop import Trainer

STEPS = 2
META = torch.device("meta")
# Operations whose result the program waits for.
LOOKS = frozenset(
    (
        "_local_scalar_dense",
        "nonzero",
        "masked_select",
        "unique_dim",
        "unique_consecutive",
        "_unique2",
        "equal",
        "bincount",
        "_linalg_check_errors",
    )
)
MASKED = ("index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_")
MAKERS = (torch.tensor, torch.as_tensor, torch.asarray)
COPIES = ("_to_copy", "copy_", "_copy_from")
HOME = Path(__file__).parents[1]
PASSED = (str(Path(torch.__file__).parent), __file__)  # files of which no line is the one that waits


class PretendGPU(TorchDispatchMode):
    """Notes what would make a program wait for a GPU, while tensors on ``meta`` stand for those on it.

    Attributes:
        waits: sentences, each with the line of the program that waits, in the order in which they were met.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: dict[str, None] = {}
        self._calls = _Calls(self)

    def __enter__(self) -> PretendGPU:
        """Begin to take notes."""
        self._calls.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """End."""
        super().__exit__(*error)
        self._calls.__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at an operation before it is done; what has no result without numbers gets one that is made up."""
        named, name = dict(kwargs or {}), func.overloadpacket.__name__
        tensors = [each for each in tree_leaves((args, named)) if isinstance(each, Tensor)]
        there = [each for each in tensors if each.is_meta]
        goal = torch.device(named["device"]) if named.get("device") is not None else None
        if name in COPIES:
            return self._copied(func, name, args, named, goal)
        if (there or goal == META) and named.get("generator") is not None:
            self.note("draws on the GPU by a generator of the CPU")
            named["generator"] = None
        if not there:
            return func(*args, **named)
        if name in LOOKS:
            self.note(f"waits for what {name} gives")
            return 1.0 if name == "_local_scalar_dense" else func(*args, **named)
        if name in MASKED and any(index is not None and index.dtype is torch.bool for index in args[1]):
            self.note("chooses by a mask, whose number of places is only known on the GPU: torch.where")
        elif name in MASKED and any(index is not None and not index.is_meta for index in args[1]):
            self.note("indexes by numbers of the CPU")
        return func(*args, **named)

    def _copied(
        self, func: Any, name: str, args: tuple[Any, ...], named: dict[str, Any], goal: torch.device | None
    ) -> Any:
        """A copy, which waits wherever the CPU is at an end of it and nothing says that it need not."""
        source: Tensor = args[0] if name == "_to_copy" else args[1]
        target = (goal or source.device) if name == "_to_copy" else args[0].device
        freely = bool(named.get("non_blocking")) or (name == "copy_" and len(args) > 2 and bool(args[2]))
        if source.is_meta and target != META:
            self.note("brings a tensor from the GPU to the CPU")
            made = torch.ones(source.shape, dtype=named.get("dtype") or source.dtype, device=target)
            return made if name == "_to_copy" else args[0].copy_(made)
        if not source.is_meta and target == META and not freely:
            self.note("moves a tensor to the GPU without non_blocking=True")
        return func(*args, **named)

    def note(self, what: str) -> None:
        """Keep a sentence about the innermost line that is neither torch's nor this file's."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(PASSED):
            frame = frame.f_back
        if frame is None:
            raise AssertionError("an operation that nobody asked for")
        path = Path(frame.f_code.co_filename)
        shown = path.relative_to(HOME.parent) if path.is_relative_to(HOME.parent) else path.name
        self.waits.setdefault(f"{shown}:{frame.f_lineno} {what}", None)


class _Calls(TorchFunctionMode):
    """Notes the calls of which no operation is seen: those that make a tensor of a program's own numbers."""

    def __init__(self, notes: PretendGPU) -> None:
        super().__init__()
        self.notes = notes

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at a call before it is made."""
        goal = (kwargs or {}).get("device")
        if func in MAKERS and goal is not None and torch.device(goal) == META and not isinstance(args[0], Tensor):
            self.notes.note("makes a tensor on the GPU of the program's numbers: torch.full, or to(non_blocking=True)")
        return func(*args, **(kwargs or {}))


class OnMeta(Precision):
    """A precision for the stand-in of a GPU, on which there is nothing to be cast."""

    def autocast(self) -> Any:
        """Nothing: ``meta`` has no autocast."""
        return nullcontext()

    def send(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A batch as one that came through pinned memory: the program did not wait for it."""
        return {name: column.to(META, non_blocking=True) for name, column in batch.items()}


class _Autocast(torch.autocast):
    """Autocast that takes ``meta`` for the CPU, whose autocast leaves tensors on ``meta`` alone."""

    def __init__(self, device_type: str, *rest: Any, **named: Any) -> None:
        super().__init__(_known(device_type), *rest, **named)


def _known(device_type: str) -> str:
    return "cpu" if device_type == META.type else device_type


@contextmanager
def _autocast_on_meta() -> Iterator[None]:
    """Let layers turn autocast off, and ask after it, on a device that has none."""
    asked, dtype = torch.is_autocast_enabled, torch.get_autocast_dtype
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch, "autocast", _Autocast))
        stack.enter_context(patch.object(torch, "is_autocast_enabled", lambda kind="cpu": asked(_known(kind))))
        stack.enter_context(patch.object(torch, "get_autocast_dtype", lambda kind: dtype(_known(kind))))
        yield


def waits_of(trainer: Trainer, batches: Callable[[Trainer], Iterable[Any]], steps: int = STEPS) -> list[str]:
    """What would make steps of a trainer wait for a GPU.

    Args:
        trainer: on the device ``meta``.
        batches: those of its next step.
        steps: to take.

    Returns:
        A sentence for each line of a program that waits, which begins with its file and number.
    """
    pretend = PretendGPU()
    with _autocast_on_meta(), pretend:
        for _ in range(steps):
            trainer.train_step(list(batches(trainer)))
    return list(pretend.waits)


def trainer_on_meta(gan: GAN) -> Trainer:
    """A trainer of a GAN that is moved to the stand-in of a GPU."""
    open_frozen(gan)
    with patch.object(Frozen, "digest", lambda self: ""):  # which looks at every weight, once and not in a step
        return Trainer(gan.to(META), 0, horizon=4, precision=OnMeta(META, torch.float32))


def check_waits(entry: Entry) -> None:
    """No step waits for a GPU, as far as that can be seen without one."""
    made = subject(entry)
    trainer = trainer_on_meta(made.build())
    found = waits_of(trainer, made.batches)
    expect(not found, entry, f"no step waits for a GPU: {'; '.join(found)}")
