# Policies when they were experimental, and stacks of cells
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

gpus = tf.config.experimental.list_physical_devices('GPU')
for gpu in gpus:
    tf.config.experimental.set_memory_growth(gpu, True)
policy = tf.keras.mixed_precision.experimental.Policy('float32')
tf.keras.mixed_precision.experimental.set_policy(policy)
print('Compute dtype: %s' % policy.compute_dtype)

rng = np.random.RandomState(29)
x = rng.normal(size=(3, 5, 2)).astype('float32')
cells = [layers.LSTMCell(4), layers.GRUCell(3), layers.SimpleRNNCell(2)]
inputs = tf.keras.Input(shape=(5, 2))
outputs = layers.RNN(cells, return_sequences=True)(inputs)
model = tf.keras.Model(inputs=inputs, outputs=outputs)
model.set_weights([rng.uniform(-0.6, 0.6, w.shape) for w in model.get_weights()])
wrapped = tf.keras.Sequential([
    layers.RNN(layers.StackedRNNCells([layers.LSTMCell(3), layers.LSTMCell(3)]), unroll=True,
               input_shape=(5, 2)),
    layers.Dense(1, dtype='float32'),
])
wrapped.set_weights([rng.uniform(-0.6, 0.6, w.shape) for w in wrapped.get_weights()])
result = {'cells': model.predict(x), 'stacked': wrapped.predict(x)}
