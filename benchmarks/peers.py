"""The computations that are compared: ours, Keras's own layer, torch.nn, ONNX Runtime.

Each takes a `Work` and gives a function without arguments that does it once and returns the
outputs, and for training the gradient of the kernel, as NumPy arrays at the end of the list.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from elman import engine

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
KERAS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@dataclass
class Work:
    """One point of the grid, with its arrays."""

    cell: str
    train: bool
    B: int
    T: int
    H: int
    kind: str = "plain"  # or "masked", "recurrent dropout", "bidirectional"
    arrays: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(0)
        G, H = GATES[self.cell], self.H

        def draw(*shape: int) -> np.ndarray:
            return (random.standard_normal(shape) / np.sqrt(H)).astype("float32")

        self.arrays = {
            "x": draw(self.B, self.T, H),
            "kernel": draw(H, G * H),
            "recurrent_kernel": draw(H, G * H),
            "bias": draw(2, 3 * H) if self.cell == "gru" else draw(G * H),
            "d_outputs": draw(self.B, self.T, self.directions * H),
        }
        if self.kind == "masked":
            lengths = np.linspace(0.56, 1, self.B) * self.T
            self.arrays["mask"] = np.arange(self.T) < np.ceil(lengths)[:, None]
        if self.kind == "recurrent dropout":
            self.arrays["recurrent_dropout"] = random.integers(0, 2, (self.B, H)) * np.float32(2)

    @property
    def directions(self) -> int:
        """2 where the sequences are also read from their ends, by the same weights."""
        return 2 if self.kind == "bidirectional" else 1

    @property
    def operations(self) -> int:
        """Multiplications and additions in the products, masked steps among them."""
        steps = self.directions * self.B * self.T * (3 if self.train else 1)
        return 4 * steps * GATES[self.cell] * self.H * self.H


Once = Callable[[], list[Any]]


def ours(work: Work) -> Once:
    """`elman.engine` in the framework that Keras runs on."""
    backend = keras.backend.backend()
    specs = [
        engine.Spec(work.cell, return_sequences=True, backend=backend, go_backwards=backwards)
        for backwards in (False, True)[: work.directions]
    ]
    compute = engine.find(*specs)
    options = {k: _tensor(v) for k, v in work.arrays.items() if k in ("mask", "recurrent_dropout")}

    def outputs(x: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        inputs = engine.Inputs(x, None, kernel, recurrent_kernel, bias, **options)
        first, *second = (found[0] for found in compute(*[inputs] * work.directions))
        flipped = [keras.ops.flip(found, axis=1) for found in second]
        return keras.ops.concatenate([first, *flipped], axis=-1) if second else first

    return _once(work, outputs)


def keras_layer(work: Work) -> Once | None:
    """Keras's own layer, as it is in a compiled step of that backend."""
    if work.kind == "recurrent dropout":
        return None  # its masks are drawn inside
    layer = KERAS[work.cell](work.H, return_sequences=True)
    if work.kind == "bidirectional":
        layer = keras.layers.Bidirectional(layer)
    layer.build((work.B, work.T, work.H))
    mask = _tensor(work.arrays["mask"]) if "mask" in work.arrays else None

    def outputs(*weights_of: Any) -> Any:
        x, *weights = weights_of
        weights *= work.directions
        if keras.backend.backend() == "torch":
            for variable, weight in zip(layer.weights, weights, strict=True):
                variable._value = weight
            return layer(x, mask=mask)
        return layer.stateless_call(weights, [], x, mask=mask)[0]

    if keras.backend.backend() == "jax":
        seeds = [v.value for v in layer.non_trainable_variables]

        def outputs(x: Any, *weights: Any) -> Any:
            return layer.stateless_call(weights * work.directions, seeds, x, mask=mask)[0]

    if keras.backend.backend() == "tensorflow":

        def outputs(x: Any, *weights: Any) -> Any:
            return layer(x, mask=mask)

        weights = [work.arrays[n] for n in ("kernel", "recurrent_kernel", "bias")]
        layer.set_weights(weights * work.directions)
        return _once_tensorflow(work, outputs, [v.value for v in layer.trainable_variables])
    return _once(work, outputs)


