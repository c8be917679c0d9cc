"""``ganzoo import``: a model folder of the weights that another project's code saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import CONVERTER
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_table
from ganzoo.errors import UsageError, command
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.foreign.converter import Converter
    from ganzoo.foreign.importing import Foreign


@about(
    "share",
    """
    Make a model of weights that another project saved:
    ganzoo import netG.pth --out faces
    Whose files can be imported:
    ganzoo import --list
    """,
)
@click.command("import", short_help="Make a model of another project's weights.")
@click.argument("file", type=PATH, required=False)
@click.option(
    "--as",
    "converter",
    type=CONVERTER,
    metavar="NAME",
    help="Which project's file it is; by default its content tells.",
)
@click.option("--out", type=PATH, metavar="FOLDER", help="The new folder; by default FILE's name without its ending.")
@click.option("--license", metavar="ID", help="The licence of the weights, as SPDX names it, for the card.")
@click.option("--data", metavar="NAME", help="What it was trained on, as its authors call it, for the card.")
@click.option("--list", "listed", is_flag=True, help="Show whose files can be imported, and end.")
def import_weights(
    file: Path | None,
    converter: str | None,
    out: Path | None,
    license: str | None,
    data: str | None,
    listed: bool,
) -> None:
    """Make a model folder of FILE, the weights that another project's code saved.

    The file is recognised by what it holds. Nothing of it is run: a pickle that names anything but tensors is refused.
    The folder samples, is scored and published like any other; its card says where the weights are from. Put the text
    of their licence into it as LICENSE, where that asks to go with them: it is published, and the card names it.
    """
    if listed:
        show_converters()
        return
    if file is None:
        raise UsageError(f"give the FILE to import, or see whose files can be: {command('import', '--list')}")
    from ganzoo.folder.config import UNNAMED
    from ganzoo.foreign.importing import load_file
    from ganzoo.publish.foreign import write_foreign
    from ganzoo.publish.push import check_licence, check_target

    target = out or Path(file.name.removesuffix(file.suffix))
    check_target(target)
    if license is not None:
        check_licence(license)
    if data is not None and not data.strip():
        raise UsageError("--data is empty: name what the weights were trained on, or leave it out")
    with doing(f"reading {file}"):
        model = load_file(file, converter)
    describe(model)
    with doing(f"writing {target}"):
        write_foreign(model, target, license, data or UNNAMED)
    say(f"{target}: written; draw with {command('sample', target)}")


def describe(model: Foreign) -> None:
    """What was recognised, and what a person should know of it."""
    gan = model.gan
    classes = f", {gan.classes} classes" if gan.classes else ""
    d = "G and D" if model.discriminator else "G"
    say(f"{model.file.path.name}: {d} of {model.entry.name}, {gan.width} x {gan.height}{classes}: {gan.plan.recipe}")
    for note in model.notes:
        say(f"note: {note}", err=True)


def show_converters() -> None:
    """Whose files can be imported, and what each mapping was checked with."""
    from ganzoo.registry.loading import registry

    rows = []
    for entry in registry().entries("converter"):
        converter: Converter = entry.load()()
        rows.append((entry.name, entry.summary, converter.checked, converter.url))
    show_table(("name", "files of", "checked with", "project"), rows)
