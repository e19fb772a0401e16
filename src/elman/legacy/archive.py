"""The files of Keras 3 before Keras reads them: sizes, depths, links and byte code."""

import copy
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from elman.legacy import hdf5, text
from elman.legacy.hdf5 import Refused

PARTS = ("config.json", "metadata.json", "model.weights.h5")
# Keras stores the parts of an archive without compression.
GROWTH, GROWTH_FREE = 20, 64 * 2**20


def check(path: str | os.PathLike) -> None:
    """Refuse a `.keras` archive that is damaged, or larger inside than outside.

    Raises:
        Refused: says what is wrong.
    """
    name = Path(path).name
    config(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for part in archive.infolist():
                if part.filename.startswith("/") or ".." in part.filename.split("/"):
                    raise Refused(f"{name} must keep to its own folder, got {part.filename!r}")
                if part.file_size > GROWTH_FREE + GROWTH * part.compress_size:
                    raise Refused(
                        f"{name} must be about as large as what is in it, got {part.file_size} "
                        f"bytes of {part.filename} in {part.compress_size}"
                    )
            if "model.weights.h5" in archive.namelist():
                data = io.BytesIO(archive.read("model.weights.h5"))
                _check_weights(data, name)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> Refused:
    return Refused(f"{name} must be a whole .keras archive, got a damaged one: {error}")


def config(path: str | os.PathLike) -> dict[str, Any]:
    """The configuration of the model in a `.keras` archive."""
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.getinfo("config.json")
            if found.file_size > text.SIZE:
                raise Refused(f"config.json of {name} must be at most {text.SIZE} bytes")
            written = archive.read(found)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise _damaged(name, error) from error
    value = text.parse(written, f"config.json of {name}")
    if not isinstance(value, dict):
        raise Refused(f"config.json of {name} must be a dict, got {type(value).__name__}")
    return value


def version(path: str | os.PathLike) -> str:
    """The Keras that wrote a `.keras` archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise _damaged(Path(path).name, error) from error


def arrays(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """The shape of each array in a `.keras` archive or a `.weights.h5`, by its place in it."""
    name = Path(path).name
    if not zipfile.is_zipfile(path):
        return _check_weights(path, name)
    with zipfile.ZipFile(path) as archive:
        return _check_weights(io.BytesIO(archive.read("model.weights.h5")), name)


def named_functions(config: Any, name: str) -> tuple[Any, dict[str, str]]:
    """The configuration with a name in the place of the byte code of each `Lambda` layer.

    Returns:
        The configuration, and for each such layer the name of the function it now asks for.

    Raises:
        Refused: byte code that is not a Lambda layer's function.

    >>> code = {"class_name": "__lambda__", "config": {"code": "4wEA"}}
    >>> layer = {"class_name": "Lambda", "config": {"name": "twice", "function": code}}
    >>> named_functions({"layers": [layer]}, "model.keras")[1]
    {'twice': 'function of twice'}
    """
    config, asked = copy.deepcopy(config), {}
    for value in _dicts(config):
        settings = value.get("config")
        if value.get("class_name") != "Lambda" or not isinstance(settings, dict):
            continue
        if _is_code(settings.get("function")) or settings.get("function_type") == "lambda":
            layer = str(settings.get("name"))
            asked[layer] = f"function of {layer}"
            settings.pop("function_type", None)
            settings["function"] = {
                "module": "builtins",
                "class_name": "function",
                "config": asked[layer],
                "registered_name": "function",
            }
    if any(_is_code(value) for value in _dicts(config)):
        raise Refused(
            f"{name} holds byte code outside a Lambda layer's function, which is never run; build "
            "the model in Python and do: model.load_weights(file)"
        )
    return config, asked


def with_config(path: str | os.PathLike, target: Path, config: Any) -> None:
    """Write a copy of a file of Keras 3, `.keras` or `.h5`, with another configuration."""
    if not zipfile.is_zipfile(path):
        shutil.copy(path, target)
        with h5py.File(target, "a") as root:
            root.attrs["model_config"] = json.dumps(config)
        return
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            same = old.read(part) if part.filename != "config.json" else json.dumps(config)
            new.writestr(part.filename, same)


def _is_code(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__lambda__"


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every dict in a structure."""
    if isinstance(value, Mapping):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value
    for item in inner if isinstance(value, Mapping | list | tuple) else ():
        yield from _dicts(item)


def _check_weights(file: Any, name: str) -> dict[str, tuple[int, ...]]:
    """Walk through a weights file of Keras 3; the shapes of its arrays."""
    with hdf5.guarded(name), h5py.File(file, "r") as root:
        found: dict[str, tuple[int, ...]] = {}
        groups = [("", root, 0)]
        weights = []
        while groups:
            path, group, depth = groups.pop()
            for key in hdf5.some_keys(group):
                where = f"{path}{key}"
                if depth > text.DEPTH or len(found) + len(groups) > hdf5.WEIGHTS:
                    raise Refused(f"{name} must be a file of weights, got one without end")
                if isinstance(group[key] if hdf5.is_inside(group, key) else None, h5py.Group):
                    groups.append((f"{where}/", group[key], depth + 1))
                else:
                    dataset = hdf5.dataset(group, key)
                    weights.append(hdf5.Weight(where, dataset))
                    found[where] = dataset.shape
        hdf5.check_size(weights, root.id.get_filesize())
        return found
