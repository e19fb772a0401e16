"""Giving a model the weights of an old file, and writing weights in the old layout."""

import contextlib
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from elman.legacy import configs, hdf5, tables, weights
from elman.legacy.weights import Origin


def origin(file: hdf5.OldFile) -> Origin:
    return Origin(configs.version_of(file.version), file.backend)


def give(model, config: Mapping[str, Any], file: hdf5.OldFile, by: Origin):
    """Give a model built from ``config`` the weights of its file.

    Returns:
        The variables that were trained, in the order of the file, None in the place of one that
        was converted; and notes.

    Raises:
        ValueError: a layer has no weights in the file, or other ones than it needs.
    """
    trained: list[Any] = []
    notes: list[str] = []
    for layer, arrays in _matched(model, config["config"]["layers"], file):
        outer = _step(model, [layer["name"]])
        for path, of_layer in weights.places(layer, arrays, by, _unknown(outer)).items():
            inner, today = _inside(outer, layer, path)
            trained += _set(inner, today, of_layer, by, notes)
    return trained, list(dict.fromkeys(notes))


def _matched(model, layers: Sequence[Mapping[str, Any]], file: hdf5.OldFile):
    """Each layer's configuration with its arrays: by name, or in order where names are missing.

    Keras 1 wrote no name for a stack inside a model.
    """
    held = {name: arrays for name, arrays in file.layers.items() if arrays}
    named = {layer["name"]: layer for layer in layers}
    layers = [layer for layer in layers if layer["class_name"] != "InputLayer"]
    need = [layer for layer in layers if _step(model, [layer["name"]]).weights]
    if held.keys() <= named.keys():
        for layer in need:
            if layer["name"] not in held:
                raise ValueError(
                    f"{file.name} must hold the weights of layer '{layer['name']}', got none"
                )
        return [(named[name], arrays) for name, arrays in held.items()]
    if len(need) != len(held):
        raise ValueError(
            f"{file.name} must hold the weights of {', '.join(x['name'] for x in need)}, got those "
            f"of {', '.join(held)}"
        )
    return list(zip(need, held.values(), strict=True))


def _unknown(outer):
    """How many arrays a custom layer inside ``outer`` has, asked of the layer itself."""

    def counts(path, layer) -> tuple[int, int]:
        found = _step(outer, path[1:])
        return len(found.trainable_weights), len(found.non_trainable_weights)

    return counts


def _step(outer, path: Sequence[str]):
    """The layer at a path of names inside ``outer``, through the wrappers on the way."""
    found = outer
    for name in path:
        while not hasattr(found, "get_layer"):
            found = found.layer
        found = found.get_layer(configs.today_name(name))
    return found


def _inside(outer, config: Mapping[str, Any], path: Sequence[str]):
    """The layer at a path that begins with ``outer``, and its configuration."""
    for name in path[1:]:
        while config["class_name"] not in configs.MODELS:
            config = config["config"]["layer"]
        inner = config["config"]["layers"]
        config = next(x for x in inner if (x.get("name") or x["config"]["name"]) == name)
    return _step(outer, path[1:]), config


def _set(layer, config, arrays: Sequence[hdf5.Weight], by: Origin, notes: list[str]) -> list[Any]:
    """Set the weights of one layer; its trained variables, or None for each that was converted."""
    if not layer.weights and arrays and layer.built:
        notes.append(f"{layer.name}: {len(arrays)} array(s) left out, it has no weights today")
        return []
    _unbuilt(layer, arrays)
    shapes = [tuple(w.shape) for w in layer.weights]
    read = [weight.read() for weight in arrays]
    try:
        lengths = getattr(getattr(layer, "layer", layer), "lengths", ())
        today = weights.convert(config, read, by, shapes, lengths)
    except (ValueError, IndexError, TypeError, KeyError) as error:
        found = [weight.shape for weight in arrays]
        raise ValueError(
            f"layer '{layer.name}' must get weights of the shapes {shapes}, got {found}, which "
            f"cannot be converted: {error}"
        ) from error
    if [a.shape for a in today] != shapes:
        raise ValueError(
            f"layer '{layer.name}' must get weights of the shapes {shapes}, got "
            f"{[a.shape for a in today]}; the file was written by another model"
        )
    layer.set_weights(today)
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()  # Normalization keeps what it computes of its weights
    changed = len(read) != len(today) or any(a is not b for a, b in zip(read, today, strict=True))
    if changed:
        notes.append(f"{layer.name}: weights converted to today's layout")
    return [None if changed else w for w in layer.trainable_weights]


def _unbuilt(layer, arrays) -> None:
    if arrays and not layer.built:
        raise ValueError(
            f"layer '{layer.name}' must be built before it can be given weights; give the model "
            "its input_shape, or call it on a batch"
        )


def give_optimizer(model, file: hdf5.OldFile, trained: Sequence[Any]) -> list[str]:
    """Give the optimizer the moments of the file, where they are those of today's variables."""
    optimizer, arrays = getattr(model, "optimizer", None), file.optimizer
    if not arrays or optimizer is None:
        return []
    variables = model.trainable_variables
    if any(v is None for v in trained) or {id(v) for v in trained} != {id(v) for v in variables}:
        return ["optimizer: its state is left out, because weights were converted"]
    optimizer.build(variables)
    slots = [v for v in optimizer.variables if v.name not in ("iteration", "learning_rate")]
    kinds = len(slots) // max(len(variables), 1)
    of = {id(v): slots[i * kinds : (i + 1) * kinds] for i, v in enumerate(variables)}
    by_variable = [slot for v in trained for slot in of[id(v)]]
    by_kind = [of[id(v)][kind] for kind in range(kinds) for v in trained]
    today = by_variable if configs.version_of(file.version) >= (2, 11) else by_kind
    moments = [a for a in arrays if a.shape][: len(today)]
    if [tuple(s.shape) for s in today] != [a.shape for a in moments]:
        return ["optimizer: its state is left out, because today's is laid out differently"]
    for slot, weight in zip(today, moments, strict=True):
        slot.assign(weight.read())
    steps = [a for a in arrays if not a.shape]
    if steps:
        optimizer.iterations.assign(int(steps[0].read()))
    return []


