"""Law 1: outputs, states and every gradient equal the reference."""

import keras
import numpy as np
import pytest
from backends import BACKEND, differentiate, output_gradients, precision, to_numpy
from kinds import (
    BIDIRECTIONAL,
    KINDS,
    SINGLE,
    WRAPPED,
    build,
    random_batch,
    random_mask,
    random_states,
)

from elman import layers
from elman.layers import device

# float64: sums in another order, and functions within a few units in the last place. On JAX and
# torch Keras's own code rounds some results to float32 whatever they are computed from
# (`keras.backend.result_type("float64", "float64")` is float32 there); the kernels do not.
# float32: the same, with an epsilon of 6e-8 and some hundred terms in the longest sums.
TOLERANCE = {
    "float64": {"rtol": 1e-9, "atol": 1e-10},
    "float64 rounded by Keras": {"rtol": 1e-5, "atol": 1e-6},
    "float32": {"rtol": 2e-4, "atol": 2e-5},
    "float32 of cuDNN": {"rtol": 2e-3, "atol": 1e-3},  # whose tanh is off by 1e-5
}
FLOAT64_IS_KEPT = keras.backend.result_type("float64", "float64") == "float64"


def check(kind, options="", dtype="float64", sizes=(3, 5, 2, 3), engine="auto",
          cell_options=None, truth=None, **both):  # fmt: skip
    """Compare a layer with the reference; `options` are the words of a test's id."""
    words = options.split("-")
    batch, timesteps, features, units = sizes
    both |= {"return_sequences": "sequences" in words, "return_state": "state" in words}
    for word, name in (("backwards", "go_backwards"), ("zero", "zero_output_for_mask")):
        if word in words:
            both[name] = True
    x = random_batch(batch, timesteps, features)
    states = random_states(kind, units, batch) if "initial" in words else []
    mask = random_mask(batch, timesteps) if "mask" in words else None
    if mask is not None:
        x[~mask] = np.nan

    cell_options = cell_options or {}
    with precision(dtype):
        layer = kind.make(
            units, dtype=dtype, engine=engine, unroll="unroll" in words, **both, **cell_options
        )
        build(layer, features)

        def call(x, *states):
            return layer(x, initial_state=list(states) or None, mask=mask)

        inputs = [a.astype(dtype) for a in (x, *states)]
        outputs, d_inputs, d_weights = differentiate(call, layer.trainable_variables, inputs)
        weights = to_numpy(layer.get_weights())

    cell_options = cell_options if truth is None else truth
    expected, pull = kind.truth(weights, x, states or None, mask, cell_options=cell_options, **both)
    d_x, d_states, d_expected = pull(output_gradients(expected))
    rounded = dtype == "float64" and engine != "native" and not FLOAT64_IS_KEPT
    tolerance = TOLERANCE["float64 rounded by Keras" if rounded else dtype]
    if dtype == "float32" and BACKEND == "torch" and device.kind() == "gpu":
        tolerance = TOLERANCE["float32 of cuDNN"]
    compare("output", outputs, expected, tolerance)
    compare("gradient of an input", d_inputs, [d_x, *d_states][: len(d_inputs)], tolerance)
    # The reference always has a bias, the last of a cell's weights.
    compare("gradient of a weight", d_weights, d_expected[: len(d_weights)], tolerance)


def compare(what, actual, expected, tolerance):
    assert len(actual) == len(expected)
    for n, (a, b) in enumerate(zip(actual, expected, strict=True)):
        np.testing.assert_allclose(a, b, err_msg=f"{what}, number {n}", **tolerance)


@pytest.mark.parametrize(
    "options",
    [
        "sequences-state-initial-mask",
        "state-initial-mask-backwards",
        "sequences-mask-zero-backwards",
        "sequences-mask-unroll-backwards",
    ],
)
@pytest.mark.parametrize("engine", ["native", "keras"])
@pytest.mark.parametrize("kind", SINGLE)
def test_options(kind, engine, options):
    check(KINDS[kind], options, engine=engine)


@pytest.mark.parametrize(
    ("sizes", "engine"),
    [("B1-T1-I1-H1", "native"), ("B7-T9-I5-H17", "native"), ("B7-T9-I5-H17", "keras")],
)
@pytest.mark.parametrize("kind", SINGLE)
def test_float32(kind, sizes, engine):
    sizes = [int(size[1:]) for size in sizes.split("-")]
    check(KINDS[kind], "sequences-state-initial", "float32", sizes, engine=engine)


@pytest.mark.parametrize("options", ["sequences-state-initial-mask", "mask-backwards-zero"])
@pytest.mark.parametrize("kind", WRAPPED)
def test_cells(kind, options):
    check(KINDS[kind], options)


@pytest.mark.parametrize("kind", BIDIRECTIONAL)
def test_both_directions(kind):
    check(KINDS[kind], "sequences-state-initial-mask")


@pytest.mark.parametrize("options", ["sequences-state-mask", "last"])
@pytest.mark.parametrize("merge_mode", ["sum", "ave", "mul", None])
def test_merge_mode(merge_mode, options):
    check(KINDS["Bidirectional(LSTM)"], options, merge_mode=merge_mode)


