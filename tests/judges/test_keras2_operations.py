"""Keras 2 (the package tf-keras) as the judge of operations of TensorFlow that stand as layers.

Each case is an expression over inputs. tf-keras makes a model of it, writes the model as JSON and
computes it; the model that elman makes of the JSON must give the same numbers. In a graph of
TensorFlow 1 tf-keras writes the layers that TensorFlow 2.0 to 2.3 wrote.
"""

import contextlib

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tf-keras, the judge, needs TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from elman.models import model_from_json  # noqa: E402

K = tf_keras.backend
RANDOM = np.random.default_rng(0)
ARRAYS = {
    "x": RANDOM.uniform(0.1, 0.9, (2, 4, 3)).astype("float32"),
    "y": RANDOM.uniform(-2, 2, (2, 4, 3)).astype("float32"),
    "s": RANDOM.normal(size=(2, 3, 5)).astype("float32"),
    "i": np.array([[0, 3, 1, 2], [2, 2, 4, 0]], "int32"),
    "b": RANDOM.uniform(size=(2, 4, 3)) > 0.5,
}


def models(make):
    """The model of tf-keras and its JSON."""
    old_inputs = {
        name: tf_keras.Input(array.shape[1:], dtype=str(array.dtype), name=name)
        for name, array in ARRAYS.items()
    }
    old = tf_keras.Model([*old_inputs.values()], tf.nest.flatten(make(**old_inputs)))
    return old, old.to_json()


def agree(make, tolerance, graph=False):
    with tf.Graph().as_default() if graph else contextlib.nullcontext():
        old, text = models(make)
        expected = old.predict_on_batch([*ARRAYS.values()])
    assert graph == ("TensorFlowOpLayer" in text)
    expected = [np.asarray(one) for one in tf.nest.flatten(expected)]
    new = model_from_json(text)
    # Once through the compiled step, and once by calling the layers.
    for results in (new.predict_on_batch(ARRAYS), new(ARRAYS)):
        results = [keras.ops.convert_to_numpy(result) for result in tf.nest.flatten(results)]
        assert len(results) == len(expected)
        for result, right in zip(results, expected, strict=True):
            assert result.shape == right.shape
            assert (result.dtype.kind == "f") == (right.dtype.kind == "f")
            np.testing.assert_allclose(
                np.asarray(result, "float64"), np.asarray(right, "float64"), tolerance, tolerance
            )


