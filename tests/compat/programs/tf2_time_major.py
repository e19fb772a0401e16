# Every way to lay out time
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import GRU, LSTM, SimpleRNN

rng = np.random.RandomState(30)
x = rng.normal(size=(4, 6, 2)).astype('float32')  # batch, time, features
result = {}
for name, layer in (
        ('lstm', LSTM(3, time_major=True, return_sequences=True)),
        ('gru', GRU(3, time_major=True, go_backwards=True)),
        ('simple', SimpleRNN(3, unroll=True, go_backwards=True, return_sequences=True)),
        ('states', LSTM(3, return_state=True))):
    steps = np.transpose(x, [1, 0, 2]) if getattr(layer, 'time_major', False) else x
    layer.build(steps.shape)
    layer.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in layer.get_weights()])
    outputs = layer(tf.constant(steps))
    for i, output in enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]):
        result['%s_%d' % (name, i)] = tf.keras.backend.get_value(output)
        print(name, output.shape)
