"""`clone_model`, which keeps the kind of a model."""

import functools

import keras

from elman.models.sequential import Sequential


@functools.wraps(keras.models.clone_model)
def clone_model(model, *args, **kwargs):
    clone = keras.models.clone_model(model, *args, **kwargs)
    if isinstance(model, Sequential) and not isinstance(clone, Sequential):
        clone = Sequential(clone._layers, trainable=clone.trainable, name=clone.name)
    return clone
