"""Errors of the recurrent layers: what must be, what was given, what to do."""

import importlib
import numbers

import keras
import numpy as np
from keras import tree


def positive_integer(layer: str, name: str, value) -> None:
    """Raise unless ``value`` is a whole number of at least 1."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(
            f"{layer}: {name} must be a positive integer, got {value!r}; "
            f"write for example {layer}(32)."
        )


def one_of(layer: str, name: str, value, known) -> None:
    """Raise unless ``value`` is one of ``known``."""
    if value not in known:
        words = ", ".join(repr(word) for word in known)
        raise ValueError(f"{layer}: {name} must be one of {words}, got {value!r}.")


def sequences(layer, shape, features: int | None) -> None:
    """Raise unless ``shape`` is (batch, timesteps, features) with the features built for."""
    who, shape = _who(layer), tuple(shape)
    order = "(timesteps, batch, features)" if layer.time_major else "(batch, timesteps, features)"
    only_three = any(getattr(spec, "ndim", None) == 3 for spec in tree.flatten(layer.input_spec))
    if len(shape) < 3 or (only_three and len(shape) > 3):
        hint = {
            1: "add the missing axes, for example x[None, :, None] for one series of numbers",
            2: "add the missing axis: x[:, :, None] for one feature a step, "
            "x[None] for a batch of one",
        }.get(len(shape), "join the axes of one step, for example by Reshape((timesteps, -1))")
        raise ValueError(f"{who} must be given an array of shape {order}, got {shape}; {hint}.")
    if features is not None and shape[-1] not in (None, features):
        raise ValueError(
            f"{who} must be given {features} features in the last axis, as it was built, "
            f"got {shape[-1]} in {shape}; give the same features, or make a new layer for these."
        )


def known_timesteps(layer, shape) -> None:
    """Raise unless the number of timesteps is known, as unrolling needs it."""
    if shape[0 if layer.time_major else 1] is None:
        raise ValueError(
            f"{_who(layer)} must know the number of timesteps to unroll them, got an input of "
            f"shape {tuple(shape)}; give the model an input shape with timesteps, or leave out "
            "unroll=True."
        )


def mask(layer, mask_shape, shape) -> None:
    """Raise unless a mask has one value for each step of each row."""
    if mask_shape[2:] not in ((), (1,)) or not _agree(mask_shape[:2], shape[:2]):
        axes = "(timesteps, batch)" if layer.time_major else "(batch, timesteps)"
        raise ValueError(
            f"{_who(layer)}: mask must have the shape {axes} = {tuple(shape[:2])} of its input, "
            f"got {tuple(mask_shape)}; give one True or False for each step of each row."
        )


def states(layer, given, name: str, wanted) -> None:
    """Raise unless ``given`` has the number and the shapes of the layer's states."""
    flat = tree.flatten(given)
    shapes = [np.shape(state) for state in flat]
    fits = len(shapes) == len(wanted) and all(
        _agree(have, want) for have, want in zip(shapes, wanted, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{_who(layer)}: {name} must be {len(wanted)} array(s) of the shapes {wanted}, "
            f"(batch, units) each, got {shapes}; give one array for each state, in the order "
            "in which return_state=True returns them."
        )


def batch_size(layer, given, expected) -> None:
    """Raise unless a batch has the size that a stateful layer carries states for."""
    if given is not None and given != expected:
        raise ValueError(
            f"{_who(layer)} is stateful and must keep its batch size: it was built for a batch of "
            f"{expected}, got a batch of {given}; give {expected} rows at a time "
            f"(batch_size={expected}), or build the model with batch_input_shape=({given}, ...)."
        )


def batch_size_in_graph(layer, sequences, expected) -> None:
    """The same at run time, where a graph of TensorFlow does not know the batch size before."""
    if sequences.shape[0] is None and keras.backend.backend() == "tensorflow":
        tf = importlib.import_module("tensorflow")
        tf.debugging.assert_equal(
            tf.shape(sequences)[0],
            expected,
            f"{_who(layer)} is stateful and must keep its batch size: it was built for a batch of "
            f"{expected}, got a batch of another size; give {expected} rows at a time.",
        )


def _who(layer) -> str:
    return f"{type(layer).__name__} '{layer.name}'"


def _agree(have, want) -> bool:
    return len(have) == len(want) and all(
        a is None or b is None or a == b for a, b in zip(have, want, strict=True)
    )
