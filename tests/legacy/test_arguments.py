"""Each old argument keeps the meaning it had: one test for each row of what old code writes."""

import numpy as np
import pytest
from calls import today, translate

from elman.legacy import arguments

RECURRENT = ["SimpleRNN", "LSTM", "GRU"]


@pytest.mark.parametrize("layer", [*RECURRENT, "CuDNNLSTM", "CuDNNGRU"])
@pytest.mark.parametrize(
    ("said", "shape"),
    [
        ({"input_shape": (2, 10)}, (None, 2, 10)),
        ({"input_shape": [2, 10]}, (None, 2, 10)),
        ({"input_shape": (None, 10)}, (None, None, 10)),
        ({"input_shape": (np.int64(2), np.int32(10))}, (None, 2, 10)),
        ({"input_length": 2, "input_dim": 10}, (None, 2, 10)),
        ({"input_dim": 10}, (None, None, 10)),
        ({"input_length": 2}, (None, 2, None)),
        ({"batch_input_shape": (8, 2, 10)}, (8, 2, 10)),
        ({"batch_input_shape": [8, None, 10]}, (8, None, 10)),
        ({"batch_size": 8, "input_shape": (2, 10)}, (8, 2, 10)),
        ({"batch_size": 8, "input_length": 2, "input_dim": 10}, (8, 2, 10)),
        ({"batch_input_shape": (8, 2, 10), "input_shape": (2, 10)}, (8, 2, 10)),
        ({"batch_input_shape": (8, None, 10), "input_length": 2}, (8, None, 10)),
        ({"input_shape": None}, None),
        ({"batch_size": 8}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_shape_of_a_sequence(layer, said, shape):
    translated = translate(layer, 3, **said)
    assert translated.batch_input_shape == shape
    assert translated.kwargs == {"units": 3}


@pytest.mark.parametrize(
    ("layer", "args", "said", "shape"),
    [
        ("Dense", (4,), {"input_dim": 10}, (None, 10)),
        ("Dense", (4,), {"input_shape": (10,)}, (None, 10)),
        ("Dense", (4,), {"batch_input_shape": (8, 10)}, (8, 10)),
        ("Dense", (4,), {"input_dim": 10, "batch_size": 8}, (8, 10)),
        ("TimeDistributedDense", (4,), {"input_dim": 10, "input_length": 2}, (None, 2, 10)),
        ("Conv1D", (4, 3), {"input_dim": 10, "input_length": 20}, (None, 20, 10)),
        ("Convolution1D", (4, 3), {"input_dim": 10}, (None, None, 10)),
        ("Conv1DTranspose", (4, 3), {"input_dim": 10}, (None, None, 10)),
        ("Conv2D", (4, 3), {"input_shape": (28, 28, 1)}, (None, 28, 28, 1)),
        ("Masking", (0.0,), {"input_shape": (2, 10)}, (None, 2, 10)),
        ("Bidirectional", (None,), {"input_shape": (2, 10)}, (None, 2, 10)),
        ("Bidirectional", (None,), {"batch_input_shape": (8, 2, 10)}, (8, 2, 10)),
        ("Bidirectional", (None,), {"input_length": 2, "input_dim": 10}, (None, 2, 10)),
        ("TimeDistributed", (None,), {"input_shape": (2, 28, 28, 1)}, (None, 2, 28, 28, 1)),
        ("TimeDistributed", (None,), {"input_length": 2, "input_dim": 10}, (None, 2, 10)),
        ("RNN", (None,), {"input_length": 2, "input_dim": 10}, (None, 2, 10)),
        ("LSTMCell", (3,), {"batch_input_shape": (8, 10)}, (8, 10)),
        ("Flatten", (), {"input_shape": (28, 28)}, (None, 28, 28)),
        ("Embedding", (99, 8), {"input_length": 5}, (None, 5)),
        ("Embedding", (99, 8), {"input_length": (5, 6)}, (None, 5, 6)),
        ("Embedding", (99, 8), {"batch_input_shape": (8, 5)}, (8, 5)),
        ("Embedding", (99, 8), {"batch_size": 8, "input_length": 5}, (8, 5)),
        ("Embedding", (99, 8), {"input_shape": (5,)}, (None, 5)),
        ("Embedding", (99, 8), {}, (None, None)),
        ("Embedding", (), {"input_dim": 99, "output_dim": 8}, (None, None)),
    ],
    ids=str,
)
def test_the_shape_of_any_first_layer(layer, args, said, shape):
    assert translate(layer, *args, **said).batch_input_shape == shape


def test_an_input_layer_keeps_its_shape():
    assert today("InputLayer", input_shape=(2, 10)) == {"shape": (2, 10)}
    assert today("InputLayer", (2, 10), 8) == {"shape": (2, 10), "batch_size": 8}
    assert today("InputLayer", batch_input_shape=(8, 2, 10)) == {"batch_shape": (8, 2, 10)}
    assert today("InputLayer", input_dtype="int32", shape=(3,)) == {"dtype": "int32", "shape": (3,)}


def test_the_dtype_of_the_input_is_no_dtype_of_the_layer():
    translated = translate("LSTM", 3, input_shape=(2, 10), input_dtype="float64", dtype="float32")
    assert translated.input_dtype == "float64"
    assert translated.kwargs == {"units": 3, "dtype": "float32"}


@pytest.mark.parametrize("layer", RECURRENT)
def test_the_names_of_keras_1_recurrent_layers(layer):
    kwargs = today(
        layer,
        output_dim=3,
        init="uniform",
        inner_init="one",
        W_regularizer="l2",
        U_regularizer="l1",
        b_regularizer="l1l2",
        dropout_W=0.1,
        dropout_U=0.2,
        return_sequences=True,
    )
    both = {"class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.01}}
    expected = {
        "units": 3,
        "kernel_initializer": "uniform",
        "recurrent_initializer": "ones",
        "kernel_regularizer": "l2",
        "recurrent_regularizer": "l1",
        "bias_regularizer": both,
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "return_sequences": True,
    }
    assert {name: kwargs[name] for name in expected} == expected


def test_inner_activation():
    assert today("LSTM", 3, inner_activation="sigmoid")["recurrent_activation"] == "sigmoid"
    assert today("GRU", 3, inner_activation="relu")["recurrent_activation"] == "relu"


@pytest.mark.parametrize(("old", "new"), [("one", True), ("ones", True), ("zero", False)])
def test_forget_bias_init(old, new):
    assert today("LSTM", 3, forget_bias_init=old)["unit_forget_bias"] is new


def test_consume_less_is_the_implementation_where_there_is_one():
    modes = [
        today("LSTM", 3, consume_less=mode)["implementation"] for mode in ("cpu", "mem", "gpu")
    ]
    assert modes == [0, 1, 2]
    translated = translate("SimpleRNN", 3, consume_less="gpu")
    assert translated.kwargs == {"units": 3}
    assert translated.notes == ("consume_less -> implementation", "implementation=2 dropped")


def test_code_in_the_words_of_keras_1_has_its_defaults():
    assert today("LSTM", output_dim=3)["recurrent_activation"] == "hard_sigmoid"
    assert today("GRU", 3, init="uniform")["recurrent_activation"] == "hard_sigmoid"
    assert today("GRU", 3, init="uniform")["reset_after"] is False
    assert today("GRU", 3, init="uniform", reset_after=True)["reset_after"] is True
    assert today("GRU", 3, input_dim=2, return_sequences=True) == {
        "units": 3,
        "return_sequences": True,
    }
    convolution = today("ConvLSTM2D", nb_filter=4, nb_row=3, nb_col=3)
    assert convolution["recurrent_activation"] == "hard_sigmoid"


@pytest.mark.parametrize(
    ("layer", "old", "new"),
    [
        (
            "Dense",
            {"output_dim": 4, "init": "he_normal"},
            {"units": 4, "kernel_initializer": "he_normal"},
        ),
        ("Dense", {"units": 4, "bias": False}, {"units": 4, "use_bias": False}),
        (
            "Dense",
            {"units": 4, "W_constraint": "maxnorm", "b_constraint": "nonneg"},
            {"units": 4, "kernel_constraint": "max_norm", "bias_constraint": "non_neg"},
        ),
        (
            "Embedding",
            {"input_dim": 9, "output_dim": 4, "init": "normal", "W_constraint": "unitnorm"},
            {
                "input_dim": 9,
                "output_dim": 4,
                "embeddings_initializer": "normal",
                "embeddings_constraint": "unit_norm",
            },
        ),
        (
            "Embedding",
            {"input_dim": 9, "output_dim": 4, "W_regularizer": "l2", "dropout": 0.0},
            {"input_dim": 9, "output_dim": 4, "embeddings_regularizer": "l2"},
        ),
        (
            "Convolution1D",
            {"nb_filter": 4, "filter_length": 3, "border_mode": "same", "subsample_length": 2},
            {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2},
        ),
        (
            "Convolution2D",
            {"nb_filter": 4, "nb_row": 3, "nb_col": 5, "subsample": (2, 2), "dim_ordering": "th"},
            {
                "filters": 4,
                "kernel_size": (3, 5),
                "strides": (2, 2),
                "data_format": "channels_first",
            },
        ),
        (
            "AtrousConvolution2D",
            {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "atrous_rate": (2, 2)},
            {"filters": 4, "kernel_size": (3, 3), "dilation_rate": (2, 2)},
        ),
        (
            "Convolution3D",
            {"nb_filter": 4, "kernel_dim1": 3, "kernel_dim2": 5, "kernel_dim3": 7},
            {"filters": 4, "kernel_size": (3, 5, 7)},
        ),
        (
            "SeparableConvolution2D",
            {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "init": "one"},
            {
                "filters": 4,
                "kernel_size": (3, 3),
                "depthwise_initializer": "ones",
                "pointwise_initializer": "ones",
            },
        ),
        (
            "MaxPooling1D",
            {"pool_length": 2, "stride": 3, "border_mode": "same"},
            {"pool_size": 2, "strides": 3, "padding": "same"},
        ),
        (
            "AveragePooling2D",
            {"pool_size": (2, 2), "dim_ordering": "tf"},
            {"pool_size": (2, 2), "data_format": "channels_last"},
        ),
        ("UpSampling2D", {"dim_ordering": "channels_first"}, {"data_format": "channels_first"}),
        ("GlobalMaxPooling2D", {"dim_ordering": "default"}, {"data_format": None}),
        ("UpSampling1D", {"length": 3}, {"size": 3}),
        ("ZeroPadding1D", {"padding": {"left_pad": 1}}, {"padding": (1, 0)}),
        ("ZeroPadding2D", {"padding": (1, 2, 3, 4)}, {"padding": ((1, 2), (3, 4))}),
        (
            "ZeroPadding2D",
            {"padding": {"top_pad": 1, "right_pad": 4}},
            {"padding": ((1, 0), (0, 4))},
        ),
        ("Dropout", {"p": 0.5}, {"rate": 0.5}),
        ("SpatialDropout1D", {"p": 0.5, "trainable": False}, {"rate": 0.5}),
        ("SpatialDropout1D", {"p": 0.5, "autocast": False}, {"rate": 0.5}),
        ("GaussianDropout", {"p": 0.5}, {"rate": 0.5}),
        ("GaussianNoise", {"sigma": 0.5}, {"stddev": 0.5}),
        ("LeakyReLU", {"alpha": 0.1}, {"negative_slope": 0.1}),
        ("PReLU", {"init": "zero"}, {"alpha_initializer": "zeros"}),
        ("ThresholdedReLU", {"theta": 2.0}, {"threshold": 2.0}),
        ("ThresholdedReLU", {}, {"threshold": 1.0}),
        ("AveragePooling1D", {}, {"pool_size": 2}),
        (
            "BatchNormalization",
            {"mode": 0, "gamma_init": "one", "beta_init": "zero"},
            {"gamma_initializer": "ones", "beta_initializer": "zeros"},
        ),
    ],
    ids=str,
)
def test_the_names_of_keras_1(layer, old, new):
    assert today(layer, **old) == new


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("kernel_initializer", "zero", "zeros"),
        ("kernel_initializer", "glorot_normal", "glorot_normal"),
        ("kernel_regularizer", "activity_l1", "l1"),
        (
            "kernel_regularizer",
            {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1},
            {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.1}},
        ),
        (
            "activity_regularizer",
            {"name": "ActivityRegularizer", "l2": 0.1},
            {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.1}},
        ),
        (
            "kernel_constraint",
            {"name": "MaxNorm", "m": 3, "axis": 1},
            {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 1}},
        ),
        (
            "kernel_constraint",
            {"name": "MinMaxNorm", "low": 0.1, "high": 2.0, "rate": 0.5},
            {
                "class_name": "MinMaxNorm",
                "config": {"min_value": 0.1, "max_value": 2.0, "rate": 0.5},
            },
        ),
    ],
    ids=str,
)
def test_values_in_the_form_of_keras_1(name, old, new):
    assert today("Dense", 3, **{name: old}) == {"units": 3, name: new}


