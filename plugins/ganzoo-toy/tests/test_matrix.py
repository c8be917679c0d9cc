import numpy as np
import pytest
from ganzoo_toy import matrix
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo import UsageError

payoffs = st.tuples(st.integers(2, 5), st.integers(2, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(-9, 9).map(float), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


def test_rock_paper_scissors_is_played_evenly():
    p, q, value = matrix.equilibrium(matrix.GAMES["rock-paper-scissors"])
    assert np.allclose(p, 1 / 3) and np.allclose(q, 1 / 3) and abs(value) < 1e-9


def test_a_biased_game_has_the_equilibrium_of_its_closed_form():
    p, q, value = matrix.equilibrium(matrix.GAMES["biased-pennies"])
    assert np.allclose(p, [1 / 3, 2 / 3]) and np.allclose(q, [1 / 3, 2 / 3]) and np.isclose(value, 1 / 3)


@settings(max_examples=30, deadline=None)
@given(payoffs)
def test_nobody_gains_by_leaving_an_equilibrium(rows):
    game = matrix.MatrixGame(np.array(rows), tuple(map(str, range(len(rows)))))
    p, q, value = matrix.equilibrium(game)
    assert abs(matrix.exploitability(game, p, q)) < 1e-7
    assert np.isclose(p @ game.payoffs @ q, value)


@pytest.mark.parametrize("dynamics", ["hedge", "fictitious"])
def test_averages_converge_where_strategies_do_not(dynamics):
    played = matrix.play(matrix.GAMES["rock-paper-scissors"], dynamics, 3000, 0.1, seed=0)
    assert played.average[-1] < 0.1 < played.last[-100:].max()


def test_optimism_converges_itself():
    played = matrix.play(matrix.GAMES["rock-paper-scissors"], "optimistic", 2000, 0.3, seed=0)
    assert played.last[-1] < 1e-6


def test_gradient_players_go_around():
    played = matrix.play(matrix.GAMES["rock-paper-scissors"], "gradient", 4000, 0.1, seed=0)
    assert played.last[-500:].min() > 0.1
    assert set(played.p.argmax(1)) == {0, 1, 2}


def test_payoffs_can_be_written_out():
    assert matrix.read_game("1,-1;-1,1").payoffs.tolist() == [[1, -1], [-1, 1]]


@pytest.mark.parametrize("text", ["chess", "1,2", "1,2;3", "1,nan;2,3"])
def test_what_is_no_game_is_refused(text):
    with pytest.raises(UsageError, match="is no game"):
        matrix.read_game(text)
