"""`TokenDropout`: hides some tokens from a network that learns."""

import keras
from keras import ops

from elman.layers.arguments import old_arguments


@keras.saving.register_keras_serializable("elman")
@old_arguments
class TokenDropout(keras.layers.Layer):
    """In training, replaces each token by the unknown one with probability ``rate``.

    The network learns what to make of an unknown token, and not to lean on a single word. Number 0,
    padding, stays.

    Arguments:
        rate: the probability, from 0 to 1.
        unknown: the number of the unknown token.
        seed: integer, or None for a random one.

    Input and output: integers of any shape.

    Raises:
        ValueError: a rate that is no probability.

    Example:
        >>> import numpy as np
        >>> from elman import ops
        >>> from elman.layers import TokenDropout
        >>> y = TokenDropout(1.0)(np.array([[7, 8, 0]]), training=True)
        >>> ops.convert_to_numpy(y).tolist()
        [[1, 1, 0]]

    Source: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text
    Classification", section 3.2.
    """

    def __init__(self, rate, unknown=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, got {rate!r}")
        self.rate, self.unknown, self.seed = rate, unknown, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        hidden = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator) < self.rate
        hidden = ops.logical_and(hidden, ops.not_equal(inputs, 0))
        return ops.where(hidden, ops.cast(self.unknown, inputs.dtype), inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "unknown": self.unknown,
            "seed": self.seed,
        }
