"""Files as Keras 1, Keras 2.0-2.2 and TensorFlow 1 laid them out, with numbers by `reference/`."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from elman import layers, models, reference
from elman.legacy import hdf5

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, node, sequential, write

B, T, I, H = 3, 5, 2, 4  # noqa: E741
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, I)).astype("float32")

GATES = {"SimpleRNN": "", "LSTM": "icfo", "GRU": "zrh"}  # in the order of Keras 1's arrays
TODAY = {"SimpleRNN": "", "LSTM": "ifco", "GRU": "zrh"}


def normal(*shape):
    return RANDOM.normal(scale=0.5, size=shape).astype("float32")


def close(found, expected, atol=1e-6):
    found = keras.ops.convert_to_numpy(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def keras1_recurrent(kind, name="rnn_1", suffix="_", end="", inputs=I):
    """The arrays of Keras 1 by name, and the cell of `reference/` that they are."""
    gates = GATES[kind] or [""]
    arrays = {}
    for g in gates:
        arrays |= {f"W{g}": normal(inputs, H), f"U{g}": normal(H, H), f"b{g}": normal(H)}
    named = [(f"{name}{suffix}{key[0]}{'_' * bool(key[1:])}{key[1:]}{end}", a)
             for key, a in arrays.items()]  # fmt: skip
    order = TODAY[kind] or [""]
    w, u, b = (np.concatenate([arrays[f"{x}{g}"] for g in order], -1) for x in "WUb")
    hard = {} if kind == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    before = {"reset_after": False} if kind == "GRU" else {}
    return named, getattr(reference, kind)(w, u, b, **hard, **before)


def keras1_settings(kind, **more):
    inner = {} if kind == "SimpleRNN" else {"inner_activation": "hard_sigmoid"}
    forget = {"forget_bias_init": "one"} if kind == "LSTM" else {}
    return {
        "name": "rnn_1", "trainable": True, "output_dim": H, "init": "glorot_uniform",
        "inner_init": "orthogonal", "activation": "tanh", **inner, **forget, "W_regularizer": None,
        "U_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1}, "b_regularizer": None,
        "dropout_W": 0.0, "dropout_U": 0.25, "input_dim": I, "input_length": None,
        "return_sequences": False, "go_backwards": False, "stateful": False, "unroll": False,
        "consume_less": "cpu", **more,
    }  # fmt: skip


@pytest.mark.parametrize("version", [None, "1.2.2"])
@pytest.mark.parametrize("kind", GATES)
def test_keras1_recurrent(kind, version, tmp_path):
    named, cell = keras1_recurrent(kind, end=":0")
    first = keras1_settings(kind, batch_input_shape=[None, T, I], input_dtype="float32")
    w, b = normal(H, 3), normal(3)
    dense = {"name": "dense_1", "output_dim": 3, "init": "uniform", "activation": "linear",
             "bias": True, "W_regularizer": None, "input_dim": H}  # fmt: skip
    config = sequential((kind, first), ("Dropout", {"name": "dropout_1", "p": 0.5}),
                        ("Dense", dense), as_list=True)  # fmt: skip
    kept = {"rnn_1": named, "dropout_1": [], "dense_1": [("dense_1_W:0", w), ("dense_1_b:0", b)]}
    path = write(tmp_path / "old.h5", config, kept, version)
    model = models.load_model(path)
    close(model(X), reference.forward(cell, X).last_output @ w + b)
    assert model.layers[1].rate == 0.5
    assert model.layers[0].recurrent_dropout == (0.25)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_keras1_one_kernel_for_all_gates(kind, tmp_path):
    _, cell = keras1_recurrent(kind)
    named = [("rnn_1_W", cell.kernel), ("rnn_1_U", cell.recurrent_kernel), ("rnn_1_b", cell.bias)]
    config = sequential((kind, keras1_settings(kind, consume_less="gpu", return_sequences=True,
                                               batch_input_shape=[None, T, I])))  # fmt: skip
    model = models.load_model(write(tmp_path / "old.h5", config, {"rnn_1": named}, "1.1.0"))
    close(model(X), reference.forward(cell, X).outputs)


def test_keras1_bidirectional_behind_a_mask(tmp_path):
    one, forward = keras1_recurrent("LSTM", "forward_lstm_1", inputs=3)
    two, backward = keras1_recurrent("LSTM", "backward_lstm_1", inputs=3)
    table = normal(7, 3)
    settings = keras1_settings("LSTM", return_sequences=True, input_dim=3, name="forward_lstm_1")
    config = sequential(
        ("Embedding", {"name": "embedding_1", "input_dim": 7, "output_dim": 3, "init": "uniform",
                       "input_length": None, "mask_zero": True, "dropout": 0.0,
                       "batch_input_shape": [None, None], "input_dtype": "int32"}),
        ("Bidirectional", {"name": "pair", "merge_mode": "sum",
                           "layer": {"class_name": "LSTM", "config": settings}}),
        ("TimeDistributed", {"name": "td", "layer": {
            "class_name": "Dense", "config": {"name": "d", "output_dim": 2, "bias": False}}}),
        as_list=True,
    )  # fmt: skip
    w = normal(H, 2)
    kept = {"embedding_1": [("embedding_1_W", table)], "pair": one + two, "td": [("d_W", w)]}
    model = models.load_model(write(tmp_path / "old.h5", config, kept, "1.2.0"))
    ids = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 6, 1]])
    run = {"x": table[ids], "mask": ids != 0, "zero_output_for_mask": True}
    expected = (
        reference.forward(forward, **run).outputs
        + reference.forward(backward, **run, go_backwards=True).outputs[:, ::-1]
    ) @ w
    close(model(ids), expected)


MERGES = {
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
    "max": np.maximum,
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "dot": lambda a, b: (a * b).sum(-1, keepdims=True),
    "cos": lambda a, b: (
        (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    )[:, None, None],
}  # fmt: skip


def merge(mode):
    axes = [1, 1] if mode in ("dot", "cos") else -1
    return {"name": "merge_1", "mode": mode, "concat_axis": -1, "dot_axes": axes,
            "mode_type": "raw", "output_shape": None, "arguments": {}}  # fmt: skip


def two_branches():
    settings = [{"name": f"dense_{i}", "output_dim": 3, "batch_input_shape": [None, i + 1],
                 "activation": "tanh", "input_dim": i + 1} for i in (1, 2)]  # fmt: skip
    kept = {f"dense_{i}": [(f"dense_{i}_W", normal(i + 1, 3)), (f"dense_{i}_b", normal(3))]
            for i in (1, 2)}  # fmt: skip
    x = [normal(B, 2), normal(B, 3)]
    a, b = (np.tanh(x[i - 1] @ kept[f"dense_{i}"][0][1] + kept[f"dense_{i}"][1][1]) for i in (1, 2))
    return settings, kept, x, a, b


@pytest.mark.parametrize(
    ("mode", "version"), [*((mode, "1.0.8") for mode in MERGES), ("concat", "2.1.5")]
)
def test_keras1_merge_first_in_a_stack(mode, version, tmp_path):
    settings, kept, x, a, b = two_branches()
    branches = [sequential(("Dense", one), as_list=True) for one in settings]
    config = sequential(
        ("Merge", {**merge(mode), "layers": branches}),
        ("Activation", {"name": "act", "activation": "linear"}),
        as_list=True,
    )
    model = models.load_model(write(tmp_path / "old.h5", config, {**kept, "act": []}, version))
    close(model(x), MERGES[mode](a, b))


def test_keras1_weights_of_branches_go_into_a_model_of_branches(tmp_path):
    """Keras 1 wrote them layer by layer, whatever branch a layer was in."""
    _, kept, x, a, b = two_branches()
    branches = [
        models.Sequential([layers.Dense(3, activation="tanh", input_dim=i)]) for i in (2, 3)
    ]
    w, c = normal(6, 2), normal(2)
    model = models.Sequential([layers.Merge(branches, mode="concat"), layers.Dense(2)])
    kept["dense_3"] = [("dense_3_W", w), ("dense_3_b", c)]
    model.load_weights(write(tmp_path / "weights.h5", None, kept, "1.2.1"))
    close(model(x), MERGES["concat"](a, b) @ w + c)


@pytest.mark.parametrize("mode", MERGES)
def test_keras1_merge_in_a_graph(mode, tmp_path):
    settings, kept, x, a, b = two_branches()
    config = functional(
        [("InputLayer", {"name": f"in_{i}", "batch_input_shape": [None, i + 1],
                         "input_dtype": "float32", "sparse": False}, []) for i in (1, 2)]
        + [("Dense", one, [node(f"in_{i}")]) for i, one in enumerate(settings, 1)]
        + [("Merge", merge(mode), [node("dense_1", "dense_2")])],
        ["in_1", "in_2"], ["merge_1"],
    )  # fmt: skip
    model = models.load_model(write(tmp_path / "old.h5", config, kept, "1.2.1"))
    close(model(x), MERGES[mode](a, b))


def test_keras1_merge_of_a_function(tmp_path):
    settings, kept, x, a, b = two_branches()
    written = {
        **merge("AAAA"),
        "mode_type": "lambda",
        "layers": [sequential(("Dense", one), as_list=True) for one in settings],
    }
    path = write(tmp_path / "old.h5", sequential(("Merge", written), as_list=True), kept, "1.2.1")
    with pytest.raises(
        ValueError, match=r"'merge_1' \(byte code, which is never run\).*functions="
    ):
        models.load_model(path)
    model = models.load_model(path, functions={"merge_1": lambda ab: ab[0] - 2 * ab[1]})
    close(model(x), a - 2 * b)


def correlation(x, kernel):
    """y[b, p, f] = sum over k, c of x[b, p + k, c] kernel[k, c, f]."""
    size = kernel.shape[0]
    steps = range(x.shape[1] - size + 1)
    return np.stack([np.einsum("bkc,kcf->bf", x[:, p : p + size], kernel) for p in steps], 1)


@pytest.mark.parametrize("backend", ["tensorflow", "theano"])
def test_keras1_convolution(backend, tmp_path):
    """Keras 1 did not write its backend; TensorFlow's names of weights end in ":0"."""
    kernel, bias = normal(3, I, H), normal(H)
    end = ":0" if backend == "tensorflow" else ""
    written = (kernel if backend == "tensorflow" else kernel[::-1])[:, None]
    settings = {"name": "conv", "nb_filter": H, "filter_length": 3, "border_mode": "valid",
                "subsample_length": 1, "batch_input_shape": [None, T, I], "bias": True}  # fmt: skip
    config = sequential(("Convolution1D", settings), as_list=True)
    kept = {"conv": [(f"conv_W{end}", written), (f"conv_b{end}", bias)]}
    model = models.load_model(write(tmp_path / "old.h5", config, kept, "1.2.2"))
    close(model(X), correlation(X, kernel) + bias)


