"""`clone_model`: a model of the same layers and settings, with weights and states of its own."""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import keras
from keras import tree

from elman import _keras_private
from elman.models.model import Functional, Model
from elman.models.sequential import Sequential
from elman.models.training import Recurrent


def clone_model(
    model,
    input_tensors=None,
    clone_function: Callable | None = None,
    call_function: Callable | None = None,
    recursive: bool = False,
    **kwargs,
):
    """Make a model of the same layers, with new weights; it begins with its initial states.

    A layer that is called several times, or shared with a model inside the model, is one layer in
    the clone too. Functions, those of `Lambda` layers for instance, are the same objects.

    Arguments:
        model: a `Sequential` or functional model, or a subclassed one with a configuration.
        input_tensors: symbolic tensors to build the clone on; new ones where it is None.
        clone_function: gives the clone of a layer; a layer of the same settings where it is None.
        call_function: as of `keras.models.clone_model`.
        recursive: give ``clone_function`` the layers of models inside the model, not these models.

    Returns:
        The clone, of elman's kind where the model is; compiled where the model is.

    Example:
        >>> from elman.layers import Dense, Lambda
        >>> model = Sequential([Lambda(lambda x: 2 * x, input_shape=(3,)), Dense(1)])
        >>> clone = clone_model(model)
        >>> clone.set_weights(model.get_weights())
        >>> clone.layers[0].function is model.layers[0].function
        True
    """
    cache: dict[int, Any] = kwargs.pop("cache", {})
    if not _is_of_layers(model):
        return keras.models.clone_model(
            model, input_tensors, clone_function, call_function, recursive, **kwargs
        )
    recursive = recursive or clone_function is None
    copy = clone_function or _copy

    def copied(layer):
        if id(layer) not in cache:
            if recursive and _is_of_layers(layer) and _has_usual_config(layer):
                cache[id(layer)] = clone_model(
                    layer, None, clone_function, recursive=True, cache=cache
                )
            else:
                cache[id(layer)] = copy(layer)
        return cache[id(layer)]

    if isinstance(model, Sequential) and call_function is None and not kwargs:
        return _sequential(model, copied, input_tensors)
    is_ours = type(model) is Functional
    if input_tensors is None and not isinstance(model, keras.Sequential):
        # Keras would name them after their tensors, not after their layers.
        input_tensors = tree.map_structure(_input, model.input)
    uncompiled = Functional(model.input, model.output, name=model.name) if is_ours else model
    clone = keras.models.clone_model(uncompiled, input_tensors, copied, call_function, **kwargs)
    if isinstance(model, Recurrent) and not isinstance(clone, Recurrent):
        # Of a subclass that makes its own inputs Keras gives a model of its own kind.
        clone = Model(clone.input, clone.output, name=clone.name)
    return clone if clone.compiled else _compiled(clone, model)


def _is_of_layers(model) -> bool:
    return isinstance(model, keras.Sequential | _keras_private.Functional)


def _has_usual_config(model) -> bool:
    return type(model).get_config.__module__.startswith(("keras.", "elman."))


def _input(tensor):
    """A symbolic tensor of an `InputLayer` like that of ``tensor``."""
    layer = tensor._keras_history.operation
    return type(layer).from_config(layer.get_config()).output


def _sequential(model, copied: Callable, input_tensors) -> Sequential:
    """A stack of the copies; not by way of one of Keras's, which would call each of them too."""
    first, *rest = model._layers
    is_input = isinstance(first, keras.layers.InputLayer)
    inputs = [keras.layers.InputLayer.from_config(first.get_config())] if is_input else []
    if input_tensors is not None:
        inputs = [keras.layers.InputLayer(input_tensor=tree.flatten(input_tensors)[0])]
    layers = [copied(layer) for layer in (rest if is_input else model._layers)]
    clone = Sequential([*inputs, *layers], trainable=model.trainable, name=model.name)
    return _compiled(clone, model)


def _compiled(clone, model):
    """The clone, compiled as the model is, with the same functions."""
    if model.compiled:
        settings = model._compile_config.config
        clone.compile(**{k: tree.map_structure(_anew, value) for k, value in settings.items()})
        if clone.built:
            clone.optimizer.build(clone.trainable_variables)
    return clone


def _anew(setting):
    """An optimizer, loss or metric like another; anything else is the same."""
    return type(setting).from_config(setting.get_config()) if _is_made(setting) else setting


def _is_made(setting) -> bool:
    kinds = keras.optimizers.Optimizer, keras.losses.Loss, keras.metrics.Metric
    return isinstance(setting, kinds)


# A layer of the same settings.


def _copy(layer):
    """A layer made of the configuration of another, with the same functions and classes."""
    known: dict[str, Any] = {}
    config = layer.get_config()
    if isinstance(layer, keras.Layer):  # and no operation of `keras.ops`
        config = _referring(layer, config, known)
    if not known:
        return type(layer).from_config(config)
    with keras.saving.custom_object_scope(known):
        return type(layer).from_config(config)


def _referring(owner, config: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The configuration of ``owner`` with the functions that byte code and names stand for.

    Arguments:
        known: gets each function and each class that is referred to, by its name there.
    """
    inside = {x.name: x for x in owner._flatten_layers(recursive=False, include_self=False)}

    def refer(key: str, value):
        if isinstance(value, list):
            return [refer(key, item) for item in value]
        if not isinstance(value, dict):
            return value
        settings = value.get("config")
        layer = inside.get(settings.get("name")) if isinstance(settings, dict) else None
        if layer is not None:
            _note_class(type(layer), known)
            return {**value, "config": _referring(layer, settings, known)}
        meant = _setting(owner, key)
        if isinstance(meant, FunctionType):
            # These Keras reads by itself, and takes no function there.
            read = isinstance(owner, keras.layers.Lambda) and key in ("function", "output_shape")
            return _reference(meant, known) if read else meant
        _note_class(type(meant), known)
        return value

    return {key: refer(key, value) for key, value in config.items()}


def _setting(owner, name: str):
    """The setting of a layer, which some keep under another name (`Lambda` its output_shape)."""
    return vars(owner)[f"_{name}"] if f"_{name}" in vars(owner) else getattr(owner, name, None)


def _reference(function: FunctionType, known: dict[str, Any]) -> dict[str, Any]:
    name = f"function {id(function)}"
    known[name] = function
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def _note_class(cls: type, known: dict[str, Any]) -> None:
    """Let a class of the user's be known that is not registered with Keras."""
    if not cls.__module__.startswith(("keras.", "elman.", "builtins")):
        known.setdefault(keras.saving.get_registered_name(cls), cls)
