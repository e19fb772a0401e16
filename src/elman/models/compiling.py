"""Compiling a model as an old file says it was trained."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras

from elman._keras_private import reading
from elman.layers.crf import losses_of
from elman.legacy import allowed
from elman.legacy.specs import Note
from elman.legacy.training import Training
from elman.models import decaying


def registered(name: str):
    """What the program, or elman, registered with Keras under a name, in whatever package.

    Files before Keras 3 have the name alone.
    """
    objects = keras.saving.get_custom_objects()
    found = keras.saving.get_registered_object(name)
    inner = (value for key, value in objects.items() if key.rpartition(">")[2] == name)
    return found if found is not None else next(inner, None)


def compile_as(
    model,
    trained: Training,
    custom_objects: Mapping[str, Any],
    keras_own: bool = False,
    warn: Callable[[str], None] | None = None,
) -> list[Note]:
    """Compile ``model``; what Keras does not know is left out with one warning that names it.

    Arguments:
        keras_own: with an optimizer of Keras's own, the rate of which cannot be set where it
            decays.
        warn: is given the warning; else it is one of Python's.

    Returns:
        A line for each translation.
    """
    unknown: list[str] = []
    scope = keras.saving.custom_object_scope(dict(custom_objects))
    with scope, reading(), losses_of(model):
        optimizer = _optimizer(trained.optimizer, keras_own, custom_objects, unknown)
        given = dict(custom_objects)
        loss = _found(trained.loss, keras.losses.get, "loss", given, unknown)
        metrics = _found(trained.metrics, _metric, "metric", given, unknown)
        weighted = _found(trained.weighted_metrics, _metric, "weighted metric", given, unknown)
        if loss is None or optimizer is None:
            left = "and the model is not compiled; call model.compile(...) before training"
        else:
            left = "and the model is compiled without it"
            try:
                model.compile(
                    optimizer, loss, loss_weights=trained.loss_weights, metrics=metrics,
                    weighted_metrics=weighted,
                )  # fmt: skip
            except (ValueError, TypeError) as error:
                unknown.append(f"the training configuration ({_short(error)})")
                left = "and the model is not compiled; call model.compile(...) before training"
    if unknown:
        warning = (
            f"{', '.join(unknown)} of the file is not known, {left}. Functions of your own are "
            "taken from custom_objects={'name': function}."
        )
        (warn or _warn)(warning)
    return [Note("", note) for note in trained.notes]


def _short(error: Exception) -> str:
    return f"{' '.join(str(error).split()):.300}"


def _warn(words: str) -> None:
    warnings.warn(words, stacklevel=6)  # where load_model was called


def _of_kind(name: str, kinds):
    """A registered class of these kinds, or a registered function; None where it is none."""
    found = registered(name)
    if inspect.isclass(found):
        return found if issubclass(found, kinds) else None
    return found


def _optimizer(config, keras_own: bool, custom_objects: Mapping[str, Any], unknown: list[str]):
    name, settings = config["class_name"], dict(config["config"])
    if name in allowed.OPTIMIZERS and name not in custom_objects:
        found = getattr(keras.optimizers, name)
    else:
        found = custom_objects.get(name) or _of_kind(name, keras.optimizers.Optimizer)
    if "decay" in settings and name in decaying.OPTIMIZERS:
        if keras_own:
            rate, decay = settings["learning_rate"], settings.pop("decay")
            schedule = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
            settings["learning_rate"] = schedule
        else:
            found = decaying.OPTIMIZERS[name]
    try:
        if found is None:
            raise ValueError("no optimizer of Keras has this name")
        if isinstance(settings.get("learning_rate"), dict):
            schedule = keras.optimizers.schedules.deserialize(settings["learning_rate"])
            settings["learning_rate"] = schedule
        return found(**settings)
    except (ValueError, TypeError) as error:
        unknown.append(f"optimizer {name!r:.80} ({_short(error)})")
        return None


def _metric(value):
    """A metric; one by its name stays a name, which is its key in the history."""
    if value in ("acc", "accuracy", "crossentropy", "ce"):
        return value  # which of its kinds it is depends on the loss, as it did
    found = keras.metrics.get(value)
    return value if isinstance(value, str) else found


def _found(value, get, kind: str, given: Mapping[str, Any], unknown: list[str]):
    """A structure of losses or metrics, each looked up; unknown ones are None, or left out."""
    if isinstance(value, list):
        found = [_found(item, get, kind, given, unknown) for item in value]
        return found if kind == "loss" else [item for item in found if item is not None]
    if isinstance(value, dict) and "class_name" not in value:
        named = {name: _found(x, get, kind, given, unknown) for name, x in value.items()}
        return {name: item for name, item in named.items() if item is not None} or None
    if value is None:
        return None
    if isinstance(value, str) and value in given:
        return given[value]
    name = value["class_name"] if isinstance(value, dict) else value
    try:
        kinds = (keras.losses.Loss, keras.metrics.Metric)
        own = None if name in allowed.METRICS else _of_kind(name, kinds)
        if own is None:
            return get(value)
        return own.from_config(dict(value["config"])) if isinstance(value, dict) else own
    except (ValueError, TypeError, KeyError):
        unknown.append(f"{kind} {name!r:.80}")
        return None
