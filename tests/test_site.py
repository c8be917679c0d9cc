"""The site: the page of each part says all that is to be said, the reference is the code's, and nothing is left out."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys
from importlib.metadata import entry_points
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from test_imports import PUBLIC

from ganzoo.folder import layout
from ganzoo.plan.settings import PER_PLAYER, SETTINGS
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import known_provider
from ganzoo.registry.recipe import KINDS

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

from sitepages import (  # noqa: E402
    blocks,
    cost,
    documents,
    links,
    markdown,
    models,
    navigation,
    parts,
    python,
    rooms,
    schemas,
    settings,
    tables,
    texts,
)

LONG = ("architecture", "preset")  # kinds whose pages take more than a second or two
WITH_FORMULA = ("normalization", "weight", "attention", "loss", "regularizer", "metric")
FORMULA = re.compile(r"`[^`]*[·=(+/^Σ√‖≤][^`]*`")
NO_PAPER = {"conditioning/plain", "conditioning/unlabelled", "metric/l1", "metric/psnr", "features/timm"}
HAND_WRITTEN = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))


def own(kind: str) -> list[Entry]:
    return [entry for entry in registry().entries(kind) if entry.built_in]


BROWSER = which("chromium") or which("chromium-browser") or which("google-chrome")


def site_check() -> Any:
    """``.ci/site_check.py`` as a module."""
    return ci_module("site_check")


def ci_module(name: str) -> Any:
    """A file of ``.ci`` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parses(line: str, where: Path) -> None:
    """A command of a page is one of ganzoo's or of a known package, with options that it has."""
    words = shlex.split(line, comments=True)[1:]
    found = [*entry_points(group="ganzoo.commands", name=words[0])]
    if not found:
        assert words[0].startswith("-") or known_provider("command", words[0]), f"nobody provides {words[0]}"
        return
    command, rest = found[0].load(), words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], list(rest), resilient_parsing=False)


