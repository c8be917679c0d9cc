"""What a launcher such as ``torchrun`` tells each process of a run through its environment."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ganzoo.errors import UsageError

FIRST_WORD = 30.0  # seconds that a process leaves another one to say what ends both


@dataclass(frozen=True)
class Launch:
    """One of ``size`` processes that were started together.

    Attributes:
        rank: its number, from 0; the first one writes and speaks for all.
        size: how many there are.
        local_rank: its number among those of this machine.
        attempt: how often all were started before; torchrun does so again where ``--max-restarts`` says.
        local_size: how many there are on this machine; all of them where no launcher says so.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    attempt: int = 0
    local_size: int = 1

    @property
    def host(self) -> int:
        """The machine, by the rank of the first process on it."""
        return self.rank - self.local_rank

    @property
    def beside_first(self) -> bool:
        """Whether the first process of all, which writes the run, is on this machine."""
        return self.host == 0

    @property
    def several_hosts(self) -> bool:
        """Whether some of the processes are on other machines."""
        return self.local_size < self.size


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise UsageError(f"the environment says {name}={text}, which is no number: start with torchrun or unset {name}")
    return int(text or otherwise)


def launched() -> Launch:
    """Which process this is; the only one, where no launcher says ``RANK`` and ``WORLD_SIZE``.

    Raises:
        UsageError: the environment makes no sense.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Launch()
    rank, size = _number("RANK", 0), _number("WORLD_SIZE", 1)
    if rank >= size:
        raise UsageError(f"the environment says RANK={rank} and WORLD_SIZE={size}; ranks go from 0 to {size - 1}")
    attempt, local_size = _number("TORCHELASTIC_RESTART_COUNT", 0), _number("LOCAL_WORLD_SIZE", size)
    return Launch(rank, size, _number("LOCAL_RANK", rank), attempt, local_size)


def said_elsewhere(error: BaseException | None = None) -> bool:
    """Whether another process says this: what several processes meet, a person reads once, an error once a machine.

    An error knows by its attribute ``said_elsewhere``, else the first process of each machine says it, as each has a
    terminal; everything else is said by the first process of all.
    """
    elsewhere = getattr(error, "said_elsewhere", None)
    if elsewhere is not None:
        return bool(elsewhere)
    rank = os.environ.get("RANK", "0")
    number = rank if error is None else os.environ.get("LOCAL_RANK", rank)
    return number != "0" and "RANK" in os.environ and "WORLD_SIZE" in os.environ


def must_say(error: BaseException) -> bool:
    """Whether this process has to say the error that ends it, known at once or after up to ``FIRST_WORD`` seconds.

    A launcher ends all processes as soon as one of them fails, so one that is silent and quick would take the word
    from the one that speaks. It waits to be ended instead; where the first process lives on, that one did not meet the
    error, and nobody but this one can say it.
    """
    if not said_elsewhere(error):
        return True
    time.sleep(FIRST_WORD)
    return getattr(error, "said_elsewhere", None) is None
