"""Time on a device: a GPU is not waited for to note when it came to a place of its work."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch

Mark = Any  # seconds of the host's clock, or a CUDA event


class DeviceClock:
    """Notes places in the work of a device, and says later how long it took from one to another.

    Args:
        device: a CPU, whose work is done when a call returns, or a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.events = device, device.type == "cuda"

    def now(self) -> Mark:
        """This place; it costs no wait."""
        if not self.events:
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event

    def between(self, start: Mark, end: Mark) -> float:
        """Seconds from one place to another, once :meth:`wait` was called after both."""
        return float(start.elapsed_time(end)) / 1e3 if self.events else float(end - start)

    def wait(self) -> None:
        """Until everything asked of the device is done."""
        if self.events:
            torch.cuda.synchronize(self.device)
