"""One page for each registered part, one for each kind, and one of all: what ``ganzoo info`` shows, with links."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.gan.catalogue import columns, describe_part, fitted, needs
from ganzoo.hub.search import Question, on_this_machine
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.registry import hookspecs
from ganzoo.registry.docstrings import prose
from ganzoo.registry.entry import Entry, link
from ganzoo.registry.labels import LABEL_KEYS
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import ASKED_BY, HEAD_KINDS, KINDS, PART_KINDS, WORD_KINDS, Recipe
from ganzoo.visual.diagram import draw
from sitepages.markdown import bash, code, form, paragraphs, table, text

HOME = "zoo/parts"
PLURALS = {"loss": "losses", "features": "features"}
WHAT = {
    "architecture": "The networks of G and D: the first word of a recipe, or one side's network behind it.",
    "normalization": "Layers that G's and D's convolutions are followed by; labels and styles enter through some.",
    "weight": "Reparametrisations of every weight of a network.",
    "attention": "Layers that let a pixel see all others; they stand where an architecture has sites for them.",
    "conditioning": "How labels enter a network: heads of D, and what G's norms or input take them from.",
    "loss": "The adversarial objectives of D and G.",
    "regularizer": "Gradient penalties, consistency terms, and objectives with parameters of their own.",
    "augment": "What D sees of images in place of the images.",
    "dataset": "Names that `--data` knows beside folders, archives and arrays.",
    "metric": "What `ganzoo eval` measures.",
    "features": "Feature extractors: the networks through which metrics and projected discriminators look.",
    "sampler": "Better noise for a trained G, by what its D says.",
    "converter": "Whose weights `ganzoo import` reads.",
    "preset": "Names of recipes.",
}
PLAIN = "dcgan"  # learns from any images
SOURCE = "cifar10"  # where data is made of other data
SHOWN = re.compile(r"^As in `+(ganzoo [^`]+)`+\.$\n*", re.MULTILINE)
PREPRINT = re.compile(r",? arXiv[ :]\d{4}\.\d{4,5}|,? doi:[\w./]+\w")
SCHEDULES = "../../../reference/settings.md#schedules"
OPENING = (
    "Published by others, each under its own protocol; **not measured by ganzoo**, and not comparable across rows."
)


def pages() -> dict[str, str | Path]:
    """The pages, and drawings of architectures."""
    entries = registry().entries()
    found: dict[str, str | Path] = {f"{HOME}/index.md": _all(entries)}
    for kind in KINDS:
        found[f"{HOME}/{kind}/index.md"] = _kind(kind, [entry for entry in entries if entry.kind == kind])
    for entry in entries:
        found[place(entry)] = page(entry)
        if entry.kind == "architecture":
            found[drawing(entry)] = svg(entry)
    return found


def place(entry: Entry) -> str:
    """Where the page of a part is."""
    return f"{HOME}/{entry.kind}/{entry.name}.md"


def drawing(entry: Entry) -> str:
    """Where the picture of an architecture is."""
    return f"{HOME}/{entry.kind}/{entry.name}.svg"


def svg(entry: Entry) -> str:
    """The drawing of an architecture, as ``ganzoo build --draw`` makes it."""
    recipe = str(describe_part(entry)["example"])
    keys = {"image", *columns(entry), *wants(recipe)}
    labelled = "label" in keys
    return draw(fitted(make_plan(recipe, keys), classes=10 if labelled else 0))


# --- one part -----------------------------------------------------------------------------------------------


def page(entry: Entry) -> str:
    """The page of a part."""
    known = describe_part(entry)
    sections = [
        f"# {entry.name}",
        _head(entry, known),
        f"**{text(known['summary'])}**" if entry.kind != "preset" else f"**{code(known['summary'])}**",
        f"## Example\n\n{bash(*examples(entry, known))}",
        _about(entry, known),
        _options(entry, known),
        f"## What it needs and what it brings\n\n{_facts(entry, known)}",
        _drawn(entry),
        _published(known),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def examples(entry: Entry, known: dict[str, Any]) -> list[str]:
    """Commands with the part in them."""
    name, recipe = entry.name, known["example"]
    asked = {
        "dataset": [f"ganzoo train {_network_of(entry)} --data {_data_name(entry)} --out runs/mine"],
        "metric": [_shown(known) or f"ganzoo eval runs/first --data digits --metrics {name}"],
        "features": [f"ganzoo eval runs/first --data digits --metrics fid --features {_feature_name(entry)}"],
        "sampler": [f"ganzoo sample runs/first --sampler {name} --out better.png"],
        "converter": [f"ganzoo import FILE --as {name} --out imported"],
    }
    if entry.kind in asked:
        return asked[entry.kind]
    if recipe is None:
        return [f"ganzoo info {entry.spelling}"]
    data = _data_of(entry, str(recipe))
    classes = " --classes 10" if data == "digits" and needs(entry) & LABEL_KEYS else ""
    return [f"ganzoo build {recipe}{classes} --explain", f"ganzoo train {recipe} --data {data} --out runs/mine"]


def _shown(known: dict[str, Any]) -> str:
    """The command that a docstring has for what not every model can be asked."""
    found = SHOWN.search(str(known["about"]))
    return found[1] if found else ""


def _data_name(entry: Entry) -> str:
    """What to write behind ``--data`` for a data set."""
    found = re.search(rf"(?<![\w-]){re.escape(entry.name)}:[\w.,/:-]+", entry.summary)
    return found[0].rstrip(".:,").replace("SOURCE", SOURCE) if found else entry.name


def _network_of(entry: Entry) -> str:
    """An architecture that learns from the columns of a data set, from most of those that only some need."""
    known = registry().entries("architecture")
    best = max(
        (one for one in known if _needs(one) <= entry.provides), key=lambda one: (_learns(one, entry), len(_needs(one)))
    )
    return best.name if _learns(best, entry) or _needs(best) else PLAIN


def _needs(entry: Entry) -> frozenset[str]:
    """The columns that an architecture cannot do without, beside what each data set has."""
    return frozenset(columns(entry)) - LABEL_KEYS - {"image"}


def _learns(entry: Entry, data: Entry) -> bool:
    """Whether the page of an architecture says that it learns from this data."""
    return f"``{data.name}:" in inspect.getmodule(entry.load()).__doc__


def _feature_name(entry: Entry) -> str:
    found = re.search(r"``([\w.]+)``", entry.summary)
    return found[1] if "names" in entry.provides and found else entry.name


def _data_of(entry: Entry, recipe: str) -> str:
    """Data that a recipe can be trained on: what the architecture's docstring names, or else what is nearest."""
    keys = {*columns(entry), *wants(recipe)} - LABEL_KEYS - {"image"}
    if not keys:
        return "digits"
    said = inspect.getmodule(entry.load()).__doc__ or ""
    fitting = [other for other in registry().entries("dataset") if keys <= other.provides]
    names = "|".join(re.escape(other.name) for other in fitting)
    if fitting and (named := re.search(rf"``((?:{names}):[^`]+)``", said)):
        return named[1]
    return _data_name(min(fitting, key=lambda other: len(other.provides))) if fitting else "path/to/data"


