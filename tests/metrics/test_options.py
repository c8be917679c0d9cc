"""Options of metrics: as they are written, what scores record of them, and what measures them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eval_runs import ganzoo as typed
from tiny_runs import Labelled, tiny
from tiny_scores import score

import ganzoo
from ganzoo.data import ImageData, open_data
from ganzoo.errors import ModelError, UsageError
from ganzoo.folder.layout import METRICS
from ganzoo.folder.scores import add_scores, read_scores, score_key
from ganzoo.gan.gan import GAN
from ganzoo.metrics import evaluate
from ganzoo.metrics.words import metric_words
from ganzoo.scoring.leaderboard import rankings, scored
from ganzoo.scoring.verify import ScoreVerifier, verify
from ganzoo.training.intervals import Intervals

NETWORK = "test_efficientnet:random"


@pytest.fixture(scope="module")
def gan() -> GAN:
    return ganzoo.build("dcgan:ch=4", resolution=16, channels=1)


@pytest.fixture(scope="module")
def real() -> ImageData:
    return open_data(Labelled(60))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fid, kid", ("fid", "kid")),
        ("kid:subsets=50,size=100,prdc", ("kid:subsets=50,size=100", "prdc")),
        ("prdc,kid:size=9,pr:k=2", ("prdc", "kid:size=9", "pr:k=2")),
        (["kid:subsets=50", "size=100", "prdc"], ("kid:subsets=50,size=100", "prdc")),
        ("", ()),
    ],
)
def test_a_comma_separates_metrics_and_options(text: str, words: tuple[str, ...]) -> None:
    assert metric_words(text) == words
    assert metric_words(",".join(words)) == words


def test_an_option_without_a_colon_is_told_how_to_be_written() -> None:
    with pytest.raises(UsageError, match="such as kid:size=3"):
        metric_words("kid,size=3")


def test_a_key_holds_what_is_not_the_default_in_one_spelling(gan: GAN, real: ImageData) -> None:
    metrics = "kid:subsets=5,size=10.0,kid:size=1e1,subsets=5,kid:subsets=100,kid"
    scores = evaluate(gan, real, metrics=metrics, n=20, features=NETWORK)
    assert [one.key for one in scores] == [f"kid:size=10,subsets=5-20-all@{NETWORK}-64", f"kid20-all@{NETWORK}-64"]
    assert (scores[0].request, scores[1].request) == ("kid:size=10,subsets=5", "")
    assert (scores[0].details["size"], scores[0].details["subsets"]) == (10, 5)
    assert scores[0].value != scores[1].value and "request" not in scores[1].to_json()


def test_each_number_of_a_metric_has_the_options_of_the_metric(gan: GAN, real: ImageData) -> None:
    scores = evaluate(gan, real, metrics=["prdc:k.balls=2"], n=20, features=NETWORK)
    assert scores[3].key == f"coverage:k.balls=2-20-all@{NETWORK}-64" and scores[3].details["k"] == 2
    assert {one.measured_by for one in scores} == {"prdc:k.balls=2"}


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        ("kid:subset=5", "kid has no option 'subset'; nearest: subsets"),
        ("kid:subsets=many", "kid:subsets=many does not work"),
        ("kid:subsets=0", "kid:subsets=0 does not work: it is a whole number from 1 up"),
        ("prdc:k.manifold=0", "from 1 up"),
        ("fid:k=1", "fid has no option 'k', and no others"),
        ("kid@16", "a metric has no places; write kid"),
        ("kid:", "no option after ':'"),
    ],
)
def test_what_an_option_cannot_be_is_refused_before_anything_is_drawn(
    metric: str, hint: str, gan: GAN, real: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan, "generate", lambda *inputs, **options: pytest.fail("images were drawn"))
    with pytest.raises(UsageError, match=hint) as refused:
        evaluate(gan, real, metrics=metric, n=20, features=NETWORK)
    assert "\n" not in str(refused.value)


def test_what_is_typed_is_recorded_verified_and_ranked_by_itself(tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = {"eval_every": 2, "eval_n": 20, "features": NETWORK, "metrics": "kid:subsets=3,size=9,kid"}
    tiny(run, data="digits", steps=2, **options)
    typed("eval", run, "--data", "digits", "-n", 20, "--features", NETWORK, "--metrics", "prdc:k.balls=2")
    found = read_scores(run)
    assert [one.measured for one in found][:3] == ["kid:size=9,subsets=3", "kid", "precision:k.balls=2"]
    assert json.loads((run / METRICS).read_text())["format"] == 2
    assert all(one.holds for one in verify(run, ScoreVerifier("digits")))
    assert len(rankings(scored([run]))) == len(found)
    typed("card", run)
    card = (run / "README.md").read_text()
    assert "| KID (size=9,subsets=3) |" in card and "kid:size=9,subsets=3, kid" in card
    assert "kid:size=9,subsets=3-20-" in typed("leaderboard", run).output
    assert "precision:k.balls=2-20-train@" in typed("compare", run, run).output


def test_a_training_keeps_them_for_its_resume() -> None:
    kept = Intervals(10, eval_every=2, metrics="kid:subsets=3,size=9,prdc").metrics  # type: ignore[arg-type]
    assert kept == ("kid:subsets=3,size=9", "prdc") and Intervals(10, metrics=kept).metrics == kept


@pytest.mark.parametrize(
    "request_text", ["kid", "kid:subsets=050", "kid:b=1,a=2", "metric/kid:a=1", "\x1b", "kid@g:a=1"]
)
def test_a_record_in_another_spelling_is_refused(request_text: str, tmp_path: Path) -> None:
    key = score_key("kid", 10_000, "test", "tf_efficientnet_lite0.in1k", 64, request=request_text)
    add_scores(tmp_path, [replace(score(metric="kid"), key=key, request=request_text)])
    with pytest.raises(ModelError, match=METRICS):
        read_scores(tmp_path)
