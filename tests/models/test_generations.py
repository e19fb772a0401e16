"""What files of each generation say in their own way, from Keras 1 to files that Keras 3 wrote."""

import json
import re
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from elman import layers, models, reference
from elman.legacy.describe import describe

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
import layout
from layout import functional, node, sequential

ops = keras.ops
B, T, I, H = 3, 5, 2, 4  # noqa: E741
RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(scale=0.5, size=shape).astype("float32")


X = normal(B, T, I)


def write(*args, **kwargs):
    """A file without text of variable length, which another process would read first."""
    return layout.write(*args, **kwargs, names_as=np.bytes_)


def arrays(tensors):
    return [ops.convert_to_numpy(one) for one in keras.tree.flatten(tensors)]


def close(found, expected, atol=1e-6):
    for a, b in zip(arrays(found), arrays(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


def named(name, given):
    return [(f"{name}/{i}:0", array) for i, array in enumerate(given)]


def lstm(inputs=I, **settings):
    """The arrays of an LSTM with the old hard_sigmoid, and what they are by `reference/`."""
    given = normal(inputs, 4 * H), normal(H, 4 * H), normal(4 * H)
    return given, reference.LSTM(*given, recurrent_activation="hard_sigmoid", **settings)


FIRST = {"batch_input_shape": [None, T, I]}


def settings(name, **more):
    return {"name": name, "trainable": True, "units": H, "activation": "tanh",
            "recurrent_activation": "hard_sigmoid", "use_bias": True, **more}  # fmt: skip


def dense(name, units=3, **more):
    return "Dense", {"name": name, "trainable": True, "units": units, "use_bias": True, **more}


# tf.keras of TensorFlow 1

TF1 = ["2.1.6-tf", "2.2.4-tf"]


def initializer(name, **config):
    return {"class_name": name, "config": {**config, "dtype": "float32"}}


def of_tensorflow1(name, **more):
    return settings(
        name, kernel_initializer=initializer("GlorotUniform", seed=None),
        recurrent_initializer=initializer("Orthogonal", gain=1.0, seed=None),
        bias_initializer=initializer("Zeros"), **more,
    )  # fmt: skip


@pytest.mark.parametrize("version", TF1)
@pytest.mark.parametrize("kind", ["LSTM", "UnifiedLSTM"])
def test_initializers_of_tensorflow1_have_a_dtype(kind, version, tmp_path):
    """Inside wrappers and cells as well."""
    (one, first), (two, second), (three, third) = lstm(), lstm(), lstm(2 * H)
    beta, gamma, mean, variance = normal(H), normal(H), normal(H), np.abs(normal(H)) + 0.1
    inner = {"class_name": kind, "config": of_tensorflow1("inner", return_sequences=True)}
    cells = [{"class_name": "LSTMCell", "config": of_tensorflow1("cell")}]
    stacked = {"class_name": "StackedRNNCells", "config": {"name": "cells", "cells": cells}}
    config = sequential(
        ("Bidirectional", {"name": "pair", "merge_mode": "concat", "layer": inner, **FIRST}),
        ("RNN", {"name": "rnn", "cell": stacked, "return_sequences": False}),
        ("BatchNormalizationV1", {"name": "bn", "axis": [1], "epsilon": 0.01, "momentum": 0.9,
                                  "gamma_initializer": initializer("Ones"),
                                  "moving_mean_initializer": initializer("Zeros")}),
    )  # fmt: skip
    kept = {"pair": named("pair", [*one, *two]), "rnn": named("rnn", three),
            "bn": named("bn", [gamma, beta, mean, variance])}  # fmt: skip
    model = models.load_model(write(tmp_path / "m.h5", config, kept, version))
    pair = np.concatenate(
        [reference.forward(first, X).outputs,
         reference.forward(second, X, go_backwards=True).outputs[:, ::-1]], -1
    )  # fmt: skip
    last = reference.forward(third, pair).last_output
    close(model(X), (last - mean) / np.sqrt(variance + 0.01) * gamma + beta)


def test_gru_of_the_later_keras_by_its_name_in_tensorflow1(tmp_path):
    given = normal(I, 3 * H), normal(H, 3 * H), normal(2, 3 * H)
    config = sequential(
        ("UnifiedGRU", {**of_tensorflow1("rnn", **FIRST), "recurrent_activation": "sigmoid",
                        "reset_after": True})
    )  # fmt: skip
    path = write(tmp_path / "m.h5", config, {"rnn": named("rnn", given)}, "2.2.4-tf")
    close(models.load_model(path)(X), reference.forward(reference.GRU(*given), X).last_output)


# Functions and classes that the caller gives


@pytest.mark.parametrize("version", ["2.0.0", "2.1.6", "2.2.4", "2.3.1"])
@pytest.mark.parametrize("dtype", [None, "input_dtype", "dtype"])
def test_a_lambda_first_in_a_stack(dtype, version, tmp_path):
    w, b = normal(T * I, 3), normal(3)
    first = {"name": "twice", "trainable": True, **FIRST, "function": ["4wEA", None, None],
             "function_type": "lambda", "output_shape": None, "output_shape_type": "raw",
             "arguments": {}, **({dtype: "int32"} if dtype else {})}  # fmt: skip
    config = sequential(("Lambda", first), ("Flatten", {"name": "flat"}), dense("d"),
                        as_list=version < "2.2")  # fmt: skip
    kept = {"twice": [], "flat": [], "d": named("d", [w, b])}
    path = write(tmp_path / "m.h5", config, kept, version)
    model = models.load_model(path, functions={"twice": lambda x: 2.0 * ops.cast(x, "float32")})
    x = RANDOM.integers(0, 5, X.shape) if dtype else X
    close(model(x), 2 * x.reshape(B, -1) @ w + b, atol=1e-5)
    assert model.inputs[0].dtype == ("int32" if dtype else "float32")


def half(x):
    return 0.5 * x


def old_layers(generation, word):
    """One of each kind of layer whose activation is a function of the program's."""
    first = {"batch_input_shape": [None, T, I]}
    if generation == "1.2.2":
        rnn = {"output_dim": H, "activation": word, "inner_activation": word}
        conv = {"nb_filter": H, "filter_length": 1, "activation": word}
        last = {"output_dim": 3, "activation": word}
    else:
        rnn = {"units": H, "activation": word, "recurrent_activation": word}
        conv = {"filters": H, "kernel_size": [1], "activation": word}
        last = {"units": 3, "activation": word}
    kind = "Convolution1D" if generation == "1.2.2" else "Conv1D"
    return sequential(
        (kind, {"name": "conv", **conv, **first}),
        ("Activation", {"name": "a", "activation": word}),
        ("LSTM", {"name": "rnn", **rnn}), ("Dense", {"name": "d", **last}),
        as_list=generation == "1.2.2",
    )  # fmt: skip


@pytest.mark.parametrize("generation", ["1.2.2", "2.2.4", "2.4.0"])
def test_activations_of_the_program(generation, tmp_path):
    kernel, bias, w, b = normal(1, I, H), normal(H), normal(H, 3), normal(3)
    given = normal(H, 4 * H), normal(H, 4 * H), normal(4 * H)
    if generation == "1.2.2":
        parts = [np.split(a, 4, -1) for a in given]
        each = [parts[k][g] for g in (0, 2, 1, 3) for k in range(3)]
        kept = {"conv": [("conv_W:0", kernel[:, None]), ("conv_b:0", bias)], "a": [],
                "rnn": [(f"rnn_{n}:0", a) for n, a in enumerate(each)]}  # fmt: skip
    else:
        kept = {"conv": named("conv", [kernel, bias]), "a": [], "rnn": named("rnn", given)}
    path = write(tmp_path / "m.h5", old_layers(generation, "half"),
                 {**kept, "d": named("d", [w, b])}, generation)  # fmt: skip
    with pytest.raises(ValueError, match=r"custom_objects=\{\"half\": \.\.\.\}"):
        models.load_model(path)
    assert any('custom_objects={"half": ...}' in one for one in describe(path).problems)
    model = models.load_model(path, custom_objects={"half": half})
    x = half(half(X @ kernel[0] + bias))
    h, cell = np.zeros((B, H)), np.zeros((B, H))
    for t in range(T):
        i, f, c, o = np.split(x[:, t] @ given[0] + h @ given[1] + given[2], 4, -1)
        cell = half(f) * cell + half(i) * half(c)
        h = half(o) * half(cell)
    close(model(X), half(h @ w + b), atol=1e-5)


class Scaled(keras.layers.Layer):
    """A class of the program's, which needs its configuration as it was written."""

    def __init__(self, max_value=None, score=None, **kwargs):
        super().__init__(**kwargs)
        self.given = {"max_value": max_value, "score": score}

    def call(self, x):
        return x * self.given["max_value"]


@pytest.mark.parametrize(
    ("name", "version"),
    [("ReLU", "2.0.8"), ("LayerNormalization", "2.2.4"), ("Attention", "2.2.4"),
     ("ReLU", "2.11.0"), ("Attention", "1.2.2"), ("Merge", "2.2.4")],
)  # fmt: skip
def test_a_class_of_the_program_wins_over_one_of_its_name(name, version, tmp_path):
    """Keras got layers of these names later, whose arguments are others."""
    own = {"name": "own", "max_value": 3.0, "score": {"mode": ["a"]}, **FIRST}
    config = sequential((name, own), as_list=version < "2.2")
    path = write(tmp_path / "m.h5", config, {"own": []}, version)
    model = models.load_model(path, custom_objects={name: Scaled})
    close(model(X), 3 * X)
    assert model.layers[0].given["score"] == {"mode": ["a"]}


# Layers as activations

LAYERS = {
    "LeakyReLU": ({"alpha": 0.1}, lambda x: np.where(x < 0, 0.1 * x, x)),
    "ELU": ({"alpha": 0.5}, lambda x: np.where(x < 0, 0.5 * np.expm1(x), x)),
    "ReLU": ({"max_value": 0.2}, lambda x: np.clip(x, 0, 0.2)),
}


@pytest.mark.parametrize("version", ["2.1.6", "2.2.4-tf", "2.6.0"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_as_activations(name, version, tmp_path):
    config, function = LAYERS[name]
    written = {"class_name": name, "config": {"name": "act", **config}}
    w, b = normal(I, 3), normal(3)
    stack = sequential(
        dense("d", activation=written, **FIRST),
        ("SimpleRNN", {"name": "r", "units": H, "activation": written}),
    )
    v, u, c = normal(3, H), normal(H, H), normal(H)
    kept = {"d": named("d", [w, b]), "r": named("r", [v, u, c])}
    model = models.load_model(write(tmp_path / "m.h5", stack, kept, version))
    x, h = function(X @ w + b), np.zeros((B, H))
    for t in range(T):
        h = function(x[:, t] @ v + h @ u + c)
    close(model(X), h)


def test_a_layer_with_weights_as_an_activation(tmp_path):
    written = {"class_name": "PReLU", "config": {"name": "act", "shared_axes": None}}
    w, b, alpha = normal(T * I, 3), normal(3), np.abs(normal(3))
    stack = sequential(("Flatten", {"name": "f", **FIRST}), dense("d", activation=written))
    kept = {"f": [], "d": named("d", [w, b, alpha])}
    model = models.load_model(write(tmp_path / "m.h5", stack, kept, "2.4.0"))
    y = X.reshape(B, -1) @ w + b
    close(model(X), np.where(y < 0, alpha * y, y))


# Two directions


@pytest.mark.parametrize("version", ["2.0.8", "2.2.4", "2.3.0-tf"])
@pytest.mark.parametrize("backwards", [False, True])
def test_both_ways_of_a_layer_that_runs_backwards(backwards, version, tmp_path):
    """Keras 2 turned the copy around, so that the first one may be the one that runs backwards."""
    (one, first), (two, second) = lstm(), lstm()
    inner = settings("rnn", return_sequences=True, go_backwards=backwards)
    layer = {"class_name": "LSTM", "config": inner}
    config = sequential(("Bidirectional", {"name": "pair", "merge_mode": "concat", "layer": layer,
                                           **FIRST}), as_list=version < "2.2")  # fmt: skip
    path = write(tmp_path / "m.h5", config, {"pair": named("pair", [*one, *two])}, version)
    outputs = [
        reference.forward(first, X, go_backwards=backwards).outputs,
        reference.forward(second, X, go_backwards=not backwards).outputs[:, ::-1],
    ]
    close(models.load_model(path)(X), np.concatenate(outputs, -1))


# What is not trained


def frozen_graph(version):
    """A frozen layer, one inside a wrapper, one inside a model, and a frozen model."""
    part = sequential(dense("a", 2, batch_input_shape=[None, H]), dense("b", 2, trainable=False))
    whole = sequential(dense("c", 2, batch_input_shape=[None, 2]), dense("e", 2))
    if version < "2.2":  # which wrote a list, and whether it was trained nowhere
        part, whole = ({**one, "config": one["config"]["layers"]} for one in (part, whole))
        for layer in whole["config"]:
            layer["config"]["trainable"] = False
    else:
        for layer in whole["config"]["layers"]:
            layer["config"]["trainable"] = False
    inner = {"class_name": "LSTM", "config": settings("rnn", trainable=False)}
    layers = [
        ("InputLayer", {"name": "in", "batch_input_shape": [None, T, I]}, []),
        ("TimeDistributed", {"name": "td", "trainable": True, "layer": {
            "class_name": "Dense", "config": dense("x", 2, trainable=False)[1]}}, [node("in")]),
        ("Bidirectional", {"name": "pair", "trainable": True, "merge_mode": "sum",
                           "layer": inner}, [node("td")]),
        ("Dense", dense("d", H)[1], [node("pair")]),
        ("Sequential", {"name": "part"}, [node("d")]), ("Sequential", {"name": "whole"},
                                                        [node("part")]),
    ]  # fmt: skip
    config = functional(layers, ["in"], ["whole"])
    for layer, model in zip(config["config"]["layers"][-2:], (part, whole), strict=True):
        layer["config"] = model["config"]
    return config


@pytest.mark.parametrize("version", ["2.0.8", "2.1.6", "2.2.4", "2.2.4-tf", "2.6.0"])
def test_frozen_layers_of_keras2(version, tmp_path):
    one, two = [normal(2, 4 * H), normal(H, 4 * H), normal(4 * H)], lstm(2)[0]
    pairs = {"td": [normal(I, 2), normal(2)], "pair": [*one, *two], "d": [normal(H, H), normal(H)]}
    parts = [normal(H, 2), normal(2), normal(2, 2), normal(2)]
    wholes = [normal(2, 2), normal(2), normal(2, 2), normal(2)]
    kept = {name: named(name, given) for name, given in
            {"in": [], **pairs, "part": parts, "whole": wholes}.items()}  # fmt: skip
    velocities = [normal(H, H), normal(H), normal(H, 2), normal(2)]
    sgd = {"class_name": "SGD", "config": {"lr": 0.5, "momentum": 0.5, "decay": 0.0}}
    training = {"optimizer_config": sgd, "loss": "mse", "metrics": [], "loss_weights": None}
    state = [("SGD/iterations:0", 3), *((f"m{i}", a) for i, a in enumerate(velocities))]
    path = write(tmp_path / "m.h5", frozen_graph(version), kept, version, training=training,
                 optimizer=state)  # fmt: skip
    model = models.load_model(path)
    trained = [tuple(w.shape) for w in model.trainable_weights]
    assert trained == [(H, H), (H,), (H, 2), (2,)]
    held = {tuple(v.shape): arrays(v)[0] for v in model.optimizer.variables if v.shape}
    for velocity in velocities:
        close(held[velocity.shape], velocity)
    close(model.get_layer("part").get_layer("b").get_weights(), parts[2:])
    close(model.get_layer("whole").get_layer("c").get_weights(), wholes[:2])


def test_frozen_layers_of_keras1(tmp_path):
    w, b, v, c = normal(T * I, 3), normal(3), normal(3, 2), normal(2)
    config = sequential(
        ("Flatten", {"name": "f", **FIRST}),
        ("Dense", {"name": "a", "output_dim": 3, "trainable": False}),
        ("Dense", {"name": "b", "output_dim": 2, "trainable": True}), as_list=True,
    )  # fmt: skip
    kept = {"f": [], "a": named("a", [w, b]), "b": named("b", [v, c])}
    model = models.load_model(write(tmp_path / "m.h5", config, kept, "1.2.2"))
    assert [tuple(x.shape) for x in model.trainable_weights] == [(3, 2), (2,)]
    close(model(X), (X.reshape(B, -1) @ w + b) @ v + c)


# What nobody knows


def unknown(version, **config):
    name, layer = "Dense", {"name": "d", **FIRST}
    layer |= {"output_dim": 3} if version < "2" else {"units": 3}
    return sequential((name, {**layer, **config}), as_list=version < "2.2")


ARGUMENTS = {
    "1.2.2": ["init", "W_regularizer", "W_constraint", "activation"],
    "2.1.6": ["kernel_initializer", "bias_regularizer", "kernel_constraint", "activation"],
    "2.2.4-tf": ["kernel_initializer", "bias_regularizer", "kernel_constraint", "activation"],
    "2.11.0": ["bias_initializer", "activity_regularizer", "bias_constraint", "activation"],
}
CASES = [(v, a, form) for v, of in ARGUMENTS.items() for a in of for form in ("word", "dict")]
# Keras 1 knew functions by their names, and wrote objects as one dict, with the class as its name.
CASES = [
    case for case in CASES if case not in {("1.2.2", a, "dict") for a in ("init", "activation")}
]


@pytest.mark.parametrize(("version", "argument", "form"), CASES)
def test_what_nobody_knows_is_named(version, argument, form, tmp_path):
    written = "mine" if form == "word" else {"class_name": "mine", "config": {}}
    if version == "1.2.2" and form == "dict":
        written = {"name": "mine", "factor": 2.0}
    inner = unknown(version, **{argument: written})
    first = (
        inner["config"][0] if isinstance(inner["config"], list) else inner["config"]["layers"][0]
    )
    shape = first["config"].pop("batch_input_shape")
    wrapped = sequential(("TimeDistributed", {"name": "td", "layer": first,
                                              "batch_input_shape": shape}),
                         as_list=version < "2.2")  # fmt: skip
    plain = unknown(version, **{argument: written})
    for config in (plain, wrapped):
        kept = {"d" if config is plain else "td": named("d", [normal(I, 3), normal(3)])}
        path = write(tmp_path / "m.h5", config, kept, version)
        with pytest.raises(ValueError, match=r"'d' .*custom_objects=\{\"mine\": \.\.\.\}"):
            models.load_model(path)
        assert any('custom_objects={"mine": ...}' in one for one in describe(path).problems)


@pytest.mark.parametrize("version", ["1.2.2", "2.2.4", "2.11.0", "3.0.0"])
def test_a_class_that_nobody_knows_is_named(version, tmp_path):
    config = sequential(("Mine", {"name": "own", **FIRST}), as_list=version < "2.2")
    path = write(tmp_path / "m.h5", config, {"own": []}, version)
    for named_by in (models.load_model, problems):
        with pytest.raises(ValueError, match=r"'own'.*custom_objects=\{\"Mine\": \.\.\.\}"):
            named_by(path)


def problems(path):
    raise ValueError("; ".join(describe(path).problems))


@pytest.mark.parametrize("argument", ["kernel_initializer", "bias_regularizer", "bias_constraint",
                                      "activation"])  # fmt: skip
def test_what_nobody_knows_in_a_file_of_keras3(argument, tmp_path):
    def mine(x, dtype=None):
        return ops.zeros(x, dtype) if argument.endswith("initializer") else 0.0 * ops.sum(x)

    made = keras.Sequential([keras.Input((I,)), keras.layers.Dense(3, **{argument: mine})])
    for kind in ("keras", "h5"):
        path = tmp_path / f"m.{kind}"
        made.save(path)
        for named_by in (models.load_model, problems):
            with pytest.raises(ValueError, match=r"custom_objects=\{\"mine\": \.\.\.\}"):
                named_by(path)


def changed_archive(path, old, new, part="config.json"):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part].decode()
    parts[part] = parts[part].decode().replace(old, new).encode()
    other = path.with_name("changed.keras")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return other


def test_weights_of_the_other_gru(tmp_path):
    given = named("rnn", [normal(I, 3 * H), normal(H, 3 * H), normal(3 * H)])
    path = write(tmp_path / "w.h5", None, {"rnn": given}, "2.2.4")
    model = models.Sequential([layers.GRU(H, input_shape=(T, I), name="rnn")])
    for by_name in (False, True):
        with pytest.raises(ValueError, match=re.escape("build it as GRU(..., reset_after=False)")):
            model.load_weights(path, by_name=by_name)


# Files that Keras 3 and elman write

OWN = [(keras, keras.layers, ["h5"]), (models, layers, ["keras", "h5"])]


def random(model):
    model.set_weights([
        np.abs(normal(*w.shape)) + 0.1 if "variance" in w.path else normal(*w.shape)
        if keras.backend.is_float_dtype(w.dtype) else arrays(w)[0]
        for w in model.weights
    ])  # fmt: skip
    return model


def comes_back(make, x, folder, **given):
    """The same numbers from the files of Keras's layers and of elman's."""
    for of, layer, kinds in OWN:
        model = random(make(of, layer))
        expected = model(x)
        for kind in kinds:
            model.save(folder / f"m.{kind}")
            close(models.load_model(folder / f"m.{kind}", **given)(x), expected)


IDS = RANDOM.integers(0, 3, (B, T))
HOLES = np.where(IDS[..., None] > 0, X, 0).astype("float32")


def test_masks_come_back(tmp_path):
    def make(of, k):
        i, x = k.Input((T,)), k.Input((T, I))
        y = k.Masking()(x)
        pair = k.Bidirectional(k.LSTM(2, return_sequences=True))(y)
        return of.Model(
            [i, x],
            [
                k.GRU(2)(k.Embedding(9, 3, mask_zero=True)(i)),
                k.TimeDistributed(k.Dense(2))(pair),
                k.SimpleRNN(2)(y),
            ],
        )

    comes_back(make, [IDS, HOLES], tmp_path)


def test_arguments_of_calls_come_back(tmp_path):
    def make(of, k):
        x, m = k.Input((T, I)), k.Input((T,), dtype="bool")
        y = k.Dropout(0.5)(k.BatchNormalization()(x, training=True), training=False)
        y = k.LSTM(2, return_sequences=True)(y, mask=m, training=None, initial_state=None)
        return of.Model([x, m], k.Attention()([y, y], use_causal_mask=True))

    comes_back(make, [X, IDS > 0], tmp_path)


def test_attention_and_directions_come_back(tmp_path):
    def make(of, k):
        x = k.Input((T, I))
        heads, scores = k.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
        other = k.GRU(2, go_backwards=True)
        pairs = [k.Bidirectional(k.LSTM(2), merge_mode=m)(x) for m in ("sum", "mul", "ave")]
        return of.Model(x, [
            k.Attention(score_mode="concat")([x, x]), k.Attention(use_scale=True)([x, x]),
            k.AdditiveAttention()([x, x]), heads, scores, *pairs,
            *k.Bidirectional(k.GRU(2), merge_mode=None)(x),
            *k.Bidirectional(k.LSTM(2, return_state=True))(x),
            k.Bidirectional(k.LSTM(2), backward_layer=other)(x),
        ])  # fmt: skip

    comes_back(make, X, tmp_path)


def test_models_in_models_come_back(tmp_path):
    """A graph is called twice, and its outputs are some of those of the model around it."""

    def make(of, k):
        a = k.Input((T, I))
        inner = of.Model(a, [k.LSTM(3)(a), k.GRU(2)(a)])
        stack = of.Sequential(
            [
                k.Input((T, I)),
                k.Dense(I),
                of.Sequential([k.Input((T, I)), k.Dense(I), k.BatchNormalization()]),
            ]
        )
        x, z = k.Input((T, I), name="x"), k.Input((T, I), name="z")
        (p, q), (r, s) = inner(stack(x)), inner(z)
        td = k.TimeDistributed(of.Sequential([k.Input((I,)), k.Dense(2)]))(x)
        outputs = {"sum": k.Add()([p, r]), "q": q, "s": s, "td": td}
        return of.Model({"x": x, "z": z}, outputs)

    comes_back(make, {"x": X, "z": 2 * X}, tmp_path)


def test_operations_come_back(tmp_path):
    def make(of, k):
        x = k.Input((T, I))
        h = k.LSTM(H, return_sequences=True)(x)
        return of.Model(x, [
            h[:, -1], h[..., 0], h[:, None, 1:3], 2 * h + 1, h - h[:, :1], -h / 2.0, h**2, abs(h),
            ops.concatenate([h, x], -1), ops.sum(h, axis=1), ops.softmax(h, axis=1),
            ops.reshape(h, (-1, T * H)), ops.where(h > 0, h, -h), ops.einsum("btd->bd", h),
            ops.matmul(h, ops.transpose(h, (0, 2, 1))), ops.stack([h, h], 1),
            ops.cast(h > 0, "float32"), ops.maximum(h, 0.1), *ops.split(h, 2, axis=-1),
            ops.mean(h, axis=[1], keepdims=True), ops.take(h, [0, 1], axis=1),
            ops.pad(h, ((0, 0), (1, 1), (0, 0))), ops.expand_dims(h, 1), ops.relu(h),
        ])  # fmt: skip

    comes_back(make, X, tmp_path)


def test_activations_come_back(tmp_path):
    """A `hard_sigmoid` of Keras 3 is Keras 3's."""

    def make(of, k):
        x = k.Input((T, I))
        kinds = [k.LeakyReLU(negative_slope=0.1), k.ELU(alpha=0.5), "leaky_relu", "hard_tanh"]
        return of.Model(x, [
            k.LSTM(2, recurrent_activation="hard_sigmoid")(x),
            k.Dense(2, activation="hard_sigmoid")(x),
            k.Activation("hard_sigmoid")(x),
            k.GRU(3, recurrent_activation=keras.activations.hard_sigmoid)(x),
            *(k.LSTM(2, activation=one)(x) for one in kinds), *(k.Dense(2, activation=one)(x)
                                                                for one in kinds),
            k.Lambda(ops.abs)(x), k.Lambda(keras.activations.relu)(x),
        ])  # fmt: skip

    comes_back(make, 3 * X, tmp_path)


def test_functions_of_the_program_come_back(tmp_path):
    def scaled(x, n=3):
        return n * x

    def make(of, k):
        x = k.Input((T, I))
        return of.Model(x, [k.Lambda(lambda x: 2 * x, name="twice")(x),
                            k.Lambda(scaled, arguments={"n": 4})(x)])  # fmt: skip

    comes_back(make, X, tmp_path, functions={"twice": lambda x: 2 * x},
               custom_objects={"scaled": scaled})  # fmt: skip


def test_cells_states_and_policies_come_back(tmp_path):
    def make(of, k):
        x, y = k.Input((T, I)), k.Input((None, I))
        _, h, c = k.LSTM(H, return_state=True)(x)
        cells = k.StackedRNNCells([k.LSTMCell(2), k.GRUCell(3)])
        return of.Model([x, y], [
            k.LSTM(H, return_sequences=True)(y, initial_state=[h, c]),
            *keras.tree.flatten(k.RNN(cells, return_state=True)(x)),
            k.Dense(2, dtype="mixed_bfloat16")(h), k.SpectralNormalization(k.Dense(2))(h),
        ])  # fmt: skip

    comes_back(make, [X, 2 * X[:, :3]], tmp_path)


def test_a_stateful_model_comes_back_without_its_state(tmp_path):
    model = random(models.Sequential([layers.LSTM(2, stateful=True, batch_input_shape=(B, T, I))]))
    model(X)
    for kind in ("keras", "h5"):
        model.save(tmp_path / f"m.{kind}")
        new = models.load_model(tmp_path / f"m.{kind}")
        model.reset_states()
        close(new(X), model(X))
        close(new(X), model(X))


def test_lora_comes_back(tmp_path):
    """An archive has what the matrices of low rank add up to, an .h5 has them."""
    for of, k, _ in OWN:
        model = of.Sequential([k.Input((I,)), k.Dense(6), k.Dense(2)])
        model.layers[0].enable_lora(2)
        random(model)
        for kind in ("keras", "h5"):
            model.save(tmp_path / f"m.{kind}")
            new = models.load_model(tmp_path / f"m.{kind}")
            close(new(X[0]), model(X[0]))
            assert len(new.trainable_weights) == len(model.trainable_weights)


@pytest.mark.parametrize("module", ["torch.optimizers.torch_adam", "tensorflow.optimizer"])
def test_an_archive_of_another_backend(module, tmp_path):
    """There the optimizers are classes of the backend's own."""
    model = keras.Sequential([keras.Input((T, I)), keras.layers.LSTM(2)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.train_on_batch(X, normal(B, 2))
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        optimizer = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]
    path = changed_archive(
        tmp_path / "m.keras",
        json.dumps({"module": optimizer["module"], "class_name": "Adam"})[:-1],
        json.dumps({"module": f"keras.src.backend.{module}", "class_name": "Adam"})[:-1],
    )
    new = models.load_model(path)
    close([v.value for v in new.optimizer.variables], [v.value for v in model.optimizer.variables])


def test_frozen_layers_come_back_and_training_goes_on(tmp_path):
    x, y = X, normal(B, 2)
    for (of, k, _), kind in zip(OWN, ("h5", "keras"), strict=True):
        i = k.Input((T, I))
        h = k.SimpleRNN(3, trainable=False, return_sequences=True)(i)
        part = of.Sequential([k.Input((T, 3)), k.Dense(2, trainable=False), k.Dense(2)])
        whole = of.Sequential([k.Input((T, 2)), k.Dense(2)])
        whole.trainable = False
        pair = k.Bidirectional(k.SimpleRNN(2, return_sequences=True))
        pair.trainable = False
        h = k.TimeDistributed(k.Dense(2, trainable=False))(pair(whole(part(h))))
        other = k.Bidirectional(k.SimpleRNN(2))
        model = random(of.Model(i, k.Dense(2)(other(h))))
        other.forward_layer.trainable = False
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        model.train_on_batch(x, y)
        model.save(tmp_path / f"m.{kind}")
        new = models.load_model(tmp_path / f"m.{kind}")
        for one in (model, new):
            one.train_on_batch(x, y)
        close(new.trainable_variables, model.trainable_variables)
        close(new.get_weights(), model.get_weights())


def test_training_of_a_crf_goes_on(tmp_path):
    x, y = RANDOM.integers(1, 9, (B, T)), RANDOM.integers(0, 3, (B, T))
    i = layers.Input((T,))
    h = layers.Embedding(9, 4, mask_zero=True)(i)
    crf = layers.CRF(3)
    model = random(models.Model(i, crf(layers.Dense(3)(h))))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), crf.loss, metrics=[crf.accuracy])
    model.train_on_batch(x, y)
    for kind in ("keras", "h5"):
        model.save(tmp_path / f"m.{kind}")
    news = [models.load_model(tmp_path / f"m.{kind}") for kind in ("keras", "h5")]
    expected = model.train_on_batch(x, y)
    for new in news:
        np.testing.assert_allclose(new.train_on_batch(x, y), expected, rtol=1e-6)
        close(new.get_weights(), model.get_weights())


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="of torch")
def test_a_step_of_torch_over_the_variables_of_a_model(tmp_path):
    import torch

    given, _ = lstm()
    old = write(tmp_path / "old.h5", sequential(("LSTM", settings("rnn", **FIRST))),
                {"rnn": named("rnn", given)})  # fmt: skip
    models.load_model(old).save(tmp_path / "new.keras")
    for path in (old, tmp_path / "new.keras"):
        model = models.load_model(path)
        parameters = list(model.parameters())
        assert {id(p) for p in parameters} >= {id(w.value) for w in model.trainable_weights}
        before = arrays(model(X))[0]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        model(X).square().sum().backward()
        optimizer.step()
        assert np.abs(arrays(model(X))[0] - before).max() > 1e-4
