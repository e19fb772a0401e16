"""One step of each cell equals its equations, written out once more unit by unit."""

import math

import numpy as np
import pytest
from cells import make_cell

from elman.reference import ACTIVATIONS, forward

FEATURES, UNITS = 2, 3
RANDOM = np.random.default_rng(1)
X, H, C = RANDOM.normal(size=FEATURES), RANDOM.normal(size=UNITS), RANDOM.normal(size=UNITS)
# One mask a gate.
M, N = RANDOM.choice([0.0, 2.0], (4, FEATURES)), RANDOM.choice([0.0, 1.5], (4, UNITS))


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def total(cell, gate, unit, h=H):
    """What reaches a unit's gate from x, and from h, without biases."""
    column = gate * UNITS + unit
    from_x = sum(X[i] * M[gate, i] * cell.kernel[i, column] for i in range(FEATURES))
    from_h = sum(h[j] * N[gate, j] * cell.recurrent_kernel[j, column] for j in range(UNITS))
    return from_x, from_h


def simple_rnn(cell, k):
    from_x, from_h = total(cell, 0, k)
    return [math.tanh(from_x + from_h + cell.bias[k])]


def lstm(cell, k):
    a = [sum(total(cell, g, k)) + cell.bias[g * UNITS + k] for g in range(4)]
    c = sigmoid(a[1]) * C[k] + sigmoid(a[0]) * math.tanh(a[2])
    return [sigmoid(a[3]) * math.tanh(c), c]


def gru_after(cell, k):
    b, d = cell.bias.reshape(2, 3, UNITS)
    (x_z, h_z), (x_r, h_r), (x_h, h_h) = (total(cell, g, k) for g in range(3))
    z = sigmoid(x_z + b[0, k] + h_z + d[0, k])
    r = sigmoid(x_r + b[1, k] + h_r + d[1, k])
    candidate = math.tanh(x_h + b[2, k] + r * (h_h + d[2, k]))
    return [z * H[k] + (1 - z) * candidate]


def gru_before(cell, k):
    b = cell.bias.reshape(3, UNITS)
    z = sigmoid(sum(total(cell, 0, k)) + b[0, k])
    r = [sigmoid(sum(total(cell, 1, j)) + b[1, j]) for j in range(UNITS)]
    candidate = math.tanh(sum(total(cell, 2, k, h=r * H)) + b[2, k])
    return [z * H[k] + (1 - z) * candidate]


@pytest.mark.parametrize(
    ("name", "equations"),
    [
        ("SimpleRNN", simple_rnn),
        ("LSTM", lstm),
        ("GRU", gru_after),
        ("GRU-reset-before", gru_before),
    ],
)
def test_one_step(name, equations):
    cell = make_cell(name, FEATURES, UNITS)
    run = forward(
        cell,
        X[None, None],
        initial_states=[H[None], C[None]][: cell.state_count],
        input_dropout=M[: cell.gates, None],
        recurrent_dropout=N[: cell.gates, None],
    )
    expected = np.transpose([equations(cell, k) for k in range(UNITS)])
    np.testing.assert_allclose([s[0] for s in run.states], expected, rtol=1e-14)
    np.testing.assert_array_equal(run.last_output, run.states[0])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("linear", {-2.0: -2.0, 3.0: 3.0}),
        ("tanh", {1.0: 0.7615941559557649, -30.0: -1.0}),
        ("sigmoid", {0.0: 0.5, 2.0: 0.8807970779778823, -800.0: 0.0, 800.0: 1.0}),
        ("relu", {-2.0: 0.0, 3.0: 3.0}),
        ("hard_sigmoid", {-3.0: 0.0, -1.0: 0.3, 0.0: 0.5, 1.0: 0.7, 3.0: 1.0}),
        ("hard_sigmoid_keras3", {-3.5: 0.0, -1.5: 0.25, 0.0: 0.5, 1.5: 0.75, 3.5: 1.0}),
        ("softsign", {-1.0: -0.5, 3.0: 0.75}),
        ("softplus", {0.0: 0.6931471805599453, 800.0: 800.0}),
        ("exponential", {0.0: 1.0, 1.0: math.e}),
        ("elu", {-1.0: -0.6321205588285577, 2.0: 2.0}),
        ("selu", {-1.0: -1.1113307378125625, 2.0: 2.101401974710961}),
        ("silu", {0.0: 0.0, 2.0: 1.7615941559557646}),
    ],
)
def test_activation_values(name, values):
    a = np.array(list(values))
    np.testing.assert_allclose(ACTIVATIONS[name](a), list(values.values()), rtol=1e-14)
