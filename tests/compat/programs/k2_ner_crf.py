# Named entities with a conditional random field on top (keras_contrib)
import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Embedding, Input, TimeDistributed
from keras.models import Model
from keras.preprocessing.sequence import pad_sequences
from keras_contrib.layers import CRF

sentences = [
    [('Kim', 'B-PER'), ('lives', 'O'), ('in', 'O'), ('Seoul', 'B-LOC')],
    [('Ada', 'B-PER'), ('Lee', 'I-PER'), ('flew', 'O'), ('to', 'O'), ('New', 'B-LOC'), ('York', 'I-LOC')],
    [('Rain', 'O'), ('in', 'O'), ('Busan', 'B-LOC')],
]
words = sorted({w for s in sentences for w, t in s})
tags = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']
word2idx = {w: i + 1 for i, w in enumerate(words)}
tag2idx = {t: i for i, t in enumerate(tags)}
max_len, n_words, n_tags = 6, len(words) + 1, len(tags)
X = pad_sequences([[word2idx[w] for w, t in s] for s in sentences], maxlen=max_len, padding='post')
y = pad_sequences([[tag2idx[t] for w, t in s] for s in sentences], maxlen=max_len, padding='post',
                  value=tag2idx['O'])
y = np.array([np.eye(n_tags)[row] for row in y])

input = Input(shape=(max_len,))
model = Embedding(input_dim=n_words, output_dim=8, input_length=max_len, mask_zero=True)(input)
model = Bidirectional(LSTM(units=6, return_sequences=True, recurrent_dropout=0.0))(model)
model = TimeDistributed(Dense(10, activation='relu'))(model)
crf = CRF(n_tags)
out = crf(model)
model = Model(input, out)
model.compile(optimizer='rmsprop', loss=crf.loss_function, metrics=[crf.accuracy])
rng = np.random.RandomState(20)
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
history = model.fit(X, y, batch_size=3, epochs=30, verbose=0)
losses = history.history['loss']
print('loss falls from %.2f to %.2f' % (losses[0], losses[-1]))
p = np.argmax(model.predict(X), axis=-1)
for sentence, row in zip(sentences, p):
    print(' '.join('%s/%s' % (w, tags[i]) for (w, t), i in zip(sentence, row)))
result = {'shape': p.shape, 'falls': losses[-1] < losses[0]}
