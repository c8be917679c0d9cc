"""``ganzoo bench``: how fast a recipe trains on this machine."""

from __future__ import annotations

import json
from typing import Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import DEVICE, PEER, RECIPE, SETTING
from ganzoo.cli.options import read_settings
from ganzoo.cli.show import say

LEAST, REST = 0.01, "smaller layers, losses, optimiser"


class WithPeers(click.Command):
    """A command whose help ends with the installed peers."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The peers with the packages that bring them, none of which is imported for this."""
        super().format_epilog(ctx, formatter)
        from ganzoo.registry.lookup import known_names, known_provider
        from ganzoo.training.peers import listed_peers

        rows = [(name, f"from {who}") for name, who in listed_peers().items()]
        known = dict.fromkeys(known_provider("peer", name) for name in known_names("peer"))
        with formatter.section("Peers"):
            if rows:
                formatter.write_dl(rows)
            for who, command in () if rows else filter(None, known):
                formatter.write_text(f"None is installed; {who} brings some:")
                formatter.write(f"{'':{formatter.current_indent}}{command}\n")  # unbroken, to be copied


@about(
    "build",
    """
    How fast this machine trains a recipe:
    ganzoo bench dcgan --batch 16 --rounds 3
    What each layer has of a step:
    ganzoo bench dcgan --batch 4 --rounds 2 --turns
    How many images a second it draws:
    ganzoo bench dcgan --batch 8 --rounds 2 --sample
    The same in single precision with labels, for a script:
    ganzoo bench sngan --classes 10 --batch 8 --rounds 2 --set precision=fp32 --json
    """,
)
@click.command(cls=WithPeers, short_help="Time a recipe on this machine, beside other libraries.")
@click.argument("recipe", type=RECIPE)
@click.option("--against", type=PEER, metavar="PEER", multiple=True, help="Time a peer too; may be repeated.")
@click.option("--batch", default=64, show_default=True, help="Batch size.")
@click.option("--channels", default=3, show_default=True, help="Planes of the images.")
@click.option("--classes", default=0, show_default=True, help="Classes of the labels; 0 for none.")
@click.option("--z-dim", type=int, help="Length of the noise; by default the architecture's, or 128.")
@click.option("--resolution", default=32, show_default=True, help="Height and width of the images, in pixels.")
@click.option("--rounds", default=7, show_default=True, help="Timed steps of each, after two that are not.")
@click.option(
    "--set", "settings", type=SETTING, metavar="K=V", multiple=True, help="A hyperparameter, such as precision=fp32."
)
@click.option("--device", type=DEVICE, help="Where ours and the peers run: cpu, cuda, cuda:1.")
@click.option("--turns", is_flag=True, help="Measure every layer of every turn too.")
@click.option("--sample", is_flag=True, help="Time the generator at drawing too, beside gan.G called by hand.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: ratio is the peer's median over ours.")
def bench(recipe: str, against: tuple[str, ...], settings: tuple[str, ...], as_json: bool, **sizes: Any) -> None:
    """Time one D plus one G update of RECIPE, in turn with other libraries.

    Reports images per second, the time of each turn, the fraction of the measured matrix-multiply peak, the peak
    memory, the share of time spent waiting for data, and what a whole training session takes beside the bare step.
    Another library takes part with --against, such as --against torch-mimicry; --help lists those that are installed.

    \b
    JSON: recipe, batch, resolution, channels, classes, z_dim, rounds;
      ours: step_ms (median), step_ms_all, images_per_second, turn_ms {turn: ms}, gflop_per_step, fraction_of_peak,
        peak_memory_mb, data_share, end_to_end {wait_ms, step_ms, log_ms, grid_ms, save_ms, ratio};
        with --turns also layers [{turn, layer, type, forward_ms, backward_ms, share (of the turn), gflop,
        fraction_of_peak}], the empty layer for what belongs to none;
      peers {name: step_ms, step_ms_all, images_per_second, ratio (the peer's median over ours)};
      machine: device, precision, threads, matrix_gflops, torch, python; notes;
      with --sample also sample {way: images_per_second, ratio (to G by hand), levels (of 255, that a picture differs),
        fraction_of_peak (of products in float32)}.
    """
    from ganzoo.training.bench import bench as measure

    def progress(text: str) -> None:
        if not as_json:
            say(text, err=True)

    result = measure(recipe, against, settings=read_settings(settings), progress=progress, **sizes)
    say(*(json.dumps(result, indent=2) if as_json else table(result)).split("\n"))


def table(result: dict[str, Any]) -> str:
    """The result as lines of text: milliseconds a step, images a second, and the ratio to each peer."""
    ours, machine = result["ours"], result["machine"]
    turns = ", ".join(f"{name} {ms:,.1f} ms" for name, ms in ours["turn_ms"].items())
    lines = [
        f"{result['recipe']}, batch {result['batch']} at {result['resolution']} px, {machine['precision']} on "
        f"{machine['device']} with {machine['threads']} threads",
        f"ours: {ours['step_ms']:,.1f} ms a step ({turns}), {ours['images_per_second']:,.1f} images/s",
        f"  {ours['gflop_per_step']:,.1f} GFLOP a step, {ours['fraction_of_peak']:.0%} of the measured "
        f"{machine['matrix_gflops']:,.0f} GFLOP/s; peak memory {ours['peak_memory_mb']:,.0f} MB",
        f"  a training session with data, log, grids and checkpoints takes {ours['end_to_end']['ratio']:.2f} times as "
        f"long; {ours['data_share']:.1%} of a step waits for its batch",
        *(f"note: {note}" for note in result["notes"]),
    ]
    for name, peer in result["peers"].items():
        lines.append(f"{name}: {peer['step_ms']:,.1f} ms a step; ours is {peer['ratio']:.2f} times as fast")
    return "\n".join([*lines, *layer_lines(ours.get("layers", [])), *drawing_lines(result.get("sample", {}))])


def drawing_lines(ways: dict[str, dict[str, float]]) -> list[str]:
    """A line for each way to draw."""
    return [
        f"{f'{way}:':14} {each['images_per_second']:10,.1f} images/s, {each['ratio']:.2f} times by hand, "
        f"{each['levels']:.2f} levels of 255 away, {each['fraction_of_peak']:.0%} of the peak in fp32"
        for way, each in ways.items()
    ]


def layer_lines(layers: list[dict[str, Any]]) -> list[str]:
    """A table for each turn: layers of at least a hundredth of its time, the slowest first, and the rest together."""
    lines = []
    for turn in dict.fromkeys(row["turn"] for row in layers):
        own = sorted((row for row in layers if row["turn"] == turn), key=lambda row: -row["share"])
        shown = [row for row in own if row["share"] >= LEAST and row["layer"]]
        rest = 1 - sum(row["share"] for row in shown)
        width = max([len(row["layer"]) for row in shown] + [len(REST)])
        lines.append(f"{turn}'s turn:{'':{max(0, width - len(turn) - 6)}}  forward ms  backward ms  share  of the peak")
        for row in shown:
            times = f"{row['forward_ms']:10,.3f}  {row['backward_ms']:11,.3f}  {row['share']:5.1%}"
            lines.append(f"  {row['layer']:{width}}  {times}  {row['fraction_of_peak']:11.1%}")
        lines.append(f"  {REST:{width}}  {'':10}  {'':11}  {rest:5.1%}")
    return lines
