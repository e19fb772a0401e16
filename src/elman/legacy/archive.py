"""The files of Keras 3 before Keras reads them: sizes, depths, links and byte code."""

import contextlib
import copy
import io
import json
import lzma
import os
import shutil
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py

from elman.legacy import hdf5, text
from elman.legacy.hdf5 import Refused

WEIGHTS = "model.weights.h5"
MEMBERS = 10_000
# Keras stores the parts of an archive without compression.
GROWTH, GROWTH_FREE = 20, 64 * 2**20

# Whatever Python's zipfile and what it unpacks with raise over a damaged archive.
_DAMAGE = (
    zipfile.BadZipFile, EOFError, RuntimeError, KeyError, zlib.error, lzma.LZMAError, struct.error,
    OSError, UnicodeError, OverflowError,
)  # fmt: skip


def check(path: str | os.PathLike) -> None:
    """Refuse a `.keras` archive that is damaged, or larger inside than outside.

    Raises:
        Refused: says what is wrong.
    """
    name = Path(path).name
    with _opened(path) as archive:
        found = [_json(archive, part, name) for part in ("config.json", "metadata.json")]
    for value, part in zip(found, ("config.json", "metadata.json"), strict=True):
        if not isinstance(value, dict):
            raise Refused(f"{part} of {name} must be a dict, got {type(value).__name__}")
    arrays(path)


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[zipfile.ZipFile]:
    """An archive whose parts have places of their own, and are as large as what they come from.

    The parts are those of Keras and assets, of which Keras makes files. An archive within the
    archive is bytes like others.
    """
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive.infolist(), os.path.getsize(path), name)
            yield archive
    except (Refused, FileNotFoundError, PermissionError):
        raise
    except _DAMAGE as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise Refused(
            f"{name} must be a whole .keras archive, got a damaged one: {why:.200}"
        ) from error


def _check_parts(parts: Sequence[zipfile.ZipInfo], size: int, name: str) -> None:
    if len(parts) > MEMBERS:
        raise Refused(f"{name} must have at most {MEMBERS} parts, got {len(parts)}")
    places: set[tuple[str, ...]] = set()
    for part in parts:
        steps, shown = _steps(part), f"{part.filename!r:.80}"
        if steps in places:
            raise Refused(f"{name} must have each part once, got {shown} twice")
        if ".." in steps or "" in steps or ":" in steps[0]:
            raise Refused(f"{name} must keep to its own folder, got {shown}")
        if len(steps) > text.DEPTH or max(map(len, steps)) > 200:
            raise Refused(f"{name} must have parts with names as files have, got {shown}")
        if part.flag_bits & 1:
            raise Refused(f"{name} must not need a password, got {shown}, which does")
        if stat.S_ISLNK(part.external_attr >> 16):
            raise Refused(f"{name} must be made of files, got {shown}, a link")
        places.add(steps)
    files = {_steps(part) for part in parts if not part.is_dir()}
    for steps in places:
        if any(steps[:i] in files for i in range(1, len(steps))):
            raise Refused(
                f"{name} must have folders that are no files, got {'/'.join(steps)!r:.80}"
            )
    total = sum(part.file_size for part in parts)
    if total > GROWTH_FREE + GROWTH * size:
        largest = max(parts, key=lambda part: part.file_size)
        raise Refused(
            f"{name} must be about as large as what is in it, got {total} bytes in {size}, most "
            f"of them in {largest.filename!r:.80}"
        )


def _steps(part: zipfile.ZipInfo) -> tuple[str, ...]:
    return tuple(part.filename.replace("\\", "/").rstrip("/").split("/"))


def _json(archive: zipfile.ZipFile, part: str, name: str) -> Any:
    found = archive.getinfo(part)
    if found.file_size > text.SIZE:
        raise Refused(f"{part} of {name} must be at most {text.SIZE} bytes")
    try:
        return text.parse(archive.read(found), f"{part} of {name}")
    except ValueError as error:
        raise Refused(str(error)) from None


def config(path: str | os.PathLike) -> dict[str, Any]:
    """The configuration of the model in a `.keras` archive."""
    name = Path(path).name
    with _opened(path) as archive:
        value = _json(archive, "config.json", name)
    if not isinstance(value, dict):
        raise Refused(f"config.json of {name} must be a dict, got {type(value).__name__}")
    return value


def version(path: str | os.PathLike) -> str:
    """The Keras that wrote a `.keras` archive."""
    name = Path(path).name
    with _opened(path) as archive:
        value = _json(archive, "metadata.json", name)
    found = value.get("keras_version") if isinstance(value, dict) else None
    if not isinstance(found, str) or len(found) > 40:
        raise Refused(f"keras_version in metadata.json of {name} must be a version, got none")
    return found


