"""The options of the commands that draw samples, about truncation and the noise of layers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.style import Truncation

Command = Callable[..., Any]

CUTOFF = click.option(
    "--truncation-cutoff",
    type=click.IntRange(min=0),
    metavar="N",
    help="Truncate w for the first N layers only.",
)
MEAN = click.option(
    "--truncation-mean",
    type=click.Choice(["class", "global"]),
    help="Mean of w: for the label of each image (the default of most models), or over the whole training.",
)
NOISE = click.option(
    "--noise",
    "layer_noise",
    type=click.IntRange(min=0),
    metavar="SEED",
    help="Seed of other noise in the layers of a generator that have noise inputs; each has a picture of its own.",
)


class Numbers(click.ParamType):
    """Numbers with commas between them, one at least, and none twice."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers of a text."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(word) for word in str(value).split(","))
        except ValueError:
            self.fail(f"{value} is no number, and no list of them such as 0.3,0.5,1", param, ctx)
        if len(set(found)) < len(found):
            self.fail(f"{value} has a number twice", param, ctx)
        return found


TRUNCATED = (
    "Of a generator with w: psi, 1 changes nothing and 0 draws the mean of w. Of all others: a bound on the noise,"
    " above 0, or a factor of it where its prior is truncated-normal. Smaller is tamer."
)


def truncation_options(command: Command) -> Command:
    """``--truncation``, ``--truncation-cutoff`` and ``--truncation-mean``, of which :func:`told` makes one value."""
    return _options(command, click.option("--truncation", type=float, metavar="NUMBER", help=TRUNCATED))


def sweep_options(command: Command) -> Command:
    """The same, with several truncations: ``0.3,0.7,1``."""
    several = f"{TRUNCATED} Several, 0.3,0.7,1, draw the same samples at each."
    return _options(
        command,
        click.option("--truncation", "truncations", type=Numbers(), default=(), metavar="NUMBER,...", help=several),
    )


def _options(command: Command, truncation: Callable[[Command], Command]) -> Command:
    for option in (MEAN, CUTOFF, truncation):
        command = option(command)
    return command


def noise_of_layers(gan: GAN, seed: int | None) -> AbstractContextManager[None]:
    """Let the layers of a model's generator have other noise inside the ``with`` block; None leaves it.

    Raises:
        UsageError: they have no noise inputs.
    """
    from ganzoo.gan.styled import layer_noise

    return layer_noise(gan.get_submodule("G"), seed)


def told(value: float | None, cutoff: int | None, mean: str | None) -> float | Truncation | None:
    """What the three options say together.

    Raises:
        UsageError: a cut-off or a mean without a truncation.
    """
    if value is None and (cutoff is not None or mean is not None):
        name = "--truncation-cutoff" if cutoff is not None else "--truncation-mean"
        raise UsageError(f"{name} says how w is truncated: add --truncation NUMBER, such as 0.7")
    from ganzoo.gan.arguments import truncation_of

    return truncation_of(value, cutoff, mean)
