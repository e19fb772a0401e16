"""Which files load, and how exactly: writes one of each kind, loads it, and makes a page of it.

    KERAS_BACKEND=tensorflow .venv-backends/bin/python tests/models/compatibility.py

writes docs/compatibility.md whole. Files up to TensorFlow 2.4 are laid out by `layout.py`, and what
they must compute comes from `elman.reference`, or from a formula in NumPy. Those of Keras 2.15 are
written by the package tf-keras, those of Keras 3 by Keras; there the model that wrote the file is
the truth.
"""

import importlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from elman import models, reference

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, node, sequential, write
from test_old_generations import (
    B,
    H,
    I,
    T,
    correlation,
    cudnn_cell,
    keras1_recurrent,
    keras1_settings,
    keras2_cell,
    keras2_settings,
    named,
    normal,
)  # fmt: skip

PAGE = Path(__file__).parent.parent.parent / "docs" / "compatibility.md"
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(B, T, I)).astype("float32")
IDS = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 6, 1], [1, 1, 1, 1, 1]])
PADDED = X * (IDS != 0)[:, :, None].astype("float32")
FILM = RANDOM.normal(size=(B, 3, 4, 4, 2)).astype("float32")


class Era(NamedTuple):
    """Who writes a file: by hand ("layout"), "tf_keras" or "keras"."""

    title: str
    by: str
    version: str | None = None
    ending: str = ".h5"
    names_as: type = bytes

    @property
    def is_keras1(self) -> bool:
        return self.by == "layout" and (self.version or "1") < "2"

    @property
    def as_list(self) -> bool:
        """Whether a stack was the list of its layers."""
        return (self.version or "1") < "2.2"


ERAS = (
    Era("Keras 1.0", "layout", None),
    Era("Keras 1.2", "layout", "1.2.2"),
    Era("Keras 2.0", "layout", "2.0.8"),
    Era("Keras 2.2", "layout", "2.2.4"),
    Era("TF 1.12", "layout", "2.1.6-tf", names_as=str),
    Era("TF 1.15, 2.0", "layout", "2.2.4-tf", names_as=str),
    Era("TF 2.4", "layout", "2.4.0", names_as=str),
    Era("Keras 2.15 `.h5`", "tf_keras"),
    Era("Keras 2.15 `.keras`", "tf_keras", ending=".keras"),
    Era("Keras 3 `.h5`", "keras"),
    Era("Keras 3 `.keras`", "keras", ending=".keras"),
)


class Laid(NamedTuple):
    """What to lay out: layers or a whole configuration, the arrays of each layer, the truth."""

    layers: Any
    arrays: dict[str, list]
    truth: Callable[[Any], Any]


@dataclass
class Row:
    """A layer, perhaps with an option, in the words of each era.

    Attributes:
        title: what the page calls it.
        laid: what an era's file has; None where it is only written by code.
        code: the model, of the module `tf_keras` or `keras`.
        x: what the model is given.
        absent: how the titles of the eras begin that had no such thing.
        calls: how often the model is called, its state carried.
        weights: whether the file has weights alone.
        functions: what `load_model` is handed.
    """

    title: str
    laid: Callable[[Era], Laid] | None
    code: Callable[[Any], Any] | None
    x: Any = field(default_factory=lambda: X)
    absent: Sequence[str] = ()
    calls: int = 1
    weights: bool = False
    functions: dict[str, Callable] | None = None

    def exists(self, era: Era) -> bool:
        made = self.laid if era.by == "layout" else self.code
        return made is not None and not era.title.startswith(tuple(self.absent))


KERAS1, KERAS3 = ("Keras 1.",), ("Keras 3",)
UP_TO_2_0 = ("Keras 1.", "Keras 2.0")
INNER = {True: "inner_activation", False: "recurrent_activation"}  # by whether it is Keras 1


def stack(k, *layers, shape=(T, I), **batch):
    return k.Sequential([k.layers.Input(shape, **batch), *layers])


# Recurrent layers


