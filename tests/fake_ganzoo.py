"""Stands in for ``ganzoo`` in the tests of grids: writes a run's log in no time, or fails as it is told to.

Its environment says which runs (by name) are to go wrong: FAKE_FAIL ends with an error, FAKE_KILL is killed, FAKE_HANG
waits to be asked to save and end. Every call is noted in ``calls.txt`` beside the runs.
"""

import json
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

words = sys.argv[1:]
given = dict(pairwise(words))
folder = Path(given.get("--out", words[1]))
with (folder.parent / "calls.txt").open("a") as calls:
    calls.write(f"{words[0]} {folder.name} threads={os.environ['OMP_NUM_THREADS']}\n")


def told(what: str) -> bool:
    return folder.name in os.environ.get(what, "").split(",")


def save_and_go(*_: object) -> None:
    sys.exit(143)


if told("FAKE_FAIL"):
    sys.exit("some words before\nganzoo: error: out of luck\x1b[2J | `at` step 3")
if told("FAKE_KILL"):
    os.kill(os.getpid(), signal.SIGKILL)
if told("FAKE_HANG"):
    signal.signal(signal.SIGTERM, save_and_go)
    ready = folder.parent / "hanging.new"
    ready.write_text(str(os.getpid()))
    ready.rename(folder.parent / "hanging")
    time.sleep(60)
folder.mkdir(exist_ok=True)
steps, base = int(given.get("--steps", 10)), {"bce": 1.0, "hinge": 2.0, "ls": 5.0}
name, (loss, value) = words[1], next((pair for pair in base.items() if pair[0] in words[1]), ("", 0.0))
value += 10.0 * ("sn" in name) + int(given.get("--seed", 0))
lines = [{"step": step, "losses": {"d/loss": 99.0 if step <= steps * 0.9 else value}} for step in range(1, steps + 1)]
lines.append({"step": steps, "event": {"kind": "collapse", "text": "it did"}})
(folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
