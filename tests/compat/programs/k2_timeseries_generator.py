# TimeseriesGenerator: windows over a multivariate series
import numpy as np
from keras.preprocessing.sequence import TimeseriesGenerator
from keras.models import Sequential
from keras.layers import Dense, LSTM

in_seq1 = np.arange(10., 110., 4.)
in_seq2 = np.arange(15., 115., 4.)
dataset = np.column_stack([in_seq1, in_seq2]) / 100.
out_seq = (in_seq1 + in_seq2) / 200.

n_input = 3
generator = TimeseriesGenerator(dataset, out_seq, length=n_input, sampling_rate=1, batch_size=4)
print('Samples: %d' % len(generator))
x0, y0 = generator[0]

model = Sequential()
model.add(LSTM(7, activation='relu', input_shape=(n_input, dataset.shape[1])))
model.add(Dense(1))
model.compile(optimizer='adam', loss='mse')
rng = np.random.RandomState(20)
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
first = model.predict(x0)
model.fit_generator(generator, steps_per_epoch=len(generator), epochs=3, shuffle=False, verbose=0)
x_input = np.array([[100, 105], [104, 109], [108, 113]]).reshape((1, n_input, 2)) / 100.
yhat = model.predict(x_input, verbose=0)
print(yhat)
result = {'x0': x0, 'y0': y0, 'first': first, 'trained': yhat}
