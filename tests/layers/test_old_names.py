"""Names that old code takes from `keras.layers`: modules, layers that are gone, base classes."""

import abc
import importlib

import keras
import numpy as np
import pytest
from keras import ops

import elman
from elman import layers
from elman.legacy import modules, tables
from elman.models import Model, Sequential, load_model

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(8, 2, 10)).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


# Names


@pytest.mark.parametrize("module", modules.LAYERS)
def test_an_old_module(module):
    old = importlib.import_module(f"elman.layers.{module}")
    assert (old.LSTM, old.Dense) == (layers.LSTM, layers.Dense)
    found = {}
    exec(f"from elman.layers.{module} import GRU\nimport elman.layers.{module}", found)
    assert found["GRU"] is layers.GRU
    assert eval(f"elman.layers.{module}.Embedding", found) is layers.Embedding


def test_old_modules_hide_no_name_of_today():
    tops = {name.partition(".")[0] for name in modules.LAYERS}
    assert tops.isdisjoint(vars(keras.layers))


@pytest.mark.parametrize("name", tables.GONE_LAYERS)
@pytest.mark.parametrize("module", ["elman.layers", "elman.layers.core"])
def test_a_layer_that_is_gone_says_what_to_write(module, name):
    sentence = f"{name} is gone; write {tables.GONE_LAYERS[name]}"
    with pytest.raises(ImportError) as said:
        exec(f"from {module} import {name}")
    assert str(said.value) == sentence
    with pytest.raises(AttributeError) as said:
        eval(f"{module}.{name}", {"elman": elman})
    assert str(said.value) == sentence
    assert not hasattr(layers, name)


def test_an_unknown_name():
    assert not hasattr(layers, "Nope")
    with pytest.raises(AttributeError) as said:
        layers.Bidirektional  # noqa: B018
    assert str(said.value) == (
        "module 'elman.layers' has no attribute 'Bidirektional'; did you mean 'Bidirectional'?"
    )
    with pytest.raises(ImportError, match="cannot import name 'Bidirektional'"):
        from elman.layers import Bidirektional  # noqa: F401


def test_a_star_gives_layers_and_nothing_else():
    found = {}
    exec("from elman.layers import *", found)
    assert {"LSTM", "LocallyConnected1D", "CuDNNGRU", "MaxPool1D", "Layer", "Input"} <= set(found)
    assert {"keras", "inspect", "core", "rnn", "old_arguments"}.isdisjoint(found)


# Layer and Wrapper


