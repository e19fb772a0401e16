"""What Keras asks before it computes: shapes, dtypes and masks, without a loop through time."""

import functools

import keras
import numpy as np
import pytest
from backends import BACKEND
from kinds import SORTS, random_batch

from elman import layers, models
from elman._keras_private import get_keras_mask

MASKED = 9.0
X = random_batch().astype("float32")
X[:, 0] = MASKED


class Around(keras.layers.Layer):
    """A layer that cannot tell its shapes, so that Keras runs it without numbers, as `fit` does."""

    def __init__(self, layer, masked=True):
        super().__init__(dtype=layer.dtype_policy)
        self.layer, self.masked = layer, masked

    def call(self, x):
        x = layers.Masking(MASKED, dtype=self.dtype_policy)(x) if self.masked else x
        return self.layer(x)


def specs(results):
    def spec(x):
        mask = get_keras_mask(x)
        of_mask = None if mask is None else tuple(mask.shape)
        return tuple(x.shape), keras.backend.standardize_dtype(x.dtype), of_mask

    return keras.tree.map_structure(spec, results)


def check(layer, x=X, masked=True):
    """What Keras tells of `layer`, asked in either way, is what a call gives; open axes too."""
    masking = layers.Masking(MASKED, dtype=layer.dtype_policy) if masked else lambda x: x
    given = layer(masking(x))
    assert specs(layer(masking(keras.Input(batch_shape=x.shape)))) == specs(given)
    told = Around(layer, masked)(keras.Input(batch_shape=x.shape))
    compare(told, given, given)
    if getattr(layer, "stateful", False):
        return
    larger = layer(masking(np.concatenate([x, x])[:, :-1]))
    compare(
        Around(layer, masked)(keras.Input(batch_shape=(None, None, *x.shape[2:]))), given, larger
    )


def compare(told, given, larger):
    """The axes in which `larger` is not as `given` are to be told as open."""
    keras.tree.assert_same_structure(told, given)
    for a, b, c in zip(*map(keras.tree.flatten, (told, given, larger)), strict=True):
        assert keras.backend.standardize_dtype(a.dtype) == keras.backend.standardize_dtype(b.dtype)
        shape = [n if n == m else None for n, m in zip(b.shape, c.shape, strict=True)]
        if BACKEND == "tensorflow" and a.shape[0] is None:
            shape[0] = None  # its loop leaves the batch open
        assert list(a.shape) == shape


@pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
@pytest.mark.parametrize("return_state", [False, True], ids=["outputs", "states"])
@pytest.mark.parametrize("kind", SORTS.values(), ids=SORTS)
def test_told_is_what_is_given(kind, return_state, sequences):
    check(kind.make(units=4, return_state=return_state, return_sequences=sequences))


@pytest.mark.parametrize("kind", ["LSTM", "RNN(StackedRNNCells)", "Bidirectional(LSTM)"])
def test_in_mixed_precision(kind):
    options = {"return_state": True, "return_sequences": True}
    check(SORTS[kind].make(units=4, dtype="mixed_bfloat16", **options))


OTHERS = {
    "backwards": lambda: layers.GRU(4, return_sequences=True, go_backwards=True),
    "zeros": lambda: layers.GRU(4, return_sequences=True, zero_output_for_mask=True),
    "stateful": lambda: layers.LSTM(4, return_sequences=True, stateful=True),
    "native": lambda: layers.LSTM(4, return_sequences=True, engine="native"),
    "dropout": lambda: layers.LSTM(4, dropout=0.1, recurrent_dropout=0.1, engine="keras"),
    "output_size": lambda: layers.RNN(Widened(4), return_sequences=True, return_state=True),
    "sum": lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum"),
    "pair": lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode=None),
    "pair-states": lambda: layers.Bidirectional(
        layers.LSTM(4, return_sequences=True, return_state=True), merge_mode=None
    ),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(4)),
    "CRF": lambda: layers.CRF(2),
    "AttentionDecoder": lambda: layers.AttentionDecoder(4, attention=None, input_feeding=True),
}


class Widened(layers.SimpleRNNCell):
    """Gives two more numbers than it keeps."""

    def __init__(self, units):
        super().__init__(units)
        self.output_size = units + 2

    def call(self, inputs, states, training=False):
        h, states = super().call(inputs, states, training)
        return keras.ops.concatenate([h, inputs], axis=-1), states


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_others(make):
    check(make())


def test_pictures():
    x = random_batch(features=4 * 2).astype("float32").reshape(3, 5, 4, 2)
    check(layers.ConvLSTM1D(4, 2, return_sequences=True, return_state=True), x, False)


# Those whose cells are called step by step.
LOOPS = {
    "SimpleRNN": lambda: layers.SimpleRNN(4, engine="keras"),
    "sequences": lambda: layers.SimpleRNN(4, engine="keras", return_sequences=True),
    "time_major": lambda: layers.SimpleRNN(4, engine="keras", time_major=True),
    "unrolled": lambda: layers.SimpleRNN(4, engine="keras", unroll=True),
    "native": lambda: layers.SimpleRNN(4, engine="native"),
    "stacked": lambda: layers.RNN([layers.SimpleRNNCell(4) for _ in "ab"], engine="keras"),
    "Bidirectional": lambda: layers.Bidirectional(layers.SimpleRNN(4, engine="keras")),
    "AttentionDecoder": lambda: layers.AttentionDecoder(
        4, "simple_rnn", attention=None, input_feeding=True
    ),
}


@pytest.mark.parametrize("make", LOOPS.values(), ids=LOOPS)
def test_the_number_of_steps_makes_no_difference(make, monkeypatch):
    called = []
    call = keras.layers.SimpleRNNCell.call

    @functools.wraps(call)
    def counted(*args, **kwargs):
        called.append(1)
        return call(*args, **kwargs)

    monkeypatch.setattr(keras.layers.SimpleRNNCell, "call", counted)
    numbers = []
    for timesteps in (3, 3000):
        shape = (2, timesteps, 2)
        layer = make()
        shape = (shape[1], shape[0], 2) if getattr(layer, "time_major", False) else shape
        called.clear()
        Around(layer)(keras.Input(batch_shape=shape))
        numbers.append(len(called))
    assert numbers[0] == numbers[1] < 10


def test_a_stateful_layer_at_each_timestep(monkeypatch):
    called = []
    call = layers.SimpleRNN.call
    monkeypatch.setattr(
        layers.SimpleRNN, "call",
        functools.wraps(call)(lambda *args, **kwargs: called.append(1) or call(*args, **kwargs)),
    )  # fmt: skip
    layer = layers.TimeDistributed(layers.SimpleRNN(4, stateful=True))
    told = Around(layer)(keras.Input(batch_shape=(2, 300, 5, 2)))
    assert told.shape == (2, 300, 4)
    assert 0 < len(called) < 10


def test_the_first_fit_of_a_model(monkeypatch):
    """Keras builds a model as soon as it has a batch; then it computes, all steps once."""
    called = []
    call = keras.layers.SimpleRNNCell.call

    @functools.wraps(call)
    def counted(*args, **kwargs):
        called.append(1)
        return call(*args, **kwargs)

    monkeypatch.setattr(keras.layers.SimpleRNNCell, "call", counted)
    model = models.Sequential([layers.SimpleRNN(4, engine="keras"), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 40, 2)), np.ones((2, 1)), verbose=0)
    assert 0 < len(called) < 40 + 10