def written(era, kind, name="rnn_1", inputs=I, **more):
    """Settings, arrays and `reference` cell of a layer, its gates hard_sigmoid."""
    if era.is_keras1:
        arrays, cell = keras1_recurrent(kind, name, inputs=inputs)
        return keras1_settings(kind, **{"name": name, **more}), arrays, cell
    arrays, cell = keras2_cell(kind, inputs)
    if kind.startswith("GRU") and era not in ERAS[:3]:
        more = {"reset_after": False, **more}
    return keras2_settings(name, kind, **more), named(name, arrays), cell


def recurrent(title, kind, gates="hard_sigmoid", absent=(), calls=1, **options):
    """A layer whose gates are those of the time before Keras 2.3, or are sigmoid."""
    own = {} if kind == "SimpleRNN" else {"recurrent_activation": gates}
    time_major, after = options.get("time_major"), options.get("reset_after")
    shape = [T, B, I] if time_major else [B, T, I]

    def laid(era):
        settings, arrays, cell = written(era, kind, batch_input_shape=shape, **options)
        if after:
            name, bias = arrays[2][0], normal(2, 3 * H)
            arrays[2], cell = (name, bias), reference.GRU(cell.kernel, cell.recurrent_kernel, bias)
        elif kind == "LSTM" and gates == "sigmoid":
            cell = reference.LSTM(cell.kernel, cell.recurrent_kernel, cell.bias)
        settings |= {INNER[era.is_keras1]: gates} if own else {}
        return Laid([(kind, settings)], {"rnn_1": arrays}, lambda x: truth(cell, x))

    def truth(cell, x):
        x = np.swapaxes(x, 0, 1) if time_major else x
        states, found = None, []
        for _ in range(calls):
            backwards = options.get("go_backwards", False)
            run = reference.forward(cell, x, initial_states=states, go_backwards=backwards)
            states = run.states
            found.append(run.outputs if options.get("return_sequences") else run.last_output)
        return [np.swapaxes(y, 0, 1) if time_major else y for y in found]

    def code(k):
        given = own | ({"reset_after": False} if kind == "GRU" else {}) | options
        batch = {"batch_size": shape[0]} if time_major or calls > 1 else {}
        return stack(k, getattr(k.layers, kind)(H, **given), shape=tuple(shape[1:]), **batch)

    x = np.swapaxes(X, 0, 1) if time_major else X
    return Row(title, laid, code, x, absent, calls)


def cudnn(kind):
    def laid(era):
        arrays, cell = cudnn_cell(kind)
        settings = {"name": "rnn_1", "units": H, "batch_input_shape": [None, T, I]}
        arrays = {"rnn_1": named("rnn_1", arrays)}
        return Laid([(f"CuDNN{kind}", settings)], arrays,
                    lambda x: reference.forward(cell, x).last_output)  # fmt: skip

    return Row(f"CuDNN{kind}", laid, None, absent=UP_TO_2_0)


def stacked_cells(era):
    first, one, lower = written(era, "LSTM", "cell_1")
    second, two, upper = written(era, "GRU", "cell_2", inputs=H)
    cells = [{"class_name": "LSTMCell", "config": first},
             {"class_name": "GRUCell", "config": second}]  # fmt: skip
    cell = {"class_name": "StackedRNNCells", "config": {"cells": cells}}
    settings = {"name": "rnn_1", "cell": cell, "batch_input_shape": [None, T, I]}

    def truth(x):
        return reference.forward(upper, reference.forward(lower, x).outputs).last_output

    return Laid([("RNN", settings)], {"rnn_1": one + two}, truth)


def bidirectional(era):
    settings, one, forward = written(era, "LSTM", "forward_lstm_1")
    _, two, backward = written(era, "LSTM", "backward_lstm_1")
    wrapped = {"class_name": "LSTM", "config": {**settings, "return_sequences": True}}
    pair = {"name": "pair", "layer": wrapped, "merge_mode": "concat",
            "batch_input_shape": [None, T, I]}  # fmt: skip

    def truth(x):
        back = reference.forward(backward, x, go_backwards=True).outputs[:, ::-1]
        return np.concatenate([reference.forward(forward, x).outputs, back], -1)

    return Laid([("Bidirectional", pair)], {"pair": one + two}, truth)


