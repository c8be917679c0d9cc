"""Fixtures that several test files share, and a Hub on this machine in place of the real one.

The whole suite runs in as many processes as there are cores (pytest-xdist); files that are named run in this one
unless ``-n`` says otherwise, and so does everything with ``-n 0`` or ``-p no:xdist``.
"""

import os
import shutil
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hub_server import stand_in
from hypothesis import settings

pytest_plugins = ["budget"]

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # before a test imports torch: the workers share the cores
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

settings.register_profile("ganzoo", deadline=None)  # no test is timed: machines are shared
settings.load_profile("ganzoo")

SELECTION = "GANZOO_PLUGINS"
BROWSER = Path(__file__).parents[1] / "plugins" / "ganzoo-edit" / "tests" / "browser.py"
HOME = tempfile.TemporaryDirectory(prefix="ganzoo-hf-")
HUB = stand_in(HOME.name)  # before a test imports the client: nothing reaches the real Hub
os.environ.pop("GANZOO_ORG", None)


@pytest.hookimpl(tryfirst=True)  # before xdist's own, which counts the cores
def pytest_cmdline_main(config):
    """Run the whole suite in parallel. Not in ``addopts``, which ``-p no:xdist`` would not know how to read."""
    whole = config.args_source is config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    if whole and config.pluginmanager.hasplugin("xdist") and config.option.numprocesses is None:
        config.option.numprocesses = "auto"
        if config.option.dist == "no":
            config.option.dist = "worksteal"  # which keeps neighbours, that share fixtures, in one process


SLOW = frozenset((Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines())


@pytest.hookimpl(tryfirst=True)  # before marks are looked at
def pytest_collection_modifyitems(config, items):
    """Mark as slow what ``slow.txt`` names: tests that were measured to take long beside others of their kind.

    What needs a GPU is skipped where there is none. What is exhaustive runs where ``-m`` names it, and never because it
    is not something else.
    """
    for item in items:
        if item.nodeid in SLOW:
            item.add_marker(pytest.mark.slow)
    if on_gpu := [item for item in items if item.get_closest_marker("gpu")]:
        import torch

        if not torch.cuda.is_available():
            for item in on_gpu:
                item.add_marker(pytest.mark.skip(reason="torch finds no CUDA device here"))
    if not _exhaustive(config):
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_ignore_collect(collection_path, config):
    """Leave the thousands of pairs out, and the time to name them, unless ``-m`` asks for them."""
    return True if collection_path.name == "test_every_pair.py" and not _exhaustive(config) else None


def _exhaustive(config):
    return "exhaustive" in config.option.markexpr


def pytest_configure(config):
    """ganzoo without the plugins that happen to be installed; ``--ganzoo`` checks those that are."""
    if not config.getoption("ganzoo", default=None):
        os.environ[SELECTION] = ""


@pytest.fixture
def with_plugins():
    """A function that lets one test use the plugins of some distributions, as far as they are installed."""
    from ganzoo.registry import loading

    with pytest.MonkeyPatch.context() as patch:

        def use(*distributions):
            patch.setenv(SELECTION, ",".join(distributions))
            loading.installed.cache_clear()

        yield use
    loading.installed.cache_clear()


@pytest.fixture(autouse=True)
def same_threads():
    """No test leaves the process at another number of threads, on which the last bits of sums depend."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets beside the repository; skips where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The Hub of the tests, empty, with an empty cache and nobody logged in."""
    from huggingface_hub import constants

    HUB.reset()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf-cache"))
    return HUB


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A tiny run of four steps; copied before anything is done to it."""
    from tiny_runs import tiny

    return tiny(tmp_path_factory.mktemp("runs") / "done").folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished tiny run."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture(scope="session")
def letters(tmp_path_factory):
    """A folder of 60 tiny pictures of three classes."""
    from tiny_runs import Labelled

    from ganzoo.images import to_pil

    folder, data = tmp_path_factory.mktemp("data") / "letters", Labelled(60)
    for index, (picture, label) in enumerate(zip(to_pil(data.images), data.targets, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        picture.save(folder / str(label) / f"{index}.png")
    return folder


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache that is nobody's and empty."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path):
    """A tiny model's folder."""
    from tiny_models import saved

    saved(tmp_path / "first")
    return tmp_path / "first"


@pytest.fixture
def browser(tmp_path):
    """A headless Chromium, which a plugin's tests brought; skips without one."""
    spec = spec_from_file_location("browser", BROWSER)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.CHROMIUM is None:
        pytest.skip("chromium is not installed")
    page = module.Browser(tmp_path / "profile")
    yield page
    page.close()


@pytest.fixture
def scored(model):
    """The same, with three scores of its weights."""
    from tiny_models import score

    from ganzoo.folder.scores import add_scores

    add_scores(model, [score(model), score(model, "precision", 0.5, std=0.01), score(model, "kid", 0.00123)])
    return model


@pytest.fixture(autouse=True)
def only_options_that_are_there(monkeypatch):
    """Whatever a command line of a test is refused with names options that its command, or the one named, has."""
    from suggestions import called, strangers

    from ganzoo import cli

    wrong, words = [], []
    run, fail = cli.Commands.main, cli._fail

    def noting(self, args=None, *rest, **extra):
        words[:] = args or ()
        return run(self, args, *rest, **extra)

    def checking(message, *rest):
        if called(words):
            wrong.extend(strangers(message, called(words)))
        return fail(message, *rest)

    monkeypatch.setattr(cli.Commands, "main", noting)
    monkeypatch.setattr(cli, "_fail", checking)
    yield
    assert wrong == []
