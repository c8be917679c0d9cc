"""The page of a card: the template filled with facts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from ganzoo.card.facts import Facts
from ganzoo.card.markdown import Markdown, code, escaped, one_line, plain
from ganzoo.card.metadata import data_word, front_matter
from ganzoo.card.nearest import nearest_section
from ganzoo.card.numbers import number, shown
from ganzoo.card.origin import cost_row, first_weights, images_seen, imported, origin
from ganzoo.card.sections import heading_mark, section
from ganzoo.errors import PluginError, RecipeError, command
from ganzoo.folder.config import OWN_LOOP, REMARKS, UNNAMED, UNPACKAGED, resolution_of
from ganzoo.folder.layout import LICENCE, SAMPLES
from ganzoo.folder.scores import Score
from ganzoo.metrics.metric import aliases_off_inception
from ganzoo.plan.plan import GIVEN, Slot
from ganzoo.plan.settings import write
from ganzoo.registry.about import HOME, SINCE, install
from ganzoo.registry.entry import link
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import MODEL, known_provider
from ganzoo.registry.recipe import EMPTY
from ganzoo.registry.sizes import colours_text, height_width, shown_as, size_text

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "template.md"
MOST_CLASSES, MOST_STEPS, MOST_PROMPTS, WIDTH = 20, 16, 8, 100
PLAIN_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,.-]{0,80}")  # that a command line may have between quotes as it is
IN_TEMPLATE = ("description", "notes")  # sections that the template has a place for


@cache
def template() -> Template:
    """The template. What it prints is escaped unless it is Markdown already."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        finalize=lambda value: value if isinstance(value, Markdown) else plain(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "shown": shown, "count": number}
    text = resources.files("ganzoo.card").joinpath(TEMPLATE).read_text("utf-8")
    return environment.from_string(text)


def render(facts: Facts) -> str:
    """The whole text of a card."""
    config = facts.config
    return template().render(
        facts=facts,
        config=config,
        data={
            "held_out": count_held_out(facts),
            **{
                key: number(config["dataset"].get(key, "unknown"))
                for key in ("name", "count", "licence", "fingerprint")
            },
        },
        metadata=Markdown(front_matter(facts)),
        mark=heading_mark(facts.ref),
        section=lambda name: section(name, facts.kept.get(name)),
        others=[name for name in facts.kept if name not in IN_TEMPLATE],
        resolution=size_text(resolution_of(config)),
        sides=" \N{MULTIPLICATION SIGN} ".join(map(str, height_width(resolution_of(config)))),
        colours=colours_text(config["channels"], config["bits"]),
        shown=shown_as(config["channels"], config["bits"]),
        classes=config["class_names"][:MOST_CLASSES],
        more_classes=len(config["class_names"]) > MOST_CLASSES,
        parts=parts(facts),
        settings=settings(facts),
        home=Markdown(HOME),
        install=Markdown(install_command(facts)),
        plugins=[f"{name} {version}" for name, version in config["plugins"].items()],
        scores=[score_row(score, facts.scores) for score in facts.scores],
        floors=any(score.floor is not None for score in facts.scores),
        protocols=protocols(facts.scores),
        left_open=left_open(facts.scores),
        history=history(facts),
        nearest=nearest_section(facts, data_argument),
        cost=cost_row(facts),
        seen=images_seen(facts),
        train=Markdown(train_command(facts)),
        init=first_weights(facts),
        origin=origin(facts),
        own_loop=config["origin"] == OWN_LOOP,
        imported=imported(facts),
        licence_text=LICENCE in facts.files,
        data_unnamed=bool(imported(facts)) and data_name(facts) == UNNAMED,
        needs_input=facts.task == "image-to-image" and SAMPLES not in facts.files,  # no examples of its own
        unpackaged=config.get(UNPACKAGED, []),
        remarks=config.get(REMARKS, []),
        chosen_by=chosen_by(facts),
        score_data=Markdown(data_argument(facts.scores[0].dataset["name"] if facts.scores else data_name(facts))),
        trained_on=Markdown(data_argument(data_name(facts))),
        data_known=data_word(data_name(facts)) is not None,
        prompts=facts.prompts[:MOST_PROMPTS],
        prompt_rows=prompt_rows(facts.prompts),
        example_text=Markdown(next(filter(PLAIN_TEXT.fullmatch, facts.prompts), "what to draw")),
        size=Markdown(f"{facts.size / 1e6:,.1f} MB" if facts.size >= 1e5 else f"{facts.size / 1e3:,.1f} kB"),
        ref=Markdown(json.dumps(facts.ref, ensure_ascii=False)),
        typed=Markdown(shlex.quote(facts.ref)),
        resume=command("train", "--resume", facts.ref),
    )


