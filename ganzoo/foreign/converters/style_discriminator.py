"""The discriminator of the style line's files, StyleGAN2's: residual blocks, or plain ones, and one of two heads."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganzoo.architectures.stylegan2 import narrowed
from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.converters.styled import LOWEST, Network, State, options, resampling, shape, sped, widest
from ganzoo.foreign.keys import Line, highest, line, renamed

SCORES = ("b4.out", "linear1")  # PyTorch-StudioGAN's name comes second
HEAD = 512  # length of the vectors that a head compares, or the number of features where that is less
LABELS = 8  # layers that the label goes through
GROUPS = {"residual": 4, "plain": 32}  # images whose standard deviation is taken together


@dataclass(frozen=True)
class Size:
    """Of G's images and widths.

    Attributes:
        resolution, channels, classes: of the images.
        ch, full: of G's maps, as its recipe has them.
    """

    resolution: int
    channels: int
    classes: int
    ch: int
    full: int


@dataclass(frozen=True)
class Judge:
    """A converted D.

    Attributes:
        tensors: ours by name.
        options: of the architecture, where D shares its ``full`` with G.
        words: what a recipe needs besides.
    """

    tensors: State = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    words: str = ""


def is_discriminator(state: State) -> bool:
    """Whether these are the tensors of such a D."""
    return "b4.fc.weight" in state and any(name.endswith(".fromrgb.weight") for name in state)


def judge(source: str, found: list[Network], size: Size) -> tuple[Judge, list[str]]:
    """The D of a file, and notes; one that ganzoo cannot compute is left out, and a note says why."""
    for network in found:
        if is_discriminator(network.state):
            try:
                return discriminator(source, network, size), []
            except ModelError as error:
                return Judge(), [f"D is not the file's: {error}."]
    return Judge(), []


def discriminator(source: str, network: Network, size: Size) -> Judge:
    """A D beside G.

    Raises:
        ModelError: naming the tensor that ganzoo cannot compute with.
    """
    state = network.state
    sides = [size.resolution >> i for i in range((size.resolution // LOWEST).bit_length() - 1)]  # down to 8
    planes = shape(source, state, f"b{sides[0]}.fromrgb.weight", 4)[1]
    if planes != size.channels:
        raise ModelError(f"{source}: its 'fromrgb' takes {planes} planes, and G makes {size.channels}")
    last, features, *_ = shape(source, state, "b4.conv.weight", 4)
    if features != last + 1:
        raise ModelError(f"{source}: 'b4.conv.weight' takes {features - last} maps of minibatch std, and ganzoo has 1")
    widths = [last, *(shape(source, state, f"b{side}.conv0.weight", 4)[0] for side in reversed(sides))]
    ch, full = widest(source, widths, lambda ch, full: widths_of(ch, full, len(widths)), size.full)
    form = "residual" if f"b{sides[0]}.skip.weight" in state else "plain"
    group = int(network.argument("epilogue_kwargs", "mbstd_group_size", GROUPS[form]))
    score = next((name for name in SCORES if f"{name}.weight" in state), SCORES[0])
    words, lines = head(source, network, score, size.classes, last)
    tensors = renamed(state, [*lines, *trunk(sides, form)], source)
    chosen: dict[str, object] = {"form": form, "group": group}
    usual = {"form": "residual", "group": 4}
    if full == size.full:
        return Judge(tensors, {"ch.d": ch if ch != size.ch else None, **chosen}, words)
    return Judge(tensors, {}, f"+stylegan2@d{options({'ch': ch, 'full': full, **chosen}, usual)}{words}")


def widths_of(ch: int, full: int, count: int) -> list[int]:
    """Channels of maps of 4, 8, ... pixels, as ganzoo's StyleGAN2 has them."""
    return [narrowed(ch, full, LOWEST << i) for i in range(count)]


def head(source: str, network: Network, score: str, classes: int, features: int) -> tuple[str, list[Line]]:
    """What a recipe says of the head, and its table."""
    state = network.state
    outputs = shape(source, state, f"{score}.weight", 2)[0]
    if "mapping.embed.weight" not in state:
        if classes or outputs != 1:
            raise ModelError(f"{source}: {quoted(f'{score}.weight')} makes {outputs} numbers of no label")
        return "", [line(f"{score}.{{any}}", "head.score.{any}")]
    width, labels = shape(source, state, "mapping.embed.weight", 2)
    layers = highest(state, "mapping.fc{i}.weight") + 1
    if labels != classes or width != outputs:
        raise ModelError(
            f"{source}: D has {labels} classes and compares {outputs} numbers with {width}, and G has {classes} classes"
        )
    given = {"width": width, "layers": layers}
    said = options(given, {"width": min(HEAD, features), "layers": LABELS})
    return f"+spd@d{said}" if said else "", [
        line(f"{score}.{{any}}", "head.vector.{any}"),
        line("mapping.embed.{any}", "head.embed.{any}"),
        line("mapping.fc{i}.{any}", "head.mapping.layers.{i}.{any}", sped(network)),
    ]


def trunk(sides: list[int], form: str) -> list[Line]:
    """The table of D's blocks."""
    lines = [line(f"b{sides[0]}.fromrgb.{end}", f"trunk.image.conv.{end}") for end in ("weight", "bias")]
    for side in sides:
        at = f"trunk.blocks.{side}"
        block = f"{at}.block" if form == "residual" else at
        lines += [
            line(f"b{side}.conv0.weight", f"{block}.first.conv.weight"),
            line(f"b{side}.conv0.bias", f"{block}.first.conv.bias"),
            line(f"b{side}.conv1.resample_filter", f"{block}.smooth.kernel", resampling(1)),
            line(f"b{side}.conv1.{{any}}", f"{block}.second.{{any}}"),
            line(f"b{side}.skip.resample_filter", f"{at}.halve.kernel", resampling(1)),
            line(f"b{side}.skip.weight", f"{at}.shortcut.weight"),
        ]
    return [
        *lines,
        line("b4.conv.weight", "trunk.last.conv.weight"),
        line("b4.conv.bias", "trunk.last.conv.bias"),
        line("b4.fc.{any}", "trunk.linear.{any}"),
        line("{any}.resample_filter", None),  # of layers that do not resample
    ]
