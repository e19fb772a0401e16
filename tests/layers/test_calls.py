"""The ways in which a recurrent layer may be called, and what comes back."""

import keras
import numpy as np
import pytest
from keras import ops

from elman import layers, models
from elman.layers import device

BACKEND = keras.backend.backend()
X = np.random.default_rng(0).normal(size=(4, 6, 5)).astype("float32")
MASK = np.random.default_rng(1).random((4, 6)) > 0.4


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def twin(layer, **changes):
    """A layer of the same settings but for ``changes``, with the same weights."""
    other = type(layer).from_config({**layer.get_config(), **changes})
    other.build(X.shape)
    other.set_weights(layer.get_weights())
    return other


@keras.saving.register_keras_serializable("test_calls")
class CellWithConstants(keras.layers.Layer):
    """h_t = W x_t + U h_{t-1} + C c: a cell as users wrote them for Keras 2."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shapes):
        step, constant = shapes
        names = {"w": step[-1], "u": self.units, "c": constant[-1]}
        for name, size in names.items():
            setattr(self, name, self.add_weight(shape=(size, self.units), name=name))

    def call(self, inputs, states, constants):
        (h,), (c,) = states, constants
        h = inputs @ self.w + h @ self.u + c @ self.c
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


CONSTANT = np.random.default_rng(2).normal(size=(4, 2)).astype("float32")


def test_constants():
    layer = layers.RNN(CellWithConstants(3), return_sequences=True)
    y = numpy(layer(X, constants=[CONSTANT]))
    w, u, c = layer.get_weights()
    h = np.zeros((4, 3))
    for t in range(6):
        h = X[:, t] @ w + h @ u + CONSTANT @ c
        np.testing.assert_allclose(y[:, t], h, rtol=1e-4, atol=1e-5)


def test_constants_in_a_list_with_the_input():
    layer = layers.RNN(CellWithConstants(3))
    y = numpy(layer(X, constants=CONSTANT))
    listed = layer([X, np.zeros((4, 3), "float32"), CONSTANT])
    np.testing.assert_allclose(numpy(listed), y, rtol=1e-6)


@pytest.mark.parametrize("wrap", [False, True], ids=["layer", "Bidirectional"])
def test_constants_in_a_functional_model(wrap, tmp_path):
    x, c = layers.Input((6, 5)), layers.Input((2,))
    layer = layers.RNN(CellWithConstants(3))
    layer = layers.Bidirectional(layer) if wrap else layer
    model = models.Model([x, c], layer(x, constants=[c]))
    y = model.predict([X, CONSTANT], verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict([X, CONSTANT], verbose=0), y, rtol=1e-6)


def test_states_in_a_list_with_the_input():
    layer = layers.LSTM(3)
    h, c = np.ones((4, 3), "float32"), np.full((4, 3), 0.5, "float32")
    np.testing.assert_allclose(
        numpy(layer([X, h, c])), numpy(layer(X, initial_state=[h, c])), rtol=1e-6
    )


@pytest.mark.parametrize("wrap", [lambda layer: layer, layers.Bidirectional], ids=["one", "pair"])
def test_numbers_in_lists_are_an_array(wrap):
    layer = wrap(layers.LSTM(3))
    expected = numpy(layer(X))
    np.testing.assert_array_equal(numpy(layer(X.tolist())), expected)
    zeros = [np.zeros((4, 3), "float32")] * (2 if layer.__class__ is layers.LSTM else 4)
    np.testing.assert_array_equal(numpy(layer([X.tolist(), *zeros])), expected)


def test_an_encoder_and_a_decoder(tmp_path):
    source, target = layers.Input((None,)), layers.Input((None,))
    embed = layers.Embedding(10, 4, mask_zero=True)
    _, h, c = layers.LSTM(3, return_state=True)(embed(source))
    decoder = layers.LSTM(3, return_sequences=True)
    model = models.Model([source, target], decoder(embed(target), initial_state=[h, c]))
    words = np.array([[1, 2, 0, 0], [3, 4, 5, 0]]), np.array([[6, 7, 0], [8, 0, 9]])
    y = model.predict(words, verbose=0)
    # The masked step repeats the output before it: the decoder has seen the mask of its input.
    np.testing.assert_array_equal(y[0, 2], y[0, 1])
    np.testing.assert_array_equal(y[1, 1], y[1, 0])
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(words, verbose=0), y, rtol=1e-6)


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_time_major(cell, backwards):
    layer = getattr(layers, cell)(
        3, return_sequences=True, return_state=True, go_backwards=backwards, time_major=True
    )
    y, *states = layer(X.swapaxes(0, 1), mask=MASK.T)
    expected, *expected_states = twin(layer, time_major=False)(X, mask=MASK)
    np.testing.assert_allclose(numpy(y).swapaxes(0, 1), numpy(expected), atol=1e-6)
    for state, other in zip(states, expected_states, strict=True):
        np.testing.assert_allclose(numpy(state), numpy(other), atol=1e-6)


def test_time_major_bidirectional():
    layer = layers.Bidirectional(layers.GRU(3, return_sequences=True, time_major=True))
    y = layer(X.swapaxes(0, 1), mask=MASK.T)
    other = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    other.build(X.shape)
    other.set_weights(layer.get_weights())
    np.testing.assert_allclose(numpy(y).swapaxes(0, 1), numpy(other(X, mask=MASK)), atol=1e-6)


@pytest.mark.parametrize("given", ["inputs", "batch_size", "position"])
def test_get_initial_state(given):
    layer = layers.LSTM(3)
    arguments = {
        "inputs": {"inputs": X},
        "batch_size": {"batch_size": 4},
        "position": {"batch_size": X},
    }[given]
    states = layer.get_initial_state(**arguments)
    assert [numpy(state).tolist() for state in states] == [np.zeros((4, 3)).tolist()] * 2


def test_get_initial_state_of_a_cell():
    assert [s.shape for s in layers.LSTMCell(3).get_initial_state(inputs=X[:, 0])] == [(4, 3)] * 2
    stacked = layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])
    (h, c), *_ = stacked.get_initial_state(batch_size=4)
    assert (h.shape, c.shape) == ((4, 3), (4, 3))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_the_two_hard_sigmoids(cell):
    x = np.array([[[0.8, -0.4]]], "float32")
    with pytest.warns(UserWarning, match=r"clip\(0.2 x \+ 0.5, 0, 1\)"):
        old = getattr(layers, cell)(3, recurrent_activation="hard_sigmoid")
    old.build(x.shape)
    new = getattr(layers, cell)(3, recurrent_activation=keras.activations.hard_sigmoid)
    new.build(x.shape)
    new.set_weights(old.get_weights())
    by_keras = getattr(keras.layers, cell)(3, recurrent_activation="hard_sigmoid")
    by_keras.build(x.shape)
    by_keras.set_weights(old.get_weights())
    np.testing.assert_allclose(numpy(new(x)), numpy(by_keras(x)), atol=1e-6)
    assert np.abs(numpy(old(x)) - numpy(new(x))).max() > 1e-4
    for layer in (old, new):
        again = type(layer).from_config(layer.get_config())
        again.build(x.shape)
        again.set_weights(layer.get_weights())
        np.testing.assert_array_equal(numpy(again(x)), numpy(layer(x)))


def test_a_subclass_takes_old_arguments_too():
    class Mine(layers.LSTM):
        def __init__(self, units, **kwargs):
            super().__init__(units, inner_init="identity", **kwargs)

    layer = Mine(3, batch_input_shape=(4, 6, 5))
    model = models.Sequential([layer])
    assert model.output_shape == (4, 3)
    np.testing.assert_array_equal(numpy(layer.cell.recurrent_kernel)[:, :3], np.eye(3))


def test_a_list_of_cells_is_a_stack():
    layer = layers.RNN([layers.LSTMCell(3), keras.layers.GRUCell(2)], return_state=True)
    y, (h, c), _ = layer(X)
    assert (y.shape, h.shape, c.shape) == ((4, 2), (4, 3), (4, 3))


def test_dropout_in_a_stack_with_its_states_in_reverse():
    cells = [layers.LSTMCell(3, recurrent_dropout=0.5), layers.GRUCell(2, recurrent_dropout=0.5)]
    layer = layers.RNN(layers.StackedRNNCells(cells, reverse_state_order=True), return_state=True)
    y, state, (h, c) = layer(X, training=True)
    assert (y.shape, state.shape, h.shape, c.shape) == ((4, 2), (4, 2), (4, 3), (4, 3))


def test_dropout_is_the_same_at_each_step():
    layer = layers.SimpleRNN(
        64, activation="linear", recurrent_initializer="zeros", return_sequences=True, dropout=0.5
    )
    y = numpy(layer(np.ones((2, 5, 8), "float32"), training=True))
    np.testing.assert_allclose(y, np.repeat(y[:, :1], 5, axis=1), rtol=1e-5)
    assert np.abs(y[0] - y[1]).max() > 0
    assert np.abs(y - numpy(layer(np.ones((2, 5, 8), "float32")))).max() > 0


def test_recurrent_dropout_drops_states():
    layer = layers.SimpleRNN(
        200, activation="linear", kernel_initializer="zeros", recurrent_initializer="identity",
        recurrent_dropout=0.5,
    )  # fmt: skip
    x = np.zeros((1, 1, 2), "float32")
    y = numpy(layer(x, initial_state=[np.ones((1, 200), "float32")], training=True))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert 60 < (y == 0).sum() < 140


@pytest.mark.skipif(device.kind() != "cpu", reason="cuDNN has no recurrent dropout")
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_dropout_is_the_same_in_both_engines(cell):
    arguments = {"dropout": 0.4, "recurrent_dropout": 0.3, "seed": 5, "return_sequences": True}
    native = getattr(layers, cell)(7, **arguments, engine="native")
    looped = getattr(layers, cell)(7, **arguments, engine="keras")
    for layer in (native, looped):
        layer.build(X.shape)
    looped.set_weights(native.get_weights())
    dropped = numpy(native(X, mask=MASK, training=True))
    np.testing.assert_allclose(
        dropped, numpy(looped(X, mask=MASK, training=True)), rtol=1e-4, atol=1e-5
    )
    assert np.abs(dropped - numpy(native(X, mask=MASK))).max() > 1e-3


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_dtypes(policy):
    if policy == "float64" and BACKEND == "jax":
        pytest.skip("JAX computes in float64 only where it is switched on; the laws do that")
    layer = layers.Bidirectional(layers.GRU(3, return_sequences=True, dtype=policy), dtype=policy)
    wide = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    y = layer(X, mask=MASK)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    wide.build(X.shape)
    wide.set_weights(layer.get_weights())
    tolerance = 1e-5 if policy == "float64" else 3e-2  # bfloat16 has 8 bits, over six steps
    np.testing.assert_allclose(
        numpy(ops.cast(y, "float32")), numpy(wide(X, mask=MASK)), atol=tolerance
    )


def trained(**compiled):
    keras.utils.set_random_seed(3)
    model = models.Sequential([keras.Input((None, 5)), layers.LSTM(3, engine="keras")])
    model.add(layers.Dense(1))
    model.compile("sgd", "mse", **compiled)
    model.fit(X, np.ones((4, 1)), epochs=3, verbose=0)
    return model.predict(X[:, :3], verbose=0)


@pytest.mark.skipif(BACKEND == "torch", reason="torch.compile takes minutes")
def test_jit_compile():
    np.testing.assert_allclose(trained(jit_compile=True), trained(run_eagerly=True), atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA calls the kernels from JAX")
def test_jit_compile_is_refused_aloud_where_xla_cannot_call_the_kernels():
    model = models.Sequential([keras.Input((None, 5)), layers.LSTM(3)])
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile("sgd", "mse", jit_compile=True)
    model.fit(X, np.ones((4, 3)), verbose=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has ragged tensors")
@pytest.mark.parametrize("wrap", [False, True], ids=["layer", "Bidirectional"])
def test_ragged(wrap):
    import tensorflow as tf

    rows = [X[0, :1], X[1, :6], X[2, :0], X[3, :3]]
    lengths = [len(row) for row in rows]
    ragged = tf.RaggedTensor.from_row_lengths(np.concatenate(rows), lengths)
    layer = layers.LSTM(3, return_sequences=True)
    layer = layers.Bidirectional(layer) if wrap else layer
    y = layer(ragged)
    assert y.row_lengths().numpy().tolist() == lengths
    for i, row in enumerate(rows):
        if len(row):
            np.testing.assert_allclose(y[i].numpy(), numpy(layer(row[None]))[0], atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has ragged tensors")
def test_ragged_in_a_model():
    import tensorflow as tf

    ragged = tf.RaggedTensor.from_row_lengths(X.reshape(24, 5)[:10], [1, 6, 0, 3])
    model = models.Sequential([keras.Input((None, 5), ragged=True)])
    model.add(layers.Bidirectional(layers.GRU(3, return_sequences=True)))
    model.add(layers.TimeDistributed(layers.Dense(2)))
    model.add(layers.LSTM(3))
    model.compile("sgd", "mse")
    model.fit(ragged, np.ones((4, 3)), verbose=0)
    assert model.predict(ragged, verbose=0).shape == (4, 3)


@pytest.mark.parametrize("wrap", [False, True], ids=["layer", "Bidirectional"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pictures_in_time(data_format, wrap):
    if data_format == "channels_first" and BACKEND == "tensorflow":
        pytest.skip("TensorFlow convolves no channels_first on a CPU")
    x = np.random.default_rng(3).normal(size=(2, 4, 5, 6, 7)).astype("float32")
    mask = np.array([[True, False, True, True], [True, True, True, False]])
    mask = None if BACKEND == "jax" else mask  # Keras's own takes none there
    arguments = {"return_sequences": True, "data_format": data_format, "padding": "same"}
    ours, keras_own = (
        lib.Bidirectional(lib.ConvLSTM2D(3, 3, **arguments))
        if wrap
        else lib.ConvLSTM2D(3, 3, **arguments)
        for lib in (layers, keras.layers)
    )
    y = ours(x, mask=mask)
    keras_own.build(x.shape)
    keras_own.set_weights(ours.get_weights())
    np.testing.assert_allclose(numpy(y), numpy(keras_own(x, mask=mask)), atol=1e-5)


def test_pictures_carried_from_batch_to_batch():
    layer = layers.ConvLSTM2D(3, 3, stateful=True, batch_input_shape=(2, 4, 5, 6, 1))
    model = models.Sequential([layer, layers.GlobalAveragePooling2D(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4, 5, 6, 1)), np.ones((4, 1)), verbose=0)
    carried = numpy(layer.states[0])
    assert carried.shape == (2, 3, 4, 3)
    assert np.abs(carried).max() > 0
    model.reset_states()
    assert (numpy(layer.states[0]) == 0).all()


def test_a_pair_of_layers_of_keras():
    pair = layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    plain = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    y = pair(X)
    plain.build(X.shape)
    plain.set_weights(pair.get_weights())
    np.testing.assert_allclose(numpy(y), numpy(plain(X)), atol=1e-6)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="on a GPU it computes as Keras does")
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_what_computes_on_a_gpu_computes_the_same(cell, monkeypatch):
    layer = layers.Bidirectional(getattr(layers, cell)(3, return_sequences=True, dropout=0.1))
    expected = [numpy(layer(X, mask=mask)) for mask in (None, MASK)]
    monkeypatch.setattr(device, "kind", lambda array=None: "gpu")
    (computation,) = layer._native(X)
    assert computation.run.__module__.endswith(f"{BACKEND}_accelerated")
    for mask, wanted in zip((None, MASK), expected, strict=True):
        np.testing.assert_allclose(numpy(layer(X, mask=mask)), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(BACKEND != "torch", reason="of cuDNN, which PyTorch has for layers")
def test_use_cudnn_on_a_gpu(monkeypatch):
    monkeypatch.setattr(device, "kind", lambda array=None: "gpu")
    by_cudnn, looped = (layers.LSTM(3, use_cudnn=use) for use in (True, False))
    assert "use_cudnn=False asks" in looped._native().reason
    looped.build(X.shape)
    by_cudnn.build(X.shape)
    by_cudnn.set_weights(looped.get_weights())
    np.testing.assert_allclose(numpy(by_cudnn(X)), numpy(looped(X)), rtol=1e-5, atol=1e-6)
    without = layers.LSTM(3, use_cudnn=True, activation="relu")
    with pytest.raises(ValueError, match="no cuDNN for it: cuDNN computes lstm with tanh and"):
        without(X)
    assert "dropout of h" in layers.LSTM(3, recurrent_dropout=0.1)._native().reason
