"""`elman run`: what the program sees, what its user is told, what is left afterwards."""

import builtins
import contextlib
import io
import json
import re
import sys

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import elman.cli.files
import elman.cli.programs
from elman import cli
from elman.compat.running import run_program


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("MPLBACKEND", raising=False)


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def run(folder, text, arguments=(), name="program.py"):
    """The variables of the program, and its notes; it must end well."""
    code, report, names = run_program(write(folder, name, text), list(arguments))
    assert code == 0
    return names, [str(note) for note in report.notes]


def test_the_program_is_main_with_its_own_arguments(tmp_path):
    write(tmp_path, "helper.py", "from keras.layers.recurrent import LSTM\nanswer = 42")
    text = "import sys\nfrom helper import answer\nseen = __name__, __file__, sys.argv, sys.path[0]"
    argv, path = sys.argv, list(sys.path)
    names, notes = run(tmp_path, text, ["--units", "3"])
    file = str(tmp_path / "program.py")
    assert names["seen"] == ("__main__", file, [file, "--units", "3"], str(tmp_path))
    assert names["answer"] == 42
    # A module of the program gets the stand-ins too, and its lines are told with its name.
    assert notes == ["helper.py, line 1: keras.layers.recurrent -> elman.layers"]
    assert (sys.argv, sys.path) == (argv, path)
    assert "helper" not in sys.modules
    assert sys.modules["__main__"].__name__ == "__main__"
    assert sys.modules["__main__"].__dict__ is not names


def test_only_the_program_gets_stand_ins(tmp_path):
    library = tmp_path / "site-packages"
    library.mkdir()
    write(library, "a_library.py", "import keras\nlayer = keras.layers.LSTM")
    text = (
        f"import sys\nsys.path.append({str(library)!r})\n"
        "import keras, a_library\nlayer = keras.layers.LSTM\nmodule = keras"
    )
    importer, finders = builtins.__import__, list(sys.meta_path)
    names, _ = run(tmp_path, text)
    sys.modules.pop("a_library")
    assert names["a_library"].layer is keras.layers.LSTM
    assert names["layer"] is elman.layers.LSTM
    assert names["module"] is not keras
    assert sys.modules["keras"] is keras
    assert builtins.__import__ is importer
    assert sys.meta_path == finders


def test_every_old_module_is_there(tmp_path):
    modules = [
        "keras",
        "keras.layers",
        "keras.layers.core",
        "keras.layers.recurrent",
        "keras.layers.embeddings",
        "keras.layers.wrappers",
        "keras.layers.merge",
        "keras.layers.normalization",
        "keras.layers.convolutional",
        "keras.layers.advanced_activations",
        "keras.utils.np_utils",
        "keras.utils.vis_utils",
        "keras.utils.data_utils",
        "keras.utils.generic_utils",
        "keras.utils.visualize_util",
        "keras.engine.topology",
        "keras.engine.training",
        "keras.engine",
        "keras.models",
        "keras.optimizers",
        "keras.objectives",
        "keras.initializations",
        "keras.activations",
        "keras.callbacks",
        "keras.preprocessing.text",
        "keras.preprocessing.sequence",
        "keras.preprocessing.image",
        "keras.wrappers.scikit_learn",
        "keras.regularizers",
        "keras.constraints",
        "keras.datasets.imdb",
        "keras.applications.vgg16",
        "keras.backend",
        "keras.backend.tensorflow_backend",
        "keras.legacy.interfaces_of_nobody",
        "tensorflow.keras.layers",
        "tensorflow.python.keras.layers",
        "tensorflow.python.keras",
        "tensorflow.compat.v1.keras.layers",
        "tensorflow.contrib.keras",
        "tensorflow.keras.backend",
        "tensorflow.python.keras.preprocessing.text",
        "tensorflow.python.keras.optimizer_v2.adam",
        "tensorflow.keras.mixed_precision.experimental",
        "keras_preprocessing.text",
        "keras_preprocessing.sequence",
        "keras_contrib.layers",
        "keras_contrib.losses",
        "keras_contrib.metrics",
        "tensorflow.keras.optimizers.legacy",
    ]
    modules.remove("keras.legacy.interfaces_of_nobody")
    run(tmp_path, "\n".join(f"import {name}\nimport {name} as last" for name in modules))


