"""Publishing: what goes, what is refused, and what a push that broke off leaves behind."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hub_models import fresh_process, saved, scored
from hub_server import OWNER, READER
from safetensors.torch import load_file, save_file
from tiny_runs import tiny

import ganzoo
from ganzoo.card import write_card
from ganzoo.cli import main
from ganzoo.folder.layout import checkpoints
from ganzoo.folder.model import ModelFolder

REPO = "me/first"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A scored model with its card, and beside it what is never published."""
    folder = scored(saved(tmp_path_factory.mktemp("runs") / "first"))
    write_card(ModelFolder(folder))
    for name in ("training/step-00000007/state.safetensors", "snapshots/step-00000001.safetensors", "log.jsonl",
                 "notes.txt", "pictures/secret.bin", "pictures/scores.png"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def model(original, tmp_path):
    return shutil.copytree(original, tmp_path / "first")


@pytest.fixture
def owner(hub, monkeypatch):
    """A Hub, and the right to write to ``me/``."""
    monkeypatch.setenv("HF_TOKEN", OWNER)
    return hub


def run(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


def refused(*words, status=1):
    """The one line of a refused command."""
    lines = run(*words, status=status).stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("ganzoo: error: ") and lines[0].isprintable()
    return lines[0]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what goes --------------------------------------------------------------------------------------------------


def test_only_published_files_go_in_one_commit(owner, model):
    shown = run("push", model, REPO).stdout
    published = owner.repos[REPO].head()
    assert set(published) == {".gitattributes", "config.json", "model.safetensors", "metrics.json", "README.md",
                              "pictures/scores.png"}  # fmt: skip
    assert len(owner.repos[REPO].messages) == 2 and owner.repos[REPO].messages[1] == "dcgan:ch=4+sn at step 7"
    assert published["model.safetensors"] == (model / "model.safetensors").read_bytes()
    assert "model.safetensors" in shown and "kB" in shown and "weights under mit" in shown
    assert "stays here: log.jsonl, notes.txt, snapshots, training, pictures/secret.bin\n" in shown
    assert f'ganzoo.load("{REPO}")' in shown
    assert f'ganzoo.load("{REPO}")' in published["README.md"].decode()


def test_what_was_pushed_samples_the_same_images_in_a_fresh_process(owner, model):
    run("push", model, REPO, "--private")
    assert owner.repos[REPO].private
    images = ModelFolder(model).load().sample(4, seed=11)
    code = (
        f"import ganzoo, hashlib; x = ganzoo.load({REPO!r}).sample(4, seed=11);"
        "print(hashlib.sha256(x.numpy().tobytes()).hexdigest())"
    )
    assert fresh_process(code).strip() == sha256(images.numpy().tobytes()).hexdigest()


def test_dry_run_writes_and_sends_nothing_and_needs_no_token(hub, model):
    before = contents(model)
    shown = run("push", model, REPO, "--dry-run", "--license", "cc-by-4.0").stdout
    assert "weights under cc-by-4.0" in shown and "nothing was written or sent" in shown
    assert contents(model) == before and not hub.seen


def test_pull_gives_the_folder_back(owner, model, tmp_path, monkeypatch):
    run("push", model, REPO)
    monkeypatch.chdir(tmp_path)
    shutil.move("first", "mine")
    run("pull", REPO)
    assert contents(tmp_path / "first") == {
        name: data for name, data in contents(tmp_path / "mine").items() if name in owner.repos[REPO].head()
    }
    assert not any(path.is_symlink() for path in (tmp_path / "first").rglob("*"))
    assert torch.equal(ganzoo.load("./first").sample(2, seed=0), ganzoo.load("./mine").sample(2, seed=0))
    assert "is there already" in refused("pull", REPO, status=2)
    assert "is a folder already" in refused("pull", "./first", "x", status=2)


def test_pulled_model_can_be_pushed_again(owner, model, tmp_path):
    run("push", model, REPO)
    run("pull", REPO, tmp_path / "copy")
    run("push", tmp_path / "copy", "me/second")
    assert set(owner.repos["me/second"].head()) == set(owner.repos[REPO].head())


def test_pull_takes_a_revision_and_a_shipped_model(owner, model, tmp_path, monkeypatch):
    from ganzoo.registry import loading

    run("push", model, REPO, "--revision", "v2")
    assert "config.json" not in owner.repos[REPO].head()
    run("pull", f"{REPO}@v2", tmp_path / "a")
    run("pull", REPO, tmp_path / "b", "--revision", "v2")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    monkeypatch.setattr(loading, "BESIDE", model.parents[1])
    monkeypatch.setattr(loading, "OWN_MODELS", model.parent.name)
    run("pull", "first", tmp_path / "c")
    assert "training/step-00000007/state.safetensors" not in contents(tmp_path / "c")


def test_a_push_to_a_folder_writes_what_the_hub_would_hold(owner, model, tmp_path):
    run("push", model, f"{tmp_path}/first-digits")
    run("push", model, REPO)
    here, there = contents(tmp_path / "first-digits"), owner.repos[REPO].head()
    card = here.pop("README.md").decode()
    assert 'ganzoo.load("first-digits")' in card
    assert here == {name: data for name, data in there.items() if name not in ("README.md", ".gitattributes")}
    assert "is there already" in refused("push", model, f"{tmp_path}/first-digits", status=2)


def test_licence_of_the_weights_is_recorded_and_that_of_the_data_kept(owner, tmp_path):
    folder = saved(tmp_path / "b", license=None)
    run("push", folder, "me/b", "--unscored", "--license", "cc-by-4.0")
    config = json.loads(owner.repos["me/b"].head()["config.json"])
    assert config["license"] == "cc-by-4.0" and config["dataset"]["licence"] == "unknown"
    assert "license: cc-by-4.0" in owner.repos["me/b"].head()["README.md"].decode()
    assert ModelFolder(folder).config["license"] == "cc-by-4.0"
    run("push", folder, "me/b", "--unscored")


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
@pytest.mark.parametrize("target", [REPO, "./exported"])
@pytest.mark.parametrize("carded", [False, True])
def test_no_licence_is_chosen_for_anybody(owner, tmp_path, monkeypatch, target, words, carded):
    monkeypatch.chdir(tmp_path)
    folder = saved(tmp_path / "first", license=None)
    if carded:
        write_card(ModelFolder(folder))
    before = contents(tmp_path)
    said = refused("push", folder, target, "--unscored", *words, status=2)
    assert "states no licence of its weights" in said and "say --license ID, such as apache-2.0, mit" in said
    assert contents(tmp_path) == before and not owner.seen


def at_a_terminal(typed, *words):
    """What ``ganzoo`` does for somebody who types."""
    from ganzoo.cli import push

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push.sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
        asking = push._asking()
        patch.setattr(push, "_asking", lambda: asking)
        return CliRunner().invoke(main, [str(word) for word in words], input=typed)


def test_somebody_at_a_terminal_is_asked_for_the_licence(owner, tmp_path):
    folder = saved(tmp_path / "first", license=None)
    result = at_a_terminal("nonsense\n\n mit \n", "push", folder, REPO, "--unscored")
    assert result.exit_code == 0, result.output
    assert "Licence of the weights (apache-2.0, mit" in result.stderr
    assert "'nonsense' is no licence that the Hub knows" in result.stderr
    assert json.loads(owner.repos[REPO].head()["config.json"])["license"] == "mit"
    assert "Licence of" not in at_a_terminal("", "push", folder, REPO, "--unscored").output
    assert at_a_terminal("", "push", saved(tmp_path / "other", license=None), REPO, "--unscored").exit_code != 0


def test_a_licence_that_a_person_wrote_into_the_card_is_taken(owner, tmp_path):
    folder = saved(tmp_path / "first", license=None)
    write_card(ModelFolder(folder))
    readme(folder, "library_name:", "license: cc-by-4.0\nlibrary_name:")
    shown = run("push", folder, REPO, "--unscored").stdout
    assert "weights under cc-by-4.0" in shown and ModelFolder(folder).config["license"] == "cc-by-4.0"
    other = saved(tmp_path / "other", license=None)
    write_card(ModelFolder(other))
    readme(other, "library_name:", "license: whatever\nlibrary_name:")
    assert "states no licence" in refused("push", other, REPO, "--unscored", status=2)


def test_pull_request_leaves_the_branch_alone(owner, model):
    owner.repo(REPO)
    shown = run("push", model, REPO, "--create-pr", "--message", "better").stdout
    assert f"{owner.url}/{REPO}/discussions/1" in shown
    assert owner.repos[REPO].messages[-1] == "better" and "config.json" not in owner.repos[REPO].head()
    assert "leave out --revision" in refused("push", model, REPO, "--create-pr", "--revision", "v2", status=2)


def test_published_files_that_are_gone_go_there_too_and_others_stay(owner, model):
    owner.repo(REPO, {"LICENSE": b"l", "pictures/old.png": b"p", "discriminator.safetensors": b"d", "x.bin": b"x"})
    shown = run("push", model, REPO).stdout
    assert "no longer there: discriminator.safetensors, pictures/old.png" in shown
    assert {"LICENSE", "x.bin"} <= set(owner.repos[REPO].head())


# --- pushes that break off --------------------------------------------------------------------------------------


def test_a_push_of_the_same_sends_nothing(owner, model):
    run("push", model, REPO)
    owner.seen.clear()
    assert "nothing to send" in run("push", model, REPO).stdout
    assert not owner.calls("PUT") and not owner.calls("POST", "/commit/") and len(owner.repos[REPO].messages) == 2


@pytest.mark.parametrize("kind", ["503", "drop", "lost"])
def test_a_push_that_broke_off_sends_only_what_is_missing(owner, model, kind):
    owner.fail("POST", "/commit/", kind)
    assert "try again later" in (said := refused("push", model, REPO)) or "check the network" in said
    assert len(owner.calls("PUT")) == 2
    owner.seen.clear()
    run("push", model, REPO)
    assert not owner.calls("PUT")
    assert "model.safetensors" in owner.repos[REPO].head() and len(owner.repos[REPO].messages) == 2


def test_a_transfer_that_breaks_off_is_said_plainly_and_repeated(owner, model):
    owner.fail("PUT", "/upload/", "503", times=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        assert "the Hub answers 503 about me/first" in refused("push", model, REPO)
    owner.faults.clear()
    run("push", model, REPO)
    assert "model.safetensors" in owner.repos[REPO].head()


def test_somebody_elses_change_meanwhile_is_not_lost(owner, model, monkeypatch):
    run("push", model, REPO)
    preupload = owner.http.RequestHandlerClass.preupload

    def meanwhile(handler, name, revision):
        owner.repos[REPO].commit({**owner.repos[REPO].head(), "theirs.txt": b"theirs"}, message="theirs")
        return preupload(handler, name, revision)

    scored(model, 20.0, "kid")
    write_card(ModelFolder(model))
    with monkeypatch.context() as patch:
        patch.setattr(owner.http.RequestHandlerClass, "preupload", meanwhile)
        assert "was changed by somebody else meanwhile" in refused("push", model, REPO)
    run("push", model, REPO)
    assert "theirs.txt" in owner.repos[REPO].head()


# --- folders that change meanwhile ------------------------------------------------------------------------------


def cut(folder):
    os.truncate(folder / "model.safetensors", (folder / "model.safetensors").stat().st_size - 100)


def rewritten(folder):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-2] ^= 1
    (folder / "model.safetensors").write_bytes(data)


def removed(folder):
    (folder / "model.safetensors").unlink()


CHANGES = [cut, rewritten, removed]


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_change_while_they_are_sent_are_published_as_they_were_checked(owner, model, change, monkeypatch):
    """The server takes whatever comes, as a store behind signed addresses does."""
    before, handler = (model / "model.safetensors").read_bytes(), owner.http.RequestHandlerClass

    def upload(self, oid):
        owner.objects[oid] = self.request_seen.body
        return 200, b"", {}

    def batch(self, name):
        change(model)
        monkeypatch.setattr(handler, "batch", plain)
        return plain(self, name)

    plain = handler.batch
    monkeypatch.setattr(handler, "upload", upload)
    monkeypatch.setattr(handler, "batch", batch)
    result = run("push", model, REPO)
    assert owner.repos[REPO].head()["model.safetensors"] == before
    assert "changed while it was sent: what is published is the file as it was before" in result.stderr
    assert not list(model.glob(".new-*"))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("target", [REPO, "./exported"])
def test_weights_that_change_before_they_are_sent_are_not_published(
    owner, model, tmp_path, change, target, monkeypatch
):
    from ganzoo.publish import push

    pack = push.pack

    def meanwhile(*given):
        found = pack(*given)
        change(model)
        return found

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(push, "pack", meanwhile)
    assert re.search(r"changed while it was to be published|cannot write", refused("push", model, target))
    assert not owner.calls("PUT") and not owner.calls("POST", "/commit/")
    assert not list(tmp_path.rglob(".new-*")) and not (tmp_path / "exported").exists()


def test_what_the_hub_holds_is_compared_with_what_was_sent(owner, model, monkeypatch):
    import hub_server

    handler = owner.http.RequestHandlerClass
    plain = handler.verify

    def verify(self):  # it loses a bit of what it took
        oid = self.json()["oid"]
        owner.objects[oid] = hub_server.flip(owner.objects[oid])
        return 200, {}, {}

    monkeypatch.setattr(handler, "verify", verify)
    assert "the Hub holds something else than was sent as model.safetensors" in refused("push", model, REPO)
    monkeypatch.setattr(handler, "verify", plain)
    owner.objects.clear()
    run("push", model, REPO)
    assert owner.repos[REPO].head()["model.safetensors"] == (model / "model.safetensors").read_bytes()


def test_a_push_that_was_killed_leaves_nothing_to_publish(owner, model):
    (model / ".new-1-copy").mkdir()
    (model / ".new-1-copy" / "model.safetensors").write_bytes(b"x")
    assert ".new-" not in run("push", model, REPO).stdout and not list(model.glob(".new-*"))


@pytest.mark.parametrize("change", [cut, rewritten])
def test_a_digest_is_that_of_the_weights_that_were_loaded(model, change):
    """A score, or a picture of a card, is recorded for the weights that it was made from."""
    folder = ModelFolder(model)
    folder.load()
    change(model)
    with pytest.raises(ganzoo.GanzooError, match="was changed while it was being read: wait until"):
        _ = folder.digest
    folder, other = ModelFolder(saved(model.parent / "other", seed=9)), model.parent / "third"
    first = folder.digest
    os.replace(saved(other, seed=3) / "model.safetensors", folder.path / "model.safetensors")
    folder.load()
    assert folder.digest != first


# --- what is refused --------------------------------------------------------------------------------------------


def change(folder, **fields):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **fields}))


