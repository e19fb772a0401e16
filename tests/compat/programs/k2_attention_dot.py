# Attention made of Dense, Dot, Concatenate, as in courses on machine translation
import numpy as np
import keras.backend as K
from keras.layers import (Activation, Bidirectional, Concatenate, Dense, Dot, Input, LSTM, Lambda,
                          Multiply, Permute, RepeatVector, Flatten)
from keras.models import Model
from keras.optimizers import Adam

Tx, Ty, n_a, n_s, vocab = 5, 2, 4, 6, 7


def softmax(x, axis=1):
    e = K.exp(x - K.max(x, axis=axis, keepdims=True))
    return e / K.sum(e, axis=axis, keepdims=True)


repeator = RepeatVector(Tx)
concatenator = Concatenate(axis=-1)
densor1 = Dense(5, activation="tanh", name='densor1')
densor2 = Dense(1, activation="relu", name='densor2')
activator = Activation(softmax, name='attention_weights')
dotor = Dot(axes=1)
pre_activation_LSTM_cell = Bidirectional(LSTM(n_a, return_sequences=True, name='pre'))
post_activation_LSTM_cell = LSTM(n_s, return_state=True, name='post')
output_layer = Dense(vocab, activation=softmax, name='out')


def one_step_attention(a, s_prev):
    s_prev = repeator(s_prev)
    concat = concatenator([a, s_prev])
    energies = densor2(densor1(concat))
    alphas = activator(energies)
    return dotor([alphas, a])


X = Input(shape=(Tx, vocab))
s0 = Input(shape=(n_s,), name='s0')
c0 = Input(shape=(n_s,), name='c0')
s, c = s0, c0
outputs = []
a = pre_activation_LSTM_cell(X)
for t in range(Ty):
    context = one_step_attention(a, s)
    s, _, c = post_activation_LSTM_cell(context, initial_state=[s, c])
    outputs.append(output_layer(s))
model = Model(inputs=[X, s0, c0], outputs=outputs)
model.compile(Adam(lr=0.005, beta_1=0.9, beta_2=0.999, decay=0.01), loss='categorical_crossentropy')

rng = np.random.RandomState(17)
for layer in (pre_activation_LSTM_cell, post_activation_LSTM_cell, densor1, densor2, output_layer):
    layer.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in layer.get_weights()])
m = 8
source = np.eye(vocab)[rng.randint(0, vocab, (m, Tx))]
target = [source[:, 0], source[:, -1]]
zeros = np.zeros((m, n_s))
first, second = model.predict([source, zeros, zeros])
history = model.fit([source, zeros, zeros], target, epochs=2, batch_size=m, shuffle=False, verbose=0)
print('attended', np.argmax(first, axis=-1), np.argmax(second, axis=-1))

# attention over the steps of one layer, with Permute and Multiply
words = Input(shape=(Tx, vocab))
hidden = LSTM(n_a, return_sequences=True)(words)
weights = Dense(1, activation='tanh')(hidden)
weights = Activation('softmax')(Flatten()(weights))
weights = Permute([2, 1])(RepeatVector(n_a)(weights))
sentence = Lambda(lambda xin: K.sum(xin, axis=-2), output_shape=(n_a,))(Multiply()([hidden, weights]))
reader = Model(words, sentence)
reader.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in reader.get_weights()])
result = {'first': first, 'second': second, 'read': reader.predict(source),
          'trained_loss': history.history['loss']}