# Weights alone


def load(model, path: str | os.PathLike, by_name: bool, skip_mismatch: bool) -> None:
    """Give a built model the weights of an old file, layer by layer, in order or by name."""
    with hdf5.opened(path) as file:
        by = origin(file)
        pairs = _named(model, file) if by_name else _in_order(model, file)
        for layer, arrays in pairs:
            config = _described(layer)
            try:
                given = weights.places(config, arrays, by, _unknown(layer))
                for inner_path, of_layer in given.items():
                    inner, today = _inside(layer, config, inner_path)
                    _set(inner, today, of_layer, by, [])
            except ValueError as error:
                if not skip_mismatch:
                    raise
                warnings.warn(f"left out by skip_mismatch: {error}", stacklevel=3)


@contextlib.contextmanager
def named_as_keras_wants(path: str | os.PathLike) -> Iterator[str | os.PathLike]:
    """A file of Keras 3, or a copy of it with the ending that Keras 3 insists on."""
    if str(path).endswith((".weights.h5", ".weights.json", ".keras")):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copy(path, Path(folder, "copy.weights.h5"))


def _named(model, file: hdf5.OldFile):
    """The layers that model and file have under one name."""
    layers = {layer.name: layer for layer in model.layers}
    named = {configs.today_name(name): found for name, found in file.layers.items() if found}
    return [(layers[name], found) for name, found in named.items() if name in layers]


def _in_order(model, file: hdf5.OldFile):
    """The layers with weights, of the model and of the file, one after the other."""
    arrays = {name: found for name, found in file.layers.items() if found}
    layers = _with_weights(model.layers)
    if len(layers) < len(arrays):  # Keras 1 wrote the layers in the branches of a Merge one by one
        layers = _with_weights(_one_by_one(model.layers))
    for layer in layers:
        _unbuilt(layer, arrays)
    if len(layers) != len(arrays):
        raise ValueError(
            f"{file.name} must have weights for the {len(layers)} layers of model '{model.name}' "
            f"that have some ({', '.join(x.name for x in layers)}), got {len(arrays)} "
            f"({', '.join(arrays)}); for some of them do: load_weights(path, by_name=True)"
        )
    return list(zip(layers, arrays.values(), strict=True))


def _with_weights(layers) -> list:
    layers = [layer for layer in layers if layer.weights or not layer.built]
    return [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]


def _one_by_one(layers) -> Iterator[Any]:
    """The layers with those inside models in their place."""
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from _one_by_one(layer.layers)
        else:
            yield layer


def _described(layer) -> dict[str, Any]:
    """A layer of today in the form of `elman.legacy.configs`."""
    config = keras.saving.serialize_keras_object(layer)
    return _plain({**config, "name": layer.name})


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """With the names that layers inside it have, and the class that it is under any name."""
    kind = tables.today(config["class_name"])  # CuDNNLSTM, Convolution1D, ... are subclasses
    inner = dict(config["config"])
    known = kind in tables.LAYERS or kind in configs.MODELS
    for key in configs.INNER:
        if isinstance(inner.get(key), Mapping):
            inner[key] = _plain(dict(inner[key]))
    for key in ("layers", "cells"):
        if isinstance(inner.get(key), list):
            inner[key] = [_plain(dict(x)) for x in inner[key]]
    name = config.get("name") or inner.get("name")
    return {"class_name": kind, "name": name, "config": inner, "custom": not known}


def save(model, path: str | os.PathLike) -> None:
    """Write the weights in the layout of Keras 1 and 2, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)  # as TensorFlow did for its checkpoints
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(part, "w") as root:
            _write(model, root)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write(model, root: h5py.File) -> None:
    """Each layer a group, each weight a dataset in it; their names in attributes."""
    root.attrs["backend"], root.attrs["keras_version"] = "tensorflow", "2.15.0"
    layers = [x for x in model.layers if not isinstance(x, keras.layers.InputLayer)]
    for layer in layers:
        _unbuilt(layer, [layer])
        group = root.create_group(layer.name)
        found = [*layer.trainable_weights, *layer.non_trainable_weights]
        names = [f"{w.path}:0" for w in found]
        if len({*names}) < len(names):
            names = [f"{i}/{name}" for i, name in enumerate(names)]
        for name, weight in zip(names, found, strict=True):
            group.create_dataset(name, data=keras.ops.convert_to_numpy(weight))
        _write_names(group, "weight_names", names)
    _write_names(root, "layer_names", [layer.name for layer in layers])


def _write_names(group: h5py.Group, attribute: str, names: Sequence[str]) -> None:
    """A list of names, in pieces where it is too long for an attribute of HDF5 (64 KiB)."""
    encoded = np.array([name.encode() for name in names] or [], dtype="S")
    pieces = math.ceil(encoded.nbytes / 60_000) or 1
    if pieces == 1:
        group.attrs[attribute] = encoded
        return
    for i, piece in enumerate(np.array_split(encoded, pieces)):
        group.attrs[f"{attribute}{i}"] = piece
