"""``ganzoo demo``: a model as a page to play with, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.along import DIRECTIONS
from ganzoo.cli.model import file_name, open_model
from ganzoo.cli.options import AT_STEP, ON_DEVICE
from ganzoo.cli.page import OPEN, PORT, serve
from ganzoo.cli.paths import PATH, PLACE
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, command

if TYPE_CHECKING:
    from ganzoo.demos.model import DemoModel
    from ganzoo.gan.gan import GAN


@about(
    "look",
    """
    Seeds, classes and truncation:
    ganzoo demo dcgan-mnist
    With sliders of its directions:
    ganzoo demo runs/first --directions first-directions.safetensors
    """,
)
@click.command(short_help="Play with a model in the browser.")
@click.argument("model", type=PLACE)
@click.option(
    "--directions",
    type=PATH,
    metavar="FILE.safetensors",
    help="What 'ganzoo directions' found, as sliders; MODEL-directions.safetensors here, if there is one, by default.",
)
@ON_DEVICE
@AT_STEP
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for a network.")
@PORT
@OPEN
def demo(
    model: str,
    directions: Path | None,
    device: str | None,
    step: str | None,
    host: str,
    port: int,
    wanted: bool | None,
) -> None:
    """Show a page that draws from MODEL: a shipped name, a folder, a run, or organisation/name of the Hub.

    It has seeds and, where the model has them, classes, a truncation and directions; of a model that translates
    pictures one goes in and one comes out, and a model that draws texts takes yours. The same seed draws what 'ganzoo
    sample' draws, and the page says what to type for it. Ctrl-C ends it.

    The page is for this machine only, unless --host says otherwise, and its address holds a token without which nothing
    is shown. It fetches nothing from elsewhere. 'ganzoo push --space' publishes it as a Space of the Hub.
    """
    from ganzoo.demos.page import page_of, refuse_without_gradio
    from ganzoo.demos.server import DemoServer

    refuse_without_gradio()
    if directions is not None and not directions.is_file():
        raise UsageError(f"there is no file {directions}: '{command('directions', model)}' writes one")
    with DemoServer(host, port) as server:
        server.show(page_of(_asked(open_model(model, device, step), model, directions)))
        if not server.local:
            say(f"note: whoever reaches {host} and has the address can draw from this model", err=True)
        serve(server, model, wanted)


def _asked(gan: GAN, model: str, directions: Path | None) -> DemoModel:
    """The model with its directions; a file that nobody named is left out where it is of another model."""
    from ganzoo.demos.page import demo_model
    from ganzoo.errors import GanzooError

    found = file_name(model, DIRECTIONS)
    if directions is not None or not found.is_file():
        return demo_model(gan, model, directions)
    try:
        return demo_model(gan, model, found)
    except GanzooError as error:
        say(f"note: {found} is left out: {error}", err=True)
        return demo_model(gan, model)
