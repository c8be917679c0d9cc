"""Files: replaced whole or not at all; one process at a time."""

import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from ganzoo.errors import RunError
from ganzoo.files.write import atomic, atomic_folder, check_writable, lock, remove_torn, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_replaced_when_the_block_ends(tmp_path):
    path = tmp_path / "grid.png"
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path and temporary.suffix == ".png"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["grid.png"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyError), atomic(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_full_disk_is_one_line_and_the_old_file_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RunError, match=r"cannot write .*file: No space left on device; make room"), atomic(path):
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"


def test_missing_folder_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        write_text(tmp_path / "missing" / "file", "text")


def test_folder_appears_whole(tmp_path):
    with atomic_folder(tmp_path / "step") as temporary:
        (temporary / "state").write_text("1")
        assert not (tmp_path / "step").exists()
    assert names(tmp_path / "step") == ["state"]
    with pytest.raises(KeyError), atomic_folder(tmp_path / "next"):
        raise KeyError
    assert names(tmp_path) == ["step"]


def test_what_a_killed_process_began_is_removed(tmp_path):
    (tmp_path / "deep" / ".new-1-step").mkdir(parents=True)
    (tmp_path / "deep" / ".new-1-step" / ".new-1-state").write_text("half")
    (tmp_path / "deep" / ".new-2-frame.png").write_text("half")
    (tmp_path / "deep" / "frame.png").write_text("whole")
    remove_torn(tmp_path)
    assert names(tmp_path / "deep") == ["frame.png"]


def test_json_is_stable_and_refuses_nan(tmp_path):
    value = {"b": [1, 2.5], "a": "é"}
    write_json(tmp_path / "a.json", value)
    write_json(tmp_path / "b.json", value)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == value
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == value


def test_new_files_can_be_read_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_check_writable_makes_nothing_and_names_what_is_in_the_way(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert names(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file is a file"):
        check_writable(tmp_path / "file" / "run")


def test_lock_refuses_a_second_process_by_id_and_host(tmp_path):
    held = f"with lock({str(tmp_path)!r}):\n    print('held', flush=True)\n    input()"
    code = f"from ganzoo.files.write import lock\n{held}"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"in use by process {process.pid} on {socket.gethostname()}"):
            lock(tmp_path).__enter__()
    finally:
        process.kill()  # as a crash: the lock goes with the process, whatever the file says
        process.communicate()
    with lock(tmp_path):
        assert names(tmp_path) == [".lock"]
    assert names(tmp_path) == []


def test_lock_is_let_go_after_an_error_and_can_be_taken_again(tmp_path):
    with pytest.raises(KeyError), lock(tmp_path):
        raise KeyError
    with lock(tmp_path), pytest.raises(RunError, match="in use by process"), lock(tmp_path):
        pass


def test_lock_is_no_link(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="cannot write"), lock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()
