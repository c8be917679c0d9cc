"""What stands in for the names in a pickle: tensors, arrays and objects as claims, to be checked before they are made.

Nothing here imports what a pickle names. Where a name is not listed, the file is refused and the name is said.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.opcodes import Limits, Named, check_key, shown

STORAGES: Mapping[str, tuple[str, int]] = {  # name in torch: dtype, bytes of a number
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
CODES: Mapping[str, tuple[str, str]] = {  # as NumPy writes it: dtype in torch, code of the module struct
    "f8": ("float64", "d"),
    "f4": ("float32", "f"),
    "f2": ("float16", "e"),
    "i8": ("int64", "q"),
    "i4": ("int32", "i"),
    "i2": ("int16", "h"),
    "i1": ("int8", "b"),
    "u8": ("uint64", "Q"),
    "u4": ("uint32", "I"),
    "u2": ("uint16", "H"),
    "u1": ("uint8", "B"),
    "b1": ("bool", "?"),
}
RECORDED = (  # modules whose classes are recorded by name
    "training",  # of NVIDIA's code and of what others built on it, R3GAN among them
    "R3GAN",
    "pg_modules",  # projected GAN's, with a network of timm's in its discriminator
    "feature_networks",
    "timm",
    "torchvision",
    "torch.nn",
    "torch_utils",
    "models.utils.config",  # pytorch_GAN_zoo's settings
)
RECORDED_ALONE = ("argparse.Namespace",)  # settings that training scripts keep beside their weights
OF_TENSORFLOW = ("dnnlib.tflib", "tensorflow", "tfutil", "tflib", "keras")
LONGEST_SIDE = 1 << 31
MOST_SIDES = 16


@dataclass(eq=False)
class Storage:
    """Numbers that tensors are views of. ``data`` is None where they are not read yet."""

    dtype: str
    size: int
    count: int
    data: memoryview | None = None


@dataclass(eq=False)
class View:
    """A tensor as a pickle describes it: part of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers the tensor claims to have."""
        return prod(self.shape)

    def problem(self) -> str | None:
        """Why this can be no tensor of the storage; None where it can."""
        numbers = (self.offset, *self.shape, *self.stride)
        if len(self.shape) != len(self.stride) or len(self.shape) > MOST_SIDES:
            return "has a shape that makes no sense"
        if not all(type(number) is int and 0 <= number <= LONGEST_SIDE for number in numbers):
            return f"has the shape [{', '.join(map(shown, self.shape))}], which makes no sense"
        if self.count > self.storage.count:
            return f"claims {self.count:,} numbers where {self.storage.count:,} are stored"
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        if self.count and last >= self.storage.count:
            return f"reaches beyond the {self.storage.count:,} numbers that are stored"
        return None


class Dtype:
    """A dtype of NumPy: numbers alone, in the order of bytes that everyone has."""

    def __init__(self, code: object, *flags: object) -> None:
        if not isinstance(code, str) or code.lstrip("<|=") not in CODES:
            raise ModelError(f"it has an array or number of the dtype {shown(code)}, which holds other than numbers")
        self.dtype, self.code = CODES[code.lstrip("<|=")]

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", "|", "=") or any(state[2:5]):
            raise ModelError("it has an array whose dtype has an order of bytes or fields of its own")


class Array:
    """An array of NumPy, before its numbers are looked at."""

    def __init__(self, *_: object) -> None:
        self.shape: tuple[int, ...] = ()
        self.dtype, self.data, self.columns = "float32", b"", False

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ModelError("it has an array that is described in another way than NumPy's")
        _, shape, dtype, columns, data = state
        self.fill(data, dtype, shape, "F" if columns else "C")

    def fill(self, data: object, dtype: object, shape: object, order: object) -> Array:
        """Take over numbers; the checks come before any memory is asked for."""
        if type(dtype) is not Dtype or type(data) is not bytes or type(shape) is not tuple or len(shape) > MOST_SIDES:
            raise ModelError("it has an array whose shape, dtype or numbers make no sense")
        if not all(type(side) is int and 0 <= side <= LONGEST_SIDE for side in shape):
            raise ModelError("it has an array whose shape makes no sense")
        if len(data) != prod(shape) * struct.calcsize(dtype.code):
            raise ModelError(f"it has an array of the shape {quoted(shape)} with {len(data):,} bytes")
        self.data, self.dtype, self.shape, self.columns = data, dtype.dtype, shape, order == "F"
        return self


class Shell:
    """An object of a class that only its own code knows; subclasses are made by :func:`shell`, one for a name."""

    module = ""

    def __new__(cls, *arguments: Any) -> Shell:
        """Keep the arguments; there is nothing that they could run."""
        made = super().__new__(cls)
        made.arguments, made.settings, made.state, made.whole = arguments, {}, {}, False
        return made

    arguments: tuple[Any, ...]
    settings: dict[str, Any]
    state: dict[Any, Any]
    whole: bool

    def __setstate__(self, state: object) -> None:
        parts: tuple[object, ...] = state if isinstance(state, tuple) else (state,)
        tables = [part for part in parts if isinstance(part, dict)]
        if self.whole or len(parts) > 2 or len(tables) + sum(part is None for part in parts) != len(parts):
            raise ModelError(f"the state of a {quoted(type(self).__name__)} in it is no table")
        self.whole = True
        self.state = {key: value for table in tables for key, value in table.items()}


def shell(module: str, name: str) -> type[Shell]:
    """The class that stands in for one of that name."""
    return type(name, (Shell,), {"module": module})


def scalar(dtype: object, data: object = b"") -> float | int | bool:
    """A number of NumPy's, as Python's.

    Raises:
        ModelError: it is no number.
    """
    if type(dtype) is not Dtype or type(data) is not bytes or len(data) != struct.calcsize(dtype.code):
        raise ModelError("it has a number of NumPy that is none")
    return struct.unpack(f"<{dtype.code}", data)[0]


def _reconstruct(kind: object, *_: object) -> Array:
    return Array()


def _from_buffer(data: object, dtype: object, shape: object, order: object) -> Array:
    return Array().fill(data, dtype, shape, order)


def numpy_names() -> dict[str, Callable[..., Any]]:
    """What stands in for NumPy's names, those of before 2.0 as well."""
    names: dict[str, Callable[..., Any]] = {"numpy.dtype": Dtype, "numpy.ndarray": Array}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray.scalar"] = scalar
        names[f"{core}.multiarray._reconstruct"] = _reconstruct
        names[f"{core}.numeric._frombuffer"] = _from_buffer
    return names


