"""The code in both READMEs is run, and prints what they say it prints."""

import ast
import contextlib
import io
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.ko.md"]


def blocks(readme):
    """Language and text of the fenced blocks; newlines before the text keep its line numbers."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], "\n" * text.count("\n", 0, found.start(2)) + found[2]


def lines(text):
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("readme", READMES)
def test_python_blocks_print_what_they_say(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.clear_session()  # so that the first model is called "sequential"
    namespace, printed = {}, ""
    for language, text in blocks(readme):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, readme, "exec"), namespace)
            printed = out.getvalue()
        elif language == "text":
            assert lines(printed) == lines(text)
        else:
            assert language == "sh", f"a block of {readme} has no language that is tested"


@pytest.mark.parametrize("readme", READMES)
def test_commands_exist(readme):
    """`make demo` and `make test` are targets, and what is installed is an extra of the package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"]
    commands = [c for language, text in blocks(readme) if language == "sh" for c in lines(text)]
    for command in commands:
        words = command.partition("#")[0].split()
        if words[0] == "make":
            assert shutil.which("make"), "make must be installed to test the commands of the README"
            subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, text=True)
        else:
            named = re.fullmatch(r"pip install '?\.\[(\w+)\]'?", " ".join(words))
            assert named, f"{readme} has a command that is not tested: {command}"
            assert named[1] in extras
    assert {"make demo", "make test"} <= {c.partition("#")[0].strip() for c in commands}


def test_both_readmes_have_the_same_code():
    english, korean = (
        [ast.dump(ast.parse(text)) for language, text in blocks(readme) if language == "python"]
        for readme in READMES
    )
    assert english == korean