def film(era):
    """ConvLSTM2D; what it must compute is that of Keras's own layer."""
    shapes = [(3, 3, 2, 4 * H), (3, 3, H, 4 * H), (4 * H,)]
    arrays = [normal(*shape) for shape in shapes]
    own = {"name": "film", "batch_input_shape": [None, *FILM.shape[1:]], "activation": "tanh",
           "return_sequences": False}  # fmt: skip
    if era.is_keras1:
        settings = {"nb_filter": H, "nb_row": 3, "nb_col": 3, "border_mode": "same",
                    "inner_activation": "sigmoid", "dim_ordering": "tf"}  # fmt: skip
        # An array for each gate, in another order.
        gates = [dict(zip("ifco", np.split(a, 4, -1), strict=True)) for a in arrays]
        kept = [
            (f"film_{name}_{gate}:0", of_gates[gate])
            for gate in "icfo"
            for name, of_gates in zip("WUb", gates, strict=True)
        ]
    else:
        settings = {"filters": H, "kernel_size": [3, 3], "padding": "same",
                    "recurrent_activation": "sigmoid"}  # fmt: skip
        kept = named("film", zip(("kernel", "recurrent_kernel", "bias"), arrays, strict=True))
    judge = keras.layers.ConvLSTM2D(H, 3, padding="same")
    judge.build(FILM.shape)
    judge.set_weights(arrays)
    return Laid([("ConvLSTM2D", {**own, **settings})], {"film": kept}, judge)


def words(era):
    """An Embedding that masks, and an LSTM behind it."""
    table = normal(7, I)
    settings, arrays, cell = written(era, "LSTM")
    first = {"input_dim": 7, "output_dim": I, "mask_zero": True}
    first |= {"dropout": 0.0} if era.is_keras1 else {"input_length": None}
    first |= {"name": "words", "batch_input_shape": [None, None]}
    return Laid(
        [("Embedding", first), ("LSTM", settings)],
        {"words": [("words/embeddings:0", table)], "rnn_1": arrays},
        lambda x: reference.forward(cell, table[x], mask=x != 0).last_output,
    )


def masking(era):
    settings, arrays, cell = written(era, "GRU")
    mask = {"name": "mask", "mask_value": 0.0, "batch_input_shape": [None, T, I]}
    return Laid(
        [("Masking", mask), ("GRU", settings)],
        {"mask": [], "rnn_1": arrays},
        lambda x: reference.forward(cell, x, mask=(x != 0).any(-1)).last_output,
    )


def encoder_decoder(era):
    first, one, encoder = written(era, "LSTM", "encoder", return_state=True)
    second, two, decoder = written(era, "LSTM", "decoder", return_state=True, return_sequences=True)
    config = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, T, I]}, []),
         ("LSTM", first, [node("in")]),
         ("LSTM", second, [node("in", ("encoder", 0, 1), ("encoder", 0, 2))])],
        ["in"], ["decoder"],
    )  # fmt: skip

    def truth(x):
        states = reference.forward(encoder, x).states
        return reference.forward(decoder, x, initial_states=states).outputs

    return Laid(config, {"in": [], "encoder": one, "decoder": two}, truth)


def encoder_decoder_code(k):
    x = k.layers.Input((T, I))
    _, *states = k.layers.LSTM(H, return_state=True)(x)
    decoder = k.layers.LSTM(H, return_sequences=True, return_state=True)
    return k.Model(x, decoder(x, initial_state=states)[0])


def called_twice(era):
    """One LSTM in two places of a graph."""
    settings, arrays, cell = written(era, "LSTM")
    add = ("Merge", {"name": "sum", "mode": "sum"}) if era.is_keras1 else ("Add", {"name": "sum"})
    config = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, T, I]}, []),
         ("Activation", {"name": "tanh", "activation": "tanh"}, [node("in")]),
         ("LSTM", settings, [node("in"), node("tanh")]),
         (*add, [node("rnn_1", ("rnn_1", 1, 0))])],
        ["in"], ["sum"],
    )  # fmt: skip

    def truth(x):
        return sum(reference.forward(cell, one).last_output for one in (x, np.tanh(x)))

    return Laid(config, {"rnn_1": arrays}, truth)


