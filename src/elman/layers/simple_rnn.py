"""`SimpleRNN`: Elman's network, the layer of the study note."""

import keras

from elman.layers.arguments import old_arguments
from elman.layers.cells import Cell
from elman.layers.rnn import RNN


@keras.saving.register_keras_serializable("elman")
@old_arguments
class SimpleRNNCell(Cell, keras.layers.SimpleRNNCell):
    """One step of `SimpleRNN`.

    h_t = f(W_x x_t + W_h h_{t-1} + b)

    Arguments and errors as in `SimpleRNN`. Called with x_t of shape (batch, features) and a list of
    one state of shape (batch, units), it returns h_t and a list of it.

    Example:
        >>> import numpy as np
        >>> from elman.layers import SimpleRNNCell
        >>> h, states = SimpleRNNCell(3)(np.ones((8, 10), "float32"), [np.zeros((8, 3), "float32")])
        >>> tuple(h.shape), len(states)
        ((8, 3), 1)

    Source: Elman, "Finding Structure in Time", Cognitive Science 14 (1990), 179-211.
    """


@keras.saving.register_keras_serializable("elman")
@old_arguments
class SimpleRNN(keras.layers.SimpleRNN, RNN):
    """Elman's recurrent network: the hidden state goes to the output and to the next timestep.

    h_t = f(W_x x_t + W_h h_{t-1} + b)

    W_x [I, H], W_h [H, H], b [H]: for I = 10 features and H = 3 units, 30 + 9 + 3 = 42 parameters.

    Arguments:
        units: H, a positive integer.
        activation: f, ``"tanh"`` by default.
        use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
        recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
        recurrent_constraint, bias_constraint: of W_x (kernel), W_h (recurrent kernel) and b.
        dropout, recurrent_dropout: share of x_t and of h_{t-1} that is dropped in training, the
            same at each step of a batch.
        seed: of the dropout.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask,
        time_major, batch_input_shape, weights ...: as in `RNN`. The names of Keras 1
            (``output_dim``, ``inner_init``, ``W_regularizer`` ...) are taken too.

    Returns:
        Array of shape (batch, timesteps, H) with ``return_sequences=True``, else (batch, H); with
        ``return_state=True`` also the final h of shape (batch, H).

    Raises:
        ValueError: an argument or an array of a shape that cannot be.
        TypeError: an argument that the layer does not know.

    Example:
        >>> import numpy as np
        >>> from elman.layers import SimpleRNN
        >>> y = SimpleRNN(3)(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 3)
        >>> y = SimpleRNN(3, return_sequences=True)(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 2, 3)

    Source: Elman, "Finding Structure in Time", Cognitive Science 14 (1990), 179-211.
    """

    call = RNN.call  # Keras's own takes no constants
