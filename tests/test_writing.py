"""`whole`: a file or a folder is old or new, never something between, whatever ends the process."""

import os
import subprocess
import sys

import pytest

from elman._writing import whole, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def make(folder, **files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)


def contents(folder):
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_block_that_raises_changes_nothing(tmp_path):
    write_whole(tmp_path / "a.txt", "old")
    make(tmp_path / "run", card="old")

    def broken(path):
        with whole(path) as part:
            make(part, card="new")
            raise KeyboardInterrupt

    for name in ("a.txt", "run", "new"):
        with pytest.raises(KeyboardInterrupt):
            broken(tmp_path / name)
    assert names(tmp_path) == ["a.txt", "run"]
    assert (tmp_path / "a.txt").read_text() == "old"
    assert contents(tmp_path / "run") == {"card": "old"}


def test_what_others_put_into_a_folder_stays(tmp_path):
    make(tmp_path / "run", card="old", report="old", notes="mine")
    make(tmp_path / "run" / "inner", more="mine")
    (tmp_path / "run" / "link").symlink_to("nowhere")
    with whole(tmp_path / "run", replaced=("card", "report")) as part:
        make(part, card="new")
    assert contents(tmp_path / "run") == {"card": "new", "notes": "mine", "more": "mine"}
    assert os.readlink(tmp_path / "run" / "link") == "nowhere"
    assert names(tmp_path) == ["run"]


def test_a_link_stays_one(tmp_path):
    make(tmp_path / "run", card="old")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with whole(tmp_path / "link") as part:
        make(part, card="new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "run") == {"card": "new"}


def test_a_file_takes_the_place_of_no_folder(tmp_path):
    make(tmp_path / "empty")
    with pytest.raises(OSError, match="irectory"):
        write_whole(tmp_path / "empty", "text")
    assert (tmp_path / "empty").is_dir()
    assert names(tmp_path) == ["empty"]


def test_a_folder_that_cannot_be_put_in_its_place(tmp_path, monkeypatch):
    make(tmp_path / "run", card="old")
    rename = type(tmp_path).rename

    def fails(self, target):
        if self.name == "run" and self.parent != tmp_path:
            raise PermissionError
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", fails)
    with pytest.raises(PermissionError), whole(tmp_path / "run") as part:
        make(part, card="new")
    assert contents(tmp_path / "run") == {"card": "old"}
    assert names(tmp_path) == ["run"]


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be asked for there")
@pytest.mark.parametrize("at", ["writing", "between"])
def test_a_killed_process_leaves_nothing_for_good(at, tmp_path):
    """`at`: in the block, or when the old folder is away and the new one not yet there."""
    make(tmp_path / "run", card="old")
    killed = f"""
import os, pathlib, signal
from elman._writing import whole

rename = pathlib.Path.rename
def dies(self, target):
    found = rename(self, target)
    if {at!r} == "between":
        os.kill(os.getpid(), signal.SIGKILL)
    return found
pathlib.Path.rename = dies
with whole({str(tmp_path / "run")!r}) as part:
    part.mkdir()
    (part / "card").write_text("new")
    if {at!r} == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode < 0
    assert (tmp_path / "run").exists() == (at == "writing")
    assert len(names(tmp_path)) == (2 if at == "writing" else 1)
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "run"):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["run"]
    assert contents(tmp_path / "run") == {"card": "old"}


def test_what_a_running_process_writes_is_left_alone(tmp_path):
    with whole(tmp_path / "a.txt") as first:
        first.write_text("first")
        write_whole(tmp_path / "a.txt", "second")
        assert first.exists()
    assert (tmp_path / "a.txt").read_text() == "first"
