"""`merge` and `Merge` of Keras 1, against what each mode computes, in NumPy."""

import numpy as np
import pytest
from keras import ops

from elman import layers
from elman.layers.merging import merge
from elman.models import Model, Sequential, load_model

RANDOM = np.random.default_rng(0)
B, H = 5, 3
LEFT, RIGHT = (RANDOM.normal(size=(B, n)).astype("float32") for n in (2, 4))


def cosine(a, b):
    return ((a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1)))[:, None, None]


MODES = {
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
    "max": np.maximum,
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "dot": lambda a, b: (a * b).sum(-1, keepdims=True),
    "cos": cosine,
}


def branches():
    """Two branches, and what comes out of each."""
    made = [
        Sequential([layers.Dense(H, activation="tanh", input_dim=2), layers.Dense(H)]),
        Sequential([layers.Dense(H, activation="tanh", input_shape=(4,))]),
    ]
    return made, [m.predict(x, verbose=0) for m, x in zip(made, (LEFT, RIGHT), strict=True)]


@pytest.mark.parametrize("mode", MODES)
def test_first_in_a_sequential(mode):
    made, outputs = branches()
    model = Sequential()
    model.add(layers.Merge(made, mode=mode))
    model.add(layers.Activation("linear"))
    expected = MODES[mode](*outputs)
    np.testing.assert_allclose(model.predict([LEFT, RIGHT], verbose=0), expected, atol=1e-6)
    assert model.output_shape == (None, *expected.shape[1:])
    # The weights of one branch after those of the other, as Keras 1 had them.
    wanted = [w for branch in made for w in branch.get_weights()]
    assert [w.shape for w in model.get_weights()] == [w.shape for w in wanted]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), wanted, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_of_tensors(mode):
    a, b = (RANDOM.normal(size=(B, H)).astype("float32") for _ in range(2))
    expected = MODES[mode](a, b)
    for join in (layers.Merge(mode=mode), lambda tensors: merge(tensors, mode)):
        inputs = [layers.Input((H,)), layers.Input((H,))]
        model = Model(inputs, join(inputs))
        np.testing.assert_allclose(model.predict([a, b], verbose=0), expected, atol=1e-6)


def test_axes():
    a, b = (RANDOM.normal(size=(B, 4, n)).astype("float32") for n in (2, 3))
    product = np.einsum("btm,btn->bmn", a, b)
    for axes in (1, (1, 1), [[1], [1]]):
        found = ops.convert_to_numpy(merge([a, b], "dot", dot_axes=axes))
        np.testing.assert_allclose(found, product, atol=1e-5)
    joined = merge([a, b[:, :2, :2]], "concat", concat_axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(joined)[:, 4:], b[:, :2, :2])


def test_a_function_joins_and_a_name_is_kept():
    made, (a, b) = branches()
    merged = layers.Merge(made, mode=lambda ab, k: ab[0] - k * ab[1],
                          output_shape=(H,), arguments={"k": 2.0}, name="minus")  # fmt: skip
    model = Sequential([merged])
    np.testing.assert_allclose(model.predict([LEFT, RIGHT], verbose=0), a - 2 * b, atol=1e-6)
    assert "minus" in [layer.name for layer in merged.layers]


def test_merges_in_merges_share_an_input_that_is_shared():
    one = Sequential([layers.Embedding(9, 4, input_length=5, mask_zero=True), layers.LSTM(3)])
    two = Sequential([layers.Merge([one, layers.Dense(2, input_dim=2)], mode="concat")])
    model = Sequential([layers.Merge([two, one], mode="concat"), layers.Dense(1)])
    assert model.input_shape == [(None, 5), (None, 2)]
    model.compile("sgd", "mse")
    ids = np.array([[1, 2, 3, 0, 0]] * B)
    before = model.get_weights()
    model.fit([ids, LEFT], np.ones(B), verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_masks_go_on():
    """What is padding in both branches is not read behind them."""
    made = [Sequential([layers.Embedding(9, 2, input_length=4, mask_zero=True)]) for _ in range(2)]
    model = Sequential([layers.Merge(made, mode="sum"), layers.LSTM(3)])
    short = Sequential([layers.Merge(made, mode="sum"), model.layers[-1]])
    a, b = np.array([[1, 2, 0, 0]]), np.array([[3, 4, 0, 0]])
    changed = made[0].get_weights()[0]
    expected = short.predict([a, b], verbose=0)
    changed[0] = np.nan
    made[0].set_weights([changed])
    np.testing.assert_array_equal(model.predict([a, b], verbose=0), expected)


def test_save_and_load(tmp_path):
    made, _ = branches()
    model = Sequential([layers.Merge(made, mode="concat"), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit([LEFT, RIGHT], np.ones((B, 2)), verbose=0)
    expected = model.predict([LEFT, RIGHT], verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict([LEFT, RIGHT], verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: merge([LEFT]), "merge must be given two tensors or more, got 1"),
        (
            lambda: merge([LEFT, LEFT], "join"),
            "merge: mode must be a function or one of 'sum', 'mul', 'ave', 'max', 'concat', 'dot', "
            "'cos', got 'join'",
        ),
        (
            lambda: merge([LEFT[:, None], LEFT[:, None]], "cos"),
            "merge: mode='cos' must be given rows of shape (batch, features), got [(5, 1, 2), "
            "(5, 1, 2)]; for the cosine along an axis write Dot(axes, normalize=True)",
        ),
        (
            lambda: layers.Merge([Sequential([layers.Dense(3)], name="open")] * 2),
            "Merge: each branch must know its input shape, got 'open', which does not; give its "
            "first layer input_shape=",
        ),
    ],
    ids=["one", "mode", "cos", "branch"],
)
def test_what_cannot_be_joined(make, said):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        make()
    assert str(caught.value) == said
