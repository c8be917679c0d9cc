"""Zero-sum matrix games and how players learn them.

The row player has the mixed strategy ``p``, the column player ``q``; the row player is paid ``p · A q`` by the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from ganzoo import UsageError, either

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class MatrixGame:
    """A zero-sum game in normal form.

    Attributes:
        payoffs: ``(rows, columns)``; what the column player pays the row player.
        actions: names of the row player's actions.
    """

    payoffs: Vector
    actions: tuple[str, ...]


GAMES: Mapping[str, MatrixGame] = {
    "rock-paper-scissors": MatrixGame(np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]), ("rock", "paper", "scissors")),
    "matching-pennies": MatrixGame(np.array([[1.0, -1], [-1, 1]]), ("heads", "tails")),
    "biased-pennies": MatrixGame(np.array([[3.0, -1], [-1, 1]]), ("heads", "tails")),
    "lizard-spock": MatrixGame(
        np.array([[0.0, -1, 1, 1, -1], [1, 0, -1, -1, 1], [-1, 1, 0, 1, -1], [-1, 1, -1, 0, 1], [1, -1, 1, -1, 0]]),
        ("rock", "paper", "scissors", "lizard", "spock"),
    ),
}


def read_game(text: str) -> MatrixGame:
    """A game by name, or from payoffs such as ``"0,-1,1;1,0,-1;-1,1,0"``.

    Raises:
        UsageError: for an unknown name or a matrix that is none.
    """
    if text in GAMES:
        return GAMES[text]
    try:
        rows = [[float(cell) for cell in row.split(",")] for row in text.split(";")]
        payoffs = np.array(rows)
    except ValueError:
        raise UsageError(
            f"{text!r} is no game: give {either(GAMES)}, or rows of payoffs such as '0,-1,1;1,0,-1;-1,1,0'"
        ) from None
    if payoffs.ndim != 2 or min(payoffs.shape) < 2 or not np.isfinite(payoffs).all():
        raise UsageError(f"{text!r} is no game: it needs at least two rows and columns of finite numbers")
    return MatrixGame(payoffs, tuple(f"row {k + 1}" for k in range(len(payoffs))))


def equilibrium(game: MatrixGame) -> tuple[Vector, Vector, float]:
    """A pair of optimal strategies and the value of the game, by linear programming (von Neumann 1928)."""
    p, value = _maximin(game.payoffs)
    q, _ = _maximin(-game.payoffs.T)
    return p, q, value


def _maximin(payoffs: Vector) -> tuple[Vector, float]:
    """The strategy of the row player with the best guaranteed pay, and that pay."""
    rows, columns = payoffs.shape
    goal = np.r_[np.zeros(rows), -1.0]
    never_less = np.c_[-payoffs.T, np.ones(columns)]
    found = linprog(
        goal,
        A_ub=never_less,
        b_ub=np.zeros(columns),
        A_eq=np.r_[np.ones(rows), 0.0][None],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
    )
    return found.x[:-1], float(found.x[-1])


def exploitability(game: MatrixGame, p: Vector, q: Vector) -> float:
    """What both could gain by best responses, summed; 0 exactly at an equilibrium."""
    return float((game.payoffs @ q).max() - (p @ game.payoffs).min())


def softmax(logits: Vector) -> Vector:
    """Probabilities of logits."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


Strategies = tuple[Vector, Vector]
Dynamics = Callable[[MatrixGame, Strategies, float], Iterator[Strategies]]


def gradient(game: MatrixGame, start: Strategies, rate: float) -> Iterator[Strategies]:
    """Both climb their own pay at once, as two networks with a softmax would: it circles, and drifts outward."""
    payoffs = game.payoffs
    mine, other = (np.log(strategy) for strategy in start)
    while True:
        p, q = softmax(mine), softmax(other)
        yield p, q
        pay, cost = payoffs @ q, p @ payoffs
        mine = mine + rate * p * (pay - p @ pay)
        other = other - rate * q * (cost - q @ cost)


def hedge(game: MatrixGame, start: Strategies, rate: float) -> Iterator[Strategies]:
    """Multiplicative weights (Freund and Schapire 1999): the strategies spiral out, their averages converge."""
    payoffs = game.payoffs
    mine, other = (np.log(strategy) for strategy in start)
    while True:
        p, q = softmax(mine), softmax(other)
        yield p, q
        mine, other = mine + rate * payoffs @ q, other - rate * p @ payoffs


def optimistic(game: MatrixGame, start: Strategies, rate: float) -> Iterator[Strategies]:
    """Hedge that counts the last pay twice (arXiv 1311.1869): the strategies themselves converge."""
    payoffs = game.payoffs
    mine, other = (np.log(strategy) for strategy in start)
    pay, cost = payoffs @ start[1], start[0] @ payoffs
    while True:
        p, q = softmax(mine + rate * pay), softmax(other - rate * cost)
        yield p, q
        pay, cost = payoffs @ q, p @ payoffs
        mine, other = mine + rate * pay, other - rate * cost


def fictitious(game: MatrixGame, start: Strategies, rate: float) -> Iterator[Strategies]:
    """Each answers best to what the other has played so far (Brown 1951); ``rate`` does not matter."""
    payoffs = game.payoffs
    played, answered = start
    while True:
        p = np.eye(len(payoffs))[int(np.argmax(payoffs @ answered))]
        q = np.eye(payoffs.shape[1])[int(np.argmin(played @ payoffs))]
        yield p, q
        played, answered = played + p, answered + q


DYNAMICS: Mapping[str, Dynamics] = {
    "gradient": gradient,
    "hedge": hedge,
    "optimistic": optimistic,
    "fictitious": fictitious,
}


@dataclass(frozen=True)
class Play:
    """What happened.

    Attributes:
        p, q: strategies ``(steps, actions)`` of both.
        last, average: exploitability of the strategies and of their averages so far, ``(steps,)``.
    """

    p: Vector
    q: Vector
    last: Vector
    average: Vector


def play(game: MatrixGame, dynamics: str, steps: int, rate: float, seed: int) -> Play:
    """Let both learn from a random start.

    Args:
        game: to be played.
        dynamics: a key of :data:`DYNAMICS`.
        steps: how often both move.
        rate: of learning.
        seed: of the start.

    Raises:
        UsageError: for unknown dynamics.
    """
    if dynamics not in DYNAMICS:
        raise UsageError(f"there are no dynamics {dynamics!r}; --dynamics takes {either(DYNAMICS)}")
    rng = np.random.default_rng(seed)
    start = (rng.dirichlet(np.ones(len(game.payoffs))), rng.dirichlet(np.ones(game.payoffs.shape[1])))
    moves = DYNAMICS[dynamics](game, start, rate)
    taken = [next(moves) for _ in range(steps)]
    p, q = (np.array([move[side] for move in taken]) for side in (0, 1))
    rounds = np.arange(1, steps + 1)[:, None]
    means = zip(p.cumsum(0) / rounds, q.cumsum(0) / rounds, strict=True)
    return Play(
        p,
        q,
        np.array([exploitability(game, *move) for move in taken]),
        np.array([exploitability(game, *mean) for mean in means]),
    )
