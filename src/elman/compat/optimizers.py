"""Keras's optimizers with the arguments ``lr`` and ``decay`` that they had."""

import functools
import inspect
from typing import Any

import keras

from elman.legacy.notes import tell

# Arguments that changed nothing, and the only values that did so.
_DROPPED = ("schedule_decay", "initial_accumulator_value", "centered", "accum_name")


def _translated(name: str, parameters: list[str], args: tuple, kwargs: dict) -> dict:
    """Today's arguments, all by name."""
    given = dict(kwargs)
    if name == "SGD" and len(args) > 2 and not isinstance(args[2], bool):
        # SGD(lr, momentum, decay, nesterov): decay is a number, nesterov is none.
        parameters = ["learning_rate", "momentum", "decay", "nesterov"]
    given.update(zip(parameters, args, strict=False))
    if "lr" in given:
        if "learning_rate" in given:
            raise TypeError(
                f"{name} got lr={given['lr']!r} and learning_rate={given['learning_rate']!r}, "
                "which are one argument today; give only learning_rate"
            )
        tell(f"{name}: lr -> learning_rate")
        given["learning_rate"] = given.pop("lr")
    if given.get("epsilon", 0) is None:
        given["epsilon"] = keras.config.epsilon()
    for word in _DROPPED:
        if word in given and word not in parameters:
            tell(f"{name}: {word}={given.pop(word)!r} dropped")
    decay = given.pop("decay", None)
    if decay:
        rate = given.get("learning_rate", _default_rate(name))
        tell(f"{name}: decay={decay!r} -> learning_rate=InverseTimeDecay({rate!r}, 1, {decay!r})")
        given["learning_rate"] = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    return given


def _default_rate(name: str) -> float:
    return inspect.signature(getattr(keras.optimizers, name)).parameters["learning_rate"].default


def _with_old_arguments(name: str, optimizer: Any) -> type:
    """A subclass that takes old arguments, and that Keras saves as its own class."""
    init = optimizer.__init__
    parameters = [p for p in inspect.signature(init).parameters if p != "self"]

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        # A learning rate that shrinks: lr / (1 + decay * steps), as Keras 1 and 2 had it.
        init(self, **_translated(name, parameters, args, kwargs))

    names = {"__init__": __init__, "__module__": "keras.optimizers", "__doc__": optimizer.__doc__}
    return type(name, (optimizer,), names)


for _name, _value in vars(keras.optimizers).items():
    if (
        inspect.isclass(_value)
        and _value not in (keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer)
        and "learning_rate" in inspect.signature(_value.__init__).parameters
    ):
        globals()[_name] = _with_old_arguments(_name, _value)
