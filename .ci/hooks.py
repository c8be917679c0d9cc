"""Write docs/plugins/hooks.md, every hook with its signature and what it says; ``--check`` compares.

python .ci/hooks.py
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from ganzoo.registry import hookspecs
from ganzoo.registry.docstrings import arguments
from ganzoo.registry.entry import Entry
from ganzoo.registry.hookspecs import HOOKS
from ganzoo.registry.loading import registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "plugins" / "hooks.md"
COMMAND = "python .ci/hooks.py"
MOST = 6  # names in a cell of a table
OURS = ("kind", "name", "build", "form", "distribution", "version", "entry_point", "built_in", "packaged")
TUTORIALS = {kind: f"{kind}.md" for kind in HOOKS}

HEADER = """\
# Hooks

There is one hook for each kind of part, and all have one shape: a function that is handed `register`, and calls it
once for
each part.

```python
import ganzoo

@ganzoo.hookimpl
def register_losses(register: ganzoo.Register) -> None:
    register("mine", "my_package.losses:Mine", implies=("gp",), paper="arxiv:1234.56789")
```

The module with the hooks is what the entry point of the group `ganzoo` names. It may have several hooks, and a hook
may register
several parts. `build` is a callable, or the text `"module:Name"`: then listing parts imports nothing of it, which keeps
`ganzoo --help` fast.

`ganzoo.register("loss", "mine", Mine, ...)` takes the same arguments for one program, without a package.

| kind (and its tutorial) | hook |
| :-- | :-- |\
"""


def table() -> str:
    """A row for each hook."""
    return "\n".join(f"| [{kind}]({TUTORIALS[kind]}) | [`{hook}`](#{hook}) |" for kind, hook in HOOKS.items())


def section(kind: str, hook: str) -> str:
    """One hook: its signature, what it says, and an example of ganzoo's own."""
    function = getattr(hookspecs, hook)
    takes = inspect.signature(function).parameters
    built_in = [entry.name for entry in registry().entries(kind) if entry.built_in]
    lines = [
        f"## {hook}",
        f"```python\n@ganzoo.hookimpl\ndef {hook}({', '.join(takes)}: ganzoo.Register) -> None: ...\n```",
        plain(inspect.getdoc(function) or "").strip(),
        f"ganzoo's own: {', '.join(f'`{name}`' for name in built_in)}.",
    ]
    return "\n\n".join(lines)


def declarations() -> str:
    """A row for each declaration that ``register`` takes."""
    docs = attribute_docs()
    names = [field.name for field in fields(Entry) if field.name not in OURS]
    rows = [f"| `{name}` | {docs[name]} |" for name in names]
    head = """\
## Declarations

The keyword arguments of `register(name, build, ...)` say what a part brings and needs. Nothing else in ganzoo knows
your part
by name: it goes by these.

| declaration | meaning |
| :-- | :-- |\
"""
    return "\n".join([head, *rows])


def keys() -> str:
    """A row for each key: who of ganzoo's own parts has it, and who needs it."""
    entries = [entry for entry in registry().entries() if entry.built_in]
    found = sorted({key for entry in entries for key in entry.provides | entry.requires})
    rows = [
        f"| `{key}` | {names(entry for entry in entries if key in entry.provides)}"
        f" | {names(entry for entry in entries if key in entry.requires)} |"
        for key in found
    ]
    head = """\
## Keys of requires and provides

Data sets provide the columns of their batches, architectures what their networks can do. A part that requires a key
is refused,
with a reason and before anything is downloaded, where nobody provides it.

| key | provided by | required by |
| :-- | :-- | :-- |\
"""
    end = """\

Labels are `label`, or `label-class`, `label-multilabel` and `label-continuous` for parts that can use only one kind
of them. A
data set with labels provides `label` and its kind. `sites:N` is a map of height N where attention can stand.\
"""
    return "\n".join([head, *rows, end])


def names(entries: Iterable[Entry]) -> str:
    """A few of the parts by name, and how many more there are."""
    found = [f"`{entry.name}`" for entry in entries]
    return ", ".join(found[:MOST]) + (f" and {len(found) - MOST} more" if len(found) > MOST else "")


def attribute_docs() -> dict[str, str]:
    """What the docstring of an entry says of each of its fields."""
    text = inspect.cleandoc(Entry.__doc__ or "").replace("\nAttributes:\n", "\nArgs:\n")
    return {name: plain(said).replace("|", "\\|") for name, said in arguments(text).items()}


def plain(text: str) -> str:
    """A docstring's text as Markdown."""
    return re.sub(r":\w+:", "", text).replace("``", "`")


def page() -> str:
    """The whole page."""
    hooks = [section(kind, hook) for kind, hook in HOOKS.items()]
    end = f"This page is generated from the hook specifications: `{COMMAND}`.\n"
    return "\n\n".join([f"{HEADER}\n{table()}", declarations(), keys(), *hooks, end])


def main() -> None:
    """Write the page, or say that it is not what it would be."""
    wanted = page()
    same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
    if "--check" in sys.argv and not same:
        sys.exit(f"{PAGE} is not what it would be: {COMMAND}")
    if not same:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
