"""Operations of TensorFlow that stand as layers in the files of tf.keras 2, on `keras.ops`.

``h[:, -1]``, ``x + y`` and ``tf.concat([x, y], -1)`` are layers in such a file: `TFOpLambda`,
`SlicingOpLambda` (TensorFlow 2.4 to 2.15) or `TensorFlowOpLayer` (2.0 to 2.3). What they hold is
the name of a function and plain arguments. `translated` reads them, `Functions` has what is known
of TensorFlow under TensorFlow's names, and `run` carries one out: no name out of a file is looked
up anywhere else.

What is computed from shapes (``tf.shape(x)[0] * 2``) has to stay plain numbers, because JAX takes
nothing else as a shape. Such an operation is a part of those that use it, not a tensor.
"""

import base64
import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

import numpy as np

from elman.legacy.tables import names

Config = dict[str, Any]

CLASSES = names("TFOpLambda SlicingOpLambda TensorFlowOpLayer")

# The most numbers that the literals of one operation may ask for.
ROW = 2**28
# The most numbers that a size is computed of: a shape has a few.
SIZES = 1000

_PLAIN = (type(None), bool, int, float, str)
_ELLIPSIS = "__ellipsis__"
_DTYPES = names(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64"
)


@dataclass(frozen=True)
class Operation:
    """A function of TensorFlow's, applied to tensors and plain arguments.

    Attributes:
        function: a name in `FUNCTIONS`.
        inputs: the first argument.
        kwargs: the other arguments, by TensorFlow's names.

    In the arguments, what is neither plain data nor an operation stands for a tensor.
    """

    function: str
    inputs: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tensors(self) -> list[Any]:
        """What stands for tensors, in the order in which `run` takes the tensors themselves."""
        tensors: list[Any] = []
        self._config(tensors)
        return tensors

    def config(self) -> Config:
        """The operation as JSON, with ``{"tensor": i}`` for the tensor number i."""
        return self._config([])

    def _config(self, tensors: list[Any]) -> Config:
        def plain(leaf: Any) -> Any:
            if isinstance(leaf, Operation):
                return leaf._config(tensors)
            if type(leaf) in _PLAIN:
                return leaf
            tensors.append(leaf)
            return {"tensor": len(tensors) - 1}

        inputs, kwargs = _mapped([self.inputs, dict(self.kwargs)], plain)
        return {"function": self.function, "inputs": inputs, "kwargs": kwargs}

    @property
    def is_size(self) -> bool:
        """Whether it is computed from the shapes of tensors alone."""
        if self.function == "cast" and not str(self.kwargs.get("dtype")).startswith("int"):
            return False
        return self.function in _SHAPES or (
            self.function in _SIZES and not _has_tensor([self.inputs, dict(self.kwargs)])
        )

    def output(self, index: int) -> "Operation":
        """The operation that gives one output of this one, which `is_size`."""
        if self.function == "unstack":
            return Operation("getitem", self.inputs, {"slice_spec": index})
        if index:
            raise ValueError(f"{self.function} has one output, got the index {index}")
        return self


def translated(
    class_name: str, config: Mapping[str, Any], inputs: Any, kwargs: Mapping[str, Any] | None = None
) -> Operation | None:
    """One call of a layer that is an operation, or None where the operation is not known.

    Arguments:
        class_name: one of `CLASSES`.
        config: of the layer, as it was written.
        inputs: what the layer is called on: a list where the file has a list, otherwise one value.
        kwargs: the other arguments of the call.

    In ``inputs`` and ``kwargs`` stand plain values, for a tensor anything else, and for a tensor
    that is the output of an operation which ``is_size`` that operation's ``output(index)``.

    Raises:
        ValueError: it is malformed, or asks for more than 2**28 numbers.

    >>> x = object()
    >>> found = translated("TFOpLambda", {"function": "math.add"}, x, {"y": 1.0, "name": None})
    >>> found.tensors == [x]
    True
    >>> found.config()
    {'function': 'add', 'inputs': {'tensor': 0}, 'kwargs': {'y': 1.0}}
    """
    inputs, given = _unwrapped([inputs, dict(kwargs or {})])
    if class_name == "TensorFlowOpLayer":
        found = _of_node(config, inputs)
    else:
        name = config.get("function")
        if not isinstance(name, str):
            raise ValueError(f"an operation must have the name of a function, got {name!r}")
        found = _name(name), inputs, given
    if found is None or found[0] not in FUNCTIONS:
        return None
    function, inputs, given = found
    given = {_SYNONYMS.get(key, key): value for key, value in given.items()}
    given = {key: value for key, value in given.items() if value is not None and key not in _HINTS}
    _check_plain([inputs, *given.values()])
    if function == "reshape" and "shape" in given:
        given["shape"] = _reshaped(given["shape"])
    operation = Operation(function, inputs, given)
    if not _fits(operation) or not operation.tensors:
        return None
    check(operation.config())
    return operation


def _reshaped(shape: Any) -> Any:
    """A shape with -1 for the one axis that is computed from shapes.

    It has to be that length anyway, and Keras then knows the shape while a model is made.
    """
    packed = isinstance(shape, Operation) and shape.function == "stack"
    sizes = shape.inputs if packed else shape
    if type(sizes) is not list or -1 in sizes:
        return shape
    if sum(isinstance(size, Operation) for size in sizes) != 1:
        return shape
    return [-1 if isinstance(size, Operation) else size for size in sizes]


