"""The command line's own promises: quick help, exit codes, one line for bad input."""

import subprocess
import sys

import pytest

import elman
import elman.cli.files
import elman.cli.programs
import elman.cli.tasks  # commands add themselves to the app, which a test replaces
from elman import cli


def run(*arguments):
    command = [sys.executable, "-m", "elman", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_version():
    assert run("--version").stdout == f"elman {elman.__version__}\n"


def test_help_loads_no_framework():
    code = (
        "import sys\nfrom elman.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'keras', 'jax', 'torch', 'tensorflow'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_letters_that_the_output_lacks_are_written_as_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert run("--help").returncode == 0
    (tmp_path / "a.py").write_text("print('한')", "utf-8")
    assert run("run", "--quiet", tmp_path / "a.py").stdout == "\\ud55c\n"


def test_unknown_command_is_bad_usage():
    done = run("trian")
    assert done.returncode == 2
    assert "trian" in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("units must be positive,\n  got 0"), 2, "elman: units must be positive, got 0"),
        (FileNotFoundError("no file x.h5"), 2, "elman: no file x.h5"),
        (
            FileNotFoundError(2, "No such file", "none such/.a.h5.7"),
            2,
            "elman: there is no folder none such; make it, or name another",
        ),
        (
            OSError(28, "No space left", "a.h5"),
            2,
            "elman: there is no space left on the disk for a.h5; free some, and do it again",
        ),
        (
            ZeroDivisionError("by zero"),
            1,
            "elman: ZeroDivisionError: by zero (--debug shows where)",
        ),
    ],
)
def test_errors_are_one_line(error, code, line, monkeypatch, capsys):
    def fail(arguments):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main([])
    assert left.value.code == code
    assert capsys.readouterr().err == line + "\n"
