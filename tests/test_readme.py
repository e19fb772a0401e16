"""The code in both READMEs is run, and prints what they say it prints."""

import ast
import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from elman.cli import main

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


def commands(readme):
    """The lines of the README's blocks of commands, as words."""
    shell = [line for language, text in blocks(readme) if language == "sh" for line in lines(text)]
    return [shlex.split(line, comments=True) for line in shell]


def elman(arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as left:
        main(arguments)
    assert not left.value.code, arguments
    return out.getvalue()


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that the commands name, in the working directory."""
    monkeypatch.chdir(tmp_path)
    rows = ["text\tlabel"] + ["a lovely film\tgood", "a dull film\tbad"] * 20
    Path("reviews.tsv").write_text("\n".join(rows))
    Path("old_script.py").write_text(
        "from keras.models import Sequential\n"
        "from keras.layers.recurrent import LSTM\n"
        "model = Sequential()\n"
        "model.add(LSTM(output_dim=3, input_shape=(5, 2)))\n"
        "print(model.output_shape)\n"
    )
    layer = {"name": "lstm_1", "units": 3, "batch_input_shape": [None, 5, 2]}
    config = {"class_name": "Sequential", "config": [{"class_name": "LSTM", "config": layer}]}
    with h5py.File("old_model.h5", "w") as file:  # as Keras 2.1 wrote it
        file.attrs["keras_version"] = b"2.1.6"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"lstm_1"]
        group = weights.create_group("lstm_1")
        shapes = {"kernel": (2, 12), "recurrent_kernel": (3, 12), "bias": (12,)}
        group.attrs["weight_names"] = [f"lstm_1/{name}:0".encode() for name in shapes]
        for name, shape in shapes.items():
            group[f"lstm_1/{name}:0"] = np.full(shape, 0.1, "float32")


def test_commands_do_what_they_say(files):
    """The English README's; the other one has the same."""
    printed = {}
    for words in commands("README.md"):
        if words[0] == "elman":
            printed[words[1]] = elman(words[1:])
    assert printed["predict"].strip() == "good"
    assert printed["run"].startswith("(None, 3)")
    assert "from elman.layers import LSTM" in printed["migrate"]
    assert "lstm_1" in printed["info"]
    assert keras.models.load_model("new_model.keras").output_shape == (None, 3)


def test_commands_to_install_and_look_around():
    """`make demo` and `make test` are targets, and what is installed are extras of the package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named, made = [], []
    for program, *words in commands("README.md"):
        if program == "make":
            assert shutil.which("make"), "make must be installed to test the commands of the README"
            subprocess.run(["make", "--dry-run", *words], cwd=ROOT, check=True, text=True)
            made += words
        elif program == "pip":
            found = re.fullmatch(r"install \.\[([\w,]+)\]", " ".join(words))
            assert found, words
            named += found[1].split(",")
        else:
            assert program == "elman", f"README.md has a command that is not tested: {program}"
    assert made == ["demo", "test"]
    assert {*named} == {"jax", "tasks"} <= {*extras["optional-dependencies"]}


def test_both_readmes_have_the_same_commands():
    english, korean = map(commands, READMES)
    assert english == korean


def test_both_readmes_have_the_same_code():
    english, korean = (
        [ast.dump(ast.parse(text)) for language, text in blocks(readme) if language == "python"]
        for readme in READMES
    )
    assert english == korean