def readme(folder, old, new):
    text = (folder / "README.md").read_text()
    assert old in text
    (folder / "README.md").write_text(text.replace(old, new))


def other_weights(folder):
    shutil.copy(saved(folder.parent / "other", seed=9) / "model.safetensors", folder)


def nan_weights(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors[min(tensors)].view(-1)[:1].fill_(float("nan"))
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--unscored",)])
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (other_weights, "are of other weights than its own: measure these, ganzoo eval"),
        (nan_weights, "NaN or infinite"),
        (lambda f: change(f, license=""), "the licence in .* was emptied"),
        (lambda f: readme(f, "license: mit", "license: ''"), "the card of .* is not fit to be published: license"),
        (lambda f: readme(f, "license: mit", "license: [mit"), "the YAML block of README.md cannot be read"),
        (lambda f: readme(f, "---\n", ""), "does not begin with a YAML block"),
        (lambda f: readme(f, "value: 30.0", "value: 3.0"), "the scores in README.md are not those of the weights"),
        (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
    ],
)
def test_a_folder_that_must_not_be_published(owner, model, harm, said, words):
    harm(model)
    assert re.search(said, refused("push", model, REPO, *words))
    assert not owner.seen and REPO not in owner.repos


def test_a_folder_that_is_no_model_is_left_as_it_is(owner, tmp_path):
    assert "there is no folder" in refused("push", tmp_path / "typo", REPO)
    (tmp_path / "other").mkdir()
    assert "has no config.json" in refused("push", tmp_path / "other", REPO)
    assert not list((tmp_path / "other").iterdir()) and not owner.seen


