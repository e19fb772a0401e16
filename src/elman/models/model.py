"""`Model`: the functional and the subclassed model."""

import keras

from elman.models.training import Recurrent


@keras.saving.register_keras_serializable("elman")
class Model(Recurrent, keras.Model):
    """Keras's model, functional (``Model(inputs, outputs)``) or subclassed.

    Example:
        >>> from elman.layers import LSTM, Dense, Input
        >>> from elman.models import Model
        >>> x = Input((None, 10))
        >>> Model(x, Dense(2)(LSTM(3)(x))).output_shape
        (None, 2)
    """
