"""The functions of arrays that old programs took from TensorFlow, on `keras.ops`.

What is computed from plain numbers comes back as a `Tensor`, a NumPy array with the methods that
programs call; what is computed from a backend's tensors, in a layer or a loss, stays one.
"""

import functools
import inspect
import math

import keras
import numpy as np
from keras import ops, random, tree

from elman.legacy.tables import names


class Tensor(np.ndarray):
    """A NumPy array with the methods of an eager tensor of TensorFlow."""

    def numpy(self):
        return np.asarray(self)[()]

    eval = numpy

    def get_shape(self):
        return self.shape

    def set_shape(self, shape):
        pass

    def assign(self, value):
        self[...] = value
        return self

    def assign_add(self, value):
        self[...] += value
        return self


class DType(str):
    """The name of a dtype, which Keras and NumPy take as it is."""

    @property
    def name(self):
        return str(self)

    @property
    def as_numpy_dtype(self):
        return np.dtype(str(self)).type


class RaggedTensor:
    """``tf.RaggedTensor``: rows of different lengths, as padded rows and their lengths.

    Arguments:
        padded: array [B, T, ...].
        lengths: how much of each row counts, [B].
    """

    def __init__(self, padded, lengths):
        self._padded, self._lengths = padded, lengths

    @classmethod
    def from_tensor(cls, tensor, lengths):
        return cls(tensor, lengths)

    @classmethod
    def constant(cls, rows, dtype=None, ragged_rank=1, **_):
        if ragged_rank not in (None, 1):
            raise ValueError(f"ragged_rank must be 1, got {ragged_rank}; pad the inner axes")
        rows = [_constant(row, dtype) for row in rows]
        return cls(padded(rows), np.array([len(row) for row in rows], "int32"))

    @property
    def shape(self):
        return (self._padded.shape[0], None, *self._padded.shape[2:])

    def row_lengths(self):
        return self._lengths

    def to_tensor(self, *_, **__):
        return self._padded

    def to_list(self):
        return [np.asarray(row).tolist() for row in self]

    def __iter__(self):
        return (self._padded[i, : self._lengths[i]] for i in range(len(self._lengths)))

    def __array__(self, dtype=None, copy=None):
        return np.asarray(ops.convert_to_numpy(self._padded), dtype)


def eager(value):
    """``value`` as a `Tensor`; text stays NumPy's."""
    return np.asarray(value).view(Tensor)


def _is_symbolic(values) -> bool:
    return any(
        isinstance(v, (keras.KerasTensor, keras.Variable)) or ops.is_tensor(v)
        for v in tree.flatten(values)
    )


def function(f, **renamed):
    """``f`` as TensorFlow has it: with ``name=``, other names of arguments, eager results.

    Arguments:
        f: function of `keras.ops`, or one written here.
        renamed: TensorFlow's names of arguments, and those of ``f``.
    """

    @functools.wraps(f)
    def call(*args, **kwargs):
        kwargs.pop("name", None)
        kwargs = {renamed.get(k, k): v for k, v in kwargs.items()}
        result = f(*args, **kwargs)
        if _is_symbolic((args, kwargs)):
            return result
        return tree.map_structure(lambda r: eager(ops.convert_to_numpy(r)), result)

    return call


def _constant(value, dtype=None, shape=None):
    array = np.asarray(value)
    if dtype is None and not hasattr(value, "dtype"):
        small = {"float64": "float32", "int64": "int32"}
        dtype = small.get(str(array.dtype))
    array = array.astype(dtype) if dtype else array
    return eager(array if shape is None else np.broadcast_to(array, shape))


def constant(value, dtype=None, shape=None, name=None):
    if _is_symbolic(value):
        return ops.cast(value, dtype) if dtype else ops.convert_to_tensor(value)
    return _constant(value, dtype, shape)


def convert_to_tensor(value, dtype=None, name=None, **_):
    return constant(value, dtype)


def variable(initial_value, trainable=True, name=None, dtype=None, **_):
    value = initial_value() if callable(initial_value) else initial_value
    return keras.Variable(_constant(value, dtype), trainable=trainable, name=name)


def _reduced(f):
    return function(f, reduction_indices="axis", keep_dims="keepdims", input_tensor="x")


