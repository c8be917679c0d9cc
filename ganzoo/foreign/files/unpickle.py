"""Plain pickles with networks in them, as StyleGAN2-ADA, StyleGAN3 and R3GAN publish, read without their code."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.foreign.files.legacy import read_layout
from ganzoo.foreign.files.opcodes import LONGEST_NAME, Limits, Machine, Source
from ganzoo.foreign.files.plain import Plain
from ganzoo.foreign.files.recorded import Recorded as Recorded  # what this returns
from ganzoo.foreign.files.standins import Names, Shell, Storage, View, shell


def read_pickle(source: Source) -> Any:
    """What a plain pickle holds: tables, numbers, texts, tensors, and :class:`Recorded` for objects.

    Args:
        source: the whole file.

    Raises:
        ModelError: it names what is not allowed, asks for more than it has, or is broken.
    """
    size = source.left
    reader = _Reader(size)
    content = Machine(source, reader.names.find, reader.limits).run()
    plain = Plain(size, reader.tensor)
    made = plain.of(content)
    for view in reader.names.views:
        if problem := view.problem():
            raise ModelError(f"a tensor in it {problem}")
    return made


class _Reader:
    """The functions that plain pickles call, beyond those of torch's own files."""

    def __init__(self, size: int) -> None:
        self.limits = Limits()
        extra: dict[str, Callable[..., Any]] = {
            "torch.storage._load_from_bytes": self.storage,
            "torch_utils.persistence._reconstruct_persistent_obj": self.persistent,
            "dnnlib.util.EasyDict": dict,
            "dnnlib.EasyDict": dict,
        }
        self.names = Names(self.limits, extra)
        self.left = 2 * size  # bytes that storages may claim together: each is written into the file once
        self.flat: dict[int, Any] = {}

    def storage(self, data: object) -> Storage:
        """A storage that is a file of torch's within the pickle; what it names is what such files may name."""
        if type(data) is not bytes:
            raise ModelError("it has a storage that is no bytes")
        inner = read_layout(Source(BytesIO(data), len(data)), self.limits)
        found = inner.content
        if type(found) is not Storage or len(inner.places) != 1:
            raise ModelError("it has a storage that is none (nested files are not read)")
        self.left -= found.count * found.size
        if self.left < 0:
            raise ModelError("it reads the same storage over and over; no file of weights does")
        (place,) = inner.places.values()
        found.data = memoryview(data)[place : place + found.count * found.size]
        return found

    def persistent(self, about: object) -> Shell:
        """An object that came with its source: the source is left where it is, the rest is kept."""
        name = about.get("class_name") if isinstance(about, dict) else None
        if not isinstance(about, dict) or type(name) is not str or len(name) > LONGEST_NAME:
            raise ModelError("it has an object with its source that has no name")
        state = about.get("state") or {}
        if not isinstance(state, dict):
            raise ModelError("it has an object with its source whose state is no table")
        self.limits.spend(len(state))
        args, kwargs = state.get("_init_args") or (), state.get("_init_kwargs") or {}
        if not isinstance(args, list | tuple) or not isinstance(kwargs, dict):
            raise ModelError("it has an object with its source whose arguments are none")
        self.limits.spend(len(args) + len(kwargs))
        made = shell("", name)(*args)
        made.settings = dict(kwargs)
        made.state = {key: value for key, value in state.items() if key not in ("_init_args", "_init_kwargs")}
        return made

    def tensor(self, view: View) -> Any:
        """The tensor of a checked view; views of one storage share its memory."""
        import torch

        storage, dtype = view.storage, getattr(torch, view.storage.dtype)
        if not storage.data:
            return torch.empty(view.shape, dtype=dtype)
        if id(storage) not in self.flat:  # a storage lives as long as the views that name it
            self.flat[id(storage)] = torch.frombuffer(bytearray(storage.data), dtype=dtype)
        return self.flat[id(storage)].as_strided(view.shape, view.stride, view.offset)
