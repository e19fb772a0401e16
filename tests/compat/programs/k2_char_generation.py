'''Text generation by characters, with a callback that shows what it writes.'''
from __future__ import print_function
from keras.callbacks import LambdaCallback
from keras.models import Sequential
from keras.layers import Dense, Activation
from keras.layers import LSTM
from keras.optimizers import RMSprop
import numpy as np
import sys

text = ('the sea was calm and the sky was wide. the boat went out and came back in. '
        'nobody was there to see the boat come in, and the sea was calm again. ')
chars = sorted(list(set(text)))
char_indices = dict((c, i) for i, c in enumerate(chars))
indices_char = dict((i, c) for i, c in enumerate(chars))

# cut the text in semi-redundant sequences of maxlen characters
maxlen, step = 12, 3
sentences, next_chars = [], []
for i in range(0, len(text) - maxlen, step):
    sentences.append(text[i: i + maxlen])
    next_chars.append(text[i + maxlen])
x = np.zeros((len(sentences), maxlen, len(chars)), dtype=bool)
y = np.zeros((len(sentences), len(chars)), dtype=bool)
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[next_chars[i]]] = 1

model = Sequential()
model.add(LSTM(12, input_shape=(maxlen, len(chars))))
model.add(Dense(len(chars)))
model.add(Activation('softmax'))
optimizer = RMSprop(lr=0.003)
model.compile(loss='categorical_crossentropy', optimizer=optimizer)
rng = np.random.RandomState(10)
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])


def sample(preds, temperature=1.0):
    preds = np.asarray(preds).astype('float64')
    preds = np.exp(np.log(preds) / temperature)
    return int(np.argmax(preds / np.sum(preds)))


def on_epoch_end(epoch, logs):
    print()
    print('----- Generating text after Epoch: %d, loss %.3f' % (epoch, logs['loss']))
    sentence = text[:maxlen]
    sys.stdout.write(sentence)
    for i in range(5):
        x_pred = np.zeros((1, maxlen, len(chars)))
        for t, char in enumerate(sentence):
            x_pred[0, t, char_indices[char]] = 1.
        next_char = indices_char[sample(model.predict(x_pred, verbose=0)[0], 0.5)]
        sentence = sentence[1:] + next_char
        sys.stdout.write(next_char)
    print()


first = model.predict(x)
print_callback = LambdaCallback(on_epoch_end=on_epoch_end)
model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0, callbacks=[print_callback])
result = {'first': first, 'trained': model.predict(x)}
