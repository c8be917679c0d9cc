"""What a converter of foreign weights is, and what it gives."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.foreign.files.recorded import Recorded

AVERAGE = re.compile(r"ema|avg|average", re.IGNORECASE)


@dataclass(frozen=True)
class Converted:
    """A foreign model in ganzoo's terms.

    Attributes:
        recipe: of networks that compute the same.
        size: ``resolution``, ``channels``, ``classes``, ``z_dim`` and what else :func:`ganzoo.build` takes.
        networks: our tensors by network and name, such as ``{"G": {"trunk.image.weight": ...}}``; networks that the
            file does not have are left out, G apart.
        class_names: of a model with classes; ``class 0``, ... by default.
        notes: what a person should know, each a sentence.
    """

    recipe: str
    size: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, Tensor]]
    class_names: Sequence[str] = ()
    notes: Sequence[str] = field(default=())


class Converter(ABC):
    """Makes a model of what one project's code saved. Its docstring's first line says of which, its ``url`` where.

    Attributes:
        url: of the project.
        license: of the weights that it publishes, where all of them have one.
        checked: what the mapping was checked with: a published file, the peer's own class, or lists of its names.
        example: a file of the project as a command names it.
        found: where such a file is had.
        becomes: the architectures of the models.
        left_out: what of its files is.
        given: what ``ganzoo sample`` needs besides, of a model that takes pictures.
    """

    url: ClassVar[str]
    license: ClassVar[str | None] = None
    checked: ClassVar[str]
    example: ClassVar[str] = "FILE"
    found: ClassVar[str] = ""
    becomes: ClassVar[str] = ""
    left_out: ClassVar[str] = ""
    given: ClassVar[str] = ""

    @abstractmethod
    def fits(self, content: object) -> bool:
        """Whether a file with this content is one of the project's, by its names and shapes alone."""

    @abstractmethod
    def convert(self, content: object) -> Converted:
        """The model of a content that fits.

        Raises:
            ModelError: a variant that ganzoo cannot compute, with the tensor or size that tells.
        """


def state_dicts(content: object, deepest: int = 3) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The tables of tensors in a content, each with its place, such as ``state_dict``; empty for the content itself.

    A network that was recorded counts as its table, unless it holds other things than tensors. The words ``module.``
    that parallel training puts before names are left out.
    """
    if isinstance(content, Recorded):
        try:
            yield "", content.tensors()
        except ModelError:  # what holds other things than tensors is no network that anyone looks for
            return
    if not isinstance(content, Mapping) or deepest < 0:
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if tensors:
        yield "", {_plain(key): value for key, value in tensors.items()}
    for key, value in content.items():
        if isinstance(key, str):
            for place, found in state_dicts(value, deepest - 1):
                yield f"{key}.{place}".rstrip("."), found


def averaged(content: object) -> list[dict[str, Tensor]]:
    """The tables of a content, those of a moving average, as their place says (``G_ema``), before the others."""
    return [state for _, state in sorted(state_dicts(content), key=lambda table: not AVERAGE.search(table[0]))]


def _plain(name: str) -> str:
    while name.startswith("module."):
        name = name.removeprefix("module.")
    return name