def test_keras1_channels_first(tmp_path):
    """In Theano's order kernels were (filters, channels, rows, columns), and turned around."""
    kernel = normal(H, I, 1, 3)
    settings = {"name": "conv", "nb_filter": H, "nb_row": 1, "nb_col": 3, "dim_ordering": "th",
                "border_mode": "valid", "subsample": [1, 1], "bias": False,
                "batch_input_shape": [None, I, 1, T]}  # fmt: skip
    path = write(tmp_path / "old.h5", sequential(("Convolution2D", settings), as_list=True),
                 {"conv": [("conv_W", kernel)]}, "1.1.1")  # fmt: skip
    model = models.load_model(path)
    expected = correlation(X, kernel[:, :, 0, ::-1].transpose(2, 1, 0))
    close(model.get_weights()[0], kernel[:, :, :, ::-1].transpose(2, 3, 1, 0))
    if keras.backend.backend() != "tensorflow":  # which has no such convolution on a CPU
        close(model(X.transpose(0, 2, 1)[:, :, None]), expected.transpose(0, 2, 1)[:, :, None])


def test_keras1_batch_normalization(tmp_path):
    gamma, beta, mean, var = normal(I), normal(I), normal(I), np.abs(normal(I)) + 0.1
    settings = {"name": "bn", "epsilon": 1e-2, "mode": 0, "axis": -1, "momentum": 0.9,
                "batch_input_shape": [None, I]}  # fmt: skip
    names = ["gamma", "beta", "running_mean", "running_std"]
    kept = {"bn": [(f"bn_{n}", a) for n, a in zip(names, (gamma, beta, mean, var), strict=True)]}
    path = write(tmp_path / "old.h5", sequential(("BatchNormalization", settings)), kept, "1.2.2")
    model = models.load_model(path)
    x = X[:, 0]
    close(model(x), gamma * (x - mean) / np.sqrt(var + 1e-2) + beta)
    assert model.layers[0].momentum == 0.9