def install_command(facts: Facts) -> str:
    """What installs ganzoo, the package that a shipped model is in, and the plugins of a model.

    Names and versions of plugins were checked: no other is older.
    """
    provider = known_provider(MODEL, facts.ref)
    models = [] if provider is None else [f"'{provider[0]}>={SINCE}'"]
    plugins = [f"'{name}>={Version(version).public}'" for name, version in facts.config["plugins"].items()]
    return " ".join([install(), *models, *plugins])


def prompt_rows(prompts: Sequence[str]) -> str:
    """Which rows of the samples the first texts belong to: every row where they come again and again."""
    first = tuple(prompts[:MOST_PROMPTS])
    return "each row" if tuple(prompts) == first * (len(prompts) // MOST_PROMPTS) else "the first row"


# --- parts and settings -------------------------------------------------------------------------------------


def parts(facts: Facts) -> list[dict[str, Any]]:
    """A row for each part; one that stands alike on both sides has one row."""
    rows: dict[object, dict[str, Any]] = {}
    for slot in (facts.plan.head, *facts.plan.slots):
        if slot.entry is None or slot.name == EMPTY:
            continue
        row = rows.setdefault((slot.kind, slot.name, str(slot.options), slot.resolutions), part_row(slot, facts))
        row["sides"] += [slot.side.upper()] if slot.side else []
    return list(rows.values())


def part_row(slot: Slot, facts: Facts) -> dict[str, Any]:
    """What the table says of a part; who provides it is what the model recorded."""
    entry = slot.entry
    assert entry is not None
    who = "ganzoo" if entry.built_in else entry.distribution
    version = facts.config["ganzoo"] if entry.built_in else facts.config["plugins"].get(who, "")
    return {
        "kind": slot.kind,
        "name": slot.name,
        "options": ", ".join(f"{key}={text}" for key, text in slot.changed.items()),
        "sides": [],
        "resolutions": ", ".join(map(str, slot.resolutions)),
        "summary": prose(entry.summary),
        "paper": paper(entry.paper),
        "origin": f"{who} {version}".strip(),
        "reason": slot.reason,
    }


def prose(docstring: str) -> Markdown:
    """A line of a docstring as Markdown: what stands in double backticks becomes code."""
    pieces = one_line(docstring).split("``")
    return Markdown("".join(code(piece) if index % 2 else escaped(piece) for index, piece in enumerate(pieces)))


def paper(reference: str | None) -> Markdown:
    """A link to a paper; empty where there is none. References come from installed packages, checked."""
    if reference is None:
        return Markdown("")
    scheme, _, rest = reference.partition(":")
    name = {"arxiv": f"arXiv {rest}", "doi": f"doi {rest}"}.get(scheme, "paper")
    return Markdown(f"[{plain(name)}]({link(reference)})")


def settings(facts: Facts) -> list[tuple[str, str, str]]:
    """Name, value and reason of every setting that is not its default."""
    found = facts.plan.settings.items()
    reason = {GIVEN: "set by hand"}  # whoever reads the card is not the one who set it
    return [
        (name, write(one.value), reason.get(one.reason, one.reason)) for name, one in found if one.reason != "default"
    ]


# --- scores -------------------------------------------------------------------------------------------------


def label(metric: str) -> str:
    """``FID``, ``PSNR``, ``Precision``: short names are abbreviations."""
    return metric.upper() if len(metric) <= 4 else metric.capitalize()


def score_row(score: Score, every: Sequence[Score]) -> dict[str, Any]:
    """What tables say of a score, one of ``every``; ``several`` where its label does not tell it from all others."""
    spread = "" if score.std is None else f" ± {shown(score.std)}"
    return {
        "label": label(score.metric) + (f" ({score.options})" if score.options else ""),
        "several": sum((one.metric, one.options) == (score.metric, score.options) for one in every) > 1,
        "better": "higher" if score.higher_is_better else "lower",
        "value": Markdown(f"{shown(score.value)}{spread}"),
        "floor": "" if score.floor is None else shown(score.floor),
        "score": score,
        "details": ", ".join(f"{name} {number(value)}" for name, value in score.details.items() if is_short(value)),
    }


def count_held_out(facts: Facts) -> int:
    """How many of the data's images the training held out; 0 where it held none out, or says nothing sensible."""
    held = facts.config["dataset"].get("valid")
    count = held.get("count") if isinstance(held, dict) else 0
    return count if isinstance(count, int) else 0


def chosen_by(facts: Facts) -> dict[str, Any] | None:
    """The score that chose the step in the folder: its key and split, and whether scores here are on its images.

    None where the step is the last one, or the folder, such as one of ganzoo 0.1.0, does not say.
    """
    found = facts.config["selection"]
    known = all(isinstance(found.get(n), str) for n in ("key", "split", "fingerprint"))
    if found["chosen"] != "best" or not known:
        return None
    return {
        "key": found["key"],
        "split": found["split"],
        "scored": any(score.dataset["fingerprint"] == found["fingerprint"] for score in facts.scores),
    }


def is_short(value: object) -> bool:
    """Whether a detail of a score fits into a line."""
    return isinstance(value, (str, int, float))


def protocols(scores: Iterable[Score]) -> list[list[Score]]:
    """Scores that were measured in one go, together."""
    together: dict[object, list[Score]] = {}
    for score in scores:
        way = (tuple(score.dataset.items()), tuple(score.network.items()), score.resize, score.seed, score.seeds)
        together.setdefault((*way, score.samples, score.step), []).append(score)
    return list(together.values())


def left_open(scores: Sequence[Score]) -> dict[str, Any] | None:
    """Distances that were measured on another network than the one they are defined on, and so have another name.

    Returns:
        The ``metrics`` and ``labels`` to be filled in, with ``split`` and ``samples`` as they were measured elsewhere;
        None where all that is here has its own name.
    """
    measured = {score.metric for score in scores}
    found = {own: score for score in scores if (own := defined_name(score.metric)) and own not in measured}
    if not found:
        return None
    first = next(iter(found.values()))
    return {
        "metrics": [Markdown(name) for name in found],
        "labels": [label(name) for name in found],
        "split": Markdown(first.dataset["split"]),
        "samples": first.samples,
    }


def defined_name(metric: str) -> str | None:
    """``fid`` for ``fd``: what a metric is called on the network that it is defined on, where that is another name."""
    try:
        aliases = aliases_off_inception(registry().find(metric, ("metric",)).load())
    except (RecipeError, PluginError):  # of a package that is not here
        return None
    return next((own for own, other in aliases.items() if other == metric), None)


def history(facts: Facts) -> dict[str, Any]:
    """Scores by step as a table: keys, rows of step and values, the best step of each key, and how many are left out.

    Long ones are thinned out evenly; the best of each and the weights in the folder stay.
    """
    series = facts.history
    best_at = [best(line).step for line in series]
    steps = sorted({score.step for line in series for score in line})
    every = -(-len(steps) // MOST_STEPS) or 1
    kept = {*steps[::every], *steps[-1:], *best_at, *(score.step for score in facts.scores)}
    values = {(row, score.step): shown(score.value) for row, line in enumerate(series) for score in line}
    rows = [(step, [values.get((row, step), "") for row in range(len(series))]) for step in steps if step in kept]
    return {"keys": [line[0].key for line in series], "rows": rows, "best": best_at, "left_out": len(steps) - len(rows)}


def best(line: Sequence[Score]) -> Score:
    """The best of some scores of one protocol."""
    first, *others = line
    for score in others:
        first = score if score.better_than(first) else first
    return first


# --- commands -----------------------------------------------------------------------------------------------


def data_name(facts: Facts) -> object:
    """What the data is called."""
    return facts.config["dataset"].get("name")


def data_argument(name: object) -> str:
    """What to write after ``--data``: the name where everybody has it, else a path to fill in."""
    return data_word(name) or f"path/to/{re.sub(r'[^A-Za-z0-9._-]+', '-', str(name)).strip('-') or 'data'}"


def train_command(facts: Facts) -> str:
    """The command that trains the model again, with everything that a person chose."""
    config = facts.config
    words = [["ganzoo", "train", config["recipe"]], ["--data", data_argument(data_name(facts))]]
    if origin(facts):
        words += [["--resume", "path/to/that/run"], ["--fork", "path/to/a/new/run"]]
    words.append(["--resolution", size_text(resolution_of(config))])
    # The channels that a data set has by itself are not known here; what it has by default are 1 or 3, and 8 bits.
    words += [["--channels", str(config["channels"])]] if config["channels"] == 4 else []
    words += [["--bits", str(config["bits"])]] if config["bits"] != 8 else []
    for option in ("steps", "seed", "horizon"):
        value = config.get(option.removesuffix("s"))  # the step that the folder holds
        words += [[f"--{option}", str(value)]] if type(value) is int else []
    if first_weights(facts):
        words.append(["--init", "path/to/those/weights"])
    chosen = {name: write(one.value) for name, one in facts.plan.settings.items() if one.reason == GIVEN}
    return folded([*words, *(["--set", f"{name}={value}"] for name, value in chosen.items())])


def folded(words: Iterable[Sequence[str]]) -> str:
    """A command line, broken between its options where it grows too long."""
    lines = [""]
    for group in words:
        text = shlex.join(group)
        if lines[-1] and len(lines[-1]) + len(text) > WIDTH:
            lines.append("   ")
        lines[-1] += f" {text}" if lines[-1] else text
    return " \\\n".join(lines)
