"""The device of a run and its mixed precision: fast where that is safe, the same path for every device."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ganzoo.distributed.batch import world
from ganzoo.errors import UsageError
from ganzoo.gan.arguments import read_device
from ganzoo.layers.layout import lay_out
from ganzoo.machine.memory import keep_memory as keep_memory
from ganzoo.machine.pinned import PinnedRing

BF16_FEATURES = ("amx_bf16", "avx512_bf16")  # of CPUs, as torch.cpu.get_capabilities has them


@dataclass(frozen=True)
class Precision:
    """The device and arithmetic of a run; weights, optimisers and losses are always float32.

    Attributes:
        device: where networks and batches live.
        dtype: of matrix products and convolutions.
        note: a sentence for the user about the choice, or nothing.
    """

    device: torch.device
    dtype: torch.dtype
    note: str = ""
    _pinned: PinnedRing = field(default_factory=PinnedRing, repr=False, compare=False)

    @property
    def name(self) -> str:
        """``bf16`` or ``fp32``."""
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"

    def autocast(self) -> AbstractContextManager[None]:
        """Autocast for the passes of a turn; disabled where the dtype is float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def place(self, module: nn.Module) -> None:
        """Move networks to the device, channels last: convolutions are about twice as fast that way."""
        lay_out(module.to(self.device))

    def send(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A batch on the device, images channels last; the host does not wait for a GPU to have it."""
        here = self.device.type == "cuda" and any(column.device.type == "cpu" for column in batch.values())
        moved = self._pinned.send(batch, self.device) if here else {n: x.to(self.device) for n, x in batch.items()}
        return {name: x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for name, x in moved.items()}

    def tune(self) -> None:
        """Tell the process once what makes its work fast: memory that is kept on a CPU, TF32 units on a GPU."""
        if self.device.type == "cpu":
            keep_memory()
        if self.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


def choose_device(name: str | None = None) -> torch.device:
    """The device called ``name``; the GPU if there is one, else the CPU, by default.

    Raises:
        UsageError: for a device that is unknown or not there.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = read_device(name)
    if device.type == "meta":
        raise UsageError("nothing can be trained on the device 'meta'; leave --device out")
    if name == "cuda" and world().size > 1:
        return torch.device("cuda", torch.cuda.current_device())  # by number: in a new thread cuda is the first GPU
    return device


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 products are faster there than fp32: instructions for them on a CPU, bf16 on a CUDA device.

    Without AMX, AVX-512's dot products of bf16 are enough to make a training step faster; a CPU with neither emulates
    bf16, which is far slower. ``ganzoo bench`` measures it.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return any(torch.cpu.get_capabilities().get(feature, False) for feature in BF16_FEATURES)


def choose_precision(setting: str, device: torch.device) -> Precision:
    """The precision for the setting ``precision``: ``auto`` is bf16 where the device is fast at it, else fp32."""
    fast = has_bf16(device)
    if setting == "fp32" or (setting == "auto" and not fast):
        return Precision(device, torch.float32)
    note = "" if fast else f"bf16 has no hardware on this {device.type}: expect it to be far slower than fp32"
    return Precision(device, torch.bfloat16, note)