def test_keras1_stack_in_a_stack(tmp_path):
    """The inner stack has no name in the configuration, and one in the weights."""
    inner = sequential(
        ("Dense", {"name": "dense_1", "output_dim": 3, "batch_input_shape": [None, I]}),
        ("Dense", {"name": "dense_2", "output_dim": H, "activation": "tanh", "bias": False}),
        as_list=True,
    )
    config = sequential(
        inner.values(), ("Dense", {"name": "dense_3", "output_dim": 2}), as_list=True
    )
    w, b, v, u, c = normal(I, 3), normal(3), normal(3, H), normal(H, 2), normal(2)
    kept = {"sequential_1": [("dense_1_W", w), ("dense_1_b", b), ("dense_2_W", v)],
            "dense_3": [("dense_3_W", u), ("dense_3_b", c)]}  # fmt: skip
    model = models.load_model(write(tmp_path / "old.h5", config, kept, "1.2.2"))
    x = X[:, 0]
    close(model(x), np.tanh((x @ w + b) @ v) @ u + c)


# Keras 2.0 to 2.2, TensorFlow 1


def keras2_cell(kind, inputs=I, **settings):
    gates = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[kind]
    w, u, b = normal(inputs, gates * H), normal(H, gates * H), normal(gates * H)
    hard = {} if kind == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    before = {"reset_after": False} if kind == "GRU" else {}
    cell = getattr(reference, kind)(w, u, b, **{**hard, **settings}, **before)
    return [("kernel", w), ("recurrent_kernel", u), ("bias", b)], cell


