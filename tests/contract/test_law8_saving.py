"""Law 8: saved and loaded, a layer gives the same numbers and has the same settings."""

import json

import keras
import numpy as np
import pytest
from backends import to_numpy
from kinds import KINDS, build, random_batch

from elman import layers, models

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

X = random_batch().astype("float32")

# None of them what it is by default.
SETTINGS = {
    "activation": "relu",
    "use_bias": False,
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "return_sequences": True,
    "go_backwards": True,
    "unroll": True,
    "zero_output_for_mask": True,
    "engine": "keras",
}
OF_THE_LAYER = {
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "zeros",
    "kernel_regularizer": "l2",
    "recurrent_constraint": "max_norm",
    "name": "a_name",
    "trainable": False,
}


def make_model(kind, **options):
    layer = kind.make(**options)
    model = models.Sequential([keras.Input((5, 2)), layer])
    build(layer)
    return model


def same_numbers(model, other):
    for a, b in zip(to_numpy(other(X)), to_numpy(model(X)), strict=True):
        np.testing.assert_array_equal(a, b)


@every_kind
def test_saved_loaded_and_cloned(kind, tmp_path):
    model = make_model(kind, return_sequences=True, activation="relu")
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = models.load_model(tmp_path / "model.keras")
    cloned = keras.models.clone_model(model)
    cloned.load_weights(tmp_path / "model.weights.h5")
    layer = model.layers[0]
    for other in (loaded, cloned):
        same_numbers(model, other)
        assert type(other.layers[0]) is type(layer)
        # Through JSON: a file has lists where a layer has tuples.
        assert json.dumps(other.layers[0].get_config()) == json.dumps(layer.get_config())


@every_kind
def test_every_setting_is_kept(kind):
    settings = {k: v for k, v in SETTINGS.items()
                if kind.wrapper != "bidirectional" or k != "go_backwards"}  # fmt: skip
    if kind.wrapper in ("", "bidirectional"):
        settings |= OF_THE_LAYER
    layer = kind.make(**settings)
    other = type(layer).from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    inner = getattr(other, "forward_layer", other)
    cells = getattr(inner.cell, "cells", [inner.cell])
    for name, value in settings.items():
        owners = [inner] if hasattr(inner, name) and name != "activation" else cells
        for owner in owners:
            found = getattr(owner, name)
            if name == "activation":
                assert found is keras.activations.relu
            elif name.endswith(("initializer", "regularizer", "constraint")):
                get = getattr(keras, f"{name.split('_')[-1]}s").get
                assert type(found) is type(get(value)), name
            elif name == "name" and kind.wrapper:
                assert value in found
            else:
                assert found == value, name


@pytest.mark.parametrize(
    ("name", "value"),
    [("use_cudnn", True), ("use_cudnn", False), ("engine", "native"), ("engine", "keras")],
)
@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_what_computes_is_kept(layer, name, value, tmp_path):
    model = models.Sequential([keras.Input((5, 2)), getattr(layers, layer)(3, **{name: value})])
    model.save(tmp_path / "model.keras")
    assert getattr(models.load_model(tmp_path / "model.keras").layers[0], name) == value


@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional(GRU)", "RNN(StackedRNNCells)"])
def test_stateful_is_kept_and_its_states_begin_anew(kind, tmp_path):
    kind = KINDS[kind]
    model = models.Sequential([keras.Input(batch_shape=(3, 5, 2)), kind.make(stateful=True)])
    first = model.predict_on_batch(X)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_on_batch(X), first)
    np.testing.assert_array_equal(loaded.predict_on_batch(X), model.predict_on_batch(X))


def test_which_hard_sigmoid_is_kept(tmp_path):
    """The old one and Keras 3's share a name; the numbers must come back."""
    with pytest.warns(UserWarning, match="hard_sigmoid"):
        old = layers.LSTM(3, recurrent_activation="hard_sigmoid")
    new = layers.LSTM(3, recurrent_activation=keras.activations.hard_sigmoid)
    outputs = []
    for n, layer in enumerate([old, new]):
        model = models.Sequential([keras.Input((5, 2)), layer])
        build(layer)
        model.save(tmp_path / f"{n}.keras")
        same_numbers(model, models.load_model(tmp_path / f"{n}.keras"))
        outputs += to_numpy(model(X))
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3
