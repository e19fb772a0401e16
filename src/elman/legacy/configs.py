"""Configurations of models of every Keras, put into the form of `elman.legacy.specs`.

The generations are applied in order of time: `keras1`, `keras2`, `tf_keras`, and then the arguments
of each layer by `arguments.translate`. What Keras 3 wrote is read by `keras3`.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from elman.legacy import (
    allowed,
    arguments,
    graphs,
    keras1,
    keras2,
    keras3,
    limits,
    operations,
    shapes,
    tables,
    tf_keras,
)
from elman.legacy.specs import (
    INNER,
    Call,
    Config,
    Kind,
    LayerSpec,
    ModelSpec,
    Need,
    Needed,
    Note,
    Ref,
    Upgraded,
    mapped,
    refs,
)
from elman.legacy.tables import names

MODELS = allowed.MODELS
RECURRENT = frozenset(
    names("SimpleRNN LSTM GRU RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D")
)
# Layers that are a function: what is in the file for it is byte code, or a name of TensorFlow's.
FUNCTIONS = frozenset(names("Lambda TFOpLambda SlicingOpLambda TensorFlowOpLayer"))
_MALFORMED = (TypeError, KeyError, AttributeError, IndexError, RecursionError)


def today_name(name: str) -> str:
    """The name of a layer without the slashes that TensorFlow's scopes put into it.

    >>> today_name("block/dense")
    'block_dense'
    """
    return name.replace("/", "_") if isinstance(name, str) else name


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version, e.g. (2, 2, 4) of "2.2.4-tf"."""
    parts = text.split("-")[0].split(".")
    return tuple(int(part) for part in parts if part.isascii() and part.isdigit())[:3] or (1,)


def upgraded(
    config: Any,
    version: str = "2",
    given: Collection[str] = (),
    functions: Collection[str] = (),
) -> Upgraded:
    """Put the configuration of a model into today's words.

    Arguments:
        config: what `model.to_json()` or the file's `model_config` says, as a dict.
        version: of the Keras that wrote it.
        given: the names of classes and functions that the caller hands in, which win over those
            of Keras and elman.
        functions: the names of the layers that the caller gives a function for.

    Raises:
        ValueError: something in it is not a model, has no meaning today, is not allowed, or is
            beyond a limit.

    >>> old = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config":
    ...        {"name": "dense_1", "output_dim": 3, "batch_input_shape": [None, 2]}}]}
    >>> [layer.class_name for layer in upgraded(old, "1.2.2").model.layers]
    ['InputLayer', 'Dense']
    """
    kind = config.get("class_name") if isinstance(config, Mapping) else type(config).__name__
    if not isinstance(kind, str) or kind not in {*MODELS, "Graph"}:
        raise ValueError(
            f"a model must be a Sequential or a functional Model, got {kind!r:.80}; a subclassed "
            "model is in no file: build it in Python and load its weights"
        )
    reader = _Reader(version_of(version), given, functions)
    try:
        limits.calls(config)
        if reader.version >= (3,):
            of_keras3 = keras3.Reader(given, reader.needed, reader.count_layer)
            model = of_keras3.model(keras3.named(config))
        else:
            model = reader.model(tf_keras.unwrapped(config))
    except _MALFORMED as error:
        raise ValueError(f"the configuration of the model is malformed: {error!r:.200}") from error
    return Upgraded(model, list(dict.fromkeys(reader.notes)), list(dict.fromkeys(reader.needed)))


