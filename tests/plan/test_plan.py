"""What recipes mean: the worked cases of the design, precedence, fallbacks, places and refusals."""

import json
import random
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import ganzoo
from ganzoo.errors import RecipeError, UnknownPart, UsageError
from ganzoo.gan.catalogue import example, givers
from ganzoo.plan.plan import Plan
from ganzoo.plan.resolver import make_plan
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import WORD_KINDS
from ganzoo.testing import plugin

LABELLED = ("image", "label")
EVERYTHING = ("image", "label", "source", "target", "a", "b", "text")


def names(plan: Plan, kind: str) -> dict[str | None, str]:
    return {slot.side: slot.name for slot in plan.parts(kind)}


def penalties(plan: Plan) -> set[str]:
    return {slot.name for slot in plan.parts("penalty")}


def test_dcgan_is_the_paper():
    plan = make_plan("dcgan")
    assert names(plan, "normalization") == {"g": "bn", "d": "bn"}
    assert plan.slot("loss").name == "bce"
    assert (plan["optimizer"], plan["lr.g"], plan["lr.d"], plan["betas"]) == ("adam", 2e-4, 2e-4, (0.5, 0.999))
    assert plan["init"] == "normal" and plan.settings["init"].reason == "dcgan"


def test_sn_on_d_drives_bn_from_d():
    plan = make_plan("dcgan+sn@d+hinge")
    assert names(plan, "weight") == {"g": "none", "d": "sn"}
    assert names(plan, "normalization") == {"g": "bn", "d": "none"}
    assert plan.slot("normalization", "d").reason == "sn"


def test_an_implication_stays_on_the_side_of_its_parent():
    assert names(make_plan("dcgan+sn@g"), "normalization") == {"g": "bn", "d": "bn"}


def test_sagan_sn_hinge_with_labels():
    plan = make_plan("sagan+sn+hinge", LABELLED)
    assert names(plan, "normalization") == {"g": "cbn", "d": "none"}
    assert names(plan, "weight") == {"g": "sn", "d": "sn"}
    assert names(plan, "attention") == {"g": "sa", "d": "sa"}
    assert plan.slot("conditioning", "d").name == "projection"
    assert (plan["lr.g"], plan["lr.d"], plan["betas"]) == (1e-4, 4e-4, (0, 0.9))
    assert plan.conditional and not plan.notes


def test_implied_parts_yield_where_data_has_no_labels():
    plan = make_plan("sagan+sn+hinge")
    assert plan.slot("normalization", "g").name == "bn"
    assert plan.slot("conditioning", "d").name == "plain"
    assert not plan.conditional
    assert "cbn" in plan.notes[0] and "label" in plan.slot("normalization", "g").reason


@pytest.mark.parametrize("recipe", ["dcgan+cbn", "sngan+projection", "sngan-cond", "cgan", "acgan", "csnsagan"])
def test_named_parts_whose_needs_are_not_met_are_refused(recipe):
    with pytest.raises(RecipeError, match=r"'label(-class)?'.*digits"):
        make_plan(recipe)
    assert make_plan(recipe, LABELLED).conditional


def test_only_parts_that_got_a_slot_need_anything():
    assert not make_plan("sagan+gn@g+plain").notes
    replaced = make_plan("sngan-cond+bn@g+plain")
    assert names(replaced, "conditioning")["d"] == "plain" and not replaced.conditional


def test_a_circle_of_presets_is_refused():
    class Circle:
        @ganzoo.hookimpl
        def register_presets(self, register):
            register("hen", "egg+sn")
            register("egg", "hen+hinge")

    with plugin(Circle()), pytest.raises(RecipeError, match="preset of a preset"):
        make_plan("hen")


def test_wgan_brings_gp_and_bares_d():
    plan = make_plan("dcgan+wgan")
    assert penalties(plan) == {"gp"}
    assert names(plan, "normalization") == {"g": "bn", "d": "none"}
    assert plan["repeat.d"] == 5


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("dcgan+wgan+r1", {"r1"}),
        ("dcgan+wgan+gp+r1", {"gp", "r1"}),
        ("dcgan+wgan+lecam", {"gp", "lecam"}),
        ("dcgan+wgan+penalty/none", set()),
        ("dcgan+wgan+regularizer/none", set()),
        ("dcgan+regularizer/dragan", {"dragan"}),
        ("wgan-gp", {"gp"}),
        ("dcgan+penalty/dragan", {"dragan"}),
        ("dcgan+dragan", {"dragan"}),
    ],
)
def test_penalties(recipe, expected):
    assert penalties(make_plan(recipe)) == expected


def test_a_displaced_part_implies_nothing():
    plan = make_plan("wgan-gp+hinge")
    assert plan.slot("loss").name == "hinge"
    assert plan.slot("normalization", "d").reason == "default"
    assert plan.settings["repeat.d"].reason == "sngan"


