"""Random cells and inputs for the tests of the reference."""

from typing import NamedTuple

import numpy as np

from elman import reference
from elman.reference import GRU, LSTM, SimpleRNN

CELLS = {
    "SimpleRNN": (SimpleRNN, {}),
    "LSTM": (LSTM, {}),
    "GRU": (GRU, {"reset_after": True}),
    "GRU-reset-before": (GRU, {"reset_after": False}),
}


class Problem(NamedTuple):
    """A cell, the arguments of `forward`, and the gradients of what it gives."""

    cell: reference.Cell
    x: np.ndarray
    arguments: dict
    d_outputs: np.ndarray
    d_last_output: np.ndarray
    d_states: list

    def run(self, **changes):
        return reference.forward(self.cell, **{"x": self.x, **self.arguments, **changes})

    def backward(self, run):
        return reference.backward(self.cell, run, self.d_outputs, self.d_last_output, self.d_states)

    def loss(self, **changes):
        """A number that depends on everything `forward` gives."""
        run = self.run(**changes)
        return (
            np.sum(run.outputs * self.d_outputs)
            + np.sum(run.last_output * self.d_last_output)
            + sum(np.sum(s * d) for s, d in zip(run.states, self.d_states, strict=True))
        )


def make_cell(name, features, units, seed=0, bias=True, **options):
    random = np.random.default_rng(seed)
    cls, defaults = CELLS[name]
    width = cls.gates * units
    bias_shape = (2, width) if name == "GRU" else (width,)
    return cls(
        random.normal(scale=0.5, size=(features, width)),
        random.normal(scale=0.5, size=(units, width)),
        random.normal(scale=0.5, size=bias_shape) if bias else None,
        **{**defaults, **options},
    )


def make_problem(
    name, batch=3, timesteps=5, features=2, units=3, seed=0, options=(), cell_options=None
):
    """A problem with random numbers everywhere; `options` are words of a test's id."""
    random = np.random.default_rng(seed)
    cell_options = {"bias": "no_bias" not in options, **(cell_options or {})}
    cell = make_cell(name, features, units, seed, **cell_options)
    gates, count = cell.gates, cell.state_count
    arguments = {
        "go_backwards": "backwards" in options,
        "zero_output_for_mask": "zero" in options,
        "initial_states": None,
        "mask": None,
    }
    if "states" in options:
        arguments["initial_states"] = list(random.normal(size=(count, batch, units)))
    if "mask" in options or "zero" in options:
        arguments["mask"] = random.random((batch, timesteps)) < 0.6
    if "dropout" in options:
        arguments["input_dropout"] = random.choice([0.0, 2.0], size=(batch, features))
        arguments["recurrent_dropout"] = random.choice([0.0, 1.5], size=(batch, units))
    if "dropout_per_gate" in options:
        arguments["input_dropout"] = random.choice([0.0, 2.0], size=(gates, batch, features))
        arguments["recurrent_dropout"] = random.choice([0.0, 1.5], size=(gates, batch, units))
    return Problem(
        cell,
        random.normal(size=(batch, timesteps, features)),
        arguments,
        random.normal(size=(batch, timesteps, units)),
        random.normal(size=(batch, units)),
        list(random.normal(size=(count, batch, units))),
    )
