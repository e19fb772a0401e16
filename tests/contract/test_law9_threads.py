"""Law 9: threads, and directions side by side, change no bit; a failure leaves nothing behind."""

import keras
import numpy as np
import pytest
from backends import differentiate
from kinds import build, random_batch, random_mask

import elman
from elman import engine, layers, models
from elman.layers import device

pytestmark = pytest.mark.skipif(device.kind() != "cpu", reason="a law of the kernels on the CPU")

X = random_batch(batch=13, timesteps=4, features=3).astype("float32")
MASK = random_mask(batch=13, timesteps=4)


def lstm(**options):
    return layers.LSTM(17, **options)


def stack(**options):
    cells = [layers.LSTMCell(4, seed=1, recurrent_dropout=0.3), layers.GRUCell(3)]
    return layers.RNN(cells, **options)


PAIRS = {
    "concat": lambda: layers.Bidirectional(lstm(return_sequences=True, return_state=True)),
    "sum-dropout": lambda: layers.Bidirectional(
        layers.GRU(5, dropout=0.4, recurrent_dropout=0.4, seed=2), merge_mode="sum"
    ),
    "ave-no-bias": lambda: layers.Bidirectional(
        layers.GRU(5, reset_after=False, use_bias=False), merge_mode="ave"
    ),
    "mul-time-major": lambda: layers.Bidirectional(
        layers.SimpleRNN(5, return_sequences=True, time_major=True), merge_mode="mul"
    ),
    "none-own-layer": lambda: layers.Bidirectional(
        lstm(return_sequences=True),
        backward_layer=layers.GRU(4, go_backwards=True, return_sequences=True),
        merge_mode=None,
    ),
    "stacks": lambda: layers.Bidirectional(stack(return_sequences=True)),
}


@pytest.fixture(autouse=True)
def threads():
    before = engine.num_threads()
    yield
    engine.set_num_threads(before)


def bits(make, **call):
    """Outputs and gradients of a new layer, as bytes."""
    layer = build(make(), features=3)
    x, mask = (X.swapaxes(0, 1), MASK.T) if layer.time_major else (X, MASK)
    weights = layer.trainable_variables
    found = differentiate(lambda x: layer(x, mask=mask, training=True), weights, [x])
    return [[array.tobytes() for array in arrays] for arrays in found]


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_directions_side_by_side_are_the_same_as_one_by_one(make, monkeypatch):
    assert elman.explain(models.Sequential([make()]))[0].reason == ""
    together = bits(make)
    refused = engine.Refusal("the test")
    monkeypatch.setattr(layers.Bidirectional, "_native", lambda *_: refused)
    assert bits(make) == together


def test_the_number_of_threads_changes_no_bit():
    def large():
        return layers.Bidirectional(layers.LSTM(160, return_sequences=True))

    found = []
    for count in (1, 2, 3):
        engine.set_num_threads(count)
        found.append(bits(large))
    assert found[0] == found[1] == found[2]


def test_an_exception_in_a_callback_leaves_the_layers_usable():
    class Stop(RuntimeError):
        pass

    def stop(*_, **__):
        raise Stop

    model = models.Sequential([keras.Input((4, 3)), PAIRS["ave-no-bias"](), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.predict(X, verbose=0)
    with pytest.raises(Stop):
        model.fit(
            X,
            np.zeros((13, 1)),
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_begin=stop)],
        )
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    model.fit(X, np.zeros((13, 1)), verbose=0)
    assert np.isfinite(model.predict(X, verbose=0)).all()
