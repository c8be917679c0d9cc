"""Peers of ``ganzoo bench`` that packages bring: found by name, imported when asked for, refused in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from fake_site import Site

from ganzoo.cli import main
from ganzoo.errors import PluginError, UsageError
from ganzoo.registry.loading import entry_points, selected
from ganzoo.training.peers import Workload, check_peer, listed_peers, prepare_peer

PEER = """
    from ganzoo.cli.kit import Peer, PeerArchitecture, PeerTraining

    with open({marker!r}, "a") as marker:
        marker.write(__name__ + "\\n")

    def prepare(workload):
        assert workload.real.shape == (2, 3, 32, 32) and workload.z_dim == 8
        return PeerTraining(step=lambda: None, critic=lambda: None, draw=lambda n: workload.real[:n])

    def fail(workload):
        raise RuntimeError("it is too old\\nfor this torch")

    PEER = Peer({{"dcgan": PeerArchitecture(prepare), "sngan": PeerArchitecture(fail),
                 "sagan": PeerArchitecture(prepare, conditional=True)}})
"""
TINY = ("--batch", "2", "--rounds", "1", "--z-dim", "8", "--device", "cpu")
COMMAND = "pip install ./plugins/ganzoo-peers"


class PeerSite(Site):
    """A folder of packages that bring peers, which this process has too; nothing else that is installed counts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.patch, self.brought = monkeypatch, list[str]()
        monkeypatch.syspath_prepend(str(self.folder))
        self.choose("")

    def bring(self, distribution: str, *names: str, source: str = "") -> None:
        """Install and choose a package whose peers have the names."""
        module = distribution.replace("-", "_")
        points = "".join(f"{name} = {module}:PEER\n" for name in names)
        self.install(distribution, source or PEER.format(marker=str(self.marker)), f"[ganzoo.peers]\n{points}")
        self.patch.delitem(sys.modules, module, raising=False)
        self.brought.append(distribution)
        self.choose(",".join(self.brought))

    def choose(self, distributions: str) -> None:
        """Let ``GANZOO_PLUGINS`` keep the packages."""
        self.patch.setenv("GANZOO_PLUGINS", distributions)
        entry_points.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PeerSite]:
    made = PeerSite(tmp_path, monkeypatch)
    yield made
    for distribution in made.brought:
        sys.modules.pop(distribution.replace("-", "_"), None)
    entry_points.cache_clear()


def workload() -> Workload:
    return Workload(torch.zeros(2, 3, 32, 32), torch.zeros(2, dtype=torch.long), 0, 8)


