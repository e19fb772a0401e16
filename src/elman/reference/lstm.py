"""The long short-term memory cell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elman.reference.activations import Activation, get
from elman.reference.cell import Array, Cell, project, project_backward


class LSTM(Cell):
    """A step that keeps a carry beside its output, and gates what enters and what leaves it.

        a_g = (x * m_g) W_g + (h * n_g) U_g + b_g      for g in i, f, c, o
        i, f, o = s(a_i), s(a_f), s(a_o)
        j  = f(a_c)
        c' = f * c + i * j
        h' = o * f(c')

    x input (B, I), h output and c carry (B, H), m_g and n_g the dropout masks of the input and of
    h for gate g, W kernel (I, 4H), U recurrent kernel (H, 4H), b bias (4H,), gates in the order
    i f c o, s recurrent activation, f() activation. States: (h, c).

    Args:
        kernel: W, array of shape (I, 4 * H).
        recurrent_kernel: U, array of shape (H, 4 * H).
        bias: b, array of shape (4 * H,); None is zeros.
        activation: f(), a name in `ACTIVATIONS` or an `Activation`.
        recurrent_activation: s, likewise.

    Raises:
        ValueError: a weight has another shape, or an activation is unknown.

    Example:
        >>> import numpy as np
        >>> from elman.reference import forward
        >>> cell = LSTM(np.ones((1, 4)), np.zeros((1, 4)), activation="linear")
        >>> run = forward(cell, np.zeros((1, 2, 1)), initial_states=[[[0.0]], [[8.0]]])
        >>> run.states  # half of c is forgotten each step, half of it is let out
        (array([[1.]]), array([[2.]]))

    S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997),
    1735-1780; the forget gate: F. Gers et al., "Learning to Forget", Neural Computation 12 (2000).
    """

    gates = 4
    state_count = 2

    def __init__(
        self,
        kernel: ArrayLike,
        recurrent_kernel: ArrayLike,
        bias: ArrayLike | None = None,
        activation: str | Activation | None = "tanh",
        recurrent_activation: str | Activation | None = "sigmoid",
    ):
        super().__init__(kernel, recurrent_kernel, bias, activation)
        self.recurrent_activation = get(recurrent_activation)

    def step(
        self, x: Array, states: Sequence[Array], input_dropout: Array, recurrent_dropout: Array
    ) -> tuple[list[Array], Any]:
        h, c = states
        a = project(x, input_dropout, self.kernel)
        a = a + project(h, recurrent_dropout, self.recurrent_kernel)
        a = a + self.bias.reshape(4, 1, -1)
        i, f, o = self.recurrent_activation(a[[0, 1, 3]])
        j = self.activation(a[2])
        c_next = f * c + i * j
        h_next = o * self.activation(c_next)
        return [h_next, c_next], (x, h, c, a, c_next, input_dropout, recurrent_dropout)

    def step_backward(
        self, saved: Any, d_states: Sequence[Array]
    ) -> tuple[Array, list[Array], tuple[Array, Array, Array]]:
        x, h, c, a, c_next, input_dropout, recurrent_dropout = saved
        dh_next, dc_next = d_states
        i, f, o = self.recurrent_activation(a[[0, 1, 3]])
        j = self.activation(a[2])
        dc = dc_next + dh_next * o * self.activation.derivative(c_next)
        do = dh_next * self.activation(c_next)
        slope = self.recurrent_activation.derivative(a)
        da = np.stack([
            dc * j * slope[0],
            dc * c * slope[1],
            dc * i * self.activation.derivative(a[2]),
            do * slope[3],
        ])  # fmt: skip
        dx, d_kernel = project_backward(da, x, input_dropout, self.kernel)
        dh, d_recurrent = project_backward(da, h, recurrent_dropout, self.recurrent_kernel)
        return dx, [dh, dc * f], (d_kernel, d_recurrent, da.sum(axis=1).reshape(-1))
