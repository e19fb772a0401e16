"""Keras's optimizers with the arguments that they had: ``lr``, ``decay``, numbers by position."""

import functools
import inspect
import numbers
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from elman.legacy import eras
from elman.legacy.notes import tell
from elman.legacy.tables import names
from elman.models import decaying

# Arguments that changed nothing, and the only values that did so.
_DROPPED = ("schedule_decay", "initial_accumulator_value", "centered", "accum_name")

# The order of arguments in Keras 1 and 2 where it is not today's.
ORDERS = {
    "SGD": names("learning_rate momentum decay nesterov"),
    "RMSprop": names("learning_rate rho epsilon decay"),
    "Adagrad": names("learning_rate epsilon decay"),
    "Adadelta": names("learning_rate rho epsilon decay"),
    "Adam": names("learning_rate beta_1 beta_2 epsilon decay amsgrad"),
    "Adamax": names("learning_rate beta_1 beta_2 epsilon decay"),
    "Nadam": names("learning_rate beta_1 beta_2 epsilon schedule_decay"),
}


def _order(name: str, args: tuple, today: Sequence[str]) -> Sequence[str]:
    """The names of values by position: the old ones if the first that tells them apart is old."""
    old = ORDERS.get(name, ())
    pairs = zip(old, today, args, strict=False)
    word, value = next(((word, x) for word, new, x in pairs if word != new), ("", None))
    if word == "epsilon":  # today a momentum or a first accumulator, neither of which is so small
        return old if value is None or 0 < value < 1e-3 else today
    return old if word and not isinstance(value, bool) else today  # today Adam's amsgrad, or so


def _translated(name: str, parameters: Sequence[str], args: tuple, kwargs: dict) -> dict:
    """Today's arguments, all by name, and ``decay``."""
    given = {**kwargs, **dict(zip(_order(name, args, parameters), args, strict=False))}
    if "lr" in given:
        if "learning_rate" in given:
            raise TypeError(
                f"{name} got lr={given['lr']!r} and learning_rate={given['learning_rate']!r}, "
                "which are one argument today; give only learning_rate"
            )
        tell(f"{name}: lr -> learning_rate")
        given["learning_rate"] = given.pop("lr")
    rate = given.get("learning_rate")
    if isinstance(rate, numbers.Real | np.ndarray):
        given["learning_rate"] = float(rate)
    if given.get("epsilon", 0) is None:
        given["epsilon"] = keras.config.epsilon()
    for word in _DROPPED:
        if word in given and word not in parameters:
            tell(f"{name}: {word}={given.pop(word)!r} dropped")
    if not given.get("decay", 0):
        given.pop("decay", None)
    for word, value in eras.defaults(name, eras.current()).items():
        if word not in given:
            tell(f"{name}: {word}={value!r} ({eras.current()}'s default)")
            given[word] = value
    return given


def _with_old_arguments(name: str, optimizer: Any) -> type:
    """A subclass that takes old arguments, and that Keras saves as its own class."""
    init = optimizer.__init__
    parameters = [p for p in inspect.signature(init).parameters if p != "self"]

    def __new__(cls, *args, **kwargs):
        given = _translated(name, parameters, args, kwargs)
        if "decay" not in given:
            return optimizer.__new__(cls)
        return decaying.OPTIMIZERS[name](**given)

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        init(self, **_translated(name, parameters, args, kwargs))

    members = {"__new__": __new__, "__init__": __init__, "__module__": "keras.optimizers"}
    return type(name, (optimizer,), {**members, "__doc__": optimizer.__doc__})


for _name in decaying.OPTIMIZERS:
    globals()[_name] = _with_old_arguments(_name, getattr(keras.optimizers, _name))
