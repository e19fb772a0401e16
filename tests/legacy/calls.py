"""Old constructor calls held against the constructors of the Keras installed."""

import keras

from elman.legacy import arguments, tables


def translate(layer, /, *args, **kwargs):
    """The call ``layer(*args, **kwargs)``, translated for the class of today."""
    constructor = getattr(keras.layers, tables.today(layer)).__init__
    return arguments.translate(layer, args, kwargs, *arguments.signature(constructor))


def today(layer, /, *args, **kwargs):
    """Today's arguments of an old call."""
    return translate(layer, *args, **kwargs).kwargs