def named(name, arrays):
    return [(f"{name}/{weight}:0", array) for weight, array in arrays]


def keras2_settings(name, kind, **more):
    hard = {} if kind == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    return {"name": name, "trainable": True, "units": H, "activation": "tanh", **hard,
            "use_bias": True, "kernel_initializer": {"class_name": "VarianceScaling", "config": {
                "scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}},
            "recurrent_initializer": {"class_name": "Orthogonal",
                                      "config": {"gain": 1.0, "seed": None}},
            "dropout": 0.0, "recurrent_dropout": 0.0, "implementation": 1, **more}  # fmt: skip


@pytest.mark.parametrize("version", ["2.0.0", "2.1.6", "2.2.4", "2.1.6-tf"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_keras2_recurrent(kind, version, tmp_path):
    arrays, cell = keras2_cell(kind)
    settings = keras2_settings("rnn", kind, batch_input_shape=[B, T, I], stateful=True,
                               return_sequences=True, dtype="float32")  # fmt: skip
    config = sequential((kind, settings), as_list=version < "2.2")
    path = write(tmp_path / "old.hdf5", config, {"rnn": named("rnn", arrays)}, version)
    model = models.load_model(path)
    first = reference.forward(cell, X)
    close(model(X), first.outputs)
    close(model(X), reference.forward(cell, X, initial_states=first.states).outputs)
    model.reset_states()
    close(model.predict(X, verbose=0), first.outputs)
    assert model.input_shape == (B, T, I)


def cudnn_cell(kind):
    """cuDNN's kernels were stored transposed for each gate, with a bias of their own for U."""
    gates = {"LSTM": 4, "GRU": 3}[kind]
    w, u, b = normal(gates, I, H), normal(gates, H, H), normal(2, gates * H)
    as_stored = [
        np.concatenate([one.T.reshape(I, H) for one in w], 1),
        np.concatenate([one.T for one in u], 1),
        b.reshape(-1),
    ]
    kernel, recurrent = np.concatenate(list(w), 1), np.concatenate(list(u), 1)
    bias = b if kind == "GRU" else b.sum(0)
    cell = getattr(reference, kind)(kernel, recurrent, bias)
    return list(zip(["kernel", "recurrent_kernel", "bias"], as_stored, strict=True)), cell


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("version", ["2.2.4", "2.1.6-tf"])
def test_cudnn_layers(kind, version, tmp_path):
    arrays, cell = cudnn_cell(kind)
    settings = {
        "name": "cu_dnn",
        "units": H,
        "return_sequences": True,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "batch_input_shape": [None, T, I],
    }
    kept = {"cu_dnn": named("cu_dnn", arrays)}
    path = write(tmp_path / "old.h5", sequential((f"CuDNN{kind}", settings)), kept, version)
    close(models.load_model(path)(X), reference.forward(cell, X).outputs)


def test_encoder_decoder_with_states(tmp_path):
    one, encoder = keras2_cell("LSTM")
    two, decoder = keras2_cell("LSTM")
    settings = {"return_state": True, "return_sequences": True}
    config = functional(
        [("InputLayer", {"name": "a", "batch_input_shape": [None, None, I]}, []),
         ("InputLayer", {"name": "b", "batch_input_shape": [None, None, I]}, []),
         ("LSTM", keras2_settings("encoder", "LSTM", return_state=True), [node("a")]),
         ("LSTM", keras2_settings("decoder", "LSTM", **settings),
          [node("b", ("encoder", 0, 1), ("encoder", 0, 2))])],
        ["a", "b"], ["decoder"],
    )  # fmt: skip
    kept = {"a": [], "b": [], "encoder": named("encoder", one), "decoder": named("decoder", two)}
    model = models.load_model(write(tmp_path / "old.h5", config, kept, "2.2.2"))
    states = reference.forward(encoder, X).states
    y = normal(B, 3, I)
    close(model([X, y]), reference.forward(decoder, y, initial_states=states).outputs)


def test_stacked_cells(tmp_path):
    one, lower = keras2_cell("LSTM")
    two, upper = keras2_cell("GRU", inputs=H)
    cells = [{"class_name": f"{kind}Cell", "config": keras2_settings(f"cell_{i}", kind)}
             for i, kind in enumerate(["LSTM", "GRU"])]  # fmt: skip
    stack = {"class_name": "StackedRNNCells", "config": {"cells": cells}}
    settings = {"name": "rnn", "return_sequences": False, "return_state": True, "cell": stack}
    config = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, T, I]}, []),
         ("RNN", settings, [node("in")]), *[
            ("Activation", {"name": f"y{i}", "activation": "linear"}, [node(("rnn", 0, i))])
            for i in range(4)]],
        ["in"], ["y0", "y1", "y2", "y3"],
    )  # fmt: skip
    path = write(tmp_path / "old.h5", config, {"rnn": named("rnn", one) + [
        (f"rnn/{n}_1:0", a) for n, a in two]}, "2.1.6")  # fmt: skip
    y, *states = models.load_model(path)(X)
    below = reference.forward(lower, X)
    above = reference.forward(upper, below.outputs)
    close(y, above.last_output)
    # Before Keras 2.2.3 the states of the last cell came first.
    for found, expected in zip(states, [above.states[0], *below.states], strict=True):
        close(found, expected)


