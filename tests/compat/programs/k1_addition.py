# Learning to add: "12+7" -> "19", character by character (Keras 1.0)
from __future__ import print_function
import numpy as np
from keras.models import Sequential
from keras.layers.core import Activation, Dense, RepeatVector
from keras.layers.recurrent import LSTM
from keras.layers.wrappers import TimeDistributed

DIGITS = 2
MAXLEN = DIGITS + 1 + DIGITS
CHARS = '0123456789+ '
HIDDEN_SIZE = 8
char_indices = dict((c, i) for i, c in enumerate(CHARS))


def encode(text, length):
    X = np.zeros((length, len(CHARS)))
    for i, c in enumerate(text.ljust(length)):
        X[i, char_indices[c]] = 1
    return X


def decode(X):
    return ''.join(CHARS[i] for i in X.argmax(axis=-1))


rng = np.random.RandomState(7)
questions, answers = [], []
for a, b in rng.randint(0, 100, size=(32, 2)):
    questions.append(encode('%d+%d' % (a, b), MAXLEN))
    answers.append(encode(str(a + b), DIGITS + 1))
X, y = np.array(questions), np.array(answers)

print('Build model...')
model = Sequential()
# "Encode" the input sequence, the output is one vector
model.add(LSTM(HIDDEN_SIZE, input_shape=(MAXLEN, len(CHARS))))
model.add(RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(LSTM(HIDDEN_SIZE, return_sequences=True))
model.add(TimeDistributed(Dense(len(CHARS))))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])

model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
before = model.predict(X, batch_size=16, verbose=0)

for iteration in range(1, 3):
    print('-' * 20)
    print('Iteration', iteration)
    model.fit(X, y, batch_size=16, nb_epoch=1, shuffle=False, verbose=0)
preds = model.predict_classes(X[:3], verbose=0)
for i in range(3):
    guess = ''.join(CHARS[k] for k in preds[i])
    print('Q', decode(X[i]), 'T', decode(y[i]), 'guess', repr(guess))

result = {'before': before, 'trained': model.predict(X, verbose=0)}
