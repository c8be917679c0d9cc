"""``ganzoo.testing``: what is wrong with a part is found, and pytest runs the checks."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.architectures.dcgan import discriminator, generator
from ganzoo.errors import PluginError, UnknownPart
from ganzoo.losses.adversarial.hinge import Hinge
from ganzoo.parts.output import Output
from ganzoo.registry.entry import Plugin
from ganzoo.registry.hookspecs import HOOKS, OLD_HOOKS
from ganzoo.registry.loading import register, registry
from ganzoo.registry.lookup import Registry
from ganzoo.registry.recipe import kind_of
from ganzoo.testing import Check, check_component, checks, plugin
from ganzoo.testing.partners import partners
from ganzoo.testing.suite import SUITE


def inline(kind: str, build: Any, name: str = "wrong", **declarations: Any) -> Any:
    """A plugin with one part called ``wrong``, or ``name``."""

    @ganzoo.hookimpl
    def hook(register: ganzoo.Register) -> None:
        register(name, build, **declarations)

    return type("Hooks", (), {{**HOOKS, **OLD_HOOKS}[kind]: staticmethod(hook)})()


class UpsideDown:
    """Higher scores mean less real."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(real).mean() - critic(fake).mean()

    def g(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(fake).mean()


class NotScalar(UpsideDown):
    """A loss for each image."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(fake) - critic(real)


class Overflows:
    """Infinite at scores that happen."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return (critic(fake).exp() + (-critic(real)).exp()).mean()

    def g(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return (-critic(fake)).exp().mean()


class Negative:
    """A reward for steep critics."""

    def __init__(self, *, weight: float = 1.0, every: int = 1) -> None:
        self.weight, self.every = weight, every

    def __call__(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return -self.weight * critic(real).square().mean()


class Unweighted(Negative):
    """It forgets its weight."""

    def __call__(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(real).square().mean()


class Deaf(nn.Module):
    """A norm that needs labels and does not listen to them."""

    def __init__(self, channels: int, y_dim: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class Shrinks(nn.Module):
    """An attention that loses pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:]


class BadMap(nn.Module):
    """An attention whose rows do not sum to one."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x

    def attention_map(self, x: Tensor) -> Tensor:
        return torch.ones(len(x), x.shape[2] * x.shape[3], 4)


def unlearnable(module: nn.Module) -> None:
    """Put the weight where no optimiser finds it."""
    weight = module.weight.detach().clone()
    del module.weight
    module.register_buffer("weight", weight)
    module.unused = nn.Parameter(torch.zeros(1))


class Restless(Hinge):
    """A loss that draws numbers which nobody seeds."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return super().d(critic, real, fake) * (1 + random.SystemRandom().random())


class Forgetful(Hinge):
    """A loss that counts its turns where no checkpoint looks."""

    def __init__(self) -> None:
        self.turns = 0

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        self.turns += 1
        return super().d(critic, real, fake) * self.turns


class Narrow(Hinge):
    """A loss that only works where features are maps."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        features = critic.output(real).features if hasattr(critic, "output") else torch.ones(1, 1, 1, 1)
        return super().d(critic, real, fake) + 0 * features.mean(3).mean()


class Fussy(Hinge):
    """A loss that divides by its option."""

    def __init__(self, *, margin: float = 1.0) -> None:
        self.scale = 1 / margin


class LeftBehind(nn.Module):
    """An attention with a tensor that no device move finds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = torch.ones(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Volatile(nn.Module):
    """An attention with a buffer that is not saved."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(channels, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Double(nn.Module):
    """An attention in another type."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(channels, 1, 1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.float()


class Blind:
    """An augmentation that shows less of the images."""

    def images(self, x: Tensor, round: Any) -> Tensor:
        return x[:, :, 1:]


def spare_parameter(g: Any, d: Any) -> dict[str, nn.Module]:
    """Networks of which one has a parameter too many."""
    networks = {"G": generator(g, ch=8), "D": discriminator(d, ch=8)}
    networks["G"].spare = nn.Parameter(torch.zeros(1))
    return networks


def deep_scores(g: Any, d: Any) -> dict[str, nn.Module]:
    """A critic whose scores have three dimensions."""
    networks = {"G": generator(g, ch=8), "D": discriminator(d, ch=8)}
    networks["D"].register_forward_hook(lambda module, x, said: Output(said.scores[:, None, None], said.features))
    return networks


def wrong_size(g: Any, d: Any) -> dict[str, nn.Module]:
    """A generator of images that are too small, and a critic that does not mind."""
    networks = {"G": generator(g, ch=8), "D": discriminator(d, ch=8)}
    networks["G"].register_forward_hook(lambda module, x, made: made[:, :, ::2, ::2])
    networks["D"].register_forward_pre_hook(lambda module, x: (nn.functional.interpolate(x[0], 16), *x[1:]))
    return networks


class Undocumented:
    d = g = UpsideDown.g


@pytest.mark.parametrize(
    ("kind", "build", "declarations", "what"),
    [
        ("loss", UpsideDown, {}, "D's loss falls when the scores of real images rise"),
        ("loss", NotScalar, {}, "scalar"),
        ("loss", Overflows, {}, "finite"),
        ("loss", Undocumented, {}, "docstring"),
        ("penalty", Negative, {}, "at least 0"),
        ("penalty", Unweighted, {}, "twice the weight"),
        ("normalization", Deaf, {"requires": {"label"}}, "depends on y"),
        ("attention", Shrinks, {}, "keeps the shape"),
        ("attention", BadMap, {}, "sum to one"),
        ("weight", unlearnable, {}, "gets a gradient"),
        ("loss", Restless, {}, "two trainings from one seed are equal"),
        ("loss", Forgetful, {}, "turn d is the same from a state"),
        ("loss", Narrow, {}, "loss/wrong stumbles at test_testing.py"),
        ("loss", Fussy, {}, "wrong:margin=0 is refused in a sentence or trains: ZeroDivisionError"),
        ("attention", LeftBehind, {}, "LeftBehind.scale moves with it"),
        ("attention", Volatile, {}, "persistent"),
        ("attention", Double, {}, "is float32"),
        ("architecture", spare_parameter, {}, "G.spare gets a gradient"),
        ("architecture", deep_scores, {}, "scores of D are (4,) or (4, P), not (4, 1, 1)"),
        ("architecture", wrong_size, {}, "draws images"),
        ("augment", Blind, {}, "keeps the shape"),
    ],
)
def test_what_is_wrong_is_found(kind: str, build: Any, declarations: dict[str, Any], what: str) -> None:
    with plugin(inline(kind, build, **declarations)), pytest.raises(AssertionError) as caught:
        check_component("wrong")
    assert f"{kind_of(kind)}/wrong" in str(caught.value) and what in str(caught.value)


@pytest.mark.parametrize(
    ("declarations", "what"),
    [
        ({"implies": ("nothing-like-it",)}, "nothing-like-it"),
        ({"fallback": "nothing-like-it"}, "nothing-like-it"),
        ({"train": {"lr.gg": 1}}, "lr.g"),
        ({"train": {"lr.g": "fast"}}, "lr.g"),
    ],
)
def test_declarations_must_name_what_exists(declarations: dict[str, Any], what: str) -> None:
    with plugin(inline("loss", UpsideDown, **declarations)), pytest.raises(AssertionError, match=what):
        check_component("wrong")


# --- among which parts --------------------------------------------------------------------------------------


def installed_package(folder: Path, name: str, *requires: str) -> None:
    """What importlib.metadata knows of a package."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {one}" for one in requires)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


def crashes(g: Any, d: Any) -> dict[str, nn.Module]:
    """Somebody's architecture, which can be built and no more."""

    def crash(*seen: Any) -> None:
        raise RuntimeError("nothing works today")

    networks = {"G": generator(g, ch=8), "D": discriminator(d, ch=8)}
    networks["D"].register_forward_hook(crash)
    return networks


def check_composes(found: list[Check]) -> None:
    """That a part works with all others."""
    (run,) = (check.run for check in found if check.id.endswith("-composes"))
    run()


def test_a_stranger_decides_nothing_about_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def package(name: str, kind: str, part: str, build: Any, **declarations: Any) -> Plugin:
        return Plugin(name, name, "1.0", register(inline(kind, build, part, **declarations), name, name, "1.0"))

    installed_package(tmp_path, "mine", "torch>=2", "Their.Package")
    installed_package(tmp_path, "their-package")
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = package("mine", "loss", "soft", Hinge)
    theirs = package("their-package", "loss", "hard", Hinge)
    odd = package("odd", "architecture", "broken", crashes)
    failed = Plugin("failed", "failed", "1.0", error="no such module")
    known = Registry([*registry().plugins, mine, theirs, odd, failed])
    monkeypatch.setattr("ganzoo.registry.loading.installed", lambda: known)
    assert {plugin.distribution for plugin in partners(mine.entries[0]).plugins} == {
        "ganzoo-core",
        "mine",
        "their-package",
    }
    assert partners(known.find("hinge")).plugins == known.plugins[:1]
    assert partners(odd.entries[0]).plugins == (known.plugins[0], odd)
    check_composes(checks("soft"))
    with pytest.raises(AssertionError, match=r"architecture/broken.* cannot be trained: RuntimeError: nothing"):
        check_composes(checks("soft", everything=True))
    assert registry() is known


# --- the checks as tests of pytest --------------------------------------------------------------------------

pytest_plugins = ["pytester"]


@pytest.fixture
def upside_down() -> Any:
    """A plugin of two parts, one of them wrong."""

    class Hooks:
        @staticmethod
        @ganzoo.hookimpl
        def register_losses(register: ganzoo.Register) -> None:
            register("wrong", UpsideDown)

        @staticmethod
        @ganzoo.hookimpl
        def register_presets(register: ganzoo.Register) -> None:
            register("fine", "dcgan+hinge")

    with plugin(Hooks(), "ganzoo-upside-down"):
        yield


def test_checks_are_listed_by_part_and_by_package(upside_down: Any) -> None:
    ids = [check.id for check in checks("wrong")]
    assert {"loss/wrong-gradients", "loss/wrong-resume", "loss/wrong-bf16", "loss/wrong-composes"} <= set(ids)
    assert ids == [check.id for check in checks("loss/wrong")]
    everything = [check.id for check in checks("Ganzoo_Upside.Down")]
    assert set(ids) < set(everything) and "preset/fine-training" in everything
    with pytest.raises(UnknownPart, match=r"no part, plugin or distribution is called 'wrogn'; nearest: wrong"):
        checks("wrogn")


def test_a_plugin_that_failed_to_load_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Plugin("broken", "ganzoo-broken", "1.0", error="no such module")
    monkeypatch.setattr("ganzoo.testing.suite.registry", lambda: Registry([broken]))
    with pytest.raises(PluginError, match="broken of ganzoo-broken cannot be used: no such module"):
        checks("ganzoo-broken")


def test_pytest_runs_the_checks_beside_the_tests_that_are_named(upside_down: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_own(): pass")
    alone = pytester.runpytest_inprocess("--ganzoo", "wrong", "-k", "wrong-shapes or gradients or own", "-v")
    alone.assert_outcomes(passed=1, failed=1, deselected=len(checks("wrong")) - 2)
    alone.stdout.fnmatch_lines(["*ganzoo::loss/wrong-shapes PASSED*", "loss/wrong: D's loss falls when the scores *"])
    assert "Traceback" not in alone.stdout.str() and "test_own" not in alone.stdout.str()
    both = pytester.runpytest_inprocess("--ganzoo=loss/wrong", "--ganzoo=wrong", "-k", "shapes or own", ".")
    both.assert_outcomes(passed=2, deselected=len(checks("wrong")) - 1)


def test_a_crash_is_shown_with_its_traceback(pytester: pytest.Pytester) -> None:
    with plugin(inline("loss", Fussy)):
        result = pytester.runpytest_inprocess("--ganzoo", "wrong", "-k", "ranges")
    result.assert_outcomes(failed=1, deselected=len(SUITE["loss"]) - 1)
    result.stdout.fnmatch_lines(["*self.scale = 1 / margin*", "E *loss/wrong: *margin=0*ZeroDivisionError*"])


def test_pytest_says_what_is_not_there(pytester: pytest.Pytester) -> None:
    refused = pytester.runpytest_inprocess("--ganzoo", "hinje")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["ERROR: --ganzoo: no part, plugin or distribution is called 'hinje'; nearest: hinge*"]
    )


def test_a_check_that_cannot_be_done_here_is_skipped(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--ganzoo", "dataset/hf", "-k", "shapes or refusal")
    result.assert_outcomes(passed=1, skipped=1, deselected=3)


def test_the_helper_makes_a_test_of_each_check(upside_down: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from ganzoo.testing import conformance

        @conformance("wrong", "preset/fine")
        def test_it(check):
            check()
        """
    )
    result = pytester.runpytest_inprocess("-k", "declarations or gradients", "-v")
    result.assert_outcomes(passed=3, failed=1, deselected=len(checks("wrong")) + len(checks("preset/fine")) - 4)
    result.stdout.fnmatch_lines(["*test_it?loss/wrong-gradients? FAILED*"])


def test_pytest_elsewhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "def test_own(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('ganzoo')\n"
        "    assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'numpy', 'timm')]\n"
        "    assert 'ganzoo.testing' not in sys.modules and 'ganzoo.registry.lookup' not in sys.modules\n"
    )
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", str(tmp_path)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
