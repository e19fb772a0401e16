"""The kernels on torch tensors, also under `torch.compile`.

Forward and backward are custom operators, which the compiler takes as they are: their results'
shapes come from a fake version, the gradient of one is the other.
"""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elman.engine import _native

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def run(
    spec: Any,
    x: Tensor,
    states: Sequence[Tensor] | None,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor | None = None,
    *,
    mask: Tensor | None = None,
    input_dropout: Tensor | None = None,
    recurrent_dropout: Tensor | None = None,
) -> tuple[Tensor | None, Tensor, list[Tensor]]:
    """The computation of `elman.engine.Computation` on torch tensors."""
    dtype = _DTYPES[spec.dtype]

    def tensor(value: Any, dtype: torch.dtype = dtype) -> Tensor:
        if value is None:
            return torch.empty(_native.ABSENT, dtype=dtype)
        return torch.as_tensor(value, dtype=dtype).contiguous()

    h, c = [*(states or ()), None, None][:2]
    inputs = [
        tensor(x),
        tensor(h),
        tensor(c),
        tensor(kernel),
        tensor(recurrent_kernel),
        tensor(bias if spec.use_bias else None),
        tensor(mask, torch.bool),
        tensor(input_dropout),
        tensor(recurrent_dropout),
    ]
    training = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    outputs, last, h, c, _ = _forward(_options(spec), training, spec.return_sequences, inputs)
    states = [h, c] if spec.cell == "lstm" else [h]
    return outputs if spec.return_sequences else None, last, states


# An operator takes numbers and tensors only: the specification goes as the names in it.
def _options(spec: Any) -> str:
    return ":".join(
        str(value)
        for value in (
            spec.cell,
            spec.activation,
            spec.recurrent_activation,
            int(spec.reset_after),
            int(spec.go_backwards),
            int(spec.zero_output_for_mask),
            spec.dtype,
            int(spec.use_bias),
        )
    )


@functools.cache
def _spec(options: str, return_sequences: bool = True) -> Any:
    from elman.engine import Spec

    cell, activation, recurrent, reset_after, backwards, zeros, dtype, bias = options.split(":")
    return Spec(
        cell,
        activation,
        recurrent,
        bias == "1",
        reset_after == "1",
        backwards == "1",
        return_sequences,
        zeros == "1",
        dtype,
        backend="torch",
    )


def _empty(shapes: Sequence[tuple[int, ...]], like: Tensor) -> list[Tensor]:
    return [like.new_empty(shape) for shape in shapes]


def _forward_results(
    options: str, training: bool, sequences: bool, inputs: Sequence[Tensor]
) -> list[Tensor]:
    spec, x, units = _spec(options, sequences), inputs[0], inputs[4].shape[0]
    return _empty(_native.forward_shapes(spec, x.shape, units, training), x)


@torch.library.custom_op("elman::forward", mutates_args=(), device_types="cpu")
def _forward(
    options: str, training: bool, sequences: bool, inputs: Sequence[Tensor]
) -> list[Tensor]:
    results = _forward_results(options, training, sequences, inputs)
    if training:
        results[4] = torch.from_dlpack(_native.empty_saved(_spec(options), results[4].shape))
    tensors = [t.detach() for t in inputs]
    _native.library().forward(*_native.options(_spec(options)), *tensors, *results)
    return results


def _backward_results(options: str, inputs: Sequence[Tensor]) -> list[Tensor]:
    x, units = inputs[0], inputs[4].shape[0]
    return _empty(_native.backward_shapes(_spec(options), x.shape, units), x)


@torch.library.custom_op("elman::backward", mutates_args=(), device_types="cpu")
def _backward(
    options: str,
    inputs: Sequence[Tensor],
    outputs: Tensor,
    saved: Tensor,
    gradients: Sequence[Tensor],
) -> list[Tensor]:
    results = _backward_results(options, inputs)
    tensors = [t.detach() for t in (*inputs, outputs, saved, *gradients)]
    _native.library().backward(*_native.options(_spec(options)), *tensors, *results)
    return results


_forward.register_fake(_forward_results)
_backward.register_fake(
    lambda options, inputs, outputs, saved, gradients: _backward_results(options, inputs)
)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.options, _, ctx.sequences, arrays = inputs
    ctx.save_for_backward(*arrays, output[0], output[4])
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    *inputs, outputs, saved = ctx.saved_tensors
    absent = outputs.new_empty(_native.ABSENT)
    given = [absent if g is None else g.contiguous() for g in gradients[:4]]
    results = _backward(ctx.options, inputs, outputs, saved, given)
    wanted = [d if d.shape == i.shape else None for i, d in zip(inputs, results, strict=False)]
    return None, None, None, [*wanted, None, None, None]


torch.library.register_autograd("elman::forward", _differentiate, setup_context=_keep)