def _split(value, num_or_size_splits, axis=0):
    if not isinstance(num_or_size_splits, int):
        num_or_size_splits = list(np.cumsum(num_or_size_splits)[:-1])
    return ops.split(value, num_or_size_splits, axis)


def _pad(tensor, paddings, mode="CONSTANT", constant_values=0):
    paddings = np.asarray(paddings).tolist()
    if mode.upper() == "CONSTANT":
        return ops.pad(tensor, paddings, constant_values=constant_values)
    return ops.pad(tensor, paddings, mode.lower())


def _where(condition, x=None, y=None):
    if x is None:
        return np.argwhere(ops.convert_to_numpy(condition))
    return ops.where(condition, x, y)


def _sequence_mask(lengths, maxlen=None, dtype="bool"):
    maxlen = int(np.max(lengths)) if maxlen is None else maxlen
    return ops.cast(ops.arange(maxlen) < ops.expand_dims(lengths, -1), dtype)


def _range(start, limit=None, delta=1, dtype=None):
    places = (start,) if limit is None else (start, limit, delta)
    return np.arange(*places, dtype=dtype)


def _gather(params, indices, axis=0, **_):
    return ops.take(params, indices, axis)


def _matmul(a, b, transpose_a=False, transpose_b=False):
    turned = [ops.swapaxes(x, -1, -2) if t else x for x, t in ((a, transpose_a), (b, transpose_b))]
    return ops.matmul(*turned)


def _moments(x, axes, keepdims=False):
    return ops.moments(x, axes, keepdims)


def _seeded(draw):
    def call(shape, *args, seed=None, **kwargs):
        seed = np.random.randint(2**31 - 1) if seed is None else seed
        shape = tuple(int(n) for n in np.asarray(shape).reshape(-1))
        return draw(shape, *args, seed=seed, **kwargs)

    return function(call)


def _categorical(logits, num_samples, dtype=None, seed=None):
    seed = np.random.randint(2**31 - 1) if seed is None else seed
    return random.categorical(logits, num_samples, seed=seed)


def _shuffled(value, seed=None):
    return np.random.default_rng(seed or np.random.randint(2**31)).permutation(value)


def _softmax_loss(labels, logits, axis=-1):
    return -ops.sum(labels * ops.log_softmax(logits, axis), axis)


def _sparse_softmax_loss(labels, logits):
    labels = ops.one_hot(labels, logits.shape[-1])
    return _softmax_loss(labels, logits)


def _sigmoid_loss(labels, logits):
    return ops.maximum(logits, 0) - logits * labels + ops.log1p(ops.exp(-ops.abs(logits)))


def _dropout(x, keep_prob=None, rate=None, seed=None, **_):
    rate = 1 - keep_prob if rate is None else rate
    return random.dropout(x, rate, seed=np.random.randint(2**31 - 1) if seed is None else seed)


def _l2_normalize(x, axis=None, epsilon=1e-12):
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), epsilon))


def padded(rows):
    """Rows of different lengths as one array, zeros where they end."""
    shape = np.max([row.shape for row in rows], axis=0)
    filled = np.zeros((len(rows), *shape), rows[0].dtype)
    for target, row in zip(filled, rows, strict=True):
        target[tuple(slice(n) for n in row.shape)] = row
    return eager(filled)


_SAME = names("""
    abs add ceil concatenate cos cosh cumprod cumsum equal exp expand_dims eye floor greater
    greater_equal less less_equal linspace log log1p logical_and logical_not logical_or
    logical_xor maximum meshgrid minimum mod multiply negative not_equal ones ones_like
    reciprocal repeat reshape roll round rsqrt sigmoid sign sin sinh sort sqrt square
    squeeze stack subtract tan tanh tile unstack zeros zeros_like divide einsum tensordot
    argsort stop_gradient top_k isnan isfinite isinf erf expm1 scatter_update
""")
_NN = names("""
    relu relu6 elu selu gelu softmax softplus softsign leaky_relu log_softmax sigmoid tanh
    silu swish log_sigmoid
""")
_NAMED_ARGUMENTS = {"input": "x", "tensor": "x", "values": "xs", "multiples": "repeats"}