def called_twice_code(k):
    x, layer = k.layers.Input((T, I)), k.layers.LSTM(H)
    return k.Model(x, k.layers.Add()([layer(x), layer(k.layers.Activation("tanh")(x))]))


# Other layers


def dense_settings(era, name, **more):
    own = {"output_dim": 3, "bias": True} if era.is_keras1 else {"units": 3, "use_bias": True}
    return {"name": name, "activation": "tanh", **own, **more}


def dense(era):
    w, b = normal(I, 3), normal(3)
    return Laid(
        [("Dense", dense_settings(era, "dense_1", batch_input_shape=[None, I]))],
        {"dense_1": [("dense_1/kernel:0", w), ("dense_1/bias:0", b)]},
        lambda x: np.tanh(x @ w + b),
    )


def distributed(era):
    w, b = normal(I, 3), normal(3)
    inner = {"class_name": "Dense", "config": dense_settings(era, "dense_1")}
    return Laid(
        [("TimeDistributed", {"name": "each", "layer": inner, "batch_input_shape": [None, T, I]})],
        {"each": [("each/kernel:0", w), ("each/bias:0", b)]},
        lambda x: np.tanh(x @ w + b),
    )


def convolution(era):
    kernel, bias = normal(3, I, H), normal(H)
    own = {"name": "conv", "batch_input_shape": [None, T, I]}
    if era.is_keras1:
        settings = {"nb_filter": H, "filter_length": 3, "border_mode": "valid"}
        kept = [("conv_W:0", kernel[:, None]), ("conv_b:0", bias)]
        layer = ("Convolution1D", {**own, **settings})
    else:
        settings = {"filters": H, "kernel_size": [3], "padding": "valid"}
        kept = [("conv/kernel:0", kernel), ("conv/bias:0", bias)]
        layer = ("Conv1D", {**own, **settings})
    return Laid([layer], {"conv": kept}, lambda x: correlation(x, kernel) + bias)


def normalization(era):
    gamma, beta, mean, variance = normal(I), normal(I), normal(I), np.abs(normal(I)) + 0.1
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    settings = {"name": "norm", "epsilon": 1e-2, "axis": -1, "momentum": 0.9,
                "batch_input_shape": [None, T, I]}  # fmt: skip
    return Laid(
        [("BatchNormalization", settings)],
        {"norm": named("norm", zip(names, (gamma, beta, mean, variance), strict=True))},
        lambda x: gamma * (x - mean) / np.sqrt(variance + 1e-2) + beta,
    )


def nested(era):
    w, b, v, c = normal(I, 3), normal(3), normal(3, 3), normal(3)
    first = dense_settings(era, "dense_1", batch_input_shape=[None, I])
    inner = sequential(("Dense", first), name="inner", as_list=era.as_list)
    return Laid(
        [tuple(inner.values()), ("Dense", dense_settings(era, "dense_2"))],
        {"sequential_1" if era.as_list else "inner": [("k", w), ("b", b)],
         "dense_2": [("k", v), ("b", c)]},
        lambda x: np.tanh(np.tanh(x @ w + b) @ v + c),
    )  # fmt: skip


def branches(era):
    w, b, v, c = normal(I, 3), normal(3), normal(I, 3), normal(3)
    merge = ("Merge", {"name": "both", "mode": "concat", "concat_axis": -1})
    merge = merge if era.is_keras1 else ("Concatenate", {"name": "both", "axis": -1})
    config = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, I]}, []),
         *[("Dense", dense_settings(era, name), [node("in")]) for name in ("one", "two")],
         (*merge, [node("one", "two")])],
        ["in"], ["both"],
    )  # fmt: skip
    kept = {"one": [("k", w), ("b", b)], "two": [("k", v), ("b", c)]}
    return Laid(config, kept, lambda x: np.tanh(np.concatenate([x @ w + b, x @ v + c], -1)))


