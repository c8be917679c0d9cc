"""Every number of StudioGAN's CIFAR-10 configurations is found in our plan.

``studiogan-cifar10.txt`` has a configuration a line: its name, and the settings that differ from StudioGAN's defaults,
read from its public repository in November 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from studiogan_rows import DOC, ROWS, settings_of

import ganzoo
from ganzoo.plan.networks import entry_of
from ganzoo.plan.plan import Plan

HERE = Path(__file__).parent
DEFAULTS = {
    "backbone": "resnet",
    "g_cond_mtd": "W/O",
    "d_cond_mtd": "W/O",
    "aux_cls_type": "W/O",
    "adv_loss": "vanilla",
    "apply_g_sn": "False",
    "apply_d_sn": "False",
    "apply_attn": "False",
    "apply_g_ema": "False",
    "z_prior": "gaussian",
    "z_dim": "128",
    "g_lr": "0.0002",
    "d_lr": "0.0002",
    "beta1": "0.5",
    "beta2": "0.999",
    "batch_size": "64",
    "d_updates_per_step": "5",
    "total_steps": "100000",
}
LINES = [line.split(" ", 1) for line in (HERE / "studiogan-cifar10.txt").read_text("utf-8").splitlines()]
FACTS = {name: DEFAULTS | dict(pair.split("=", 1) for pair in pairs.split()) for name, pairs in LINES}


def names(plan: Plan, kind: str, side: str | None = None) -> set[str]:
    return {slot.name for slot in plan.parts(kind, side)}


def options(plan: Plan, name: str) -> dict[str, object]:
    """Options of a part that the plan has, by its name."""
    (found,) = [slot.options for slot in plan.slots if slot.name == name] or [{}]
    return dict(found)


def betas(plan: Plan) -> tuple[float, ...]:
    value = plan["betas"]
    assert isinstance(value, tuple)
    return value


def head(plan: Plan) -> str:
    return next(iter(names(plan, "conditioning", "d")))


NETS = {
    "resnet": ("sngan", "sagan"),
    "deep_conv": ("sndcgan",),
    "big_resnet": ("biggan",),
    "big_resnet_deep_legacy": ("biggan-deep",),
    "big_resnet_deep_studiogan": ("biggan-deep",),
    "stylegan2": ("stylegan2",),
    "stylegan3": ("stylegan3",),
}
LOSSES = {
    "vanilla": "bce",
    "hinge": "hinge",
    "least_square": "ls",
    "wasserstein": "wgan",
    "MH": "multi-hinge",
    "logistic": "logistic",
}
HEADS = {
    "W/O": "plain",
    "PD": "projection",
    "SPD": "spd",
    "AC": "ac",
    "MD": "md",
    "MH": "mh",
    "2C": "2c",
    "D2DCE": "d2dce",
}
REGULARIZERS = {
    "apply_gp": "gp",
    "apply_dra": "dragan",
    "apply_maxgp": "maxgp",
    "apply_r1_reg": "r1",
    "apply_lecam": "lecam",
    "apply_fm": "fm",
    "apply_cr": "cr",
    "apply_bcr": "bcr",
    "apply_zcr": "zcr",
    "apply_lo": "lo",
}
LABELLED = {"cbn", "ccbn"}


def labels_in_g(plan: Plan, value: str) -> bool:
    """Whether labels enter G as they do there: by norms or the mapping to w, unless the plan keeps them out."""
    kept_out = "unlabelled" in names(plan, "conditioning", "g")
    by_norm = bool(names(plan, "normalization", "g") & LABELLED) and not kept_out
    by_mapping = "w" in entry_of(plan.head).provides and not kept_out
    return (by_norm, by_mapping) == (value == "cBN", value == "cAdaIN")


def head_of(plan: Plan, facts: dict[str, str]) -> str:
    aux = facts["aux_cls_type"].lower()
    return aux if facts["d_cond_mtd"] == "AC" and aux != "w/o" else HEADS[facts["d_cond_mtd"]]


def is_(name: str, option: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    """Whether an option of a part has the number."""
    return lambda plan, value, facts: float(str(options(plan, name)[option])) == pytest.approx(float(value))


def set_(*settings: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    """Whether settings have the number."""
    return lambda plan, value, facts: all(
        float(str(plan[s])) == pytest.approx(float(value), rel=1e-6) for s in settings
    )


def of_head(option: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: float(str(options(plan, head(plan))[option])) == float(value)


def of_network(option: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: float(str(plan.head.options[option])) == float(value)


def coded(plan: Plan) -> str:
    """The name of the regularizer that draws codes."""
    (name,) = {"info", "info-context"} & names(plan, "regularizer")
    return name


def of_codes(option: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: is_(coded(plan), option)(plan, value, facts)


def acting(augment: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: (augment in names(plan, "augment")) == (value == "True")


def steered_from_0(augment: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: value == "0" and options(plan, augment)["p"] is None


def thousands(setting: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    """Whether a setting in images is a number of thousands."""
    return lambda plan, value, facts: str(plan[setting]) in (f"{value}k", str(1000 * int(value)), f"{value}000.0")


def spectral(side: str) -> Callable[[Plan, str, dict[str, str]], bool]:
    return lambda plan, value, facts: (names(plan, "weight", side) == {"sn"}) == (value == "True")


WHY_NOT = {"lecam_ema_start_iter", "lo_steps4train", "lo_steps4eval", "normalize_d_embed", "d_first", "g_reg_interval"}
CHECKS: dict[str, Callable[[Plan, str, dict[str, str]], bool]] = {
    "backbone": lambda plan, value, facts: (
        plan.head.name in NETS[value]
        and (plan.head.options.get("form") == "studiogan") == (value == "big_resnet_deep_studiogan")
    ),
    "g_cond_mtd": lambda plan, value, facts: "info_type" in facts or labels_in_g(plan, value),
    "d_cond_mtd": lambda plan, value, facts: head(plan) == head_of(plan, facts),
    "aux_cls_type": lambda plan, value, facts: (
        options(plan, head(plan)).get("aux", "none") in (value.lower(), "none")
        and (value == "W/O" or value.lower() in (head(plan), options(plan, head(plan)).get("aux")))
    ),
    "adv_loss": lambda plan, value, facts: (
        names(plan, "loss") == {"wgan-clip" if facts.get("apply_wc") == "True" else LOSSES[value]}
    ),
    "apply_wc": lambda plan, value, facts: names(plan, "loss") == {"wgan-clip"},
    "wc_bound": is_("wgan-clip", "clip"),
    "apply_g_sn": spectral("g"),
    "apply_d_sn": spectral("d"),
    "apply_attn": lambda plan, value, facts: (names(plan, "attention", "g") == {"sa"}) == (value == "True"),
    "attn_g_loc": lambda plan, value, facts: True,  # places are checked once for all below
    "attn_d_loc": lambda plan, value, facts: True,
    "z_prior": lambda plan, value, facts: plan["prior"] == {"gaussian": "normal", "uniform": "uniform"}[value],
    "z_dim": lambda plan, value, facts: plan.z_dim(32) == int(value),
    "g_shared_dim": lambda plan, value, facts: value == "128",  # of all our networks that share an embedding
    "g_conv_dim": lambda plan, value, facts: value == "N/A" or plan.head.options["ch"] == int(value),
    "d_conv_dim": lambda plan, value, facts: value == "N/A" or plan.head.options["ch_d"] is None,  # goes with G's
    "g_depth": lambda plan, value, facts: plan.head.options["depth"] == int(value),
    "d_depth": lambda plan, value, facts: plan.head.options["depth"] == int(value),
    "apply_g_ema": lambda plan, value, facts: (
        "g_ema_kimg" in facts or (float(str(plan["ema"])) == 0.9999) >= (value == "True")
    ),
    "g_ema_kimg": thousands("ema.halflife"),
    "g_ema_rampup": set_("ema.ramp"),
    "w_dim": lambda plan, value, facts: (plan.head.options["w_dim"] or plan.head.options["ch"]) == int(value),
    "g_act_fn": lambda plan, value, facts: value == "Auto",  # as the network has it
    "d_act_fn": lambda plan, value, facts: value == "Auto",
    "mapping_network": of_network("mapping"),
    "style_mixing_p": lambda plan, value, facts: plan.head.options.get("mixing", 0) == float(value),
    "stylegan3_cfg": lambda plan, value, facts: value == f"stylegan3-{plan.head.options['config']}",
    "blur_init_sigma": lambda plan, value, facts: options(plan, "blur")["sigma"] == f"linear/{value}/0/200k",
    "d_architecture": lambda plan, value, facts: (plan.head.options["form"], value) == ("plain", "orig"),
    "d_epilogue_mbstd_group_size": of_network("group"),
    "d_reg_interval": is_("r1", "every"),
    "r1_place": lambda plan, value, facts: options(plan, "r1")["own_step"] == (value == "outside_loop"),
    "apply_pl_reg": lambda plan, value, facts: ("pl" in names(plan, "regularizer")) == (value == "True"),
    "pl_weight": lambda plan, value, facts: value == "0" and "pl" not in names(plan, "regularizer"),
    "g_updates_per_step": set_("repeat.g"),
    "g_ema_decay": set_("ema"),
    "g_ema_start": set_("ema.start"),
    "acml_steps": set_("accumulate.g", "accumulate.d"),
    "g_lr": set_("lr.g"),
    "d_lr": set_("lr.d"),
    "beta1": lambda plan, value, facts: betas(plan)[0] == float(value),
    "beta2": lambda plan, value, facts: betas(plan)[1] == float(value),
    "batch_size": set_("batch"),
    "d_updates_per_step": set_("repeat.d"),
    "cond_lambda": of_head("weight"),
    "tac_gen_lambda": of_head("weight_g"),
    "tac_dis_lambda": of_head("weight_d"),
    "temperature": of_head("temperature"),
    "d_embed_dim": of_head("width"),
    "m_p": of_head("margin"),
    "maxgp_lambda": is_("maxgp", "weight"),
    "gp_lambda": is_("gp", "weight"),
    "dra_lambda": is_("dragan", "weight"),
    "r1_lambda": is_("r1", "gamma"),
    "lecam_lambda": is_("lecam", "weight"),
    "lecam_ema_decay": is_("lecam", "decay"),
    "mh_lambda": is_("multi-hinge", "weight_g"),
    "fm_lambda": is_("fm", "weight"),
    "cr_lambda": is_("cr", "weight"),
    "real_lambda": is_("bcr", "real"),
    "fake_lambda": is_("bcr", "fake"),
    "radius": is_("zcr", "sigma"),
    "g_lambda": is_("zcr", "weight_g"),
    "d_lambda": is_("zcr", "weight"),
    "lo_alpha": is_("lo", "alpha"),
    "lo_beta": is_("lo", "beta"),
    "lo_lambda": is_("lo", "weight"),
    "lo_rate": is_("lo", "share"),
    "cr_aug_type": lambda plan, value, facts: value == "cr",
    "bcr_aug_type": lambda plan, value, facts: value == "bcr",
    "apply_diffaug": lambda plan, value, facts: "diffaugment" in names(plan, "augment"),
    "ada_aug_type": lambda plan, value, facts: options(plan, "ada")["pipe"] == (value,),
    **{f"apply_{name}": acting(name) for name in ("ada", "apa")},
    **{f"{name}_initial_augment_p": steered_from_0(name) for name in ("ada", "apa")},
    **{f"{name}_{key}": is_(name, key) for name in ("ada", "apa") for key in ("target", "kimg", "interval")},
    "diffaug_type": lambda plan, value, facts: value == "diffaug",
    "apply_rflip": lambda plan, value, facts: (plan["flip"] == "on") == (value == "True"),
    "info_type": lambda plan, value, facts: options(plan, coded(plan))["continuous"] == 0,
    "g_info_injection": lambda plan, value, facts: coded(plan) == {"cBN": "info-context", "concat": "info"}[value],
    "info_num_discrete_c": of_codes("categorical"),
    "info_dim_discrete_c": of_codes("classes"),
    "infoGAN_loss_discrete_lambda": of_codes("weight"),
    **{
        key: lambda plan, value, facts, name=name: name in names(plan, "regularizer")
        for key, name in REGULARIZERS.items()
    },
}


def built(name: str) -> ganzoo.GAN:
    return ganzoo.build(ROWS[name][0], 32, 3, 10, settings=settings_of(name), device="meta")


def test_the_page_has_every_configuration():
    assert ROWS.keys() == FACTS.keys() and len(ROWS) == len(LINES)


@pytest.mark.parametrize("name", FACTS)
def test_every_number_is_in_the_plan(name):
    gan, facts = built(name), FACTS[name]
    wrong = [
        f"{key}={value}"
        for key, value in facts.items()
        if key != "total_steps" and key not in WHY_NOT and not CHECKS[key](gan.plan, value, facts)
    ]
    assert wrong == []
    assert int(ROWS[name][1].replace(",", "")) == int(facts["total_steps"])
    extra = names(gan.plan, "regularizer") - {part for key, part in REGULARIZERS.items() if key in facts}
    assert extra <= ({"info", "info-context"} if "info_type" in facts else set())
    assert (gan.plan["fake-labels"], gan.plan["init"]) == ("uniform", "orthogonal")
    assert gan.plan["flip"] == ("off" if facts.get("apply_rflip") == "False" else "on")


@pytest.mark.parametrize("recipe", ["sagan", "biggan", "biggan-deep"])
def test_attention_stands_where_theirs_does(recipe):
    """Behind G's second block (16 pixels) and D's first; SAGAN's D, as mimicry has it, behind its second."""
    own = {side: [size for size, own in sites.items() if own] for side, sites in sites_of(recipe).items()}
    assert own == {"g": [16], "d": [8 if recipe == "sagan" else 16]}


def sites_of(recipe: str) -> dict[str, dict[int, bool]]:
    return ganzoo.build(recipe, 32, 3, 10, device="meta").sites


def test_the_page_says_why_of_what_is_left_out():
    text = DOC.read_text("utf-8")
    assert [key for key in WHY_NOT if f"`{key}`" not in text] == []
