"""Specifications of layers with arrays for them, and what the reference makes of them."""

import itertools

import numpy as np

from elman import engine, reference

REFERENCES = {"simple_rnn": reference.SimpleRNN, "lstm": reference.LSTM, "gru": reference.GRU}
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
CELLS = [("simple_rnn", True), ("lstm", True), ("gru", True), ("gru", False)]
# Awkward ones: less than a vector, more than one, several register tiles, nothing at all.
SIZES = [(1, 1, 1, 1), (8, 2, 10, 3), (13, 5, 7, 17), (7, 4, 20, 70), (2, 0, 3, 5), (0, 3, 3, 5)]
PAIRS = [
    ("tanh", "sigmoid"),
    ("relu", "hard_sigmoid"),
    ("linear", "hard_sigmoid_keras3"),
    ("hard_sigmoid", "tanh"),
]


class Case:
    """A specification, arrays for it, and what the reference makes of them."""

    def __init__(self, spec, size, mask=False, dropout=False, states=True, seed=0):
        self.spec, self.size = spec, size
        B, T, I, H = size  # noqa: E741
        G, cell = GATES[spec.cell], spec.cell
        random = np.random.default_rng(seed)

        # float32 values, so that the reference sees exactly what the kernels see.
        def draw(*shape):
            return random.uniform(-1, 1, shape).astype("float32").astype(spec.dtype)

        scale = 1 / np.sqrt(I + H)
        self.x = draw(B, T, I)
        self.kernel = (draw(I, G * H) * scale).astype(spec.dtype)
        self.recurrent_kernel = (draw(H, G * H) * scale).astype(spec.dtype)
        two = cell == "gru" and spec.reset_after
        self.bias = draw(*((2, 3 * H) if two else (G * H,))) if spec.use_bias else None
        count = 2 if cell == "lstm" else 1
        self.states = [draw(B, H) for _ in range(count)] if states else None
        self.mask = random.random((B, T)) < 0.6 if mask else None
        if mask and B > 1:
            self.mask[0] = False
        each = (G,) if dropout == "each gate" else ()
        self.input_dropout = draw(*each, B, I) if dropout else None
        self.recurrent_dropout = draw(*each, B, H) if dropout else None
        self.d_outputs = draw(B, T, H) if spec.return_sequences else None
        self.d_last = draw(B, H)
        self.d_states = [draw(B, H) for _ in range(count)]
        self.solve()
        if mask:
            self.x[~self.mask] = np.nan  # never read

    def solve(self):
        spec = self.spec
        names = {"activation": spec.activation}
        if spec.cell != "simple_rnn":
            names["recurrent_activation"] = spec.recurrent_activation
        if spec.cell == "gru":
            names["reset_after"] = spec.reset_after
        cell = REFERENCES[spec.cell](self.kernel, self.recurrent_kernel, self.bias, **names)
        self.run = reference.forward(
            cell,
            self.x,
            self.states,
            self.mask,
            spec.go_backwards,
            spec.zero_output_for_mask,
            self.input_dropout,
            self.recurrent_dropout,
        )
        self.gradients = reference.backward(
            cell, self.run, self.d_outputs, self.d_last, self.d_states
        )

    @property
    def arguments(self):
        """What has a gradient: the first arguments of `engine.Inputs`."""
        return (self.x, self.states, self.kernel, self.recurrent_kernel, self.bias)

    @property
    def options(self):
        return {
            "mask": self.mask,
            "input_dropout": self.input_dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }

    @property
    def inputs(self):
        return engine.Inputs(*self.arguments, **self.options)

    def check_results(self, outputs, last, states):
        if self.spec.return_sequences:
            self.close(outputs, self.run.outputs, "outputs")
        else:
            assert outputs is None
        self.close(last, self.run.last_output, "last_output")
        assert len(states) == len(self.run.states)
        for got, wanted in zip(states, self.run.states, strict=True):
            self.close(got, wanted, "states")

    def check_gradients(self, x, states, kernel, recurrent_kernel, bias):
        wanted = self.gradients
        self.close(x, wanted.x, "d x")
        if self.states is not None:
            for got, state in zip(states, wanted.initial_states, strict=True):
                self.close(got, state, "d states")
        self.close(kernel, wanted.kernel, "d kernel")
        self.close(recurrent_kernel, wanted.recurrent_kernel, "d recurrent_kernel")
        if self.bias is not None:
            self.close(bias, wanted.bias, "d bias")

    def close(self, got, wanted, what):
        got = np.asarray(got)
        assert got.dtype == self.spec.dtype, what
        assert got.shape == wanted.shape, what
        # Sums of up to a hundred terms near 1, in a few steps that depend on each other.
        tolerance = {"float32": 2e-5, "float64": 1e-13}[self.spec.dtype]
        largest = max(1, np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * largest, err_msg=what)


def compute(*cases):
    """(outputs, last output, states) of each case, computed side by side."""
    return engine.find(*(case.spec for case in cases))(*(case.inputs for case in cases))


def side_by_side(backend):
    """Some cases that one call can compute: of every cell, and two directions over one input."""
    names = ("lstm", "gru", "simple_rnn")
    mixed = [
        Case(
            engine.Spec(name, return_sequences=name != "gru", go_backwards=n == 1, backend=backend),
            size,
            mask=n == 0,
            dropout="each gate" if n == 1 else None,
            states=n != 2,
        )
        for n, (name, size) in enumerate(zip(names, [*SIZES[2:4], (13, 2, 3, 5)], strict=True))
    ]
    directions = [
        Case(
            engine.Spec(
                "lstm",
                go_backwards=backwards,
                return_sequences=True,
                zero_output_for_mask=True,
                backend=backend,
            ),
            (14, 6, 5, 33),
            mask=True,
        )
        for backwards in (False, True)
    ]
    return [mixed, directions]


def same_bits(one, other):
    """Whether two nested lists of arrays are the same to the bit."""
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same_bits, one, other))
    if one is None or other is None:
        return one is other
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def label(value):
    if isinstance(value, tuple) and len(value) == 4:
        return "B{}-T{}-I{}-H{}".format(*value)
    if isinstance(value, tuple) and isinstance(value[1], bool):
        return value[0] + ("" if value[1] else "_reset_before")
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def cases(backend, cell, size, dtypes=("float32", "float64")):
    """Every option at least once with every other, in 8 specifications a pair of activations."""
    name, reset_after = cell
    for pair, bits, dtype in itertools.product(range(len(PAIRS)), range(8), dtypes):
        mixed = bits ^ (bits << 1) ^ pair
        backwards, zeros, masked = (bool(mixed >> i & 1) for i in range(3))
        spec = engine.Spec(
            name,
            *PAIRS[pair],
            use_bias=bits != 5,
            reset_after=reset_after,
            go_backwards=backwards,
            return_sequences=bits % 2 == 0,
            zero_output_for_mask=zeros,
            dtype=dtype,
            backend=backend,
        )
        yield Case(
            spec,
            size,
            mask=masked,
            dropout={1: "all gates", 2: "each gate", 4: "each gate", 7: "all gates"}.get(bits),
            states=bits < 6,
        )