def test_an_unscored_model_needs_the_word(owner, tmp_path):
    folder = saved(tmp_path / "first")
    assert "--unscored" in refused("push", folder, REPO, status=2)
    assert not owner.seen
    run("push", folder, REPO, "--unscored")
    assert "metrics.json" not in owner.repos[REPO].head()


@pytest.mark.parametrize("licence", ["", "no such", "\x1b[31m", "mit and more"])
def test_a_licence_that_is_none(owner, model, licence):
    assert "is no licence that the Hub knows" in refused("push", model, REPO, "--license", licence, status=2)
    assert "nearest: mit" in refused("push", model, REPO, "--license", "MIT", status=2)
    assert not owner.seen


def test_a_card_that_only_the_hub_refuses_makes_no_repository(owner, model, monkeypatch):
    import hub_server

    monkeypatch.setattr(hub_server, "LICENCES", {"other"})
    assert "the Hub refuses the card of" in (said := refused("push", model, REPO))
    assert '"license" must be one of' in said and REPO not in owner.repos


def test_a_big_card_a_link_and_a_pipe_are_not_sent(owner, model):
    os.truncate(model / "README.md", 1 << 30)
    refused("push", model, REPO)
    (model / "README.md").unlink()
    (model / "pictures" / "secret.png").symlink_to("/etc/passwd")
    assert "is not a regular file" in refused("push", model, REPO)
    (model / "pictures" / "secret.png").unlink()
    os.mkfifo(model / "pictures" / "pipe.png")
    assert "is not a regular file" in refused("push", model, REPO)
    assert not owner.calls("PUT") and not owner.calls("POST", "/commit/")


