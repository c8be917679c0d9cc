"""A model as an ONNX file, which has all that draws its samples, and says what it is of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from ganzoo.errors import UsageError
from ganzoo.exporting.check import largest_difference, refusal
from ganzoo.exporting.program import make_program, quiet, traced
from ganzoo.exporting.sampler import IMAGE, Exportable
from ganzoo.files.write import atomic
from ganzoo.registry.about import VERSION, install

LARGEST = 2**31 - 2**20  # bytes of weights: a file of ONNX has fewer than 2 GiB
ROWS = "n"


def refuse_without_onnx() -> None:
    """Refuse to begin where the packages that write and check ONNX are not here.

    Raises:
        UsageError: with what installs them.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"ONNX is written and checked with onnx, onnxscript and onnxruntime, and {error.name} is not here:"
            f" {install('onnx')}"
        ) from error


def write_onnx(model: Exportable, facts: Mapping[str, Any], out: Path) -> float:
    """Write a model as one ONNX file, for batches of any size.

    Args:
        model: what to write.
        facts: about it, kept as the file's metadata; what is no text is JSON there.
        out: the file.

    Returns:
        The largest difference between its images as onnxruntime draws them, and the model's.

    Raises:
        UsageError: the weights are too many for one file, or a package is missing.
        ModelError: it cannot be exported, or does not draw the same; nothing was written.
    """
    refuse_without_onnx()
    weights = sum(tensor.numel() * tensor.element_size() for tensor in model.network.state_dict().values())
    if weights > LARGEST:
        raise UsageError(f"the weights have {weights:,} bytes, and an ONNX file has less than 2 GiB: try --to torch")
    program = make_program(model)
    import onnx

    try:
        made = converted(program, list(model.about))
    except Exception as error:  # whatever the exporter raises
        raise refusal(model, "ONNX", _attempt, error) from error
    describe(made, model, facts)
    with atomic(out) as temporary:
        onnx.save(made, temporary, format="protobuf")
        return largest_difference(model, _Session(temporary))


def converted(program: ExportedProgram, names: list[str] | None = None) -> Any:
    """A program as a model of ONNX, its weights in it; ``names`` are of its inputs."""
    with quiet(), torch.no_grad():
        made: Any = torch.onnx.export(
            program, (), input_names=names, output_names=[IMAGE] if names else None, verbose=False
        )
    return made.model_proto


def _attempt(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    converted(traced(module, args, kwargs))


def describe(made: Any, model: Exportable, facts: Mapping[str, Any]) -> None:
    """Say in a model of ONNX what it is; what it says of files of this machine is taken out of it."""
    graph = made.graph
    for node in (*graph.node, *(node for function in made.functions for node in function.node)):
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.value_info[:]  # named after symbols of the exporter, and known without them
    del graph.metadata_props[:]
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
        value.doc_string = model.about.get(value.name, "float32 (n, C, H, W): images in [0, 1]")
        dimensions = value.type.tensor_type.shape.dim
        if dimensions:
            dimensions[0].dim_param = ROWS
    graph.name, made.producer_name, made.producer_version = "sample", "ganzoo", VERSION
    made.doc_string = "; ".join(f"{name}: {text}" for name, text in model.about.items())
    del made.metadata_props[:]
    for name, fact in facts.items():
        made.metadata_props.add(key=name, value=fact if isinstance(fact, str) else json.dumps(fact))


class _Session:
    """An ONNX file that is run on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.taken = {given.name for given in self.session.get_inputs()}

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        (images,) = self.session.run(None, {name: rows.numpy() for name, rows in inputs.items() if name in self.taken})
        return torch.from_numpy(images)
