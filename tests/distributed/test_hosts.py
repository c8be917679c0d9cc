"""Several machines at one training: network namespaces that are hosts of their own, and what each part does alone."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from two_hosts import TwoHosts, two_hosts

import ganzoo
from ganzoo.distributed import group, hosts
from ganzoo.distributed.batch import Lost
from ganzoo.distributed.launch import Launch, launched, said_elsewhere
from ganzoo.errors import GanzooError, RunError, UsageError
from ganzoo.folder.layout import checkpoints
from ganzoo.folder.log import read_log
from ganzoo.machine.precision import choose_precision
from ganzoo.training import alike
from ganzoo.training.config import TrainConfig
from ganzoo.training.session import Session

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "processes-and-machines.md"
SMALL = "--device cpu --batch 8 --resolution 16 --log-every 1 --save-every 2 --set precision=fp32"
WORDS = f"gan:ch=16 --data digits {SMALL} --steps 4"
ENDLESS = f"gan:ch=16 --data digits {SMALL} --steps 100000"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[TwoHosts]:
    """Two hosts with a cable between them."""
    with two_hosts(tmp_path) as made:
        yield made


# --- two hosts ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_example_of_the_guide_runs_where_names_are_loopback_addresses(pair, tmp_path):
    found = re.search(r"^torchrun --nnodes 2 (?:.*\\\n)*.*", GUIDE.read_text(), re.MULTILINE)
    assert found is not None
    line = found[0].replace("\\\n", " ").replace("10.0.0.1", pair.addresses[0])
    small = {"--nproc-per-node 4": "--nproc-per-node 1", " sngan ": " gan:ch=16 ", " cifar10 ": " digits "}
    for given, instead in small.items():
        assert given in line
        line = line.replace(given, instead)
    line = re.sub(r"--batch \d+", SMALL, line) + " --steps 4 --set optimizer=sgd"
    pair.start_line(0, line)
    pair.start_line(1, line.replace("--node-rank 0", "--node-rank 1"))
    pair.wait(pair.ended)
    out = tmp_path / line.split("--out ")[1].split()[0]
    assert [process.returncode for process in pair.started.values()] == [0, 0], pair.printed(0) + pair.printed(1)
    one = {"batch": 8, "resolution": 16, "settings": {"optimizer": "sgd", "precision": "fp32"}}
    alone = ganzoo.train("gan:ch=16", "digits", tmp_path / "one", 4, device="cpu", quiet=True, log_every=1, **one)
    for mine, its in zip(read_log(out), alone.log, strict=True):
        assert mine["losses"] == pytest.approx(its["losses"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            f"{WORDS} --seed 3",
            "--seed 3, and the first .* nothing of that kind: .* type there: ganzoo train gan:ch=16 ",
        ),
        (
            WORDS.replace("ch=16", "ch=8"),
            "gan:ch=8, and the first .* gan:ch=16: .* type there: ganzoo train gan:ch=16 ",
        ),
        (f"{WORDS} --data named", "copy that data here, or say by --data where the same images are"),
        (WORDS.replace("cpu", "nothing"), "no device 'nothing' here"),
    ],
    ids=["seed", "recipe", "data", "device"],
)
def test_another_command_on_the_second_host_is_refused_on_both(pair, tmp_path, words, said):
    write_pictures(tmp_path / "named")
    pair.torchrun(0, f"{WORDS} --out run")
    pair.torchrun(1, f"{words.replace('--data named', f'--data {tmp_path}/named')} --out run")
    pair.wait(pair.ended)
    for node in (0, 1):
        assert re.search(said, pair.error(node)), pair.printed(node)
    assert pair.names[1] in pair.error(0) and not checkpoints(tmp_path / "run")


@pytest.mark.slow
def test_hosts_that_do_not_reach_each_other_name_the_variable_and_both_end(pair):
    for node in (0, 1):
        pair.torchrun(node, WORDS, {} if node else {hosts.INTERFACE: "lo"})
    pair.wait(pair.ended)
    for node in (0, 1):
        assert f"set {hosts.INTERFACE} to the interface" in pair.error(node), pair.printed(node)
        assert f"such as {hosts.INTERFACE}={pair.names[node]}" in pair.error(node)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["first-dies", "second-dies", "cut"])
def test_a_host_that_is_gone_ends_the_other_with_the_truth(pair, tmp_path, how):
    for node, out in enumerate(("run", "nothing")):
        pair.torchrun(node, f"{ENDLESS} --out {out}", {hosts.LINK_TIMEOUT: "10"})
    pair.wait(lambda: max(checkpoints(tmp_path / "run"), default=0) >= 2)
    left = {"first-dies": [1], "second-dies": [0], "cut": [0, 1]}[how]
    if how == "cut":
        pair.cut()
    else:
        pair.kill(1 - left[0])
    assert pair.wait(lambda: all(pair.error(node) for node in left)) < 40
    saved = max(checkpoints(tmp_path / "run"))
    if 0 in left:
        assert f"step {saved:,} is saved: go on with ganzoo train --resume run" in pair.error(0)
    if 1 in left:
        assert f"what is saved is in run on {pair.names[0]}: start every" in pair.error(1)
        assert " is saved: go on" not in pair.error(1)
        assert "frame #" not in pair.printed(1)  # torch's own words about a store that is gone


def write_pictures(folder: Path) -> None:
    """A few pictures, which are not the digits."""
    from PIL import Image

    folder.mkdir()
    for number in range(10):
        Image.new("L", (16, 16), 20 * number).save(folder / f"{number}.png")


# --- where gloo listens -------------------------------------------------------------------------------------

HAVE = {"lo": "127.0.0.1", "eth0": "10.0.0.2", "docker0": "172.17.0.1"}


@pytest.fixture
def machine(monkeypatch):
    """A machine with some interfaces, whose name leads to ``own`` and whose way to 10.0.0.1 begins at ``way``."""

    def make(own="127.0.1.1", way="10.0.0.2", have=HAVE):
        monkeypatch.setattr(hosts, "interfaces", lambda: dict(have))
        monkeypatch.setattr(hosts, "own_address", lambda: own)
        monkeypatch.setattr(hosts, "source_address", lambda towards: way if towards[0] == "10.0.0.1" else None)

    return make


FIRST = {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}


def test_the_interface_is_the_one_that_leads_to_the_first_machine(machine):
    machine()
    assert hosts.choose_interface(FIRST) == {hosts.INTERFACE: "eth0"}
    assert hosts.choose_interface({**FIRST, hosts.INTERFACE: "lo"}) == {}
    machine(own="10.0.0.2")
    assert hosts.choose_interface(FIRST) == {}  # gloo finds it by itself
    machine(way="127.0.0.1", have={"lo": "127.0.0.1", "eth7": "10.0.0.2"})  # the first machine, on the way to itself
    assert hosts.choose_interface(FIRST) == {hosts.INTERFACE: "eth7"}
    machine(way="127.0.0.1", have={"lo": "127.0.0.1"})
    assert hosts.choose_interface(FIRST) == {}


@pytest.mark.parametrize("environment", [FIRST, {**FIRST, hosts.INTERFACE: "eth7"}], ids=["none", "unknown"])
def test_where_no_interface_can_be_chosen_the_variable_and_what_it_takes_are_named(machine, environment):
    machine(way=None)
    with pytest.raises(
        UsageError, match=r"GLOO_SOCKET_IFNAME.* it has lo \(127.0.0.1\), eth0 \(10.0.0.2\) and docker0"
    ):
        hosts.choose_interface(environment)


def test_this_machine_knows_its_interfaces():
    assert "127.0.0.1" in hosts.interfaces().values()
    assert hosts.source_address(("127.0.0.1", 9)) == "127.0.0.1" and hosts.own_address()


class Memory(dict):
    """A store of one process."""

    def set(self, key, value):
        self[key] = value.encode()

    def check(self, keys):
        return all(key in self for key in keys)

    def get(self, key):
        return self[key]

    def add(self, key, number):
        self[key] = self[key] + number if key in self else number
        return self[key]

    def compare_set(self, key, expected, value):
        self.setdefault(key, value.encode())


def raised(store, launch, error, up=True):
    """What a process raises that leaves a run by an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hosts, "is_connected", lambda port: up)
        with pytest.raises(type(error)) as caught, group._said_once(store, launch):
            raise error
    return str(caught.value), caught.value.said_elsewhere


