"""Weights of old files in the order, the shapes and the meaning that today's layers give them.

A layer is told by its class and its configuration, both of today; what was written differently is
told by the arrays themselves, so that the same functions serve a whole model and weights alone.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.legacy.hdf5 import Weight
from elman.legacy.specs import Config, Kind, LayerSpec
from elman.legacy.tables import names
from elman.legacy.tables import today as today_class

Array = np.ndarray
Path = tuple[str, ...]
Shapes = Sequence[tuple[int, ...]]


class Origin(NamedTuple):
    """Who wrote a file: the version of Keras as numbers, and its backend."""

    version: tuple[int, ...] = (2, 2)
    backend: str = "tensorflow"


_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_CONVOLUTIONS = frozenset(
    names("Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose")
)
_WITH_BIAS = _CONVOLUTIONS | frozenset(
    names("Dense DepthwiseConv1D DepthwiseConv2D LocallyConnected1D LocallyConnected2D")
)
_RECURRENT = frozenset(
    names("SimpleRNN LSTM GRU SimpleRNNCell LSTMCell GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D")
)
# Of Keras 1, where each gate had arrays of its own: kernel, recurrent kernel and bias in turn.
_PER_GATE = {"LSTM": 12, "GRU": 9, "ConvLSTM2D": 12}
# In Keras 1 the gates of an LSTM stood in the order i c f o; of a GRU z r h, as today.
_ORDER = {12: (0, 2, 1, 3), 9: (0, 1, 2)}


def convert(
    layer: LayerSpec,
    arrays: Sequence[Array],
    origin: Origin,
    shapes: Shapes = (),
    lengths: Sequence[int] = (),
) -> list[Array]:
    """The weights of one layer, as today's layer takes them in `set_weights`.

    Arguments:
        layer: of which class and configuration it is.
        arrays: what the file holds for it, in the file's order.
        origin: who wrote the file.
        shapes: those of today's weights, where they are known; only locally connected layers
            need them.
        lengths: of the axes of its input that a locally connected layer's windows move along.

    Raises:
        ValueError: the arrays are none that such a layer ever had.

    >>> gru = LayerSpec(Kind.LAYER, "GRU", "gru", {"units": 1})
    >>> [a.shape for a in convert(gru, [np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1)] * 3,
    ...                           Origin((1, 2)))]
    [(1, 3), (1, 3), (3,)]
    """
    name, config = layer.class_name, layer.config
    arrays = list(arrays)
    if name == "Bidirectional":
        return _pair(config, arrays, origin, shapes)
    if name in ("TimeDistributed", "RNN"):
        inner = config["layer" if name == "TimeDistributed" else "cell"]
        return convert(inner, arrays, origin, shapes, lengths)
    if name == "StackedRNNCells":
        return _each_cell(config["cells"], arrays, origin)
    if name == "SpectralNormalization":  # which has the kernel and its own vector first
        inner = convert(config["layer"], arrays[:-1], origin, shapes, lengths)
        return [*inner[:1], arrays[-1], *inner[1:]]
    if name in _PER_GATE and len(arrays) == _PER_GATE[name]:
        arrays = _joined(arrays, config, name)
    elif name in ("LSTM", "GRU") and len(arrays) == 3:
        arrays = _from_cudnn(name, config, arrays)
    if origin.version < (2,):
        arrays = _of_keras1(name, config, arrays)
    if origin.backend == "theano":
        arrays = _flipped(name, arrays)
    if name.startswith("LocallyConnected"):
        arrays = _locally_connected(config, arrays, shapes, lengths)
    return _rescaled(name, arrays) if layer.rescaled else arrays


# relu6(1.2 x + 3) / 6 = clip(0.2 x + 0.5, 0, 1): Keras 3's hard_sigmoid and the old one.
_FACTOR = 1.2


def _rescaled(name: str, arrays: list[Array]) -> list[Array]:
    """The weights before an old hard_sigmoid, for Keras 3's; see `configs.rescale`."""
    if not name.startswith(("LSTM", "GRU", "ConvLSTM")):
        return [(a * _FACTOR).astype(a.dtype) for a in arrays]
    factors = (
        (_FACTOR, _FACTOR, 1.0) if name.startswith("GRU") else (_FACTOR, _FACTOR, 1.0, _FACTOR)
    )
    return [(a * np.repeat(factors, a.shape[-1] // len(factors))).astype(a.dtype) for a in arrays]


def _pair(config: Config, arrays: list[Array], origin: Origin, shapes: Shapes) -> list[Array]:
    forward = config["layer"]
    half = sum(counts(forward, origin, len(arrays) // 2))
    if not config.get("backward_layer"):
        half = len(arrays) // 2
    backward = config.get("backward_layer") or forward
    return convert(forward, arrays[:half], origin) + convert(backward, arrays[half:], origin)


def _each_cell(cells: Sequence[LayerSpec], arrays: list[Array], origin: Origin) -> list[Array]:
    found: list[Array] = []
    for cell in cells:
        number = sum(counts(cell, origin))
        found += convert(cell, arrays[:number], origin)
        arrays = arrays[number:]
    return found + arrays


def _joined(arrays: list[Array], config: Config, name: str) -> list[Array]:
    """One kernel, recurrent kernel and bias of the arrays that Keras 1 had for each gate."""
    order = _ORDER[len(arrays)]
    if name == "ConvLSTM2D" and config.get("data_format") == "channels_first":
        arrays = [a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for a in arrays]
    return [np.concatenate([arrays[3 * g + k] for g in order], axis=-1) for k in range(3)]


def _from_cudnn(name: str, config: Config, arrays: list[Array]) -> list[Array]:
    """The arrays of CuDNNLSTM and CuDNNGRU, whose bias is twice as long, as LSTM's and GRU's.

    There each gate's kernels are stored transposed: the input's as (H, I) written where (I, H)
    would be, the recurrent one as its transpose.
    """
    kernel, recurrent, bias = arrays
    units = recurrent.shape[0]
    gates = _GATES[name]
    if bias.ndim != 1 or bias.shape[0] != 2 * gates * units:
        return arrays
    kernels = [
        k.reshape(units, -1).T for k in map(np.ascontiguousarray, np.split(kernel, gates, 1))
    ]
    recurrents = [k.T for k in np.split(recurrent, gates, 1)]
    both = bias.reshape(2, -1)
    if name == "GRU" and config.get("reset_after", True) is False:
        raise ValueError("weights of CuDNNGRU must go to a GRU with reset_after=True, got False")
    return [np.concatenate(kernels, 1), np.concatenate(recurrents, 1),
            both if name == "GRU" else both.sum(0)]  # fmt: skip


def _of_keras1(name: str, config: Config, arrays: list[Array]) -> list[Array]:
    """Kernels of convolutions as Keras 1 had them: with channels first (out, in, ...)."""
    if not arrays:
        return arrays
    first, kernel = config.get("data_format") == "channels_first", arrays[0]
    if name == "Conv1D" and kernel.ndim == 4:
        filters = config.get("filters")
        size = np.ravel(config["kernel_size"] if "kernel_size" in config else kernel.shape[0])[0]
        if kernel.shape[:2] != (size, 1) or kernel.shape[3] != filters:
            kernel = kernel.transpose(2, 3, 1, 0)  # Keras 1.0: (out, in, length, 1)
        return [kernel[:, 0], *arrays[1:]]
    if name in ("Conv2D", "SeparableConv2D") and first:
        return [a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for a in arrays]
    if name == "Conv3D" and first:
        return [kernel.transpose(2, 3, 4, 1, 0), *arrays[1:]]
    if name == "Conv2DTranspose":
        axes = (2, 3, 0, 1) if first else (0, 1, 3, 2)
        return [kernel.transpose(axes), *arrays[1:]]
    return arrays


def _flipped(name: str, arrays: list[Array]) -> list[Array]:
    """Kernels turned around: Theano convolved, where the others correlate."""
    number = 2 if name.startswith("ConvLSTM") else int(name in _CONVOLUTIONS)
    return [np.flip(a, tuple(range(a.ndim - 2))) if i < number else a for i, a in enumerate(arrays)]


def _locally_connected(
    config: Config, arrays: list[Array], shapes: Shapes, lengths: Sequence[int]
) -> list[Array]:
    """One kernel for each window of what Keras 2 also stored for all inputs and outputs at once."""
    if not arrays or not shapes:
        return arrays
    kernel, rank, filters = arrays[0], len(lengths), config["filters"]
    first = config.get("data_format") == "channels_first"
    size = tuple(int(n) for n in np.broadcast_to(config["kernel_size"], rank))
    windows = list(_windows(config, lengths))
    channels = shapes[0][1] // math.prod(size)
    found = np.zeros((len(windows), *size, channels, filters), kernel.dtype)
    if kernel.ndim == 1:  # implementation=3: the used ones, outputs in order, inputs in order
        _spread(kernel, found, windows, first)
    elif kernel.ndim == 2 * rank + 2:  # implementation=2: every input to every output
        if first:  # (channels, *places, filters, *windows)
            kernel = np.moveaxis(np.moveaxis(kernel, rank + 1, -1), 0, rank)
        for n, (window, at, places) in enumerate(windows):
            found[(n, *at)] = kernel[(*places, slice(None), *window)]
    else:
        return [a.reshape(s) for a, s in zip(arrays, shapes, strict=True)]
    found = np.moveaxis(found, -2, 1) if first else found
    return [a.reshape(s) for a, s in zip([found, *arrays[1:]], shapes, strict=True)]


def _spread(kernel: Array, found: Array, windows: list[Any], first: bool) -> None:
    """Put the numbers of a kernel in their places in the windows, (windows, *size, I, O)."""
    channels, filters = found.shape[-2:]
    at_once = range(filters) if first else [slice(None)]
    start = 0
    for these in at_once:
        for n, (_, at, _) in enumerate(windows):
            block = found[(n, *at)][..., these]  # a view
            shape = (channels, *block.shape[:-1]) if first else (filters, *block.shape[:-1])
            numbers = kernel[start : start + block.size].reshape(shape)
            block[...] = np.moveaxis(numbers, 0, -1)
            start += block.size


def _windows(config: Config, lengths: Sequence[int]) -> Iterator[tuple[Any, Any, Any]]:
    """Each window: its index, the places in it that lie on the input, those places of the input.

    With padding "same" the middle of window w lies on place w * stride.
    """
    same = config.get("padding") == "same"
    sizes, strides = (np.broadcast_to(config[k], len(lengths)) for k in ("kernel_size", "strides"))
    axes = [
        [
            (max(0, -start), min(k, length - start), start)
            for start in range(-(k // 2) if same else 0, length - (k // 2 if same else k - 1), s)
        ]
        for length, k, s in zip(lengths, sizes.tolist(), strides.tolist(), strict=True)
    ]
    for window in np.ndindex(*map(len, axes)):
        found = [axis[w] for axis, w in zip(axes, window, strict=True)]
        at = tuple(slice(low, high) for low, high, _ in found)
        yield window, at, tuple(slice(start + low, start + high) for low, high, start in found)


# How many arrays a layer has in a file


def counts(layer: LayerSpec, origin: Origin, given: int | None = None) -> tuple[int, int]:
    """How many arrays a layer has: those that are trained, and those that are not.

    Arguments:
        given: how many there are, where that is known; tells Keras 1's gates apart.

    >>> counts(LayerSpec(Kind.LAYER, "BatchNormalization", "bn", {"scale": False}), Origin())
    (1, 2)
    """
    trained, fixed = _counts(layer, origin, given)
    activations = (layer.config.get(key) for key in ("activation", "recurrent_activation"))
    trained += sum(counts(one, origin)[0] for one in activations if isinstance(one, LayerSpec))
    return (trained, fixed) if layer.trainable else (0, trained + fixed)


def _counts(layer: LayerSpec, origin: Origin, given: int | None) -> tuple[int, int]:
    name, config = today_class(layer.class_name), layer.config
    bias = int(config.get("use_bias", True))
    if layer.model is not None:
        inner = [counts(x, origin) for x in layer.model.layers]
        return sum(t for t, _ in inner), sum(f for _, f in inner)
    if name == "Bidirectional":
        one = counts(config["layer"], origin, given and given // 2)
        other = config.get("backward_layer")
        two = counts(other, origin) if other else one
        return one[0] + two[0], one[1] + two[1]
    if name in ("TimeDistributed", "RNN"):
        return counts(config["layer" if name == "TimeDistributed" else "cell"], origin, given)
    if name == "SpectralNormalization":
        trained, fixed = counts(config["layer"], origin, given and given - 1)
        return trained, fixed + 1
    if name == "StackedRNNCells":
        return sum(counts(cell, origin)[0] for cell in config["cells"]), 0
    if name in _PER_GATE and given == _PER_GATE[name] and origin.version < (2,):
        return given, 0
    if name in _WITH_BIAS:
        return 1 + bias, 0
    if name in _RECURRENT or name.startswith("SeparableConv"):
        return 2 + bias, 0
    return _other_counts(name, config, bias)


def _other_counts(name: str, config: Config, bias: int) -> tuple[int, int]:
    normal = int(config.get("center", True)) + int(config.get("scale", True))
    if name == "BatchNormalization":
        return normal, 2
    if name in ("LayerNormalization", "GroupNormalization"):
        return normal, 0
    if name == "Normalization":
        return 0, 3
    if name == "MultiHeadAttention":
        return 4 * (1 + bias), 0
    if name == "EinsumDense":
        return 1 + int(config.get("bias_axes") is not None), 0
    if name == "Attention":
        return int(config.get("use_scale", False)) + int(config.get("score_mode") == "concat"), 0
    if name == "AdditiveAttention":
        return int(config.get("use_scale", True)), 0
    return int(name in ("Embedding", "PReLU")), 0


# Which arrays are which layer's


def places(
    layer: LayerSpec,
    weights: Sequence[Weight],
    origin: Origin,
    unknown: Callable[[Path, LayerSpec], tuple[int, int]] | None = None,
) -> dict[Path, list[Weight]]:
    """The weights of one layer of the file, by the layers that are inside it.

    A model inside a model has in the file first all weights that are trained, layer by layer, then
    all others. A path holds the names of the layers from the outside in; that of a plain layer is
    its name alone.

    Arguments:
        layer: in today's form (see `elman.legacy.specs`).
        weights: of the file, in its order.
        unknown: says how many arrays a layer of an unknown class has.

    Raises:
        ValueError: there are more or fewer weights than the model inside has places.
    """
    weights = [w for w in weights if not w.name.rpartition("/")[2].startswith("StateVar")]
    for per_gate in (True, False) if origin.version < (2,) else (False,):
        trained, fixed = _sections(layer, (layer.name,), origin, per_gate, unknown)
        if len(trained) + len(fixed) == len(weights) or _model(layer) is None:
            break
    if _model(layer) is None:
        return {(layer.name,): weights}
    if len(trained) + len(fixed) != len(weights):
        raise ValueError(
            f"layer '{layer.name}' must have {len(trained) + len(fixed)} arrays for the layers "
            f"inside it, got {len(weights)}"
        )
    found: dict[Path, list[Weight]] = {}
    for path, weight in zip(trained + fixed, weights, strict=True):
        found.setdefault(path, []).append(weight)
    return found


def _model(layer: LayerSpec) -> LayerSpec | None:
    """The model that a layer is, or wraps."""
    if layer.model is not None:
        return layer
    inner = layer.config.get("layer") if layer.class_name == "TimeDistributed" else None
    return _model(inner) if isinstance(inner, LayerSpec) else None


def _sections(
    layer: LayerSpec, path: Path, origin: Origin, per_gate: bool, unknown: Any
) -> tuple[list[Path], list[Path]]:
    """A path for each array of a layer: of those that are trained, of those that are not."""
    held = _model(layer)
    if held is None or held.model is None:
        given = _PER_GATE.get(_recurrent_inside(layer)) if per_gate else None
        if given and layer.class_name == "Bidirectional":
            given *= 2
        known = unknown(path, layer) if unknown and layer.kind is Kind.CUSTOM else None
        trained, fixed = known or counts(layer, origin, given)
        return [path] * trained, [path] * fixed
    parts = [
        _sections(inner, (*path, inner.name), origin, per_gate, unknown)
        for inner in held.model.layers
    ]
    trained_paths = [p for part, _ in parts for p in part]
    fixed_paths = [p for _, part in parts for p in part]
    if not (layer.trainable and held.model.trainable):
        return [], trained_paths + fixed_paths
    return trained_paths, fixed_paths


def _recurrent_inside(layer: LayerSpec) -> str:
    while layer.class_name in ("Bidirectional", "TimeDistributed"):
        layer = layer.config["layer"]
    return layer.class_name