def test_backward_layer_of_its_own():
    """Each direction takes as many of the initial states as it has."""
    x, mask = random_batch().astype("float32"), random_mask()
    lstm, gru = KINDS["LSTM"], KINDS["GRU"]
    options = {"return_sequences": True, "return_state": True}
    layer = layers.Bidirectional(
        lstm.make(**options), backward_layer=gru.make(go_backwards=True, **options)
    )
    build(layer)
    states = [*random_states(lstm), *random_states(gru, seed=8)]
    given = [s.astype("float32") for s in states]
    actual = to_numpy(layer(x, initial_state=given, mask=mask))
    weights = to_numpy(layer.get_weights())
    options["zero_output_for_mask"] = True
    (y, *finals), _ = lstm.truth(weights[:3], x, states[:2], mask, **options)
    (z, final), _ = gru.truth(weights[3:], x, states[2:], mask, go_backwards=True, **options)
    expected = [np.concatenate([y, z[:, ::-1]], axis=-1), *finals, final]
    compare("output", actual, expected, TOLERANCE["float32"])
    seen = layer.compute_mask(x, mask)
    assert seen[0] is mask
    assert seen[1:] == [None] * 3


@pytest.mark.parametrize("kind", SINGLE)
def test_no_bias(kind):
    check(KINDS[kind], "last", cell_options={"use_bias": False}, truth={})


@pytest.mark.parametrize("activation", ["relu", "linear", "softsign"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU"])
def test_activation(kind, activation):
    check(KINDS[kind], "last", cell_options={"activation": activation})


@pytest.mark.parametrize("engine", ["native", "keras"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU-reset-before"])
def test_old_hard_sigmoid(kind, engine):
    options = {"recurrent_activation": "hard_sigmoid"}
    with pytest.warns(UserWarning, match="hard_sigmoid"):
        check(KINDS[kind], "last", engine=engine, cell_options=options)


@pytest.mark.parametrize("engine", ["native", "keras"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_hard_sigmoid_of_keras_3(kind, engine):
    check(
        KINDS[kind],
        "last",
        engine=engine,
        cell_options={"recurrent_activation": keras.activations.hard_sigmoid},
        truth={"recurrent_activation": "hard_sigmoid_keras3"},
    )


@pytest.mark.parametrize("rates", ["dropout", "dropout-recurrent_dropout"])
@pytest.mark.parametrize("kind", SINGLE)
def test_dropout(kind, rates, monkeypatch):
    """Each dropout mask stays the same through time, and multiplies what the reference says."""
    kind = KINDS[kind]
    layer = build(
        kind.make(return_sequences=True, **dict.fromkeys(rates.split("-"), 0.5))
    )  # fmt: skip
    # Keras draws one mask for each gate where there is recurrent dropout, else one for all.
    count = getattr(layer.cell, "dropout_mask_count", 1)
    random = np.random.default_rng(4)
    masks = {"input_dropout": (layer.cell.get_dropout_mask, 2)}
    if "recurrent_dropout" in rates:
        masks["recurrent_dropout"] = (layer.cell.get_recurrent_dropout_mask, 3)
    given = {}
    for name, (method, width) in masks.items():
        given[name] = random.choice([0, 2], size=(count, 3, width)).astype("float32")
        tensors = [keras.ops.convert_to_tensor(mask) for mask in given[name]]
        result = tensors if count > 1 else tensors[0]
        monkeypatch.setattr(layer.cell, method.__name__, lambda _, result=result: result)
        given[name] = given[name] if count > 1 else given[name][0]

    x = random_batch().astype("float32")
    outputs = to_numpy(layer(x, training=True))
    weights = to_numpy(layer.get_weights())
    expected, _ = kind.truth(weights, x, return_sequences=True, **given)
    compare("output", outputs, expected, TOLERANCE["float32"])


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU"])
def test_dropout_is_drawn_anew(kind):
    """For each call, and only in training."""
    x = np.ones((64, 3, 2), "float32")
    layer = build(KINDS[kind].make(units=8, dropout=0.5, recurrent_dropout=0.5))
    first, second = to_numpy([layer(x, training=True), layer(x, training=True)])
    assert np.abs(first - second).max() > 1e-3
    assert np.abs(first - first[0]).max() > 1e-3, "rows have masks of their own"
    rest, plain = to_numpy([layer(x, training=False), layer(x)])
    np.testing.assert_array_equal(rest, plain)
    np.testing.assert_allclose(rest, np.broadcast_to(rest[0], rest.shape), rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", SINGLE)
def test_mixed_precision(kind, policy):
    x = random_batch().astype("float32")
    layer = build(KINDS[kind].make(dtype=policy, return_sequences=True))
    output = layer(x)
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    assert {w.dtype for w in layer.weights} == {"float32"}
    weights = to_numpy(layer.get_weights())
    (expected,), _ = KINDS[kind].truth(weights, x, return_sequences=True)
    # bfloat16 has 8 bits: half a hundredth, five steps long.
    np.testing.assert_allclose(to_numpy(output)[0], expected, atol=3e-2)
