"""What ``ganzoo help TOPIC`` says besides the help of commands, each from the code that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ganzoo.cli.show import say, show_table
from ganzoo.errors import UsageError, command


@dataclass(frozen=True)
class Topic:
    """A page of help.

    Attributes:
        line: what it is about.
        show: prints it; it is given the words after its name.
    """

    line: str
    show: Callable[[Sequence[str]], None]


def show_recipes(words: Sequence[str]) -> None:
    """The grammar of recipes, from the module that reads them, and the kinds of parts."""
    from ganzoo.registry import recipe

    _refuse(words, "recipes")
    text = (recipe.__doc__ or "").partition("\n\nThis module")[0]
    say(*text.replace("``", "").replace("::\n", ":\n").split("\n"), "")
    say(
        "Kinds of parts, in the order of the canonical text; 'ganzoo list KIND' lists them, 'ganzoo info NAME' has one:"
    )
    show_kinds(recipe.WORD_KINDS)


def show_kinds(kinds: Sequence[str]) -> None:
    """How many parts there are of each kind, and some of them."""
    from ganzoo.registry.loading import registry

    found = {kind: [entry.name for entry in registry().entries(kind)] for kind in kinds}
    rows = [(kind, str(len(names)), ", ".join(names[:6])) for kind, names in found.items()]
    show_table(("kind", "parts", "such as"), rows)


def show_metrics(words: Sequence[str]) -> None:
    """The metrics, and how they are asked for."""
    _refuse(words, "metrics")
    say(
        "Metrics are scores of a model beside real images: ganzoo eval MODEL --data D --metrics fid,kid:subsets=50",
        "A score is kept with its protocol: fid50k-train@inception-v3-compat is FID of 50,000 images, of the data's",
        "training split, by the 2015 Inception graph. Only scores of one protocol and data are ranked together.",
        "'ganzoo info NAME' has the options of a metric and its paper.",
        "",
    )
    _show_entries("metric")
    say("", "Feature networks, for --features; any classifier of timm is one, too:")
    _show_entries("features")


def show_datasets(words: Sequence[str]) -> None:
    """The data sets with a name, and how else data can be given."""
    from ganzoo.data.formats import SHOWN

    _refuse(words, "datasets")
    say(
        "--data takes a name below; a folder of images, whose sub-folders are the classes; a .zip of them, also with",
        "the dataset.json of StyleGAN's tools; a .npy file of arrays; or hf:org/name, a data set of the Hub.",
        f"Pictures are known by their content: {SHOWN}.",
        "'ganzoo data check D' says what is in a data set and which recipes fit it.",
        "A folder that is called like a data set is ./digits.",
        "",
    )
    _show_entries("dataset")


def show_settings(words: Sequence[str]) -> None:
    """See :mod:`ganzoo.cli.settings`."""
    from ganzoo.cli.settings import show_settings as show

    show(words)


TOPICS: Mapping[str, Topic] = {
    "recipes": Topic("how recipes are written, with examples", show_recipes),
    "settings": Topic(
        "hyperparameters: learning rate, batch size, EMA ...; all, or those that a word means", show_settings
    ),
    "metrics": Topic("the scores of models, and how they are asked for", show_metrics),
    "datasets": Topic("the data sets that can be named, and what else is taken for one", show_datasets),
}


def _show_entries(kind: str) -> None:
    from ganzoo.registry.loading import registry

    entries = registry().entries(kind)
    origins = ["" if entry.built_in else f" ({entry.distribution})" for entry in entries]
    rows = [(entry.name, f"{entry.summary}{origin}") for entry, origin in zip(entries, origins, strict=True)]
    show_table(("name", "what it is"), rows)


def _refuse(words: Sequence[str], topic: str) -> None:
    if words:
        raise UsageError(f"help on {topic} takes no further words: {command('help', topic)}")
