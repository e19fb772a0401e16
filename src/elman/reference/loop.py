"""The loop through time, forward and backward, for any cell."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from elman.reference.cell import Array, Cell


class Run(NamedTuple):
    """What `forward` gives: `outputs` (B, T, H), `last_output` (B, H), the final `states`.

    The states are (B, H) each; the other fields are what `backward` needs of the way there.
    """

    outputs: Array
    last_output: Array
    states: tuple[Array, ...]
    steps: list[tuple[int, Array, Any]]
    x_shape: tuple[int, ...]
    zero_output_for_mask: bool


class Gradients(NamedTuple):
    """What `backward` gives: a gradient in the shape of each input of `forward` and weight."""

    x: Array
    initial_states: tuple[Array, ...]
    kernel: Array
    recurrent_kernel: Array
    bias: Array


def forward(
    cell: Cell,
    x: ArrayLike,
    initial_states: Sequence[ArrayLike] | None = None,
    mask: ArrayLike | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    input_dropout: ArrayLike | None = None,
    recurrent_dropout: ArrayLike | None = None,
) -> Run:
    """Run a cell over a batch of sequences.

        s_k, y_k = step(x_t, s_{k-1})    where mask_t        (s_0 the initial states)
        s_k, y_k = s_{k-1}, y_{k-1}      where not mask_t    (y_0 = 0)

    k counts the steps in the order they are done: t = k, or t = T - 1 - k with go_backwards. The
    output y is the cell's first state. Of a masked step nothing is read, NaN included. A row
    without any step (T = 0, or masked throughout) has zeros as its last output and its initial
    states as its final states.

    Args:
        cell: a `SimpleRNN`, `LSTM` or `GRU`.
        x: array of shape (B, T, I).
        initial_states: one array of shape (B, H) for each state of the cell; None is zeros.
        mask: array of bool of shape (B, T), False where a step is masked; None masks nothing.
        go_backwards: from the last step to the first; the outputs are in that order.
        zero_output_for_mask: a masked step's output is zeros, not the previous output.
        input_dropout: what x is multiplied by in each step: array of shape (B, I), or (G, B, I)
            with one mask a gate, as Keras has it with recurrent dropout; None is ones.
        recurrent_dropout: what the first state is multiplied by on its way into the products
            with the recurrent kernel: array of shape (B, H) or (G, B, H); None is ones.

    Returns:
        A `Run`: outputs, last_output, states.

    Raises:
        ValueError: an argument has another shape.

    Example:
        >>> from elman.reference import SimpleRNN
        >>> cell = SimpleRNN(kernel=[[1.0]], recurrent_kernel=[[1.0]], activation="linear")
        >>> run = forward(cell, [[[1.0], [np.nan], [1.0]]], mask=[[True, False, True]])
        >>> run.outputs[0, :, 0]
        array([1., 1., 2.])
    """
    xs = np.asarray(x, dtype=np.float64)
    if xs.ndim != 3 or xs.shape[2] != cell.kernel.shape[0]:
        raise ValueError(f"x must have shape (B, T, {cell.kernel.shape[0]}), got {xs.shape}")
    batch, timesteps, features = xs.shape
    states = _initial_states(cell, initial_states, batch)
    taken = _mask(mask, batch, timesteps)
    m = _dropout("input_dropout", input_dropout, (cell.gates, batch, features))
    n = _dropout("recurrent_dropout", recurrent_dropout, (cell.gates, batch, cell.units))

    outputs = np.zeros((batch, timesteps, cell.units))
    output = np.zeros((batch, cell.units))
    steps = []
    for k in range(timesteps):
        t = timesteps - 1 - k if go_backwards else k
        rows = np.flatnonzero(taken[:, t])
        new, saved = cell.step(xs[rows, t], [s[rows] for s in states], m[:, rows], n[:, rows])
        for state, value in zip(states, new, strict=True):
            state[rows] = value
        if zero_output_for_mask:
            output[:] = 0
        output[rows] = new[0]
        outputs[:, k] = output
        steps.append((t, rows, saved))
    return Run(outputs, output, tuple(states), steps, xs.shape, zero_output_for_mask)


def backward(
    cell: Cell,
    run: Run,
    d_outputs: ArrayLike | None = None,
    d_last_output: ArrayLike | None = None,
    d_states: Sequence[ArrayLike | None] | None = None,
) -> Gradients:
    """The gradients of a number L, from its gradients with respect to what `forward` gave.

    Args:
        cell: the cell that was run.
        run: what `forward` gave.
        d_outputs: dL/d outputs, array of shape (B, T, H); None is zeros.
        d_last_output: dL/d last_output, array of shape (B, H); None is zeros.
        d_states: dL/d states, one array of shape (B, H) for each state; None is zeros.

    Returns:
        A `Gradients`: of x (zeros at masked steps), initial_states, kernel, recurrent_kernel and
        bias (of a bias of zeros where the cell has none).

    Raises:
        ValueError: a gradient has another shape than what it is the gradient of.

    Example:
        >>> from elman.reference import SimpleRNN
        >>> cell = SimpleRNN(kernel=[[1.0]], recurrent_kernel=[[0.5]], activation="linear")
        >>> run = forward(cell, [[[1.0], [2.0]]])
        >>> gradients = backward(cell, run, d_outputs=[[[0.0], [1.0]]])
        >>> gradients.kernel, gradients.x[0, :, 0]
        (array([[2.5]]), array([0.5, 1. ]))
    """
    d_each = _gradient("d_outputs", d_outputs, run.outputs)
    # dy: the gradient of the output so far, which later masked steps repeat.
    dy = _gradient("d_last_output", d_last_output, run.last_output)
    given = [None] * cell.state_count if d_states is None else d_states
    ds = [_gradient("d_states", d, s) for d, s in zip(given, run.states, strict=True)]

    dx = np.zeros(run.x_shape)
    weights = [np.zeros_like(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    for k, (t, rows, saved) in reversed(list(enumerate(run.steps))):
        dy += d_each[:, k]
        d_new = [d[rows] for d in ds]
        d_new[0] = d_new[0] + dy[rows]
        dx[rows, t], d_old, d_weights = cell.step_backward(saved, d_new)
        for d, value in zip(ds, d_old, strict=True):
            d[rows] = value
        for total, d in zip(weights, d_weights, strict=True):
            total += d
        dy[slice(None) if run.zero_output_for_mask else rows] = 0
    return Gradients(dx, tuple(ds), *weights)


def _initial_states(
    cell: Cell, given: Sequence[ArrayLike] | None, batch: int
) -> list[Array]:  # fmt: skip
    shape = (batch, cell.units)
    if given is None:
        return [np.zeros(shape) for _ in range(cell.state_count)]
    states = [np.array(s, dtype=np.float64) for s in given]
    if [s.shape for s in states] != [shape] * cell.state_count:
        raise ValueError(
            f"initial_states must be {cell.state_count} array(s) of shape {shape}, "
            f"got {[s.shape for s in states]}"
        )
    return states


def _mask(given: ArrayLike | None, batch: int, timesteps: int) -> Array:
    if given is None:
        return np.ones((batch, timesteps), dtype=bool)
    mask = np.asarray(given, dtype=bool)
    if mask.shape != (batch, timesteps):
        raise ValueError(f"mask must have shape {(batch, timesteps)}, got {mask.shape}")
    return mask


def _dropout(name: str, given: ArrayLike | None, shape: tuple[int, int, int]) -> Array:
    mask = np.asarray(1.0 if given is None else given, dtype=np.float64)
    if given is not None and mask.shape not in (shape, shape[1:]):
        raise ValueError(f"{name} must have shape {shape[1:]} or {shape}, got {mask.shape}")
    return np.broadcast_to(mask, shape)


def _gradient(name: str, given: ArrayLike | None, of: Array) -> Array:
    if given is None:
        return np.zeros_like(of)
    gradient = np.array(given, dtype=np.float64)
    if gradient.shape != of.shape:
        raise ValueError(f"{name} must have shape {of.shape}, got {gradient.shape}")
    return gradient
