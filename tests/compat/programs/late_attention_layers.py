# Attention layers of Keras itself over recurrent states
import numpy as np
import tensorflow as tf
from tensorflow.keras import Model
from tensorflow.keras.layers import (LSTM, AdditiveAttention, Attention, Bidirectional, Concatenate,
                                     Dense, Embedding, GlobalAveragePooling1D, Input,
                                     LayerNormalization, MultiHeadAttention)

vocab, length = 15, 6
tokens = Input(shape=(length,), dtype="int64")
x = Embedding(vocab, 8)(tokens)
seq = Bidirectional(LSTM(4, return_sequences=True))(x)
x1 = Attention()([seq, seq])
x2 = AdditiveAttention(use_scale=False)([seq, seq])
x3 = MultiHeadAttention(num_heads=2, key_dim=4)(seq, seq)
x = Concatenate()([x1, x2, LayerNormalization(epsilon=1e-6)(seq + x3)])
outputs = Dense(3, activation="softmax")(GlobalAveragePooling1D()(x))
model = Model(tokens, outputs)
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])

rng = np.random.default_rng(1)
for layer in model.layers:
    layer.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in layer.get_weights()])
ids = rng.integers(0, vocab, (9, length))
history = model.fit(ids, ids[:, 0] % 3, batch_size=9, epochs=1, shuffle=False, verbose=0)
print(f"accuracy {history.history['accuracy'][0]:.3f}")
result = {"trained_loss": history.history["loss"], "trained": model.predict(ids, verbose=0)}
