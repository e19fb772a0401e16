"""Configurations that Keras 3 wrote, in `.keras` archives, in `.h5` and as JSON."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from elman.legacy import allowed, graphs, limits
from elman.legacy.specs import (
    INNER,
    Call,
    Config,
    Kind,
    LayerSpec,
    ModelSpec,
    Need,
    Needed,
    Ref,
    mapped,
    refs,
)

# In an .h5 a layer stands without its module, and so does an operation.
_OPERATIONS = frozenset().union(*allowed.OPERATIONS.values())
_OPERATION_MODULES = {name: m for m, all_ in allowed.OPERATIONS.items() for name in all_}
# Of a name that layers and operations have: what only layers have in their configuration.
_OF_LAYERS = frozenset(["trainable", "dtype", "batch_shape"])


class Reader:
    """Reads one model; ``count`` is called for each layer.

    Arguments:
        given: the names that the caller hands in.
        needed: takes what the model needs of the caller.
        count: raises where there are too many layers.
    """

    def __init__(
        self,
        given: Collection[str],
        needed: list[Needed],
        count: Callable[[], None],
    ):
        self.given, self.needed, self.count = given, needed, count

    def model(self, written: Mapping[str, Any]) -> ModelSpec:
        """A stack or a graph of layers."""
        config = written["config"]
        layers = [self.layer(one) for one in config["layers"]]
        name = config.get("name") or written.get("name")
        found = ModelSpec("Sequential", name, layers, trainable=config.get("trainable", True))
        if "input_layers" not in config:
            found.build_shape = _build_shape(written)
            if found.build_shape is not None:
                limits.shape(f"model '{name}'", found.build_shape)
            return found
        found.class_name = "Functional"
        found.inputs = _tensors(config["input_layers"])
        found.outputs = _ends(config["output_layers"], layers)
        graphs.connect(found)
        return found

    def layer(self, written: Mapping[str, Any]) -> LayerSpec:
        self.count()
        class_name, config = written["class_name"], written["config"]
        if not isinstance(class_name, str):
            raise ValueError(f"the class of a layer must be text, got {class_name!r:.80}")
        name = written.get("name") or config.get("name")
        limits.name(name)
        calls = [_call(name, node) for node in written.get("inbound_nodes") or []]
        for call in calls:
            allowed.check_numbers(class_name, [call.args, call.kwargs], name)
        if is_model(written, self.given):
            inner = self.model(written)
            inner.name = name
            shared = written.get("shared_object_id")
            return LayerSpec(
                Kind.MODEL,
                inner.class_name,
                name,
                {},
                class_name,
                calls,
                model=inner,
                shared=shared,
            )
        plain = _without_training(
            {key: value for key, value in written.items() if key != "inbound_nodes"}
        )
        kind = self._kind(class_name, written)
        for call in calls:
            if kind is not Kind.OPERATION and not refs([call.args or call.kwargs]):
                raise ValueError(f"layer '{name}' must be called on layers, got {call.args!r:.80}")
        if _is_lambda(written, self.given):
            return self._lambda(name, plain, calls)
        for _ in filter(_is_layer, allowed.dicts(config)):
            self.count()
        _check_steps(written)
        self.needed += allowed.unknown(plain, self.given, name)
        if class_name == "InputLayer":
            limits.shape(
                f"layer '{name}'",
                config.get("batch_shape") or config.get("batch_input_shape") or [],
            )
        if kind is Kind.OPERATION:
            plain["module"] = _OPERATION_MODULES[class_name]
        elif kind is Kind.LAYER and ("module" not in written or _is_stateful(written)):
            plain = ours(plain)  # Keras's own stateful layers carry nothing on JAX
        plain = self._with_given(plain)
        return LayerSpec(kind, class_name, name, config, class_name, calls, written=plain)

    def _kind(self, class_name: str, written: Mapping[str, Any]) -> Kind:
        if any(map(self._is_given, _layers_of(written))):
            return Kind.CUSTOM
        bare = "module" not in written and (
            class_name not in allowed.LAYERS or not _OF_LAYERS & {*written["config"]}
        )
        if written.get("module") in allowed.OPERATIONS or (bare and class_name in _OPERATIONS):
            return Kind.OPERATION
        return Kind.LAYER

    def _with_given(self, written: Any) -> Any:
        """The configuration in which Keras finds what the caller gives before its own."""
        if isinstance(written, list):
            return [self._with_given(item) for item in written]
        if not isinstance(written, Mapping):
            return written
        found = {key: self._with_given(value) for key, value in written.items()}
        for key, value in found.items():
            if key.endswith("activation") and isinstance(value, str) and value in self.given:
                found[key] = _function(value)
        if found.get("class_name") in self.given and found.get("registered_name") is None:
            found["registered_name"] = found["class_name"]
        return found

    def _is_given(self, one: Mapping[str, Any]) -> bool:
        names = (one.get("class_name"), one.get("registered_name"))
        return any(isinstance(name, str) and name in self.given for name in names)

    def _lambda(self, name: str, written: Config, calls: list[Call]) -> LayerSpec:
        """A layer that is a function: only its name is taken from the file."""
        config = dict(written["config"])
        function = config.pop("function", None)
        config.pop("function_type", None)
        if isinstance(function, Mapping) and function.get("class_name") == "function":
            function = function.get("config")
        by_name = function if isinstance(function, str) else None
        if by_name not in self.given and by_name not in allowed.FUNCTIONS | allowed.ACTIVATIONS:
            need = Needed(name, Need.FUNCTION, by_name) if by_name else Needed(name, Need.CODE)
            self.needed.append(need)
        for key in ("output_shape", "mask"):
            if isinstance(config.get(key), Mapping):  # a function too; Keras can do without
                del config[key]
        self.needed += allowed.unknown(config, self.given, name)
        if isinstance(config.get("output_shape"), list):
            config["output_shape"] = tuple(config["output_shape"])
        config["function"] = by_name
        return LayerSpec(Kind.FUNCTION, "Lambda", name, config, "Lambda", calls, written=written)


def named(written: Any) -> Any:
    """The configuration with each class under its own name and in its public module.

    An .h5 has a class and the name it is registered by in one.

    >>> named({"class_name": "elman>LSTM", "config": {}})
    {'class_name': 'LSTM', 'config': {}, 'registered_name': 'elman>LSTM'}
    """
    if isinstance(written, list):
        return [named(item) for item in written]
    if not isinstance(written, Mapping):
        return written
    found = {key: named(value) for key, value in written.items()}
    class_name, module = found.get("class_name"), found.get("module")
    of_backend = isinstance(module, str) and module.startswith("keras.src.backend.")
    if of_backend and isinstance(class_name, str) and class_name in allowed.OPTIMIZERS:
        found["module"] = "keras.optimizers"  # of which each backend has its own
    if isinstance(class_name, str) and ">" in class_name:
        found |= {"class_name": class_name.rpartition(">")[2], "registered_name": class_name}
    return found


def is_model(written: Mapping[str, Any], given: Collection[str]) -> bool:
    """Whether a configuration is that of a stack or a graph, not of a class of the caller's."""
    registered = written.get("registered_name") or ""
    if not isinstance(registered, str) or not isinstance(written.get("class_name"), str):
        raise ValueError(
            f"the class of a model must be text, got {written.get('class_name')!r:.80}"
        )
    own = registered.rpartition(">")[0] not in ("", "elman")
    names = {registered, written.get("class_name")}
    return bool(names & allowed.MODELS) and not own and not names & {*given}


