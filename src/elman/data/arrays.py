"""Sequences of vectors in `.npz` and `.npy` files."""

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Literal

import numpy as np

from elman.data.files import check_unpacked_size, column_index, unpacking
from elman.data.ragged import Ragged

# What NumPy raises over an array whose header is damaged.
_WRONG = (
    ValueError, TypeError, KeyError, SyntaxError, TokenError, ArithmeticError, MemoryError,
)  # fmt: skip


class Arrays:
    """Sequences [T_i, I] and what belongs to each: a label, a speaker, ...

    Attributes:
        sequences: a `Ragged`: number i is an array [T_i, I].
        columns: the names of the arrays with one value for each sequence.
    """

    def __init__(self, sequences: Ragged, columns: Mapping[str, np.ndarray], name: object):
        self.sequences, self.name = sequences, str(name)
        self._columns = dict(columns)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def __len__(self) -> int:
        return len(self.sequences)

    def __repr__(self) -> str:
        return f"Arrays({self.name}: {len(self)} sequences; {', '.join(self.columns)})"

    def column(self, name: str) -> np.ndarray:
        """Return the column ``name``, [N]; raises ValueError, naming those there are."""
        return self._columns[self.columns[column_index(name, self.columns, self.name)]]

    def select(self, indices: Iterable[int]) -> "Arrays":
        """Return the sequences with these numbers, in that order."""
        chosen = np.fromiter(indices, "int64")
        sequences = self.sequences
        width, dtype = sequences.values.shape[1:], str(sequences.values.dtype)
        picked = Ragged.collect((sequences[i] for i in chosen), dtype, width)
        return Arrays(picked, {k: v[chosen] for k, v in self._columns.items()}, self.name)


def read_arrays(
    path: str | os.PathLike,
    *,
    features: str | None = None,
    offsets: str = "offsets",
    lengths: str = "lengths",
) -> Arrays:
    """Read sequences of vectors from a ``.npz`` or ``.npy`` file; pickles are refused.

    Either ``features`` is [sum of T_i, I] and sequence i is ``features[offsets[i]:offsets[i+1]]``,
    or it is [N, T, I] and sequence i is ``features[i, :lengths[i]]``; without lengths each is
    whole. A ``.npy`` file has the second form. Arrays with N values are columns.

    Arguments:
        path: the file.
        features, offsets, lengths: the names of the arrays; None takes "features", else the only
            array of real numbers that has two axes (with offsets) or three.

    Raises:
        ValueError: arrays that are missing, pickled, of other shapes, not finite, or a damaged
            file.

    >>> from pathlib import Path
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "walks.npz"
    >>> np.savez(path, features=np.ones((5, 2)), offsets=[0, 2, 5], label=["in", "out"])
    >>> arrays = read_arrays(path)
    >>> [len(sequence) for sequence in arrays.sequences], arrays.column("label").tolist()
    ([2, 3], ['in', 'out'])
    """
    loaded = load_arrays(Path(path), "r")
    name = features or _features_name(loaded, offsets, path)
    if name not in loaded:
        column_index(name, list(loaded), path)
    values = loaded.pop(name)
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{path}: {name} must be real numbers, got {values.dtype}")
    if values.ndim == 2:
        sequences = _cut(values, loaded.pop(offsets, None), name, offsets, path)
    elif values.ndim == 3:
        sequences = _unpadded(values, loaded.pop(lengths, None), name, lengths, path)
    else:
        raise ValueError(
            f"{path}: {name} must be [sum of T, I] with {offsets}, or [N, T, I], "
            f"got {list(values.shape)}; reshape it"
        )
    _check_finite(sequences, name, path)
    columns = {key: array for key, array in loaded.items() if array.shape == (len(sequences),)}
    return Arrays(sequences, columns, path)


def load_arrays(path: Path, mmap_mode: Literal["r"] | None = None) -> dict[str, np.ndarray]:
    """All arrays of a ``.npz`` file by their names, or that of a ``.npy`` file as "features".

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, has pickled objects, or unpacks to a great multiple of its size.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}; name a .npz or .npy file")
    if path.is_file() and zipfile.is_zipfile(path):
        check_unpacked_size(path)
    with unpacking(path):
        try:
            arrays = _loaded(path, mmap_mode)
        except _WRONG as error:
            why = str(error) or type(error).__name__
            raise ValueError(
                f"{path} must be .npz or .npy with arrays of numbers or text, got: {why}; pickled "
                "objects may run code and are refused: save features and offsets instead"
            ) from error
    if others := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
        raise ValueError(f"{path} must hold arrays only, got {others[0]!r}, which is none")
    return arrays


def _loaded(path: Path, mmap_mode: Literal["r"] | None) -> dict[str, np.ndarray]:
    loaded = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {"features": loaded}
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _features_name(loaded: dict[str, np.ndarray], offsets: str, path: object) -> str:
    if "features" in loaded:
        return "features"
    axes = 2 if offsets in loaded else 3
    likely = [n for n, a in loaded.items() if a.ndim == axes and a.dtype.kind in "fiub"]
    if len(likely) != 1:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in loaded.items())
        raise ValueError(
            f"{path} must have an array features, [sum of T, I] with {offsets}, or [N, T, I], "
            f"got {shapes}; name it"
        )
    return likely[0]


def _cut(values, offsets, name: str, key: str, path: object) -> Ragged:
    if offsets is None:
        raise ValueError(
            f"{path} must have an array {key} beside {name} {list(values.shape)}, got none; "
            "add it, or save features as [N, T, I]"
        )
    if offsets.dtype.kind not in "iu":
        raise ValueError(f"{path}: {key} must be integers, got {offsets.dtype}")
    try:
        return Ragged(values, offsets)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _unpadded(values, lengths, name: str, key: str, path: object) -> Ragged:
    N, T, I = values.shape  # noqa: E741 - the letters of the project
    if lengths is None:
        return Ragged(values.reshape(N * T, I), np.arange(N + 1) * T)
    fits = lengths.shape == (N,) and lengths.dtype.kind in "iu"
    if not fits or np.any(lengths < 0) or np.any(lengths > T):
        raise ValueError(
            f"{path}: {key} must be {N} integers from 0 to {T} for {name} {[N, T, I]}, got "
            f"{lengths.dtype} {list(lengths.shape)}"
            + (f" from {lengths.min()} to {lengths.max()}" if fits else "")
        )
    cut = (values[i, :length] for i, length in enumerate(lengths))
    return Ragged.collect(cut, str(values.dtype), (I,))


def _check_finite(sequences: Ragged, name: str, path: object) -> None:
    """Look at a piece at a time: the array may be larger than memory."""
    for start in range(0, len(sequences.values), 1 << 16):
        piece = np.asarray(sequences.values[start : start + (1 << 16)], "float64")
        wrong = ~np.isfinite(piece).all(axis=-1)
        if wrong.any():
            row = start + int(wrong.argmax())
            i = int(np.searchsorted(sequences.offsets, row, "right")) - 1
            raise ValueError(
                f"{path}: {name} must be finite, got {sequences.values[row].tolist()} in sequence "
                f"{i}, step {row - int(sequences.offsets[i])}; mend or leave out that sequence"
            )
