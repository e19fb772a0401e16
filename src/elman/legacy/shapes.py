"""The shape a layer was told to expect, from any of the five ways there were to say it."""

import operator
from collections.abc import Collection
from typing import Any

from elman.legacy import tables

Shape = tuple[int | None, ...]

NAMES = ("batch_input_shape", "input_shape", "input_dim", "input_length", "batch_size")


def take(layer: str, given: dict[str, Any], known: Collection[str]) -> Shape | None:
    """Remove the shape arguments from `given`; return the shape with its batch axis.

    With `input_dim` N and `input_length` M: (batch, M, N) for a sequence, (batch, N) without a
    length. An Embedding's `input_dim` is its vocabulary; it always knows the shape (batch, M).

    Returns:
        e.g. (8, 2, 10) or (None, 2, 10); None where no shape was given.

    Raises:
        TypeError: a shape is no tuple, or an axis no number.
        ValueError: two ways of saying it disagree.
    """
    if layer in tables.INPUTS:
        return None
    said = {name: given.pop(name) for name in NAMES if name in given and name not in known}
    said = {name: value for name, value in said.items() if value is not None}
    if "batch_input_shape" in said:
        return _whole(layer, said)
    features = _features(layer, said)
    if features is None:
        return None
    return (_axis(layer, "batch_size", said.get("batch_size")), *features)


def _features(layer: str, said: dict[str, Any]) -> Shape | None:
    """The shape of one row."""
    if "input_shape" in said:
        shape = _tuple(layer, "input_shape", said["input_shape"])
        _agree(layer, "input_shape", shape, said)
        return shape
    length = said.get("input_length")
    if layer == "Embedding":
        if isinstance(length, list | tuple):
            return _tuple(layer, "input_length", length)
        return (_axis(layer, "input_length", length),)
    dim = _axis(layer, "input_dim", said.get("input_dim"))
    if "input_length" in said or ("input_dim" in said and layer in tables.SEQUENCES):
        return (_axis(layer, "input_length", length), dim)
    return (dim,) if "input_dim" in said else None


def _whole(layer: str, said: dict[str, Any]) -> Shape:
    """`batch_input_shape`, held against whatever was said beside it."""
    name = "batch_input_shape"
    shape = _tuple(layer, name, said[name])
    if not shape:
        raise ValueError(f"{layer}: {name} must have a batch axis, got ()")
    if "input_shape" in said and _tuple(layer, "input_shape", said["input_shape"]) != shape[1:]:
        _disagree(layer, name, "input_shape", said)
    if "batch_size" in said and shape[0] not in (None, said["batch_size"]):
        _disagree(layer, name, "batch_size", said)
    _agree(layer, name, shape[1:], said)
    return shape


def _agree(layer: str, name: str, row: Shape, said: dict[str, Any]) -> None:
    """Refuse an `input_dim` or `input_length` that contradicts the shape of a row."""
    for other, axis in (("input_dim", row[-1:]), ("input_length", row[:1])):
        value = said.get(other)
        if isinstance(value, int) and axis not in ((None,), (value,)):
            _disagree(layer, name, other, said)


def _disagree(layer: str, name: str, other: str, said: dict[str, Any]) -> None:
    raise ValueError(
        f"{layer} got {name}={said[name]} and {other}={said[other]}, which disagree; give one"
    )


def _tuple(layer: str, name: str, value: Any) -> Shape:
    try:
        axes = tuple(value)
    except TypeError:
        raise TypeError(
            f"{layer}: {name} must be a tuple with a number for each axis, got {value!r}; "
            f"write {name}=({value},)"
        ) from None
    return tuple(_axis(layer, name, axis) for axis in axes)


def _axis(layer: str, name: str, value: Any) -> int | None:
    """One axis: a number, or None where any number will do."""
    if value is None:
        return None
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{layer}: {name} must be made of whole numbers and None, got {value!r}"
        ) from None
    if size < 0:
        raise ValueError(f"{layer}: {name} must not be negative, got {value!r}; write None")
    return size