def arrays(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """The shape of each array in a `.keras` archive or a `.weights.h5`, by its place in it.

    Raises:
        Refused: the archive or the file of weights is damaged or hostile.
    """
    path = Path(path)
    if hdf5.has_heaps(path) or _is_packed(path):
        hdf5.try_elsewhere(path, "from elman.legacy.archive import probe; probe()")
    return _arrays(path)


def check_weights(path: str | os.PathLike) -> None:
    """Refuse damaged or hostile weights of Keras 3, in one file or in those that an index names.

    Raises:
        Refused: says what is wrong.
    """
    path = Path(path)
    if hdf5.kind(path) != "text":
        arrays(path)
        return
    index = text.parse(path.read_bytes(), str(path))
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise Refused(f"{path.name} must be the index of a model's weights, with weight_map")
    found = [name if isinstance(name, list) else [name] for name in shards.values()]
    for name in dict.fromkeys(str(name) for names in found for name in names):
        if Path(name).name != name or "\\" in name:
            raise Refused(f"{path.name} must name files beside it, got {name!r:.80}")
        arrays(path.with_name(name))


def probe() -> None:
    """Read the archive or weights file that the command line names, all but its arrays."""
    path = Path(sys.argv[1])
    with hdf5.limited(path):
        _arrays(path)


def _arrays(path: Path) -> dict[str, tuple[int, ...]]:
    if hdf5.kind(path) != "keras":
        with path.open("rb") as file:
            return _check_weights(file, path.name)
    with _opened(path) as archive, _weights(archive, path) as file:
        return _check_weights(file, path.name)


def _is_packed(path: Path) -> bool:
    """Whether the weights are compressed, so that one does not see what is in them."""
    if hdf5.kind(path) != "keras":
        return False
    with _opened(path) as archive:
        return archive.getinfo(WEIGHTS).compress_type != zipfile.ZIP_STORED


@contextlib.contextmanager
def _weights(archive: zipfile.ZipFile, path: Path) -> Iterator[Any]:
    """The weights of an archive as a file; stored ones are left where they are."""
    part = archive.getinfo(WEIGHTS)
    with archive.open(part) as member:  # sees that it is where the list of parts says
        if part.compress_type != zipfile.ZIP_STORED:
            yield io.BytesIO(member.read())
            return
    with path.open("rb") as file:
        file.seek(part.header_offset + 26)
        lengths = struct.unpack("<HH", file.read(4))  # of the name and of what follows it
        start = part.header_offset + 30 + sum(lengths)
        yield io.BufferedReader(_Piece(file, start, part.file_size))


class _Piece(io.RawIOBase):
    """Part of a file as a file, to be read."""

    def __init__(self, file: Any, start: int, size: int):
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(self._size - self._at, 0))
        self._file.seek(self._start + self._at)
        read = self._file.readinto(memoryview(buffer)[:wanted])
        self._at += read
        return read


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
    """Write a copy of a file of Keras 3, `.keras` or `.h5`, with another configuration.

    In the copy of an archive the names that Keras wrote with backslashes, on Windows, have slashes,
    without which Keras does not find them elsewhere.
    """
    if hdf5.kind(path) != "keras":
        shutil.copy(path, target)
        with h5py.File(target, "a") as root:
            root.attrs["model_config"] = json.dumps(config)
        return
    windows = any("\\" in place for place in arrays(path))
    with _opened(path) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            place = part.filename.replace("\\", "/")
            if place == "config.json":
                new.writestr(place, json.dumps(config))
            elif place == WEIGHTS and windows:
                new.writestr(place, _with_slashes(old.read(part)))
            elif not part.is_dir():
                with old.open(part) as source, new.open(place, "w", force_zip64=True) as copy:
                    shutil.copyfileobj(source, copy)


def is_of_windows(path: str | os.PathLike) -> bool:
    """Whether an archive has names with backslashes, so that Keras reads a copy only."""
    with _opened(path) as archive:
        names = archive.namelist()
    return any("\\" in name for name in [*names, *arrays(path)])


def _with_slashes(data: bytes) -> bytes:
    file = io.BytesIO(data)
    with hdf5.guarded(WEIGHTS), h5py.File(file, "r+") as root:
        for name in [name for name in root if "\\" in name]:
            place = root.require_group(name.replace("\\", "/"))
            for inner in [*root[name]]:
                root.move(f"{name}/{inner}", f"{place.name}/{inner}")
            del root[name]
    return file.getvalue()


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
            if len(group) > hdf5.LAYERS:
                raise Refused(f"{name} must have at most {hdf5.LAYERS} names in a group, got more")
            for key in group:
                where = f"{path}{key}"
                if depth > text.DEPTH or len(found) + len(groups) > hdf5.WEIGHTS:
                    raise Refused(f"{name} must be a file of weights, got one without end")
                if ".." in key.split("\\"):
                    raise Refused(f"{name} must keep to its own groups, got {where!r:.80}")
                if isinstance(group[key] if hdf5.is_inside(group, key) else None, h5py.Group):
                    groups.append((f"{where}/", group[key], depth + 1))
                else:
                    dataset = hdf5.dataset(group, key)
                    _check_type(dataset, where)
                    weights.append(hdf5.Weight(where, dataset))
                    found[where] = dataset.shape
        hdf5.check_size(weights, root.id.get_filesize())
        return found


def _check_type(dataset: h5py.Dataset, where: str) -> None:
    """Keras writes and reads the attribute `dtype` of an array of bfloat16."""
    if "dtype" in dataset.attrs:
        attribute = dataset.attrs.get_id("dtype")
        if attribute.shape != () or attribute.dtype.itemsize > 64:
            raise Refused(f"dtype of '{where:.80}' must be a word, got {attribute.shape}")
        dataset.attrs["dtype"]  # its text may be damaged