def branches_code(k):
    x = k.layers.Input((I,))
    return k.Model(x, k.layers.Concatenate()([k.layers.Dense(3)(x), k.layers.Dense(3)(x)]))


def operation(era):
    """`tf.abs(x)` in a graph."""
    if era.version == "2.4.0":
        written = ("TFOpLambda", {"name": "tf.math.abs", "function": "math.abs"})
    else:
        node_def = {"name": "Abs", "op": "Abs", "input": ["in"], "attr": {}}
        written = ("TensorFlowOpLayer", {"name": "abs", "node_def": node_def, "constants": {}})
    first = ("InputLayer", {"name": "in", "batch_input_shape": [None, T, I]}, [])
    calls = [["in", 0, 0, {}]] if era.version == "2.4.0" else [node("in")]
    return Laid(functional([first, (*written, calls)], ["in"], [written[1]["name"]]), {}, np.abs)


def operation_code(k):
    x = k.layers.Input((T, I))
    return k.Model(
        x, (importlib.import_module("tensorflow") if k is not keras else keras.ops).abs(x)
    )


def function(era):
    settings = {"name": "twice", "function": ["4wEAAAA=", None, None], "function_type": "lambda",
                "arguments": {}, "batch_input_shape": [None, T, I]}  # fmt: skip
    return Laid([("Lambda", settings)], {"twice": []}, lambda x: 2 * x)


def weights_alone(era):
    _, arrays, cell = written(era, "LSTM")
    w, b = normal(H, 3), normal(3)
    kept = {"rnn_1": arrays, "dense_1": [("k", w), ("b", b)]}
    return Laid(None, kept, lambda x: reference.forward(cell, x).last_output @ w + b)


def weights_alone_code(k):
    gates = {"recurrent_activation": "hard_sigmoid"} if k is not keras else {
        "recurrent_activation": keras.activations.hard_sigmoid}  # fmt: skip
    return stack(k, k.layers.LSTM(H, **gates), k.layers.Dense(3))


def to_fill(era) -> Any:
    """The model of elman that weights alone are loaded into."""
    from elman import layers

    old = layers.activations.hard_sigmoid
    gates = keras.activations.hard_sigmoid if era.by == "keras" else old
    first = layers.LSTM(H, recurrent_activation=gates, input_shape=(T, I))
    return models.Sequential([first, layers.Dense(3)])


def one(make, **shape):
    return lambda k: stack(k, make(k.layers), **shape)


