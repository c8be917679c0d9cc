"""``ganzoo export --to html``: a page that draws what the model draws, in a real browser, from the disk."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from tiny_models import saved

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.exporting.page import _noise, _page
from ganzoo.exporting.runtime import ABOUT, SCRIPT, WASM, read_runtime

FILES = {ABOUT: b'{"name": "onnxruntime-web", "version": "9.9.9"}', SCRIPT: b"export {}", WASM: b"\0asm..."}
HOSTILE = "</script><img src=x onerror=alert(1)>{{wasm}}"


def packed(path: Path, files: dict[str, bytes], inside: str = "package/") -> Path:
    """A file as ``npm pack`` makes it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{inside}{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_the_package_is_read_as_a_folder_and_as_npm_packs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = tmp_path / "node_modules/onnxruntime-web"
    for name, data in FILES.items():
        (usual / name).parent.mkdir(parents=True, exist_ok=True)
        (usual / name).write_bytes(data)
    for place in (None, usual, packed(tmp_path / "a.tgz", FILES)):
        found = read_runtime(place)
        assert (found.version, found.script, found.wasm) == ("9.9.9", FILES[SCRIPT], FILES[WASM])


@pytest.mark.parametrize(
    "change",
    [{WASM: b"text"}, {ABOUT: b'{"name": "other", "version": "1"}'}, {ABOUT: b"[]"}, {SCRIPT: b"x" * 5_000_000}],
)
def test_another_package_is_refused(tmp_path: Path, change: dict[str, bytes]) -> None:
    with pytest.raises(UsageError, match="npm pack onnxruntime-web"):
        read_runtime(packed(tmp_path / "a.tgz", {**FILES, **change}))


def test_what_is_no_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.tgz").write_text("no archive")
    lacking = packed(tmp_path / "b.tgz", {ABOUT: FILES[ABOUT]})
    for place in (None, tmp_path, tmp_path / "text.tgz", lacking):
        with pytest.raises(UsageError, match="npm pack onnxruntime-web"):
            read_runtime(place)


def test_nothing_in_a_page_is_obeyed() -> None:
    facts = {"recipe": HOSTILE, "class_names": [HOSTILE]}
    page = _page(facts, {name: b"" for name in ("script", "wasm", "model", "table")})
    assert "<img" not in page and page.count("</script>") == 6
    assert json.loads(page.split('id="facts">')[1].split("</script>")[0]) == facts
    assert "default-src 'none'" in page and "http://" not in page and "https://" not in page


def test_noise_that_a_page_cannot_draw_stands_in_it() -> None:
    plain = ganzoo.build("dcgan:ch=4", resolution=16, z_dim=8)
    coded = ganzoo.build("dcgan:ch=4+info", resolution=16, z_dim=8)
    assert _noise(plain) == ({"law": "normal", "shape": [8]}, b"")
    law, rows = _noise(coded)
    assert law == {"law": "table", "shape": [coded.noise(1, 0).shape[1]], "rows": 512}
    assert np.array_equal(np.frombuffer(rows, "<f4").reshape(512, -1), coded.noise(512, 0).numpy())


def noise(seed: int, image: int, length: int) -> list[float]:
    """What the page draws: Box and Muller's normal numbers of sfc32."""
    a, b, c, d = seed, image, 0x9E3779B9, 1
    numbers = []
    for _ in range(16 + 2 * length):
        t = (a + b + d) & 0xFFFFFFFF
        d = (d + 1) & 0xFFFFFFFF
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & 0xFFFFFFFF
        c = (((c << 21) | (c >> 11)) + t) & 0xFFFFFFFF
        numbers.append(t / 2**32)
    pairs = zip(numbers[16::2], numbers[17::2], strict=True)
    return [math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v) for u, v in pairs]


def test_the_noise_of_a_page_is_normal_and_each_image_has_its_own() -> None:
    rows = np.array([noise(seed, image, 64) for seed in range(8) for image in range(8)])
    assert abs(rows.mean()) < 0.05 and abs(rows.std() - 1) < 0.05
    assert np.abs(np.corrcoef(rows) - np.eye(64)).max() < 0.6


def real_runtime(folder: Path) -> Path:
    """The package itself: that which ``GANZOO_TEST_ORT_WEB`` names, else npm's."""
    if given := os.environ.get("GANZOO_TEST_ORT_WEB"):
        return Path(given)
    npm = shutil.which("npm")
    done = npm and subprocess.run(
        [npm, "pack", "-s", "onnxruntime-web@1"], cwd=folder, capture_output=True, timeout=120
    )
    found = sorted(folder.glob("onnxruntime-web-*.tgz"))
    if not done or not found:
        pytest.skip("npm cannot fetch onnxruntime-web")
    return found[0]


PIXELS = """[...document.querySelectorAll("#grid canvas")].map((one) =>
  [...one.getContext("2d").getImageData(0, 0, one.width, one.height).data])"""


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["dcgan:ch=4+onehot", pytest.param("stylegan2:ch=4", marks=pytest.mark.exhaustive)])
def test_a_page_draws_what_the_model_draws(recipe: str, tmp_path: Path, browser: Any) -> None:
    pytest.importorskip("onnxruntime")
    gan = saved(tmp_path / "model", recipe, classes=3)
    out = tmp_path / "a page.html"
    words = [
        "export",
        str(tmp_path / "model"),
        "--to",
        "html",
        "--runtime",
        str(real_runtime(tmp_path)),
        "--out",
        str(out),
    ]
    result: Result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output

    def drawn(count: int) -> torch.Tensor:
        browser.until(f"document.body && (document.body.dataset.failed || document.body.dataset.drawn === '{count}')")
        pixels = torch.tensor(browser.run(PIXELS)).reshape(count, 16, 16, 4)
        assert bool((pixels[..., 3] == 255).all())
        return pixels[..., :3].permute(0, 3, 1, 2)

    def wanted(seed: int, labels: list[int], psi: float) -> torch.Tensor:
        z = torch.tensor([noise(seed, image, gan.z_dim) for image in range(len(labels))])
        return (gan.sample(z=z, labels=labels, truncation=psi if gan.has_w else None) * 255).round()

    browser.open(out.as_uri())
    assert (drawn(16) - wanted(0, [k % 3 for k in range(16)], 1)).abs().max() <= 1
    browser.run("""for (const [id, value] of [["seed", 7], ["class", 2], ["count", 4], ["psi", 0.5]])
      document.getElementById(id).value = value;
      document.getElementById("controls").dispatchEvent(new Event("input"))""")
    found = drawn(4)
    assert (found - wanted(7, [2] * 4, 0.5)).abs().max() <= 1 and found.float().std(0).max() > 0
    assert [name for name in browser.run("[...document.getElementById('class').options].map((one) => one.text)")] == [
        "all in turn", "cat", "dog", "cow",
    ]  # fmt: skip
    assert browser.said == []
