"""Files that Keras 2 (the package tf-keras) writes predict the same here, layer by layer.

All layers are branches of two models, so that two files are written: each branch has an input and
an output of its own. tf-keras computes with TensorFlow, whatever backend Keras 3 runs on.
"""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tf-keras, the judge, needs TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from elman import models  # noqa: E402

k = tf_keras.layers
B, T, I, H = 3, 6, 4, 5  # noqa: E741
RANDOM = np.random.default_rng(0)

ROW, STEPS, IMAGE, VOLUME = (I,), (T, I), (6, 5, 3), (4, 5, 4, 2)

# name: (shape of a row, the branch); a branch is a function of a tensor.
RECURRENT = {
    "simple": (STEPS, lambda x: k.SimpleRNN(H)(x)),
    "simple_relu": (STEPS, lambda x: k.SimpleRNN(H, activation="relu", use_bias=False)(x)),
    "lstm": (STEPS, lambda x: k.LSTM(H)(x)),
    "lstm_hard": (STEPS, lambda x: k.LSTM(H, recurrent_activation="hard_sigmoid")(x)),
    "lstm_back": (STEPS, lambda x: k.LSTM(H, go_backwards=True, return_sequences=True)(x)),
    "lstm_no_bias": (STEPS, lambda x: k.LSTM(H, use_bias=False, activation="softsign")(x)),
    "lstm_drop": (STEPS, lambda x: k.LSTM(H, dropout=0.3, recurrent_dropout=0.2)(x)),
    "lstm_unroll": (STEPS, lambda x: k.LSTM(H, unroll=True)(x)),
    "lstm_states": (STEPS, lambda x: k.Concatenate()(k.LSTM(H, return_state=True)(x))),
    "lstm_time_major": (STEPS, lambda x: k.LSTM(H, time_major=True, return_sequences=True)(x)),
    "gru": (STEPS, lambda x: k.GRU(H)(x)),
    "gru_before": (STEPS, lambda x: k.GRU(H, reset_after=False, return_sequences=True)(x)),
    "gru_hard": (STEPS, lambda x: k.GRU(H, recurrent_activation="hard_sigmoid")(x)),
    "bi": (STEPS, lambda x: k.Bidirectional(k.LSTM(H, return_sequences=True))(x)),
    "bi_sum": (STEPS, lambda x: k.Bidirectional(k.GRU(H), merge_mode="sum")(x)),
    "bi_mul": (STEPS, lambda x: k.Bidirectional(k.SimpleRNN(H), merge_mode="mul")(x)),
    "bi_two": (STEPS, lambda x: k.Add()(k.Bidirectional(k.GRU(H), merge_mode=None)(x))),
    "bi_other": (
        STEPS,
        lambda x: k.Bidirectional(
            k.LSTM(H, return_sequences=True),
            backward_layer=k.GRU(H, return_sequences=True, go_backwards=True),
        )(x),
    ),
    "bi_states": (
        STEPS,
        lambda x: k.Concatenate()(k.Bidirectional(k.LSTM(H, return_state=True))(x)),
    ),
    "distributed": (STEPS, lambda x: k.TimeDistributed(k.Dense(3, activation="tanh"))(x)),
    "distributed_rnn": ((2, T, I), lambda x: k.TimeDistributed(k.LSTM(H))(x)),
    "distributed_model": (
        (2, T, I),
        lambda x: k.TimeDistributed(
            tf_keras.Sequential(
                [
                    k.LSTM(H, input_shape=STEPS, return_sequences=True),
                    k.BatchNormalization(),
                    k.GlobalMaxPooling1D(),
                ]
            )
        )(x),
    ),
    "cell": (STEPS, lambda x: k.RNN(k.GRUCell(H, reset_after=False))(x)),
    "cells": (
        STEPS,
        lambda x: k.RNN([k.LSTMCell(H), k.SimpleRNNCell(3), k.GRUCell(4)], return_sequences=True)(
            x
        ),
    ),
    "cells_states": (
        STEPS,
        lambda x: k.Concatenate()(
            tf.nest.flatten(k.RNN([k.GRUCell(H), k.GRUCell(4)], return_state=True)(x))
        ),
    ),
    "conv_lstm": ((3, *IMAGE), lambda x: k.ConvLSTM2D(2, 3, padding="same")(x)),
    "conv_lstm_1": ((3, 6, 3), lambda x: k.ConvLSTM1D(2, 3, strides=2, return_sequences=True)(x)),
    "masking": (STEPS, lambda x: k.LSTM(H)(k.Masking(0.0)(x))),
    "masked_pair": (
        STEPS,
        lambda x: k.Bidirectional(k.GRU(H, return_sequences=True))(k.Masking(0.0)(x)),
    ),
    "encoder_decoder": (STEPS, lambda x: _encoder_decoder(x)),
    "bi_initial": (
        STEPS,
        lambda x: k.Bidirectional(k.GRU(H))(
            x, initial_state=[k.Dense(H)(k.Flatten()(x)), k.Dense(H)(k.Flatten()(x))]
        ),
    ),
    "repeat": (ROW, lambda x: k.LSTM(2, return_sequences=True)(k.RepeatVector(3)(x))),
    "shared": (STEPS, lambda x: _shared(x)),
    "nested": (STEPS, lambda x: _nested(x)),
}


