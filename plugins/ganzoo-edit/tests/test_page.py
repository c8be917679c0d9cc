"""The page of ``ganzoo paint`` in a real browser: a stroke is drawn, and the picture changes."""

import time

import pytest
from browser import CHROMIUM, PATIENCE, Browser
from test_server import serve  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

DIGEST = (
    "crypto.subtle.digest('SHA-1', new TextEncoder().encode(document.querySelector('{}').toDataURL()))"
    ".then((digest) => new Uint8Array(digest).join())"
)
SHOWN = DIGEST.format("#result")
CHOSEN = DIGEST.format("#candidates [aria-pressed=true] canvas")  # pixel by pixel: the browser resizes nothing there
RESTS = "document.querySelector('#done').className === 'rest'"
HELD = """{
  const ask = fetch, held = new Promise((go) => { window.go = go; });
  window.fetch = async (...asked) => {
    await held;
    return ask(...asked);
  };
}"""
UNDONE = "document.querySelector('#undo').disabled"
TITLE = "<img src=x onerror=alert(1)>"


def wait(browser, so):
    """Until something is so here, while the browser goes on; then until the picture rests."""
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, f"it never came; the page said {browser.said}"
        browser.run("new Promise((done) => setTimeout(done, 20))")
    browser.until(RESTS)


def drawn(server, layer):
    """How many pixels of a layer the canvas has."""
    strokes = server.studio.scene.strokes
    return 0.0 if strokes is None else float(getattr(strokes, layer).sum())


@pytest.fixture
def browser(tmp_path):
    with_it = Browser(tmp_path / "profile")
    yield with_it
    with_it.close()


def test_a_person_draws_and_takes_it_back(serve, browser, tmp_path):  # noqa: F811
    server = serve("colour", TITLE)
    browser.open(server.url)
    browser.until("document.querySelectorAll('#candidates button').length === 3")
    assert browser.run("document.querySelector('h1').textContent") == TITLE
    assert browser.run(UNDONE)
    first, chosen = browser.run(SHOWN), browser.run(CHOSEN)
    browser.drag(browser.box("#pad"), (0.1, 0.1), (0.5, 0.15), (0.9, 0.1))
    wait(browser, lambda: drawn(server, "covered") > 10)
    assert drawn(server, "sketch") == drawn(server, "keep") == 0 and not browser.run(UNDONE)
    assert browser.run(SHOWN) != first and browser.run(CHOSEN) != chosen

    for layer in ("sketch", "keep"):
        browser.click(f"[data-tool={layer}]")
        browser.drag(browser.box("#pad"), (0.2, 0.7), (0.8, 0.7))
        wait(browser, lambda layer=layer: drawn(server, layer) > 5)
    browser.screenshot(tmp_path / "page.png")
    browser.click("[data-tool=erase]")
    browser.drag(browser.box("#pad"), (0.1, 0.7), (0.5, 0.7), (0.95, 0.7))
    wait(browser, lambda: drawn(server, "sketch") < 1)
    assert drawn(server, "covered") > 10

    for left in (3, 2, 1, 0):
        browser.click("#undo")
        wait(browser, lambda left=left: len(server.studio.past) == left)
    browser.until(UNDONE)
    assert browser.run(CHOSEN) == chosen
    assert browser.said == [], "the console is quiet"


def test_slider_candidates_photo_and_new_images(serve, browser):  # noqa: F811
    server = serve("classes")
    browser.open(server.url)
    browser.until("document.querySelectorAll('#candidates button').length === 3")
    assert (
        browser.run("[...document.querySelector('#class').options].map((o) => o.text).join()") == "dark sky,bright sky"
    )
    first = browser.run(SHOWN)
    browser.click("#candidates button:nth-child(2)")
    wait(browser, lambda: server.studio.scene.chosen == 1)
    browser.drag(browser.box("#pad"), (0.1, 0.1), (0.9, 0.2))
    wait(browser, lambda: drawn(server, "covered") > 10)
    last = browser.run(SHOWN)
    browser.run("{ const s = document.querySelector('#blend'); s.value = 0; s.dispatchEvent(new Event('input')); }")
    wait(browser, lambda: server.studio.blend == 0)
    browser.until(f"{SHOWN}.then((now) => now !== {last!r})")
    assert last != first
    browser.run("""(async () => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, {width: 60, height: 40});
      const blob = await new Promise((done) => canvas.toBlob(done));
      const files = new DataTransfer();
      files.items.add(new File([blob], "photo.png"));
      const input = document.querySelector("#file");
      input.files = files.files;
      input.dispatchEvent(new Event("change"));
    })()""")
    browser.until("document.querySelector('#status').textContent.includes('dB from the photo')")
    browser.until(RESTS)
    browser.click("#new")
    wait(browser, lambda: server.studio.seed == 1)
    assert browser.said == []


def test_nothing_is_lost_while_the_server_is_slow_and_it_rests_only_once_all_is_shown(serve, browser):  # noqa: F811
    server = serve("classes")
    browser.open(server.url)
    browser.until("document.querySelectorAll('#candidates button').length === 3")
    shown, chosen = browser.run(SHOWN), browser.run(CHOSEN)
    browser.run(HELD)
    browser.drag(browser.box("#pad"), (0.1, 0.1), (0.9, 0.1))
    assert not browser.run(RESTS)
    browser.drag(browser.box("#pad"), (0.1, 0.8), (0.9, 0.8))
    browser.run("{ const s = document.querySelector('#blend'); s.value = 0.5; s.dispatchEvent(new Event('input')); }")
    browser.run("go()")
    browser.until(RESTS)
    strokes = server.studio.scene.strokes.covered
    assert strokes[1].sum() > 5 and strokes[-3].sum() > 5, "both strokes, to their ends"
    assert len(server.studio.past) == 2 and server.studio.blend == 0.5
    assert browser.run(SHOWN) != shown

    for _ in range(2):
        browser.click("#undo")
    browser.until(RESTS)
    assert server.studio.past == [] and browser.run(CHOSEN) == chosen
    assert browser.said == []