def _check_steps(written: Mapping[str, Any]) -> None:
    """Refuse to write out recurrent layers inside a layer for too many timesteps."""
    inside = [*allowed.dicts(written)]
    if any(one.get("unroll") is True for one in inside):
        shapes = [shape for one in inside if isinstance(shape := one.get("batch_shape"), list)]
        for axis in (axis for shape in shapes for axis in shape if isinstance(axis, int)):
            limits.steps(axis)


def _is_layer(written: Mapping[str, Any]) -> bool:
    return written.get("class_name") in allowed.LAYERS


def _is_lambda(written: Mapping[str, Any], given: Collection[str]) -> bool:
    return written["class_name"] == "Lambda" and "Lambda" not in given


def ours(written: Any) -> Any:
    """The configuration of a layer with elman's class in the place of Keras's, inside it too.

    >>> ours({"class_name": "LSTM", "module": "keras.layers", "config": {}})["registered_name"]
    'elman>LSTM'
    """
    if isinstance(written, list):
        return [ours(item) for item in written]
    if not isinstance(written, Mapping):
        return written
    found = {key: ours(value) for key, value in written.items()}
    name, module = found.get("class_name"), found.get("module", "keras.layers")
    if module == "keras.layers" and name in allowed.LAYERS and "config" in found:
        if name == "InputLayer":
            return found | {"module": "keras.layers", "registered_name": None}
        found |= {"module": "elman.layers", "registered_name": f"elman>{name}"}
        for key in ("activation", "recurrent_activation"):
            if found["config"].get(key) == "hard_sigmoid":  # by its name the old one is meant
                found["config"][key] = _HARD_SIGMOID
    return found


