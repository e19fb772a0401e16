"""Old constructor arguments on the real layers: shapes, sizes and numbers they always gave."""

import re

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from elman import layers
from elman.layers.activations import hard_sigmoid
from elman.models import Model, Sequential, clone_model

RECURRENT = ["SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU"]


def rows(model, name):
    """Output shape and number of parameters of a layer in the model's summary."""
    lines = []
    model.summary(print_fn=lines.append)
    found = re.findall(rf"{name}\S* \(.*?\)\s+│\s+(\(.*?\))\s+│\s+([\d,]+)", "\n".join(lines))
    return [(shape, int(count.replace(",", ""))) for shape, count in found]


def shapes(*stack):
    model = Sequential(list(stack))
    return model.input_shape, model.output_shape


def array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def simple_rnn(x, kernel, recurrent, bias):
    h = np.zeros((len(x), kernel.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
        outputs.append(h)
    return np.stack(outputs, axis=1)


# The study note


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (2, 10)}, "(None, 3)"),
        ({"input_length": 2, "input_dim": 10}, "(None, 3)"),
        ({"batch_input_shape": (8, 2, 10)}, "(8, 3)"),
        ({"batch_input_shape": (8, 2, 10), "return_sequences": True}, "(8, 2, 3)"),
        ({"input_shape": (2, 10), "return_sequences": True}, "(None, 2, 3)"),
        ({"input_length": 2, "input_dim": 10, "return_sequences": True}, "(None, 2, 3)"),
        ({"batch_size": 8, "input_shape": (2, 10)}, "(8, 3)"),
    ],
    ids=str,
)
def test_the_definitions_of_the_study_note(arguments, shape):
    model = Sequential()
    model.add(layers.SimpleRNN(3, **arguments))
    assert rows(model, "simple_rnn") == [(shape, 42)]
    assert model.count_params() == 42


def test_the_definitions_of_the_study_note_compute_the_same():
    weights = [array(10, 3), array(3, 3, seed=1), array(3, seed=2)]
    x = array(8, 2, 10, seed=3)
    expected = simple_rnn(x, *weights)
    for arguments in (
        {"input_shape": (2, 10)},
        {"input_length": 2, "input_dim": 10},
        {"batch_input_shape": (8, 2, 10)},
    ):
        last = Sequential([layers.SimpleRNN(3, weights=weights, **arguments)])
        every = Sequential(
            [layers.SimpleRNN(3, weights=weights, return_sequences=True, **arguments)]
        )
        np.testing.assert_allclose(last.predict(x, verbose=0), expected[:, -1], atol=1e-6)
        np.testing.assert_allclose(every.predict(x, verbose=0), expected, atol=1e-6)


# Shapes


