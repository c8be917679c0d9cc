"""A model as a program of ``torch.export``: a file that torch runs without ganzoo."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ganzoo.exporting.check import largest_difference, refusal
from ganzoo.exporting.sampler import SHOWN, Exportable
from ganzoo.files.write import atomic

FACTS = "ganzoo.json"  # in the file, beside the program
ANY = Dim("n", min=1)
WHERE = ("stack_trace", "source_fn_stack")  # what a step of a program says of this machine's files


@contextmanager
def quiet() -> Iterator[None]:
    """Let exporters keep to themselves what concerns their authors alone: warnings, logs, and listings on stderr."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def shapes_of(given: Any) -> Any:
    """The sizes that may be others, of inputs in any nesting: the number of images."""
    if isinstance(given, Tensor):
        return {0: ANY} if given.ndim and len(given) == SHOWN else {}
    if isinstance(given, Mapping):
        return {name: shapes_of(one) for name, one in given.items()}
    return tuple(map(shapes_of, given)) if isinstance(given, list | tuple) else None


@torch.no_grad()
def traced(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ExportedProgram:
    """A module as a program for any number of images, shown the inputs of :data:`SHOWN`."""
    named = signature(module.forward).bind(*args, **kwargs).arguments
    with quiet():
        program = torch.export.export(module, args, kwargs, dynamic_shapes=shapes_of(named))
    return plain_nodes(program)


def plain_nodes(program: ExportedProgram) -> ExportedProgram:
    """The program, whose steps say no longer what files of this machine they are from."""
    for node in program.graph.nodes:
        for key in WHERE:
            node.meta.pop(key, None)
    return program


def make_program(model: Exportable) -> ExportedProgram:
    """The program that draws a model's samples.

    Raises:
        ModelError: naming the layer that cannot be exported.
    """
    inputs, _ = model.inputs(SHOWN, 0)
    try:
        return traced(model.network, (), inputs)
    except Exception as error:  # whatever torch raises: there are dozens of kinds
        raise refusal(model, "torch.export", _attempt, error) from error


def _attempt(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    traced(module, args, kwargs)


def write_program(model: Exportable, facts: Mapping[str, Any], out: Path) -> float:
    """Write a model as ``FILE.pt2``, which ``torch.export.load(FILE).module()`` runs.

    Args:
        model: what to write.
        facts: about it, kept in the file under :data:`FACTS`.
        out: the file.

    Returns:
        The largest difference between its images, once it was loaded again, and the model's.

    Raises:
        ModelError: it cannot be exported, or does not draw the same; nothing was written.
    """
    program = make_program(model)
    with atomic(out) as temporary, quiet():
        with temporary.open("wb") as file:  # not by its name, which torch would put into it
            torch.export.save(program, file, extra_files={FACTS: json.dumps(facts)})
        again: Any = torch.export.load(temporary).module()
        with torch.no_grad():
            return largest_difference(model, lambda inputs: again(**inputs))
