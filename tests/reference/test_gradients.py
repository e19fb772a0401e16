"""Every gradient of the reference equals finite differences."""

import numpy as np
import pytest
from cells import CELLS, make_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.reference import ACTIVATIONS, Activation

# Central differences: the truncation error is about STEP**2, the rounding error 1e-15 / STEP.
STEP = 1e-5
TOLERANCE = {"rtol": 1e-7, "atol": 1e-8}

OPTIONS = [
    "",
    "states",
    "mask",
    "mask-states",
    "mask-states-backwards",
    "zero-states",
    "zero-backwards",
    "no_bias-states-backwards",
    "dropout-states",
    "dropout_per_gate-states",
    "dropout_per_gate-mask-zero-states-backwards",
]


def numerical_gradient(loss, array):
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + STEP
        above = loss()
        array[index] = value - STEP
        below = loss()
        array[index] = value
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def check_every_gradient(problem):
    gradients = problem.backward(problem.run())
    cell = problem.cell
    states = problem.arguments["initial_states"] or []
    pairs = [
        ("x", problem.x, gradients.x),
        ("kernel", cell.kernel, gradients.kernel),
        ("recurrent_kernel", cell.recurrent_kernel, gradients.recurrent_kernel),
        ("bias", cell.bias, gradients.bias),
        *((f"initial_states[{i}]", s, gradients.initial_states[i]) for i, s in enumerate(states)),
    ]
    for name, array, gradient in pairs:
        expected = numerical_gradient(problem.loss, array)
        np.testing.assert_allclose(gradient, expected, err_msg=name, **TOLERANCE)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_options(cell, options):
    check_every_gradient(make_problem(cell, options=options.split("-")))


@pytest.mark.parametrize("sizes", ["B1-T1-I1-H1", "B1-T7-I3-H2", "B7-T2-I1-H4"])
@pytest.mark.parametrize("cell", CELLS)
def test_sizes(cell, sizes):
    b, t, i, h = (int(size[1:]) for size in sizes.split("-"))
    check_every_gradient(make_problem(cell, b, t, i, h, options=["states"]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_activation(cell, activation):
    options = {"activation": activation}
    if cell != "SimpleRNN":
        options["recurrent_activation"] = "tanh" if activation == "sigmoid" else "sigmoid"
    # Short, so that the unbounded ones stay within the tolerance.
    check_every_gradient(make_problem(cell, timesteps=2, cell_options=options))


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear", "hard_sigmoid_keras3"])
@pytest.mark.parametrize("cell", ["LSTM", "GRU", "GRU-reset-before"])
def test_recurrent_activation(cell, activation):
    options = {"recurrent_activation": activation}
    check_every_gradient(make_problem(cell, timesteps=2, cell_options=options))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative(name):
    # 1/8 stays away from the kinks at 0, 2.5 and 3.
    a = np.arange(-6, 6, 0.25) + 0.125
    expected = (ACTIVATIONS[name](a + STEP) - ACTIVATIONS[name](a - STEP)) / (2 * STEP)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(a), expected, **TOLERANCE)


def test_activation_of_ones_own():
    sine = Activation(np.sin, np.cos)
    check_every_gradient(make_problem("LSTM", cell_options={"activation": sine}))


def test_each_gradient_alone():
    """Gradients of outputs, of the last output and of the states add up."""
    problem = make_problem("LSTM", options=["mask", "states"])
    zeros = problem._replace(
        d_outputs=None, d_last_output=None, d_states=None
    )  # fmt: skip
    run = problem.run()
    parts = [
        zeros._replace(d_outputs=problem.d_outputs),
        zeros._replace(d_last_output=problem.d_last_output),
        zeros._replace(d_states=[problem.d_states[0], None]),
        zeros._replace(d_states=[None, problem.d_states[1]]),
    ]
    whole = problem.backward(run)
    for field in ("x", "kernel", "recurrent_kernel", "bias"):
        total = sum(getattr(part.backward(run), field) for part in parts)
        np.testing.assert_allclose(total, getattr(whole, field), rtol=1e-12, atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    batch=st.integers(0, 4),
    timesteps=st.integers(0, 6),
    features=st.integers(1, 4),
    units=st.integers(1, 4),
    options=st.sets(
        st.sampled_from(
            ["states", "mask", "zero", "backwards", "no_bias", "dropout", "dropout_per_gate"]
        )
    ),
    seed=st.integers(0, 1000),
)
def test_any_combination(cell, batch, timesteps, features, units, options, seed):
    """The derivative along one random direction, in all inputs and weights at once."""
    problem = make_problem(cell, batch, timesteps, features, units, seed, options)
    gradients = problem.backward(problem.run())
    states = problem.arguments["initial_states"] or []
    moved = [
        problem.x,
        *states,
        problem.cell.kernel,
        problem.cell.recurrent_kernel,
        problem.cell.bias,
    ]
    slopes = [gradients.x, *gradients.initial_states[: len(states)], *gradients[2:]]
    random = np.random.default_rng(seed)
    directions = [random.normal(size=array.shape) for array in moved]
    expected = sum(np.sum(d * g) for d, g in zip(directions, slopes, strict=True))

    def loss_at(distance):
        for array, direction in zip(moved, directions, strict=True):
            array += distance * direction
        loss = problem.loss()
        for array, direction in zip(moved, directions, strict=True):
            array -= distance * direction
        return loss

    actual = (loss_at(STEP) - loss_at(-STEP)) / (2 * STEP)
    # The third derivative along a long direction is large: hence a wider bound than above.
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
