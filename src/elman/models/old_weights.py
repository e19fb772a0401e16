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

from elman._writing import whole
from elman.legacy import archive_weights, configs, hdf5, tables, weights
from elman.legacy.specs import INNER, Kind, LayerSpec, ModelSpec, Note
from elman.legacy.weights import Origin


def origin(file: hdf5.OldFile) -> Origin:
    return Origin(configs.version_of(file.version), file.backend)


# The arrays of each layer, by the paths of names of the layers inside it.
Placed = Mapping[str, Mapping[weights.Path, Sequence[hdf5.Weight]]]


def by_layer(model, spec: ModelSpec, file: hdf5.OldFile, by: Origin) -> Placed:
    """Whose each array of an HDF5 file is.

    Raises:
        ValueError: a layer has no weights in the file, or the file has those of other layers.
    """
    return {
        layer.name: weights.places(layer, arrays, by, _unknown(_step(model, [layer.name])))
        for layer, arrays in _matched(model, spec, file)
    }


def check_all_there(model, spec: ModelSpec, placed: Placed, what: str) -> None:
    """Refuse a file without the weights of a layer that has some."""
    for layer in spec.layers:
        shared = any(one.shared is not None for one in (layer, *layer.inner()))
        if layer.name not in placed and not shared and _has_weights(model, layer):
            raise ValueError(f"{what} must hold the weights of layer '{layer.name}', got none")


def give(model, spec: ModelSpec, placed: Placed, by: Origin):
    """Give a model built from ``spec`` the weights of its file.

    Returns:
        The variables that were trained, in the order of the file, None in the place of one that
        was converted; and notes.

    Raises:
        ValueError: a layer needs other weights than it has in the file.
    """
    trained: list[Any] = []
    notes: list[Note] = []
    known = {layer.name: layer for layer in spec.layers}
    for name, of_layers in placed.items():
        outer = _step(model, [name])
        for path, of_layer in of_layers.items():
            inner, today = _inside(outer, known[name], path)
            trained += _set(inner, today, of_layer, by, notes)
    return trained, list(dict.fromkeys(notes))


def give_vocabularies(model, spec: ModelSpec, assets: Path | None) -> None:
    """Give the layers of a model the vocabularies of its archive, which stand in files there."""
    for path, place in archive_weights.vocabularies(spec):
        if assets is not None and Path(assets, place, "vocabulary.txt").exists():
            _step(model, path).load_assets(os.fspath(Path(assets, place)))


def give_as_today(model, file: hdf5.OldFile) -> list[Any]:
    """Give a model the weights of an `.h5` that Keras 3 wrote: by name, in today's order.

    Returns:
        The variables that were trained, in the order of the file.
    """
    trained: list[Any] = []
    for name, arrays in file.layers.items():
        if not arrays:
            continue
        layer = _step(model, [name])
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        shapes = [tuple(v.shape) for v in variables]
        if shapes != [a.shape for a in arrays]:
            raise ValueError(
                f"layer '{name}' must get weights of the shapes {shapes}, got "
                f"{[a.shape for a in arrays]}; the file was written by another model"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array.read())
        _finalize(layer)
        trained += layer.trainable_weights
    return trained


def _matched(model, spec: ModelSpec, file: hdf5.OldFile):
    """Each layer with its arrays: by name, or in order where names are missing.

    Keras 1 wrote no name for a stack inside a model.
    """
    held = {name: arrays for name, arrays in file.layers.items() if arrays}
    named = {layer.name: layer for layer in spec.layers}
    need = [layer for layer in spec.layers if _has_weights(model, layer)]
    if held.keys() <= named.keys():
        for layer in need:
            if layer.name not in held:
                raise ValueError(
                    f"{file.name} must hold the weights of layer '{layer.name}', got none"
                )
        return [(named[name], arrays) for name, arrays in held.items()]
    if len(need) != len(held):
        raise ValueError(
            f"{file.name} must hold the weights of {', '.join(x.name for x in need)}, got those "
            f"of {', '.join(held)}"
        )
    return list(zip(need, held.values(), strict=True))


def _has_weights(model, layer: LayerSpec) -> bool:
    """Whether a layer has weights; an operation, which has none, may be a part of another."""
    if layer.is_input or layer.kind is Kind.OPERATION:
        return False
    return bool(_step(model, [layer.name]).weights)


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


def _inside(outer, spec: LayerSpec, path: Sequence[str]):
    """The layer at a path that begins with ``outer``, and what the file says of it."""
    for name in path[1:]:
        while spec.model is None:
            spec = spec.config["layer"]
        spec = next(layer for layer in spec.model.layers if layer.name == name)
    return _step(outer, path[1:]), spec


