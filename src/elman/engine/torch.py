"""The kernels on torch tensors, also under `torch.compile`.

Forward and backward are custom operators, which the compiler takes as they are: their results'
shapes come from a fake version, the gradient of one is the other.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from elman.engine import Inputs, Spec, _native

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bool": torch.bool}


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on torch tensors."""
    tensors = [
        torch.empty(_native.ABSENT, dtype=_DTYPES[dtype])
        if value is None
        else torch.as_tensor(value, dtype=_DTYPES[dtype]).contiguous()
        for value, dtype in _native.flat(specs, inputs)
    ]
    if any(forward_ad.unpack_dual(t).tangent is not None for t in tensors):
        raise NotImplementedError(_native.ONCE)  # torch itself would give tangents of zeros
    training = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    try:
        results = _forward(list(_native.options(specs)), training, tensors)
    except RuntimeError as error:
        _explain(error)
        raise
    return _native.results(specs, results)


TRANSFORMS = (
    "the native kernels have a derivative by torch.autograd, and none of the transforms of "
    'torch.func; give the layer engine="keras" for these'
)


def _explain(error: RuntimeError) -> None:
    """Raise in our words what torch says of a transform; nothing public tells of one before."""
    if any(words in str(error) for words in ("functorch transforms", "Batching rule not")):
        raise NotImplementedError(TRANSFORMS) from error


def _forward_results(options: Sequence[int], training: bool, inputs: Sequence[Tensor]) -> list:
    x, given = inputs[0], [t.shape for t in inputs]
    shapes = _native.forward_shapes(options, given, x.element_size(), training)
    return [x.new_empty(shape) for shape in shapes]


@torch.library.custom_op("elman::forward", mutates_args=(), device_types="cpu")
def _forward(options: Sequence[int], training: bool, inputs: Sequence[Tensor]) -> list[Tensor]:
    results = _forward_results(options, training, inputs)
    if training:
        results[4::5] = [
            torch.from_dlpack(_native.empty(t.element_size(), t.shape)) for t in results[4::5]
        ]
    _native.library().forward(options, *(t.detach() for t in inputs), *results)
    return results


@torch.library.custom_op("elman::backward", mutates_args=(), device_types="cpu")
def _backward(
    options: Sequence[int],
    inputs: Sequence[Tensor],
    kept: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> list[Tensor]:
    results = _backward_results(options, inputs, kept, gradients)
    tensors = [t.detach() for t in (*inputs, *kept, *gradients)]
    _native.library().backward(options, *tensors, *results)
    return results


def _backward_results(options: Any, inputs: Sequence[Tensor], kept: Any, gradients: Any) -> list:
    return [torch.empty_like(t) for t in _native.gradients_of(inputs)]


_forward.register_fake(_forward_results)
_backward.register_fake(_backward_results)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.options, _, arrays = inputs
    ctx.save_for_backward(*arrays, *_native.kept(output))
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    layers = len(ctx.options) // 6
    saved = ctx.saved_tensors  # once: under a checkpoint they can be had no second time
    inputs, kept = saved[: 9 * layers], saved[9 * layers :]
    absent = kept[0].new_empty(_native.ABSENT)
    upstream = [
        absent if d is None else d.contiguous()
        for part in _native.each(gradients, layers)
        for d in part[:4]
    ]
    try:
        results = _backward(ctx.options, inputs, kept, upstream)
    except RuntimeError as error:
        _explain(error)
        raise
    wanted: list[Tensor | None] = []
    for part in _native.each(results, layers):
        wanted += [*part, None, None, None]
    return None, None, wanted


def _differentiate_twice(ctx: Any, gradients: Any) -> Any:
    raise NotImplementedError(_native.ONCE)


torch.library.register_autograd("elman::forward", _differentiate, setup_context=_keep)
torch.library.register_autograd("elman::backward", _differentiate_twice)
