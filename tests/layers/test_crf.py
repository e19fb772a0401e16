"""`CRF` is the reference's chain, on any mask, and trains, saves and decodes in a plain model."""

import itertools
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from elman import reference
from elman.data.tags import allowed_transitions
from elman.layers import CRF, LSTM, Dense, Embedding

sys.path.append(str(Path(__file__).parents[1] / "contract"))
from backends import differentiate, precision, to_numpy

B, T, K = 4, 6, 3
MASKS = {
    "none": None,
    "right": np.arange(T) < np.array([[6], [3], [1], [0]]),
    "left": np.arange(T) >= np.array([[0], [3], [5], [6]]),
    "holes": np.array([[1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0], [1] * 6], bool),
}
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
RANDOM = np.random.default_rng(3)
SCORES = RANDOM.normal(size=(B, T, K))
TAGS = RANDOM.integers(0, K, (B, T))
WEIGHTS = [RANDOM.normal(size=shape) for shape in ((K, K), K, K)]
CHAIN = reference.CRF(*WEIGHTS)


def make(dtype="float64", **options):
    crf = CRF(K, dtype=dtype, **options)
    crf.build((None, None, K))
    crf.set_weights(WEIGHTS)
    return crf


def blanked(mask, value=np.nan):
    return SCORES if mask is None else np.where(mask[..., None], SCORES, value)


def per_row(mask, function, *arrays):
    """The reference's answer for the steps that count of each row."""
    mask = np.ones((B, T), bool) if mask is None else mask
    return [function(*(a[row] for a in by_row)) for row, *by_row in zip(mask, *arrays, strict=True)]


def spread(mask, rows, shape):
    full = np.zeros(shape)
    for into, row, keep in zip(full, rows, np.ones((B, T), bool) if mask is None else mask,
                               strict=True):  # fmt: skip
        into[keep] = row
    return full


@every_mask
def test_log_likelihood_and_its_gradients(mask):
    tags = TAGS if mask is None else np.where(mask, TAGS, -100)

    def expected(chain, scores):
        return np.array(per_row(mask, chain.log_likelihood, scores, TAGS))

    with precision("float64"):
        crf = make()
        outputs, (d_scores,), d_weights = differentiate(
            lambda u: crf.log_likelihood(u, tags, mask), crf.trainable_variables, [blanked(mask)]
        )
    np.testing.assert_allclose(outputs[0], expected(CHAIN, SCORES), rtol=1e-12)
    sent = np.random.default_rng(7).normal(size=B)  # what `differentiate` sends back
    arrays = [SCORES.copy(), *(w.copy() for w in WEIGHTS)]
    for array, gradient in zip(arrays, [d_scores, *d_weights], strict=True):
        numbers = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            value, around = array[index], []
            for step in (1e-5, -1e-5):
                array[index] = value + step
                around.append(expected(reference.CRF(*arrays[1:]), arrays[0]) @ sent)
            array[index] = value
            numbers[index] = (around[0] - around[1]) / 2e-5
        np.testing.assert_allclose(gradient, numbers, atol=1e-8)


@every_mask
def test_viterbi_and_marginals(mask):
    with precision("float64"):
        crf = make()
        (tags,) = to_numpy(crf.viterbi(blanked(mask), mask))
        (marginals,) = to_numpy(crf.marginals(blanked(mask), mask))
    np.testing.assert_array_equal(tags, spread(mask, per_row(mask, CHAIN.viterbi, SCORES), (B, T)))
    np.testing.assert_allclose(
        marginals, spread(mask, per_row(mask, CHAIN.marginals, SCORES), (B, T, K)), atol=1e-12
    )


