"""The laws of a recurrent layer, on the reference itself."""

import numpy as np
import pytest
from cells import CELLS, make_problem

from elman.reference import GRU, LSTM, SimpleRNN, backward, forward

every_cell = pytest.mark.parametrize("cell", CELLS)
either_way = pytest.mark.parametrize("direction", ["forwards", "backwards"])


def equal(actual, expected):
    """The same numbers; the sums may have been made in another order."""
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


@every_cell
def test_no_initial_state_is_zeros(cell):
    problem = make_problem(cell, options=["mask"])
    zeros = [np.zeros((3, 3))] * problem.cell.state_count
    equal(problem.run().outputs, problem.run(initial_states=zeros).outputs)


@every_cell
@either_way
def test_in_two_halves(cell, direction):
    """A sequence at once is the same as in two halves with the state carried."""
    problem = make_problem(cell, timesteps=7, options=["states", direction, "dropout_per_gate"])
    whole = problem.run()
    halves = [problem.x[:, :3], problem.x[:, 3:]]
    if direction == "backwards":
        halves.reverse()
    first = problem.run(x=halves[0])
    second = problem.run(x=halves[1], initial_states=first.states)
    equal(np.concatenate([first.outputs, second.outputs], axis=1), whole.outputs)
    equal(second.states, whole.states)
    equal(second.last_output, whole.last_output)


@every_cell
@pytest.mark.parametrize("repeat", ["repeat", "zero"])
def test_row_by_row(cell, repeat):
    """A batch is the same as its rows one by one, and their weight gradients add up."""
    problem = make_problem(cell, options=["states", "mask", "dropout_per_gate", repeat])
    whole = problem.run()
    whole_gradients = problem.backward(whole)
    kernel = np.zeros_like(problem.cell.kernel)
    for b in range(3):
        row = slice(b, b + 1)
        a = problem.arguments
        run = problem.run(
            x=problem.x[row],
            initial_states=[s[row] for s in a["initial_states"]],
            mask=a["mask"][row],
            input_dropout=a["input_dropout"][:, row],
            recurrent_dropout=a["recurrent_dropout"][:, row],
        )
        equal(run.outputs, whole.outputs[row])
        equal(run.states, [s[row] for s in whole.states])
        gradients = backward(
            problem.cell,
            run,
            problem.d_outputs[row],
            problem.d_last_output[row],
            [d[row] for d in problem.d_states],
        )
        equal(gradients.x, whole_gradients.x[row])
        kernel += gradients.kernel
    equal(kernel, whole_gradients.kernel)


@every_cell
@either_way
def test_masked_steps_are_left_out(cell, direction):
    """With its masked steps cut out a row gives the same; a masked step repeats the output."""
    problem = make_problem(cell, batch=1, timesteps=6, options=["states", direction])
    mask = np.array([[False, True, True, False, True, False]])
    run = problem.run(mask=mask)
    short = problem.run(x=problem.x[:, mask[0]])
    equal(run.states, short.states)
    equal(run.last_output, short.last_output)
    positions = {"forwards": [None, 0, 1, 1, 2, 2], "backwards": [None, 0, 0, 1, 2, 2]}[direction]
    for k, position in enumerate(positions):
        expected = np.zeros((1, 3)) if position is None else short.outputs[:, position]
        equal(run.outputs[:, k], expected)


@every_cell
@either_way
def test_zero_output_for_mask(cell, direction):
    problem = make_problem(cell, options=["mask", "states", direction])
    repeated, zeroed = problem.run(), problem.run(zero_output_for_mask=True)
    mask = problem.arguments["mask"]
    mask = mask[:, ::-1] if direction == "backwards" else mask
    equal(zeroed.outputs, np.where(mask[..., None], repeated.outputs, 0))
    equal(zeroed.last_output, zeroed.outputs[:, -1])
    equal(zeroed.states, repeated.states)


@every_cell
def test_masked_input_is_never_read(cell):
    problem = make_problem(cell, options=["mask", "states", "dropout"])
    poisoned = np.where(problem.arguments["mask"][..., None], problem.x, np.nan)
    run, other = problem.run(), problem.run(x=poisoned)
    np.testing.assert_array_equal(other.outputs, run.outputs)
    for a, b in zip(problem.backward(other), problem.backward(run), strict=True):
        np.testing.assert_array_equal(a, b)


