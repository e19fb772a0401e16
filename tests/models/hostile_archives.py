"""Damaged archives of Keras 3 for the fuzz: other values, bytes turned over, other weights.

As a program it runs for as many seconds as its argument says:
``python tests/models/hostile_archives.py 600``.
"""

import collections
import contextlib
import copy
import faulthandler
import io
import json
import os
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np

import elman
from elman.legacy.describe import describe
from elman.models import load_model

sys.path.insert(0, str(Path(__file__).parents[1] / "legacy"))
import hostile
import hostile_files
import sentinel

SECONDS = 60  # on a machine that does other things too; alone it is one
MEMORY = 500 * 2**20
CONFIG, WEIGHTS = "config.json", "model.weights.h5"

# Beside the values that no model has: objects of Keras 3, and how it writes tensors.
ODD = [
    *hostile.ODD, *hostile_files.OBJECTS.values(), 10**9, 2**31, -(10**9), 0.5, "relu", "float16",
    "tanh", "sgd", "in", [None, 5, 2], [None, None, None], [None, 10**6, 10**6],
    hostile_files.tensor("in"), hostile_files.tensor("nobody"), hostile_files.dense(),
    hostile_files.lstm(), {"class_name": "__numpy__", "config": {"value": [1], "dtype": "int32"}},
    {"class_name": "__tuple__", "items": [1, 2]},
]  # fmt: skip


def bases(folder):
    """Archives that load: the parts of each by their names."""
    layers = elman.layers
    one = elman.Sequential(
        [keras.Input((5, 2)), layers.LSTM(2, return_sequences=True), layers.Dense(1)]
    )
    one.compile("adam", "mse", metrics=["mae"])
    left, right = keras.Input((5, 2), name="in"), keras.Input((5, 2), name="other")
    both = layers.Bidirectional(layers.GRU(2, activation="relu"))(left)
    summed = layers.Add()([layers.TimeDistributed(layers.Dense(2))(left), right])
    two = elman.Model([left, right], [both, layers.Flatten()(summed)])
    cells = layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(2)])
    inner = keras.Sequential([keras.Input((5, 2)), keras.layers.Dense(2, name="x")])
    three = keras.Sequential([keras.Input((5, 2)), inner, layers.RNN(cells)])
    three.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), "mse")
    found = []
    for model in (one, two, three):
        model.save(folder / "base.keras")
        with zipfile.ZipFile(folder / "base.keras") as archive:
            found.append({name: archive.read(name) for name in archive.namelist()})
    return found


def damaged(path, parts, random):
    """Write an archive with one kind of damage; says which."""
    parts, kind = dict(parts), ("config", "config", "config", "weights", "zip")[random.integers(5)]
    if kind == "config":
        parts[CONFIG] = json.dumps(changed(json.loads(parts[CONFIG]), random)).encode()
    if kind == "weights":
        parts[WEIGHTS] = hostile.mutated_bytes(parts[WEIGHTS], random)
    packed = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if random.random() < 0.2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    data = packed.getvalue()
    path.write_bytes(hostile.mutated_bytes(data, random) if kind == "zip" else data)
    return kind


def changed(config, random):
    """The configuration with one to three values replaced, removed or repeated."""
    config = copy.deepcopy(config)
    for _ in range(random.integers(1, 4)):
        places = list(hostile._places(config))
        if not places:
            break
        parent, key = places[random.integers(len(places))]
        action = random.integers(6)
        if action == 0 and isinstance(parent, dict):
            del parent[key]
        elif action == 1 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        elif action == 2:  # what stands elsewhere in it
            other, at = places[random.integers(len(places))]
            parent[key] = copy.deepcopy(other[at]) if at in _keys(other) else None
        else:
            parent[key] = copy.deepcopy(ODD[random.integers(len(ODD))])
    return config


def _keys(value):
    return value if isinstance(value, dict) else range(len(value))


def one(folder, parts, seed):
    """Load and describe a damaged archive: "fine", "refused", or what went wrong."""
    random = np.random.default_rng(seed)
    path = folder / "model.keras"
    kind = damaged(path, parts, random)
    began, outcome = time.monotonic(), "fine"
    with sentinel.Memory() as memory, sentinel.watched(folder, hostile_files.MARK) as watch:
        for action in (describe, load_model):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    action(path)
            except ValueError as error:
                long = len(str(error)) > 2000
                outcome = f"{len(str(error))} letters" if long else "refused"
            except Exception as error:
                outcome = f"{type(error).__name__}: {error!s:.300}"
            if outcome not in ("fine", "refused"):
                return f"{kind}, {action.__name__}: {outcome}"
    if watch.seen:
        return f"{kind}: {watch.seen[:3]}"
    if memory.grown > MEMORY:
        return f"{kind}: {memory.grown} bytes"
    return f"{kind}: slow" if time.monotonic() - began > SECONDS else outcome


def run(seconds):
    """Damage archives for so long; prints what went wrong, and counts the outcomes."""
    until, seed, outcomes = time.monotonic() + seconds, 0, collections.Counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        folder = Path(folder)
        archives = bases(folder)
        one(folder, archives[0], 0)  # what is imported when it is first used
        while time.monotonic() < until:
            faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
            found = one(folder, archives[seed % len(archives)], seed)
            outcomes[found if found in ("fine", "refused") else "wrong"] += 1
            if found not in ("fine", "refused"):
                print(seed, found, flush=True)
            seed += 1
            if seed % 50 == 0:
                keras.utils.clear_session()
    faulthandler.cancel_dump_traceback_later()
    print(dict(outcomes))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run(float(sys.argv[1]))
