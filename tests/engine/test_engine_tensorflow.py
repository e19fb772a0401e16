"""The kernels on TensorFlow tensors: results and gradients, eagerly and in `tf.function`."""

from concurrent.futures import ThreadPoolExecutor

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


def saves(function, *specs):
    """What each kernel of a function's graph was made for: a gradient, or none."""
    nodes = function.get_concrete_function(*specs).graph.as_graph_def().node
    return [node.attr["training"].b for node in nodes if node.op == "ElmanForward"]


def test_only_what_is_differentiated_keeps_what_that_needs():
    case = Case(engine.Spec("gru", backend="tensorflow"), (2, 3, 4, 5))
    compute, weights = engine.find(case.spec), [constant(a) for a in case.arguments[2:]]
    last = tf.function(lambda x: compute(engine.Inputs(x, None, *weights))[0][1])

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(compute(engine.Inputs(x, None, *weights))[0][1] ** 2)
        return tape.gradient(total, x)

    x = tf.constant(case.x)
    wanted = gradient(x)
    assert (saves(last, x), saves(gradient, x)) == ([False], [True])
    with tf.GradientTape() as tape:  # of a graph that was made without one
        tape.watch(x)
        total = tf.reduce_sum(last(x) ** 2)
    assert same_bits(tape.gradient(total, x).numpy(), wanted.numpy())


def test_calls_from_several_threads_at_once():
    case = Case(engine.Spec("lstm", backend="tensorflow"), (40, 20, 32, 32))
    [wanted] = results_and_gradients(case)
    with ThreadPoolExecutor(6) as callers:
        found = list(callers.map(lambda _: results_and_gradients(case)[0], range(6)))
    assert same_bits(found, [wanted] * 6)


def test_a_derivative_beyond_the_first_is_refused():
    case = Case(engine.Spec("lstm", backend="tensorflow"), (2, 3, 4, 5))
    compute, weights = engine.find(case.spec), [constant(a) for a in case.arguments[2:]]
    x = tf.constant(case.x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(compute(engine.Inputs(x, None, *weights))[0][1] ** 2)
        squares = tape.gradient(total, x) ** 2
    with pytest.raises(NotImplementedError, match='engine="keras" to differentiate a gradient'):
        outer.gradient(squares, x)


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="tensorflow"))
    with pytest.raises(Exception, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        compute(engine.Inputs(tf.zeros((2, 3, 4)), None, tf.zeros((4, 19)), tf.zeros((5, 20))))


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 3), (1, 1, 2, 0, 0, 1), "x must have three axes and recurrent_kernel two, got 2"),
        ((2, 3, 4), (), "options must be 6 numbers for each layer, got 0"),
        ((2, 3, 4), (9, 1, 2, 0, 0, 1), "cell must be 0 to 3, got 9"),
        ((2, 3, 4), (1, 1, 2, 0, 0, 1) * 2, "there must be 28 tensors"),
    ],
)
def test_a_wrong_operation_raises(shape, options, message):
    from elman.engine.tensorflow import _operations

    absent = tf.zeros((0,))
    inputs = [tf.zeros(shape), absent, absent, tf.zeros((4, 20)), tf.zeros((5, 20)), *[absent] * 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _operations.elman_forward(
            inputs, dtype=tf.float32, count=5, options=options, training=False
        )
