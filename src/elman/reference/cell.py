"""What the cells share: their weights, and the product of a step's input with them."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from elman.reference.activations import Activation, get

Array = np.ndarray


class Cell:
    """One step of a recurrent layer and that step's backward; `forward` runs it through time.

    A cell states `gates` and `state_count`, and defines `step` and `step_backward`. Its first
    state is its output.

    Args:
        kernel: array of shape (I, G * H).
        recurrent_kernel: array of shape (H, G * H).
        bias: array of shape `bias_shape`; None is a bias of zeros.
        activation: a name in `ACTIVATIONS` or an `Activation`.
    """

    gates: ClassVar[int]
    state_count: ClassVar[int] = 1

    def __init__(
        self,
        kernel: ArrayLike,
        recurrent_kernel: ArrayLike,
        bias: ArrayLike | None = None,
        activation: str | Activation | None = "tanh",
    ):
        self.kernel = np.asarray(kernel, dtype=np.float64)
        self.recurrent_kernel = np.asarray(recurrent_kernel, dtype=np.float64)
        self.units = self.recurrent_kernel.shape[0]
        zeros = np.zeros(self.bias_shape)
        self.bias = zeros if bias is None else np.asarray(bias, dtype=np.float64)
        self.activation = get(activation)
        width = self.gates * self.units
        _check_shape("kernel", self.kernel, (self.kernel.shape[0], width))
        _check_shape("recurrent_kernel", self.recurrent_kernel, (self.units, width))
        _check_shape("bias", self.bias, self.bias_shape)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def step(
        self, x: Array, states: Sequence[Array], input_dropout: Array, recurrent_dropout: Array
    ) -> tuple[list[Array], Any]:
        """The states after the step, from x (B, I) and the states before it, each (B, H).

        Beside them whatever `step_backward` needs.
        """
        raise NotImplementedError

    def step_backward(
        self, saved: Any, d_states: Sequence[Array]
    ) -> tuple[Array, list[Array], tuple[Array, Array, Array]]:
        """The gradients of x, of the states before the step, and of (kernel, recurrent_kernel,
        bias), from those of the states after it.
        """
        raise NotImplementedError


def project(x: Array, dropout: Array, weight: Array) -> Array:
    """The pre-activations a_g = (x * m_g) W_g of all gates g.

    Shapes: x (B, I), dropout m (G, B, I), weight (I, G * H), result (G, B, H).
    """
    gates = dropout.shape[0]
    w = weight.reshape(weight.shape[0], gates, weight.shape[1] // gates)
    return np.einsum("gbi,igh->gbh", x * dropout, w)


def project_backward(da: Array, x: Array, dropout: Array, weight: Array) -> tuple[Array, Array]:
    """The gradients of x and of the weight, from da (G, B, H):

    dx = sum over g of m_g * (da_g W_g^T),  dW_g = (x * m_g)^T da_g.
    """
    gates = dropout.shape[0]
    w = weight.reshape(weight.shape[0], gates, weight.shape[1] // gates)
    dx = (np.einsum("gbh,igh->gbi", da, w) * dropout).sum(axis=0)
    dw = np.einsum("gbi,gbh->igh", x * dropout, da)
    return dx, dw.reshape(weight.shape)


def _check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
