"""`load_model` and its like: models of every Keras since 1.0, built as today's."""

import contextlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from elman.legacy import archive, configs, hdf5, text, training
from elman.legacy.configs import Upgraded
from elman.models import old_weights
from elman.models.building import Builder, at_most, missing_functions
from elman.models.compiling import compile_as
from elman.models.model import Functional
from elman.models.sequential import Sequential

# Of a model that comes without weights: what its layers may take in numbers.
_ELEMENTS = 2**31


def load_model(
    filepath: str | os.PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    functions: Mapping[str, Callable] | None = None,
):
    """Load a model that any Keras since 1.0 has saved, with its weights and its training settings.

    Read are HDF5 files (`.h5`, `.hdf5`) of Keras 1.0 to 2.15, of tf.keras and of Keras 3, and
    `.keras` archives; what a file is is told by its content. The model means what it meant to the
    Keras that wrote it; neither TensorFlow nor Keras 2 is needed. Nothing in a file is run.

    Arguments:
        filepath: the file.
        custom_objects: classes and functions of your own by the names that the file uses.
        compile: compile the model as it was trained; a loss or metric that is nowhere to be found
            is left out with a warning.
        safe_mode: taken, so that calls of `keras.models.load_model` work, and without effect:
            byte code is never run.
        functions: for each `Lambda` layer, by its name, the function that it is.

    Returns:
        An `elman.models.Sequential` or `elman.models.Model`; from a `.keras` archive whatever
        model was saved.

    Raises:
        ValueError: the file is damaged or hostile, or it holds something that has no meaning
            today, or needs ``custom_objects`` or ``functions``; says which layer and what to do.
        OSError: there is no such file.

    Example:
        >>> import elman, pathlib, tempfile
        >>> model = elman.Sequential([elman.layers.LSTM(3, input_shape=(5, 2))])
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
        >>> model.save(path)
        >>> load_model(path).output_shape
        (None, 3)

    Source: the file formats as https://keras.io described them from version 1.0 on.
    """
    kind = hdf5.kind(filepath)
    if kind == "text":
        raise ValueError(
            f"{filepath} must hold a model with its weights, got a configuration only; do: "
            "model_from_json(text) and model.load_weights(weights_file)"
        )
    if kind == "keras":
        archive.check(filepath)
        config = archive.config(filepath)
        return _by_keras(filepath, ".keras", config, custom_objects, functions, compile)
    with hdf5.opened(filepath) as file:
        if configs.version_of(file.version) < (3,):
            return _load_old(file, Builder(custom_objects, functions), compile)[0]
        model = _by_keras(filepath, ".h5", file.config, custom_objects, functions, False)
        if compile and file.training is not None:
            # Keras's own loader refuses the names of losses that its own writer writes ("mae"),
            # and leaves the optimizer without its variables.
            compile_as(model, training.upgraded(file.training), custom_objects or {})
            old_weights.give_optimizer(model, file, model.trainable_variables)
    return model


def _by_keras(path, ending: str, config, custom_objects, functions, compile):
    """What Keras's own loader gives, which insists on an ending; its errors as of bad input."""
    named, asked = archive.named_functions(config, Path(path).name)
    missing = [layer for layer in asked if layer not in (functions or {})]
    if missing:
        code = "byte code, which is never run"
        raise missing_functions(Path(path).name, dict.fromkeys(missing, code))
    given = {name: (functions or {})[layer] for layer, name in asked.items()}
    # An .h5 names a model without its package; our own have the old methods.
    objects = {
        "Sequential": Sequential,
        "Functional": Functional,
        **(custom_objects or {}),
        **given,
    }
    try:
        if str(path).endswith(ending) and not asked:
            return keras.models.load_model(path, objects, compile, safe_mode=True)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, f"copy{ending}")
            archive.with_config(path, copy, named)
            return keras.models.load_model(copy, objects, compile, safe_mode=True)
    except (ValueError, TypeError, OSError):
        raise
    except (KeyError, AttributeError, IndexError, RuntimeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} must be a model of Keras 3, got a damaged one: {error}"
        ) from error


def _load_old(file: hdf5.OldFile, builder: Builder, compile: bool) -> tuple[Any, list[str]]:
    """The model of an old file, and what was translated."""
    if file.config is None:
        raise ValueError(
            f"{file.name} must hold a model, got weights only; build the model and do: "
            f"model.load_weights({file.name!r})"
        )
    upgraded = configs.upgraded(file.config, file.version)
    if builder.keras_own:
        configs.rescale(upgraded.config, upgraded.notes)
    model = _built(upgraded, builder, file.elements, file.name)
    origin = old_weights.origin(file)
    trained, notes = old_weights.give(model, upgraded.config, file, origin)
    notes = [*upgraded.notes, *notes]
    if compile and file.training is not None:
        trained_as = training.upgraded(file.training)
        notes += compile_as(model, trained_as, builder.custom_objects, builder.keras_own)
        notes += old_weights.give_optimizer(model, file, trained)
    return model, notes


def _built(
    upgraded: Upgraded, builder: Builder, elements: int, what: str, with_weights: bool = True
):
    missing = {
        name: holds
        for name, holds in upgraded.functions.items()
        if name not in builder.functions and not _named(holds, builder.custom_objects)
    }
    if missing:
        raise missing_functions(what, missing)
    scope = keras.saving.custom_object_scope(builder.custom_objects)
    with scope, at_most(elements, what, zeros=with_weights):
        return builder.model(upgraded.config)


