"""``ganzoo reconstruct`` and ``ganzoo pairs``: what a model's encoder, or its second domain, is good for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.kit import DATA, MODEL, PATH, SKIP_BAD, about

if TYPE_CHECKING:
    from torch import Tensor

WIDE = 16  # images in a row: eight pairs
COUNT = click.IntRange(1, 4096)


@about(
    "look",
    """
    Digits, each beside what the model makes of it:
    ganzoo reconstruct runs/aae --data digits
    More of them, which it has not seen:
    ganzoo reconstruct runs/aae --data digits --split test -n 64 --out unseen.png
    """,
)
@click.command(short_help="Show real images beside a model's reconstructions.")
@click.argument("model", type=MODEL)
@click.option("--data", type=DATA, required=True, metavar="D", help="Real images.")
@click.option("--split", metavar="S", help="Of the data: train (default) or test; what a folder or zip is.")
@click.option("-n", "count", type=COUNT, default=32, show_default=True, help="How many images, the first ones.")
@click.option("--device", help="Such as cpu or cuda:0.")
@SKIP_BAD
@click.option("--out", type=PATH, metavar="FILE.png", help="File to write.")
def reconstruct(
    model: str, data: str, split: str | None, count: int, device: str | None, skip_bad: bool, out: Path | None
) -> None:
    """Show real images, each beside what MODEL's encoder and generator make of it.

    For models that encode images, such as aae, bigan, clustergan and vae-gan.
    """
    from ganzoo.cli.kit import check_out, file_name, open_model

    out = out or file_name(model, "reconstruction.png")
    check_out(out, (".png",))
    gan = open_model(model, device)
    from ganzoo import UsageError
    from ganzoo.data import DataRequest, open_data
    from ganzoo_classics.encoding import Encodes
    from ganzoo_classics.showing import rebuilt

    if not isinstance(gan.game, Encodes):
        raise UsageError("this model encodes no images, so it cannot draw them again: ganzoo project finds their noise")
    request: dict[str, Any] = {"resolution": gan.size, "channels": gan.channels, "skip_bad": skip_bad}
    opened = open_data(data, DataRequest(**request, **({} if split is None else {"split": split})))
    _write(rebuilt(gan, opened, count), out, "real images, each beside its reconstruction")


@about(
    "look",
    """
    Pairs of both domains:
    ganzoo pairs runs/cogan
    Other ones, fewer:
    ganzoo pairs runs/cogan -n 8 --seed 1 --out pairs.png
    """,
)
@click.command(short_help="Draw pairs of images of two domains.")
@click.argument("model", type=MODEL)
@click.option("-n", "count", type=COUNT, default=32, show_default=True, help="How many pairs.")
@click.option("--seed", default=0, show_default=True, help="Seed of the noise: the same seed, the same pairs.")
@click.option("--device", help="Such as cpu or cuda:0.")
@click.option("--out", type=PATH, metavar="FILE.png", help="File to write.")
def pairs(model: str, count: int, seed: int, device: str | None, out: Path | None) -> None:
    """Draw pairs with MODEL: an image, and beside it the same one of the second domain.

    For models that draw two domains at once, such as cogan.
    """
    from ganzoo.cli.kit import check_out, file_name, open_model

    out = out or file_name(model, "pairs.png")
    check_out(out, (".png",))
    gan = open_model(model, device)
    from ganzoo import UsageError
    from ganzoo_classics.encoding import Couples
    from ganzoo_classics.showing import drawn_pairs

    if not isinstance(gan.game, Couples):
        raise UsageError("this model draws no pairs: ganzoo sample draws its images")
    _write(drawn_pairs(gan, count, seed), out, "pairs")


def _write(images: Tensor, out: Path, what: str) -> None:
    """A grid of images uint8 ``(2n, C, H, W)``, and a line about it."""
    from ganzoo.cli.kit import grid, save_png, say

    save_png(grid(images, columns=min(WIDE, len(images))), out)
    say(f"{len(images) // 2} {what}: {out}")