def _head(entry: Entry, known: dict[str, Any]) -> str:
    kind = f"[{entry.kind}](index.md)"
    paper = f"paper: <{known['link']}>" if known["link"] else "no paper"
    where = "built in" if entry.built_in else f"of the package `{entry.distribution}`"
    return f"{kind} · {where} · {paper}"


def _about(entry: Entry, known: dict[str, Any]) -> str:
    if entry.kind == "preset":
        return f"## What is in it\n\n{_contents(entry)}"
    about = SHOWN.sub("", str(known["about"]))
    above = inspect.cleandoc(inspect.getmodule(entry.load()).__doc__ or "")
    if entry.kind == "converter":  # what it reads stands above its class
        about = f"{about}\n\n{above}"
    first, _, rest = prose(about).partition("\n")
    said = rest.strip() if first.replace("`", "").startswith(str(known["summary"]).replace("`", "")) else prose(about)
    if entry.kind == "architecture":  # one paper is one file, and what the paper says is at its top
        said = f"{prose(above)}\n\n{said}".strip()
    return f"## How it works\n\n{paragraphs(said)}" if said else ""


def _contents(entry: Entry) -> str:
    recipe = Recipe.parse(str(entry.build))
    head = registry().find(recipe.head.spelling, HEAD_KINDS)
    rows = [(_linked(head), code(str(recipe.head)), _line(head))]
    for word in recipe.parts:
        if word.name == "none":
            rows.append((code(word.spelling), code(str(word)), "leaves the place empty"))
            continue
        part = registry().find(word.spelling, WORD_KINDS)
        rows.append((_linked(part), code(str(word)), _line(part)))
    return table(("part", "as written", "what it is"), rows)


def _linked(entry: Entry, shown: str = "") -> str:
    return f"[`{shown or entry.name}`](../{entry.kind}/{entry.name}.md)"


def _word(word: str) -> str:
    """A word of a declaration, such as ``cbn@g``, with a link where it is a part."""
    try:
        part = Recipe.parse(f"x+{word}").parts[0]
        return _linked(registry().find(part.spelling, WORD_KINDS), word)
    except GanzooError:
        return code(word)


