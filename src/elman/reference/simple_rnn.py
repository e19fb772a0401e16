"""The simple recurrent cell, Elman's."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.reference.cell import Array, Cell, project, project_backward


class SimpleRNN(Cell):
    """A step that mixes the input with its own last output.

        a  = (x * m) W + (h * n) U + b
        h' = f(a)

    x input (B, I), h state and output (B, H), m and n the dropout masks of the input and of the
    state, W kernel (I, H), U recurrent kernel (H, H), b bias (H,), f activation.

    Args:
        kernel: W, array of shape (I, H).
        recurrent_kernel: U, array of shape (H, H).
        bias: b, array of shape (H,); None is zeros.
        activation: f, a name in `ACTIVATIONS` or an `Activation`.

    Raises:
        ValueError: a weight has another shape, or the activation is unknown.

    Example:
        >>> from elman.reference import forward
        >>> cell = SimpleRNN([[1.0]], [[1.0]], bias=[-0.5], activation="relu")
        >>> forward(cell, [[[0.0], [1.0], [1.0]]]).outputs[0, :, 0]
        array([0. , 0.5, 1. ])

    J. L. Elman, "Finding Structure in Time", Cognitive Science 14 (1990), 179-211.
    """

    gates = 1

    def step(
        self, x: Array, states: Sequence[Array], input_dropout: Array, recurrent_dropout: Array
    ) -> tuple[list[Array], Any]:
        (h,) = states
        a = project(x, input_dropout, self.kernel)
        a = a + project(h, recurrent_dropout, self.recurrent_kernel) + self.bias
        return [self.activation(a[0])], (x, h, a, input_dropout, recurrent_dropout)

    def step_backward(
        self, saved: Any, d_states: Sequence[Array]
    ) -> tuple[Array, list[Array], tuple[Array, Array, Array]]:
        x, h, a, input_dropout, recurrent_dropout = saved
        da = d_states[0] * self.activation.derivative(a)
        dx, d_kernel = project_backward(da, x, input_dropout, self.kernel)
        dh, d_recurrent = project_backward(da, h, recurrent_dropout, self.recurrent_kernel)
        return dx, [dh], (d_kernel, d_recurrent, np.sum(da[0], axis=0))