class _Reader:
    """Walks through a model of Keras 1 or 2, and counts its layers."""

    def __init__(
        self, version: tuple[int, ...], given: Collection[str], functions: Collection[str]
    ):
        self.version, self.given, self.functions = version, given, functions
        self.notes: list[Note] = []
        self.needed: list[Needed] = []
        self.count = 0

    def count_layer(self, more: int = 1) -> None:
        self.count += more
        if self.count > limits.LAYERS:
            raise ValueError(f"a model must have at most {limits.LAYERS} layers, got more")

    def model(self, written: Config) -> ModelSpec:
        if self.version < (2, 2):  # until then there was a layer Merge
            written = keras1.model(written, self.notes)
        config = written["config"]
        if isinstance(config, list):  # until Keras 2.2 a stack was the list of its layers
            config = {"layers": config}
        if self.count + len(config["layers"]) > limits.LAYERS:
            self.count_layer(limits.LAYERS)
        layers = [self.layer(one) for one in config["layers"]]
        name = config.get("name") or written.get("name")
        model = ModelSpec("Sequential", name, layers, trainable=config.get("trainable", True))
        if "input_layers" in config:
            _functional(model, config)
        else:
            _sequential(model, config)
        self.needed += _read_operations(model, self.functions)
        if "input_layers" in config:
            graphs.connect(model)
        return model

    def layer(self, written: Config) -> LayerSpec:
        """One layer, with all that is inside it."""
        self.count_layer()
        class_name = written["class_name"].rpartition(">")[2]  # "Addons>X" was registered as X
        name = written.get("name") or (
            written["config"].get("name") if isinstance(written["config"], Mapping) else None
        )
        name = f"{class_name.lower()}_{self.count}" if name is None else name
        limits.name(name)
        # Inside a stack, where keras1 found no graph.
        if class_name == "Merge" and class_name not in self.given:
            raise ValueError(f"layer '{name}': Merge must be first in its stack")
        try:
            if class_name in MODELS and class_name not in self.given:
                inner = self.model(written)
                inner.name = name
                found = LayerSpec(Kind.MODEL, inner.class_name, name, {}, class_name, model=inner)
            else:
                found = self._layer(class_name, name, dict(written["config"]))
        except (ValueError, *_MALFORMED) as error:
            words = str(error) if isinstance(error, ValueError | TypeError) else repr(error)
            prefix = "" if words.startswith("layer '") else f"layer '{name}' ({class_name}): "
            raise ValueError(f"{prefix}{words}") from error
        # Read as calls once all layers are known; see `_functional`.
        found.calls = written.get("inbound_nodes") or []
        found.shared = written.get("shared_object_id")
        return found

    def _layer(self, was: str, name: str, config: Config) -> LayerSpec:
        if was in self.given:
            return self._custom(was, name, config)
        if self.version < (2, 4):
            config = keras2.layer(was, config, self.version, self.notes)
        was, config = tf_keras.layer(was, config)
        config["name"] = today_name(name)
        if was in FUNCTIONS:
            return self._function(was, name, config)
        if was not in tables.LAYERS:
            return self._custom(was, name, config)
        return self._known(was, name, self._with_layers(was, config))

    def _custom(self, was: str, name: str, config: Config) -> LayerSpec:
        """A layer of a class that the caller gives; its configuration is its own."""
        if was not in self.given:
            self.needed.append(Needed(name, Need.CLASS, was))
        self.needed += allowed.unknown(config, self.given, name)
        shape = config.pop("batch_input_shape", None)
        config["name"] = today_name(name)
        return LayerSpec(Kind.CUSTOM, was, name, config, was, batch_input_shape=_whole(shape))

    def _with_layers(self, was: str, config: Config) -> Config:
        """The configuration with each layer in it read: inner ones, and activations that are."""
        read = {key: self._inner(key, value) for key, value in config.items()}
        inner = read.get("layer")
        if was != "Bidirectional" or not isinstance(inner, LayerSpec) or read.get("backward_layer"):
            return read
        backwards = bool(inner.config.get("go_backwards"))
        activations = (inner.config.get(key) for key in ("activation", "recurrent_activation"))
        if backwards or any(isinstance(one, LayerSpec) for one in activations):
            # Keras 2 turned the copy around, whichever way the layer ran; Keras 3's runs backwards,
            # and has the same layer as its activation, where Keras 2 had a copy.
            name = f"backward_{inner.name}"
            other = {**inner.config, "go_backwards": not backwards, "name": name}
            read["backward_layer"] = dataclasses.replace(inner, config=other)
        return read

    def _inner(self, key: str, value: Any) -> Any:
        """An argument, translated where it is a layer or a list of cells."""
        is_object = isinstance(value, Mapping) and "class_name" in value
        if key in INNER and is_object:
            return self.layer(dict(value))
        if key == "cells" and isinstance(value, list):
            return [self.layer(cell) for cell in value]
        if key.endswith("activation"):
            if isinstance(value, str) and value in tf_keras.ACTIVATION_LAYERS:
                is_object, value = True, {"class_name": value, "config": {}}
            if is_object and value["class_name"] in tf_keras.ACTIVATION_LAYERS:
                config = tf_keras.ACTIVATION_LAYERS[value["class_name"]] | (value["config"] or {})
                return self.layer({**value, "config": config})
        return value

    def _known(self, was: str, name: str, config: Config) -> LayerSpec:
        if tables.today(was) == "Embedding" and config.get("dropout"):
            dropped = config.pop("dropout")
            self.notes.append(Note(name, f"dropout={dropped!r} dropped (training only)"))
        constants = config.pop("num_constants", None)
        translated = arguments.translate(was, (), config, _parameters(was, config))
        today = dict(translated.kwargs)
        if translated.time_major:
            today["time_major"] = True
        class_name = tables.today(was)
        if class_name != was:
            self.notes.append(Note(name, f"{was} -> {class_name}"))
        self.notes += [Note(name, note) for note in translated.notes if _worth_saying(note)]
        for argument in ("activation", "recurrent_activation"):
            if today.get(argument) == "hard_sigmoid":
                what = f"{argument} 'hard_sigmoid' is the old clip(0.2x + 0.5, 0, 1)"
                self.notes.append(Note(name, what))
        shape = translated.batch_input_shape or today.get("batch_shape")
        if shape is not None:
            limits.shape(class_name, shape)
        if today.get("unroll") and shape and len(shape) > 1:
            limits.steps(shape[1])
        allowed.check_paths(class_name, today, f"layer '{name}'")
        self.needed += allowed.unknown(today, self.given, name)
        self.needed += allowed.unknown_words(today, self.given, name)
        return LayerSpec(
            Kind.LAYER, class_name, name, today, was,
            batch_input_shape=shape, input_dtype=translated.input_dtype, constants=constants,
        )  # fmt: skip

    def _function(self, was: str, name: str, config: Config) -> LayerSpec:
        """A layer that is a function; the function itself is not taken from the file."""
        if was in operations.CLASSES:  # what it computes depends on the call
            return LayerSpec(Kind.OPERATION, was, name, config, was)
        shape = config.get("batch_input_shape")
        written, kind = config.get("function"), config.get("function_type")
        by_name = written if isinstance(written, str) and kind in (None, "function") else None
        if by_name is None:
            self.needed.append(Needed(name, Need.CODE))
        elif by_name not in self.given:
            self.needed.append(Needed(name, Need.FUNCTION, by_name))
        today: Config = {"name": today_name(name), "function": by_name}
        given = config.get("arguments")
        if isinstance(given, Mapping) and given:
            today["arguments"] = dict(given)
        output = config.get("output_shape")
        if isinstance(output, list) and config.get("output_shape_type") in (None, "raw"):
            today["output_shape"] = tuple(output)
        self.needed += allowed.unknown(today, self.given, name)
        return LayerSpec(
            Kind.FUNCTION, "Lambda", name, today, was, batch_input_shape=_whole(shape),
            input_dtype=config.get("input_dtype"),
        )  # fmt: skip