@pytest.mark.parametrize("layer", RECURRENT)
@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": [2, 10]}, (None, 2, 10)),
        ({"input_dim": 10}, (None, None, 10)),
        ({"input_length": 2, "input_dim": 10, "batch_size": 8}, (8, 2, 10)),
        ({"batch_input_shape": (8, None, 10)}, (8, None, 10)),
    ],
    ids=str,
)
def test_a_recurrent_layer_first(layer, arguments, shape):
    made = getattr(layers, layer)(3, return_sequences=True, **arguments)
    assert shapes(made) == (shape, (*shape[:2], 3))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda **shape: layers.Bidirectional(layers.LSTM(3, return_sequences=True), **shape),
            (8, 2, 6),
        ),
        (
            lambda **shape: layers.Bidirectional(layers.LSTM(3, return_sequences=True, **shape)),
            (8, 2, 6),
        ),
        (lambda **shape: layers.Bidirectional(layers.GRU(3, **shape), merge_mode="sum"), (8, 3)),
        (lambda **shape: layers.TimeDistributed(layers.Dense(3), **shape), (8, 2, 3)),
        (lambda **shape: layers.RNN(layers.LSTMCell(3), **shape), (8, 3)),
        (
            lambda **shape: layers.RNN([layers.GRUCell(4), layers.GRUCell(3)], **shape),
            (8, 3),
        ),
        (lambda **shape: layers.Masking(0.0, **shape), (8, 2, 10)),
        (lambda **shape: layers.Convolution1D(3, 2, **shape), (8, 1, 3)),
        (lambda **shape: layers.LSTM(3, stateful=True, **shape), (8, 3)),
    ],
    ids=[
        "Bidirectional",
        "inside-Bidirectional",
        "inside-Bidirectional-sum",
        "TimeDistributed",
        "RNN",
        "RNN-stacked",
        "Masking",
        "Conv1D",
        "stateful",
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_input_shape": (8, 2, 10)},
        {"input_shape": (2, 10), "batch_size": 8},
        {"input_length": 2, "input_dim": 10, "batch_size": 8},
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_a_first_layer_that_knows_its_batch_size(make, expected, arguments):
    assert shapes(make(**arguments)) == ((8, 2, 10), expected)


def test_dense_first():
    assert shapes(layers.Dense(3, input_dim=10)) == ((None, 10), (None, 3))
    assert shapes(layers.Dense(3, batch_input_shape=(8, 10))) == ((8, 10), (8, 3))


def test_embedding_first():
    lstm = layers.LSTM(3)
    assert shapes(layers.Embedding(9, 4, input_length=5), lstm) == ((None, 5), (None, 3))
    batch = shapes(layers.Embedding(9, 4, batch_input_shape=(8, 5)), layers.LSTM(3))
    assert batch == ((8, 5), (8, 3))
    unknown = shapes(layers.Embedding(9, 4), layers.LSTM(3, return_sequences=True))
    assert unknown == ((None, None), (None, None, 3))
    flat = Sequential([layers.Embedding(9, 4, input_length=5), layers.Flatten(), layers.Dense(1)])
    assert flat.count_params() == 9 * 4 + 5 * 4 + 1


def test_an_embedding_waits_for_a_batch_where_a_layer_needs_the_length():
    def stack():
        return [layers.Embedding(9, 4), layers.Flatten(), layers.Dense(1)]

    model = Sequential(stack())
    assert not model.built
    assert model(np.ones((2, 5))).shape == (2, 1)
    assert model.count_params() == 9 * 4 + 5 * 4 + 1
    built = Sequential(stack())
    built.build((None, 5))
    assert built.output_shape == (None, 1)
    with pytest.raises(ValueError, match="fully-defined"):
        Sequential([layers.Input((None,)), *stack()])
    with pytest.raises(ValueError, match=r"must be given an array of shape \(batch, timesteps"):
        Sequential([layers.Embedding(9, 4), layers.LSTM(3), layers.LSTM(3)])


@pytest.mark.filterwarnings("ignore:Argument `input_shape` is deprecated")
def test_input_layer_first():
    assert shapes(layers.InputLayer(input_shape=(2, 10)), layers.LSTM(3))[1] == (None, 3)
    assert shapes(layers.InputLayer(batch_input_shape=(8, 2, 10)), layers.LSTM(3))[1] == (8, 3)


def test_a_shape_further_up_is_not_needed():
    model = Sequential()
    model.add(layers.LSTM(3, batch_input_shape=(8, 2, 10), return_sequences=True))
    model.add(layers.LSTM(4, input_shape=(2, 3)))
    assert (model.input_shape, model.output_shape) == ((8, 2, 10), (8, 4))


def test_a_cell_takes_a_shape_and_does_not_need_it():
    cell = layers.LSTMCell(3, batch_input_shape=(8, 10))
    assert shapes(layers.RNN(cell, batch_input_shape=(8, 2, 10))) == ((8, 2, 10), (8, 3))


def test_a_model_copied_or_read_back_knows_its_batch_size(tmp_path):
    model = Sequential([layers.SimpleRNN(3, batch_input_shape=(8, 2, 10), return_sequences=True)])
    model.save(tmp_path / "model.keras")
    read = keras.models.load_model(tmp_path / "model.keras")
    for other in (clone_model(model), Sequential.from_config(model.get_config()), read):
        assert other.output_shape == (8, 2, 3)


# Names of Keras 1


def test_a_whole_model_in_the_words_of_keras_1():
    old = Sequential()
    old.add(
        layers.Convolution1D(
            nb_filter=4,
            filter_length=3,
            input_dim=10,
            input_length=20,
            border_mode="same",
            subsample_length=2,
            init="he_normal",
            activation="relu",
        )
    )
    old.add(layers.MaxPooling1D(pool_length=2, stride=2, border_mode="valid"))
    old.add(layers.Dropout(p=0.5))
    old.add(
        layers.LSTM(
            output_dim=5,
            init="glorot_uniform",
            inner_init="orthogonal",
            forget_bias_init="one",
            inner_activation="hard_sigmoid",
            W_regularizer="l2",
            U_regularizer={"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1},
            b_regularizer="l1",
            dropout_W=0.2,
            dropout_U=0.2,
            consume_less="mem",
            return_sequences=True,
        )
    )
    old.add(layers.GRU(4, init="uniform", inner_init="orthogonal"))
    old.add(layers.Dense(output_dim=1, init="normal", bias=True, W_constraint="maxnorm"))
    new = Sequential(
        [
            layers.Input((20, 10)),
            layers.Conv1D(4, 3, strides=2, padding="same", activation="relu"),
            layers.MaxPooling1D(2, 2),
            layers.Dropout(0.5),
            layers.LSTM(5, recurrent_activation=hard_sigmoid, return_sequences=True),
            layers.GRU(4, recurrent_activation=hard_sigmoid, reset_after=False),
            layers.Dense(1),
        ]
    )
    assert [w.shape for w in old.weights] == [w.shape for w in new.weights]
    new.set_weights(old.get_weights())
    x = array(8, 20, 10)
    np.testing.assert_allclose(old.predict(x, verbose=0), new.predict(x, verbose=0), atol=1e-6)
    lstm = old.layers[3]
    bias = lstm.get_weights()[2]
    np.testing.assert_array_equal(bias, [0] * 5 + [1] * 5 + [0] * 10)
    assert len(old.losses) == 3
    old.compile("sgd", "mse")
    assert np.isfinite(old.fit(x, array(8, 1), verbose=0).history["loss"][0])


def test_a_functional_model_in_the_words_of_keras_1():
    x = layers.Input(shape=(6, 3))
    model = Model(input=x, output=layers.Dense(output_dim=1)(layers.SimpleRNN(4)(x)))
    model.compile("sgd", "mse")
    history = model.fit(array(8, 6, 3), array(8, 1), nb_epoch=3, verbose=0)
    assert len(history.history["loss"]) == 3
    assert clone_model(model).output_shape == (None, 1)
    with pytest.raises(TypeError, match="give only epochs"):
        model.fit(array(8, 6, 3), array(8, 1), nb_epoch=3, epochs=2)


def test_keras_1_sigmoid_of_the_gates():
    """The gates of Keras 1 are clip(0.2 x + 0.5, 0, 1) where nothing is said."""
    layer = layers.LSTM(output_dim=3, input_shape=(4, 2))
    model = Sequential([layer])
    kernel, recurrent, bias = weights = [array(2, 12), array(3, 12, seed=1), array(12, seed=2)]
    layer.set_weights(weights)
    x = 3 * array(8, 4, 2, seed=3)
    h = c = np.zeros((8, 3))
    for t in range(4):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    np.testing.assert_allclose(model.predict(x, verbose=0), h, atol=1e-6)


def test_values_by_position_as_in_keras_1():
    dense = layers.Dense(4, "uniform", "relu", input_dim=3)
    assert dense.activation.__name__ == "relu"
    rnn = layers.SimpleRNN(3, "glorot_uniform", "orthogonal", "relu", input_dim=3)
    assert rnn.cell.activation.__name__ == "relu"
    assert layers.Convolution2D(8, 3, 5, border_mode="same").kernel_size == (3, 5)
    assert layers.Convolution2D(8, 3, 5).kernel_size == (3, 5)
    assert layers.Conv2D(8, 3, 2).strides == (2, 2)


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda: layers.LeakyReLU(alpha=0.25), "negative_slope", 0.25),
        (lambda: layers.GaussianNoise(sigma=0.5), "stddev", 0.5),
        (lambda: layers.SpatialDropout1D(p=0.5, trainable=False), "rate", 0.5),
        (lambda: layers.UpSampling1D(length=3), "size", 3),
        (lambda: layers.AveragePooling1D(), "pool_size", (2,)),
        (lambda: layers.ZeroPadding2D((1, 2, 3, 4)), "padding", ((1, 2), (3, 4))),
        (lambda: layers.LSTM(3, dynamic=False, implementation=1), "units", 3),
    ],
)  # fmt: skip
def test_arguments_of_other_layers(make, name, value):
    assert getattr(make(), name) == value