def test_objects_pass_untouched():
    given = {"kernel_initializer": object(), "kernel_regularizer": object(), "dtype": object()}
    kwargs = today("LSTM", 3, unroll=True, zero_output_for_mask=True, **given)
    assert all(kwargs[name] is value for name, value in given.items())
    for layer in ("LSTM", "GRU", "LSTMCell", "GRUCell"):
        assert today(layer, 3, implementation=1) == {"units": 3, "implementation": 1}
    assert kwargs["unroll"] is True
    assert kwargs["zero_output_for_mask"] is True


@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM", "GRU", "RNN"])
def test_time_major_is_a_field(layer):
    assert translate(layer, 3, time_major=True).time_major is True
    assert translate(layer, 3).time_major is False


def test_weights_are_a_field():
    arrays = [np.ones((2, 3)), np.ones((3, 3)), np.ones(3)]
    assert translate("SimpleRNN", 3, weights=arrays).weights == arrays
    assert translate("Bidirectional", None, weights=tuple(arrays)).weights == arrays
    matrix = np.ones((9, 4))
    for given in (matrix, [matrix]):
        translated = translate("Embedding", 9, 4, weights=given)
        assert translated.weights[0] is matrix
        assert len(translated.weights) == 1
        assert "weights" not in translated.kwargs
    rows = [[1.0, 2.0], [3.0, 4.0]]
    assert translate("Embedding", 2, 2, weights=rows).weights == [rows]
    assert translate("LSTM", 3, weights=None).weights is None


