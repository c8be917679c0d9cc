"""``ganzoo toy``: games small enough to see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ganzoo import UsageError
from ganzoo.cli.kit import PATH, about, say

OUT = click.option("--out", type=PATH, metavar="FILE.png|FILE.svg", help="Where the picture goes.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
SEED = click.option("--seed", default=0, show_default=True, help="Of everything drawn.")
SETTINGS = click.option("--set", "settings", multiple=True, metavar="K=V", help="A setting, such as lr.d=0.05.")


@about(
    "train",
    """
    Strategies of rock, paper, scissors, on their way to the equilibrium:
    ganzoo toy matrix rock-paper-scissors --dynamics hedge --out rps.png
    Two players of a bilinear game who look ahead:
    ganzoo toy duel bilinear --dynamics extragradient --out duel.png
    A GAN of two numbers:
    ganzoo toy dirac wgan+gp --out dirac.png
    A GAN that learns eight points on a ring, as a film:
    ganzoo toy mixture wgan+gp --data ring --steps 400 --out ring.gif
    """,
)
@click.group(short_help="Play games small enough to see.")
def toy() -> None:
    """Play games small enough to see: matrix games, duels, Dirac-GAN, 2-D mixtures."""


def _checked(path: Path | None, endings: tuple[str, ...]) -> None:
    """Refuse a file that could not be written, before anything is computed."""
    if path is not None and path.suffix.lower() not in endings:
        raise UsageError(f"--out {path} has no ending of {', '.join(endings)}")
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}")


def _tell(result: dict[str, Any], text: str, as_json: bool, out: Path | None) -> None:
    say(*(json.dumps(result) if as_json else text).split("\n"))
    if out is not None and not as_json:
        say(out)


def _read(settings: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(pair.partition("=")[::2] for pair in settings)
    if not all(pairs) or not all(pairs.values()):
        raise UsageError("--set takes NAME=VALUE, such as --set lr.d=0.05")
    return pairs


@about(
    "train",
    """
    Rock, paper, scissors, by multiplicative weights:
    ganzoo toy matrix rock-paper-scissors --dynamics hedge --out rps.png
    Payoffs of your own:
    ganzoo toy matrix "2,-1;-1,1" --json
    """,
)
@toy.command()
@click.argument("game", default="rock-paper-scissors")
@click.option("--dynamics", default="hedge", show_default=True, help="gradient, hedge, optimistic or fictitious.")
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=2000, show_default=True, help="Moves of both.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.1, show_default=True, help="Of learning.")
@SEED
@OUT
@JSON
def matrix(game: str, dynamics: str, steps: int, rate: float, seed: int, out: Path | None, as_json: bool) -> None:
    """Let two players learn a zero-sum GAME and measure how far they are from its equilibrium.

    GAME is rock-paper-scissors, matching-pennies, biased-pennies, lizard-spock, or rows of payoffs such as
    '0,-1,1;1,0,-1;-1,1,0'. JSON: game, dynamics, equilibrium {p, q, value}, strategies and averages {p, q},
    exploitability {last, average}.
    """
    _checked(out, (".png", ".svg"))
    from ganzoo_toy import matrix as games

    rules = games.read_game(game)
    played = games.play(rules, dynamics, steps, rate, seed)
    p, q, value = games.equilibrium(rules)
    if out is not None:
        from ganzoo_toy.pictures import draw_play, save

        save(draw_play(rules, played, f"{game}, {dynamics}"), out)
    result = {
        "game": game,
        "dynamics": dynamics,
        "equilibrium": {"p": p.tolist(), "q": q.tolist(), "value": value},
        "strategies": {"p": played.p[-1].tolist(), "q": played.q[-1].tolist()},
        "averages": {"p": played.p.mean(0).tolist(), "q": played.q.mean(0).tolist()},
        "exploitability": {"last": played.last[-1], "average": played.average[-1]},
    }
    shown = ", ".join(f"{name} {share:.3f}" for name, share in zip(rules.actions, p, strict=True))
    text = (
        f"equilibrium: {shown}; value {value:.3f}\n"
        f"after {steps:,} steps of {dynamics}: exploitability {played.last[-1]:.4f}, of the averages "
        f"{played.average[-1]:.4f}"
    )
    _tell(result, text, as_json, out)


@about(
    "train",
    """
    Two players of a bilinear game who look ahead:
    ganzoo toy duel bilinear --dynamics extragradient --out duel.png
    Where alternating moves of a saddle end, as numbers:
    ganzoo toy duel saddle --dynamics alternating --start 1 0.5 --json
    """,
)
@toy.command()
@click.argument("function", default="bilinear")
@click.option(
    "--dynamics", default="simultaneous", show_default=True, help="Or alternating, extragradient, optimistic."
)
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=400, show_default=True, help="Moves of both.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.1, show_default=True, help="Of learning.")
@click.option("--start", type=(float, float), default=(1.0, 1.0), show_default=True, help="x and y at first.")
@OUT
@JSON
def duel(
    function: str, dynamics: str, steps: int, rate: float, start: tuple[float, float], out: Path | None, as_json: bool
) -> None:
    """Minimise FUNCTION over x while another maximises it over y: who circles, who converges.

    FUNCTION is bilinear, saddle, unstable or forsaken. JSON: function, dynamics, steps, end, distance.
    """
    _checked(out, (".png", ".svg"))
    from ganzoo_toy import duel as duels

    field = duels.field_of(function)
    path = duels.path(field, dynamics, start, steps, rate)
    if out is not None:
        import torch

        from ganzoo_toy.pictures import draw_path, save

        def direction(x: float, y: float) -> tuple[float, float]:
            dx, dy = field(torch.tensor([x, y])).tolist()
            return dx, dy

        save(draw_path(path, direction, (f"{function}, {dynamics}", "x, minimises", "y, maximises")), out)
    _tell(*_ending({"function": function, "dynamics": dynamics}, path), as_json, out)


@about(
    "train",
    """
    Wasserstein loss with a gradient penalty:
    ganzoo toy dirac wgan+gp --out dirac.png
    Hinge loss with R1, which converges:
    ganzoo toy dirac hinge+r1:gamma=1 --steps 300 --json
    """,
)
@toy.command()
@click.argument("recipe", default="bce")
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Rounds of the loop.")
@click.option("--start", type=(float, float), default=(1.0, 1.0), show_default=True, help="G's number and D's slope.")
@SETTINGS
@SEED
@OUT
@JSON
def dirac(
    recipe: str,
    steps: int,
    start: tuple[float, float],
    settings: tuple[str, ...],
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train Dirac-GAN with the loss and penalties of RECIPE, such as hinge+r1:gamma=1.

    The data is the number 0, G a number, D a slope: the whole training is a path in the plane, and converges only
    under some penalties (arXiv 1801.04406). JSON: recipe, steps, end, distance.
    """
    _checked(out, (".png", ".svg"))
    from ganzoo_toy.training import Dirac

    game = Dirac(recipe, start, _read(settings))
    path = game.path(steps, seed)
    if out is not None:
        from ganzoo_toy.pictures import draw_path, save

        names = (game.gan.plan.recipe, "G: the number θ (real: 0)", "D: its slope ψ")
        save(draw_path(path, game.direction, names), out)
    _tell(*_ending({"recipe": game.gan.plan.recipe}, path), as_json, out)