def test_a_folder_that_is_being_trained_is_left_alone(owner, model):
    from ganzoo.files.write import lock

    with lock(model):
        assert "in use by process" in refused("push", model, REPO)


def test_pushing_needs_a_token_that_may_write(hub, model, monkeypatch):
    assert "a push needs a token with the right to write" in refused("push", model, REPO)
    assert not hub.seen
    assert "your token may not do this to me/first" in refused("push", model, REPO, "--token", READER)
    hub.repo(REPO)
    assert "your token may not do this to me/first" in refused("push", model, REPO, "--token", READER)
    assert "does not know the token" in refused("push", model, REPO, "--token", "hf_unknown0123456789")
    assert "your token may not" in refused("push", model, "them/first", "--token", READER)
    run("push", model, REPO, "--token", OWNER)


def test_private_means_private(owner, model):
    owner.repo(REPO)
    assert "is there already, and public" in refused("push", model, REPO, "--private")
    assert not owner.calls("PUT")


def test_the_token_is_in_no_output_and_no_file(hub, model, tmp_path):
    token = "hf_unknownSECRET0123456789"
    said = [run("push", model, REPO, "--token", OWNER).output, run("push", model, REPO, "--token", OWNER).output]
    said += [refused("push", model, REPO, "--token", token), run("--debug", "push", model, REPO, "--token", token,
             status=1).output, refused("pull", REPO, tmp_path / "x", "--token", token)]  # fmt: skip
    said += [run("pull", REPO, tmp_path / "y", "--token", OWNER).output]
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    published = b"".join(hub.repos[REPO].head().values())
    for secret in (token, OWNER):
        assert not any(secret in text for text in said)
        assert secret.encode() not in files + published


