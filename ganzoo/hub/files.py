"""Which files of a model are published, and how large each may be: what a push sends and a pull takes."""

from __future__ import annotations

import re

from ganzoo.files.untrusted import LARGEST_HEADER
from ganzoo.folder.scores import LARGEST_FILE

CONFIG, MODEL, METRICS, README = "config.json", "model.safetensors", "metrics.json", "README.md"
DISCRIMINATOR = "discriminator.safetensors"
EXAMPLES = ("examples/source.png", "examples/target.png", "examples/text.json")
MEGABYTE = 1 << 20
WIDEST = 4  # bytes of a published number
LARGEST: dict[str, int] = {
    CONFIG: MEGABYTE,
    METRICS: LARGEST_FILE,
    README: 4 * MEGABYTE,
    "samples.png": 64 * MEGABYTE,
    "progress.gif": 256 * MEGABYTE,
}
INSIDE = re.compile(r"(?:pictures|examples)(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){1,2}\.(?:png|gif|jpe?g|webp|json|txt)")
LARGEST_INSIDE = 64 * MEGABYTE
MOST = 2_000  # files


def largest(name: str) -> int | None:
    """How many bytes a published file may have; None for a name that is not published, such as a path outside."""
    from ganzoo.gan.builder import parameter_limit

    if name in (MODEL, DISCRIMINATOR):
        return parameter_limit() * WIDEST + LARGEST_HEADER + 8
    if INSIDE.fullmatch(name):
        return LARGEST_INSIDE
    return LARGEST.get(name)
