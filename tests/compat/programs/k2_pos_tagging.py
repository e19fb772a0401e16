# Part-of-speech tags: one label for each word, padding not counted
import numpy as np
from keras import backend as K
from keras.layers import LSTM, Activation, Bidirectional, Dense, Embedding, InputLayer, TimeDistributed
from keras.models import Sequential
from keras.optimizers import Adam
from keras.preprocessing.sequence import pad_sequences
from keras.utils import to_categorical

tagged_sentences = [
    [('the', 'DET'), ('cat', 'NOUN'), ('sleeps', 'VERB')],
    [('a', 'DET'), ('small', 'ADJ'), ('dog', 'NOUN'), ('sees', 'VERB'), ('the', 'DET'), ('cat', 'NOUN')],
    [('the', 'DET'), ('dog', 'NOUN'), ('is', 'VERB'), ('small', 'ADJ')],
    [('birds', 'NOUN'), ('sing', 'VERB')],
]
words = sorted({w for s in tagged_sentences for w, _ in s})
tags = sorted({t for s in tagged_sentences for _, t in s})
word2index = {w: i + 2 for i, w in enumerate(words)}
word2index['-PAD-'] = 0
word2index['-OOV-'] = 1
tag2index = {t: i + 1 for i, t in enumerate(tags)}
tag2index['-PAD-'] = 0

MAX_LENGTH = 6
sentences_X = pad_sequences([[word2index[w] for w, _ in s] for s in tagged_sentences],
                            maxlen=MAX_LENGTH, padding='post')
sentences_y = pad_sequences([[tag2index[t] for _, t in s] for s in tagged_sentences],
                            maxlen=MAX_LENGTH, padding='post')


def ignore_class_accuracy(to_ignore=0):
    def ignore_accuracy(y_true, y_pred):
        y_true_class = K.argmax(y_true, axis=-1)
        y_pred_class = K.argmax(y_pred, axis=-1)
        ignore_mask = K.cast(K.not_equal(y_true_class, to_ignore), 'int32')
        matches = K.cast(K.equal(y_true_class, y_pred_class), 'int32') * ignore_mask
        return K.sum(matches) / K.maximum(K.sum(ignore_mask), 1)
    return ignore_accuracy


model = Sequential()
model.add(InputLayer(input_shape=(MAX_LENGTH,)))
model.add(Embedding(len(word2index), 6))
model.add(Bidirectional(LSTM(5, return_sequences=True)))
model.add(TimeDistributed(Dense(len(tag2index))))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer=Adam(0.01),
              metrics=['accuracy', ignore_class_accuracy(0)])
model.summary()

rng = np.random.RandomState(12)
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict(sentences_X)
one_hot = to_categorical(sentences_y, len(tag2index))
history = model.fit(sentences_X, one_hot, batch_size=2, epochs=3, shuffle=False, verbose=0)
scores = model.evaluate(sentences_X, one_hot, verbose=0)
print('%s: %.3f' % (model.metrics_names[0], scores[0]))
print('without padding: %.3f' % history.history['ignore_accuracy'][-1])
result = {'first': first, 'trained_loss': scores[0],
          'trained_accuracy': history.history['ignore_accuracy'][0]}