# --- with the discriminator -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("trained") / "run", "dcgan:ch=4+sn", steps=4)


def test_the_discriminator_goes_on_wish_only_and_fine_tuning_starts_from_it(owner, trained, tmp_path, capsys):
    run("push", trained.folder, "me/without", "--unscored", "--license", "mit")
    assert "discriminator.safetensors" not in owner.repos["me/without"].head()
    run("push", trained.folder, "me/with", "--license", "mit", "--unscored", "--with-discriminator")
    assert "discriminator.safetensors" in owner.repos["me/with"].head()
    still = {"steps": 1, "settings": {"lr.g": 0, "lr.d": 0}, "quiet": False}
    real = torch.rand(4, 1, 16, 16) * 2 - 1
    tuned = tiny(tmp_path / "with", "dcgan:ch=4+sn", init="me/with", **still)
    assert "starts afresh" not in capsys.readouterr().err
    assert torch.allclose(scores(tuned.gan, real), scores(trained.gan, real), atol=1e-3)
    afresh = tiny(tmp_path / "without", "dcgan:ch=4+sn", init="me/without", **still)
    assert "holds no discriminator: it starts afresh" in capsys.readouterr().err
    assert not torch.allclose(scores(afresh.gan, real), scores(trained.gan, real), atol=1e-3)


