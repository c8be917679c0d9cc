"""What networks are made of: layer tables that add up, and drawings of them."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from ganzoo.gan.builder import build
from ganzoo.registry.loading import registry
from ganzoo.visual.anatomy import anatomy, layers, networks, trace
from ganzoo.visual.diagram import cards, draw, number

SVG = "{http://www.w3.org/2000/svg}"
DAILY = {"acgan", "infogan", "wgan-gp"}  # of presets, whose networks are those of others
HEADS = [
    pytest.param(
        entry.name if entry.complete else f"dcgan+{entry.name}@d",
        id=entry.name,
        marks=[pytest.mark.slow] if kind == "preset" and entry.name not in DAILY else [],
    )
    for kind in ("architecture", "preset")
    for entry in registry().entries(kind)
]


def meta(recipe: str, classes: int = 0, resolution: int = 32):
    return build(recipe, resolution, classes=classes, device="meta")


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("head", HEADS)
def test_every_recipe_has_a_table_that_adds_up_and_a_drawing(head: str) -> None:
    gan = meta(head, classes=10)
    calls = anatomy(gan)
    rows = layers(gan, calls)
    assert list(calls) == ["G", "D"]
    for name, network in networks(gan).items():
        own = [row for row in rows if row.network == name]
        assert sum(row.parameters for row in own) == sum(p.numel() for p in network.parameters())
        assert sum(row.macs for row in own) == calls[name].macs > 0
        assert len({row.name for row in own}) == len(own)
    assert calls["G"].shape == (3, 32, 32) and len(calls["D"].shape) <= 1, "scores of patches at most"
    assert gan.plan.recipe in texts(draw(gan))


def test_arithmetic_of_known_layers() -> None:
    """Counted by hand: outputs times the inputs that each sums over."""
    rows = {row.type: row for row in layers_of(nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 10))}
    assert rows["Conv2d"].macs == 8 * 10 * 10 * 3 * 9 and rows["Conv2d"].parameters == 8 * 27 + 8
    rows = {row.type: row for row in layers_of(nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), (1, 4, 5, 5))}
    assert rows["ConvTranspose2d"].macs == 4 * 5 * 5 * 6 * 16 and rows["ConvTranspose2d"].shape == (6, 10, 10)
    rows = {row.type: row for row in layers_of(nn.Linear(7, 5), (1, 7))}
    assert rows["Linear"].macs == 35


def layers_of(module: nn.Module, shape: tuple[int, ...]):
    root = trace(nn.Sequential(module), (shape,))
    return [call for call in root.walk() if call.module is module]


def test_parameters_between_layers_are_not_lost() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))
            self.linear = nn.Linear(3, 3)
            self.never_called = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(self.scale * x)

    root = trace(nn.Sequential(Scaled()), ((1, 3),))
    scaled, linear = root.children[0], root.children[0].children[0]
    assert (scaled.own_parameters, linear.own_parameters, root.parameters) == (3 + 8, 12, 23)


def test_a_layer_called_twice_counts_its_work_twice_and_its_parameters_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(self.linear(x))

    root = trace(Twice(), ((1, 3),))
    assert root.macs == 18 and root.parameters == 12
    assert [call.parameters for call in root.children] == [12, 0]


def test_looking_changes_nothing() -> None:
    gan = build("dcgan:ch=4+sn+sa", 16)
    gan.D.eval()
    before = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    modes = [module.training for module in gan.modules()]
    layers(gan)
    draw(gan)
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items())
    assert [module.training for module in gan.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in gan.modules())


def test_a_network_on_any_device_has_one_table() -> None:
    assert layers(build("dcgan:ch=4+sn+sa", 16)) == layers(build("dcgan:ch=4+sn+sa", 16, device="meta"))


def test_attention_counts_its_matrix_products() -> None:
    rows = {row.name: row for row in layers(meta("dcgan+sa@g,16")) if row.network == "G"}
    (name,) = [name for name, row in rows.items() if row.type == "SelfAttention"]
    positions, keys = 16 * 16, 8 * 8
    assert rows[name].macs == positions * keys * (64 // 8) + positions * keys * (64 // 2)
    assert rows[name].parameters == 1


def test_cards_carry_the_parts_of_the_recipe() -> None:
    gan = meta("sngan-cond+sa+sn", classes=10)
    calls = anatomy(gan)
    totals = {name: call.parameters for name, call in calls.items()}
    found = cards(gan, "G", calls["G"])
    chips = {chip for card in found for chip in card.chips}
    assert chips == {("normalization", "cbn"), ("weight", "sn")}
    kinds = [card.kind for card in found]
    assert kinds.count("attention") == 1 and kinds[0] == "linear" and kinds[-1] == "convolution"
    judge = cards(gan, "D", calls["D"])
    assert judge[-1].kind == "head" and judge[-1].call.type == "ProjectionHead"
    for name, cards_ in (("G", found), ("D", judge)):
        assert sum(card.call.parameters for card in cards_) == totals[name]


def test_empty_slots_are_not_drawn() -> None:
    gan = meta("dcgan+normalization/none+attention/none")
    for name in ("G", "D"):
        assert not any(card.chips for card in cards(gan, name, anatomy(gan)[name]))


def test_the_drawing_says_what_matters() -> None:
    svg = draw(meta("dcgan+sn@d+hinge+r1", classes=0))
    words = texts(svg)
    assert "dcgan+sn@d+hinge+r1" in words and "loss hinge · regularizer r1" in words
    assert "128 \u00d7 8 \u00d7 8" in words and "z 128" in words
    assert {"bn", "sn"} <= set(words)
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    width, height = int(root.get("width")), int(root.get("height"))
    for box in root.iter(f"{SVG}rect"):
        left, top = float(box.get("x", 0)), float(box.get("y", 0))
        assert 0 <= left <= left + float(box.get("width")) <= width
        assert 0 <= top <= top + float(box.get("height")) <= height


def test_text_is_escaped() -> None:
    gan = meta("dcgan")
    gan.plan = replace(gan.plan, recipe="<script>&\"'")
    svg = draw(gan)
    assert "<script>" not in svg and "<script>&\"'" in texts(svg)


def test_a_drawing_is_the_same_every_time() -> None:
    assert draw(meta("gan")) == draw(meta("gan"))


def test_networks_of_unknown_kinds_are_left_out() -> None:
    gan = build("dcgan:ch=4", 16)
    gan.G = nn.Linear(3, 3)
    assert list(anatomy(gan)) == ["D"] and draw(gan).count("<svg") == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (66_048, "66 k"), (4_276_739, "4.28 M"), (10**11, "100 G")],
)
def test_counts_for_people(count: int, text: str) -> None:
    assert number(count) == text
    assert re.fullmatch(r"[\d.]+( [kMG])?", text)
