"""Old HDF5 model files, read within limits: nothing is run, nothing outside the file is opened.

Keras up to version 2.15 wrote the configuration and the training configuration as JSON into
attributes, and the weights as a group for each layer: `layer_names` of the group that holds them,
`weight_names` of each layer. A file of weights only has that group at its root.
"""

import contextlib
import functools
import math
import mmap
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from elman.legacy import limits, text

WEIGHTS = 100_000
CHUNKS = 10_000  # of an attribute too long for one
# A compressed array is believed when it grows at most so much, beside a little for zeros.
GROWTH, GROWTH_FREE = 20, 64 * 2**20

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
}

# Whatever HDF5 and h5py raise over a damaged file.
_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, UnicodeError, AttributeError)


class Refused(ValueError):
    """A file that is damaged, foreign or hostile; the message says which and where."""


@dataclass(frozen=True)
class Weight:
    """An array of the file, not read yet."""

    name: str
    dataset: h5py.Dataset = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.dataset.shape

    def read(self) -> np.ndarray:
        """The array itself."""
        with guarded(f"weight '{self.name}'"):
            return np.asarray(self.dataset[()])


@dataclass(frozen=True)
class OldFile:
    """What an old file holds.

    Attributes:
        name: of the file, for messages.
        version: of the Keras that wrote it, e.g. "2.2.4-tf"; "1" where the file does not say.
        backend: "tensorflow", "theano" or "cntk".
        config: of the model, as it was written; None in a file of weights only.
        training: the training configuration; None where the model was not compiled.
        layers: the weights of each layer, in the order of the file.
        optimizer: the weights of the optimizer.
    """

    name: str
    version: str
    backend: str
    config: Any
    training: Any
    layers: dict[str, list[Weight]]
    optimizer: list[Weight]

    @property
    def elements(self) -> int:
        """How many numbers the weights are."""
        return sum(math.prod(w.shape) for weights in self.layers.values() for w in weights)


def kind(path: str | os.PathLike) -> str:
    """What a file is, by its content: "hdf5", "keras" (a `.keras` archive), "text".

    Raises:
        OSError: there is no such file.
        Refused: a folder, or a file that is none of these; says what to do.
    """
    path = Path(path)
    if path.is_dir():
        raise Refused(
            f"{path} must be a file, got a folder; if it is a TensorFlow SavedModel, load it with "
            "TensorFlow 2.15 and save it there as .h5, which elman reads"
        )
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"PK\x03\x04"):  # first: weights inside may lie where HDF5 looks for files
        return "keras"
    if start.startswith(b"\x89HDF\r\n\x1a\n") or h5py.is_hdf5(path):
        return "hdf5"
    if start.lstrip().startswith((b"{", b"[")) or path.suffix in (".json", ".yaml", ".yml"):
        return "text"
    index = path.with_name(path.name + ".index")
    hint = "it is empty" if not start else "it is none of these"
    if index.exists() or ".ckpt" in path.name:
        hint = "it looks like a TensorFlow checkpoint, which only TensorFlow reads"
    raise Refused(f"{path} must be an HDF5 file, a .keras archive, JSON or YAML; {hint}")


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[OldFile]:
    """Open an old file; its arrays can be read until the context ends.

    Raises:
        Refused: the file is damaged or hostile, or not written by Keras.
    """
    name = Path(path).name
    with contextlib.ExitStack() as stack:
        if has_heaps(path):
            try_elsewhere(path)
        with guarded(name):
            root = stack.enter_context(h5py.File(path, "r"))
            found = _contents(root, name, os.path.getsize(path))
        yield found


@contextlib.contextmanager
def guarded(where: str) -> Iterator[None]:
    try:
        yield
    except Refused:
        raise
    except _DAMAGE as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise Refused(
            f"{where} must be a whole HDF5 file of Keras, got a damaged one: {why}"
        ) from error


# Text of variable length lies in heaps of the file. Over a damaged one HDF5's library allocates
# whatever length is written there, or never returns; so another process reads such files first.

PROBE = "from elman.legacy.hdf5 import probe; probe()"
PROBE_BYTES = 2**30
PROBE_SECONDS = 20  # of processor time, however busy the machine is
PROBE_WAIT = 600  # seconds; without processor time only a machine that stands still takes them


