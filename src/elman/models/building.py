"""Today's models out of configurations that `elman.legacy.configs` put into today's words."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
from keras import tree

from elman import layers
from elman.layers.activations import hard_sigmoid
from elman.legacy import configs
from elman.legacy.configs import Ref
from elman.models.model import Model
from elman.models.sequential import Sequential

_ACTIVATIONS = ("activation", "recurrent_activation")


class Builder:
    """Builds models of one file.

    Arguments:
        custom_objects: classes and functions by the names that the file uses.
        functions: a function for each layer that is one, by the layer's name.
        keras_own: make layers and models of `keras` itself where they compute the same.
    """

    def __init__(
        self,
        custom_objects: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable] | None = None,
        keras_own: bool = False,
    ):
        self.custom_objects = dict(custom_objects or {})
        self.functions = dict(functions or {})
        self.keras_own = keras_own
        self.ours: list[str] = []  # the layers that had to be of elman

    def model(self, config: Mapping[str, Any]):
        """The model, not yet with the weights of the file."""
        name, settings = configs.today_name(config["name"]), config["config"]
        if config["class_name"] == "Sequential":
            made = [self.layer(layer) for layer in settings["layers"]]
            with _naming("model", name, "Sequential"):
                return (keras.Sequential if self.keras_own else Sequential)(made, name=name)
        return self._functional(name, settings)

    def _functional(self, name: str, settings: Mapping[str, Any]):
        made, tensors = {}, {}
        for config in settings["layers"]:
            layer = made[config["name"]] = self.layer(config)
            if config["class_name"] == "InputLayer":
                tensors[config["name"], 0] = [layer.output]
        calls = {config["name"]: config for config in settings["layers"]}

        def given(value):
            return _resolved(value, tensors)

        for key in settings["order"]:
            config, call = calls[key[0]], calls[key[0]]["calls"][key[1]]
            with _naming("layer", key[0], config["class_name"]):
                output = made[key[0]](given(call["inputs"]), **given(call["kwargs"]))
            tensors[key] = tree.flatten(output)
        with _naming("model", name, "Model"):
            kind = keras.Model if self.keras_own else Model
            return kind(
                inputs=given(settings["inputs"]), outputs=given(settings["outputs"]), name=name
            )

    def layer(self, config: Mapping[str, Any]):
        """One layer with all that is inside it."""
        class_name, name = config["class_name"], config["name"]
        if class_name in configs.MODELS:
            model = self.model(config)
            model.trainable = config["config"].get("trainable", True)
            return model
        if config.get("custom"):
            return self._custom(class_name, name, config["config"])
        new = config.get("rescaled", False)
        settings = {key: self._value(key, value, new) for key, value in config["config"].items()}
        if class_name == "Lambda":
            settings["function"] = self._function(name, settings["function"])
        with _naming("layer", name, class_name):
            return self._class(class_name, name, settings)(**settings)

    def _value(self, key: str, value, rescaled: bool):
        if isinstance(value, Mapping) and key in configs.INNER:
            return self.layer(value)
        if key == "cells":
            return [self.layer(cell) for cell in value]
        if key in _ACTIVATIONS and value == "hard_sigmoid":
            return keras.activations.hard_sigmoid if rescaled else hard_sigmoid
        return tuple(value) if isinstance(value, list) else value

    def _class(self, class_name: str, name: str, settings: Mapping[str, Any]) -> type:
        if class_name == "InputLayer":
            return keras.layers.InputLayer
        own = getattr(keras.layers, class_name, None) if self.keras_own else None
        needed = hard_sigmoid in settings.values() or any(
            settings.get(key) for key in ("stateful", "time_major", "reverse_state_order")
        )
        inside = [settings.get(key) for key in configs.INNER] + list(settings.get("cells") or [])
        if own and not needed and not any(_is_ours(layer) for layer in inside):
            return own
        ours = vars(layers).get(class_name)
        if ours is None:
            raise ValueError(f"elman has no layer {class_name}; pass it in custom_objects")
        self.ours.append(name)
        return ours

    def _custom(self, class_name: str, name: str, config: Mapping[str, Any]):
        cls = self.custom_objects.get(class_name) or keras.saving.get_custom_objects().get(
            class_name
        )
        if cls is None:
            raise ValueError(
                f"layer '{name}' is of the class {class_name}, which neither Keras nor elman has; "
                f"do: load_model(path, custom_objects={{'{class_name}': {class_name}}})"
            )
        with _naming("layer", name, class_name):
            return cls.from_config(dict(config))

    def _function(self, name: str, written: str | None) -> Callable:
        for found in (self.functions.get(name), self.custom_objects.get(written)):
            if found is not None:
                return found
        raise missing_functions("the model", {name: f"the function {written!r}"})


def missing_functions(what: str, functions: Mapping[str, str]) -> ValueError:
    """The error for layers that are functions, which a file is not trusted with."""
    found = ", ".join(f"'{name}' ({holds})" for name, holds in functions.items())
    given = ", ".join(f'"{name}": ...' for name in functions)
    return ValueError(
        f"{what} has layers that are functions: {found}; nothing in a file is run, so give each "
        f"its function: load_model(path, functions={{{given}}})"
    )


def _is_ours(layer) -> bool:
    return type(layer).__module__.startswith("elman.")


def _resolved(value, tensors):
    """A structure of a configuration with the tensors in place of the `Ref`s."""
    if isinstance(value, Ref):
        found = tensors[value.name, value.node]
        if value.tensor >= len(found):
            raise ValueError(
                f"the model uses output {value.tensor} of layer '{value.name}', which has "
                f"{len(found)}"
            )
        return found[value.tensor]
    if isinstance(value, dict):
        return {key: _resolved(item, tensors) for key, item in value.items()}
    return [_resolved(item, tensors) for item in value] if isinstance(value, list) else value


@contextlib.contextmanager
def _naming(kind: str, name: str, class_name: str) -> Iterator[None]:
    """Whatever Keras raises over a layer names the layer."""
    try:
        yield
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        if words.startswith(("layer '", "model '")):
            raise
        raise ValueError(f"{kind} '{name}' ({class_name}): {words}") from error


@contextlib.contextmanager
def at_most(elements: int, what: str, zeros: bool = False) -> Iterator[None]:
    """Within it layers make weights of at most so many numbers in all.

    A configuration can ask for terabytes; what a file has weights for is known before.

    Arguments:
        zeros: make them zeros, whatever their initializers say: those of the file follow, and to
            draw random ones takes most of the time of loading.
    """
    add_weight, made = keras.layers.Layer.add_weight, 0

    def counted(self, shape=None, initializer=None, *args, **kwargs):
        nonlocal made
        size = math.prod(axis or 0 for axis in shape or ())
        made += size
        if made > elements:
            raise ValueError(
                f"layer '{self.name}': its weights must be in {what}, which has {elements} numbers "
                f"in all, got the shape {tuple(shape)} on top of {made - size}"
            )
        initializer = "zeros" if zeros else initializer
        return add_weight(self, shape, initializer, *args, **kwargs)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight
