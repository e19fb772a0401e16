# Sensor windows: locally connected filters, then an LSTM
import numpy as np
from keras.layers.convolutional import Conv1D, MaxPooling1D, UpSampling1D
from keras.layers.core import Dense, Dropout, Flatten, Reshape
from keras.layers.local import LocallyConnected1D
from keras.layers.normalization import BatchNormalization
from keras.layers.pooling import GlobalMaxPooling1D, AveragePooling1D
from keras.layers.recurrent import LSTM
from keras.layers.advanced_activations import LeakyReLU
from keras.models import Sequential

rng = np.random.RandomState(18)
x = rng.normal(size=(12, 16, 2))
y = x.max(axis=(1, 2))

model = Sequential()
model.add(LocallyConnected1D(4, 3, strides=1, padding='valid', input_shape=(16, 2)))
model.add(LeakyReLU(alpha=0.2))
model.add(AveragePooling1D(2))
model.add(Conv1D(5, 2, padding='causal', activation='relu'))
model.add(BatchNormalization(momentum=0.9, epsilon=1e-3))
model.add(UpSampling1D(2))
model.add(MaxPooling1D(pool_size=2))
model.add(LSTM(4, return_sequences=True, recurrent_activation='sigmoid'))
model.add(Reshape((28,)))
model.add(Dense(1))
model.compile(loss='mse', optimizer='nadam', metrics=['mae'])
for layer in model.layers:
    if layer.name.startswith(('locally', 'conv', 'lstm', 'dense')):
        layer.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in layer.get_weights()])
first = model.predict(x)
loss, mae = model.evaluate(x, y, verbose=0)
print('mae %.4f' % mae, 'parameters', model.count_params())
model.fit(x, y, epochs=1, batch_size=6, shuffle=False, verbose=0)
result = {'first': first, 'loss': loss, 'mae': mae, 'trained_mae': model.test_on_batch(x, y)[1]}