def _encoder_decoder(x):
    _, h, c = k.LSTM(H, return_state=True)(x)
    y, *_ = k.LSTM(H, return_sequences=True, return_state=True)(x, initial_state=[h, c])
    return k.Dense(2, activation="softmax")(y)


def _shared(x):
    layer = k.LSTM(H)
    return k.Subtract()([layer(x), layer(k.Dropout(0.5)(k.Dense(I)(x)))])


def _nested(x):
    """A model within a model, called twice, some of it frozen and with weights not trained."""
    inner_input = k.Input(STEPS)
    y = k.BatchNormalization()(inner_input)
    y = k.LSTM(H, trainable=False)(y)
    y = k.BatchNormalization()(k.Dense(H)(y))
    inner = tf_keras.Model(inner_input, y)
    stack = tf_keras.Sequential([k.Dense(3, input_shape=(H,)), k.BatchNormalization(), k.Dense(2)])
    return k.Concatenate()([stack(inner(x)), stack(inner(k.Dense(I)(x)))])


IDS = {
    "embedding": lambda x: k.LSTM(H)(k.Embedding(9, 4)(x)),
    "embedding_mask": lambda x: k.GRU(H)(k.Embedding(9, 4, mask_zero=True, input_length=T)(x)),
    "embedding_pool": lambda x: k.GlobalAveragePooling1D()(k.Embedding(9, 4, mask_zero=True)(x)),
    "embedding_pair": lambda x: k.Bidirectional(k.LSTM(H))(k.Embedding(9, 4, mask_zero=True)(x)),
}

ACTIVATIONS = [
    "relu", "tanh", "sigmoid", "hard_sigmoid", "softmax", "softplus", "softsign", "selu", "elu",
    "exponential", "linear", "swish", "gelu", "mish",
]  # fmt: skip
MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]

