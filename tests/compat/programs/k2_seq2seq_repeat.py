# Sequence to sequence without attention: read it, remember it, say it backwards
from random import Random

import numpy as np
from keras.layers import LSTM, Dense, RepeatVector, TimeDistributed
from keras.models import Sequential
from keras.utils.np_utils import to_categorical

n_features, n_in, n_out = 8, 5, 3
random = Random(3)


def generate_sequence(length, n_unique):
    return [random.randint(0, n_unique - 1) for _ in range(length)]


def get_pairs(count):
    X, y = list(), list()
    for _ in range(count):
        source = generate_sequence(n_in, n_features)
        X.append(to_categorical(source, num_classes=n_features))
        y.append(to_categorical(source[:n_out][::-1], num_classes=n_features))
    return np.array(X), np.array(y)


X, y = get_pairs(30)
print(X.shape, y.shape)

model = Sequential()
model.add(LSTM(10, input_shape=(n_in, n_features)))
model.add(RepeatVector(n_out))
model.add(LSTM(10, return_sequences=True))
model.add(TimeDistributed(Dense(n_features, activation='softmax')))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['acc'])
np.random.seed(0)
model.set_weights([np.random.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
first = model.predict(X)

history = model.fit(X, y, epochs=2, batch_size=15, shuffle=False, verbose=0)
print('acc', history.history['acc'][-1])
yhat = model.predict(X[:1], verbose=0)
print('Expected:', y[0].argmax(axis=1), 'Predicted', yhat[0].argmax(axis=1))
result = {'first': first, 'trained_yhat': yhat}
