"""The page of ``ganzoo demo``: asked as a program asks it, seen in a browser, and kept from everybody else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_models import run, saved

import ganzoo
from ganzoo.demos.model import Asked, DemoModel
from ganzoo.demos.server import TEMPORARY, DemoServer

pytest.importorskip("gradio")

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}[a](javascript:alert(3))"
Serve = Callable[[DemoModel], DemoServer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "m"
    saved(folder, "dcgan:ch=4+onehot", classes=3)
    return folder


@pytest.fixture
def model(folder: Path) -> DemoModel:
    return DemoModel(ganzoo.load(folder), str(folder))


def get(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), {k.lower(): v for k, v in error.headers.items()}


def test_a_program_is_given_what_the_model_draws(
    serve: Serve, model: DemoModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    reached = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: (reached.append(to), connect(self, to))[1])
    server = serve(model)
    client = Client(server.url, verbose=False, download_files=str(tmp_path))
    shown, line = client.predict(n=3, seed=7, labels=["2", "0"], api_name="/sample")
    wanted, same = model.draw(Asked(3, seed=7, labels=["2", "0"]))
    assert line == same and "--seed 7 --label cow --label cat" in line
    assert [one["caption"] for one in shown] == ["cow", "cat", "cow"]
    for one, (picture, _) in zip(shown, wanted, strict=True):
        assert np.array_equal(np.asarray(Image.open(one["image"])), np.asarray(picture))
    for wrong, said in ({"n": 65}, "64"), ({"labels": ["9"]}, "9"):
        with pytest.raises(AppError, match=said):
            client.predict(**wrong, api_name="/sample")
    assert reached and all(to[0] == "127.0.0.1" for to in reached if isinstance(to, tuple)), "nothing else is asked"
    assert any(Path(os.environ[TEMPORARY]).rglob("*.png"))


def test_others_are_kept_out(serve: Serve, model: DemoModel) -> None:
    server = serve(model)
    status, page, headers = get(server.url)
    assert status == 200 and "<html" in page and "default-src 'self'" in headers["content-security-policy"]
    root = server.url.removesuffix(f"{server.token}/")
    for place in ("", "config", f"{server.token[:-1]}/", "gradio_api/info", f"{server.token}x/config"):
        assert get(root + place)[:2] == (403, "the address lacks its token: use the one that ganzoo demo printed\n")
    assert get(server.url, Host="evil.example")[0] == 403, "a name that a hostile page points at this machine"
    assert get(root + "favicon.ico")[0] == 204
    assert get(f"{server.url}gradio_api/file=/etc/passwd")[0] == 403


def test_what_a_page_keeps_is_gone_when_it_ends() -> None:
    before = os.environ.get(TEMPORARY)
    with DemoServer() as server:
        kept = Path(os.environ[TEMPORARY])
        assert kept.is_dir() and server.local
    assert not kept.exists() and os.environ.get(TEMPORARY) == before


def test_names_of_strangers_stand_there_as_text(serve: Serve, model: DemoModel) -> None:
    from ganzoo.demos.page import page_of

    model.gan.class_names = (HOSTILE, "b", "c")
    page = page_of(DemoModel(model.gan, HOSTILE))
    config = page.get_config_file()
    heading = next(one["props"]["value"] for one in config["components"] if one["type"] == "html")
    body = heading.partition("</style>")[2]
    assert not re.search(r"<(?!/?(h2|p)\b)|\$|\(|\[", body) and "&#60;img src&#61;x" in body


PICTURES = "document.querySelectorAll('.ganzoo-pictures .thumbnail-item img')"
LINE = "[...document.querySelectorAll('textarea')].map(one => one.value).find(text => text.startsWith('ganzoo'))"


@pytest.mark.slow
@pytest.mark.parametrize(("wide", "high"), [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_the_page_in_a_browser(
    serve: Serve, model: DemoModel, browser: Any, tmp_path: Path, wide: int, high: int
) -> None:
    model.gan.class_names = (HOSTILE, "b", "c")
    browser.ask("Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=wide < 600)
    browser.open(serve(model).url)
    browser.until(f"{PICTURES}.length === 16 && [...{PICTURES}].every(one => one.complete && one.naturalWidth === 16)")
    assert browser.run("document.documentElement.scrollWidth") == wide, "nothing is cut off"
    first = browser.run(LINE)
    assert "-n 16 --seed 0" in first
    browser.run("[...document.querySelectorAll('button')].find(one => one.innerText === 'Another seed').click()")
    browser.until(f"!({LINE}).includes('--seed 0 ')")
    assert "onerror=alert(1)" in browser.run("document.body.innerText")
    assert browser.run("document.querySelectorAll('img[src=x]').length") == 0
    asked = browser.run("performance.getEntriesByType('resource').map(one => one.name)")
    assert asked and all(name.startswith(("http://127.0.0.1:", "data:", "blob:")) for name in asked)
    assert [said for said in browser.said if "anifest" not in said] == [], "nothing is refused, and nothing fails"
    browser.screenshot(tmp_path / "shot.png")
    colours = Image.open(tmp_path / "shot.png").convert("RGB").getcolors(1 << 24)
    assert colours is not None and len(colours) > 50


# --- the command ------------------------------------------------------------------------------------------------


def refused(status: int, *words: object) -> str:
    result = run("demo", *words)
    assert result.exit_code == status, result.output
    (line,) = result.stderr.splitlines()
    return line


def test_wrong_use_is_refused_before_the_model_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(1, "nobody/nothing", "--port", port)
    assert f"cannot listen on 127.0.0.1, port {port}" in line and "leave --port out" in line
    assert "there is no file x.safetensors" in refused(2, folder, "--directions", "x.safetensors")
    assert "no.such.host.invalid" in refused(1, folder, "--host", "no.such.host.invalid")
    assert "there is no folder" in refused(1, "./nothing", "--no-open")
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "pip install 'ganzoo-core[demo]" in refused(2, "nobody/nothing")
    with pytest.raises(ganzoo.UsageError, match=r"gradio is not here: pip install 'ganzoo-core\[demo\]"):
        ganzoo.demo(folder)


def test_in_python_it_is_an_app_of_gradio(folder: Path) -> None:
    import gradio

    assert isinstance(ganzoo.demo(folder), gradio.Blocks)
    assert isinstance(ganzoo.demo(ganzoo.load(folder)), gradio.Blocks)
    with pytest.raises(ganzoo.ModelError, match="holds no directions"):
        ganzoo.demo(folder, directions=folder / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended_and_leaves_nothing(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    other = tmp_path / f"{folder.name}-directions.safetensors"
    shutil.copy(folder / "model.safetensors", other)
    words = [sys.executable, "-m", "ganzoo", "demo", str(folder), "--no-open"]
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    assert get(url)[0] == 200
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (0 if number == signal.SIGINT else 128 + number), said
    assert f"note: {other.name} is left out" in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("ganzoo-demo")] == []
