"""``compile=auto``: the fastest way is taken, kept, said, and changes nothing but the time."""

from __future__ import annotations

import pytest
import torch
from tiny_runs import tiny

from ganzoo.gan.builder import build
from ganzoo.machine import compiled
from ganzoo.machine.precision import Precision
from ganzoo.training.fastest import fastest

PRECISION = Precision(torch.device("cpu"), torch.float32)
pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "eager")  # all of the compiler but the code that it writes


def asked(setting="auto", recipe="gan:ch=2"):
    return build(recipe, resolution=16, channels=1, settings={"compile": setting, "batch": 4})


def batch():
    return {"image": torch.rand(4, 1, 16, 16) * 2 - 1}


def test_what_is_no_auto_is_taken_as_it_is_and_nothing_is_measured():
    def never():
        raise AssertionError("measured")

    for setting in ("off", "on", "graphs"):
        assert fastest(asked(setting), PRECISION, never) == (setting, [])


def test_the_choice_is_said_and_kept_for_the_recipe_and_no_other():
    chosen, (said,) = fastest(asked(), PRECISION, batch)
    assert chosen in ("off", "on") and f"compile=auto: {chosen}; a step took off " in said and ", on " in said

    def never():
        raise AssertionError("measured again")

    again, (kept,) = fastest(asked(), PRECISION, never)
    assert again == chosen and kept.startswith(said) and "kept in" in kept
    with pytest.raises(AssertionError, match="measured again"):
        fastest(asked(recipe="gan:ch=4"), PRECISION, never)
    with pytest.raises(AssertionError, match="measured again"):
        fastest(asked(), Precision(torch.device("cpu"), torch.bfloat16), never)


def test_a_kept_choice_that_is_damaged_is_measured_anew(tmp_path):
    fastest(asked(), PRECISION, batch)
    (path,) = (tmp_path / "cache" / "compile").glob("*.json")
    path.write_text(path.read_text().replace("auto", "Auto"))
    _, (said,) = fastest(asked(), PRECISION, batch)
    assert "kept in" not in said


def test_without_a_compiler_nothing_is_compiled_and_nothing_kept(monkeypatch, tmp_path):
    def broken(*args, **kwargs):
        raise RuntimeError("no C++ compiler\nmore")

    monkeypatch.setattr(torch, "compile", broken)
    chosen, (said,) = fastest(asked(), PRECISION, batch)
    assert chosen == "off" and "no C++ compiler" in said and "more" not in said
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_measuring_leaves_weights_and_random_numbers_as_they_are():
    gan = asked()
    before, drawn = {name: tensor.clone() for name, tensor in gan.state_dict().items()}, torch.get_rng_state()
    fastest(gan, PRECISION, lambda: {"image": torch.zeros(4, 1, 16, 16)})
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items())
    assert torch.equal(drawn, torch.get_rng_state()) and gan.D._compiled_call_impl is None


def test_a_run_says_what_it_chose_keeps_the_setting_and_goes_on(tmp_path, capsys):
    run = tiny(tmp_path / "auto", recipe="gan:ch=2", steps=2, settings={"compile": "auto"}, quiet=False)
    assert "compile=auto: " in "".join(capsys.readouterr())
    assert '"compile": {\n' in (run.folder / "config.json").read_text() and run.step == 2
