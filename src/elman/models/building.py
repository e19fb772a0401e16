"""Models of today out of what `elman.legacy.configs` read, with the weights not yet given.

What a file asks for is added up before memory is taken: layers of Keras and elman are made with
variables that have a shape and no value, in this thread alone: `deferred_variables`.
"""

import contextlib
import json
import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import keras
from keras import tree

from elman import layers
from elman._keras_private import deferred_variables, give_value, reading, share, shared_object
from elman.layers.activations import hard_sigmoid
from elman.layers.arguments import freeze
from elman.layers.operation import Operation
from elman.legacy import allowed, configs, limits, operations, tables
from elman.legacy.specs import Kind, LayerSpec, ModelSpec, Needed, Upgraded, mapped, missing
from elman.models import keras_own
from elman.models.compiling import registered
from elman.models.model import Model
from elman.models.sequential import Sequential

# What a model may take in numbers beside its weights: states of stateful layers, seeds.
_BESIDE = 2**28
# Longer words of Keras's, which may repeat a whole configuration, are cut.
_WORDS = 500


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
        self._deferred: list = []

    @property
    def given(self) -> Collection[str]:
        """The names that the caller hands in, and those that the program registered with Keras."""
        objects = keras.saving.get_custom_objects()
        theirs = {name for name in objects if not name.startswith("elman>")}
        # Keras wrote a registered class of its user's by its name alone where it wrote an .h5.
        bare = {name.rpartition(">")[2] for name in theirs} - allowed.LAYERS - tables.LAYERS
        return {*self.custom_objects} | theirs | bare

    def build(self, upgraded: Upgraded, elements: int, what: str, zeros: bool):
        """The model, once it is known that its weights are at most ``elements`` numbers.

        Arguments:
            what: whose these numbers are, for the error.
            zeros: make the weights zeros, whatever their initializers say: those of the file
                follow, and to draw random ones takes most of the time of loading.

        Raises:
            ValueError: too many numbers, or a layer that cannot be made; says which.
        """
        needed = [one for one in upgraded.needed if not self._has(one)]
        if needed:
            raise missing(what, needed)
        with keras.saving.custom_object_scope(self.custom_objects), reading():
            model = self.model(upgraded.model)
        self._check_size(model, elements, what)
        weights = {id(w) for w in model.weights}
        for variable in self._deferred:
            give_value(variable, _zeros if zeros and id(variable) in weights else None)
        self._deferred.clear()
        return model

    def _has(self, one: Needed) -> bool:
        return one.layer in self.functions or one.name in self.given

    def _check_size(self, model, elements: int, what: str) -> None:
        made = 0
        # Those of LoRA are in no archive: Keras writes what they add up to.
        of_file = [w for w in model.weights if not w.name.startswith("lora_")]
        for weight in of_file:
            made += math.prod(weight.shape)
            if made > elements:
                raise ValueError(
                    f"'{weight.path}': its weights must be in {what}, which has {elements} numbers "
                    f"in all, got the shape {tuple(weight.shape)} on top of "
                    f"{made - math.prod(weight.shape)}"
                )
        weights = {id(w) for w in of_file}
        beside = sum(math.prod(v.shape) for v in self._deferred if id(v) not in weights)
        if beside > _BESIDE:
            raise ValueError(
                f"model '{model.name}' must keep at most {_BESIDE} numbers beside its weights, got "
                f"{beside}; its batches are too large"
            )

    @contextlib.contextmanager
    def _making(self, spec: LayerSpec) -> Iterator[None]:
        """Without values; but a class of the caller's may need those of its variables at once."""
        if _is_custom(spec):
            yield
            return
        with deferred_variables() as made:
            yield
        self._deferred += made

    # Models

    def model(self, spec: ModelSpec):
        """The model of a stack or of a graph."""
        name = configs.today_name(spec.name) if spec.name is not None else None
        make = self._sequential if spec.class_name == "Sequential" else self._functional
        model = make(name, spec)
        if not spec.trainable:  # to set True would free the layers that are frozen
            freeze(model)
        return model

    def _sequential(self, name: str | None, spec: ModelSpec):
        made = [self.layer(layer) for layer in spec.layers]
        custom = any(map(_is_custom, spec.layers))
        kind = keras.Sequential if self.keras_own else Sequential
        with _naming("model", name, "Sequential"):
            to_call = custom or any(_unrolls(layer) or _activations(layer) for layer in made)
            to_call = to_call and spec.layers[0].is_input
            if to_call:
                x = made[0].output
                for layer, of_layer in zip(made[1:], spec.layers[1:], strict=True):
                    with self._making(of_layer):
                        x = _called(layer, [x], {})
            at_once = custom and not to_call
            with contextlib.nullcontext([]) if at_once else deferred_variables() as variables:
                model = kind(made, name=name)
                if spec.build_shape is not None and not model.built:
                    model.build(spec.build_shape)
        self._deferred += variables
        return model

    def _functional(self, name: str | None, spec: ModelSpec):
        known = {layer.name: layer for layer in spec.layers}
        made = {name: self.layer(layer) for name, layer in known.items() if not layer.of_tensorflow}
        tensors = {(n, 0): [made[n].output] for n, layer in known.items() if layer.is_input}

        def given(value):
            return mapped(value, lambda ref: _output(ref, tensors))

        for key in spec.order:
            layer = known[key[0]]
            call = layer.calls[key[1]]
            with _naming("layer", layer.name, layer.class_name), self._making(layer):
                args, kwargs = given(list(call.args)), given(call.kwargs)
                _check_parts(layer, args)
                if layer.of_tensorflow:
                    found = self._operation(layer, args)
                else:
                    found = _called(made[layer.name], args, kwargs)
                tensors[key] = tree.flatten(found)
        # torch keeps track of the variables of a model that is built, and has none of these yet.
        with _naming("model", name, "Model"), deferred_variables():
            kind = keras.Model if self.keras_own else Model
            return kind(inputs=given(spec.inputs), outputs=given(spec.outputs), name=name)

    def _operation(self, spec: LayerSpec, args):
        """An operation of TensorFlow, in operations of Keras's own where these can be saved."""
        operation, tensors = spec.config["operation"], tree.flatten(args)
        if self.keras_own and _is_of_keras(operation, tensors):
            return operations.run(keras.ops, operation, tensors)
        return _called(self.layer(spec), args, {})

    # Layers

    def layer(self, spec: LayerSpec):
        """One layer with all that is inside it; the same one for what the file has twice."""
        made = shared_object(spec.shared) if spec.shared is not None else None
        if made is None:
            made = self._layer(spec)
            if not spec.trainable:
                freeze(made)
            if spec.shared is not None:
                share(spec.shared, made)
        return made

    def _layer(self, spec: LayerSpec):
        if spec.model is not None:
            return self.model(spec.model)
        with _naming("layer", spec.name, spec.class_name), self._making(spec):
            if spec.kind is Kind.FUNCTION:
                return self._lambda(spec)
            if spec.written is not None:
                return keras.saving.deserialize_keras_object(self._written(spec))
            if spec.kind is Kind.CUSTOM:
                return self._class_given(spec.class_name).from_config(dict(spec.config))
            settings = {k: self._value(k, v, spec.rescaled) for k, v in spec.config.items()}
            return self._class(spec, settings)(**settings)

    def _value(self, key: str, value, rescaled: bool):
        if isinstance(value, LayerSpec):
            return self.layer(value)
        if key == "cells":
            return [self.layer(cell) for cell in value]
        if key.endswith("activation"):
            if value == "hard_sigmoid" and value not in self.custom_objects:
                return keras.activations.hard_sigmoid if rescaled else hard_sigmoid
            if isinstance(value, str) and value in self.given:
                return self._class_given(value)
        return tuple(value) if isinstance(value, list) else value

    def _class(self, spec: LayerSpec, settings: Mapping[str, Any]) -> type:
        class_name = spec.class_name
        if class_name == "InputLayer":
            return keras.layers.InputLayer
        own = getattr(keras.layers, class_name, None) if self.keras_own else None
        needed = hard_sigmoid in settings.values() or any(
            settings.get(key) for key in ("stateful", "time_major", "reverse_state_order")
        )
        inside = [settings.get(key) for key in ("layer", "backward_layer", "cell")]
        inside += list(settings.get("cells") or [])
        if own and not needed and not any(map(_is_ours, inside)):
            return own
        ours = Operation if class_name == "Operation" else vars(layers).get(class_name)
        if ours is None:
            raise ValueError(f"elman has no layer {class_name}; pass it in custom_objects")
        self.ours.append(spec.name)
        return ours

    def _written(self, spec: LayerSpec) -> Mapping[str, Any]:
        """A layer of Keras 3 as its loader takes it."""
        if not self.keras_own:
            return dict(spec.written or {})
        if keras_own.needs_elman(spec.written):
            self.ours.append(spec.name)
            return dict(spec.written or {})
        return keras_own.as_keras(spec.written)

    def _class_given(self, name: str):
        found = self.custom_objects.get(name)
        return registered(name) if found is None else found

    def _lambda(self, spec: LayerSpec):
        settings = dict(spec.config)
        function = self._function(spec.name, settings["function"])
        called_with = settings.pop("called_with", None)
        settings["function"] = _called_with(function, called_with) if called_with else function
        ours = not self.keras_own and "keras.layers" not in str((spec.written or {}).get("module"))
        return (layers if ours else keras.layers).Lambda(**settings)

    def _function(self, layer: str, written: str | None) -> Callable:
        if layer in self.functions:
            return self.functions[layer]
        if written in self.given:
            return self._class_given(str(written))
        found = getattr(keras.ops, str(written), None)
        return found or getattr(keras.activations, str(written))