def _first_arguments(f) -> dict:
    """TensorFlow's names of the first argument, whatever it is called in ``f``."""
    first = next(iter(inspect.signature(f).parameters))
    return dict.fromkeys(("input", "tensor", "x", "value", "values", "input_tensor"), first)


ARRAYS = {
    name: function(getattr(ops, name), **_first_arguments(getattr(ops, name))) for name in _SAME
}
ARRAYS |= {f"nn.{name}": function(getattr(ops, name), features="x", logits="x") for name in _NN}
ARRAYS |= {
    "RaggedTensor": RaggedTensor,
    "ragged.constant": RaggedTensor.constant,
    "Variable": variable,
    "constant": constant,
    "convert_to_tensor": convert_to_tensor,
    "identity": function(ops.copy, input="x"),
    "cast": function(ops.cast),
    "concat": function(ops.concatenate, values="xs"),
    "split": function(_split),
    "pad": function(_pad),
    "where": function(_where),
    "range": function(_range),
    "fill": function(lambda dims, value: ops.full(tuple(np.asarray(dims)), value)),
    "gather": function(_gather),
    "boolean_mask": function(lambda tensor, mask: np.asarray(tensor)[np.asarray(mask)]),
    "matmul": function(_matmul),
    "transpose": function(ops.transpose, a="x", perm="axes"),
    "reverse": function(lambda tensor, axis: ops.flip(tensor, axis)),
    "pow": function(ops.power),
    "truediv": function(ops.divide),
    "norm": function(ops.norm, tensor="x"),
    "clip_by_value": function(lambda t, low, high: ops.clip(t, low, high)),
    "one_hot": function(lambda indices, depth, **_: ops.one_hot(indices, int(depth))),
    "argmax": function(lambda input, axis=0, **_: ops.argmax(input, axis)),
    "argmin": function(lambda input, axis=0, **_: ops.argmin(input, axis)),
    "shape": function(lambda input, **_: np.asarray(ops.shape(input), "int32"), x="input"),
    "size": function(lambda input: ops.size(input)),
    "rank": function(lambda input: len(np.shape(input))),
    "sequence_mask": function(_sequence_mask),
    "is_tensor": lambda x: isinstance(x, Tensor) or ops.is_tensor(x),
    "reduce_sum": _reduced(ops.sum),
    "reduce_mean": _reduced(ops.mean),
    "reduce_max": _reduced(ops.max),
    "reduce_min": _reduced(ops.min),
    "reduce_prod": _reduced(ops.prod),
    "reduce_any": _reduced(ops.any),
    "reduce_all": _reduced(ops.all),
    "reduce_logsumexp": _reduced(ops.logsumexp),
    "math.reduce_std": _reduced(ops.std),
    "math.reduce_variance": _reduced(ops.var),
    "math.divide_no_nan": function(ops.divide_no_nan),
    "nn.moments": function(_moments),
    "nn.l2_normalize": function(_l2_normalize),
    "nn.dropout": function(_dropout),
    "nn.embedding_lookup": function(_gather, ids="indices"),
    "nn.softmax_cross_entropy_with_logits": function(_softmax_loss),
    "nn.softmax_cross_entropy_with_logits_v2": function(_softmax_loss),
    "nn.sparse_softmax_cross_entropy_with_logits": function(_sparse_softmax_loss),
    "nn.sigmoid_cross_entropy_with_logits": function(_sigmoid_loss),
    "random.normal": _seeded(random.normal),
    "random.uniform": _seeded(random.uniform),
    "random.truncated_normal": _seeded(random.truncated_normal),
    "random.shuffle": function(_shuffled),
    "random.categorical": function(_categorical),
}
# TensorFlow 1 had these at the top.
ARRAYS |= {
    f"random_{name}": ARRAYS[f"random.{name}"] for name in ("normal", "uniform", "shuffle")
} | {"truncated_normal": ARRAYS["random.truncated_normal"]}

DTYPES = {
    name: DType(name)
    for name in (
        "float16", "float32", "float64", "bfloat16", "bool", "int8", "int16", "int32", "int64",
        "uint8", "uint16", "uint32", "uint64", "string", "complex64",
    )
}  # fmt: skip
PI = math.pi
