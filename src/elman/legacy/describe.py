"""What is in a model file: told from the file alone, without building the model."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elman.legacy import archive, archive_weights, configs, hdf5, text, training
from elman.legacy.hdf5 import Weight
from elman.legacy.specs import LayerSpec, ModelSpec, call_with

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A layer: its name, its class with what is inside it, the shapes of its weights."""

    name: str
    kind: str
    shapes: list[Shape]

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes)


@dataclass
class Description:
    """What `elman info` tells of a file.

    Attributes:
        path: the file.
        kind: what it is, in words.
        version, backend: of the Keras that wrote it.
        inputs: the shapes of the inputs, the batch axis included, where the file says them.
        rows: the layers.
        translated: a line for each translation that loading it makes.
        training: the optimizer, losses and metrics, in words.
        problems: what keeps it from being loaded, and what to do.
    """

    path: str
    kind: str
    version: str
    backend: str = ""
    inputs: list[tuple[Any, ...]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    translated: list[str] = field(default_factory=list)
    training: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)


def describe(path: str | os.PathLike) -> Description:
    """Tell what is in a file of any Keras: a model, a configuration, or weights.

    Raises:
        ValueError: it is damaged or hostile, or none of these.
        OSError: there is no such file.
    """
    kind = hdf5.kind(path)
    if kind == "keras":
        return _archive(path)
    if kind == "text":
        return _configuration(Path(path))
    if hdf5.is_keras3_weights(path):
        return _weights_of_keras3(path)
    with hdf5.opened(path) as file:
        return _old(str(path), file)


def _old(path: str, file: hdf5.OldFile) -> Description:
    whole = file.config is not None
    found = Description(
        path, "model, HDF5" if whole else "weights, HDF5", _version(file.version), file.backend
    )
    model = _model(found, file.config, file.version) if whole else None
    found.rows = _rows(_classes(model), file.layers)
    if whole and file.training is not None:
        _training(found, file.training)
    return found


def _version(version: str) -> str:
    return "1.0 (the file does not say)" if version == "1" else version


def _model(found: Description, config: Any, version: str) -> ModelSpec | None:
    """Add what the configuration says, and give it; None where it cannot be read."""
    try:
        upgraded = configs.upgraded(config, version)
    except ValueError as error:
        found.problems.append(str(error))
        return None
    found.translated += map(str, upgraded.notes)
    found.problems += [
        f"{one}; hand it in: load_model(path, {call_with([one])})" for one in upgraded.needed
    ]
    inputs = [layer for layer in upgraded.model.layers if layer.is_input]
    shapes = [layer.config.get("batch_shape") for layer in inputs]
    found.inputs = [tuple(shape) for shape in shapes if shape is not None]
    return upgraded.model


def _classes(model: ModelSpec | None) -> dict[str, str]:
    """The class of each layer, by its name."""
    layers = model.layers if model is not None else []
    return {layer.name: _kind(layer) for layer in layers if not layer.is_input}


def _kind(layer: LayerSpec) -> str:
    """A class with what is inside it, e.g. "Bidirectional(LSTM)"."""
    if layer.written is not None and layer.model is None:
        return _name_of_keras3(layer.written)
    inner = [one for one in layer.inner() if not one.is_input]
    name = layer.class_name
    return f"{name}({', '.join(map(_kind, inner))})" if inner else name


def _rows(classes: Mapping[str, str], layers: Mapping[str, Iterable[Weight]]) -> list[Row]:
    names = [*classes, *(name for name in layers if name not in classes)]
    shapes = {name: [w.shape for w in weights] for name, weights in layers.items()}
    shown = [name for name in names if name in classes or shapes.get(name)]
    return [Row(name, classes.get(name, ""), shapes.get(name, [])) for name in shown]


def _training(found: Description, written: Any) -> None:
    try:
        trained = training.upgraded(written)
    except ValueError as error:
        found.problems.append(str(error))
        return
    found.translated += trained.notes
    optimizer = trained.optimizer or {}
    parts = [("optimizer", optimizer), ("loss", trained.loss), ("metrics", trained.metrics),
             ("loss weights", trained.loss_weights)]  # fmt: skip
    found.training = [f"{name}: {_short(value)}" for name, value in parts if value]


def _short(value: Any) -> str:
    """Losses and metrics by their names."""
    if isinstance(value, Mapping) and "class_name" in value:
        return str(value["class_name"])
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_short(item)}" for name, item in value.items())
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)


def _configuration(path: Path) -> Description:
    config = text.parse(path.read_bytes(), str(path))
    if not isinstance(config, Mapping) or not {"class_name", "config"} & {*config}:
        raise ValueError(f"{path} must be a model or the configuration of one, got other data")
    version = str(config.get("keras_version", "2"))
    found = Description(str(path), "configuration without weights", version)
    found.rows = _rows(_classes(_model(found, config, version)), {})
    return found


# Keras 3


def _archive(path: str | os.PathLike) -> Description:
    archive.check(path)
    version, config = archive.version(path), archive.config(path)
    found = Description(str(path), "model, .keras archive", version)
    model = _model(found, config, version)
    with archive.weights(path) as (_, root):
        held = archive_weights.arrays(root)
        shapes = {place: weight.shape for place, weight in held.items()}
        if model is None:
            found.rows = _by_folder(shapes)
        else:
            found.rows = _by_layer(found, model, held)
    if isinstance(config.get("compile_config"), Mapping):
        _training(found, config["compile_config"])
    return found


def _weights_of_keras3(path: str | os.PathLike) -> Description:
    found = Description(str(path), "weights, HDF5 of Keras 3", "3")
    found.rows = _by_folder(archive.arrays(path))
    return found


def _name_of_keras3(layer: Mapping[str, Any]) -> str:
    name = str(layer.get("registered_name") or layer["class_name"])
    name = name.replace(">", ".") if name.startswith("elman>") else str(layer["class_name"])
    inner = layer["config"].get("layer")
    if isinstance(inner, Mapping) and isinstance(inner.get("config"), Mapping):
        return f"{name}({_name_of_keras3(inner)})"
    return name


def _by_layer(found: Description, model: ModelSpec, held: archive_weights.Arrays) -> list[Row]:
    """Rows of the arrays of an archive by the layers they belong to."""
    try:
        placed = archive_weights.places(model, held)
    except ValueError as error:
        found.problems.append(str(error))
        placed = {}
    of_layers = {
        name: [weight for weights in paths.values() for weight in weights]
        for name, paths in placed.items()
    }
    return _rows(_classes(model), of_layers)


def _by_folder(arrays: Mapping[str, Shape]) -> list[Row]:
    """Rows of the arrays below `layers/NAME/`; those of the optimizer are left out."""
    held: dict[str, list[Shape]] = {}
    for place, shape in sorted(arrays.items()):
        first, _, rest = place.partition("/")
        if first in ("layers", "_layer_checkpoint_dependencies") and rest:
            held.setdefault(rest.split("/")[0], []).append(shape)
    return [Row(name, "", shapes) for name, shapes in held.items()]
