"""Architecture diagrams: one column for each network, one card for each block, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

import torch
from torch import nn

from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.plan.plan import Slot
from ganzoo.visual.anatomy import Call, anatomy

COLUMN, GUTTER, MARGIN = 400, 56, 28
CARD, GAP, PILL = 66, 14, 28
TOP = 128
TIMES = "\u00d7"
CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (*CONVS, nn.Linear, nn.Embedding)
COLOURS = {
    "convolution": "#3b82c4",
    "linear": "#64748b",
    "attention": "#8b5cf6",
    "normalization": "#3f9b6c",
    "head": "#d97706",
    "other": "#a3a9b4",
}
CHIPS = {"normalization": "#3f9b6c", "weight": "#b4529b", "attention": "#8b5cf6"}
STYLE = (
    "text{font-family:Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;fill:#1f2937;font-size:12px}"
    ".h1{font-size:21px;font-weight:600}.h2{font-size:15px;font-weight:600}.title{font-size:13px;font-weight:600}"
    ".dim{fill:#6b7280}.small{font-size:11px}.end{text-anchor:end}.mid{text-anchor:middle}.chip{fill:#fff;font-size:11px}"
)


@dataclass
class Card:
    """One block of a network as it is drawn.

    Attributes:
        call: the block.
        kind: a key of ``COLOURS``.
        chips: pairs of slot kind and the name of the part in it.
    """

    call: Call
    kind: str
    chips: list[tuple[str, str]] = field(default_factory=list)


def draw(gan: GAN) -> str:
    """An SVG picture of every network of ``gan``; a ``meta`` one will do.

    Each card names a block, its output's channels, height and width, its parameters and multiply-accumulates (see
    :mod:`ganzoo.visual.anatomy`), the layers in it that hold weights, and as chips the parts that the recipe put there.
    """
    columns = anatomy(gan)
    sheet = Sheet()
    bottoms = [
        _column(sheet, gan, name, root, MARGIN + index * (COLUMN + GUTTER))
        for index, (name, root) in enumerate(columns.items())
    ]
    if list(columns) == ["G", "D"]:
        _wire(sheet, bottoms[0])
    width = 2 * MARGIN + len(columns) * COLUMN + (len(columns) - 1) * GUTTER
    height = max(bottoms, default=TOP) + 52
    _heading(sheet, gan)
    _legend(sheet, height - 22)
    return sheet.svg(width, height)


def number(count: int) -> str:
    """A count for people: ``999``, ``66.0 k``, ``4.28 M``, ``1.17 G``."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count / size < 100 else f"{count / size:.0f} {unit}"
    return str(count)


def shape_text(shape: tuple[int, ...]) -> str:
    """``128 × 16 × 16``; a single number is ``1``."""
    return f" {TIMES} ".join(map(str, shape)) or "1"


def cards(gan: GAN, network: str, root: Call) -> list[Card]:
    """The blocks of a network in the order of their calls.

    The network, its trunk and plain containers are opened; a norm that follows a single layer becomes a chip of it.
    """
    side = "d" if network in gan.critics else "g"
    labels = _labels(gan, side)
    found: list[Card] = []
    for call in _blocks(root):
        if type(call.module) in labels and found and not found[-1].call.children and found[-1].call.macs:
            found[-1].chips.append(labels[type(call.module)])
            found[-1].call.parameters += call.parameters
        else:
            found.append(Card(call, _kind(call, labels), _chips(gan, side, call, labels)))
    return found


def _blocks(call: Call) -> Iterator[Call]:
    for child in call.children:
        opened = child.name == "trunk" or isinstance(child.module, (nn.Sequential, nn.ModuleList))
        if opened and child.children:
            yield from _blocks(child)
        elif not child.idle:
            yield child


def _labels(gan: GAN, side: str) -> dict[type, tuple[str, str]]:
    """Which class of module stands for which part, found by building each part once without memory."""
    found: dict[type, tuple[str, str]] = {}
    for slot in (*gan.plan.parts("attention", side), *gan.plan.parts("normalization", side)):
        for labelled in (True, False):
            if slot.entry is not None:
                name = slot.name if labelled else f"{slot.name} without y"
                found.setdefault(_probe(slot, gan.classes if labelled else 0), (slot.kind, name))
    return found


def _probe(slot: Slot, classes: int) -> type:
    assert slot.entry is not None
    context = (64, classes) if slot.kind == "normalization" else (64,)
    with torch.device("meta"):
        return type(slot.entry.load()(*context, **slot.options))


def _kind(call: Call, labels: dict[type, tuple[str, str]]) -> str:
    if type(call.module) in labels:
        return labels[type(call.module)][0]
    if call.name == "head" or call.name.startswith("head."):
        return "head"
    inside = [inner.module for inner in call.walk()]
    if any(isinstance(module, CONVS) for module in inside):
        return "convolution"
    return "linear" if any(isinstance(module, nn.Linear) for module in inside) else "other"


def _chips(gan: GAN, side: str, call: Call, labels: dict[type, tuple[str, str]]) -> list[tuple[str, str]]:
    inner = list(call.walk())[1:]
    chips = [labels[type(part.module)] for part in inner if type(part.module) in labels]
    weight = gan.plan.slot("weight", side)
    if weight.entry is not None and any(isinstance(part.module, WEIGHTED) for part in (call, *inner)):
        chips.append(("weight", weight.name))
    return list(dict.fromkeys(chips))


def _layer(call: Call) -> str:
    """``Conv2d 3×3``, ``Conv2d 4×4 stride 2``, ``Linear``."""
    size = getattr(call.module, "kernel_size", None)
    if not isinstance(size, tuple):
        return call.type
    stride = max(getattr(call.module, "stride", (1,)))
    return f"{call.type} {TIMES.join(map(str, size))}" + (f" stride {stride}" if stride > 1 else "")


