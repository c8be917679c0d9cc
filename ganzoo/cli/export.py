"""``ganzoo export``: a model as a file that draws without ganzoo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out, file_name, open_found
from ganzoo.cli.names import MODEL
from ganzoo.cli.options import AT_STEP
from ganzoo.cli.paths import PATH, PathType
from ganzoo.cli.show import say
from ganzoo.cli.truncation import CUTOFF, MEAN
from ganzoo.errors import UsageError
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.exporting.sampler import Exportable

ENDINGS = {"onnx": ".onnx", "torch": ".pt2", "html": ".html", "coreml-ready": ".pt2"}


@about(
    "share",
    """
    As ONNX, for any runtime:
    ganzoo export runs/first --out first.onnx
    As a program of torch.export:
    ganzoo export runs/first --to torch --out first.pt2
    For Core ML's converter, on a Mac:
    ganzoo export runs/first --to coreml-ready --out first-coreml.pt2
    """,
)
@click.command(short_help="Write a model as a file that draws without ganzoo.")
@click.argument("model", type=MODEL)
@click.option("--to", "form", type=click.Choice([*ENDINGS]), default="onnx", show_default=True, help="What to write.")
@AT_STEP
@CUTOFF
@MEAN
@click.option(
    "--runtime",
    type=PathType(exists=True),
    metavar="DIR|FILE.tgz",
    help="For html: the npm package onnxruntime-web, as a folder or as npm pack makes it; else ./node_modules has it.",
)
@click.option("--out", type=PATH, metavar="FILE.onnx|FILE.pt2|FILE.html", help="File to write.")
def export(
    model: str,
    form: str,
    step: str | None,
    truncation_cutoff: int | None,
    truncation_mean: Any,
    runtime: Path | None,
    out: Path | None,
) -> None:
    """Write the generator of MODEL as a file that draws its samples without ganzoo.

    \b
    onnx   an ONNX file, for any runtime
    torch  a program of torch.export, for torch.export.load(FILE).module()
    html   a page that draws in the browser; nothing is fetched, and it works from the disk
    coreml-ready  what the converter of Core ML takes, and FILE-to-coreml.py, which runs it, on a Mac or on Linux

    Its inputs are z, noise (n, Z); label, class numbers int64 (n) or label vectors (n, L), where the model has labels;
    and truncation, ψ of w, a single number, where the generator has w: 1 changes nothing. A model that translates takes
    source, images in [0, 1], and one that draws texts their bytes in UTF-8. Its output is image, float32 (n, C, H, W)
    in [0, 1], and n is any number; for coreml-ready it is 1, and whole numbers have 32 bits. The file says what is in
    it: the recipe, the names of classes, the licence, the sha256 of the weights. Before it takes its name, what it
    draws is compared with what the model draws, to 1e-4.
    """
    out = out or file_name(model, f"export{ENDINGS[form]}")
    check_out(out, (ENDINGS[form],))
    write = _writer(form, runtime, out)
    gan, found = open_found(model, "cpu", step)
    from ganzoo.exporting.facts import facts_of
    from ganzoo.exporting.sampler import exportable

    ready = exportable(gan, truncation_cutoff, truncation_mean)
    with doing(f"writing {out}, and comparing what it draws"):
        difference = write(ready, facts_of(ready, found.folder.step_digest(_number(step))), out)
    given = "; ".join(f"{name} {words.split(':')[0]}" for name, words in _about(form)(ready).items())
    say(f"{out}: takes {given}; differs from the model by {difference:.1e} at most")


def _about(form: str) -> Callable[[Exportable], Mapping[str, str]]:
    """What tells the inputs of a file."""
    if form == "coreml-ready":
        from ganzoo.exporting.coreml import about_one

        return about_one
    return lambda ready: ready.about


def _number(step: str | None) -> int | str | None:
    return int(step) if step and step.isdecimal() else step


def _writer(form: str, runtime: Path | None, out: Path) -> Callable[..., float]:
    """What writes the file, once it is known that all it needs is here."""
    if runtime is not None and form != "html":
        raise UsageError("--runtime is what --to html puts into its page: leave it out, or add --to html")
    if form == "torch":
        from ganzoo.exporting.program import write_program

        return write_program
    if form == "coreml-ready":
        from ganzoo.exporting.coreml import script_of, write_coreml

        script_of(out)  # refused before the model is opened
        return write_coreml
    from ganzoo.exporting.onnx import refuse_without_onnx, write_onnx

    refuse_without_onnx()
    if form == "onnx":
        return write_onnx
    from ganzoo.exporting.page import page_writer

    return page_writer(runtime)
