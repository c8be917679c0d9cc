"""Data of very many pictures: a training begins before all were looked at, and learns the same as if they had been."""

import io
import json
import random
import struct
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data import DataRequest, collect, open_data
from ganzoo.data.holdout import HoldOut
from ganzoo.data.images import KeptImages, LazyImages, MemoryImages
from ganzoo.data.pictures import Pictures
from ganzoo.data.stream import WINDOW, near_order
from ganzoo.errors import DataError

COUNT = 40


def encoded(number, size=(8, 8), mode="RGB"):
    channels = {"L": (), "RGB": (3,)}[mode]
    pixels = np.random.default_rng(number).integers(0, 256, (*size, *channels), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def contents(count=COUNT):
    return {f"{'ab'[number % 2]}/{number:04}.png": encoded(number) for number in range(count)}


@pytest.fixture
def folder(tmp_path):
    for name, content in contents().items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "photos"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents().items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def few(monkeypatch):
    """As if forty pictures were very many, of which five are looked at."""
    monkeypatch.setattr(collect, "MANY", 10)
    monkeypatch.setattr(collect, "LOOKED_AT", 5)


def same_batches(one, other, indices=(0, 1, 7)):
    streams = one.stream(16, 3), other.stream(16, 3)
    for index in indices:
        a, b = (stream.batch(index) for stream in streams)
        assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


class Counted(Pictures):
    """Pictures that remember which of them were read."""

    def __init__(self, count=COUNT, broken=(), coloured=()):
        self.was_read, self.broken, self.coloured = [], broken, coloured
        super().__init__("counted", [str(number) for number in range(count)])

    def read(self, index):
        self.was_read.append(index)
        if index in self.broken:
            raise OSError("it is broken")
        image = Image.open(io.BytesIO(encoded(index, mode="RGB" if index in self.coloured else "L")))
        image.load()
        return image


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_batches_are_those_of_data_in_memory(form, request, monkeypatch):
    path = request.getfixturevalue(form)
    before = open_data(path)
    request.getfixturevalue("few")
    many, larger = open_data(path), open_data(path, DataRequest(memory=0))
    assert isinstance(before.images, MemoryImages) and isinstance(many.images, KeptImages)
    assert type(larger.images) is LazyImages
    assert many.class_names == before.class_names == ("a", "b")
    same_batches(before, many)
    same_batches(many, larger)
    # What is held after the first epoch is what was decoded.
    same_batches(before, many, (0, 1, 7))


def test_a_few_are_looked_at_and_each_is_read_once_in_training(few):
    pictures = Counted()
    data = collect.collect_pictures(pictures, DataRequest(), name="counted")
    assert len(set(pictures.was_read)) <= 5
    pictures.was_read.clear()
    stream = data.stream(8, 0)
    for index in range(10):  # two epochs
        stream.batch(index)
    assert sorted(pictures.was_read) == list(range(COUNT))


def test_bytes_count_too(monkeypatch, folder):
    monkeypatch.setattr(collect, "HEAVY", 1000)
    assert isinstance(open_data(folder).images, KeptImages)


def test_a_broken_picture_is_named_when_it_is_met(few):
    data = collect.collect_pictures(Counted(broken={13}), DataRequest(), name="counted")
    with pytest.raises(DataError, match="'13' in counted cannot be read: it is broken; --skip-bad"):
        data.images.fetch(torch.tensor([12, 13]))
    assert data.images.fetch(torch.tensor([12, 14])).shape == (2, 1, 8, 8)


def test_a_broken_picture_among_those_looked_at_is_named_at_once(few):
    with pytest.raises(DataError, match="'0' in counted cannot be read"):
        collect.collect_pictures(Counted(broken={0}), DataRequest(), name="counted")


def test_bad_pictures_that_are_skipped_are_known_before_the_order_is(few):
    pictures = Counted(broken={13, 20})
    data = collect.collect_pictures(pictures, DataRequest(skip_bad=True), name="counted")
    assert data.count == COUNT - 2 and set(data.skipped) == {"13", "20"}
    assert set(pictures.was_read) == set(range(COUNT))


def test_colour_among_grey_pictures_is_refused_when_it_is_met_unless_asked_for(few):
    data = collect.collect_pictures(Counted(coloured={13}), DataRequest(), name="counted")
    with pytest.raises(DataError, match=r"'13' in counted is in colour, and the 5 .* --channels 3"):
        data.images.fetch(torch.tensor([13]))
    asked = collect.collect_pictures(Counted(coloured={13}), DataRequest(channels=1), name="counted")
    assert asked.images.fetch(torch.tensor([13])).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_fingerprint_without_reading_everything(few, form, request, tmp_path):
    path = request.getfixturevalue(form)
    known = open_data(path).fingerprint
    assert known.startswith("listing-sha256:")
    assert open_data(path, DataRequest(memory=0)).fingerprint == known
    whole = {kind: open_data(path, DataRequest(fingerprint_kind=kind)) for kind in ("sha256", "files-sha256")}
    assert all(data.fingerprint.startswith(f"{kind}:") for kind, data in whole.items())
    if form == "folder":
        (path / "a" / "0000.png").write_bytes(encoded(999, (8, 9)))
    else:
        with zipfile.ZipFile(path, "a") as more:
            more.writestr("a/9999.png", encoded(999))
    assert open_data(path).fingerprint != known


def test_a_run_resumes_exactly(few, folder, tmp_path):
    options = {"data": str(folder), "resolution": 32, "batch": 8, "seed": 1}
    ganzoo.train("dcgan:ch=4", out=tmp_path / "whole", steps=4, save_every=2, **options)
    ganzoo.train("dcgan:ch=4", out=tmp_path / "parts", steps=2, save_every=2, **options)
    ganzoo.train(resume=tmp_path / "parts", steps=4)
    assert (tmp_path / "whole/model.safetensors").read_bytes() == (tmp_path / "parts/model.safetensors").read_bytes()
    config = json.loads((tmp_path / "parts/config.json").read_text())
    assert config["fingerprint_kind"] == "listing-sha256"


def test_the_log_says_how_long_steps_waited_for_batches(tmp_path):
    seen = []
    ganzoo.train("dcgan:ch=4", "digits", out=tmp_path / "run", steps=2, batch=4, log_every=1, callback=seen.append)
    shares = [record["clock"]["data_share"] for record in seen if "losses" in record]
    assert shares and all(0 <= share <= 1 for share in shares)


# --- zips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_way_of_packing_is_read(tmp_path, method):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents(4).items():
            archive.writestr(name, content)
    same_batches(open_data(path), open_data(path, DataRequest(memory=0)))


def test_names_of_other_letters_and_what_stands_before_and_after_a_zip(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"#!/bin/sh\n" * 10)
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in contents(4).items():
            archive.writestr(f"größe/{name}", content)
        archive.comment = b"PK\5\6 is what an end looks like"
    data = open_data(path)
    assert data.count == 4 and data.class_names == ("a", "b")


def test_a_zip_of_64_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 200)  # Python then writes as for files beyond 4 GB
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents(6).items():
            archive.writestr(name, content)
    assert b"PK\6\6" in path.read_bytes()
    assert open_data(path).count == 6


