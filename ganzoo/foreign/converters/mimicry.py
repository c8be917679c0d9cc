"""Checkpoints of torch-mimicry: SNGAN, SSGAN, InfoMax-GAN, WGAN-GP, DCGAN, cGAN-PD and SAGAN, which share a ResNet.

A checkpoint holds one network as ``model_state_dict``. G is ``l1``, ``block2`` and on, a batch norm and a 3x3
convolution (``b5``, ``c5``; with one block more ``b6``, ``c6``, and so on); D is ``block1`` and on, and ``l5`` or
another number; InfoMax-GAN's D has its blocks in two sequences. Of G the map that noise becomes and the number of
blocks tell the size, norms with an ``embed`` the classes, ``attn_block`` SAGAN; what D's ``l_y`` is tells cGAN-PD
(an embedding) from SSGAN (a layer with bias). G is the same in all without labels; DCGAN's and WGAN-GP's D have the
same names too and pool in two ways, so that they are left out. Scale and shift of a label are one embedding there and
two tables here. Activations are in place there, so that shortcuts of D start behind them (``rectify``); weights under
spectral norm come in torch's layout or in mimicry's own (``sn_u``).
"""

from __future__ import annotations

import re
from itertools import pairwise

from torch import Tensor

from ganzoo.architectures.sngan import d_shape, g_widths
from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, state_dicts
from ganzoo.foreign.converters.styled import shape
from ganzoo.foreign.keys import NUMBER, Line, highest, line, renamed
from ganzoo.foreign.spectral import plain_iterated, plain_spectral

NAME = "torch-mimicry"
SIDES = {16: 4, 36: 6}  # pixels of the map that noise becomes, and its side
MOST = 16  # blocks, which no network comes near
TURNS = 4  # classes of SSGAN
UNKNOWN_POOLING = (
    "Its D was left out: it has no spectral norm, and is DCGAN's, which sums over pixels, or WGAN-GP's, which takes the"
    " mean; the file does not say which."
)


class Mimicry(Converter):
    """SNGAN, SSGAN, InfoMax-GAN, WGAN-GP, DCGAN, cGAN-PD and SAGAN of torch-mimicry."""

    url = "https://github.com/kwotsin/mimicry"
    example = "netG_100000_steps.pth"
    found = "its README links checkpoints; a training writes checkpoints/netG"
    becomes = "sngan or sagan"
    left_out = "D of DCGAN and of WGAN-GP, which have one another's tensors and pool in two ways"
    license = None
    checked = "mimicry's own classes (torch-mimicry 0.1.16), saved by its own code"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_is_generator(state) for _, state in state_dicts(content))

    def convert(self, content: object) -> Converted:
        """G, and D where the file has it.

        Raises:
            ModelError: widths, sizes or a place of attention that none of mimicry's networks has.
        """
        tables = [state for _, state in state_dicts(content)]
        g = _plain(next(filter(_is_generator, tables)))
        found, notes = next(filter(_is_discriminator, tables), None), list[str]()
        if found is not None and not _normalised(found):
            found = None
            notes.append(UNKNOWN_POOLING)
        blocks = highest(g, "block{i}.c1.weight") - 1
        (channels, ch), side = shape(NAME, g, f"c{blocks + 2}.weight", 4)[:2], _side(g)
        resolution = side << blocks
        _check("block{}.c1.weight", g, g_widths(ch, resolution, blocks, "even"), 2)
        classes = next((t.shape[0] for name, t in g.items() if name.endswith(".embed.weight")), 0)
        attentive = "attn_block.theta.weight" in g
        networks = {"G": renamed(_halved(g), generator(blocks), NAME)}
        options, extra = [f"ch={ch}", "upsample=bilinear", "rectify=true"], ""
        if found is not None:
            d = _one_sequence(_plain(found))
            widths, halvings = d_shape(shape(NAME, d, "block1.c1.weight", 4)[0], resolution, blocks, "even")
            _check("block{}.c2.weight", d, widths, 2)
            networks |= _discriminator(d, halvings)
            options.append(f"ch.d={d['block1.c1.weight'].shape[0]}")
            extra = _side_part(networks)
        name = "sagan" if attentive else "sngan"
        conditioning = "+cbn+projection" if classes and not attentive else ""
        recipe = f"{name}:{','.join(options)}{conditioning}{extra}"
        size = {
            "resolution": resolution,
            "channels": channels,
            "classes": classes,
            "z_dim": g["l1.weight"].shape[1],
        }
        return Converted(recipe, size, networks, notes=notes)


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return plain_iterated(plain_spectral(state), "sn_u", "sn_sigma")


