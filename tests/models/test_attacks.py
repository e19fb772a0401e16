"""Ways around the allow list, and work without end from a small file, that were tried once."""

import functools
import json
import sys
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from elman import layers, models
from elman.layers.operation import Operation
from elman.legacy import allowed, configs, text

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, node, write


def written(class_name, config, module="keras.layers", registered=None, **more):
    return {"class_name": class_name, "config": config, "module": module,
            "registered_name": registered, **more}  # fmt: skip


def refused(config, words, given=()):
    began = time.process_time()
    with pytest.raises(ValueError, match=words) as error:
        configs.upgraded(config, "3.15.1", given)
    assert len(str(error.value)) < 2000
    assert time.process_time() - began < 10


def stack(*inside):
    start = written("InputLayer", {"batch_shape": [None, 2], "name": "in"})
    return written("Sequential", {"name": "s", "layers": [start, *inside]}, "keras")


@pytest.fixture(scope="module")
def model():
    made = models.Sequential([layers.Dense(2, input_shape=(3,), name="d")])
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize(
    "loss",
    [
        {"class_name": "StringLookup", "config": {"vocabulary": "secret.txt"}},
        {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}},
        {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense"}}},
        {"class_name": "AUC", "config": {"num_thresholds": 3 * 10**8}},
        {"class_name": "MeanIoU", "config": {"num_classes": 10**5}},
    ],
    ids=lambda loss: loss["class_name"],
)
@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_a_training_configuration_names_losses_metrics_and_optimizers(
    loss, ending, model, tmp_path
):
    path = tmp_path / f"m.{ending}"
    model.save(path)
    if ending == "h5":
        with h5py.File(path, "a") as root:
            settings = json.loads(root.attrs["training_config"])
            root.attrs["training_config"] = json.dumps({**settings, "loss": loss})
    else:
        import zipfile

        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        config = json.loads(parts["config.json"])
        config["compile_config"]["loss"] = loss
        parts["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as new:
            for name, data in parts.items():
                new.writestr(name, data)
    with pytest.raises(ValueError, match=r"training configuration|never run|another file|at most"):
        models.load_model(path)
    assert not models.load_model(path, compile=False).compiled


def test_a_registered_name_is_the_callers_own():
    """Keras takes what the module has where it finds nothing under a registered name."""
    for registered in ("MyLayer", None):
        other = written("TFSMLayer", {}, "keras.src.export.tfsm_layer", registered, name="a")
        refused(stack(other), "names", given=["MyLayer", "my>MyLayer"])
    other = written("TFSMLayer", {}, "keras.src.export.tfsm_layer", "my>MyLayer", name="a")
    assert configs.upgraded(stack(other), "3", ["MyLayer", "my>MyLayer"]).needed
    other = written("MyLayer", {"filepath": "elsewhere"}, "mine", "elman>TFSMLayer", name="a")
    assert configs.upgraded(stack(other), "3", ["MyLayer", "my>MyLayer"]).needed
    module = "keras._tf_keras.keras.applications.resnet_v2"
    refused(stack(written("MyLayer", {}, module, name="a")), "names", given=["MyLayer"])
    assert module not in sys.modules
    mine = written("MyLayer", {}, "mine", "my>MyLayer", name="a")
    assert not configs.upgraded(stack(mine), "3", ["my>MyLayer"]).needed


def test_models_that_call_one_another():
    def level(inner, depth):
        tensor = {"shape": [None, 2], "dtype": "float32", "keras_history": ["in", 0, 0]}
        ref = {"class_name": "__keras_tensor__", "config": tensor}
        node = {"args": [ref], "kwargs": {}}
        start = written("InputLayer", {"batch_shape": [None, 2], "name": "in"}, name="in",
                        inbound_nodes=[])  # fmt: skip
        config = {"name": f"m{depth}", "layers": [start, {**inner, "inbound_nodes": [node] * 2}],
                  "input_layers": ["in", 0, 0], "output_layers": [inner["name"], 1, 0]}  # fmt: skip
        return written("Functional", config, "keras", name=f"m{depth}")

    leaf = written("Identity", {"name": "leaf"}, name="leaf")
    refused(functools.reduce(level, range(30), leaf), "calls of layers")


@pytest.mark.parametrize("name", ["U100000000", "O", "V8", ["float32"]])
def test_dtypes_of_arrays_are_those_of_numbers(name):
    value = {"class_name": "__numpy__", "config": {"value": [1], "dtype": name}}
    layer = written("Dense", {"name": "d", "units": 2, "kernel_initializer": value})
    refused(stack(layer), "dtype must be")


@pytest.mark.parametrize(
    "words", ["a: " + "1:" * 400_000 + "1", "a: !!bool x", "a: !!int ''", "a: !!timestamp x"]
)
def test_yaml_is_read_or_refused_at_once(words):
    began = time.process_time()
    with pytest.raises(ValueError, match="YAML"):
        text.parse(words, "the model")
    assert time.process_time() - began < 5


def test_functions_that_count_what_a_shape_says_are_not_for_files():
    assert not allowed.FUNCTIONS & {"unstack", "split", "diff", "map", "scan", "zeros"}


def test_numbers_do_not_multiply_where_no_tensor_is():
    def gather(params, count):
        indices = [[0] * 500] * count
        return {"function": "gather", "inputs": params, "kwargs": {"indices": indices}}

    config = {"function": "add", "inputs": {"tensor": 0},
              "kwargs": {"y": gather(gather([1.0] * 500, 500), 500)}}  # fmt: skip
    with pytest.raises(ValueError, match="numbers where no tensor is"):
        Operation(config)([np.ones(2)])


def test_a_warning_is_short(model, tmp_path):
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as root:
        settings = json.loads(root.attrs["training_config"])
        root.attrs["training_config"] = json.dumps({**settings, "loss": "x" * 5000})
    with pytest.warns(UserWarning, match="is not known") as told:
        models.load_model(tmp_path / "m.h5")
    assert max(len(str(warning.message)) for warning in told) < 2000


def test_a_name_with_a_slash_first():
    config = {"class_name": "Sequential", "keras_version": "2.3.0", "config": [
        {"class_name": "Dense", "config": {"name": "block/dense", "units": 2,
                                           "batch_input_shape": [None, 2]}}]}  # fmt: skip
    assert models.model_from_json(json.dumps(config)).count_params() == 6


def test_the_callers_names_win_in_archives(tmp_path):
    class Dense(layers.Dense):
        def call(self, x):
            return super().call(x) + 1

    x = np.ones((2, 3), "float32")
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="relu")])
    made.save(tmp_path / "m.keras")
    y = made.predict(x, verbose=0)
    mine = models.load_model(tmp_path / "m.keras", {"Dense": Dense}).predict(x, verbose=0)
    np.testing.assert_allclose(mine, y + 1, rtol=1e-6)
    twice = {"relu": lambda a: 2 * keras.ops.relu(a)}
    doubled = models.load_model(tmp_path / "m.keras", twice).predict(x, verbose=0)
    np.testing.assert_allclose(doubled, 2 * y, rtol=1e-6)


