"""The types of options and arguments that are paths, or may be: ``~`` expanded, and an empty one refused."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganzoo.errors import UsageError
from ganzoo.files.paths import expanded


class PathType(click.Path):
    """A path of this machine; the command gets a path object. It takes what :class:`click.Path` takes."""

    def __init__(self, **checks: Any) -> None:
        super().__init__(**{"path_type": Path, **checks})

    def convert(
        self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | PathLike[str]:
        """The path that ``value`` means, checked; a refusal names the option."""
        text = value if isinstance(value, str) else str(value)
        return super().convert(_expanded(self, text, param, ctx), param, ctx)


class PlaceType(click.ParamType):
    """Text that may be a path, and may be something else: a model, a data set. The command gets text."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text with ``~`` in front expanded; what is no text, such as the value of a bare option, stays."""
        return _expanded(self, value, param, ctx) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Paths, which the shell itself knows."""
        return [CompletionItem(incomplete, type="file")]


PATH, PLACE = PathType(), PlaceType()


def _expanded(kind: click.ParamType, text: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    try:
        return expanded(text)
    except UsageError as error:
        kind.fail(str(error), param, ctx)
