"""The guard: what it recognises, what it does about it, the best step, and scores during training."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import Labelled, contents, resume, tiny

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError, RunError, UsageError
from ganzoo.folder.layout import bests, checkpoints
from ganzoo.folder.log import read_log
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Score, read_scores, score_key
from ganzoo.folder.weights import tensors_digest
from ganzoo.images import to_pil
from ganzoo.metrics.select import choose
from ganzoo.training.guard import Best, Guard, Stopped
from ganzoo.training.health import HealthReport

GOOD = HealthReport(step=0, modes=64, of=64, duplicates=0.0, diversity=0.9, distance=0.1)
SGD = {"optimizer": "sgd", "lr.g": 1000, "lr.d": 1000}
FAILING = {  # recipes that are known to fail, and how, in fp32 as in bf16
    "nan": ("gan:ch=32", SGD),
    "collapse": ("gan:ch=64+minimax", {"lr.g": 5.0}),
    "runaway": ("gan:ch=32+wgan+penalty/none", {"lr.d": 0.02, "repeat.d": 1}),
    "away": ("dcgan:ch=8", {"lr.g": 0.01, "lr.d": 1e-5}),
}


def looks(guard, *given, start=100, every=100):
    """Texts of the alarms at each of some looks."""
    return [
        [alarm.text for alarm in guard.judge_samples(replace(look, step=start + every * k))]
        for k, look in enumerate(given)
    ]


def few(modes=3, distance=0.9):
    return replace(GOOD, modes=modes, distance=distance)


def events(folder):
    return [(record["step"], record["event"]) for record in read_log(folder) if "event" in record]


def digits(out, kind, steps=60, **options):
    """A run on the digits at the pace of the tests, which fails in the way of ``FAILING``."""
    recipe, settings = FAILING[kind]
    pace = {"log_every": 5, "grid_every": 10, "save_every": 10, "resolution": 16, "batch": 32}
    return ganzoo.train(recipe, "digits", out=out, steps=steps, settings=settings, quiet=True, **{**pace, **options})


# --- judging ------------------------------------------------------------------------------------------------


def test_collapse_is_said_in_a_plain_sentence_once():
    guard = Guard("warn")
    said = looks(guard, GOOD, *[few()] * 6, start=13_800)
    assert said[3] == ["step 14,100: mode collapse: 64 samples show 3 modes, where as many real images show 64"]
    assert sum(map(len, said)) == 1
    assert sum(map(len, looks(guard, *[GOOD] * 3, few(1), few(1), start=15_000))) == 0
    assert looks(guard, few(1), start=16_000) == [
        ["step 16,000: mode collapse: 64 samples show 1 mode, where as many real images show 64"]
    ]


def test_a_moment_of_trouble_is_none():
    assert not any(looks(Guard("warn"), GOOD, few(), few(), GOOD, few(), few(), GOOD))


def test_a_run_that_has_only_begun_is_not_collapsed():
    learning = [few(1, distance) for distance in (1.4, 1.35, 1.3, 1.31, 1.2, 1.1, 1.0, 0.9)]
    assert not any(looks(Guard("warn"), *learning))
    slow = [few(1, 1.4), *[few(1, 1.41)] * 4]
    assert not any(looks(Guard("warn"), *slow))


def test_a_run_that_never_gets_anywhere_is_stuck():
    said = looks(Guard("warn"), few(1, 1.4), *[few(1, 1.41)] * 9)
    assert [len(one) for one in said].index(1) == 7  # the first of five stale looks is at 200, the third bad one at 800


def test_modes_are_counted_against_what_the_data_has():
    uniform = replace(GOOD, modes=3, of=4)
    assert not any(looks(Guard("warn"), *[uniform] * 8))


def test_samples_that_leave_the_data_diverge():
    gone = replace(GOOD, distance=0.62)
    said = looks(Guard("warn"), GOOD, gone, gone, gone, gone)
    assert said[3] == ["step 400: samples leave the data: their distance to it is 0.62, and was 0.10 at step 100"]
    assert sum(map(len, said)) == 1


def test_noise_that_never_becomes_more_like_the_data_diverges():
    noise = [replace(GOOD, distance=distance) for distance in (1.43, 1.6, 1.7, 1.6, 1.7, 1.6, 1.7, 1.6, 1.7)]
    said = looks(Guard("warn"), *noise)
    assert sum(map(len, said)) == 1 and "samples leave the data" in said[7][0]


def test_samples_that_are_no_numbers_are_said_at_once():
    guard = Guard("stop")
    (alarm,) = guard.judge_samples(replace(GOOD, step=5, distance=float("nan")))
    assert alarm.kind == "nan" and guard.action(alarm) == "stop"
    assert json.dumps(guard.checkpoint_info(), allow_nan=False)


def test_numbers_that_run_away_diverge_and_large_ones_do_not():
    guard = Guard("warn")
    said = []
    for tick in range(8):
        losses = {"d/loss": -10.0 * 10**tick, "g/sum": 5e4}
        said.append([alarm.text for alarm in guard.judge_losses(10 * tick, losses, {"d": 1.0, "g": 2.0})])
    assert said[5] == ["step 50: the loss d/loss has grown from -10 to -1,000,000"]
    assert sum(map(len, said)) == 1


def test_infinite_gradients_are_said_at_once():
    guard = Guard("warn")
    (alarm,) = guard.judge_losses(10, {"d/loss": 1.0}, {"d": float("inf"), "g": 1.0})
    assert (alarm.kind, alarm.text) == ("nan", "step 10: the gradient of d is not finite")
    assert guard.action(alarm) == "stop"  # nothing good can come of it


@pytest.mark.parametrize("cut", range(8))
def test_judgements_do_not_depend_on_where_the_run_was_resumed(cut):
    sequence = [GOOD, few(), few(), few(), replace(GOOD, distance=0.7), GOOD, few(), few(), few(), few()]
    whole = looks(Guard("warn"), *sequence)
    first, second = Guard("warn"), Guard("warn")
    parts = looks(first, *sequence[:cut])
    second.restore(json.loads(json.dumps(first.checkpoint_info(), allow_nan=False)))
    assert parts + looks(second, *sequence[cut:], start=100 + 100 * cut) == whole


def test_resumed_with_another_mode_lasting_trouble_is_spoken_of_anew():
    guard = Guard("stop")
    assert any(looks(guard, GOOD, *[few()] * 4))
    for mode, expected in (("stop", 0), ("rollback", 1)):
        other = Guard(mode)
        other.restore(guard.checkpoint_info())
        assert sum(map(len, looks(other, *[few()] * 4, start=1000))) == expected


def test_state_that_makes_no_sense_is_refused():
    with pytest.raises(GanzooError, match="guard makes no sense"):
        Guard("warn").restore({"guard": {"memory": {"episodes": []}}})


def test_best_is_by_one_measure():
    guard = Guard("warn")
    assert guard.improves(Best(100, "health", 0.5)) and not guard.improves(Best(200, "health", 0.5))
    assert guard.improves(Best(300, "fid10k-test@x", 90.0)), "a score takes the place of health"
    assert not guard.improves(Best(400, "fid10k-test@x", 91.0))
    assert guard.improves(Best(500, "is10k-test@x", 3.0, higher=True))
    assert guard.improves(Best(600, "is10k-test@x", 4.0, higher=True))
    assert not guard.improves(Best(700, "is10k-test@x", float("nan"), higher=True))


def test_a_step_in_trouble_is_not_the_best_by_its_health():
    guard = Guard("warn")
    guard.judge_losses(10, {"d/loss": 1.0}, {})
    guard.judge_losses(20, {"d/loss": 1e6}, {})
    assert not guard.improves(Best(20, "health", 0.1))
    assert guard.improves(Best(20, "fid10k-test@x", 10.0))


# --- recipes that are known to fail -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "alarm", "said", "steps"),
    [
        ("collapse", "collapse", "64 samples show", 60),
        ("runaway", "divergence", "has grown from", 60),
        pytest.param("away", "divergence", "samples leave the data", 240, marks=pytest.mark.slow),
    ],
)
def test_failing_recipe_is_recognised_and_goes_on(kind, alarm, said, steps, tmp_path):
    run = digits(tmp_path / "run", kind, steps)
    (step, event), *more = events(run.folder)
    assert event["kind"] == alarm and said in event["text"] and event["action"] == "warn"
    assert event["text"].startswith(f"step {step:,}: ") and run.step == steps
    assert len(more) <= 1, "each kind is said once, not at every tick"


def test_nan_is_recognised_and_ends_the_run(tmp_path):
    with pytest.raises(RunError, match=r"is nan; .*which is good.*--guard rollback"):
        digits(tmp_path / "run", "nan")
    ((_, event),) = events(tmp_path / "run")
    assert (event["kind"], event["action"]) == ("nan", "stop")
    assert ganzoo.load(tmp_path / "run").sample(2, seed=0).isfinite().all()


HEALTHY = ["gan:ch=64", *(pytest.param(f"dcgan:ch=8{more}", marks=pytest.mark.slow) for more in ("", "+sn+hinge"))]


@pytest.mark.parametrize("recipe", HEALTHY)
def test_healthy_recipe_raises_no_alarm(recipe, tmp_path):
    pace = {"log_every": 5, "grid_every": 10, "save_every": 30, "resolution": 16}
    run = ganzoo.train(recipe, "digits", out=tmp_path / "run", steps=90, quiet=True, guard="stop", **pace)
    assert events(run.folder) == [] and run.step == 90


def test_off_says_nothing(tmp_path):
    run = digits(tmp_path / "run", "collapse", steps=40, guard="off")
    assert events(run.folder) == [] and run.log[-1]["health"]["modes"] < 16


# --- stop ---------------------------------------------------------------------------------------------------


def test_stop_ends_the_run_with_everything_saved_and_says_what_to_try(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Stopped, match=r"64 samples show .*saved in .*To go back .*--guard rollback") as caught:
        digits(folder, "collapse", guard="stop")
    assert caught.value.status == 1 and "\n" not in str(caught.value)
    ((step, event),) = events(folder)
    assert event["action"] == "stop" and step < 60
    assert max(checkpoints(folder)) == step == ganzoo.load(folder).config["step"]
    assert resume_digits(folder, steps=step + 20).step == step + 20  # regardless: the trouble was spoken of
    assert len(events(folder)) == 1


def resume_digits(folder, **options):
    return ganzoo.train(resume=folder, quiet=True, **options)


def test_a_stopped_run_can_be_rolled_back(tmp_path):
    with pytest.raises(Stopped):
        digits(tmp_path / "run", "collapse", guard="stop")
    run = resume_digits(tmp_path / "run", steps=90, guard="rollback")
    assert [event["action"] for _, event in events(run.folder)][:2] == ["stop", "rollback"]


def test_stop_on_the_command_line_has_status_1(tmp_path):
    words = ["train", "gan:ch=64+minimax", "--data", "digits", "--out", str(tmp_path / "run"), "--resolution", "16"]
    words += ["--set", "lr.g=5", "--batch", "32", "--steps", "60", "--grid-every", "10", "--guard", "stop", "--quiet"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and "64 samples show" in done.output


# --- rollback -----------------------------------------------------------------------------------------------


def test_rollback_goes_back_to_the_best_step_with_lower_rates_and_finishes(tmp_path, capsys):
    run = digits(tmp_path / "run", "collapse", guard="rollback")
    (step, event), *_ = events(run.folder)
    assert event["action"] == "rollback" and event["to"] < step and event["factor"] == 0.5
    assert run.step == 60
    rates = {record["step"]: record["lr"]["g"] for record in run.log if "losses" in record}
    assert rates[step] == 5.0 and rates[step + 5] == 2.5, "rates are halved from the next step on"
    assert [record["step"] for record in run.log if "losses" in record] == list(range(5, 65, 5)), "steps go on counting"


def test_weights_after_a_rollback_are_those_of_the_best_step(tmp_path):
    after = {}

    def look(record):
        if record.get("event", {}).get("action") == "rollback":
            session = look.session
            after["D"] = {name: tensor.clone() for name, tensor in session.trainer.gan.D.state_dict().items()}
            after["to"] = record["event"]["to"]
            after["optimizer"] = bool(session.trainer.optimizers["d"].state)
            raise KeyboardInterrupt

    from ganzoo.training.session import Session

    begin = Session.begin

    def noted(self, resumed):
        look.session = self
        begin(self, resumed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "begin", noted)
        with pytest.raises(KeyboardInterrupt):
            digits(tmp_path / "run", "collapse", guard="rollback", callback=look)
    from safetensors.torch import load_file

    best = load_file(bests(tmp_path / "run")[after["to"]] / "state.safetensors")
    assert all(torch.equal(tensor, best[f"gan/D.{name}"]) for name, tensor in after["D"].items())
    assert after["optimizer"] == any(name.startswith("optimizer/d") for name in best)


def test_nan_rolls_back_a_few_times_and_then_ends_the_run(tmp_path):
    with pytest.raises(RunError, match="is nan"):
        digits(tmp_path / "run", "nan", guard="rollback", steps=200, seed=1)
    actions = [event["action"] for _, event in events(tmp_path / "run")]
    assert actions == ["rollback", "rollback", "rollback", "stop"]
    factors = [event.get("factor") for _, event in events(tmp_path / "run")]
    assert factors == [0.5, 0.25, 0.125, None]
    assert ganzoo.load(tmp_path / "run").sample(2, seed=0).isfinite().all()


def test_rollbacks_that_do_not_help_end_in_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.training.guard.ROLLBACKS", 1)
    monkeypatch.setattr("ganzoo.training.session.LOWER", 1.0)
    with pytest.raises(Stopped, match="1 rollback did not help"):
        digits(tmp_path / "run", "collapse", guard="rollback", steps=200)
    assert [event["action"] for _, event in events(tmp_path / "run")] == ["rollback", "stop"]


@pytest.mark.parametrize(("kind", "cut", "steps"), [("nan", 4, 10), ("collapse", 17, 55), ("collapse", 43, 55)])
def test_a_guarded_run_that_was_stopped_anywhere_equals_an_unbroken_one(kind, cut, steps, tmp_path):
    pace = {"guard": "rollback", "log_every": 3}
    digits(tmp_path / "whole", kind, steps, **pace)
    digits(tmp_path / "parts", kind, cut, **pace)
    resume_digits(tmp_path / "parts", steps=steps)
    one, two = contents(tmp_path / "whole"), contents(tmp_path / "parts")
    assert [event["action"] for _, event in events(tmp_path / "whole")].count("rollback") > 0
    assert [name for name in one.keys() | two.keys() if one.get(name) != two.get(name)] == []


# --- the best step ------------------------------------------------------------------------------------------


def test_the_best_step_by_health_is_kept_and_can_be_sampled(tmp_path):
    run = digits(tmp_path / "run", "collapse")  # it only gets worse
    assert list(bests(run.folder)) == [0]
    config = ganzoo.load(run.folder).config
    assert (config["selection"]["chosen"], config["step"]) == ("last", 60)

    last, chosen = (ModelFolder(run.folder).load(step=step).sample(2, seed=0) for step in (None, "best"))
    assert not torch.equal(last, chosen)
    assert torch.equal(chosen, ModelFolder(run.folder).load(step=0).sample(2, seed=0))


def test_a_best_step_that_a_kill_lost_is_made_again(tmp_path):
    learns = {"settings": {"lr.g": 5e-3}}  # fast enough to be best at its end
    whole = tiny(tmp_path / "whole", steps=6, **learns)
    assert max(bests(whole.folder)) == 6
    tiny(tmp_path / "parts", steps=4, **learns)
    shutil.rmtree(tmp_path / "parts" / "training")
    shutil.copytree(tmp_path / "whole" / "training", tmp_path / "parts" / "training")
    for path in bests(tmp_path / "parts").values():
        shutil.rmtree(path)  # as if the checkpoint had been written, and the best one not yet
    resume(tmp_path / "parts", steps=6)
    assert 6 in bests(tmp_path / "parts")
    assert resume(tmp_path / "parts", steps=8).step == 8


def test_a_checkpoint_finds_what_was_best_then(tmp_path):
    run = digits(tmp_path / "run", "collapse", steps=30)
    newest = max(checkpoints(run.folder))
    for path in checkpoints(run.folder).values():
        needed = json.loads((path / "state.json").read_text())["info"]["best"]
        assert needed in bests(run.folder)
    (run.folder / "training" / f"step-{newest:08d}" / "state.json").write_text("{")
    assert resume_digits(run.folder, steps=30).step == 30


# --- scores during training ---------------------------------------------------------------------------------


@pytest.fixture
def scored(monkeypatch):
    """A ``ganzoo.metrics`` whose fid at step s is ``scored.values[s]``; everything that was asked for is noted."""

    said = SimpleNamespace(values={2: 50.0, 4: 30.0, 6: 40.0, 8: 35.0}, asked=[])

    def evaluate(gan, data, *, metrics, n, features, device, step, digest):
        said.asked.append((step, data.split, n, features))
        dataset = {"name": data.name, "fingerprint": data.fingerprint, "split": data.split, "count": data.count}
        network = {"name": "toy", "input": 16, "pretrained": False, "sha256": "0" * 64}
        common = {"std": None, "samples": n, "dataset": dataset, "network": network, "resize": "none", "seed": 0,
                  "seeds": 1, "step": step, "seconds": 1.0, "weights": digest, "higher_is_better": False}  # fmt: skip
        return [
            Score(key=score_key(name, n, data.split, "toy"), metric=name, value=said.values[step], **common)
            for name in metrics
        ]

    for name, stand_in in {
        "evaluate": evaluate,
        "check": lambda metrics, features=None: choose(metrics),
        "open_network": lambda features, resolution, device: features,
    }.items():
        monkeypatch.setattr("ganzoo.metrics." + name, stand_in, raising=False)
    return said


def scored_run(out, steps=8, **options):
    return tiny(out, steps=steps, eval_every=2, eval_n=8, save_every=3, **options)


def test_the_model_is_the_best_scored_step(scored, tmp_path):
    run = scored_run(tmp_path / "run", features="toy", metrics=["fid", "kid"])
    config = ganzoo.load(run.folder).config
    assert (config["selection"]["chosen"], config["step"]) == ("best", 4)
    records = read_scores(run.folder)
    assert [(one.metric, one.step) for one in records] == [(m, step) for step in (2, 4, 6, 8) for m in ("fid", "kid")]
    assert {one.step for one in ModelFolder(run.folder).own_scores} == {4}, (
        "the weights in the folder are the scored ones"
    )
    key = records[0].key
    assert [record["score"][key] for record in run.log if "score" in record] == [50.0, 30.0, 40.0, 35.0]
    assert scored.asked == [(step, "valid", 8, "toy") for step in (2, 4, 6, 8)]
    assert max(bests(run.folder)) == 4
    assert run.step == 8 and ModelFolder(run.folder).digest == records[2].weights


def test_best_and_kept_steps_can_be_loaded(scored, tmp_path):
    from ganzoo.folder.weights import generator_state

    run = scored_run(tmp_path / "run", keep=1)
    default, best, kept = (ModelFolder(run.folder).load(step=step) for step in (None, "best", 6))
    assert tensors_digest(generator_state(default)) == tensors_digest(generator_state(best))
    assert not torch.equal(kept.sample(1, seed=0), best.sample(1, seed=0))
    with pytest.raises(GanzooError, match=r"no step '7'; it has 4 and 6"):
        ModelFolder(run.folder).load(step=7)


@pytest.mark.parametrize("cut", [1, 3, 4, 5])
def test_a_scored_run_that_was_stopped_equals_an_unbroken_one(cut, scored, tmp_path):
    whole = scored_run(tmp_path / "whole")
    scored_run(tmp_path / "parts", steps=cut)
    resume(tmp_path / "parts", steps=8)
    one, two = contents(whole.folder), contents(tmp_path / "parts")
    names = {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)}
    assert names == set()


def test_scores_of_later_steps_than_the_checkpoint_are_taken_again(scored, tmp_path):
    whole = scored_run(tmp_path / "whole")
    run = scored_run(tmp_path / "run")
    shutil.rmtree(run.folder / "training" / "step-00000008")  # as if it had been killed before that was whole
    scored.asked.clear()
    assert resume(run.folder, steps=8).step == 8
    assert [asked[0] for asked in scored.asked] == [8]
    assert [one.step for one in read_scores(run.folder)] == [2, 4, 6, 8]
    assert ganzoo.load(run.folder).config["step"] == ganzoo.load(whole.folder).config["step"] == 4


def test_scores_are_against_held_out_images_where_there_are_any(scored, tmp_path, capsys):
    pace = {"steps": 2, "eval_every": 2, "eval_n": 8, "resolution": 16, "batch": 4}
    ganzoo.train("gan:ch=8", "digits", out=tmp_path / "digits", quiet=True, **pace)
    tiny(tmp_path / "memory", steps=2, eval_every=2, eval_n=8, quiet=False)
    assert [asked[1] for asked in scored.asked] == ["valid", "valid"]
    shown = capsys.readouterr().err
    assert "143 of the 1,438 images of digits are held out, as the split valid" not in shown  # it was quiet
    assert "4 of the 48 images of Labelled are held out, as the split valid, to choose the best step" in shown
    assert "step 2: fid8-valid@toy 50, the best so far" in shown


def test_scores_are_against_the_images_that_were_named(tmp_path):
    for index, image in enumerate(to_pil(Labelled(20).images)):
        (tmp_path / "others").mkdir(exist_ok=True)
        image.save(tmp_path / "others" / f"{index}.png")
    named = {"eval_data": tmp_path / "others", "features": "test_efficientnet:random"}
    run = scored_run(tmp_path / "run", steps=2, **named)
    resume(run.folder, steps=4)
    records = read_scores(run.folder)
    assert [one.step for one in records] == [2, 4]
    assert {one.key for one in records} == {"fd8-test@test_efficientnet:random-64"}
    assert {(one.dataset["name"], one.dataset["count"]) for one in records} == {("others", 20)}
    with pytest.raises(GanzooError, match="nowhere"):
        scored_run(tmp_path / "other", **{**named, "eval_data": tmp_path / "nowhere"})
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"eval_every": 2, "metrics": ["fdi"]}, "fdi"),
        ({"eval_every": -1}, "--eval-every -1"),
        ({"eval_every": 2, "eval_n": 1}, "--eval-n 1"),
        ({"eval_every": 2, "metrics": []}, "--metrics is empty"),
        ({"metrics": ["fid"]}, "--metrics says how to score"),
        ({"features": "toy"}, "--features says how to score"),
        ({"eval_data": "digits"}, "--eval-data says how to score"),
        ({"guard": "pray"}, "--guard pray does not work: it is warn, stop, rollback or off"),
    ],
)
def test_bad_request_is_refused_and_touches_nothing(options, said, scored, tmp_path):
    with pytest.raises(UsageError, match=said):
        tiny(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_real_scores_during_training(tmp_path):
    options = {"metrics": ["fid", "kid"], "eval_n": 32, "features": "tf_efficientnet_lite0.in1k:random"}
    run = tiny(tmp_path / "run", data=Labelled(), steps=4, eval_every=2, **options)
    records = read_scores(run.folder)
    assert [(one.metric, one.step) for one in records] == [("fd", 2), ("kid", 2), ("fd", 4), ("kid", 4)]
    assert ModelFolder(run.folder).own_scores[0].step == ganzoo.load(run.folder).config["step"]
