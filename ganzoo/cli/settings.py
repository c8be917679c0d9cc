"""``ganzoo help settings``: the hyperparameters and options of a training; all of them, or those that a word means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganzoo.cli.show import say, show_table
from ganzoo.errors import UsageError, nearest
from ganzoo.plan.settings import PER_PLAYER, SETTINGS, Spec, write
from ganzoo.registry.leads import lead
from ganzoo.registry.loading import registry
from ganzoo.registry.terms import fold, terms
from ganzoo.schedules import FORM
from ganzoo.training.config import FACTS

STEPS = ("repeat", "accumulate")
AVERAGE = ("ema", "ema.halflife", "ema.start", "ema.ramp", "standing")
GROUPS: Mapping[str, Sequence[str]] = {
    "Optimisers, of every player; NAME.g is for G alone, NAME.d for D": (
        *("lr", "lr.g", "lr.d"),
        *(name for name in PER_PLAYER if name not in ("lr", *STEPS)),
    ),
    "Steps and batches": ("batch", *STEPS, "repeat.d", "repeat.g", "flip", "fake-labels"),
    "The average of G's weights, from which images are drawn": AVERAGE,
    "Networks and their noise": ("z-dim", "prior", "init", "freeze.d"),
    "Arithmetic": ("precision", "compile", "sync"),
}
"""Names of settings by the title that they are shown under; those in none of them are shown last."""
OTHERS = "Other settings"
SUFFIX = re.compile(r"(?<=\w{4})(ing|ers?|ed|s|r)$")  # without it a word finds its family: scheduler, schedules
LONG = 4  # letters of a word that may be a part of another
OPTIONS = "Options of 'ganzoo train': ganzoo train RECIPE --data D --NAME VALUE"
ABOUT = """\
Settings are the hyperparameters of a training, and are no parts of a recipe: ganzoo train RECIPE --data D --set
NAME=VALUE, in Python settings={"NAME": VALUE}. The defaults below count where nothing else is said; most architectures
bring their paper's: 'ganzoo build RECIPE --explain' shows the values of a recipe, and where each is from."""
SCHEDULES = f"""\
A schedule is a value that changes over the training: {FORM}, such as --set lr=cosine/2e-4/0.
LENGTH and AT are steps, or real images with a suffix, such as 300k; without LENGTH it lasts as the training does."""


@dataclass(frozen=True)
class Row:
    """A setting, or an option of ``ganzoo train``.

    Attributes:
        name: as it is typed.
        default: the value where nothing is said; empty where the meaning says it.
        takes: what its values are.
        means: what it is for.
        title: of the group that it is shown in.
        known_as: what the field calls it, folded.
    """

    name: str
    default: str
    takes: str
    means: str
    title: str
    known_as: frozenset[str]


def show_settings(words: Sequence[str]) -> None:
    """Print all settings by group, or those that ``words`` mean.

    Raises:
        UsageError: there is none of the kind; the message has what is near.
    """
    found = search(" ".join(words)) if words else list(rows())
    if words:
        said = terms()["says"].get(fold(" ".join(words)))
        if not found and said is None:
            raise UsageError(_nothing(" ".join(words)))
        if said is not None:
            say(f"{said}", *([""] if found else []))
    else:
        say(*ABOUT.split("\n"), "")
    for title in dict.fromkeys(row.title for row in found):
        say(title)
        table = [(row.name, row.default, row.takes, row.means) for row in found if row.title == title]
        show_table(("name", "default", "takes", "meaning"), table)
        say()
    if any("a schedule" in row.takes for row in found):
        say(*SCHEDULES.split("\n"))


def rows() -> Iterator[Row]:
    """Every setting, by group, and every option of ``ganzoo train``."""
    specs = {**SETTINGS, **PER_PLAYER}
    grouped = {name for names in GROUPS.values() for name in names}
    rest = [name for name in specs if name not in grouped]
    for title, names in {**GROUPS, OTHERS: rest}.items():
        for name in names:
            yield _setting(name, specs[name], title)
    for name, fact in FACTS.items():
        if name in ("recipe", "callback"):
            continue  # the argument, and what no command line can say
        option = "--set" if name == "settings" else f"--{name.replace('_', '-')}"
        yield Row(option, "", fact.metavar or "", f"{fact.text}.", OPTIONS, _names("option", option))


def search(text: str) -> list[Row]:
    """Settings and options that a text means: by their names here or elsewhere, and by what is said of them.

    Where nothing is, those are found whose name in the field holds the text.
    """
    asked, words = fold(text), [_pattern(word) for word in re.findall(r"[a-z0-9.]+", text.lower())]
    everything = list(rows())
    found = [row for row in everything if _is(row, asked) or _speaks_of(row, words)]
    if found or len(asked) < LONG:
        return found
    return [row for row in everything if any(asked in name for name in row.known_as)]


def _is(row: Row, asked: str) -> bool:
    """Whether a row has the name, or begins with it, as ``lr.g`` does with ``lr``."""
    return asked in {fold(row.name), fold(row.name.partition(".")[0]), *row.known_as}


def _speaks_of(row: Row, words: Sequence[str]) -> bool:
    text = f"{row.name} {row.takes} {row.means}".lower()
    return bool(words) and all(re.search(word, text) for word in words)


def _pattern(word: str) -> str:
    """A word as it is, if it is short, else all that begin as it does."""
    return rf"\b{re.escape(word)}\b" if len(word) < LONG else rf"\b{re.escape(SUFFIX.sub('', word))}"


def _setting(name: str, spec: Spec, title: str) -> Row:
    takes = spec.form.replace(FORM, "a schedule")
    means = spec.about if spec.always else f"{spec.about} (where it is asked for)"
    return Row(name, write(spec.default), takes, means, title, _names("setting", name))


def _names(table: str, name: str) -> frozenset[str]:
    return frozenset(word for word, meant in terms()[table].items() if meant == name)


def _nothing(text: str) -> str:
    """That nothing is called so, and what a person may have meant."""
    known = [row.name for row in rows()]
    parts = [f"{entry.kind}/{entry.name}" for entry in registry().entries()]
    near = lead(text, "setting", known, parts=parts) or f"; nearest: {', '.join(nearest(text, known))}"
    return f"no setting is called {text!r}{near}; 'ganzoo help settings' lists all"
