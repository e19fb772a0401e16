"""``merge`` of Keras 1, `Input` of Keras 2, and what is said of layers that are gone."""

import keras

from elman.layers.merging import merge as merge
from elman.legacy import modules


def Input(shape=None, batch_shape=None, name=None, dtype=None, sparse=False, tensor=None, **kwargs):
    """Keras's `Input`, with the places that its arguments had in Keras 2, and a number for a shape.

    ``ragged`` and ``type_spec`` say nothing that a layer of elman has to know beforehand.
    """
    for gone in ("ragged", "type_spec"):
        kwargs.pop(gone, None)
    batch_shape = kwargs.pop("batch_input_shape", batch_shape)
    if isinstance(shape, int):
        shape = (shape,)
    if isinstance(batch_shape, int):  # Today's second place is batch_size.
        kwargs["batch_size"], batch_shape = batch_shape, None
    if shape is not None:
        kwargs["shape"] = tuple(shape)
    if batch_shape is not None:
        kwargs["batch_shape"] = tuple(batch_shape)
    return keras.Input(name=name, dtype=dtype, sparse=sparse, tensor=tensor, **kwargs)


def __getattr__(name: str):
    """A layer that is gone may be imported; only who makes one is told what to write instead."""
    if not modules.gone(name):
        raise AttributeError(f"module 'keras.layers' has no attribute {name!r}")

    def refuse(*args, **kwargs):
        raise ValueError(modules.gone(name))

    return refuse