PRESETS = {
    "sngan-cond": "sngan+cbn+projection",
    "csnsagan": "sagan+sn+cbn+projection+hinge",
    "wgan-gp": "sngan+weight/none+wgan+gp",
    "lsgan": "dcgan+ls",
    "ggan": "dcgan+hinge",
    "dragan": "dcgan+penalty/dragan",
    "acgan": "sngan+cbn+ac",
    "cgan": "dcgan+onehot",
}


@pytest.mark.parametrize(("preset", "recipe"), PRESETS.items())
def test_presets_are_their_recipes(preset, recipe):
    short, long = make_plan(preset, LABELLED), make_plan(recipe, LABELLED)
    chosen = [(slot.kind, slot.side, slot.name, slot.options) for slot in short.slots]
    assert chosen == [(slot.kind, slot.side, slot.name, slot.options) for slot in long.slots]
    assert short.recipe == preset


def test_csnsagan_has_the_rates_of_its_report():
    plan = make_plan("csnsagan", LABELLED)
    assert (plan["lr.g"], plan["lr.d"]) == (1e-3, 4e-3)
    assert any("sagan" in old for old in plan.settings["lr.g"].overrides)


@pytest.mark.parametrize("entry", registry().entries("preset"), ids=lambda entry: entry.name)
def test_every_preset_resolves(entry):
    assert make_plan(entry.name, LABELLED).head.name in {e.name for e in registry().entries("architecture")}


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("dcgan+hinge+wgan", ["hinge", "wgan", "loss"]),
        ("dcgan+bn+gn", ["bn", "gn", "normalization"]),
        ("dcgan+bn+gn@d", ["bn", "gn", "d"]),
        ("dcgan+sa+se", ["sa", "se", "attention"]),
        ("dcgan+sa@16+se@16", ["sa", "se"]),
        ("dcgan+penalty/none+gp", ["penalty/none", "gp"]),
        ("dcgan+regularizer/none+gp", ["regularizer/none", "gp"]),
        ("dcgan+gp+penalty/gp", ["gp", "regularizer"]),
        ("dcgan+sa@16+attention/sa@16", ["sa", "attention"]),
        ("dcgan+hinge@d", ["no place"]),
        ("dcgan+sn@16", ["only an attention"]),
        ("dcgan+projection@g", ["projection", "g"]),
        ("dcgan+loss/none", ["loss"]),
        ("dcgan+bce:smoth=1", ["smoth", "smooth"]),
        ("dcgan+bce:smooth=much", ["smooth", "much"]),
    ],
)
def test_refusals(recipe, words):
    with pytest.raises(UsageError) as refused:
        make_plan(recipe)
    assert refused.value.status == 2
    assert all(word in str(refused.value) for word in words)


def test_unknown_name_gives_the_nearest():
    with pytest.raises(UnknownPart, match=r"dcgn.*nearest.*dcgan"):
        make_plan("dcgn+sn")


def test_parts_with_disjoint_places_share_a_kind():
    assert names(make_plan("dcgan+bn@g+gn@d"), "normalization") == {"g": "bn", "d": "gn"}
    plan = make_plan("dcgan+sa@16+se@8")
    assert {(slot.name, slot.side, slot.resolutions) for slot in plan.parts("attention")} == {
        (name, side, (number,)) for name, number in (("sa", 16), ("se", 8)) for side in "gd"
    }


def test_a_number_moves_an_attention_and_none_removes_it():
    assert [slot.resolutions for slot in make_plan("sagan+sa@8").parts("attention")] == [(8,), (8,)]
    assert {slot.name for slot in make_plan("sagan+attention/none").parts("attention")} == {"none"}
    mixed = make_plan("sagan+se@8").parts("attention", "g")
    assert [(slot.name, slot.resolutions) for slot in mixed] == [("se", (8,)), ("sa", ())]


@pytest.mark.parametrize(
    ("recipe", "canonical"),
    [
        ("dcgan+hinge+sn", "dcgan+sn+hinge"),
        ("dcgan+sn@d,g", "dcgan+sn"),
        ("dcgan+sn@d+sn@g", "dcgan+sn@g+sn@d"),
        ("dcgan+loss/hinge", "dcgan+hinge"),
        ("dcgan+penalty/dragan", "dcgan+dragan"),
        ("dcgan+r1:gamma=10.0,every=16", "dcgan+r1:every=16"),
        ("architecture/dcgan:ch=64", "dcgan"),
        ("dcgan:ch=32", "dcgan:ch=32"),
        ("dcgan+concat", "dcgan+onehot"),
        ("wgan-gp:ch=64", "wgan-gp:ch=64"),
        ("sagan+attention/none@d", "sagan+attention/none@d"),
        ("preset/wgan-gp+hinge", "wgan-gp+hinge"),
        ("wgan-gp:ch_d=64.0", "wgan-gp:ch.d=64"),
        ("sngan+attention/eca@4+eca@32", "sngan+eca@4+eca@32"),
        ("sngan+eca@32+eca@4", "sngan+eca@4+eca@32"),
        ("dcgan+wgan+penalty/none", "dcgan+wgan+penalty/none"),
        ("dcgan+wgan+auxiliary/none", "dcgan+wgan+regularizer/none"),
        ("dcgan+concat@d+onehot@g", "dcgan+onehot@g+onehot@d"),
        ("dcgan+normalization/none@d,g", "dcgan+normalization/none"),
    ],
)
def test_canonical_text(recipe, canonical):
    plan = make_plan(recipe, LABELLED)
    assert plan.recipe == canonical
    assert make_plan(plan.recipe, LABELLED).hash == plan.hash


