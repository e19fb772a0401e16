"""`clone_model`: with the weights of the model a clone computes what the model does."""

import keras
import numpy as np
import pytest
from keras import ops

from elman import layers, models

X = np.random.default_rng(0).normal(size=(4, 6, 5)).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def same(model, clone, x=X):
    """The clone has weights of its own, and with those of the model its numbers."""
    assert not {id(w) for w in model.weights} & {id(w) for w in clone.weights}
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    expected = numpy(model(x))
    if model.weights:
        clone.set_weights([w + 0.5 for w in model.get_weights()])
        assert np.abs(numpy(clone(x)) - expected).max() > 1e-3
        clone.set_weights(model.get_weights())
    for layer in clone._flatten_layers():
        if getattr(layer, "stateful", False):
            layer.reset_states()
    np.testing.assert_allclose(numpy(clone(x)), expected, atol=1e-6)  # float32


@keras.saving.register_keras_serializable("tests")
class Registered(keras.layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Plain(layers.Layer):
    """As users write them: Keras finds the configuration by the arguments."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight("w", (shape[-1], self.units), initializer="ones")

    def call(self, x):
        return ops.matmul(x, self.w)


class Cell(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="ones", name="w")

    def call(self, x, states):
        y = ops.tanh(ops.matmul(x, self.w) + states[0])
        return y, [y]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def tripled(x):
    return 3 * x


def squashed(x):
    return x / (1 + abs(x))


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


class Pull(keras.regularizers.Regularizer):
    def __call__(self, x):
        return ops.sum(abs(x))

    def get_config(self):
        return {}


FACTORS = np.array([1.0, -1, 2, 0, 3], "float32")

STACKS = {
    "lstm": lambda: [layers.LSTM(3, return_sequences=True), layers.GRU(2, reset_after=False)],
    "pair": lambda: [layers.Bidirectional(layers.SimpleRNN(3), merge_mode="sum")],
    "old-words": lambda: [layers.LSTM(output_dim=3, inner_activation="hard_sigmoid")],
    "stack": lambda: [layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])],
    "lambda": lambda: [layers.Lambda(lambda x: x * FACTORS), layers.GRU(3)],
    "lambda-named": lambda: [layers.Lambda(tripled), layers.Dense(2)],
    "lambda-of-keras": lambda: [keras.layers.Lambda(lambda x: -x), layers.Dense(2)],
    "lambda-output-shape": lambda: [
        layers.Lambda(lambda x: x[:, 0], output_shape=lambda shape: (shape[0], shape[2])),
        layers.Dense(2),
    ],
    "lambda-mask": lambda: [
        layers.Lambda(lambda x: x, mask=lambda x, mask: ops.any(x > 0.5, axis=-1)),
        layers.LSTM(3),
    ],
    "lambda-in-time": lambda: [layers.TimeDistributed(layers.Lambda(lambda x: x[:, :2] * 4))],
    "two-lambdas": lambda: [layers.Lambda(lambda x: x + 1), layers.Lambda(lambda x: x * x)],
    "activation": lambda: [layers.Dense(3, activation=lambda x: x * x), layers.GRU(2)],
    "activation-named": lambda: [layers.LSTM(3, activation=squashed)],
    "activation-in-time": lambda: [layers.TimeDistributed(layers.Dense(3, activation=squashed))],
    "regularizer": lambda: [layers.Dense(3, kernel_regularizer=Pull())],
    "registered": lambda: [Registered(2.5), layers.GRU(3)],
    "plain": lambda: [Plain(3), layers.TimeDistributed(Plain(2))],
    "cell": lambda: [layers.RNN(Cell(3))],
    "model-in-time": lambda: [
        layers.TimeDistributed(
            models.Sequential([layers.Lambda(lambda x: 2 * x, input_shape=(5,)), Plain(3)])
        )
    ],
}


@pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)
@pytest.mark.parametrize("kind", ["stack", "graph"])
def test_a_clone_computes_the_same(kind, make):
    model = models.Sequential([keras.Input((6, 5)), *make()])
    if kind == "graph":
        model = models.Model(model.inputs, model.outputs)
    clone = models.clone_model(model)
    assert type(clone) is type(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    same(model, clone)


def test_functions_are_the_same_objects():
    """Not byte code of them, which would have a copy of what they look at."""
    seen = {"factor": 1.0}
    model = models.Sequential([layers.Lambda(lambda x: x * seen["factor"], input_shape=(6, 5))])
    clone = models.clone_model(model)
    seen["factor"] = 7.0
    np.testing.assert_allclose(numpy(clone(X)), 7 * X, rtol=1e-6)


def test_unsafe_deserialization_stays_off():
    models.clone_model(models.Sequential([layers.Lambda(lambda x: x, input_shape=(2,))]))
    config = layers.Lambda(lambda x: x).get_config()
    with pytest.raises(ValueError, match="potential risk"):
        keras.layers.Lambda.from_config(config)


def test_carried_states_are_the_clones_own():
    layer = layers.LSTM(3, batch_input_shape=(4, 6, 5), stateful=True)
    model = models.Sequential([layer, layers.Dense(1)])
    first = numpy(model(X))
    carried = [numpy(s) for s in layer.states]
    clone = models.clone_model(model)
    assert clone.input_shape == (4, 6, 5)
    assert all((numpy(s) == 0).all() for s in clone.layers[0].states)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(numpy(clone(X)), first, atol=1e-6)
    for state, before in zip(layer.states, carried, strict=True):
        np.testing.assert_array_equal(numpy(state), before)


def test_shared_layers_stay_one():
    """Called twice, and in the model and in a model inside it."""
    x, y = layers.Input((6, 5)), layers.Input((6, 5))
    shared = layers.GRU(3, return_sequences=True)
    inner = models.Model(y, layers.Lambda(lambda x: 2 * x)(shared(y)))
    both = layers.Concatenate()([shared(x), inner(x), shared(layers.Lambda(lambda x: -x)(x))])
    model = models.Model(x, both)
    assert len(model.weights) == 3
    clone = models.clone_model(model)
    same(model, clone)
    assert type(next(x for x in clone.layers if x.name == inner.name)) is type(inner)


def test_models_in_models():
    inside = models.Sequential([layers.Lambda(lambda x: x * x, input_shape=(6, 5)), layers.GRU(4)])
    model = models.Sequential([inside, layers.Dense(2)])
    clone = models.clone_model(model)
    assert type(clone.layers[0]) is models.Sequential
    same(model, clone)


def test_several_inputs_and_outputs_by_name():
    a, b = layers.Input((6, 5), name="a"), layers.Input((5,), name="b")
    h = layers.LSTM(3)(a)
    model = models.Model({"a": a, "b": b}, {"sum": layers.Dense(5)(h) + b, "h": h})
    clone = models.clone_model(model)
    clone.set_weights(model.get_weights())
    given = {"a": X, "b": X[:, 0]}
    found, expected = clone(given), model(given)
    assert {*found} == {"sum", "h"}
    for name, value in expected.items():
        np.testing.assert_allclose(numpy(found[name]), numpy(value), atol=1e-6)


def test_a_place_in_a_cloned_stack():
    """Its layers are called once: the output of each is of the clone's own graph."""
    clone = models.clone_model(
        models.Sequential([layers.GRU(3, input_shape=(6, 5)), layers.Dense(1)])
    )
    part = models.Model(clone.input, clone.layers[0].output)
    np.testing.assert_array_equal(numpy(part(X)), numpy(clone.layers[0](X)))


def test_on_other_inputs():
    model = models.Sequential([layers.Dense(3, input_shape=(6, 5))])
    x = layers.Input((6, 5), name="other")
    clone = models.clone_model(model, input_tensors=x)
    assert clone.inputs[0] is x
    same(model, clone)


def test_layers_of_a_function():
    """``clone_function`` gives each layer, inside models too if it shall."""
    inner = models.Sequential([layers.Dense(3, input_shape=(6, 5), name="in")], name="inner")
    model = models.Sequential([inner, layers.Dense(2, name="out")])
    seen = []

    def linear(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    assert type(models.clone_model(model, clone_function=linear)) is models.Sequential
    assert seen == ["inner", "out"]
    seen.clear()
    clone = models.clone_model(model, clone_function=linear, recursive=True)
    assert seen == ["in", "out"]
    same(model, clone)


class Made(models.Model):
    """A functional model that makes its own inputs."""

    def __init__(self, units):
        x = layers.Input((6, 5))
        super().__init__(x, layers.GRU(units)(x))


def test_a_model_that_makes_its_own_inputs():
    model = Made(3)
    clone = models.clone_model(model)
    assert isinstance(clone, models.Model)
    same(model, clone)
    clone.reset_states()


@pytest.mark.parametrize("make", [models.Sequential, models.Model])
def test_a_compiled_model(make):
    model = models.Sequential([layers.GRU(3, input_shape=(6, 5)), layers.Dense(1)])
    if make is models.Model:
        model = models.Model(model.inputs, model.outputs)
    model.compile(keras.optimizers.SGD(0.25), "mae", metrics=["mse"])
    clone = models.clone_model(model)
    clone.set_weights(model.get_weights())
    y = np.ones((4, 1))
    assert clone.optimizer is not model.optimizer
    assert float(clone.optimizer.learning_rate) == 0.25
    np.testing.assert_allclose(
        clone.evaluate(X, y, verbose=0), model.evaluate(X, y, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("make", [models.Sequential, models.Model])
def test_compiled_with_functions(make):
    model = models.Sequential([layers.Dense(2, input_shape=(6, 5), name="out")])
    loss = lambda y, p: 3 * abs(y - p)  # noqa: E731 - one without a name, as users give it
    if make is models.Model:
        model, loss = models.Model(model.inputs, model.outputs), {"out": loss}
    model.compile("sgd", loss, metrics=[lambda y, p: p, squared])
    clone = models.clone_model(model)
    clone.set_weights(model.get_weights())
    y = np.ones((4, 6, 2))
    found = clone.evaluate(X, y, verbose=0)
    np.testing.assert_allclose(found, model.evaluate(X, y, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(found[0], np.mean(3 * abs(numpy(model(X)) - 1)), rtol=1e-5)
    clone.fit(X, y, verbose=0)


def test_a_model_of_keras_stays_one():
    model = keras.Sequential([keras.Input((6, 5)), layers.Lambda(lambda x: 2 * x), layers.GRU(2)])
    clone = models.clone_model(model)
    assert type(clone) is keras.Sequential
    same(model, clone)
