"""Configurations of Keras 1 in the words of Keras 2: `Merge`, and stacks that begin with one."""

from collections.abc import Mapping
from typing import Any

from elman.legacy.specs import Config, Note

_MODES = {
    "sum": "Add",
    "mul": "Multiply",
    "concat": "Concatenate",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
    "cos": "Dot",
}


def model(config: Config, notes: list[Note]) -> Config:
    """A model of Keras 1, its stacks and merges rewritten."""
    layers = config.get("config")
    if config.get("class_name") == "Graph":
        raise ValueError("Graph, the model of Keras 0.x with named nodes, is gone; build it anew")
    if isinstance(layers, list) and _begins_with_merge(layers):
        return {"class_name": "Model", "config": _graph(layers, notes)}
    if isinstance(layers, dict) and isinstance(layers.get("layers"), list):
        parts = [part for layer in layers["layers"] for part in _merged(layer, notes)]
        return {**config, "config": {**layers, "layers": parts}}
    return config


def _begins_with_merge(layers: list[Any]) -> bool:
    """Whether a stack begins with a merge, or with a stack that does."""
    first = layers[0] if layers else {}
    inner = first.get("config") if first.get("class_name") == "Sequential" else None
    return first.get("class_name") == "Merge" or (
        isinstance(inner, list) and _begins_with_merge(inner)
    )


def merge(config: Mapping[str, Any], notes: list[Note]) -> list[Config]:
    """The layers of Keras 2 that compute what a `Merge` did; the last one has its name.

    >>> merge({"name": "merge_1", "mode": "sum"}, [])
    [{'class_name': 'Add', 'config': {'name': 'merge_1'}}]
    """
    name, mode = config["name"], config.get("mode", "sum")
    if config.get("mode_type", "raw") != "raw" or mode not in _MODES:
        kind = config.get("mode_type", "raw")
        function = {**config, "function": mode, "function_type": kind}
        return [{"class_name": "Lambda", "config": function}]
    notes.append(Note(name, f"Merge(mode={mode!r}) -> {_MODES[mode]}"))
    today: Config = {"name": name}
    if mode == "concat":
        today["axis"] = config.get("concat_axis", -1)
    if mode not in ("dot", "cos"):
        return [{"class_name": _MODES[mode], "config": today}]
    axes = config.get("dot_axes", -1)
    if isinstance(axes, list):  # once [[1], [1]]
        axes = [axis[0] if isinstance(axis, list) else axis for axis in axes]
    today["axes"] = axes
    if mode == "dot":
        return [{"class_name": "Dot", "config": today}]
    # Keras 1 gave the cosine of two rows an axis more: (batch, 1, 1).
    cosine = {**today, "name": f"{name}_cosine", "normalize": True}
    reshape = {"name": name, "target_shape": [1, 1]}
    return [
        {"class_name": "Dot", "config": cosine},
        {"class_name": "Reshape", "config": reshape},
    ]


def _merged(layer: Config, notes: list[Note]) -> list[Config]:
    """A layer of a functional model; a `Merge` as one or two layers in its place."""
    if layer.get("class_name") != "Merge":
        return [layer]
    *first, last = merge(layer["config"], notes)
    nodes = layer.get("inbound_nodes", [])
    if not first:
        return [_placed(last, nodes)]
    before = first[0]["config"]["name"]
    on_it = [[[before, i, 0, {}]] for i in range(len(nodes))]
    return [_placed(first[0], nodes), _placed(last, on_it)]


def _placed(layer: Config, nodes: list[Any]) -> Config:
    return {**layer, "name": layer["config"]["name"], "inbound_nodes": nodes}


def _graph(layers: list[Config], notes: list[Note]) -> Config:
    """A stack that begins with a merge, as a functional model of all its layers."""
    flat: dict[str, Config] = {}
    inputs: list[str] = []
    output = _open(layers, flat, inputs, notes)
    ends = {"input_layers": [[name, 0, 0] for name in inputs], "output_layers": [[output, 0, 0]]}
    return {"name": "sequential", "layers": list(flat.values()), **ends}


def _open(
    layers: list[Config], flat: dict[str, Config], inputs: list[str], notes: list[Note]
) -> str:
    """Add the layers of a stack to `flat`, input layers to `inputs`; the last one's name."""
    first, *rest = layers
    if first["class_name"] == "Merge":
        branches = [_branch(branch, flat, inputs, notes) for branch in first["config"]["layers"]]
        nodes = [[[name, 0, 0, {}] for name in branches]]
        for layer in _merged({**first, "inbound_nodes": nodes}, notes):
            flat.setdefault(layer["name"], layer)
        last = first["config"]["name"]
    elif first["class_name"] == "Sequential":
        last = _open(first["config"], flat, inputs, notes)
    else:
        last, rest = _input(first, flat, inputs), layers
        rest = rest[1:] if first["class_name"] == "InputLayer" else rest
    for layer in rest:
        name = layer["config"]["name"]
        flat.setdefault(name, {**layer, "name": name, "inbound_nodes": [[[last, 0, 0, {}]]]})
        last = name
    return last


def _branch(layer: Config, flat: dict[str, Config], inputs: list[str], notes: list[Note]) -> str:
    layers = layer["config"] if layer["class_name"] == "Sequential" else [layer]
    return _open(layers, flat, inputs, notes)


def _input(first: Config, flat: dict[str, Config], inputs: list[str]) -> str:
    """The input layer of a stack, made from the shape that its first layer expects."""
    config = first["config"]
    is_input = first["class_name"] == "InputLayer"
    name = config["name"] if is_input else f"{config['name']}_input"
    if name not in flat:
        keys = ("batch_input_shape", "input_dtype")
        given = {key: config[key] for key in keys if key in config}
        layer = (
            first if is_input else {"class_name": "InputLayer", "config": {**given, "name": name}}
        )
        flat[name] = {**layer, "name": name, "inbound_nodes": []}
        inputs.append(name)
    return name
