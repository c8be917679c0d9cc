"""``ganzoo data pack`` and what reads it: one mapped file, and shards."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from math import prod

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import ganzoo
from ganzoo.cli import main
from ganzoo.data import DataRequest, ImageData, MemoryImages, collect, open_data, stream
from ganzoo.data.images import KeptImages, MappedImages
from ganzoo.data.packed import pack, read_header, verified
from ganzoo.data.sharding import write_shards
from ganzoo.data.shards import expanded_braces
from ganzoo.distributed.batch import World
from ganzoo.errors import DataError, UsageError


def made(count=30, channels=3, bits=8, labels="class", size=(8, 8)):
    """A data set in memory."""
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, channels, *size), generator=rng, dtype=torch.uint8)
    images = pixels if bits == 8 else (pixels.to(torch.int32) * 257).to(torch.uint16)
    kinds = {
        None: (None, ()),
        "class": (torch.arange(count) % 3, ("a", "b", "ö")),
        "multilabel": ((torch.arange(count * 2).view(count, 2) % 3 == 0).float(), ("x", "y")),
        "continuous": (torch.linspace(-1, 1, count * 2).view(count, 2), ("x", "y")),
    }
    values, names = kinds[labels]
    kind = labels or "class"
    return ImageData("made", MemoryImages(images), values, names, bits=bits, label_kind=kind, flip=True, licence="CC0")


def run(*words):
    return CliRunner().invoke(main, [*map(str, words)])


def same(one, other, indices=(0, 1, 9), **options):
    a, b = (data.stream(8, 5, **options) for data in (one, other))
    for index in indices:
        left, right = a.batch(index), b.batch(index)
        assert left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


# --- one file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [None, "class", "multilabel", "continuous"])
@pytest.mark.parametrize("channels, bits, size", [(1, 8, (8, 8)), (3, 8, (4, 12)), (8, 8, (8, 8)), (1, 16, (8, 8))])
def test_a_packed_file_is_the_data_that_it_was_made_of(tmp_path, labels, channels, bits, size):
    data = made(channels=channels, bits=bits, labels=labels, size=size)
    written = pack(data, tmp_path / "x.safetensors")
    again = open_data(tmp_path / "x.safetensors")
    assert type(again.images) is MappedImages and again.fingerprint == data.fingerprint == written.fingerprint
    assert (again.class_names, again.label_kind, again.flip) == (data.class_names, data.label_kind, True)
    assert (again.licence, again.bits, again.size, again.name) == ("CC0", bits, data.size, "x")
    assert verified(written)
    same(data, again)


def test_other_programs_read_it(tmp_path):
    data = made()
    pack(data, tmp_path / "x.safetensors")
    found = load_file(tmp_path / "x.safetensors")
    assert torch.equal(found["images"], data.images.pixels) and torch.equal(found["labels"], data.labels)


def test_what_another_program_wrote_anew_is_the_same_data(tmp_path):
    data = made()
    pack(data, tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        about = file.metadata()
    save_file(load_file(tmp_path / "x.safetensors"), tmp_path / "y.safetensors", about)  # the labels first
    again = read_header(tmp_path / "y.safetensors")
    assert again.labels_start < again.start and verified(again)
    same(data, open_data(tmp_path / "y.safetensors"))


def test_nothing_that_is_done_to_the_images_reaches_the_file(tmp_path):
    pack(made(), tmp_path / "x.safetensors")
    before = (tmp_path / "x.safetensors").read_bytes()
    open_data(tmp_path / "x.safetensors").images.pixels.zero_()
    assert (tmp_path / "x.safetensors").read_bytes() == before


def test_another_size_and_other_channels_are_made_of_it(tmp_path):
    pack(made(), tmp_path / "x.safetensors")
    data = open_data(tmp_path / "x.safetensors", DataRequest(resolution=4, channels=1))
    assert data.images.shape == (30, 1, 4, 4) and data.class_names == ("a", "b", "ö") and data.flip
    pack(made(channels=8), tmp_path / "y.safetensors")
    with pytest.raises(DataError, match="holds 8 channels of 8 bits, 8x8, and only 1 or 3 channels"):
        open_data(tmp_path / "y.safetensors", DataRequest(resolution=4))


def test_a_training_on_it_is_that_on_the_data(tmp_path):
    options = {"steps": 2, "batch": 8, "seed": 2, "eval_every": 2, "eval_n": 20, "features": "test_efficientnet:random"}
    pack(open_data("digits", DataRequest(resolution=32)), tmp_path / "digits.safetensors")
    settings = {"lr.g": 5e-4, "lr.d": 1e-3, "flip": "off"}
    for name, data in (("a", "digits"), ("b", str(tmp_path / "digits.safetensors"))):
        ganzoo.train("dcgan:ch=4", data, out=tmp_path / name, settings=settings, **options)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    said = [json.loads((tmp_path / name / "config.json").read_text())["dataset"]["fingerprint"] for name in "ab"]
    assert said[0] == said[1]


def changed(path, old, new):
    """The file with something else in its header, which stays as long."""
    content = path.read_bytes()
    assert content.count(old) == 1 and len(new) == len(old)
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize(
    "old, new, message",
    [
        (b"[30,3,8,8]", b"[31,3,8,8]", "not as long as its shape"),
        (b'"data_offsets":[0,5760]', b'"data_offsets":[0,9999]', "not as long as its shape"),
        (b'"U8"', b'"I8"', "its images are I8"),
        (b'"I64"', b'"F64"', "it has labels"),
        (b'"images":', b'"imagos":', "not images and labels"),
        (b'\\"format\\": 1', b'\\"format\\": 7', "of format '7'; this ganzoo reads 1: install a newer"),
        (b'\\"format\\": 1', b'\\"format\\": x', "not JSON"),
        (b'\\"label_kind\\": \\"class\\"', b'\\"label_kind\\": \\"clasp\\"', "its classes make no sense"),
        (b'\\"flip\\": true', b'\\"flip\\": 1234', "makes no sense"),
        (b"sha256:", b"md5256:", "it has no fingerprint"),
        (b"ganzoo.data", b"ganzoo.dato", "no data set that `ganzoo data pack` wrote"),
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused_in_a_line(tmp_path, old, new, message):
    path = tmp_path / "x.safetensors"
    pack(made(), path)
    changed(path, old, new)
    with pytest.raises(DataError) as caught:
        open_data(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    told = run("data", "info", path)
    assert told.exit_code == 1 and message in told.stderr


@pytest.mark.parametrize(
    "shape, about, message",
    [
        ([30], {"format": True}, "of format 'True'; this ganzoo reads 1: pack it again"),
        ([30], {"class_names": []}, "it has labels (30,) of 30 images, and 0 names of classes"),
        ([30, 1], {}, "it has labels (30, 1) of 30 images, and 3 names of classes"),
        ([], {}, "it has labels () of 30 images"),
        ([30], {"label_kind": "continuous"}, "it has labels (30,) of 30 images"),
    ],
)
def test_labels_that_are_none_are_refused_before_training(tmp_path, shape, about, message):
    path = tmp_path / "x.safetensors"
    pack(made(), path)
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header, tensors = json.loads(content[8:end]), content[end:]
    said = header["__metadata__"]
    said["ganzoo.data"] = json.dumps(json.loads(said["ganzoo.data"]) | about)
    first, last = header["labels"]["data_offsets"][0], header["labels"]["data_offsets"][0] + 8 * prod(shape)
    header["labels"] |= {"shape": shape, "data_offsets": [first, last]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors[:last])
    told = run("data", "info", path)
    assert (told.exit_code, len(told.stderr.splitlines())) == (1, 1) and message in told.stderr


@pytest.mark.parametrize("length", [0, 7, 8, 100, 4096, 5000, -1])
def test_a_file_that_is_cut_short(tmp_path, length):
    path = tmp_path / "x.safetensors"
    pack(made(), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match="no packed data set"):
        open_data(path)


def test_a_huge_size_takes_no_memory(tmp_path):
    header = {"images": {"dtype": "U8", "shape": [2**40, 3, 2**10, 2**10], "data_offsets": [0, 3 * 2**60]}}
    header["__metadata__"] = {"ganzoo.data": json.dumps({"format": 1})}
    text = json.dumps(header).encode()
    (tmp_path / "x.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(DataError, match="torn"):
        open_data(tmp_path / "x.safetensors")


def test_a_bit_that_flipped_is_found_by_verify(tmp_path):
    path = tmp_path / "x.safetensors"
    pack(made(), path)
    assert run("data", "info", path, "--verify").exit_code == 0
    content = bytearray(path.read_bytes())
    content[read_header(path).start + 77] ^= 1
    path.write_bytes(content)
    told = run("data", "info", path, "--verify")
    assert told.exit_code == 1 and "damaged" in told.stderr


def test_the_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("data", "pack", "digits", "d.safetensors", "--resolution", "16")
    assert told.exit_code == 0 and "1,438 images" in told.stdout and "--data ./d.safetensors" in told.stdout
    said = json.loads(run("data", "info", "d.safetensors", "--json", "--verify").stdout)
    assert (said["count"], said["height"], said["classes"][:2], said["verified"]) == (1438, 16, ["0", "1"], True)
    assert "10 classes" in run("data", "info", "d.safetensors").stdout
    assert run("data", "check", "./d.safetensors").exit_code == 0
    assert sorted(os.listdir(tmp_path)) == ["d.safetensors"]


@pytest.mark.parametrize(
    "words, message",
    [
        (("digits", "d.safetensors"), "is there already"),
        (("digits", "d.npy"), "write a name that ends in .safetensors"),
        (("digits", "new", "--shards", "0"), "--shards 0 does not work"),
        (("digits", "new", "--shards", "5000"), "from 1 to 1,438"),
        (("nothing", "new.safetensors"), "nothing"),
    ],
)
def test_wrong_use_writes_nothing(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.safetensors").write_text("mine")
    told = run("data", "pack", *words)
    assert told.exit_code in (1, 2) and message in told.stderr
    assert os.listdir(tmp_path) == ["d.safetensors"] and (tmp_path / "d.safetensors").read_text() == "mine"


SLOW_PACK = """
import sys, time
from ganzoo.cli import main
from ganzoo.data import packed, sharding