@pytest.mark.parametrize(
    ("layer", "args", "old", "new"),
    [
        ("LSTM", (3, "relu"), {}, {"units": 3, "activation": "relu"}),
        (
            "SimpleRNN",
            (3, "uniform", "orthogonal", "relu"),
            {},
            {
                "units": 3,
                "kernel_initializer": "uniform",
                "recurrent_initializer": "orthogonal",
                "activation": "relu",
            },
        ),
        (
            "LSTM",
            (3, "uniform", "normal", "one", "relu", "tanh"),
            {},
            {
                "units": 3,
                "kernel_initializer": "uniform",
                "recurrent_initializer": "normal",
                "unit_forget_bias": True,
                "activation": "relu",
                "recurrent_activation": "tanh",
            },
        ),
        (
            "Dense",
            (4, "uniform", "relu"),
            {},
            {"units": 4, "kernel_initializer": "uniform", "activation": "relu"},
        ),
        ("Dense", (4, "relu"), {}, {"units": 4, "activation": "relu"}),
        ("Dense", (4, "relu", False), {}, {"units": 4, "activation": "relu", "use_bias": False}),
        (
            "Embedding",
            (9, 4, "uniform", 5),
            {},
            {"input_dim": 9, "output_dim": 4, "embeddings_initializer": "uniform"},
        ),
        (
            "Embedding",
            (9, 4, "uniform", None, None, None, True),
            {},
            {
                "input_dim": 9,
                "output_dim": 4,
                "embeddings_initializer": "uniform",
                "embeddings_regularizer": None,
                "activity_regularizer": None,
                "embeddings_constraint": None,
                "mask_zero": True,
            },
        ),
        (
            "Embedding",
            (9, 4, "uniform", None, "l2"),
            {"dropout": 0.0},
            {
                "input_dim": 9,
                "output_dim": 4,
                "embeddings_initializer": "uniform",
                "embeddings_regularizer": "l2",
            },
        ),
        ("Conv2D", (8, 3, 2), {}, {"filters": 8, "kernel_size": 3, "strides": 2}),
        (
            "Conv2D",
            (8, 3, 2),
            {"bias": True},
            {"filters": 8, "kernel_size": (3, 2), "use_bias": True},
        ),
        (
            "Conv2D",
            (8, 3, 2, "relu"),
            {},
            {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "relu"},
        ),
        (
            "Conv2D",
            (8, 3, 2, "he_normal", "relu"),
            {},
            {
                "filters": 8,
                "kernel_size": (3, 2),
                "kernel_initializer": "he_normal",
                "activation": "relu",
            },
        ),
        ("Convolution2D", (8, 3, 2), {}, {"filters": 8, "kernel_size": (3, 2)}),
        ("Convolution2D", (8, (3, 2)), {}, {"filters": 8, "kernel_size": (3, 2)}),
        ("Convolution2D", (8, 3), {}, {"filters": 8, "kernel_size": 3}),
        ("Conv3D", (8, 3, 5, 7), {}, {"filters": 8, "kernel_size": (3, 5, 7)}),
        ("Convolution3D", (8, 3, 5, 7), {}, {"filters": 8, "kernel_size": (3, 5, 7)}),
        (
            "Convolution1D",
            (8, 3, "uniform", "relu"),
            {},
            {"filters": 8, "kernel_size": 3, "kernel_initializer": "uniform", "activation": "relu"},
        ),
        ("MaxPooling1D", (2, 3, "same"), {}, {"pool_size": 2, "strides": 3, "padding": "same"}),
        (
            "MaxPooling2D",
            ((2, 2), None, "same", "th"),
            {},
            {
                "pool_size": (2, 2),
                "strides": None,
                "padding": "same",
                "data_format": "channels_first",
            },
        ),
        ("UpSampling2D", ((2, 2), "tf"), {}, {"size": (2, 2), "data_format": "channels_last"}),
        ("ZeroPadding2D", ((1, 1), "tf"), {}, {"padding": (1, 1), "data_format": "channels_last"}),
        ("BatchNormalization", (1e-5,), {}, {"epsilon": 1e-5}),
        ("BatchNormalization", (1,), {}, {"axis": 1}),
        ("BatchNormalization", (1e-5, 0, 1), {}, {"epsilon": 1e-5, "axis": 1}),
        ("Dropout", (0.5,), {}, {"rate": 0.5}),
        (
            "CuDNNGRU",
            (3, "uniform", "normal"),
            {},
            {"units": 3, "kernel_initializer": "uniform", "recurrent_initializer": "normal"},
        ),
        ("ThresholdedReLU", (2.0,), {}, {"threshold": 2.0}),
        (
            "PReLU",
            ("zero", None, [1, 2]),
            {},
            {"alpha_initializer": "zeros", "shared_axes": [1, 2]},
        ),
        (
            "Deconvolution2D",
            (8, 3, 3, (None, 3, 14, 14)),
            {"subsample": (2, 2)},
            {"filters": 8, "kernel_size": (3, 3), "strides": (2, 2)},
        ),
    ],
    ids=str,
)
def test_values_by_position_are_read_in_an_old_order_where_only_that_fits(layer, args, old, new):
    kwargs = today(layer, *args, **old)
    defaults = {"recurrent_activation"} - set(new)
    assert {name: value for name, value in kwargs.items() if name not in defaults} == new


