"""The library of kernels: where it is, what its functions take, and the shapes of the results."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

CELLS = ("simple_rnn", "lstm", "gru")
# In the order of the enumerations in native/layer.h.
_CODES = ("simple_rnn", "lstm", "gru", "gru_reset_before")
ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu", "hard_sigmoid", "hard_sigmoid_keras3")
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
DTYPES = {"float32": 4, "float64": 8}

NAME = "elman_native.so"


def path() -> Path | None:
    """The library's file: beside this package or, in an editable install, where it was built."""
    import elman.engine

    found = (Path(folder) / NAME for folder in elman.engine.__path__)
    return next((file for file in found if file.exists()), None)


@functools.cache
def library() -> Any:
    """The loaded library.

    Raises:
        RuntimeError: the package was installed without it, or ELMAN_ISA names what is not here.
    """
    file = path()
    if file is None:
        raise RuntimeError(f"{NAME} is missing; install elman with pip to build it")
    import tvm_ffi

    module = tvm_ffi.load_module(str(file))
    module.isa_name()  # chooses the instruction set, or says why it cannot
    return module


@functools.cache
def unavailable() -> str | None:
    """Why the library cannot be used; None where it can."""
    if path() is None:
        return "elman was installed without its native kernels; install it with pip to build them"
    library()
    return None


def options(spec: Any) -> tuple[int, int, int, int, int]:
    """The options of `forward` and `backward` in native/exports.cc, in their order."""
    cell = "gru_reset_before" if spec.cell == "gru" and not spec.reset_after else spec.cell
    gate = "linear" if spec.cell == "simple_rnn" else spec.recurrent_activation
    return (
        _CODES.index(cell),
        ACTIVATIONS.index(spec.activation),
        ACTIVATIONS.index(gate),
        int(spec.go_backwards),
        int(spec.zero_output_for_mask),
    )


class ForwardShapes(NamedTuple):
    """Shapes of the results of `forward`; (0,) is an array that is not wanted."""

    outputs: tuple[int, ...]
    last: tuple[int, ...]
    h: tuple[int, ...]
    c: tuple[int, ...]
    saved: tuple[int, ...]


class BackwardShapes(NamedTuple):
    """Shapes of the results of `backward`; (0,) is an array that is not wanted."""

    x: tuple[int, ...]
    h: tuple[int, ...]
    c: tuple[int, ...]
    kernel: tuple[int, ...]
    recurrent_kernel: tuple[int, ...]
    bias: tuple[int, ...]


ABSENT = (0,)


def forward_shapes(spec: Any, x_shape: Sequence[int], units: int, training: bool) -> ForwardShapes:
    """`training`: `backward` is to follow, which needs the outputs and what is saved."""
    if len(x_shape) != 3:
        raise ValueError(f"x must have shape (B, T, I), got {tuple(x_shape)}")
    batch, timesteps, _ = x_shape
    state = (batch, units)
    return ForwardShapes(
        outputs=(batch, timesteps, units) if training or spec.return_sequences else ABSENT,
        last=state,
        h=state,
        c=state if spec.cell == "lstm" else ABSENT,
        saved=(timesteps, batch, saved_width(spec, units)) if training else ABSENT,
    )


def backward_shapes(spec: Any, x_shape: Sequence[int], units: int) -> BackwardShapes:
    batch, timesteps, features = x_shape
    state, columns = (batch, units), GATES[spec.cell] * units
    return BackwardShapes(
        x=(batch, timesteps, features),
        h=state,
        c=state if spec.cell == "lstm" else ABSENT,
        kernel=(features, columns),
        recurrent_kernel=(units, columns),
        bias=bias_shape(spec, units) if spec.use_bias else ABSENT,
    )


def bias_shape(spec: Any, units: int) -> tuple[int, ...]:
    columns = GATES[spec.cell] * units
    return (2, columns) if spec.cell == "gru" and spec.reset_after else (columns,)


def empty_saved(spec: Any, shape: tuple[int, ...]) -> Any:
    """An array for `saved`, from memory that the library keeps; speaks DLPack."""
    return library().empty(DTYPES[spec.dtype], *shape)


@functools.cache
def saved_width(spec: Any, units: int) -> int:
    """Elements that `forward` keeps for `backward`, for a step of one row of the batch."""
    return library().saved_width(options(spec)[0], DTYPES[spec.dtype], units)
