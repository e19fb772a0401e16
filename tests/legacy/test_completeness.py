"""Every constructor argument that Keras 1 and Keras 2 had is passed, translated or refused."""

import keras
import pytest
from calls import translate
from facts import KERAS1, KERAS1_ANY, KERAS1_GONE, KERAS2, KERAS2_ANY, KERAS2_GONE

from elman.legacy import arguments, tables

# One legal value for each argument; None is legal for the others.
VALUES = {
    **dict.fromkeys(["output_dim", "units", "nb_filter", "filters", "input_dim", "n"], 4),
    **dict.fromkeys(["nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"], 3),
    **dict.fromkeys(["filter_length", "kernel_size", "input_length", "num_bins"], 3),
    **dict.fromkeys(["num_heads", "key_dim", "height", "width", "groups", "batch_size"], 2),
    **dict.fromkeys(["strides", "subsample_length", "dilation_rate", "pool_length", "length"], 1),
    **dict.fromkeys(["depth_multiplier", "power_iterations", "implementation"], 1),
    **dict.fromkeys(["init", "inner_init", "gamma_init", "beta_init"], "uniform"),
    **dict.fromkeys(["activation", "inner_activation", "recurrent_activation"], "tanh"),
    **dict.fromkeys(["padding", "border_mode"], "valid"),
    **dict.fromkeys(["subsample", "atrous_rate", "size", "pool_size"], (2, 2)),
    **dict.fromkeys(["p", "rate", "dropout_W", "dropout_U", "recurrent_dropout"], 0.5),
    **dict.fromkeys(["sigma", "stddev", "theta", "l1", "l2", "scale", "epsilon"], 0.5),
    **dict.fromkeys(["dropout", "mode"], 0),
    "alpha": 0.5,
    "forget_bias_init": "one",
    "consume_less": "mem",
    "dim_ordering": "tf",
    "output_shape": (None, 8, 8, 4),
    "layer": keras.layers.LSTM(2),
    "cell": keras.layers.LSTMCell(2),
    "cells": [keras.layers.LSTMCell(2)],
    "merge_mode": "sum",
    "weights": [],
    "input_shape": (3, 4),
    "batch_input_shape": (2, 3, 4),
    "input_dtype": "float32",
    "dtype": "float32",
    "name": "named",
    "equation": "ab,bc->ac",
    "bin_boundaries": [0.0, 1.0],
    "target_shape": (4,),
    "dims": (1,),
    "axes": 1,
    "axis": -1,
    "cropping": 1,
    "function": abs,
    **dict.fromkeys(["negative_slope", "threshold"], 0.0),
    "arguments": {},
    "score_mode": "dot",
    "interpolation": "nearest",
    **dict.fromkeys(["trainable", "mask_zero", "unroll", "return_sequences", "bias"], True),
    "momentum": 0.9,
    "factor": 0.5,
    "output_mode": "int",
    "num_oov_indices": 1,
}
# Values whose form depends on the layer.
OF_A_LAYER = {
    ("UpSampling1D", "size"): 2,
    ("MaxPooling1D", "pool_size"): 2,
    ("AveragePooling1D", "pool_size"): 2,
    ("ConvLSTM2D", "subsample"): (1, 1),
    ("Convolution3D", "subsample"): (2, 2, 2),
    ("UpSampling3D", "size"): (2, 2, 2),
    ("MaxPooling3D", "pool_size"): (2, 2, 2),
    ("AveragePooling3D", "pool_size"): (2, 2, 2),
    ("AtrousConvolution1D", "atrous_rate"): 2,
    ("ZeroPadding1D", "padding"): 1,
    ("ZeroPadding2D", "padding"): 1,
    ("ZeroPadding3D", "padding"): 1,
    ("BatchNormalization", "scale"): True,
    ("LayerNormalization", "scale"): True,
    ("GroupNormalization", "scale"): True,
    ("RandomFlip", "mode"): "horizontal",
    ("EinsumDense", "output_shape"): 4,
    ("MultiHeadAttention", "output_shape"): 4,
    ("TimeDistributed", "layer"): keras.layers.Dense(2),
    ("SpectralNormalization", "layer"): keras.layers.Dense(2),
    ("Concatenate", "axis"): 1,
    ("Lambda", "output_shape"): (4,),
    ("InputLayer", "input_shape"): None,  # beside the batch_input_shape it always has here
    ("InputLayer", "batch_size"): None,
    ("Discretization", "num_bins"): None,
    ("Hashing", "dtype"): "int64",
    ("IntegerLookup", "vocabulary_dtype"): "int64",
}
REQUIRED = [
    "output_dim",
    "units",
    "nb_filter",
    "filters",
    "filter_length",
    "kernel_size",
    "nb_row",
    "nb_col",
    "kernel_dim1",
    "kernel_dim2",
    "kernel_dim3",
    "layer",
    "cell",
    "cells",
    "equation",
    "output_shape",
    "num_heads",
    "key_dim",
    "rate",
    "p",
    "sigma",
    "stddev",
    "function",
    "target_shape",
    "dims",
    "n",
    "activation",
    "axes",
    "height",
    "width",
    "scale",
    "num_bins",
]

