"""The files of Keras 3 before Keras reads them: sizes, depths, links and byte code."""

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from elman.legacy import archive_weights, hdf5, text
from elman.legacy.hdf5 import Refused

_WEIGHTS = "model.weights.h5"
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
    with weights(path) as (_, root):
        return {place: found.shape for place, found in archive_weights.arrays(root).items()}


@contextlib.contextmanager
def weights(path: str | os.PathLike) -> Iterator[tuple[bytes, h5py.File]]:
    """The weights file in a `.keras` archive: its bytes, and opened."""
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(_WEIGHTS)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise _damaged(name, error) from error
    with contextlib.ExitStack() as stack:
        with hdf5.guarded(name):
            root = stack.enter_context(h5py.File(io.BytesIO(data), "r"))
        yield data, root


@contextlib.contextmanager
def assets(path: str | os.PathLike) -> Iterator[Path | None]:
    """The assets of a `.keras` archive, unpacked into a folder until the context ends."""
    with zipfile.ZipFile(path) as archive:
        found = [part for part in archive.infolist() if part.filename.startswith("assets/")]
        if not found:
            yield None
            return
        with tempfile.TemporaryDirectory() as folder:
            archive.extractall(folder, found)
            yield Path(folder, "assets")


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
