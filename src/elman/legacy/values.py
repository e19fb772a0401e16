"""Old names of initialisers, regularisers and constraints, and the values that carry them."""

from collections.abc import Mapping
from typing import Any

# String identifiers of Keras 1 and 2 that today's Keras does not know or reads otherwise.
INITIALIZERS = {"one": "ones", "zero": "zeros"}
REGULARIZERS = {"activity_l1": "l1", "activity_l2": "l2"}
CONSTRAINTS = {
    "maxnorm": "max_norm",
    "nonneg": "non_neg",
    "unitnorm": "unit_norm",
    "minmaxnorm": "min_max_norm",
}

# "l1_l2" as a string meant 0.01 of each; today's L1L2() means none of either.
_BOTH_NORMS = ("l1l2", "l1_l2", "activity_l1l2")
_LAYER_PENALTIES = ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer")

# Keras 1 put a class's name and settings into one dict; some settings have other names today.
_SETTINGS = {
    "MaxNorm": {"m": "max_value", "axis": "axis"},
    "UnitNorm": {"axis": "axis"},
    "MinMaxNorm": {"low": "min_value", "high": "max_value", "rate": "rate", "axis": "axis"},
    "NonNeg": {},
}


def initializer(value: Any) -> Any:
    return INITIALIZERS.get(value, value) if isinstance(value, str) else value


def regularizer(value: Any) -> Any:
    """Today's identifier of a weight or activity penalty; objects pass untouched."""
    if isinstance(value, str):
        if value in _BOTH_NORMS:
            return {"class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.01}}
        return REGULARIZERS.get(value, value)
    if isinstance(value, Mapping) and value.get("name") in _LAYER_PENALTIES:
        norms = {name: value.get(name, 0.0) for name in ("l1", "l2")}
        return {"class_name": "L1L2", "config": norms}
    return value


def constraint(value: Any) -> Any:
    """Today's identifier of a weight constraint; objects pass untouched."""
    if isinstance(value, str):
        return CONSTRAINTS.get(value, value)
    if isinstance(value, Mapping) and value.get("name") in _SETTINGS:
        settings = _SETTINGS[value["name"]]
        config = {settings[name]: number for name, number in value.items() if name in settings}
        return {"class_name": value["name"], "config": config}
    return value


_READERS = {"initializer": initializer, "regularizer": regularizer, "constraint": constraint}


def identifier(name: str, value: Any) -> Any:
    """Today's form of `value`, given as the argument `name` (of today).

    >>> identifier("kernel_constraint", "maxnorm")
    'max_norm'
    """
    reader = _READERS.get(name.rpartition("_")[2])
    return value if reader is None else reader(value)
