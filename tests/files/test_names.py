"""Names of files that are no text: written as text, found again, and nothing begun that could not be written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.data import open_data
from ganzoo.errors import UsageError, command, printable
from ganzoo.files.names import as_text, native, path_text
from ganzoo.files.write import write_json, write_text
from ganzoo.gan.inputs import encode_text
from ganzoo.training.log import checked_sinks
from ganzoo.watch.runs import find_runs, summary

ODD = os.fsdecode(b"caf\xe9")
SMALL = ("--set", "batch=4", "--steps", "1", "--device", "cpu")


def pictures(folder, *classes):
    for number, name in enumerate(classes or ("",)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(4):
            Image.new("RGB", (16, 16), (60 * index, 80 * number, 9)).save(folder / name / f"{index}.png")
    return folder


def run(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.parametrize(
    "name, text",
    [
        (ODD, "caf\\xe9"),
        ("café 猫", "café 猫"),
        (os.fsdecode("é".encode()) + os.fsdecode(b"\xff"), "é\\xff"),
        ("".join(chr(0xDC00 + byte) for byte in "é".encode()), "é"),  # as a locale without UTF-8 has it
        ("\ud83d", "\\ud83d"),
        ("plain", "plain"),
    ],
)
def test_any_name_becomes_text(name, text):
    assert as_text(name) == text and as_text(text) == text


@pytest.mark.parametrize("name", [ODD, "café", "with space", "50%", "a#b?c"])
def test_paths_are_found_again(tmp_path, name):
    path = tmp_path / name
    path.mkdir()
    text = path_text(path)
    assert json.loads(json.dumps(text).encode()) == text and text == as_text(text)
    assert Path(native(text)) == path and native(native(text)) == native(text)


def test_files_take_any_text(tmp_path):
    write_text(tmp_path / "a", f"{ODD} é")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "caf\\xe9 é"
    write_json(tmp_path / "b", {ODD: [ODD]})
    assert json.loads((tmp_path / "b").read_text(encoding="utf-8")) == {ODD: [ODD]}


@pytest.mark.parametrize("name", [ODD, "a b", "it's", "tab\there", os.fsdecode(b"\xff'\\ \xc3\xa9"), "café"])
def test_suggested_commands_can_be_typed_whatever_a_path_is_called(name):
    typed = command("sample", name)
    assert printable(typed, None) == typed
    said = subprocess.run(["bash", "-c", f'ganzoo() {{ printf %s "$2"; }}; {typed}'], capture_output=True, check=True)
    assert said.stdout == os.fsencode(name)


# --- data ---------------------------------------------------------------------------------------------------


def test_classes_and_data_are_named_in_text(tmp_path):
    data = open_data(pictures(tmp_path / ODD, ODD, "tea"))
    assert data.name == "caf\\xe9" and data.class_names == ("caf\\xe9", "tea")
    index = {"labels": [["0.png", 0], ["1.png", 1], ["2.png", 0], ["3.png", 1]], "classes": ["a\ud800", "b"]}
    (pictures(tmp_path / "flat") / "dataset.json").write_text(json.dumps(index))
    assert open_data(tmp_path / "flat").class_names == ("a\\ud800", "b")


def test_a_run_on_such_data_is_whole_and_goes_on(tmp_path):
    data, out = pictures(tmp_path / ODD, ODD, "tea"), tmp_path / "run"
    checked = run("data", "check", data)
    assert checked.exit_code == 0 and "caf\\xe9" in checked.stdout
    done = run("train", "dcgan:ch=4+projection", "--data", data, *SMALL, "--out", out)
    assert done.exit_code == 0, done.output
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["class_names"] == ["caf\\xe9", "tea"] and config["dataset"]["name"] == "caf\\xe9"
    assert run("train", "--resume", out, "--steps", "2", "--device", "cpu").exit_code == 0
    assert "caf\\\\xe9" in (out / "README.md").read_text(encoding="utf-8")  # as Markdown has a backslash
    for label in (ODD, "caf\\xe9"):
        assert run("sample", out, "--label", label, "-n", "2", "--out", tmp_path / f"{len(label)}.png").exit_code == 0


def test_an_address_of_a_folder_is_data(tmp_path):
    data = pictures(tmp_path / "with space")
    assert open_data(data.as_uri()).count == 4


def test_a_run_in_such_a_folder_is_whole(tmp_path):
    data, out = pictures(tmp_path / "data"), tmp_path / ODD
    assert run("train", "dcgan:ch=4", "--data", data, *SMALL, "--out", out).exit_code == 0
    fork = tmp_path / os.fsdecode(b"f\xf6rk")
    for words in (
        ("train", "--resume", out, "--fork", fork, "--steps", "2", "--device", "cpu"),
        ("compare", out, fork, "--html", tmp_path / os.fsdecode(b"c\xf4.html")),
        ("info", out),
        ("card", fork),
        ("leaderboard", tmp_path),
        ("sample", out, "-n", "2", "--out", tmp_path / os.fsdecode(b"s\xe4")),
    ):
        assert run(*words).exit_code == 0, words
    origin = json.loads((fork / "training" / "run.json").read_text(encoding="utf-8"))["forked_from"]["path"]
    assert Path(native(origin)) == out


def test_packages_that_take_no_such_folder_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UsageError, match="takes no folder whose name is no text"):
        checked_sinks(["tensorboard"], [tmp_path / ODD])
    with pytest.raises(UsageError, match="takes no folder whose name is no text"):
        ganzoo.train("dcgan:ch=4", pictures(tmp_path / "data"), tmp_path / ODD, steps=1, log=["trackio"], quiet=True)
    assert not (tmp_path / ODD).exists()


def test_a_caption_that_is_no_text_is_refused():
    with pytest.raises(UsageError, match="no text in UTF-8"):
        encode_text([ODD])


def test_runs_are_watched_under_names_that_addresses_take(tmp_path):
    for name in (ODD, "caf\\xe9", "plain"):
        (tmp_path / name / "training").mkdir(parents=True)
    found = find_runs(tmp_path)
    assert sorted(path.name for path in found.values()) == sorted([ODD, "caf\\xe9", "plain"])
    for name, folder in found.items():
        assert name == as_text(name) and summary(folder)["name"].isprintable()


@pytest.mark.slow
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_a_locale_without_utf8(tmp_path, utf8):
    data, out = pictures(tmp_path / "données", "thé", "tea"), tmp_path / "été"
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": utf8, "OMP_NUM_THREADS": "1"}

    def typed(*words, **env):
        command = [sys.executable, "-m", "ganzoo", *map(str, words)]
        return subprocess.run(command, env={**plain, **env}, capture_output=True, timeout=120)

    assert typed("train", "dcgan:ch=4+projection", "--data", data, *SMALL, "--out", out).returncode == 0
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["class_names"] == ["tea", "thé"]
    more = ("train", "--resume", out, "--device", "cpu", "--steps")
    assert typed(*more, 2, LC_ALL="C.utf8").returncode == 0
    assert typed(*more, 3).returncode == 0
    for words in (("data", "check", data), ("data", "check", data, "--json"), ("info", out), ("compare", out, out)):
        assert typed(*words).returncode == 0, words
