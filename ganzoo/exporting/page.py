"""A model as a web page of one file that draws by itself: it fetches nothing, and works from the disk."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Mapping
from html import escape
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ganzoo.errors import UsageError, printable
from ganzoo.exporting.onnx import write_onnx
from ganzoo.exporting.runtime import Runtime, read_runtime
from ganzoo.exporting.sampler import Exportable
from ganzoo.files.write import write_text
from ganzoo.gan.gan import GAN
from ganzoo.gan.kit import Generator
from ganzoo.gan.priors import PRIORS
from ganzoo.gan.style import StyleGenerator
from ganzoo.parts.context import NOISE

ROWS = 512  # of noise that a page has, of a model whose noise it cannot draw
LARGEST = 256 << 20  # bytes of a network in a page: browsers hold no text of more than some 500 MB
PLACE = re.compile(r"\{\{(\w+)\}\}")


def page_writer(place: Path | None) -> Callable[[Exportable, Mapping[str, Any], Path], float]:
    """What writes the page, with the onnxruntime-web that is at a place; see :func:`read_runtime`.

    Raises:
        UsageError: it is not there.
    """
    runtime = read_runtime(place)

    def write(model: Exportable, facts: Mapping[str, Any], out: Path) -> float:
        return write_page(model, facts, out, runtime)

    return write


def write_page(model: Exportable, facts: Mapping[str, Any], out: Path, runtime: Runtime) -> float:
    """Write a model as a page.

    Args:
        model: one that draws from noise alone, with or without labels.
        facts: about it, shown there.
        out: the file.
        runtime: what runs networks in browsers.

    Returns:
        The largest difference between images of the ONNX file in it and the model's.

    Raises:
        UsageError: the model takes pictures or texts, or is too large for a page.
        ModelError: it cannot be exported, or does not draw the same; nothing was written.
    """
    if model.gan.input_names != {NOISE}:
        raise UsageError("a page draws from noise, and this model takes pictures or texts: try --to onnx")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        difference = write_onnx(model, facts, file)
        network = file.read_bytes()
    if len(network) > LARGEST:
        raise UsageError(f"the network has {len(network):,} bytes, too many for a page: try --to onnx")
    noise, table = _noise(model.gan)
    shown = {**facts, "truncation": model.truncatable, "noise": noise, "runtime": runtime.version}
    write_text(out, _page(shown, {"script": runtime.script, "wasm": runtime.wasm, "model": network, "table": table}))
    return difference


def _page(facts: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    own = resources.files("ganzoo.exporting")
    texts = {
        "title": escape(printable(facts["recipe"], None)),
        "facts": json.dumps(facts).replace("<", "\\u003c"),  # so that no name in it ends the script
        "page_js": own.joinpath("page.js").read_text("utf-8"),
        "page_css": own.joinpath("page.css").read_text("utf-8"),
        **{name: base64.b64encode(gzip.compress(data, 6, mtime=0)).decode() for name, data in files.items()},
    }
    # In one pass: nothing that is put in is looked through for places.
    return PLACE.sub(lambda found: texts[found[1]], own.joinpath("page.html").read_text("utf-8"))


def _noise(gan: GAN) -> tuple[dict[str, Any], bytes]:
    """How a page draws noise: by a law that it knows, or from rows that it has, float32."""
    generator: Any = gan.G
    shape = list(gan.noise(0, 0).shape[1:])
    plain = type(generator).prior in (Generator.prior, StyleGenerator.prior)
    law = next((name for name, draw in PRIORS.items() if plain and generator.draw is draw), None)
    if law is not None:
        return {"law": law, "shape": shape}, b""
    return {"law": "table", "shape": shape, "rows": ROWS}, gan.noise(ROWS, 0).numpy().astype("<f4").tobytes()
