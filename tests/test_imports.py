"""Imports go one way, parts import only what a stranger's plugin could, and only the built-in list names parts."""

import ast
import sys
from pathlib import Path

import pytest

import ganzoo
from ganzoo.registry import registry

ROOT = Path(ganzoo.__file__).parent
LAYERS = [
    {"errors", "launch", "seeding", "files", "memory", "docstrings"},
    {"recipe", "options"},
    {"hookspecs", "declarations", "entry", "registry", "plugins", "builtin", "registrations"},
    {"settings", "plan", "resolver"},
    {"whole", "pictures", "inputs", "kit", "gan"},
    {"layers", "losses", "augments", "games"},
    {"architectures"},
    {"builder"},
    {"folder", "checkpoint", "examples", "data", "anatomy", "scores", "walks", "local"},
    {"metrics", "hub"},
    {"scoring"},
    {"card", "training", "overlays", "plotting", "catalogue", "verdicts"},
    {"diagram", "doctor", "compare", "publish", "casting"},
    {"api"},
    {"testing", "pytest_plugin"},
    {"watch", "grid"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(path for path in ROOT.rglob("*.py") if "templates" not in path.parts)


def place(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    if path.parent == ROOT and path.name in ("__init__.py", "__main__.py"):
        return
    own = RANK[place(path)]
    for name in imported(path):
        head, _, rest = name.partition(".")
        if head == "ganzoo" and rest:
            assert RANK[rest.split(".")[0]] <= own, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("folder", ["layers", "losses", "architectures"])
def test_parts_import_what_a_strangers_plugin_could(folder):
    allowed = {"torch", "timm", *sys.stdlib_module_names}
    for path in (ROOT / folder).glob("*.py"):
        for name in imported(path):
            ours = name.startswith(("ganzoo.kit", "ganzoo.gan", "ganzoo.errors", f"ganzoo.{folder}", "ganzoo.layers"))
            assert name.split(".")[0] in allowed or ours, f"{path.name} imports {name}"


def test_only_the_built_in_list_names_a_part():
    heads = {entry.name for kind in ("architecture", "preset") for entry in registry().entries(kind)} - {"gan", "dcgan"}
    engine = ("resolver.py", "plan.py", "builder.py", "gan.py", "kit.py", "registry.py", "training", "games")
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] not in engine:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                words = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                assert not words & heads, f"{path.name}:{node.lineno} branches on a part's name"