def test_a_module_that_never_was(tmp_path, capsys):
    code, _, _ = run_program(write(tmp_path, "program.py", "import keras.layers.recurent"))
    assert code == 1
    assert "keras.layers.recurent is no module of Keras that elman knows" in capsys.readouterr().err


def test_old_names_of_other_libraries(tmp_path):
    text = (
        "import numpy as np\nimport numpy\nx = np.zeros(3, dtype=np.float)\n"
        "flag = np.bool\nsame = np.random is numpy.random, np.ndarray\n"
        "from sklearn.cross_validation import train_test_split"
    )
    pytest.importorskip("sklearn")
    names, notes = run(tmp_path, text)
    assert names["x"].dtype == float
    assert names["flag"] is bool
    assert names["same"] == (True, np.ndarray)
    assert "line 3: numpy.float -> float" in notes
    assert "line 6: sklearn.cross_validation -> sklearn.model_selection" in notes


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("import sys\nsys.exit()", 0, ""),
        ("raise SystemExit('no data')", 1, "no data\n"),
    ],
)
def test_the_exit_code_is_the_programs(text, code, error, tmp_path, capsys):
    assert run_program(write(tmp_path, "program.py", text))[0] == code
    assert capsys.readouterr().err == error


def test_a_traceback_begins_in_the_program(tmp_path, capsys):
    text = "from keras.layers import LSTM\ndef build():\n    return LSTM(-1)\nbuild()"
    code, _, _ = run_program(write(tmp_path, "program.py", text))
    lines = capsys.readouterr().err.splitlines()
    assert code == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert re.search(r'program\.py", line 4, in <module>', lines[1])
    assert lines[-1].startswith("ValueError: LSTM")


def test_notes_have_lines_and_count_once(tmp_path):
    text = (
        "from keras.layers import LSTM\n"
        "for _ in range(2):\n"
        "    layer = LSTM(3,\n"
        "                 batch_input_shape=(8, 2, 10),\n"
        "                 inner_init='zero')\n"
    )
    _, notes = run(tmp_path, text)
    assert notes[0].startswith("line 5: inner_init= tells that this was written for Keras 1;")
    assert notes[2] == "line 3: LSTM: batch_input_shape -> Input(batch_shape=(8, 2, 10))"
    assert notes[3] == "line 3: LSTM: inner_init -> recurrent_initializer"
    assert len(notes) == len(set(notes))


@pytest.mark.parametrize("text", ["print 'x'", "x = 0777", "try: pass\nexcept A, b: pass"])
def test_python_2_is_refused_in_one_sentence(text, tmp_path):
    path = write(tmp_path, "program.py", text)
    with pytest.raises(ValueError, match=r"must be Python 3, got Python 2 .*elman migrate"):
        run_program(path)
    path.write_bytes("x = '층'".encode("cp949"))
    with pytest.raises(ValueError, match=r"line 1: the program must be UTF-8, got .*coding: cp949"):
        run_program(path)
    path = write(tmp_path, "program.py", "x = = 1")
    with pytest.raises(ValueError, match=r"line 1: the program must be Python, got"):
        run_program(path)


# The command


def command(*arguments):
    return CliRunner().invoke(cli.app, ["run", *map(str, arguments)])


def test_the_command_tells_once_and_reports(tmp_path):
    text = "import sys\nfrom keras.optimizers import SGD\nSGD(lr=0.1)\nsys.exit(len(sys.argv))"
    path = write(tmp_path, "program.py", text)
    done = command("--report", "report.json", path, "--quiet", "x")
    assert done.exit_code == 3  # the second --quiet is the program's
    assert done.stderr.endswith("  line 3: SGD: lr -> learning_rate\n")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["exit_code"] == 3
    assert {"where": "line 3", "what": "SGD: lr -> learning_rate"} in written["notes"]
    done = command("--quiet", "--report", "report.txt", path)
    assert (done.exit_code, done.stderr) == (1, "")
    assert "line 3: SGD: lr -> learning_rate" in (tmp_path / "report.txt").read_text().splitlines()


def test_a_missing_program_is_bad_input(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "nowhere.py"])
    assert left.value.code == 2
    assert "nowhere.py" in capsys.readouterr().err


