"""The types of options and arguments that are names, which the shell completes: recipes, models, data, settings, parts.

Each is text for the command, which reads and refuses it. Nothing here imports torch, and a failure completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.paths import PlaceType

Names = Callable[[str], Iterable[CompletionItem]]


class NameType(click.ParamType):
    """Text that is a name.

    Args:
        names: those that begin with a text.
    """

    name = "text"

    def __init__(self, names: Names) -> None:
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin with what is typed."""
        return list(self.names(incomplete))


class NamedPlaceType(PlaceType):
    """Text that is a name or a path, such as a model.

    Args:
        names: those that begin with a text.
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin with what is typed, and paths."""
        return [*super().shell_complete(ctx, param, incomplete), *self.names(incomplete)]


def parts(kinds: Sequence[str], before: str, incomplete: str, spelled: bool = False) -> Iterator[CompletionItem]:
    """Parts of some kinds by name; where ``spelled`` as ``kind/name``, once that is begun or several kinds have it.

    Args:
        kinds: of the parts.
        before: what stands in front of each.
        incomplete: how the name begins.
        spelled: whether the kind may be written in front of it.
    """
    from ganzoo.registry.loading import registry

    entries = [entry for kind in kinds for entry in registry().entries(kind)]
    names = [entry.name for entry in entries]
    for entry in entries:
        bare = "/" not in incomplete and (not spelled or names.count(entry.name) == 1)
        name = entry.name if bare else entry.spelling
        if name.startswith(incomplete):
            yield CompletionItem(before + name, help=entry.summary)


def recipes(incomplete: str) -> Iterator[CompletionItem]:
    """Heads, and after a ``+`` parts; nothing within places and options."""
    from ganzoo.registry.recipe import HEAD_KINDS, PART_KINDS

    before, plus, word = incomplete.rpartition("+")
    if "@" in word or ":" in word:
        return iter(())
    return parts(PART_KINDS if plus else HEAD_KINDS, before + plus, word, spelled=True)


def metrics(incomplete: str) -> Iterator[CompletionItem]:
    """Metrics, and after a comma further ones."""
    before, comma, word = incomplete.rpartition(",")
    return parts(("metric",), before + comma, word)


def models(incomplete: str) -> Iterator[CompletionItem]:
    """Trained models that packages ship."""
    from ganzoo.hub.shipped import shipped

    for name, found in shipped().items():
        if name.startswith(incomplete):
            yield CompletionItem(name, help=f"shipped by {found[0][0]}")


def data_sets(incomplete: str) -> Iterator[CompletionItem]:
    """Data sets that have a name."""
    return parts(("dataset",), "", incomplete)


def models_and_parts(incomplete: str) -> Iterator[CompletionItem]:
    """What ``ganzoo info`` tells of."""
    from ganzoo.registry.recipe import KINDS

    yield from parts(KINDS, "", incomplete, spelled=True)
    yield from models(incomplete)


def settings(incomplete: str) -> Iterator[CompletionItem]:
    """``NAME=VALUE`` for every setting: each value where there are few, else the default; of players also theirs."""
    from ganzoo.plan.settings import PER_PLAYER, SETTINGS, write

    known = {**PER_PLAYER, **{f"{name}.{player}": spec for name, spec in PER_PLAYER.items() for player in "gd"}}
    for name, spec in {**known, **SETTINGS}.items():
        for value in spec.choices or (write(spec.default),):
            if f"{name}={value}".startswith(incomplete):
                yield CompletionItem(f"{name}={value}", help=spec.about)


def kinds(incomplete: str) -> Iterator[CompletionItem]:
    """Kinds of parts."""
    from ganzoo.registry.recipe import KINDS

    return (CompletionItem(kind) for kind in KINDS if kind.startswith(incomplete))


def listed(incomplete: str) -> Iterator[CompletionItem]:
    """What ``ganzoo list`` lists."""
    from ganzoo.registry.lookup import MODELS

    yield from kinds(incomplete)
    if MODELS.startswith(incomplete):
        yield CompletionItem(MODELS, help="trained models on this machine")


def devices(incomplete: str) -> Iterator[CompletionItem]:
    """Devices by the names that torch has for them; which of them are here is not looked at."""
    return (CompletionItem(name) for name in ("cpu", "cuda", "cuda:0", "mps") if name.startswith(incomplete))


def peers(incomplete: str) -> Iterator[CompletionItem]:
    """Libraries that ``ganzoo bench`` can time."""
    from ganzoo.training.peers import listed_peers

    return (
        CompletionItem(name, help=f"from {who}") for name, who in listed_peers().items() if name.startswith(incomplete)
    )


def of_kind(kind: str) -> Any:
    """The type of an option that names a part of a kind."""
    return NameType(lambda incomplete: parts((kind,), "", incomplete))


RECIPE, SETTING, METRICS = NameType(recipes), NameType(settings), NameType(metrics)
FEATURES, SAMPLER, CONVERTER = of_kind("features"), of_kind("sampler"), of_kind("converter")
KIND, LISTED, DEVICE, PEER = NameType(kinds), NameType(listed), NameType(devices), NameType(peers)
MODEL, DATA = NamedPlaceType(models), NamedPlaceType(data_sets)
PART_OR_MODEL = NamedPlaceType(models_and_parts)