ROWS = (
    recurrent("SimpleRNN", "SimpleRNN"),
    recurrent("LSTM", "LSTM", "sigmoid"),
    recurrent("LSTM, `hard_sigmoid`", "LSTM"),
    recurrent("LSTM, `stateful`, two batches", "LSTM", stateful=True, calls=2),
    recurrent("LSTM, `go_backwards`", "LSTM", go_backwards=True, return_sequences=True),
    recurrent("LSTM, `time_major`", "LSTM", "sigmoid", time_major=True, return_sequences=True,
              absent=("Keras 1.", "Keras 2.0", "Keras 2.2", "TF 1.12", "Keras 3")),
    recurrent("GRU, reset before the product", "GRU"),
    recurrent("GRU, `reset_after`", "GRU", "sigmoid", reset_after=True, absent=UP_TO_2_0),
    cudnn("LSTM"),
    cudnn("GRU"),
    Row("RNN of an LSTM cell and a GRU cell", stacked_cells, one(lambda of: of.RNN(
        [of.LSTMCell(H), of.GRUCell(H, reset_after=False)])), absent=UP_TO_2_0),
    Row("Bidirectional LSTM", bidirectional, one(lambda of: of.Bidirectional(
        of.LSTM(H, recurrent_activation="hard_sigmoid", return_sequences=True)))),
    Row("ConvLSTM2D", film, one(lambda of: of.ConvLSTM2D(H, 3, padding="same"),
                                shape=FILM.shape[1:]), FILM, ("Keras 1.0",)),
    Row("Embedding with a mask, LSTM", words, lambda k: stack(
        k, k.layers.Embedding(7, I, mask_zero=True), k.layers.LSTM(H), shape=(None,)), IDS),
    Row("Masking, GRU", masking, lambda k: stack(k, k.layers.Masking(), k.layers.GRU(H)), PADDED),
    Row("LSTM with the states of another", encoder_decoder, encoder_decoder_code, absent=KERAS1),
    Row("LSTM called twice", called_twice, called_twice_code),
    Row("TimeDistributed Dense", distributed,
        one(lambda of: of.TimeDistributed(of.Dense(3, activation="tanh")))),
    Row("Dense", dense, one(lambda of: of.Dense(3, activation="tanh"), shape=(I,)), X[:, 0]),
    Row("Conv1D", convolution, one(lambda of: of.Conv1D(H, 3))),
    Row("BatchNormalization", normalization, one(lambda of: of.BatchNormalization(epsilon=1e-2))),
    Row("A stack in a stack", nested, lambda k: stack(
        k, stack(k, k.layers.Dense(3), shape=(I,)), k.layers.Dense(3), shape=(I,)), X[:, 0]),
    Row("Two branches, concatenated", branches, branches_code, X[:, 0]),
    Row("An operation, `tf.abs(x)`", operation, operation_code,
        absent=(*UP_TO_2_0, "Keras 2.2", "TF 1.12")),
    Row("Lambda, with `functions=`", function, one(lambda of: of.Lambda(
        lambda x: 2 * x, name="twice")), functions={"twice": lambda x: 2 * x}),
    Row("Weights alone, LSTM and Dense", weights_alone, weights_alone_code, weights=True),
)  # fmt: skip


# One cell


def difference(row: Row, era: Era, folder: Path) -> float:
    """The largest difference between what a file's model computes and what it must compute.

    Relative to the largest number that it must compute, where that is beyond 1.
    """
    path = folder / f"file{'.weights' * (row.weights and era.by == 'keras')}{era.ending}"
    expected = _lay(row, era, path) if era.by == "layout" else _save(row, era, path)
    if row.weights:
        model = to_fill(era)
        model.load_weights(path)
    else:
        model = models.load_model(path, functions=row.functions)
    found = [keras.ops.convert_to_numpy(model(row.x)) for _ in range(row.calls)]
    expected = expected if isinstance(expected, list) else [expected]
    worst = 0.0
    for ours, theirs in zip(found, map(np.asarray, expected), strict=True):
        assert ours.shape == theirs.shape, (row.title, era.title, ours.shape, theirs.shape)
        worst = max(worst, float(np.abs(ours - theirs).max() / max(1, np.abs(theirs).max())))
    return worst


def _lay(row: Row, era: Era, path: Path):
    layers, arrays, truth = row.laid(era)
    config = sequential(*layers, as_list=era.as_list) if isinstance(layers, list) else layers
    write(path, config, arrays, era.version, names_as=era.names_as)
    expected = truth(row.x)
    return expected if isinstance(expected, list) else keras.ops.convert_to_numpy(expected)


def _save(row: Row, era: Era, path: Path):
    k = importlib.import_module(era.by)
    model = row.code(k)
    model.set_weights([_random_like(w) for w in model.weights])
    save = model.save_weights if row.weights else model.save
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf-keras calls HDF5 legacy
        save(path)
    # tf-keras computes with TensorFlow, whatever Keras 3 computes with.
    return [np.array(model(row.x)) if k is not keras else keras.ops.convert_to_numpy(model(row.x))
            for _ in range(row.calls)]  # fmt: skip


def _random_like(weight):
    value = RANDOM.normal(scale=0.5, size=weight.shape)
    return np.abs(value) + 0.1 if "variance" in weight.name else value


