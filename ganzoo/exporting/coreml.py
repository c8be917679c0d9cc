"""What the converter of Core ML takes: a program for one image, in torch's core operations; and a script that runs it.

``coremltools`` runs on a Mac and, for the conversion alone, on Linux; it is not needed here. It reads programs of
``torch.export`` that were decomposed, of inputs that have a dimension each and numbers of 32 bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from ganzoo.errors import ModelError, UsageError
from ganzoo.exporting.check import BATCHES, differing, refusal
from ganzoo.exporting.program import FACTS, plain_nodes, quiet
from ganzoo.exporting.sampler import LABEL, TRUNCATION, Exportable
from ganzoo.files.write import atomic, write_text
from ganzoo.gan.inputs import TEXT

ENDING, SCRIPT = ".pt2", "-to-coreml.py"
MARK = "Written by 'ganzoo export --to coreml-ready', which replaces this file while this line stands in it."
NARROW = (LABEL, TEXT)  # inputs of whole numbers, which Core ML has with 32 bits
DRAWN = ("rand", "bernoulli", "dropout", "multinomial", "normal", "exponential")  # what begins operations that draw
ALIASES = (torch.ops.aten.alias.default, torch.ops.aten.detach.default)
LINES = '''"""Makes {name}.mlpackage of {name}.pt2: pip install coremltools torch

{mark}
"""

from pathlib import Path

import coremltools
import torch

HERE = Path(__file__).parent
ABOUT = {about}

program = torch.export.load(HERE / {file!r})
program.graph_module.graph.eliminate_dead_code()  # results that nobody uses, which the converter stumbles over
model = coremltools.convert(
    program,
    outputs=[coremltools.TensorType(name="image")],
    minimum_deployment_target=coremltools.target.iOS17,
    compute_precision=coremltools.precision.FLOAT32,  # FLOAT16 is half as large, and differs by some 1e-2
)
model.short_description = ABOUT["recipe"]
model.license = ABOUT["license"]
model.user_defined_metadata.update({{key: str(value) for key, value in ABOUT.items()}})
model.save(str(HERE / "{name}.mlpackage"))
'''


class OneImage(nn.Module):
    """A sampler whose inputs are as Core ML has them: class numbers and bytes int32, ψ a row of one number.

    Args:
        network: the sampler.
        names: of its inputs.
    """

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(
        self,
        z: Tensor | None = None,
        source: Tensor | None = None,
        text: Tensor | None = None,
        label: Tensor | None = None,
        truncation: Tensor | None = None,
    ) -> Tensor:
        """An image ``(1, C, H, W)`` in [0, 1]."""
        every = {"z": z, "source": source, "text": text, "label": label, "truncation": truncation}
        image: Tensor = self.network(**{name: every[name] for name in self.names})
        return image


def script_of(out: Path) -> Path:
    """Where the script stands: beside the program.

    Raises:
        UsageError: something else of that name is there.
    """
    script = out.with_name(f"{out.stem}{SCRIPT}")
    if script.exists() and not (script.is_file() and MARK in script.read_text("utf-8", errors="replace")):
        raise UsageError(f"{script} is there, and not of ganzoo: move it, or give --out another name")
    return script


def write_coreml(model: Exportable, facts: Mapping[str, Any], out: Path) -> float:
    """Write a model as ``FILE.pt2`` for the converter of Core ML, and ``FILE-to-coreml.py``, which runs it.

    Args:
        model: what to write.
        facts: about it, kept in the program and in the converted model.
        out: the file.

    Returns:
        The largest difference between its images, once it was loaded again, and the model's.

    Raises:
        UsageError: a file that is not of ganzoo has the script's name.
        ModelError: the model cannot be exported, draws numbers of its own, or the file does not draw the same.
    """
    script, facts = script_of(out), {**facts, "inputs": about_one(model)}
    program = _program(model)
    if drawn := _drawn(program):
        raise ModelError(f"{model.gan.plan.recipe} draws numbers of its own ({drawn}), and no converted file can")
    with atomic(out) as temporary, quiet():
        with temporary.open("wb") as file:
            torch.export.save(program, file, extra_files={FACTS: json.dumps(facts)})
        again: Any = torch.export.load(temporary).module()
        with torch.no_grad():
            difference = max(_difference(model, again, seed, psi) for _, seed, psi in BATCHES)
        text = LINES.format(name=out.stem, file=out.name, mark=MARK, about=json.dumps(facts, indent=4))
        write_text(script, text)
    return difference


def about_one(model: Exportable) -> dict[str, str]:
    """What each input of the program holds, as :attr:`Exportable.about` says it of a file for any number of images."""
    given = inputs_of(model.inputs(1, 0, 1.0)[0])
    return {
        name: f"{str(rows.dtype).removeprefix('torch.')} ({', '.join(map(str, rows.shape))})"
        f"{model.about[name][model.about[name].index(':') :]}"
        for name, rows in given.items()
    }


def inputs_of(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Inputs of a sampler as Core ML has them."""
    made = {
        name: rows.int() if name in NARROW and not rows.is_floating_point() else rows for name, rows in given.items()
    }
    return {name: rows.reshape(1) if name == TRUNCATION else rows for name, rows in made.items()}


def _difference(model: Exportable, again: Any, seed: int, psi: float) -> float:
    given, wanted = model.inputs(1, seed, psi)
    return differing(again(**inputs_of(given)), wanted)


@torch.no_grad()
def _program(model: Exportable) -> ExportedProgram:
    """The program of one image, decomposed.

    Raises:
        ModelError: naming the layer that cannot be exported.
    """
    given, _ = model.inputs(1, 0)
    try:
        return _traced(OneImage(model.network, tuple(model.about)).eval(), (), inputs_of(given))
    except Exception as error:  # whatever torch raises: there are dozens of kinds
        raise refusal(model, "Core ML", _attempt, error) from error


def _traced(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ExportedProgram:
    with quiet():
        return without_asides(plain_nodes(torch.export.export(module, args, kwargs).run_decompositions()))


def without_asides(program: ExportedProgram) -> ExportedProgram:
    """The program without what computes nothing: the converter stumbles over other names, checks and unused results."""
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        if node.target in ALIASES:
            node.replace_all_uses_with(node.args[0])
        if node.target in (*ALIASES, torch.ops.aten._assert_tensor_metadata.default):
            graph.erase_node(node)
        elif node.target is torch.ops.aten.max_pool2d_with_indices.default and len(node.args) == 2:
            node.args = (*node.args, node.args[1])  # the stride, which it expects to be said
    graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _attempt(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    _traced(module, args, kwargs)


def _drawn(program: ExportedProgram) -> str:
    """The first operation of a program that draws numbers; nothing where there is none."""
    named = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    return next((name for name in named if name.removeprefix("aten.").startswith(DRAWN)), "")