def commands(text: str) -> list[str]:
    """The lines of a page's bash blocks that call ganzoo."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("ganzoo ")]


# --- parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind in LONG else kind for kind in KINDS]
)
def test_the_page_of_each_part_has_paper_formula_options_needs_and_an_example(kind: str, tmp_path: Path) -> None:
    entries = own(kind)
    assert entries
    for entry in entries:
        page = parts.page(entry)
        assert page.startswith(f"# {entry.name}\n")
        assert entry.paper is None or "paper: <http" in page
        assert entry.paper is not None or entry.spelling in NO_PAPER or kind in ("dataset", "preset", "converter"), (
            f"{entry.spelling} has no paper"
        )
        assert "## What it needs and what it brings" in page and "| needs |" in page and "| brings |" in page
        assert kind == "preset" or "## Options" in page
        assert all(f"| `{option.key}` |" in page for option in entry.options().values())
        if kind in WITH_FORMULA:
            how = page.partition("## How it works\n")[2].partition("\n## ")[0]
            assert FORMULA.search(how), f"{entry.spelling}: its docstring has no formula in backticks"
        if entry.published:
            assert "## Their published scores" in page and "not measured by ganzoo" in page
        assert "](" + entry.name + ".svg)" in page or kind != "architecture"
        shown = commands(page.partition("## Example\n")[2])
        assert shown and any(entry.name in line or kind == "features" for line in shown)
        for line in shown:
            parses(line, tmp_path)


def test_a_preset_that_needs_labels_says_so_and_its_example_gives_them() -> None:
    for name, needed in (
        ("acgan", "`label`, `label-class`"),
        ("cgan", "`label`"),
        ("sngan-ada", "`label`"),
        ("lsgan", "nothing"),
    ):
        page = parts.page(registry().find(f"preset/{name}"))
        assert f"| needs | {needed} |" in page
        assert (f"ganzoo build {name} --classes 10 --explain" in page) == (needed != "nothing")


def test_a_part_is_summed_up_once_on_its_page() -> None:
    for name in ("loss/energy", "conditioning/mh", "features/timm"):
        page = parts.page(registry().find(name)).replace("`", "")
        assert page.count(registry().find(name).summary.replace("`", "")) == 1


def test_a_list_of_a_kind_leads_to_each_page_and_says_what_it_is() -> None:
    entries = own("loss")
    page = parts._kind("loss", entries)
    assert all(f"[`{entry.name}`]({entry.name}.md)" in page for entry in entries)
    assert "register_losses" in page and all(kind in parts.WHAT for kind in KINDS)


def test_the_drawing_of_an_architecture_is_a_picture_of_both_networks() -> None:
    drawn = parts.svg(registry().find("dcgan"))
    assert drawn.startswith("<svg") and drawn.count(">G<") == 1 and drawn.count(">D<") == 1


# --- reference ----------------------------------------------------------------------------------------------


def test_every_public_module_has_a_page_and_every_public_name_is_on_one() -> None:
    assert set(python.MODULES) == set(PUBLIC)
    pages = python.pages()
    for name in python.MODULES:
        page = str(pages[f"{python.HOME}/{name}.md"])
        missing = [one for one in sys.modules[name].__all__ if f"{name}.{one}" not in page and f"`{one}`" not in page]
        assert missing == []
    assert not [name for name, page in pages.items() if " at 0x" in str(page) or str(ROOT) in str(page)]


def test_every_setting_is_on_its_page() -> None:
    page = str(settings.pages()["reference/settings.md"])
    others = {name: spec for name, spec in SETTINGS.items() if name.partition(".")[0] not in PER_PLAYER}
    assert len(others) > 8
    for name, spec in {**PER_PLAYER, **others}.items():
        assert f"| `{name}` |" in page and markdown.cell(markdown.text(spec.about)) in page


def test_every_field_of_config_json_has_a_meaning_and_every_file_of_a_folder() -> None:
    assert list(schemas.written()) == list(schemas.CONFIG_FIELDS) or set(schemas.written()) == set(
        schemas.CONFIG_FIELDS
    )
    page = str(schemas.pages()["reference/folder.md"])
    names = [value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)]
    inside = {layout.EXAMPLE_TEXTS, layout.EXAMPLE_LABELS, layout.PICTURES_INDEX, layout.CURVES_PICTURE, layout.LOCK}
    assert [name for name in names if name not in {*inside, layout.SCORES_PICTURE} and name not in page] == []


def test_every_variable_of_the_environment_is_on_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "ganzoo").rglob("*.py"), *(ROOT / "plugins").glob("*/ganzoo_*/**/*.py")]
    used = {name for path in sources for name in re.findall(r"\bGANZOO_[A-Z0-9_]+", path.read_text(encoding="utf-8"))}
    assert len(used) > 7 and sorted(name for name in used if f"`{name}`" not in page) == []


def test_rooms_are_those_of_the_package_and_none_imports_one_above_it() -> None:
    found = rooms.imports()
    assert {path.parent.name for path in (ROOT / "ganzoo").glob("*/__init__.py")} <= set(found)
    assert all(rooms.floor(other) < rooms.floor(room) for room, others in found.items() for other in others)
    page, drawn = rooms.pages().values()
    assert all(f"| `{room}` |" in str(page) and f">{room}<" in str(drawn) for room in found)


# --- models and what others published -----------------------------------------------------------------------


def test_each_model_has_its_card_and_pictures_and_no_yaml() -> None:
    pages = models.pages()
    gallery = str(pages[f"{models.HOME}/index.md"])
    for folder in models.folders():
        card = str(pages[f"{models.HOME}/{folder.name}/index.md"])
        assert f"]({folder.name}/index.md)" in gallery and "model-index:" not in card
        assert card.startswith(f"# {folder.name}\n"), "or the page, and its place in the navigation, would be Index"
        assert pages[f"{models.HOME}/{folder.name}/samples.png"] == folder / "samples.png"


@pytest.mark.slow
def test_each_row_of_studiogan_has_a_command_a_cost_and_what_to_expect(tmp_path: Path) -> None:
    from sitepages import reproduce

    page = str(reproduce.pages()["reproduce/studiogan.md"])
    sections = page.split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections] == list(reproduce.ROWS)
    for section in sections:
        (line,) = commands(section)
        parses(line, tmp_path)
        assert "\\\n" not in section, "a command goes on by itself, however wide the page is"
        assert "PFLOP" in section and "| what to expect |" in section
    theirs = reproduce.json.loads(reproduce.THEIRS.read_bytes())
    rows = [name for key in ("benchmark", "log", "ended") for name in theirs[key]["rows"]]
    assert set(rows) <= set(reproduce.ROWS)
    assert all(f"FID **{value}**" in page for value in theirs["benchmark"]["rows"].values())


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda document: document.title[:20])
def test_each_system_of_a_document_has_commands_that_parse(document: documents.Document, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").touch()
    for system in document.systems:
        assert system.recipe or system.takes
        assert system.expect or system.models
        assert set(system.models) <= {folder.name for folder in models.folders()}
        for line in system.commands:
            if line.startswith("ganzoo "):
                parses(line, tmp_path)


def test_a_notebook_is_a_page_with_a_link_to_itself() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# First\n", "\n", "Look."]},
        {"cell_type": "code", "source": ["import ganzoo\n", "x = 1"]},
    ]
    page = texts.notebook({"cells": cells}, "first.ipynb")
    assert page.startswith("# First\n\nTo run it: [`first.ipynb`](first.ipynb)")
    assert page.endswith("Look.\n\n```python\nimport ganzoo\nx = 1\n```\n")


def test_the_page_of_each_notebook_shows_what_its_cells_as_they_are_printed_and_drew() -> None:
    pages, kept = texts.pages(), json.loads(texts.OUTPUTS.read_bytes())
    pictures = {name for outputs in kept.values() for one in outputs.values() for name in one["pictures"]}
    assert pictures == {path.name for path in texts.SHOWN.glob("*.png")}
    for path in texts.NOTEBOOKS.glob("*.ipynb"):
        cells = {cell["id"]: cell for cell in json.loads(path.read_bytes())["cells"] if cell["cell_type"] == "code"}
        stale = [
            key for key, one in kept[path.stem].items() if key not in cells or texts.digest(cells[key]) != one["source"]
        ]
        assert stale == [], f"{path.name} has changed: python .ci/notebooks.py FOLDER"
        page = str(pages[f"notebooks/{path.stem}.md"])
        assert page.count("](shown/") == sum(len(one["pictures"]) for one in kept[path.stem].values()) > 2


# --- frame --------------------------------------------------------------------------------------------------


def leaves(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    values = nav.values() if isinstance(nav, dict) else nav
    return [leaf for value in values for leaf in leaves(value)]


@pytest.mark.parametrize(
    "others",
    [
        [],
        ["cli.md", "demo.md", "steering.md", "inspect.md", "imports/mimicry.md", "notebooks/first.md", "strange.md"],
        ["plugins/index.md", "plugins/loss.md", "plugins/hooks.md", "guide/recipes.md", "guide/unheard-of.md"],
    ],
)
def test_the_navigation_has_every_page_once_whatever_others_add(others: list[str]) -> None:
    made = [f"zoo/parts/{kind}/index.md" for kind in KINDS]
    pages = sorted({*HAND_WRITTEN, *made, *others, "zoo/models/index.md", "zoo/models/a/index.md", "changelog.md"})
    nav = navigation.tree(pages)
    assert sorted(leaves(nav)) == pages
    names = [name for one in nav if isinstance(one, dict) for name in one]
    assert names[:2] == ["Home", "Start"] and names[-1] == "Changelog"


@pytest.mark.parametrize(
    ("page", "given", "wanted"),
    [
        ("leaderboard.md", "[`a`](../model_cards/x/README.md)", "[`a`](zoo/models/x/index.md)"),
        ("leaderboard.md", "[cards](../model_cards)", "[cards](zoo/models/index.md)"),
        ("learning.md", "see [`gan-test`](../ganzoo/metrics/gan_test.py).", "see `gan-test`."),
        ("guide/a.md", "[log](../../CHANGELOG.md#x)", "[log](../changelog.md#x)"),
        ("changelog.md", "[x](docs/zoo/models/index.md#y), [z](.ci/a.py)", "[x](zoo/models/index.md#y), z"),
        ("guide/a.md", "[other](../zoos.md)", "[other](../zoos.md)"),
        ("guide/a.md", "[there](https://pypi.org)", "[there](https://pypi.org)"),
        ("guide/a.md", "![picture](../grid.png)", "![picture](../grid.png)"),
        ("guide/a.md", "```\n[x](../../ganzoo/a.py)\n```\n", "```\n[x](../../ganzoo/a.py)\n```\n"),
    ],
)
def test_links_out_of_docs_lead_to_pages_or_are_text(page: str, given: str, wanted: str) -> None:
    places = {"zoo/models/x/index.md", "zoo/models/index.md", "changelog.md"}
    assert links.inward(given, page, places) == wanted


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_links_and_pictures_of_a_page_are_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    made = ("zoo/parts/", "zoo/models/", "reference/", "reproduce/", "design/rooms", "changelog.md", "notebooks/")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
        if "://" in target:
            continue
        place = (ROOT / "docs" / page).parent / target
        inside = Path(place).resolve().relative_to(ROOT.resolve()).as_posix().removeprefix("docs/")
        assert place.exists() or inside.startswith(made), f"{page} leads to {target}"


MINE = [
    page for page in HAND_WRITTEN if page.startswith(("start/", "more-than-noise", "reproduce/", "design/", "index"))
]


@pytest.mark.parametrize("page", MINE)
def test_the_commands_of_a_page_parse(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").touch()
    for line in commands((ROOT / "docs" / page).read_text(encoding="utf-8")):
        for part in line.partition("#")[0].split("&&"):
            if part.strip().startswith("ganzoo "):
                parses(part.strip(), tmp_path)


def test_docstrings_become_markdown() -> None:
    assert markdown.text("``a_b`` is_not *it*, arXiv 1802.05957") == (
        "`a_b` is\\_not \\*it\\*, [arXiv 1802.05957](https://arxiv.org/abs/1802.05957)"
    )
    assert markdown.paragraphs("Example:\n    >>> f(x_1)") == "Example:\n\n    >>> f(x_1)"
    code = "so::\n\n    class Mine:\n        def f(self):\n            return 1"
    assert markdown.paragraphs(code) == code.replace("::", ":", 1)
    assert markdown.paragraphs("so ``p[1]\n- q``, arXiv\n2111.06849::\n\n    x_1") == (
        "so `p[1]\n- q`, [arXiv 2111.06849](https://arxiv.org/abs/2111.06849):\n\n    x_1"
    )
    assert links.without_roles("see :class:<code>~ganzoo.GAN</code>") == "see <code>ganzoo.GAN</code>"


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ('<script src="https://a.b/c.js"></script>', 1),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', 1),
        ('<img src="http://a.b/c.png">', 1),
        ("<style>@import url('https://a.b/c.css')</style>", 1),
        ('<div style="background: url(https://a.b/c.png)"></div>', 1),
        ('<a href="https://a.b">there</a><img src="../c.png"><script src="c.js"></script>', 0),
        ('<link rel="canonical" href="https://a.b/">', 0),
    ],
)
def test_what_a_page_fetches_from_elsewhere_is_seen(html: str, count: int) -> None:
    assert len(site_check().fetched(html)) == count


def test_options_are_not_broken_behind_their_hyphens() -> None:
    long = "ganzoo train dcgan+sn+hinge --data digits"
    html = f"<p><code>--device cpu</code> <code>{long}</code></p><pre><code><span>a</span> b</code></pre>"
    wanted = html.replace("<code>--device", '<code class="short">--device')
    wanted = wanted.replace("--data", '<span class="option">--data</span>')
    assert links.unbroken(html) == wanted.replace(long[13:27], "dcgan+<wbr>sn+<wbr>hinge")


def test_a_recipe_in_a_sentence_goes_on_behind_a_plus() -> None:
    recipe = "r3gan+r1:gamma=cosine/0.05/0.005/20M"
    assert links.unbroken(f"<p><code>{recipe}</code></p>").count("r3gan+<wbr>r1:<wbr>gamma") == 1
    alone = f"<pre><span></span><code>{recipe}</code></pre>"
    assert links.unbroken(alone) == alone


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>Lim \\&amp; Ye, 1\\&lt;=x</p>", "<p>Lim &amp; Ye, 1&lt;=x</p>"),
        ("<code>caf\\xe9</code> <pre>a \\| b</pre>", "<code>caf\\xe9</code> <pre>a \\| b</pre>"),
    ],
)
def test_what_github_unescapes_is_unescaped_here_too(html: str, wanted: str) -> None:
    assert links.unescaped(html) == wanted


def test_columns_are_as_wide_as_their_longest_cell_asks_and_options_in_them_do_not_break() -> None:
    command = "ganzoo train dcgan:ch=16+sn+hinge --data digits --steps 20000 --set lr.g=1e-4"
    rows = [
        ("n", "many words that have to wrap, or else nobody could read", f"<code>{command}</code>"),
        ("12", "x", "y"),
    ]
    html = "".join(f"<tr><td>{a}</td><td style='text-align: right;'>{b}</td><td>{c}</td></tr>" for a, b, c in rows)
    found = tables.sized(f"<table>{html}</table>")
    assert re.findall(r'<td class="(\w+)"', found) == ["brief", "wordy", "lengthy"] * 2
    assert found.count("style='text-align: right;'") == 2
    assert tables.sized("<table><tr><td><code>--to a\\|b</code></td></tr></table>").count(">--to a|b<") == 1
    many = tables.sized(f"<table>{html.replace('</tr>', '<td>z</td><td>z</td></tr>')}</table>")
    assert "wordy" not in many and many.count('class="crowded"') == 2, "beside many columns a wordy one is narrower"
    assert tables.sized(f"<pre>{html}</pre>") == f"<pre>{html}</pre>", "only tables"
    long = html.replace(">x<", f">{'x' * 121}<")
    assert "vast" not in tables.sized(f"<table>{long}</table>"), "a table of few columns is not to be scrolled"
    long = tables.sized(f"<table>{long.replace('</tr>', '<td>z</td></tr>')}</table>")
    assert re.findall(r'<td class="([\w ]+)"', long) == ["brief", "wordy vast", "lengthy", "brief"] * 2


def test_recipes_in_cells_go_on_behind_a_plus_and_short_code_stays_whole() -> None:
    recipe = "r3gan+r1:gamma=cosine/0.05/0.005/20M+ada:p=cosine/0/0.55/20M,color=0.5"
    found = tables.sized(
        f"<table><tr><td><code>{recipe}</code></td><td><code>GANZOO_MAX_PARAMETERS</code></td></tr></table>"
    )
    choice = tables.sized("<table><tr><td><code>--to [onnx|torch|html|coreml-ready]</code></td></tr></table>")
    assert '--to</span> [onnx|<wbr>torch|<wbr>html|<wbr><span class="option">coreml-ready</span>]' in choice
    assert (
        "r3gan+<wbr>r1:<wbr>gamma=" in found
        and "20M,<wbr>color" in found
        and found.replace("<wbr>", "").count(recipe) == 1
    )
    assert 'class="lengthy"' not in found and '<code class="short">GANZOO_MAX_PARAMETERS<' in found


LONG_LINE = "ganzoo train dcgan+sn+hinge --data digits --set lr.g=1e-4 --out 'runs/first'"


def block(language: str, code: str) -> str:
    return f'<div class="language-{language} highlight"><pre><span></span><code>{code}\n</code></pre></div>'


def test_a_long_command_goes_on_in_the_next_line_and_is_copied_as_it_was_written() -> None:
    found = blocks.flowing(block("bash", f"<span>cd</span> a\n{LONG_LINE.replace('train', 'train &amp;')}"))
    assert found.count('<span class="line">') == 2 and " flows" in found
    assert '<span class="option">--set</span> lr.g=1e-4' in found
    assert "train &amp; dcgan" in found and "&#x27;runs/first&#x27;&#10;" in found and 'data-copy="cd a&#10;' in found


def test_a_recipe_in_a_command_goes_on_at_its_joints_and_its_names_stay_whole() -> None:
    coloured = "stylegan2-cifar10+info-context+d2dce:weight=0.25,<span>temperature</span>=0.25 --set lr=1e-4,2"
    found = blocks.flowing(block("bash", coloured))
    assert (
        '<span class="option">stylegan2-cifar10</span>+<wbr><span class="option">info-context</span>+<wbr>d2' in found
    )
    assert "d2dce:<wbr>weight=0.25,<span><wbr>temperature</span>=0.25 " in found and "lr=1e-4,2" in found


def test_columns_that_are_printed_stay_columns_and_short_blocks_as_they_are() -> None:
    found = blocks.flowing(block("text", f"name   what it is\nerror: {LONG_LINE}"))
    assert re.findall(r'<span class="(line[^"]*)">', found) == ["line columns", "line"]
    assert blocks.flowing(block("text", "short")) == block("text", "short")
    assert blocks.flowing(block("json", LONG_LINE)) == block("json", LONG_LINE)


def test_a_continued_command_is_one_line_that_breaks_by_itself_and_is_copied_as_it_was_written() -> None:
    said = f'{LONG_LINE}<span class="w"> </span><span class="se">\\</span>\n<span class="w">    </span>--seed 1'
    found = blocks.flowing(block("bash", said))
    assert found.count('class="line"') == 1 and '&#x27; \\&#10;    --seed 1&#10;"' in found
    assert 'runs/first\' <span class="option">--seed</span> 1' in found and "se" not in re.findall(
        'class="([^"]*)"', found
    )


def test_lines_that_are_scrolled_have_no_place_to_break_at() -> None:
    code = 'register("mine", "my_package.losses:Mine", implies=("gp",))  # "my-package", and more'
    assert "<wbr>" not in blocks.flowing(block("python", code)) and "<wbr>" not in blocks.flowing(
        block("text", "loss/hinge   built in, a+b:c, and more than what a phone shows")
    )


def test_a_drawing_made_of_letters_keeps_its_lines() -> None:
    drawing = "trainer -> Turn.loss -> game -> Adversary.context(...)\n      |\n      +--------------+---------+"
    found = blocks.flowing(block("text", drawing))
    assert re.findall(r'<span class="(line[^"]*)">', found) == ["line columns"] * 3


def test_the_name_of_a_class_in_a_title_may_go_on_behind_a_dot() -> None:
    title = '<h2><span class="doc doc-object-name doc-class-name">{}</span></h2>'
    assert links.unbroken(title.format("ganzoo.layers.A")) == title.format("ganzoo.<wbr>layers.<wbr>A")


def test_a_long_name_in_a_cell_may_go_on_behind_an_underscore_and_settings_are_no_command() -> None:
    name, settings = "sngan_proj_32_woReLUinplace_lr", "lr=2e-4 betas=0.5/0.999 " * 3
    found = tables.sized(f"<table><tr><td>{name}</td><td><code>{settings}</code></td></tr></table>")
    assert "sngan_<wbr>proj_<wbr>32_" in found and "lengthy" not in found


def test_attributes_that_share_a_sentence_are_both_names() -> None:
    given = '<b><code><span title="a.least,">least,</span></code></b>\n (<code><span title="a.most">most</span></code>)'
    assert links.joined(given) == "<b><code>least, most</code></b>"
    assert (
        links.joined("<b><code>least</code></b> (<code>int</code>)") == "<b><code>least</code></b> (<code>int</code>)"
    )


@pytest.mark.parametrize(("flops", "said"), [(1.724e18, "1,720 PFLOP, 48 h"), (2.02e15, "2.02 PFLOP, 0.056 h")])
def test_costs_are_written_out(flops: float, said: str) -> None:
    shown = str(cost.Cost(flops, images=1, generator=1, discriminator=1))
    assert said in shown and "e+" not in shown


def test_a_metric_that_not_every_model_has_is_shown_with_one_that_has_it() -> None:
    special = [one for one in own("metric") if {"pairs", "class-moments"} & one.requires]
    assert len(special) > 4
    for entry in special:
        (line,) = parts.examples(entry, parts.describe_part(entry))
        assert "runs/first" not in line and line.endswith(f"--metrics {entry.name}")
        assert parts.page(entry).count(line) == 1


def test_what_a_page_of_a_kind_says_of_a_part_does_not_repeat_its_paper() -> None:
    page = parts._kind("architecture", own("architecture"))
    assert "arXiv" not in page and page.count("1511.06434") == 2  # the paper's column: what is shown, and its link


def test_options_that_take_schedules_lead_to_what_those_are() -> None:
    page = parts.page(registry().find("r1"))
    assert "linear/A/B" not in page and "](../../../reference/settings.md#schedules)" in page


def test_an_imported_model_was_not_trained_for_no_steps() -> None:
    gallery = str(models.pages()[f"{models.HOME}/index.md"])
    assert ", imported" in gallery and ", 0 steps" not in gallery


def test_a_drawing_says_a_command_that_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("dcgan", "unet"):
        made = re.search(r"Made by `(ganzoo build [^`]+)`", parts.page(registry().find(name)))
        assert made is not None
        parses(made[1], tmp_path)
        assert registry().find(name).name in made[1] and ".svg" in made[1]


def test_lists_in_the_lists_of_a_card_are_lists_in_lists(tmp_path: Path) -> None:
    page = models._card(models.CARDS / "dcgan-mnist")
    assert "\n    - data `sha256:" in page and "\n  - " not in page


def test_tables_in_docstrings_have_as_many_cells_in_each_row_as_in_their_head() -> None:
    sources = [*(ROOT / "ganzoo").rglob("*.py"), *(ROOT / "plugins").glob("*/ganzoo_*/**/*.py")]
    found = 0
    for path in sources:
        for table in re.findall(r"(?:^\|.*\|\n)+", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            found += 1
            assert len({line.count("|") for line in table.splitlines()}) == 1, f"{path} has a table that none draws"
    assert found > 2


def test_a_site_without_pages_is_wrong(tmp_path: Path) -> None:
    said = site_check().wrong(tmp_path)
    assert "loss/hinge has no page" in said and "holds no page" in said[-1]


def test_a_page_without_a_title_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<title>Index - ganzoo</title>", encoding="utf-8")
    (tmp_path / "b.html").write_text("<title>Indexing - ganzoo</title>", encoding="utf-8")
    assert [line for line in site_check().wrong(tmp_path) if "title" in line] == [
        "a.html has no title: a page begins with its heading"
    ]


def test_a_link_to_a_page_or_a_place_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<p id="here"><a href="../a.html#la-place">', encoding="utf-8")
    page = '<a href="b/">1</a><a href="b/#here"><a href="#la-place" id="la-place"><a href="https://else.where/">'
    wrong = '<a href="b/#gone"><a href="c.html"><img src="d%20e.png"><img src="../above.png">'
    (tmp_path / "a.html").write_text(page + wrong, encoding="utf-8")
    assert [line for line in site_check().wrong(tmp_path) if "leads" in line] == [
        "a.html leads to ../above.png, which is not there",
        "a.html leads to b/#gone, but that page has no such place",
        "a.html leads to c.html, which is not there",
        "a.html leads to d%20e.png, which is not there",
    ]


def test_of_each_folder_the_longest_pages_are_looked_at(tmp_path: Path) -> None:
    look = ci_module("site_look")
    for folder, count in {"zoo/parts": 7, "guide": 2}.items():
        for number in range(count):
            page = tmp_path / folder / f"page{number}" / "index.html"
            page.parent.mkdir(parents=True)
            page.write_text("x" * number, encoding="utf-8")
    zoo, guide = ([f"{folder}/page{n}/index.html" for n in range(9)] for folder in ("zoo/parts", "guide"))
    assert set(look.largest(tmp_path)) == {*zoo[7 - look.FEW : 7], *guide[:2]}


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_page_wider_than_a_phone_is_named_with_what_sticks_out(tmp_path: Path) -> None:
    look = ci_module("site_look")
    body = '<!DOCTYPE html><meta name="viewport" content="width=device-width"><body><article>{}</article>'
    pages = {
        "fine.html": "<p>A sentence that breaks where there is no more room, at any width.</p>",
        "scrolls.html": '<div style="overflow-x: auto"><pre style="width: 2000px">wide</pre></div>',
        "wide.html": '<p style="width: 700px">a stiff paragraph</p>',
        "wider.html": '<p style="width: 1500px">another</p>',
    }
    for name, inner in pages.items():
        (tmp_path / name).write_text(body.format(inner), encoding="utf-8")
    assert look.wider(tmp_path) == [
        "wide.html is wider than a phone, 390 pixels: p a stiff paragraph",
        "wider.html is wider than a desk, 1280 pixels: p another",
        "wider.html is wider than a phone, 390 pixels: p another",
    ]
    assert look.wider(tmp_path, ["fine.html"], tmp_path / "drawn") == []
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["fine-desk.png", "fine-phone.png"]


def test_docstrings_of_the_pages_have_the_arguments_that_are_written_at_import() -> None:
    griffe = pytest.importorskip("griffe", reason="of the extra docs")
    extensions = griffe.load_extensions(ROOT / ".ci" / "griffe_docstrings.py")
    module = griffe.load("ganzoo.training.train", extensions=extensions, search_paths=[ROOT])
    train = module["train"]
    sections = {section.kind.value: section.value for section in train.docstring.parse("google", warnings=False)}
    assert [argument.name for argument in sections["parameters"]] == [argument.name for argument in train.parameters]
    assert {str(error.annotation) for error in sections["raises"]} == {"UsageError", "GanzooError", "Interrupted"}
