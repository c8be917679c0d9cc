"""``ganzoo steer``: what its page may ask, that it shows what ``sample`` draws, and the page in a real browser."""

import http.client
import io
import json
import shlex
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import CHROMIUM, Browser
from click.testing import CliRunner
from ganzoo_edit import steering
from ganzoo_edit.wheel import PAGE, Wheel, WheelServer
from PIL import Image

import ganzoo
from ganzoo import UsageError
from ganzoo.cli.kit import Latents, grid, main, save_directions, save_latents, sefa
from ganzoo.data import to_uint8

COUNT = 3
STILL = {"seed": 4, "label": None, "truncation": None}


@pytest.fixture
def serve(models, tmp_path):
    """Starts the page of a model; all are ended afterwards."""
    servers = []

    def start(kind="colour", title=None, **more):
        gan = ganzoo.load(models[kind])
        file = tmp_path / f"{kind}-directions.safetensors"
        found = sefa(gan, 4)
        save_directions(file, found)
        wheel = Wheel(gan, title or str(models[kind]), found, file, count=COUNT, seed=4, **more)
        servers.append(WheelServer(wheel))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(server, path, value=None, **headers):
    """Status and body; a POST of ``value`` as our page would send it, unless ``headers`` differ."""
    host = f"127.0.0.1:{server.server_port}"
    ours = {"Origin": f"http://{host}", "Content-Type": "application/json", **headers}
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)) as connection:
        body = None if value is None else json.dumps(value)
        connection.request("GET" if value is None else "POST", f"/{server.token}/{path}", body, ours)
        reply = connection.getresponse()
        return reply.status, reply.read()


def shown(server, **setting):
    """The picture of the page, as bytes."""
    status, body = ask(server, "picture.png", {**STILL, "amounts": [0] * 4, **setting})
    assert status == 200, body
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


def pictured(images):
    return np.asarray(grid(to_uint8(images, low=0), columns=2).convert("RGB"))


def test_page_and_its_parts_load_nothing_from_elsewhere(serve):
    server = serve()
    for path in PAGE:
        status, body = ask(server, path)
        assert status == 200 and len(body) > 200
        assert b"https://" not in body and b"http://" not in body.replace(b"http://www.w3.org", b"")
    for path in ("wheel.py", "../cli.py", "paint.html", "picture.png"):
        assert ask(server, path)[0] == 404
    assert ask(server, "nothing", {})[0] == 404


@pytest.mark.parametrize("kind", ["colour", "grey", "classes"])
def test_what_is_shown_is_what_sample_draws_and_its_command_too(serve, kind, models, tmp_path, monkeypatch):
    server = serve(kind)
    gan, file = ganzoo.load(models[kind]), tmp_path / f"{kind}-directions.safetensors"
    assert np.array_equal(shown(server), pictured(gan.sample(COUNT, seed=4)))
    moved = gan.sample(COUNT, seed=7, direction=["d0=2", "d3=-1.5"], directions=file, truncation=0.5)
    setting = {"seed": 7, "truncation": 0.5, "amounts": [2, 0, 0, -1.5]}
    assert np.array_equal(shown(server, **setting), pictured(moved))
    assert np.array_equal(shown(server), pictured(gan.sample(COUNT, seed=4))), "a truncation is not kept"
    line = json.loads(ask(server, "line", {**STILL, **setting})[1])["line"]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, [*shlex.split(line)[1:], "--out", "again.npz"])
    assert done.exit_code == 0, done.output
    assert np.array_equal(np.load("again.npz")["images"], to_uint8(moved, low=0).permute(0, 2, 3, 1).numpy())


def test_a_class_is_chosen(serve, models):
    server = serve("classes")
    about = json.loads(ask(server, "about.json")[1])
    assert about["classes"] == ["dark sky", "bright sky"] and about["sliders"] == 4 and about["seed"] == 4
    gan = ganzoo.load(models["classes"])
    assert np.array_equal(shown(server, label=1), pictured(gan.sample(COUNT, seed=4, labels=[1] * COUNT)))
    line = json.loads(ask(server, "line", {**STILL, "label": 1, "amounts": [0] * 4})[1])["line"]
    assert "--label 'bright sky'" in line and "--direction" not in line


def test_what_was_projected_is_steered(serve, models, tmp_path):
    gan = ganzoo.load(models["colour"])
    found = Latents("z", torch.randn(1, gan.z_dim, generator=torch.Generator().manual_seed(5)))
    save_latents(tmp_path / "found.safetensors", found)
    server = serve("colour", latents=found, latents_file=tmp_path / "found.safetensors")
    about = json.loads(ask(server, "about.json")[1])
    assert about["seed"] is None and about["truncation"] is None and about["classes"] == []
    file = tmp_path / "colour-directions.safetensors"
    moved = gan.sample(latents=found, direction="d1=3", directions=file)
    assert np.array_equal(shown(server, amounts=[0, 3, 0, 0]), pictured(moved))
    line = json.loads(ask(server, "line", {**STILL, "amounts": [0, 3, 0, 0]})[1])["line"]
    assert "--latents" in line and "--seed" not in line
    with pytest.raises(UsageError, match="z has shape"):
        serve("colour", latents=Latents("z", torch.zeros(1, 3)))