def _ending(what: dict[str, Any], path: Any) -> tuple[dict[str, Any], str]:
    x, y = path[-1].tolist()
    first, last = (float(place.norm()) for place in (path[0], path[-1]))
    result = {**what, "steps": len(path) - 1, "end": [x, y], "distance": last}
    return result, f"after {len(path) - 1:,} steps at ({x:.3f}, {y:.3f}): {last:.3f} from 0, at first {first:.3f}"


@about(
    "train",
    """
    Eight modes on a ring, as a film:
    ganzoo toy mixture wgan+gp --data ring --steps 400 --out ring.gif
    Twenty-five on a grid, with another learning rate of D:
    ganzoo toy mixture hinge+r1 --data grid --steps 400 --set lr.d=0.002 --out grid.png
    """,
)
@toy.command()
@click.argument("recipe", default="bce")
@click.option("--data", default="ring", show_default=True, help="ring (8 modes) or grid (25).")
@click.option("--steps", type=click.IntRange(1), default=4000, show_default=True, help="Rounds of the loop.")
@SETTINGS
@SEED
@click.option("--out", type=PATH, metavar="FILE.gif|FILE.png", help="Film, or the last picture.")
@JSON
def mixture(
    recipe: str, data: str, steps: int, settings: tuple[str, ...], seed: int, out: Path | None, as_json: bool
) -> None:
    """Train two small networks with the parts of RECIPE on a 2-D mixture and count the modes found.

    FILE.gif shows G's points from first to last; FILE.png the last ones, with D's scores and the way it sends G.
    JSON: recipe, data, steps, modes, of, quality, balance, looks [{step, modes, quality}].
    """
    _checked(out, (".png", ".svg", ".gif"))
    from ganzoo_toy.mixtures import mixture_of
    from ganzoo_toy.training import learn

    def tell(look: Any) -> None:
        if not as_json:
            say(f"step {look.step:>6,}  {look.found.modes} of {look.found.of} modes", err=True)

    lesson = learn(recipe, mixture_of(data), steps, seed=seed, settings=_read(settings), progress=tell)
    last = lesson.looks[-1].found
    if out is not None:
        from ganzoo_toy.pictures import animate, draw_look, save

        if out.suffix.lower() == ".gif":
            animate(lesson, out)
        else:
            save(draw_look(lesson, lesson.looks[-1], judged=True), out)
    looks = [{"step": look.step, "modes": look.found.modes, "quality": look.found.quality} for look in lesson.looks]
    counted = {"modes": last.modes, "of": last.of, "quality": last.quality, "balance": last.balance}
    name = lesson.gan.plan.recipe
    text = f"{name} on {data}: {last.modes} of {last.of} modes, {last.quality:.0%} of points on one"
    _tell({"recipe": name, "data": data, "steps": steps, **counted, "looks": looks}, text, as_json, out)
