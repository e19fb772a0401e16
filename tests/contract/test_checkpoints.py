"""Gradient checkpointing: computed once more for the gradients, a layer gives the same ones."""

import importlib

import keras
import numpy as np
import pytest
from backends import BACKEND, differentiate, to_numpy
from kinds import KINDS, SORTS, Kind, build, random_batch, random_mask

from elman import layers, models
from elman.layers import loop, native

X, MASK = random_batch().astype("float32"), random_mask()
SCOPES = {
    "full": {"mode": "full"},
    "larger_than": {"mode": "larger_than", "output_size_threshold": 1},
    "list_of_layers": {"mode": "list_of_layers", "layer_names": ["named"]},
    "activations": {"mode": "activations"},
}
OPTIONS = {
    "sequences": {"return_sequences": True, "return_state": True},
    "dropout": {"stateful": True, "dropout": 0.4, "recurrent_dropout": 0.3, "seed": 3},
}
LAYERS = {
    name: SORTS[name]
    for name in ("LSTM", "LSTM-engine-keras", "RNN(StackedRNNCells)", "Bidirectional(LSTM)")
}
LAYERS["Bidirectional(GRU)-engine-keras"] = Kind(("GRU",) * 2, "bidirectional", engine="keras")
every_layer = pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)


def made(kind, scope, **options):
    """A layer that is the same each time, made within a scope of Keras or not."""
    keras.utils.set_random_seed(0)
    with keras.RematScope(**(scope or {"mode": None})):
        layer = kind.make(**options)
    layer.build(X.shape)
    return build(layer)


def gradients(layer, call=None, **arguments):
    return differentiate(lambda x: (call or layer)(x, **arguments), layer.trainable_variables, [X])


def check(actual, expected):
    for which, ours, wanted in zip(
        ("outputs", "of x", "of weights"), actual, expected, strict=True
    ):
        for a, b in zip(ours, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6, err_msg=which)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@every_layer
def test_in_a_scope_of_keras(kind, options):
    if kind.wrapper == "stack" and "seed" in options:
        options = {name: value for name, value in options.items() if name != "seed"}
    call = {"training": True, "mask": MASK}
    expected = gradients(made(kind, None, **options), **call)
    layer = made(kind, SCOPES["full"], **options)
    check(gradients(layer, **call), expected)


@pytest.mark.parametrize("scope", [name for name in SCOPES if name != "full"])
@pytest.mark.parametrize("kind", ["LSTM", "LSTM-engine-keras"])
def test_every_scope_of_keras(kind, scope):
    expected = gradients(made(LAYERS[kind], None))
    check(gradients(made(LAYERS[kind], SCOPES[scope], name="named")), expected)


@every_layer
def test_training_in_a_scope_of_keras(kind):
    """Dropout is drawn once a step, and states are carried once."""
    after = []
    for scope in (None, SCOPES["full"]):
        options = {} if kind.wrapper == "stack" else {"dropout": 0.4, "seed": 3}
        layer = made(kind, scope, stateful=True, **options)
        model = models.Sequential([keras.Input(batch_shape=X.shape), layer])
        model.compile(keras.optimizers.SGD(0.5), "mse")
        y = np.ones((2 * len(X), model.output_shape[-1]), "float32")
        model.fit(np.concatenate([X, X + 1]), y, batch_size=len(X), shuffle=False, verbose=0)
        after.append(to_numpy([layer.states, layer.get_weights()]))
    for a, b in zip(*after, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("scope", ["full", "list_of_layers"])
@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional(LSTM)"])
@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_all_steps_are_computed_once_more(kind, engine, scope, monkeypatch):
    with keras.RematScope(**SCOPES[scope]):
        layer = KINDS[kind].make(engine=engine, **({} if "(" in kind else {"name": "named"}))
        if "(" in kind:
            layer = layers.Bidirectional(layers.LSTM(3, engine=engine), name="named")
    build(layer)
    if BACKEND == "jax":  # which computes again what it has traced
        jax = importlib.import_module("jax")
        traced = str(jax.make_jaxpr(jax.grad(lambda x: keras.ops.sum(layer(x))))(X))
        assert "remat" in traced
        return
    counted = []

    def counting(compute):
        return lambda *args, **kwargs: counted.append(1) or compute(*args, **kwargs)

    monkeypatch.setattr(native, "run", counting(native.run))
    monkeypatch.setattr(loop, "scan", counting(loop.scan))
    gradients(layer)
    loops = 2 if engine == "keras" and "(" in kind else 1
    assert len(counted) == 2 * loops


@every_layer
def test_in_a_checkpoint_of_the_framework(kind):
    layer = made(kind, None)
    expected = gradients(layer, mask=MASK)
    if BACKEND == "torch":
        checkpoint = importlib.import_module("torch.utils.checkpoint").checkpoint
        arguments = {"mask": MASK, "use_reentrant": False}
        check(gradients(layer, lambda x: checkpoint(layer, x, **arguments)), expected)
    check(gradients(layer, keras.remat(lambda x: layer(x, mask=MASK))), expected)


def test_layers_around_recurrent_ones():
    """What is in them is computed once more, or nothing."""

    def around(scope):
        keras.utils.set_random_seed(0)
        with keras.RematScope(**(scope or {"mode": None})):
            decoder = layers.AttentionDecoder(3, cell="gru", dropout=0.3, seed=1)
            stack = [layers.TimeDistributed(layers.LSTM(3, dropout=0.3, seed=1)), layers.CRF(3)]
        memory = random_batch(features=4).astype("float32")

        def call(x):
            h = decoder(x, memory, training=True)
            h = h + stack[0](keras.ops.stack([x, x], axis=2), training=True)
            return stack[1](h, training=True)

        call(X)
        variables = [v for layer in (decoder, *stack) for v in layer.trainable_variables]
        keras.utils.set_random_seed(0)
        for layer in (decoder, *stack):
            layer.set_weights(
                [np.random.default_rng(0).normal(size=w.shape) for w in layer.weights]
            )
        return differentiate(call, variables, [X])

    check(around(SCOPES["full"]), around(None))
