"""`Model`: the functional and the subclassed model."""

import keras

from elman import _keras_private
from elman.legacy.methods import rename
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

    def __new__(cls, *args, **kwargs):
        if cls is Model and _is_functional(args, rename("Model", kwargs)):
            cls = Functional
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        kwargs = rename("Model", kwargs)
        if _is_functional(args, kwargs):
            _make_functional(type(self))
            Functional.__init__(self, *args, **kwargs)
        else:
            super().__init__(*args, **kwargs)


@keras.saving.register_keras_serializable("elman")
class Functional(Model, _keras_private.Functional):
    """What ``Model(inputs, outputs)`` gives."""

    # A signature of this form tells Keras that the configuration holds inputs and outputs.
    def __init__(self, *args, **kwargs):
        _keras_private.Functional.__init__(self, *args, **rename("Model", kwargs))


def _is_functional(args, kwargs) -> bool:
    return (
        len(args) == 2
        or (len(args) == 1 and "outputs" in kwargs)
        or {*kwargs} >= {"inputs", "outputs"}
    )


def _make_functional(cls: type) -> None:
    """Let a user's subclass of `Model` that was called with inputs and outputs be functional."""
    for base in cls.__mro__:
        if Model in base.__bases__ and base is not Functional:
            base.__bases__ = tuple(Functional if b is Model else b for b in base.__bases__)
