"""Archives and `.h5` files that Keras 2 (the package tf-keras) writes: numbers, training, masks.

The layers one by one are in `tests/models/test_keras2_files.py`, as `.h5`; here those with weights
are in an archive, and whole models are in both.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tf-keras, the judge, needs TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")

import h5py  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from elman import models  # noqa: E402
from elman.legacy.tables import names  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
from test_keras2_files import IDS, OTHERS, RECURRENT, random_like, x_of  # noqa: E402

k, optimizers, losses = tf_keras.layers, tf_keras.optimizers, tf_keras.losses
B, T, I, H = 3, 6, 4, 5  # noqa: E741
RANDOM = np.random.default_rng(0)
KINDS = ["keras", "h5"]


def random(model):
    model.set_weights([random_like(w) for w in model.weights])
    return model


def arrays(tensors):
    flat = keras.tree.flatten(tensors)
    return [np.asarray(a) if tf.is_tensor(a) else keras.ops.convert_to_numpy(a) for a in flat]


def agree(old, new, x, atol=1e-6):
    for a, b in zip(arrays(old(x)), arrays(new(x)), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=0, atol=atol * max(1, np.abs(a).max()))


def saved(model, folder, kind="keras", version=None):
    """The model's file; an archive says that a Keras of that version wrote it."""
    path = folder / f"model.{kind}"
    model.save(path)
    return path if version is None else rewritten(path, lambda name, data: (name, data), version)


def rewritten(path, change, version="2.15.0"):
    """An archive with each part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["metadata.json"] = json.dumps({"keras_version": version, "date_saved": "-"}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (change(*part) for part in parts.items()):
            archive.writestr(name, data)
    return path


def both(model, x, folder, atol=1e-6, **given):
    for kind in KINDS:
        path = saved(model, folder, kind)
        agree(model, models.load_model(path, **given), x, atol)


# Layers

WITH_WEIGHTS = names(
    "simple lstm lstm_back lstm_time_major gru gru_before bi bi_two bi_other distributed_rnn "
    "distributed_model cells_states conv_lstm conv_lstm_1 masked_pair encoder_decoder bi_initial "
    "shared nested "
    "dense einsum prelu conv conv_2d conv_up separable separable_2d depthwise depthwise_1 local_1 "
    "local_3 batch_norm batch_norm_bare layer_norm group_norm normalization attention "
    "attention_concat additive multi_head mixed_names"
)


def test_every_layer_with_weights(tmp_path):
    """Those of one class are many, so that the folders of an archive are numbered past 10."""
    branches = {name: {**RECURRENT, **OTHERS}[name] for name in WITH_WEIGHTS}
    branches |= {name: ((T,), make) for name, make in IDS.items()}
    inputs = [k.Input(shape, name=f"in_{name}") for name, (shape, _) in branches.items()]
    outputs = [make(x) for x, (_, make) in zip(inputs, branches.values(), strict=True)]
    model = random(tf_keras.Model(inputs, outputs))
    ids = RANDOM.integers(0, 9, (B, T))
    data = [ids if name in IDS else x_of(shape) for name, (shape, _) in branches.items()]
    new = models.load_model(saved(model, tmp_path, version="2.12.0"))
    found, expected = arrays(new(data)), arrays(model(data))
    wrong = {
        name: np.abs(a - b).max() if a.shape == b.shape else (a.shape, b.shape)
        for name, a, b in zip(branches, found, expected, strict=True)
        if a.shape != b.shape or not np.abs(a - b).max() < 1e-6 * max(1, np.abs(b).max())
    }
    assert not wrong


def stack():
    return random(tf_keras.Sequential([
        k.LSTM(H, input_shape=(T, I), return_sequences=True), k.BatchNormalization(),
        k.Bidirectional(k.RNN([k.GRUCell(3), k.LSTMCell(2)])), k.Dense(2),
    ]))  # fmt: skip


@pytest.mark.parametrize("version", ["2.11.0", "2.15.0"])
def test_a_stack(version, tmp_path):
    model = stack()
    agree(model, models.load_model(saved(model, tmp_path, version=version)), x_of((T, I)))


def test_an_archive_of_windows(tmp_path):
    """There the paths within the file of weights, and of the archive's parts, had backslashes."""
    model = stack()

    def with_backslashes(name, data):
        if name == "model.weights.h5":
            place = tmp_path / "weights.h5"
            place.write_bytes(data)
            with h5py.File(place) as old, h5py.File(tmp_path / "windows.h5", "w") as new:
                _copy(old, new)
            data = (tmp_path / "windows.h5").read_bytes()
        return name.replace("/", "\\"), data

    def _copy(old, new, path=""):
        for key, item in old.items():
            if isinstance(item, h5py.Group):
                _copy(item, new, f"{path}\\{key}" if path and key != "vars" else f"{path}/{key}")
            else:
                new.require_group(path.lstrip("/")).create_dataset(key, data=item[()])

    path = rewritten(saved(model, tmp_path), with_backslashes)
    agree(model, models.load_model(path), x_of((T, I)))


