"""The kernels on TensorFlow tensors: results and gradients, eagerly and in `tf.function`."""

import pytest
from engine_case import Case, cases, same_bits, side_by_side

from elman import engine

tf = pytest.importorskip("tensorflow")


def constant(array):
    return None if array is None else tf.constant(array)


def numpy(nested):
    return tf.nest.map_structure(lambda a: None if a is None else a.numpy(), nested)


def results_and_gradients(*cases, wrap=lambda of: of):
    """(outputs, last, states) and the gradients of the arguments, of each case, side by side."""
    compute = engine.find(*(case.spec for case in cases))

    def of(arguments):
        given = [
            engine.Inputs(*some, **case.options)
            for some, case in zip(arguments, cases, strict=True)
        ]
        sources = tf.nest.map_structure(lambda a: [] if a is None else a, arguments)
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(sources))
            found = compute(*given)
            total = 0.0
            for case, (outputs, last, states) in zip(cases, found, strict=True):
                total += tf.reduce_sum(last * case.d_last)
                for state, d in zip(states, case.d_states, strict=True):
                    total += tf.reduce_sum(state * d)
                if outputs is not None:
                    total += tf.reduce_sum(outputs * case.d_outputs)
        return found, tape.gradient(total, sources)

    arguments = [tf.nest.map_structure(constant, case.arguments) for case in cases]
    return list(zip(*numpy(wrap(of)(arguments)), strict=True))


def test_results_and_gradients_equal_the_reference(cell, size):
    for index, case in enumerate(list(cases("tensorflow", cell, size))[::5]):
        wrap = tf.function if index % 2 else lambda of: of
        [(results, found)] = results_and_gradients(case, wrap=wrap)
        case.check_results(*results)
        case.check_gradients(*found)


@pytest.mark.parametrize("wrap", [lambda of: of, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("together", side_by_side("tensorflow"), ids=["mixed", "directions"])
def test_side_by_side_is_the_same_as_one_by_one(together, wrap):
    alone = [results_and_gradients(case)[0] for case in together]
    assert same_bits(results_and_gradients(*together, wrap=wrap), alone)


def test_shapes_are_known_in_a_graph():
    case = Case(engine.Spec("lstm", backend="tensorflow", return_sequences=True), (2, 3, 4, 5))
    compute = engine.find(case.spec)
    seen = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, 4))])
    def call(x):
        inputs = engine.Inputs(x, None, *map(constant, case.arguments[2:]))
        [(outputs, last, states)] = compute(inputs)
        seen.append([t.shape.as_list() for t in (outputs, last, *states)])
        return outputs

    assert call(case.x).shape == (2, 3, 5)
    assert seen[0] == [[None, None, 5], *[[None, 5]] * 3]


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="tensorflow"))
    with pytest.raises(Exception, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        compute(engine.Inputs(tf.zeros((2, 3, 4)), None, tf.zeros((4, 19)), tf.zeros((5, 20))))
