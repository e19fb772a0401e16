"""Laws 2 to 5: states carried, rows alone, padding unread, backwards, empty arrays."""

import numpy as np
import pytest
from backends import differentiate, to_numpy
from kinds import SORTS, build, random_batch, random_mask, random_states

ONE_DIRECTION = {name: kind for name, kind in SORTS.items() if kind.wrapper != "bidirectional"}
every_sort = pytest.mark.parametrize("kind", SORTS.values(), ids=SORTS)
one_direction = pytest.mark.parametrize("kind", ONE_DIRECTION.values(), ids=ONE_DIRECTION)

X = random_batch(timesteps=7).astype("float32")
MASK = random_mask(timesteps=7)


def close(actual, expected):
    # float32, and sums of a few terms in another order.
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def make(kind, **options):
    return build(kind.make(return_sequences=True, return_state=True, **options))


def call(layer, x, states=None, mask=None):
    """Outputs and states as NumPy arrays."""
    states = [s.astype("float32") for s in states] if states is not None else None
    return to_numpy(layer(x, initial_state=states, mask=mask))


@every_sort
def test_no_initial_state_is_zeros(kind):
    layer = make(kind)
    zeros = [np.zeros((3, n)) for n in kind.state_sizes(3)]
    close(call(layer, X), call(layer, X, zeros))


@pytest.mark.parametrize(
    ("kind", "backwards"),
    [*((name, False) for name in ONE_DIRECTION), ("LSTM", True), ("RNN(StackedRNNCells)", True)],
)
def test_in_two_halves(kind, backwards):
    layer = make(SORTS[kind], go_backwards=backwards)
    whole = call(layer, X, mask=MASK)
    halves = [(X[:, :3], MASK[:, :3]), (X[:, 3:], MASK[:, 3:])]
    (x_1, mask_1), (x_2, mask_2) = halves[::-1] if backwards else halves
    first = call(layer, x_1, mask=mask_1)
    second = call(layer, x_2, first[1:], mask=mask_2)
    close(second[1:], whole[1:])
    # A masked step at the very start of a half repeats no output, but the states are carried.
    kept = (mask_2[:, ::-1] if backwards else mask_2).cumsum(axis=1) > 0
    expected = whole[0][:, -len(mask_2[0]) :]
    close([second[0][kept]], [expected[kept]])
    close([first[0]], [whole[0][:, : len(mask_1[0])]])


@every_sort
def test_row_by_row(kind):
    layer = make(kind)
    states = random_states(kind)
    whole = call(layer, X, states, MASK)
    for b in range(3):
        row = slice(b, b + 1)
        alone = call(layer, X[row], [s[row] for s in states], MASK[row])
        close(alone, [a[row] for a in whole])


@every_sort
def test_padding_is_never_read(kind):
    """Neither outputs nor gradients change when the masked steps hold NaN, or huge numbers."""
    layer = make(kind)
    random = np.random.default_rng(6)
    poison = random.choice([np.nan, np.inf, -np.inf, 3e38], size=X.shape).astype("float32")
    results = []
    for padding in (0, poison):
        outputs, inputs, weights = differentiate(
            lambda x: layer(x, mask=MASK),
            layer.trainable_variables,
            [np.where(MASK[..., None], X, padding).astype("float32")],
        )
        np.testing.assert_array_equal(inputs[0][~MASK], 0)
        results.append([*outputs, *inputs, *weights])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@one_direction
def test_go_backwards_is_the_reversed_input(kind):
    layer = make(kind)
    other = make(kind, go_backwards=True)
    reverse = np.ascontiguousarray(X[:, ::-1]), np.ascontiguousarray(MASK[:, ::-1])
    close(call(other, X, mask=MASK), call(layer, reverse[0], mask=reverse[1]))


@every_sort
def test_a_row_masked_throughout_returns_its_initial_state(kind):
    states = random_states(kind)
    layer = build(kind.make(return_state=True))
    last, *finals = call(layer, X, states, MASK)
    assert not MASK[1].any()
    np.testing.assert_array_equal(last[1], 0)
    for final, state in zip(finals, states, strict=True):
        np.testing.assert_allclose(final[1], state[1], rtol=1e-6)


@every_sort
@pytest.mark.parametrize("sizes", ["B3-T0", "B0-T4"])
def test_empty_arrays(kind, sizes):
    batch, timesteps = (int(size[1:]) for size in sizes.split("-"))
    layer = make(kind)
    states = random_states(kind, batch=batch)
    x = np.zeros((batch, timesteps, 2), "float32")
    mask = np.ones((batch, timesteps), bool)
    outputs, *finals = call(layer, x, states, mask)
    assert outputs.shape[:2] == (batch, timesteps)
    for final, state in zip(finals, states, strict=True):
        np.testing.assert_allclose(final, state, rtol=1e-6)


@every_sort
def test_last_output_of_no_timesteps_is_zeros(kind):
    (last,) = to_numpy(build(kind.make())(np.zeros((3, 0, 2), "float32")))
    assert last.shape[0] == 3
    assert last.size > 0
    np.testing.assert_array_equal(last, 0)