def test_the_error_that_ended_a_run_is_said_once_on_each_machine():
    store, gone = Memory(), Lost("another process is gone")
    assert raised(store, Launch(2, 4, 0, 0, 2), UsageError("no such data")) == ("no such data", False)
    assert raised(store, Launch(3, 4, 1, 0, 2), UsageError("no such data")) == ("no such data", True)
    ended = f"another process is gone; {socket.gethostname()} says: no such data: start all of them again by the same"
    assert raised(store, Launch(0, 4, 0, 0, 2), gone) == (f"{ended} command", False)
    assert raised(store, Launch(1, 4, 1, 0, 2), gone) == (f"{ended} command", True)


def test_who_cannot_hear_what_ended_another_process_says_where_to_look():
    asked = "another process is gone; see what its machine says: start all of them again by the same command"
    for up in (True, False):
        assert raised(Memory(), Launch(0, 4, 0, 0, 2), Lost("another process is gone"), up) == (asked, False)
    at_work = Lost("step 4: gone; step 2 is saved")
    at_work.__cause__ = Lost("gone")
    assert raised(Memory(), Launch(0, 4, 0, 0, 2), at_work) == ("step 4: gone; step 2 is saved", False)


TWO = Launch(0, 2, 0, 0, 1)


def met(monkeypatch, **other):
    """What the first machine finds of another one."""
    monkeypatch.setattr(hosts, "choose_interface", lambda environment: {})
    monkeypatch.setattr(hosts, "gloo_address", lambda environment: "127.0.0.1")
    store = Memory()
    store.set("place-1", json.dumps({"name": "b", "host": 1, "address": "127.0.0.2", "port": 0, **other}))
    store.set("reach-1", "[]")
    return hosts.meet(TWO, store)