def test_head_options_reach_the_architecture_through_a_preset():
    assert make_plan("lsgan:ch=16").head.options["ch"] == 16


def test_settings_of_the_person_come_first_and_say_what_they_overrode():
    plan = make_plan("sagan", settings={"lr.g": "5e-5", "betas": "0.5/0.99"})
    assert plan["lr.g"] == 5e-5 and plan["betas"] == (0.5, 0.99)
    assert plan.settings["lr.g"].overrides == ("0.0002 (default)", "0.0001 (sagan)")


@pytest.mark.parametrize(
    "bad",
    [{"lr.x": 1}, {"lr.g": "fast"}, {"betas": "0.5"}, {"repeat.d": 0}, {"lr.g": "cosine/1"}, {"ema": 1}, {"lr.d": -1},
     {"init": "normal/x"}, {"precision": "fp8"}, {"lr.g": "nan"}],
)  # fmt: skip
def test_bad_settings_are_refused(bad):
    with pytest.raises(UsageError, match=next(iter(bad)).replace(".", r"\.")):
        make_plan("dcgan", settings=bad)


@pytest.mark.parametrize("recipe", ["dcgan", "sagan+sn+hinge", "acgan+r1:every=4", "sagan+se@8", "wgan-gp:ch=32"])
def test_a_plan_survives_its_config(recipe):
    plan = make_plan(recipe, LABELLED, {"lr.g": "cosine/2e-4/5e-5"})
    again = Plan.from_config(json.loads(json.dumps(plan.to_config())))
    assert again.hash == plan.hash and again.provides == plan.provides


SIZES = ["dcgan:ch=1e308", "rahinge:ch.d=1e308", "sngan:ch=1e21", "gan:ch.d=1e40"]


@pytest.mark.parametrize("recipe", SIZES)
def test_a_size_that_no_tensor_can_have_is_refused(recipe):
    with pytest.raises(RecipeError, match="cannot be built at these sizes: a size of more than 64 bits"):
        ganzoo.build(recipe, device="meta")


def test_a_mistake_in_a_network_is_not_taken_for_a_size():
    def clumsy(g, d):
        """Adds what cannot be added."""
        return {"G": 1 + "1", "D": d}

    class Clumsy:
        @ganzoo.hookimpl
        def register_architectures(self, register):
            register("clumsy", clumsy)

    with plugin(Clumsy()), pytest.raises(TypeError, match="unsupported operand"):
        ganzoo.build("clumsy", device="meta")


class Flip:
    """Mirror images."""

    def images(self, x, ctx):
        """``x`` mirrored."""
        return x.flip(-1)


class Flips:
    """Two augmentations whose names stand in the other order than they will be written, and a preset with one."""

    @ganzoo.hookimpl
    def register_augments(self, register):
        """Names that sort as c, z."""
        register("z-flip", Flip)
        register("c-flip", Flip)

    @ganzoo.hookimpl
    def register_presets(self, register):
        """One that brings the last of them."""
        register("flipped", "dcgan+z-flip")


@pytest.mark.parametrize(
    ("recipe", "order"),
    [
        ("dcgan+z-flip+c-flip+diffaugment", ["z-flip", "c-flip", "diffaugment"]),
        ("dcgan+diffaugment+augment/z-flip+sn+c-flip", ["diffaugment", "z-flip", "c-flip"]),
        ("flipped+c-flip", ["z-flip", "c-flip"]),
    ],
)
def test_augmentations_act_in_the_order_written(recipe, order):
    with plugin(Flips()):
        plan = make_plan(recipe)
        assert [slot.name for slot in plan.parts("augment")] == order
        again = make_plan(plan.recipe)
        assert again.recipe == plan.recipe and again.hash == plan.hash
        assert list(ganzoo.build(recipe, device="meta").parts.augments) == order