@every_mask
def test_what_it_returns_holds_scores_tags_and_mask(mask):
    with precision("float64"):
        crf = make()
        y = crf(blanked(mask), mask=mask)
        (best,) = to_numpy(ops.argmax(y, axis=-1))
        (tags,) = to_numpy(crf.viterbi(blanked(mask), mask))
        scores, found = crf.scores(y)
        (loss,) = to_numpy(crf.loss(TAGS, y))
        (accuracy,) = to_numpy(crf.accuracy(TAGS, y))
        scores, found = to_numpy([scores, found])
    np.testing.assert_array_equal(best, tags)
    np.testing.assert_array_equal(found, np.ones((B, T)) if mask is None else mask)
    zero_below = np.where(found[..., None] > 0, SCORES - SCORES.max(-1, keepdims=True), 0)
    np.testing.assert_allclose(scores, zero_below, atol=1e-12)
    expected = -np.mean(per_row(mask, CHAIN.log_likelihood, SCORES, TAGS))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    np.testing.assert_allclose(accuracy, (tags == TAGS)[found > 0].mean(), rtol=1e-6)


@every_mask
def test_the_loss_is_the_same_while_training(mask):
    crf = make("float32")
    losses = [crf.loss(TAGS, crf(blanked(mask), mask=mask, training=t)) for t in (True, False)]
    np.testing.assert_allclose(*to_numpy(losses), rtol=1e-6)


def test_tags_may_be_one_hot():
    crf = make("float32")
    y = crf(SCORES)
    (expected,) = to_numpy(crf.loss(TAGS, y))
    for tags in (np.eye(K)[TAGS], TAGS[..., None]):
        np.testing.assert_allclose(to_numpy(crf.loss(tags, y))[0], expected)
        assert to_numpy(crf.accuracy(tags, y)) == to_numpy(crf.accuracy(TAGS, y))


@pytest.mark.parametrize(("batch", "timesteps"), [(3, 0), (0, 5), (0, 0), (2, 1)])
def test_empty_and_single_steps(batch, timesteps):
    crf, scores = make("float32"), SCORES[:batch, :timesteps].astype("float32")
    tags = TAGS[:batch, :timesteps]
    for mask in (None, np.ones((batch, timesteps), bool)):
        assert tuple(crf(scores, mask=mask).shape) == (batch, timesteps, K)
        assert tuple(crf.viterbi(scores, mask).shape) == (batch, timesteps)
        assert tuple(crf.marginals(scores, mask).shape) == (batch, timesteps, K)
        (likelihood,) = to_numpy(crf.log_likelihood(scores, tags, mask))
        expected = [CHAIN.log_likelihood(*row) for row in zip(scores, tags, strict=True)]
        np.testing.assert_allclose(likelihood, np.array(expected).reshape(batch), rtol=1e-5)


def test_scores_in_bfloat16_are_added_up_in_float32():
    scores = ops.cast(SCORES, "bfloat16")
    rounded = to_numpy(ops.cast(scores, "float32"))[0]
    crf = make("mixed_bfloat16")
    assert keras.backend.standardize_dtype(crf(scores).dtype) == "float32"
    (likelihood,) = to_numpy(crf.log_likelihood(scores, TAGS))
    expected = [CHAIN.log_likelihood(*row) for row in zip(rounded, TAGS, strict=True)]
    np.testing.assert_allclose(likelihood, expected, rtol=1e-5)


def test_a_score_that_is_nan_gives_a_loss_that_is_nan():
    scores = SCORES.copy()
    scores[0, 2] = np.nan
    crf = make("float32")
    assert np.isnan(to_numpy(crf.loss(TAGS, crf(scores)))[0])


# Constraints


@pytest.mark.parametrize("scheme", ["IOB2", "IOBES"])
def test_no_path_breaks_the_scheme(scheme):
    names = ["O", *(f"{p}-{k}" for k in ("x", "y") for p in ("BI" if scheme == "IOB2" else "BIES"))]
    allowed = allowed_transitions(names, scheme)
    crf = CRF(len(names), allowed=allowed)
    scores = np.random.default_rng(0).normal(size=(20, 7, len(names))) * 3
    for path in to_numpy(crf.viterbi(scores))[0].astype(int):
        steps = [-1, *path, -1]
        assert all(allowed[i, j] for i, j in itertools.pairwise(steps))
    # What may not be has no probability, and what may be has all of it.
    broken = np.full((20, 7), names.index("I-y"))
    assert to_numpy(crf.log_likelihood(scores, broken))[0].max() < -1e29
    outside = np.zeros((20, 1), int)
    mass = sum(np.exp(to_numpy(crf.log_likelihood(scores[:, :1], outside + j))[0])
               for j in range(len(names)))  # fmt: skip
    np.testing.assert_allclose(mass, 1, rtol=1e-5)