@keras.saving.register_keras_serializable("test_old_names")
class Scale(layers.Layer):
    """y = scale * x: a layer as users wrote them for Keras 1 and 2."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
        super().build(input_shape)

    def call(self, x):
        return x * self.scale


@keras.saving.register_keras_serializable("test_old_names")
class Twice(layers.Wrapper):
    def call(self, x):
        return self.layer(self.layer(x))


SCALE = np.arange(10, dtype="float32")


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"batch_input_shape": (8, 2, 10)}, (8, 2, 10)),
        ({"input_shape": (2, 10)}, (None, 2, 10)),
        ({"input_shape": (2, 10), "batch_size": 8}, (8, 2, 10)),
        ({"input_dim": 10}, (None, 10)),
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [Scale, lambda **kwargs: Twice(Scale(), **kwargs)])
def test_a_layer_of_ones_own_first_in_a_model(make, arguments, shape):
    model = Sequential([make(**arguments)])
    assert model.output_shape == shape
    assert model.count_params() == 10


def test_weights_of_a_layer_of_ones_own():
    model = Sequential([Scale(weights=[SCALE], batch_input_shape=(8, 2, 10))])
    np.testing.assert_allclose(model.predict(X, verbose=0), X * SCALE)


def layer_in(kind):
    if kind == "Sequential":
        return Sequential([Scale(batch_input_shape=(8, 2, 10)), layers.LSTM(3)])
    if kind == "TimeDistributed":
        return Sequential([layers.TimeDistributed(Scale(), input_shape=(2, 10)), layers.LSTM(3)])
    if kind == "Wrapper":
        return Sequential([Twice(Scale(), input_shape=(2, 10)), layers.LSTM(3)])
    x = layers.Input((2, 10))
    return Model(x, layers.LSTM(3)(Scale()(x)))


@pytest.mark.parametrize("kind", ["Sequential", "Functional", "TimeDistributed", "Wrapper"])
def test_a_layer_of_ones_own_is_trained_and_saved(kind, tmp_path):
    model = layer_in(kind)
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    model.fit(X, np.ones((8, 3)), verbose=0)
    assert np.abs(model.get_weights()[0] - before).max() > 0
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert (loaded.input_shape, loaded.output_shape) == (model.input_shape, model.output_shape)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_every_layer_is_a_layer():
    theirs, mine = keras.layers.Dense(3), Scale()
    for layer in (theirs, mine, layers.LSTM(3), layers.Dense(3), Sequential()):
        assert isinstance(layer, layers.Layer)
        assert isinstance(layer, Scale) == (layer is mine)
    assert issubclass(keras.layers.Layer, layers.Layer)
    assert isinstance(keras.layers.TimeDistributed(theirs), layers.Wrapper)
    assert isinstance(Twice(mine), layers.Wrapper)
    for thing in (3, keras.layers.Dense, keras.metrics.Mean()):
        assert not isinstance(thing, layers.Layer)
    assert not isinstance(mine, layers.Wrapper)
    assert elman.Layer is layers.Layer


def test_a_layer_of_ones_own_with_an_abstract_base():
    class Reader(abc.ABC):
        @abc.abstractmethod
        def read(self): ...

    class Unfinished(layers.Layer, Reader):
        pass

    class Finished(Unfinished):
        def read(self):
            return self.name

    assert Finished(name="a", input_dim=3).read() == "a"
    with pytest.raises(TypeError, match="abstract"):
        Unfinished()


def test_settings_of_a_layer_of_ones_own_stay_as_they_were_written():
    class Mine(layers.Layer):
        def __init__(self, activation, **kwargs):
            super().__init__(**kwargs)
            self.activation = activation

    config = Mine("hard_sigmoid", name="mine", input_shape=(3,)).get_config()
    assert config["activation"] == "hard_sigmoid"
    assert Mine.from_config(config).batch_input_shape == (None, 3)


def test_an_unknown_argument_of_a_layer_of_ones_own():
    with pytest.raises(TypeError, match="got an unknown argument 'trainabel'; did you mean 'train"):
        Scale(trainabel=False)


def test_input_dtype(tmp_path):
    model = Sequential([layers.Embedding(5, 3, input_length=2, input_dtype="int32")])
    assert model.inputs[0].dtype == "int32"
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").inputs[0].dtype == "int32"
    assert Sequential([layers.Embedding(5, 3, input_length=2)]).inputs[0].dtype == "float32"


# LocallyConnected1D, LocallyConnected2D


LOCAL = [
    ("LocallyConnected1D", {"kernel_size": 3}),
    ("LocallyConnected1D", {"kernel_size": 2, "strides": 3, "use_bias": False}),
    ("LocallyConnected1D", {"kernel_size": 1, "activation": "tanh"}),
    ("LocallyConnected2D", {"kernel_size": 3}),
    ("LocallyConnected2D", {"kernel_size": (2, 3), "strides": (2, 1), "activation": "relu"}),
    ("LocallyConnected2D", {"kernel_size": (1, 4), "use_bias": False}),
]
FORMATS = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])


def local_input(name, data_format="channels_last"):
    """Every axis of another size, so that none can be taken for another."""
    x = RANDOM.normal(size=(4, 7, 6, 3) if name.endswith("2D") else (4, 7, 3)).astype("float32")
    return x if data_format == "channels_last" else np.moveaxis(x, -1, 1)


def with_random_weights(layer, x):
    layer.build(x.shape)
    layer.set_weights([RANDOM.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@FORMATS
@pytest.mark.parametrize(("name", "arguments"), LOCAL)
def test_local_as_keras_2(name, arguments, data_format):
    tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")
    x = local_input(name, data_format)
    old, new = (getattr(of, name)(5, data_format=data_format, **arguments)
                for of in (tf_keras.layers, layers))  # fmt: skip
    old.build(x.shape)
    new.build(x.shape)
    assert [w.shape for w in new.get_weights()] == [w.shape for w in old.get_weights()]
    weights = [RANDOM.normal(size=w.shape) for w in old.get_weights()]
    old.set_weights(weights)
    new.set_weights(weights)
    np.testing.assert_allclose(numpy(new(x)), old(x).numpy(), atol=1e-5)
    assert new.compute_output_shape(x.shape) == tuple(new(x).shape)


SAME = [
    ("LocallyConnected1D", {"kernel_size": 3, "padding": "same"}),
    ("LocallyConnected2D", {"kernel_size": (3, 5), "padding": "same", "activation": "tanh"}),
]


@pytest.mark.parametrize(("name", "arguments"), [*LOCAL, *SAME])
def test_local_is_a_convolution_where_all_windows_share_weights(name, arguments):
    x = local_input(name)
    shared = getattr(layers, name.replace("LocallyConnected", "Conv"))(5, **arguments)
    shared = with_random_weights(shared, x)
    kernel, *bias = shared.get_weights()
    local = getattr(layers, name)(5, **arguments)
    local.build(x.shape)
    windows = local.kernel.shape[0]
    local.set_weights(
        [
            np.repeat(kernel.reshape(1, -1, 5), windows, axis=0),
            *(np.broadcast_to(b, local.bias.shape) for b in bias),
        ]
    )
    np.testing.assert_allclose(numpy(local(x)), numpy(shared(x)), atol=1e-5)


@pytest.mark.parametrize(("name", "arguments"), LOCAL)
def test_each_window_has_weights_of_its_own(name, arguments):
    x = local_input(name)
    layer = with_random_weights(getattr(layers, name)(5, **arguments), x)
    before = numpy(layer(x)).reshape(4, -1, 5)
    weights = layer.get_weights()
    weights[0][1] = 0
    layer.set_weights(weights)
    changed = np.abs(numpy(layer(x)).reshape(4, -1, 5) - before).max(axis=(0, 2)) > 0
    assert changed.nonzero()[0].tolist() == [1]


@FORMATS
@pytest.mark.parametrize(("name", "arguments"), LOCAL)
def test_local_is_trained_and_saved(name, arguments, data_format, tmp_path):
    x = local_input(name, data_format)
    settings = {"kernel_regularizer": "l2", "bias_constraint": "non_neg"}
    model = Sequential()
    model.add(
        getattr(layers, name)(
            5, data_format=data_format, input_shape=x.shape[1:], **arguments, **settings
        )
    )
    model.add(layers.GlobalAveragePooling1D() if x.ndim == 3 else layers.Flatten())
    model.compile("sgd", "mse")
    before = model.get_weights()
    y = np.ones((4, model.output_shape[-1]))
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for weight, old in zip(model.get_weights(), before, strict=True):
        assert np.abs(weight - old).reshape(-1, 5).max(axis=0).min() > 0
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)
    assert loaded.layers[0].get_config() == model.layers[0].get_config()
    assert loaded.layers[0].kernel_regularizer.l2 == model.layers[0].kernel_regularizer.l2 > 0


def test_local_as_keras_1_wrote_it():
    model = Sequential()
    model.add(
        layers.LocallyConnected1D(
            4, 3, "uniform", "tanh", border_mode="valid", subsample_length=2, bias=False,
            W_regularizer="l2", input_length=9, input_dim=2,
        )
    )  # fmt: skip
    model.add(layers.Reshape((4, 4, 1)))
    model.add(layers.LocallyConnected2D(3, 2, 3, init="one", dim_ordering="tf", subsample=(1, 1)))
    assert [tuple(w.shape) for w in model.weights] == [(4, 6, 4), (6, 6, 3), (3, 2, 3)]
    assert model.layers[0].kernel_regularizer.l2 == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: layers.LocallyConnected1D(4, 3, padding="full"),
            "LocallyConnected1D: padding must be one of 'valid', 'same', got 'full'.",
        ),
        (
            lambda: layers.LocallyConnected2D(4, (3, 3, 3)),
            "LocallyConnected2D: kernel_size must be a positive integer or 2 of them, got "
            "(3, 3, 3).",
        ),
        (
            lambda: layers.LocallyConnected1D(4, 3, strides=0),
            "LocallyConnected1D: strides must be a positive integer or 1 of them, got 0.",
        ),
        (
            lambda: layers.LocallyConnected1D(0, 3),
            "LocallyConnected1D: filters must be a positive integer, got 0; write for example "
            "LocallyConnected1D(32).",
        ),
        (
            lambda: layers.LocallyConnected1D(4, 3, name="local").build((None, None, 2)),
            "LocallyConnected1D 'local' has weights of its own for each window, so it must know "
            "every axis of its input but the batch, got (None, None, 2); give the first layer of "
            "the model its input_shape.",
        ),
        (
            lambda: layers.LocallyConnected1D(4, 3, name="local").build((None, 2, 2)),
            "LocallyConnected1D 'local': kernel_size must fit into the input, got (3,) for an "
            "input of shape (None, 2, 2); make it smaller.",
        ),
    ],
    ids=["full", "kernel_size", "strides", "filters", "unknown", "too-short"],
)
def test_what_a_local_layer_cannot_take(make, said):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        make()
    assert str(caught.value) == said
