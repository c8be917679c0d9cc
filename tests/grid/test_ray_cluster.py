"""A grid on a real Ray cluster of two nodes, as the guide has it; where Ray is not installed these are skipped."""

import json
import subprocess
import sys

import pytest

ray = pytest.importorskip("ray", reason="needs the extra [ray]")
WORDS = ["--data", "digits", "--steps", "2", "--batch", "4", "--resolution", "16", "--threads", "1"]


def typed(*words, where):
    """A command line, which has to end well."""
    command = [sys.executable, "-m", "ganzoo", *words]
    told = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stderr


@pytest.fixture
def cluster():
    """The address of a cluster of two nodes with a CPU each, on this machine."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=small)
    try:
        made.add_node(**{name: value for name, value in small.items() if name != "include_dashboard"})
        made.wait_for_nodes()
        yield made.address
    finally:
        made.shutdown()


@pytest.mark.slow
def test_two_nodes_train_what_one_machine_trains(cluster, tmp_path):
    typed("grid", "gan:ch=8+{bce,hinge}", *WORDS, "--out", "g", "--ray", cluster, where=tmp_path)
    rows = json.loads((tmp_path / "g" / "grid.json").read_text())["runs"]
    assert [row["status"] for row in rows] == ["done", "done"]
    typed("train", "gan:ch=8+hinge", *WORDS, "--seed", "0", "--out", "alone", where=tmp_path)
    (found,) = (tmp_path / "g").glob("*hinge*/model.safetensors")
    assert found.read_bytes() == (tmp_path / "alone" / "model.safetensors").read_bytes()
