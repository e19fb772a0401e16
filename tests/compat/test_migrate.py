"""`elman migrate`: the new program needs no import hook, gives the same, and is final."""

import contextlib
import functools
import json
import re
import tempfile

import corpus
import keras
import numpy as np
import pytest
from corpus import FOLDER, NAMES, PYTHON2

from elman.cli import main
from elman.compat.migrate import migrate, migrate_file, migrate_notebook

RUNNABLE = [name for name in NAMES if name not in PYTHON2]
# JAX and TensorFlow take seconds to compile each program.
IN_PLAIN_PYTHON = RUNNABLE if keras.backend.backend() == "torch" else [
    "k1_gru_words.py", "k2_custom_cell.py", "k2_spam_tokenizer.py", "k2_sine_notebook.ipynb",
    "tf2_time_major.py", "late_masking.py",
]  # fmt: skip
OLD_IMPORT = re.compile(r"^\s*(from|import) (keras|tensorflow|keras_contrib)\b.*", re.MULTILINE)


@functools.cache
def migrated(name):
    return migrate_file(FOLDER / name)


def code_of(name, text):
    """The Python of a program; of a notebook its cells without the magics."""
    if not name.endswith(".ipynb"):
        return text
    cells = [c["source"] for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    lines = "\n".join("".join(cell) for cell in cells).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("!", "%")))


@pytest.mark.parametrize("name", RUNNABLE)
def test_what_is_left_of_old_imports_is_told_and_migrating_again_changes_nothing(name):
    done = migrated(name)
    assert done.source != done.before
    left = [m[0] for m in OLD_IMPORT.finditer(code_of(name, done.source))]
    assert all("tensorflow" in line for line in left)
    assert bool(left) == any("TensorFlow must be installed" in note for note in done.notes)
    again = (migrate_notebook if name.endswith(".ipynb") else migrate)(done.source)
    assert again.source == done.source
    before, after = done.before.count("#"), done.source.count("#")
    assert after >= before - 1, "comments are kept"


@pytest.mark.parametrize("name", IN_PLAIN_PYTHON)
def test_it_gives_the_same_in_plain_python(name, monkeypatch):
    if "sklearn" in (FOLDER / name).read_text(encoding="utf-8"):
        pytest.importorskip("sklearn", reason="the program uses scikit-learn")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    done = migrated(name)
    if any("TensorFlow must be installed" in note for note in done.notes):
        pytest.importorskip("tensorflow", reason=f"left in {name}: {done.notes}")
    names = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        exec(compile(code_of(name, done.source), name, "exec"), names)
    corpus.assert_same(corpus.arrays(names), corpus.result(name), exact=1e-6, trained=1e-5)


