"""`LocallyConnected1D` and `LocallyConnected2D`: convolutions whose weights are not shared."""

import math

import keras
import numpy as np
from keras import ops

from elman.layers import checks
from elman.layers.arguments import old_arguments


class _LocallyConnected(keras.layers.Layer):
    """What both have in common; `rank` is the number of axes that the windows move along."""

    rank: int

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        checks.positive_integer(name, "filters", filters)
        checks.one_of(name, "padding", padding, ("valid", "same"))
        self.filters, self.padding = filters, padding
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.strides = self._sizes("strides", strides)
        self.data_format = keras.config.image_data_format() if data_format is None else data_format
        checks.one_of(name, "data_format", self.data_format, ("channels_last", "channels_first"))
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def _sizes(self, name: str, value) -> tuple[int, ...]:
        sizes = tuple(value) if isinstance(value, (list, tuple)) else (value,) * self.rank
        if len(sizes) != self.rank or not all(
            isinstance(s, (int, np.integer)) and s > 0 for s in sizes
        ):
            raise ValueError(
                f"{type(self).__name__}: {name} must be a positive integer or {self.rank} of "
                f"them, got {value!r}."
            )
        return tuple(int(size) for size in sizes)

    def build(self, input_shape):
        """Make the kernel and the bias of each window."""
        channels_last = self.data_format == "channels_last"
        channels = input_shape[-1 if channels_last else 1]
        windows = self._windows(input_shape)
        self.lengths = self._lengths(input_shape)  # what weights of old files are laid out by
        if None in windows or channels is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has weights of its own for each window, so "
                f"it must know every axis of its input but the batch, got {tuple(input_shape)}; "
                "give the first layer of the model its input_shape."
            )
        if min(windows) < 1:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': kernel_size must fit into the input, got "
                f"{self.kernel_size} for an input of shape {tuple(input_shape)}; make it smaller."
            )
        self.kernel = self.add_weight(
            shape=(math.prod(windows), math.prod(self.kernel_size) * channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(*windows, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = keras.layers.InputSpec(
            ndim=self.rank + 2, axes={-1 if channels_last else 1: channels}
        )

    def _windows(self, input_shape) -> list:
        """The number of windows along each axis; None where the axis is unknown."""
        lengths = self._lengths(input_shape)
        if self.padding == "same":
            pairs = zip(lengths, self.strides, strict=True)
            return [None if length is None else -(-length // stride) for length, stride in pairs]
        return [
            None if length is None else (length - size) // stride + 1
            for length, size, stride in zip(lengths, self.kernel_size, self.strides, strict=True)
        ]

    def _lengths(self, input_shape) -> tuple:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(input_shape[first : first + self.rank])

    def _padded(self, inputs, windows):
        """The inputs with zeros around them where a window has its middle on the first place."""
        ends = [(n - 1) * s for n, s in zip(windows, self.strides, strict=True)]
        axes = zip(self._lengths(inputs.shape), ends, self.kernel_size, strict=True)
        around = [(k // 2, max(0, end + k - k // 2 - length)) for length, end, k in axes]
        channels_last = self.data_format == "channels_last"
        return ops.pad(
            inputs, [(0, 0), *around, (0, 0)] if channels_last else [(0, 0), (0, 0), *around]
        )

    def call(self, inputs):
        windows = self._windows(inputs.shape)
        inputs = self._padded(inputs, windows) if self.padding == "same" else inputs
        patches = self._patches(inputs, windows)
        y = ops.einsum("bpi,pif->bpf", patches, self.kernel)
        y = ops.reshape(y, (-1, *windows, self.filters))
        if self.data_format == "channels_first":
            y = ops.moveaxis(y, -1, 1)
        if self.use_bias:
            # Keras 2 reads the bias, whose filters are last, in the order of the output's axes.
            y = y + ops.reshape(self.bias, (1, *y.shape[1:]))
        return self.activation(y)

    def _patches(self, inputs, windows):
        """Array (batch, windows, inputs of one window), the last in the order of the input."""
        first = 1 if self.data_format == "channels_last" else 2
        for i, (count, size, stride) in enumerate(
            zip(windows, self.kernel_size, self.strides, strict=True)
        ):
            # One axis becomes two: the window, and the place in it.
            index = np.arange(count)[:, None] * stride + np.arange(size)
            inputs = ops.take(inputs, index, axis=first + 2 * i)
        window_axes = [first + 2 * i for i in range(self.rank)]
        rest = [axis for axis in range(1, 2 * self.rank + 2) if axis not in window_axes]
        inputs = ops.transpose(inputs, (0, *window_axes, *rest))
        return ops.reshape(inputs, (-1, math.prod(windows), self.kernel.shape[1]))

    def compute_output_shape(self, input_shape):
        windows = self._windows(input_shape)
        if self.data_format == "channels_last":
            return (input_shape[0], *windows, self.filters)
        return (input_shape[0], self.filters, *windows)

    def get_config(self):
        config = {
            name: getattr(self, name)
            for name in (
                "filters", "kernel_size", "strides", "padding", "data_format", "use_bias",
            )
        }  # fmt: skip
        serialized = {
            f"{of}_{kind}": getattr(keras, f"{kind}s").serialize(getattr(self, f"{of}_{kind}"))
            for of in ("kernel", "bias")
            for kind in ("initializer", "regularizer", "constraint")
        }
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), **config, "activation": activation, **serialized}


@keras.saving.register_keras_serializable("elman")
@old_arguments
class LocallyConnected1D(_LocallyConnected):
    """A convolution along one axis with a kernel of its own at each place.

    y_o = a(K_o . x_{so ... so+k-1} + b_o),  o = 0 ... O-1,  O = (L - k) // s + 1

    K [O, k * channels, filters], b [O, filters], as Keras 2 had them with ``implementation=1``.

    Arguments:
        filters: number of outputs at each place, a positive integer.
        kernel_size: k, length of a window.
        strides: s, step from one window to the next.
        padding: ``"valid"``, or ``"same"``: O = ceil(L / s), the middle of window o lies on place
            so, and there are zeros around x.
        data_format: ``"channels_last"`` for (batch, L, channels), ``"channels_first"`` for
            (batch, channels, L); None for Keras's setting.
        activation: a; None for none.
        use_bias: whether there is b.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            kernel_constraint, bias_constraint: of K and b.
        input_shape, weights ...: as of every layer. The names of Keras 1 are taken too.

    Returns:
        Array of shape (batch, O, filters), or (batch, filters, O) with channels first.

    Raises:
        ValueError: an argument that cannot be, or an input of unknown length.

    Example:
        >>> import numpy as np
        >>> from elman.layers import LocallyConnected1D
        >>> layer = LocallyConnected1D(4, 3)
        >>> y = layer(np.ones((8, 10, 2), "float32"))
        >>> tuple(y.shape), layer.count_params()
        ((8, 8, 4), 224)

    Source: LeCun, "Generalization and Network Design Strategies", University of Toronto, 1989.
    """

    rank = 1


@keras.saving.register_keras_serializable("elman")
@old_arguments
class LocallyConnected2D(_LocallyConnected):
    """A convolution over rows and columns with a kernel of its own at each place.

    y_rc = a(K_rc . window_rc(x) + b_rc),  r = 0 ... R-1,  c = 0 ... C-1

    K [R * C, k_r * k_c * channels, filters], b [R, C, filters], as Keras 2 had them with
    ``implementation=1``.

    Arguments as of `LocallyConnected1D`; ``kernel_size`` and ``strides`` are a number, or a pair
    for rows and columns.

    Returns:
        Array of shape (batch, R, C, filters), or (batch, filters, R, C) with channels first.

    Raises:
        ValueError: an argument that cannot be, or an input of unknown size.

    Example:
        >>> import numpy as np
        >>> from elman.layers import LocallyConnected2D
        >>> layer = LocallyConnected2D(4, (3, 1))
        >>> y = layer(np.ones((8, 6, 5, 2), "float32"))
        >>> tuple(y.shape), layer.count_params()
        ((8, 4, 5, 4), 560)

    Source: LeCun, "Generalization and Network Design Strategies", University of Toronto, 1989.
    """

    rank = 2