# Notebooks


def notebook(folder, *cells, name="book.ipynb"):
    cells = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    cells.insert(0, {"cell_type": "markdown", "source": ["# not code: !"]})
    return write(folder, name, json.dumps({"cells": cells, "nbformat": 4}))


def test_a_notebook_runs_cell_by_cell(tmp_path, capsys):
    path = notebook(
        tmp_path,
        "!pip install tensorflow-gpu==2.0.0-rc1\n%matplotlib inline\nx = 5",
        "files = !ls -l \\\n  *.csv\ny = (7\n     % x)\nif True:\n    !echo \"it's\"\n'%s' % y",
        "%%time\n%time z = x + y\nz;",
        "%%bash\nrm -rf nothing",
        "text = '''\n!no command\n'''\ntext.strip()\n",
        "display(x)\nx?\nNone",
    )
    code, report, names = run_program(path)
    assert code == 0
    assert capsys.readouterr().out == "'2'\n'!no command'\n5\n"
    assert names["z"] == 7
    assert [str(note) for note in report.notes] == [
        "cell 1, line 1: !pip install tensorflow-gpu==2.0.0-rc1 skipped",
        "cell 1, line 2: %matplotlib inline skipped",
        "cell 2, line 1: files = !ls -l \\ skipped",
        'cell 2, line 6: !echo "it\'s" skipped',
        "cell 3, line 1: %%time skipped",
        "cell 4, line 1: %%bash skipped, with the whole cell",
        "cell 6, line 2: x? skipped",
    ]


def test_an_error_in_a_cell_shows_its_line(tmp_path, capsys):
    code, _, _ = run_program(notebook(tmp_path, "x = 1", "y = 2\nx / 0"))
    error = capsys.readouterr().err
    assert code == 1
    assert re.search(r'book\.ipynb, cell 2", line 2.*\n    x / 0\n', error)


def test_what_is_no_notebook_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"book\.ipynb must be a notebook .* got"):
        run_program(write(tmp_path, "book.ipynb", "x = 1"))


def test_figures_are_saved_and_numbered(tmp_path):
    pytest.importorskip("matplotlib")
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    run(tmp_path, draw + "plt.show()\nplt.plot([3])\nplt.show()\nplt.show()", name="lines.py")
    assert sorted(p.name for p in tmp_path.glob("*.png")) == ["lines-1.png", "lines-2.png"]
    # A notebook shows what is open at the end of a cell.
    code, report, _ = run_program(notebook(tmp_path, draw, "plt.plot([1]);"))
    assert code == 0
    assert (tmp_path / "book-2.png").stat().st_size > 1000
    assert any(note.what == "plt.show() -> book-1.png" for note in report.notes)


def test_the_study_notes_notebook():
    path = cli.__file__.replace("src/elman/cli/__init__.py", "examples/study_note.ipynb")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code, report, _ = run_program(path)
    assert code == 0
    shapes = re.findall(r"\(SimpleRNN\)\s+│\s+(\(.*?\))\s+│\s+(\d+)", printed.getvalue())
    assert shapes == [("(None, 3)", "42"), ("(8, 3)", "42"), ("(8, 2, 3)", "42")]
    assert "((None, 3), 42)" in printed.getvalue()
    first = "cell 1, line 1: !pip install tensorflow-gpu==2.0.0-rc1 skipped"
    assert str(report.notes[0]) == first


ATTENTION = """
from keras import backend as K
from keras.engine.topology import Layer
from keras.layers import Dense, Embedding, LSTM
from keras.models import Sequential
import numpy as np

class Attention(Layer):
    def __init__(self, size, **kwargs):
        self.size = size
        super(Attention, self).__init__(**kwargs)
    def build(self, input_shape):
        self.W = self.add_weight('W', (input_shape[-1], self.size), initializer='one')
        self.b = K.variable(np.zeros(self.size))
        self.trainable_weights = [self.W, self.b]
    def call(self, x, mask=None):
        a = K.exp(K.tanh(K.dot(x, self.W) + self.b))
        a *= K.expand_dims(K.cast(mask, K.floatx()))
        a /= K.sum(a, axis=1, keepdims=True) + K.epsilon()
        return K.sum(x * a, axis=1)
    def compute_mask(self, x, mask=None):
        return None
    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[2]

model = Sequential([Embedding(9, 4, mask_zero=True, input_length=5),
                    LSTM(3, return_sequences=True), Attention(1), Dense(1)])
model.compile('sgd', 'mse')
x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
before = [w.copy() for w in model.get_weights()]
model.fit(x, np.ones(2), verbose=0)
moved = [bool((a != b).any()) for a, b in zip(before, model.get_weights())]
kept = same = [1]
kept += [2]
"""


