"""Tables of names: what a pattern takes, and that nothing is left over unsaid."""

import pytest
import torch

from ganzoo import ModelError
from ganzoo.foreign import highest, line, renamed


def ours(table, *names):
    return sorted(renamed({name: torch.zeros(1) for name in names}, table, "x"))


def test_numbers_follow_their_letters():
    table = [line("main.{3i+4}.weight", "stages.{i}.conv.weight"), line("b{i}.c{j}.w", "{j}.{i+1}")]
    assert ours(table, "main.4.weight", "main.10.weight") == ["stages.0.conv.weight", "stages.2.conv.weight"]
    assert ours(table, "b2.c5.w") == ["5.3"]


@pytest.mark.parametrize(
    "name", ["xmain.4.w", *(f"main.{end}" for end in ("5.w", "1.w", "04x.w", "4.w.x", "04.w", "10000.w"))]
)
def test_what_no_line_takes_is_named(name):
    with pytest.raises(ModelError, match=f"no place for '{name}'"):
        ours([line("main.{3i+4}.w", "stages.{i}.conv.w")], name)


def test_one_letter_twice_is_one_number():
    table = [line("a{i}.b{i}", "{i}")]
    assert ours(table, "a3.b3") == ["3"]
    with pytest.raises(ModelError, match="no place"):
        ours(table, "a3.b4")


def test_any_text_goes_along_and_counters_are_left():
    table = [line("bn{i}.{any}", "norm.{i}.{any}"), line("aux.{any}", None)]
    assert ours(table, "bn1.stats.mean", "bn1.num_batches_tracked", "aux.weight") == ["norm.1.stats.mean"]


@pytest.mark.parametrize("number", ["999999999", "12345", "007", "\u0667"])
def test_what_no_network_counts_to_is_no_number(number):
    assert highest(["a.3", f"a.{number}"], "a.{i}") == 3


def test_points_are_points():
    with pytest.raises(ModelError):
        ours([line("a.b", "c")], "aXb")


def test_two_tensors_of_one_name_are_refused():
    with pytest.raises(ModelError, match="both be c"):
        ours([line("a{i}", "c")], "a1", "a2")


def test_a_change_is_made():
    state = renamed({"w": torch.arange(6).reshape(2, 3)}, [line("w", "v", torch.t)], "x")
    assert state["v"].shape == (3, 2)


def test_the_highest_number():
    assert highest(["main.3.weight", "main.12.weight", "other.99.weight"], "main.{i}.weight") == 12
    assert highest([], "main.{i}.weight") == -1


def test_a_change_that_does_not_know_a_shape_is_said_of_its_tensor():
    with pytest.raises(ModelError, match=r"'w' has the shape \[2, 3\]"):
        renamed({"w": torch.zeros(2, 3)}, [line("w", "v", lambda tensor: tensor.reshape(()))], "x")
