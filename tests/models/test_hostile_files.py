"""Hostile files through every door: refused with one clear error, and nothing of them happens."""

import contextlib
import gzip
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import PIL.Image
import pytest
from keras.src.backend.common import global_state

import elman
from elman import data, tasks
from elman.legacy.describe import describe
from elman.models import convert, load_model, model_from_json, model_from_yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "legacy"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))
import hostile_archives
import hostile_files
import sentinel

MEMORY = 300 * 2**20
SECONDS = 30  # of processor time; a file of Keras takes a tenth of one

NAMED = list(hostile_files.CASES)


def doors(path):
    """What to try on a file."""
    if path.suffix in (".keras", ".h5"):
        return {
            "load_model": lambda: load_model(path),
            "without training": lambda: load_model(path, compile=False),
            "convert": lambda: convert(path, path.with_name("new.keras"), prove=False),
        }
    read = model_from_yaml if path.suffix == ".yaml" else model_from_json
    text = path.read_text()
    return {read.__name__: lambda: read(text)}


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """What is imported when it is first used has been."""
    folder = tmp_path_factory.mktemp("warm")
    model = elman.Sequential([elman.layers.LSTM(3, input_shape=(5, 2)), elman.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    for ending in ("keras", "h5"):
        model.save(folder / f"model.{ending}")
        load_model(folder / f"model.{ending}")
        describe(folder / f"model.{ending}")
        convert(folder / f"model.{ending}", folder / f"{ending}.keras")
    model.save_weights(folder / "w.h5")
    model.load_weights(folder / "w.h5")
    model.save_weights(folder / "w.weights.h5")
    model.load_weights(folder / "w.weights.h5")
    (folder / "model.json").write_text(model.to_json())
    model_from_json(model.to_json())
    describe(folder / "model.json")
    PIL.Image.init()
    for name in ("broken-no-json-keras", "lambda-2.2.4", "csv-as-activation-h5", "yaml-date"):
        with contextlib.suppress(Exception):
            next(iter(doors(hostile_files.CASES[name](folder)).values()))()


@pytest.fixture(autouse=True)
def as_before():
    """What a file did after all ends with its test."""
    before = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_image_data_format(before[1])
    keras.config.set_dtype_policy(before[2])


def watched(action, folder):
    """What was raised, and all that happened beside."""
    began, error = time.process_time(), None
    with sentinel.Memory() as memory, sentinel.watched(folder, hostile_files.MARK) as watch:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                action()
        except Exception as raised:
            error = raised
    faults = list(watch.seen)
    if memory.grown > MEMORY:
        faults.append(f"memory grew by {memory.grown} bytes")
    if time.process_time() - began > SECONDS:
        faults.append(f"it took {time.process_time() - began:.0f} s")
    return error, faults


def told(error):
    """What is wrong with an error, if anything."""
    if error is None:
        return ["nothing was refused"]
    wrong = [] if isinstance(error, ValueError) else [f"raised {error!r:.300}"]
    return wrong + (
        [f"{len(str(error))} letters: {error!s:.100}"] if len(str(error)) > 2000 else []
    )


@pytest.mark.parametrize("name", NAMED)
def test_a_hostile_file_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = hostile_files.CASES[name](tmp_path)
    before = {*tmp_path.iterdir(), tmp_path / "temp"}
    found = []
    for door, action in doors(path).items():
        error, faults = watched(action, tmp_path)
        if error or name not in hostile_files.TAKEN:
            faults += told(error)
        found += [f"{door}: {fault}" for fault in faults]
    if name in hostile_files.TAKEN:
        (tmp_path / "new.keras").unlink(missing_ok=True)
    error, faults = watched(lambda: describe(path), tmp_path)
    found += [f"describe: {fault}" for fault in faults]
    found += [f"describe: {fault}" for fault in (told(error) if error else [])]
    found += [f"{left.name} was written" for left in {*tmp_path.iterdir()} - before]
    assert found == []


def test_the_sentinel_sees_what_happens(tmp_path, monkeypatch):
    """Each of these is told; none would be, if the sentinel slept."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    outside = str(tmp_path / "outside")
    for action, words in [
        (lambda: Path(outside).write_text(""), "open"),
        (lambda: Path("/etc/hostname").read_text(), "open: /etc/hostname"),
        (lambda: os.mkdir(outside + "2"), "os.mkdir"),
        (lambda: os.listdir("/"), "os.listdir: /"),
        (lambda: os.system("true"), "os.system"),
        (lambda: __import__("this_is_nowhere"), "import: this_is_nowhere"),
        (lambda: eval(hostile_files.CODE), "exec: code of the file"),
        (lambda: keras.config.set_floatx("float16"), "keras.config.floatx was changed"),
        (lambda: os.environ.update(HOSTILE="1"), "os.putenv"),
        (lambda: socket.create_connection(("127.0.0.1", 9), 1), "socket."),
        (lambda: subprocess.run(["true"]), "subprocess.Popen"),
        (lambda: keras.saving.get_custom_objects().update(x=int), "custom objects was changed"),
        (lambda: bytearray(400 * 2**20), "memory grew"),
    ]:  # fmt: skip
        _, faults = watched(action, tmp_path / "files")
        keras.config.set_floatx("float32")
        keras.saving.get_custom_objects().pop("x", None)
        os.environ.pop("HOSTILE", None)
        assert any(words in fault for fault in faults), (words, faults)
    assert watched(lambda: None, tmp_path / "files") == (None, [])
    assert not Path(outside).exists()


@pytest.mark.parametrize(
    "name", ["byte-code-as-activation-2.2.4", "byte-code-as-activation-keras", "lambda-2.11.0",
             "lambda-system-keras", "byte-code-as-activation-h5", "TorchModuleWrapper-keras"],
)  # fmt: skip
def test_the_switch_of_keras_opens_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = global_state.get_global_attribute("safe_mode_saving")
    keras.config.enable_unsafe_deserialization()
    try:
        test_a_hostile_file_is_refused(name, tmp_path, monkeypatch)
    finally:
        global_state.set_global_attribute("safe_mode_saving", before)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return hostile_archives.bases(tmp_path_factory.mktemp("archives"))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_archive_is_read_or_refused(seed, archives, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = hostile_archives.one(tmp_path, archives[seed % len(archives)], seed)
    assert found in ("fine", "refused")


# Weights


def outside(group, name):
    """Numbers of another file, where the system keeps a name."""
    group.create_dataset(name, (2, 1), "u1", external=[("/etc/hostname", 0, 2)])


def elsewhere(group, name):
    group[name] = h5py.ExternalLink("other.h5", "/k")


def virtual(group, name):
    made = h5py.VirtualLayout((2, 1), "f4")
    made[:] = h5py.VirtualSource("other.h5", "k", (2, 1))
    group.create_virtual_dataset(name, made)


def unwritten(group, name):
    group.create_dataset(name, (10**6, 10**6), "f4")


def zeros(group, name):
    group.create_dataset(name, (2**15, 2**15), "f4", compression="gzip", fillvalue=0)


@pytest.mark.parametrize("make", [outside, elsewhere, virtual, unwritten, zeros])
@pytest.mark.parametrize("ending", ["h5", "weights.h5", "keras"])
def test_hostile_weights_are_refused(make, ending, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as root:
        root["k"] = np.ones((2, 1), "f4")
    model = elman.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="d", use_bias=False)])
    path = tmp_path / f"model.{ending}"
    if ending == "keras":
        model.save(path)
        with zipfile.ZipFile(path) as old:
            parts = {part: old.read(part) for part in old.namelist()}
        packed = io.BytesIO(parts["model.weights.h5"])
        replace_kernel(packed, make)
        with zipfile.ZipFile(path, "w") as new:
            for part, content in {**parts, "model.weights.h5": packed.getvalue()}.items():
                new.writestr(part, content)
        error, faults = watched(lambda: load_model(path), tmp_path)
    else:
        model.save_weights(path)
        replace_kernel(path, make)
        error, faults = watched(lambda: model.load_weights(path), tmp_path)
    assert told(error) + faults == []


def replace_kernel(file, make):
    found = []

    def see(name, it):
        if getattr(it, "shape", None) == (2, 1):
            found.append(name)

    with h5py.File(file, "r+") as root:
        root.visititems(see)
        parent, _, name = found[0].rpartition("/")
        del root[found[0]]
        make(root[parent], name)


# Run folders and data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("sklearn")
    import hostile_runs

    task, _, about = hostile_runs.made("arrays")
    task.save(tmp_path_factory.mktemp("run") / "run", **about)
    path = tmp_path_factory.getbasetemp() / "run0" / "run"
    tasks.load(path)
    return path


@pytest.mark.parametrize(
    "name",
    ["lambda-system-keras", "csv-as-activation-keras", "byte-code-as-activation-keras",
     "size-dense-keras", "assets-outside", "broken-list-keras", "TorchModuleWrapper-keras"],
)  # fmt: skip
def test_a_run_folder_with_a_hostile_model_is_refused(name, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "run")
    hostile_files.CASES[name](tmp_path / "run")
    error, faults = watched(lambda: tasks.load(tmp_path / "run"), tmp_path)
    assert told(error) + faults == []
    assert "run/model.keras" in str(error)


def pickled(folder):
    np.save(folder / "a.npy", np.array([hostile_files._Pickled()]), allow_pickle=True)
    return lambda: data.read_arrays(folder / "a.npy")


def pickled_in_a_zip(folder):
    np.savez(folder / "a.npz", features=np.array([[hostile_files._Pickled()]], dtype=object))
    return lambda: data.read_arrays(folder / "a.npz")


def an_array_larger_than_its_file(folder):
    with open(folder / "a.npy", "wb") as file:
        shape = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6, 2)}
        np.lib.format.write_array_header_1_0(file, shape)
    return lambda: data.read_arrays(folder / "a.npy")


def an_array_larger_than_its_zip(folder):
    an_array_larger_than_its_file(folder)
    with zipfile.ZipFile(folder / "a.npz", "w") as made:
        made.write(folder / "a.npy", "features.npy")
    return lambda: data.read_arrays(folder / "a.npz")


def one_line_without_end(folder):
    with gzip.open(folder / "a.gz", "wb") as made:
        for _ in range(40):
            made.write(bytes(1 << 20))
    return lambda: [*data.read_table(folder / "a.gz").column("text")]


def postscript(folder):
    (folder / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    return lambda: data.read_pictures(folder)[0]


def a_picture_of_many_pixels(folder):
    content = b"P6 60000 60000 255\n"
    (folder / "a.ppm").write_bytes(content + bytes(100))
    return lambda: data.read_pictures(folder)[0]


def lists_without_end(folder):
    (folder / "a.jsonl").write_text("[" * 10**6)
    return lambda: [*data.read_table(folder / "a.jsonl").column("text")]


def captions_without_end(folder):
    (folder / "a.json").write_text("[" * 10**6)
    return lambda: data.read_captions(folder / "a.json")


@pytest.mark.parametrize(
    "make",
    [pickled, pickled_in_a_zip, an_array_larger_than_its_file, an_array_larger_than_its_zip,
     one_line_without_end, postscript, a_picture_of_many_pixels,
     lists_without_end, captions_without_end],
)  # fmt: skip
def test_hostile_data_is_refused(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    action = make(tmp_path)
    error, faults = watched(action, tmp_path)
    assert told(error) + faults == []


def test_an_archive_of_windows_is_loaded(tmp_path):
    """Keras 3 wrote its groups as ``layers\\lstm\\cell`` there, and the names of assets too."""
    model = elman.Sequential([keras.Input((5, 2)), elman.layers.LSTM(3, name="l")])
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as old:
        parts = {part: old.read(part) for part in old.namelist()}
    packed = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(packed, "r+") as root:
        groups = []
        root.visititems(lambda name, it: groups.append(name) if name.endswith("vars") else None)
        for name in groups:
            above = name.removesuffix("/vars")
            if "/" in above:
                root.move(above, above.replace("/", "\\"))
    parts["model.weights.h5"] = packed.getvalue()
    with zipfile.ZipFile(tmp_path / "windows.keras", "w") as new:
        for part, content in {**parts, "assets\\a.txt": b"a"}.items():
            new.writestr(part, content)
    x = np.ones((1, 5, 2), "float32")
    np.testing.assert_array_equal(
        load_model(tmp_path / "windows.keras").predict(x, verbose=0), model.predict(x, verbose=0)
    )
