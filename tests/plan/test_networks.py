"""Architectures on one side: which recipes mean what, what is refused, and that such GANs train and are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import contents, resume, tiny
from torch import nn

import ganzoo
from ganzoo.architectures.dcgan import discriminator, generator
from ganzoo.cli import main
from ganzoo.errors import PluginError, RecipeError, UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.catalogue import example
from ganzoo.gan.noise import NoiseGame
from ganzoo.plan.plan import Plan
from ganzoo.plan.resolver import make_plan
from ganzoo.registry.declarations import make_entry
from ganzoo.testing import check_component, plugin

LABELLED = ("image", "label")


def modules(recipe: str, **sizes: Any) -> dict[str, str]:
    """The module in which the trunk of each network is written."""
    gan = build(recipe, device="meta", **sizes)
    return {name: type(gan.get_submodule(f"{name}.trunk")).__module__.rpartition(".")[2] for name in ("G", "D")}


@pytest.mark.parametrize(
    ("recipe", "g", "d"),
    [
        ("sngan+dcgan@d", "sngan", "dcgan"),
        ("dcgan+sngan@d+hinge", "dcgan", "sngan"),
        ("dcgan+sngan@g", "sngan", "dcgan"),
        ("gan+architecture/dcgan@d", "gan", "dcgan"),
        ("wgan-gp+dcgan@d", "sngan", "dcgan"),
        ("lsgan:ch=8+sngan@g:ch=8,upsample=bilinear", "sngan", "dcgan"),
        ("dcgan+gan@d:depth=3", "dcgan", "gan"),
    ],
)
def test_a_later_architecture_replaces_the_network_of_its_side(recipe: str, g: str, d: str) -> None:
    assert modules(recipe) == {"G": g, "D": d}
    plan = make_plan(recipe)
    again = make_plan(plan.recipe)
    assert again.recipe == plan.recipe and again.hash == plan.hash
    kept = Plan.from_config(json.loads(json.dumps(plan.to_config())))
    assert kept.hash == plan.hash and (kept.architecture("g").name, kept.architecture("d").name) == (g, d)


def test_it_brings_the_parts_and_settings_of_its_side_alone() -> None:
    plan = make_plan("dcgan+sngan@d", LABELLED)
    assert (plan.slot("weight", "d").name, plan.slot("weight", "g").name) == ("sn", "none")
    assert (plan.slot("normalization", "g").name, plan.slot("normalization", "d").name) == ("bn", "none")
    assert plan.slot("loss").name == "bce", "hinge of sngan belongs to no side"
    assert (plan["repeat.d"], plan.settings["repeat.d"].reason, plan.settings["lr.g"].reason) == (5, "sngan", "default")
    other = make_plan("sngan+dcgan@d", LABELLED)
    assert (other.slot("weight", "d").name, other.slot("normalization", "d").name) == ("none", "bn")
    assert (other["repeat.d"], other.slot("loss").name, other.settings["lr.d"].reason) == (1, "hinge", "default")


def test_what_is_named_and_a_preset_are_stronger_than_what_it_brings() -> None:
    assert make_plan("dcgan+sngan@d+gn@d").slot("normalization", "d").name == "gn"
    plan = make_plan("wgan-gp+dcgan@d")
    assert plan.slot("normalization", "d").name == "none" and plan["repeat.d"] == 5


def test_options_of_the_head_go_to_each_side_that_declares_them_and_a_word_has_its_own() -> None:
    assert make_plan("dcgan:ch=8+sngan@d").architecture("d").options["ch"] is None
    plan = make_plan("dcgan:ch=8+dcgan@d:ch=4,ch.d=2")
    assert plan.head.options == {"ch": 8} and plan.architecture("d").options["ch_d"] == 2
    gan = build("gan:ch=8,ch.d=6", device="meta")
    widths = [gan.get_submodule(f"{name}.trunk.hidden.0.linear").out_features for name in ("G", "D")]
    assert widths == [8, 6]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("dcgan+sngan", r"first word.*write sngan@g or sngan@d"),
        ("dcgan+architecture/sngan", r"first word.*@g or .*@d"),
        ("dcgan+sngan@g,d", r"write sngan@g or sngan@d"),
        ("dcgan+sngan@d,16", r"stands on a side, @g or @d"),
        ("dcgan+sngan@d+gan@d", r"sngan@d and gan@d both bring"),
        ("dcgan+sngan@d+gan@g", r"leave dcgan no network: write gan\+sngan@d"),
        ("dcgan+lsgan@d", r"no part is called 'lsgan': it is a preset"),
        ("dcgan+preset/lsgan", r"can only be the first word"),
        ("sngan+dcgan@d:upsample=bilinear", r"dcgan has no option 'upsample'"),
        ("sngan:rectify=true+dcgan@d", r"sngan:rectify=true is of the discriminator of sngan"),
        ("together+dcgan@d", r"together builds its networks together: dcgan@d cannot replace one of them"),
        ("dcgan+together@d", r"together builds its networks together: write it first"),
        ("watcher+hinge", r"watcher has no generator.*write .*dcgan\+watcher@d"),
        ("dcgan+watcher@g", r"watcher has no generator: it can stand on d alone"),
        ("dcgan+watcher", r"write watcher@d"),
        ("dcgan+watcher@d+sa@d,8", r"watcher has no attention sites; none at 8"),
        ("gan+watcher@d+sa@8", r"gan and watcher have no attention sites; none at 8"),
        ("dcgan+watcher@d+bn@d", r"watcher has no place for a normalization on d"),
        ("dcgan+watcher@d+projection", r"'features'.*neither the data nor dcgan and watcher has"),
    ],
)
def test_refusals(recipe: str, said: str) -> None:
    with plugin(Zoo()), pytest.raises(UsageError, match=said) as refused:
        ganzoo.build(recipe, device="meta", classes=2)
    assert len(str(refused.value).splitlines()) == 1


class Watcher(nn.Module):
    """A discriminator that is no ``ganzoo.Discriminator``, and takes its images by their mean."""

    def __init__(self, kit: ganzoo.Kit, width: int) -> None:
        super().__init__()
        self.conditioning = kit.condition()
        self.layers = nn.Sequential(nn.Linear(kit.channels, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> ganzoo.Output:
        """Scores of images."""
        features = x.mean((2, 3))
        return ganzoo.Output(self.layers(features).squeeze(1).float(), features)


def watcher(kit: ganzoo.Kit, *, width: int = 4) -> Watcher:
    """Scores an image by its mean colour."""
    return Watcher(kit, width)


def together(g: ganzoo.Kit, d: ganzoo.Kit) -> dict[str, nn.Module]:
    """Both networks at once, as 0.1.0 registered them."""
    return {"G": generator(g, ch=4), "D": discriminator(d, ch=4)}


class Zoo:
    """An architecture of a D alone, and one of the old form."""

    @ganzoo.hookimpl
    def register_architectures(self, register: ganzoo.Register) -> None:
        """Both."""
        register("watcher", discriminator=watcher, train={"lr.d": 1e-3, "lr.g": 9.0, "init": "orthogonal"})
        register("together", together, networks={"G": "g", "D": "d"})


def test_an_architecture_of_one_network_stands_behind_any_head() -> None:
    with plugin(Zoo()):
        plan = make_plan("dcgan+watcher@d:width=8")
        assert plan.architecture("d").options == {"width": 8}
        assert (plan["lr.d"], plan["lr.g"], plan["init"]) == (1e-3, 2e-4, "normal")
        assert isinstance(build("sngan+watcher@d").D, Watcher)
        assert str(example(ganzoo.info("watcher"))).endswith("watcher@d")


def test_an_architecture_of_one_network_passes_the_suite() -> None:
    with plugin(Zoo()):
        check_component("architecture/watcher")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "give generator= and discriminator="),
        ({"generator": 3}, "generator is a callable"),
        ({"generator": watcher, "networks": {"G": "g", "D": "d"}}, "built together"),
        ({"build": together, "networks": {"G": "g", "D": "d", "E": "e"}}, "player 'e'.* game="),
        ({"build": together, "game": NoiseGame, "networks": {"G": "g", "E": "E"}}, "gives E to 'E'"),
        ({"build": together, "game": NoiseGame, "networks": {"G": "g@d"}}, "gives G to 'g@d'"),
        ({"build": together, "game": NoiseGame, "networks": {"E": "e@x"}}, "gives E to 'e@x'"),
    ],
)
def test_what_an_architecture_cannot_declare(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        make_entry("architecture", "mine", **declared)
    with pytest.raises(PluginError, match="of architectures"):
        make_entry("loss", "mine", watcher, generator=watcher)


def test_only_an_architecture_with_a_generator_provides_noise() -> None:
    assert "noise" in make_entry("architecture", "mine", generator=watcher).provides
    assert "noise" not in make_entry("architecture", "mine", discriminator=watcher).provides


def test_one_network_by_name() -> None:
    kit = ganzoo.Kit("d", 16, 3, 0, 8)
    made = ganzoo.create("architecture/sngan", kit, ch=4)
    assert isinstance(made, ganzoo.Discriminator)
    with pytest.raises(UsageError, match="no option 'upsample'"):
        ganzoo.create("architecture/sngan", kit, upsample="bilinear")


def test_an_option_that_both_networks_declare_is_one_option() -> None:
    def other(kit: ganzoo.Kit, *, width: int = 9) -> Watcher:
        return Watcher(kit, width)

    entry = make_entry("architecture", "odd", generator=other, discriminator=watcher)
    with pytest.raises(PluginError, match=r"option width .* 9 and 4"):
        entry.options()


class Encoder(nn.Module):
    """Guesses the noise that an image was made from."""

    def __init__(self, kit: ganzoo.Kit) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(kit.channels, 4, 3), kit.norm(4)
        self.guess = nn.Linear(4, kit.z_dim)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Noise of images."""
        return self.guess(self.norm(self.conv(x), y).mean((2, 3)))


