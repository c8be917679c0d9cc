"""docs/reference/speed-cpu.md, made of what ``.ci/speed.py`` measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import counted

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, RESULTS = DOCS / "reference" / "speed-cpu.md", DOCS / "speed-cpu.json"
COMMAND = "python .ci/speed.py"
QUIET = 0.1  # processors that other programs may keep busy on a quiet machine
GOALS = {"dcgan": 0.7}  # fractions of the matrix rate that a step should reach, where it is not OTHERS
OTHERS = 0.85
KINDS = {"Conv": "convolutions", "Norm": "norms", "Linear": "linear layers", "Attention": "attention"}
BETWEEN, NONE = "activations and sums between them", "losses, optimiser, averages"

HEADER = f"""\
# Speed on a CPU

What one command measured on one machine, section by section:

```bash
{COMMAND} measure
```

The **matrix rate** is the best of many products of large matrices, and of a large convolution, in the same arithmetic:
what the processor can do. Versions are in `docs/speed-cpu.json`. Where other programs were at work as it began, times
are longer than they need be and the rate is too low, and a row says how many processors they kept busy.
"""
STEPS = """
## Where a step's time goes

One update of D and one of G, batch 64, 32 pixels, as `ganzoo bench RECIPE --turns` has it. Operations are those of the
layers as they are written. "At the goal" is what the same operations take at 70 % of the rate for dcgan, and at 85 %
for the others.

"""
PARTS = """
What the layers have of these steps, forward and backward, both turns together. `at the rate` is how long its products
would take at the matrix rate: what is beyond that in convolutions is theirs to lose, and all of a line without
products is memory that is read and written once more.

"""
DRAWING = """
## Drawing

64 images, each way in turn. **By hand** is `gan.G(z, y)` without gradients in a process that nobody has told anything;
`gan.sample` also draws the noise, and keeps the memory that maps took. Its kernels lie as they are, so that its
pictures are those by hand, bit for bit. `levels` is how far a picture is from that, in levels of 255: bfloat16 is no
way to draw where it is above one, and is not taken.

"""
SCORING = """
## Scoring

A feature pass in float32, batch norms folded, on images of 32 pixels that are enlarged to what the network takes.
Depthwise convolutions have a few operations for each number that they read: memory binds them, and not the matrix rate.

"""


def said(one: Mapping[str, Any]) -> str:
    """When a row was measured, and whether on a loaded machine."""
    loaded = f", **loaded** ({one['load']:.1f})" if one["load"] > QUIET else ""
    return f"{one['date']}, {counted(one['threads'], 'thread')}{loaded}"


def table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)) + "\n"


def kind(layer: str) -> str:
    """What of a step a layer of such a type is."""
    return next((what for part, what in KINDS.items() if part in layer), BETWEEN if layer else NONE)


def shares(one: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Milliseconds and GFLOP of a step by kind of layer, in proportion to the median of whole steps."""
    ours, found = one["ours"], dict[str, dict[str, float]]()
    for row in ours["layers"]:
        into = found.setdefault(kind(row["type"]), {"ms": 0.0, "gflop": 0.0})
        into["ms"] += row["forward_ms"] + row["backward_ms"]
        into["gflop"] += row["gflop"]
    scale = ours["step_ms"] / sum(each["ms"] for each in found.values())  # watching a step takes time, too
    for each in found.values():
        each["ms"] *= scale
    return dict(sorted(found.items(), key=lambda item: -item[1]["ms"]))


