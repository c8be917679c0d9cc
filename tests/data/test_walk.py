"""One walker for all folders: what is a picture is told by content, and what was left alone is said."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image, features

from ganzoo.cli import main
from ganzoo.cli.given import read_pictures, result_names
from ganzoo.data import DataRequest, open_data
from ganzoo.data.check import check
from ganzoo.data.formats import SUFFIXES
from ganzoo.errors import DataError, UsageError

FORMATS = {  # by how a file may be called, the format in it
    "a.jfif": "JPEG",
    "a.JPE": "JPEG",
    "a.ppm": "PPM",
    "a.jp2": "JPEG2000",
    "a.tga": "TGA",
    "a.pcx": "PCX",
    "a.sgi": "SGI",
    "a.qoi": "QOI",
    "a.dds": "DDS",
    "a.ico": "ICO",
    "a.dib": "DIB",
    "a.avif": "AVIF",
    "without": "PNG",
    "photo.jpeg_large": "JPEG",
    "a.dat": "WEBP",
    "wrong.jpg": "PNG",
    "wrong.png": "AVIF",
}
if not features.check("avif"):
    FORMATS = {name: kind for name, kind in FORMATS.items() if kind != "AVIF"}
JUNK = {
    "notes.txt": b"P5 begins like a picture, and is none",
    "model.py": b"Python, with the mark of a PPM",
    "scene.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n",
    "zeros.bin": bytes(64),
    "empty": b"",
}
HIDDEN = ("._a.JPG", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._a.png", ".git/a.png")


def picture(path, kind=None, colour="red", size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = {"sizes": [size]} if kind == "ICO" else {}  # of which older Pillows write none below 16 pixels
    Image.new("RGB", size, colour).save(path, format=kind, **sizes)
    return path


def hide(folder):
    for name in HIDDEN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7junk")


def zipped(folder):
    """A zip of all that is in a folder."""
    return shutil.make_archive(str(folder.with_name("packed")), "zip", folder)


def run(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_is_one_by_its_content(tmp_path, name, packed):
    folder = tmp_path / "photos"
    picture(folder / "0.png", colour="lime")
    picture(folder / name, FORMATS[name])
    data = open_data(zipped(folder) if packed else folder)
    assert data.count == 2
    red, green, _ = data.images.fetch(data.labels if data.labels is not None else _last(data))[0, :, 4, 4].tolist()
    assert red > 200 and green < 60


def _last(data):
    import torch

    return torch.tensor([data.count - 1])


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_picture_is_left_alone_and_said(tmp_path, packed, caplog):
    folder = tmp_path / "photos"
    for number in range(2):
        picture(folder / f"{number}.png")
    for name, content in JUNK.items():
        (folder / name).write_bytes(content)
    hide(folder)
    where = zipped(folder) if packed else folder
    assert open_data(where).count == 2
    (said,) = caplog.messages
    assert "5 files left alone" in said and "1 .txt" in said and "1 without suffix" in said and "'empty'" in said
    report = check(str(where))
    assert report.left == sorted(JUNK) and report.count == 2 and not report.bad


def test_hidden_files_need_no_word(tmp_path, caplog):
    for number in range(2):
        picture(tmp_path / f"{number}.png")
    hide(tmp_path)
    assert open_data(tmp_path).count == 2 and not caplog.messages


def test_the_command_line_says_once_what_was_left_alone(tmp_path):
    for number in range(2):
        picture(tmp_path / f"{number}.png", size=(28, 28))  # dcgan takes another size, so the data is opened twice
    (tmp_path / "notes.txt").write_text("no picture")
    done = run("data", "check", tmp_path, "--json")
    assert json.loads(done.stdout)["left"] == ["notes.txt"]
    assert "2 images, no labels, 0 bad, 1 file left alone" in run("data", "check", tmp_path).stdout
    out = tmp_path.with_name(f"{tmp_path.name}-run")
    small = ("--set", "batch=2", "--steps", "1", "--device", "cpu", "--out", out)
    done = run("train", "dcgan:ch=4", "--data", tmp_path, *small)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("1 file left alone") == 1 and "'notes.txt'" in done.stderr
    assert "1 file left alone" in run("train", "--resume", out, "--steps", "2", "--device", "cpu").stderr


def test_names_of_files_left_alone_cannot_steer_a_terminal(tmp_path):
    for number in range(2):
        picture(tmp_path / f"{number}.png")
    (tmp_path / "a\x1b[2J\n.te\x1b[2Jxt").write_text("no picture")
    assert "\x1b" not in run("data", "check", tmp_path).output


def test_a_broken_picture_stays_broken_whatever_its_format(tmp_path):
    for number in range(2):
        picture(tmp_path / f"{number}.png")
    for suffix in (".ppm", ".avif", ".jfif"):
        (tmp_path / f"broken{suffix}").write_bytes(b"no")
        with pytest.raises(DataError, match=f"broken{suffix}"):
            open_data(tmp_path)
        assert list(open_data(tmp_path, DataRequest(skip_bad=True)).skipped) == [f"broken{suffix}"]
        (tmp_path / f"broken{suffix}").unlink()


def test_what_a_format_would_hand_to_other_programs_is_never_tried(tmp_path):
    assert not {".eps", ".ps", ".pdf", ".wmf", ".emf", ".h5", ".grib"} & SUFFIXES
    for number in range(2):
        picture(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(JUNK["scene.eps"])
    with pytest.raises(DataError, match="not a picture in a format"):
        open_data(tmp_path)


@pytest.mark.parametrize("name", ["pipe", "pipe.png"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    for number in range(2):
        picture(tmp_path / f"{number}.png")
    os.mkfifo(tmp_path / name)
    assert open_data(tmp_path, DataRequest(skip_bad=True)).count == 2


# --- classes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [{}, {"a.heic": b"\0\0\0\x18ftypheic"}, {"notes.txt": b"none"}])
@pytest.mark.parametrize("above", ["", "images"])
def test_a_class_folder_without_pictures_keeps_its_number(tmp_path, inside, above, caplog):
    root = tmp_path / "photos" / above
    for name in ("green", "red"):
        for number in range(2):
            picture(root / name / f"{number}.png", colour=name)
    (root / "blue").mkdir()
    for name, content in inside.items():
        (root / "blue" / name).write_bytes(content)
    data = open_data(tmp_path / "photos")
    assert data.class_names == ("blue", "green", "red") and data.labels.tolist() == [1, 1, 2, 2]
    assert any("'blue'" in text or "blue'" in text for text in caplog.messages if "stays class 0" in text)
    assert check(str(tmp_path / "photos")).classes == {"blue": 0, "green": 2, "red": 2}


def test_a_class_of_another_format_keeps_its_pictures(tmp_path):
    for name, suffix in (("blue", "ppm"), ("green", "png"), ("red", "")):
        for number in range(2):
            picture(tmp_path / name / f"{number}.{suffix}".rstrip("."), "PPM" if suffix == "ppm" else "PNG")
    assert open_data(tmp_path).labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_folder_beside_the_only_one_with_pictures_is_said(tmp_path, caplog):
    for number in range(2):
        picture(tmp_path / "cats" / f"{number}.png")
    (tmp_path / "dogs").mkdir()
    assert open_data(tmp_path).labels is None
    assert any("'dogs' holds no pictures" in text for text in caplog.messages)


def test_a_link_to_a_folder_that_was_looked_into_is_said(tmp_path, caplog):
    for name in ("cats", "dogs"):
        for number in range(2):
            picture(tmp_path / name / f"{number}.png")
    (tmp_path / "tigers").symlink_to(tmp_path / "cats")
    (tmp_path / "dogs" / "round").symlink_to(tmp_path)
    assert open_data(tmp_path).count == 4
    (said,) = caplog.messages
    assert "2 folders are links to where was looked already" in said and "'dogs/round'" in said


def test_a_zip_is_one_by_its_content(tmp_path):
    for number in range(2):
        picture(tmp_path / "photos" / f"{number}.png")
    packed = Path(zipped(tmp_path / "photos"))
    assert open_data(packed.rename(packed.with_suffix(".dat"))).count == 2
    with pytest.raises(DataError, match="neither a folder nor a"):
        open_data(tmp_path / "photos" / "0.png")


# --- pictures that are cropped ------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [2**30, 10])
def test_pictures_that_are_cropped_are_said(tmp_path, memory, caplog):
    picture(tmp_path / "a.png", size=(12, 8))
    picture(tmp_path / "b.png", size=(8, 8))
    open_data(tmp_path, DataRequest(resolution=8, memory=memory))
    (said,) = caplog.messages
    assert "1 of 2 pictures cropped to its middle square, such as 'a.png' of 12x8 pixels" in said


def test_what_is_only_resized_is_not_called_cropped(tmp_path, caplog):
    for number, side in enumerate((8, 16)):
        picture(tmp_path / f"{number}.png", size=(side, side))
    open_data(tmp_path, DataRequest(resolution=4))
    turned = Image.new("RGB", (16, 8), "white")
    exif = turned.getexif()
    exif[0x0112] = 6  # a camera that was held upright
    for name in "ab":
        turned.save(tmp_path / f"{name}.jpg", exif=exif)
    for number in range(2):
        (tmp_path / f"{number}.png").unlink()
    open_data(tmp_path, DataRequest(resolution=(16, 8)))
    assert not caplog.messages


# --- --input FOLDER -----------------------------------------------------------------------------------------


def test_the_pictures_of_input_are_found_like_those_of_data(tmp_path, capsys):
    for name, kind in FORMATS.items():
        picture(tmp_path / "in" / "deep" / name, kind)
    for name, content in JUNK.items():
        (tmp_path / "in" / name).write_bytes(content)
    hide(tmp_path / "in")
    pixels, names = read_pictures(tmp_path / "in", False, (3, 8, 8))
    assert names == [f"deep/{name}" for name in sorted(FORMATS)] and len(pixels) == len(FORMATS)
    assert "5 files left alone" in capsys.readouterr().err


def test_input_says_what_it_crops(tmp_path, capsys):
    picture(tmp_path / "wide.png", size=(16, 8))
    read_pictures(tmp_path / "wide.png", True, (3, 8, 8))
    assert "the picture cropped to its middle square, such as 'wide.png' of 16x8 pixels" in capsys.readouterr().err


def test_a_folder_of_no_pictures_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UsageError, match="holds no pictures"):
        read_pictures(tmp_path, False, (3, 8, 8))


@pytest.mark.parametrize(
    "given, made",
    [
        (["b.png", "deep/a.jpg"], ["b", "deep/a"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["a.jpg", "a.jpg.png", "a.png"], ["a.jpg", "a.jpg.png", "a.png"]),
        (["without", "v1.2.png"], ["without", "v1.2"]),
    ],
)
def test_results_have_the_names_of_what_they_were_made_of(given, made):
    assert result_names(given) == made


def test_members_of_a_zip_are_bounded_while_they_are_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**8))
        for number in range(2):
            with archive.open(f"{number}.png", "w") as member:
                Image.new("RGB", (8, 8)).save(member, format="PNG")
    assert open_data(tmp_path / "x.zip").count == 2
