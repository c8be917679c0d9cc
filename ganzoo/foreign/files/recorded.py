"""An object whose class only its own code knows, as a file describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(eq=False)
class Recorded:
    """The name of a class, what it was made with, and what it held; nothing of the class itself.

    Attributes:
        name: of the class, as ``"Generator"``.
        module: that the class lay in, as ``"training.networks"``; empty where its source came with the file.
        args, kwargs: that it was made with, where the file says so.
        state: its attributes; for a network of torch ``_parameters``, ``_buffers`` and ``_modules`` among them.
    """

    name: str
    module: str = ""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    state: dict[Any, Any] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by the keys that torch's ``state_dict`` gives them, in its order.

        Raises:
            ModelError: when what should be a tensor is none.
        """
        from torch import Tensor

        found: dict[str, Tensor] = {}
        passing = self._part("_non_persistent_buffers_set")
        for part in ("_parameters", "_buffers"):
            for key, value in self._table(part).items():
                if value is None or (part == "_buffers" and key in passing):
                    continue
                if not isinstance(value, Tensor):
                    raise ModelError(f"{quoted(key)} of the {quoted(self.name)} is no tensor")
                found[key] = value
        for name, inner in self._table("_modules").items():
            if inner is not None and not isinstance(inner, Recorded):
                raise ModelError(f"{quoted(name)} of the {quoted(self.name)} is no network")
            if inner is not None:
                found |= {f"{name}.{key}": tensor for key, tensor in inner.tensors().items()}
        return found

    def _part(self, name: str) -> Any:
        return self.state.get(name) or ()

    def _table(self, name: str) -> dict[str, Any]:
        table = self._part(name) or {}
        if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
            raise ModelError(f"{quoted(name)} of the {quoted(self.name)} is no table")
        return table
