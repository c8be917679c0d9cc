"""The numbers at the axes of the page of ``ganzoo watch``, as its own code makes them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import ganzoo.watch

NODE = shutil.which("node")
CHARTS = Path(ganzoo.watch.__file__).parent / "charts.js"
RANGES = [
    (101, 160, 2, 1),
    (1, 4, 6, 1),
    (0, 9, 2, 1),
    (11, 13, 8, 1),
    (0, 4, 30, 1),
    (900, 12_345_678, 5, 1),
    (0.69314, 0.69321, 4, 0),
    (1234.5, 1234.9, 4, 0),
    (-0.03, 1.03, 4, 0),
    (1e-9, 5e-9, 4, 0),
    (-3e7, 2e7, 4, 0),
    (99_999.5, 100_000.5, 4, 0),
]


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_axes_have_two_numbers_at_least_and_none_twice(tmp_path):
    source = CHARTS.read_text("utf-8").replace("./dom.js", "./dom.mjs")
    (tmp_path / "charts.mjs").write_text(source, encoding="utf-8")
    shutil.copy(CHARTS.with_name("dom.js"), tmp_path / "dom.mjs")
    script = f"""
    import {{ticks}} from {json.dumps(str(tmp_path / "charts.mjs"))};
    console.log(JSON.stringify({json.dumps(RANGES)}.map((range) => ticks(...range))));
    """
    done = subprocess.run([str(NODE), "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    for (low, high, _, least), found in zip(RANGES, json.loads(done.stdout), strict=True):
        values, words = [value for value, _ in found], [word for _, word in found]
        assert 2 <= len(found) <= 60
        assert len(set(words)) == len(words), words
        assert all(low <= value <= high + 1e-9 for value in values)
        assert [float(word.replace(",", "")) for word in words] == pytest.approx(values, rel=1e-9, abs=1e-15)
        assert not least or all(value == int(value) for value in values)
