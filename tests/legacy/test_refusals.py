"""What has no meaning is refused with what must be, what came, and what to write instead."""

import re

import numpy as np
import pytest
from calls import translate


@pytest.mark.parametrize(
    ("error", "layer", "args", "kwargs", "text"),
    [
        (
            TypeError,
            "SimpleRNN",
            (3,),
            {"input_shape": 10},
            "SimpleRNN: input_shape must be a tuple with a number for each axis, got 10; "
            "write input_shape=(10,)",
        ),
        (
            TypeError,
            "LSTM",
            (3,),
            {"input_shape": (2, "10")},
            "LSTM: input_shape must be made of whole numbers and None, got '10'",
        ),
        (
            TypeError,
            "Dense",
            (3,),
            {"input_dim": 2.5},
            "Dense: input_dim must be made of whole numbers and None, got 2.5",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"batch_input_shape": (-1, 2, 10)},
            "LSTM: batch_input_shape must not be negative, got -1; write None",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"batch_input_shape": ()},
            "LSTM: batch_input_shape must have a batch axis, got ()",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"batch_input_shape": (8, 2, 10), "input_shape": (3, 10)},
            "LSTM got batch_input_shape=(8, 2, 10) and input_shape=(3, 10), "
            "which disagree; give one",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"batch_input_shape": (8, 2, 10), "batch_size": 4},
            "LSTM got batch_input_shape=(8, 2, 10) and batch_size=4, which disagree; give one",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"input_shape": (2, 10), "input_dim": 5},
            "LSTM got input_shape=(2, 10) and input_dim=5, which disagree; give one",
        ),
        (
            TypeError,
            "LSTM",
            (3,),
            {"init": "uniform", "kernel_initializer": "normal"},
            "LSTM got init='uniform' and kernel_initializer='normal', which are one argument "
            "today; give only kernel_initializer",
        ),
        (
            TypeError,
            "Conv2D",
            (),
            {"filters": 3, "nb_row": 3, "nb_col": 3, "kernel_size": 5},
            "Conv2D got (nb_row, nb_col)=(3, 3) and kernel_size=5, which are one argument today; "
            "give only kernel_size",
        ),
        (
            TypeError,
            "Conv2D",
            (8,),
            {"nb_row": 3},
            "Conv2D got no nb_col; write kernel_size=(nb_row, nb_col)",
        ),
        (
            TypeError,
            "LSTM",
            (3,),
            {"units": 4},
            "LSTM got 'units' twice: 3 by position and 4 by name; give it once",
        ),
        (
            TypeError,
            "Dropout",
            (0.1, None, 1, "x"),
            {},
            "Dropout takes at most 3 arguments by position, got 4; give the rest by name",
        ),
        (
            TypeError,
            "Add",
            (3,),
            {},
            "Add takes only named arguments, got 1; give the rest by name",
        ),
        (
            TypeError,
            "LSTM",
            (3,),
            {"weights": 3},
            "LSTM: weights must be a list of arrays, got 3",
        ),
        (
            ValueError,
            "Conv2D",
            (8, 3),
            {"dim_ordering": "thf"},
            "Conv2D: dim_ordering must be 'th' or 'tf' or 'default', got 'thf'; "
            "write data_format='channels_last' or 'channels_first'",
        ),
        (
            ValueError,
            "Conv1D",
            (8, 3),
            {"border_mode": "full"},
            "Conv1D: border_mode must be 'valid' or 'same', got 'full'; for 'full' pad by "
            "kernel_size - 1 with a ZeroPadding layer and write padding='valid'",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"forget_bias_init": "uniform"},
            "LSTM: forget_bias_init must be 'one' or 'ones' or 'zero' or 'zeros', got 'uniform'; "
            "for other values write unit_forget_bias=False and bias_initializer=",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"consume_less": "time"},
            "LSTM: consume_less must be 'cpu' or 'mem' or 'gpu', got 'time'; "
            "leave it out: it changes speed only",
        ),
        (
            ValueError,
            "BatchNormalization",
            (),
            {"mode": 1},
            "BatchNormalization takes no mode=1 any more; mode=1 (each sample by itself) is "
            "LayerNormalization() today, mode=2 (never the moving averages) is this layer called "
            "with training=True",
        ),
        (
            ValueError,
            "Embedding",
            (9, 4),
            {"dropout": 0.2},
            "Embedding takes no dropout=0.2 any more; write SpatialDropout1D(0.2) after it",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"input_tensor": "x"},
            "LSTM takes no input_tensor='x' any more; "
            "write Input(tensor=...) and call the layer on it",
        ),
        (
            ValueError,
            "LSTM",
            (3,),
            {"ragged": True},
            "LSTM takes no ragged=True any more; pad the rows and give the layer a mask",
        ),
        (
            ValueError,
            "StackedRNNCells",
            ([],),
            {"reverse_state_order": True},
            "StackedRNNCells takes no reverse_state_order=True any more; "
            "reverse the states where you give or read them",
        ),
        (
            ValueError,
            "ZeroPadding1D",
            ({"top_pad": 1},),
            {},
            "ZeroPadding1D: padding must have the keys ('left_pad', 'right_pad'), got ['top_pad']",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_the_sentence(error, layer, args, kwargs, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        translate(layer, *args, **kwargs)


@pytest.mark.parametrize(
    ("layer", "wrong", "meant"),
    [
        ("LSTM", "retrun_sequences", "return_sequences"),
        ("LSTM", "batch_inputshape", "batch_input_shape"),
        ("Dense", "activaton", "activation"),
        ("GRU", "recurent_dropout", "recurrent_dropout"),
        ("GRU", "inner_initt", "inner_init"),
        ("Bidirectional", "merge_node", "merge_mode"),
        ("Dropout", "input_shpe", "input_shape"),
    ],
)
def test_an_unknown_argument_names_the_nearest(layer, wrong, meant):
    with pytest.raises(TypeError) as error:
        translate(layer, 3, **{wrong: 1})
    text = f"{layer} got an unknown argument {wrong!r}; did you mean {meant!r}? It takes: "
    assert str(error.value).startswith(text)


def test_an_unknown_argument_like_no_other():
    with pytest.raises(TypeError) as error:
        translate("Dropout", 0.5, qqq=1)
    assert str(error.value) == (
        "Dropout got an unknown argument 'qqq'. It takes: rate, noise_shape, seed, name, "
        "trainable, dtype, autocast, activity_regularizer"
    )


@pytest.mark.parametrize(
    ("layer", "argument"),
    [("Dense", "inner_init"), ("SimpleRNN", "inner_activation"), ("Dense", "time_major")],
)
def test_an_argument_of_another_layer_is_unknown(layer, argument):
    with pytest.raises(TypeError, match=f"{layer} got an unknown argument '{argument}'"):
        translate(layer, 3, **{argument: "tanh"})


def test_arrays_given_under_both_names_are_compared_by_identity():
    rate = np.array([0.1, 0.2])
    assert translate("Dropout", p=rate, rate=rate).kwargs["rate"] is rate
    with pytest.raises(TypeError, match="which are one argument today"):
        translate("Dropout", p=rate, rate=rate.copy())


def test_the_same_value_under_both_names_is_no_contradiction():
    assert translate("Dropout", p=0.5, rate=0.5).kwargs == {"rate": 0.5}