def _inside(call: Call) -> str:
    """The weighted layers within a block, equal ones counted."""
    names = [_layer(inner) for inner in call.walk() if isinstance(inner.module, WEIGHTED) and inner is not call]
    return " · ".join(f"{names.count(name)} {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names))


def _column(sheet: Sheet, gan: GAN, name: str, root: Call, x: int) -> int:
    """Draw one network at ``x``; returns where it ends."""
    makes = name not in gan.critics
    image = f"image {shape_text(gan.image)}"
    start = f"z {gan.z_dim}" if NOISE in gan.input_names and makes else image
    end = image if makes else "score: higher is more real"
    if gan.classes:
        start += f" · y {gan.classes}"
    sheet.text(x, TOP - 36, name, "h2")
    totals = f"{root.parameters:,} parameters · {number(root.macs)} multiply-accumulates an image"
    sheet.text(x + COLUMN, TOP - 36, totals, "small dim end")
    y = sheet.pill(x, TOP - 22, start)
    for card in cards(gan, name, root):
        y = sheet.card(x, sheet.arrow(x, y), card)
    return sheet.pill(x, sheet.arrow(x, y), end)


def _heading(sheet: Sheet, gan: GAN) -> None:
    plan = gan.plan
    sheet.text(MARGIN, 38, plan.recipe, "h1")
    parts = [
        f"{kind} {', '.join(names)}"
        for kind in ("loss", "regularizer", "augment")
        if (names := [slot.name for slot in plan.parts(kind)])
    ]
    sheet.text(MARGIN, 60, " · ".join(parts), "dim")


def _legend(sheet: Sheet, y: int) -> None:
    x = MARGIN
    for kind, colour in COLOURS.items():
        sheet.box(x, y - 9, 10, 10, colour, radius=3)
        sheet.text(x + 15, y, kind, "small dim")
        x += 30 + 7 * len(kind)
    sheet.box(x, y - 10, 30, 13, CHIPS["weight"], radius=6)
    sheet.text(x + 36, y, "weight, on every layer of the block", "small dim")


def _wire(sheet: Sheet, bottom: int) -> None:
    """From G's image up the gutter to D's input."""
    left, right = MARGIN + COLUMN, MARGIN + COLUMN + GUTTER
    low, high, middle = bottom - PILL // 2, TOP - 22 + PILL // 2, (left + right) // 2
    sheet.add(
        f'<path d="M{left} {low} H{middle - 8} Q{middle} {low} {middle} {low - 8} V{high + 8} '
        f'Q{middle} {high} {middle + 8} {high} H{right - 3}" fill="none" stroke="#9ca3af" stroke-width="1.5" '
        'stroke-dasharray="4 4" marker-end="url(#tip)"/>'
    )


class Sheet:
    """SVG elements, gathered."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def add(self, element: str) -> None:
        """Add an element that is already SVG."""
        self.elements.append(element)

    def text(self, x: float, y: float, text: str, classes: str = "") -> None:
        """Add a line of text at ``(x, y)``, escaped for XML."""
        self.add(f'<text x="{x:g}" y="{y:g}" class="{classes}">{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, fill: str, radius: int = 8, more: str = "") -> None:
        """Add a rectangle with round corners."""
        self.add(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" fill="{fill}"{more}/>')

    def pill(self, x: int, y: int, text: str) -> int:
        """Add what goes in or comes out; returns its lower edge."""
        self.box(x, y, COLUMN, PILL, "#f3f4f6", radius=PILL // 2)
        self.text(x + COLUMN / 2, y + 18, text, "mid dim")
        return y + PILL

    def arrow(self, x: int, y: int) -> int:
        """Add an arrow down the middle of a column; returns its tip."""
        middle = x + COLUMN / 2
        self.add(
            f'<path d="M{middle:g} {y} V{y + GAP - 3}" stroke="#9ca3af" stroke-width="1.5" marker-end="url(#tip)"/>'
        )
        return y + GAP

    def card(self, x: int, y: int, card: Card) -> int:
        """Add a block; returns its lower edge."""
        call = card.call
        self.box(x, y, COLUMN, CARD, "#ffffff", more=' stroke="#d1d5db"')
        self.box(x, y, 6, CARD, COLOURS[card.kind], radius=3)
        self.text(x + 18, y + 22, shortened(_layer(call), 30), "title")
        self.text(x + COLUMN - 14, y + 22, shape_text(call.shape), "end")
        self.text(x + 18, y + 40, shortened(_inside(call), 62), "small dim")
        counts = f"{number(call.parameters)} parameters" + (f" · {number(call.macs)} MACs" if call.macs else "")
        self.text(x + 18, y + 56, counts, "small dim")
        right = x + COLUMN - 12
        for kind, name in reversed(card.chips):
            width = 16 + 6.6 * len(name)
            right -= int(width) + 5
            self.box(right, y + 44, width, 16, CHIPS[kind], radius=8)
            self.text(right + width / 2, y + 56, name, "chip mid")
        return y + CARD

    def svg(self, width: int, height: int) -> str:
        """The document as text, ``width`` by ``height`` pixels."""
        tip = (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#9ca3af"/></marker></defs>'
        )
        size = f'width="{width}" height="{height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}"><style>{STYLE}</style>'
        return "\n".join([head, tip, f'<rect {size} fill="#ffffff"/>', *self.elements, "</svg>", ""])


def shortened(text: str, most: int) -> str:
    """``text``, or its start and an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"