def torch_nn(work: Work) -> Once | None:
    """torch.nn's layer of the same name, with the same numbers."""
    if work.kind not in ("plain", "bidirectional"):
        return None
    import torch

    two = work.kind == "bidirectional"
    classes = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer = classes[work.cell](work.H, work.H, batch_first=True, bidirectional=two)
    w, u, b, d = _torch_weights(work)
    with torch.no_grad():
        for name, value in zip(
            ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), (w, u, b, d), strict=True
        ):
            for direction in ("", "_reverse")[: work.directions]:
                weights = getattr(layer, name + direction)
                weights.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    x = torch.from_numpy(work.arrays["x"]).requires_grad_(work.train)
    d_outputs = torch.from_numpy(work.arrays["d_outputs"])

    def predict() -> list[Any]:
        with torch.inference_mode():
            return [layer(x)[0]]

    def train() -> list[Any]:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        outputs = layer(x)[0]
        outputs.backward(d_outputs)
        return [outputs.detach(), x.grad]

    return train if work.train else predict


def onnx_runtime(work: Work, threads: int) -> Once | None:
    """ONNX Runtime's operator, for inference."""
    if work.train or work.kind not in ("plain", "bidirectional"):
        return None
    import onnx
    import onnxruntime
    from onnx import helper

    types = {"simple_rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
    order = {"simple_rnn": [0], "lstm": [0, 3, 1, 2], "gru": [0, 1, 2]}[work.cell]  # i o f c; z r h
    w, u, b, d = (_gates(a, work, order) for a in _keras_weights(work))
    both = {"W": w.T, "R": u.T, "B": np.concatenate([b, d])}
    constants = {name: np.stack([array] * work.directions) for name, array in both.items()}
    extra = {"linear_before_reset": 1} if work.cell == "gru" else {}
    extra |= {"direction": "bidirectional"} if work.directions == 2 else {}
    node = helper.make_node(
        types[work.cell], ["x", "W", "R", "B"], ["y"], hidden_size=work.H, **extra
    )
    shape = [work.T, work.B, work.H]
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [work.T, None, *shape[1:]])],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    x = np.ascontiguousarray(work.arrays["x"].swapaxes(0, 1))
    batch_first = (work.B, work.T, work.directions * work.H)
    return lambda: [session.run(None, {"x": x})[0].transpose(2, 0, 1, 3).reshape(batch_first)]


def _tensor(array: np.ndarray) -> Any:
    return keras.ops.convert_to_tensor(array)


def _once(work: Work, outputs: Callable[..., Any]) -> Once:
    """A step of the function in the present framework: the outputs and the gradient of x."""
    names = ("x", "kernel", "recurrent_kernel", "bias")
    arguments = [_tensor(work.arrays[name]) for name in names]
    d_outputs = _tensor(work.arrays["d_outputs"])
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        def step(*arguments: Any) -> Any:
            if not work.train:
                return [outputs(*arguments)]
            y, back = jax.vjp(outputs, *arguments)
            return [y, *back(d_outputs)]

        compiled = jax.jit(step)
        return lambda: jax.block_until_ready(compiled(*arguments))
    if backend == "torch":
        import torch

        arguments = [a.requires_grad_(work.train) for a in arguments]

        def torch_step() -> list[Any]:
            if not work.train:
                with torch.inference_mode():
                    return [outputs(*arguments)]
            y = outputs(*arguments)
            return [y.detach(), *torch.autograd.grad(y, arguments, d_outputs)]

        return torch_step
    return _once_tensorflow(work, outputs, arguments[1:])


def _once_tensorflow(work: Work, outputs: Callable[..., Any], weights: list[Any]) -> Once:
    import tensorflow as tf

    d_outputs = tf.constant(work.arrays["d_outputs"])
    x = tf.constant(work.arrays["x"])

    @tf.function
    def step(x: Any) -> Any:
        if not work.train:
            return [outputs(x, *weights)]
        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            y = outputs(x, *weights)
        return [y, *tape.gradient(y, [x, *weights], d_outputs)]

    return lambda: step(x)


def _keras_weights(work: Work) -> tuple[np.ndarray, ...]:
    bias = work.arrays["bias"]
    b, d = bias if work.cell == "gru" else (bias, np.zeros_like(bias))
    return work.arrays["kernel"], work.arrays["recurrent_kernel"], b, d


def _gates(array: np.ndarray, work: Work, order: list[int]) -> np.ndarray:
    split = np.split(array, GATES[work.cell], axis=-1)
    return np.concatenate([split[g] for g in order], axis=-1)


def _torch_weights(work: Work) -> tuple[np.ndarray, ...]:
    order = {"simple_rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}[work.cell]  # r z n
    w, u, b, d = (_gates(a, work, order) for a in _keras_weights(work))
    return w.T, u.T, b, d