# Weights


def test_weights_of_a_layer():
    weights = [array(10, 3), array(3, 3, seed=1), array(3, seed=2)]
    x = array(8, 2, 10, seed=3)
    y = convert_to_numpy(layers.SimpleRNN(3, weights=weights)(x))
    np.testing.assert_allclose(y, simple_rnn(x, *weights)[:, -1], atol=1e-6)


@pytest.mark.parametrize("by_position", [False, True])
def test_weights_of_a_bidirectional(by_position):
    forward = [array(10, 3), array(3, 3, seed=1), array(3, seed=2)]
    backward = [array(10, 3, seed=3), array(3, 3, seed=4), array(3, seed=5)]
    x = array(8, 2, 10, seed=6)
    rnn = layers.SimpleRNN(3, return_sequences=True)
    if by_position:
        layer = layers.Bidirectional(rnn, "concat", forward + backward)
    else:
        layer = layers.Bidirectional(rnn, weights=forward + backward)
    expected = [simple_rnn(x, *forward), simple_rnn(x[:, ::-1], *backward)[:, ::-1]]
    y = convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, np.concatenate(expected, axis=-1), atol=1e-6)


def test_weights_of_the_layer_inside_a_bidirectional_are_those_forwards():
    forward = [array(10, 3), array(3, 3, seed=1), array(3, seed=2)]
    x = array(8, 2, 10, seed=6)
    rnn = layers.SimpleRNN(3, weights=forward, return_sequences=True)
    model = Sequential([layers.Bidirectional(rnn, input_shape=(2, 10))])
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y[..., :3], simple_rnn(x, *forward), atol=1e-6)
    assert np.abs(y[..., 3:] - simple_rnn(x[:, ::-1], *forward)[:, ::-1]).max() > 0.1