def test_machines_that_reach_each_other_meet(monkeypatch):
    with closing(socket.create_server(("127.0.0.2", 0))) as server:
        assert met(monkeypatch, port=server.getsockname()[1]) == {0: socket.gethostname(), 1: "b"}


def test_a_machine_whose_address_is_not_known_is_left_to_gloo(monkeypatch):
    assert met(monkeypatch, address="", port=0)[1] == "b"


@pytest.mark.parametrize("other", [{"port": 9}, {"address": "127.0.0.1"}], ids=["closed", "one-address-twice"])
def test_machines_that_do_not_reach_each_other_say_so(monkeypatch, other):
    with pytest.raises(RunError, match=r"does not reach b at 127.0.0.*on every machine set GLOO_SOCKET_IFNAME"):
        met(monkeypatch, **other)


def test_who_waits_hears_what_ended_another_process_or_that_it_does_not_come(monkeypatch):
    store = Memory()
    monkeypatch.setattr(hosts, "ARRIVE", 0.0)
    with pytest.raises(RunError, match="process 1 of this run did not come within 0 seconds"):
        hosts.await_keys(store, ["place-1"])
    store.set(hosts.FAILED, json.dumps(["b", "there is no folder x"]))
    with pytest.raises(RunError, match="b says: there is no folder x"):
        hosts.await_keys(store, ["place-1"])


# --- a link that is cut -------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [None, 0.5])
def test_a_connection_is_dropped_after_so_many_seconds_of_silence(timeout):
    before = hosts.open_sockets()
    server = socket.create_server(("127.0.0.1", 0))
    with closing(server), closing(socket.create_connection(server.getsockname())) as connection:
        socket.setdefaulttimeout(timeout)
        try:
            hosts.drop_when_silent(hosts.open_sockets() - before, 8)
        finally:
            socket.setdefaulttimeout(None)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 2
        assert os.get_blocking(connection.fileno())


