"""The ONNX package's own cases for the nodes RNN, LSTM and GRU, on our layers and the reference.

ONNX has one node where Keras has a layer and its wrapper: this file turns the weights of the
cases into Keras's order and shapes. What the cases use, and where it has its place in Keras:

| ONNX                         | Keras                                                       |
|------------------------------|-------------------------------------------------------------|
| W [D, GH, I], R [D, GH, H]   | kernel [I, GH], recurrent kernel [H, GH], transposed        |
| B [D, 2GH]                   | bias: their sum, or both with reset_after                   |
| gates i o f c (LSTM)         | i f c o                                                     |
| gates z r h (GRU)            | z r h                                                       |
| linear_before_reset = 0 or 1 | reset_after = False or True                                 |
| X [T, B, I], layout = 1      | transposed, as it is                                        |
| direction reverse            | go_backwards                                                |
| direction bidirectional      | Bidirectional, merge_mode=None                              |
| initial_h, initial_c         | initial_state                                               |
| sequence_lens                | mask                                                        |
| P, peepholes                 | left out: no layer of Keras has them                        |
"""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the cases are in the onnx package: pip install onnx")

from onnx.backend.test.case.node import gru, lstm, rnn  # noqa: E402

from elman import reference  # noqa: E402

LEFT_OUT = {"test_lstm_with_peepholes": "Keras's LSTM has no peepholes"}

CELLS = {"RNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}


class Case:
    """One case: the node's attributes, its inputs and outputs by name."""

    def __init__(self, node, inputs, outputs, name):
        self.name, self.cell = name, CELLS[node.op_type]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self.units = attributes["hidden_size"]
        self.direction = attributes.get("direction", b"forward").decode()
        self.layout = attributes.get("layout", 0)
        self.reset_after = bool(attributes.get("linear_before_reset", 0))
        known = {"hidden_size", "direction", "layout", "linear_before_reset"}
        assert set(attributes) <= known, f"{name} has attributes this file does not know"
        self.inputs = dict(zip([n for n in node.input if n], inputs, strict=True))
        self.outputs = dict(zip([n for n in node.output if n], outputs, strict=True))

    @property
    def x(self):
        x = self.inputs["X"]
        return x if self.layout else np.swapaxes(x, 0, 1)

    @property
    def mask(self):
        lengths = self.inputs.get("sequence_lens")
        return None if lengths is None else np.arange(self.x.shape[1]) < lengths[:, None]

    def initial_states(self, direction):
        names = [n for n in ("initial_h", "initial_c") if n in self.inputs]
        arrays = [self.inputs[n] for n in names]
        arrays = [np.swapaxes(a, 0, 1) if self.layout else a for a in arrays]
        return [a[direction] for a in arrays] or None

    def weights(self, direction):
        """Kernel, recurrent kernel and bias of one direction, as Keras has them."""
        order = {"LSTM": [0, 2, 3, 1]}.get(self.cell, slice(None))
        w, r = self.inputs["W"][direction], self.inputs["R"][direction]
        b = self.inputs.get("B", np.zeros((len(self.inputs["W"]), 2 * len(w)), w.dtype))[direction]

        def gates(a):
            return a.reshape(-1, self.units, *a.shape[1:])[order].reshape(a.shape)

        both = [gates(part) for part in np.split(b, 2)]
        bias = np.stack(both) if self.reset_after else both[0] + both[1]
        return [gates(w).T, gates(r).T, bias]

    def check(self, results):
        """Compare [(outputs in the order of time, final states) of each direction]."""
        actual = {
            "Y": np.stack([np.swapaxes(outputs, 0, 1) for outputs, _ in results], axis=1),
            "Y_h": np.stack([states[0] for _, states in results]),
            "Y_c": np.stack([states[-1] for _, states in results]),
        }
        if self.layout:
            actual = {
                "Y": np.moveaxis(actual["Y"], 2, 0),
                "Y_h": np.swapaxes(actual["Y_h"], 0, 1),
                "Y_c": np.swapaxes(actual["Y_c"], 0, 1),
            }
        assert self.outputs
        for key, value in self.outputs.items():
            # The cases are computed in float32: a few units in the last place.
            np.testing.assert_allclose(actual[key], value, rtol=1e-5, atol=1e-6, err_msg=key)


def collect():
    cases = []

    def record(node, inputs, outputs, name, **_):
        cases.append(Case(node, inputs, outputs, name))

    for module, operator in ((rnn, "RNN"), (lstm, "LSTM"), (gru, "GRU")):
        original, module.expect = module.expect, record
        for name, export in vars(getattr(module, operator)).items():
            if name.startswith("export"):
                np.random.seed(0)
                export.__func__()
        module.expect = original
    return cases


CASES = collect()
expressible = pytest.mark.parametrize(
    "case", [c for c in CASES if c.name not in LEFT_OUT], ids=lambda case: case.name
)


def test_every_case_is_run_or_left_out_with_a_reason():
    names = {case.name for case in CASES}
    assert len(names) == len(CASES) >= 18
    assert set(LEFT_OUT) <= names
    assert all("P" in case.inputs for case in CASES if case.name in LEFT_OUT)


@expressible
def test_reference(case):
    results = []
    for direction in range(len(case.inputs["W"])):
        options = {"reset_after": case.reset_after} if case.cell == "GRU" else {}
        backwards = case.direction == "reverse" or direction == 1
        run = reference.forward(
            getattr(reference, case.cell)(*case.weights(direction), **options),
            case.x,
            case.initial_states(direction),
            case.mask,
            go_backwards=backwards,
        )
        results.append((run.outputs[:, ::-1] if backwards else run.outputs, run.states))
    case.check(results)


@expressible
def test_layer(case):
    from elman import layers, ops

    options = {"reset_after": case.reset_after} if case.cell == "GRU" else {}
    backwards = case.direction == "reverse"
    layer = getattr(layers, case.cell)(
        case.units, return_sequences=True, return_state=True, go_backwards=backwards, **options
    )
    directions = range(len(case.inputs["W"]))
    if case.direction == "bidirectional":
        layer = layers.Bidirectional(layer, merge_mode=None)
    states = [s for d in directions for s in case.initial_states(d) or []] or None
    layer.build(case.x.shape)
    layer.set_weights([w for d in directions for w in case.weights(d)])
    results = [ops.convert_to_numpy(r) for r in layer(case.x, mask=case.mask, initial_state=states)]
    outputs, finals = results[: len(directions)], results[len(directions) :]
    count = len(finals) // len(directions)
    # Bidirectional has its backward outputs in the order of time already.
    outputs = [o[:, ::-1] if backwards else o for o in outputs]
    case.check([(outputs[d], finals[d * count : (d + 1) * count]) for d in directions])
