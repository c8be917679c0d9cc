"""How a run ended: a mode collapse is said in these words, with a cause and what to try; a healthy start is not one."""

import json
import shlex
import shutil

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tiny_runs import tiny
from watched_runs import HOSTILE, make_run

import ganzoo
from ganzoo.cli import main
from ganzoo.registry.loading import inline, installed
from ganzoo.training.health import HealthReport
from ganzoo.training.verdict import collapsed, diverged
from ganzoo.watch.runs import Followed, summary

# Step, modes of 64, distance: as they were seen in trainings on digits.
HEALTHY = {
    "a DCGAN begins with one mode": [
        (10, 1, 1.324), (20, 1, 1.305), (30, 1, 1.248), (40, 3, 1.096), (50, 13, 0.943), (60, 26, 0.826),
        (70, 38, 0.730), (80, 45, 0.653), (90, 53, 0.600), (100, 58, 0.531), (110, 63, 0.462), (120, 64, 0.412)],
    "hinge and spectral norm": [
        (4, 64, 1.252), (8, 64, 1.163), (12, 64, 1.062), (16, 64, 1.025), (20, 64, 1.010), (24, 64, 1.044),
        (28, 64, 0.985), (32, 64, 0.901), (48, 64, 0.795), (100, 64, 0.414), (200, 64, 0.160), (300, 64, 0.072)],
    "an SNGAN begins with all": [(5, 64, 1.411), (10, 64, 1.348), (20, 64, 1.231), (40, 64, 1.048), (60, 64, 0.907)],
    "modes that go and come while it comes nearer": [(5, 64, 1.4), (10, 9, 1.2), (15, 4, 1.1), (20, 30, 0.9)],
    "a low learning rate": [(step, 1, 1.35 - step / 5000) for step in range(10, 400, 10)],
    "slow, against a strong D": [
        (25, 1, 1.347), (50, 1, 1.314), (75, 1, 1.265), (100, 3, 1.220), (125, 8, 1.175), (150, 12, 1.127),
        (175, 18, 1.072), (200, 27, 1.021), (225, 38, 0.981), (250, 35, 0.982), (275, 34, 1.002), (300, 44, 0.937)],
    "a late wobble": [(100, 64, 0.10), (200, 64, 0.05), (300, 64, 0.06), (400, 61, 0.09)],
    "one bad look": [(100, 64, 0.10), (200, 64, 0.05), (300, 4, 0.6)],
    "the first step": [(1, 1, 1.4)],
}  # fmt: skip
COLLAPSES = {
    "it had more": [(100, 64, 0.06), (200, 60, 0.42), (300, 12, 0.9), (400, 4, 1.1)],
    "four modes all along": [(100, 4, 0.9), (200, 4, 1.0), (300, 4, 1.05)],
    "one mode that nothing changes": [(100, 1, 1.31), (200, 1, 1.32), (300, 1, 1.33)],
    "few good images": [(50, 20, 0.8), (100, 4, 0.4)],
    "few modes after a long time": [(step, 2, 1.3 - step / 10_000) for step in range(100, 1100, 100)],
    "early": [(10, 64, 1.0), (20, 40, 0.8), (30, 6, 1.0), (40, 2, 1.2)],
}


def looks(rows):
    return [HealthReport(step, modes, 64, 1 - modes / 64, modes / 64, distance) for step, modes, distance in rows]


@pytest.mark.parametrize("run", HEALTHY)
def test_a_healthy_run_is_no_collapse_wherever_it_ends(run):
    for end in range(1, len(HEALTHY[run]) + 1):
        seen = looks(HEALTHY[run][:end])
        assert not collapsed(seen) and not diverged(seen), HEALTHY[run][end - 1]


@pytest.mark.parametrize("run", COLLAPSES)
def test_a_collapse_is_one(run):
    seen = looks(COLLAPSES[run])
    assert collapsed(seen) and not diverged(seen)


def test_samples_that_left_the_data_diverged():
    assert diverged(looks([(100, 64, 0.06), (200, 64, 0.42), (300, 60, 1.33), (400, 64, 1.15)]))


# --- from a training to the page ----------------------------------------------------------------------------------


class Grey:
    """Drives G to one image."""

    def d(self, critic, real, fake):
        """Nothing to learn."""
        return critic(real).square().mean() + critic(fake).square().mean()

    def g(self, critic, real, fake):
        """All samples alike."""
        return (fake - 0.9).square().mean() * 100