def _never(name: str, *_: object) -> None:
    raise ModelError(f"it calls {name}, which is no function")


@dataclass
class Names:
    """What one pickle may name.

    Attributes:
        limits: of the file.
        extra: names beyond those that every pickle may use, and what stands in for them.
        views: tensors that were described, in the order of the file.
        shells: stand-ins for classes, by their full name.
    """

    limits: Limits
    extra: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    shells: dict[str, type[Shell]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known: dict[str, Callable[..., Any]] = {
            **numpy_names(),
            "collections.OrderedDict": self._table,
            "_codecs.encode": self._bytes,
            "builtins.set": self._set,
            "__builtin__.set": self._set,
            "torch.Size": self._shape,
            "torch.device": self._place,
            "torch._utils._rebuild_tensor": self._tensor,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_parameter": self._parameter,
            **self.extra,
        }

    def find(self, module: str, name: str) -> Named:
        """What stands in for a name.

        Raises:
            ModelError: for a name that is not listed.
        """
        full = f"{module}.{name}"
        if full in self.known:
            return Named(module, name, self.known[full])
        if _within(full, OF_TENSORFLOW):
            raise ModelError(
                f"it names {quoted(full)}: it is a pickle of TensorFlow's days, which only the code that wrote it can "
                "read. Turn it into one of PyTorch with stylegan2-ada-pytorch's legacy.py: "
                "python legacy.py --source FILE --dest NEW.pkl"
            )
        if name.isidentifier() and (_within(full, RECORDED) or full in RECORDED_ALONE):
            return Named(module, name, self.shells.setdefault(full, shell(module, name)), recorded=True)
        if module == "torch" and (name in STORAGES or name.replace("float", "", 1).isdigit() or name in DTYPES):
            return Named(module, name, partial(_never, full))
        raise ModelError(_refusal(full))

    def _table(self, entries: object = ()) -> OrderedDict[Any, Any]:
        if not isinstance(entries, list | tuple):
            raise ModelError("it makes a table of something else than pairs")
        self.limits.spend(len(entries))
        return OrderedDict((check_key(key), value) for key, value in entries)

    def _set(self, entries: object = ()) -> set[Any]:
        if not isinstance(entries, list | tuple):
            raise ModelError("it makes a set of something else than a list")
        self.limits.spend(len(entries))
        return {check_key(entry) for entry in entries}

    def _shape(self, sides: object = ()) -> tuple[int, ...]:
        if not isinstance(sides, list | tuple) or len(sides) > MOST_SIDES:
            raise ModelError("it has a shape that makes no sense")
        return tuple(sides)

    def _place(self, kind: object = "", number: object = 0) -> str:
        if type(kind) is not str or type(number) is not int:
            raise ModelError("it has a device that makes no sense")
        return f"{kind}:{number}"

    def _bytes(self, text: object, encoding: object = None) -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise ModelError(f"it encodes a text as {shown(encoding)}")
        self.limits.spend(len(text) >> 6)
        return text.encode("latin-1")

    def _tensor(self, *parts: Any) -> View:
        """A tensor: storage, offset, shape, stride, and what a tensor of weights has none of."""
        storage, offset, shape, stride, *rest = parts
        if type(storage) is not Storage or type(shape) is not tuple or type(stride) is not tuple:
            raise ModelError("it describes a tensor that makes no sense")
        if any(rest[1:]):
            raise ModelError("it has a tensor with hooks or flags of its own (a conjugate, for instance)")
        self.views.append(View(storage, offset, shape, stride))
        return self.views[-1]

    def _parameter(self, data: object, *rest: Any) -> View:
        if type(data) is not View or any(rest[1:]):
            raise ModelError("it has a parameter that is no plain tensor")
        return data


DTYPES = frozenset({"bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool", "half", "double", "long", "int"})


def _within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)


def _refusal(full: str) -> str:
    if full.startswith("torch._utils._rebuild") or full.startswith("torch.sparse"):
        return (
            f"it names {quoted(full)}: a tensor in it is sparse, quantised, without numbers (meta) or of a class of "
            "its own, which ganzoo does not read. Save plain ones: tensor.to_dense(), .dequantize() or .detach().cpu()"
        )
    return (
        f"it names {quoted(full)}, which ganzoo does not run. If you trust who made it, load it in the code that it "
        "belongs to and save its tensors alone: torch.save(model.state_dict(), 'weights.pt')"
    )