def test_stateful_layers_of_keras_in_archives(tmp_path):
    made = keras.Sequential(
        [keras.Input((4, 2), batch_size=2), keras.layers.LSTM(3, stateful=True)]
    )
    made.save(tmp_path / "m.keras")
    x = np.ones((2, 4, 2), "float32")
    again = models.load_model(tmp_path / "m.keras")
    first, second = (again.predict(x, verbose=0) for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    again.reset_states()
    np.testing.assert_allclose(again.predict(x, verbose=0), first, rtol=1e-6)


def test_moments_of_a_scalar_weight(tmp_path):
    x = layers.Input((3, 2))
    made = models.Model(x, layers.Dense(2)(layers.Attention(use_scale=True)([x, x])))
    made.compile("adam", "mse")
    made.fit(np.ones((4, 3, 2)), np.zeros((4, 3, 2)), verbose=0)
    made.save(tmp_path / "m.h5")
    again = models.load_model(tmp_path / "m.h5")
    for one, two in zip(again.optimizer.variables, made.optimizer.variables, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(two), atol=1e-7
        )


def test_a_deep_chain_of_calls(tmp_path):
    """Keras follows a graph by calls of Python's, one in another."""
    calls = [node("in")] + [node(["a", i, 0]) for i in range(2 * sys.getrecursionlimit())]
    first = ("InputLayer", {"name": "in", "batch_input_shape": [None, 3]}, [])
    tanh = ("Activation", {"name": "a", "activation": "tanh"}, calls)
    config = functional([first, tanh], ["in"], ["a"])
    config["config"]["output_layers"] = [["a", len(calls) - 1, 0]]
    with pytest.raises(ValueError, match=r"model 'model_1' .*too deep for sys.getrecursionlimit"):
        models.load_model(write(tmp_path / "deep.h5", config, {}, "2.4.0"))