def _whole(shape: Any) -> tuple[Any, ...] | None:
    if shape is None:
        return None
    limits.shape("a layer", shape)
    return tuple(shape)


def _worth_saying(note: str) -> bool:
    """Whether a translation of an argument is more than a detail of how layers are written."""
    return not note.endswith((" dropped", "-> batch_shape")) and "batch_shape=" not in note


def _parameters(was: str, config: Config) -> list[str]:
    """The names in a configuration that are today's, and those that its old ones became."""
    table = tables.old_arguments(was)
    old = {*table, *tables.keras1_arguments(was), *shapes.NAMES}
    old |= {"weights", "time_major", "input_dtype"}
    old.discard("reverse_state_order")  # elman's StackedRNNCells has it
    if tables.today(was) == "Embedding":
        old.discard("input_dim")
    became = {*tables.JOINED.get(tables.today(was), {})}
    for entry in table.values():
        if not isinstance(entry, tables.Gone):
            became |= {entry} if isinstance(entry, str) else {*entry.new}
    return [name for name in (*config, *sorted(became - {*config})) if name not in old]


# Stacks


def _sequential(model: ModelSpec, config: Config) -> None:
    """Put an input before the first layer, of the shape that the layer or the stack was told."""
    shape = _input_shape(model.layers[0]) if model.layers else None
    if shape is None and config.get("build_input_shape"):
        shape = tuple(config["build_input_shape"])
    if shape is None or model.layers[0].is_input:
        return
    first = model.layers[0]
    limits.shape(first.name, shape)
    name = f"{today_name(first.name)}_input"
    given = {"batch_shape": shape, "name": name}
    if first.input_dtype:
        given["dtype"] = first.input_dtype
    model.layers.insert(0, LayerSpec(Kind.LAYER, "InputLayer", name, given))


