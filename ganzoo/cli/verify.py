"""``ganzoo verify``: measure recorded scores again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.eval import number, progress_shown
from ganzoo.cli.names import DATA, MODEL
from ganzoo.cli.options import ON_DEVICE, SKIP_BAD
from ganzoo.cli.paths import PATH

if TYPE_CHECKING:
    from ganzoo.scoring.verify import ScoreVerifier, Verification

RELATIVE = "Relative difference that is allowed."


def verification_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that measures scores again, but for ``--data``."""
    options = (
        click.option("--tolerance", type=click.FloatRange(0, 1), default=0.01, show_default=True, help=RELATIVE),
        click.option("--weights", type=PATH, metavar="FILE", help="Of the feature network."),
        click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images at once."),
        ON_DEVICE,
        SKIP_BAD,
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def verifier(data: str, device: str | None, **options: Any) -> Iterator[ScoreVerifier]:
    """Who measures scores again, as these options say; shows how far it is."""
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.verify import ScoreVerifier

    with progress_shown() as progress:
        yield ScoreVerifier(data, device=str(choose_device(device)), progress=progress, **options)


@about(
    "score",
    """
    Are the scores that it records true?
    ganzoo verify runs/first --data digits
    For a script, with a wider tolerance:
    ganzoo verify runs/first --data digits --tolerance 0.05 --json
    """,
)
@click.command(short_help="Measure recorded scores again.")
@click.argument("model", type=MODEL)
@click.option("--data", type=DATA, required=True, metavar="D", help="The real images that it was scored against.")
@verification_options
@click.option("--json", "as_json", is_flag=True, help="Print every verdict as JSON.")
@click.pass_context
def verify(context: click.Context, model: str, data: str, as_json: bool, **options: Any) -> None:
    """Measure the scores that MODEL records of its weights again, each by its own protocol.

    Prints what is recorded, what was measured, the difference and a verdict. The exit status is 0 when every score
    holds within the tolerance, and 1 otherwise, also for a score that could not be measured.

    --json prints {"holds": bool, "verdicts": [{key, recorded, measured, difference, verdict}]}; measured and
    difference are null for what could not be measured.
    """
    from ganzoo.cli.show import show_json, show_table
    from ganzoo.folder.layout import METRICS
    from ganzoo.hub.locate import on_command_line
    from ganzoo.scoring.verify import verify as measure_again

    with verifier(data, **options) as who:
        verifications = measure_again(on_command_line(model, (METRICS,)), who)
    holds = all(one.holds for one in verifications)
    if as_json:
        show_json({"holds": holds, "verdicts": [described(one) for one in verifications]})
    else:
        show_table(("score", "recorded", "measured", "difference", "verdict"), [*map(row, verifications)])
    context.exit(0 if holds else 1)


def described(one: Verification) -> dict[str, Any]:
    """A verification as ``--json`` prints it."""
    measured = None if one.measured is None else one.measured.value
    return {
        "key": one.recorded.key,
        "recorded": one.recorded.value,
        "measured": measured,
        "difference": None if measured is None else measured - one.recorded.value,
        "verdict": one.text,
    }


def row(one: Verification) -> tuple[str, ...]:
    """A verification as the table shows it."""
    recorded, measured = one.recorded, one.measured
    if measured is None:
        return recorded.key, number(recorded.value), "", "", one.text
    difference = f"{measured.value - recorded.value:+.2g}"
    return recorded.key, number(recorded.value), number(measured.value), difference, one.text