def waits(writes):
    def slow(*arguments):
        writes(*arguments)
        print("written", flush=True)
        time.sleep(60)
    return slow

packed._write_images, sharding._add = waits(packed._write_images), waits(sharding._add)
sys.argv = ["ganzoo", "data", "pack", "digits", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("words", [("x.safetensors",), ("shards", "--shards", "2")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_leaves_nothing(tmp_path, number, words):
    command = [sys.executable, "-c", SLOW_PACK, *words]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n" and os.listdir(tmp_path)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err, os.listdir(tmp_path)) == (-number, "", [])


def test_a_picture_that_cannot_be_read_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "MANY", 3)
    monkeypatch.setattr(collect, "LOOKED_AT", 2)
    (tmp_path / "photos").mkdir()
    for number in range(9):
        Image.new("RGB", (8, 8), (number, 200, 0)).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "4.png").write_bytes(b"broken")
    for words in ((tmp_path / "x.safetensors",), (tmp_path / "shards", "--shards", 2)):
        told = run("data", "pack", tmp_path / "photos", *words)
        assert told.exit_code == 1 and "'4.png'" in told.stderr
    assert os.listdir(tmp_path) == ["photos"]


def test_further_columns_are_not_packed(tmp_path):
    data = made(labels=None)
    paired = ImageData("pairs", data.images, paired={"source": data.images})
    for write in (lambda: pack(paired, tmp_path / "x.safetensors"), lambda: write_shards(paired, tmp_path / "x", 2)):
        with pytest.raises(DataError, match="pairs has source beside its images"):
            write()


# --- shards -------------------------------------------------------------------------------------------------


def shard(path, files, form=tarfile.USTAR_FORMAT):
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5
            tar.addfile(info, io.BytesIO(content))
    return path


def png(number, size=(8, 8)):
    content = io.BytesIO()
    Image.fromarray(np.full((*size, 3), number + 100, np.uint8)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("labels", [None, "class", "multilabel", "continuous"])
@pytest.mark.parametrize("channels, bits", [(1, 8), (3, 8), (4, 8), (1, 16)])
def test_shards_are_the_data_that_they_were_made_of(tmp_path, labels, channels, bits):
    data = made(channels=channels, bits=bits, labels=labels)
    assert len(write_shards(data, tmp_path / "x", 4)) == 4
    again = open_data(tmp_path / "x", DataRequest(channels=channels))
    assert again.fingerprint == data.fingerprint
    assert (again.class_names, again.label_kind) == (data.class_names, data.label_kind)
    assert again.images.runs == (7, 8, 7, 8)


def test_shards_that_webdataset_writes(tmp_path):
    """Names beyond ustar's, times with a fraction and folders give headers of their own; others stand beside."""
    long = "a" * 120
    files = {f"{long}/{n}.sub.PNG": png(n) for n in range(2)} | {"x.jpg.txt": b"no picture", ".hidden.png": b"no"}
    files |= {"p/3.png": png(3), "p/3.json": b'{"label": 2, "text": "three"}', "p/3.txt": b"three"}
    for n in range(2):
        files[f"{long}/{n}.cls"] = str(n).encode()
    ordered = dict(sorted(files.items()))
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        path = shard(tmp_path / f"{form}.tar", ordered, form)
        data = open_data(path)
        assert data.count == 3 and data.labels.tolist() == [0, 1, 2] and data.class_names == ("0", "1", "2")
        assert data.images.fetch(torch.arange(3))[:, 0, 0, 0].tolist() == [100, 101, 103]


def test_a_pattern_means_its_shards(tmp_path):
    write_shards(made(), tmp_path / "x", 3)
    data = open_data(tmp_path / "x")
    same(data, open_data(str(tmp_path / "x" / "{00000..00002}.tar")))
    assert open_data(str(tmp_path / "x" / "{00000..00002}.tar")).name == "x"
    with pytest.raises(DataError, match=r"means 4 shards, of which 1 are not there, such as .*00003\.tar"):
        open_data(str(tmp_path / "x" / "{00000..00003}.tar"))
    assert expanded_braces("a-{08..11}-{0..1}") == [f"a-{n:02}-{m}" for n in (8, 9, 10, 11) for m in (0, 1)]
    for text in ("{2..1}.tar", "{0..999999999}.tar"):
        with pytest.raises(DataError, match="write the lower number first"):
            expanded_braces(text)


def test_the_order_is_that_of_the_seed_whatever_the_memory_and_the_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "WINDOW", 8)
    write_shards(made(), tmp_path / "x", 4)
    held = open_data(tmp_path / "x")
    monkeypatch.setattr(collect, "MANY", 10)
    kept, lazy = open_data(tmp_path / "x"), open_data(tmp_path / "x", DataRequest(memory=0))
    assert isinstance(kept.images, KeptImages)
    same(held, kept, flip=True)
    same(kept, lazy, flip=True)
    whole = kept.stream(8, 5).batch(6)["image"]
    parts = [lazy.stream(8, 5, world=World(rank, 2)).batch(6)["image"] for rank in range(2)]
    assert torch.equal(whole, torch.cat(parts))
    epoch = torch.cat([held.stream(5, 5).indices(index) for index in range(6)])
    assert torch.equal(epoch.sort().values, torch.arange(30))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda content: content[:560], "cut short in the middle of '0.png'"),
        (lambda content: content[:1700], "is no whole tar: it is cut short after"),
        (lambda content: content[:2048], "cut short after '1.png'"),
        (lambda content: b"", "cut short after its start"),
        (lambda content: b"x" * 1024 + content, "what comes after its start is no tar"),
        (lambda content: content[:124] + b"zzzzzzzzzzz\0" + content[136:], "is no tar"),
        (lambda content: content[:124] + b"77777777777\0" + content[136:], "cut short in the middle of '0.png'"),
        (lambda content: content[:124] + b"\x80" + b"\xff" * 11 + content[136:], "cut short in the middle of '0.png'"),
    ],
)
def test_a_damaged_shard_is_refused_in_a_line(tmp_path, damage, message):
    path = shard(tmp_path / "x.tar", {f"{n}.png": png(n) for n in range(4)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=message) as caught:
        open_data(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize(
    "files, message",
    [
        ({"0.cls": b"one"}, "label '0.cls' is 'one'"),
        ({"0.cls": b"1" * 5000}, "label '0.cls' is"),
        ({"0.cls": bytes(70_000)}, "70,000 bytes"),
        ({"0.json": b"{"}, "label '0.json' is"),
        ({"0.cls": b"1"}, "'x.tar:1.png' has no label, and others have"),
        ({"0.cls": b"99999999", "1.cls": b"1", "2.cls": b"2"}, "identifiers or dates"),
        ({"0.cls": b"9" * 4000, "1.cls": b"1", "2.cls": b"2"}, r"labels up to 10\^30 and more on 3 pictures"),
        ({"0.cls": b"-1", "1.cls": b"1", "2.cls": b"2"}, "class numbers from 0"),
    ],
)
def test_labels_that_are_none(tmp_path, files, message):
    path = shard(tmp_path / "x.tar", dict(sorted(({f"{n}.png": png(n) for n in range(3)} | files).items())))
    with pytest.raises(DataError, match=message):
        open_data(path)


def test_members_do_not_escape_and_links_are_passed_over(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    path = shard(inner / "x.tar", {"../0.png": png(0), "/tmp/1.png": png(1)})
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("2.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    assert open_data(path).count == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_broken_picture_in_a_shard(tmp_path):
    path = shard(tmp_path / "x.tar", {"0.png": png(0), "1.png": b"broken", "2.png": png(2)})
    with pytest.raises(DataError, match=r"'x\.tar:1\.png' .* cannot be read"):
        open_data(path)
    assert open_data(path, DataRequest(skip_bad=True)).images.runs == (2,)


def test_a_folder_with_more_than_shards_is_a_folder(tmp_path):
    write_shards(made(), tmp_path / "x", 2)
    (tmp_path / "x" / "a.png").write_bytes(png(0))
    (tmp_path / "x" / "b.png").write_bytes(png(1))
    assert open_data(tmp_path / "x").count == 2


def test_no_shards_of_what_a_png_cannot_hold(tmp_path):
    with pytest.raises(DataError, match="holds 8 channels of 8 bits"):
        write_shards(made(channels=8), tmp_path / "x", 2)
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        write_shards(made(), tmp_path / "x", 2)


def test_a_run_on_shards_resumes_exactly(tmp_path):
    write_shards(open_data("digits", DataRequest(resolution=32)), tmp_path / "x", 5)
    options = {"data": str(tmp_path / "x"), "batch": 8, "seed": 1}
    ganzoo.train("dcgan:ch=4", out=tmp_path / "whole", steps=4, save_every=2, **options)
    ganzoo.train("dcgan:ch=4", out=tmp_path / "parts", steps=2, save_every=2, **options)
    ganzoo.train(resume=tmp_path / "parts", steps=4)
    assert (tmp_path / "whole/model.safetensors").read_bytes() == (tmp_path / "parts/model.safetensors").read_bytes()
