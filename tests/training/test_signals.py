"""Signals that come close to each other, while handlers are set and taken away, or where nobody waits for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import get_ident

import pytest
from tiny_runs import contents, resume, tiny

from ganzoo.training import signals
from ganzoo.training.signals import CAUGHT, Interrupted, Signals, ask_to_stop


@pytest.fixture(autouse=True)
def complaints(monkeypatch):
    """What Python says on standard error of a signal whose handler is gone; and both have the system's handlers."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in CAUGHT}
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)
    assert found == []


def send_at_once(*numbers):
    """Send signals that Python finds together, as after a long operation outside Python."""
    signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
    for number in numbers:
        signal.pthread_kill(get_ident(), number)  # not to another thread, which would find it at some later time
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CAUGHT)


@pytest.mark.parametrize("patient", [False, True])
@pytest.mark.parametrize("numbers", [CAUGHT, CAUGHT[::-1]])
def test_two_signals_at_once_are_one_wish(numbers, patient):
    with Signals(patient) as caught:
        send_at_once(*numbers)
        assert caught.caught in CAUGHT
    assert [signal.getsignal(number) for number in CAUGHT] == [signal.SIG_DFL] * 2


@pytest.mark.parametrize("gap", [0.0, 0.04, 0.2])
def test_signals_that_follow_each_other_are_one_wish(gap):
    with Signals() as caught:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(gap)
        os.kill(os.getpid(), signal.SIGTERM)
        assert caught.caught == signal.SIGINT


def test_a_signal_at_the_end_of_the_block_finds_its_handler(monkeypatch):
    monkeypatch.setattr(signals, "ONE_WISH", -1.0)
    put_back = Signals._restore

    def late(self):
        self._leaving = True
        send_at_once(*CAUGHT)
        put_back(self)

    monkeypatch.setattr(Signals, "_restore", late)
    with Signals() as caught:
        pass
    assert caught.caught in CAUGHT


def test_a_later_signal_acts_as_it_did_before(monkeypatch):
    monkeypatch.setattr(signals, "ONE_WISH", 0.0)
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Signals():
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
            time.sleep(0.01)
        assert seen == [signal.SIGTERM]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), Signals():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_handler_that_could_not_be_put_back_stays(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None if number == signal.SIGTERM else signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", lambda number, handler, set=signal.signal: touched.append(number))
    touched = []
    with Signals():
        assert touched == [signal.SIGINT]
    monkeypatch.undo()


def test_who_was_asked_to_stop_is_not_asked_again(monkeypatch):
    monkeypatch.setattr(signals, "ONE_WISH", 0.0)
    with Signals() as caught:
        for _ in range(3):
            ask_to_stop()
            time.sleep(0.01)
        assert caught.caught == signal.SIGTERM
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    ask_to_stop()
    assert seen == [signal.SIGTERM]


LATER = """
import os, signal, time
from ganzoo.training.signals import Signals
with Signals():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.6)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
"""


def test_a_later_signal_ends_a_process_that_hangs():
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")


@pytest.mark.parametrize("numbers", [CAUGHT, CAUGHT[::-1]])
def test_a_training_that_gets_two_signals_saves_once_and_goes_on(numbers, tmp_path, finished):
    def send(record):
        if record["step"] == 3:
            os.kill(os.getpid(), numbers[0])
            time.sleep(0.04)
            os.kill(os.getpid(), numbers[1])

    with pytest.raises(Interrupted, match=r"stopped at step 3 .*--resume") as caught:
        tiny(tmp_path / "run", callback=send)
    assert caught.value.status == 128 + numbers[0]
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(finished)


AGAIN = """
import atexit, os, signal, sys
import click
from ganzoo import cli, errors

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)

def end(*_):
    raise {"error": errors.UsageError("no"), "usage": click.UsageError("no"), "end": SystemExit(0)}[sys.argv[1]]

atexit.register(interrupt)
cli.Commands.resolve_command = interrupt if sys.argv[1] == "interrupt" else end
cli.main()
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [("interrupt", "ganzoo: interrupted"), ("error", "ganzoo: error: no"), ("usage", "ganzoo: error: no"), ("end", "")],
)
def test_ctrl_c_at_a_process_that_ends_prints_no_traceback(how, said):
    done = subprocess.run([sys.executable, "-c", AGAIN, how], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.strip() == said
