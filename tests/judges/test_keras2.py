"""Keras 2 (the package tf-keras) as the judge of old semantics: the same weights, the same numbers.

Each test makes the same layer, with the same words, once of `tf_keras.layers` and once of ours,
gives both the same random weights, and calls both with the same arrays. tf-keras computes with
TensorFlow whatever backend Keras 3 runs on.
"""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tf-keras, the judge, needs TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from elman import layers, models  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:recurrent_activation='hard_sigmoid'",
                                        "ignore:activation='hard_sigmoid'")  # fmt: skip

B, T, I, H = 3, 5, 2, 4  # noqa: E741
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, I)).astype("float32")

MASKS = {
    "right": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool),
    "left": np.array([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool),
    "holes": np.array([[1, 0, 1, 0, 1], [0, 1, 0, 0, 1], [0, 1, 1, 1, 0]], bool),
    "all": np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool),
}


def arrays(results):
    """All arrays in a result of Keras 2 or 3, in order."""
    flat = tf.nest.flatten(results)
    return [np.asarray(a if tf.is_tensor(a) else keras.ops.convert_to_numpy(a)) for a in flat]


def agree(old, new):
    old, new = arrays(old), arrays(new)
    assert [a.shape for a in new] == [a.shape for a in old]
    for a, b in zip(new, old, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def twins(make, x=X, **call):
    """The layer of Keras 2 and ours, built by a call, with the same random weights."""
    old, new = make(tf_keras.layers), make(layers)
    old(tf.constant(x), **call)
    new(x, **call)
    random = np.random.default_rng(1)
    weights = [random.normal(scale=0.5, size=w.shape) for w in old.get_weights()]
    old.set_weights(weights)
    new.set_weights(weights)
    return old, new


def check(make, x=X, mask=None, **call):
    old, new = twins(make, x)
    agree(
        old(tf.constant(x), mask=None if mask is None else tf.constant(mask), **call),
        new(x, mask=mask, **call),
    )


every_layer = pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
every_mask = pytest.mark.parametrize("mask", MASKS)


@every_layer
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_bias": False},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True, "return_state": True},
        {"unroll": True, "return_sequences": True},
        {"unroll": True, "go_backwards": True, "return_state": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_options(name, options):
    check(lambda of: getattr(of, name)(H, **options))


@every_layer
@every_mask
@pytest.mark.parametrize("options", ["go_backwards", "zero_output_for_mask", "unroll"])
def test_masks(name, mask, options):
    given = {"return_sequences": True, "return_state": True, options: True}
    check(lambda of: getattr(of, name)(H, **given), mask=MASKS[mask])


@every_layer
@every_mask
def test_last_output_behind_a_mask(name, mask):
    check(lambda of: getattr(of, name)(H), mask=MASKS[mask])


@pytest.mark.parametrize(
    "activation",
    ["relu", "linear", "sigmoid", "hard_sigmoid", "softsign", "softplus", "elu", "selu",
     "exponential", None],
)  # fmt: skip
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU"])
def test_activation(name, activation):
    # Small, because exponentials of exponentials leave the range where 1e-6 means something.
    check(lambda of: getattr(of, name)(H, activation=activation), x=X[:, :2] / 10)


@pytest.mark.parametrize("activation", ["hard_sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_activation(name, activation):
    # Wide inputs reach the corners of hard_sigmoid, where the old and the new one differ most;
    # gates of relu grow with them beyond what 1e-6 can tell.
    x = X if activation == "relu" else 3 * X
    check(lambda of: getattr(of, name)(H, recurrent_activation=activation), x=x)


@every_mask
@pytest.mark.parametrize("use_bias", [True, False])
def test_reset_before(mask, use_bias):
    check(
        lambda of: of.GRU(H, reset_after=False, use_bias=use_bias, return_sequences=True),
        mask=MASKS[mask],
    )


# Keras 2's SimpleRNN ignores `implementation`, with a warning.
@pytest.mark.parametrize("implementation", [1, 2])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_implementation(name, implementation):
    check(lambda of: getattr(of, name)(H, implementation=implementation))


@every_layer
def test_time_major(name):
    x, mask = np.swapaxes(X, 0, 1).copy(), MASKS["right"].T.copy()
    for given in (None, mask):
        check(
            lambda of: getattr(of, name)(
                H, time_major=True, return_sequences=True, return_state=True
            ),
            x=x,
            mask=given,
        )


@every_layer
@pytest.mark.parametrize("form", ["argument", "list"])
def test_initial_state(name, form):
    def make(of):
        return getattr(of, name)(H, return_state=True)

    old, new = twins(make)
    count = 2 if name == "LSTM" else 1
    states = list(np.random.default_rng(2).normal(size=(count, B, H)).astype("float32"))
    tensors = [tf.constant(s) for s in states]
    if form == "argument":
        agree(old(X, initial_state=tensors), new(X, initial_state=states))
    else:
        agree(old([tf.constant(X), *tensors]), new([X, *states]))


@every_layer
def test_stateful(name):
    def make(of):
        return getattr(of, name)(H, stateful=True, batch_input_shape=(B, T, I))

    old, new = twins(make)
    old.reset_states()
    new.reset_states()
    for x in (X, 2 * X, -X):
        agree(old(x), new(x))
    given = [np.full((B, H), 0.5, "float32")] * (2 if name == "LSTM" else 1)
    old.reset_states(given)
    new.reset_states(given)
    agree(old(X), new(X))


@every_layer
@pytest.mark.parametrize("method", ["predict", "fit"])
def test_stateful_model(name, method):
    """Two batches in one call of a model: the second starts where the first ended."""
    old, new = (
        of.Sequential([part.Dense(I, batch_input_shape=(B, T, I)),
                       getattr(part, name)(H, stateful=True)])
        for of, part in ((tf_keras, tf_keras.layers), (models, layers))
    )  # fmt: skip
    weights = [RANDOM.normal(scale=0.5, size=w.shape) for w in old.get_weights()]
    x, y = np.concatenate([X, -X]), np.ones((2 * B, H), "float32")
    for model in (old, new):
        model.set_weights(weights)
        model.compile("sgd", "mse")
        if method == "fit":
            model.fit(x, y, batch_size=B, epochs=2, shuffle=False, verbose=0)
    agree(old.predict(x, batch_size=B, verbose=0), new.predict(x, batch_size=B, verbose=0))
    # The learning rate carries rounding from step to step: hence not more than 1e-5.
    for a, b in zip(new.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("mask", [None, "left", "holes"])
def test_bidirectional(merge_mode, mask):
    for sequences in (True, False):
        check(
            lambda of, sequences=sequences: of.Bidirectional(
                of.LSTM(H, return_sequences=sequences), merge_mode=merge_mode
            ),
            mask=MASKS.get(mask),
        )


@every_layer
def test_bidirectional_with_states(name):
    check(
        lambda of: of.Bidirectional(getattr(of, name)(H, return_sequences=True, return_state=True)),
        mask=MASKS["all"],
    )


def test_bidirectional_with_a_layer_of_its_own_for_backwards():
    check(
        lambda of: of.Bidirectional(
            of.LSTM(H, return_sequences=True),
            backward_layer=of.GRU(H + 1, return_sequences=True, go_backwards=True),
        ),
        mask=MASKS["holes"],
    )


@every_mask
def test_cells(mask):
    check(lambda of: of.RNN(of.GRUCell(H), return_sequences=True), mask=MASKS[mask])


@every_mask
def test_stacked_cells(mask):
    def make(of):
        cells = [of.LSTMCell(H), of.SimpleRNNCell(H - 1), of.GRUCell(H + 1)]
        return of.RNN(of.StackedRNNCells(cells), return_sequences=True, return_state=True)

    check(make, mask=MASKS[mask])


def test_list_of_cells():
    check(lambda of: of.RNN([of.LSTMCell(H), of.LSTMCell(2)]))


def cell_with_constants(base):
    """A cell in the Keras form, for either Keras: h' = x W + h + c, with a constant c (B, H)."""

    class CellWithConstants(base):
        state_size = output_size = H

        def build(self, shape):
            shape = shape[0] if isinstance(shape[0], (tuple, list, tf.TensorShape)) else shape
            self.w = self.add_weight(shape=(shape[-1], H), initializer="ones", name="w")
            self.built = True

        def call(self, x, states, constants):
            h = (x[..., :1] * self.w[0] + x[..., 1:] * self.w[1]) + 0.5 * states[0] + constants[0]
            return h, [h]

    return CellWithConstants()


@every_mask
def test_constants(mask):
    c = np.random.default_rng(3).normal(size=(B, H)).astype("float32")
    old = tf_keras.layers.RNN(cell_with_constants(tf_keras.layers.Layer), return_sequences=True)
    new = layers.RNN(cell_with_constants(keras.layers.Layer), return_sequences=True)
    given = MASKS[mask]
    agree(
        old(tf.constant(X), constants=[tf.constant(c)], mask=tf.constant(given)),
        new(X, constants=[c], mask=given),
    )


def test_time_distributed():
    x = RANDOM.normal(size=(B, 3, T, I)).astype("float32")
    check(lambda of: of.TimeDistributed(of.Dense(H)))
    check(lambda of: of.TimeDistributed(of.LSTM(H)), x=x)


def sequential(of_models, of, first):
    return of_models.Sequential(
        [first(of), of.Bidirectional(of.LSTM(H, return_sequences=True)), of.GRU(H),
         of.Dense(2)]
    )  # fmt: skip


@pytest.mark.parametrize("first", ["Masking", "Embedding"])
def test_stacks_behind_a_mask(first):
    if first == "Masking":
        x = np.where(MASKS["holes"][..., None], X, -1).astype("float32")

        def make(of):
            return of.Masking(-1, input_shape=(T, I))
    else:
        x = np.where(MASKS["all"], [1, 2, 3, 2, 1], 0)

        def make(of):
            return of.Embedding(4, I, mask_zero=True, input_length=T)

    old = sequential(tf_keras, tf_keras.layers, make)
    new = sequential(models, layers, make)
    random = np.random.default_rng(4)
    old(x), new(x)
    weights = [random.normal(scale=0.5, size=w.shape) for w in old.get_weights()]
    old.set_weights(weights)
    new.set_weights(weights)
    agree(old.predict(x, verbose=0), new.predict(x, verbose=0))


@every_layer
def test_gradients_behind_a_mask(name):
    """One step of plain gradient descent leaves both with the same weights."""
    old, new = (
        of.Sequential([part.Masking(-1, input_shape=(T, I)), getattr(part, name)(H)])
        for of, part in ((tf_keras, tf_keras.layers), (models, layers))
    )
    weights = [RANDOM.normal(scale=0.5, size=w.shape) for w in old.get_weights()]
    x = np.where(MASKS["left"][..., None], X, -1).astype("float32")
    y = np.ones((B, H), "float32")
    for model in (old, new):
        model.set_weights(weights)
        model.compile("sgd", "mse")
        model.train_on_batch(x, y)
    agree(old.get_weights(), new.get_weights())
    assert max(np.abs(a - b).max() for a, b in zip(new.get_weights(), weights, strict=True)) > 1e-4
