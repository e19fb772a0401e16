"""Law 3 of a RaggedTensor, which TensorFlow has: a batch is the same as its rows one by one."""

import importlib
import itertools

import keras
import numpy as np
import pytest
from backends import BACKEND, to_numpy
from kinds import KINDS, build, random_states

from elman import layers

if BACKEND != "tensorflow":
    pytest.skip("only TensorFlow has ragged tensors", allow_module_level=True)

tf = importlib.import_module("tensorflow")

LENGTHS = (2, 5, 0, 1)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
both_ways = pytest.mark.parametrize("go_backwards", [False, True], ids=["forwards", "backwards"])


def random_rows(*shape, seed=1):
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, *shape)).astype("float32") for n in LENGTHS]


def ragged_of(rows):
    return tf.RaggedTensor.from_row_lengths(np.concatenate(rows), [len(row) for row in rows])


def check(layer, rows, sequences, states=None):
    """Compare a ragged batch with its rows; the first `sequences` outputs are ragged.

    Returns:
        The final states, where the layer returns them.
    """
    y = layer(ragged_of(rows), **({} if states is None else {"initial_state": states}))
    flat = keras.tree.flatten(y)
    for i, row in enumerate(rows):
        own = {} if states is None else {"initial_state": [s[i : i + 1] for s in states]}
        alone = layer(row[None], **own)
        keras.tree.assert_same_structure(alone, y)
        for n, (a, b) in enumerate(zip(flat, keras.tree.flatten(alone), strict=True)):
            assert isinstance(a, tf.RaggedTensor) == (n < sequences)
            np.testing.assert_allclose(to_numpy(a[i])[0], to_numpy(b)[0][0], atol=1e-5,
                                       err_msg=f"row {i}, output {n}")  # fmt: skip
    return flat[sequences if sequences else 1 :]


@pytest.mark.parametrize("return_state", [False, True], ids=["outputs", "states"])
@pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
@both_ways
@every_kind
def test_rows_one_by_one(kind, go_backwards, sequences, return_state):
    if kind.wrapper == "bidirectional" and go_backwards:
        return  # it makes a layer of either direction itself
    options = {"return_sequences": sequences, "return_state": return_state}
    layer = build(kind.make(go_backwards=go_backwards, **options))
    check(layer, random_rows(2), int(sequences))
    states = [s.astype("float32") for s in random_states(kind, batch=len(LENGTHS))]
    if kind.wrapper != "stack":
        check(layer, random_rows(2), int(sequences), states)


@pytest.mark.parametrize("merge_mode", ["sum", "ave", "mul", "concat", None], ids=str)
@pytest.mark.parametrize("engine", ["auto", "keras"])
@pytest.mark.parametrize("turned", [False, True], ids=["pair", "pair-turned"])
def test_both_directions(merge_mode, engine, turned):
    """Turned: the forward layer is the one that goes backwards."""
    options = {"return_sequences": True, "return_state": True, "engine": engine}
    pair = [layers.GRU(3, go_backwards=back, **options) for back in (turned, not turned)]
    layer = layers.Bidirectional(pair[0], merge_mode=merge_mode, backward_layer=pair[1])
    check(build(layer), random_rows(2), 2 if merge_mode is None else 1)


@both_ways
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "Bidirectional"])
def test_states_are_carried(cell, go_backwards):
    def make(stateful):
        options = {"return_sequences": True, "return_state": True, "stateful": stateful}
        if cell == "Bidirectional":
            return layers.Bidirectional(layers.GRU(3, **options))
        return getattr(layers, cell)(3, go_backwards=go_backwards, **options)

    carrying, given = make(True), build(make(False))
    carrying.build((len(LENGTHS), None, 2))
    carrying.set_weights(given.get_weights())
    states = None
    for seed in (1, 2):
        rows = random_rows(2, seed=seed)
        y, *_ = carrying(ragged_of(rows))
        expected, *_ = given(ragged_of(rows), **({"initial_state": states} if states else {}))
        np.testing.assert_allclose(y.flat_values, expected.flat_values, atol=1e-6)
        states = check(given, rows, 1, states)
        for a, b in zip(keras.tree.flatten(carrying.states), states, strict=True):
            np.testing.assert_allclose(to_numpy(a)[0], to_numpy(b)[0], atol=1e-6)


@both_ways
def test_in_a_graph(go_backwards):
    layer = build(layers.LSTM(3, return_sequences=True, go_backwards=go_backwards))
    ragged = ragged_of(random_rows(2))
    signature = tf.RaggedTensorSpec((None, None, 2), tf.float32, ragged_rank=1)
    y = tf.function(layer, input_signature=[signature])(ragged)
    assert y.row_lengths().numpy().tolist() == list(LENGTHS)
    np.testing.assert_allclose(y.flat_values, layer(ragged).flat_values, atol=1e-6)


@both_ways
def test_pictures(go_backwards):
    options = {"return_sequences": True, "return_state": True, "go_backwards": go_backwards}
    layer = layers.ConvLSTM1D(3, 2, **options)
    check(layer, random_rows(5, 2), 1)


class TestTimeDistributed:
    def test_rows_one_by_one(self):
        check(layers.TimeDistributed(layers.Dense(3)), random_rows(2), 1)

    def test_a_recurrent_layer_inside(self):
        check(layers.TimeDistributed(layers.LSTM(3)), random_rows(4, 2), 1)

    @pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
    def test_ragged_within_ragged(self, sequences):
        """Sentences of words of letters: each word is computed without the padding of others."""
        layer = layers.TimeDistributed(layers.GRU(3, return_sequences=sequences))
        words = [random_rows(2, seed=seed)[: 2 + seed] for seed in range(3)]
        letters = ragged_of(list(itertools.chain(*words)))
        y = layer(tf.RaggedTensor.from_row_lengths(letters, [len(each) for each in words]))
        for i, each in enumerate(words):
            for j, word in enumerate(each):
                alone = layer.layer(word[None])[0]
                np.testing.assert_allclose(y[i, j], alone, atol=1e-5)

    def test_statistics_are_of_the_steps_that_there_are(self):
        layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.0))
        rows = random_rows(2)
        layer(ragged_of(rows), training=True)
        mean = layer.layer.moving_mean
        np.testing.assert_allclose(to_numpy(mean)[0], np.concatenate(rows).mean(0), atol=1e-6)

    def test_a_stateful_layer_is_refused(self):
        layer = layers.TimeDistributed(layers.LSTM(3, stateful=True))
        with pytest.raises(ValueError, match="takes no RaggedTensor with a stateful layer"):
            layer(ragged_of(random_rows(4, 2)))
