"""The YAML block at the head of a card, which the Hub reads: what the model is, and its scores as ``model-index``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ganzoo.card.facts import Facts
from ganzoo.card.markdown import one_line
from ganzoo.errors import GanzooError
from ganzoo.folder.scores import Score
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

DATA_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,120}")


def front_matter(facts: Facts) -> str:
    """The YAML block without its dashes."""
    from huggingface_hub import ModelCardData  # a quarter of a second, once in a process

    results = [eval_result(score, facts.task) for score in facts.scores]
    data = ModelCardData(
        license=facts.config["license"],
        library_name="ganzoo",
        pipeline_tag=facts.task,
        tags=tags(facts),
        datasets=hub_data(facts),
        metrics=sorted({score.metric for score in facts.scores}) or None,
        model_name=facts.name if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def tags(facts: Facts) -> list[str]:
    """What the model can be found by: ganzoo, gan, and the name of every part."""
    parts = [slot.name for slot in (facts.plan.head, *facts.plan.slots) if slot.name != EMPTY]
    return list(dict.fromkeys(["ganzoo", "gan", *parts]))


def hub_data(facts: Facts) -> list[str] | None:
    """The data set as the Hub would call it; None for data that only its owner has."""
    word = data_word(facts.config["dataset"].get("name"))
    return [data_id(word)] if word else None


def data_word(name: object) -> str | None:
    """``name`` if ``--data`` takes it anywhere, as it does a registered data set; None for somebody's files."""
    word = str(name)
    if not DATA_WORD.fullmatch(word):
        return None
    try:
        registry().find(word.partition(":")[0], kinds=("dataset",))
    except GanzooError:
        return None
    return word


def data_id(name: str) -> str:
    """A data set's name as an id: ``org/name`` for one of the Hub, and only letters that ids have."""
    word = name.removeprefix("hf:").partition(":")[0]
    return re.sub(r"[^A-Za-z0-9._/-]+", "-", word).strip("-") or "data"


def eval_result(score: Score, task: str) -> EvalResult:
    """A score as the Hub lists it, with the protocol that it stands under."""
    from huggingface_hub import EvalResult

    protocol: dict[str, Any] = {
        "samples": score.samples,
        "real_images": score.dataset["count"],
        "data_fingerprint": score.dataset["fingerprint"],
        "network": score.network["name"],
        "network_sha256": score.network["sha256"],
        "pretrained": score.network["pretrained"],
        "input": score.network["input"],
        "resize": score.resize,
        "seed": score.seed,
        "seeds": score.seeds,
        "step": score.step,
        "weights_sha256": score.weights,
    }
    return EvalResult(
        task_type=task,
        dataset_type=data_id(score.dataset["name"]),
        dataset_name=one_line(score.dataset["name"]),
        dataset_split=score.dataset["split"],
        metric_type=score.metric,
        metric_name=score.key,
        metric_value=listed(score.value),
        metric_args=protocol if score.std is None else {**protocol, "std": listed(score.std)},
    )


def listed(value: float) -> float:
    """A number as the Hub lists it, which shows all of its digits: six of them, more than any two machines agree in.

    ``metrics.json``, which is published beside the card, has the rest.
    """
    return float(f"{value:.6g}")