def _function(name: str, module: str = "builtins") -> Config:
    """A function as Keras 3 writes it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


_HARD_SIGMOID = _function("hard_sigmoid", "keras.activations")


def _layers_of(written: Any) -> Iterator[Mapping[str, Any]]:
    """A layer and the layers inside it, which may be of the caller's."""
    if isinstance(written, Mapping):
        yield written
        config = written.get("config")
        for key in (*INNER, "forward_layer", "cells", "layers"):
            yield from _layers_of(config.get(key) if isinstance(config, Mapping) else None)
    for item in written if isinstance(written, list) else ():
        yield from _layers_of(item)


def _is_stateful(written: Mapping[str, Any]) -> bool:
    return any(one.get("stateful") is True for one in allowed.dicts(written))


def _without_training(written: Any) -> Any:
    """The configuration of a layer without how models inside it were trained."""
    if isinstance(written, list):
        return [_without_training(item) for item in written]
    if not isinstance(written, Mapping):
        return written
    return {k: _without_training(item) for k, item in written.items() if k != "compile_config"}


def _build_shape(written: Mapping[str, Any]) -> tuple[Any, ...] | None:
    shape = (written.get("build_config") or {}).get("input_shape")
    shape = shape or (written["config"] or {}).get("build_input_shape")
    if not isinstance(shape, list | tuple) or any(isinstance(n, list | str) for n in shape):
        return None
    return tuple(shape)


# Calls


def _call(name: str, node: Any) -> Call:
    """One call; each output of a layer in it a `Ref`, all else plain."""
    if isinstance(node, list):  # as until Keras 2.13
        args: Any = [_ref_of_list(name, item) for item in node]
        kwargs = {k: v for item in node if len(item) == 4 for k, v in item[3].items()}
        call = Call((args[0] if len(args) == 1 else args,), _value(name, kwargs))
    else:
        call = Call(tuple(_value(name, node["args"])), _value(name, node["kwargs"]))
    first = call.args[0] if call.args else next(iter(call.kwargs.values()), None)
    if not refs([call.args, call.kwargs]):
        raise ValueError(f"layer '{name}' must be called on layers, got {first!r:.80}")
    return call


def _ref_of_list(name: str, item: Any) -> Ref:
    if not (isinstance(item, list) and len(item) in (3, 4) and isinstance(item[0], str)):
        raise ValueError(f"layer '{name}' must be called on layers, got {item!r:.80}")
    return Ref(*item[:3])


def _value(name: str, value: Any) -> Any:
    """An argument of a call: a structure of plain values and `Ref`s."""
    if isinstance(value, list | tuple):
        return [_value(name, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value or "config" not in value:
        return {key: _value(name, item) for key, item in value.items()}
    kind, config = value["class_name"], value["config"]
    if kind == "__keras_tensor__":
        return _ref_of_list(name, list(config["keras_history"]))
    if kind in ("__tensor__", "__numpy__"):
        allowed.check_dtype(config["dtype"], name)
        return np.asarray(config["value"], config["dtype"])
    if kind == "__slice__":
        return slice(*(_value(name, config[key]) for key in ("start", "stop", "step")))
    if kind == "__ellipsis__":
        return ...
    raise ValueError(
        f"layer '{name}' must be called on layers and plain values, got an object, {kind!r:.80}"
    )


def _tensors(value: Any) -> Any:
    """Inputs or outputs of a model: each [layer, call, output] a `Ref`."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return Ref(*value)
    if isinstance(value, Mapping):
        return {key: _tensors(item) for key, item in value.items()}
    if not isinstance(value, list) or not value:
        raise ValueError(f"a model must name its inputs and outputs, got {value!r:.80}")
    return [_tensors(item) for item in value]


def _ends(written: Any, layers: Sequence[LayerSpec]) -> Any:
    """The outputs of a model. Keras counts there, and nowhere else, the making of an inner graph.

    Its call number 0 in the arguments of other layers is number 1 here.
    """
    graphs_inside = {x.name for x in layers if x.model and x.model.class_name == "Functional"}

    def counted(ref: Ref) -> Ref:
        return ref._replace(node=ref.node - 1) if ref.name in graphs_inside else ref

    return mapped(_tensors(written), counted)