OTHERS = {
    "dense": (ROW, lambda x: k.Dense(3, activation="hard_sigmoid")(x)),
    "dense_steps": (STEPS, lambda x: k.Dense(3, kernel_regularizer="l2", activation="selu")(x)),
    "einsum": (STEPS, lambda x: k.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")(x)),
    **{f"activation_{n}": (STEPS, lambda x, n=n: k.Activation(n)(x)) for n in ACTIVATIONS},
    "leaky": (ROW, lambda x: k.LeakyReLU(0.2)(x)),
    "leaky_default": (ROW, lambda x: k.LeakyReLU()(x)),
    "elu": (ROW, lambda x: k.ELU(0.7)(x)),
    "prelu": (STEPS, lambda x: k.PReLU(shared_axes=[1])(x)),
    "relu": (ROW, lambda x: k.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)(x)),
    "thresholded": (ROW, lambda x: k.ThresholdedReLU(0.3)(x)),
    "softmax": (STEPS, lambda x: k.Softmax(axis=1)(x)),
    "conv": (STEPS, lambda x: k.Conv1D(3, 2, activation="relu")(x)),
    "conv_causal": (STEPS, lambda x: k.Conv1D(3, 2, padding="causal", dilation_rate=2)(x)),
    "conv_strides": (STEPS, lambda x: k.Conv1D(3, 3, strides=2, padding="same")(x)),
    "conv_2d": (IMAGE, lambda x: k.Conv2D(2, (3, 2), padding="same", use_bias=False)(x)),
    "conv_3d": (VOLUME, lambda x: k.Conv3D(2, 2)(x)),
    "conv_up_1": (STEPS, lambda x: k.Conv1DTranspose(3, 3, strides=2)(x)),
    "conv_up": (IMAGE, lambda x: k.Conv2DTranspose(2, 3, strides=2, padding="same")(x)),
    "conv_up_3": (VOLUME, lambda x: k.Conv3DTranspose(2, 2)(x)),
    "separable": (STEPS, lambda x: k.SeparableConv1D(3, 2, depth_multiplier=2)(x)),
    "separable_2d": (IMAGE, lambda x: k.SeparableConv2D(2, 3)(x)),
    "depthwise": (IMAGE, lambda x: k.DepthwiseConv2D(3, depth_multiplier=2)(x)),
    "depthwise_1": (STEPS, lambda x: k.DepthwiseConv1D(3)(x)),
    **{f"local_{n}": (STEPS, lambda x, n=n: k.LocallyConnected1D(
        3, 2, strides=2, implementation=n)(x)) for n in (1, 2, 3)},
    **{f"local_same_{d}_{n}": (STEPS, lambda x, n=n, d=d: k.LocallyConnected1D(
        3, 3, strides=2, padding="same", implementation=n, data_format=f"channels_{d}")(x))
       for n in (2, 3) for d in ("last", "first")},
    **{f"local_2d_same_{d}_{n}": (IMAGE, lambda x, n=n, d=d: k.LocallyConnected2D(
        2, (2, 3), strides=(1, 2), padding="same", implementation=n,
        data_format=f"channels_{d}")(x)) for n in (2, 3) for d in ("last", "first")},
    "local_no_bias": (STEPS, lambda x: k.LocallyConnected1D(
        3, 2, use_bias=False, implementation=3)(x)),
    **{f"local_2d_{n}": (IMAGE, lambda x, n=n: k.LocallyConnected2D(
        2, (3, 2), strides=(1, 2), implementation=n)(x)) for n in (1, 2, 3)},
    **{f"{kind}_{n}": (shape, lambda x, kind=kind, n=n: getattr(k, f"{kind}{n}D")(
        *[0.5] * (kind == "SpatialDropout"))(x))
       for n, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
       for kind in ("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling",
                    "UpSampling", "ZeroPadding", "Cropping", "SpatialDropout")},
    "pool_same": (STEPS, lambda x: k.MaxPooling1D(3, 2, padding="same")(x)),
    "global_keep": (STEPS, lambda x: k.GlobalMaxPooling1D(keepdims=True)(x)),
    "up_bilinear": (IMAGE, lambda x: k.UpSampling2D((2, 3), interpolation="bilinear")(x)),
    "padding_2d": (IMAGE, lambda x: k.ZeroPadding2D(((1, 0), (2, 1)))(x)),
    "batch_norm": (STEPS, lambda x: k.BatchNormalization()(x)),
    "batch_norm_options": (STEPS, lambda x: k.BatchNormalization(
        axis=1, epsilon=0.1, momentum=0.9, scale=False)(x)),
    "batch_norm_bare": (ROW, lambda x: k.BatchNormalization(center=False, scale=False)(x)),
    "layer_norm": (STEPS, lambda x: k.LayerNormalization(epsilon=0.01)(x)),
    "group_norm": (STEPS, lambda x: k.GroupNormalization(2)(x)),
    "unit_norm": (STEPS, lambda x: k.UnitNormalization()(x)),
    "normalization": (ROW, lambda x: k.Normalization()(x)),
    "rescaling": (ROW, lambda x: k.Rescaling(2.0, 1.0)(x)),
    "dropout": (ROW, lambda x: k.Dropout(0.5)(x)),
    "noise": (ROW, lambda x: k.GaussianNoise(0.5)(k.GaussianDropout(0.5)(k.AlphaDropout(0.5)(x)))),
    "flatten": (STEPS, lambda x: k.Flatten()(x)),
    "reshape": (STEPS, lambda x: k.Reshape((3, -1))(x)),
    "permute": (STEPS, lambda x: k.Permute((2, 1))(x)),
    "identity": (STEPS, lambda x: k.Identity()(x)),
    "activity": (STEPS, lambda x: k.ActivityRegularization(l1=0.1)(x)),
    **{n.lower(): (ROW, lambda x, n=n: getattr(k, n)()([x, k.Dense(I)(x)])) for n in MERGES},
    "concatenate_axis": (STEPS, lambda x: k.Concatenate(axis=1)([x, x])),
    "dot": (STEPS, lambda x: k.Dot(axes=(2, 2))([x, k.Dense(I)(x)])),
    "dot_normalized": (ROW, lambda x: k.Dot(axes=1, normalize=True)([x, k.Dense(I)(x)])),
    "attention": (STEPS, lambda x: k.Attention(use_scale=True)([x, k.Dense(I)(x)])),
    "attention_concat": (STEPS, lambda x: k.Attention(score_mode="concat")([x, k.Dense(I)(x)])),
    "additive": (STEPS, lambda x: k.AdditiveAttention()([x, k.Dense(I)(x)])),
    "multi_head": (STEPS, lambda x: k.MultiHeadAttention(2, 3)(x, k.Dense(I)(x))),
    "mixed_names": (ROW, lambda x: k.Dense(2, name="a/b")(x)),
}  # fmt: skip