def test_a_directory_that_lies_is_refused_in_a_line(archive, tmp_path):
    whole = bytearray(archive.read_bytes())
    rng = random.Random(0)
    start = whole.index(b"PK\1\2")
    for number in range(200):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(start, len(content))] = rng.randrange(256)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(content)
        try:
            data = open_data(path, DataRequest(skip_bad=bool(number % 2)))
            assert data.count <= COUNT
        except DataError as error:
            assert "\n" not in str(error)


def test_a_member_that_says_to_be_small_and_is_not(tmp_path):
    """What unpacks to more than its directory says is damaged, and no more than that is unpacked."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", encoded(0))
        archive.writestr("b.png", bytes(50_000_000))
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\1\2")
    content[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"'b\.png' .* CRC"):
        open_data(path)


# --- runs ---------------------------------------------------------------------------------------------------


def test_an_order_by_runs_is_a_permutation_that_stays_near():
    runs = [WINDOW // 2] * 8
    order = near_order(runs, torch.Generator().manual_seed(0))
    assert torch.equal(order.sort().values, torch.arange(sum(runs)))
    for window in order.split(WINDOW):  # two whole runs are in each window
        assert len(torch.unique(window // (WINDOW // 2))) == 2
    assert not torch.equal(order[:WINDOW].sort().values, order[:WINDOW])


def test_what_is_held_out_leaves_the_runs_as_they_are():
    images = MemoryImages(torch.zeros(COUNT, 1, 4, 4, dtype=torch.uint8), runs=(10, 30))
    data = ganzoo.data.ImageData("x", images)
    learned, held = HoldOut(8, 0, data.fingerprint).divide(data)
    assert sum(learned.images.runs) == COUNT - 8 and sum(held.images.runs) == 8
    assert learned.images.runs[0] + held.images.runs[0] == 10


@pytest.mark.slow
def test_two_hundred_thousand_pictures_start_in_seconds(tmp_path):
    """What takes memory or time for each picture shows here: a minute and 1.5 GB is what it took before."""
    import resource
    import time

    path, pool = tmp_path / "many.zip", [encoded(number, (32, 32)) for number in range(50)]
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(200_000):
            archive.writestr(f"{number % 10}/{number:06}.png", pool[number % 50])
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    data = open_data(path)
    assert data.count == 200_000 and len(data.class_names) == 10
    data.stream(64, 0).batch(0)
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # kilobytes