def test_weights_of_a_stateful_layer():
    weights = [array(10, 3), array(3, 3, seed=1), array(3, seed=2)]
    x = array(8, 2, 10, seed=3)
    layer = layers.SimpleRNN(3, weights=weights, stateful=True, batch_input_shape=(8, 2, 10))
    model = Sequential([layer])
    expected = simple_rnn(np.concatenate([x, x], axis=1), *weights)
    for t in (1, 3):
        np.testing.assert_allclose(model.predict(x, verbose=0), expected[:, t], atol=1e-6)


@pytest.mark.parametrize("bare", [False, True])
def test_weights_of_an_embedding(bare):
    matrix = array(9, 4)
    embedding = layers.Embedding(
        9, 4, weights=matrix if bare else [matrix], input_length=5, trainable=False
    )
    model = Sequential([embedding])
    np.testing.assert_array_equal(model.predict(np.arange(5)[None], verbose=0), [matrix[:5]])
    assert embedding.trainable_weights == []


def test_weights_of_dense_inside_time_distributed():
    weights = [array(10, 3), array(3, seed=1)]
    x = array(8, 2, 10, seed=2)
    y = layers.TimeDistributed(layers.Dense(3, weights=weights))(x)
    np.testing.assert_allclose(convert_to_numpy(y), x @ weights[0] + weights[1], atol=1e-5)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="weight"):
        Sequential([layers.SimpleRNN(3, weights=[array(10, 3)], input_shape=(2, 10))])


# Time first


