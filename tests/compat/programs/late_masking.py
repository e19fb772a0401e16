# Sequences of different lengths with a Masking layer; ways to write the same shape
import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, Sequential
from tensorflow.keras.layers import GRU, LSTM, Bidirectional, Dense, Masking, SimpleRNN, TimeDistributed
from tensorflow.keras.utils import pad_sequences

SPECIAL_VALUE = -10.0
rng = np.random.default_rng(3)
rows = [rng.normal(size=(n, 2)) for n in (2, 6, 4, 5)]
x = pad_sequences(rows, maxlen=6, dtype="float32", padding="post", value=SPECIAL_VALUE)

model = Sequential()
model.add(Masking(mask_value=SPECIAL_VALUE, input_shape=(6, 2)))
model.add(GRU(4, return_sequences=True, reset_after=True))
model.add(Bidirectional(SimpleRNN(3, return_sequences=True), backward_layer=LSTM(
    3, return_sequences=True, go_backwards=True)))
model.add(TimeDistributed(Dense(2, activation="softmax")))
model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"],
              sample_weight_mode=None)
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
whole = model.predict(x, verbose=0)

batches = Sequential([Bidirectional(LSTM(3), batch_input_shape=(4, 6, 2), merge_mode="concat"),
                      Dense(1, batch_input_shape=(4, 6))])
batches.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in batches.get_weights()])
plain = batches.predict(x, batch_size=4, verbose=0)
print(whole.shape, plain.shape)
# the answer after the last word is the answer to the last word
real = np.array([len(row) for row in rows])
result = {"whole": np.concatenate([row[:n] for row, n in zip(whole, real)]), "plain": plain}