def try_elsewhere(path: str | os.PathLike, code: str = "") -> None:
    """Read a file in a process of its own, with limits, before it is read here.

    Raises:
        Refused: what that process says of it, or that it ended without a word, or not in time.
    """
    name = Path(path).name
    # -P: no module of the folder that we are in, which may be the file's.
    command = [sys.executable, "-P", "-c", code or PROBE, str(path), str(PROBE_SECONDS)]
    paths = os.pathsep.join(filter(None, sys.path))
    # BLAS takes memory for each thread, and none is needed.
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=PROBE_WAIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"{name} must be read by another process first, got no answer within {PROBE_WAIT} "
            "seconds: the time was over; do: try again when the machine is less busy"
        ) from None
    if _TOO_LONG and done.returncode == -_TOO_LONG:
        raise Refused(
            f"{name} must be read within {PROBE_SECONDS} seconds of processor time, got one that "
            "takes longer: the time was over, as over text that is damaged"
        )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        crashed = f"{name} must be a whole HDF5 file, got one that crashes HDF5's library"
        raise Refused(said[-1] if said else crashed)


# The signal at the end of the processor time; Windows has no such limit.
_TOO_LONG = getattr(signal, "SIGXCPU", 0)


def probe() -> None:
    """Read the file that the command line names, all but its arrays."""
    path = Path(sys.argv[1])
    with limited(path), h5py.File(path, "r") as root:
        _contents(root, path.name, os.path.getsize(path))


@contextlib.contextmanager
def limited(path: Path) -> Iterator[None]:
    """Within it this process, which it ends, has the memory and the time for one file."""
    with contextlib.suppress(ImportError):  # there is none on Windows
        import resource

        limit = PROBE_BYTES + 4 * os.path.getsize(path)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        seconds = math.ceil(time.process_time()) + int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with guarded(path.name):
            yield
    except (Refused, MemoryError) as error:
        sys.exit(str(error) or f"{path.name} must take memory like its size, got more")


def has_heaps(path: str | os.PathLike) -> bool:
    """Whether there is text of variable length in a file, or bytes that look like it."""
    return _has_heaps(os.path.abspath(path), os.stat(path).st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _has_heaps(path: str, _changed: int) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"GCOL") >= 0


def is_keras3_weights(path: str | os.PathLike) -> bool:
    """Whether an HDF5 file is a `.weights.h5` of Keras 3, whatever its name."""
    with guarded(Path(path).name), h5py.File(path, "r") as root:
        return "layer_names" not in root.attrs and bool(
            {"_layer_checkpoint_dependencies", "layers", "vars"} & {*some_keys(root)}
        )


def _contents(root: h5py.File, name: str, size: int) -> OldFile:
    holder = root
    if "model_weights" in some_keys(root):
        holder = _member(root, "model_weights", h5py.Group)
    elif not _has(root, "layer_names"):
        raise Refused(
            f"{name} must hold the weights of a Keras model, got an HDF5 file without them"
        )
    layers = _layers(holder)
    optimizer: list[Weight] = []
    if "optimizer_weights" in some_keys(root):
        optimizer = _weights(_member(root, "optimizer_weights", h5py.Group), "optimizer_weights")
    check_size([*(w for ws in layers.values() for w in ws), *optimizer], size)
    config = _json(root, "model_config", name)
    version = _string(root, "keras_version") or _string(holder, "keras_version") or "1"
    backend = _string(root, "backend") or _string(holder, "backend") or _guess_backend(layers)
    if isinstance(config, dict) and isinstance(config.get("config"), dict | list):
        version = str(config.get("keras_version") or version)
    return OldFile(
        name, version, backend, config, _json(root, "training_config", name), layers, optimizer
    )


def _guess_backend(layers: dict[str, list[Weight]]) -> str:
    """Keras 1 did not say, but TensorFlow's names of variables end in ":0"."""
    names = [w.name for weights in layers.values() for w in weights]
    return "tensorflow" if not names or any(n.endswith(":0") for n in names) else "theano"