@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_time_major_is_the_same_with_the_axes_exchanged(layer, return_sequences):
    x = array(8, 5, 10)
    make = getattr(layers, layer)
    batch_major = make(3, return_sequences=return_sequences)
    y = convert_to_numpy(batch_major(x))
    time_major = make(
        3, return_sequences=return_sequences, time_major=True, weights=batch_major.get_weights()
    )
    y_time_major = convert_to_numpy(time_major(x.swapaxes(0, 1)))
    expected = y.swapaxes(0, 1) if return_sequences else y
    np.testing.assert_allclose(y_time_major, expected, atol=1e-6)


def test_time_major_in_a_model_and_in_a_pair():
    time_major = {"time_major": True, "return_sequences": True}
    model = Sequential([layers.LSTM(3, batch_input_shape=(5, 8, 10), **time_major)])
    assert model.output_shape == (5, 8, 3)
    pair = layers.Bidirectional(layers.LSTM(3, **time_major))
    x = array(8, 5, 10)
    y = convert_to_numpy(pair(x.swapaxes(0, 1)))
    plain = layers.Bidirectional(layers.LSTM(3, return_sequences=True), weights=pair.get_weights())
    np.testing.assert_allclose(y, convert_to_numpy(plain(x)).swapaxes(0, 1), atol=1e-6)


# Refusals


def test_refusals_in_the_words_of_the_user():
    with pytest.raises(TypeError, match="did you mean 'return_sequences'"):
        layers.LSTM(3, retrun_sequences=True)
    with pytest.raises(TypeError, match=r"input_shape must be a tuple .* got 10"):
        layers.SimpleRNN(3, input_shape=10)
    with pytest.raises(ValueError, match=r"write SpatialDropout1D\(0.2\) after it"):
        layers.Embedding(9, 4, dropout=0.2)
    with pytest.raises(ValueError, match="LayerNormalization"):
        layers.BatchNormalization(mode=1)
    with pytest.raises(TypeError, match="which are one argument today"):
        layers.LSTM(3, init="uniform", kernel_initializer="normal")


# Names of layers


def test_another_name_of_a_layer_is_that_layer():
    assert isinstance(layers.MaxPool2D(2), layers.MaxPooling2D)
    assert isinstance(layers.Convolution2D(8, 3, 3), layers.Conv2D)
    assert isinstance(layers.Conv2D(8, 3), keras.layers.Conv2D)


def test_layers_that_keras_3_dropped():
    dense = layers.TimeDistributedDense(3, input_length=2, input_dim=10)
    assert shapes(dense) == ((None, 2, 10), (None, 2, 3))
    x = np.array([[-1.0, 0.5, 1.0, 1.5]])
    y = convert_to_numpy(layers.ThresholdedReLU(theta=1.0)(x))
    np.testing.assert_array_equal(y, [[0, 0, 0, 1.5]])
    np.testing.assert_array_equal(convert_to_numpy(layers.ThresholdedReLU()(x)), y)
    assert layers.AtrousConvolution1D(4, 3, atrous_rate=2).dilation_rate == (2,)
    assert layers.Deconvolution2D(4, 3, 5, output_shape=(None, 9, 9, 4)).kernel_size == (3, 5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Convolution2D(8, 3, 5),
        layers.MaxPool1D(pool_length=2),
        layers.ThresholdedReLU(2.0),
        layers.TimeDistributedDense(3, "uniform"),
    ],
)
def test_a_layer_of_an_old_name_is_read_back(layer):
    read = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(read) is type(layer)
    assert read.get_config() == layer.get_config()


def test_shapes_of_a_layer():
    model = Sequential([layers.LSTM(3, input_shape=(5, 2), return_sequences=True), layers.Dense(1)])
    assert [layer.input_shape for layer in model.layers] == [(None, 5, 2), (None, 5, 3)]
    assert model.layers[-1].output_shape == model.output_shape == (None, 5, 1)
    several = layers.LSTM(3, return_state=True)
    several(layers.Input((5, 2)))
    assert several.output_shape == [(None, 3)] * 3
    with pytest.raises(AttributeError):
        layers.Dense(1).output_shape  # noqa: B018
    layers.Dense(1).output_shape = (1,)
