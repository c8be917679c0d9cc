"""Loading from the Hub: the unmodified client against a server of this machine."""

import json
import re
import shutil

import pytest
import torch
from click.testing import CliRunner
from hub_models import files, fresh_process, saved
from hub_server import OWNER, STRANGER

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError, HubError, HubUnreachable, ModelError, NotOnHub, UsageError
from ganzoo.folder.model import ModelFolder
from ganzoo.hub import shipped
from ganzoo.hub.references import Reference, check_repo, parse
from ganzoo.registry import loading
from ganzoo.registry.about import MODELS_DISTRIBUTION

REPO = "org/first"


def images(gan):
    return gan.sample(3, seed=5)


def refused(said, ref=REPO, kind=GanzooError, **options):
    with pytest.raises(kind, match=said) as caught:
        ganzoo.load(ref, **options)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 600
    return text


# --- what a reference means -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("org/name", Reference(repo="org/name")),
        ("org/name@v1.0", Reference(repo="org/name", revision="v1.0")),
        ("org/name@refs/pr/1", Reference(repo="org/name", revision="refs/pr/1")),
        ("dcgan-cifar10", Reference(name="dcgan-cifar10")),
        ("dcgan-cifar10@v2", Reference(name="dcgan-cifar10", revision="v2")),
    ],
)
def test_references_of_the_hub(text, meaning):
    assert parse(text) == meaning


@pytest.mark.parametrize("text", [".", "./a", "../a/b", "/a", "./a@b"])
def test_references_that_are_folders(text):
    assert str(parse(text).folder) == text.removeprefix("./") and parse(text).repo is None


def test_a_path_object_is_a_folder_and_a_tilde_is_home(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse(Path("org/name")).folder == Path("org/name")
    assert parse("~/a").folder == tmp_path / "a"


@pytest.mark.parametrize("text", ["", "a/b/c", "org/", "a b", "org/na me", "org/..", "a--b/c", "\x1b[31m", "org/x@../y",
                                  "-a/b", "org/name@", "C:\\models", "https://huggingface.co/org/name"])  # fmt: skip
def test_what_is_no_reference(text, hub):
    refused("is no model: write org/name|is no revision", text, UsageError)
    assert not hub.seen


def test_revision_is_said_once():
    assert parse("org/name", "v1") == parse("org/name@v1") == parse("org/name@v1", "v1")
    with pytest.raises(UsageError, match="keep one"):
        parse("org/name@v1", "v2")
    with pytest.raises(UsageError, match="no revision"):
        parse("./name", "v1")
    with pytest.raises(UsageError, match="is no revision"):
        parse("org/name", "../../x")


@pytest.mark.parametrize("text", ["name", "org/name@v1", "./name", "a/b/c", ""])
def test_only_a_repository_can_be_pushed_to(text):
    with pytest.raises(UsageError, match="organisation/name"):
        check_repo(text)


# --- loading ----------------------------------------------------------------------------------------------------


def test_a_model_of_the_hub_is_the_one_that_was_put_there(hub, tmp_path):
    folder = saved(tmp_path / "model")
    hub.repo(REPO, {**files(), "pytorch_model.bin": b"\x80", "README.md": b"hello", "training/x.bin": b"x"})
    assert torch.equal(images(ganzoo.load(REPO)), images(ModelFolder(folder).load()))
    asked = {seen.path.rpartition("/")[2] for seen in hub.calls("HEAD", "/resolve/")}
    assert asked == {"config.json", "model.safetensors"}
    assert len(hub.calls("GET", "/resolve/")) == len(hub.calls("GET", "/cdn/")) == 1


def test_a_second_load_asks_once_and_fetches_nothing(hub):
    hub.repo(REPO, files())
    ganzoo.load(REPO)
    hub.seen.clear()
    ganzoo.load(REPO)
    assert [(seen.method, seen.path) for seen in hub.seen] == [("GET", f"/api/models/{REPO}/revision/main")]


def test_a_commit_that_is_in_the_cache_asks_nothing(hub):
    commit = hub.repo(REPO, files()).branches["main"]
    ganzoo.load(f"{REPO}@{commit}")
    hub.seen.clear()
    assert ganzoo.load(REPO, revision=commit).config["step"] == 7
    assert not hub.seen


def test_revisions(hub):
    repo = hub.repo(REPO, files(0))
    first = repo.branches["main"]
    repo.commit(files(1), "v2")
    one, two = images(ganzoo.load(REPO)), images(ganzoo.load(f"{REPO}@v2"))
    assert not torch.equal(one, two)
    assert torch.equal(one, images(ganzoo.load(REPO, revision=first)))
    refused(f"{REPO} has no revision 'v3'", f"{REPO}@v3", NotOnHub)


def test_a_newer_commit_is_taken(hub):
    repo = hub.repo(REPO, files(0))
    old = images(ganzoo.load(REPO))
    repo.commit(files(1))
    assert not torch.equal(old, images(ganzoo.load(REPO)))


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16, "float16"])
def test_a_dtype_to_compute_in(hub, dtype):
    hub.repo(REPO, files())
    gan = ganzoo.load(REPO, dtype=dtype)
    assert {p.dtype for p in gan.parameters()} == {torch.bfloat16 if "bf" in str(dtype) else torch.float16}
    assert (images(gan) - images(ganzoo.load(REPO))).abs().max() < 0.02 and images(gan).dtype == torch.float32