def _is_of_keras(operation: Mapping[str, Any], tensors) -> bool:
    """Whether Keras can write an operation as operations of its own, for batches of any size."""
    if operations.has_sizes(operation):
        return False
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in tensors]
    try:
        model = keras.Model(inputs, operations.run(keras.ops, operation, inputs))
        json.dumps(model.get_config())
    except Exception:  # what Keras raises is not of one class: it was not made for these
        return False
    return True


def _zeros(shape, dtype=None):
    return keras.ops.zeros(shape, dtype)


def _is_custom(spec: LayerSpec) -> bool:
    """Whether a layer is, or has in it, a class or a function that the caller gave."""
    own = spec.kind in (Kind.CUSTOM, Kind.FUNCTION)
    return own or any(map(_is_custom, spec.inner()))


def _called_with(function: Callable, arguments: tuple[Any, dict[str, Any]]) -> Callable:
    """A function of a list of tensors that calls ``function`` as TensorFlow was called."""

    def call(tensors):
        tensors = tensors if isinstance(tensors, list) else [tensors]
        args, kwargs = mapped(arguments, lambda ref: tensors[ref.node])
        return function(*args, **kwargs)

    return call


def _is_ours(layer) -> bool:
    return type(layer).__module__.startswith("elman.")


def _called(layer, args, kwargs):
    """What a layer gives, each layer in it built that is an activation and has weights."""
    _check_steps(layer, args)
    output = layer(*args, **kwargs)
    if not all(activation.built for activation in _activations(layer)):
        # Keras asks most layers for the shape of their output alone.
        keras.Operation.compute_output_spec(layer, *args, **kwargs)
    return output


