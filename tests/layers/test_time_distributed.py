"""`TimeDistributed`: a layer at each timestep."""

import numpy as np
from keras import ops

from elman import layers, models

X = np.random.default_rng(0).normal(size=(4, 6, 5)).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def test_each_step_is_the_layer_on_it():
    layer = layers.TimeDistributed(layers.Dense(3, activation="tanh"))
    y = numpy(layer(X))
    for t in range(6):
        np.testing.assert_allclose(y[:, t], numpy(layer.layer(X[:, t])), atol=1e-6)


def test_a_recurrent_layer_inside():
    words = np.random.default_rng(1).integers(0, 5, (2, 3, 4))
    embed = layers.TimeDistributed(layers.Embedding(5, 3, mask_zero=True))
    inner = layers.TimeDistributed(layers.LSTM(2))
    embedded = embed(words)
    y = numpy(inner(embedded, mask=embed.compute_mask(words)))
    for t in range(3):
        step = inner.layer(embed.layer(words[:, t]), mask=words[:, t] != 0)
        np.testing.assert_allclose(y[:, t], numpy(step), atol=1e-6)


def test_the_mask_of_the_timesteps_goes_on():
    mask = np.array([[True, True, False, True, False, False]] * 4)
    layer = layers.TimeDistributed(layers.Dense(3))
    assert numpy(layer.compute_mask(X, mask)).tolist() == mask.tolist()


def test_a_stateful_layer_runs_through_the_steps_in_order():
    inner = layers.SimpleRNN(2, stateful=True)
    x = X[:, :, None, :]
    y = numpy(layers.TimeDistributed(inner)(x))
    whole = layers.SimpleRNN(2, return_sequences=True)
    whole.build(X.shape)
    whole.set_weights(inner.get_weights())
    np.testing.assert_allclose(y, numpy(whole(X)), atol=1e-6)


def test_saving(tmp_path):
    model = models.Sequential([layers.TimeDistributed(layers.Dense(3, input_shape=(5,)))])
    assert model.output_shape == (None, None, 3)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
