"""The gated recurrent unit, with the reset gate after or before the recurrent product."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elman.reference.activations import Activation, get
from elman.reference.cell import Array, Cell, project, project_backward


class GRU(Cell):
    """A step that mixes its last output with a candidate, as its update gate says.

        z = s((x * m_z) W_z + b_z + (h * n_z) U_z + d_z)
        r = s((x * m_r) W_r + b_r + (h * n_r) U_r + d_r)
        j = f((x * m_h) W_h + b_h + r * ((h * n_h) U_h + d_h))    reset_after=True
        j = f((x * m_h) W_h + b_h + (r * h * n_h) U_h)            reset_after=False
        h' = z * h + (1 - z) * j

    x input (B, I), h state and output (B, H), m_g and n_g the dropout masks of the input and of h
    for gate g, W kernel (I, 3H), U recurrent kernel (H, 3H), b bias and d recurrent bias (3H,),
    gates in the order z r h, s recurrent activation, f activation. With reset_after=False there
    is no d.

    Args:
        kernel: W, array of shape (I, 3 * H).
        recurrent_kernel: U, array of shape (H, 3 * H).
        bias: b and d, array of shape (2, 3 * H); with reset_after=False b, array of shape
            (3 * H,). None is zeros.
        activation: f, a name in `ACTIVATIONS` or an `Activation`.
        recurrent_activation: s, likewise.
        reset_after: True as cuDNN and Keras from 2.1.3 on compute it, False as the paper does.

    Raises:
        ValueError: a weight has another shape, or an activation is unknown.

    Example:
        >>> import numpy as np
        >>> from elman.reference import forward
        >>> cell = GRU(np.ones((1, 3)), np.zeros((1, 3)), activation="linear")
        >>> forward(cell, np.zeros((1, 2, 1)), initial_states=[[[8.0]]]).outputs[0, :, 0]
        array([4., 2.])

    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014,
    arXiv:1406.1078 (version 1 resets after the product, version 3 before it).
    """

    gates = 3

    def __init__(
        self,
        kernel: ArrayLike,
        recurrent_kernel: ArrayLike,
        bias: ArrayLike | None = None,
        activation: str | Activation | None = "tanh",
        recurrent_activation: str | Activation | None = "sigmoid",
        reset_after: bool = True,
    ):
        self.reset_after = reset_after
        super().__init__(kernel, recurrent_kernel, bias, activation)
        self.recurrent_activation = get(recurrent_activation)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def step(
        self, x: Array, states: Sequence[Array], input_dropout: Array, recurrent_dropout: Array
    ) -> tuple[list[Array], Any]:
        (h,) = states
        n, width = recurrent_dropout, 2 * self.units
        b, d = self._biases()
        p = project(x, input_dropout, self.kernel) + b
        q = project(h, n[:2], self.recurrent_kernel[:, :width]) + d[:2]
        z, r = self.recurrent_activation(p[:2] + q)
        # q_h: the recurrent part of the candidate, before the reset gate where that comes after.
        source = h if self.reset_after else r * h
        (q_h,) = project(source, n[2:], self.recurrent_kernel[:, width:]) + d[2:]
        a_h = p[2] + (r * q_h if self.reset_after else q_h)
        h_next = z * h + (1 - z) * self.activation(a_h)
        return [h_next], (x, h, p[:2] + q, q_h, a_h, input_dropout, recurrent_dropout)

    def step_backward(
        self, saved: Any, d_states: Sequence[Array]
    ) -> tuple[Array, list[Array], tuple[Array, Array, Array]]:
        x, h, a_zr, q_h, a_h, m, n = saved
        (dh_next,) = d_states
        width = 2 * self.units
        u_zr, u_h = self.recurrent_kernel[:, :width], self.recurrent_kernel[:, width:]
        z, r = self.recurrent_activation(a_zr)
        j = self.activation(a_h)

        da_h = dh_next * (1 - z) * self.activation.derivative(a_h)
        dz = dh_next * (h - j)
        if self.reset_after:
            dq_h, dr = da_h * r, da_h * q_h
            dh_candidate, du_h = project_backward(dq_h[None], h, n[2:], u_h)
        else:
            dq_h = da_h
            d_source, du_h = project_backward(dq_h[None], r * h, n[2:], u_h)
            dr, dh_candidate = d_source * h, d_source * r
        da_zr = np.stack([dz, dr]) * self.recurrent_activation.derivative(a_zr)
        dh_gates, du_zr = project_backward(da_zr, h, n[:2], u_zr)

        dp, dq = np.stack([*da_zr, da_h]), np.stack([*da_zr, dq_h])
        dx, d_kernel = project_backward(dp, x, m, self.kernel)
        dh = dh_next * z + dh_gates + dh_candidate
        d_bias = np.stack([dp, dq]) if self.reset_after else dp
        d_bias = d_bias.sum(axis=-2).reshape(self.bias_shape)
        return dx, [dh], (d_kernel, np.concatenate([du_zr, du_h], axis=1), d_bias)

    def _biases(self) -> tuple[Array, Array]:
        """The input bias b and the recurrent bias d, each of shape (3, 1, H)."""
        b, d = self.bias if self.reset_after else (self.bias, np.zeros_like(self.bias))
        return b.reshape(3, 1, -1), d.reshape(3, 1, -1)