CASES = {
    "slices": lambda x, **_: [
        x[:, -1, :], x[..., 0], x[:, ::2], x[:, 1:3, tf.newaxis], x[:, None], x[0], x[...],
        x[:, 1:, ..., 0:2], x[:1], x[tf.newaxis], x[:, -3:-1, -1],
    ],
    "slices backwards": lambda x, **_: [
        x[:, ::-1], x[..., ::-2], x[:, 2::-1], x[:, -2:0:-1], x[:, None, :, ::-1], x[:, 9::-2],
        x[:, 3:1:-1, ..., ::-1], x[:, 0:2:-1],
    ],
    "slice at a tensor": lambda x, i, **_: [x[:, i[0, 0]], x[:, :, i[1, 3]]],
    "slice at a size": lambda x, **_: [x[:, tf.shape(x)[1] - 2], x[:, 1 : tf.shape(x)[2]]],
    "arithmetic": lambda x, y, **_: [
        x + y, x + 1, 1 + x, x - y, 2 - x, x * y, 2.0 * x, x / y, 1 / x, x / 2, y // 2, 7 // y,
        x**2, x**y, 2**y, y % 3, y % x, 3 % y, -x, abs(y),
    ],
    "comparisons": lambda x, y, **_: [
        x > y, x >= 0.5, x < y, x <= y, x > 0.3, tf.equal(x, y), tf.not_equal(x, y),
        tf.greater(x, 0.2), tf.less_equal(x, 0.5),
    ],
    "logic": lambda b, **_: [
        ~b, b & ~b, b | (~b), tf.math.logical_xor(b, True), tf.logical_and(b, b),
        tf.reduce_any(b, axis=1), tf.reduce_all(b, 1), K.any(b, 1),
    ],
    "constants": lambda x, **_: [
        x + np.arange(3, dtype="float32"), x * tf.constant([1.0, -2.0, 3.0]), x * [1.0, 2.0, 3.0],
        np.float32(2) + x, tf.scalar_mul(2.0, x), tf.nn.bias_add(x, [1.0, 2.0, 3.0]),
    ],
    "whole numbers": lambda i, **_: [
        i + 1, i * i, i // 2, i % 3, -i, i**2, tf.reduce_sum(i, 1), tf.reduce_mean(i, 1),
        tf.maximum(i, 2), tf.not_equal(i, 0), i - [1, 2, 3, 4], tf.cumsum(i, 1), i / 2,
        tf.cast(i, "float32"), tf.cast(i, tf.bool),
    ],
    "half": lambda x, **_: [
        tf.cast(x, "float16") * 2 + [1.0, 2.0, 3.0], tf.reduce_sum(tf.cast(x, tf.float16), 1),
    ],
    "concat": lambda x, y, **_: [
        tf.concat([x, y], -1), tf.concat([x, y, x], axis=1), K.concatenate([x, y]),
        tf.stack([x, y]), tf.stack([x, y], axis=1), tf.stack([x], 2), tf.concat([x], 1),
    ],
    "split": lambda x, **_: [
        tf.unstack(x, axis=1), tf.unstack(x, num=3, axis=-1), tf.split(x, 2, axis=1),
        tf.split(x, [1, 3], axis=1), tf.split(x, [1, -1, 2], axis=1), K.repeat_elements(x, 2, 1),
    ],
    "shapes": lambda x, **_: [
        tf.expand_dims(x, -1), tf.expand_dims(x, axis=1), tf.squeeze(x[:, :1], axis=1),
        tf.squeeze(x[:, :1, :1], [1, 2]), tf.squeeze(x[:, :1]), tf.reshape(x, [-1, 12]),
        tf.transpose(x, [0, 2, 1]), tf.transpose(x), K.permute_dimensions(x, (1, 0, 2)),
        K.flatten(x), K.batch_flatten(x), tf.ensure_shape(x, (None, 4, 3)),
    ],
    "shapes by sizes": lambda x, y, s, **_: [
        tf.reshape(x, (tf.shape(x)[0], 12)), tf.reshape(x, tf.shape(y)),
        tf.reshape(x, [-1, tf.shape(x)[1] * 3]),
        tf.reshape(x, tf.concat([tf.shape(x)[:1], [12]], 0)),
        tf.reshape(x, tf.stack([tf.shape(x)[0] * tf.shape(x)[1], 3])),
        tf.broadcast_to(x[:, :1], tf.shape(x)), tf.broadcast_to(x[:1, :1], [2, 4, 3]),
        tf.tile(x[:1], [tf.shape(y)[0], 1, 2]), tf.zeros([tf.shape(x)[0], 3]),
        tf.ones((tf.shape(x)[0], 3), tf.int32), tf.zeros(tf.shape(x)),
        tf.fill([tf.shape(x)[0], 3], 2.0), tf.range(tf.shape(x)[1]),
        x / tf.sqrt(tf.cast(tf.shape(x)[-1], tf.float32)), tf.range(1, tf.shape(x)[1] + 3, 2),
        tf.reshape(x, [tf.shape(x)[0], tf.reduce_prod(tf.shape(x)[1:])]), K.dot(x, s[0]),
    ],
    "shapes given out": lambda x, **_: [
        tf.shape(x), tf.shape(x)[1], tf.size(x), tf.shape(x) * 2,
        tf.cast(tf.shape(x), tf.float32),
    ],
    "no nodes": lambda x, s, **_: [
        tf.tensordot(x, s[0], axes=[[2], [0]]), tf.tensordot(x, s[0], 1),
        tf.rank(x), tf.eye(tf.shape(x)[1]), tf.linalg.diag_part(x), tf.linalg.trace(x),
        tf.repeat(x, [1, 2, 0, 1], axis=1),
    ],
    "tile": lambda x, **_: [
        tf.tile(x, [1, 2, 1]), tf.repeat(x, 2, axis=1),
        K.repeat(x[:, 0], 3), K.tile(x, [1, 1, 2]), tf.repeat(x, [3], axis=-1),
    ],
    "pad": lambda x, **_: [
        tf.pad(x, [[0, 0], [1, 2], [0, 0]]),
        tf.pad(x, [[0, 0], [1, 2], [0, 1]], constant_values=3.0),
        tf.pad(x, [[0, 0], [1, 2], [0, 0]], "REFLECT"), K.temporal_padding(x),
        tf.pad(x, [[0, 0], [1, 2], [2, 0]], mode="SYMMETRIC"),
    ],
    "reduce": lambda x, y, **_: [
        tf.reduce_mean(x, axis=1), tf.reduce_mean(x), tf.reduce_mean(x, [1, 2]),
        tf.reduce_sum(x, -1, keepdims=True), tf.reduce_max(y, axis=1), tf.reduce_min(y, 1),
        tf.reduce_prod(x, 1), tf.reduce_logsumexp(y, axis=1), tf.math.reduce_std(x, 1),
        tf.math.reduce_variance(x, 1), tf.math.reduce_euclidean_norm(x, 1), K.mean(x, axis=-1),
        K.var(x, 1, keepdims=True), tf.nn.moments(x, [1]), tf.reduce_mean([x, y], axis=0),
    ],
    "norms": lambda x, y, **_: [
        tf.linalg.norm(y, axis=1), tf.norm(y), tf.norm(y, ord=1, axis=-1, keepdims=True),
        tf.norm(y, ord=np.inf, axis=1), tf.nn.l2_normalize(y, -1), K.l2_normalize(y, 1),
        tf.nn.l2_normalize(y, axis=[1, 2], epsilon=1e-6), tf.nn.l2_loss(y),
        tf.norm(y, axis=[1, 2]), tf.nn.l2_normalize(y * 0.0, -1),
    ],
    "maths of one": lambda x, y, **_: [
        tf.exp(y), tf.math.expm1(y), tf.math.log(x), tf.math.log1p(x), tf.sqrt(x),
        tf.math.rsqrt(x), tf.square(y), tf.abs(y), tf.sign(y), tf.floor(y), tf.math.ceil(y),
        tf.round(y * 2.0), tf.math.rint(y), tf.math.reciprocal(x), tf.negative(x), tf.math.erf(y),
        tf.math.is_nan(x), tf.math.is_inf(x), tf.math.is_finite(x), tf.identity(x) + 0.0,
        tf.stop_gradient(x), tf.zeros_like(x), tf.ones_like(x, dtype=tf.int32), K.zeros_like(x),
    ],
    "angles": lambda x, y, **_: [
        tf.sin(y), tf.cos(y), tf.tan(y), tf.asin(x), tf.acos(x), tf.atan(y), tf.sinh(y),
        tf.cosh(y), tf.math.asinh(y), tf.math.acosh(x + 1.0), tf.math.atanh(x), tf.atan2(x, y),
        tf.math.erfinv(x),
    ],
    "maths of two": lambda x, y, **_: [
        tf.add(x, y, name="hello"), tf.subtract(x, y), tf.multiply(x, y), tf.divide(x, y),
        tf.math.divide_no_nan(x, tf.nn.relu(y)), tf.math.floordiv(y, x), tf.math.floormod(y, x),
        tf.pow(x, 2), tf.math.squared_difference(x, y), tf.maximum(x, y), tf.minimum(x, 0.5),
        tf.math.add_n([x, y, x]), K.pow(x, 2), tf.clip_by_value(y, 0.0, 1.0), K.clip(y, -1, 1),
        tf.clip_by_value(y, -x, x),
    ],
    "activations": lambda x, y, **_: [
        tf.nn.softmax(y), tf.nn.softmax(y, axis=1), tf.nn.relu(y), tf.nn.relu6(9.0 * y),
        tf.nn.leaky_relu(y), tf.nn.leaky_relu(y, alpha=0.1), tf.nn.elu(y), tf.nn.selu(y),
        tf.tanh(y), tf.sigmoid(y), tf.nn.silu(y), tf.nn.silu(y, beta=2.0),
        tf.math.softplus(y), tf.nn.softsign(y), tf.nn.log_softmax(y, axis=1), tf.nn.crelu(y),
        tf.math.log_sigmoid(y), K.hard_sigmoid(y), tf_keras.activations.mish(y),
        K.relu(y, alpha=0.1, max_value=6.0, threshold=0.5),
    ],
    "gelu": lambda y, **_: [tf.nn.gelu(y)],
    "gelu approximate": lambda y, **_: [tf.nn.gelu(y, approximate=True)],
    "where": lambda x, y, b, **_: [
        tf.where(y > 0, x, y), tf.where(y > 0, x, 0.0), tf.where(b, tf.zeros_like(x), x),
        tf.where(b, 1.0, y), K.switch(b, x, y),
    ],
    "gather": lambda x, i, **_: [
        tf.gather(x, [0, 2], axis=1), tf.gather(x, 1, axis=1), tf.gather(x, i // 2, axis=2),
        tf.gather(x, i % 4, axis=1, batch_dims=1), tf.gather(x, i % 3, axis=2, batch_dims=2),
        tf.gather(x, i % 3, axis=2, batch_dims=1), tf.gather(x, i % 2), K.gather(x, i[0] % 2),
        tf.nn.embedding_lookup(tf.constant(np.arange(10.0).reshape(5, 2), tf.float32), i),
        tf.gather_nd(x, tf.stack([tf.range(tf.shape(x)[0]), i[:, 2] - 1], axis=1)),
    ],
    "one hot": lambda i, **_: [
        tf.one_hot(i, 4), tf.one_hot(i, depth=5, axis=1), tf.one_hot(i - 1, 3, dtype=tf.int32),
        tf.one_hot(i, 5, on_value=2.0, off_value=-1.0), K.one_hot(i, 6), tf.one_hot(i, 3, axis=0),
    ],
    "order": lambda x, y, i, **_: [
        tf.reverse(x, [1]), tf.reverse(x, axis=[-1, 1]), K.reverse(x, 1), tf.sort(y, axis=1),
        tf.sort(y, direction="DESCENDING"), tf.argsort(y), tf.argsort(y, 1, "DESCENDING"),
        tf.argmax(y, axis=1), tf.argmax(y, -1, output_type=tf.int32), tf.argmin(y, 1), tf.argmax(y),
        tf.math.top_k(y, 2), tf.roll(x, 1, axis=1), tf.roll(x, [1, -1], [1, 2]),
        tf.reverse_sequence(x, i[:, 1], seq_axis=1),
        tf.reverse_sequence(x, i[:, 1], seq_axis=2),
    ],
    "running": lambda x, y, **_: [
        tf.cumsum(y, axis=1), tf.cumsum(y, 1, exclusive=True), tf.cumsum(y, axis=-1, reverse=True),
        tf.cumsum(y, 1, True, True), tf.math.cumprod(x, 1), tf.math.cumprod(x, 1, exclusive=True),
    ],
    "masks": lambda x, i, **_: [
        tf.sequence_mask(i[:, 1], 4), tf.sequence_mask(i, tf.shape(x)[1], tf.float32),
        tf.linalg.band_part(x, -1, 0), tf.linalg.band_part(x, 1, 1),
        tf.slice(x, [0, 1, 0], [-1, 2, -1]),
        tf.strided_slice(x, [0, 1, 0], [1, 2, 3]),
        tf.linalg.band_part(tf.ones((tf.shape(x)[1], tf.shape(x)[1])), -1, 0),
    ],
    "matmul": lambda x, y, s, **_: [
        x @ s, tf.matmul(x, y, transpose_b=True), tf.linalg.matmul(x, s),
        tf.matmul(x, y, transpose_a=True), tf.matmul(x, y, False, True),
        K.batch_dot(x, y, axes=2), tf.linalg.matvec(x, y[:, 0]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_what_it_was(name):
    # float32 gives 1e-7, functions of it and sums of a few ten times that; float16 gives 1e-3.
    agree(CASES[name], tolerance=2e-3 if name == "half" else 2e-6)


GRAPHS = [name for name in CASES if name not in ("slice at a tensor", "constants", "no nodes")]


@pytest.mark.parametrize("name", GRAPHS)
def test_a_node_is_what_it_was(name):
    agree(CASES[name], tolerance=2e-3 if name == "half" else 2e-6, graph=True)
