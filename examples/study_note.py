"""A study note on recurrent layers as it was written for TensorFlow 2.0.

Only its two import lines have changed; they were

    from tensorflow.keras.layers import SimpleRNN
    from tensorflow.keras.models import Sequential
"""

from elman.layers import SimpleRNN
from elman.models import Sequential

# The hidden state of the last timestep, for any batch size: (None, 3).
model = Sequential()
model.add(SimpleRNN(3, input_shape=(2, 10)))
model.summary()

# The batch size is known beforehand: (8, 3).
model = Sequential()
model.add(SimpleRNN(3, batch_input_shape=(8, 2, 10)))
model.summary()

# The hidden states of all timesteps: (8, 2, 3).
model = Sequential()
model.add(SimpleRNN(3, batch_input_shape=(8, 2, 10), return_sequences=True))
model.summary()

# The first one once more, with the number of timesteps and of features by name.
model = Sequential()
model.add(SimpleRNN(3, input_length=2, input_dim=10))
assert model.output_shape == (None, 3)
assert model.count_params() == 42
