"""Sequences of any lengths, one after the other in one array on disk."""

import tempfile
from collections.abc import Iterable, Iterator

import numpy as np


class Ragged:
    """Sequences of different lengths in one flat array: item i is `values[o[i]:o[i+1]]`.

    `collect` keeps the values in a temporary file that is mapped into memory, so that there may be
    more of them than memory holds; the system reads what is used, and keeps it while there is room.

    Arguments:
        values: array [sum of T_i, ...].
        offsets: integers [N + 1], growing, from 0 to len(values).

    Raises:
        ValueError: offsets that do not fit the values.

    >>> ragged = Ragged.collect([[5, 6], [], [7]], "int32")
    >>> len(ragged), ragged.lengths.tolist(), ragged[0].tolist()
    (3, [2, 0, 1], [5, 6])
    >>> ragged.padded([2, 0], 3).tolist()
    [[7, 0, 0], [5, 6, 0]]
    """

    def __init__(self, values: np.ndarray, offsets: np.ndarray):
        offsets = np.asarray(offsets, "int64")
        if offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(values):
            raise ValueError(
                f"offsets must run from 0 to the number of values, {len(values)}, got "
                f"{offsets[:1].tolist()} to {offsets[-1:].tolist()}"
            )
        if np.any(np.diff(offsets) < 0):
            raise ValueError("offsets must grow; one is smaller than the one before it")
        self.values, self.offsets = values, offsets

    @classmethod
    def collect(cls, sequences: Iterable, dtype: str, width: tuple[int, ...] = ()) -> "Ragged":
        """Write ``sequences``, each ``[T_i, *width]``, one by one to a temporary file.

        The file has no name and goes when the object does.
        """
        offsets = [0]
        with tempfile.TemporaryFile() as file:  # which stays as long as the values are mapped
            for sequence in sequences:
                array = np.asarray(sequence, dtype).reshape(-1, *width)
                file.write(array.tobytes())  # tofile() does not say that the disk is full
                offsets.append(offsets[-1] + len(array))
            file.flush()
            shape = (offsets[-1], *width)
            empty = 0 in shape  # an empty file cannot be mapped
            values = np.empty(shape, dtype) if empty else np.memmap(file, dtype, "r", shape=shape)
        return cls(values, np.array(offsets))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        index = range(len(self))[index]  # a negative one counts from the end, one too far raises
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """The number of timesteps of each sequence, int64 [N]."""
        return np.diff(self.offsets)

    def padded(self, rows, length: int) -> np.ndarray:
        """The sequences ``rows`` as one array ``[len(rows), length, ...]``, cut or filled by 0."""
        out = np.zeros((len(rows), length, *self.values.shape[1:]), self.values.dtype)
        for to, row in zip(out, rows, strict=True):
            sequence = self[row][:length]
            to[: len(sequence)] = sequence
        return out