def _is_generator(state: dict[str, Tensor]) -> bool:
    """``l1``, blocks from the second on, and a norm and a convolution numbered after them."""
    after = max(highest(state, f"block{{i}}.c1.{name}") for name in ("weight", "weight_orig")) + 1
    image = state.get(f"c{after}.weight", state.get(f"c{after}.weight_orig"))
    first = state.get("l1.weight", state.get("l1.weight_orig"))
    shapes = image is not None and image.ndim == 4 and first is not None and first.ndim == 2
    return 2 < after < MOST and shapes and f"b{after}.running_mean" in state and "block1.c1.bias" not in state


def _is_discriminator(state: dict[str, Tensor]) -> bool:
    """A first block with a shortcut, and a linear layer after the blocks."""
    whole = _one_sequence(state)
    first = next((whole[f"block1.{n}"] for n in ("c_sc.weight", "c_sc.weight_orig") if f"block1.{n}" in whole), None)
    return first is not None and first.ndim == 4 and highest(whole, "l{i}.bias") > 1


def _one_sequence(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """InfoMax-GAN's D with the names of the others: ``block1`` and on, and ``l`` with a number."""
    local = highest(state, "local_feat_blocks.{i}.c1.bias")
    if local < 0:
        return state
    named = {}
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        number, _, inner = rest.partition(".")
        if first in ("local_feat_blocks", "global_feat_blocks") and re.fullmatch(NUMBER, number):
            place = int(number) + (1 if first.startswith("local") else local + 2)
            named[f"block{place}.{inner}"] = tensor
        elif first == "linear":
            named[f"l{local + 3}.{rest}"] = tensor
        else:
            named[name] = tensor
    return named


def _side(g: dict[str, Tensor]) -> int:
    """The side of the map that noise becomes."""
    area = shape(NAME, g, "l1.weight", 2)[0] / max(shape(NAME, g, "block2.c1.weight", 4)[1], 1)
    if area not in SIDES:
        raise ModelError(
            f"{NAME}: l1.weight makes a map of {area:g} pixels; ganzoo's ResNet starts from 4x4 or 6x6, as mimicry's"
        )
    return SIDES[int(area)]


def _check(pattern: str, state: dict[str, Tensor], wide: list[int], start: int) -> None:
    """Refuse widths that are not those of mimicry's networks, by the first tensor that tells.

    Args:
        pattern: names of convolutions that change the width, with a place for the block's number.
        state: tensors by name.
        wide: channels of the maps between them.
        start: number of the first.
    """
    for number, (before, after) in enumerate(pairwise(wide), start=start):
        name = pattern.format(number)
        found = tuple(state[name].shape[1::-1]) if name in state else "missing"
        if found != (before, after):
            raise ModelError(
                f"{NAME}: {name} is {found} where a network of mimicry's with these ends has {before, after} channels"
                " before and after it"
            )


def _halved(g: dict[str, Tensor]) -> dict[str, Tensor]:
    """The embeddings of conditional norms as two tables, scale and shift."""
    parted = dict[str, Tensor]()
    for name, tensor in g.items():
        stem = name.removesuffix("embed.weight")
        if stem == name:
            parted[name] = tensor
        else:
            parted[f"{stem}gain"], parted[f"{stem}shift"] = (half.contiguous() for half in tensor.chunk(2, 1))
    return parted


def _discriminator(d: dict[str, Tensor], halvings: int) -> dict[str, dict[str, Tensor]]:
    """D's tensors, and those of what else it was trained to tell."""
    networks = {"D": renamed({k: t for k, t in d.items() if not _side_task(k, d)}, discriminator(halvings), NAME)}
    task = {k: t for k, t in d.items() if _side_task(k, d)}
    if "l_y.bias" in task:
        networks["part_rotation"] = renamed(task, [line("l_y.{any}", "reader.{any}")], NAME)
    elif task:
        networks["part_infomax"] = renamed(task, infomax(), NAME)
    return networks


def _side_task(name: str, d: dict[str, Tensor]) -> bool:
    return "_nrkhs_" in name or (name.startswith("l_y.") and "l_y.bias" in d)


def _side_part(networks: dict[str, dict[str, Tensor]]) -> str:
    """The part of a recipe that has D's side task, where it has one."""
    if "part_rotation" in networks:
        turns = networks["part_rotation"]["reader.weight"].shape[0]
        if turns != TURNS:
            raise ModelError(f"{NAME}: l_y.weight tells {turns} classes, where SSGAN's tells {TURNS} turns of an image")
        return "+rotation"
    if "part_infomax" in networks:
        return f"+infomax:width={networks['part_infomax']['local.out.weight'].shape[0]}"
    return ""


def _normalised(d: dict[str, Tensor]) -> bool:
    """Whether a D has spectral norm."""
    return any(name.endswith(("weight_u", ".sn_u")) for name in d)


def generator(blocks: int) -> list[Line]:
    """The table of a G with so many blocks."""
    after = blocks + 2
    norm = {f"b{j}": f"norm{j}" for j in (1, 2)}
    return [
        line("l1.{any}", "trunk.project.{any}"),
        line(f"b{after}.{{any}}", "trunk.norm.{any}"),
        line(f"c{after}.{{any}}", "trunk.image.{any}"),
        *(line(f"block{{i+2}}.{b}.bn.{{any}}", f"trunk.blocks.{{i}}.{ours}.{{any}}") for b, ours in norm.items()),
        *(line(f"block{{i+2}}.{b}.{{any}}", f"trunk.blocks.{{i}}.{ours}.{{any}}") for b, ours in norm.items()),
        line("block{i+2}.c{j}.{any}", "trunk.blocks.{i}.conv{j}.{any}"),
        line("block{i+2}.c_sc.{any}", "trunk.blocks.{i}.shortcut.0.{any}"),
        *attention(f"trunk.attentions.{blocks - 2 if blocks < 5 else 2}"),
    ]


def discriminator(halvings: int) -> list[Line]:
    """The table of a D with so many blocks that halve their map; the shortcut of one that only widens stands alone."""
    return [
        line(f"block{halvings + 1}.c_sc.{{any}}", f"trunk.blocks.{halvings}.shortcut.{{any}}"),
        line("block{i+1}.c_sc.{any}", "trunk.blocks.{i}.shortcut.1.{any}"),
        line("block{i+1}.c{j}.{any}", "trunk.blocks.{i}.conv{j}.{any}"),
        line("l_y.weight", "head.embedding.weight", lambda weight: weight.T.contiguous()),
        line("l{i}.{any}", "head.score.{any}"),
        *attention("trunk.attentions.1"),
    ]


def attention(place: str) -> list[Line]:
    """The table of ``attn_block``, whose layers are called as in BigGAN."""
    names = {"theta": "query", "phi": "key", "g": "value", "o": "out"}
    layers = [line(f"attn_block.{theirs}.weight", f"{place}.{ours}.weight") for theirs, ours in names.items()]
    return [line("attn_block.gamma", f"{place}.gamma"), *layers]


def infomax() -> list[Line]:
    """The table of InfoMax-GAN's two critics of features; the local one's 1x1 convolutions are linear layers here."""
    layers = {"a": "hidden", "b": "out", "sc": "shortcut"}
    return [
        line(f"{theirs}_nrkhs_{a}.{{any}}", f"{ours}.{name}.{{any}}", lambda t: t.flatten(1) if t.ndim > 1 else t)
        for theirs, ours in {"local": "local", "global": "whole"}.items()
        for a, name in layers.items()
    ]
