"""Damaged, foreign and hostile files: one clear error, within seconds and bounded memory."""

import io
import json
import struct
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elman.legacy import archive, configs, hdf5, limits, text
from elman.legacy.describe import describe

sys.path.insert(0, str(Path(__file__).parent))
import hostile
from layout import functional, node, sequential, write

LSTM = {"name": "lstm", "units": 2, "batch_input_shape": [None, 3, 2]}
GOOD = {"lstm": [("k", np.ones((2, 8))), ("r", np.ones((2, 8))), ("b", np.ones(8))]}


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "file.h5", sequential(("LSTM", LSTM)), GOOD)


def refused(path, words):
    began = time.process_time()
    with pytest.raises((ValueError, OSError), match=words):
        hostile.read(path)
    assert time.process_time() - began < 10


def replaced(path, make, name="k"):
    """The file with another object in the place of a weight."""
    with h5py.File(path, "a") as root:
        group = root["model_weights/lstm"]
        del group[name]
        make(group, name)
    return path


def test_the_file_itself_is_fine(path):
    with hdf5.opened(path) as file:
        assert [w.read().sum() for w in file.layers["lstm"]] == [16, 16, 8]
    assert describe(path).parameters == 40


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, "must be a whole HDF5 file")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "it is empty"), (b"GIF89a", "must be an HDF5 file, a .keras archive, JSON or YAML")],
)
def test_foreign(content, words, tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        hdf5.kind(path)


def test_folders_and_checkpoints(tmp_path):
    with pytest.raises(ValueError, match="SavedModel"):
        hdf5.kind(tmp_path)
    (tmp_path / "m.ckpt").write_bytes(b"\x00")
    with pytest.raises(ValueError, match="TensorFlow checkpoint"):
        hdf5.kind(tmp_path / "m.ckpt")
    with pytest.raises(FileNotFoundError):
        hdf5.kind(tmp_path / "none.h5")


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as root:
        root["a"] = [1.0]
    refused(tmp_path / "x.h5", "must hold the weights of a Keras model")


def external(group, name):
    group[name] = h5py.ExternalLink("/etc/passwd", "/k")


def soft(group, name):
    group[name] = h5py.SoftLink("/elsewhere")


def outside(group, name):
    group.create_dataset(name, (2, 8), "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def virtual(group, name):
    layout = h5py.VirtualLayout((2, 8), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "k", (2, 8))
    group.create_virtual_dataset(name, layout)


def unwritten(group, name):
    group.create_dataset(name, (10**6, 10**6), "f4")


def bomb(group, name):
    made = group.create_dataset(
        name, (2**15, 2**15), "f4", chunks=(2**9, 2**15), compression="gzip"
    )
    packed = io.BytesIO()
    with h5py.File(packed, "w") as other:
        zeros = other.create_dataset(
            "z", (2**9, 2**15), "f4", chunks=(2**9, 2**15), compression="gzip"
        )
        zeros[:] = 0
        _, chunk = zeros.id.read_direct_chunk((0, 0))
    for i in range(64):
        made.id.write_direct_chunk((i * 2**9, 0), chunk)


def references(group, name):
    group.create_dataset(name, data=np.array([group.ref, group.ref], dtype=h5py.ref_dtype))


def strings(group, name):
    group.create_dataset(name, data=[b"os.system"])


def other_filter(group, name):
    group.create_dataset(name, (4, 4), "i4", chunks=(4, 4), scaleoffset=0)


def a_group(group, name):
    group.create_group(name)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (external, "must be in the file itself, got an external link"),
        (soft, "must be in the file itself, got a soft link"),
        (outside, "got an external dataset"),
        (virtual, "got a virtual dataset"),
        (unwritten, "must have its numbers in the file"),
        (bomb, "must have its numbers in the file"),
        (references, "must be an array of numbers"),
        (strings, "must be an array of numbers"),
        (other_filter, "must be stored plain or with fletcher32, gzip"),
        (a_group, "must be a dataset"),
        (lambda group, name: None, "must hold 'k', which its list of names promises"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_weights_that_are_none(make, words, path):
    refused(replaced(path, make), words)


def test_one_array_named_many_times(path):
    with h5py.File(path, "a") as root:
        del root["model_weights/lstm/k"]
        root["model_weights/lstm/k"] = np.ones((500, 500), "f4")
        root["model_weights/lstm"].attrs["weight_names"] = [b"k"] * 1000
    refused(path, "must have its numbers in the file")


def test_a_group_inside_itself(path):
    with h5py.File(path, "a") as root:
        group = root["model_weights/lstm"]
        group["loop"] = group
        group.attrs["weight_names"] = [b"loop/" * 40 + b"k"] * 3
    with hdf5.opened(path) as file:
        assert len(file.layers["lstm"]) == 3  # plain links, all of the same array


def test_too_many_layers(path, monkeypatch):
    monkeypatch.setattr(limits, "LAYERS", 20)
    layers = [("Dense", {"name": f"d{i}", "units": 1}) for i in range(21)]
    write(path, sequential(*layers), {f"d{i}": [] for i in range(21)})
    refused(path, "at most 20 layers")
    with pytest.raises(ValueError, match="at most 20 layers"):
        configs.upgraded(sequential(*layers))


def test_a_million_layers():
    layer = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
    began = time.process_time()
    with pytest.raises(ValueError, match="at most 10000 layers"):
        configs.upgraded({"class_name": "Sequential", "config": [layer] * 10**6})
    assert time.process_time() - began < 10


def test_deep_json():
    for deep in ("[" * 500, "[" * 10**6, '{"a":' * 500 + "1" + "}" * 500, "[" * 300 + "]" * 300):
        with pytest.raises(ValueError, match=r"levels deep|must be JSON"):
            text.parse(deep, "the model")


def test_yaml_runs_nothing_and_does_not_grow():
    with pytest.raises(ValueError, match="must be JSON or YAML"):
        text.parse("!!python/object/apply:os.system ['true']", "the model")
    assert text.parse("a: !!python/tuple [1, 2]", "the model") == {"a": [1, 2]}
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ValueError, match="values, got more"):
        text.parse("\n".join(lines), "the model")


def test_layers_in_a_circle():
    graph = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, 2]}, []),
         ("Add", {"name": "a"}, [node("in", "b")]), ("Dense", {"name": "b"}, [node("a")])],
        ["in"], ["b"],
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"must not feed each other in a circle: \['a', 'b'\]"):
        configs.upgraded(graph)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_input_shape": [None, 10**9, 10**9]}, "an input must have at most"),
        ({"batch_input_shape": [10**9, 3, 2], "stateful": True}, "an input must have at most"),
        ({"batch_input_shape": [None, 10**6, 2], "unroll": True}, "at most 10000 timesteps"),
        ({"batch_input_shape": [None, "3", 2]}, "must be made of whole numbers"),
    ],
)
def test_shapes_without_end(change, words):
    with pytest.raises(ValueError, match=f"layer 'lstm'.*{words}"):
        configs.upgraded(sequential(("LSTM", {**LSTM, **change})))


