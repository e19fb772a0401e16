'''Sentiment of invented reviews with an LSTM, as one wrote it in 2016.

Each review is a list of word numbers; words below 10 are friendly, the others are not.
'''
from __future__ import print_function
import sys

import numpy as np
np.random.seed(1337)  # for reproducibility

from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers import Dense, Dropout, Activation, Embedding
from keras.layers import LSTM
from keras.regularizers import l2
from keras.datasets import imdb

max_features = 20
maxlen = 12  # cut texts after this number of words
batch_size = 8

print('Loading data...')
if '--real' in sys.argv:  # the real reviews are a download
    (X_train, y_train), (X_test, y_test) = imdb.load_data(nb_words=max_features)
else:
    rng = np.random.RandomState(0)
    y_train = rng.randint(0, 2, 24)
    X_train = [rng.randint(1 + 9 * (1 - y), 11 + 9 * (1 - y), rng.randint(4, 16)).tolist()
               for y in y_train]
    X_test, y_test = X_train[:8], y_train[:8]

X_train = sequence.pad_sequences(X_train, maxlen=maxlen)
X_test = sequence.pad_sequences(X_test, maxlen=maxlen)
print('X_train shape:', X_train.shape)

print('Build model...')
model = Sequential()
model.add(Embedding(max_features, 6, input_length=maxlen, dropout=0.))
model.add(LSTM(5, W_regularizer=l2(0.001), U_regularizer=l2(0.001), b_regularizer='l2',
               dropout_W=0., dropout_U=0.))
model.add(Dropout(0.))
model.add(Dense(output_dim=1, init='uniform'))
model.add(Activation('sigmoid'))

model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
start = np.random.RandomState(3)
model.set_weights([start.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict_proba(X_test, verbose=0)

print('Train...')
model.fit(X_train, y_train, batch_size=batch_size, nb_epoch=3, shuffle=False,
          validation_data=(X_test, y_test), verbose=2)
score, acc = model.evaluate(X_test, y_test, batch_size=batch_size, verbose=0)
print('Test score:', score)
print('Test accuracy:', acc)

result = {'first': first, 'trained_score': score}
