"""Operations of TensorFlow out of old files: read from their JSON, carried out, equal to NumPy."""

import base64
import json
from typing import NamedTuple

import keras
import numpy as np
import pytest

from elman.legacy import operations
from elman.legacy.operations import check, run, translated


class Ref(NamedTuple):
    """Stands for an output of a layer, as the loader's does: a tuple, but no list."""

    name: str
    node: int = 0


x, y, i, m = (Ref(name) for name in "xyim")
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(2, 2, 4, 3)).astype("float32")
I = np.array([[3, 0], [1, 2]], "int32")  # noqa: E741
ARRAYS = {"x": X, "y": Y, "i": I, "m": X > 0, "one": X[:1, :1, :],
          "h": X.astype("float16"), "rows": np.array([True, False])}  # fmt: skip
ALL = {"start": None, "stop": None, "step": None}
ELLIPSIS = {"class_name": "__ellipsis__"}


def result(found):
    """What an operation gives, from its configuration as a file keeps it."""
    config = json.loads(json.dumps(found.config()))
    check(config)
    tensors = [keras.ops.convert_to_tensor(ARRAYS[ref.name]) for ref in found.tensors]
    results = run(keras.ops, config, tensors)
    if isinstance(results, list):
        return [keras.ops.convert_to_numpy(one) for one in results]
    return keras.ops.convert_to_numpy(results)


def call(function, inputs, **kwargs):
    return translated("TFOpLambda", {"function": function}, inputs, kwargs)


def item(size, index):
    config = {"function": "__operators__.getitem"}
    return translated("SlicingOpLambda", config, size, {"slice_spec": index})


def shape_of(ref):
    return call("compat.v1.shape", ref, out_type="int32", name=None)


def close(found, expected):
    got = result(found)
    assert isinstance(got, list) == isinstance(expected, list)
    pairs = zip(got, expected, strict=True) if isinstance(got, list) else [(got, expected)]
    for one, right in pairs:
        assert one.shape == np.shape(right)
        assert one.dtype.kind == np.asarray(right).dtype.kind
        # float32, a few roundings.
        np.testing.assert_allclose(one, right, rtol=2e-6, atol=2e-6)