def test_weights_that_lie_where_hdf5_looks_for_a_file(tmp_path):
    """Weights are stored as they are, so an archive can look like HDF5 with a head of its own."""
    model = stack()
    path = saved(model, tmp_path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        data = parts.pop("model.weights.h5")
        head = 30 + len("padding") + 30 + len("model.weights.h5")
        archive.writestr("padding", b" " * (2048 - head))
        archive.writestr("model.weights.h5", data)
        for name, part in parts.items():
            archive.writestr(name, part)
    assert h5py.is_hdf5(path)
    agree(model, models.load_model(path), x_of((T, I)))


def test_models_in_models(tmp_path):
    a = k.Input((T, I))
    inner = tf_keras.Model(a, [k.LSTM(3)(a), k.GRU(2)(a)])
    stacks = tf_keras.Sequential([
        k.Dense(I, input_shape=(T, I)),
        tf_keras.Sequential([k.Dense(I, input_shape=(T, I)), k.BatchNormalization()]),
    ])  # fmt: skip
    i, j = k.Input((T, I), name="one"), k.Input((T, I), name="two")
    (p, q), (r, s) = inner(stacks(i)), inner(j)
    model = random(tf_keras.Model({"x": i, "y": j}, {"sum": k.Add()([p, r]), "q": q, "s": s}))
    both(model, {"x": x_of((T, I)), "y": x_of((T, I))}, tmp_path)


def test_arguments_of_calls(tmp_path):
    i, m = k.Input((T, I)), k.Input((T,), dtype="bool")
    y = k.Dropout(0.5)(k.BatchNormalization()(i, training=True), training=False)
    y = k.LSTM(3, return_sequences=True)(y, mask=m, training=None)
    y, scores = k.Attention()([y, y], return_attention_scores=True, use_causal_mask=True)
    model = random(tf_keras.Model([i, m], [y, scores]))
    both(model, [x_of((T, I)), RANDOM.random((B, T)) > 0.4], tmp_path)


def test_a_mask_that_reaches_attention(tmp_path):
    i = k.Input((T,))
    x = k.Embedding(9, I, mask_zero=True)(i)
    y = k.LayerNormalization()(k.Add()([x, k.MultiHeadAttention(2, 3)(x, x)]))
    both(random(tf_keras.Model(i, y)), RANDOM.integers(0, 3, (B, T)), tmp_path)


def test_lookups(tmp_path):
    i = k.Input((T,), dtype="int64")
    rows = k.IntegerLookup(vocabulary=[5, 7, 9])(i)
    model = random(tf_keras.Model(i, k.Embedding(6, 3)(rows)))
    both(model, RANDOM.integers(4, 10, (B, T)), tmp_path)
    learned = k.IntegerLookup()
    learned.adapt([9, 5, 5, 7])
    stack = tf_keras.Sequential([k.Input((T,), dtype="int64"), learned, k.Embedding(6, 3)])
    model = tf_keras.Model(i, k.Flatten()(stack(i)))
    x = RANDOM.integers(4, 10, (B, T))
    agree(model, models.load_model(saved(model, tmp_path)), x)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others have no strings")
def test_text(tmp_path):
    words = k.TextVectorization(output_sequence_length=4)
    words.adapt(["a b c", "b c d"])
    letters = k.StringLookup(vocabulary=["a", "b"])
    for first, x in ((words, [["a b zz"], ["c"]]), (letters, [["a"], ["q"]])):
        model = tf_keras.Sequential([k.Input((1,), dtype="string"), first, k.Embedding(8, 3)])
        agree(model, models.load_model(saved(model, tmp_path)), tf.constant(x))


def test_spectral_normalization(tmp_path, monkeypatch):
    # tf_keras takes it from tf.keras, which is Keras 3.
    monkeypatch.setattr(tf.keras.layers, "InputSpec", k.InputSpec)
    i = k.Input((T, I))
    y = k.SpectralNormalization(k.Dense(3))(k.SpectralNormalization(k.Conv1D(3, 2))(i))
    model = random(tf_keras.Model(i, y))
    both(model, x_of((T, I)), tmp_path)
    nested = tf_keras.Sequential([k.TimeDistributed(model, input_shape=(2, T, I))])
    both(nested, x_of((2, T, I)), tmp_path)


def test_policies(tmp_path):
    half = tf_keras.mixed_precision.Policy("mixed_float16")
    model = random(tf_keras.Sequential(
        [k.LSTM(H, input_shape=(T, I), dtype=half), k.Dense(2, dtype="float32")]
    ))  # fmt: skip
    new = models.load_model(saved(model, tmp_path))
    assert [layer.compute_dtype for layer in new.layers] == ["float16", "float32"]
    agree(model, new, x_of((T, I)), atol=5e-3)  # 10 bits


def test_stateful(tmp_path):
    model = random(tf_keras.Sequential([k.LSTM(H, stateful=True, batch_input_shape=(B, T, I))]))
    for kind in KINDS:
        model(x_of((T, I)))  # the state that it has while it is saved is not in the file
        new = models.load_model(saved(model, tmp_path, kind))
        model.reset_states()
        for x in (x_of((T, I)), x_of((T, I))):
            agree(model, new, x)


class Doubling(k.Layer):
    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class DoublingToday(keras.layers.Layer):
    def __init__(self, factor=1, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return self.factor * x


def test_classes_and_functions_of_the_program(tmp_path):
    def half(x):
        return x / 2

    model = random(tf_keras.Sequential([
        k.LSTM(3, activation=half, input_shape=(T, I), return_sequences=True), Doubling(3),
        k.Lambda(lambda x: x[:, -1], name="last"), k.Dense(2, activation=half),
    ]))  # fmt: skip
    given = {"custom_objects": {"Doubling": DoublingToday, "half": half}}
    both(model, x_of((T, I)), tmp_path, functions={"last": lambda x: x[:, -1]}, **given)
    with pytest.raises(ValueError, match=r"'last' \(byte code.*\"half\": \.\.\., \"Doubling\": "):
        models.load_model(tmp_path / "model.keras")


# Activations


def test_functions_of_tensorflow_as_activations(tmp_path):
    nn = tf.nn
    functions = [
        nn.leaky_relu, nn.swish, nn.silu, tf.tanh, nn.softmax, nn.relu6, nn.gelu, nn.relu, nn.elu,
        nn.selu, tf.sigmoid, nn.softplus, nn.softsign, nn.log_softmax, tf.identity,
    ]  # fmt: skip
    i = k.Input((I,))
    model = tf_keras.Model(i, [k.Dense(H, activation=one)(i) for one in functions])
    both(random(model), x_of((I,)), tmp_path)


def test_layers_as_activations(tmp_path):
    makers = [lambda: k.LeakyReLU(0.1), lambda: "LeakyReLU", lambda: k.ELU(0.5), k.PReLU,
              lambda: k.ReLU(1.0), k.Softmax, lambda: k.ThresholdedReLU(0.2)]  # fmt: skip
    i = k.Input((T, I))
    outputs = [
        of(i)
        for make in makers
        for of in (k.Dense(3, activation=make()), k.LSTM(2, activation=make()),
                   k.Activation(make()))
    ]  # fmt: skip
    outputs += [
        k.Bidirectional(k.GRU(2, activation=k.PReLU()))(i),
        tf_keras.Sequential([k.Dense(3, activation=k.PReLU(), input_shape=(T, I))])(i),
    ]
    both(random(tf_keras.Model(i, outputs)), x_of((T, I)), tmp_path)


# Operations


def operations(h, a):
    b = tf.concat([a, 2 * a + 1], -1)
    one, two = tf.split(b, 2, axis=-1)
    shape = tf.shape(h)
    flat = k.Dense(2)(tf.reshape(h, [-1, H]))
    return [
        h[:, -1, :], 1 - a, a - one, a / 2.0, b, tf.expand_dims(a, 1), two, tf.reduce_mean(h, 1),
        tf.reshape(h, (shape[0], -1)), tf.reshape(flat, [shape[0], shape[1], 2]),
        tf.reduce_sum(tf.nn.softmax(k.Dense(1)(tf.tanh(h)), axis=1) * h, axis=1),
        tf.transpose(h, [0, 2, 1]) @ h, tf.stack([a, one], 1), tf.where(a > 0, a, -a),
        tf.cast(a > 0, tf.float32), tf.reduce_max(h, [1], True),
    ]  # fmt: skip


def test_operations(tmp_path):
    i = k.Input((None, I))
    zero = tf.zeros((tf.shape(i)[0], H))
    h, a, _ = k.LSTM(H, return_sequences=True, return_state=True)(i, initial_state=[zero, zero])
    model = random(tf_keras.Model(i, operations(h, a)))
    both(model, x_of((T, I)), tmp_path)
    model = random(tf_keras.Model(i, h[..., 0]))  # tf_keras has no word for ... in an archive
    agree(model, models.load_model(saved(model, tmp_path, "h5")), x_of((T, I)))


def test_an_operation_that_is_not_known(tmp_path):
    """Its function is called as TensorFlow's was, constants included."""
    i = k.Input((I,))
    model = tf_keras.Model(i, tf.math.betainc(2.0, tf.sigmoid(i), 0.5))
    calls = []

    def betainc(*args, **kwargs):
        calls.append((args, {**kwargs, "b": None}))
        return 3 * kwargs["b"]

    x = x_of((I,))
    for kind in KINDS:
        path = saved(model, tmp_path, kind)
        with pytest.raises(ValueError, match=r"functions=\{\"tf.math.betainc\": \.\.\.\}"):
            models.load_model(path)
        new = models.load_model(path, functions={"tf.math.betainc": betainc})
        np.testing.assert_allclose(arrays(new(x))[0], 3 / (1 + np.exp(-x)), atol=1e-6)
        assert calls[-1] == ((2.0,), {"b": None, "x": 0.5})


# Training goes on


def compare_training(model, x, y, folder, kinds=KINDS, atol=1e-5):
    """One more step of a model that was trained and saved gives the same weights as the judge's."""
    for _ in range(2):
        model.train_on_batch(x, y)
    new = [models.load_model(saved(model, folder, kind)) for kind in kinds]
    expected = np.ravel(model.train_on_batch(x, y))[0]
    for one in new:
        np.testing.assert_allclose(np.ravel(one.train_on_batch(x, y))[0], expected, rtol=1e-4)
        for a, b in zip(one.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=atol)


LEGACY = optimizers.legacy
NEW = {
    "adam": lambda: optimizers.Adam(0.1, amsgrad=True, clipnorm=0.5),
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.01, centered=True, momentum=0.5),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adamax": lambda: optimizers.Adamax(0.1),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
}
OLD = {
    "adam": lambda: LEGACY.Adam(0.1, amsgrad=True),
    "sgd": lambda: LEGACY.SGD(0.1, momentum=0.9, decay=0.1),
    "rmsprop": lambda: LEGACY.RMSprop(0.01, momentum=0.5),
    "adadelta": lambda: LEGACY.Adadelta(1.0),
}


def simple(optimizer):
    model = random(tf_keras.Sequential(
        [k.Dense(3, "tanh", input_shape=(I,)), k.BatchNormalization(), k.Dense(2)]
    ))  # fmt: skip
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("name", NEW)
def test_optimizers(name, tmp_path):
    kinds = KINDS if name == "adam" else ["keras"]
    compare_training(simple(NEW[name]()), x_of((I,)), x_of((2,)), tmp_path, kinds)


@pytest.mark.parametrize("name", OLD)
def test_legacy_optimizers(name, tmp_path):
    """An archive does not have their state."""
    compare_training(simple(OLD[name]()), x_of((I,)), x_of((2,)), tmp_path, ["h5"])


def frozen():
    """Layers, wrappers, inner layers and models of which some weights are not trained."""
    i = k.Input((T, I))
    h = k.SimpleRNN(3, trainable=False, return_sequences=True)(i)
    some = [k.Dense(3, input_shape=(T, 3)), k.BatchNormalization(), k.Dense(2, trainable=False)]
    whole = tf_keras.Sequential([k.Dense(3, input_shape=(T, 2)), k.Dense(2)])
    whole.trainable = False
    pair = k.Bidirectional(k.SimpleRNN(3, return_sequences=True))
    pair.trainable = False
    h = pair(whole(tf_keras.Sequential(some)(h)))
    h = k.TimeDistributed(k.Dense(2, trainable=False))(h)
    h = k.Bidirectional(k.SimpleRNN(2))(
        k.Bidirectional(k.SimpleRNN(2, trainable=False), "ave")(h)[:, None]
    )
    return random(tf_keras.Model(i, k.Dense(2)(h)))


def test_frozen_layers(tmp_path):
    model = frozen()
    model.compile(optimizers.SGD(0.1, momentum=0.9), "mse", run_eagerly=True)
    compare_training(model, x_of((T, I)), x_of((2,)), tmp_path)
    for kind in KINDS:
        new = models.load_model(tmp_path / f"model.{kind}")
        shapes = [[tuple(w.shape) for w in m.trainable_weights] for m in (new, model)]
        assert shapes[0] == shapes[1]


def test_losses_metrics_and_shared_layers(tmp_path):
    i = k.Input((T,))
    x = k.Embedding(9, 4, mask_zero=True)(i)
    layer = k.SimpleRNN(3)
    inner = tf_keras.Sequential([k.Dense(4, input_shape=(T, 4)), k.LayerNormalization()])
    h = k.Add()([layer(x), layer(inner(k.Dense(4)(x)))])
    outputs = [k.Dense(2, name="a")(h), k.Dense(2, activation="softmax", name="b")(h)]
    model = random(tf_keras.Model(i, outputs))
    model.compile(
        optimizers.SGD(0.05, momentum=0.9),
        loss={"a": losses.mean_squared_error, "b": losses.SparseCategoricalCrossentropy()},
        loss_weights={"a": 0.5, "b": 2.0},
        metrics={"a": [tf_keras.metrics.mean_absolute_error], "b": ["accuracy"]},
        run_eagerly=True,
    )
    y = [x_of((2,)), RANDOM.integers(0, 2, (B,))]
    compare_training(model, RANDOM.integers(0, 9, (B, T)), y, tmp_path)


def test_a_step_of_torch_over_the_variables_of_a_model(tmp_path):
    """What `parameters` gives are the variables that the model computes with."""
    if keras.backend.backend() != "torch":
        pytest.skip("of torch")
    import torch

    x = x_of((T, I))
    for kind in KINDS:
        model = models.load_model(saved(stack(), tmp_path, kind))
        parameters = list(model.parameters())
        assert {id(p) for p in parameters} >= {id(w.value) for w in model.trainable_weights}
        before = arrays(model(x))[0]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        model(x).square().sum().backward()
        optimizer.step()
        assert np.abs(arrays(model(x))[0] - before).max() > 1e-3