def test_a_dtype_that_is_none(hub):
    refused("it is float32, bfloat16 or float16", dtype="int8", kind=UsageError)
    assert not hub.seen


# --- private, gated, missing ------------------------------------------------------------------------------------


def test_a_private_model_needs_a_token(hub, monkeypatch):
    hub.repo(REPO, files(), private=True)
    refused("no public model org/first: check the name; for a private model type 'hf auth login' or set HF_TOKEN")
    refused("your token may not read it", token=STRANGER, kind=NotOnHub)
    assert ganzoo.load(REPO, token=OWNER).config["step"] == 7
    monkeypatch.setenv("HF_TOKEN", OWNER)
    assert ganzoo.load(REPO).config["step"] == 7


def test_a_token_goes_to_the_hub_only(hub):
    hub.repo(REPO, files(), private=True)
    ganzoo.load(REPO, token=OWNER)
    elsewhere = [seen for seen in hub.seen if seen.headers["host"].startswith("localhost")]
    assert elsewhere and not any("authorization" in seen.headers for seen in elsewhere)


def test_an_unknown_token_is_said_to_be_one(hub):
    hub.repo(REPO, files())
    refused("the Hub does not know the token that was sent", token="hf_unknown0123456789", kind=HubError)


@pytest.mark.parametrize("token", ["hf_secret word", "hf_secret\n", "hf_secreté", ""])
def test_a_token_that_no_header_can_carry_is_not_shown(hub, token):
    text = refused("the token of the Hub holds", token=token, kind=UsageError)
    assert "secret" not in text and not hub.seen


def test_a_gated_model_names_the_page_with_its_terms(hub):
    hub.repo(REPO, files(), gated=True)
    refused(f"is gated: accept its terms at {hub.url}/{REPO}, then type 'hf auth login'")
    refused("then wait until its authors let you in", token=STRANGER)
    assert ganzoo.load(REPO, token=OWNER).config["step"] == 7


def test_a_repository_that_is_no_model_of_ganzoo(hub):
    hub.repo(REPO, {"config.json": files()["config.json"], "pytorch_model.bin": b"\x80"})
    refused("has no model.safetensors: it is no model of ganzoo", kind=NotOnHub)
    hub.repo("org/other", {"README.md": b"hi"})
    refused("has no config.json", "org/other", NotOnHub)


def test_a_missing_plugin_is_named_before_the_weights_are_fetched(hub):
    config = json.loads(files()["config.json"])
    needed = next(part for part in config["parts"] if part["side"] == "g")
    needed["part"] = "normalization/softest"
    hub.repo(REPO, files(parts=config["parts"], plugins={"ganzoo-softest": "1.2"}))
    refused(r"as claimed by the model, it needs: pip install 'ganzoo-softest==1\.2'$", kind=ModelError)
    assert not hub.calls("GET", "/cdn/")


# --- without a network ------------------------------------------------------------------------------------------


def broken(hub, kind):
    for method in ("GET", "HEAD"):
        hub.fail(method, "/", kind, times=1000)


@pytest.mark.parametrize("kind", ["503", "drop"])
def test_a_model_that_was_fetched_once_is_there_without_the_hub(hub, kind, caplog):
    hub.repo(REPO, files())
    before = images(ganzoo.load(REPO))
    broken(hub, kind)
    assert torch.equal(before, images(ganzoo.load(REPO)))
    assert "using the copy of org/first in the cache" in caplog.text


