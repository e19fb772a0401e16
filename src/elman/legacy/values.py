"""Values that were written another way: names of initialisers, penalties, limits; paddings."""

from collections.abc import Callable, Mapping
from typing import Any

_INITIALIZERS = {"one": "ones", "zero": "zeros"}
_PENALTIES = {"activity_l1": "l1", "activity_l2": "l2"}
_LIMITS = {
    "maxnorm": "max_norm",
    "nonneg": "non_neg",
    "unitnorm": "unit_norm",
    "minmaxnorm": "min_max_norm",
}

# As a string this meant 0.01 of each norm; today's L1L2() means none of either.
_BOTH_NORMS = ("l1l2", "l1_l2", "activity_l1l2")

# Keras 1 wrote an object as one dict of its class name and its settings.
_PENALTY_CLASSES = ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer")
_LIMIT_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "MaxNorm": {"m": "max_value", "axis": "axis"},
    "UnitNorm": {"axis": "axis"},
    "MinMaxNorm": {"low": "min_value", "high": "max_value", "rate": "rate", "axis": "axis"},
    "NonNeg": {},
}


def _initializer(value: Any) -> Any:
    """tf.keras of TensorFlow 1 wrote the dtype of the weights into each initializer."""
    if isinstance(value, Mapping) and "dtype" in (value.get("config") or ()):
        config = {name: item for name, item in value["config"].items() if name != "dtype"}
        return {**value, "config": config}
    return _INITIALIZERS.get(value, value) if isinstance(value, str) else value


def _regularizer(value: Any) -> Any:
    if isinstance(value, str) and value in _BOTH_NORMS:
        return {"class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.01}}
    if isinstance(value, str):
        return _PENALTIES.get(value, value)
    if isinstance(value, Mapping) and value.get("name") in _PENALTY_CLASSES:
        norms = {name: value.get(name, 0.0) for name in ("l1", "l2")}
        return {"class_name": "L1L2", "config": norms}
    return _object(value)


def _constraint(value: Any) -> Any:
    if isinstance(value, str):
        return _LIMITS.get(value, value)
    if isinstance(value, Mapping) and value.get("name") in _LIMIT_SETTINGS:
        settings = _LIMIT_SETTINGS[value["name"]]
        config = {new: value[old] for old, new in settings.items() if old in value}
        return {"class_name": value["name"], "config": config}
    return _object(value)


def _object(value: Any) -> Any:
    """An object that Keras 1 wrote, of a class that is not Keras's, as it is written today."""
    if isinstance(value, Mapping) and "class_name" not in value and "name" in value:
        config = {key: item for key, item in value.items() if key != "name"}
        return {"class_name": value["name"], "config": config}
    return value


def _edges(layer: str, *sides: str) -> Callable[[Any], Any]:
    """A reader of paddings, which in Keras 1 were also a dict by side, or all sides in a row."""

    def read(padding: Any) -> Any:
        if isinstance(padding, Mapping):
            unknown = sorted(set(padding) - set(sides))
            if unknown:
                raise ValueError(f"{layer}: padding must have the keys {sides}, got {unknown}")
            padding = tuple(padding.get(side, 0) for side in sides)
        if isinstance(padding, list | tuple) and len(padding) == len(sides) == 4:
            return tuple(padding[:2]), tuple(padding[2:])
        return padding

    return read


def _one_axis(axis: Any) -> Any:
    """tf.keras wrote the axis of a normalisation as a list of one."""
    if not isinstance(axis, list | tuple):
        return axis
    if len(axis) != 1:
        raise ValueError(
            f"BatchNormalization: axis must be one axis, got {axis}; reshape the input for that"
        )
    return axis[0]


_BY_LAST_WORD = {
    "initializer": _initializer,
    "regularizer": _regularizer,
    "constraint": _constraint,
}
_BY_LAYER: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("ZeroPadding1D", "padding"): _edges("ZeroPadding1D", "left_pad", "right_pad"),
    ("ZeroPadding2D", "padding"): _edges(
        "ZeroPadding2D", "top_pad", "bottom_pad", "left_pad", "right_pad"
    ),
    ("BatchNormalization", "axis"): _one_axis,
}


def today(layer: str, name: str, value: Any) -> Any:
    """What is written today for `value` of the argument `name`; the value itself if that is it.

    >>> today("Dense", "kernel_constraint", "maxnorm")
    'max_norm'
    """
    read = _BY_LAYER.get((layer, name)) or _BY_LAST_WORD.get(name.rpartition("_")[2])
    return value if read is None else read(value)