def test_theano_convolution_of_keras2(tmp_path):
    kernel = normal(3, I, H)
    settings = {"name": "conv", "filters": H, "kernel_size": [3], "use_bias": False,
                "padding": "valid", "batch_input_shape": [None, T, I]}  # fmt: skip
    path = write(tmp_path / "old.h5", sequential(("Conv1D", settings)),
                 {"conv": [("conv/kernel", kernel[::-1])]}, "2.0.8", backend="theano")  # fmt: skip
    close(models.load_model(path)(X), correlation(X, kernel))


def test_names_in_pieces(tmp_path):
    """Lists of names too long for one attribute were cut: layer_names0, weight_names0, ..."""
    import h5py

    arrays, cell = keras2_cell("GRU")
    path = write(tmp_path / "old.h5", sequential(
        ("GRU", keras2_settings("rnn", "GRU", batch_input_shape=[None, T, I]))),
        {"rnn": named("rnn", arrays)}, "2.2.4-tf", names_as=str)  # fmt: skip
    with h5py.File(path, "a") as root:
        group = root["model_weights/rnn"]
        names = group.attrs["weight_names"]
        del group.attrs["weight_names"]
        group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:2], names[2:]
        root["model_weights"].attrs["layer_names0"] = root["model_weights"].attrs["layer_names"]
        del root["model_weights"].attrs["layer_names"]
    close(models.load_model(path)(X), reference.forward(cell, X).last_output)


# Weights alone


