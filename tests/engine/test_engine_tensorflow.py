"""The kernels on TensorFlow tensors: results and gradients, eagerly and in `tf.function`."""

import pytest
from engine_case import Case, cases

from elman import engine

tf = pytest.importorskip("tensorflow")


def constant(array):
    return None if array is None else tf.constant(array)


def numpy(nested):
    return tf.nest.map_structure(lambda a: None if a is None else a.numpy(), nested)


def results_and_gradients(case):
    compute = engine.find(case.spec)

    def of(x, states, kernel, recurrent_kernel, bias):
        sources = [x, states or [], kernel, recurrent_kernel, [] if bias is None else bias]
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(sources))
            outputs, last, found = compute(
                x, states, kernel, recurrent_kernel, bias, **case.options
            )
            total = tf.reduce_sum(last * case.d_last)
            for state, d in zip(found, case.d_states, strict=True):
                total += tf.reduce_sum(state * d)
            if outputs is not None:
                total += tf.reduce_sum(outputs * case.d_outputs)
        return (outputs, last, found), tape.gradient(total, sources)

    return of


def test_results_and_gradients_equal_the_reference(cell, size):
    for index, case in enumerate(list(cases("tensorflow", cell, size))[::5]):
        of = results_and_gradients(case)
        of = tf.function(of) if index % 2 else of
        x, states, *weights = case.arguments
        states = None if states is None else [constant(s) for s in states]
        results, found = of(constant(x), states, *map(constant, weights))
        outputs, last, after = numpy(results)
        case.check_results(outputs, last, after)
        case.check_gradients(*numpy(found))


def test_shapes_are_known_in_a_graph():
    case = Case(engine.Spec("lstm", backend="tensorflow", return_sequences=True), (2, 3, 4, 5))
    compute = engine.find(case.spec)
    seen = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, 4))])
    def call(x):
        outputs, last, states = compute(x, None, *map(constant, case.arguments[2:]))
        seen.append([t.shape.as_list() for t in (outputs, last, *states)])
        return outputs

    assert call(case.x).shape == (2, 3, 5)
    assert seen[0] == [[None, None, 5], *[[None, 5]] * 3]


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="tensorflow"))
    with pytest.raises(Exception, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        compute(tf.zeros((2, 3, 4)), None, tf.zeros((4, 19)), tf.zeros((5, 20)))
