"""Programs that leave unsaid what has changed since: run, and migrated, they mean their own day."""

import json

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import elman.cli.programs
from elman import cli, reference
from elman.compat.migrate import migrate, migrate_file
from elman.compat.running import run_program
from elman.layers.activations import hard_sigmoid

X = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")

BUILT = """
import numpy as np
from {keras}.layers import LSTM, GRU, ConvLSTM2D, CuDNNGRU, Bidirectional
from {keras}.models import Sequential
layers = LSTM(3), GRU(3), ConvLSTM2D(2, 3), CuDNNGRU(3), Bidirectional(GRU(2)).forward_layer
gates = [(layer.recurrent_activation.__name__, getattr(layer, 'reset_after', None))
         for layer in layers]
said = LSTM(3, 'tanh', 'sigmoid').recurrent_activation.__name__
model = Sequential([GRU(4, input_shape=(5, 2)), ])
model.compile('adadelta', 'mse')
"""
SIGNS = {
    "keras 1": ("keras", "model.fit(np.ones((1, 5, 2)), np.ones((1, 4)), nb_epoch=1, verbose=0)"),
    "tensorflow 1": ("tensorflow.keras", "import tensorflow as tf\ntf.set_random_seed(1)"),
    "keras 2.2": ("keras", "# keras==2.2.4"),
    "keras 2.3": ("keras", "# Keras==2.3.1"),
    "tensorflow 2": ("tensorflow.keras", "# tensorflow==2.0.0"),
    "unknown": ("keras", ""),
}
H, S, B, A = "hard_sigmoid", "sigmoid", False, True


def program(folder, sign, text=BUILT, name="program.py"):
    module, words = SIGNS[sign]
    path = folder / name
    path.write_text(text.format(keras=module) + words)
    return path


def run(path, version=None):
    code, report, names = run_program(path, keras_version=version)
    assert code == 0
    return names, [str(note) for note in report.notes]


@pytest.mark.parametrize(
    ("sign", "lstm", "gru", "rate"),
    [
        ("keras 1", H, (H, B), 1.0),
        ("tensorflow 1", H, (H, B), 0.001),
        ("keras 2.2", H, (H, B), 1.0),
        ("keras 2.3", S, (S, B), 1.0),
        ("tensorflow 2", S, (S, A), 0.001),
        ("unknown", S, (S, A), 0.001),
    ],
)
def test_what_is_left_unsaid(sign, lstm, gru, rate, tmp_path):
    path = program(tmp_path, sign)
    names, notes = run(path)
    assert names["gates"] == [(lstm, None), gru, (H, None), (S, A), gru]
    assert names["said"] == S
    assert float(names["model"].optimizer.learning_rate) == pytest.approx(rate)
    assert any("--keras says otherwise" in note for note in notes) == (gru != (S, A))
    # The migrated program says it, and needs nobody to know its day.
    migrated = migrate_file(path)
    assert ("LSTM(3, recurrent_activation='hard_sigmoid')" in migrated.source) == (lstm == H)
    assert ("reset_after=False" in migrated.source) == (gru[1] == B)
    names = {}
    exec(migrated.source, names)
    assert names["gates"] == [(lstm, None), gru, (H, None), (S, A), gru]
    assert names["said"] == S
    assert float(names["model"].optimizer.learning_rate) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("sign", "shown"), [("keras 2.2", False), ("tensorflow 2", False), ("unknown", True)]
)
def test_predict_shows_its_progress_since_2_9(sign, shown, tmp_path, capsys):
    run(program(tmp_path, sign, BUILT + "model.predict(np.ones((1, 5, 2)))\n"))
    assert ("1/1" in capsys.readouterr().out) == shown
    run(program(tmp_path, sign, BUILT + "model.predict(np.ones((1, 5, 2)), verbose=1)\n"))
    assert "1/1" in capsys.readouterr().out


def test_the_line_and_the_words_are_told(tmp_path):
    _, notes = run(program(tmp_path, "tensorflow 1"))
    at, told = (
        "line 12: tf.set_random_seed tells that this was written for TensorFlow 1.15; "
        "--keras says otherwise",
        "line 5: LSTM: recurrent_activation='hard_sigmoid' (TensorFlow 1.15's default)",
    )
    assert notes[0] == at
    assert told in notes
    assert not any("CuDNNGRU" in note for note in notes)
    assert migrate_file(tmp_path / "program.py").notes[0] == at


@pytest.mark.parametrize(("version", "gru"), [("2.2", (H, B)), ("2.3", (S, B)), ("tf2", (S, A))])
def test_the_user_says_it(version, gru, tmp_path):
    path = program(tmp_path, "keras 1")
    names, notes = run(path, version)
    assert names["gates"][1] == gru
    assert not any("--keras" in note for note in notes)
    done = migrate(path.read_text(), keras_version=version)
    assert (H in done.source.replace("ConvLSTM2D(2, 3, recurrent_activation='hard", "")) == (
        gru[0] == H
    )
    assert not any("--keras" in note for note in done.notes)