def test_offline_by_wish(hub, monkeypatch):
    from huggingface_hub import constants

    hub.repo(REPO, files())
    ganzoo.load(REPO)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.seen.clear()
    assert ganzoo.load(REPO).config["step"] == 7
    assert not hub.seen
    refused("HF_HUB_OFFLINE is set.*is not in the cache of this machine either", "org/never", HubUnreachable)


def test_a_fresh_process_loads_offline(hub, tmp_path):
    hub.repo(REPO, files())
    total = float(images(ganzoo.load(REPO)).sum())
    code = f"import ganzoo; print(repr(float(ganzoo.load({REPO!r}).sample(3, seed=5).sum())))"
    assert float(fresh_process(code, HF_HUB_OFFLINE="1")) == total
    assert float(fresh_process(code, HF_ENDPOINT="http://127.0.0.1:1")) == total


@pytest.mark.parametrize("kind", ["503", "drop"])
def test_a_hub_that_is_down_says_so(hub, kind):
    hub.repo(REPO, files())
    hub.fail("GET", "/api/models", kind)
    refused("the Hub (answers 503|cannot be reached).*not in the cache of this machine either", kind=HubUnreachable)
    assert ganzoo.load(REPO).config["step"] == 7


@pytest.mark.parametrize(("method", "kind"), [("GET", "cut:400"), ("GET", "503"), ("HEAD", "drop")])
def test_a_transfer_that_is_cut_off_leaves_the_cache_usable(hub, method, kind):
    hub.repo(REPO, files())
    hub.fail(method, "/cdn/", kind)
    try:
        ganzoo.load(REPO)
    except HubUnreachable as error:
        assert "org/first" in str(error)
    assert ganzoo.load(REPO).config["step"] == 7


def test_a_newer_commit_that_cannot_be_fetched_whole_does_not_hide_the_older(hub):
    repo = hub.repo(REPO, files(0))
    old = images(ganzoo.load(REPO))
    repo.commit(files(1))
    hub.fail("GET", "/cdn/", "503", times=1000)
    assert torch.equal(old, images(ganzoo.load(REPO)))
    hub.faults.clear()
    assert not torch.equal(old, images(ganzoo.load(REPO)))


# --- bare names, the command line -------------------------------------------------------------------------------


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A checkout that ships the model ``little``."""
    saved(tmp_path / "model_cards" / "little")
    (tmp_path / "model_cards" / "card-only").mkdir()
    monkeypatch.setattr(loading, "BESIDE", tmp_path)
    return tmp_path / "model_cards"


def test_a_shipped_model_is_loaded_by_its_bare_name_without_the_network(hub, cards, capsys):
    assert torch.equal(images(ganzoo.load("little")), images(ModelFolder(cards / "little").load()))
    assert not hub.seen and not capsys.readouterr().err


def test_a_bare_name_that_nothing_ships_is_the_default_organisations(hub, cards, capsys, monkeypatch):
    hub.repo("ganzoo-models/card-only", files())
    assert ganzoo.load("card-only").config["step"] == 7
    assert "card-only is ganzoo-models/card-only of the Hub" in capsys.readouterr().err
    hub.repo("mine/other", files())
    monkeypatch.setenv("GANZOO_ORG", "mine")
    assert ganzoo.load("other").config["step"] == 7
    assert "mine/other" in capsys.readouterr().err
    monkeypatch.setenv("GANZOO_ORG", "../mine")
    refused("is no organisation", "other", UsageError)


def test_a_bare_name_with_a_revision_is_of_the_hub(hub, cards):
    hub.repo("ganzoo-models/little", {}).commit(files(3), "v1")
    assert not torch.equal(images(ganzoo.load("little@v1")), images(ganzoo.load("little")))


def test_a_package_ships_models_by_an_entry_point(hub, tmp_path, monkeypatch):
    package = tmp_path / "site" / "ganzoo_some_models"
    saved(package / "boxed")
    info = tmp_path / "site" / "ganzoo_some_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-some-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganzoo.models]\nsome = ganzoo_some_models\n")
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    code = "import ganzoo; print(ganzoo.load('boxed').config['step'])"
    environment = {"PYTHONPATH": str(tmp_path / "site"), "GANZOO_PLUGINS": "ganzoo-some-models"}
    assert fresh_process(code, **environment) == "7\n"
    assert not hub.seen


@pytest.fixture
def data_package(tmp_path):
    """A folder where the package of ganzoo's own models is installed, with the model ``boxed``."""
    saved(tmp_path / "site" / "ganzoo_models" / "boxed")
    info = tmp_path / "site" / "ganzoo_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODELS_DISTRIBUTION}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganzoo.models]\nown = ganzoo_models\n")
    return tmp_path / "site"