def softmax(a, axis=-1):
    e = np.exp(a - a.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def span(start=None, stop=None, step=None):
    return {"start": start, "stop": stop, "step": step}


SLICES = {
    "last step": ([ALL, -1, ALL], X[:, -1, :]),
    "ellipsis": ([ELLIPSIS, 0], X[..., 0]),
    "ellipsis in the middle": ([ALL, ELLIPSIS, span(0, 2)], X[:, ..., 0:2]),
    "ellipsis alone": (ELLIPSIS, X),
    "one number": (1, X[1]),
    "one slice": (span(stop=1), X[:1]),
    "new axis": ([ALL, None, span(1, 3)], X[:, None, 1:3]),
    "nothing": (None, X[None]),
    "steps": ([ALL, span(step=2)], X[:, ::2]),
    "backwards": ([ALL, span(step=-1)], X[:, ::-1]),
    "backwards from": ([ALL, span(2, 0, -1)], X[:, 2:0:-1]),
    "backwards from the end": ([ALL, span(-2, None, -2)], X[:, -2::-2]),
    "backwards behind the end": ([ALL, span(9, -9, -1)], X[:, 9:-9:-1]),
    "backwards behind an ellipsis": ([ELLIPSIS, None, span(step=-1)], X[..., None, ::-1]),
    "backwards behind a new axis": ([ALL, None, span(step=-1)], X[:, None, ::-1]),
}


@pytest.mark.parametrize("name", SLICES)
def test_slices(name):
    spec, expected = SLICES[name]
    config = {"name": "getitem", "function": "__operators__.getitem"}
    close(translated("SlicingOpLambda", config, x, {"slice_spec": spec}), expected)


def test_an_ellipsis_of_python_is_one_too():
    config = {"function": "__operators__.getitem"}
    close(translated("SlicingOpLambda", config, x, {"slice_spec": [..., 0]}), X[..., 0])


CALLS = {
    "__operators__.add": (x, {"y": y, "name": None}, X + Y),
    "math.subtract": (2.0, {"y": x, "name": None}, 2 - X),
    "math.multiply": (x, {"y": [1.0, 2.0, 3.0]}, X * np.float32([1, 2, 3])),
    "math.truediv": (1.0, {"y": x}, 1 / X),
    "compat.v1.floor_div": (x, {"y": 2}, X // 2),
    "math.floormod": (x, {"y": -2}, X % -2),
    "math.pow": (x, {"y": 3}, X**3),
    "math.negative": (x, {"name": None}, -X),
    "math.greater": (x, {"y": 0}, X > 0),
    "math.logical_not": (m, {}, X <= 0),
    "math.logical_and": (m, {"y": m}, X > 0),
    "math.abs": (x, {}, np.abs(X)),
    "math.atan2": (x, {"x": y}, np.arctan2(X, Y)),
    "math.squared_difference": (x, {"y": y}, (X - Y) ** 2),
    "compat.v1.math.scalar_mul": (2.0, {"x": x}, 2 * X),
    "math.add_n": ([x, y, x], {}, 2 * X + Y),
    "clip_by_value": (
        x, {"clip_value_min": 0, "clip_value_max": y}, np.maximum(np.minimum(X, Y), 0)
    ),
    "where": (m, {"x": x, "y": 0.0}, np.where(X > 0, X, np.float32(0))),
    "concat": ([x, y], {"axis": -1}, np.concatenate([X, Y], -1)),
    "stack": ([x, y], {"axis": 1}, np.stack([X, Y], 1)),
    "unstack": (x, {"axis": 1}, [*np.moveaxis(X, 1, 0)]),
    "split": (x, {"num_or_size_splits": [1, -1, 2], "axis": 1}, np.split(X, [1, 2], 1)),
    "expand_dims": (x, {"axis": -1}, X[..., None]),
    "compat.v1.squeeze": (Ref("one"), {"axis": None}, X[0, 0]),
    "reshape": (x, {"shape": [-1, 12]}, X.reshape(2, 12)),
    "compat.v1.transpose": (x, {"perm": [0, 2, 1], "conjugate": False}, X.transpose(0, 2, 1)),
    "tile": (x, {"multiples": [1, 2, 1]}, np.tile(X, (1, 2, 1))),
    "repeat": (x, {"repeats": [1, 0, 2, 1], "axis": 1}, np.repeat(X, [1, 0, 2, 1], 1)),
    "compat.v1.pad": (
        x,
        {"paddings": [[0, 0], [1, 2], [0, 0]], "mode": "SYMMETRIC", "constant_values": 0},
        np.pad(X, [(0, 0), (1, 2), (0, 0)], "symmetric"),
    ),
    "reverse": (x, {"axis": [1]}, X[:, ::-1]),
    "roll": (x, {"shift": 1, "axis": 1}, np.roll(X, 1, 1)),
    "cast": (x, {"dtype": "int32"}, X.astype("int32")),
    "math.reduce_mean": (x, {"axis": [1, 2]}, X.mean((1, 2))),
    "math.reduce_sum": (x, {"axis": -1, "keepdims": True}, X.sum(-1, keepdims=True)),
    "compat.v1.reduce_max": (
        x, {"reduction_indices": 1, "keep_dims": True}, X.max(1, keepdims=True)
    ),
    "math.reduce_logsumexp": (x, {"axis": 1}, np.log(np.exp(X).sum(1))),
    "math.reduce_any": (m, {"axis": 1}, (X > 0).any(1)),
    "math.reduce_variance": (x, {"axis": 1}, X.var(1)),
    "compat.v1.norm": (x, {"ord": 1, "axis": 1, "keepdims": None}, np.abs(X).sum(1)),
    "math.l2_normalize": (x, {"axis": -1}, X / np.sqrt((X**2).sum(-1, keepdims=True))),
    "math.argmax": (x, {"axis": 1}, X.argmax(1)),
    "math.cumsum": (x, {"axis": 1, "exclusive": True}, np.cumsum(X, 1) - X),
    "math.cumprod": (x, {"axis": 1, "reverse": True}, np.cumprod(X[:, ::-1], 1)[:, ::-1]),
    "sort": (x, {"axis": 1, "direction": "DESCENDING"}, -np.sort(-X, 1)),
    "math.top_k": (x, {"k": 2}, [-np.sort(-X)[..., :2], np.argsort(-X)[..., :2]]),
    "nn.softmax": (x, {"axis": 1}, softmax(X, 1)),
    "nn.leaky_relu": (x, {}, np.where(X > 0, X, np.float32(0.2) * X)),
    "nn.silu": (x, {"beta": 2.0}, X / (1 + np.exp(-2 * X))),
    "nn.relu6": (x, {}, np.clip(X, 0, 6)),
    "compat.v1.nn.crelu": (x, {"axis": -1}, np.maximum(np.concatenate([X, -X], -1), 0)),
    "nn.bias_add": (x, {"bias": [1.0, 2.0, 3.0]}, X + np.float32([1, 2, 3])),
    "compat.v1.gather": (
        x, {"indices": i, "axis": 1, "batch_dims": 1}, np.stack([X[0][I[0]], X[1][I[1]]])
    ),
    "gather_nd": (x, {"indices": [[0, 3], [1, 1]]}, X[[0, 1], [3, 1]]),
    "compat.v1.nn.embedding_lookup": (
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],
        {"ids": i, "partition_strategy": "div", "max_norm": None},
        np.arange(1, 9, dtype="float32").reshape(4, 2)[I],
    ),
    "one_hot": (i, {"depth": 3, "on_value": 2.0, "axis": 1},
                np.moveaxis(2 * (I[..., None] == np.arange(3)).astype("float32"), -1, 1)),
    "sequence_mask": (i, {"maxlen": 4}, np.arange(4) < I[..., None]),
    "reverse_sequence": (x, {"seq_lengths": [3, 0], "seq_axis": 1},
                         np.stack([X[0][[2, 1, 0, 3]], X[1]])),
    "linalg.matmul": (x, {"b": y, "transpose_b": True}, X @ Y.transpose(0, 2, 1)),
    "tensordot": (x, {"b": [1.0, 0.0, 2.0], "axes": 1}, X @ np.float32([1, 0, 2])),
    "linalg.band_part": (x, {"num_lower": -1, "num_upper": 0}, np.tril(X)),
    "linalg.trace": (x, {}, np.trace(X, axis1=1, axis2=2)),
    "zeros_like": (x, {"dtype": "int32"}, np.zeros_like(X, "int32")),
    "keras.backend.batch_flatten": (x, {}, X.reshape(2, 12)),
    "slice": (x, {"begin": [0, 1, 0], "size": [-1, 2, 2]}, X[:, 1:3, :2]),
}  # fmt: skip


@pytest.mark.parametrize("function", CALLS)
def test_calls(function):
    inputs, kwargs, expected = CALLS[function]
    close(translated("TFOpLambda", {"function": function}, inputs, kwargs), expected)


def test_a_mean_of_whole_numbers_is_one():
    close(translated("TFOpLambda", {"function": "math.reduce_mean"}, i, {"axis": 1}), I.sum(1) // 2)


def test_a_list_of_tensors_is_a_tensor():
    close(call("math.reduce_mean", [x, y], axis=0), (X + Y) / 2)


def test_constants_take_the_dtype_of_the_tensor():
    found = call("math.multiply", Ref("h"), y=[1.0, 2.0, 3.0])
    assert result(found).dtype == "float16"


# Shapes


def test_what_is_computed_from_a_shape_is_a_part_of_what_uses_it():
    steps = item(shape_of(x), 1)
    double = call("math.multiply", steps, y=2)
    assert shape_of(x).is_size
    assert steps.is_size
    assert double.is_size
    close(double, np.int32(8))
    made = call("zeros", [item(shape_of(x), 0), double])
    assert made.tensors == [x, x]
    assert not made.is_size
    close(made, np.zeros((2, 8), "float32"))
    close(call("range", steps), np.arange(4, dtype="int32"))
    close(call("broadcast_to", item(x, 0), shape=shape_of(x)), np.broadcast_to(X[0], X.shape))
    close(call("reshape", x, shape=call("concat", [item(shape_of(x), span(stop=1)), [12]], axis=0)),
          X.reshape(2, 12))  # fmt: skip
    root = call("math.sqrt", call("cast", steps, dtype="float32"))
    assert not root.is_size
    close(call("math.truediv", x, y=root.inputs), X / 4)
    close(call("unstack", shape_of(y)).output(2), np.int32(3))


def test_the_one_computed_axis_of_a_shape_is_minus_one():
    found = call("reshape", x, shape=[item(shape_of(x), 0), 6, 2])
    assert found.tensors == [x]
    assert found.config()["kwargs"] == {"shape": [-1, 6, 2]}


def test_sizes_inside_a_compiled_function():
    """JAX takes plain numbers as shapes only."""
    if keras.backend.backend() != "jax":
        pytest.skip("of JAX")
    import jax

    found = call(
        "fill", [item(shape_of(x), 0), call("math.add", item(shape_of(x), 1), y=1)], value=2.0
    )
    compiled = jax.jit(lambda *tensors: run(keras.ops, found.config(), [*tensors]))
    np.testing.assert_array_equal(compiled(X, X), np.full((2, 5), 2.0))


# Nodes


def node(op, inputs, constants=None, **attributes):
    config = {"name": op, "node_def": {"name": op, "op": op, "input": [], "attr": attributes},
              "constants": constants or {}}  # fmt: skip
    return translated("TensorFlowOpLayer", config, inputs)


def text(value):
    return {"s": base64.b64encode(value.encode()).decode()}


TRUE = {"b": True}
NODES = {
    "AddV2": (node("AddV2", x, {"1": 1.0}), X + 1),
    "Sub": (node("Sub", x, {"0": 2.0}), 2 - X),
    "Mul": (node("Mul", [x, y]), X * Y),
    "ConcatV2": (node("ConcatV2", [x, y], {"2": -1}, N={"i": "2"}), np.concatenate([X, Y], -1)),
    "Pack": (node("Pack", [x, y], axis={"i": "1"}), np.stack([X, Y], 1)),
    "Split": (node("Split", x, {"0": 1}, num_split={"i": "2"}), np.split(X, 2, 1)),
    "Mean": (node("Mean", x, {"1": [1]}, keep_dims=TRUE), X.mean(1, keepdims=True)),
    "Cast": (node("Cast", i, DstT={"type": "DT_FLOAT"}), I.astype("float32")),
    "Squeeze": (node("Squeeze", x, squeeze_dims={"list": {}}), X),
    "Transpose": (node("Transpose", x, {"1": [0, 2, 1]}), X.transpose(0, 2, 1)),
    "MirrorPad": (
        node("MirrorPad", x, {"1": [[0, 0], [1, 1], [0, 0]]}, mode=text("REFLECT")),
        np.pad(X, [(0, 0), (1, 1), (0, 0)], "reflect"),
    ),
    "BatchMatMulV2": (node("BatchMatMulV2", [x, y], adj_y=TRUE), X @ Y.transpose(0, 2, 1)),
    "Einsum": (
        node("Einsum", [x, y], equation=text("bti,bui->btu")), np.einsum("bti,bui->btu", X, Y)
    ),
    "Select": (  # of TensorFlow 1: conditions of rows
        node("Select", [Ref("rows"), x, y]), np.where(np.array([True, False])[:, None, None], X, Y)
    ),
    "StridedSlice": (
        node("StridedSlice", x, {"1": [1, -1, 1], "2": [1, 0, 1], "3": [1, 1, 1]},
             begin_mask={"i": "5"}, end_mask={"i": "5"}, shrink_axis_mask={"i": "2"}),
        X[:, -1, :],
    ),
    "StridedSlice of everything": (
        node("StridedSlice", x, {"1": [0, 0, 3], "2": [0, 0, 0], "3": [1, 1, -1]},
             ellipsis_mask={"i": "1"}, new_axis_mask={"i": "2"}, end_mask={"i": "4"}),
        X[..., None, 3::-1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_nodes(name):
    close(*NODES[name])


def test_a_node_may_be_text():
    config = {"node_def": json.dumps({"op": "Neg"}), "constants": {}}
    close(translated("TensorFlowOpLayer", config, x), -X)


# What is not known, and what is refused


@pytest.mark.parametrize(
    ("function", "inputs", "kwargs"),
    [
        ("__operators__.eq", x, {}),  # the file has lost the other operand
        ("einsum", "bti,bui->btu", {}),
        ("nn.dropout", x, {"rate": 0.5}),
        ("image.resize", x, {"size": [2, 2]}),
        ("math.softmax_of_another", x, {}),
        ("os.system", x, {}),
        ("_reduced", x, {}),
        ("call", x, {}),
        ("reshape", x, {"shape": i}),  # a shape that is a tensor
        ("nn.softmax", x, {"temperature": 2.0}),
        ("cast", x, {"dtype": "complex64"}),
        ("compat.v1.norm", x, {"ord": 2, "axis": [1, 2]}),
        ("concat", [[1.0], [2.0]], {"axis": 0}),  # no tensor
    ],
)
def test_what_is_not_known(function, inputs, kwargs):
    assert translated("TFOpLambda", {"function": function}, inputs, kwargs) is None


@pytest.mark.parametrize("spec", [m, [ALL, [0, 1]], [ALL, span(0, i)]], ids=str)
def test_indices_that_are_not_known(spec):
    config = {"function": "__operators__.getitem"}
    assert translated("SlicingOpLambda", config, x, {"slice_spec": spec}) is None


@pytest.mark.parametrize(
    ("function", "inputs", "kwargs", "words"),
    [
        ("tile", x, {"multiples": [1, 2**20, 2**20]}, "tile may ask for at most 268435456 numbers"),
        ("repeat", x, {"repeats": 10**9, "axis": 1}, "repeat may ask"),
        ("broadcast_to", x, {"shape": [10**5, 10**5]}, "broadcast_to may ask"),
        ("compat.v1.pad", x, {"paddings": [[0, 0], [10**5, 10**5], [10**5, 0]]}, "pad may ask"),
        ("one_hot", i, {"depth": 10**9}, "one_hot may ask"),
        ("sequence_mask", i, {"maxlen": 1e30}, "sequence_mask may ask"),
        ("reshape", x, {"shape": [-1, 2**30]}, "reshape may ask"),
        ("zeros", [item(shape_of(x), 0), 2**29], {}, "zeros may ask"),
        ("range", item(shape_of(x), 0), {"limit": 10**9}, "range may ask"),
        ("range", item(shape_of(x), 0), {"delta": 1e-12}, "range may ask"),
        ("range", item(shape_of(x), 0), {"delta": 0}, "delta of a range must not be 0"),
        ("math.add", x, {"y": {"tensor": 0}}, "must be plain numbers or a slice"),
        ("__operators__.getitem", x, {"slice_spec": [True]}, "an index must be made of"),
        ("__operators__.getitem", x, {"slice_spec": [span(step=0)]}, "an index must be made of"),
        ("__operators__.getitem", x, {"slice_spec": "all"}, "an index must be made of"),
        (7, x, {}, "must have the name of a function, got 7"),
    ],
)
def test_what_is_refused(function, inputs, kwargs, words):
    with pytest.raises(ValueError, match=words):
        translated("TFOpLambda", {"function": function}, inputs, kwargs)


def test_a_product_of_sizes_counts_its_numbers():
    huge = call("math.multiply", item(shape_of(x), 0), y=2**29)
    with pytest.raises(ValueError, match="zeros may ask for at most"):
        call("zeros", [huge, 2])


@pytest.mark.parametrize(
    "config",
    [
        {"function": "add"},
        {"function": "system", "inputs": {"tensor": 0}, "kwargs": {}},
        {"function": "__init__", "inputs": {"tensor": 0}, "kwargs": {}},
        {"function": "exp", "inputs": {"tensor": 0}, "kwargs": {"out": 1}},
        {"function": "exp", "inputs": {"function": "eval", "inputs": 1}, "kwargs": {}},
        {"function": "one_hot", "inputs": {"tensor": 0}, "kwargs": {"depth": 10**10}},
        "exp",
    ],
)  # fmt: skip
def test_configurations_that_are_refused(config):
    with pytest.raises(ValueError, match=r"must|takes no|may ask"):
        check(config)


@pytest.mark.parametrize("attribute", [{"i": "1", "f": 2.0}, 3])
def test_malformed_attributes(attribute):
    with pytest.raises(ValueError, match="must be one value"):
        node("Pack", [x, y], axis=attribute)


def test_malformed_nodes():
    with pytest.raises(ValueError, match="must have a node with an op"):
        translated("TensorFlowOpLayer", {"node_def": {"name": "a"}}, x)
    with pytest.raises(ValueError, match="AddV2 must have 2 inputs, got 1"):
        node("AddV2", x)
    assert node("Qr", x) is None
    assert translated("TensorFlowOpLayer", {"node_def": "\n\x03add\x12\x05AddV2"}, x) is None


def test_every_name_in_the_tables_is_a_function():
    for function, _, _ in operations._NODES.values():
        assert function in operations.FUNCTIONS
    for name in operations._SIZES | operations._SHAPES | {*operations._GROWS}:
        assert name in operations.FUNCTIONS
    for name in {**operations._UNARY, **operations._BINARY}.values():
        assert callable(getattr(keras.ops, name))