def test_a_layer_of_the_users_own(tmp_path):
    """Weights named first or set in a list, tensors changed by ``*=``, attributes before init."""
    names, _ = run(tmp_path, ATTENTION)
    assert len(names["model"].layers[2].trainable_weights) == 2
    assert all(names["moved"])
    assert names["kept"] is names["same"] == [1, 2]


MERGE = """
from keras.layers import Dense, Embedding, LSTM, Merge, merge, Input
from keras.models import Model, Sequential
import numpy as np

left = Sequential()
left.add(Embedding(9, 4, input_length=5))
left.add(LSTM(3))
right = Sequential()
right.add(Dense(3, input_dim=2))
model = Sequential()
model.add(Merge([left, right], mode='concat', concat_axis=1))
model.add(Dense(1))
model.compile(loss='mse', optimizer='sgd')
x = [np.array([[1, 2, 3, 4, 5], [8, 7, 6, 5, 4]]), np.array([[1., 2.], [3., 4.]])]
history = model.fit(x, np.ones((2, 1)), nb_epoch=2, verbose=0)
predicted = model.predict(x)
parts = np.concatenate([left.predict(x[0]), right.predict(x[1])], 1)
weight, bias = model.layers[-1].get_weights()

a, b = Input((3,)), Input((3,))
summed = Model([a, b], merge([a, b], mode='sum')).predict([parts[:, :3], parts[:, 3:]])
"""


def test_branches_are_merged_as_in_keras_1(tmp_path):
    names, _ = run(tmp_path, MERGE)
    assert len(names["history"].history["loss"]) == 2
    parts = names["parts"]
    expected = parts @ names["weight"] + names["bias"]
    np.testing.assert_allclose(names["predicted"], expected, atol=1e-6)
    np.testing.assert_allclose(names["summed"], parts[:, :3] + parts[:, 3:], atol=1e-6)


def test_star_imports_bring_what_the_module_is_for(tmp_path):
    text = (
        "import keras\nmodule = keras\nfrom keras.layers import *\nfrom keras.backend import *\n"
        "same = keras is module and LSTM is keras.layers.LSTM and tanh is keras.backend.tanh\n"
        "from keras.layers import MaxoutDense\nimport numpy as np\nfrom numpy import *\nzeros((2,))"
    )
    names, _ = run(tmp_path, text)
    assert names["same"]
    with pytest.raises(ValueError, match="MaxoutDense is gone; write Dense"):
        names["MaxoutDense"](3)


def test_an_array_of_one_number_is_a_number(tmp_path):
    text = """
import numpy as np
one = np.array([[2.5]])
seen = float(one), int(one), "%.1f and %d" % (one, one), "%s" % [1]
try:
    float(np.ones(2))
except TypeError as error:
    refused = error
"""
    names, _ = run(tmp_path, text)
    assert names["seen"] == (2.5, 2, "2.5 and 2", "[1]")
    assert names["refused"]


def test_numpy_of_a_tensor_without_axes_is_a_number(tmp_path):
    names, _ = run(tmp_path, "from keras import backend as K\nseen = K.sum(K.ones((2, 3))).numpy()")
    assert isinstance(names["seen"], np.float32)
    assert names["seen"] == 6


def test_initializations_of_keras_1_make_variables(tmp_path):
    text = """
from keras import initializations
weight = initializations.get("glorot_uniform")((3, 4), name="w")
small = initializations.normal((400,), scale=0.01)
"""
    names, _ = run(tmp_path, text)
    assert isinstance(names["weight"], keras.Variable)
    assert names["weight"].trainable
    assert 0.005 < np.std(keras.ops.convert_to_numpy(names["small"])) < 0.02
