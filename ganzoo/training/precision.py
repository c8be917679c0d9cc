"""Where and in which arithmetic a run computes: fast where that is safe, the same path for every device."""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ganzoo.errors import UsageError

# glibc's mallopt options: give freed memory back late, map large blocks rarely, grow in large pieces. Training takes
# and frees the same large tensors in every step; without this each step pays for its page faults again.
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _TOP_PAD = -3, -1, -2
_LARGE, _PAD = 1 << 30, 64 << 20


@dataclass(frozen=True)
class Precision:
    """The device and arithmetic of a run; weights, optimisers and losses are always float32.

    Attributes:
        device: where networks and batches live.
        dtype: of matrix products and convolutions.
        note: what a person should know about the choice, or nothing.
    """

    device: torch.device
    dtype: torch.dtype
    note: str = ""

    @property
    def name(self) -> str:
        """``bf16`` or ``fp32``."""
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"

    def autocast(self) -> AbstractContextManager[None]:
        """The context that losses are computed in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def place(self, module: nn.Module) -> None:
        """Move networks to the device, channels last: convolutions are about twice as fast that way."""
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def choose_device(name: str | None = None) -> torch.device:
    """The device called ``name``; the GPU if there is one, else the CPU, by default.

    Raises:
        UsageError: for a device that is unknown or not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        here = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
        raise UsageError(f"no device {name!r} here; --device takes {', '.join(here)}") from None
    if device.type == "meta":
        raise UsageError("nothing can be trained on the device 'meta'; leave --device out")
    return device


def has_matrix_units(device: torch.device) -> bool:
    """Whether bf16 products are fast there: AMX on a CPU, bf16 on a CUDA device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", torch.cpu._is_amx_tile_supported()))


def choose_precision(setting: str, device: torch.device) -> Precision:
    """Arithmetic for the setting ``precision``: ``auto`` is bf16 where the device has the units, else fp32."""
    fast = has_matrix_units(device)
    if setting == "fp32" or (setting == "auto" and not fast):
        return Precision(device, torch.float32)
    note = "" if fast else f"bf16 has no hardware on this {device.type}: expect it to be far slower than fp32"
    return Precision(device, torch.bfloat16, note)


def keep_memory() -> bool:
    """Tell glibc to keep freed memory for the next step; False where the C library has no such knob."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    limits = {_MMAP_THRESHOLD: _LARGE, _TRIM_THRESHOLD: _LARGE, _TOP_PAD: _PAD}
    return all(mallopt(option, value) == 1 for option, value in limits.items())