class Third(NoiseGame):
    """A game with a player e, who learns to invert G."""

    players = {"d": ("D",), "g": ("G",), "e": ("E",)}  # noqa: RUF012

    def turns(self) -> list[ganzoo.Turn]:
        """D's, G's, and the encoder's."""
        return [*super().turns(), ganzoo.Turn("e", self.encoder_loss)]

    def encoder_loss(self, batch: Any, step: int) -> dict[str, torch.Tensor]:
        """How far off the encoder is on fakes."""
        ctx = self.context(batch, step, "d")
        return {"inversion": (self.gan.E(ctx.fake, ctx.y) - ctx.z).square().mean()}


def with_encoder(g: ganzoo.Kit, d: ganzoo.Kit) -> dict[str, nn.Module]:
    """A third network."""
    return {**together(g, d), "E": Encoder(g)}


def test_a_third_player_learns_and_goes_on_where_it_was(tmp_path: Path) -> None:
    class Encoders:
        @ganzoo.hookimpl
        def register_architectures(self, register: ganzoo.Register) -> None:
            register("encoded", with_encoder, game=Third, networks={"G": "g", "D": "d", "E": "e@g"})

    with plugin(Encoders()):
        tiny(tmp_path / "run", "encoded+sn@g", steps=1)
        resume(tmp_path / "run", steps=3)
        tiny(tmp_path / "whole", "encoded+sn@g", steps=3)
        log = (tmp_path / "run" / "log.jsonl").read_text()
        assert "e/inversion" in log
        state = "training/step-00000003/state.safetensors"
        assert (tmp_path / "run" / state).read_bytes() == (tmp_path / "whole" / state).read_bytes()
        assert set(dict(ganzoo.load(tmp_path / "run").named_children())) == {"G"}


