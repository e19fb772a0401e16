# Stateful LSTM that follows a damped cosine (Keras 1)
from __future__ import print_function
import numpy as np
from keras.models import Sequential
from keras.layers import Dense, LSTM

# since we are using a stateful rnn tsteps can be set to 1
tsteps = 1
batch_size = 5
epochs = 3


def gen_cosine_amp(amp=10., period=10., x0=0, xn=40, step=1, k=0.01):
    cos = np.zeros(((xn - x0) * step, 1, 1))
    for i in range(len(cos)):
        idx = x0 + i * step
        cos[i, 0, 0] = np.cos(2 * np.pi * idx / period) * np.exp(-k * idx)
    return cos


cos = gen_cosine_amp()
expected_output = np.roll(cos[:, 0], -1, axis=0)

model = Sequential()
model.add(LSTM(6, batch_input_shape=(batch_size, tsteps, 1), return_sequences=True,
               stateful=True, inner_activation='hard_sigmoid'))
model.add(LSTM(6, return_sequences=False, stateful=True, inner_activation='hard_sigmoid'))
model.add(Dense(1))
model.compile(loss='mse', optimizer='rmsprop')
rs = np.random.RandomState(5)
model.set_weights([rs.normal(0, 0.4, w.shape) for w in model.get_weights()])

one = model.predict(cos, batch_size=batch_size)
two = model.predict(cos, batch_size=batch_size)  # goes on where the first one stopped
model.reset_states()
again = model.predict(cos, batch_size=batch_size)
print('states carried:', not np.allclose(one, two), ' reset:', np.allclose(one, again, atol=1e-6))

for i in range(epochs):
    print('Epoch', i, '/', epochs)
    model.fit(cos, expected_output, batch_size=batch_size, verbose=0, nb_epoch=1, shuffle=False)
    model.reset_states()
predicted_output = model.predict(cos, batch_size=batch_size)
print('mean squared error: %.4f' % np.mean((predicted_output - expected_output) ** 2))

result = {'one': one, 'two': two, 'again': again, 'trained': predicted_output}