def _activations(layer) -> list:
    """The layers inside a layer that are its activations, or those of what it wraps."""
    held = [layer, *(layer._flatten_layers() if isinstance(layer, keras.layers.Layer) else ())]
    found = [
        getattr(one, key, None) for one in held for key in ("activation", "recurrent_activation")
    ]
    return [one for one in found if isinstance(one, keras.layers.Layer)]


def _check_steps(layer, args) -> None:
    """Refuse a recurrent layer that would be written out for too many timesteps."""
    shape = getattr(args[0], "shape", ()) if args else ()
    if _unrolls(layer):
        for axis in shape[1:-1]:
            limits.steps(axis)


_PARTING = ("Diff", "Split", "Unstack", "diff", "split", "unstack")


def _check_parts(spec: LayerSpec, args) -> None:
    """Refuse an operation that parts its input into more than a model has layers."""
    operation = spec.config.get("operation")
    name = operation["function"] if isinstance(operation, dict) else spec.class_name
    for tensor in tree.flatten(args) if name in _PARTING else ():
        if max((axis or 0 for axis in getattr(tensor, "shape", ())), default=0) > limits.LAYERS:
            raise ValueError(f"{name} takes at most {limits.LAYERS} parts, got {tensor.shape}")


def _unrolls(layer) -> bool:
    inside = layer._flatten_layers() if isinstance(layer, keras.layers.Layer) else []
    return any(getattr(one, "unroll", False) for one in inside)


def _output(ref, tensors):
    found = tensors[ref.name, ref.node]
    if ref.tensor >= len(found):
        raise ValueError(
            f"the model uses output {ref.tensor} of layer '{ref.name}', which has {len(found)}"
        )
    return found[ref.tensor]


@contextlib.contextmanager
def _naming(kind: str, name: str | None, class_name: str) -> Iterator[None]:
    """Whatever Keras raises over a layer names the layer."""
    try:
        yield
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        words = " ".join(str(error)[: 10 * _WORDS].split())
        if not words or isinstance(error, KeyError):  # a KeyError says the key alone
            words = f"{type(error).__name__} {words}".rstrip()
        if isinstance(error, RecursionError):
            words = f"too deep for sys.getrecursionlimit(), which is {sys.getrecursionlimit()}"
        if words.startswith(("layer '", "model '")):
            raise
        words = words if len(words) <= _WORDS else f"{words[:_WORDS]} ..."
        raise ValueError(f"{kind} '{name}' ({class_name}): {words}") from error
