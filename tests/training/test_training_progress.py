"""What a person sees while a run goes on."""

import sys

import pytest

from ganzoo.training.progress import Lines, duration


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_lines_are_whole_and_rare(monkeypatch, capsys):
    clock = Clock()
    monkeypatch.setattr("ganzoo.training.progress.time.monotonic", clock)
    lines = Lines(1000, sys.stderr)
    record = {"losses": {f"d/very-long-name-{k}": 1.0 for k in range(20)}, "accuracy": {"real": 0.5, "fake": 1.0}}
    for step in range(10, 1001, 10):
        clock.now += 1
        lines.show(step, record, 100.0, 1000.0 - step)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 11
    assert all("d/very-long-name-19" in line and "D right 50%/100%" in line for line in shown)
    assert "10 s left" not in shown[-1] and "done" in shown[-1]


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text
