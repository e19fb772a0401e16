"""What tells the Keras that a program was written for, and the defaults it had."""

import pytest

from elman.legacy import arguments, eras
from elman.legacy.eras import KERAS1, KERAS2, KERAS3, LATE, TENSORFLOW1, Era

K = "from keras.layers import LSTM\n"
TF = "import tensorflow as tf\nfrom tensorflow.keras.layers import LSTM\n"
V1 = "import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()\n"
ACC = "model.compile('adam', metrics=['accuracy'])\n"

TELLS = {
    "an argument of Keras 1": (K + "model.fit(x, y,\n    nb_epoch = 20)", KERAS1, "line 3"),
    "an argument behind a definition": (
        K + "def train(nb_epoch=3):\n    fit(x, nb_epoch=nb_epoch)", KERAS1, "line 3"),
    "a layer of Keras 1": ("from keras.layers.core import TimeDistributedDense", KERAS1, "line 1"),
    "a session": (TF + "\nsess = tf.Session()", TENSORFLOW1, "line 4"),
    "a session under Keras": (K + "import tensorflow as tf\ntf.Session()", KERAS2, "line 3"),
    "the optimizers of TensorFlow": (TF + "tf.train.AdamOptimizer()", TENSORFLOW1, "line 3"),
    "the interface of TensorFlow 1": (V1 + "tf.keras.layers.LSTM(3)", TENSORFLOW1, "line 2"),
    "the interface of TensorFlow 1 by name": (
        "import tensorflow as tf\nfrom tensorflow.compat.v1.keras.layers import LSTM\n"
        "tf.compat.v1.disable_v2_behavior()", TENSORFLOW1, "line 3"),
    "the interface of TensorFlow 1 by another name": (
        "from tensorflow.compat import v1 as one\none.disable_v2_behavior()\none.keras.Model()",
        TENSORFLOW1, "line 2"),
    "a pinned Keras": ("# pip install Keras==2.0.6\n" + K, Era("Keras", (2, 0, 6)), "line 1"),
    "a pinned TensorFlow": (TF + "# tensorflow-gpu==1.4", Era("TensorFlow", (1, 4)), "line 3"),
    "a pinned TensorFlow under Keras": (K + "# tensorflow==1.13.1", KERAS2, "line 2"),
    "a TensorFlow 2 under Keras": (K + "# tensorflow==2.0.0", Era("Keras", (2, 3)), "line 2"),
    "a late TensorFlow under Keras": (K + "# tensorflow==2.8", LATE, "line 2"),
    "a TensorFlow with Keras 3 under it": (K + "# tensorflow==2.16.1", KERAS3, "line 2"),
    "a pinned Keras under TensorFlow": (TF + "# keras==2.2.4", TENSORFLOW1, "line 3"),
    "what is imported counts": (
        K + "# tensorflow==1.14.0\n# keras==2.3.1", Era("Keras", (2, 3, 1)), "line 3"),
    "Colab": ("%tensorflow_version 1.x\n" + TF, Era("TensorFlow", (1, 15)), "line 1"),
    "the backend's module": (
        "from keras.backend.tensorflow_backend import set_session", KERAS2, "line 1"),
    "keras_contrib": (K + "from keras_contrib.layers import CRF", KERAS2, "line 2"),
    "acc": (K + ACC + "plot(h.history['val_acc'])", KERAS2, "line 3"),
    "acc in a file name": (TF + ACC + "'w-{val_acc:.2f}.h5'", TENSORFLOW1, "line 4"),
    "acc in what became of the history": (
        TF + ACC + "history_dict = h.history\nacc = history_dict['acc']", TENSORFLOW1, "line 5"),
    "acc in a callback": (TF + ACC + "print(logs.get('acc'))", TENSORFLOW1, "line 4"),
    "acc that is watched": (TF + ACC + "Stop(monitor = 'val_acc')", TENSORFLOW1, "line 4"),
    "acc for a checkpoint": (
        TF + ACC + "ModelCheckpoint('w/{acc}', save_best_only=True)", TENSORFLOW1, "line 4"),
    "elman": ("import keras\nfrom elman.layers import LSTM\nfit(nb_epoch=3)", KERAS3, "line 2"),
    "a module of Keras 3": (K + ACC + "keras.ops.sum(h.history['acc'])", KERAS3, "line 3"),
    "a version beside today's words": (
        "# keras==2.2.4\n" + K + "print(h.history['val_accuracy'])", Era("Keras", (2, 2, 4)),
        "line 1"),
    "Python 2": (K + "print 'x'\nm.fit(x, nb_epoch=2)", KERAS1, "line 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", TELLS)
def test_what_tells(case):
    text, era, where = TELLS[case]
    sign = eras.read([("", text)])
    assert (sign.era, sign.where) == (era, where)


@pytest.mark.parametrize(
    "text",
    [
        K + "model.fit(x, y, epochs=20)",
        K + "nb_epoch = 20\nbatch_size, nb_epoch = 1, 2\nmodel.fit(x, y, epochs=nb_epoch)",
        K + "# nb_epoch became epochs\n'fit(nb_epoch=3)'",
        TF + "config = tf.compat.v1.ConfigProto()\ntf.compat.v1.Session(config=config)",
        TF + "tf.random.set_seed(1)\nself.tf.Session()",
        K + "model.compile('adam', metrics=['acc'])\nh.history['acc']",
        K + ACC + "h.history['accuracy']",
        TF + ACC + "print(f'acc {acc:.3f}', f'{acc}.h5', rf'{acc}.h5', fr'{acc}.h5')",
        TF + ACC + "plot(a, label='val_acc')\nresults['acc'] = acc\nprint(results['acc'])",
        TF + ACC + "'{acc}'.format(acc=1)\n'{acc}.h5'.format(acc=1)",
        TF + ACC + "history['acc'] = []\nhistory['acc'].append(3)",
        TF + ACC + "h.history['acc']\nMonitor('val_accuracy')",
        TF + ACC + "h.history['acc'], h.history['accuracy']",
        TF + ACC + "tf.random.set_seed(1)\nh.history['acc']",
        K + "print(h.history['accuracy'])\nfit(nb_epoch=3)",
        K + "# keras>=2.2\nname = 'my_keras-1.2.h5'",
        "from keras_preprocessing import text",
        # A parameter of the program's own, and a call that is not Keras's.
        K + "def train(x,\n    nb_epoch = (3), border_mode='same') -> None: pass",
        TF + "train(x, nb_epoch=3)\ncv2.blur(x, border_mode='same')",
        # The interface of TensorFlow 1 beside layers of TensorFlow 2.
        V1 + "from tensorflow.keras.layers import LSTM\ntf.placeholder('float')",
        V1 + K,
        TF + "tf.compat.v1.disable_v2_behavior()\ntf.keras.layers.LSTM(3)",
    ],
)
def test_what_does_not_tell(text):
    assert eras.read([("", text)]) is None


@pytest.mark.parametrize(
    ("pin", "version"),
    [
        ("keras<2.3", (2, 2)),
        ("keras < 2.3.0", (2, 2)),
        ("keras<2.4", (2, 3)),
        ("keras<2.2.5", (2, 2, 4)),
        ("keras<=2.3", (2, 3)),
        ("keras<2", (1,)),
        ("keras<3", (2, 15)),
        ("keras==2.2.*", (2, 2)),
        ("keras>=2.0,<2.3", (2, 2)),
        ("!conda install -y keras=2.2.4", (2, 2, 4)),
        ("tensorflow<2.0", (1, 15)),
        ("tensorflow-gpu<2", (1, 15)),
        ("tensorflow>=1.13, <2.0.0", (1, 15)),
        ("tensorflow==1.*", (1, 15)),
        ("tensorflow==1.13.*", (1, 13)),
        ("tensorflow<1.13", (1, 12)),
        ("tensorflow<2.1", (2, 0)),
    ],
)
def test_a_version_that_is_bounded(pin, version):
    program = K if "keras" in pin else TF
    assert eras.read([("", f"# {pin}\n{program}")]).era.version == version


def test_a_notebook_tells_its_cell_and_by_what_it_printed():
    cells = [("cell 1, ", "!ls"), ("cell 2, ", K + "!pip install -q keras==2.1.5")]
    assert eras.read(cells).where == "cell 2, line 2"
    printed = '"text": [\n"Using TensorFlow backend.\n"]'
    assert eras.read([("cell 1, ", K)], printed).era == KERAS2
    printed = "Successfully installed keras-2.0.8 tensorflow-1.3.0"
    assert eras.read([("cell 1, ", K)], printed).era == Era("Keras", (2, 0, 8))
    assert eras.read([("cell 1, ", TF)], printed).era == Era("TensorFlow", (1, 3, 0))


HARD, BEFORE = ("recurrent_activation", "hard_sigmoid"), ("reset_after", False)


@pytest.mark.parametrize(
    ("era", "lstm", "gru", "conv", "adadelta"),
    [
        ("1.2", [HARD], [HARD, BEFORE], [HARD], [("learning_rate", 1.0), ("epsilon", 1e-8)]),
        ("2.2.5", [HARD], [HARD, BEFORE], [HARD], [("learning_rate", 1.0)]),
        ("2.3", [], [BEFORE], [HARD], [("learning_rate", 1.0)]),
        ("2.4", [], [], [HARD], []),
        ("3", [], [], [], []),
        ("tf1.12", [HARD], [HARD, BEFORE], [HARD], [("learning_rate", 1.0)]),
        ("tf1.15", [HARD], [HARD, BEFORE], [HARD], []),
        ("tensorflow 2.0", [], [], [HARD], []),
        ("tf2.16", [], [], [], []),
    ],
)
def test_defaults(era, lstm, gru, conv, adadelta):
    era = eras.parsed(era)
    found = [
        list(eras.defaults(n, era).items()) for n in ("LSTM", "GRUCell", "ConvLSTM2D", "Adadelta")
    ]
    assert found == [lstm, gru, conv, adadelta]
    assert not eras.defaults("SimpleRNN", era)
    assert not eras.defaults("LSTM", None)


@pytest.mark.parametrize(
    ("number", "era"), [("1", KERAS1), ("2", KERAS2), ("3", KERAS3), ("tf1", TENSORFLOW1),
                        ("tf2", LATE), ("tensorflow 2.0", Era("TensorFlow", (2, 0)))]
)  # fmt: skip
def test_a_number_alone(number, era):
    assert eras.parsed(number) == era


@pytest.mark.parametrize("text", ["99", "0.3", "tf3"])
def test_a_version_that_never_was(text):
    with pytest.raises(ValueError, match=r"Keras 1 to 3 or TensorFlow 1 to 2, got .*; name"):
        eras.parsed(text)


@pytest.mark.parametrize("text", ["late", "tf", "2.x", "", "keras 2"])
def test_a_version_that_is_none(text):
    with pytest.raises(ValueError, match=r"--keras must be a version of Keras, .* as in 2\.2 or"):
        eras.parsed(text)


def test_a_call_says_what_its_era_meant_unsaid():
    parameters = ("units", "activation", "recurrent_activation", "reset_after")

    def translated(*args, **kwargs):
        return arguments.translate("GRU", args, kwargs, parameters, era=KERAS2)

    assert translated(3).kwargs == {"units": 3, **dict([HARD, BEFORE])}
    assert translated(3).notes[0] == "recurrent_activation='hard_sigmoid' (Keras 2.2's default)"
    assert translated(3, "tanh", "relu").kwargs["recurrent_activation"] == "relu"
    assert translated(3, reset_after=True).kwargs["reset_after"] is True
    # CuDNNGRU always was as today.
    cudnn = arguments.translate("CuDNNGRU", (3,), {}, parameters, era=KERAS2)
    assert cudnn.kwargs == {"units": 3}
