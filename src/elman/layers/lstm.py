"""`LSTM`: long short-term memory."""

import keras

from elman.layers.arguments import old_arguments
from elman.layers.cells import Cell
from elman.layers.cudnn import CuDNN
from elman.layers.rnn import RNN


@keras.saving.register_keras_serializable("elman")
@old_arguments
class LSTMCell(Cell, keras.layers.LSTMCell):
    """One step of `LSTM`.

    i, f, c', o = split(W_x x_t + W_h h_{t-1} + b)
    c_t = s(f) * c_{t-1} + s(i) * a(c'),  h_t = s(o) * a(c_t)

    Arguments and errors as in `LSTM`. Called with x_t of shape (batch, features) and the states
    [h, c], each of shape (batch, units), it returns h_t and the new states.

    Example:
        >>> import numpy as np
        >>> from elman.layers import LSTMCell
        >>> zeros = np.zeros((8, 3), "float32")
        >>> h, (h_again, c) = LSTMCell(3)(np.ones((8, 10), "float32"), [zeros, zeros])
        >>> tuple(h.shape), tuple(c.shape)
        ((8, 3), (8, 3))

    Source: Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997),
    1735-1780.
    """


@keras.saving.register_keras_serializable("elman")
@old_arguments
class LSTM(CuDNN, keras.layers.LSTM, RNN):
    """Long short-term memory: a cell state c that gates write, keep and read.

    i, f, c', o = split(W_x x_t + W_h h_{t-1} + b)
    c_t = s(f) * c_{t-1} + s(i) * a(c'),  h_t = s(o) * a(c_t)

    W_x [I, 4H], W_h [H, 4H], b [4H], gates in the order i, f, c, o.

    Arguments:
        units: H, a positive integer.
        activation: a, ``"tanh"`` by default.
        recurrent_activation: s, ``"sigmoid"`` by default. The string ``"hard_sigmoid"`` is the one
            of Keras 1 and 2, clip(0.2 x + 0.5, 0, 1); pass ``keras.activations.hard_sigmoid`` for
            Keras 3's.
        unit_forget_bias: add 1 to the forget gate's bias at the start.
        use_cudnn: with torch and TensorFlow on a GPU, ``"auto"``, True (an error where cuDNN
            cannot) or False. JAX computes without it, and faster.
        use_bias, the initializers, regularizers and constraints, dropout, recurrent_dropout, seed,
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask,
        time_major, batch_input_shape, weights ...: as in `SimpleRNN`.

    Returns:
        Array of shape (batch, timesteps, H) with ``return_sequences=True``, else (batch, H); with
        ``return_state=True`` also the final h and c of shape (batch, H).

    Raises:
        ValueError: an argument or an array of a shape that cannot be.
        TypeError: an argument that the layer does not know.

    Example:
        >>> import numpy as np
        >>> from elman.layers import LSTM
        >>> output, h, c = LSTM(3, return_state=True)(np.ones((8, 2, 10), "float32"))
        >>> tuple(output.shape), tuple(c.shape)
        ((8, 3), (8, 3))

    Source: Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997),
    1735-1780; forget gate: Gers, Schmidhuber, Cummins, Neural Computation 12 (2000), 2451-2471.
    """

    call = RNN.call  # Keras's own takes no constants
