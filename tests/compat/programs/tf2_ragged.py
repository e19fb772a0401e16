# Rows of different lengths without padding
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(31)
rows = [rng.normal(size=(n, 2)).astype('float32').tolist() for n in (3, 5, 1)]
ragged = tf.ragged.constant(rows, ragged_rank=1)
gru = tf.keras.layers.GRU(4)
gru.build((None, None, 2))
gru.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in gru.get_weights()])
answer = tf.keras.backend.get_value(gru(ragged))
print(ragged.shape, answer.shape)
result = {'answer': answer}
