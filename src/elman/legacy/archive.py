"""The `.keras` archives of Keras 2 and 3: what is in them, read within limits."""

import contextlib
import io
import lzma
import os
import shutil
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py

from elman.legacy import archive_weights, hdf5, text
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


@contextlib.contextmanager
def weights(path: str | os.PathLike) -> Iterator[tuple[io.BytesIO, h5py.File]]:
    """The weights file in an archive that has passed `check`: its bytes, and opened.

    Names that Keras wrote with backslashes, on Windows, have slashes.
    """
    path = Path(path)
    with _opened(path) as archive, _weights(archive, path) as file:
        data = io.BytesIO(file.read())
    with hdf5.guarded(path.name):
        with h5py.File(data, "r") as root:
            of_windows = any("\\" in name for name in root)
        if of_windows:
            with h5py.File(data, "r+") as root:
                _with_slashes(root)
    with contextlib.ExitStack() as stack:
        with hdf5.guarded(path.name):
            root = stack.enter_context(h5py.File(data, "r"))
        yield data, root


def _with_slashes(root: h5py.File) -> None:
    for name in [name for name in root if "\\" in name]:
        place = root.require_group(name.replace("\\", "/"))
        for inner in [*root[name]]:
            root.move(f"{name}/{inner}", f"{place.name}/{inner}")
        del root[name]


@contextlib.contextmanager
def assets(path: str | os.PathLike) -> Iterator[Path | None]:
    """The folder of an archive's assets, unpacked until the context ends; None without any."""
    with _opened(path) as archive, tempfile.TemporaryDirectory() as folder:
        found = [part for part in archive.infolist() if _steps(part)[0] == "assets"]
        for part in found:
            target = Path(folder, *_steps(part))
            if not part.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(part) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
        yield Path(folder, "assets") if found else None


def _check_weights(file: Any, name: str) -> dict[str, tuple[int, ...]]:
    """Walk through a weights file of Keras 3; the shapes of its arrays."""
    with hdf5.guarded(name), h5py.File(file, "r") as root:
        found = archive_weights.arrays(root)
        for place, weight in found.items():
            _check_type(weight.dataset, place)
        return {place: weight.shape for place, weight in found.items()}


def _check_type(dataset: h5py.Dataset, where: str) -> None:
    """Keras writes and reads the attribute `dtype` of an array of bfloat16."""
    if "dtype" in dataset.attrs:
        attribute = dataset.attrs.get_id("dtype")
        if attribute.shape != () or attribute.dtype.itemsize > 64:
            raise Refused(f"dtype of '{where:.80}' must be a word, got {attribute.shape}")
        dataset.attrs["dtype"]  # its text may be damaged