def steps(found: Mapping[str, Any]) -> str:
    """The section of steps."""
    rows, parts = [], []
    for recipe, one in found.items():
        ours, machine = one["ours"], one["machine"]
        goal = GOALS.get(recipe.partition(":")[0], OTHERS)
        at_goal = ours["gflop_per_step"] / machine["matrix_gflops"] / goal * 1e3
        figures = [f"{ours['step_ms']:,.1f}", f"{ours['images_per_second']:,.0f}", f"{ours['gflop_per_step']:,.1f}"]
        rates = [f"{ours['fraction_of_peak']:.0%} of {machine['matrix_gflops']:,.0f}", f"{at_goal:,.1f}"]
        rows.append([f"`{recipe}`", machine["precision"], str(machine["threads"]), *figures, *rates, said(one)])
        for what, each in shares(one).items():
            least = each["gflop"] / machine["matrix_gflops"] * 1e3
            share = each["ms"] / ours["step_ms"]
            parts.append([f"`{recipe}`", what, f"{each['ms']:,.1f}", f"{share:.0%}", f"{least:,.1f}"])
    columns = ("recipe", "arithmetic", "threads", "ms a step", "images/s", "GFLOP", "of the rate (GFLOP/s)")
    whole = table((*columns, "ms at the goal", "measured"), rows)
    return f"{STEPS}{whole}{PARTS}{table(('recipe', 'layers', 'ms', 'of the step', 'ms at the rate'), parts)}"


def drawing(found: Mapping[str, Any]) -> str:
    """The section of drawing."""
    rows = []
    for name, one in found.items():
        for way, each in one["ways"].items():
            figures = [f"{each['images_per_second']:,.0f}", f"{each['ratio']:.2f}", f"{each['fraction_of_peak']:.0%}"]
            rows.append([f"`{name}`", way, *figures, f"{each['levels']:.2f}", said(one)])
    columns = ("model or recipe", "way", "images/s", "times by hand", "of the fp32 rate", "levels", "measured")
    return f"{DRAWING}{table(columns, rows)}"


def scoring(found: Mapping[str, Any], memory: Mapping[str, Any]) -> str:
    """The section of scoring."""
    rows = []
    for name, one in found.items():
        figures = [f"{one['images_per_second']:,.0f}", f"{one['mflop']:,.0f}", f"{one['fraction_of_peak']:.0%}"]
        each = [f"{one['shares'][kind]:.0%}" for kind in ("depthwise", "other")]
        rows.append([f"`{name}`", str(one["pixels"]), *figures, *each, said(one)])
    columns = ("network", "pixels", "images/s", "MFLOP an image", "of the fp32 rate", "depthwise", "other convolutions")
    text = f"{SCORING}{table((*columns, 'measured'), rows)}"
    for one in memory.values():
        peaks = " and ".join(f"{peak:,.0f} MB for {int(count):,}" for count, peak in one["peak_mb"].items())
        most, taken = max((int(count), seconds) for count, seconds in one["processor_seconds"].items())
        text += f"\nAn evaluation (fid, kid, prdc on `{one['network']}`) beside {one['real']:,} real images takes"
        text += f" {peaks} images: sums are kept, and features of 10,000 at most. Those {most:,}, drawn by a small"
        text += f" generator, take {taken:,.0f} s of processor time of one thread, the real ones included:"
        text += f" {(most + one['real']) / taken:,.0f} images a second ({said(one)}).\n"
    return text


def data(found: Mapping[str, Any]) -> str:
    """The section of data."""
    text = "\n## Data\n"
    for one in found.values():
        share = one["read_ms"] / (one["read_ms"] + one["step_ms"])
        text += (
            f"\nA folder of {one['pictures']:,} PNGs of 32 pixels that are decoded anew in every epoch, batch"
            f" {one['batch']}: {one['read_ms']:.1f} ms of processor time for a batch, beside {one['step_ms']:.1f} ms"
            f" for a step of dcgan, **{share:.1%}** of both ({said(one)}). A thread of its own reads two batches ahead,"
            " so that a step waits for none where a processor is free; `ganzoo data pack` takes the decoding away.\n"
        )
    return text


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [HEADER, steps(results.get("steps", {})), drawing(results.get("drawing", {}))]
    parts += [scoring(results.get("scoring", {}), results.get("memory", {})), data(results.get("data", {}))]
    return f"{''.join(parts)}\nThis page is generated: `{COMMAND}`.\n"