def test_a_connection_that_is_down_is_known_without_using_it():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    assert not hosts.is_connected(port)
    with closing(socket.create_connection(("127.0.0.1", port))):
        other, _ = server.accept()
        assert hosts.is_connected(port)
        other.close()
        assert not hosts.is_connected(port)
    server.close()


@pytest.mark.parametrize("text", ["soon", "-3", "1", "1e9", "99999999"])
def test_a_number_of_seconds_that_does_not_work(monkeypatch, text):
    assert hosts.link_seconds() == 60
    monkeypatch.setenv(hosts.LINK_TIMEOUT, text)
    with pytest.raises(UsageError, match=f"GANZOO_LINK_TIMEOUT={text} does not work: .* seconds from 5 to"):
        hosts.link_seconds()


@pytest.mark.parametrize(("rank", "said"), [(0, "step 0 is saved: go on"), (2, "what is saved is in run on a: start")])
def test_a_process_speaks_of_the_folder_only_beside_the_first(monkeypatch, rank, said):
    for name, number in {"RANK": rank, "WORLD_SIZE": 4, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(number))
    session = SimpleNamespace(folder=Path("run"), job=SimpleNamespace(run_json={"host": "a"}))
    assert launched().several_hosts and said in Session.what_is_left(session)
    assert not said_elsewhere(GanzooError("x")) and said_elsewhere() == (rank > 0)  # each machine has a terminal


# --- what each process was asked for ------------------------------------------------------------------------

ASKED = TrainConfig("gan", "digits", steps=4, settings={"lr.d": 1e-4}, device="cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 3}, "with --seed 3, and the first .* nothing of that kind: .* ganzoo train gan .*--data digits$"),
        ({"recipe": "gan+hinge"}, r"with gan\+hinge, and the first .* with gan: "),
        ({"settings": {"lr.d": "2e-4"}}, "with --set lr.d=0.0002, and the first .* --set lr.d=0.0001: "),
        ({"steps": 5}, "with --steps 5, and the first .* --steps 4: "),
        ({"metrics": ["fid", "kid"], "eval_every": 2}, "--eval-every 2 --metrics fid,kid, and the first"),
        ({"resolution": (16, 32)}, "with --resolution 16x32, and the first"),
        ({"resume": "my runs/x"}, "with --resume 'my runs/x', and the first"),
        ({"skip_bad": True}, "with --skip-bad, and the first"),
    ],
)
def test_what_another_process_was_asked_for_is_refused(monkeypatch, change, said):
    other = replace(ASKED, **change)
    told = []
    for config in (ASKED, other):
        monkeypatch.setattr(alike, "gather_objects", lambda mine: told.append(mine) or [mine])
        alike.refuse_unlike(config)
    monkeypatch.setattr(alike, "gather_objects", lambda mine: json.loads(json.dumps(told)))
    with pytest.raises(UsageError, match=said):
        alike.refuse_unlike(ASKED)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"lr.d": "0.0001"}},
        {"out": "x"},
        {"data": "/here"},
        {"quiet": True},
        {"workers": 3},
        {"log": ["wandb"]},
    ],
)
def test_what_a_machine_may_have_of_its_own_is_not_refused(monkeypatch, change):
    told = []
    monkeypatch.setattr(alike, "gather_objects", lambda mine: told.append(mine) or told)
    alike.refuse_unlike(ASKED)
    alike.refuse_unlike(replace(ASKED, **change))
    assert len(told) == 2


@pytest.mark.parametrize(("name", "value"), [("version", "9.9"), ("device", "cuda")])
def test_another_version_or_device_is_refused(monkeypatch, name, value):
    monkeypatch.setattr(alike, "gather_objects", lambda mine: [mine, {**mine, name: value}])
    with pytest.raises(UsageError, match=value):
        alike.refuse_unlike(ASKED)


def test_other_arithmetic_is_refused():
    precision = choose_precision("fp32", torch.device("cpu"))
    alike.refuse_other_precision({"precision": "fp32", "host": "a"}, precision)
    with pytest.raises(RunError, match="in fp32, and a in bf16: give all processes --set precision=fp32"):
        alike.refuse_other_precision({"precision": "bf16", "host": "a"}, precision)
