"""``ganzoo bench``: what it reports, and what it refuses. Speeds themselves are not tested."""

import json
import re
import subprocess
import sys
from time import sleep

import pytest
import torch
from click.testing import CliRunner

from ganzoo.cli import main
from ganzoo.cli.bench import bench as command
from ganzoo.cli.bench import layer_lines
from ganzoo.layers import conv
from ganzoo.registry.loading import registry
from ganzoo.testing.tiny import subject
from ganzoo.training import peers
from ganzoo.training.bench import Peak, bench
from ganzoo.training.peers import Peer, PeerArchitecture, PeerTraining

TINY = {"batch": 2, "rounds": 1, "z_dim": 8}


def resting(workload):
    """A peer that takes its time."""
    return PeerTraining(lambda: sleep(0.01), lambda: None, lambda count: workload.real[:count])


def test_the_report_is_json_and_ratio_is_peer_over_ours(monkeypatch):
    monkeypatch.setattr(peers, "find_peer", lambda name: Peer({"dcgan": PeerArchitecture(resting)}))
    words = ["dcgan:ch=8", "--against", "idle", "--batch", "2", "--rounds", "1", "--json"]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    report = json.loads(result.output)
    ours, peer = report["ours"], report["peers"]["idle"]
    assert peer["ratio"] == pytest.approx(peer["step_ms"] / ours["step_ms"], abs=1e-3)
    assert ours["images_per_second"] == pytest.approx(2 / ours["step_ms"] * 1e3, rel=1e-2)
    assert set(ours["turn_ms"]) == {"d", "g"} and sum(ours["turn_ms"].values()) > 0
    assert report["recipe"] == "dcgan:ch=8" and report["machine"]["matrix_gflops"] > 0
    whole = ours["end_to_end"]
    per_step = whole["wait_ms"] + whole["step_ms"] + whole["log_ms"] / 10 + whole["grid_ms"] / 100
    assert whole["ratio"] == pytest.approx((per_step + whole["save_ms"] / 250) / whole["step_ms"], rel=1e-2)
    assert ours["data_share"] == pytest.approx(whole["wait_ms"] / (whole["wait_ms"] + whole["step_ms"]), abs=1e-3)
    assert ours["peak_memory_mb"] > 50 and ours["fraction_of_peak"] > 0 and report["notes"] == []


def test_the_table_names_every_figure():
    result = CliRunner().invoke(command, ["gan:ch=8", "--batch", "2", "--rounds", "1"], catch_exceptions=False)
    for words in ("ms a step", "images/s", "GFLOP a step", "peak memory", "training session", "waits for its batch"):
        assert words in result.output


def test_the_size_is_that_of_the_images_and_one_that_a_recipe_has_not_is_refused():
    small, large = (bench("dcgan:ch=4", **TINY, resolution=pixels) for pixels in (16, 32))
    assert (small["resolution"], large["resolution"]) == (16, 32)
    assert large["ours"]["gflop_per_step"] > 2 * small["ours"]["gflop_per_step"]
    refused = CliRunner().invoke(main, ["bench", "dcgan", "--resolution", "33"])
    assert refused.exit_code == 2 and "33" in refused.stderr and "--resolution" in refused.stderr


def test_the_rate_of_matrix_products_is_the_best_that_was_measured():
    peak = Peak(torch.float32, torch.device("cpu"))
    seen = []
    for _ in range(3):
        peak.measure(1)
        seen.append(peak.best)
    assert seen == sorted(seen) and seen[0] > 0


def test_flops_do_not_depend_on_how_kernels_have_their_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    for pays in (False, True):
        monkeypatch.setattr(conv, "products_pay", lambda x, kernel, side, pays=pays: pays)
        counted.append(bench("dcgan:ch=8", **TINY)["ours"]["gflop_per_step"])
    assert counted[0] == counted[1] > 0


def test_flops_grow_with_the_batch_and_repeat_is_one_by_default():
    one, two = (bench("dcgan:ch=8", **{**TINY, "batch": size})["ours"]["gflop_per_step"] for size in (2, 4))
    assert two == pytest.approx(2 * one, rel=0.05)


@pytest.mark.parametrize("recipe", ["dcgan:ch=8+sn@d+hinge", "stylegan2:ch=4,mapping=1+r1:every=1", "gan+wgan+gp"])
def test_layers_have_what_a_step_has(recipe):
    ours = bench(recipe, **TINY, resolution=16, turns=True)["ours"]
    layers = ours["layers"]
    assert list(dict.fromkeys(row["turn"] for row in layers)) == list(ours["turn_ms"])
    for turn in ours["turn_ms"]:
        own = [row for row in layers if row["turn"] == turn]
        assert len({row["layer"] for row in own}) == len(own)
        assert sum(row["share"] for row in own) == pytest.approx(1, abs=0.02)
        assert all(row[name] >= -1e-6 for row in own for name in ("forward_ms", "backward_ms", "gflop", "share"))
    assert sum(row["gflop"] for row in layers) == pytest.approx(ours["gflop_per_step"], abs=1e-3)
    assert max(row["gflop"] for row in layers) > 0
    learning = {row["layer"] for row in layers if row["backward_ms"] > 0}
    assert any(name.startswith("D.") for name in learning) and any(name.startswith("G.") for name in learning)
    # What D's turn makes of G carries no gradient.
    assert not any(row["backward_ms"] for row in layers if row["turn"] == "d" and row["layer"].startswith("G"))


