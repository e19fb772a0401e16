"""Configurations of old models in today's words: what each generation said, in one form.

The form of a model, all plain dicts: ``class_name`` ("Sequential" or "Functional"), ``name`` and
a ``config`` with ``layers``, and for a functional model ``inputs`` and ``outputs`` (a `Ref`, or a
list or dict of them) and ``order``, the calls in an order in which they can be made. A layer has
``class_name`` and ``config`` as today's class takes them, ``was``, the class it was written as, and
``calls``, a dict of ``inputs`` and ``kwargs`` for each time the model calls it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elman.legacy import arguments, hdf5, keras1, keras2, shapes, tables, tf_keras
from elman.legacy.tables import names

Config = dict[str, Any]

MODELS = frozenset(names("Sequential Model Functional"))
RECURRENT = frozenset(
    names("SimpleRNN LSTM GRU RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D")
)
INNER = names("layer backward_layer cell")  # the arguments that are layers themselves

# Layers that are a function: what is in the file for it is byte code, or a name of TensorFlow's.
FUNCTIONS = frozenset(names("Lambda TFOpLambda SlicingOpLambda TensorFlowOpLayer"))

# The longest recurrent layer that is written out step by step, and the largest row of an input.
UNROLLED, ROW, BATCH = 10_000, 2**28, 2**20


class Ref(NamedTuple):
    """An output of a layer: the layer's name, which of its calls, which output of that call."""

    name: str
    node: int
    tensor: int


@dataclass
class Upgraded:
    """A model in today's words.

    Attributes:
        config: in the form above.
        notes: a line for each translation, beginning with the layer's name.
        functions: the layers that need a function, and what the file has instead.
    """

    config: Config
    notes: list[str] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)


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


def upgraded(config: Any, version: str = "2") -> Upgraded:
    """Put the configuration of an old model into today's words.

    Arguments:
        config: what `model.to_json()` or the file's `model_config` says, as a dict.
        version: of the Keras that wrote it.

    Raises:
        ValueError: something in it is not a model, has no meaning today, or is beyond a limit.

    >>> old = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config":
    ...        {"name": "dense_1", "output_dim": 3, "batch_input_shape": [None, 2]}}]}
    >>> [layer["class_name"] for layer in upgraded(old, "1.2.2").config["config"]["layers"]]
    ['InputLayer', 'Dense']
    """
    result = Upgraded({})
    kind = config.get("class_name") if isinstance(config, Mapping) else type(config).__name__
    if not isinstance(kind, str) or kind not in {*MODELS, "Graph"}:
        raise ValueError(
            f"a model must be a Sequential or a functional Model, got {kind!r}; a subclassed model "
            "is in no file: build it in Python and load its weights"
        )
    try:
        reader = _Reader(version_of(version), result)
        result.config = reader.model(tf_keras.unwrapped(config))
    except (TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"the configuration of the model is malformed: {error!r}") from error
    result.notes = list(dict.fromkeys(result.notes))
    return result