def _named(holds: str, custom_objects: Mapping[str, Any]) -> bool:
    """Whether a layer's function has a name that the user gave a function for."""
    return any(holds == f"the function {name!r}" for name in custom_objects)


# Configurations without weights


def model_from_config(
    config: Mapping[str, Any],
    custom_objects: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable] | None = None,
):
    """Build a model from the dict that `get_config` or the JSON of any Keras since 1.0 gives.

    Arguments:
        config: with ``class_name`` and ``config``; ``keras_version`` says who wrote it.
        custom_objects, functions: as of `load_model`.

    Returns:
        The model, with initial weights.

    Raises:
        ValueError: as of `load_model`.

    Example:
        >>> layer = {"class_name": "LSTM", "config": {"name": "lstm_1", "output_dim": 3,
        ...          "batch_input_shape": [None, 5, 2], "inner_activation": "hard_sigmoid"}}
        >>> model = model_from_config({"class_name": "Sequential", "config": [layer],
        ...                            "keras_version": "1.2.2"})
        >>> model.output_shape
        (None, 3)
    """
    text.check(config, "a model's configuration")
    version = str(config.get("keras_version") or _guessed(config))
    if configs.version_of(version) >= (3,):
        scope = keras.saving.custom_object_scope(dict(custom_objects or {}))
        with scope, at_most(_ELEMENTS, "memory"):
            return keras.saving.deserialize_keras_object(dict(config))
    builder = Builder(custom_objects, functions)
    return _built(configs.upgraded(config, version), builder, _ELEMENTS, "memory", False)


def _guessed(config: Mapping[str, Any]) -> str:
    """Who wrote a configuration that does not say."""
    if "module" in config or "registered_name" in config:
        return "3"
    inner = config.get("config")
    layers = inner if isinstance(inner, list) else dict(inner or {}).get("layers") or []
    keras1 = {"output_dim", "nb_filter", "init", "inner_activation", "border_mode", "p", "bias"}
    settings = [layer.get("config") for layer in layers if isinstance(layer, Mapping)]
    old = any(
        isinstance(s, Mapping) and keras1 & {*s} and "embeddings_initializer" not in s
        for s in settings
    )
    return "1" if old else "2"


def model_from_json(
    json_string: str,
    custom_objects: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable] | None = None,
):
    """Build a model from what `model.to_json()` gave in any Keras since 1.0.

    Arguments, result and errors as of `model_from_config`.

    Example:
        >>> import elman
        >>> made = elman.Sequential([elman.layers.LSTM(3, input_shape=(5, 2))])
        >>> model_from_json(made.to_json()).output_shape
        (None, 3)
    """
    config = text.parse(json_string, "the model")
    if not isinstance(config, Mapping):
        raise ValueError(f"the model must be a dict in JSON, got {type(config).__name__}")
    return model_from_config(config, custom_objects, functions)


def model_from_yaml(
    yaml_string: str,
    custom_objects: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable] | None = None,
):
    """Build a model from what `model.to_yaml()` gave in Keras 1 and 2; see `model_from_json`.

    Example:
        >>> model_from_yaml('''
        ... class_name: Sequential
        ... keras_version: 2.2.4
        ... config: [{class_name: Dense, config: {units: 3, batch_input_shape: [null, 2]}}]
        ... ''').output_shape
        (None, 3)
    """
    return model_from_json(yaml_string, custom_objects, functions)


# Conversion


def convert(
    old: str | os.PathLike,
    new: str | os.PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable] | None = None,
) -> tuple[list[str], list[str]]:
    """Write an old model as a `.keras` archive, of Keras's own layers where they compute the same.

    Arguments:
        old: a file that `load_model` reads.
        new: the archive, a name that ends in ``.keras``; written whole or not at all.
        custom_objects, functions: as of `load_model`.

    Returns:
        A line for each translation; the names of the layers that are elman's, without which the
        archive opens in plain Keras 3.

    Raises:
        ValueError, OSError: as of `load_model`; ``new`` does not end in ``.keras``.

    Example:
        >>> import elman, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> model = elman.Sequential([elman.layers.LSTM(3, input_shape=(5, 2))])
        >>> model.save(folder / "old.keras")
        >>> notes, ours = convert(folder / "old.keras", folder / "new.keras")
        >>> ours
        ['lstm']
    """
    if Path(new).suffix != ".keras":
        name = Path(new).with_suffix(".keras").name
        raise ValueError(f"the new file must end in .keras, got {os.fspath(new)!r}; do: {name}")
    notes: list[str] = []
    if hdf5.kind(old) == "hdf5":
        with hdf5.opened(old) as file:
            if configs.version_of(file.version) < (3,):
                builder = Builder(custom_objects, functions, keras_own=True)
                with _warnings_as(notes):
                    model, said = _load_old(file, builder, compile=True)
                _save_whole(model, Path(new))
                return list(dict.fromkeys([*said, *notes])), builder.ours
    model = load_model(old, custom_objects, functions=functions)
    _save_whole(model, Path(new))
    inner = model._flatten_layers(include_self=False)
    return notes, [x.name for x in inner if type(x).__module__.startswith("elman.")]


@contextlib.contextmanager
def _warnings_as(notes: list[str]) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    notes += [str(w.message) for w in caught if w.category is UserWarning and "elman" in w.filename]


def _save_whole(model, path: Path) -> None:
    part = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        model.save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