def _set(
    layer, spec: LayerSpec, arrays: Sequence[hdf5.Weight], by: Origin, notes: list[Note]
) -> list[Any]:
    """Set the weights of one layer; its trained variables, or None for each that was converted."""
    if not layer.weights and arrays and layer.built:
        notes.append(Note(layer.name, f"{len(arrays)} array(s) left out, it has no weights today"))
        return []
    _unbuilt(layer, arrays)
    shapes = [tuple(w.shape) for w in layer.weights]
    found = [weight.shape for weight in arrays]
    read = [weight.read() for weight in arrays]
    sizes = [math.prod(of[2]) if len(of) == 3 else 0 for of in (found, shapes)]
    if spec.class_name == "GRU" and len(found) == 3 and sizes[0] != sizes[1]:
        raise ValueError(_other_gru(layer.name, shapes, found))
    try:
        lengths = getattr(getattr(layer, "layer", layer), "lengths", ())
        today = weights.convert(spec, read, by, shapes, lengths)
    except (ValueError, IndexError, TypeError, KeyError) as error:
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
    _finalize(layer)
    changed = len(read) != len(today) or any(a is not b for a, b in zip(read, today, strict=True))
    if changed:
        notes.append(Note(layer.name, "weights converted to today's layout"))
    return [None if changed else w for w in layer.trainable_weights]


def _other_gru(name: str, shapes, found) -> str:
    """The error for weights of the other kind of GRU, which shows in the bias."""
    of_file = math.prod(found[2]) > math.prod(shapes[2])
    return (
        f"layer '{name}' must get weights of the shapes {shapes}, got {found}, those of a GRU with "
        f"reset_after={of_file}; build it as GRU(..., reset_after={of_file})"
    )


def _finalize(layer) -> None:
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()  # Normalization keeps what it computes of its weights


def _unbuilt(layer, arrays) -> None:
    if arrays and not layer.built:
        raise ValueError(
            f"layer '{layer.name}' must be built before it can be given weights; give the model "
            "its input_shape, or call it on a batch"
        )


def give_optimizer(
    model, arrays: Sequence[hdf5.Weight], version: tuple[int, ...], trained: Sequence[Any]
) -> list[Note]:
    """Give the optimizer the moments of the file, where they are those of today's variables."""
    optimizer = getattr(model, "optimizer", None)
    if not arrays or optimizer is None:
        return []
    variables = model.trainable_variables
    if any(v is None for v in trained) or {id(v) for v in trained} != {id(v) for v in variables}:
        return [Note("optimizer", "its state is left out, because weights were converted")]
    optimizer.build(variables)
    today = _slots(optimizer, variables, trained, by_kind=version < (2, 11) or _is_legacy(arrays))
    # First the number of steps, and perhaps the rate; last what today's optimizer has no more.
    beside = max(len(arrays) - len(today), 0)
    leading = next((i for i, a in enumerate(arrays[:beside]) if a.shape), beside)
    moments = arrays[leading : leading + len(today)]
    if [tuple(s.shape) for s in today] != [a.shape for a in moments]:
        return [Note("optimizer", "its state is left out, because today's is laid out differently")]
    for slot, weight in zip(today, moments, strict=True):
        slot.assign(weight.read())
    if leading:
        optimizer.iterations.assign(int(arrays[0].read()))
    return []


def _is_legacy(arrays: Sequence[hdf5.Weight]) -> bool:
    """Whether an optimizer is of before Keras 2.11, or of its `optimizers.legacy`."""
    return any(a.name.endswith(("/iter:0", "/iterations:0")) for a in arrays)


def _slots(optimizer, variables: Sequence[Any], trained: Sequence[Any], by_kind: bool) -> list[Any]:
    """The moments of today's optimizer in the order of the file: all of one kind, then all of the
    next, or in the order in which today's optimizer has them too."""
    slots = [v for v in optimizer.variables if v.name not in ("iteration", "learning_rate")]
    ours = {id(slot) for slot in slots}
    # An optimizer keeps a list for each kind, in the order of the variables.
    lists = [x for x in vars(optimizer).values() if isinstance(x, list) and len(x) == len(trained)]
    kinds = [x for x in lists if all(id(slot) in ours for slot in x)]
    places = {id(variable): i for i, variable in enumerate(variables)}
    order = [places[id(variable)] for variable in trained]
    if by_kind:
        return [kind[i] for kind in kinds for i in order]
    at = {id(slot): (kind, i) for kind in kinds for i, slot in enumerate(kind)}
    found = [at.get(id(slot)) for slot in slots]
    return [kind[order[i]] for kind, i in filter(None, found)]


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


def _described(layer) -> LayerSpec:
    """A layer of today in the form of `elman.legacy.specs`."""
    return _spec(keras.saving.serialize_keras_object(layer), layer.name)


def _spec(written: Mapping[str, Any], name: str | None = None) -> LayerSpec:
    """With the class that it is under any name, and the layers inside it."""
    class_name = tables.today(written["class_name"])  # CuDNNLSTM, Convolution1D, ...
    config = dict(written["config"])
    name = name or written.get("name") or config.get("name")
    if class_name in configs.MODELS:
        inner = ModelSpec(class_name, name, [_spec(one) for one in config["layers"]])
        return LayerSpec(Kind.MODEL, class_name, name, {}, model=inner)
    for key in INNER:
        if isinstance(config.get(key), Mapping):
            config[key] = _spec(config[key])
    if isinstance(config.get("cells"), list):
        config["cells"] = [_spec(one) for one in config["cells"]]
    kind = Kind.LAYER if class_name in tables.LAYERS else Kind.CUSTOM
    return LayerSpec(kind, class_name, name, config)


def save(model, path: str | os.PathLike) -> None:
    """Write the weights in the layout of Keras 1 and 2, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)  # as TensorFlow did for its checkpoints
    with whole(path) as part, h5py.File(part, "w") as root:
        _write(model, root)


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