WRONG = [
    {}, {"amounts": [0] * 3}, {"amounts": "0000"}, {"amounts": [0, 0, 0, "1"]}, {"amounts": [0, 0, 0, 9]},
    {"amounts": [0, 0, 0, True]}, {"amounts": [0] * 4, "seed": -1}, {"amounts": [0] * 4, "seed": 1.5},
    {"amounts": [0] * 4, "seed": 2**53}, {"amounts": [0] * 4, "label": 0}, {"amounts": [0] * 4, "truncation": 0},
    {"amounts": [0] * 4, "truncation": "1"}, {"amounts": [0] * 4, "truncation": False},
]  # fmt: skip


def test_what_makes_no_sense_is_refused_in_a_line(serve):
    server = serve()
    for value in WRONG:
        for path in ("picture.png", "line"):
            status, said = ask(server, path, {**STILL, **value})
            assert status == 400 and len(said.splitlines()) == 1, (value, said)
    good = {**STILL, "amounts": [0] * 4}
    assert ask(server, "picture.png", good, Origin="https://evil.example")[0] == 403
    assert ask(server, "picture.png", good, Host="evil.example")[0] == 403
    assert ask(server, "picture.png", {**good, "x": "A" * server.largest})[0] == 413
    assert server.server_address[0] == "127.0.0.1"


def test_directions_are_taken_from_the_file_or_found_and_written(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begun = []
    monkeypatch.setattr(steering, "serve", lambda server, name, wanted: begun.append(server.wheel))

    def steer(*words):
        return CliRunner().invoke(main, ["steer", *map(str, words)])

    done = steer(models["colour"], "-n", 2, "--seed", 9)
    assert done.exit_code == 0 and "8 directions of z: colour-directions.safetensors" in done.stderr, done.output
    assert begun[0].count == 2 and begun[0].first.seed == 9 and begun[0].sliders == 8
    written = Path("colour-directions.safetensors").read_bytes()
    done = steer(models["colour"])
    assert done.exit_code == 0 and "looking for" not in done.stderr
    assert torch.equal(begun[1].directions.vectors, begun[0].directions.vectors)
    assert Path("colour-directions.safetensors").read_bytes() == written
    assert steer(models["classes"], "--label", "bright sky").exit_code == 0 and begun[2].first.label == 1
    for words, said in (
        ((models["classes"], "--directions", "colour-directions.safetensors"), "of another model"),
        ((models["classes"], "--label", "frog"), "no class 'frog'"),
        ((models["colour"], "--latents", "colour-directions.safetensors"), "holds no latents"),
        ((models["colour"], "--directions", "nowhere.safetensors"), "nowhere.safetensors"),
    ):
        refused = steer(*words)
        assert refused.exit_code in (1, 2) and said in refused.stderr and len(refused.stderr.splitlines()) == 1


# --- in a browser ----------------------------------------------------------------------------------------------


@pytest.fixture
def browser(tmp_path):
    with_it = Browser(tmp_path / "profile", (1200, 800))
    yield with_it
    with_it.close()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_person_moves_sliders_and_resets_them(serve, browser, tmp_path):
    title = "<img src=x onerror=alert(1)>"
    server = serve("classes", title=title)
    rests = "document.body?.dataset.state === 'rest'"
    picture = "document.querySelector('#picture').toDataURL()"
    browser.open(server.url)
    browser.until(rests)
    assert browser.run("document.querySelector('h1').textContent") == title
    first = browser.run(picture)
    box = browser.box("#d1")
    browser.drag(box, (0.5, 0.5), (0.7, 0.5), (0.9, 0.5))
    time.sleep(0.1)
    browser.until(rests)
    moved = browser.run(picture)
    assert moved != first and float(browser.run("document.querySelector('#d1').value")) > 2
    assert "--direction d1=" in browser.run("document.querySelector('#line').textContent")
    browser.click("#next")
    browser.until("document.querySelector('#line').textContent.includes('--seed 5')")
    browser.click("#truncated")
    browser.until("document.querySelector('#line').textContent.includes('--truncation 1')")
    browser.screenshot(tmp_path / "steer.png")
    browser.click("#reset")
    browser.until("!document.querySelector('#line').textContent.includes('--direction') && " + rests)
    assert browser.run(picture) == first
    browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    browser.screenshot(tmp_path / "phone.png")
    assert browser.said == [], "the console is quiet"
