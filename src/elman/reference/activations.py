"""The activation functions, each with its derivative."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Activation(NamedTuple):
    """A function applied to each element, and its derivative, both of the pre-activation.

    A pair of one's own serves as well as a name: `LSTM(..., activation=Activation(f, df))`.

    >>> square = Activation(lambda a: a * a, lambda a: 2 * a)
    >>> square(3.0), square.derivative(3.0)
    (9.0, 6.0)
    """

    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array]

    def __call__(self, a: Array) -> Array:
        return self.value(a)


def sigmoid(a: Array) -> Array:
    # This form does not overflow, and keeps its precision, for large negative `a`.
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + e), e / (1 + e))


def elu(a: Array) -> Array:
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))


def elu_derivative(a: Array) -> Array:
    return np.where(a > 0, 1.0, np.exp(np.minimum(a, 0)))


# Klambauer et al., "Self-Normalizing Neural Networks", 2017, arXiv:1706.02515, section 2.
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772

ACTIVATIONS = {
    "linear": Activation(lambda a: a, np.ones_like),
    "tanh": Activation(np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": Activation(sigmoid, lambda a: sigmoid(a) * sigmoid(-a)),
    "relu": Activation(lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
    # Keras 1, Keras 2 and Theano: clip(0.2 a + 0.5, 0, 1).
    "hard_sigmoid": Activation(
        lambda a: np.clip(0.2 * a + 0.5, 0, 1), lambda a: np.where(np.abs(a) < 2.5, 0.2, 0.0)
    ),
    # Keras 3, torch and JAX: relu6(a + 3) / 6.
    "hard_sigmoid_keras3": Activation(
        lambda a: np.clip(a + 3, 0, 6) / 6, lambda a: np.where(np.abs(a) < 3, 1 / 6, 0.0)
    ),
    "softsign": Activation(lambda a: a / (1 + np.abs(a)), lambda a: 1 / (1 + np.abs(a)) ** 2),
    "softplus": Activation(lambda a: np.logaddexp(a, 0), sigmoid),
    "exponential": Activation(np.exp, np.exp),
    "elu": Activation(elu, elu_derivative),
    "selu": Activation(
        lambda a: SELU_SCALE * np.where(a > 0, a, SELU_ALPHA * elu(a)),
        lambda a: SELU_SCALE * np.where(a > 0, 1.0, SELU_ALPHA * elu_derivative(a)),
    ),
    "silu": Activation(
        lambda a: a * sigmoid(a), lambda a: sigmoid(a) * (1 + a * sigmoid(-a))
    ),
}  # fmt: skip


def get(activation: str | Activation | None) -> Activation:
    """The activation of that name; None is linear.

    >>> float(get("hard_sigmoid")(1.0)), float(get("hard_sigmoid_keras3")(1.5))
    (0.7, 0.75)
    """
    if activation is None:
        return ACTIVATIONS["linear"]
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}; "
            "pass an Activation(value, derivative) for another function"
        )
    return ACTIVATIONS[activation]
