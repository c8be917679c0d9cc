"""``ganzoo project`` and ``ganzoo paint``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo import UsageError
from ganzoo.cli.kit import MODEL, OPEN, PATH, PORT, about, check_out, file_name, is_terminal, open_model, say, serve

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo_edit.manifold import Manifold
    from ganzoo_edit.projection import Place, Projection, Search
    from ganzoo_edit.scene import Scene
    from ganzoo_edit.styled import StylePlace, StyleSearch

LABEL = click.option("--label", "--class", "label", metavar="NAME|K", help="Class, for a model with classes.")
SEED = click.option("--seed", default=0, show_default=True, help="Of the random images.")
CROP = click.option("--crop", is_flag=True, help="Take the middle square of a photo that is not square.")
DEVICE = click.option("--device", help="Such as cpu or cuda:0.")


@about(
    "look",
    """
    The image of a model that is nearest to a photo:
    ganzoo project runs/first photo.png
    In w+ of a model with styles, and the noise of its layers, too:
    ganzoo project runs/stylegan2 photo.png --space w+ --find-noise --steps 20
    Nearest in features too, with every file of the result in a folder:
    ganzoo project runs/first photo.png --features tf_efficientnet_lite0.in1k --steps 20 --no-encoder --out projected/
    """,
)
@click.command(short_help="Find the latents whose image is nearest to a photo.")
@click.argument("model", type=MODEL)
@click.argument("photo", type=PATH)
@click.option("--out", type=PATH, metavar="FOLDER|FILE.png", help="Where the result goes.")
@click.option(
    "--space",
    type=click.Choice(["z", "w", "w+"]),
    help="Where to look: in the noise z, in w, or in w+, where each layer has a w of its own; w where there is one.",
)
@click.option("--steps", type=click.IntRange(1, 100_000), help="Of L-BFGS in z, 200, or of Adam in w and w+, 500.")
@click.option("--starts", type=click.IntRange(1, 1000), help="Refined a little each; 4 in z, 2 in w and w+.")
@click.option("--find-noise", is_flag=True, help="Find the noise of layers, too, in w and w+; the model's own is held.")
@SEED
@LABEL
@CROP
@click.option("--pixels", type=click.Choice(["l2", "l1"]), default="l2", show_default=True, help="The pixel term.")
@click.option(
    "--features",
    metavar="NETWORK",
    help="Add a feature term: lpips, a network such as tf_efficientnet_lite0.in1k, or perceptual for LPIPS where its"
    " weights are here, else that network.",
)
@click.option("--feature-weight", type=click.FloatRange(min=0), default=0.05, show_default=True, help="Of that term.")
@click.option(
    "--prior", type=click.FloatRange(min=0), default=0.1, show_default=True, help="Weight of staying typical."
)
@click.option("--encoder/--no-encoder", default=True, show_default=True, help="Let an encoder guess one start in z.")
@click.option(
    "--encoder-steps", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Of its training."
)
@click.option("--encoder-seconds", type=click.FloatRange(min=0), default=120.0, show_default=True, help="At most.")
@DEVICE
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def project(
    model: str,
    photo: Path,
    out: Path | None,
    space: str | None,
    steps: int | None,
    starts: int | None,
    find_noise: bool,
    seed: int,
    label: str | None,
    crop: bool,
    pixels: str,
    features: str | None,
    feature_weight: float,
    prior: float,
    encoder: bool,
    encoder_steps: int,
    encoder_seconds: float,
    device: str | None,
    as_json: bool,
) -> None:
    """Find the latents whose image under MODEL is nearest to PHOTO, to draw, walk from or move along directions.

    In z (iGAN, arXiv 1609.03552) the starts are an encoder's guess and the nearest of 512 random images; each gets a
    quarter of the steps, the best one all of them. The encoder is trained on the model's own images when first needed,
    and kept in ganzoo's cache by the sha256 of the weights. In w and w+ (arXiv 1912.04958) they are the mean of w and
    the nearest random images; in w+ the way leads through w. For a model with classes every class takes part, unless
    --label names one.

    FILE.png shows photo and projection, with the latents beside it as FILE.safetensors; FOLDER gets comparison.png,
    projection.png, z.safetensors (or w.safetensors) and result.json. 'ganzoo sample MODEL --latents FILE.safetensors'
    draws it again, 'ganzoo interpolate MODEL --from FILE.safetensors' begins there, and 'ganzoo paint MODEL --start
    FILE.safetensors' goes on from a z.

    JSON: model, photo, notes, label, class, space, start (encoder, mean or random), l1, psnr, loss, steps, starts,
    evaluations, seconds, encoder_seconds, files.
    """
    out = out or file_name(model, f"{photo.stem}.png")
    files = _files(out, "z")
    manifold = _manifold(model, device, painted=False)
    from ganzoo_edit.projection import search_in

    asked = {"steps": steps, "starts": starts, "seed": seed, "prior": prior}
    search = search_in(manifold, space, find_noise, **{name: one for name, one in asked.items() if one is not None})
    in_z = _space(search) == "z"
    files = _files(out, "z" if in_z else "w")
    number = _number(manifold, label)
    from ganzoo_edit.nearness import Nearness
    from ganzoo_edit.photo import read_photo
    from ganzoo_edit.projection import project

    bytes_, notes = read_photo(photo, manifold.size, crop)
    for note in notes:
        say(f"{photo.name}: {note}", err=True)
    near = Nearness((bytes_ / 255).to(manifold.device), pixels, features, feature_weight)
    begun = time.monotonic()
    guesser = _encoder(manifold, encoder_steps, encoder_seconds) if encoder and in_z else None
    ready = time.monotonic()
    found = project(manifold, near, search, guesser, number, _teller())
    told = {"model": model, "photo": str(photo), "notes": notes, **_result(manifold, found, search)}
    told |= {"seconds": round(time.monotonic() - ready, 3), "encoder_seconds": round(ready - begun, 3)}
    told["files"] = {name: str(path) for name, path in files.items()}
    _write(files, manifold, bytes_, found, told)
    say(*([json.dumps(told, allow_nan=False)] if as_json else _lines(told)))


def _space(search: Search | StyleSearch) -> str:
    return str(getattr(search, "space", "z"))


def _files(out: Path, space: str) -> dict[str, Path]:
    """Every file that will be written, by what it holds, once it is known that it can be."""
    if out.suffix:
        check_out(out, (".png",))
        return {"comparison": out, space: out.with_suffix(".safetensors")}
    from ganzoo.cli.kit import check_writable

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        what = "holds files already" if out.is_dir() else "is a file"
        raise UsageError(f"--out {out} {what}; name a new folder, or a file ending in .png")
    check_writable(out)
    names = {"comparison": "comparison.png", "projection": "projection.png", space: f"{space}.safetensors"}
    return {**{what: out / name for what, name in names.items()}, "result": out / "result.json"}


def _manifold(model: str, device: str | None, painted: bool = True) -> Manifold:
    gan = open_model(model, device)
    from ganzoo_edit.manifold import Manifold

    return Manifold(gan, model, painted)


def _number(manifold: Manifold, label: str | None) -> int | None:
    return None if label is None else manifold.gan.class_numbers([label])[0]


def _encoder(manifold: Manifold, steps: int, seconds: float) -> Any:
    from ganzoo_edit.encoder import open_encoder

    def tell(step: int, of: int, loss: float) -> None:
        if step == 0:
            say(f"training an encoder of this model once, {of} steps or {seconds:g} s", err=True)
        elif is_terminal(sys.stderr):
            click.echo(f"\r  encoder: step {step} of {of}, {loss:.4f} ", nl=False, err=True)

    encoder = open_encoder(manifold, steps, seconds, tell)
    if is_terminal(sys.stderr):
        click.echo("\r\033[K", nl=False, err=True)
    return encoder


def _teller() -> Any:
    """Says how far the search is: on one line of a terminal, else a line for each start."""
    seen: set[str] = set()

    def tell(place: Place | StylePlace, stage: str) -> None:
        if is_terminal(sys.stderr):
            click.echo(f"\r\033[K  {stage}: {place.loss:.5f}\r", nl=False, err=True)
        elif stage not in seen:
            seen.add(stage)
            say(f"{stage}: {place.loss:.5f}", err=True)

    return tell


def _result(manifold: Manifold, found: Projection, search: Search | StyleSearch) -> dict[str, Any]:
    place = found.place
    return {
        "label": place.label,
        "class": manifold.class_name(place.label),
        "space": _space(search),
        "start": place.kind,
        "l1": found.l1,
        "psnr": min(found.psnr, 100.0),  # of an image found to the last digit, which JSON could not say
        "loss": place.loss,
        "steps": search.steps,
        "starts": search.starts,
        "evaluations": found.evaluations,
    }


def _write(files: dict[str, Path], manifold: Manifold, photo: Tensor, found: Projection, told: dict[str, Any]) -> None:
    import torch

    from ganzoo.cli.kit import grid, make_folder, model_digest, save_latents, save_png, to_pil, write_json
    from ganzoo.data import to_uint8

    latents = found.place.latents(model_digest(manifold.gan))
    make_folder(files["comparison"].parent)
    image = to_uint8(found.image, low=0)
    save_png(grid(torch.stack([photo, image])), files["comparison"])
    save_latents(files[latents.space], latents)
    if "projection" in files:
        save_png(to_pil(image[None])[0], files["projection"])
        write_json(files["result"], told)


def _lines(told: dict[str, Any]) -> list[str]:
    from ganzoo.cli.kit import printable

    of = "" if told["class"] is None else f", class {printable(told['class'], 60)}"
    found = f"L1 {told['l1']:.4f}, PSNR {told['psnr']:.2f} dB{of}; from the {told['start']} start in {told['space']}, "
    spent = f"{told['evaluations']} evaluations, {told['seconds']:.1f} s"
    return [found + spent, told["files"]["comparison"], told["files"]["z" if told["space"] == "z" else "w"]]


@about(
    "look",
    """
    Draw on the images of a model:
    ganzoo paint runs/first
    Begin with the nearest image to a photo, and open no browser:
    ganzoo paint runs/first --photo photo.png --no-open
    """,
)
@click.command(short_help="Draw on a model's images in the browser.")
@click.argument("model", type=MODEL)
@click.option("--photo", type=PATH, help="Begin with the nearest image to a photo.")
@click.option("--start", type=PATH, metavar="FILE.safetensors", help="Begin with a saved z.")
@click.option("--candidates", type=click.IntRange(1, 24), default=6, show_default=True, help="Images side by side.")
@SEED
@LABEL
@CROP
@DEVICE
@PORT
@OPEN
def paint(
    model: str,
    photo: Path | None,
    start: Path | None,
    candidates: int,
    seed: int,
    label: str | None,
    crop: bool,
    device: str | None,
    port: int,
    wanted: bool | None,
) -> None:
    """Draw on the images of MODEL: it changes the picture so that it follows (iGAN, arXiv 1609.03552).

    Colour strokes say what colour is where, sketch strokes where an edge runs, and what is marked with Keep stays. The
    page starts from random images, a photo or a saved z; a slider goes from the original to the result, and picture
    and z can be saved.

    The page is for this machine only (127.0.0.1), and its address holds a token without which nothing is shown. To
    paint with a model of another machine, forward the port: ssh -L 8000:127.0.0.1:8000 HOST ganzoo paint MODEL --port
    8000
    """
    if photo is not None and start is not None:
        raise UsageError("--photo and --start both say how to begin: leave one out")
    manifold = _manifold(model, device)
    number = _number(manifold, label)
    from ganzoo_edit.photo import read_photo
    from ganzoo_edit.server import PaintServer
    from ganzoo_edit.studio import Studio

    bytes_, notes = (None, []) if photo is None else read_photo(photo, manifold.size, crop)
    for note in notes:
        say(f"{photo}: {note}", err=True)
    studio = Studio(manifold, model, _begin(manifold, start, number, candidates, seed), seed)
    with PaintServer(studio, port) as server:
        if bytes_ is not None:
            studio.project(bytes_ / 255, label=number)
        serve(server, model, wanted)


def _begin(manifold: Manifold, start: Path | None, label: int | None, count: int, seed: int) -> Scene:
    from ganzoo_edit.latent import read_latent
    from ganzoo_edit.scene import at, fresh

    if start is None:
        first = manifold.learned[0] if label is None and manifold.classes else label
        return fresh(manifold, count, seed, first)
    z, own = read_latent(start, manifold)
    return at(manifold, z, own if label is None else label, count, seed)
