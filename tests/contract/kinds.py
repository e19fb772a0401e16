"""The recurrent layers that the laws hold for, and what each must give by the reference."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from truth import run_bidirectional, run_cell, run_stack

from elman import layers, reference
from elman.engine import Refusal
from elman.layers import device


@dataclass(frozen=True)
class Kind:
    """A recurrent layer: its cells, named as in the reference, and what wraps them."""

    cells: tuple[str, ...]
    wrapper: str = ""
    cell_options: dict = field(default_factory=dict)
    engine: str = "auto"

    @property
    def state_count(self):
        return sum(getattr(reference, name).state_count for name in self.cells)

    def state_sizes(self, units):
        """Units of each state; the second of stacked cells has one unit more than the first."""
        widths = self._widths(units)
        counts = [getattr(reference, name).state_count for name in self.cells]
        return [w for w, n in zip(widths, counts, strict=True) for _ in range(n)]

    def make(self, units=3, merge_mode="concat", **options):
        """The layer; options that belong to cells go to them."""
        options = {"engine": self.engine} | options
        layer = self._made(units, merge_mode, **options)
        if options["engine"] == "native" and device.kind() == "gpu":
            found = layer._native()
            if isinstance(found, Refusal):  # cuDNN has less than the kernels have
                pytest.skip(found.reason)
        return layer

    def _made(self, units, merge_mode, **options):
        of_cell = self.cell_options | {
            name: options.pop(name)
            for name in ("activation", "recurrent_activation", "use_bias", "dropout",
                         "recurrent_dropout")
            if name in options
        }  # fmt: skip
        if self.wrapper in ("rnn", "stack"):
            of_cell["dtype"] = options.get("dtype")
            widths = self._widths(units)
            cells = [
                getattr(layers, f"{name}Cell")(width, **of_cell)
                for name, width in zip(self.cells, widths, strict=True)
            ]
            if self.wrapper == "rnn":
                return layers.RNN(*cells, **options)
            return layers.RNN(layers.StackedRNNCells(cells, dtype=options.get("dtype")), **options)
        layer = getattr(layers, self.cells[0])(units, **of_cell, **options)
        if self.wrapper == "bidirectional":
            return layers.Bidirectional(layer, merge_mode=merge_mode, dtype=options.get("dtype"))
        return layer

    def truth(self, weights, x, states=None, mask=None, merge_mode="concat", cell_options=None,
              **options):  # fmt: skip
        """Outputs, and the function that takes gradients back, of the reference."""
        options = {"return_sequences": False, "return_state": False} | options
        cells = self.reference_cells(weights, cell_options or {})
        if self.wrapper == "stack":
            return run_stack(cells, x, states, mask, **options)
        if self.wrapper == "bidirectional":
            return run_bidirectional(cells, x, states, mask, merge_mode=merge_mode, **options)
        return run_cell(cells[0], x, states, mask, **options)

    def reference_cells(self, weights, cell_options):
        each = len(weights) // len(self.cells)
        return [
            getattr(reference, name)(
                *weights[n * each : (n + 1) * each], **self.cell_options, **cell_options
            )
            for n, name in enumerate(self.cells)
        ]

    def _widths(self, units):
        return [units + n if self.wrapper == "stack" else units for n in range(len(self.cells))]


SINGLE = {
    "SimpleRNN": Kind(("SimpleRNN",)),
    "LSTM": Kind(("LSTM",)),
    "GRU": Kind(("GRU",)),
    "GRU-reset-before": Kind(("GRU",), cell_options={"reset_after": False}),
}
WRAPPED = {
    "RNN(LSTMCell)": Kind(("LSTM",), "rnn"),
    "RNN(StackedRNNCells)": Kind(("LSTM", "GRU"), "stack"),
}
BIDIRECTIONAL = {
    "Bidirectional(SimpleRNN)": Kind(("SimpleRNN",) * 2, "bidirectional"),
    "Bidirectional(LSTM)": Kind(("LSTM",) * 2, "bidirectional"),
    "Bidirectional(GRU)": Kind(("GRU",) * 2, "bidirectional"),
    "Bidirectional(GRU-reset-before)": Kind(
        ("GRU",) * 2, "bidirectional", cell_options={"reset_after": False}
    ),
}
KINDS = SINGLE | WRAPPED | BIDIRECTIONAL
# One of each sort, for laws that are the same for the others.
SORTS = SINGLE | {name: KINDS[name] for name in ("RNN(StackedRNNCells)", "Bidirectional(LSTM)")}
SORTS["LSTM-engine-keras"] = Kind(("LSTM",), engine="keras")


def build(layer, features=2, seed=0):
    """Build a layer, and give every weight, biases too, random numbers."""
    random = np.random.default_rng(seed)
    if not layer.built:
        layer.build((None, None, features))
    layer.set_weights([random.normal(scale=0.5, size=w.shape) for w in layer.weights])
    return layer


def random_batch(batch=3, timesteps=5, features=2, seed=1):
    return np.random.default_rng(seed).normal(size=(batch, timesteps, features))


def random_states(kind, units=3, batch=3, seed=2):
    random = np.random.default_rng(seed)
    return [random.normal(size=(batch, size)) for size in kind.state_sizes(units)]


def random_mask(batch=3, timesteps=5, seed=3):
    """Any pattern: holes, and the second row masked throughout."""
    mask = np.random.default_rng(seed).random((batch, timesteps)) < 0.6
    mask[1:2] = False
    return mask
