"""``keras.initializations`` of Keras 1: functions from a shape to a variable."""

import keras

from elman.legacy import programs

_SCALED = {
    "uniform": lambda scale: keras.initializers.RandomUniform(-scale, scale),
    "normal": lambda scale: keras.initializers.RandomNormal(0.0, scale),
}


def get(identifier):
    """The function called ``identifier``; a function is handed back."""
    return _Initialization(identifier) if isinstance(identifier, str) else identifier


class _Initialization(keras.initializers.Initializer):
    """Makes a variable; for Keras itself, which says the dtype, its first value.

    >>> tuple(get("zero")((2, 3), name="w").shape)
    (2, 3)
    """

    def __init__(self, name: str):
        self._name = name
        self._today = programs.RENAMED["initializers"].get(name, name)
        keras.initializers.get(self._today)  # an unknown name is an error here

    def __call__(self, shape, scale=0.05, name=None, dtype=None, **_):
        scaled = _SCALED.get(self._name)
        initializer = scaled(scale) if scaled else keras.initializers.get(self._today)
        if dtype is not None:
            return initializer(shape, dtype)
        return keras.Variable(initializer, shape=tuple(shape), name=name)

    def get_config(self):
        return {"name": self._name}


def __getattr__(name: str):
    try:
        return get(name)
    except ValueError:
        raise AttributeError(f"module 'keras.initializations' has no attribute {name!r}") from None