class _Reader:
    """Walks through a model, and counts its layers."""

    def __init__(self, version: tuple[int, ...], result: Upgraded):
        self.version, self.notes, self.functions = version, result.notes, result.functions
        self.count = 0

    def model(self, written: Config) -> Config:
        if self.version < (2, 2):  # until then there was a layer Merge
            written = keras1.model(written, self.notes)
        config = written["config"]
        if isinstance(config, list):  # until Keras 2.2 a stack was the list of its layers
            config = {"layers": config}
        self._check_count(len(config["layers"]))
        if "input_layers" not in config:
            return self._sequential(written, config)
        return _functional(written, config, [self.layer(one) for one in config["layers"]])

    def _check_count(self, more: int) -> None:
        if self.count + more > hdf5.LAYERS:
            raise ValueError(f"a model must have at most {hdf5.LAYERS} layers, got more")

    def _sequential(self, written: Config, config: Config) -> Config:
        name = config.get("name") or written.get("name")
        layers = [self.layer(one) for one in config["layers"]]
        shape = _input_shape(layers[0]) if layers else None
        if shape is None and config.get("build_input_shape"):
            shape = tuple(config["build_input_shape"])
        if shape is not None and layers[0]["class_name"] != "InputLayer":
            _check_shape(layers[0]["name"], shape)
            given = {"batch_shape": shape, "name": f"{layers[0]['name']}_input"}
            if layers[0].get("input_dtype"):
                given["dtype"] = layers[0]["input_dtype"]
            layers.insert(0, {"class_name": "InputLayer", "name": given["name"], "config": given})
        return {
            "class_name": "Sequential",
            "name": name,
            "config": {"name": name, "layers": layers},
        }

    def layer(self, written: Config) -> Config:
        """One layer, with all that is inside it."""
        self._check_count(1)
        self.count += 1
        class_name = written["class_name"].rpartition(">")[2]  # "Addons>X" was registered as X
        name = written.get("name") or (
            written["config"].get("name") if isinstance(written["config"], Mapping) else None
        )
        name = f"{class_name.lower()}_{self.count}" if name is None else name
        if not isinstance(name, str):
            raise ValueError(f"the name of a layer ({class_name}) must be text, got {name!r}")
        if class_name in MODELS:
            inner = self.model(written)
            return {**inner, "name": name, "was": class_name, **_nodes(written)}
        if class_name == "Merge":  # inside a stack, where keras1 found no graph
            raise ValueError(f"layer '{name}': Merge must be first in its stack")
        try:
            return {**self._layer(class_name, name, dict(written["config"])), **_nodes(written)}
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            words = str(error) if isinstance(error, ValueError | TypeError) else repr(error)
            prefix = "" if words.startswith("layer '") else f"layer '{name}' ({class_name}): "
            raise ValueError(f"{prefix}{words}") from error

    def _layer(self, was: str, name: str, config: Config) -> Config:
        config = tf_keras.layer(was, config)
        if self.version < (2, 4):
            config = keras2.layer(was, config, self.version, self.notes)
        config["name"] = today_name(name)
        if was in FUNCTIONS:
            return {"class_name": "Lambda", "was": was, "name": name,
                    "config": self._function(was, name, config)}  # fmt: skip
        if was in tables.LAYERS:
            inner = {key: self._inner(key, value) for key, value in config.items()}
            return self._known(was, name, inner)
        shape = config.pop("batch_input_shape", None)
        return {"class_name": was, "was": was, "name": name, "config": config, "custom": True,
                "batch_input_shape": None if shape is None else tuple(shape)}  # fmt: skip

    def _known(self, was: str, name: str, config: Config) -> Config:
        if tables.today(was) == "Embedding" and config.get("dropout"):
            self.notes.append(f"{name}: dropout={config.pop('dropout')!r} dropped (training only)")
        constants = config.pop("num_constants", None)
        translated = arguments.translate(was, (), config, _parameters(was, config))
        today = dict(translated.kwargs)
        if translated.time_major:
            today["time_major"] = True
        class_name = tables.today(was)
        if class_name != was:
            self.notes.append(f"{name}: {was} -> {class_name}")
        self.notes += [f"{name}: {note}" for note in translated.notes if _worth_saying(note)]
        for argument in ("activation", "recurrent_activation"):
            if today.get(argument) == "hard_sigmoid":
                self.notes.append(
                    f"{name}: {argument} 'hard_sigmoid' is the old clip(0.2x + 0.5, 0, 1)"
                )
        shape = translated.batch_input_shape or today.get("batch_shape")
        _check_layer(class_name, today, shape)
        return {"class_name": class_name, "was": was, "name": name, "config": today,
                "batch_input_shape": shape, "input_dtype": translated.input_dtype,
                "constants": constants}  # fmt: skip

    def _inner(self, key: str, value: Any) -> Any:
        """An argument, translated where it is a layer or a list of cells."""
        if key in INNER and isinstance(value, Mapping) and "class_name" in value:
            return self.layer(dict(value))
        if key == "cells" and isinstance(value, list):
            return [self.layer(cell) for cell in value]
        return value

    def _function(self, was: str, name: str, config: Config) -> Config:
        """A layer that is a function; the function itself is not taken from the file."""
        written, kind = config.get("function"), config.get("function_type")
        by_name = was == "Lambda" and isinstance(written, str) and kind in (None, "function")
        what = f"the function {written!r}" if by_name else "byte code, which is never run"
        if was != "Lambda":
            what = f"an operation of TensorFlow, {written or config.get('node_def')!r}"
        self.functions[name] = what
        today: Config = {"name": today_name(name), "function": written if by_name else None}
        arguments = config.get("arguments")
        if isinstance(arguments, Mapping) and arguments:
            today["arguments"] = dict(arguments)
        shape = config.get("output_shape")
        if isinstance(shape, list) and config.get("output_shape_type") in (None, "raw"):
            today["output_shape"] = tuple(shape)
        return today


def _worth_saying(note: str) -> bool:
    """Whether a translation of an argument is more than a detail of how layers are written."""
    return not note.endswith(" dropped") and "batch_shape=" not in note


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


