"""Damaged files for the fuzz: bytes turned over, pieces cut out, values that no model has.

As a program it runs for as many seconds as its argument says:
``python tests/legacy/hostile.py 600``.
"""

import copy
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from elman.legacy import configs, hdf5, training
from elman.legacy.describe import describe

sys.path.insert(0, str(Path(__file__).parent))
from layout import functional, node, sequential, write

ODD = [
    None,
    -1,
    0,
    10**12,
    1e300,
    float("nan"),
    "",
    "x",
    "hard_sigmoid",
    [],
    {},
    [[]],
    True,
    {"class_name": "LSTM", "config": {}},
    ["lstm", 0, 0],
    {"class_name": []},
    "__lambda__",
]

SECONDS = 30  # on a machine that does other things too; alone it is one

LSTM = {"name": "lstm", "units": 2, "batch_input_shape": [None, 3, 2], "activation": "tanh"}
TRAINING = {
    "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.1, "decay": 0.1}},
    "loss": {"out": "mse"}, "metrics": [["acc"]], "sample_weight_mode": None,
}  # fmt: skip


def bases():
    """Configurations with weights that load: (config, layers)."""
    w = {"lstm": [("k", np.ones((2, 8))), ("r", np.ones((2, 8))), ("b", np.ones(8))]}
    dense = {"dense": [("dense/kernel:0", np.ones((2, 3))), ("dense/bias:0", np.ones(3))]}
    tail = ("Dense", {"name": "dense", "units": 3})
    graph = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, 3, 2]}, []),
         ("LSTM", {"name": "lstm", "units": 2, "return_state": True}, [node("in")]),
         ("Dense", {"name": "dense", "units": 3}, [node(("lstm", 0, 2))])],
        ["in"], ["dense"],
    )  # fmt: skip
    pair = ("Bidirectional", {"name": "pair", "layer": {"class_name": "LSTM", "config": LSTM},
                              "batch_input_shape": [None, 3, 2]})  # fmt: skip
    both = [(f"{i}{name}", array) for i in range(2) for name, array in w["lstm"]]
    return [
        (sequential(("LSTM", LSTM), tail), {**w, **dense}),
        (sequential(("LSTM", LSTM), tail, as_list=True), {**w, **dense}),
        (graph, {"in": [], **w, **dense}),
        (sequential(pair), {"pair": both}),
    ]


def mutated_json(config, random):
    """The configuration with one to three values replaced, removed or repeated."""
    config = copy.deepcopy(config)
    for _ in range(random.integers(1, 4)):
        places = list(_places(config))
        parent, key = places[random.integers(len(places))]
        action = random.integers(4)
        if action == 0 and isinstance(parent, dict):
            del parent[key]
        elif action == 1 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        else:
            parent[key] = copy.deepcopy(ODD[random.integers(len(ODD))])
        if not config:
            break
    return config


def _places(value):
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from _places(value[key])


def mutated_bytes(data, random):
    """The file with bytes turned over, or a piece cut out, doubled or off its end."""
    data = bytearray(data)
    for _ in range(random.integers(1, 12)):
        place, length = int(random.integers(len(data))), int(random.integers(1, 64))
        action = random.integers(8)
        if action < 5:
            data[place] = random.integers(256)
        elif action == 5:
            data[place : place + length] = bytes([random.integers(256)]) * length
        elif action == 6 and random.random() < 0.3:
            del data[place : place + length]
        elif random.random() < 0.1:
            data = data[: max(place, 8)]
    return bytes(data)


def read(path):
    """All that reading a file does before a model is built."""
    describe(path)
    with hdf5.opened(path) as file:
        if file.config is not None:
            configs.upgraded(file.config, file.version)
        if file.training is not None:
            training.upgraded(file.training)
        for weights in file.layers.values():
            for weight in weights:
                weight.read()


def survives(action, *arguments):
    """Whether a damaged file was read or refused, within seconds; anything else is raised."""
    began = time.monotonic()
    try:
        action(*arguments)
    except (ValueError, OSError, MemoryError):
        return time.monotonic() - began < SECONDS
    return time.monotonic() - began < SECONDS


def one(folder, base, seed):
    """One damaged file: its bytes by an even seed, its configuration by an odd one."""
    random = np.random.default_rng(seed)
    config, layers = bases()[base]
    version = ["1.2.2", "2.0.4", "2.2.4-tf", "2.11.0", None][seed // 2 % 5]
    path = folder / "file.h5"
    if seed % 2:
        config, trained = mutated_json(config, random), mutated_json(TRAINING, random)
        write(path, config, layers, version, training=trained, names_as=np.bytes_)
    else:
        write(path, config, layers, version, training=TRAINING)
        path.write_bytes(mutated_bytes(path.read_bytes(), random))
    return survives(read, path)


def apart(folder, seed):
    """One damaged file in a process of its own, which does what `hdf5.probe` does: the outcome."""
    child = os.fork()
    if child == 0:
        hdf5.try_elsewhere = lambda path: None
        resource.setrlimit(resource.RLIMIT_AS, (hdf5.PROBE_BYTES, hdf5.PROBE_BYTES))
        try:
            os._exit(0 if one(folder, seed % 4, seed // 4) else 2)
        except BaseException as error:
            print(seed, repr(error), flush=True)
            os._exit(1)
    until = time.monotonic() + hdf5.PROBE_SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {0: "fine", 1: "wrong", 2: "slow"}.get(code, "crashed")
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "endless"


if __name__ == "__main__":
    import collections
    import os
    import resource
    import signal

    until, seed, outcomes = time.monotonic() + float(sys.argv[1]), 0, collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < until:
            found = apart(Path(folder), seed)
            outcomes[found] += 1
            if found in ("crashed", "endless"):  # the library's fault: is the user told so?
                assert one(Path(folder), seed % 4, seed // 4), found
            seed += 1
    print(dict(outcomes))
