"""What documents and plugins of 0.1.0 name still works, with one warning that says what to write."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module
from typing import Any, ClassVar

import pytest
import torch

import ganzoo
from ganzoo.compat import lookup
from ganzoo.compat.table import ATTRIBUTES, MODULES, NAMES
from ganzoo.testing import plugin

DOCUMENTED = {  # by the README, the changelog, the templates, and the READMEs and docstrings of the plugins
    "ganzoo.Round": "ganzoo.TurnContext",
    "ganzoo.cli.page.serve": "ganzoo.cli.kit.serve",
    "ganzoo.data.dataset.ImageData": "ganzoo.data.ImageData",
    "ganzoo.data.dataset.MemoryImages": "ganzoo.data.MemoryImages",
    "ganzoo.errors.DataError": "ganzoo.DataError",
    "ganzoo.errors.ResolutionError": "ganzoo.ResolutionError",
    "ganzoo.errors.within": "ganzoo.within",
    "ganzoo.games.Contest": "ganzoo.Adversary",
    "ganzoo.kit.LinearHead": "ganzoo.parts.LinearHead",
    "ganzoo.kit.whole": "ganzoo.parts.gather",
    "ganzoo.layers.activation.relu_after": "ganzoo.layers.relu_after",
    "ganzoo.local.LocalServer": "ganzoo.cli.kit.LocalServer",
}
USED = {  # by the plugins that were shipped
    "ganzoo.checkpoint.write_tensors": "ganzoo.cli.kit.write_tensors",
    "ganzoo.data.collect.Pictures": "ganzoo.data.Pictures",
    "ganzoo.data.collect.collect": "ganzoo.data.collect_pictures",
    "ganzoo.data.named.choose_split": "ganzoo.data.choose_split",
    "ganzoo.data.progress.progress": "ganzoo.data.progress_bar",
    "ganzoo.files.atomic": "ganzoo.cli.kit.atomic",
    "ganzoo.files.make_folder": "ganzoo.cli.kit.make_folder",
    "ganzoo.folder.quoted": "ganzoo.cli.kit.quoted",
    "ganzoo.folder.read_tensors": "ganzoo.cli.kit.read_tensors",
    "ganzoo.games.contest.Contest": "ganzoo.Adversary",
    "ganzoo.gan.GAN": "ganzoo.GAN",
    "ganzoo.gan.Batch": "ganzoo.Batch",
    "ganzoo.gan.Game": "ganzoo.Game",
    "ganzoo.gan.Round": "ganzoo.TurnContext",
    "ganzoo.gan.Turn": "ganzoo.Turn",
    "ganzoo.inputs.LONGEST_TEXT": "ganzoo.data.LONGEST_TEXT",
    "ganzoo.inputs.SOURCE": "ganzoo.parts.SOURCE",
    "ganzoo.inputs.decode": "ganzoo.data.decode_text",
    "ganzoo.inputs.encode": "ganzoo.data.encode_text",
    "ganzoo.inputs.signed": "ganzoo.data.signed",
    "ganzoo.kit.Conditioning": "ganzoo.Conditioning",
    "ganzoo.kit.Discriminator": "ganzoo.Discriminator",
    "ganzoo.kit.Generator": "ganzoo.Generator",
    "ganzoo.kit.Kit": "ganzoo.Kit",
    "ganzoo.kit.Output": "ganzoo.Output",
    "ganzoo.kit.Unchanged": "ganzoo.layers.Unchanged",
    "ganzoo.kit.here": "ganzoo.parts.world",
    "ganzoo.kit.whole_draw": "ganzoo.parts.global_draw",
    "ganzoo.kit.whole_mean": "ganzoo.parts.global_mean",
    "ganzoo.pictures.grid": "ganzoo.cli.kit.grid",
    "ganzoo.pictures.to_uint8": "ganzoo.data.to_uint8",
    "ganzoo.plan.Plan": "ganzoo.plan.plan.Plan",
    "ganzoo.registrations.cache_folder": "ganzoo.registry.cache.cache_folder",
    "ganzoo.registry.registry": "ganzoo.registry.loading.registry",
    "ganzoo.scores.read_scores": "ganzoo.folder.scores.read_scores",
    "ganzoo.scoring.evaluate": "ganzoo.evaluate",
    "ganzoo.seeding.derive": "ganzoo.data.derive",
    "ganzoo.training.precision.choose_device": "ganzoo.machine.precision.choose_device",
    "ganzoo.verdicts.verify": "ganzoo.scoring.verify.verify",
    "ganzoo.walks.slerp": "ganzoo.gan.priors.slerp",
    "ganzoo.whole.World": "ganzoo.distributed.batch.World",
}


def named(path: str) -> Any:
    """What ``from module import name`` gives."""
    module, _, name = path.rpartition(".")
    space: dict[str, Any] = {}
    exec(f"from {module} import {name}", space)
    return space[name]


@pytest.mark.parametrize(("old", "new"), {**DOCUMENTED, **USED, **NAMES}.items())
def test_an_old_name_is_the_new_one(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "seen", set())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert named(old) is named(new)
        assert named(old) is named(old)
    said = [str(warning.message) for warning in told if issubclass(warning.category, DeprecationWarning)]
    module, _, name = old.rpartition(".")
    assert len(said) == (0 if name in vars(import_module(module)) else 1), said  # what is where it was says nothing
    assert all(old in text and f"import {new.rpartition('.')[2]}" in text for text in said)
    assert all(warning.filename == "<string>" for warning in told), "the line that asked is not the one blamed"


@pytest.mark.parametrize("module", MODULES)
def test_an_old_module_is_found_and_leads_to_modules_that_are_there(module: str) -> None:
    assert import_module(module)
    for place in MODULES[module].split():
        assert import_module(place).__name__ == place
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'no_such_name'"):
        _ = import_module(module).no_such_name
    with pytest.raises(ImportError):
        named(f"{module}.no_such_name")


def test_what_never_was_is_still_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"ganzoo\.no_such_module"):
        import_module("ganzoo.no_such_module")
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = ganzoo.no_such_name


@pytest.mark.slow
def test_modules_of_today_are_no_old_names() -> None:
    """``from ganzoo.registry import hookspecs`` asks for a module, and is told nothing."""
    script = "from ganzoo.registry import hookspecs, options\nfrom ganzoo.plan import settings\nimport ganzoo.gan.kit"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_old_name_warns_in_a_script_and_imports_nothing_before_it_is_used() -> None:
    script = "import sys, ganzoo.kit\nassert 'torch' not in sys.modules\nfrom ganzoo.kit import Kit\nKit"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "from ganzoo import Kit" in done.stderr, done.stderr


def test_adversaries_have_their_old_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = ganzoo.build("dcgan:ch=4+hinge", resolution=16, channels=1, settings={"batch": 2})
    old = {name.partition(".")[2]: new for name, new in ATTRIBUTES.items() if name.startswith("Adversary.")}
    adversary = ganzoo.Adversary(gan)
    for name, new in old.items():
        monkeypatch.setattr(lookup, "seen", set())
        with pytest.warns(DeprecationWarning, match=f"Adversary.{name} is .* write: Adversary.{new}"):
            assert getattr(adversary, name) == getattr(adversary, new)
    with pytest.raises(AttributeError, match="'Adversary' object has no attribute 'verdict'"):
        _ = adversary.verdict
    trainer = ganzoo.Trainer(gan, 0, 1)
    with pytest.warns(DeprecationWarning, match=r"Trainer.round is .* write: Trainer.train_step") as told:
        trainer.round([{"image": torch.zeros(2, 1, 16, 16)}] * trainer.batches_per_step)
    assert trainer.step == 1 and told[0].filename == __file__


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_game_of_before_plays() -> None:
    """A game as plugins of 0.1.0 wrote it: its contest judges and answers rounds."""
    from ganzoo.games import Contest

    from ganzoo.gan import GAN, Game, Turn

    class OldGame(Game):
        players: ClassVar[dict[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}

        def __init__(self, gan: GAN) -> None:
            super().__init__(gan)
            self.contest = Contest(gan)

        def turns(self) -> list[Turn]:
            return [Turn("d", self.judge, after=self.contest.after), Turn("g", self.create)]

        def judge(self, batch: Any, step: int) -> Any:
            return self.contest.judge(self.round(batch, step, "d"))

        def create(self, batch: Any, step: int) -> Any:
            return self.contest.answer(self.round(batch, step, "g"))

        def round(self, batch: Any, step: int, side: str) -> Any:
            z = self.gan.G.prior(2, torch.default_generator)
            return self.contest.round(batch, step, side, batch["image"], z, self.gan.G)

    gan = ganzoo.build("dcgan:ch=4+hinge", resolution=16, channels=1, settings={"batch": 2})
    batch = {"image": torch.rand(2, 1, 16, 16) * 2 - 1}
    torch.manual_seed(0)
    old = [turn.loss(batch, 0) for turn in OldGame(gan).turns()]
    torch.manual_seed(0)
    new = [turn.loss(batch, 0) for turn in gan.turns()]
    for ours, theirs in zip(new, old, strict=True):
        assert ours.keys() == theirs.keys() and all(ours[name].equal(theirs[name]) for name in ours)


def test_the_finder_is_asked_last_and_once() -> None:
    finders = [type(finder).__name__ for finder in sys.meta_path]
    assert finders.count("OldModules") == 1
    lookup.install()
    assert [type(finder).__name__ for finder in sys.meta_path] == finders
    assert lookup.OldModules().find_spec("ganzoo.gan.kit") is None


def test_a_game_says_what_it_takes_in_the_words_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "seen", set())
    with pytest.warns(DeprecationWarning, match=r"Old\.takes is .* write: Old\.inputs") as told:

        class Old(ganzoo.NoiseGame):
            takes = frozenset({"z", "text"})

    assert Old.inputs == {"z", "text"} and told[0].filename == __file__
    gan = ganzoo.build("dcgan:ch=4+hinge", resolution=16, channels=1)
    with pytest.warns(DeprecationWarning, match=r"GAN\.takes is .* write: GAN\.input_names") as told:
        assert gan.takes == gan.input_names == {"z"}
    assert told[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"Game\.takes is .* write: Game\.inputs"):
        assert gan.game.takes == {"z"}


def test_a_declaration_of_before_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "seen", set())

    class Hooks:
        @ganzoo.hookimpl
        def register_penalties(self, register: ganzoo.Register) -> None:
            register("old", lambda: None, flavour="gradient")

    said = r"register\(\.\.\., flavour=\) .* write: family="
    with pytest.warns(DeprecationWarning, match=said) as told, plugin(Hooks()) as registry:
        assert registry.find("old").family == "gradient"
    assert told[0].filename == __file__
