"""`SparseDense`: a dense layer whose input is given by its non-zero values."""

import keras
from keras import ops

from elman.layers.arguments import old_arguments


@keras.saving.register_keras_serializable("elman")
@old_arguments
class SparseDense(keras.layers.Layer):
    """A dense layer on vectors of which only the columns that are not zero are given::

        y = f(sum_n v_n W[k_n] + b)

    Arguments:
        units: the size of y.
        input_dim: how many columns the vectors have.
        activation: f; None for the identity.
        kernel_initializer, kernel_regularizer: of W, ``[input_dim, units]``.

    Input: a list of the columns k, integers ``[B, N]``, and their values v, ``[B, N]``; rows with
    fewer than N are filled with value 0. Output: ``[B, units]``.

    Raises:
        ValueError: sizes that are not positive.

    Example:
        >>> import numpy as np
        >>> from elman import ops
        >>> from elman.layers import SparseDense
        >>> layer = SparseDense(1, input_dim=1000, kernel_initializer="ones")
        >>> y = layer([np.array([[7, 999, 0]]), np.array([[2.0, 3.0, 0.0]])])
        >>> ops.convert_to_numpy(y).tolist()
        [[5.0]]
    """

    def __init__(
        self,
        units,
        input_dim,
        activation=None,
        kernel_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in {"units": units, "input_dim": input_dim}.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        self.units, self.input_dim = units, input_dim
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(self.input_dim, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs):
        columns, values = inputs
        rows = ops.take(self.kernel, ops.cast(columns, "int32"), axis=0)
        return self.activation(ops.einsum("bn,bnu->bu", values, rows) + self.bias)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "input_dim": self.input_dim,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
