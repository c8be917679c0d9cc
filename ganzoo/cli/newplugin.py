"""``ganzoo new-plugin``: a package with one part in it, ready to be changed."""

from __future__ import annotations

import re
import shlex
from importlib import resources
from pathlib import Path
from string import Template

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import KIND
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import RecipeError, UsageError, command, nearest
from ganzoo.registry.about import DISTRIBUTION, requirement
from ganzoo.registry.recipe import EMPTY, KINDS, NAME, PART_KINDS

TEMPLATES = "templates"
EVAL = ("eval", "runs/first", "--data", "digits", "-n", "1000")
SUFFIXES = {"architecture": "networks", "dataset": "data"}


@about(
    "plugins",
    """
    A loss of your own, with tests:
    ganzoo new-plugin loss soft-hinge
    A metric, in a folder of your choice:
    ganzoo new-plugin metric sharpness --out ./sharpness
    """,
)
@click.command("new-plugin", short_help="Write a plugin package, with tests that it passes.")
@click.argument("kind", type=KIND)
@click.argument("name")
@click.option("--out", type=PATH, help="The folder to write; ganzoo-NAME by default.")
def new_plugin(kind: str, name: str, out: Path | None) -> None:
    """Write a plugin package with one part, and tests that it passes.

    KIND is architecture, normalization, weight, attention, conditioning,
    loss, regularizer, augment, dataset, metric, features, sampler, converter
    or preset.
    """
    from ganzoo.files.write import atomic_folder

    _check(kind, name)
    words = _words(kind, name)
    folder = out or Path(words["package"])
    if folder.exists():
        raise UsageError(f"{folder} exists already; choose another folder with --out")
    files = {
        "pyproject.toml": _filled("pyproject.toml", words),
        "README.md": _filled("README.md", words),
        f"{words['module']}.py": _filled(f"{kind}.py", words),
        f"tests/test_{words['module']}.py": _filled("test.py", words),
    }
    with atomic_folder(folder) as temporary:
        for path, text in files.items():
            (temporary / path).parent.mkdir(exist_ok=True)
            (temporary / path).write_text(text, encoding="utf-8")
    say(f"wrote {folder}: {', '.join(files)}")
    say(f"next: cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest")


def _check(kind: str, name: str) -> None:
    """Refuse a kind that does not exist, and a name that cannot be registered."""
    from ganzoo.registry.loading import registry

    if kind not in KINDS:
        close = ", ".join(nearest(kind, KINDS))
        raise UsageError(f"there is no kind called {kind!r}; nearest: {close}; all: {', '.join(KINDS)}")
    if not NAME.fullmatch(name) or name == EMPTY or not name.strip("._-"):
        raise UsageError(f"{name!r} is no name of a part; write lower-case letters, digits and '-', such as soft-hinge")
    if _words(kind, name)["package"] == DISTRIBUTION:
        raise UsageError(f"the package would be called {DISTRIBUTION}, which is ganzoo itself; choose another name")
    for entry in registry().entries(kind):
        if name in (entry.name, *entry.aliases):
            raise UsageError(f"{entry.spelling} exists already, from {entry.distribution}; choose another name")


def _words(kind: str, name: str) -> dict[str, str]:
    """The values of the templates' placeholders, by name."""
    parts = [part for part in re.split(r"[._-]+", name) if part]
    snake, camel = "_".join(parts), "".join(part.capitalize() for part in parts)
    if not snake[0].isalpha():
        snake, camel = f"part_{snake}", f"Part{camel}"
    package = f"ganzoo-{'-'.join(parts)}"
    return {
        "kind": kind,
        "name": name,
        "package": package,
        "module": package.replace("-", "_"),
        "requirement": requirement(),
        "entry_point": package.removeprefix("ganzoo-"),
        "Class": camel + kind.capitalize(),
        "Head": f"{camel}Head",
        "GTrunk": f"{camel}G",
        "DTrunk": f"{camel}D",
        "function": f"{snake}_{SUFFIXES.get(kind, kind)}",
        "example": _example(kind, name),
    }


def _example(kind: str, name: str) -> str:
    """A command that uses the part."""
    if kind == "dataset":
        return command("data", "check", name)
    if kind == "metric":
        return command(*EVAL, "--metrics", name)
    if kind == "features":
        return command(*EVAL, "--metrics", "kid", "--features", name)
    if kind == "sampler":
        return command("sample", "runs/first", "--sampler", name)
    if kind == "converter":
        return command("import", "weights.pth", "--as", name)
    if kind not in PART_KINDS:
        return command("build", name)
    labelled = ("--classes", 10) if kind == "conditioning" else ()
    return command("build", f"dcgan+{_spelling(kind, name)}", *labelled)


def _spelling(kind: str, name: str) -> str:
    """The bare name, or ``kind/name`` where the bare name means another part."""
    from ganzoo.registry.loading import registry

    try:
        registry().find(name, PART_KINDS)
    except RecipeError:
        return name
    return f"{kind}/{name}"


def _filled(template: str, words: dict[str, str]) -> str:
    path = resources.files("ganzoo").joinpath(TEMPLATES).joinpath(f"{template}.tmpl")
    return Template(path.read_text("utf-8")).substitute(words)