class Parts:
    """A plugin of this test."""

    @ganzoo.hookimpl
    def register_losses(self, register):
        """One loss."""
        register("grey", Grey)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What a training on the command line printed that ended in a collapse, and its folder."""
    folder = tmp_path_factory.mktemp("verdict")
    for number in range(40):
        pixels = torch.randint(0, 255, (16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
        (folder / "my pictures").mkdir(exist_ok=True)
        Image.fromarray(pixels.numpy()).save(folder / "my pictures" / f"{number}.png")
    words = [
        *("train", "sngan:ch=4+grey", "--data", folder / "my pictures", "--out", folder / "a run", "--steps", "16"),
        *("--batch", "4", "--grid-every", "4", "--log-every", "4", "--set", "lr.g=0.05", "--set", "ema=0"),
    ]
    inline.append((Parts(), "grey"))
    installed.cache_clear()
    yield CliRunner().invoke(main, [str(word) for word in words]), folder / "a run"
    inline.pop()
    installed.cache_clear()


def verdict_in(run):
    return json.loads((run / "training" / "run.json").read_text())["verdict"]


def test_the_end_of_the_training_and_the_exit_line_say_it(ended):
    result, run = ended
    assert result.exit_code == 0, result.output
    verdict = verdict_in(run)
    assert verdict["text"].startswith("mode collapse: 64 samples show 1 mode")
    assert verdict["cause"].startswith("Probably ") and len(verdict["ways"]) == 3
    assert "16 steps, and mode collapse: 64 samples show 1 mode" in result.stdout.splitlines()[0]
    assert f"{verdict['text']}. {verdict['cause']}. Three things to try:" in result.stderr
    for why, how in verdict["ways"]:
        assert f"{why}: {how}" in result.stderr


def test_what_to_try_are_commands(ended):
    _, run = ended
    train = main.get_command(None, "train")
    for _, how in verdict_in(run)["ways"]:
        words = shlex.split(how)
        assert words[:2] == ["ganzoo", "train"]
        given = train.make_context("train", words[2:]).params
        assert given["resume"] or (given["recipe"] and given["out"] != run)
        assert given["resume"] or str(given["data"]).endswith("my pictures")
    rate, batch, _ = (how for _, how in verdict_in(run)["ways"])
    assert "--set lr." in rate and "--set batch=8" in batch


def test_the_page_and_the_index_say_it_until_the_run_goes_on(ended, tmp_path):
    _, source = ended
    run = shutil.copytree(source, tmp_path / "run")
    for told in (summary(run), Followed(run).state()):
        assert told["status"] == "finished" and told["verdict"]["text"] == verdict_in(run)["text"]
        assert [way["how"] for way in told["verdict"]["ways"]] == [how for _, how in verdict_in(run)["ways"]]
    again = ganzoo.train(resume=run, steps=17, guard="off", quiet=True)
    assert again.verdict is None and summary(run)["verdict"] is None


def test_a_short_healthy_run_has_no_verdict(tmp_path):
    run = tiny(tmp_path / "run", "dcgan:ch=4", steps=6, grid_every=1)
    assert run.verdict is None and summary(run.folder)["verdict"] is None


@pytest.mark.parametrize(
    "verdict",
    [None, 1, [], {}, {"text": 1, "step": 30, "ways": []}, {"text": "x", "step": "30", "ways": []},
     {"text": "x", "step": 30, "ways": "y"}, {"text": "x", "step": 29, "ways": []}],
)  # fmt: skip
def test_a_verdict_that_makes_no_sense_is_not_shown(tmp_path, verdict):
    run = make_run(tmp_path / "run", steps=30)
    notes = run / "training" / "run.json"
    notes.write_text(json.dumps({**json.loads(notes.read_text()), "verdict": verdict}))
    assert summary(run)["verdict"] is None


def test_a_strangers_verdict_is_escaped(tmp_path):
    run = make_run(tmp_path / "run", steps=30)
    notes = run / "training" / "run.json"
    verdict = {"text": HOSTILE, "step": 30, "cause": HOSTILE, "ways": [[HOSTILE, HOSTILE], 1, ["a"]] * 50}
    notes.write_text(json.dumps({**json.loads(notes.read_text()), "verdict": verdict}))
    told = summary(run)["verdict"]
    assert len(told["ways"]) < 10 and all(text.isprintable() for way in told["ways"] for text in way.values())
    assert told["text"].isprintable() and told["cause"].isprintable()
