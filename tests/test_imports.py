"""Imports go one way between rooms; parts import only what a stranger's could; only the built-in list names parts."""

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Template

import pytest

import ganzoo
from ganzoo.registry.loading import registry

ROOT = Path(ganzoo.__file__).parent
PUBLIC = (
    "ganzoo",
    "ganzoo.parts",
    "ganzoo.layers",
    "ganzoo.data",
    "ganzoo.metrics",
    "ganzoo.foreign",
    "ganzoo.testing",
    "ganzoo.cli.kit",
)
PLUGINS = sorted(path for path in ROOT.parent.glob("plugins/*/ganzoo_*") for path in [path, *path.rglob("*.py")])
PLUGINS = [*(path for path in PLUGINS if path.suffix == ".py"), *sorted(ROOT.glob("templates/*.py.tmpl"))]
FLOORS = [  # a room may import those of the floors before it: at the top of a file, in a function, or for types alone
    {"compat", "errors", "schedules", "seeding"},
    {"files", "distributed"},
    {"parts"},
    {"images", "registry"},
    {"plan"},
    {"gan"},
    {"layers"},
    {"losses", "augments", "samplers", "data", "machine"},
    {"architectures", "folder"},
    {"metrics", "hub", "visual", "watch"},
    {"api", "card"},
    {"scoring", "foreign", "notebook"},
    {"training"},
    {"publish", "demos"},
    {"testing", "grid", "exporting"},
    {"__init__"},
    {"cli", "pytest_plugin"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path for path in ROOT.rglob("*.py") if "templates" not in path.parts)
NAMES = {
    ".".join(("ganzoo", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__") for path in MODULES
}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Modules that a file imports, and for other packages the dotted names: at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else node.module or "" for name in names}
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] == "ganzoo"}


def circles(arrows: dict[str, set[str]]) -> Iterator[list[str]]:
    """Names that can be reached from themselves: what is left once all that leads nowhere is taken away."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while ends := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in ends:
            del left[name]
    if left:
        yield sorted(left)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    for name in ours(path):
        other = name.split(".")[1] if "." in name else "__init__"
        if other != room(path):
            assert FLOOR[other] < FLOOR[room(path)], f"{path.relative_to(ROOT)} imports {name}"


def test_no_two_files_of_a_room_import_each_other() -> None:
    arrows = {".".join(("ganzoo", *path.relative_to(ROOT).with_suffix("").parts)): ours(path) for path in MODULES}
    assert list(circles(arrows)) == []


def test_few_files_stand_in_the_hall() -> None:
    assert len([path for path in ROOT.iterdir() if path.is_file()]) <= 8


@pytest.mark.parametrize("folder", ["layers", "losses", "augments", "samplers", "architectures"])
def test_parts_import_what_a_strangers_plugin_could(folder: str) -> None:
    allowed = {"torch", "timm", *sys.stdlib_module_names}
    for path in (ROOT / folder).rglob("*.py"):
        for name in imported(path):
            public = name.startswith(
                ("ganzoo.parts", "ganzoo.gan", "ganzoo.errors", f"ganzoo.{folder}", "ganzoo.layers", "ganzoo.compat")
            )
            assert name.split(".")[0] in allowed or public, f"{path.name} imports {name}"


def test_only_the_built_in_list_names_a_part() -> None:
    heads = {entry.name for kind in ("architecture", "preset") for entry in registry().entries(kind)} - {"gan", "dcgan"}
    engine = {"registry", "plan", "gan", "parts", "training", "machine", "distributed"}
    for path in MODULES:
        if room(path) not in engine or path.name == "builtin.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                words = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                assert not words & heads, f"{path.name}:{node.lineno} branches on a part's name"


class Anything(dict[str, str]):
    """Stands for whatever a template leaves to be filled in."""

    def __missing__(self, name: str) -> str:
        return "Something"


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_uses_public_names_alone(path: Path) -> None:
    """Shipped plugins and what ``ganzoo new-plugin`` writes: seven modules, and what these declare."""
    used: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(Template(path.read_text(encoding="utf-8")).safe_substitute(Anything()))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ganzoo":
            used |= {(str(node.module), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            assert all(name in PUBLIC for alias in node.names if (name := alias.name).split(".")[0] == "ganzoo")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ganzoo":
            used.add(("ganzoo", node.attr))
    for module, name in used:
        assert module in PUBLIC, f"{path} imports {module}"
        assert name in import_module(module).__all__, f"{path} uses {name} of {module}, which does not declare it"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_is(module: str) -> None:
    public = import_module(module)
    assert sorted(public.__all__) == sorted(set(public.__all__)) and public.__doc__
    modules = {name.removeprefix(f"{module}.") for name in NAMES} - {"testing"}
    assert not modules & set(public.__all__), "a name that the import of a module of that name would replace"
    for name in public.__all__:
        found = getattr(public, name)
        if callable(found) and not name.isupper():  # constants are told of where they are
            assert (found.__doc__ or "").strip(), f"{module}.{name} has no docstring"
