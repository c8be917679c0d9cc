"""The page of ``ganzoo watch`` in a real browser: it draws, it shows hostile text as text, and nothing is refused."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from watched_runs import HOSTILE, line, make_run

from ganzoo.watch.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1400,1000",
    "--virtual-time-budget=3000", "--enable-logging=stderr", "--log-level=0",
)  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(server: Server, profile: Path, place: str = "", *flags: str) -> tuple[str, str]:
    """The page's elements as the browser sees them after three seconds, and what its console said."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *flags, "--dump-dom", server.url + place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout, "\n".join(said for said in done.stderr.splitlines() if "CONSOLE" in said)


def test_the_page_of_a_run(tmp_path, serve):
    run = make_run(tmp_path / "first", logged=60, steps=1000, recipe=f"dcgan+{HOSTILE}", class_names=[HOSTILE])
    with (run / "log.jsonl").open("a") as log:
        log.write(line(610, losses={HOSTILE: 3.25}, accuracy={"real": 0.75, "fake": 0.5}))
    page, console = browse(serve(run), tmp_path / "profile", "", f"--screenshot={tmp_path / 'shot.png'}")
    assert console == ""
    assert "<title>first · ganzoo</title>" in page and '<span id="status" class="pill stopped">stopped' in page
    assert re.search(r"<b>610<small> of 1,000", page) and "<b>39 s<" in page
    assert len(re.findall(r'<figure class="chart', page)) == 4
    assert len(re.findall(r'<path class="line', page)) >= 6
    assert re.search(r"real<b>0.75</b>", page)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page and "<img src=x" not in page
    assert re.search(r'<img alt="images drawn[^>]*src="run/this/samples.png\?\d+"', page) and 'id="lost"' in page
    colours = Image.open(tmp_path / "shot.png").convert("RGB").getcolors(1 << 24)
    assert colours is not None and len(colours) > 50, "the picture of the page is not blank"


def test_the_page_of_several_runs(tmp_path, serve):
    make_run(tmp_path / "runs" / "one", steps=30)
    (tmp_path / "runs" / "one" / "training" / "step-00000030").mkdir()
    make_run(tmp_path / "runs" / "grid" / HOSTILE.replace("/", ""), recipe=HOSTILE)
    page, console = browse(serve(tmp_path / "runs"), tmp_path / "profile")
    assert console == ""
    assert page.count('class="card run picture"') == 2 and "2 runs" in page
    assert "finished" in page and "stopped" in page and "<img src=x" not in page
    assert re.search(r'href="#one"', page)
