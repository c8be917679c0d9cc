"""The rooms of the package: what each is for, and who imports whom, read from the files."""

from __future__ import annotations

import ast
from functools import cache
from html import escape
from pathlib import Path

from sitepages import ROOT
from sitepages.markdown import code, table, text

PACKAGE = ROOT / "ganzoo"
WIDTH, HEIGHT, GAP, MARGIN = 128, 34, 14, 16  # of a room in the drawing, in pixels
HEADER = """\
# Rooms

`ganzoo/` is made of rooms, and imports between them go one way: a room imports only rooms below it in the drawing, at the
top of a file or inside a function. A test holds every file to it. The number of a room's floor is the longest way from it down.

[![the rooms of ganzoo, those above import those below](rooms.svg)](rooms.svg){ .drawing }
"""


def pages() -> dict[str, str | Path]:
    """The page and its drawing."""
    return {"design/rooms.md": _page(), "design/rooms.svg": _svg()}


@cache
def imports() -> dict[str, frozenset[str]]:
    """The rooms that each room imports."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        if len(inside) > 1 or inside[0] in ("api.py", "errors.py", "images.py", "seeding.py"):
            found.setdefault(inside[0].removesuffix(".py"), set()).update(_names(path))
    return {room: frozenset((others & found.keys()) - {room}) for room, others in found.items()}


def _names(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "ganzoo" else [f"ganzoo.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("ganzoo.")}
    return found


@cache
def floor(room: str) -> int:
    """How many rooms there are, one on another, below a room."""
    return max((floor(other) + 1 for other in imports()[room]), default=0)


def _about(room: str) -> str:
    path = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text(" ".join(doc.partition("\n\n")[0].split()))


def _page() -> str:
    rows = []
    for room in sorted(imports(), key=lambda name: (floor(name), name)):
        others = ", ".join(map(code, sorted(imports()[room], key=lambda name: (floor(name), name)))) or "none"
        rows.append((code(room), str(floor(room)), _about(room), others))
    return f"{HEADER}\n{table(('room', 'floor', 'content', 'imports'), rows)}\n"


def _svg() -> str:
    floors: dict[int, list[str]] = {}
    for room in sorted(imports()):
        floors.setdefault(floor(room), []).append(room)
    across = max(map(len, floors.values()))
    width = 2 * MARGIN + across * (WIDTH + GAP) - GAP
    height = 2 * MARGIN + len(floors) * (HEIGHT + GAP) - GAP
    boxes = []
    for number, rooms in floors.items():
        top = height - MARGIN - (number + 1) * (HEIGHT + GAP) + GAP
        left = (width - len(rooms) * (WIDTH + GAP) + GAP) / 2
        for place, room in enumerate(rooms):
            x = left + place * (WIDTH + GAP)
            boxes.append(
                f'<rect x="{x:g}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="#e8eefc" stroke="#5b7bd5"/>'
                f'<text x="{x + WIDTH / 2:g}" y="{top + 22}" text-anchor="middle">{escape(room)}</text>'
            )
    style = "text{font-family:'DejaVu Sans',Arial,sans-serif;font-size:13px;fill:#1f2937}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, f"<style>{style}</style>", ground, *boxes, "</svg>", ""])
