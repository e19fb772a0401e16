"""`explain` and `accelerate`: which engine runs each layer, and how to get the native one."""

from typing import NamedTuple

import keras

from elman import layers
from elman.engine import Refusal


class Explained(NamedTuple):
    """What runs a recurrent layer: ``engine`` "native" or "keras", ``reason`` why not native."""

    layer: str
    engine: str
    reason: str


def explain(model) -> list[Explained]:
    """Say, layer by layer, which engine runs each recurrent layer, and why where it is not native.

    Arguments:
        model: a model or a layer.

    Returns:
        A row for each recurrent layer; the rows are printed too.

    Example:
        >>> import elman
        >>> rows = elman.explain(elman.Sequential([elman.layers.LSTM(3, activation="softplus")]))
        lstm: keras (activation must be one of ..., got softplus)
    """
    rows = [_explained(layer) for layer in _recurrent(model)]
    for row in rows:
        print(f"{row.layer}: {row.engine}" + (f" ({row.reason})" if row.reason else ""))
    return rows


def accelerate(model):
    """Give the recurrent layers of a Keras model elman's computation, in place, weights kept.

    Layers of exactly Keras's classes become layers of the same name of `elman.layers`; subclasses,
    which may compute anything, stay as they are.

    Arguments:
        model: a model made of ``keras.layers``, built or not.

    Returns:
        The model.

    Example:
        >>> import elman, keras
        >>> model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(3)])
        >>> isinstance(elman.accelerate(model).layers[0], elman.layers.LSTM)
        True
    """
    for layer in model._flatten_layers():
        ours = _OURS.get(type(layer))
        if ours is not None:
            _become(layer, ours)
    for function in ("train_function", "test_function", "predict_function"):
        if getattr(model, function, None) is not None:
            setattr(model, function, None)  # Traced with the layers as they were.
    return model


_OURS = {
    getattr(keras.layers, name): getattr(layers, name)
    for name in ("SimpleRNN", "LSTM", "GRU", "RNN", "StackedRNNCells", "Bidirectional")
}


def _become(layer, ours: type) -> None:
    carried = vars(layer).pop("states", None)
    layer.__class__ = ours
    if ours is layers.StackedRNNCells:
        layer.reverse_state_order = False
        return
    layer.time_major = False
    if ours is not layers.Bidirectional:
        layer.engine = "auto"
        layer._keep_states(carried)


def _recurrent(model) -> list:
    kinds = keras.layers.RNN, keras.layers.Bidirectional
    return [x for x in model._flatten_layers() if isinstance(x, kinds)]


def _explained(layer) -> Explained:
    if not isinstance(layer, (layers.RNN, layers.Bidirectional)):
        known = type(layer) in _OURS
        advice = "do elman.accelerate(model)" if known else "a class that elman does not know"
        return Explained(layer.name, "keras", f"a layer of {type(layer).__module__}: {advice}")
    found = layer._native()
    if not isinstance(found, Refusal):
        return Explained(layer.name, "native", "")
    if isinstance(layer, layers.RNN):
        return Explained(layer.name, "keras", found.reason)
    native = all(_explained(direction).engine == "native" for direction in layer._pair)
    reason = f"one direction after the other, because {found.reason}"
    return Explained(layer.name, "native" if native else "keras", reason)
