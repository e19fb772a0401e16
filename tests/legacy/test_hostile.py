"""Damaged, foreign and hostile files: one clear error, within seconds and bounded memory."""

import io
import json
import stat
import struct
import sys
import time
import tracemalloc
import warnings
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


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a: &a {b: 1}\nc: {<<: *a}", "got text that is neither: one dict merged into another"),
        ("a: " + "x" * 5_000_000, "YAML must be at most 4194304 letters long, got 5000003"),
        ("a: !" + "x" * 10_000 + " 3", "could not determine a constructor for the tag '!xxx"),
        ("a: {[1]: 2}", "while constructing a mapping"),
    ],
    ids=["merged", "long", "tag", "key"],
)
def test_yaml_that_is_no_models(written, words):
    with pytest.raises(ValueError, match=words) as told:
        text.parse(written, "the model")
    assert len(str(told.value)) < 400


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


# Archives of Keras 3


def weights(tmp_path, make=lambda root: None):
    """The bytes of a file of weights of Keras 3."""
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as root:
        root["layers/dense/vars/0"] = np.ones((2, 3), "f4")
        make(root)
    return path.read_bytes()


def archived(tmp_path, *parts, compression=zipfile.ZIP_STORED, data=None, **changes):
    """An archive with parts beside Keras's own; ``None`` leaves one of these out."""
    own = {"metadata": '{"keras_version": "3.9.0"}', "config": '{"class_name": "Sequential"}'}
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in (own | changes).items():
            if content is not None:
                made.writestr(f"{name}.json", content)
        made.writestr("model.weights.h5", weights(tmp_path) if data is None else data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name that is there twice
            for name, content in parts:
                made.writestr(name, content)
    return path


def test_a_good_archive_is_taken(tmp_path):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = archived(
            tmp_path, ("assets/", b""), ("assets/lookup/vocabulary.txt", b"a"),
            ("assets/inner.zip", b"PK\x03\x04 no zip at all"), compression=compression,
        )  # fmt: skip
        archive.check(path)
        assert archive.version(path) == "3.9.0"
        assert archive.arrays(path) == {"layers/dense/vars/0": (2, 3)}


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([("/etc/x", b"")], "must keep to its own folder, got '/etc/x'"),
        ([("assets/../../x", b"")], "must keep to its own folder"),
        ([("..\\x", b"")], "must keep to its own folder"),
        ([("assets\\..\\..\\x", b"")], "must keep to its own folder"),
        ([("C:\\x", b"")], "must keep to its own folder"),
        ([("\\\\server\\x", b"")], "must keep to its own folder"),
        ([("assets//x", b"")], "must keep to its own folder"),
        ([("config.json", b"{}")], "must have each part once, got 'config.json' twice"),
        ([("assets/a", b""), ("assets\\a", b"")], "must have each part once"),
        ([("assets", b""), ("assets/a", b"")], "must have folders that are no files"),
        ([("a" * 300, b"")], "must have parts with names as files have"),
        ([("a/" * 200 + "a", b"")], "must have parts with names as files have"),
        ([(link("assets/a"), b"/etc/passwd")], "must be made of files, got 'assets/a', a link"),
    ],
)
def test_parts_of_an_archive_that_are_none(parts, words, tmp_path):
    with pytest.raises(hdf5.Refused, match=words):
        archive.check(archived(tmp_path, *parts))