def test_text_longer_than_the_file(path):
    """A length of 4 GB in the reference to a text: HDF5 would allocate that before it looks."""
    write(path, sequential(("LSTM", LSTM)), GOOD, names_as=str)
    data = path.read_bytes()
    length = len(json.dumps(sequential(("LSTM", LSTM))))
    heap = data.find(b"GCOL")
    reference = struct.pack("<IQ", length, heap)
    assert data.count(reference) == 1
    path.write_bytes(data.replace(reference, struct.pack("<IQ", 2**32 - 1, heap)))
    refused(path, "must be a whole HDF5 file")


def test_archives(tmp_path):
    path = tmp_path / "x.keras"

    def archived(compression=zipfile.ZIP_STORED, **parts):
        with zipfile.ZipFile(path, "w", compression) as made:
            for name, content in parts.items():
                made.writestr(name.replace("__", "."), content)
        return path

    with pytest.raises(ValueError, match="damaged"):
        archive.check(archived(metadata__json="{}"))
    with pytest.raises(ValueError, match="levels deep"):
        archive.check(archived(config__json="[" * 200 + "]" * 200))
    with pytest.raises(ValueError, match="about as large as what is in it"):
        archive.check(archived(zipfile.ZIP_DEFLATED, config__json="{}", zeros=bytes(2**27)))
    with h5py.File(tmp_path / "w.h5", "w") as root:
        external(root.create_group("layers"), "k")
    weights = (tmp_path / "w.h5").read_bytes()
    with pytest.raises(ValueError, match="external link"):
        archive.check(archived(config__json="{}", **{"model.weights.h5": weights}))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged"):
        archive.check(path)


def test_byte_code_outside_a_lambda():
    code = {"class_name": "Dense", "config": {"activation": {"class_name": "__lambda__"}}}
    with pytest.raises(ValueError, match="byte code outside a Lambda"):
        archive.named_functions({"layers": [code]}, "x.keras")


@settings(max_examples=24, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(base=st.integers(0, 3), seed=st.integers(0, 2**20))
def test_damaged_files(base, seed, tmp_path):
    assert hostile.one(tmp_path, base, seed), "a damaged file must be read or refused at once"