def _options(entry: Entry, known: dict[str, Any]) -> str:
    if entry.kind == "preset":
        return ""
    if not known["options"]:
        return "## Options\n\nIt has none."
    rows = [
        (code(option["name"]), code(option["default"]), text(option["meaning"]), form(option["takes"], SCHEDULES))
        for option in known["options"]
    ]
    first = next((option for option in known["options"] if option["default"] != "none"), known["options"][0])
    how = f"Options are written behind a colon: `{entry.name}:{first['name']}={first['default']}`."
    return f"## Options\n\n{how}\n\n{table(('option', 'default', 'meaning', 'takes'), rows)}"


def _facts(entry: Entry, known: dict[str, Any]) -> str:
    sites = "; ".join(f"{side}: {', '.join(map(str, where))}" for side, where in known["attention_sites"].items())
    batch = "the batch" + (", images of one class: two of a class at least" if known["within_class"] else "")
    models = [hit.ref for hit in on_this_machine(Question(part=entry.name))] if entry.kind in WORD_KINDS else []
    facts = {
        "needs": ", ".join(map(code, known["requires"])) or "nothing",
        "brings": ", ".join(map(_word, known["implies"])) or "nothing else",
        "provides": ", ".join(map(code, known["provides"])),
        "without its needs": _word(known["fallback"]) if known["fallback"] else "",
        "works only with": ", ".join(map(code, known["works_with"])),
        "looks across": batch if known["across_batch"] else "",
        "settings": ", ".join(code(f"{name}={value}") for name, value in known["train"].items()),
        "family": text(known["flavour"] or ""),
        "stands on": ", ".join(known["sides"]).upper() if entry.kind in PART_KINDS else "",
        "networks": ", ".join(map(code, known["networks"])),
        "attention sites": f"{sites} (of images of 32 pixels)" if sites else "",
        "also called": ", ".join(map(code, known["aliases"])),
        "asked for by": code(ASKED_BY.get(entry.kind, "")),
        "trained models": ", ".join(f"[`{name}`](../../models/{name}/index.md)" for name in models),
        "comes from": f"`{known['distribution']}` {known['version']}",
    }
    return table(("", ""), [(title, said) for title, said in facts.items() if said])


def _drawn(entry: Entry) -> str:
    if entry.kind != "architecture":
        return ""
    picture = f"![the blocks of {entry.name}, with shapes, parameters and multiply-accumulates]({entry.name}.svg)"
    made = f"ganzoo build {describe_part(entry)['example']} --draw {entry.name}.svg"
    return f"## Drawing\n\n[{picture}]({entry.name}.svg){{ .drawing }}\n\nMade by `{made}`."


def _published(known: dict[str, Any]) -> str:
    if not known["published"]:
        return ""
    keys = ("score", "value", "data", "protocol", "source")
    rows = [[text(str(score[key])) for key in keys] for score in known["published"]]
    return f"## Their published scores\n\n{OPENING}\n\n{table(keys, rows)}"


# --- lists --------------------------------------------------------------------------------------------------


def title(kind: str) -> str:
    """A kind as a heading."""
    plural = PLURALS.get(kind) or f"{kind}s"
    return plural[0].upper() + plural[1:]


def _kind(kind: str, entries: list[Entry]) -> str:
    head = ["name", "what it is", "paper"] + (["from"] if any(map(_from, entries)) else [])
    rows = [
        (f"[`{entry.name}`]({entry.name}.md)", _line(entry), _paper(entry), _from(entry))[: len(head)]
        for entry in entries
    ]
    hook = getattr(hookspecs, f"register_{PLURALS.get(kind) or kind + 's'}")
    own = f"A package brings its own by the hook `{hook.__name__}`: {text(inspect.cleandoc(hook.__doc__ or ''))}"
    return f"# {title(kind)}\n\n{WHAT[kind]}\n\n{table(head, rows)}\n\n{own}\n"


def _all(entries: list[Entry]) -> str:
    built = sum(entry.built_in for entry in entries)
    lines = [
        "# Parts",
        f"{built} parts come with ganzoo, and {len(entries) - built} with the packages in `plugins/`. Each has a page: "
        "its paper and formula, its options, what it needs and brings, and a command to try it.",
    ]
    for kind in KINDS:
        own = [entry for entry in entries if entry.kind == kind]
        names = " · ".join(f"[`{entry.name}`]({kind}/{entry.name}.md)" for entry in own)
        lines += [f"## [{title(kind)}]({kind}/index.md)", WHAT[kind], names]
    return "\n\n".join(lines) + "\n"


def _line(entry: Entry) -> str:
    """What it is, without the paper that stands beside it."""
    return code(entry.summary) if entry.kind == "preset" else text(PREPRINT.sub("", entry.summary).replace(" ()", ""))


def _paper(entry: Entry) -> str:
    where = link(entry.paper)
    if where is None:
        return ""
    scheme, _, rest = str(entry.paper).partition(":")
    return f"[{rest if scheme in ('arxiv', 'doi') else 'page'}]({where})"


def _from(entry: Entry) -> str:
    return "" if entry.built_in else code(entry.distribution)
