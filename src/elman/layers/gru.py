"""`GRU`: gated recurrent unit."""

import keras

from elman.layers.arguments import old_arguments
from elman.layers.cells import Cell
from elman.layers.cudnn import CuDNN
from elman.layers.rnn import RNN


@keras.saving.register_keras_serializable("elman")
@old_arguments
class GRUCell(Cell, keras.layers.GRUCell):
    """One step of `GRU`; the equations and arguments are there.

    Called with x_t of shape (batch, features) and a list of one state of shape (batch, units), it
    returns h_t and the new state.

    Example:
        >>> import numpy as np
        >>> from elman.layers import GRUCell
        >>> h, states = GRUCell(3)(np.ones((8, 10), "float32"), [np.zeros((8, 3), "float32")])
        >>> tuple(h.shape)
        (8, 3)

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
    """


@keras.saving.register_keras_serializable("elman")
@old_arguments
class GRU(CuDNN, keras.layers.GRU, RNN):
    """Gated recurrent unit: one state, an update gate z and a reset gate r.

    z = s(W_z x_t + U_z h_{t-1} + b_z),  r = s(W_r x_t + U_r h_{t-1} + b_r)
    h' = a(W_h x_t + b_h + r * (U_h h_{t-1} + b'_h))    with reset_after=True (the default)
    h' = a(W_h x_t + U_h (r * h_{t-1}) + b_h)           with reset_after=False
    h_t = z * h_{t-1} + (1 - z) * h'

    Kernel [I, 3H], recurrent kernel [H, 3H], gates in the order z, r, h; bias [2, 3H] with
    ``reset_after=True`` (row 0 on the input's side, row 1 on the state's), else [3H].

    Arguments:
        units: H, a positive integer.
        activation: a, ``"tanh"`` by default.
        recurrent_activation: s, ``"sigmoid"`` by default; for ``"hard_sigmoid"`` see `LSTM`.
        reset_after: the reset gate after the product (as cuDNN and TensorFlow 2 have it) or before
            it (as Keras had it before TensorFlow 2).
        use_cudnn: with torch and TensorFlow on a GPU, ``"auto"``, True (an error where cuDNN
            cannot) or False. JAX computes without it, and faster.
        use_bias, the initializers, regularizers and constraints, dropout, recurrent_dropout, seed,
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask,
        time_major, batch_input_shape, weights ...: as in `SimpleRNN`.

    Returns:
        Array of shape (batch, timesteps, H) with ``return_sequences=True``, else (batch, H); with
        ``return_state=True`` also the final h of shape (batch, H).

    Raises:
        ValueError: an argument or an array of a shape that cannot be.
        TypeError: an argument that the layer does not know.

    Example:
        >>> import numpy as np
        >>> from elman.layers import GRU
        >>> y = GRU(3, reset_after=False)(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 3)

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014,
    version 1 (``reset_after=True``) and version 3 (``False``) of arXiv:1406.1078.
    """

    call = RNN.call  # Keras's own takes no constants