NUMBERS = """
import numpy as np
from keras.layers import {layer}
from keras.models import Sequential
model = Sequential()
model.add({layer}(4, input_shape=(5, 2), return_sequences=True))
weights = [np.random.RandomState(1).normal(size=w.shape) for w in model.get_weights()]
model.set_weights(weights)
predicted = model.predict(np.load('x.npy'))
"""


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize("version", ["1", "2.2", "2.3", "tf2.3"])
def test_numbers(layer, version, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    (tmp_path / "program.py").write_text(NUMBERS.format(layer=layer))
    names, _ = run("program.py", version)
    options = {"recurrent_activation": H} if version in ("1", "2.2") else {}
    options |= {"reset_after": version == "tf2.3"} if layer == "GRU" else {}
    cell = getattr(reference, layer)(*names["weights"], **options)
    np.testing.assert_allclose(
        names["predicted"], reference.forward(cell, X).outputs, atol=1e-6, rtol=1e-5
    )
    names = {}
    exec(migrate_file("program.py", version).source, names)
    np.testing.assert_allclose(
        names["predicted"], reference.forward(cell, X).outputs, atol=1e-6, rtol=1e-5
    )


def test_layers_outside_a_program_are_todays(tmp_path):
    run(program(tmp_path, "keras 1"))
    layer = elman.layers.GRU(3)
    assert (layer.recurrent_activation, layer.reset_after) == (keras.activations.sigmoid, True)
    assert elman.layers.LSTM(3, init="zero").recurrent_activation is hard_sigmoid


def test_a_program_of_elman_is_todays(tmp_path):
    path = tmp_path / "program.py"
    made = "from elman.layers import ConvLSTM2D\ngate = ConvLSTM2D(2, 3).recurrent_activation"
    path.write_text(made)
    names, notes = run(path)
    assert (names["gate"], notes) == (keras.activations.sigmoid, [])
    path.write_text(made.replace("elman", "keras"))
    assert run(path)[0]["gate"] is hard_sigmoid


def test_modules_of_the_program_are_of_its_day(tmp_path):
    (tmp_path / "helper.py").write_text("from keras.layers import LSTM\nlayer = LSTM(3)")
    (tmp_path / "program.py").write_text("# keras==2.0.5\nfrom helper import layer\nimport keras")
    names, notes = run(tmp_path / "program.py")
    assert names["layer"].recurrent_activation is hard_sigmoid
    told = "LSTM: recurrent_activation='hard_sigmoid' (Keras 2.0.5's default)"
    assert f"helper.py, line 2: {told}" in notes


def notebook(folder, *cells, outputs=()):
    written = [{"cell_type": "code", "source": cell, "outputs": list(outputs)} for cell in cells]
    path = folder / "book.ipynb"
    path.write_text(json.dumps({"cells": written, "nbformat": 4}))
    return path


def test_a_notebook_of_keras_2_2(tmp_path):
    built = "from keras.layers import GRU\nlayer = GRU(3)\nprinted = layer.reset_after"
    path = notebook(tmp_path, "!pip install keras==2.2.4", built)
    names, notes = run(path)
    assert names["printed"] is False
    assert notes[0].startswith("cell 1, line 1: keras==2.2.4 tells")
    done = migrate_file(path)
    assert "GRU(3, recurrent_activation='hard_sigmoid', reset_after=False)" in done.source
    assert done.notes[0] == notes[0]
    # What Keras printed until 2.3 tells it too.
    printed = {"output_type": "stream", "text": ["Using TensorFlow backend.\n"]}
    names, notes = run(notebook(tmp_path, built, outputs=[printed]))
    assert names["printed"] is False
    assert notes[0].startswith("Using TensorFlow backend tells that this was written for Keras 2.2")


REWRITTEN = {
    "in the places of arguments": (
        "from keras.layers import LSTM, GRU\nLSTM(3, 'relu')\nGRU(2, 'tanh', 'sigmoid')\n",
        "from elman.layers import LSTM, GRU\n"
        "LSTM(3, 'relu', recurrent_activation='hard_sigmoid')\n"
        "GRU(2, 'tanh', 'sigmoid', reset_after=False)\n",
    ),
    "optimizers": (
        "from keras.optimizers import Adadelta, SGD\nAdadelta(lr=2.0)\nAdadelta()\nSGD()\n"
        "Adadelta(1.0, decay=0.1)\nm.compile(optimizer='Adagrad')\n",
        "from elman.compat.optimizers import Adadelta\nfrom elman.optimizers import SGD\n"
        "Adadelta(lr=2.0)\nAdadelta(learning_rate=1.0)\nSGD()\n"
        "Adadelta(1.0, decay=0.1)\nm.compile(optimizer="
        "{'class_name': 'Adagrad', 'config': "
        "{'learning_rate': 0.01, 'initial_accumulator_value': 0.0}})\n",
    ),
    "cells": (
        "from keras.layers import RNN, GRUCell\nRNN(GRUCell(3, reset_after=True))\n",
        "from elman.layers import RNN, GRUCell\n"
        "RNN(GRUCell(3, reset_after=True, recurrent_activation='hard_sigmoid'))\n",
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_rewritten(case):
    before, after = REWRITTEN[case]
    assert migrate(before, keras_version="2.2").source == after


def test_what_cannot_be_written_down_is_told():
    source = "from keras.layers import LSTM, GRU\nkinds = [LSTM]\nGRU(3, **settings)\n"
    done = migrate(source, keras_version="2.2")
    assert done.source == source.replace("keras", "elman")
    assert done.notes == (
        "line 2: where LSTM is made Keras 2.2 meant recurrent_activation='hard_sigmoid' if nothing "
        "is said; say it there",
        "line 3: GRU(*args or **kwargs may hide recurrent_activation, reset_after) left as it is: "
        "elman.layers takes it",
    )


def test_the_commands(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("from keras.layers import GRU\nprint(GRU(3).reset_after)\n")

    def command(*arguments):
        return CliRunner().invoke(cli.app, [*map(str, arguments)])

    assert command("run", "--quiet", path).stdout == "True\n"
    assert command("run", "--keras", "2.2", "--quiet", path).stdout == "False\n"
    assert "reset_after=False" in command("migrate", path, "--keras", "2.2").stdout
    assert "reset_after=" not in command("migrate", path).stdout
    refused = command("run", "--keras", "old", path).exception
    assert str(refused).startswith("--keras must be a version of Keras")