def cell(row: Row, era: Era) -> tuple[str, str]:
    """What the table says, and why where that is "no".

    A number, or "-" where there was no such thing.
    """
    if not row.exists(era) or (row.weights and era.ending == ".keras"):
        return "-", ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            worst = difference(row, era, Path(folder))
        except ValueError as error:
            return "no", f"{' '.join(str(error).split()):.300}"
    return "0" if worst == 0 else f"{worst:.0e}", ""


# What is not loaded


def refusals() -> Iterator[tuple[str, str]]:
    """What no file can give, and what `load_model` says about it."""
    shape = {"batch_input_shape": [None, T, I]}
    layers = {
        "a Lambda, without `functions=`": ("Lambda", {
            "name": "twice", "function": ["4wEAAAA=", None, None], "function_type": "lambda"}),
        "a layer of your own, without `custom_objects=`": ("Attention2", {"name": "own"}),
        "an operation that elman does not know": ("TFOpLambda", {
            "name": "tf.image.resize", "function": "image.resize"}),
        "Highway of Keras 1": ("Highway", {"name": "highway_1"}),
    }  # fmt: skip
    configs = {title: sequential((kind, {**settings, **shape}))
               for title, (kind, settings) in layers.items()}  # fmt: skip
    configs["a subclassed model"] = {"class_name": "MyModel", "config": {}}
    for title, config in configs.items():
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder, "old.h5"), config, {}, "2.4.0", names_as=str)
            try:
                models.load_model(path)
            except ValueError as error:
                yield title, " ".join(str(error).split())
            else:
                raise AssertionError(f"{title} loads")  # no refusal any more: take it off


# The page

_TEXT = """\
# Which files load

This page is made by a program. For each Keras and each layer it writes a file, loads it with
`elman.models.load_model` and calls the model. [files.md](files.md) says what is translated.

A number is the largest difference between what the loaded model computes and what it must
compute, relative to the largest number where that is beyond 1. The models compute in 32 bits,
where 1e-07 is one unit in the last place. `0` is no difference. A dash: that Keras had no such
layer, option or file.

- Files up to TF 2.4 are laid out as that Keras laid them out. What they must compute comes from
  `elman.reference`, or from a formula in NumPy; for ConvLSTM2D from Keras's own layer.
- Files of Keras 2.15 are written by the package tf-keras, which goes on from it, and those of
  Keras 3 by Keras. They must compute what the model computed that wrote them.
- `hard_sigmoid` is each Keras's own: Keras 3 has another than those before it.
- `CuDNNLSTM` and `CuDNNGRU` could be written up to TensorFlow 2.15, all in the same layout.

Made with {versions}.
To make it again:

    {command}
"""
COMMAND = __doc__.split("\n\n")[1].strip()


def table(rows: Sequence[Row], eras: Sequence[Era]) -> tuple[list[str], list[str]]:
    """The lines of the table, and of a second one with the reasons where it says "no"."""
    titles = ["", *(era.title for era in eras)]
    found = {row.title: [cell(row, era) for era in eras] for row in rows}
    lines = [titles, ["---", *("---:" for _ in eras)]]
    lines += [[title, *(said for said, _ in cells)] for title, cells in found.items()]
    reasons = [
        [f"{title}, {era.title}", why]
        for title, cells in found.items()
        for era, (_, why) in zip(eras, cells, strict=True)
        if why
    ]
    return [*map(_line, lines)], [*map(_line, reasons)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    packages = {"elman": "elman", "Keras": "keras", "tf-keras": "tf-keras",
                "NumPy": "numpy", "h5py": "h5py"}  # fmt: skip
    versions = [f"{name} {version(package)}" for name, package in packages.items()]
    versions.append(f"on the backend {keras.backend.backend()}")
    lines, reasons = table(ROWS, ERAS)
    parts = [
        _TEXT.format(versions=", ".join(versions), command=COMMAND),
        *lines,
        "\n## What does not load\n",
        "What `load_model` says of it, and what to do:\n",
        "| | |\n|---|---|",
        *map(_line, refusals()),
        *reasons,
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    for logger in ("absl", "tensorflow"):  # HDF5 is called legacy there
        logging.getLogger(logger).setLevel("ERROR")
    PAGE.write_text(page())
