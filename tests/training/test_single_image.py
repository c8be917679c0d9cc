"""One image in a pass: refused at once where a network cannot learn from it, and trained where it can."""

import pytest
import torch
from click.testing import CliRunner
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.cli import main
from ganzoo.distributed.batch import World, use_world
from ganzoo.errors import UsageError

DATA = TensorDataset(torch.randint(0, 256, (8, 1, 16, 16), dtype=torch.uint8), torch.arange(8) % 2)
REFUSED = r"cannot be trained with one image in a pass: G says 'Expected more than 1 value"


def begin(recipe, out, **settings):
    return ganzoo.train(recipe, DATA, out, steps=1, device="cpu", quiet=True, settings=settings)


@pytest.mark.parametrize("recipe", ["gan+bn", "gan+selfmod"])
def test_a_batch_norm_over_one_number_is_refused_before_the_run(tmp_path, recipe):
    with pytest.raises(UsageError, match=REFUSED) as caught:
        begin(recipe, tmp_path / "run", batch=1)
    assert "--batch 2 or more" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("recipe", ["gan", "dcgan:ch=4", "dcgan:ch=4+bn"])
def test_one_image_is_enough_for_others(tmp_path, recipe):
    assert begin(recipe, tmp_path / "run", batch=1).step == 1


def test_a_fork_is_refused_too(tmp_path):
    begin("gan+bn", tmp_path / "run", batch=2)
    with pytest.raises(UsageError, match=REFUSED):
        ganzoo.train(data=DATA, resume=tmp_path / "run", fork=tmp_path / "fork", settings={"batch": 1}, quiet=True)
    assert not (tmp_path / "fork").exists()


@pytest.mark.parametrize("command", ["train", "plan", "grid"])
def test_commands_refuse_in_one_line(tmp_path, command):
    words = {
        "train": ("train", "gan+bn", "--batch", "1", "--out", str(tmp_path / "out")),
        "plan": ("plan", "gan+bn", "--batch", "1"),
        "grid": ("grid", "gan+{ln,bn}", "--set", "batch=1", "--steps", "1", "--out", str(tmp_path / "out")),
    }[command]
    done = CliRunner().invoke(main, [*words, "--data", "digits", "--resolution", "16"])
    assert done.exit_code == 2 and "one image in a pass" in done.stderr and done.stderr.count("\n") == 1, done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sync", ["on", "off"])
def test_processes_that_have_one_image_each(tmp_path, sync):
    from ganzoo.training.setup import DataRequest, plan_and_data

    with use_world(World(0, 2)):
        if sync == "on":
            assert plan_and_data("gan+bn", DATA, DataRequest(), {"batch": 2, "sync": "on"}, [])
            return
        with pytest.raises(UsageError, match="give --batch 4 or more"):
            plan_and_data("gan+bn", DATA, DataRequest(), {"batch": 2}, [])