def test_forty_assets_of_zeros(tmp_path):
    """Each by itself is believed; unpacked together they fill the disk."""
    zeros = [(f"assets/{i}", bytes(60 * 2**20)) for i in range(3)]
    path = archived(tmp_path, *zeros, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(hdf5.Refused, match="must be about as large as what is in it, got 18"):
        archive.check(path)
    assert path.stat().st_size < 10**6


def test_ten_thousand_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBERS", 20)
    archive.check(archived(tmp_path, *((f"assets/{i}", b"") for i in range(17))))
    with pytest.raises(hdf5.Refused, match="must have at most 20 parts, got 21"):
        archive.check(archived(tmp_path, *((f"assets/{i}", b"") for i in range(18))))


def test_a_password_and_an_unknown_compression(tmp_path):
    path = archived(tmp_path)
    data = bytearray(path.read_bytes())
    entry = data.find(b"PK\x01\x02")
    locked = data.copy()
    locked[entry + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(hdf5.Refused, match="must not need a password"):
        archive.check(path)
    data[entry + 10] = 99
    path.write_bytes(data)
    with pytest.raises(hdf5.Refused, match=r"must be a whole \.keras archive, got a damaged one"):
        archive.check(path)


@pytest.mark.parametrize("part", ["config", "metadata"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "damaged"),
        ("[" * 200 + "]" * 200, "levels deep"),
        ("[" * 10**5, "levels deep|must be JSON"),
        ("{", "must be JSON"),
        ("\xff", "must be"),
        ("[]", "must be a dict, got list"),
        ("3", "must be a dict, got int"),
    ],
    ids=["missing", "deep", "endless", "cut", "bytes", "list", "number"],
)
def test_json_of_an_archive_that_is_none(part, content, words, tmp_path):
    with pytest.raises(hdf5.Refused, match=words):
        archive.check(archived(tmp_path, **{part: content}))


@pytest.mark.parametrize("part", ["config", "metadata"])
def test_long_json_of_an_archive_is_not_read(part, tmp_path, monkeypatch):
    monkeypatch.setattr(text, "SIZE", 1000)
    with pytest.raises(hdf5.Refused, match="must be at most 1000 bytes"):
        archive.check(archived(tmp_path, **{part: '{"a": "' + "a" * 1000 + '"}'}))


@pytest.mark.parametrize("version", [None, 3, [], "3" * 1000, {}])
def test_a_version_that_is_none(version, tmp_path):
    path = archived(tmp_path, metadata=json.dumps({"keras_version": version}))
    with pytest.raises(hdf5.Refused, match="must be a version, got none"):
        archive.version(path)


def crowd(root):
    for i in range(21):
        root[f"layers/dense/vars/{i + 1}"] = np.ones(1)


def word_without_end(root):
    root["layers/dense/vars/0"].attrs["dtype"] = np.ones(10**3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: external(root.create_group("a"), "k"), "external link"),
        (lambda root: soft(root.create_group("a"), "k"), "soft link"),
        (lambda root: outside(root.create_group("a"), "k"), "external dataset"),
        (lambda root: unwritten(root.create_group("a"), "k"), "must have its numbers in the file"),
        (lambda root: bomb(root.create_group("a"), "k"), "must have its numbers in the file"),
        (lambda root: root.create_group("..\\..\\a"), "must keep to their own groups"),
        (crowd, "must have at most 20 names in a group"),
        (word_without_end, "dtype of 'layers/dense/vars/0' must be a word"),
    ],
    ids=["external", "soft", "outside", "unwritten", "bomb", "above", "crowd", "word"],
)
def test_weights_of_an_archive_that_are_none(make, words, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LAYERS", 20)
    data = weights(tmp_path, make)
    with pytest.raises(hdf5.Refused, match=words):
        archive.check(archived(tmp_path, data=data))
    with pytest.raises(hdf5.Refused, match=words):
        archive.arrays(tmp_path / "w.h5")


def test_archives_cut_off(tmp_path):
    path = archived(tmp_path)
    whole = path.read_bytes()
    for end in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(hdf5.Refused, match=r"must be a whole \.keras archive, got a damaged"):
            archive.check(path)


def test_weights_are_read_where_they_are(tmp_path):
    """Not into memory: the archive is 40 MB, of which a few kB are read."""
    path = archived(tmp_path, data=weights(tmp_path, lambda root: large(root)))
    tracemalloc.start()
    archive.check(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert archive.arrays(path)["layers/large/vars/0"] == (10**7,)
    assert peak < 5 * 10**6


def large(root):
    root["layers/large/vars/0"] = np.ones(10**7, "f4")


def test_archives_of_windows(tmp_path):
    """Keras wrote names with backslashes there."""

    def backslashes(root):
        del root["layers"]
        root["layers\\lstm\\cell/vars/0"] = np.ones(4)
        root["layers\\lstm/vars/0"] = np.ones(5)

    data = weights(tmp_path, backslashes)
    path = archived(tmp_path, ("assets\\lookup\\vocabulary.txt", b"a"), data=data)
    archive.check(path)
    assert archive.arrays(path)["layers/lstm/cell/vars/0"] == (4,)
    with archive.weights(path) as (_, root):
        assert root["layers/lstm/cell/vars/0"][0] == 1
    with archive.assets(path) as folder:
        assert (folder / "lookup" / "vocabulary.txt").read_bytes() == b"a"
    assert not folder.exists()


# What is read by another process first


def with_heaps(tmp_path):
    return write(tmp_path / "file.h5", sequential(("LSTM", LSTM)), GOOD, names_as=str)


def test_a_file_that_takes_too_long_is_told_so(tmp_path, monkeypatch):
    path = with_heaps(tmp_path)
    monkeypatch.setattr(hdf5, "PROBE_SECONDS", 1)
    endless = "from elman.legacy.hdf5 import *\nwith limited(Path(sys.argv[1])):\n  while 1: pass"
    monkeypatch.setattr(hdf5, "PROBE", endless)
    with pytest.raises(hdf5.Refused, match=r"1 seconds of processor time.*the time was over"):
        hostile.read(path)


def test_a_busy_machine_damages_no_file(tmp_path, monkeypatch):
    """Seconds that go by while others compute do not count."""
    path = with_heaps(tmp_path)
    monkeypatch.setattr(hdf5, "PROBE_SECONDS", 1)
    monkeypatch.setattr(hdf5, "PROBE", f"import time; time.sleep(1.5); {hdf5.PROBE}")
    hostile.read(path)
    monkeypatch.setattr(hdf5, "PROBE_WAIT", 0.5)
    with pytest.raises(hdf5.Refused, match=r"no answer within 0\.5 seconds: the time was over"):
        hostile.read(path)


def test_no_module_of_the_folder_is_imported(tmp_path, monkeypatch):
    """A file is looked at in the folder it came in, beside an h5py.py of its author's."""
    path = with_heaps(tmp_path)
    for name in ("h5py", "numpy", "elman", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('run', 'w')")
    monkeypatch.chdir(tmp_path)
    hostile.read(path)
    assert not (tmp_path / "run").exists()


def test_text_of_weights_of_keras_3_is_looked_at_elsewhere(tmp_path, monkeypatch):
    """The word `bfloat16` lies in a heap, which may be damaged."""

    def half(root):
        root["layers/dense/vars/0"].attrs["dtype"] = "bfloat16"

    looked, data = [], weights(tmp_path, half)
    real = hdf5.try_elsewhere
    monkeypatch.setattr(
        hdf5, "try_elsewhere", lambda *given: looked.append(given[0]) or real(*given)
    )
    assert archive.arrays(tmp_path / "w.h5") == {"layers/dense/vars/0": (2, 3)}
    archive.check(archived(tmp_path, data=data))
    assert [path.name for path in looked] == ["w.h5", "x.keras"]
    heap, damaged = data.find(b"GCOL"), bytearray(data)
    damaged[heap + 4 : heap + 40] = b"\xff" * 36
    with pytest.raises(hdf5.Refused, match="must be a whole HDF5 file"):
        archive.check(archived(tmp_path, data=bytes(damaged)))


@pytest.mark.parametrize("version", ["2.2.4", "2.15.0", "3.15.1"])
def test_byte_code_outside_a_lambda(version):
    code = {"class_name": "__lambda__", "config": {"code": "4wEA"}}
    dense = ("Dense", {"name": "d", "units": 2, "activation": code})
    with pytest.raises(ValueError, match="byte code outside a Lambda"):
        configs.upgraded(sequential(dense), version)


@settings(max_examples=24, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(base=st.integers(0, 3), seed=st.integers(0, 2**20))
def test_damaged_files(base, seed, tmp_path):
    assert hostile.one(tmp_path, base, seed), "a damaged file must be read or refused at once"


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"weight_map": {"/a/vars": "w.h5"}}, None),
        ({"weight_map": {"/a/vars": ["w.h5"], "/b/vars": "w.h5"}}, None),
        ({"weight_map": {"/a/vars": "../w.h5"}}, "must name files beside it"),
        ({"weight_map": {"/a/vars": ["w.h5", "..\\w.h5"]}}, "must name files beside it"),
        ({"weight_map": {"/a/vars": "bad.h5"}}, "external link"),
        ({"weight_map": {"/a/vars": "x.weights.json"}}, "must be"),
        ({"weight_map": []}, "must be the index of a model's weights"),
        ([], "must be the index of a model's weights"),
    ],
    ids=["one", "list", "above", "backslash", "hostile", "itself", "map-list", "list-only"],
)
def test_weights_in_several_files(index, words, tmp_path):
    weights(tmp_path, lambda root: external(root.create_group("a"), "k"))
    (tmp_path / "w.h5").rename(tmp_path / "bad.h5")
    weights(tmp_path)
    path = tmp_path / "x.weights.json"
    path.write_text(json.dumps(index))
    if words is None:
        return archive.check_weights(path)
    with pytest.raises(ValueError, match=words):
        archive.check_weights(path)