# In a model


def make_model(**options):
    crf = CRF(K, name="chain", **options)
    stack = [Embedding(9, 8, mask_zero=True), LSTM(8, return_sequences=True), Dense(K), crf]
    model = keras.Sequential(stack)
    model.compile(keras.optimizers.Adam(0.05), loss=crf.loss, metrics=[crf.accuracy])
    return model, crf


def words_and_tags():
    """The tag of a word is that of the word before it: only the recurrent layer knows."""
    random = np.random.default_rng(0)
    words = random.integers(1, 9, (64, 10)) * (np.arange(10) < random.integers(2, 11, (64, 1)))
    tags = np.roll(words, 1, axis=1) % K
    tags[:, 0] = 0
    return words, tags


def test_learns_in_a_plain_model_and_comes_back_from_a_file(tmp_path):
    words, tags = words_and_tags()
    model, _ = make_model()
    model.fit(words, tags, epochs=12, verbose=0)
    y = model.predict(words, verbose=0)
    right = (y.argmax(-1) == tags)[words != 0].mean()
    assert right > 0.95
    assert (y[words == 0] == 0).all()
    loss, accuracy = model.evaluate(words, tags, verbose=0)
    assert accuracy == pytest.approx(right, abs=1e-6)
    model.save(tmp_path / "tagger.keras")
    again = keras.saving.load_model(tmp_path / "tagger.keras")
    np.testing.assert_allclose(again.predict(words, verbose=0), y, rtol=1e-6)
    assert again.evaluate(words, tags, verbose=0) == pytest.approx([loss, accuracy], rel=1e-5)
    assert again.loss.get_config()["layer"] == "chain"
    again.fit(words, tags, epochs=1, verbose=0)


def test_sample_weights_weigh_sequences():
    words, tags = words_and_tags()
    model, crf = make_model()
    losses = [model.evaluate(words[i : i + 1], tags[i : i + 1], verbose=0)[0] for i in range(2)]
    both, _ = model.evaluate(words[:2], tags[:2], sample_weight=np.array([1.0, 3.0]), verbose=0)
    assert both == pytest.approx((losses[0] + 3 * losses[1]) / 2, rel=1e-5)
    with pytest.raises(ValueError, match=r"one number for each sequence, .*, got \(2, 10\)"):
        crf.loss(tags[:2], model(words[:2]), sample_weight=np.ones((2, 10)))
    accuracy, y = crf.accuracy, model(words[:2])
    accuracy.update_state(tags[:2], y, sample_weight=[0.0, 1.0])
    right = (to_numpy(y)[0].argmax(-1) == tags[:2])[1][words[1] != 0]
    assert float(accuracy.result()) == pytest.approx(right.mean())


def test_config_holds_every_setting():
    allowed = np.triu(np.ones((K + 1, K + 1), bool))
    crf = CRF(K, allowed=allowed, use_boundary=False, transition_regularizer="l2",
              boundary_constraint="non_neg", transition_initializer="ones")  # fmt: skip
    again = CRF.from_config(crf.get_config())
    assert again.get_config() == crf.get_config()
    np.testing.assert_array_equal(again.allowed, allowed)
    crf(np.zeros((1, 2, K), "float32"))
    assert len(crf.weights) == 1
    assert float(crf.losses[0]) == pytest.approx(0.01 * K * K)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"scores of shape \(batch, timesteps, 3\).*\(2, 5, 4\)"):
        CRF(3)(np.zeros((2, 5, 4), "float32"))
    with pytest.raises(ValueError, match=r"allowed must have the shape .* \(4, 4\).*got \(3, 3\)"):
        CRF(3, allowed=np.ones((3, 3)))
    with pytest.raises(ValueError, match="units must be a positive integer"):
        CRF(0)