def _unwrapped(value: Any) -> Any:
    """Arguments with arrays, which Keras 2.13 wrapped, as lists."""
    if type(value) is dict:
        if value.get("class_name") in ("__numpy__", "__tensor__", "__tuple__"):
            inner = value.get("config", value)
            return _unwrapped(inner["value"] if "value" in inner else inner["items"])
        return {key: _unwrapped(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_unwrapped(item) for item in value]
    return {"class_name": _ELLIPSIS} if isinstance(value, EllipsisType) else value


def _check_plain(value: Any) -> None:
    """Refuse dicts that are no slices; others would read as tensors or operations."""
    if type(value) is dict and not ({*value} <= {"start", "stop", "step"} or _is_ellipsis(value)):
        raise ValueError(f"an argument must be plain numbers or a slice, got {value!r}")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_plain(item)


def _name(written: str) -> str:
    """TensorFlow's name without its modules: "math.add", "__operators__.add" and "add" are one."""
    name = written.removeprefix("compat.v1.").removeprefix("compat.v2.")
    module, _, last = name.rpartition(".")
    if written.startswith("compat.v1.") and last == "where":
        return "select"
    if module not in _MODULES and name != "keras.backend.batch_flatten":
        return name
    return _ALIASES.get(last, last)


def _fits(operation: Operation) -> bool:
    """Whether the function is called as it is known, and takes tensors only where it can."""
    first, *others = FUNCTIONS[operation.function]
    known = {parameter.name: parameter for parameter in others}
    given = operation.kwargs
    if any(p.default is p.empty and p.name not in given for p in others) or {*given} - {*known}:
        return False
    for name, value in given.items():
        allowed = _CHOICES.get((operation.function, name))
        if allowed is not None and value not in allowed:
            return False
        if name.endswith("dtype") and value not in _DTYPES:
            return False
    if operation.function == "norm" and isinstance(given.get("axis"), list):
        return given.get("ord", "euclidean") in ("euclidean", "fro")  # others are of matrices
    fixed = [value for name, value in given.items() if name in _FIXED]
    fixed += [operation.inputs] if first.name in _FIXED else []
    if operation.function == "getitem":
        return _index_fits(given.get("slice_spec"))
    return not _has_tensor(fixed)


def _index_fits(spec: Any) -> bool:
    """Whether an index is made of whole numbers and slices; a scalar tensor may be a number."""
    if not isinstance(spec, list):  # alone, a tensor is a mask or a list of indices
        return not _is_tensor(spec)
    parts = [part for part in spec if not _is_tensor(part)]
    return not _has_tensor(parts) and not any(isinstance(part, list) for part in parts)


def _is_tensor(value: Any) -> bool:
    return type(value) not in (Operation, list, dict, *_PLAIN)


def _leaves(value: Any) -> Iterator[Any]:
    """What is in a structure of lists and dicts; operations are not entered."""
    if type(value) in (list, tuple, dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _has_tensor(value: Any) -> bool:
    return any(not isinstance(v, Operation) and type(v) not in _PLAIN for v in _leaves(value))


def _mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """A structure of lists and dicts with each leaf replaced; tuples become lists."""
    if type(value) is dict:
        return {key: _mapped(item, leaf) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_mapped(item, leaf) for item in value]
    return leaf(value)


# What a file may ask for


def check(config: Any) -> None:
    """Refuse the configuration of an operation that is not in `FUNCTIONS` or asks for too much.

    Raises:
        ValueError: says what it must be.
    """
    if not isinstance(config, dict) or {*config} != {"function", "inputs", "kwargs"}:
        raise ValueError(f"an operation must have function, inputs and kwargs, got {config!r}")
    function, given = config["function"], config["kwargs"]
    if not isinstance(function, str) or function not in FUNCTIONS or not isinstance(given, dict):
        raise ValueError(f"an operation must be a function that is known, got {function!r}")
    first, *others = FUNCTIONS[function]
    if unknown := {*given} - {parameter.name for parameter in others}:
        raise ValueError(f"{function} takes no argument {min(unknown)!r}")
    given = {first.name: config["inputs"], **given}
    for value in _operations([*given.values()]):
        check(value)
    if function == "getitem":
        _check_index(given.get("slice_spec"))
    if function in _GROWS and (asked := _GROWS[function](given)) > ROW:
        raise ValueError(f"{function} may ask for at most {ROW} numbers a row, got {asked}")


def has_sizes(config: Config) -> bool:
    """Whether arguments of an operation are computed from shapes, which a batch may change."""
    return any(_operations([config["inputs"], *config["kwargs"].values()]))


def _operations(value: Any) -> Iterator[Config]:
    """The configurations of operations among arguments, not those inside of them."""
    if isinstance(value, dict) and "function" in value:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _operations(item)


def _check_index(spec: Any) -> None:
    for part in spec if isinstance(spec, list) else [spec]:
        if part is None or type(part) is int or (isinstance(part, dict) and _is_index(part)):
            continue
        raise ValueError(f"an index must be made of whole numbers and slices, got {part!r}")


def _is_index(part: Config) -> bool:
    if part.get("class_name") == _ELLIPSIS or "tensor" in part or "function" in part:
        return True
    ends = [end for end in part.values() if not isinstance(end, dict) and end is not None]
    return (
        {*part} <= {"start", "stop", "step"}
        and all(type(end) is int for end in ends)
        and part.get("step") != 0
    )


def _numbers(value: Any) -> list[float]:
    """The numbers among sizes, those that they are computed with included."""
    if isinstance(value, dict):
        if "tensor" in value:
            return []
        value = [*value.values()] if "function" not in value else [value["inputs"], value["kwargs"]]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    if isinstance(value, str) or value is None:
        return []
    return [abs(value)]


def _product(value: Any) -> float:
    return math.prod(number for number in _numbers(value) if number > 1)


def _of(*parameters: str) -> Callable[[Config], float]:
    return lambda given: _product([given.get(name) for name in parameters])


def _padded(given: Config) -> float:
    paddings = given.get("paddings")
    pairs = paddings if isinstance(paddings, list) else [paddings]
    return math.prod(1 + sum(_numbers(pair)) for pair in pairs)


def _counted(given: Config) -> float:
    """How many numbers a range has at most."""
    step = _numbers(given.get("delta", 1))
    if 0 in step:
        raise ValueError("delta of a range must not be 0")
    ends = _product(given["start"]) + _product(given.get("limit"))
    return ends / min(1, *step) if step else ends


_GROWS: dict[str, Callable[[Config], float]] = {
    "reshape": _of("shape"),
    "broadcast_to": _of("shape"),
    "tile": _of("multiples"),
    "repeat": lambda given: sum(_numbers(given.get("repeats"))),
    "pad": _padded,
    "one_hot": _of("depth"),
    "sequence_mask": _of("maxlen"),
    "fill": _of("dims"),
    "zeros": _of("shape"),
    "ones": _of("shape"),
    "eye": _of("num_rows", "num_columns"),
    "range": _counted,
}


# Carrying it out


def run(ops: Any, config: Config, tensors: list[Any]) -> Any:
    """The result of an operation: a tensor, or a list of them.

    Arguments:
        ops: the module `keras.ops`.
        config: what `Operation.config` gave; one out of a file has to pass `check` first.
        tensors: one for each of `Operation.tensors`; not symbolic ones of Keras.
    """
    return _tensor(ops, _value(ops, config, tensors))


def _tensor(ops: Any, value: Any) -> Any:
    """A size, or a list of them, as a tensor; anything else as it is."""
    if isinstance(value, list):
        return [_tensor(ops, one) for one in value]
    if type(value) in _PLAIN or not _is_number(value):
        return value
    value = _number(value) if np.ndim(value) == 0 else value
    if isinstance(value, np.ndarray) and value.dtype == object and not _is_empty(value):
        return ops.stack([ops.convert_to_tensor(one, dtype="int32") for one in value])
    return ops.convert_to_tensor(value.astype("int32") if _is_empty(value) else value)


def _is_empty(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.size


def _value(ops: Any, config: Config, tensors: list[Any]) -> Any:
    """The result; numbers in arrays of NumPy's where it is computed from shapes that are numbers.

    JAX has symbols for axes of unknown length while a model is made; they are objects to NumPy.
    """
    function = config["function"]
    kwargs = {key: _resolved(ops, value, tensors) for key, value in config["kwargs"].items()}
    inputs = _resolved(ops, config["inputs"], tensors)
    if function in _SIZES and _all_numbers([inputs, kwargs]):
        if sum(np.size(leaf) for leaf in _leaves([inputs, kwargs])) > SIZES:
            raise ValueError(f"{function} takes at most {SIZES} numbers where no tensor is")
        return Functions(_NUMPY).call(function, inputs, kwargs)
    if FUNCTIONS[function][0].name not in _FIXED:
        inputs = _tensor(ops, inputs)
    fixed = {*_FIXED, "slice_spec"}
    kwargs = {key: value if key in fixed else _tensor(ops, value) for key, value in kwargs.items()}
    return Functions(ops).call(function, inputs, kwargs)


def _resolved(ops: Any, value: Any, tensors: list[Any]) -> Any:
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "function" in value:
            return _value(ops, value, tensors)
        return {key: _resolved(ops, item, tensors) for key, item in value.items()}
    return [_resolved(ops, item, tensors) for item in value] if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    """Whether a value is no tensor of a framework."""
    return isinstance(value, np.ndarray | np.generic) or not hasattr(value, "dtype")


def _all_numbers(value: Any) -> bool:
    return all(_is_number(leaf) for leaf in _leaves(value))


class _NumPy:
    """NumPy by the names of `keras.ops`, for what is computed from sizes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def convert_to_tensor(self, x, dtype=None):
        return np.asarray(x) if dtype is None else self.cast(x, dtype)

    def cast(self, x, dtype):
        x = np.asarray(x)
        return x if x.dtype == object else x.astype(dtype)

    def unstack(self, x, num=None, axis=0):
        return list(np.moveaxis(x, axis, 0))


_NUMPY = _NumPy()


class Functions:
    """TensorFlow's functions, by their names and with their parameters, on `keras.ops`.

    A constant takes the dtype of the tensor it meets, as in TensorFlow.
    """

    def __init__(self, ops: Any):
        self.ops = ops

    def call(self, function: str, inputs: Any, kwargs: Mapping[str, Any]) -> Any:
        """The result of the function of this name."""
        if function not in FUNCTIONS:
            raise ValueError(f"an operation must be a function that is known, got {function!r}")
        if isinstance(inputs, list) and function not in _OF_LISTS and not _all_numbers(inputs):
            inputs = self.stack(inputs)
        if function in _UNARY:
            return getattr(self.ops, _UNARY[function])(inputs)
        if function in _BINARY:
            one, other = self._alike([inputs, kwargs["y"]])
            return getattr(self.ops, _BINARY[function])(one, other)
        return getattr(self, function)(inputs, **kwargs)

    def _alike(self, values: list[Any]) -> list[Any]:
        """The values as tensors, constants in the dtype of the first that is none."""
        dtypes = [value.dtype for value in values if hasattr(value, "dtype")]
        return [
            value if hasattr(value, "dtype") or not dtypes
            else self.ops.convert_to_tensor(value, dtype=dtypes[0])
            for value in values
        ]  # fmt: skip

    def _sizes(self, value: Any) -> tuple[Any, ...]:
        """A shape, or its like: whole numbers, and scalars where TensorFlow does not know them."""
        if not isinstance(value, list | tuple | np.ndarray):
            value = [value] if _is_number(value) else self.ops.unstack(value)
        return tuple(_whole(size) for size in value)

    def _axis(self, axis: Any) -> Any:
        """An axis or a tuple of them; None is all."""
        if axis is None:
            return None
        return tuple(int(one) for one in axis) if np.ndim(axis) else int(axis)

    # Values as they are

    def identity(self, input):
        return input

    def identity_n(self, input):
        return self._alike(input)

    def ensure_shape(self, x, shape=None):
        return x

    def convert_to_tensor(self, value, dtype=None, dtype_hint=None):
        return value if dtype is None else self.ops.cast(value, dtype)

    def cast(self, x, dtype):
        return self.ops.cast(x, dtype)

    # Shapes

    def shape(self, input, out_type="int32"):
        sizes = self.ops.shape(input)
        if all(type(size) is int for size in sizes):
            return np.array(sizes, "int32")
        if _all_numbers([*sizes]):
            return np.array(sizes, object)
        return self.ops.stack([self.ops.cast(size, "int32") for size in sizes])

    def size(self, input, out_type="int32"):
        sizes = self.shape(input)
        return (np if isinstance(sizes, np.ndarray) else self.ops).prod(sizes)

    def rank(self, input):
        return np.int32(len(input.shape))

    def reshape(self, tensor, shape):
        return self.ops.reshape(tensor, self._sizes(shape))

    def batch_flatten(self, x):
        rest = x.shape[1:]
        known = None not in rest
        return self.ops.reshape(x, (-1, math.prod(rest)) if known else (self.ops.shape(x)[0], -1))

    def expand_dims(self, input, axis):
        return self.ops.expand_dims(input, self._axis(axis))

    def squeeze(self, input, axis=None):
        if axis is None or axis == []:
            axis = [i for i, size in enumerate(input.shape) if type(size) is int and size == 1]
        return self.ops.squeeze(input, axis=self._axis(axis))

    def transpose(self, a, perm=None):
        return self.ops.transpose(a, None if perm is None else self._sizes(perm))

    def broadcast_to(self, input, shape):
        return self.ops.broadcast_to(input, self._sizes(shape))

    # Parts and pieces

    def getitem(self, tensor, slice_spec=None):
        parts = slice_spec if isinstance(slice_spec, list) else [slice_spec]
        index: list[Any] = []
        flipped = []
        for i, part in enumerate(parts):
            if isinstance(part, dict) and not _is_ellipsis(part):
                start, stop, step = (_whole(part.get(end)) for end in ("start", "stop", "step"))
                if step is not None and step < 0:  # no framework but NumPy and TensorFlow can
                    flipped.append(_axis_of(parts, i))
                    start, stop = (None if end is None else -1 - end for end in (start, stop))
                    step = -step
                index.append(slice(start, stop, step))
            else:
                index.append(... if isinstance(part, dict) else _whole(part))
        tensor = self.ops.flip(tensor, axis=tuple(flipped)) if flipped else tensor
        return tensor[tuple(index)]

    def strided_slice(
        self, input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0,
        new_axis_mask=0, shrink_axis_mask=0,
    ):  # fmt: skip
        begin, end = self._sizes(begin), self._sizes(end)
        steps = [1] * len(begin) if strides is None else self._sizes(strides)
        spec: list[Any] = []
        for i, step in enumerate(steps):
            if ellipsis_mask >> i & 1:
                spec.append({"class_name": _ELLIPSIS})
            elif new_axis_mask >> i & 1:
                spec.append(None)
            elif shrink_axis_mask >> i & 1:
                spec.append(begin[i])
            else:
                start = None if begin_mask >> i & 1 else begin[i]
                stop = None if end_mask >> i & 1 else end[i]
                spec.append({"start": start, "stop": stop, "step": step})
        return self.getitem(input_, spec)

    def slice(self, input_, begin, size):
        pairs = zip(self._sizes(begin), self._sizes(size), strict=True)
        whole = (isinstance(n, int) and n == -1 for n in self._sizes(size))
        ends = (None if all_ else b + n for (b, n), all_ in zip(pairs, whole, strict=True))
        spec = zip(self._sizes(begin), ends, strict=True)
        return self.getitem(input_, [{"start": start, "stop": stop} for start, stop in spec])

    def unstack(self, value, num=None, axis=0):
        return list(self.ops.unstack(value, num, axis))

    def split(self, value, num_or_size_splits, axis=0, num=None):
        axis = int(axis)
        if not isinstance(num_or_size_splits, list | np.ndarray):
            return list(self.ops.split(value, int(num_or_size_splits), axis))
        sizes = list(self._sizes(num_or_size_splits))
        if -1 in sizes:
            sizes[sizes.index(-1)] = value.shape[axis] - sum(sizes) - 1
        return list(self.ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis))

    def concat(self, values, axis):
        return self.ops.concatenate(self._alike(values), int(axis))

    def stack(self, values, axis=0):
        return self.ops.stack(self._alike(values), int(axis))

    def tile(self, input, multiples):
        return self.ops.tile(input, self._sizes(multiples))

    def repeat(self, input, repeats, axis=None):
        repeats = self._sizes(repeats)
        repeats = repeats[0] if len(repeats) == 1 else np.array(repeats)
        return self.ops.repeat(input, repeats, axis=axis)

    def pad(self, tensor, paddings, mode="CONSTANT", constant_values=0):
        pairs = tuple(self._sizes(pair) for pair in paddings)
        if mode.lower() == "constant":
            return self.ops.pad(tensor, pairs, "constant", constant_values)
        if mode.lower() == "reflect":
            return self.ops.pad(tensor, pairs, "reflect")
        for axis, (before, after) in enumerate(pairs):  # Keras 3.15 does it wrongly with torch
            first = [self._part(tensor, axis, slice(before))] if before else []
            last = [self._part(tensor, axis, slice(-after, None))] if after else []
            first, last = ([self.ops.flip(part, axis) for part in some] for some in (first, last))
            tensor = self.ops.concatenate([*first, tensor, *last], axis)
        return tensor

    def reverse(self, tensor, axis):
        return self.ops.flip(tensor, self._axis(axis))

    def reverse_sequence(self, input, seq_lengths, seq_axis, batch_axis=0):
        steps = self.ops.arange(input.shape[seq_axis], dtype="int32")
        lengths = self.ops.cast(self.ops.expand_dims(seq_lengths, -1), "int32")
        order = self.ops.where(steps < lengths, lengths - 1 - steps, steps)
        return self.gather(input, order, axis=seq_axis, batch_dims=1)

    def roll(self, input, shift, axis):
        return self.ops.roll(input, self._axis(shift), self._axis(axis))

    def gather(self, params, indices, axis=None, batch_dims=0):
        params, indices = (self.ops.convert_to_tensor(value) for value in (params, indices))
        axis = batch_dims if axis is None else int(axis)
        if batch_dims == 0:
            return self.ops.take(params, self.ops.cast(indices, "int32"), axis=axis)
        axis = axis + len(params.shape) if axis < 0 else axis
        batch_dims = batch_dims + len(indices.shape) if batch_dims < 0 else batch_dims
        return self.ops.vectorized_map(
            lambda pair: self.gather(pair[0], pair[1], axis - 1, batch_dims - 1), (params, indices)
        )

    def gather_nd(self, params, indices, batch_dims=0):
        """Rows of ``params`` by their indices, a vector for each."""
        indices = self.ops.cast(self.ops.convert_to_tensor(indices), "int32")
        shape, depth = self.ops.shape(params), indices.shape[-1]
        flat = indices[..., 0]
        for i in range(1, depth):
            flat = flat * shape[i] + indices[..., i]
        return self.ops.take(self.ops.reshape(params, (-1, *shape[depth:])), flat, axis=0)

    def embedding_lookup(self, params, ids):
        return self.gather(params, ids)

    # Values made here

    def zeros_like(self, input, dtype=None):
        return self.ops.zeros_like(input, dtype=dtype)

    def ones_like(self, input, dtype=None):
        return self.ops.ones_like(input, dtype=dtype)

    def fill(self, dims, value):
        dtype = None if hasattr(value, "dtype") else _dtype(value)
        return self.ops.broadcast_to(
            self.ops.convert_to_tensor(value, dtype=dtype), self._sizes(dims)
        )

    def zeros(self, shape, dtype="float32"):
        return self.ops.zeros(self._sizes(shape), dtype=dtype)

    def ones(self, shape, dtype="float32"):
        return self.ops.ones(self._sizes(shape), dtype=dtype)

    def eye(self, num_rows, num_columns=None, dtype="float32"):
        return self.ops.eye(_whole(num_rows), _whole(num_columns), dtype=dtype)

    def range(self, start, limit=None, delta=1, dtype=None):
        start, limit = (0, start) if limit is None else (start, limit)
        ends = [_number(end) for end in (start, limit, delta)]
        if dtype is None:
            dtype = "float32" if any(isinstance(end, float) for end in ends) else "int32"
        return self.ops.arange(*ends, dtype=dtype)

    def one_hot(self, indices, depth, on_value=None, off_value=None, axis=-1, dtype=None):
        if dtype is None:
            both = [value for value in (on_value, off_value) if value is not None]
            dtype = _dtype(both) if both else "float32"
        same = self.ops.expand_dims(indices, -1) == self.ops.arange(_number(depth))
        same = self.ops.moveaxis(same, -1, axis) if axis != -1 else same
        on, off = (1 if on_value is None else on_value), (0 if off_value is None else off_value)
        return self.ops.where(same, *(self.ops.cast(value, dtype) for value in (on, off)))

    def sequence_mask(self, lengths, maxlen, dtype="bool"):
        steps = self.ops.arange(_number(maxlen))
        return self.ops.cast(steps < self.ops.expand_dims(lengths, -1), dtype)

    # Elementwise

    def atan2(self, y, x):
        return self.ops.arctan2(*self._alike([y, x]))

    def scalar_mul(self, scalar, x):
        return self.ops.multiply(*self._alike([scalar, x]))

    def squared_difference(self, x, y):
        return self.ops.square(self.ops.subtract(*self._alike([x, y])))

    def add_n(self, inputs):
        first, *others = self._alike(inputs)
        for other in others:
            first = first + other
        return first

    def bias_add(self, value, bias, data_format=None):
        return self.ops.add(*self._alike([value, bias]))

    def clip_by_value(self, t, clip_value_min, clip_value_max):
        t, low, high = self._alike([t, clip_value_min, clip_value_max])
        return self.ops.maximum(self.ops.minimum(t, high), low)

    def where(self, condition, x, y):
        return self.ops.where(condition, *self._alike([x, y]))

    def select(self, condition, x, y):
        """As TensorFlow 1 had it: a vector of conditions chooses rows."""
        x, y = self._alike([x, y])
        missing = len(x.shape) - len(condition.shape)
        return self.ops.where(condition[(..., *[None] * missing)], x, y)

    def erfc(self, x):
        return 1 - self.ops.erf(x)

    def leaky_relu(self, features, alpha=0.2):
        return self.ops.leaky_relu(features, negative_slope=alpha)

    def gelu(self, features, approximate=False):
        return self.ops.gelu(features, approximate=approximate)

    def silu(self, features, beta=1.0):
        return features * self.ops.sigmoid(features * self._alike([beta, features])[0])

    def crelu(self, features, axis=-1):
        return self.ops.concatenate([self.ops.relu(features), self.ops.relu(-features)], axis)

    def softmax(self, logits, axis=-1):
        return self.ops.softmax(logits, axis=axis)

    def log_softmax(self, logits, axis=-1):
        return self.ops.log_softmax(logits, axis=axis)

    # Along axes

    def _reduced(self, function: str, x, axis, keepdims):
        """A reduction; of whole numbers it is a whole number, as in TensorFlow."""
        result = getattr(self.ops, function)(x, axis=self._axis(axis), keepdims=keepdims)
        return self.ops.cast(result, x.dtype)

    def reduce_sum(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("sum", input_tensor, axis, keepdims)

    def reduce_mean(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("mean", input_tensor, axis, keepdims)

    def reduce_prod(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("prod", input_tensor, axis, keepdims)

    def reduce_max(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("max", input_tensor, axis, keepdims)

    def reduce_min(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("min", input_tensor, axis, keepdims)

    def reduce_any(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("any", input_tensor, axis, keepdims)

    def reduce_all(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("all", input_tensor, axis, keepdims)

    def reduce_std(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("std", input_tensor, axis, keepdims)

    def reduce_variance(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("var", input_tensor, axis, keepdims)

    def reduce_logsumexp(self, input_tensor, axis=None, keepdims=False):
        return self._reduced("logsumexp", input_tensor, axis, keepdims)

    def reduce_euclidean_norm(self, input_tensor, axis=None, keepdims=False):
        return self.ops.sqrt(self.reduce_sum(self.ops.square(input_tensor), axis, keepdims))

    def norm(self, tensor, ord="euclidean", axis=None, keepdims=False):
        if ord == 1:
            return self.reduce_sum(self.ops.abs(tensor), axis, keepdims)
        if ord == math.inf:
            return self.reduce_max(self.ops.abs(tensor), axis, keepdims)
        return self.reduce_euclidean_norm(tensor, axis, keepdims)

    def l2_loss(self, t):
        return self.ops.sum(self.ops.square(t)) / 2

    def l2_normalize(self, x, axis=None, epsilon=1e-12):
        squares = self.reduce_sum(self.ops.square(x), axis, keepdims=True)
        return x * self.ops.rsqrt(self.ops.maximum(*self._alike([squares, epsilon])))

    def argmax(self, input, axis=0, output_type="int64"):
        return self.ops.argmax(input, axis=int(axis))

    def argmin(self, input, axis=0, output_type="int64"):
        return self.ops.argmin(input, axis=int(axis))

    def cumsum(self, x, axis=0, exclusive=False, reverse=False):
        return self._running("cumsum", self.ops.zeros_like, x, int(axis), exclusive, reverse)

    def cumprod(self, x, axis=0, exclusive=False, reverse=False):
        return self._running("cumprod", self.ops.ones_like, x, int(axis), exclusive, reverse)

    def _running(self, function, start, x, axis, exclusive, reverse):
        x = self.ops.flip(x, axis) if reverse else x
        if exclusive:  # a step sees those before it
            before = self._part(x, axis, slice(None, -1))
            x = self.ops.concatenate([start(self._part(x, axis, slice(1))), before], axis)
        result = self.ops.cast(getattr(self.ops, function)(x, axis=axis), x.dtype)
        return self.ops.flip(result, axis) if reverse else result

    def _part(self, x, axis, part):
        axis = axis + len(x.shape) if axis < 0 else axis
        return x[(slice(None),) * axis + (part,)]

    def sort(self, values, axis=-1, direction="ASCENDING"):
        ordered = self.ops.sort(values, axis=axis)
        return ordered if direction == "ASCENDING" else self.ops.flip(ordered, axis)

    def argsort(self, values, axis=-1, direction="ASCENDING"):
        values = values if direction == "ASCENDING" else -values
        return self.ops.argsort(values, axis=axis)

    def top_k(self, input, k=1, sorted=True):
        return list(self.ops.top_k(input, _number(k)))

    # Matrices

    def matmul(self, a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False):
        a, b = self._alike([a, b])
        a = self.ops.swapaxes(a, -1, -2) if transpose_a or adjoint_a else a
        b = self.ops.swapaxes(b, -1, -2) if transpose_b or adjoint_b else b
        return self.ops.matmul(a, b)

    def tensordot(self, a, b, axes):
        return self.ops.tensordot(*self._alike([a, b]), axes=axes)

    def einsum(self, inputs, equation):
        return self.ops.einsum(equation, *self._alike(inputs))

    def band_part(self, input, num_lower, num_upper):
        input = input if num_lower < 0 else self.ops.triu(input, -num_lower)
        return input if num_upper < 0 else self.ops.tril(input, num_upper)

    def diag_part(self, input):
        return self.ops.diagonal(input, axis1=-2, axis2=-1)

    def trace(self, x):
        return self.ops.trace(x, axis1=-2, axis2=-1)


def _number(value: Any) -> Any:
    """A number of NumPy's as a plain one; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def _whole(value: Any) -> Any:
    """A number as a plain whole one; anything else as it is."""
    value = _number(value)
    return int(value) if isinstance(value, int | float) else value


def _dtype(value: Any) -> str:
    """The dtype that TensorFlow gives to a constant."""
    kind = np.asarray(value).dtype.kind
    return {"b": "bool", "i": "int32"}.get(kind, "float32")


def _axis_of(parts: list[Any], i: int) -> int:
    """The axis that part number i of an index is about."""

    def axes(some: list[Any]) -> int:
        return sum(part is not None and not _is_ellipsis(part) for part in some)

    return -axes(parts[i:]) if any(map(_is_ellipsis, parts[:i])) else axes(parts[:i])


def _is_ellipsis(part: Any) -> bool:
    return isinstance(part, dict) and part.get("class_name") == _ELLIPSIS


# Names

# Where TensorFlow keeps functions that have one name throughout.
_MODULES = frozenset({"", *names("math nn linalg __operators__")})

_ALIASES = {"floor_div": "floordiv", "mod": "floormod", "divide": "truediv", "swish": "silu",
            "accumulate_n": "add_n", "rint": "round"}  # fmt: skip

# What TensorFlow 1 called arguments, and arguments that change nothing.
_SYNONYMS = {"keep_dims": "keepdims", "reduction_indices": "axis", "dim": "axis",
             "dimension": "axis", "squeeze_dims": "axis", "seq_dim": "seq_axis",
             "batch_dim": "batch_axis"}  # fmt: skip
_HINTS = frozenset(
    names(
        "name validate_indices partition_strategy conjugate a_is_sparse b_is_sparse stable "
        "bad_indices_policy"
    )
)

# Functions of one tensor, and of two, and what `keras.ops` calls them.
_UNARY = {name: name for name in names("""
    abs exp expm1 log log1p sqrt rsqrt square sign floor ceil round reciprocal negative
    sin cos tan sinh cosh tanh sigmoid log_sigmoid erf erfinv logical_not stop_gradient
    relu relu6 elu selu softplus softsign
""")} | {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "is_nan": "isnan", "is_inf": "isinf", "is_finite": "isfinite",
}  # fmt: skip
_BINARY = {name: name for name in names("""
    add subtract multiply maximum minimum equal not_equal greater greater_equal less less_equal
    logical_and logical_or logical_xor divide_no_nan
""")} | {
    "truediv": "true_divide", "floordiv": "floor_divide", "floormod": "mod", "pow": "power",
    "eq": "equal", "ne": "not_equal",
}  # fmt: skip


def _method(function: Callable) -> list[inspect.Parameter]:
    return [*inspect.signature(function).parameters.values()][1:]


_X, _Y = (inspect.Parameter(x, inspect.Parameter.POSITIONAL_OR_KEYWORD) for x in "xy")

# Each function that is known, with its parameters; there are no others.
FUNCTIONS: dict[str, list[inspect.Parameter]] = {
    **{name: [_X] for name in _UNARY},
    **{name: [_X, _Y] for name in _BINARY},
    **{
        name: _method(function)
        for name, function in vars(Functions).items()
        if name != "call" and not name.startswith("_")
    },
}

# Functions that take a list of tensors; any other takes it as one tensor.
_OF_LISTS = frozenset(names("concat stack add_n identity_n einsum fill zeros ones"))

# Parameters that are no tensors.
_FIXED = frozenset(names("""
    axis axes perm shape multiples repeats paddings depth num num_or_size_splits k dims start limit
    delta maxlen batch_dims seq_axis batch_axis shift begin end strides size keepdims num_rows
    num_columns num_lower num_upper ord alpha epsilon approximate exclusive reverse sorted equation
    transpose_a transpose_b adjoint_a adjoint_b mode direction data_format
"""))  # fmt: skip

# Arguments of which some values only are known.
_CHOICES: dict[tuple[str, str], tuple[Any, ...]] = {
    ("pad", "mode"): names("CONSTANT REFLECT SYMMETRIC constant reflect symmetric"),
    ("sort", "direction"): names("ASCENDING DESCENDING"),
    ("argsort", "direction"): names("ASCENDING DESCENDING"),
    ("bias_add", "data_format"): names("NHWC NWC N...C"),
    ("reverse_sequence", "batch_axis"): (0,),
    ("gather_nd", "batch_dims"): (0,),
    ("norm", "ord"): ("euclidean", "fro", 1, 2, math.inf),
}

# What is computed from shapes: the functions that begin it, and those that go on with it.
_SHAPES = frozenset(names("shape size rank"))
_SIZES = frozenset(names("""
    getitem strided_slice slice unstack concat stack reshape expand_dims squeeze identity cast
    convert_to_tensor add subtract multiply floordiv floormod maximum minimum negative
    equal not_equal greater greater_equal less less_equal where ones_like zeros_like
    reduce_prod reduce_sum reduce_max reduce_min gather
"""))  # fmt: skip


# Nodes of TensorFlow 2.0 to 2.3

_Node = tuple[str, str, str]  # function, parameters in the order of the inputs, attribute=parameter

_NODES: dict[str, _Node] = {
    node: (function, "x", "")
    for node, function in {
        "Abs": "abs", "Exp": "exp", "Expm1": "expm1", "Log": "log", "Log1p": "log1p",
        "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Sign": "sign", "Floor": "floor",
        "Ceil": "ceil", "Round": "round", "Rint": "round", "Reciprocal": "reciprocal",
        "Inv": "reciprocal", "Neg": "negative", "Sin": "sin", "Cos": "cos", "Tan": "tan",
        "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh",
        "Tanh": "tanh", "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh", "Erf": "erf",
        "Sigmoid": "sigmoid", "LogicalNot": "logical_not", "StopGradient": "stop_gradient",
        "Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Selu": "selu", "Softplus": "softplus",
        "Softsign": "softsign", "IsNan": "is_nan", "IsInf": "is_inf", "IsFinite": "is_finite",
        "Erfc": "erfc", "Erfinv": "erfinv",
    }.items()
} | {
    node: (function, "x y", "")
    for node, function in {
        "Add": "add", "AddV2": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "truediv",
        "FloorDiv": "floordiv", "FloorMod": "floormod", "Pow": "pow", "Maximum": "maximum",
        "Minimum": "minimum", "Equal": "equal", "NotEqual": "not_equal", "Greater": "greater",
        "GreaterEqual": "greater_equal", "Less": "less", "LessEqual": "less_equal",
        "LogicalAnd": "logical_and", "LogicalOr": "logical_or", "DivNoNan": "divide_no_nan",
        "SquaredDifference": "squared_difference",
    }.items()
} | {
    node: (f"reduce_{node.lower()}", "input_tensor axis", "keep_dims=keepdims")
    for node in names("Sum Mean Prod Max Min Any All")
}  # fmt: skip
_NODES |= {
    "Identity": ("identity", "input", ""),
    "IdentityN": ("identity_n", "*input", ""),
    "Cast": ("cast", "x", "DstT=dtype"),
    "Shape": ("shape", "input", ""),
    "Size": ("size", "input", ""),
    "Rank": ("rank", "input", ""),
    "Reshape": ("reshape", "tensor shape", ""),
    "ExpandDims": ("expand_dims", "input axis", ""),
    "Squeeze": ("squeeze", "input", "squeeze_dims=axis"),
    "Transpose": ("transpose", "a perm", ""),
    "BroadcastTo": ("broadcast_to", "input shape", ""),
    "StridedSlice": (
        "strided_slice",
        "input_ begin end strides",
        "begin_mask=begin_mask end_mask=end_mask ellipsis_mask=ellipsis_mask "
        "new_axis_mask=new_axis_mask shrink_axis_mask=shrink_axis_mask",
    ),
    "Slice": ("slice", "input_ begin size", ""),
    "Unpack": ("unstack", "value", "num=num axis=axis"),
    "Split": ("split", "axis value", "num_split=num_or_size_splits"),
    "SplitV": ("split", "value num_or_size_splits axis", ""),
    "ConcatV2": ("concat", "*values axis", ""),
    "Pack": ("stack", "*values", "axis=axis"),
    "Tile": ("tile", "input multiples", ""),
    "Pad": ("pad", "tensor paddings", ""),
    "PadV2": ("pad", "tensor paddings constant_values", ""),
    "MirrorPad": ("pad", "tensor paddings", "mode=mode"),
    "ReverseV2": ("reverse", "tensor axis", ""),
    "ReverseSequence": (
        "reverse_sequence", "input seq_lengths", "seq_dim=seq_axis batch_dim=batch_axis"
    ),
    "Roll": ("roll", "input shift axis", ""),
    "GatherV2": ("gather", "params indices axis", "batch_dims=batch_dims"),
    "GatherNd": ("gather_nd", "params indices", ""),
    "ZerosLike": ("zeros_like", "input", ""),
    "OnesLike": ("ones_like", "input", ""),
    "Fill": ("fill", "dims value", ""),
    "Range": ("range", "start limit delta", ""),
    "OneHot": ("one_hot", "indices depth on_value off_value", "axis=axis T=dtype"),
    "AddN": ("add_n", "*inputs", ""),
    "BiasAdd": ("bias_add", "value bias", "data_format=data_format"),
    "ClipByValue": ("clip_by_value", "t clip_value_min clip_value_max", ""),
    "Select": ("select", "condition x y", ""),
    "Atan2": ("atan2", "y x", ""),
    "SelectV2": ("where", "condition x y", ""),
    "LeakyRelu": ("leaky_relu", "features", "alpha=alpha"),
    "Softmax": ("softmax", "logits", ""),
    "LogSoftmax": ("log_softmax", "logits", ""),
    "EnsureShape": ("ensure_shape", "x", ""),
    "EuclideanNorm": ("reduce_euclidean_norm", "input_tensor axis", "keep_dims=keepdims"),
    "L2Loss": ("l2_loss", "t", ""),
    "ArgMax": ("argmax", "input axis", ""),
    "ArgMin": ("argmin", "input axis", ""),
    "Cumsum": ("cumsum", "x axis", "exclusive=exclusive reverse=reverse"),
    "Cumprod": ("cumprod", "x axis", "exclusive=exclusive reverse=reverse"),
    "TopKV2": ("top_k", "input k", ""),
    "MatMul": ("matmul", "a b", "transpose_a=transpose_a transpose_b=transpose_b"),
    "BatchMatMul": ("matmul", "a b", "adj_x=adjoint_a adj_y=adjoint_b"),
    "BatchMatMulV2": ("matmul", "a b", "adj_x=adjoint_a adj_y=adjoint_b"),
    "Einsum": ("einsum", "*inputs", "equation=equation"),
    "MatrixBandPart": ("band_part", "input num_lower num_upper", ""),
}  # fmt: skip

_NODE_DTYPES = {
    "DT_HALF": "float16", "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_BOOL": "bool"
}  # fmt: skip


def _of_node(config: Mapping[str, Any], inputs: Any) -> tuple[str, Any, Config] | None:
    """Function, first argument and other arguments out of a node of a graph."""
    node = config.get("node_def")
    try:
        node = json.loads(node) if isinstance(node, str) else node
    except ValueError:  # TensorFlow 2.0 wrote its own binary form
        return None
    if not isinstance(node, Mapping) or not isinstance(node.get("op"), str):
        raise ValueError(f"an operation must have a node with an op, got {node!r}")
    if node["op"] not in _NODES:
        return None
    function, parameters, attributes = _NODES[node["op"]]
    given = _by_name(node["op"], names(parameters), _with_constants(config, inputs))
    written = node.get("attr") or {}
    for pair in names(attributes):
        attribute, _, parameter = pair.partition("=")
        if attribute in written:
            given[parameter] = _attribute(written[attribute])
    return function, given.pop(FUNCTIONS[function][0].name), given


def _with_constants(config: Mapping[str, Any], inputs: Any) -> list[Any]:
    """All inputs of a node: its constants stand by their places among the tensors."""
    every = [*inputs] if isinstance(inputs, list) else [inputs]
    constants = _unwrapped(config.get("constants") or {})
    if not isinstance(constants, Mapping):
        raise ValueError(f"the constants of an operation must be a dict, got {constants!r}")
    for place in sorted(constants, key=int):
        every.insert(int(place), constants[place])
    return every


def _by_name(op: str, parameters: tuple[str, ...], inputs: list[Any]) -> Config:
    """The inputs by their names; ``*name`` takes those that the others leave."""
    if parameters[0].startswith("*"):
        behind = len(parameters) - 1
        inputs = [inputs[: len(inputs) - behind], *inputs[len(inputs) - behind :]]
    if len(inputs) != len(parameters):
        raise ValueError(f"{op} must have {len(parameters)} inputs, got {len(inputs)}")
    return {name.lstrip("*"): value for name, value in zip(parameters, inputs, strict=True)}


def _attribute(written: Any) -> Any:
    """The value of an attribute, which stands under the name of its kind."""
    if not isinstance(written, Mapping) or len(written) != 1:
        raise ValueError(f"an attribute of an operation must be one value, got {written!r}")
    [(kind, value)] = written.items()
    if kind == "i":
        return int(value)
    if kind == "s":
        return base64.b64decode(value).decode()
    if kind == "type":
        return _NODE_DTYPES.get(value, str(value).removeprefix("DT_").lower())
    if kind == "list":
        return [int(item) for item in value.get("i", [])]
    return value
