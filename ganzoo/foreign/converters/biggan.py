"""Files of BigGAN-PyTorch, the authors' own code: BigGAN, BigGAN-deep, and SNGAN and SAGAN as it has them.

A file is a bare table of one network (``G_ema.pth``, ``G.pth``, ``D.pth``); a content with several tables gives G,
the average before that which learns, and D. G is ``linear``, ``blocks.{i}.0`` and ``output_layer``, and ``shared``
where an embedding of the label is laid before the noise of each norm; attention is ``blocks.{i}.1``. A block of four
convolutions is BigGAN-deep's, of two BigGAN's; without ``shared``, norms look the label up, and the networks are those
of ``sagan``. Widths, size, classes, noise and the places of attention are read from shapes.

What is laid out otherwise: the label before the noise, ours behind it; scales of looked-up labels from 0, ours from 1.
Its spectral norm takes one more step from ``u0`` whenever it is used, so that is what weights are divided by; further
vectors (``u1``) change nothing. What no shape tells: norms add 1e-5 to variances, its default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.architectures import sngan
from ganzoo.architectures.biggan import Widths, g_multiples
from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, state_dicts
from ganzoo.foreign.converters.biggan_critic import critic
from ganzoo.foreign.converters.biggan_parts import (
    LOWEST,
    MORE_VECTORS,
    NAME,
    Side,
    State,
    attention_lines,
    places_of,
    sites,
    turned,
)
from ganzoo.foreign.keys import Line, highest, line, renamed
from ganzoo.foreign.spectral import plain_iterated

STATISTICS = {"mean": "running_mean", "var": "running_var"}
EARLY = 128  # maps that the last layer of early versions of BigGAN-deep made


class BigGANPyTorch(Converter):
    """BigGAN-PyTorch by the authors of BigGAN: BigGAN, BigGAN-deep, SNGAN and SAGAN, with or without D."""

    url = "https://github.com/ajbrock/BigGAN-PyTorch"
    example = "G_ema.pth"
    found = "its README links an archive of ImageNet's 128 pixels; a training writes weights/*/G_ema.pth"
    becomes = "biggan, biggan-deep or sagan"
    left_out = "D, which lies in a file of its own (D.pth), and optimisers"
    checked = "lists of names and shapes, and networks written after its description; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_is_generator(state) for _, state in state_dicts(content))

    def convert(self, content: object) -> Converted:
        """G, and D where the content has it and ours can be built like it."""
        tables = list(state_dicts(content))
        found = [(place, state) for place, state in tables if _is_generator(state)]
        _, g = next((pair for pair in found if "ema" in pair[0].lower()), found[0])
        d = next((state for _, state in tables if _is_discriminator(state)), None)
        tensors = plain(g)
        made = generator(tensors)
        networks = {"G": renamed(tensors, made.lines, NAME)}
        notes, words, options = ["Norms add 1e-5 to variances, the project's default."], list(made.words), made.options
        if d is not None:
            try:
                tensors = plain(d)
                judge = critic(tensors, made)
                networks["D"] = renamed(tensors, judge.lines, NAME)
                words, options = [*words, *judge.words], [*options, *judge.options]
            except ModelError as error:
                notes.append(f"D is left out: {error}")
        if "linear.u0" not in g:
            words.append("weight/none@g")
        recipe = "+".join([f"{made.architecture}:{','.join(options)}", *words])
        channels = g["output_layer.2.weight"].shape[0]
        size = {"resolution": made.resolution, "channels": channels, "classes": made.classes, "z_dim": made.z_dim}
        return Converted(recipe, size, networks, notes=notes)


def _is_generator(state: State) -> bool:
    names = ("linear.weight", "output_layer.0.gain", "output_layer.2.weight", "blocks.0.0.bn1.gain.weight")
    return all(name in state for name in names)


def _is_discriminator(state: State) -> bool:
    names = ("linear.weight", "embed.weight", "blocks.0.0.conv1.weight", "blocks.0.0.conv2.weight")
    return all(name in state and state[name].ndim in (2, 4) for name in names) and "linear.u0" in state


def plain(state: State) -> State:
    """The tensors in float32, without spectral norm, statistics under one name."""
    found = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    for name in [name for name in found if name.endswith(".accumulation_counter")]:
        stem, count = name.removesuffix("accumulation_counter"), float(found.pop(name))
        for kind in STATISTICS if count > 0 else ():  # standing statistics, which are sums until they are used
            found[f"{stem}stored_{kind}"] = found[f"{stem}stored_{kind}"] / count
    return plain_iterated(found, "u0", "sv0")


def _norm_lines(theirs: str, ours: str) -> list[Line]:
    """Running statistics, which lie one level deeper where batches were spread or counted."""
    return [
        line(f"{theirs}.{place}_{old}", f"{ours}.{new}")
        for old, new in STATISTICS.items()
        for place in ("stored", "bn.stored", "bn.running")
    ]


@dataclass(frozen=True)
class Labels:
    """How labels reach the norms of G.

    Attributes:
        shared: length of the embedding; 0 where each norm looks labels up.
        noise: length of the noise beside it.
    """

    shared: int
    noise: int

    def ordered(self, weight: Tensor) -> Tensor:
        """Columns of a layer, noise first."""
        label, noise = weight.split([self.shared, self.noise], dim=1)
        return torch.cat([noise, label], 1)

    def lines(self, theirs: str, ours: str) -> list[Line]:
        """Those of one norm."""
        if not self.shared:
            return [
                line(f"{theirs}.gain.weight", f"{ours}.gain", lambda table: 1 + table),
                line(f"{theirs}.bias.weight", f"{ours}.shift"),
                *_norm_lines(theirs, ours),
            ]
        return [
            line(f"{theirs}.gain.weight", f"{ours}.gain.weight", self.ordered),
            line(f"{theirs}.bias.weight", f"{ours}.shift.weight", self.ordered),
            *_norm_lines(theirs, ours),
        ]


def _labels(g: State) -> Labels:
    """How labels reach the norms.

    Raises:
        ModelError: norms see the embedding alone.
    """
    if "shared.weight" not in g:
        return Labels(0, 0)
    shared, seen = g["shared.weight"].shape[1], g["blocks.0.0.bn1.gain.weight"].shape[1]
    if seen <= shared:
        raise ModelError(
            f"{NAME}: blocks.0.0.bn1.gain.weight sees {seen} numbers, which are the embedding of the label alone; in"
            " ganzoo's biggan and biggan-deep norms see noise beside it"
        )
    return Labels(shared, seen - shared)


def generator(g: State) -> Side:
    """A G in our terms.

    Raises:
        ModelError: ours cannot be built like it, with the tensor that tells.
    """
    deep, labels = "blocks.0.0.conv3.weight" in g, _labels(g)
    count = highest(g, "blocks.{i}.0.conv1.weight") + 1
    wide = [g[f"blocks.{n}.0.conv1.weight"].shape[1] for n in range(count)] + [g["output_layer.2.weight"].shape[1]]
    if g["linear.weight"].shape[0] != wide[0] * LOWEST**2:
        raise ModelError(f"{NAME}: linear.weight does not make a map of {LOWEST}x{LOWEST}, as those of ganzoo do")
    head = [
        *MORE_VECTORS,
        line("shared.weight", "trunk.shared.embedding.weight", turned),
        line("output_layer.0.gain", "trunk.norm.weight"),
        line("output_layer.0.bias", "trunk.norm.bias"),
        *_norm_lines("output_layer.0", "trunk.norm"),
        line("output_layer.2.{any}", "trunk.image.{any}"),
    ]
    if deep:
        return _deep(g, wide, labels, head)
    k = count
    words = _words(g, range(count))
    table = [
        *head,
        line("linear.{any}", "trunk.project.{any}"),
        line("blocks.{i}.0.conv_sc.{any}", "trunk.blocks.{i}.shortcut.0.{any}"),
        line("blocks.{i}.0.conv{j}.{any}", "trunk.blocks.{i}.conv{j}.{any}"),
        *labels.lines("blocks.{i}.0.bn{j}", "trunk.blocks.{i}.norm{j}"),
        *attention_lines("blocks.{i}.1", "trunk.attentions.{i}"),
    ]
    inputs = g["linear.weight"].shape[1]
    if not labels.shared:
        classes = g["blocks.0.0.bn1.gain.weight"].shape[0]
        return Side("sagan", _looked_up(wide, k), table, words, classes=classes, z_dim=inputs, doublings=k)
    if inputs != labels.noise:
        raise ModelError(
            f"{NAME}: linear.weight sees {inputs} numbers of the noise, and norms {labels.noise}; in ganzoo's biggan"
            " all see as many"
        )
    options = [*_multiples(wide, k), f"shared={labels.shared}"]
    classes = g["shared.weight"].shape[0]
    return Side("biggan", options, table, words, classes=classes, z_dim=inputs * (k + 1), doublings=k)


def _deep(g: State, wide: Sequence[int], labels: Labels, head: Sequence[Line]) -> Side:
    """That of BigGAN-deep, of which each width has ``depth`` blocks."""
    if not labels.shared:
        raise ModelError(f"{NAME}: a BigGAN-deep without shared.weight cannot be imported")
    if g["output_layer.2.weight"].shape[0] == EARLY:
        raise ModelError(
            f"{NAME}: output_layer.2.weight makes {EARLY} maps, as in early versions, which lay labels and noise"
            " otherwise"
        )
    inputs, blocks = g["linear.weight"].shape[1], len(wide) - 1
    if inputs != labels.shared + labels.noise:
        raise ModelError(f"{NAME}: linear.weight sees {inputs} numbers, and norms {labels.shared + labels.noise}")
    k = 3 if len(set(wide)) == 1 else blocks // 2
    if blocks % k:
        raise ModelError(f"{NAME}: {blocks} blocks (blocks.{blocks - 1}) are no whole number for each of {k} widths")
    depth = blocks // k
    stages = [wide[n] for n in range(0, blocks, depth)] + [wide[-1]]
    if list(wide[:-1]) != [width for width in stages[:-1] for _ in range(depth)]:
        raise ModelError(f"{NAME}: the maps of blocks are {list(wide)} wide (conv1.weight), and not {depth} times each")
    behind = range(depth - 1, blocks, depth)
    table = [*head, line("linear.bias", "trunk.project.bias")]
    table.append(line("linear.weight", "trunk.project.weight", labels.ordered))
    for number in range(blocks):
        theirs, ours = f"blocks.{number}.0", f"trunk.stages.{number // depth}.{number % depth}"
        for j in range(4):
            table.append(line(f"{theirs}.conv{j + 1}.{{any}}", f"{ours}.convs.{j}.{{any}}"))
            table += labels.lines(f"{theirs}.bn{j + 1}", f"{ours}.norms.{j}")
    for stage, number in enumerate(behind):
        table += attention_lines(f"blocks.{number}.1", f"trunk.attentions.{stage}")
    options = [*_multiples(stages, k), f"depth={depth}", f"shared={labels.shared}"]
    classes, words = g["shared.weight"].shape[0], _words(g, behind)
    return Side("biggan-deep", options, table, words, classes=classes, z_dim=labels.noise, doublings=k)


def _words(g: State, behind: Sequence[int]) -> list[str]:
    """Where attention stands, if it does so behind these blocks."""
    return sites("g", places_of(g, 1), {number: LOWEST << (i + 1) for i, number in enumerate(behind)})


def _multiples(wide: Sequence[int], k: int) -> list[str]:
    """The unit of width, and which of two tables it is a unit of.

    Raises:
        ModelError: of neither.
    """
    tables: tuple[Widths, ...] = ("studiogan", "brock")
    for widths in tables:
        multiples = g_multiples(k, widths)
        ch = wide[-1] // multiples[-1]
        if [ch * times for times in multiples] == list(wide):
            return [f"ch={ch}"] if widths == "studiogan" else [f"ch={ch}", f"widths={widths}"]
    raise ModelError(f"{NAME}: maps {list(wide)} wide (blocks.*.0.conv1.weight) are none of BigGAN's at {LOWEST << k}")


def _looked_up(wide: Sequence[int], k: int) -> list[str]:
    """Those of ``sagan``, whose unit is the last width.

    Raises:
        ModelError: it has no such network.
    """
    ch, resolution = wide[-1], LOWEST << k
    tables: tuple[sngan.Widths, ...] = ("even", "studiogan")
    for widths in tables:
        if sngan.g_widths(ch, resolution, k, widths) == list(wide):
            return [f"ch={ch}"] if widths == "even" else [f"ch={ch}", f"widths={widths}"]
    raise ModelError(
        f"{NAME}: maps {list(wide)} wide (blocks.*.0.conv1.weight) without shared.weight are none of ganzoo's sagan at"
        f" {resolution} pixels"
    )
