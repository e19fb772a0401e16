"""Law 6: a stateful layer carries its states in fit, train_on_batch, predict and evaluate."""

import keras
import numpy as np
import pytest
from backends import precision, to_numpy
from kinds import KINDS, SORTS, random_batch

from elman import models

STATEFUL = {
    name: KINDS[name]
    for name in ("SimpleRNN", "LSTM", "GRU", "RNN(LSTMCell)", "RNN(StackedRNNCells)",
                 "Bidirectional(LSTM)")
}  # fmt: skip
SORTED = {name: kind for name, kind in SORTS.items() if name not in ("GRU", "GRU-reset-before")}
every_kind = pytest.mark.parametrize("kind", STATEFUL.values(), ids=STATEFUL)

# Two batches of three rows: the second continues the first.
BATCH = 3
X = random_batch(2 * BATCH, timesteps=4).astype("float32")


def make_model(kind, learning_rate=0.0, dtype="float32", **options):
    keras.utils.set_random_seed(0)
    layer = kind.make(stateful=True, dtype=dtype, **options)
    model = models.Sequential([keras.Input(batch_shape=(BATCH, 4, 2)), layer])
    model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
    return model, layer


def flat_states(layer):
    return to_numpy(keras.tree.flatten(layer.states))


def expected_after(kind, layer, batches):
    """Outputs of the last batch, and the states after it, when the reference carries them."""
    weights = to_numpy(layer.get_weights())
    states = None
    for x in batches:
        (output, *states), _ = kind.truth(weights, x, states, return_state=True)
    return output, states


def close(actual, expected, tolerance=1e-5):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=tolerance)


METHODS = {
    "fit": lambda model, x, y: model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0),
    "train_on_batch": lambda model, x, y: [
        model.train_on_batch(x[i : i + BATCH], y[i : i + BATCH]) for i in (0, BATCH)
    ],
    "predict": lambda model, x, y: model.predict(x, batch_size=BATCH, verbose=0),
    "predict_on_batch": lambda model, x, y: np.concatenate(
        [model.predict_on_batch(x[i : i + BATCH]) for i in (0, BATCH)]
    ),
    "evaluate": lambda model, x, y: model.evaluate(x, y, batch_size=BATCH, verbose=0),
}


# By the last digit of the dtype that is computed in: values are below 1, a step loses one or two.
# Keras rounds float64 to float32 in its own loop.
POLICIES = {"float32": 1e-5, "float64": 1e-6, "mixed_float16": 2e-3, "mixed_bfloat16": 1.6e-2}


def check_carried(kind, dtype, methods, **options):
    model, layer = make_model(kind, dtype=dtype, **options)
    y = np.zeros((2 * BATCH, *layer.compute_output_shape((BATCH, 4, 2))[1:]), "float32")
    output, states = expected_after(kind, layer, [X[:BATCH], X[BATCH:]])
    for name in methods:
        (model if name == "fit" else layer).reset_states()
        for state in flat_states(layer):
            np.testing.assert_array_equal(state, 0, err_msg=name)
        result = METHODS[name](model, X, y)
        try:
            close(flat_states(layer), states, POLICIES[dtype])
            if name.startswith("predict"):
                close([result[BATCH:]], [output], POLICIES[dtype])
        except AssertionError as error:
            raise AssertionError(f"states after {name}") from error


@every_kind
def test_states_are_carried(kind):
    check_carried(kind, "float32", METHODS)


@pytest.mark.parametrize("dtype", [name for name in POLICIES if name != "float32"])
@pytest.mark.parametrize("kind", SORTED.values(), ids=SORTED)
def test_states_are_carried_in_every_dtype(kind, dtype):
    with precision(dtype):
        check_carried(kind, dtype, ["train_on_batch", "predict"])


@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional(LSTM)"])
def test_training_goes_on_from_the_states(kind):
    """Two steps with a learning rate; then the states are not those of the first weights."""
    kind = KINDS[kind]
    model, layer = make_model(kind, learning_rate=0.5)
    y = np.ones((2 * BATCH, model.output_shape[-1]), "float32")
    before = to_numpy(layer.get_weights())
    _, states = expected_after(kind, layer, [X[:BATCH], X[BATCH:]])
    model.fit(X, y, batch_size=BATCH, shuffle=False, verbose=0)
    moved = max(np.abs(a - b).max() for a, b in
                zip(to_numpy(layer.get_weights()), before, strict=True))  # fmt: skip
    assert moved > 1e-3
    assert np.abs(flat_states(layer)[0] - states[0]).max() > 1e-4
    # From here the states are known, and so is what follows from them.
    carried = flat_states(layer)
    (output, *_), _ = kind.truth(to_numpy(layer.get_weights()), X[:BATCH], carried)
    close([model.predict_on_batch(X[:BATCH])], [output])


@pytest.mark.parametrize("kind", ["LSTM", "RNN(StackedRNNCells)"])
def test_reset_states_to_given_ones_and_of_some_rows(kind):
    _, layer = make_model(KINDS[kind])
    random = np.random.default_rng(5)
    given = [random.normal(size=s.shape) for s in flat_states(layer)]
    layer.reset_states(states=keras.tree.pack_sequence_as(layer.state_size, given))
    close(flat_states(layer), given)
    layer.reset_states(rows=[0, 2])
    for state, value in zip(flat_states(layer), given, strict=True):
        np.testing.assert_array_equal(state[[0, 2]], 0)
        close([state[1]], [value[1]])


@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional(LSTM)"])
def test_another_batch_size_is_refused(kind):
    model, _ = make_model(KINDS[kind])
    with pytest.raises(ValueError, match=r"(?s)3.*2"):
        model.predict_on_batch(X[:2])


def test_states_are_not_saved_nor_counted():
    _, layer = make_model(KINDS["LSTM"])
    assert len(layer.weights) == len(layer.get_weights()) == 3
    assert layer.count_params() == 4 * 3 * (2 + 3 + 1)