def _check_layer(class_name: str, config: Config, shape: Any) -> None:
    """Refuse what would take memory or time without end before a weight is made."""
    if shape is not None:
        _check_shape(class_name, shape)
    steps = shape[1] if config.get("unroll") and shape and len(shape) > 1 else 0
    if steps and steps > UNROLLED:
        raise ValueError(f"unroll=True takes at most {UNROLLED} timesteps, got {steps}")


def _check_shape(name: str, shape: Any) -> None:
    row = 1
    for axis in shape[1:]:
        if axis is not None and (not isinstance(axis, int) or isinstance(axis, bool) or axis < 0):
            raise ValueError(f"{name}: an input shape must be whole numbers and None, got {shape}")
        row *= axis or 1
    if row > ROW or (shape and (shape[0] or 0) > BATCH):
        raise ValueError(
            f"{name}: an input must have at most {BATCH} rows of {ROW} numbers, got {tuple(shape)}"
        )


def _input_shape(layer: Config) -> tuple[Any, ...] | None:
    """The shape that a layer first in its model expects, the batch axis included."""
    shape = layer.get("batch_input_shape")
    if shape is not None:
        return tuple(shape)
    if layer["class_name"] in MODELS:
        inner = layer["config"]["layers"]
        return _input_shape(inner[0]) if inner else None
    wrapped = layer["config"].get("layer")
    if layer["class_name"] in ("Bidirectional", "TimeDistributed") and wrapped:
        shape = _input_shape(wrapped)
        if shape and layer["class_name"] == "TimeDistributed":
            return (shape[0], None, *shape[1:])
        return shape
    return None


# Functional models


def _nodes(written: Config) -> Config:
    return {"inbound_nodes": written.get("inbound_nodes") or []}


def _functional(written: Config, config: Config, layers: list[Config]) -> Config:
    name = config.get("name") or written.get("name")
    known = {layer["name"]: layer for layer in layers}
    if len(known) < len(layers):
        raise ValueError(f"model '{name}' must give each layer a name of its own")
    for layer in layers:
        nodes = layer.pop("inbound_nodes")
        layer["calls"] = [_call(layer, node, known) for node in nodes]
    ends = {end: _ends(config[f"{end[:-1]}_layers"], known) for end in ("inputs", "outputs")}
    _count_from_zero(layers, ends)
    model = {"name": name, "layers": layers, **ends, "order": _order(layers, known)}
    for ref in _refs(ends):
        _check_ref(ref, known)
    return {"class_name": "Functional", "name": name, "config": model}


def _is_ref(value: Any, known: Mapping[str, Any]) -> bool:
    """Whether a value is [layer, call, output], perhaps with the call's arguments behind."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(index, int) for index in value[1:3])
        and (value[0] in known or value[0] == "_CONSTANT_VALUE")
    )


def _structure(value: Any, known: Mapping[str, Any]) -> Any:
    """The value with each [layer, call, output] in it as a `Ref`."""
    if _is_ref(value, known):
        return Ref(*value[:3])
    if isinstance(value, list):
        return [_structure(item, known) for item in value]
    if isinstance(value, dict):
        return {key: _structure(item, known) for key, item in value.items()}
    return value


def _ends(value: Any, known: Mapping[str, Any]) -> Any:
    """Inputs or outputs of a model: one, a list or a dict of them."""
    found = _structure(value, known)
    if isinstance(found, list) and not isinstance(found, Ref) and len(found) == 1:
        found = found[0]
    if not _refs(found):
        raise ValueError(f"a model must name its inputs and outputs, got {value!r}")
    return found


def _refs(value: Any) -> list[Ref]:
    """Every `Ref` in a structure."""
    if isinstance(value, Ref):
        return [] if value.name == "_CONSTANT_VALUE" else [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [ref for item in value for ref in _refs(item)] if isinstance(value, list) else []


def _call(layer: Config, node: Any, known: Mapping[str, Any]) -> Config:
    """One call of a layer: its inputs and its other arguments."""
    if _is_ref(node, known):
        node = [node]
    kwargs: Config = {}
    constants = []
    for item in node if isinstance(node, list) else node.values():
        if not _is_ref(item, known):
            raise ValueError(f"layer '{layer['name']}' must be called on layers, got {item!r}")
        if len(item) == 4 and item[3]:
            kwargs |= item[3]
        if item[0] == "_CONSTANT_VALUE":
            constants.append(item[2])
    if constants:
        raise ValueError(f"layer '{layer['name']}' is called on a constant, {constants[0]!r}")
    inputs = _structure(node, known)
    kwargs = {key: _structure(value, known) for key, value in kwargs.items() if value is not None}
    if layer["class_name"] in RECURRENT and len(inputs) > 1:
        inputs, states = inputs[0], inputs[1:]
        constants = states[len(states) - layer["constants"] :] if layer.get("constants") else []
        states = states[: len(states) - len(constants)]
        kwargs |= {"initial_state": states} if states else {}
        kwargs |= {"constants": constants} if constants else {}
    elif isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    return {"inputs": inputs, "kwargs": kwargs}


def _count_from_zero(layers: list[Config], ends: Config) -> None:
    """Count the calls of inner models from 0: a built model's making was its call number 0."""
    every = [layer["calls"] for layer in layers]
    used: dict[str, set[int]] = {}
    for ref in _refs([*_flat(every), *ends.values()]):
        used.setdefault(ref.name, set()).add(ref.node)
    late = {
        layer["name"]
        for layer in layers
        if layer["class_name"] in MODELS and min(used.get(layer["name"], {0})) == 1
    }

    def lowered(value: Any) -> Any:
        if isinstance(value, Ref):
            return value._replace(node=value.node - 1) if value.name in late else value
        if isinstance(value, dict):
            return {key: lowered(item) for key, item in value.items()}
        return [lowered(item) for item in value] if isinstance(value, list) else value

    for layer in layers:
        layer["calls"] = lowered(layer["calls"])
    ends.update(lowered(ends))


