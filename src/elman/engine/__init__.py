"""Fast computations of recurrent layers: `find` gives one for a configuration, or says why not.

On the CPU it is that of the native kernels, on a GPU that of cuDNN. A layer asks and gets a
callable or a reason; it knows neither kernels nor threads:

    computation = engine.find(spec)
    if isinstance(computation, engine.Refusal):
        ...                                   # computation.reason says why not
    [(outputs, last_output, states)] = computation(
        engine.Inputs(x, states, kernel, recurrent_kernel, bias, mask=...)
    )

Several specifications, such as the two directions of a bidirectional layer, are computed side by
side in one call: what `find(forward, backward)` gives takes an `Inputs` for each and gives the
results of each, on the CPU to the bit what a call for each would give.

The callable takes and gives arrays of the specification's backend, is differentiable there with
respect to x, the states, the weights and the bias, and may be used inside `jax.jit`,
`torch.compile` and `tf.function`. Shapes (B batch, T timesteps, I features, H units, G gates):

    x (B, T, I)                states: None for zeros, or a list: [h], LSTM [h, c], each (B, H)
    kernel (I, G * H)          recurrent_kernel (H, G * H), gates i f c o, or z r h
    bias (G * H,), GRU with reset_after (2, G * H); None with use_bias=False
    mask (B, T) of bool        False where a step is masked; None masks nothing
    input_dropout (B, I)       multiplies x in each step; (G, B, I): one for each gate; None is ones
    recurrent_dropout (B, H)   multiplies h on its way into the recurrent products; or (G, B, H)

    outputs (B, T, H), in the order of the steps done (the input's reversed with go_backwards), or
    None where the specification has return_sequences=False; last_output (B, H); states a list.

A masked step is never read. It repeats the previous output, zeros before the first step that is not
masked (zeros throughout with zero_output_for_mask), and carries the state.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elman.engine import _native

__all__ = [
    "Computation",
    "Inputs",
    "Refusal",
    "Spec",
    "find",
    "instruction_set",
    "num_threads",
    "set_num_threads",
]


@dataclass(frozen=True)
class Spec:
    """What a recurrent layer computes and where: everything `find` decides by.

    Args:
        cell: "simple_rnn", "lstm" or "gru".
        activation: "tanh", "sigmoid", "relu", "linear", "hard_sigmoid" (the old
            clip(0.2 x + 0.5, 0, 1)) or "hard_sigmoid_keras3" (relu6(x + 3) / 6).
        recurrent_activation: one of these; of no account to SimpleRNN.
        use_bias: whether there is a bias.
        reset_after: GRU: the reset gate after the recurrent product, or before it.
        go_backwards: from the last step to the first.
        return_sequences: whether the outputs of all steps are wanted.
        zero_output_for_mask: zeros, not the previous output, at masked steps.
        gate_dropout: whether dropout is drawn for each gate, or falls on h between the steps.
        dtype: the name of the type of all arrays, the mask apart.
        device: the kind of device the arrays are on: "cpu", "gpu", "tpu".
        backend: "numpy", "jax", "torch" or "tensorflow".
    """

    cell: str
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    reset_after: bool = True
    go_backwards: bool = False
    return_sequences: bool = False
    zero_output_for_mask: bool = False
    gate_dropout: bool = False
    dtype: str = "float32"
    device: str = "cpu"
    backend: str = "numpy"


@dataclass(frozen=True)
class Refusal:
    """Why there is no native computation; `reason` is a sentence for the user."""

    reason: str


class Inputs(NamedTuple):
    """The arrays of one layer, of the shapes above; None where there is none."""

    x: Any
    states: Sequence[Any] | None
    kernel: Any
    recurrent_kernel: Any
    bias: Any = None
    mask: Any = None
    input_dropout: Any = None
    recurrent_dropout: Any = None


@dataclass(frozen=True)
class Computation:
    """The native computation of `specs`, side by side; call it as the module's text says."""

    specs: tuple[Spec, ...]
    run: Callable[..., Any] = field(repr=False, compare=False)

    def __call__(self, *inputs: Inputs) -> list[tuple[Any, Any, list[Any]]]:
        """(outputs, last output, states) of each of `specs`, from the inputs of each.

        Raises:
            ValueError: an array of the wrong shape, dtype or device, or not an `Inputs` for each.
        """
        if len(inputs) != len(self.specs):
            raise ValueError(
                f"a computation must be called with an Inputs for each of its specs, "
                f"{len(self.specs)}, got {len(inputs)}"
            )
        return self.run(self.specs, inputs)