def scores(gan, images):
    with torch.no_grad():
        return gan.D(images, torch.zeros(len(images), 0)).scores


def test_a_folder_without_its_training_has_no_discriminator_to_publish(owner, trained, model):
    assert checkpoints(trained.folder)
    shutil.rmtree(model / "training")
    assert "leave out --with-discriminator" in refused("push", model, REPO, "--with-discriminator")


def test_a_discriminator_that_does_not_fit_is_refused(owner, trained, tmp_path):
    run("push", trained.folder, "me/with", "--license", "mit", "--unscored", "--with-discriminator")
    with pytest.raises(ganzoo.GanzooError, match="does not fit this recipe"):
        tiny(tmp_path / "out", "dcgan:ch=8", init="me/with")
    files = owner.repos["me/with"].head()
    owner.repo("me/odd", {**files, "discriminator.safetensors": b"cos\nsystem\n(S'touch /tmp/owned'\ntR."})
    with pytest.raises(ganzoo.GanzooError, match="not a safetensors file"):
        tiny(tmp_path / "out", "dcgan:ch=4+sn", init="me/odd")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ganzoo.GanzooError, match=r"--init me/never does not work: .* there is no folder me/never"):
        tiny(tmp_path / "out", init="me/never")


# --- Xet ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_xet_stays_on_for_the_real_hub(hub, model, tmp_path):
    """With the switch of these tests unset, a push goes by Xet, which this server does not have: one clear line."""
    pytest.importorskip("hf_xet")
    environment = {**os.environ, "HF_HUB_DISABLE_XET": "0", "HF_TOKEN": OWNER, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "ganzoo", "push", str(model), REPO]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert hub.calls("GET", "/xet-write-token/") and not hub.calls("PUT")
    assert done.returncode == 1 and "config.json" not in hub.repos[REPO].head()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ganzoo: error: ")]
    assert "the Hub cannot be reached for me/first" in line and OWNER not in done.stderr


def test_nothing_of_ganzoo_touches_the_switches_of_the_client():
    for path in Path(ganzoo.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert "DISABLE_XET" not in text and 'environ["HF_' not in text, path
