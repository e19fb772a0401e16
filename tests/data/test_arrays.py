"""Sequences of vectors: features and offsets, padded arrays, and what is refused."""

import gc
import io
import warnings
import zipfile
from functools import partial

import numpy as np
import pytest
from real import real

from elman.data import arrays, files, read_arrays
from elman.data.ragged import Ragged

FEATURES = np.arange(10, dtype="float32").reshape(5, 2)


def save(path, **named):
    np.savez(path, **named)
    return path


def test_features_and_offsets(tmp_path):
    path = save(tmp_path / "a.npz", features=FEATURES, offsets=[0, 2, 2, 5], digit=[7, 8, 9])
    read = read_arrays(path)
    assert [sequence.tolist() for sequence in read.sequences] == [
        [[0, 1], [2, 3]],
        [],
        [[4, 5], [6, 7], [8, 9]],
    ]
    assert read.columns == ("digit",)
    some = read.select([2, 0])
    assert some.column("digit").tolist() == [9, 7]
    assert [sequence[:, 0].tolist() for sequence in some.sequences] == [[4, 6, 8], [0, 2]]


def test_a_padded_array_with_lengths(tmp_path):
    padded = np.arange(12, dtype="int16").reshape(2, 3, 2)
    read = read_arrays(save(tmp_path / "a.npz", walks=padded, lengths=[1, 3], label=["x", "y"]))
    assert [sequence.tolist() for sequence in read.sequences] == [[[0, 1]], padded[1].tolist()]
    np.save(tmp_path / "b.npy", padded)
    assert [sequence.tolist() for sequence in read_arrays(tmp_path / "b.npy").sequences] == (
        padded.tolist()
    )


WRONG = {
    "no offsets": ({"features": FEATURES}, "must have an array offsets beside features"),
    "offsets too far": (
        {"features": FEATURES, "offsets": [0, 6]},
        "offsets must run from 0 to the number of values, 5",
    ),
    "real offsets": (
        {"features": FEATURES, "offsets": [0.0, 5.0]},
        "must be integers, got float64",
    ),
    "offsets back": ({"features": FEATURES, "offsets": [0, 3, 2, 5]}, "offsets must grow"),
    "axes": ({"features": np.ones(3)}, r"must be \[sum of T, I\] with offsets"),
    "text": ({"features": [["a"]], "offsets": [0, 1]}, "must be real numbers, got <U1"),
    "two of them": ({"a": np.ones((1, 2, 3)), "b": np.ones((1, 2, 3))}, r"got a \[1, 2, 3\], b"),
    "lengths": ({"x": np.ones((2, 3, 1)), "lengths": [1, 4]}, "from 0 to 3 .* from 1 to 4"),
    "lengths' number": ({"x": np.ones((2, 3, 1)), "lengths": [1]}, r"2 integers .* int64 \[1\]"),
    "not finite": (
        {"features": np.where(FEATURES == 6, np.nan, FEATURES), "offsets": [0, 2, 5]},
        r"must be finite, got \[nan, 7.0\] in sequence 1, step 1",
    ),
    "objects": ({"features": np.array([FEATURES, None], object)}, "pickled objects may run code"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arrays_are_told(name, tmp_path):
    named, message = WRONG[name]
    with pytest.raises(ValueError, match=rf"a\.npz.*{message}"):
        read_arrays(save(tmp_path / "a.npz", **named))


def test_missing_names_are_told(tmp_path):
    path = save(tmp_path / "a.npz", features=FEATURES, offsets=[0, 5], digit=[1])
    with pytest.raises(ValueError, match="'digits', got digit; did you mean 'digit'"):
        read_arrays(path).column("digits")
    with pytest.raises(ValueError, match="'mfcc', got features, offsets, digit"):
        read_arrays(path, features="mfcc")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_arrays(tmp_path / "b.npz")


def test_a_damaged_file_is_told(tmp_path):
    written = io.BytesIO()
    np.savez_compressed(written, features=np.random.default_rng(0).random((50, 2)), offsets=[0, 50])
    (tmp_path / "a.npz").write_bytes(written.getvalue()[:-9])
    (tmp_path / "b.npz").write_bytes(b"nonsense")
    (tmp_path / "c.npy").write_bytes(b"")
    for name in ("a.npz", "b.npz", "c.npy"):
        with pytest.raises(ValueError, match="must be"):
            read_arrays(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_any_damage_is_told_as_damage(name, tmp_path):
    """Bytes turned over: NumPy's reader of headers raises whatever Python's parser does."""
    path, random = tmp_path / name, np.random.default_rng(3)
    if name == "a.npz":
        np.savez(path, features=np.ones((5, 2)), offsets=[0, 5], label=["a"])
    else:
        np.save(path, np.ones((1, 5, 2)))
    whole, told = path.read_bytes(), []
    for _ in range(300):
        data = bytearray(whole)
        for place in random.integers(len(data), size=4):
            data[place] = random.integers(256)
        path.write_bytes(data)
        try:
            arrays.load_arrays(path)
        except ValueError as error:
            told.append(name in str(error))
    assert len(told) > 100
    assert all(told)


def test_an_object_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("features.txt", "1 2 3")
    with pytest.raises(ValueError, match=r"must hold arrays only, got 'features\.txt'"):
        arrays.load_arrays(tmp_path / "a.npz")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 10_000)
    np.savez_compressed(tmp_path / "a.npz", features=np.zeros((1, 100_000, 3)))
    with pytest.raises(ValueError, match="must unpack to less than 200 times its size"):
        arrays.read_arrays(tmp_path / "a.npz")


def test_real_digits():
    read = read_arrays(real("spoken_digits/fsdd_mfcc13.npz"))
    assert len(read) == 3_000
    assert read.columns == ("digit", "speaker", "index", "is_test")
    assert read.column("is_test").sum() == 300
    lengths = read.sequences.lengths
    assert (lengths.min(), lengths.max(), round(lengths.mean(), 1)) == (12, 226, 41.7)


def test_a_full_disk_is_told_as_one(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", partial(open, "/dev/full", "w+b", 0))
    with pytest.raises(OSError, match="No space left on device"):
        Ragged.collect([[1, 2]], "int32")


def test_no_file_of_values_stays_open():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for sequences in ([[1, 2], [3]], [[]], []):
            values = Ragged.collect(sequences, "int32").values
            assert values.tolist() == [x for sequence in sequences for x in sequence]
        del values
        gc.collect()
    assert [str(one.message) for one in seen] == []