def write(branches, path):
    """One file of all branches, with random weights, and what it predicts."""
    inputs = [k.Input(shape, name=f"in_{name}") for name, (shape, _) in branches.items()]
    outputs = [make(x) for x, (_, make) in zip(inputs, branches.values(), strict=True)]
    model = tf_keras.Model(inputs, outputs)
    model.set_weights([random_like(w) for w in model.weights])
    data = [x_of(shape) for shape, _ in branches.values()]
    model.save(path, save_format="h5")
    return dict(zip(branches, zip(data, model(data), strict=True), strict=True)), model


def random_like(w):
    if not w.dtype.is_floating:
        return w.numpy()
    value = RANDOM.normal(scale=0.5, size=w.shape)
    return np.abs(value) + 0.1 if "variance" in w.name else value


def x_of(shape):
    x = RANDOM.normal(size=(B, *shape)).astype("float32")
    if len(shape) == 2:
        x[0, -2:], x[1, :1] = 0, 0  # for Masking
    return x


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keras2")


def compare(branches, path):
    expected, _ = write(branches, path)
    model = models.load_model(path, compile=False)
    found = model([x for x, _ in expected.values()])
    wrong = {}
    for name, (_, y), ours in zip(expected, expected.values(), found, strict=True):
        difference = np.abs(np.asarray(y) - keras.ops.convert_to_numpy(ours)).max()
        if np.shape(y) != tuple(ours.shape) or not difference < 1e-6 * max(1, np.abs(y).max()):
            wrong[name] = (difference, np.shape(y), tuple(ours.shape))
    assert not wrong


def test_recurrent_layers(folder):
    compare(RECURRENT, folder / "recurrent.h5")


def test_other_layers(folder):
    compare(OTHERS, folder / "others.h5")