def test_the_operations_of_a_layer_are_those_of_its_convolution():
    layers = bench("dcgan:ch=8", batch=2, rounds=1, resolution=16, turns=True)["ours"]["layers"]
    row = next(row for row in layers if (row["turn"], row["layer"]) == ("d", "D.trunk.stages.1.conv"))
    forward = 2 * 4 * 4 * 8 * 16 * 4 * 4 * 2  # a multiply and an add, kernel, maps, places, images
    assert row["gflop"] * 1e9 == pytest.approx(2 * 3 * forward, rel=0.01)  # of real and fake; and both gradients


def test_the_table_has_the_slow_layers_of_each_turn_and_the_rest_together():
    words = ["dcgan:ch=8", "--batch", "2", "--rounds", "1", "--turns"]
    printed = CliRunner().invoke(command, words, catch_exceptions=False).output
    assert "d's turn:" in printed and "g's turn:" in printed and "of the peak" in printed
    figures = {"type": "Conv2d", "forward_ms": 2.0, "backward_ms": 4.0, "gflop": 1.0, "fraction_of_peak": 0.5}
    shares = {"D.slow": 0.4, "D.slower": 0.5, "D.quick": 0.004, "": 0.096}
    lines = layer_lines([{"turn": "d", "layer": name, "share": share, **figures} for name, share in shares.items()])
    assert [line.split()[0] for line in lines[1:]] == ["D.slower", "D.slow", "smaller"]
    assert lines[1].split()[1:] == ["2.000", "4.000", "50.0%", "50.0%"] and lines[-1].endswith("10.0%")


@pytest.mark.parametrize("recipe", ["dcgan:ch=8", "sngan:ch=8+cbn", "stylegan2:ch=4,mapping=1"])
def test_drawing_is_timed_each_way_and_the_pictures_are_compared(recipe):
    found = bench(recipe, **TINY, classes=2 if "cbn" in recipe else 0, resolution=16, sample=True)["sample"]
    assert {"by hand", "gan.sample", "channels last"} <= set(found)
    hand = found["by hand"]
    assert (hand["ratio"], hand["levels"]) == (1, 0)
    for way in ("gan.sample", "channels last"):
        assert found[way]["levels"] < 1 and found[way]["images_per_second"] > 0
        speed = found[way]["images_per_second"] / hand["images_per_second"]
        assert found[way]["ratio"] == pytest.approx(speed, rel=1e-2)


@pytest.mark.slow
def test_a_program_from_standard_input_times_drawing_too():
    program = f"""if 1:
        from ganzoo.training.bench import bench
        print(*bench("dcgan:ch=4", resolution=16, sample=True, **{TINY!r})["sample"], sep=", ")
    """
    ended = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0 and ended.stdout.startswith("by hand, gan.sample, channels last"), ended.stderr


def test_the_table_has_a_line_for_each_way_to_draw():
    words = ["gan:ch=8", "--batch", "2", "--rounds", "1", "--sample"]
    printed = CliRunner().invoke(command, words, catch_exceptions=False).output
    for way in ("by hand", "gan.sample", "channels last"):
        assert re.search(rf"{way}: +[\d,.]+ images/s, [\d.]+ times by hand, [\d.]+ levels", printed)


def test_a_pass_that_is_differentiated_twice_is_timed_and_counted():
    plain, twice = (bench(f"gan:ch=8{more}", **TINY)["ours"]["gflop_per_step"] for more in ("", "+gp"))
    assert twice > plain > 0


@pytest.mark.slow
@pytest.mark.parametrize("entry", registry().entries("regularizer"), ids=lambda entry: entry.name)
def test_every_regularizer_is_timed(entry):
    assert bench(subject(entry).plan.recipe, **TINY)["ours"]["gflop_per_step"] > 0


def test_what_draws_from_other_things_than_noise_is_not_timed_at_drawing(with_plugins):
    with_plugins("ganzoo-translate")
    result = CliRunner().invoke(main, ["bench", "simgan", "--sample", "--batch", "2"])
    if "nearest" in result.stderr:
        pytest.skip("ganzoo-translate is not installed")
    assert result.exit_code == 2 and "takes something else: leave it out" in result.stderr