def _layers(holder: h5py.Group) -> dict[str, list[Weight]]:
    names = _names(holder, "layer_names")
    if len(names) > limits.LAYERS:
        raise Refused(f"a file must have at most {limits.LAYERS} layers, got {len(names)}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Refused(f"layer_names must not repeat a name, got {min(twice)!r} twice")
    return {name: _weights(_member(holder, name, h5py.Group), name) for name in names}


def _weights(group: h5py.Group, where: str) -> list[Weight]:
    names = _names(group, "weight_names")
    if len(names) > WEIGHTS:
        raise Refused(f"'{where}' must have at most {WEIGHTS} weights, got {len(names)}")
    return [Weight(name, dataset(group, name)) for name in names]


# What a group holds


def some_keys(group: h5py.Group) -> list[str]:
    """The names in a group, as many as a model can have."""
    return [name for name, _ in zip(group, range(limits.LAYERS), strict=False)]


def _member(group: h5py.Group, path: str, wanted: type) -> Any:
    """What stands at `path` below `group`, through plain links only."""
    found: Any = group
    for part in [part for part in path.split("/") if part]:
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            raise Refused(f"'{group.name}' must hold '{path}', which its list of names promises")
        if not isinstance(link, h5py.HardLink):
            raise Refused(f"'{path}' must be in the file itself, got {_words(link)}")
        found = found[part]
    if not isinstance(found, wanted):
        raise Refused(f"'{path}' must be a {wanted.__name__.lower()}, got {type(found).__name__}")
    return found


def is_inside(group: h5py.Group, name: str) -> bool:
    """Whether a member is in the file itself, not a link to elsewhere."""
    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def _words(link: Any) -> str:
    if isinstance(link, h5py.ExternalLink):
        return f"an external link to {link.filename!r}"
    return f"a soft link to {getattr(link, 'path', '?')!r}"


def dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset of plain numbers that are in the file, all of them."""
    found = _member(group, name, h5py.Dataset)
    if found.shape is None or found.dtype.kind not in "fiub" or found.dtype.subdtype:
        raise Refused(f"weight '{name}' must be an array of numbers, got {found.dtype}")
    plist = found.id.get_create_plist()
    if plist.get_external_count():
        raise Refused(f"weight '{name}' must be in the file itself, got an external dataset")
    if plist.get_layout() == h5py.h5d.VIRTUAL:
        raise Refused(f"weight '{name}' must be in the file itself, got a virtual dataset")
    codes = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    unknown = [code for code in codes if code not in _FILTERS]
    if unknown:
        allowed = ", ".join(sorted(_FILTERS.values()))
        raise Refused(f"weight '{name}' must be stored plain or with {allowed}, got {unknown[0]}")
    return found


def check_size(weights: Sequence[Weight], size: int) -> None:
    """Refuse arrays larger than what the file has for them, before any is read."""
    plain = packed = stored = 0
    for weight in weights:
        dataset = weight.dataset
        wanted = math.prod(dataset.shape) * dataset.dtype.itemsize
        held = dataset.id.get_storage_size()
        if dataset.id.get_create_plist().get_nfilters():
            packed, stored = packed + wanted, stored + held
            limit = GROWTH_FREE + GROWTH * min(stored, size)
            too_much = packed > limit
        else:
            plain += wanted
            too_much = wanted > held or plain > 2 * size
        if too_much:
            raise Refused(
                f"weight '{weight.name}' must have its numbers in the file, got {held} bytes for "
                f"the shape {dataset.shape}, which is {wanted} bytes"
            )


# Attributes


def _has(group: h5py.Group, name: str) -> bool:
    return name in group.attrs or f"{name}0" in group.attrs


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras cut in pieces (`weight_names0`, ...) where it was long."""
    if attribute in group.attrs:
        return _strings(group, attribute)
    names: list[str] = []
    for i in range(CHUNKS):
        if f"{attribute}{i}" not in group.attrs:
            break
        names += _strings(group, f"{attribute}{i}")
    return names


def _strings(group: h5py.Group, attribute: str) -> list[str]:
    value = np.asarray(_attribute(group, attribute))
    if value.ndim > 1:
        raise Refused(f"{attribute} must be a list of names, got the shape {value.shape}")
    return [_decoded(name, attribute) for name in value.reshape(-1)]


def _string(group: h5py.Group, attribute: str) -> str:
    if attribute not in group.attrs:
        return ""
    value = _attribute(group, attribute)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return _decoded(value, attribute)


def _attribute(group: h5py.Group, name: str) -> Any:
    attribute = group.attrs.get_id(name)
    if attribute.dtype.hasobject and not has_heaps(group.file.filename):
        raise Refused(f"attribute {name} must have its text in the file, got none there")
    size = math.prod(attribute.shape) * attribute.dtype.itemsize
    if size > text.SIZE:
        raise Refused(f"attribute {name} must be at most {text.SIZE} bytes, got {size}")
    return group.attrs[name]


def _decoded(value: Any, attribute: str) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return str(value)
    raise Refused(f"{attribute} must be text, got {type(value).__name__}")


def _json(group: h5py.Group, attribute: str, name: str) -> Any:
    """The JSON of an attribute; None where there is none."""
    written = _string(group, attribute)
    try:
        return text.parse(written, f"{attribute} of {name}") if written else None
    except ValueError as error:
        raise Refused(str(error)) from None