def two_layers(of=layers, **settings):
    return models.Sequential([
        of.GRU(H, reset_after=False, recurrent_activation=layers.activations.hard_sigmoid,
               input_shape=(T, I), name="rnn", **settings),
        of.Dense(3, name="dense"),
    ])  # fmt: skip


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
@pytest.mark.parametrize("by_name", [False, True], ids=["order", "name"])
def test_weights_into_a_model(generation, by_name, tmp_path):
    version = {"keras1": "1.2.2", "keras2": "2.2.4"}[generation]
    arrays, cell = keras1_recurrent("GRU") if generation == "keras1" else keras2_cell("GRU")
    arrays = arrays if generation == "keras1" else named("rnn", arrays)
    w, b = normal(H, 3), normal(3)
    kept = {"rnn": arrays, "dense": [("dense/kernel:0", w), ("dense/bias:0", b)]}
    if by_name:
        kept = {"other": [("x", normal(2))], "dense": kept["dense"], "rnn": kept["rnn"]}
    path = write(tmp_path / "weights.h5", None, kept, version)
    model = two_layers()
    model.load_weights(path, by_name=by_name)
    close(model(X), reference.forward(cell, X).last_output @ w + b)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "inside Bidirectional"])
def test_weights_into_layers_that_are_called_cudnn(kind, wrapped, tmp_path):
    forward, cell = cudnn_cell(kind)
    backward, other = cudnn_cell(kind)
    layer = getattr(layers, f"CuDNN{kind}")(H, return_sequences=True)
    arrays = forward + wrapped * [(f"b_{name}", array) for name, array in backward]
    path = write(tmp_path / "w.h5", None, {"rnn": named("rnn", arrays)}, "2.2.4")
    model = models.Sequential([layers.Bidirectional(layer) if wrapped else layer])
    model.build((None, T, I))
    model.load_weights(path)
    expected = reference.forward(cell, X).outputs
    if wrapped:
        backwards = reference.forward(other, X[:, ::-1]).outputs[:, ::-1]
        expected = np.concatenate([expected, backwards], -1)
    close(model(X), expected)


@pytest.mark.parametrize("name", ["Conv1D", "Convolution1D", "Convolution2D"])
def test_weights_of_theano_into_any_name_of_a_convolution(name, tmp_path):
    kernel = normal(3, I, H) if "1D" in name else normal(3, 3, I, H)
    turned = np.flip(kernel, range(kernel.ndim - 2))
    kept = {"conv": [("conv/kernel", turned)]}
    path = write(tmp_path / "w.h5", None, kept, "2.0.8", backend="theano")
    model = models.Sequential([getattr(layers, name)(H, 3, use_bias=False)])
    model.build((None, *(5,) * (kernel.ndim - 2), I))
    model.load_weights(path)
    close(model.get_weights()[0], kernel)


def test_weights_of_another_model(tmp_path):
    path = write(
        tmp_path / "w.h5", None, {"rnn": [("k", normal(2, 2))], "d": [("k", normal(4, 3))]}
    )
    with pytest.raises(ValueError, match=r"layer 'rnn' must get weights of the shapes \[\(2, 12\)"):
        two_layers().load_weights(path)
    with pytest.warns(UserWarning, match="left out by skip_mismatch: layer 'rnn'"):
        two_layers().load_weights(path, skip_mismatch=True)
    path = write(tmp_path / "one.h5", None, {"rnn": [("k", normal(2, 2))]})
    with pytest.raises(ValueError, match=r"2 layers of model .* \(rnn, dense\), got 1 \(rnn\)"):
        two_layers().load_weights(path)


@pytest.mark.parametrize("name", ["w.h5", "w.hdf5", "w.weights.h5", "checkpoint"])
def test_weights_come_back(name, tmp_path):
    model, other = two_layers(), two_layers()
    model.save_weights(tmp_path / name)
    assert {p.name for p in tmp_path.iterdir()} == {name}
    other.load_weights(tmp_path / name)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert hdf5.kind(tmp_path / name) == "hdf5"


def test_weights_of_a_model_in_a_model_come_back(tmp_path):
    def make():
        inner = models.Sequential([layers.Dense(H, input_shape=(I,)), layers.BatchNormalization()])
        inner.add(layers.Dense(2))
        x = layers.Input((T, I))
        return models.Model(x, layers.TimeDistributed(inner)(x))

    model, other = make(), make()
    model.set_weights([normal(*w.shape) for w in model.get_weights()])
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
