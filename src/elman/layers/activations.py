"""`hard_sigmoid` as Keras 1, Keras 2 and TensorFlow had it; in Keras 3 it is another function."""

import warnings

import keras
from keras import ops


@keras.saving.register_keras_serializable("elman")
def hard_sigmoid(x):
    """Piecewise linear sigmoid of Keras before version 3.

    y = clip(0.2 x + 0.5, 0, 1)

    Keras 3's `keras.activations.hard_sigmoid` is relu6(x + 3) / 6, up to 0.1 away from it.

    Arguments:
        x: array of any shape, floating point.

    Returns:
        Array of the same shape and dtype.

    Example:
        >>> from elman.layers.activations import hard_sigmoid
        >>> [float(y) for y in hard_sigmoid(keras.ops.array([-3.0, 0.0, 1.0]))]
        [0.0, 0.5, 0.699999988079071]

    Source: Courbariaux, Bengio, David, "BinaryConnect", 2015 (its clipped form); Keras 1.0.
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def resolve(name: str, value, doubtful: bool):
    """Turn the string ``"hard_sigmoid"`` into the function that it meant when it was written.

    Arguments:
        name: the argument.
        value: what was given for it.
        doubtful: whether Keras 3 might have been meant, so that the choice must be said aloud.
    """
    if not isinstance(value, str) or value != "hard_sigmoid":
        return value
    if doubtful:
        warnings.warn(
            f"{name}='hard_sigmoid' is read as Keras 1, Keras 2 and TensorFlow meant it, "
            "clip(0.2 x + 0.5, 0, 1); for Keras 3's relu6(x + 3) / 6 pass the function "
            "keras.activations.hard_sigmoid.",
            stacklevel=3,
        )
    return hard_sigmoid


def unambiguous(value):
    """Serialised form of an activation that `resolve` leaves alone.

    Keras writes its own ``hard_sigmoid`` as that bare string, which `resolve` would take for the
    old one; the full form says which is meant.
    """
    if value == "hard_sigmoid":
        return keras.saving.serialize_keras_object(keras.activations.hard_sigmoid)
    return value
