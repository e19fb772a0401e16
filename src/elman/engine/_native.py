"""The library of kernels: where it is, what its functions take, and the shapes of the results.

A call computes some layers side by side. What it takes and gives is one flat list of arrays, those
of the first layer first, in the order of native/exports.cc:

    9 inputs of each     x, h, c, kernel, recurrent_kernel, bias, mask, input_dropout,
                         recurrent_dropout
    5 results of each    outputs, last, h, c, saved
    6 gradients of each  those of the first six inputs

An array of shape (0,) stands for one that is not there.
"""

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CELLS = ("simple_rnn", "lstm", "gru")
# In the order of the enumerations in native/layer.h.
_CODES = ("simple_rnn", "lstm", "gru", "gru_reset_before")
ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu", "hard_sigmoid", "hard_sigmoid_keras3")
DTYPES = ("float32", "float64")

NAME = "elman_native.so"


def path(name: str = NAME) -> Path | None:
    """A library's file: beside this package or, in an editable install, where it was built."""
    import elman.engine

    found = (Path(folder) / name for folder in elman.engine.__path__)
    return next((file for file in found if file.exists()), None)


@functools.cache
def library() -> Any:
    """The loaded library.

    Raises:
        RuntimeError: the package was installed without it, ELMAN_ISA names what is not here, or
            ELMAN_NUM_THREADS is not a whole number of 1 or more.
    """
    file = path()
    if file is None:
        raise RuntimeError(f"{NAME} is missing; install elman with pip to build it")
    threads = os.environ.get("ELMAN_NUM_THREADS", "1")
    if not (threads.isascii() and threads.isdigit() and int(threads)):
        raise RuntimeError(
            f"ELMAN_NUM_THREADS must be a whole number of 1 or more, got {threads!r}; set it so"
        )
    with _as_if_not_installed("torch"):
        import tvm_ffi

    module = tvm_ffi.load_module(str(file))
    module.isa_name()  # chooses the instruction set, or says why it cannot
    return module


class _Absent:
    """Finds no module of one name, for one thread."""

    def __init__(self, name: str):
        self.name, self.thread = name, threading.get_ident()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == self.name and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"no module {name} is wanted here", name=name)


@contextlib.contextmanager
def _as_if_not_installed(name: str) -> Iterator[None]:
    """Within it, and in this thread, what is not imported yet cannot be.

    tvm_ffi imports torch wherever it is installed, which takes seconds and 200 MB.
    """
    absent = _Absent(name)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


def unavailable() -> str | None:
    """Why the library cannot be used; None where it can."""
    if path() is None:
        return "elman was installed without its native kernels; install it with pip to build them"
    library()
    return None


def options(specs: Sequence[Any]) -> tuple[int, ...]:
    """The layers of a call in numbers: six for each, in the order of native/exports.cc."""
    numbers: list[int] = []
    for spec in specs:
        cell = "gru_reset_before" if spec.cell == "gru" and not spec.reset_after else spec.cell
        gate = "linear" if spec.cell == "simple_rnn" else spec.recurrent_activation
        numbers += (
            _CODES.index(cell),
            ACTIVATIONS.index(spec.activation),
            ACTIVATIONS.index(gate),
            int(spec.go_backwards),
            int(spec.zero_output_for_mask),
            int(spec.return_sequences),
        )
    return tuple(numbers)


def flat(specs: Sequence[Any], inputs: Sequence[Any]) -> list[tuple[Any, str]]:
    """The inputs of all layers with their dtypes, in order; None where there is none."""
    arrays: list[tuple[Any, str]] = []
    for spec, given in zip(specs, inputs, strict=True):
        h, c = [*(given.states or ()), None, None][:2]
        bias = given.bias if spec.use_bias else None
        weights = given.kernel, given.recurrent_kernel, bias
        arrays += [(array, spec.dtype) for array in (given.x, h, c, *weights)]
        arrays.append((given.mask, "bool"))
        arrays += [(array, spec.dtype) for array in (given.input_dropout, given.recurrent_dropout)]
    return arrays


def each(values: Sequence[Any], layers: int) -> list[Sequence[Any]]:
    """A flat list in as many equal parts as there are layers."""
    size = len(values) // layers
    return [values[i * size : (i + 1) * size] for i in range(layers)]


def results(specs: Sequence[Any], arrays: Sequence[Any]) -> list[tuple[Any, Any, list[Any]]]:
    """(outputs or None, last output, states) of each layer, from a call's results."""
    return [
        (outputs if s.return_sequences else None, last, [h, c] if s.cell == "lstm" else [h])
        for s, (outputs, last, h, c, *_) in zip(specs, each(arrays, len(specs)), strict=True)
    ]


ONCE = (
    "the native kernels have a first derivative only, in reverse mode; "
    'give the layer engine="keras" to differentiate a gradient'
)


Shape = tuple[int, ...]
ABSENT = (0,)
_LSTM = _CODES.index("lstm")


def forward_shapes(
    options: Sequence[int], shapes: Sequence[Shape], bytes_each: int, training: bool
) -> list[Shape]:
    """Shapes of the results, from those of the inputs.

    `training`: `backward` is to follow, which needs the outputs and what is saved.
    """
    layers = len(options) // 6
    found: list[Shape] = []
    for numbers, inputs in zip(each(options, layers), each(shapes, layers), strict=True):
        cell, sequences = numbers[0], numbers[5]
        x, recurrent_kernel = inputs[0], inputs[4]
        if len(x) != 3:
            raise ValueError(f"x must have shape (B, T, I), got {tuple(x)}")
        if len(recurrent_kernel) != 2:
            raise ValueError(
                f"recurrent_kernel must have shape (H, G * H), got {tuple(recurrent_kernel)}"
            )
        # torch.compile may leave sizes open; that of the weights is settled here.
        (B, T, _), H = x, int(recurrent_kernel[0])
        outputs = (B, T, H) if training or sequences else ABSENT
        c = (B, H) if cell == _LSTM else ABSENT
        saved = (T, B, saved_width(cell, bytes_each, H)) if training else ABSENT
        found += [outputs, (B, H), (B, H), c, saved]
    return found


def gradients_of(inputs: Sequence[Any]) -> list[Any]:
    """The inputs that have a gradient, which is of the same shape: the first six of each layer."""
    return [array for part in each(inputs, len(inputs) // 9) for array in part[:6]]


def kept(results: Sequence[Any]) -> list[Any]:
    """What `backward` needs of the results: outputs and saved of each layer."""
    return [array for part in each(results, len(results) // 5) for array in (part[0], part[4])]


def empty(bytes_each: int, shape: Shape) -> Any:
    """An array for `saved`, from memory that the library keeps; speaks DLPack."""
    return library().empty(bytes_each, *shape)


@functools.cache
def saved_width(cell: int, bytes_each: int, units: int) -> int:
    """Elements that `forward` keeps for `backward`, for a step of one row of the batch."""
    return library().saved_width(cell, bytes_each, units)