def test_keras_2_order_of_a_gated_layer():
    values = [3, "tanh", "sigmoid", True, "zeros", "zeros", "zeros", True, *[None] * 7]
    kwargs = today("LSTM", *values, 0.1, 0.2, True)
    assert kwargs["recurrent_dropout"] == 0.2
    assert kwargs["return_sequences"] is True
    assert "seed" not in kwargs


def test_notes_say_each_translation():
    translated = translate("LSTM", 3, init="zero", input_dim=2, dynamic=True, batch_size=None)
    assert set(translated.notes) == {
        "init -> kernel_initializer",
        "kernel_initializer='zero' -> 'zeros'",
        "input_dim -> Input(batch_shape=(None, None, 2))",
        "batch_size -> Input(batch_shape=(None, None, 2))",
        "dynamic=True dropped",
        "recurrent_activation='hard_sigmoid' (Keras 1's default)",
    }
    batched = translate("LSTM", 3, activation="relu", batch_input_shape=(8, 2, 10))
    assert batched.notes == ("batch_input_shape -> Input(batch_shape=(8, 2, 10))",)
    assert translate("LSTM", 3, activation="relu").notes == ()


def test_a_layer_that_keras_3_dropped_has_its_keras_1_names_too():
    keras2 = "filters kernel_size strides padding activation use_bias kernel_initializer"
    call = arguments.translate(
        "LocallyConnected1D",
        (4, 3, "uniform", "relu"),
        {"subsample_length": 2, "bias": False, "implementation": 2, "input_shape": (9, 2)},
        keras2.split(),
    )
    assert call.batch_input_shape == (None, 9, 2)
    assert call.kwargs == {
        "filters": 4,
        "kernel_size": 3,
        "kernel_initializer": "uniform",
        "activation": "relu",
        "strides": 2,
        "use_bias": False,
    }
