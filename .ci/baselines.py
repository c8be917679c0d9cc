"""The oracle of a change that is to change no number: baselines of version 0.1.0, and two installations side by side.

    python .ci/baselines.py write [TARGET ...]          write tests/baselines with the ganzoo of this interpreter
    python .ci/baselines.py check [TARGET ...]          compare the ganzoo of this interpreter with tests/baselines
    python .ci/baselines.py same OLDPYTHON NEWPYTHON    byte equality of two installations on this machine
    python .ci/baselines.py bench OLDPYTHON NEWPYTHON   their speed, steps taken in turn, and their start-up times

TARGET is of ``samples explain losses half-way``, all of them by default; ``write bench`` times ``ganzoo bench``. Only
the command line and the functions ``build info list load train`` of ganzoo are used, so that any two versions can be
compared.

What ``tests/baselines`` holds, written by version 0.1.0 (commit 73226a8):

- ``samples/MODEL.png``: 16 samples of seed 7 of each shipped model; one level of 255 is allowed, processors round.
- ``plans.json``: what ``build --explain`` shows of each architecture, preset and part, with the networks' sizes.
- ``losses.json``: named losses of the first steps at a tiny size, fp32, one thread; 1e-3 is allowed.
- ``half-way/``: a run stopped at step 4 of 8; ``half-way.json``: sha256 of each file that 0.1.0 leaves at its end.
- ``bench.json``: times of ``ganzoo bench`` on one machine, with its name and load; nothing is checked against them.

``check`` prints a line for each item and ends with exit status 1 if one differs; an item whose plugin is not installed
is skipped. ``same`` trains tiny recipes with both interpreters and compares the folders byte for byte: tensors,
state.json, run.json without clock, host and paths, log.jsonl without clock and the texts of events, pictures, metrics
without seconds, config.json but for the release; cards and their plot of the log are not compared. It also lets both go
on with runs that OLD left half-way. ``bench`` prints JSON: ``ratio`` is the median of old over new time of a step.

An environment with the code of version 0.1.0, beside a checkout:

    git worktree add ../ganzoo-0.1.0 73226a8
    python3 -m venv ../env-0.1.0
    ../env-0.1.0/bin/pip install -e '../ganzoo-0.1.0[test]'
    ../env-0.1.0/bin/pip install ../ganzoo-0.1.0/plugins/ganzoo-{text,translate,toy,softhinge}
    ../env-0.1.0/bin/python .ci/baselines.py check
    python .ci/baselines.py same ../env-0.1.0/bin/python .venv/bin/python

Both environments need the same torch, numpy and Pillow: bytes depend on them. The interpreter is started outside of any
checkout, so that ``python -m ganzoo`` is the installed one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from oracle import pace, portable, same, worker


def write(options: argparse.Namespace) -> int:
    """Write baselines; see the module."""
    portable.write(tuple(options.targets or portable.TARGETS), print)
    return 0


def check(options: argparse.Namespace) -> int:
    """Check against them; exit status 1 if anything differs."""
    bad = 0
    for item, wrong in portable.check(tuple(options.targets or portable.TARGETS)):
        fine = wrong is None or wrong.startswith("skipped")
        print(f"{'ok ' if wrong is None else '-- ' if fine else 'BAD'} {item}{f': {wrong}' if wrong else ''}")
        bad += not fine
    print(f"{bad} items differ" if bad else "all as it was")
    return int(bad > 0)


def compare(options: argparse.Namespace) -> int:
    """Compare two interpreters byte for byte; exit status 1 if anything differs."""
    return same.compare(options.old, options.new, options.recipes, options.keep)


def bench(options: argparse.Namespace) -> int:
    """Compare the speed of two interpreters."""
    recipes = options.recipes.split(",")
    print(json.dumps(pace.compare(options.old, options.new, recipes, options.pairs, options.batch), indent=2))
    return 0


def interpreter(text: str) -> str:
    """An interpreter by name or path, so that it is found from any folder."""
    return os.path.abspath(text) if os.sep in text else text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name, function in {"write": write, "check": check}.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.add_argument("targets", nargs="*", metavar="TARGET", help="of samples, explain, losses, half-way")
        command.set_defaults(function=function)
    for name, function in {"same": compare, "bench": bench}.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.add_argument("old", metavar="OLDPYTHON", type=interpreter, help="with the older ganzoo")
        command.add_argument("new", metavar="NEWPYTHON", type=interpreter, help="with the newer ganzoo")
        command.set_defaults(function=function)
        if name == "same":
            command.add_argument("--recipes", nargs="*", default=[], metavar="WORD", help="only runs whose name has it")
            command.add_argument("--keep", metavar="DIR", help="keep the runs of both in this new folder")
        else:
            command.add_argument("--recipes", default="dcgan,sngan,sagan", help="with commas between")
            command.add_argument("--pairs", type=int, default=20, help="steps of each; 20 by default")
            command.add_argument("--batch", type=int, default=64, help="images in a batch; 64 by default")
    return made


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:  # a child of `same` or `bench`, in the interpreter that is to be compared
        sys.exit(worker.work(sys.argv[2:]))
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    chosen = parser().parse_args()
    known = (*portable.TARGETS, *(["bench"] if chosen.function is write else []))
    if unknown := set(getattr(chosen, "targets", ())) - set(known):
        parser().error(f"{', '.join(unknown)} is no target; they are {', '.join(known)}")
    sys.exit(chosen.function(chosen))