def _flat(calls: list[list[Config]]) -> list[Any]:
    return [call[part] for of in calls for call in of for part in ("inputs", "kwargs")]


def _check_ref(ref: Ref, known: Mapping[str, Config]) -> None:
    layer = known[ref.name]
    calls = 1 if layer["class_name"] == "InputLayer" else len(layer["calls"])
    if not 0 <= ref.node < calls or ref.tensor < 0:
        raise ValueError(f"the model uses call {ref.node} of layer '{ref.name}', which has {calls}")


def _order(layers: list[Config], known: Mapping[str, Config]) -> list[tuple[str, int]]:
    """The calls, each after those whose outputs it takes."""
    waits: dict[tuple[str, int], set[tuple[str, int]]] = {}
    users: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for layer in layers:
        for i, call in enumerate(layer["calls"]):
            refs = _refs([call["inputs"], call["kwargs"]])
            for ref in refs:
                _check_ref(ref, known)
            needs = {(r.name, r.node) for r in refs if known[r.name]["calls"]}
            waits[layer["name"], i] = needs
            for need in needs:
                users.setdefault(need, []).append((layer["name"], i))
    ready = [key for key, needs in waits.items() if not needs]
    order: list[tuple[str, int]] = []
    while ready:
        key = ready.pop()
        order.append(key)
        for user in users.get(key, ()):
            waits[user].discard(key)
            if not waits[user]:
                ready.append(user)
    if len(order) < len(waits):
        stuck = sorted({name for (name, _), needs in waits.items() if needs})
        raise ValueError(f"the layers of a model must not feed each other in a circle: {stuck[:5]}")
    return order


def each(config: Config, see: Callable[[Config], None]) -> None:
    """Call `see` with every layer of a model in this form, those inside others included."""
    for layer in config["config"]["layers"]:
        _each(layer, see)


def _each(layer: Config, see: Callable[[Config], None]) -> None:
    see(layer)
    if layer.get("custom"):
        return  # whose configuration is its own
    if layer["class_name"] in MODELS:
        each(layer, see)
    for key in INNER:
        if isinstance(layer["config"].get(key), dict) and "class_name" in layer["config"][key]:
            _each(layer["config"][key], see)
    for cell in layer["config"].get("cells") or []:
        _each(cell, see)


# hard_sigmoid


_GATED = frozenset(names("LSTM GRU LSTMCell GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D"))
_LINEAR = frozenset(names("Dense Conv1D Conv2D Conv3D"))


def rescale(config: Config, notes: list[str]) -> None:
    """Mark the layers that can do with Keras 3's hard_sigmoid, their weights times 1.2.

    clip(0.2 x + 0.5, 0, 1) = relu6(1.2 x + 3) / 6: where the function follows at once on
    a product with weights, the factor can go into these; `elman.legacy.weights.convert` does it.
    """

    def see(layer: Config) -> None:
        gates = layer["config"].get("recurrent_activation") == "hard_sigmoid"
        output = layer["config"].get("activation") == "hard_sigmoid"
        gated = layer["class_name"] in _GATED and gates and not output
        if gated or (layer["class_name"] in _LINEAR and output):
            layer["rescaled"] = True
            notes.append(
                f"{layer['name']}: weights {'of its gates ' if gated else ''}times 1.2, with which "
                "Keras 3's hard_sigmoid is the old one"
            )

    each(config, see)
