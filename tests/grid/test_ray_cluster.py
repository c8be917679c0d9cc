"""A grid on a real Ray cluster of two nodes, as the guide has it; where Ray is not installed these are skipped."""

import json
import os
import subprocess
import sys

import pytest

import ganzoo

ray = pytest.importorskip("ray", reason="needs the extra [ray]")
WORDS = ["--data", "digits", "--steps", "2", "--batch", "4", "--resolution", "16", "--threads", "1"]


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
    words = [sys.executable, "-m", "ganzoo", "grid", "gan:ch=8+{bce,hinge}", *WORDS, "--out", "g", "--ray", cluster]
    told = subprocess.run(words, cwd=tmp_path, env=os.environ.copy(), capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, told.stderr
    rows = json.loads((tmp_path / "g" / "grid.json").read_text())["runs"]
    assert [row["status"] for row in rows] == ["done", "done"]
    ganzoo.train("gan:ch=8+hinge", "digits", tmp_path / "alone", 2, batch=4, resolution=16, quiet=True)
    found = next((tmp_path / "g").glob("*hinge*/config.json")).parent
    assert json.loads((found / "config.json").read_text())["step"] == 2
    mine, its = (
        json.loads((folder / "log.jsonl").read_text().splitlines()[-1]) for folder in (tmp_path / "alone", found)
    )
    assert mine["losses"] == pytest.approx(its["losses"], rel=1e-3)