REWRITTEN = {
    "an import by its old path": (
        "from tensorflow.python.keras.layers.recurrent import LSTM as L  # read\nL(3)",
        "from elman.layers import LSTM as L  # read\nL(3)",
    ),
    "a module under another name": (
        "import tensorflow as tf\nx = tf.keras.layers.LSTM(3)\ny = tf.reduce_sum(x, axis=1)",
        "import elman\nfrom elman import ops\nx = elman.layers.LSTM(3)\ny = ops.sum(x, axis=1)",
    ),
    "old words, and what they meant unsaid": (
        "from keras.layers import GRU\nGRU(5, inner_init='zero',  # why\n    input_dim=2)",
        "from elman.layers import GRU\nGRU(5, recurrent_initializer='zeros',  # why\n"
        "    input_dim=2,\n    recurrent_activation='hard_sigmoid',\n    reset_after=False)",
    ),
    "numbers that are one tuple": (
        "from keras.layers import Convolution2D\nConvolution2D(4, 3, 2, border_mode='same')",
        "from elman.layers import Convolution2D\n"
        "Convolution2D(filters=4, kernel_size=(3, 2), padding='same')",
    ),
    "a learning rate that decays": (
        "from keras.optimizers import SGD\nSGD(lr=rate, decay=1e-6)",
        "from elman.compat.optimizers import SGD\nSGD(lr=rate, decay=1e-6)",
    ),
    "a learning rate that does not": (
        "from keras.optimizers import SGD\nSGD(lr=rate, decay=0.)",
        "from elman.optimizers import SGD\nSGD(learning_rate=rate)",
    ),
    "an optimizer that only the old one takes": (
        "from keras.optimizers import Adam\nAdam(1e-3, 0.9, 0.999, lr=x)",
        "from elman.compat.optimizers import Adam\nAdam(1e-3, 0.9, 0.999, lr=x)",
    ),
    "functions of the backend": (
        "from keras import backend as K\nK.sum(K.argmax(x, axis=-1))\nK.concatenate([a, b])",
        "from elman.compat import backend as K\nfrom elman import ops\n"
        "ops.sum(ops.argmax(x, axis=-1))\nK.concatenate([a, b])",
    ),
    "a generator": (
        "m.fit_generator(g(), 10, nb_epoch=2, validation_data=v)",
        "m.fit(g(), steps_per_epoch=10, epochs=2, validation_data=v)",
    ),
    "the accuracy": (
        "m.compile('adam', metrics=['acc'])\nh = m.fit(x)\nh.history['val_acc']\nprint('acc')",
        "m.compile('adam', metrics=['accuracy'])\nh = m.fit(x)\nh.history['val_accuracy']\n"
        "print('acc')",
    ),
    "classes": (
        "from keras.models import Sequential\nfrom keras.layers import Dense\nm = Sequential()\n"
        "m.add(Dense(1))\nm.predict_classes(x)",
        "from elman.models import Sequential\nfrom elman.layers import Dense\nm = Sequential()\n"
        "m.add(Dense(1))\n(m.predict(x) > 0.5).astype('int32')",
    ),
    "an array of one number": (
        "from keras.models import load_model\nm = load_model('m.h5')\ny = m.predict(x)\n"
        "float(m.predict(x))\nint(y[0])  # why\nfloat(y[0][0])\nfloat(z)\nfloat(f(x))\n"
        "'%.2f of %d' % (y, n)\n'%s' % y\n'%5.1f %%' % y[0]\nn % y",
        "from elman.models import load_model\nm = load_model('m.h5')\ny = m.predict(x)\n"
        "float(m.predict(x).item())\nint(y[0].item())  # why\nfloat(y[0][0])\nfloat(z)\n"
        "float(f(x))\n'%.2f of %d' % (y.item(), n)\n'%s' % y\n'%5.1f %%' % y[0].item()\nn % y",
    ),
    "sessions": (
        "import tensorflow as tf\nconfig = tf.ConfigProto()\n"
        "config.gpu_options.allow_growth = True\nsess = tf.Session(config=config)\n"
        "tf.keras.backend.set_session(sess)\nx = 1",
        "x = 1",
    ),
    "the activation that ConvLSTM layers had": (
        "from keras.layers import ConvLSTM2D\nConvLSTM2D(2, 3)",
        "from elman.layers import ConvLSTM2D\n"
        "ConvLSTM2D(2, 3, recurrent_activation='hard_sigmoid')",
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_rewritten(case):
    before, after = REWRITTEN[case]
    assert migrate(before).source == after


LEFT = {
    "methods of other libraries": (
        "from sklearn.svm import SVC\nm = SVC()\nm.predict_proba(x)\nm.fit(x, y)", ""),
    "the program's own names": (
        "def acc(history):\n    lr = history['x']\n    return dict(lr=lr, decay=1)", ""),
    "a session that is run": (
        "import tensorflow as tf\nsess = tf.Session()\nprint(sess.run(x))",
        "line 2: tf.Session is TensorFlow's own"),
    "arguments that only a run knows": (
        "from elman.layers import Dense\nm.fit_generator(g, samples_per_epoch=100)",
        "line 2: fit_generator left as it is"),
    "what an array of JAX has not": (
        "from elman import ops\nops.sum(x).numpy()",
        "line 2: numpy() left as it is: JAX's arrays lack it; do: elman.ops.convert_to_numpy"),
    "a name that is bound twice": (
        "from elman import ops\nm.predict_classes(x)",
        "line 2: predict_classes left as it is"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_left_as_it_is(case):
    source, note = LEFT[case]
    done = migrate(source)
    assert done.source == source
    assert any(note in told for told in done.notes) if note else not done.notes


def test_a_layer_that_is_gone_is_told_with_what_to_write():
    done = migrate("import numpy\nfrom keras.layers import Dense, MaxoutDense\n")
    assert done.source == (
        "import numpy\nfrom keras.layers import MaxoutDense\nfrom elman.layers import Dense\n"
    )
    [note] = done.notes
    assert note.startswith("line 2: left as it is: MaxoutDense is gone; write Dense(units * n)")


def test_layer_words_that_depend_on_values_stay_and_mean_the_same():
    source = "from keras.layers import Embedding\nEmbedding(9, 4, dropout=rate)"
    done = migrate(source)
    assert done.source == source.replace("keras", "elman")
    assert done.notes == ("line 2: Embedding(dropout=rate) left as it is: elman.layers takes it",)


def test_print_statements_of_python_2_become_functions():
    done = migrate("print 'a', 1,\nif x / 2:\n    print\n    print >>f, '#'  # why\n")
    assert done.source == (
        "print('a', 1, end=' ')\nif x / 2:\n    print()\n    print('#', file=f)  # why\n"
    )
    assert done.notes[1].startswith("line 2: in Python 2 whole numbers divided by /")


@pytest.mark.parametrize("text", ["exec 'x'", "print 'a', \\\n  'b'", "x = `y`"])
def test_other_python_2_is_refused_with_the_line(text):
    with pytest.raises(ValueError, match=r"the program, line 2: .*must be Python 3"):
        migrate(f"import numpy\n{text}\n")


def test_magics_and_outputs_of_a_notebook_stay():
    done = migrate_file(FOLDER / "tf2_three_models.ipynb")
    assert "!pip install tensorflow-gpu==2.0.0-rc1" in done.source
    assert "from elman.models import Sequential" in done.source
    assert len(done.source.splitlines()) == len(done.before.splitlines())


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


def test_the_command_prints_a_diff_or_writes_a_file(tmp_path, capsys):
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text("from keras.layers.core import Dense\nm.predict_classes(x)\n")
    assert run("migrate", old) == 0
    out, err = capsys.readouterr()
    assert "-from keras.layers.core import Dense\n+from elman.layers import Dense\n" in out
    assert err == "line 2: predict_classes left as it is: elman's models have it\n"
    assert run("migrate", old, "-o", new) == 0
    assert new.read_text() == "from elman.layers import Dense\nm.predict_classes(x)\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.py", "old.py"]


def test_the_encoding_that_a_program_says_stays(tmp_path, capsys):
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_bytes(
        "# -*- coding: cp949 -*-\nfrom keras.layers import LSTM\n# 층\n".encode("cp949")
    )
    assert run("migrate", old, "-o", new) == 0
    assert new.read_bytes().decode("cp949").splitlines()[1:] == [
        "from elman.layers import LSTM",
        "# 층",
    ]
    old.write_bytes("# 층\n".encode("cp949"))
    assert run("migrate", old) == 2
    assert "old.py must be UTF-8, got: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [("exec 'x'\n", "line 1: the program must be Python 3"), (None, "No such file")],
)
def test_bad_input_is_one_line_and_exit_code_2(text, words, tmp_path, capsys):
    path = tmp_path / "old.py"
    if text:
        path.write_text(text)
    assert run("migrate", path) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_the_corpus_uses_both_ways_of_rewriting():
    """Both today's own objects and `elman.compat` are reached from the corpus."""
    sources = [migrated(name).source for name in RUNNABLE]
    for line in ("from elman.compat.preprocessing import Tokenizer", "from elman import ops",
                 "from elman.compat.contrib import CRF",
                 "from elman.compat.optimizers import SGD"):  # fmt: skip
        assert np.any([line in source for source in sources]), line