NEEDED = {
    "Embedding": ["input_dim", "output_dim"],
    "InputLayer": ["batch_input_shape"],
    "Discretization": ["bin_boundaries"],
}


# Keras asks for the tensorflow package to make these, on any backend.
OF_TENSORFLOW = ("Hashing", "IntegerLookup", "StringLookup", "TextVectorization")


def todays_layer(layer, kwargs):
    name = tables.today(layer)
    if name in OF_TENSORFLOW:
        pytest.importorskip("tensorflow")
    return getattr(keras.layers, name)(**kwargs)


def value(layer, name):
    return OF_A_LAYER.get((layer, name), VALUES.get(name))


def calls(facts, everywhere):
    """Each argument of each layer, with the arguments without which there is no call."""
    for layer, written in facts.items():
        names = [name for name in written if name != "|"]
        for name in [*names, *(name for name in everywhere if name not in names)]:
            needed = [other for other in names if other in REQUIRED or other == name]
            needed += NEEDED.get(layer, ())
            kwargs = {other: value(layer, other) for other in (*needed, name)}
            yield pytest.param(layer, name, kwargs, id=f"{layer}-{name}")


@pytest.mark.parametrize(
    ("layer", "name", "kwargs"), [*calls(KERAS1, KERAS1_ANY), *calls(KERAS2, KERAS2_ANY)]
)
def test_todays_constructor_takes_what_the_old_one_took(layer, name, kwargs):
    translated = translate(layer, **kwargs)
    taken = [note for note in translated.notes if note.startswith(name) or f", {name}" in note]
    fields = ("batch_input_shape", "weights", "time_major", "input_dtype")
    assert name in translated.kwargs or taken or name in fields
    todays_layer(layer, translated.kwargs)


@pytest.mark.parametrize("layer", [*KERAS1_GONE, *KERAS2_GONE])
def test_a_layer_that_is_gone_says_what_to_write(layer):
    with pytest.raises(ValueError, match=f"^{layer} is gone; write .+"):
        arguments.translate(layer, (), {}, ())


@pytest.mark.parametrize("layer", [name for name in KERAS1 if "|" not in KERAS1[name]])
def test_all_values_of_a_keras_1_call_by_position(layer):
    """The whole call by position is the whole call by name."""
    names = KERAS1[layer]
    values = [value(layer, name) for name in names]
    by_name = translate(layer, **dict(zip(names, values, strict=True)))
    by_position = translate(layer, *values)
    assert by_position.kwargs == by_name.kwargs
    assert by_position.batch_input_shape == by_name.batch_input_shape
    assert by_position.weights == by_name.weights


@pytest.mark.parametrize("layer", sorted({*KERAS1, *KERAS2} - {"InputLayer"}))
def test_what_a_layer_says_of_itself_comes_back_unchanged(layer):
    """`from_config` calls the constructor with `get_config`: nothing there is translated."""
    old = [*KERAS2.get(layer, KERAS1.get(layer, ()))]
    needed = [name for name in old if name in REQUIRED] + NEEDED.get(layer, [])
    call = translate(layer, **{name: value(layer, name) for name in needed})
    config = todays_layer(layer, call.kwargs).get_config()
    assert translate(layer, **config).kwargs == config
