"""Law 7: masks travel on through recurrent layers and Bidirectional."""

import keras
import numpy as np
import pytest
from backends import to_numpy
from kinds import KINDS, SORTS, build, random_batch, random_mask

from elman import layers

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

MASK = random_mask(timesteps=6)
X = np.where(MASK[..., None], random_batch(timesteps=6), 0).astype("float32")


@keras.saving.register_keras_serializable("tests")
class MaskOf(keras.layers.Layer):
    """Returns the mask that came with its input, as numbers; -1 where there was none."""

    supports_masking = True

    def call(self, x, mask=None):
        return keras.ops.cast(mask, "float32") if mask is not None else x[..., 0] * 0 - 1

    def compute_output_shape(self, shape):
        return shape[:-1]


def seen(*stack, call=None):
    """The mask that arrives behind the layers, in a functional model."""
    x = keras.Input((6, 2))
    y = layers.Masking()(x)
    for layer in stack:
        y = layer(y)
    y = y[0] if isinstance(y, (list, tuple)) else y
    return to_numpy(keras.Model(x, MaskOf()(y))(X))[0]


@every_kind
def test_a_sequence_keeps_its_mask(kind):
    np.testing.assert_array_equal(seen(kind.make(return_sequences=True)), MASK)


@pytest.mark.parametrize("kind", ["LSTM", "RNN(StackedRNNCells)", "Bidirectional(GRU)"])
def test_with_states_too(kind):
    layer = KINDS[kind].make(return_sequences=True, return_state=True)
    np.testing.assert_array_equal(seen(layer), MASK)


def test_through_a_stack():
    stack = [KINDS[kind].make(return_sequences=True) for kind in KINDS]
    np.testing.assert_array_equal(seen(*stack), MASK)


def test_through_time_distributed():
    np.testing.assert_array_equal(
        seen(KINDS["LSTM"].make(return_sequences=True), layers.TimeDistributed(layers.Dense(2))),
        MASK,
    )


@pytest.mark.parametrize("kind", SORTS.values(), ids=SORTS)
def test_a_last_output_has_none(kind):
    repeat = layers.RepeatVector(6)
    np.testing.assert_array_equal(seen(kind.make(), repeat), -1)


def test_both_sequences_of_merge_mode_none_have_it():
    x = keras.Input((6, 2))
    kind = KINDS["Bidirectional(LSTM)"]
    y, z = kind.make(return_sequences=True, merge_mode=None)(layers.Masking()(x))
    for mask in to_numpy(keras.Model(x, [MaskOf()(y), MaskOf()(z)])(X)):
        np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize("kind", SORTS.values(), ids=SORTS)
def test_the_mask_of_an_embedding_is_the_mask_given(kind):
    """Embedding(mask_zero=True) in front of two layers, by itself and by hand."""
    ids = np.array([[0, 1, 2, 0], [3, 1, 0, 0], [0, 0, 0, 0]])
    embedding = layers.Embedding(4, 2, mask_zero=True)
    first, last = build(kind.make(return_sequences=True)), layers.LSTM(2)
    (result,) = to_numpy(keras.Sequential([embedding, first, last])(ids))
    mask, vectors = ids != 0, to_numpy(embedding(ids))[0].astype("float32")
    (by_hand,) = to_numpy(last(first(vectors, mask=mask), mask=mask))
    np.testing.assert_allclose(result, by_hand, rtol=1e-5, atol=1e-6)
    (unmasked,) = to_numpy(last(first(vectors)))
    assert np.abs(unmasked - result).max() > 1e-5


def test_masked_steps_are_left_out_of_the_loss():
    x, y = np.where(MASK[..., None], X, 0), np.zeros((3, 6, 3), "float32")
    model = keras.Sequential([layers.Masking(), layers.LSTM(3, return_sequences=True)])
    model.compile(loss="mse")
    loss = model.evaluate(x, y, verbose=0)
    squares = np.mean(to_numpy(model(x))[0] ** 2, axis=-1)
    # Each row's steps count alike; rows masked throughout count nothing.
    np.testing.assert_allclose(loss, squares[MASK].sum() / MASK.sum(), rtol=1e-5)