@pytest.mark.parametrize("chosen", ["", "ganzoo-toy"])
def test_where_there_is_no_checkout_the_models_are_those_of_their_package(hub, tmp_path, data_package, chosen):
    code = f"""
from pathlib import Path
from ganzoo.registry import loading
from ganzoo.registry.about import MODELS_DISTRIBUTION
loading.BESIDE = Path({str(tmp_path)!r})
import ganzoo
print(ganzoo.list_models(), ganzoo.load("boxed").config["step"])
"""
    assert fresh_process(code, PYTHONPATH=str(data_package), GANZOO_PLUGINS=chosen) == "['boxed'] 7\n"
    assert not hub.seen


def test_a_checkouts_models_stand_for_those_of_their_package(hub, cards, data_package):
    saved(data_package / "ganzoo_models" / "little")
    code = f"""
from pathlib import Path
from ganzoo.registry import loading
from ganzoo.registry.about import MODELS_DISTRIBUTION
loading.BESIDE = Path({str(cards.parent)!r})
import ganzoo
print(ganzoo.list_models(), ganzoo.load("little").config["step"])
"""
    assert fresh_process(code, PYTHONPATH=str(data_package)) == "['little'] 7\n"


def test_two_packages_with_one_name_are_never_chosen_between(cards, tmp_path, monkeypatch):
    places = [("one", cards), ("two", cards)]
    monkeypatch.setattr(shipped, "model_places", lambda: places)
    refused("the model little comes from one and two", "little")


def test_a_folder_that_is_named_like_a_model_is_pointed_out_before_the_hub_is_asked(hub, tmp_path, monkeypatch):
    saved(tmp_path / "runs" / "first")
    saved(tmp_path / "runs" / "grid" / "one")
    monkeypatch.chdir(tmp_path)
    refused(r"write \./runs/first for the folder, or runs/first@main for the Hub's", "runs/first", UsageError)
    refused(r"for the folder of that name write \./runs/grid/one", "runs/grid/one", UsageError)
    refused(r"write \./runs/first", "runs/first/model.safetensors", UsageError)
    assert not hub.seen
    refused(r"no public model runs/first", "runs/first@main", NotOnHub)
    hub.seen.clear()
    assert (
        run("info", "runs/first").exit_code == 0 and "ganzoo.load('./runs/first')" in run("info", "runs/first").stdout
    )
    assert not hub.seen


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_on_the_command_line_a_folder_comes_first(hub, tmp_path, monkeypatch):
    saved(tmp_path / "org" / "first")
    monkeypatch.chdir(tmp_path)
    assert run("sample", REPO, "-n", 1, "--out", "a.png").exit_code == 0
    assert not hub.seen
    shutil.rmtree("org")
    hub.repo(REPO, files())
    assert run("sample", REPO, "-n", 1, "--out", "b.png").exit_code == 0
    assert hub.seen


@pytest.mark.parametrize(("model", "status"), [("runs/typo", 1), ("typo", 1), ("a/b/c", 2)])
@pytest.mark.parametrize("command", ["sample", "interpolate", "attention"])
def test_on_the_command_line_what_is_not_found_is_no_folder_either(hub, model, status, command):
    result = run(command, model)
    assert result.exit_code == status
    assert result.stderr.rstrip().endswith(f"and there is no folder {model}")


def test_an_error_calls_the_model_as_a_person_does(hub):
    hub.repo(REPO, files(dtype="bfloat16"))
    text = refused("model.safetensors", kind=ModelError)
    assert "hf-cache" not in text and re.match(r"org/first", text)


def test_the_table_of_answers_says_what_to_do(hub):
    """Every situation that the notes on the Hub list for reading."""
    hub.repo(REPO, files())
    hub.fail("GET", "/api/models", "503")
    refused("busy or down; try again later")
    hub.fail("GET", "/api/models", "drop")
    refused("check the network")


# --- what a load costs ------------------------------------------------------------------------------------------


def test_loading_a_folder_imports_torch_and_little_else(tmp_path):
    """So that a model gives its first sample in the time that ``import torch`` takes, and a bit."""
    folder = saved(tmp_path / "model")
    heavy = ("timm", "torchvision", "sklearn", "scipy", "huggingface_hub", "datasets", "sympy", "torch._dynamo", "rich")
    code = (
        f"import sys, ganzoo; ganzoo.load({str(folder)!r}).sample(1, seed=0);"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert fresh_process(code) == "[]\n"
