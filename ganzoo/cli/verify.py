"""``ganzoo verify``: measure recorded scores again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.eval import number, progress_shown

if TYPE_CHECKING:
    from ganzoo.scoring.verify import Examiner, Verdict

RELATIVE = "Relative difference that is allowed."


def examining(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that measures scores again, but for ``--data``."""
    options = (
        click.option("--tolerance", type=click.FloatRange(0, 1), default=0.01, show_default=True, help=RELATIVE),
        click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Of the feature network."),
        click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images at once."),
        click.option("--device", help="Such as cpu or cuda:0."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def examiner(data: str, device: str | None, **options: Any) -> Iterator[Examiner]:
    """Who measures scores again, as these options say; shows how far it is."""
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.verify import Examiner

    with progress_shown() as progress:
        yield Examiner(data, device=str(choose_device(device)), progress=progress, **options)


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="D", help="The real images that it was scored against.")
@examining
@click.option("--json", "as_json", is_flag=True, help="Print every verdict as JSON.")
@click.pass_context
def verify(context: click.Context, model: str, data: str, as_json: bool, **options: Any) -> None:
    """Measure the scores that MODEL records of its weights again, each by its own protocol.

    Prints what is recorded, what was measured, the difference and a verdict. The exit status is 0 when every score
    holds within the tolerance, and 1 otherwise, also for a score that could not be measured.

    --json prints {"holds": bool, "verdicts": [{key, recorded, measured, difference, verdict}]}; measured and
    difference are null for what could not be measured.

    \b
    Example:
      ganzoo verify runs/first --data digits
    """
    from ganzoo.cli.show import show_json, show_table
    from ganzoo.folder.layout import METRICS
    from ganzoo.hub.locate import on_command_line
    from ganzoo.scoring.verify import verify as measure_again

    with examiner(data, **options) as who:
        verdicts = measure_again(on_command_line(model, (METRICS,)), who)
    holds = all(verdict.holds for verdict in verdicts)
    if as_json:
        show_json({"holds": holds, "verdicts": [described(verdict) for verdict in verdicts]})
    else:
        show_table(("score", "recorded", "measured", "difference", "verdict"), [row(verdict) for verdict in verdicts])
    context.exit(0 if holds else 1)


def described(verdict: Verdict) -> dict[str, Any]:
    """A verdict as ``--json`` prints it."""
    measured = None if verdict.measured is None else verdict.measured.value
    return {
        "key": verdict.recorded.key,
        "recorded": verdict.recorded.value,
        "measured": measured,
        "difference": None if measured is None else measured - verdict.recorded.value,
        "verdict": verdict.text,
    }


def row(verdict: Verdict) -> tuple[str, ...]:
    """A verdict as the table shows it."""
    recorded, measured = verdict.recorded, verdict.measured
    if measured is None:
        return recorded.key, number(recorded.value), "", "", verdict.text
    return (
        recorded.key,
        number(recorded.value),
        number(measured.value),
        f"{measured.value - recorded.value:+.2g}",
        verdict.text,
    )
