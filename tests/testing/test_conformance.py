"""Everything registered passes the conformance suite, and what can be combined trains or is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations as pairs_of
from itertools import islice

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.architectures.dcgan import discriminator, generator
from ganzoo.errors import RecipeError, ResolutionError, UsageError
from ganzoo.gan.catalogue import describe_part
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Recipe
from ganzoo.testing import Check, plugin
from ganzoo.testing.composing import attempt, axes, combinations, describe_combination, recipe_of
from ganzoo.testing.covering import Combination, covering
from ganzoo.testing.pairing import every_pair
from ganzoo.testing.suite import checks_of
from ganzoo.testing.tiny import subject

SAMPLE = 72
# Every pair is for -m exhaustive, and so is what composes with a part, but for one kind to see that the check works; a
# preset is parts that were checked.
COMPOSED = "augment"
LATER = {
    "preset": {
        "training",
        "shapes",
        "pieces",
        "networks",
        "gradients",
        "dtype",
        "device",
        "seed",
        "state",
        "resume",
        "bf16",
        "waits",
    },
}
SLOW = pytest.mark.slow
CHECKS = [(entry, check) for entry in registry().entries() for check in checks_of(entry)]


def _marked(kind: str, check: Check) -> object:
    name = check.id.rsplit("-", 1)[1]
    if name == "composes":
        return pytest.param(check.run, id=check.id, marks=[SLOW if kind == COMPOSED else pytest.mark.exhaustive])
    return pytest.param(check.run, id=check.id, marks=[SLOW] if name in LATER.get(kind, ()) else [])


@pytest.mark.parametrize("check", [_marked(entry.kind, check) for entry, check in CHECKS])
def test_registered_parts_pass(check: Callable[[], None]) -> None:
    check()


@pytest.fixture(scope="module")
def sample() -> list[Combination]:
    """The rows of the pairwise covering array over everything registered that cover the most pairs."""
    return list(islice(combinations(), SAMPLE))


@pytest.mark.parametrize("number", range(SAMPLE))
def test_a_sample_of_combinations_trains_or_is_refused_with_a_reason(number: int, sample: list[Combination]) -> None:
    attempt(sample[number])


@pytest.mark.exhaustive
def test_every_pair_of_parts_trains_or_is_refused_with_a_reason() -> None:
    rows, wrong, refused = list(combinations()), [], {}
    for row in rows:
        try:
            reason = attempt(row)
        except AssertionError as error:
            wrong.append(str(error))
        else:
            refused |= {} if reason is None else {describe_combination(row): reason}
    assert not wrong, "\n".join(wrong)
    assert 0 < len(refused) < len(rows) / 2, refused


def test_every_pair_is_a_recipe() -> None:
    named = dict(every_pair())
    assert len(named) > 5000
    for pair in named.values():
        Recipe.parse(recipe_of({"architecture": "gan", **pair}))


def test_every_pair_of_parts_stands_in_a_row_and_every_part_in_the_sample() -> None:
    found = axes()
    wanted = {((a, x), (b, y)) for a, b in pairs_of(found, 2) for x in found[a] for y in found[b]}
    rows = list(covering(found, lambda row: True))
    assert {"architecture", "normalization", "attention", "conditioning", "loss", "regularizer", "data"} <= set(found)
    assert any(value.endswith("@site") for value in found["attention"]) and "attention/none" in found["attention"]
    assert _pairs(rows) == wanted
    sampled = rows[:SAMPLE]
    assert {choice for row in sampled for choice in row.items()} == {(a, x) for a in found for x in found[a]}
    assert len(_pairs(sampled)) > len(wanted) / 3


def test_what_the_suite_found_is_refused_in_a_sentence() -> None:
    for recipe, why in {
        "gan+in": "in needs 'maps' .*which neither the data nor gan has",
        "dcgan+bn:eps=0": "bn:eps=0 does not work",
        "dcgan+in:eps=-1": "in:eps=-1 does not work",
        "gan:depth=1000000000000": "gan:depth=1e\\+12 does not work: it is from 1 to 100",
    }.items():
        with pytest.raises(UsageError, match=why):
            ganzoo.build(recipe, device="meta")
    assert ganzoo.create("normalization/gn", 8, 0, groups=10**12).groups == 4


def test_out_of_memory_on_meta_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ganzoo.gan.builder._construct", exhausted)
    with pytest.raises(RecipeError, match="dcgan cannot be built at these sizes: out of memory"):
        ganzoo.build("dcgan", device="meta")


def only_grey(g: ganzoo.Kit, d: ganzoo.Kit, *, ch: int = 8) -> dict[str, nn.Module]:
    """An architecture for grey images of 64 pixels, and nothing else."""
    if g.resolution != 64:
        raise ResolutionError(f"this one makes images of 64 pixels, not {g.resolution}", (64,))
    if g.channels != 1:
        raise UsageError("this one makes grey images")
    return {"G": generator(g, ch=ch), "D": discriminator(d, ch=ch)}


def test_an_architecture_of_one_size_is_checked_and_described_at_that_size() -> None:
    class Hooks:
        @ganzoo.hookimpl
        def register_architectures(self, register: ganzoo.Register) -> None:
            register("only-grey", only_grey, requires={"source", "text"}, provides={"features", "maps"})

    with plugin(Hooks()) as known:
        entry = known.find("only-grey")
        made = subject(entry)
        assert (made.sizes["resolution"], made.sizes["channels"]) == (64, 1)
        assert describe_part(entry)["attention_sites"] == {"g": [8, 16, 32], "d": [8, 16, 32]}
        batch = made.batch()
        assert batch["source"].shape == batch["image"].shape == (4, 1, 64, 64)
        assert batch["text"].dtype == torch.uint8 and not torch.equal(batch["source"], batch["image"])
        for check in checks_of(entry):
            if check.id.endswith(("networks", "shapes", "resume", "state")):
                check.run()


# --- covering arrays ----------------------------------------------------------------------------------------

AXES = {"a": list("0123"), "b": list("012"), "c": list("01"), "d": list("012")}


def _pairs(rows: list[Combination]) -> set[object]:
    return {pair for row in rows for pair in pairs_of(row.items(), 2)}


def test_a_covering_array_has_every_pair_in_few_rows_and_the_same_each_time() -> None:
    rows = list(covering(AXES, lambda row: True))
    assert len(_pairs(rows)) == 4 * 3 + 4 * 2 + 4 * 3 + 3 * 2 + 3 * 3 + 2 * 3
    assert len(rows) <= 16 and rows == list(covering(AXES, lambda row: True))


def test_pairs_that_fit_stand_in_rows_that_fit_and_others_in_plain_rows_of_their_own() -> None:
    def fits(row: Combination) -> bool:
        return not (row["a"] == "1" and row["b"] != "0")

    rows = list(covering(AXES, fits))
    fitting = _pairs([row for row in rows if fits(row)])
    assert [row for row in rows if not fits(row)] == [
        {"a": "1", "b": "1", "c": "0", "d": "0"},
        {"a": "1", "b": "2", "c": "0", "d": "0"},
    ]
    assert len(fitting) == len(_pairs(list(covering(AXES, lambda row: True)))) - 2


def test_a_focus_covers_the_pairs_of_one_axis() -> None:
    rows = list(covering({**AXES, "a": ["2"]}, lambda row: True, focus="a"))
    assert len(rows) == 3 and {row["d"] for row in rows} == set("012") and {row["c"] for row in rows} == set("01")
