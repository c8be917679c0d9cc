"""No memory left is a sentence with a way out, and no traceback."""

import pytest
import torch
from click.testing import CliRunner

from ganzoo.cli import main

CUDA = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 139.80 GiB of which 1.12 GiB is "
    "free. Process 7 has 138.68 GiB memory in use."
)
CPU = "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to allocate "


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError(CUDA), ["CUDA out of memory. Tried to allocate 2.50 GiB: ", "smaller batch"]),
        (RuntimeError(CPU), ["can't allocate memory", "ganzoo plan"]),
        (MemoryError(), ["there is no memory left: ", "narrower network"]),
    ],
)
def test_a_command_that_finds_no_memory_says_so_in_one_line(monkeypatch, error, words):
    def full(*arguments, **named):
        raise error

    monkeypatch.setattr("ganzoo.training.bench.bench", full)
    result = CliRunner().invoke(main, ["bench", "gan"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganzoo: error: {words[0]}") and all(word in line for word in words)
    assert "Process 7" not in line


def test_a_batch_that_no_memory_holds_is_refused_before_any_is_taken():
    result = CliRunner().invoke(main, ["bench", "dcgan:ch=1", "--batch", str(10**12), "--rounds", "1"])
    assert result.exit_code == 1 and "can't allocate memory: you tried to allocate 1" in result.stderr


def test_another_error_of_torch_is_still_an_error(monkeypatch):
    def broken(*arguments, **named):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr("ganzoo.training.bench.bench", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        CliRunner().invoke(main, ["bench", "gan"], catch_exceptions=False)
