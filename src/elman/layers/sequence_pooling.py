"""`SequencePooling`: one vector for a sequence of any length."""

import keras
from keras import ops

from elman.layers.arguments import old_arguments

MODES = ("attention", "max", "mean")


@keras.saving.register_keras_serializable("elman")
@old_arguments
class SequencePooling(keras.layers.Layer):
    """One vector from all timesteps that are not masked.

    ``max`` takes the largest value of each feature, ``mean`` the mean, and ``attention`` a weighted
    mean whose weights are learnt::

        a_t = softmax_t(v . tanh(W h_t + b)),    y = sum_t a_t h_t

    A sequence masked throughout gives zeros.

    Arguments:
        mode: "attention", "max" or "mean"; a tuple of them puts their vectors side by side.

    Input: ``[B, T, I]``, with or without a mask ``[B, T]``. Output: ``[B, I * number of modes]``.

    Raises:
        ValueError: another mode.

    Example:
        >>> import numpy as np
        >>> from elman import ops
        >>> from elman.layers import SequencePooling
        >>> x = np.array([[[1.0, 5.0], [3.0, 2.0], [9.0, 9.0]]])
        >>> y = SequencePooling("max")(x, mask=np.array([[True, True, False]]))
        >>> ops.convert_to_numpy(y).tolist()
        [[3.0, 5.0]]

    Source: Yang et al. 2016, "Hierarchical Attention Networks for Document Classification".
    """

    def __init__(self, mode="attention", **kwargs):
        super().__init__(**kwargs)
        self.modes = (mode,) if isinstance(mode, str) else tuple(mode)
        if not self.modes or set(self.modes) - set(MODES):
            raise ValueError(f"mode must be of {', '.join(MODES)}, got {mode!r}")
        self.supports_masking = True

    def build(self, input_shape):
        if "attention" in self.modes:
            size = input_shape[-1]
            self.kernel = self.add_weight(shape=(size, size), name="kernel")
            self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")
            self.query = self.add_weight(shape=(size, 1), name="query")

    def call(self, inputs, mask=None):
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:2], "bool")
        mask = ops.cast(mask, "bool")[..., None]
        # What is masked may be anything, NaN too, so it is replaced and not multiplied by zero.
        inputs = ops.where(mask, inputs, 0)
        some = ops.any(mask, axis=1)
        pooled = [getattr(self, f"_{mode}")(inputs, mask) for mode in self.modes]
        return ops.where(some, ops.concatenate(pooled, axis=-1), 0)

    def _attention(self, inputs, mask):
        score = ops.matmul(ops.tanh(ops.matmul(inputs, self.kernel) + self.bias), self.query)
        weights = ops.softmax(ops.where(mask, score, _lowest(score)), axis=1)
        return ops.sum(weights * inputs, axis=1)

    def _max(self, inputs, mask):
        return ops.max(ops.where(mask, inputs, _lowest(inputs)), axis=1)

    def _mean(self, inputs, mask):
        count = ops.sum(ops.cast(mask, inputs.dtype), axis=1)
        return ops.sum(inputs, axis=1) / ops.maximum(count, 1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        size = input_shape[-1]
        return (input_shape[0], None if size is None else size * len(self.modes))

    def get_config(self):
        return {**super().get_config(), "mode": list(self.modes)}


def _lowest(x):
    """A number below any score, which half precision can hold too."""
    return ops.cast(-3e4, x.dtype)
