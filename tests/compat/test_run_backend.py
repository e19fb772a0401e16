"""``keras.backend`` of old programs: numbers, not shapes, against NumPy and Keras's own layers."""

import keras
import numpy as np
import pytest
from keras import ops

from elman.compat import backend as K
from elman.compat import networks as N
from elman.layers import Dense, Dropout, SimpleRNN
from elman.models import Sequential

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape).astype("float32")


def close(found, wanted, tolerance=1e-5):
    np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, tolerance, tolerance)


@pytest.mark.parametrize(
    ("x", "y", "axes", "formula"),
    [
        ((4, 3), (4, 3), None, "bi,bi->b"),
        ((4, 5, 3), (4, 3, 2), None, "bti,bio->bto"),
        ((4, 5, 3), (4, 3), None, "bti,bi->bt"),
        ((4, 5, 3), (4, 6, 3), 2, "bti,bsi->bts"),
        ((4, 5, 3), (4, 5, 6), [1, 1], "bti,btj->bij"),
        ((4, 5), (4, 5, 3), (1, 1), "bt,bti->bi"),
    ],
)
def test_batch_dot(x, y, axes, formula):
    x, y = drawn(*x), drawn(*y)
    wanted = np.einsum(formula, x, y)
    close(K.batch_dot(x, y, axes), wanted[:, None] if wanted.ndim == 1 else wanted)


def test_functions_whose_meaning_has_changed():
    x = np.array([[-4.0, 4.0, 9.0]], "float32")
    close(K.sqrt(x), [[0, 2, 3]])
    close(K.mean(x > 0), 2 / 3)
    close(K.clip(x, -1, None), [[-1, 4, 9]])
    close(K.clip(x, 2, 1), [[2, 2, 2]])
    close(K.concatenate([x, x]), np.hstack([x, x]))
    close(K.identity(x), x)
    close(K.hard_sigmoid(np.array([1.0, -9.0], "float32")), [0.7, 0.0])
    close(K.l2_normalize(x, axis=-1), x / np.sqrt(113))
    close(K.repeat(x, 2), np.stack([x, x], axis=1))
    close(K.permute_dimensions(drawn(2, 3), (1, 0)).shape, (3, 2))
    assert K.any(np.array([0, 2]))
    assert not K.all(np.array([0, 2]))
    assert (K.argmax(x), K.int_shape(x), K.ndim(x)) == (2, (1, 3), 2)
    assert K.image_dim_ordering() == "tf"


def test_variables():
    v = K.variable([[1, 2]], name="v")
    K.set_value(v, [[3, 4]])
    K.update_add(v, np.ones((1, 2)))
    close(K.get_value(v), [[4, 5]])
    close(K.eval(v * 2), [[8, 10]])
    with pytest.raises(TypeError, match="set_value must be given a variable, got float"):
        K.set_value(0.1, 0.2)


def test_function_computes_in_the_phase_it_is_given():
    model = Sequential([Dense(3, input_dim=2), Dropout(0.5), Dense(2)])
    x = drawn(64, 2)
    f = N.function([model.layers[0].input, K.learning_phase()], [model.layers[1].output])
    hidden = model.layers[0](x)
    close(f([x, 0])[0], ops.convert_to_numpy(hidden))
    dropped = f([x, 1])[0]
    assert 0.2 < (dropped == 0).mean() < 0.8
    single = N.function(model.input, model.output)
    close(single(x), model.predict(x, verbose=0))


@pytest.mark.parametrize("go_backwards", [False, True])
def test_rnn_is_the_layers_loop(go_backwards):
    layer = SimpleRNN(4, return_sequences=True, return_state=True, go_backwards=go_backwards)
    x, mask = drawn(3, 5, 2), np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 1], [0, 1, 1, 1, 0]]) > 0
    wanted = layer(x, mask=mask)
    kernel, recurrent, bias = layer.get_weights()

    def step(x, states):
        h, factor = states
        new = ops.tanh(ops.matmul(x, kernel) + ops.matmul(h, recurrent) + bias) * factor
        return new, [new]

    last, outputs, [state] = N.rnn(
        step, ops.convert_to_tensor(x), [ops.zeros((3, 4))], go_backwards, mask, constants=[1.0]
    )
    close(outputs, ops.convert_to_numpy(wanted[0]))
    close(state, ops.convert_to_numpy(wanted[1]))
    close(last, ops.convert_to_numpy(wanted[0])[:, -1])


def test_rnn_without_states():
    x = drawn(2, 3, 4)
    _, outputs, states = N.rnn(lambda x, _: (ops.sum(x, -1, keepdims=True), []), x, [])
    close(outputs, x.sum(-1, keepdims=True))
    assert states == []


def test_folds_and_switches():
    x = ops.convert_to_tensor(drawn(4, 3))
    close(N.foldl(lambda a, b: a * 2 + b, x), sum(2.0 ** (3 - i) * x[i] for i in range(4)))
    close(N.switch(x[:, 0] > 0, x, -x)[:, 0], np.abs(ops.convert_to_numpy(x[:, 0])))
    with K.learning_phase_scope(1):
        assert N.in_train_phase(1, 2) == 1
    assert N.in_train_phase(lambda: 1, lambda: 2) == 2


def test_ctc_cost_is_the_sum_over_alignments():
    """Two steps, labels 0 and 1, blank 2: the label [0] is written 0 0, 0 -, or - 0."""
    p = np.array([[[0.5, 0.2, 0.3], [0.6, 0.3, 0.1]]], "float32")
    total = 0.5 * 0.6 + 0.5 * 0.1 + 0.3 * 0.6
    cost = N.ctc_batch_cost(np.array([[0]]), p, np.array([[2]]), np.array([[1]]))
    close(cost, [[-np.log(total)]], 1e-4)


def test_gradients_and_sessions():
    with pytest.raises(NotImplementedError, match=r"K\.gradients .* do: "):
        N.gradients(None, None)
    session = K.get_session()
    assert session.run(session.graph.anything()) is None
    with pytest.raises(NotImplementedError, match=r"Session\.run"):
        session.run(["prediction"], feed_dict={"x": 1})


def test_what_keeps_its_name_comes_from_keras():
    from elman.compat.standins import Modules

    module = Modules(lambda name, modules: None).find("keras.backend")
    assert module.tanh is keras.ops.tanh
    assert module.epsilon is keras.backend.epsilon
    with pytest.raises(AttributeError, match=r"keras\.backend has no 'tahn'"):
        _ = module.tahn
