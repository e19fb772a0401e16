"""`FeatureMixing`: makes a network that learns hear every sequence a little differently."""

import math

import keras
from keras import ops

from elman.layers.arguments import old_arguments


@keras.saving.register_keras_serializable("elman")
@old_arguments
class FeatureMixing(keras.layers.Layer):
    """In training, each sequence's features go through a linear map of their own, near identity.

    ::

        y_t = x_t (I + s E) + s d,    E_ij ~ N(0, 2 / F),    d_j ~ N(0, 1)

    with one E and one d for all timesteps of a sequence. So differ speakers, microphones and
    sensors: the length of a vocal tract is nearly a linear map of cepstral features, and a channel
    is a shift.

    Arguments:
        deviation: s, in units of the features, which should be normalised.
        groups: the features are so many groups of F side by side, which are the same features
            normalised in several ways; all get the same map.
        seed: integer, or None for a random one.

    Input and output: ``[B, T, groups * F]``, floats.

    Raises:
        ValueError: a negative deviation, or features that are not so many groups.

    Example:
        >>> import numpy as np
        >>> from elman.layers import FeatureMixing
        >>> x = np.ones((2, 5, 3))
        >>> y = np.array(FeatureMixing(0.3, seed=0)(x, training=True))
        >>> bool((y[:, :1] == y).all()), bool((y[0] == y[1]).all())  # alike in time, not in rows
        (True, False)

    Source: Pitz and Ney 2005, "Vocal Tract Normalization Equals Linear Transformation in Cepstral
    Space", IEEE Transactions on Speech and Audio Processing 13 (5); Jaitly and Hinton 2013, "Vocal
    Tract Length Perturbation (VTLP) improves speech recognition".
    """

    def __init__(self, deviation, groups=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        if deviation < 0:
            raise ValueError(f"deviation must not be negative, got {deviation!r}")
        self.deviation, self.groups, self.seed = deviation, groups, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape[-1] % self.groups:
            raise ValueError(
                f"{input_shape[-1]} features must be {self.groups} groups of the same size; "
                "give other groups"
            )

    def call(self, inputs, training=False):
        if not training or self.deviation == 0:
            return inputs
        count, size = ops.shape(inputs)[0], inputs.shape[-1] // self.groups
        draw = {"dtype": inputs.dtype, "seed": self.seed_generator}
        mixing = keras.random.normal((count, size, size), **draw) * math.sqrt(2 / size)
        shift = keras.random.normal((count, 1, size), **draw)
        parts = ops.split(inputs, self.groups, axis=-1)
        moved = [x + self.deviation * (ops.matmul(x, mixing) + shift) for x in parts]
        return ops.concatenate(moved, axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"deviation": self.deviation, "groups": self.groups, "seed": self.seed}
        return {**super().get_config(), **own}
