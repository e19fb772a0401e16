"""Files that try one thing each: to run, to open, to import, to ask for more than there is.

`CASES` has for each name a function that writes the file into a folder. A file is refused when its
model is loaded; that it is described is no harm.
"""

import base64
import functools
import io
import json
import marshal
import os
import pickle
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import layout

MARK = b"<hostile>"  # the file name of all code that the files bring along
CASES = {}
TAKEN = set()  # what may be left out with a warning, so that the model is loaded all the same
HUGE = 10**12
SHAPE = [None, 5, 2]


def case(name, write, *given):
    assert name not in CASES, name
    CASES[name] = functools.partial(write, *given)


# The parts of a file of Keras 3


def layer(class_name, module="keras.layers", registered_name=None, build_config=None, **config):
    written = {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }
    return written if build_config is None else {**written, "build_config": build_config}


def function(module, name):
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def start(**changes):
    return layer("InputLayer", **{"batch_shape": SHAPE, "dtype": "float32", "name": "in"} | changes)


def sequential(*layers, **more):
    config = {"name": "m", "trainable": True, "layers": list(layers), "build_input_shape": SHAPE}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": config,
        "registered_name": "Sequential",
        "build_config": {"input_shape": SHAPE},
        **more,
    }


def tensor(name):
    config = {"shape": SHAPE, "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def functional(one, *args, **kwargs):
    """A model of an input and one layer, which is called with the arguments."""
    called = [{"args": list(args), "kwargs": kwargs}]
    config = {
        "name": "m",
        "trainable": True,
        "layers": [
            start() | {"name": "in", "inbound_nodes": []},
            one | {"name": one["config"]["name"], "inbound_nodes": called},
        ],
        "input_layers": [["in", 0, 0]],
        "output_layers": [[one["config"]["name"], 0, 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def archived(config, folder, *parts, weights=(), compression=zipfile.ZIP_STORED):
    """A `.keras` archive of a configuration, which is a value or its text."""
    packed = io.BytesIO()
    with h5py.File(packed, "w") as root:
        for place, array in weights:
            root[place] = array
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", compression) as made:
        made.writestr("metadata.json", '{"keras_version": "3.9.0", "date_saved": "2025-01-01"}')
        if config is not None:
            written = config if isinstance(config, str | bytes) else json.dumps(config)
            made.writestr("config.json", written)
        made.writestr("model.weights.h5", packed.getvalue())
        for name, content in parts:
            made.writestr(name, content)
    return path


def hdf5(config, folder):
    """A whole `.h5` of Keras 3."""
    return old(config, "3.9.0", {}, None, folder)


def old(config, version, layers, training, folder):
    """A whole `.h5` of any Keras."""
    # Of fixed length where that is possible: text that is not has to be looked at elsewhere first.
    kind = np.bytes_ if len(json.dumps(config)) < 60_000 else bytes
    path = folder / "model.h5"
    return layout.write(path, config, layers, version, training=training, names_as=kind)


def plain(config, folder, name="model.json"):
    (folder / name).write_text(config if isinstance(config, str) else json.dumps(config))
    return folder / name


def yaml(config, folder):
    return plain(config, folder, "model.yaml")


# What should never be called, and what it is called with

PAYLOAD = f"lambda *_: open({'hostile-was-run'!r}, 'w')"
CODE = compile(PAYLOAD, MARK.decode(), "eval").co_consts[0]
MARSHALLED = base64.b64encode(marshal.dumps(CODE)).decode()
BYTE_CODE = {
    "class_name": "__lambda__",
    "config": {"code": MARSHALLED, "defaults": None, "closure": None},
}


class _Pickled:
    def __reduce__(self):
        return os.system, ("touch hostile-was-run",)


PICKLE = pickle.dumps(_Pickled(), protocol=0)

FUNCTIONS = {
    "plot": ("keras.visualization", "plot_image_gallery", [[[[0.0]]]]),
    "csv": ("keras.callbacks", "CSVLogger", "hostile-was-run"),
    "floatx": ("keras.config", "set_floatx", "float16"),
    "format": ("keras.config", "set_image_data_format", "channels_first"),
    "policy": ("keras.config", "set_dtype_policy", "float16"),
    "unsafe": ("keras.config", "enable_unsafe_deserialization", None),
    "saved-model": ("keras.layers", "TFSMLayer", "elsewhere"),
    "get-file": ("keras.utils", "get_file", "hostile-was-run"),
    "imdb": ("keras.datasets.imdb", "load_data", "imdb.npz"),
    "mnist": ("keras.datasets.mnist", "load_data", "mnist.npz"),
    "cifar": ("keras.datasets.cifar10", "load_data", None),
    "load": ("keras.saving", "load_model", "other.keras"),
    "load-again": ("keras.models", "load_model", "other.keras"),
    "pictures": ("keras.utils", "image_dataset_from_directory", "/"),
    "texts": ("keras.utils", "text_dataset_from_directory", "/"),
    "sounds": ("keras.utils", "audio_dataset_from_directory", "/"),
    "picture": ("keras.utils", "load_img", "/etc/hostname"),
    "save-picture": ("keras.utils", "save_img", "hostile-was-run"),
    "seed": ("keras.utils", "set_random_seed", 0),
    "register": ("keras.saving", "register_keras_serializable", "x"),
    "scope": ("keras.saving", "custom_object_scope", {"Dense": 1}),
    "clear": ("keras.utils", "clear_session", None),
    "application": ("keras.applications", "MobileNetV2", None),
    "zeros": ("keras.ops", "zeros", [10**6, 10**6]),
    "arange": ("keras.ops", "arange", HUGE),
    "eye": ("keras.ops", "eye", 10**6),
    "normal": ("keras.random", "normal", [10**6, 10**6]),
    "distribution": ("keras.distribution", "initialize", "127.0.0.1:9"),
    "remote": ("keras.callbacks", "RemoteMonitor", "http://127.0.0.1:9"),
    "eval": ("builtins", "eval", "open('hostile-was-run', 'w')"),
    "exec": ("builtins", "exec", "open('hostile-was-run', 'w')"),
    "open": ("builtins", "open", "/etc/hostname"),
    "import": ("builtins", "__import__", "antigravity"),
    "system": ("os", "system", "touch hostile-was-run"),
    "mkdir": ("os", "mkdir", "hostile-was-run"),
    "run": ("subprocess", "run", ["touch", "hostile-was-run"]),
    "numpy": ("numpy", "load", "/etc/hostname"),
    "numpy-private": ("numpy.f2py", "compile", ""),
    "module": ("antigravity", "geohash", 1),
    "hub": ("keras_hub.models", "Backbone", "x"),
    "pickle": ("pickle", "loads", PICKLE.decode("latin-1")),
    "deserialize": ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", None),
    "private": ("keras.src.utils.file_utils", "get_file", "hostile-was-run"),
    "elman": ("elman.models", "load_model", "other.keras"),
    "test": ("keras.src.testing.test_utils", "get_test_data", 10**9),
}


def lambda_of(where, argument):
    """A Lambda whose function is called with a literal instead of a tensor."""
    one = layer("Lambda", name="f", function=where, arguments={})
    return functional(one) if argument is None else functional(one, inputs=argument)


for name, (module, attribute, argument) in FUNCTIONS.items():
    config = lambda_of(function(module, attribute), argument)
    case(f"lambda-{name}-keras", archived, config)
    if name in ("csv", "floatx", "system", "zeros", "load", "module"):
        case(f"lambda-{name}-h5", hdf5, config)
        case(f"lambda-{name}-json", plain, config)

# The same as objects, where an object is expected


def named(module, class_name, registered_name=None, **config):
    return layer(class_name, module, registered_name, **config)


OBJECTS = {
    "csv": named("keras.callbacks", "CSVLogger", filename="hostile-was-run"),
    "csv-by-name": named("", "CSVLogger", "keras.callbacks>CSVLogger", filename="hostile-was-run"),
    "system": function("os", "system"),
    "eval": function("builtins", "eval"),
    "popen": named("subprocess", "Popen", args=["touch", "hostile-was-run"]),
    "floatx": function("keras.config", "set_floatx"),
    "module": function("antigravity", "geohash"),
    "hub": named("keras_hub.models", "Backbone", "keras_hub>Backbone"),
    "numpy": named("numpy", "memmap", filename="hostile-was-run", shape=[10**9], mode="w+"),
    "temporary": named("tempfile", "NamedTemporaryFile", dir=".", delete=False),
    "byte-code": BYTE_CODE,
    "type": {
        "module": "subprocess",
        "class_name": "__typespec__",
        "spec_name": "Popen",
        "config": [["touch", "hostile-was-run"]],
        "registered_name": None,
    },
    "monitor": named("keras.callbacks", "RemoteMonitor", root="http://127.0.0.1:9"),
    "backup": named("keras.callbacks", "BackupAndRestore", backup_dir="hostile-was-run"),
    "tuner": named("keras.src.trainers.data_adapters", "PyDatasetAdapter"),
    "layer": named("keras.layers", "TFSMLayer", filepath="elsewhere"),
    "number": 3,
    "list": [1, [2]],
    "text": "os.system",
    "dotted": "keras.callbacks.CSVLogger",
    "no-name": {"class_name": None, "config": None},
    "name-list": {"class_name": ["Dense"], "config": {}, "module": "keras.layers"},
}


def dense(**changes):
    return layer("Dense", **{"name": "d", "units": 1} | changes)


def lstm(**changes):
    return layer("LSTM", **{"name": "l", "units": 1} | changes)


PLACES = {
    "activation": lambda it: sequential(start(), dense(activation=it)),
    "recurrent-activation": lambda it: sequential(start(), lstm(recurrent_activation=it)),
    "initializer": lambda it: sequential(start(), dense(kernel_initializer=it)),
    "regularizer": lambda it: sequential(start(), dense(kernel_regularizer=it)),
    "activity-regularizer": lambda it: sequential(start(), dense(activity_regularizer=it)),
    "constraint": lambda it: sequential(start(), dense(bias_constraint=it)),
    "policy": lambda it: sequential(start(), dense(dtype=it)),
    "input-dtype": lambda it: sequential(start(dtype=it), dense()),
    "layer": lambda it: sequential(start(), it),
    "distributed": lambda it: sequential(
        start(), layer("TimeDistributed", name="t", layer=dense(activation=it))
    ),
    "bidirectional": lambda it: sequential(
        start(), layer("Bidirectional", name="b", layer=lstm(activation=it))
    ),
    "backward-layer": lambda it: sequential(
        start(), layer("Bidirectional", name="b", layer=lstm(), backward_layer=it)
    ),
    "cell": lambda it: sequential(start(), layer("RNN", name="r", cell=it)),
    "cells": lambda it: sequential(
        start(), layer("RNN", name="r", cell=layer("StackedRNNCells", name="s", cells=[it]))
    ),
    "inner-model": lambda it: sequential(start(), sequential(start(), dense(activation=it))),
    "build-config": lambda it: sequential(start(), dense() | {"build_config": it}),
    "build-shape": lambda it: sequential(
        start(), dense() | {"build_config": {"input_shape": it, "shapes_dict": it}}
    ),
    "optimizer": lambda it: compiled(optimizer=it),
    "loss": lambda it: compiled(loss=it),
    "losses": lambda it: compiled(loss={"d": [it]}),
    "metrics": lambda it: compiled(metrics=[it]),
    "weighted-metrics": lambda it: compiled(weighted_metrics={"d": it}),
    "schedule": lambda it: compiled(
        optimizer=named("keras.optimizers", "Adam", learning_rate=it)
    ),
    "argument": lambda it: functional(layer("Add", name="a"), it, tensor("in")),
    "keyword": lambda it: functional(dense(), tensor("in"), training=it),
    "tensor-inside": lambda it: functional(
        layer("Add", name="a"), [tensor("in"), {"class_name": "__tensor__", "config": it}]
    ),
    "loss-of-a-layer": lambda it: sequential(
        start(), layer("ActivityRegularization", name="a", l1=it)
    ),
}  # fmt: skip


def compiled(**changes):
    """A model with the settings of its training."""
    settings = {"optimizer": "adam", "loss": "mse", "metrics": None, "weighted_metrics": None}
    return sequential(start(), dense(), compile_config=settings | changes)


TRAINING = ("optimizer", "loss", "losses", "metrics", "weighted-metrics", "schedule")

# Nothing at all, or no more than a number, may stand there.
_HARMLESS = {
    *(("build-config", name) for name in OBJECTS),
    *(("build-shape", name) for name in OBJECTS),
    ("keyword", "number"), ("keyword", "text"), ("keyword", "dotted"), ("keyword", "list"),
    ("argument", "number"), ("argument", "list"), ("loss-of-a-layer", "number"),
    ("schedule", "number"),
}  # fmt: skip
for place, put in PLACES.items():
    for name, it in OBJECTS.items():
        some = place == "activation" or name in ("csv", "system", "byte-code", "floatx", "type")
        if some and (place, name) not in _HARMLESS:
            case(f"{name}-as-{place}-keras", archived, put(it))
        if name in ("csv", "byte-code") and (place, name) not in _HARMLESS:
            case(f"{name}-as-{place}-json", plain, put(it))
            if place not in TRAINING:
                case(f"{name}-as-{place}-h5", hdf5, put(it))
        if place in TRAINING:
            TAKEN |= {f"{name}-as-{place}-{ending}" for ending in ("keras", "json")}

for name in ("csv", "system", "byte-code", "floatx", "type", "popen"):
    training = {
        "optimizer_config": OBJECTS[name],
        "loss": OBJECTS[name],
        "metrics": [OBJECTS[name]],
    }
    for version in ("3.9.0", "2.11.0"):
        model = sequential(start(), dense())
        if version < "3":
            model = layout.sequential(
                ("Dense", {"name": "d", "units": 1, "batch_input_shape": SHAPE})
            )
        weights = {"d": [("d/kernel:0", np.ones((2, 1))), ("d/bias:0", np.ones(1))]}
        case(f"{name}-as-training-{version}", old, model, version, weights, training)
        TAKEN.add(f"{name}-as-training-{version}")

# Layers that are programs

WRAPPERS = {
    "TFSMLayer": {"filepath": "elsewhere", "call_endpoint": "serve"},
    "JaxLayer": {"call_fn": function("os", "system"), "init_fn": BYTE_CODE, "params": None},
    "FlaxLayer": {"module": named("flax.linen", "Dense", features=1), "method": None},
    "TorchModuleWrapper": {"module": PICKLE.decode("latin-1"), "output_shape": [1]},
}
for name, settings in WRAPPERS.items():
    one = layer(name, name="w")
    one["config"] |= settings
    for ending, write in (("keras", archived), ("h5", hdf5), ("json", plain)):
        case(f"{name}-{ending}", write, sequential(start(), one))

# Layers that read files

LOOKUPS = {
    "StringLookup": {"vocabulary": "/etc/hostname"},
    "IntegerLookup": {"vocabulary": "/etc/hostname"},
    "TextVectorization": {"vocabulary": "/etc/hostname"},
    "StringLookup-idf": {"vocabulary": ["a"], "idf_weights": "/etc/hostname",
                         "output_mode": "tf_idf"},
    "StringLookup-object": {"vocabulary": function("os", "listdir")},
    "TextVectorization-split": {"split": function("os", "system")},
    "TextVectorization-standardize": {"standardize": BYTE_CODE},
    "Discretization": {"bin_boundaries": "/etc/hostname"},
    "HashedCrossing": {"num_bins": {"class_name": "CSVLogger", "module": "keras.callbacks",
                                    "config": {"filename": "hostile-was-run"}}},
}  # fmt: skip
for name, settings in LOOKUPS.items():
    one = layer(name.partition("-")[0], name="w", **settings)
    model = sequential(start(batch_shape=[None, 1]), one)
    model["config"].pop("build_input_shape")
    model.pop("build_config")
    case(f"{name}-keras", archived, model)
    case(f"{name}-h5", hdf5, model)

# More than there is

SIZES = {
    "dense": dense(units=5 * 10**8),
    "lstm": lstm(units=10**6),
    "lstm-cell": layer("RNN", name="r", cell=layer("LSTMCell", name="c", units=10**6)),
    "gru": layer("GRU", name="g", units=10**6),
    "unrolled": lstm(unroll=True),
    "embedding": layer("Embedding", name="e", input_dim=10**9, output_dim=8),
    "convolution": layer("Conv1D", name="c", filters=10**6, kernel_size=10**5, padding="same"),
    "attention": layer("MultiHeadAttention", name="a", num_heads=10**5, key_dim=10**5),
    "mel": layer("MelSpectrogram", name="m", fft_length=2**22, num_mel_bins=2**16),
    "stft": layer("STFTSpectrogram", name="s", frame_length=2**22, fft_length=2**22),
    "text-of-units": dense(units="9" * 5000),
    "negative": dense(units=-1),
    "no-number": dense(units=float("nan")),
}
for name, one in SIZES.items():
    shape = [None, 10**6, 2] if name == "unrolled" else SHAPE
    model = sequential(start(batch_shape=shape), one)
    for part in (model["config"], model):
        part.pop("build_input_shape", None), part.pop("build_config", None)
    case(f"size-{name}-keras", archived, model)
    case(f"size-{name}-h5", hdf5, model)
    if name not in ("convolution", "attention", "mel", "stft", "embedding", "lstm-cell"):
        case(f"size-{name}-json", plain, model)

SHAPES = {
    "rows": [HUGE, 5, 2],
    "steps": [None, HUGE, HUGE],
    "axes": [None] * 10_000,
    "text": [None, "5", 2],
    "nested": [[[None]]],
    "none": "x",
}
for name, shape in SHAPES.items():
    model = sequential(start(batch_shape=shape), dense())
    model["config"].pop("build_input_shape")
    model.pop("build_config")
    case(f"shape-{name}-keras", archived, model)

# What is nothing but a number until somebody computes with it.
TAKEN |= {
    f"{name}-{ending}" for name in ("size-mel", "Discretization") for ending in ("keras", "h5")
}
TAKEN.add("size-unrolled-json")

MANY = [dense(name=f"d{i}") for i in range(20_000)]
case("many-layers-keras", archived, sequential(start(), *MANY))
case("many-layers-json", plain, sequential(start(), *MANY))
nested = functools.reduce(lambda inner, _: sequential(start(), inner), range(200), dense())
case("models-in-models-keras", archived, nested)
case("deep-json-keras", archived, "[" * 10_000 + "]" * 10_000)
case("deep-json", plain, '{"class_name":' * 10_000 + "1" + "}" * 10_000)
case("endless-json", plain, "[" * 10_000)
case("long-name-keras", archived, sequential(start(), dense(name="d" * 60_000_000)))
case("long-class-keras", archived, sequential(start(), layer("D" * 20_000_000, name="d")))
case("long-activation-keras", archived, sequential(start(), dense(activation="a" * 20_000_000)))
case("long-argument-json", plain, sequential(start(), dense(**{"x" * 20_000_000: 1})))
case("long-key-h5", hdf5, {"x" * 10_000_000: 1})
case("long-yaml", yaml, "class_name: " + "x" * 10_000_000)


def assets(folder):
    zeros = [(f"assets/{i}", bytes(60 * 2**20)) for i in range(5)]
    model = sequential(start(), dense())
    return archived(model, folder, *zeros, compression=zipfile.ZIP_DEFLATED)


def other_weights(folder):
    """Weights as NumPy's archive, in which arrays may be pickles."""
    packed = io.BytesIO()
    np.savez(packed, **{"d/0": np.array([_Pickled()], dtype=object)})
    path = archived(sequential(start(), dense()), folder)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in ("config.json", "metadata.json")}
    with zipfile.ZipFile(path, "w") as made:
        for name, content in {**parts, "model.weights.npz": packed.getvalue()}.items():
            made.writestr(name, content)
    return path


case("assets-of-zeros", assets)


def assets_outside(folder):
    return archived(sequential(start(), dense()), folder, ("../hostile-was-run", b""))


case("assets-outside", assets_outside)
case("weights-of-numpy", other_weights)
case("no-weights", archived, sequential(start(), dense(units=100)))

# No configuration at all

BROKEN = {
    "missing": None,
    "no-json": "nonsense",
    "empty": "",
    "list": [],
    "number": 3,
    "null": "null",
    "no-config": {"module": "keras", "class_name": "Sequential", "registered_name": None},
    "config-list": sequential() | {"config": []},
    "config-text": sequential() | {"config": "x"},
    "module-number": sequential() | {"module": 3},
    "class-none": sequential() | {"class_name": None},
    "class-number": sequential() | {"class_name": 3},
    "class-dict": sequential() | {"class_name": {}},
    "registered-list": sequential() | {"registered_name": []},
    "layers-none": sequential() | {"config": {"name": "m", "layers": None}},
    "layers-text": sequential() | {"config": {"name": "m", "layers": "abc"}},
    "layers-numbers": sequential() | {"config": {"name": "m", "layers": [1, 2]}},
    "layer-empty": sequential(start(), {}),
    "layer-no-config": sequential(start(), {"class_name": "Dense", "module": "keras.layers"}),
    "layer-config-list": sequential(start(), dense() | {"config": [1]}),
    "layer-unknown-argument": sequential(start(), dense(gates=3)),
    "units-text": sequential(start(), dense(units="three")),
    "units-list": sequential(start(), dense(units=[3])),
    "name-dict": sequential(start(), dense(name={})),
    "name-number": sequential(start(), dense(name=3)),
    "twice": sequential(start(), dense(), dense()),
    "nodes-number": functional(dense()) | {},
    "not-a-model": dense(),
    "an-optimizer": named("keras.optimizers", "Adam", learning_rate=0.1),
    "not-found": named("keras", "Nonsense"),
    "nodes-text": {**functional(dense()), "config": {**functional(dense())["config"],
                                                     "layers": [start() | {"inbound_nodes": "x"}]}},
    "outputs-text": {**functional(dense(), tensor("in")),
                     "config": {**functional(dense(), tensor("in"))["config"],
                                "output_layers": "abc"}},
    "node-of-none": functional(dense(), tensor("nobody")),
    "node-of-itself": functional(dense(), tensor("d")),
    "history-text": functional(dense(), {"class_name": "__keras_tensor__", "config": "x"}),
    "numpy-huge": functional(dense(), {"class_name": "__numpy__",
                                       "config": {"value": [1], "dtype": f"U{10**9}"}}),
}  # fmt: skip
for name, config in BROKEN.items():
    case(f"broken-{name}-keras", archived, config)
    if name not in ("missing", "empty"):
        case(f"broken-{name}-json", plain, config)
    if isinstance(config, dict) and name != "no-config":
        case(f"broken-{name}-h5", hdf5, config)

# The files of Keras 1 and 2

OLD = ("1.2.2", "2.2.4", "2.2.4-tf", "2.11.0")
OLD_DENSE = {"name": "d", "units": 1, "batch_input_shape": SHAPE}
OLD_LAMBDA = {
    "name": "f", "function": [MARSHALLED, None, None], "function_type": "lambda",
    "output_shape": [MARSHALLED, None, None], "output_shape_type": "lambda", "arguments": {},
    "batch_input_shape": SHAPE,
}  # fmt: skip
OLD_PLACES = {
    "activation": lambda it: layout.sequential(("Dense", OLD_DENSE | {"activation": it})),
    "initializer": lambda it: layout.sequential(("Dense", OLD_DENSE | {"kernel_initializer": it})),
    "regularizer": lambda it: layout.sequential(("Dense", OLD_DENSE | {"kernel_regularizer": it})),
    "constraint": lambda it: layout.sequential(("Dense", OLD_DENSE | {"kernel_constraint": it})),
    "wrapped": lambda it: layout.sequential(
        ("TimeDistributed", {"name": "t", "batch_input_shape": SHAPE,
                             "layer": {"class_name": "Dense",
                                       "config": {"name": "d", "units": 1, "activation": it}}})),
    "cell": lambda it: layout.sequential(
        ("RNN", {"name": "r", "cell": it, "batch_input_shape": SHAPE})),
    "dtype": lambda it: layout.sequential(("Dense", OLD_DENSE | {"dtype": it})),
}  # fmt: skip
for version in OLD:
    for place, put in OLD_PLACES.items():
        for name in ("csv", "system", "byte-code", "popen", "type"):
            weights = {"d": [], "t": [], "r": []}
            case(f"{name}-as-{place}-{version}", old, put(OBJECTS[name]), version, weights, None)
    case(f"lambda-{version}", old, layout.sequential(("Lambda", OLD_LAMBDA)), version, {}, None)
    for name in WRAPPERS:
        one = (name, {"name": "w", "batch_input_shape": SHAPE, **WRAPPERS[name]})
        case(f"{name}-{version}", old, layout.sequential(one), version, {"w": []}, None)
    for name in ("StringLookup", "IntegerLookup", "TextVectorization"):
        one = (name, {"name": "w", "batch_input_shape": [None, 1], **LOOKUPS[name]})
        case(f"{name}-{version}", old, layout.sequential(one), version, {"w": []}, None)
    units = "output_dim" if version == "1.2.2" else "units"
    for name, settings in {
        "dense": ("Dense", {units: 5 * 10**8}),
        "lstm": ("LSTM", {units: 10**6}),
        "embedding": ("Embedding", {"input_dim": 10**9, "output_dim": 8}),
    }.items():
        one = (settings[0], {"name": "d", "batch_input_shape": SHAPE, **settings[1]})
        case(f"size-{name}-{version}", old, layout.sequential(one), version, {"d": []}, None)
    written = layout.sequential(("Lambda", OLD_LAMBDA)) | {"keras_version": version}
    case(f"lambda-{version}-json", plain, written)

YAML = {
    "apply": "!!python/object/apply:os.system ['touch hostile-was-run']",
    "name": "class_name: !!python/name:os.system",
    "module": "class_name: !!python/module:antigravity",
    "new": "!!python/object/new:subprocess.Popen [['touch', 'hostile-was-run']]",
    "inside": "class_name: Sequential\nconfig:\n- class_name: Dense\n  config:\n    units: "
              "!!python/object/apply:builtins.eval ['open(\"hostile-was-run\", \"w\")']",
    "anchors": "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
                          *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]"
                            for i in range(1, 12))]),
    "circle": "class_name: Sequential\nconfig: &a\n  layers: [*a]",
    "deep": "[" * 5_000,
    "keras3": json.dumps(lambda_of(function("os", "system"), "touch hostile-was-run")),
    "csv": json.dumps(PLACES["activation"](OBJECTS["csv"])),
    "date": "2020-01-01",
    "merge": "<<: 3",
}  # fmt: skip
for name, text in YAML.items():
    case(f"yaml-{name}", yaml, text)
