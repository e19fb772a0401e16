"""Layers that elman wrote, as Keras's own where those compute the same."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

# Arguments that only elman's layers heed, whatever else they have.
_HEEDED = ("stateful", "time_major", "reverse_state_order")


def needs_elman(written: Any) -> bool:
    """Whether something in the configuration of a layer, as Keras 3 writes it, is only in elman."""
    if isinstance(written, list):
        return any(map(needs_elman, written))
    if not isinstance(written, Mapping):
        return False
    name = _name_of_ours(written)
    if name is not None:
        config = written.get("config")
        if not isinstance(config, Mapping) or not hasattr(keras.layers, name):
            return True
        if any(config.get(key) for key in _HEEDED):
            return True
    return any(map(needs_elman, written.values()))


def as_keras(written: Any) -> Any:
    """The configuration with Keras's own classes in the place of elman's.

    >>> ours = {"class_name": "LSTM", "module": "elman.layers.lstm", "registered_name":
    ...         "elman>LSTM", "config": {"units": 3, "engine": "auto"}}
    >>> as_keras(ours)["module"], as_keras(ours)["config"]
    ('keras.layers', {'units': 3})
    """
    if isinstance(written, list):
        return [as_keras(item) for item in written]
    if not isinstance(written, Mapping):
        return written
    found = {key: as_keras(item) for key, item in written.items()}
    name = _name_of_ours(written)
    if name is not None:
        known = _arguments(getattr(keras.layers, name))
        settings = {key: item for key, item in found["config"].items() if key in known}
        found |= {"module": "keras.layers", "registered_name": None, "config": settings}
    return found


def _name_of_ours(written: Mapping[str, Any]) -> str | None:
    package, _, name = str(written.get("registered_name")).partition(">")
    return name if package == "elman" else None


def _arguments(cls: type) -> set[str]:
    """Every argument that the constructors of a class and its bases take by name."""
    constructors = [vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base)]
    return {name for one in constructors for name in inspect.signature(one).parameters} | {"dtype"}