def test_a_package_brings_a_peer(site: PeerSite) -> None:
    site.bring("one-lib", "theirs")
    words = ["bench", "dcgan:ch=8", "--against", "theirs", *TINY, "--json"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert set(report["peers"]) == {"theirs"} and report["peers"]["theirs"]["step_ms_all"]
    assert site.imported() == ["one_lib"]


def test_the_help_lists_peers_without_importing_them(site: PeerSite) -> None:
    site.bring("one-lib", "theirs", "others")
    done = site.run("bench", "--help", GANZOO_PLUGINS="one-lib")
    _, _, peers = done.stdout.partition("Peers:\n")
    expected = [[name, "from", "one-lib", "1.0"] for name in ("others", "theirs")]
    assert [line.split() for line in peers.splitlines()] == expected and not site.imported()


def test_the_help_needs_no_torch(site: PeerSite) -> None:
    source = "import sys; from ganzoo.cli.bench import bench; bench(['--help'], standalone_mode=False)"
    done = site.python("-c", f"{source}; sys.exit('torch' in sys.modules)")
    assert done.returncode == 0 and "Peers:" in done.stdout


def test_without_any_the_help_and_the_refusal_say_what_to_install(site: PeerSite) -> None:
    text = CliRunner().invoke(main, ["bench", "--help"]).stdout
    assert f"  None is installed; ganzoo-peers brings some:\n  {COMMAND}" in text
    site.bring("one-lib", "theirs")
    for given in ("pytorch-example", "pytorch-exmaple"):
        with pytest.raises(UsageError) as refused:
            check_peer(given, "dcgan")
        said = str(refused.value)
        assert repr(given) in said and ("nearest: pytorch-example" in said) == (given != "pytorch-example")
        # Where ganzoo-peers is installed beside these tests, it is GANZOO_PLUGINS that hides it.
        assert f"ganzoo-peers provides pytorch-example: {COMMAND}" in said or "GANZOO_PLUGINS leaves it out" in said


def test_an_unknown_peer_gets_the_nearest_of_those_that_are_there(site: PeerSite) -> None:
    site.bring("one-lib", "theirs", "others")
    with pytest.raises(UsageError, match="no peer called 'thers' is installed; nearest: theirs, others") as refused:
        check_peer("thers", "dcgan")
    assert "provides" not in str(refused.value) and not site.imported()


def test_one_that_ganzoo_plugins_leaves_out(site: PeerSite) -> None:
    site.bring("one-lib", "theirs")
    site.choose("")
    with pytest.raises(UsageError, match="one-lib provides theirs, and GANZOO_PLUGINS leaves it out"):
        check_peer("theirs", "dcgan")
    assert not listed_peers() and not site.imported()


def test_a_package_of_peers_alone_is_known_to_ganzoo_plugins(site: PeerSite) -> None:
    site.bring("one-lib", "theirs")
    site.choose("one-lib,nobody")
    assert selected("ganzoo")[2] == ["nobody"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import nowhere_at_all",
            "cannot be imported: No module named 'nowhere_at_all', and two-lib does not say which package brings it",
        ),
        ("import sys; sys.exit(3)", "cannot be imported: SystemExit: 3"),
        ("PEER = 7", "is no ganzoo.cli.kit.Peer: two_lib:PEER is 7"),
    ],
)
def test_a_broken_peer_is_named_and_keeps_no_other_from_being_used(
    site: PeerSite, caplog: pytest.LogCaptureFixture, source: str, words: str
) -> None:
    site.bring("one-lib", "theirs")
    site.bring("two-lib", "broken", source=source)
    with pytest.raises(PluginError) as broken:
        check_peer("broken", "dcgan")
    said = str(broken.value)
    assert "'broken' of two-lib 1.0" in said and words in said and "\n" not in said
    check_peer("theirs", "dcgan")
    assert prepare_peer("theirs", "dcgan", workload()).draw(1).shape == (1, 3, 32, 32)
    with pytest.raises(UsageError, match="theirs has no gan: it has dcgan, sngan and sagan; peers with gan: nothing"):
        check_peer("theirs", "gan")  # who has it, is asked of all of them
    assert words in caplog.text


def test_a_peer_that_cannot_make_its_networks_is_one_line(site: PeerSite) -> None:
    site.bring("one-lib", "theirs")
    said = "'theirs' of one-lib 1.0 cannot make its sngan: RuntimeError: it is too old for this torch$"
    with pytest.raises(PluginError, match=said):
        prepare_peer("theirs", "sngan", workload())


def test_a_peer_that_needs_classes_says_so(site: PeerSite) -> None:
    site.bring("one-lib", "theirs")
    said = "sagan of theirs draws classes, and there are none: they need labelled data, or ganzoo bench --classes 10"
    with pytest.raises(UsageError, match=said):
        check_peer("theirs", "sagan")
    check_peer("theirs", "sagan", classes=10)


def test_two_packages_with_one_peer_are_both_named(site: PeerSite) -> None:
    for distribution in ("one-lib", "two-lib"):
        site.bring(distribution, "theirs")
    with pytest.raises(PluginError, match="the peer 'theirs' comes from one-lib and two-lib"):
        check_peer("theirs", "dcgan")


def test_the_core_brings_no_peer() -> None:
    assert "ganzoo.peers" not in (Path(__file__).parents[2] / "pyproject.toml").read_text()