FIRST = [entry for kind in ("architecture", "preset") for entry in registry().entries(kind)]
HEADS = [entry.name for entry in FIRST]
WORDS = [
    entry.spelling
    for kind in ("normalization", "weight", "attention", "conditioning", "loss", "penalty")
    for entry in registry().entries(kind)
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(HEADS), st.lists(st.sampled_from(WORDS), max_size=4, unique=True), st.booleans())
def test_every_combination_resolves_or_says_why(head, words, labelled):
    recipe = "+".join([head, *words])
    try:
        plan = make_plan(recipe, LABELLED if labelled else ("image",))
    except RecipeError as refused:
        event("refused")
        assert any(word.rpartition("/")[2] in str(refused) for word in (head, *words)), "it names what is in the way"
        return
    event("resolved")
    assert make_plan(plan.recipe, plan.provides).hash == plan.hash
    for word in words:
        kind, _, name = word.partition("/")
        assert any(slot.name == name and slot.reason == "named" for slot in plan.parts(kind))


def met(entry: Entry, plan: Plan) -> bool:
    """Whether what a part declares that it needs is there: with labelled data, and the networks on its sides."""
    sides = entry.sides or ("g", "d")
    theirs = [plan.architecture(side).entry.provides for side in sides]
    return entry.requires <= frozenset(LABELLED) | frozenset.intersection(*theirs)


@pytest.mark.parametrize(("words", "least"), [(1, 0.97), (2, 0.75), (3, 0.5)])
def test_most_combinations_resolve(words, least):
    """What the test before this one would not see: a resolver that refuses too much."""
    draw, drawn, resolved = random.Random(words), 0, 0
    wholes = [entry.spelling if entry.complete else str(example(entry)) for entry in FIRST]
    plans = {head: make_plan(head, LABELLED) for head in wholes}
    # not what stands on another part, as ccbn
    alone = [entry for entry in map(registry().find, WORDS) if not givers(entry)]
    while drawn < 500:
        head, parts = draw.choice(wholes), draw.sample(alone, words)
        if not all(met(entry, plans[head]) for entry in parts):
            continue
        drawn += 1
        with suppress(RecipeError):
            make_plan("+".join([head, *(entry.spelling for entry in parts)]), LABELLED)
            resolved += 1
    assert resolved >= least * drawn


PLACES = {
    "attention": ("", "", "@8", "@16", "@g,16", "@16,8", "@d,g,32"),
    "normalization": ("", "@g", "@d", "@d,g"),
    "weight": ("", "@g", "@d", "@d,g"),
    "conditioning": ("", "@d"),
    "architecture": ("@g", "@d"),
}
VALUES = {"every": "1.6e1", "gamma": ".5", "weight": "2.50", "smooth": "1e-1", "form": "ls", "ch": "8", "ch_d": "16.0"}


def written(draw: random.Random, kind: str, entry: Entry) -> str:
    """A part as one of its spellings: an alias, with its kind, a place, an option."""
    name = draw.choice([entry.name, *entry.aliases])
    text = draw.choice([name, f"{kind}/{name}"]) + draw.choice(PLACES.get(kind, ("",)))
    keys = sorted(VALUES.keys() & entry.options().keys()) if draw.random() < 0.5 else []
    values = [draw.choice([f"{key}={VALUES[key]}", f"{key.replace('_', '.')}={VALUES[key]}"]) for key in keys]
    return f"{text}:{','.join(values)}" if values else text


def random_recipe(draw: random.Random) -> str:
    """A recipe as a person may write it, whose parts may be at odds."""
    kind = draw.choice(["architecture", "preset"])
    head = draw.choice([entry for entry in registry().entries(kind) if entry.complete])
    words = [
        draw.choice([head.name, head.spelling]) + draw.choice(["", ":ch=8.0"] if "ch" in head_options(head) else [""])
    ]
    for kind in draw.choices([kind for kind in WORD_KINDS if registry().entries(kind)], k=draw.randint(0, 4)):
        entry = draw.choice(registry().entries(kind))
        words.append(written(draw, kind, entry))
    return "+".join(words)


def head_options(head: Entry) -> Iterable[str]:
    """Names of the options of an architecture, or of that of a preset."""
    return registry().find(make_plan(head.name, EVERYTHING).head.name, ("architecture",)).options()


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_canonical_text_is_a_fixed_point(draw):
    recipe = random_recipe(draw)
    try:
        plan = make_plan(recipe, EVERYTHING)
    except UsageError:
        event("refused")
        return
    event("resolved")
    again = make_plan(plan.recipe, EVERYTHING)
    assert again.recipe == plan.recipe and again.hash == plan.hash


def test_enough_random_recipes_resolve_for_the_property_to_mean_something():
    draw, resolved, changed = random.Random(0), 0, 0
    for _ in range(200):
        recipe = random_recipe(draw)
        with suppress(UsageError):
            changed += make_plan(recipe, EVERYTHING).recipe != recipe
            resolved += 1
    assert resolved >= 80 and changed >= 60
