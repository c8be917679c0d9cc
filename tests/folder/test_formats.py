"""``config.json`` of every format: what older ones say, what later releases add, and what a folder may not claim."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import change_config, run, saved, write
from tiny_runs import contents, resume, tiny

import ganzoo
from ganzoo.errors import ModelError
from ganzoo.folder.config import read_config
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.versions import identity_of, upgraded
from ganzoo.testing import plugin

ROOT = Path(ganzoo.__file__).parent.parent
OLD = [path for path in sorted((ROOT / "model_cards").glob("*/config.json")) if '"ganzoo": "0.1.0"' in path.read_text()]
FORMER = {"reason": "because"}
KINDS = {"gp": "penalty", "r1": "penalty", "lecam": "penalty"}


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def as_format_1(config: dict[str, Any]) -> dict[str, Any]:
    """What 0.1.0 would have written of the same model."""
    parts = [{FORMER.get(key, key): value for key, value in part.items()} for part in config["parts"]]
    for part in parts:
        kind, _, name = part["part"].partition("/")
        part["part"] = f"{KINDS.get(name, kind)}/{name}"
    settings = {name: {"value": row["value"], "because": row["reason"]} for name, row in config["settings"].items()}
    new = ("height", "width", "bits", "label_kind", "class_counts", "fingerprint_kind", "origin", "frozen", "reason")
    kept = {key: value for key, value in config.items() if key not in new}
    changed = {"format": 1, "parts": parts, "settings": settings, "resolution": config["height"]}
    return {**kept, **changed, "selection": config["selection"]["chosen"]}


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.parent.name)
def test_shipped_models_are_of_format_1_and_read_as_format_2(path: Path) -> None:
    written, config = json.loads(path.read_text(encoding="utf-8")), read_config(path.parent)
    assert written["format"] == 1 and config["format"] == 2
    assert config["height"] == config["width"] == written["resolution"] and "resolution" not in config
    assert config["selection"]["chosen"] == written["selection"]
    assert all(part["reason"] == old["because"] for part, old in zip(config["parts"], written["parts"], strict=True))
    assert not any(part["part"].startswith(("penalty/", "auxiliary/")) for part in config["parts"])


def test_a_folder_of_format_1_draws_the_same(tmp_path: Path) -> None:
    gan = saved(tmp_path / "model", "dcgan:ch=4+sn+gp+lecam+cbn", classes=3)
    config = config_of(tmp_path / "model")
    assert config["format"] == 2
    (tmp_path / "model" / "config.json").write_text(json.dumps(as_format_1(config)))
    loaded = ganzoo.load(tmp_path / "model")
    assert torch.allclose(loaded.sample(2, seed=0), gan.sample(2, seed=0), atol=1e-5)
    assert {slot.name for slot in loaded.plan.parts("regularizer")} == {"gp", "lecam"}
    read = read_config(tmp_path / "model")
    assert {**read, "identity": 0} == {**config, "identity": 0}
    for words in (["card"], ["compare"]):
        folders = [tmp_path / "model"] * (1 if words == ["card"] else 2)
        assert run(*words, *folders).exit_code == 0


def test_every_field_of_format_2_is_written_from_its_first_day(tmp_path: Path) -> None:
    config = config_of(tiny(tmp_path / "run", steps=1).folder)
    expected = {
        "height": 16, "width": 16, "channels": 1, "bits": 8, "classes": 0, "label_kind": None, "class_counts": None,
        "fingerprint_kind": "sha256", "selection": {"chosen": "last", "split": None}, "origin": None, "frozen": {},
    }  # fmt: skip
    assert {name: config[name] for name in expected} == expected
    assert "resolution" not in config and all("reason" in part for part in config["parts"])


def test_what_is_not_known_is_ignored(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    change_config(tmp_path / "model", something_new={"a": [1]})
    assert ganzoo.load(tmp_path / "model").sample(1, seed=0).isfinite().all()


def without_later_things(folder: Path) -> None:
    """Take out what an older release would not have known: options of every part, and settings."""
    config = config_of(folder)
    for part in config["parts"]:
        part["options"] = {key: value for key, value in part["options"].items() if key == "ch"}
    for name in ("sync", "compile", "standing", "batch", "ema", "flip"):
        del config["settings"][name]
    (folder / "config.json").write_text(json.dumps(config))


def test_options_and_settings_that_are_missing_take_their_defaults_in_every_command(tmp_path: Path) -> None:
    gan = saved(tmp_path / "model", "sngan:ch=4+r1+diffaugment")
    saved(tmp_path / "other", "dcgan:ch=4")
    without_later_things(tmp_path / "model")
    plan = ModelFolder(tmp_path / "model").plan
    assert plan.head.options == gan.plan.head.options and plan["batch"] == 64
    assert [slot.options for slot in plan.slots] == [slot.options for slot in gan.plan.slots]
    assert "sngan" in write(tmp_path / "model")
    for words in (["compare", tmp_path / "model", tmp_path / "other"], ["card", tmp_path / "model"],
                  ["sample", tmp_path / "model", "-n", "1", "--out", tmp_path / "s.png"]):  # fmt: skip
        result = run(*words)
        assert result.exit_code == 0, result.output


def test_a_run_without_later_options_is_resumed(tmp_path: Path) -> None:
    tiny(tmp_path / "run", "dcgan:ch=4+diffaugment+r1", steps=2)
    tiny(tmp_path / "whole", "dcgan:ch=4+diffaugment+r1", steps=4)
    config = config_of(tmp_path / "run")
    assert identity_of(config) == identity_of(upgraded(config))
    resume(tmp_path / "run", steps=4)
    one, two = contents(tmp_path / "run"), contents(tmp_path / "whole")
    assert one["model.safetensors"] == two["model.safetensors"]


# --- what a folder says of itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        ("sagan", "starts with sagan"),
        ("dcgan+zzz", "zzz"),
        ("zzz+sn", "zzz"),
        ("dcgan:ch=8+sn", "starts with dcgan:ch=8"),
        ("dcgan:ch=4+sn+hinge", "names hinge"),
        ("dcgan:ch=4+sn@g+wn@d", "names wn@d"),
        ("dcgan:ch=4+sn+r1:gamma=3", "names r1:gamma=3"),
        ("dcgan:ch=4+sn+r1:every=4+normalization/none@g", "names normalization/none@g"),
        ("dcgan:ch=4+sn+regularizer/none", "names regularizer/none"),
        ("dcgan:ch=4+sn+sa@8", "names sa@8"),
        ("dcgan:ch=4+dcgan@d", "names dcgan@d"),
        ("dcgan:ch=4+sn+r1:colour=3", "no option 'colour'"),
        ("wgan-gp:ch=8", "starts with wgan-gp:ch=8"),
    ],
)
def test_a_recipe_that_its_parts_are_not_of_is_not_believed(tmp_path: Path, claimed: str, said: str) -> None:
    saved(tmp_path / "model", "dcgan:ch=4+sn+r1:every=4")
    change_config(tmp_path / "model", recipe=claimed)
    with pytest.raises(ModelError, match=said) as refused:
        ganzoo.load(tmp_path / "model")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "recipe",
    ["wgan-gp:ch=4", "acgan:ch=4+attention/sa@8", "sagan:ch=4+attention/none@d", "dcgan:ch=4+concat+penalty/none",
     "sngan:ch=4+dcgan@d:ch=4+gp", "rahinge:ch=4+normalization/none@d", "sagan:ch=4+se@8+bn@g"],
)  # fmt: skip
def test_what_a_recipe_names_is_found_in_the_parts_however_it_is_spelled(tmp_path: Path, recipe: str) -> None:
    saved(tmp_path / "model", recipe, classes=3 * any(word in recipe for word in ("acgan", "sagan", "concat")))
    assert ganzoo.load(tmp_path / "model").sample(1, seed=0).isfinite().all()
    change_config(tmp_path / "model", recipe=recipe)
    assert ganzoo.load(tmp_path / "model").sample(1, seed=0).isfinite().all()


def test_what_is_implied_is_not_compared(tmp_path: Path) -> None:
    saved(tmp_path / "model", "wgan-gp:ch=4")
    config = config_of(tmp_path / "model")
    config["parts"] = [part for part in config["parts"] if part["part"] != "regularizer/gp"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    assert ganzoo.load(tmp_path / "model").sample(1, seed=0).isfinite().all()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda parts: parts.append(parts[-1]),
        lambda parts: parts.append({**parts[-1], "part": "loss/hinge"}),
        lambda parts: parts.append({**parts[0], "side": "d"}),
        lambda parts: parts.__setitem__(0, {**parts[0], "side": "g"}),
        lambda parts: parts.append({**parts[-1], "side": "d"}),
        lambda parts: parts.remove(next(part for part in parts if part["part"].startswith("loss/"))),
        lambda parts: parts.remove(next(part for part in parts if part["part"].startswith("weight/"))),
        lambda parts: parts[-1].update(resolutions=[8]),
    ],
)
def test_parts_that_make_no_plan_are_refused(tmp_path: Path, spoil: Any) -> None:
    saved(tmp_path / "model", "dcgan:ch=4")
    config = config_of(tmp_path / "model")
    spoil(config["parts"])
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"does not hold together|names what|cannot be built"):
        ganzoo.load(tmp_path / "model")


# --- a discriminator that is not installed ------------------------------------------------------------------


class Scorer(torch.nn.Module):
    """A discriminator of a package that will be gone."""

    def __init__(self, kit: ganzoo.Kit, *, width: int = 4) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(kit.channels, width)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> ganzoo.Output:
        """Scores of images by their mean."""
        features = self.layer(x.mean((2, 3)))
        return ganzoo.Output(features.mean(1), features)


class Softest:
    """A loss of the same package."""

    def d(self, critic: Any, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """D's."""
        return critic(fake).mean() - critic(real).mean()

    def g(self, critic: Any, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """G's."""
        return -critic(fake).mean()


class Gone:
    """The package."""

    @ganzoo.hookimpl
    def register_architectures(self, register: ganzoo.Register) -> None:
        """D."""
        register("scorer", discriminator=Scorer)

    @ganzoo.hookimpl
    def register_losses(self, register: ganzoo.Register) -> None:
        """A loss."""
        register("softest", Softest)

    @ganzoo.hookimpl
    def register_normalizations(self, register: ganzoo.Register) -> None:
        """A norm, which G would need."""
        register("softnorm", "ganzoo.layers.norm:GroupNorm")


@pytest.mark.parametrize("recipe", ["dcgan:ch=4+scorer@d:width=8+softest", "dcgan:ch=4+softest+softnorm@d"])
def test_a_model_whose_discriminator_is_not_installed_is_sampled(tmp_path: Path, recipe: str) -> None:
    with plugin(Gone(), "ganzoo-gone"):
        gan = saved(tmp_path / "model", recipe)
        before = gan.sample(2, seed=0)
    config = config_of(tmp_path / "model")
    assert config["plugins"] == {"ganzoo-gone": "0"}
    folder = ModelFolder(tmp_path / "model")
    assert torch.allclose(folder.load().sample(2, seed=0), before, atol=1e-5)
    assert {slot.name for slot in folder.plan.unknown} <= {"scorer", "softest", "softnorm"}
    assert "softest" in {slot.name for slot in folder.plan.unknown}
    for words in (["sample", folder, "-n", "2", "--out", tmp_path / "s.png"], ["card", folder],
                  ["compare", folder, folder]):  # fmt: skip
        result = run(*words)
        assert result.exit_code == 0, result.output
    change_config(tmp_path / "model", recipe=f"{config['recipe']}+hinge")
    with pytest.raises(ModelError, match="names hinge"):
        ganzoo.load(tmp_path / "model")


def test_what_the_generator_needs_is_asked_for(tmp_path: Path) -> None:
    with plugin(Gone(), "ganzoo-gone"):
        saved(tmp_path / "model", "dcgan:ch=4+softnorm@g")
    with pytest.raises(ModelError, match=r"softnorm.*pip install 'ganzoo-gone==0'"):
        ganzoo.load(tmp_path / "model")
    change_config(tmp_path / "model", plugins={})
    with pytest.raises(ModelError, match=r"softnorm"):
        ganzoo.load(tmp_path / "model")


def test_a_run_whose_discriminator_is_not_installed_is_not_resumed(tmp_path: Path) -> None:
    with plugin(Gone(), "ganzoo-gone"):
        tiny(tmp_path / "run", "dcgan:ch=4+softest", steps=1)
    with pytest.raises(ModelError, match=r"softest.*pip install 'ganzoo-gone==0'"):
        resume(tmp_path / "run", steps=2)
    shutil.rmtree(tmp_path / "run" / "training")
    assert ganzoo.load(tmp_path / "run").sample(1, seed=0).isfinite().all()


def test_a_run_of_format_1_keeps_its_identity() -> None:
    half = json.loads((ROOT / "tests/baselines/half-way/config.json").read_text())
    state = json.loads((ROOT / "tests/baselines/half-way/training/step-00000004/state.json").read_text())
    assert identity_of(upgraded(half)) == state["identity"]
    assert identity_of(upgraded(upgraded(half))) == state["identity"]
