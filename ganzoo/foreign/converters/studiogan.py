"""What PyTorch-StudioGAN's backbones share: which files are theirs, the heads of D, codes of InfoGAN.

A file holds one network, ``{"state_dict": ..., "step": ..., "optimizer": ...}``, G's average one of its own. A D of
which a content holds the tensors beside G's comes along. Facts that no shape tells, and its configurations all have:
batch norms with 1e-4 added to the variance, ReLUs that write over what they get, so that D's shortcuts start from what
is rectified already unless a batch norm comes first, and no normalisation of what auxiliary classifiers see.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, averaged, state_dicts
from ganzoo.foreign.converters.studiogan_layers import (
    EPS,
    LOWEST,
    NAME,
    Context,
    Layout,
    State,
    Tensors,
    is_made,
    plain,
    spectral,
    turned,
)
from ganzoo.foreign.keys import Line, line, renamed


def codes(g: State, d: State | None) -> tuple[list[str], int, list[str]]:
    """InfoGAN's codes: parts of a recipe, the length of what norms see of them, and what a person should know.

    A file says how many there are, D's which of them are continuous.
    """
    way = next((way for way in ("proj", "mix") if f"info_{way}_linear.weight" in g), None)
    if way is None:
        return [], 0, []
    outputs, inputs = g[f"info_{way}_linear.weight"].shape
    count = inputs if way == "proj" else inputs - outputs
    known = d is not None and "info_conti_mu_linear.weight" in d
    numbers = d["info_conti_mu_linear.weight"].shape[0] if d is not None and known else 0
    kinds = count - numbers
    if kinds == 1:
        kinds, numbers = 0, count
    name = "info:inject=concat" if way == "mix" else f"info-context:width={outputs}"
    part = f"{name},categorical={int(kinds > 0)},continuous={numbers}" + (f",classes={kinds}" if kinds else "")
    note = (
        f"of its {count} codes, which follow the noise, {kinds} are taken for the classes of one categorical code; "
        "the file does not say it."
    )
    return [part], 0 if way == "mix" else outputs, [note] if kinds else []


INFO = (
    line("info_proj_linear.{any}", "codes.ways.0.map.{any}"),
    line("info_mix_linear.{any}", "codes.ways.0.map.{any}"),
)
Q = (line("info_{any}", None),)  # the network that reads codes is no part of D in ours


@dataclass(frozen=True)
class Head:
    """How labels enter D: the part of a recipe, its lines, the number of classes, and what a person should know."""

    part: str
    lines: Sequence[Line]
    classes: int
    notes: Sequence[str] = ()


def head(d: State, classes: int) -> Head:
    """The head of a D.

    Args:
        d: its tensors.
        classes: of G; 0 where it has none.

    Raises:
        ModelError: it has as many outputs as no head of ours.
    """
    outputs = d["linear1.weight"].shape[0]
    if outputs > 1:
        for part, count, name in (("md", outputs, "scores"), ("mh", outputs - 1, "classifier")):
            if count == classes:
                return Head(part, [line("linear1.{any}", f"head.{name}.{{any}}")], classes)
        raise ModelError(f"{NAME}: no head of ours has {outputs} outputs (linear1.weight) for {classes} classes")
    score = line("linear1.{any}", "head.score.{any}")
    embedding, second = d.get("embedding.weight"), d.get("linear2.weight")
    labelled = embedding if embedding is not None else second
    if labelled is None:
        return Head("plain@d", [score], 0)
    rows = labelled.shape[0]
    if rows not in (classes, 2 * classes) and classes:
        name = "linear2" if embedding is None else "embedding"
        raise ModelError(f"{NAME}: {name}.weight has {rows} rows, and G {classes} classes")
    split, twin = bool(classes) and rows == 2 * classes, "linear_mi.weight" in d
    count = classes or rows
    if second is None:
        return Head("projection", [score, line("embedding.weight", "head.embedding.weight", turned)], count)
    if embedding is None:
        lines = [score, line("linear2.weight", "head.classifier.weight"), line("linear_mi.weight", "head.twin.weight")]
        return Head("adc" if split else "tac" if twin else "ac:bias=false,weight.fake=0", lines, count)
    spaces = {"linear2.{any}": "space.embed.{any}", "linear_mi.{any}": "twin.embed.{any}"}
    proxies = {"embedding.weight": "space.proxies.weight", "embedding_mi.weight": "twin.proxies.weight"}
    lines = [score, *(line(theirs, f"head.{ours}") for theirs, ours in spaces.items())]
    lines += [line(theirs, f"head.{ours}", turned) for theirs, ours in proxies.items()]
    aux = ",aux=adc" if split else ",aux=tac" if twin else ""
    note = "D's head is taken for D2D-CE's (ReACGAN); 2C's (ContraGAN) has the same tensors, and trains otherwise."
    return Head(f"d2dce:width={second.shape[0]}{aux}", lines, count, [note])


@dataclass(frozen=True)
class Side:
    """One network in our terms.

    Attributes:
        options: of the architecture in a recipe.
        sites: the parts that place attention.
        lines: the table of its tensors.
    """

    options: Sequence[str]
    sites: Sequence[str]
    lines: Sequence[Line]


def refuse_other_widths(found: Sequence[int], ours: Sequence[int], layers: Sequence[str], resolution: int) -> None:
    """Refuse a network whose maps are not as wide as ours.

    Raises:
        ModelError: naming the first layer that differs, or that there are fewer or more.
    """
    if len(found) != len(ours):
        raise ModelError(f"{NAME}: {len(found)} blocks, and ours has {len(ours)} at {resolution} pixels")
    for layer, there, here in zip(layers, found, ours, strict=True):
        if there != here:
            raise ModelError(f"{NAME}: {layer}.weight makes {there} maps, and ours {here} at {resolution} pixels")


class StudioGAN(Converter):
    """A backbone of PyTorch-StudioGAN: what a subclass says of it, put together.

    Attributes:
        architecture: of ours.
        image: the layer of G that makes images.
        claims: whether a D alone is taken for one of this backbone, to be refused with what to do.
    """

    url = "https://github.com/POSTECH-CVLab/PyTorch-StudioGAN"
    example = "'model=G_ema-best-weights-step=100000.pth'"
    found = "the Hub (Mingguksky/PyTorch-StudioGAN); a training writes checkpoints"
    left_out = "D, which lies in a file of its own, and InfoGAN's Q"
    checked = "lists of its names and shapes, and networks written after them; not tried on a published file"
    architecture: ClassVar[str]
    image: ClassVar[str] = "conv2d5"
    claims: ClassVar[bool] = True

    @abstractmethod
    def is_generator(self, state: State) -> bool:
        """Whether a table is a G of this backbone."""

    @abstractmethod
    def is_discriminator(self, state: State) -> bool:
        """Whether a table is a D of this backbone."""

    @abstractmethod
    def context(self, g: State, width: int) -> Context:
        """What norms of G see, of which ``width`` numbers are those of codes."""

    @abstractmethod
    def generator(self, g: State, layout: Layout, context: Context) -> Side:
        """G, whose tensors are without spectral norm."""

    @abstractmethod
    def discriminator(self, d: State, layout: Layout, made: Side, doublings: int) -> Side:
        """D, whose tensors are without spectral norm, beside the G ``made`` with so many doublings."""

    def doublings(self, g: State, layout: Layout) -> int:
        """How often G doubles its map."""
        return len(layout.blocks)

    def z_dim(self, g: State, context: Context, doublings: int) -> int:
        """Length of the noise, without codes."""
        mixed = g.get("info_mix_linear.weight", g["linear0.weight"].T)
        return mixed.shape[0]

    def classes(self, g: State, context: Context) -> int:
        """How many classes G knows."""
        return context.labels

    def fits(self, content: object) -> bool:
        """Whether one of its tables is a G, or it has no G at all and a D that can be of this backbone alone."""
        tables = [state for _, state in state_dicts(content)]
        if any(map(self.is_generator, tables)):
            return True
        return self.claims and any(map(self.is_discriminator, tables)) and not any(map(is_made, tables))

    def chosen(self, content: object) -> tuple[State, State | None]:
        """The G to draw with, an average one where there is one, and the D.

        Raises:
            ModelError: there is a D alone.
        """
        tables = averaged(content)
        g = next(filter(self.is_generator, tables), None)
        if g is None:
            raise ModelError(
                f"{NAME}: this is a discriminator; give the file of G, called model=G_ema-... or model=G-..."
            )
        return g, next(filter(self.is_discriminator, tables), None)

    def convert(self, content: object) -> Converted:
        """G, and D where the content has it."""
        g, d = self.chosen(content)
        try:
            return self.converted(g, d)
        except (IndexError, RuntimeError, ValueError) as error:  # of a shape that none of its networks has
            raise ModelError(f"{NAME}: its tensors do not go together: {error}") from error

    def converted(self, g: State, d: State | None) -> Converted:
        """The model of a G and a D as they were found."""
        weights = ["sn@g" if spectral(g) else "weight/none@g"]
        if d is not None:
            weights.append("sn@d" if spectral(d) else "weight/none@d")
        g, d = plain(g), None if d is None else plain(d)
        info, width, notes = codes(g, d)
        layout, context = Layout.of(g), self.context(g, width)
        k, classes = self.doublings(g, layout), self.classes(g, context)
        side = self.generator(g, layout, context)
        options, parts = list(side.options), [context.part, *weights, *side.sites, *info]
        networks = {"G": renamed(g, [*INFO, *side.lines], NAME)}
        if d is None:
            parts += ["projection"] if classes else []
        else:
            top, normed = head(d, classes), any(name.endswith("running_mean") for name in d)
            d, more = folded(d)
            other = self.discriminator(d, Layout.of(d), side, k)
            networks["D"] = renamed(d, [*Q, *top.lines, *other.lines], NAME)
            parts += [*other.sites, *([f"bn@d:eps={EPS}"] if normed else []), top.part]
            parts += ["unlabelled@g"] if top.classes > classes else []
            options, notes, classes = [*options, *other.options], [*notes, *top.notes, *more], top.classes or classes
        size = {
            "resolution": LOWEST << k,
            "channels": g[f"{self.image}.weight"].shape[0],
            "classes": classes,
            "z_dim": self.z_dim(g, context, k),
        }
        return Converted("+".join([f"{self.architecture}:{','.join(options)}", *parts]), size, networks, notes=notes)


def shortcuts(d: State) -> str:
    """The option that says where D's shortcuts start: a ReLU in place changes what they see, a norm's result not."""
    return f"rectify={'false' if any(name.endswith('running_mean') for name in d) else 'true'}"


def folded(d: State) -> tuple[State, list[str]]:
    """A D with the batch norms of its shortcuts in the convolutions behind them, and what a person should know."""
    found, notes = Tensors(d), list[str]()
    for name in d:
        stem, _, rest = name.partition(".bn0.running_mean")
        if rest or f"{stem}.conv2d0.weight" not in d or not name.endswith(".bn0.running_mean"):
            continue
        parts = [f"{stem}.bn0.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        gain, shift, mean, var = (found[part].double() for part in parts)
        for part in (*parts, f"{stem}.bn0.num_batches_tracked"):
            found.pop(part, None)
        weight, scale = d[f"{stem}.conv2d0.weight"].double(), gain / (var + EPS).sqrt()
        bias = d[f"{stem}.conv2d0.bias"].double() + weight.flatten(1) @ (shift - mean * scale)
        found[f"{stem}.conv2d0.weight"] = (weight * scale[:, None, None]).float()
        found[f"{stem}.conv2d0.bias"] = bias.float()
        notes = ["Batch norms of D's shortcuts are folded into the convolutions behind them: it scores the same."]
    return found, notes
