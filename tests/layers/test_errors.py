"""What a user reads who gives a recurrent layer something it cannot take."""

import numpy as np
import pytest

from elman import layers

X = np.zeros((8, 2, 10), "float32")


def refused(error, call):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("units", [0, -3, 2.5, "3", None, True], ids=repr)
@pytest.mark.parametrize(
    "name", ["SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell"]
)
def test_units(name, units):
    said = refused(ValueError, lambda: getattr(layers, name)(units))
    assert said == (
        f"{name}: units must be a positive integer, got {units!r}; write for example {name}(32)."
    )


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_units_may_be_an_integer_of_numpy(name):
    assert getattr(layers, name)(np.int64(3))(X).shape[-1] == 3


def test_a_missing_axis():
    said = refused(ValueError, lambda: layers.SimpleRNN(3, name="rnn")(X[0]))
    assert said == (
        "SimpleRNN 'rnn' must be given an array of shape (batch, timesteps, features), got "
        "(2, 10); add the missing axis: x[:, :, None] for one feature a step, x[None] for a batch "
        "of one."
    )


def test_two_missing_axes():
    said = refused(ValueError, lambda: layers.GRU(3, name="rnn")(X[0, 0]))
    assert "got (10,); add the missing axes, for example x[None, :, None]" in said


def test_an_axis_too_many():
    said = refused(ValueError, lambda: layers.LSTM(3, name="rnn")(X[..., None]))
    assert "got (8, 2, 10, 1); join the axes of one step" in said


def test_another_number_of_features():
    layer = layers.LSTM(3, name="rnn")
    layer(X)
    assert refused(ValueError, lambda: layer(X[..., :7])) == (
        "LSTM 'rnn' must be given 10 features in the last axis, as it was built, got 7 in "
        "(8, 2, 7); give the same features, or make a new layer for these."
    )


@pytest.mark.parametrize("shape", [(8,), (8, 3), (2, 8), (8, 2, 10)], ids=str)
def test_a_mask_of_another_shape(shape):
    said = refused(ValueError, lambda: layers.GRU(3, name="rnn")(X, mask=np.ones(shape, bool)))
    assert said == (
        "GRU 'rnn': mask must have the shape (batch, timesteps) = (8, 2) of its input, got "
        f"{shape}; give one True or False for each step of each row."
    )


def test_a_state_of_another_shape():
    state = [np.zeros((8, 4)), np.zeros((8, 3))]
    assert refused(ValueError, lambda: layers.LSTM(3, name="rnn")(X, initial_state=state)) == (
        "LSTM 'rnn': initial_state must be 2 array(s) of the shapes [(8, 3), (8, 3)], "
        "(batch, units) each, got [(8, 4), (8, 3)]; give one array for each state, in the order "
        "in which return_state=True returns them."
    )


def test_too_few_states():
    pair = layers.Bidirectional(layers.GRU(3), name="pair")
    said = refused(ValueError, lambda: pair(X, initial_state=[np.zeros((8, 3))]))
    assert "Bidirectional 'pair': initial_state must be 2 array(s)" in said
    assert "got [(8, 3)]" in said


def test_an_unknown_argument():
    said = refused(TypeError, lambda: layers.LSTM(3, retrun_sequences=True))
    assert said.startswith(
        "LSTM got an unknown argument 'retrun_sequences'; did you mean 'return_sequences'?"
    )
    assert "cell" not in said.split("It takes: ")[1].split(", ")


def test_another_batch_than_the_stateful_one():
    layer = layers.SimpleRNN(3, stateful=True, name="rnn")
    layer(X)
    assert refused(ValueError, lambda: layer(X[:5])) == (
        "SimpleRNN 'rnn' is stateful and must keep its batch size: it was built for a batch of 8, "
        "got a batch of 5; give 8 rows at a time (batch_size=8), or build the model with "
        "batch_input_shape=(5, ...)."
    )


def test_stateful_without_a_batch_size():
    said = refused(
        ValueError, lambda: layers.GRU(3, stateful=True, name="rnn").build((None, 2, 10))
    )
    assert "GRU 'rnn' is stateful, so it must know its batch size" in said
    assert "batch_input_shape=(batch, timesteps, features)" in said


def test_resetting_what_carries_nothing():
    said = refused(ValueError, lambda: layers.GRU(3, name="rnn").reset_states())
    assert said == (
        "GRU 'rnn' must be stateful to reset its states, got stateful=False; make it with "
        "stateful=True."
    )


def test_unrolling_an_unknown_number_of_steps():
    layer = layers.GRU(3, unroll=True, name="rnn")
    said = refused(ValueError, lambda: layer(layers.Input((None, 10))))
    assert "must know the number of timesteps to unroll" in said


def test_constants_for_a_cell_that_takes_none():
    said = refused(ValueError, lambda: layers.LSTM(3, name="rnn")(X, constants=[X[:, 0]]))
    assert "LSTM 'rnn' was given constants, which its cell LSTMCell does not take" in said


def test_engine():
    said = refused(ValueError, lambda: layers.GRU(3, engine="fast"))
    assert said == "GRU: engine must be one of 'auto', 'native', 'keras', got 'fast'."


def test_a_wish_for_the_native_engine_that_cannot_be_granted():
    layer = layers.GRU(3, activation="softplus", engine="native", name="rnn")
    said = refused(ValueError, lambda: layer(X))
    assert "GRU 'rnn' was made with engine='native', and there is no native computation" in said
    assert "softplus" in said


def test_bidirectional_of_no_recurrent_layer():
    said = refused(ValueError, lambda: layers.Bidirectional(layers.Dense(3)))
    assert said.startswith("Bidirectional: layer must be a recurrent layer, got <Dense")


def test_merge_mode():
    said = refused(ValueError, lambda: layers.Bidirectional(layers.GRU(3), merge_mode="max"))
    assert said == (
        "Bidirectional: merge_mode must be one of ['concat', 'sum', 'ave', 'mul', None], got 'max'."
    )


def test_a_stack_of_no_cells():
    said = refused(ValueError, lambda: layers.StackedRNNCells([]))
    assert said.startswith("StackedRNNCells: cells must be a list of at least one cell, got []")


def test_time_distributed_mask():
    layer = layers.TimeDistributed(layers.Dense(3), name="each")
    said = refused(ValueError, lambda: layer(X, mask=np.ones((8, 3), bool)))
    assert "'each': mask must begin with the shape (batch, timesteps) = (8, 2) of its input" in said
    assert "got (8, 3)" in said
