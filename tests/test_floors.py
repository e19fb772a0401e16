"""Imports point strictly downwards; the contracts that say so are in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def lint(folder, module=None, line=""):
    """Check the contracts on a copy of the package in which `module` also has `line`.

    The copy has another name, so that it is found and not the installed package.
    """
    for path in [ROOT / "pyproject.toml", *(ROOT / "src" / "elman").rglob("*.py")]:
        copy = folder / str(path.relative_to(ROOT)).replace("src/elman", "copied")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8").replace("elman", "copied"), "utf-8")
    if module:
        with (folder / "copied" / module).open("a") as file:
            file.write(f"\n{line}\n")
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_package_keeps_the_floors(tmp_path):
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("reference/__init__.py", "import copied.layers"),
        ("engine/__init__.py", "from copied.layers import loop"),
        ("legacy/__init__.py", "import copied.engine"),
        ("legacy/__init__.py", "import keras"),
        ("reference/lstm.py", "def f():\n    from jax import numpy"),
        ("attic.py", "x = 1"),
    ],
)
def test_an_import_that_points_up_is_caught(module, line, tmp_path):
    done = lint(tmp_path, module, line)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout
