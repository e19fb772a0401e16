"""The kernels on NumPy arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.engine import Inputs, Spec, _native

Array = np.ndarray


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on NumPy arrays."""
    found = forward(_native.options(specs), arrays(specs, inputs), training=False)
    return _native.results(specs, found)


def arrays(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[Array]:
    """The inputs as the kernels take them: contiguous, and empty where there is none.

    DLPack hands no array on that may not be written to, so that such a one is copied.
    """
    return [
        np.empty(0, dtype) if value is None else np.require(value, dtype, ["C", "W"])
        for value, dtype in _native.flat(specs, inputs)
    ]


def forward(options: Sequence[int], given: Sequence[Array], training: bool) -> list[Array]:
    """The results; after `training` with what `backward` takes."""
    x = given[0]
    shapes = _native.forward_shapes(options, [a.shape for a in given], x.itemsize, training)
    results = [np.empty(shape, x.dtype) for shape in shapes]
    if training:
        results[4::5] = [np.from_dlpack(_native.empty(x.itemsize, s)) for s in shapes[4::5]]
    _native.library().forward(options, *given, *results)
    return results


def backward(
    options: Sequence[int],
    given: Sequence[Array],
    kept: Sequence[Array],
    gradients: Sequence[Array | None],
) -> list[Array]:
    """Gradients of the inputs that have one, from those of outputs, last, h and c of each layer.

    None is a gradient of zeros.
    """
    results = [np.empty_like(a) for a in _native.gradients_of(given)]
    absent = np.empty(0, given[0].dtype)
    upstream = [absent if g is None else np.require(g, absent.dtype, ["C", "W"]) for g in gradients]
    _native.library().backward(options, *given, *kept, *upstream, *results)
    return results
