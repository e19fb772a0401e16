"""`Embedding`: a word that stands in a batch several times is trained as one."""

import keras
import numpy as np
import pytest

from elman import layers
from elman.models import Sequential

IDS = np.array([[1, 1, 2], [1, 3, 2]])
GOAL = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")


def slope(table):
    """d mse / d table."""
    slopes = np.zeros_like(table)
    np.add.at(slopes, IDS, 2 * (table[IDS] - GOAL) / GOAL.size)
    return slopes


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_adam_squares_the_sum(dtype):
    model = Sequential([layers.Embedding(5, 2, input_length=3)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    table = model.get_weights()[0].astype("float64")
    m = v = np.zeros_like(table)
    for step in (1, 2, 3):
        g = slope(table)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        table -= rate * m / (np.sqrt(v) + 1e-7)
        model.train_on_batch(IDS.astype(dtype), GOAL)
        # 1 - 0.999 is off by 3e-5 of itself in float32.
        np.testing.assert_allclose(model.get_weights()[0], table, atol=1e-4)


def test_half_precision_and_masks():
    layer = layers.Embedding(5, 2, mask_zero=True, dtype="mixed_float16")
    y = layer(np.array([[1, 0]]))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    mask = keras.ops.convert_to_numpy(layer.compute_mask(np.array([[1, 0]])))
    assert mask.tolist() == [[True, False]]


def test_sentences_of_words_in_a_model_that_takes_its_shape_from_a_batch():
    """Without a shape an Embedding is taken for one of sequences, on which this cannot be built."""
    words = layers.LSTM(3)
    model = Sequential([layers.Embedding(9, 4), layers.TimeDistributed(words), layers.LSTM(2)])
    ids = np.random.default_rng(0).integers(0, 9, (2, 5, 6))
    found = model.predict(ids, verbose=0)
    table = model.get_weights()[0]
    each = [keras.ops.convert_to_numpy(words(table[ids[:, t]])) for t in range(5)]
    expected = keras.ops.convert_to_numpy(model.layers[-1](np.stack(each, 1)))
    np.testing.assert_allclose(found, expected, atol=1e-6)
