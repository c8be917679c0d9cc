"""``ganzoo.register``: parts of a notebook, without a package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from notebook_parts import Mine, forget
from tiny_runs import Labelled

import ganzoo
from ganzoo.cli import main
from ganzoo.data import ImageData
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.gan.gan import GAN
from ganzoo.metrics import Experiment, Instrument, version_digest


class Better(Mine):
    """The same, after another look at it."""

    def __init__(self, *, margin: float = 2.0) -> None:
        super().__init__(weight=margin)


class Odd(Mine):
    """Has an option that no recipe could hold."""

    def __init__(self, *, weight: object) -> None:
        super().__init__()


class Brightness(Experiment):
    """How bright the images of a model are."""

    def instrument(self, resolution: int) -> Instrument:
        return Instrument("eye", resolution, version_digest("eye", 1))

    def check(self, gan: GAN, data: ImageData) -> None:
        """Any model will do."""

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, float]:
        return {"brightness": float(gan.sample(n, seed=seed).mean())}


class Trunk(torch.nn.Module):
    def __init__(self, kit: ganzoo.Kit) -> None:
        super().__init__()
        self.linear, self.image = torch.nn.Linear(kit.latent, kit.image[0] * kit.height * kit.width), kit.image

    def forward(self, h: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return self.linear(h).tanh().view(-1, *self.image)


def little(kit: ganzoo.Kit) -> ganzoo.Generator:
    """A generator of mine."""
    return ganzoo.Generator(kit, Trunk(kit))


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """What a test registers is forgotten afterwards."""
    yield
    forget()


def test_a_loss_of_a_notebook_is_a_part_like_any_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ganzoo.register("loss", "mine", Mine, aliases=("ours",))
    assert "mine" in ganzoo.list("loss") and ganzoo.info("ours").summary == "A loss of mine."
    run = ganzoo.train(
        "gan+mine:weight=2", data=Labelled(20), out=tmp_path / "run", steps=1, settings={"batch": 4}, resolution=16
    )
    assert "loss/mine: registered in this program alone" in caplog.text
    assert ganzoo.load(run.folder).sample(1, seed=0).shape[0] == 1
    assert ganzoo.create("mine", weight=3).weight == 3
    assert CliRunner().invoke(main, ["info", "mine"]).stdout.startswith("mine: loss of this program\n")


@pytest.mark.parametrize(
    ("kind", "name", "declarations"),
    [
        ("architecture", "little", {"generator": little}),
        ("architectures", "little", {"generator": little}),
        ("preset", "mine", {"part": "dcgan+hinge"}),
        ("penalty", "mine", {"part": Mine}),
        ("metric", "mine", {"part": Mine}),
    ],
)
def test_every_kind_can_be_registered(kind: str, name: str, declarations: dict[str, Any]) -> None:
    ganzoo.register(kind, name, **declarations)
    assert name in ganzoo.list(kind) and not ganzoo.info(name).packaged


def test_a_generator_of_a_notebook_draws() -> None:
    ganzoo.register("architecture", "little", generator=little)
    assert ganzoo.build("dcgan:ch=4+little@g", resolution=16).sample(2, seed=0).shape == (2, 3, 16, 16)


def test_a_metric_of_a_notebook_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    ganzoo.register("metric", "brightness", Brightness, requires={"model"})
    gan = ganzoo.build("gan", resolution=16, channels=1)
    (score,) = ganzoo.evaluate(gan, Labelled(20), metrics=["brightness"], n=4)
    assert score.value == pytest.approx(float(gan.sample(4, seed=0).mean()))


def test_a_cell_that_is_run_again_replaces_its_part() -> None:
    ganzoo.register("loss", "mine", Mine)
    ganzoo.register("loss", "mine", Better)
    assert ganzoo.create("mine").weight == 2.0 and ganzoo.list("loss").count("mine") == 1


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("lossy", "mine", Mine), UsageError, "no kind called 'lossy'; nearest: loss"),
        (("loss", "hinge", Mine), UsageError, "loss/hinge is a part of ganzoo-core"),
        (("loss", "wgan+x", Mine), PluginError, "cannot be the name"),
        (("loss", "mine", 3), PluginError, "build is a callable"),
        (("loss", "mine"), PluginError, "build is a callable"),
        (("loss", "mine", Odd), GanzooError, "weight"),
        (("preset", "mine", "dcgan++"), PluginError, "preset/mine"),
    ],
)
def test_what_cannot_be_a_part_is_refused_when_it_is_registered(
    arguments: tuple[Any, ...], kind: type[GanzooError], said: str
) -> None:
    before = ganzoo.list()
    with pytest.raises(kind, match=said):
        ganzoo.register(*arguments)
    assert ganzoo.list() == before


def test_an_alias_of_another_part_is_refused() -> None:
    ganzoo.register("loss", "mine", Mine, aliases=("ours",))
    with pytest.raises(UsageError, match="loss/ours is a part of this program already"):
        ganzoo.register("loss", "ours", Mine)