def _input_shape(layer: LayerSpec) -> tuple[Any, ...] | None:
    """The shape that a layer first in its model expects, the batch axis included."""
    if layer.batch_input_shape is not None:
        return tuple(layer.batch_input_shape)
    if layer.model is not None:
        return _input_shape(layer.model.layers[0]) if layer.model.layers else None
    wrapped = layer.config.get("layer")
    if layer.class_name in ("Bidirectional", "TimeDistributed") and isinstance(wrapped, LayerSpec):
        shape = _input_shape(wrapped)
        if shape and layer.class_name == "TimeDistributed":
            return (shape[0], None, *shape[1:])
        return shape
    return None


# Functional models


def _functional(model: ModelSpec, config: Config) -> None:
    """Read the calls of the layers and the ends of the model."""
    model.class_name = "Functional"
    known = {layer.name for layer in model.layers}
    for layer in model.layers:
        nodes: list[Any] = layer.calls
        layer.calls = [_call(layer, node, known) for node in nodes]
    model.inputs = _end(config["input_layers"], known)
    model.outputs = _end(config["output_layers"], known)


def _is_ref(value: Any, known: Collection[str]) -> bool:
    """Whether a value is [layer, call, output], perhaps with the call's arguments behind."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(index, int) for index in value[1:3])
        and value[0] in known
    )


def _is_constant(value: Any) -> bool:
    """Whether a value is what tf.keras wrote for a plain argument of an operation."""
    return isinstance(value, list) and len(value) in (3, 4) and value[:2] == ["_CONSTANT_VALUE", -1]


def _structure(value: Any, known: Collection[str]) -> Any:
    """The value with each [layer, call, output] in it as a `Ref`."""
    if _is_ref(value, known):
        return Ref(*value[:3])
    if _is_constant(value):
        return value[2]
    if isinstance(value, list):
        return [_structure(item, known) for item in value]
    if isinstance(value, dict):
        return {key: _structure(item, known) for key, item in value.items()}
    return value


def _end(value: Any, known: Collection[str]) -> Any:
    """Inputs or outputs of a model: one, a list or a dict of them."""
    found = _structure(value, known)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not refs(found):
        raise ValueError(f"a model must name its inputs and outputs, got {value!r:.80}")
    return found


def _items(node: Any, known: Collection[str], nested: bool) -> Iterator[Any]:
    """What a layer is called on, each item with the arguments that may stand behind it."""
    if _is_ref(node, known) or _is_constant(node):
        yield node
        return
    for item in node.values() if isinstance(node, dict) else node:
        if nested and isinstance(item, list | dict):
            yield from _items(item, known, nested)
        else:
            yield item


def _call(layer: LayerSpec, node: Any, known: Collection[str]) -> Call:
    """One call of a layer: its inputs and its other arguments."""
    kwargs: Config = {}
    nested = layer.kind is Kind.OPERATION  # others are called on outputs of layers alone
    for item in _items(node, known, nested):
        if not _is_ref(item, known) and not (nested and _is_constant(item)):
            raise ValueError(f"layer '{layer.name}' must be called on layers, got {item!r:.80}")
        if len(item) == 4 and item[3]:
            kwargs |= item[3]
    inputs = _structure(node, known)
    keeps_none = layer.kind is Kind.OPERATION  # an argument of TensorFlow's function
    kwargs = {
        key: _structure(value, known)
        for key, value in kwargs.items()
        if value is not None or keeps_none
    }
    if not refs([inputs, kwargs]):
        raise ValueError(f"layer '{layer.name}' must be called on layers, got {inputs!r:.80}")
    if layer.kind is not Kind.CUSTOM:
        allowed.unknown(kwargs, (), layer.name)
    if layer.kind is Kind.OPERATION:
        return Call((inputs,), kwargs)
    if layer.class_name in RECURRENT and isinstance(inputs, list) and len(inputs) > 1:
        inputs, states = inputs[0], inputs[1:]
        constants = states[len(states) - layer.constants :] if layer.constants else []
        states = states[: len(states) - len(constants)]
        kwargs |= {"initial_state": states} if states else {}
        kwargs |= {"constants": constants} if constants else {}
    elif isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    return Call((inputs,), kwargs)


# Operations of TensorFlow


def _read_operations(model: ModelSpec, functions: Collection[str]) -> list[Needed]:
    """Translate the layers that are operations; those that nobody knows need a function.

    What is computed from shapes alone becomes a part of the operations that use it, and is no
    layer any more where nothing else uses it.
    """
    known = {layer.name: layer for layer in model.layers if layer.kind is Kind.OPERATION}
    found: dict[tuple[str, int], operations.Operation | None] = {}

    def resolved(ref: Ref) -> Any:
        operation = read(ref.name, ref.node) if ref.name in known else None
        return operation.output(ref.tensor) if operation and operation.is_size else ref

    def read(name: str, node: int) -> operations.Operation | None:
        if (name, node) not in found:
            layer, call = known[name], known[name].calls[node]
            args, kwargs = mapped(call.args[0], resolved), mapped(call.kwargs, resolved)
            found[name, node] = (
                None
                if name in functions
                else operations.translated(layer.was, layer.config, args, kwargs)
            )
        return found[name, node]

    needed = []
    for layer in known.values():
        layer.calls = layer.calls or [Call((Ref("", 0, 0),))]  # in a stack
        operations_ = [read(layer.name, i) for i in range(len(layer.calls))]
        plain = [one.config() if one else None for one in operations_]
        if None in plain or any(config != plain[0] for config in plain):
            needed += _as_function(layer, functions)
            continue
        layer.class_name, layer.config = "Operation", {"operation": plain[0]}
        layer.config["name"] = today_name(layer.name)
        layer.calls = [Call((one.tensors,)) for one in operations_ if one]
    sizes = {name for (name, _), one in found.items() if one and one.is_size}
    calls = [[call.args, call.kwargs] for layer in model.layers for call in layer.calls]
    sizes -= {ref.name for ref in refs([calls, model.outputs])}
    model.layers = [layer for layer in model.layers if layer.name not in sizes]
    return needed


def _as_function(layer: LayerSpec, functions: Collection[str]) -> list[Needed]:
    """Make an operation a function of the caller's, called with TensorFlow's own arguments."""
    node = layer.config.get("node_def")
    written = layer.config.get("function") or (node.get("op") if isinstance(node, dict) else node)
    arguments = []
    for call in layer.calls:
        tensors = refs([call.args, call.kwargs])
        args, kwargs = _with_numbers([call.args, call.kwargs])
        arguments.append((args, {key: x for key, x in kwargs.items() if key != "name"}))
        call.args, call.kwargs = (tensors,), {}
    if any(one != arguments[0] for one in arguments):
        raise ValueError(f"layer '{layer.name}': an operation must be called in one way")
    layer.kind, layer.class_name = Kind.FUNCTION, "Lambda"
    layer.config = {"name": today_name(layer.name), "function": None}
    layer.config["called_with"] = arguments[0]
    known = layer.name in functions
    return [] if known else [Needed(layer.name, Need.TENSORFLOW, str(written))]


def _with_numbers(arguments: Any) -> Any:
    """The arguments with the number of each `Ref` in its place, as ``Ref("", number, 0)``."""
    places = itertools.count()
    return mapped(arguments, lambda ref: Ref("", next(places), 0))


# hard_sigmoid


_GATED = frozenset(names("LSTM GRU LSTMCell GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D"))
_LINEAR = frozenset(names("Dense Conv1D Conv2D Conv3D"))


def rescale(model: ModelSpec, notes: list[Note]) -> None:
    """Mark the layers that can do with Keras 3's hard_sigmoid, their weights times 1.2.

    clip(0.2 x + 0.5, 0, 1) = relu6(1.2 x + 3) / 6: where the function follows at once on
    a product with weights, the factor can go into these; `elman.legacy.weights.convert` does it.
    """
    for layer in model.each():
        gates = layer.config.get("recurrent_activation") == "hard_sigmoid"
        output = layer.config.get("activation") == "hard_sigmoid"
        gated = layer.class_name in _GATED and gates and not output
        if gated or (layer.class_name in _LINEAR and output):
            layer.rescaled = True
            what = (
                f"weights {'of its gates ' if gated else ''}times 1.2, with which Keras 3's "
                "hard_sigmoid is the old one"
            )
            notes.append(Note(layer.name, what))
