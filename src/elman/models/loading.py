"""`load_model` and its like: models of every Keras since 1.0, built as today's."""

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from elman._keras_private import load_state, reading
from elman.layers.crf import losses_of
from elman.legacy import allowed, archive, archive_weights, configs, hdf5, keras3, text, training
from elman.legacy.specs import Note, missing
from elman.legacy.weights import Origin
from elman.models import old_weights
from elman.models.building import Builder
from elman.models.compiling import compile_as

# Of a model that comes without weights: what its layers may take in numbers.
_ELEMENTS = 2**29
_LETTERS = 1800  # of an error


def load_model(
    filepath: str | os.PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    functions: Mapping[str, Callable] | None = None,
):
    """Load a model that any Keras since 1.0 has saved, with its weights and its training settings.

    Read are HDF5 files (`.h5`, `.hdf5`) of Keras 1.0 to 2.15, of tf.keras and of Keras 3, and
    `.keras` archives of Keras 2.11 and later; what a file is is told by its content. The model
    means what it meant to the Keras that wrote it; neither TensorFlow nor Keras 2 is needed.
    Nothing in a file is run, and a file may name only what Keras and elman have to build models of.

    Arguments:
        filepath: the file.
        custom_objects: classes and functions of your own by the names that the file uses. They win
            over what Keras and elman have under the same name.
        compile: compile the model as it was trained; a loss or metric that is nowhere to be found
            is left out with a warning.
        safe_mode: taken, so that calls of `keras.models.load_model` work, and without effect:
            byte code is never run.
        functions: for each `Lambda` layer, by its name, the function that it is.

    Returns:
        An `elman.models.Sequential` or `elman.models.Model`; of a model of your own class that.

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
    return load(filepath, Builder(custom_objects, functions), compile)[0]


Warn = Callable[[str], None]


def load(
    path: str | os.PathLike, builder: Builder, compile: bool, warn: Warn | None = None
) -> tuple[Any, list[Note]]:
    """The model of a file, and what was translated; ``warn`` takes what would be a warning."""
    with _refusing(f"{path}"):
        return _load(path, builder, compile, warn)


@contextlib.contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Whatever is raised over a file is one `ValueError`, of a length that one can read."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        words = str(error) or type(error).__name__
        if isinstance(error, ValueError) and len(words) <= _LETTERS:
            raise
        damaged = "" if isinstance(error, ValueError) else f"{what:.200} is damaged: "
        raise ValueError(f"{damaged}{words:.{_LETTERS - 300}}") from error


def _load(
    path: str | os.PathLike, builder: Builder, compile: bool, warn: Warn | None
) -> tuple[Any, list[Note]]:
    kind = hdf5.kind(path)
    if kind == "text":
        raise ValueError(
            f"{path} must hold a model with its weights, got a configuration only; do: "
            "model_from_json(text) and model.load_weights(weights_file)"
        )
    if kind == "keras":
        return _load_archive(path, builder, compile, warn)
    with hdf5.opened(path) as file:
        if file.config is None:
            raise ValueError(
                f"{file.name} must hold a model, got weights only; build the model and do: "
                f"model.load_weights({file.name!r})"
            )
        return _load_hdf5(file, builder, compile, warn)


def _load_hdf5(
    file: hdf5.OldFile, builder: Builder, compile: bool, warn: Warn | None
) -> tuple[Any, list[Note]]:
    upgraded = configs.upgraded(file.config, file.version, builder.given, builder.functions)
    of_keras3 = configs.version_of(file.version) >= (3,)
    if builder.keras_own and not of_keras3:
        configs.rescale(upgraded.model, upgraded.notes)
    model = builder.build(upgraded, file.elements, file.name, zeros=True)
    notes = upgraded.notes
    if of_keras3:
        trained = old_weights.give_as_today(model, file)
    else:
        origin = old_weights.origin(file)
        placed = old_weights.by_layer(model, upgraded.model, file, origin)
        trained, said = old_weights.give(model, upgraded.model, placed, origin)
        notes += said
    if compile and file.training is not None:
        allowed.unknown_in_training(file.training, builder.given)
        trained_as = training.upgraded(file.training)
        notes += compile_as(model, trained_as, builder.custom_objects, builder.keras_own, warn)
        version = configs.version_of(file.version)
        notes += old_weights.give_optimizer(model, file.optimizer, version, trained)
    return model, notes


# Archives


def _load_archive(
    path, builder: Builder, compile: bool, warn: Warn | None
) -> tuple[Any, list[Note]]:
    archive.check(path)
    config, name = keras3.named(archive.config(path)), Path(path).name
    version = configs.version_of(archive.version(path))
    with archive.weights(path) as (data, root):
        held = archive_weights.arrays(root)
        elements = sum(math.prod(w.shape) for p, w in held.items() if p[:10] != "optimizer/")
        if version < (3,):
            with archive.assets(path) as folder:
                return _of_keras2(
                    config, version, held, elements, name, folder, builder, compile, warn
                )
        if keras3.is_model(config, builder.given):
            upgraded = configs.upgraded(config, "3", builder.given, builder.functions)
            model = builder.build(upgraded, elements, name, zeros=True)
        else:
            model = _of_a_class(config, builder, name)
        settings = config.get("compile_config")
        if compile and settings:
            _compile(model, settings, builder, warn)
        with archive.assets(path) as folder:
            load_state(model, data, folder)
    return model, []


def _of_keras2(
    config, version: tuple[int, ...], held: archive_weights.Arrays, elements: int, name: str,
    assets: Path | None, builder: Builder, compile: bool, warn: Warn | None,
) -> tuple[Any, list[Note]]:  # fmt: skip
    """The model of an archive that Keras 2.11 to 2.15 wrote."""
    written = ".".join(map(str, version))
    upgraded = configs.upgraded(config, written, builder.given, builder.functions)
    if builder.keras_own:
        configs.rescale(upgraded.model, upgraded.notes)
    model = builder.build(upgraded, elements, name, zeros=True)
    placed = archive_weights.places(upgraded.model, held)
    old_weights.check_all_there(model, upgraded.model, placed, name)
    trained, notes = old_weights.give(model, upgraded.model, placed, Origin(version))
    old_weights.give_vocabularies(model, upgraded.model, assets)
    notes = upgraded.notes + notes
    if compile and config.get("compile_config"):
        allowed.unknown_in_training(config["compile_config"], builder.given)
        trained_as = training.upgraded(config["compile_config"])
        notes += compile_as(model, trained_as, builder.custom_objects, builder.keras_own, warn)
        optimizer = archive_weights.optimizer(held)
        notes += old_weights.give_optimizer(model, optimizer, version, trained)
    return model, notes


def _of_a_class(config: Mapping[str, Any], builder: Builder, what: str):
    """A model of a class that the caller gives, which builds itself of its configuration."""
    class_name, registered = config.get("class_name"), config.get("registered_name")
    needed = allowed.unknown(config, builder.given, f"{class_name!s:.80}")
    if not needed and not {class_name, registered} & {*builder.given}:
        raise ValueError(f"{what} must hold a model, got a {class_name!s:.80}")
    if needed:
        raise missing(what, needed)
    plain = {key: value for key, value in config.items() if key != "compile_config"}
    with keras.saving.custom_object_scope(builder.custom_objects), reading():
        return keras.saving.deserialize_keras_object(plain)


def _compile(model, settings: Mapping[str, Any], builder: Builder, warn: Warn | None) -> None:
    """Compile a model as Keras 3 wrote it; what nobody knows is named in one warning."""
    unknown = allowed.unknown_in_training(settings, builder.given)
    if unknown:
        names = ", ".join(dict.fromkeys(f"{one.name!r:.80}" for one in unknown[:5]))
        words = (
            f"{names} of the file is not known, and the model is not compiled; call "
            "model.compile(...) before training. Functions of your own are taken from "
            "custom_objects={'name': function}."
        )
        warn(words) if warn else warnings.warn(words, stacklevel=5)
        return
    scope = keras.saving.custom_object_scope(builder.custom_objects)
    with scope, reading(), losses_of(model):
        model.compile_from_config(dict(settings))


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
    with _refusing("the configuration"):
        return _of_config(config, Builder(custom_objects, functions))


def _of_config(config: Mapping[str, Any], builder: Builder):
    text.check(config, "a model's configuration")
    version = str(config.get("keras_version") or _guessed(config))
    if configs.version_of(version) >= (3,):
        config = keras3.named(config)
        if not keras3.is_model(config, builder.given):
            return _of_a_class(config, builder, "the configuration")
    upgraded = configs.upgraded(config, version, builder.given, builder.functions)
    return builder.build(upgraded, _ELEMENTS, "memory", zeros=False)


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
