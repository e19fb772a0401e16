"""Batches from generators and datasets in the one form that Keras 3 takes."""

import itertools
import math

import keras
import numpy as np
from keras import ops


def is_generator(x) -> bool:
    """Whether ``x`` is an iterator of batches, generator or not."""
    return hasattr(x, "__next__") and not isinstance(x, keras.utils.PyDataset)


def batches(generator, class_weight=None, targets=True):
    """A generator of tuples ``(inputs, targets, weights)`` from whatever old Keras took.

    Arguments:
        generator: iterator of ``(x, y)`` or ``(x, y, sample_weight)``, tuples or lists; of ``x``
            for `predict`.
        class_weight: dictionary from class to weight, or None.
        targets: whether a list is ``[x, y]``; otherwise it is a list of inputs.
    """
    for batch in generator:
        if not isinstance(batch, tuple):
            batch = tuple(batch) if targets and isinstance(batch, list) else (batch,)
        x, *rest = batch
        if class_weight and len(rest) == 1:
            rest.append(_weights(rest[0], class_weight))
        yield tuple(_arrays(part) for part in (x, *rest))


def _arrays(part):
    """A list of arrays as a tuple of them; one of numbers as an array."""
    if isinstance(part, dict):
        return {name: np.asarray(value) for name, value in part.items()}
    if isinstance(part, list | tuple) and len(part) and hasattr(part[0], "shape"):
        return tuple(part)
    return part if part is None or ops.is_tensor(part) else np.asarray(part)


def _weights(y, class_weight) -> np.ndarray:
    """The weight of each row, from its class."""
    y = np.asarray(y)
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    return np.array([class_weight.get(int(c), 1.0) for c in classes], "float32")


def steps_of(generator, samples: int):
    """How many batches hold ``samples`` rows, by the first batch.

    Returns:
        The number, and the generator with its first batch put back.
    """
    if isinstance(generator, keras.utils.PyDataset):
        first = generator[0]
    else:
        first = next(generator)
        generator = itertools.chain([first], generator)
    rows = len(next(iter(first[0].values())) if isinstance(first[0], dict) else _first(first[0]))
    return math.ceil(samples / rows), generator


def _first(x):
    return x[0] if isinstance(x, list | tuple) else x
