# tf.keras by its inner path, eager execution switched on by hand (TF 1.13)
import numpy as np
import tensorflow as tf
from tensorflow.python.keras import layers, models
from tensorflow.python.keras.layers import GRU, Bidirectional
from tensorflow.python.keras.preprocessing import sequence

tf.enable_eager_execution()

rng = np.random.RandomState(24)
rows = [list(rng.randint(1, 9, n)) for n in (3, 6, 4, 5)]
x = sequence.pad_sequences(rows, maxlen=6, padding='post', value=0)

inputs = layers.Input(shape=(None,))
h = layers.Embedding(9, 4, mask_zero=True)(inputs)
h = Bidirectional(GRU(3, return_sequences=True, reset_after=False), merge_mode='mul')(h)
h = GRU(4, activation='relu', recurrent_activation='hard_sigmoid', reset_after=False)(h)
outputs = layers.Dense(2, activation=tf.nn.softmax)(h)
model = models.Model(inputs, outputs)
model.compile(loss=tf.keras.losses.sparse_categorical_crossentropy, optimizer='sgd',
              metrics=['acc'])
model.set_weights([rng.uniform(-0.7, 0.7, w.shape) for w in model.get_weights()])
first = model.predict(x)
y = np.array([0, 1, 0, 1])
loss, acc = model.evaluate(x, y, verbose=0)
history = model.fit(x, y, epochs=2, shuffle=False, batch_size=2, verbose=0)
print('acc', history.history['acc'])
result = {'first': first, 'loss': loss, 'trained_loss': history.history['loss']}