@pytest.mark.parametrize(("player", "has"), [("e@g", True), ("e", False), ("e@d", False)])
def test_a_third_player_takes_the_parts_of_the_side_that_it_names(player: str, has: bool) -> None:
    class Encoders:
        @ganzoo.hookimpl
        def register_architectures(self, register: ganzoo.Register) -> None:
            register("encoded", with_encoder, game=Third, networks={"G": "g", "D": "d", "E": player})

    with plugin(Encoders()):
        gan = build("encoded+sn@g", resolution=16)
        assert gan.players["e"] == ("E",)
        assert any("parametrizations" in name for name, _ in gan.E.named_parameters()) is has


def test_a_game_without_the_declared_player_is_refused_by_name() -> None:
    class Wrong:
        @ganzoo.hookimpl
        def register_architectures(self, register: ganzoo.Register) -> None:
            register("wrong", with_encoder, game=NoiseGame, networks={"G": "g", "D": "d", "E": "e"})

    with plugin(Wrong()), pytest.raises(PluginError, match=r"wrong gives the network E to player e.*d and g"):
        build("wrong", resolution=16)


@pytest.mark.parametrize("recipe", ["sngan:ch=4+dcgan@d:ch=4", "dcgan:ch=4+sngan@d:ch=4+hinge"])
def test_such_a_gan_trains_resumes_loads_and_is_drawn(recipe: str, tmp_path: Path) -> None:
    tiny(tmp_path / "run", recipe, steps=1)
    resume(tmp_path / "run", steps=2)
    tiny(tmp_path / "whole", recipe, steps=2)
    one, two = (contents(tmp_path / run) for run in ("run", "whole"))
    assert one["model.safetensors"] == two["model.safetensors"] and one["config.json"] == two["config.json"]
    assert ganzoo.load(tmp_path / "run").sample(1, seed=0).isfinite().all()
    drawing = tmp_path / "drawn.svg"
    result = CliRunner().invoke(main, ["build", recipe, "--explain", "--draw", str(drawing)])
    assert result.exit_code == 0, result.output
    assert "architecture@g" in result.stdout and "architecture@d" in result.stdout and drawing.exists()
    told = json.loads(CliRunner().invoke(main, ["build", recipe, "--json"]).stdout)
    assert [(s["side"], s["part"]) for s in told["slots"] if s["kind"] == "architecture"] == [
        ("g", recipe.partition(":")[0]),
        ("d", recipe.partition("+")[2].partition("@")[0]),
    ]


def test_a_recipe_error_of_a_sided_word_has_status_2() -> None:
    result = CliRunner().invoke(main, ["build", "dcgan+sngan"])
    assert result.exit_code == 2 and issubclass(RecipeError, UsageError)
