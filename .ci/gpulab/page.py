"""Results as a table, and docs/reference/speed.md, which shows those of every device that was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs" / "reference" / "speed.md", ROOT / "docs" / "speed.json"
COMMAND = "python .ci/gpu_run.py --page gpu.json"
COLUMNS = ("recipe", "arithmetic", "compile", "ms a step", "images/s", "of the matrix rate", "beside", "as fast")
HEADER = f"""\
# Speed on a GPU

One update of D and one of G, as [`ganzoo bench`](../cli.md#ganzoo-bench) times them: ours, and other libraries' own
steps in the same process on the same device. "As fast" is their median over ours. The matrix rate is the best that was
measured of large products in the same arithmetic; `fp32` is TF32 on a GPU that has it.

Each table is made by one command on a machine with such a device, in nine minutes, and put here by another:

```bash
.ci/gpu
{COMMAND}
```

It also runs the tests marked `gpu`, a training by two processes, and a training as a person starts it.
"""
NONE = "\nNo device has been measured yet.\n"


def find(result: dict[str, Any], name: str) -> Any:
    """What a stage found; None where it was not done."""
    return next((stage["found"] for stage in result["stages"] if stage["name"] == name), None)


def device(result: dict[str, Any]) -> str:
    """The device's own name."""
    about = find(result, "device") or {}
    return str(about.get("name") or result["device"])


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row for each benchmark and peer."""
    made = []
    for one in [*(find(result, "bench") or ()), *(find(result, "compiled") or ())]:
        head = [f"`{one['recipe']}`", one["precision"], one["compile"]]
        if "result" not in one:
            made.append([*head, one.get("skipped") or one["failed"], "", "", "", ""])
            continue
        ours, peers = one["result"]["ours"], one["result"]["peers"]
        speed = [f"{ours['step_ms']:,.2f}", f"{ours['images_per_second']:,.0f}", f"{ours['fraction_of_peak']:.0%}"]
        beside = [[name, f"{peer['ratio']:.2f} times"] for name, peer in peers.items()]
        made += [[*head, *speed, *each] for each in beside or [["", ""]]]
        made += [["", "", "", "", "", "", name, f"not measured: {why}"] for name, why in one["without"].items()]
    return [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in made]


def table(result: dict[str, Any]) -> str:
    """The results of one device as Markdown: its name, its benchmarks, and what became of each stage."""
    about = find(result, "device") or {}
    lines = [f"## {device(result)}", ""]
    software = f"torch {about.get('torch')}, CUDA {about.get('cuda')}" if about else "torch did not start"
    lines += [f"{result['date']}, commit {result['commit'] or 'unknown'}, {software}.", ""]
    lines += [f"| {' | '.join(cells)} |" for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows(result))]
    lines += ["", *(f"- {line}" for line in said(result))]
    return "\n".join(lines)


def said(result: dict[str, Any]) -> list[str]:
    """What became of every stage, in a sentence each."""
    lines = []
    for stage in result["stages"]:
        if stage["status"] != "done":
            lines.append(": ".join(filter(None, (stage["name"], stage["status"], stage["reason"]))))
    if tests := find(result, "tests"):
        counts = ", ".join(
            f"{tests[word]} {word}" for word in ("passed", "failed", "error", "skipped") if word in tests
        )
        lines.append("; ".join((f"tests marked gpu: {counts}", *tests["names_failed"])))
    if two := find(result, "two processes"):
        lines.append(f"two processes ({two['way']}): {two['steps']} steps in {two['seconds']:.0f} s, start and all")
    if run := find(result, "training"):
        speed = f", {run['images_per_second']:,.0f} images/s" if run["images_per_second"] else ""
        lines.append(
            f"training of {run['recipe']} on {run['data']}: {run['steps']:,} steps in {run['budget']} s{speed}"
        )
    return lines


def page(results: list[dict[str, Any]]) -> str:
    """The whole page."""
    tables = "".join(f"\n{table(result)}\n" for result in results)
    return f"{HEADER}{tables or NONE}\nThis page is generated: `{COMMAND}`.\n"


def known() -> list[dict[str, Any]]:
    """The results that the docs have."""
    found: list[dict[str, Any]] = json.loads(RESULTS.read_bytes())
    return found


def add(path: Path) -> int:
    """Put results into the docs, in the place of older ones of the same device; an exit status."""
    try:
        fresh = json.loads(path.read_bytes())
        table(fresh)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{path} holds no results of .ci/gpu ({type(error).__name__}: {error})", file=sys.stderr)
        return 1
    results = [*(one for one in known() if device(one) != device(fresh)), fresh]
    results.sort(key=device)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")
    return 0