@every_cell
def test_go_backwards_is_the_reversed_input(cell):
    problem = make_problem(cell, options=["mask", "states", "dropout"])
    run = problem.run(go_backwards=True)
    mask = problem.arguments["mask"][:, ::-1]
    reversed_run = problem.run(x=problem.x[:, ::-1], mask=mask)
    equal(run.outputs, reversed_run.outputs)
    equal(run.states, reversed_run.states)
    equal(problem.backward(run).x, problem.backward(reversed_run).x[:, ::-1])


@every_cell
def test_a_row_masked_throughout_returns_its_initial_state(cell):
    problem = make_problem(cell, options=["states"])
    mask = np.ones((3, 5), dtype=bool)
    mask[1] = False
    run = problem.run(mask=mask)
    for state, initial in zip(run.states, problem.arguments["initial_states"], strict=True):
        np.testing.assert_array_equal(state[1], initial[1])
    np.testing.assert_array_equal(run.outputs[1], 0)
    np.testing.assert_array_equal(run.last_output[1], 0)
    gradients = problem.backward(run)
    np.testing.assert_array_equal(gradients.x[1], 0)
    for got, d in zip(gradients.initial_states, problem.d_states, strict=True):
        np.testing.assert_array_equal(got[1], d[1])


@every_cell
def test_no_timesteps(cell):
    problem = make_problem(cell, timesteps=0, options=["states"])
    run = problem.run()
    assert run.outputs.shape == (3, 0, 3)
    np.testing.assert_array_equal(run.last_output, 0)
    np.testing.assert_array_equal(run.states, problem.arguments["initial_states"])
    gradients = problem.backward(run)
    np.testing.assert_array_equal(gradients.initial_states, problem.d_states)
    np.testing.assert_array_equal(gradients.kernel, 0)


@every_cell
def test_no_rows(cell):
    problem = make_problem(cell, batch=0, options=["states"])
    run = problem.run()
    assert run.outputs.shape == (0, 5, 3)
    assert run.last_output.shape == (0, 3)
    gradients = problem.backward(run)
    assert gradients.x.shape == problem.x.shape
    np.testing.assert_array_equal(gradients.kernel, 0)


@every_cell
def test_arguments_are_not_changed(cell):
    problem = make_problem(cell, options=["states", "mask"])
    before = [problem.x.copy(), *(s.copy() for s in problem.arguments["initial_states"])]
    given = [problem.d_last_output.copy(), *(d.copy() for d in problem.d_states)]
    problem.backward(problem.run())
    after = [problem.x, *problem.arguments["initial_states"]]
    np.testing.assert_array_equal(np.concatenate([a.ravel() for a in after]),
                                  np.concatenate([b.ravel() for b in before]))  # fmt: skip
    for a, b in zip([problem.d_last_output, *problem.d_states], given, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SimpleRNN(np.ones((2, 4)), np.ones((3, 3))),
         r"kernel must have shape \(2, 3\), got \(2, 4\)"),
        (lambda: LSTM(np.ones((2, 12)), np.ones((3, 3))),
         r"recurrent_kernel must have shape \(3, 12\), got \(3, 3\)"),
        (lambda: GRU(np.ones((2, 9)), np.ones((3, 9)), np.ones(9)),
         r"bias must have shape \(2, 9\), got \(9,\)"),
        (lambda: SimpleRNN([[1]], [[1]], activation="tahn"),
         "activation must be one of linear, tanh, .* got 'tahn'"),
        (lambda: forward(SimpleRNN([[1]], [[1]]), np.ones((2, 3))),
         r"x must have shape \(B, T, 1\), got \(2, 3\)"),
        (lambda: forward(SimpleRNN([[1]], [[1]]), np.ones((2, 3, 1)), mask=np.ones((3, 2))),
         r"mask must have shape \(2, 3\), got \(3, 2\)"),
        (lambda: forward(SimpleRNN([[1]], [[1]]), np.ones((2, 3, 1)), [np.ones((1, 1))]),
         r"initial_states must be 1 array\(s\) of shape \(2, 1\), got \[\(1, 1\)\]"),
        (lambda: forward(SimpleRNN([[1]], [[1]]), np.ones((2, 3, 1)), input_dropout=np.ones(2)),
         r"input_dropout must have shape \(2, 1\) or \(1, 2, 1\), got \(2,\)"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_error_of_a_gradient():
    cell = SimpleRNN([[1]], [[1]])
    run = forward(cell, np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"d_outputs must have shape \(2, 3, 1\), got \(2, 3\)"):
        backward(cell, run, d_outputs=np.ones((2, 3)))
