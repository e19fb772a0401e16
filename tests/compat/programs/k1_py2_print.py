# -*- coding: utf-8 -*-
# Python 2: print was a statement, 7 / 2 was 3
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense, Activation
from keras.layers.recurrent import LSTM

in_out_neurons = 2
hidden_neurons = 5
rng = np.random.RandomState(1)
series = np.column_stack([np.sin(np.arange(30) / 3.), np.cos(np.arange(30) / 3.)])
n_prev = 6
X = np.array([series[i:i + n_prev] for i in range(len(series) - n_prev)])
y = np.array([series[i + n_prev] for i in range(len(series) - n_prev)])

print "samples:", len(X)
model = Sequential()
model.add(LSTM(hidden_neurons, input_dim=in_out_neurons, input_length=n_prev,
               inner_init='orthogonal', return_sequences=False))
model.add(Dense(in_out_neurons, init='uniform'))
model.add(Activation("linear"))
model.compile(loss="mean_squared_error", optimizer="rmsprop")
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])

predicted = model.predict(X)
rmse = np.sqrt(((predicted - y) ** 2).mean(axis=0))
print "rmse %.4f %.4f" % tuple(rmse)
if rmse.max() > 10:
    print "something is wrong"
else:
    print
    print "fine", rmse.shape

result = {'predicted': predicted}