def find(*specs: Spec) -> Computation | Refusal:
    """The native computation of specifications, or the sentence that says why there is none.

    Raises:
        ValueError: there is no specification.

    Examples:
        >>> find(Spec("lstm"))
        Computation(specs=(Spec(cell='lstm', ...),))
        >>> find(Spec("lstm", dtype="float16")).reason
        'the native kernels compute in float32 and float64, not in float16'
    """
    if not specs:
        raise ValueError("find must be given one Spec or more, got none")
    for reason in (*map(_refusal, specs), *_disagreements(specs)):
        if reason is not None:
            return Refusal(reason)
    name = _adapter(specs[0])
    if name not in _adapters:
        _adapters[name] = _load(name)
    run = _adapters[name]
    return Refusal(run) if isinstance(run, str) else Computation(specs, run)


# The adapters loaded so far, or why one cannot be. A dictionary and not functools.cache, which
# torch.compile does not follow: there a layer finds what was loaded when it was made.
_adapters: dict[str, Callable[..., Any] | str] = {}


def _adapter(spec: Spec) -> str:
    """The module that computes on the arrays of a backend on a kind of device."""
    return spec.backend if spec.device == "cpu" else f"{spec.backend}_accelerated"


def _load(name: str) -> Callable[..., Any] | str:
    if name == "jax" and importlib.util.find_spec("jax_tvm_ffi") is None:
        return "jax-tvm-ffi, by which JAX calls the native kernels, is not installed; install it"
    kernels = None if name.endswith("_accelerated") else _native.unavailable()
    return kernels or importlib.import_module(f"elman.engine.{name}").run


def _disagreements(specs: tuple[Spec, ...]) -> Iterator[str]:
    for name in ("dtype", "device", "backend"):
        values = sorted({str(getattr(spec, name)) for spec in specs})
        if len(values) > 1:
            yield f"one call has arrays of one {name}, not of {' and '.join(values)}"


BACKENDS = ("numpy", "jax", "torch", "tensorflow")
# Beside the CPU, of which every backend has the kernels.
ACCELERATORS = {"jax": ("gpu", "tpu"), "torch": ("gpu",)}


def _refusal(spec: Spec) -> str | None:
    if spec.backend not in BACKENDS:
        return f"there are no native kernels for the backend {spec.backend!r}"
    if spec.cell not in _native.CELLS:
        return f"there are native kernels for {', '.join(_native.CELLS)}, not for {spec.cell}"
    if spec.device != "cpu" and spec.device not in ACCELERATORS.get(spec.backend, ()):
        return f"{spec.backend} has native kernels on the CPU, not on a {spec.device.upper()}"
    gates = () if spec.cell == "simple_rnn" else ("recurrent_activation",)
    for name in ("activation", *gates):
        if getattr(spec, name) not in _native.ACTIVATIONS:
            return (
                f"{name} must be one of {', '.join(_native.ACTIVATIONS)} for the native kernels, "
                f"got {getattr(spec, name)}"
            )
    if spec.device == "cpu":
        if spec.dtype not in _native.DTYPES:
            return f"the native kernels compute in float32 and float64, not in {spec.dtype}"
        return None
    return _refusal_beside_cpu(spec)


def _refusal_beside_cpu(spec: Spec) -> str | None:
    device = spec.device.upper()
    if spec.cell == "gru" and not spec.reset_after:
        return f"reset_after=False has native kernels on the CPU, not on a {device}"
    if spec.gate_dropout:
        return f"dropout of h, or drawn for each gate, has native kernels not on a {device}"
    known, functions = ["tanh and sigmoid"], f"{spec.activation} and {spec.recurrent_activation}"
    if spec.cell == "simple_rnn":
        known, functions = ["tanh", "relu"], spec.activation
    if spec.backend == "torch" and functions not in known:
        return f"cuDNN computes {spec.cell} with {' or '.join(known)}, not with {functions}"
    return None


def set_num_threads(threads: int) -> None:
    """Let a call use at most `threads` threads, its own among them.

    At import it is `ELMAN_NUM_THREADS`, else the processors this process may use. The results do
    not depend on it.

    Raises:
        ValueError: threads is less than 1.

    Example:
        >>> set_num_threads(1)
        >>> num_threads()
        1
    """
    _native.library().set_num_threads(threads)


def num_threads() -> int:
    """The most threads that a call uses."""
    return _native.library().num_threads()


def instruction_set() -> str:
    """The instruction set of the kernels in use; `ELMAN_ISA` forces one at load."""
    return _native.library().isa_name()
