# A convolution in front of an LSTM; functional model in the words of Keras 1
from __future__ import print_function
import numpy as np
from keras.layers import Input, Embedding, Dense, LSTM
from keras.layers.convolutional import Convolution1D, MaxPooling1D
from keras.models import Model

max_features, maxlen = 30, 16
filter_length, nb_filter, pool_length = 3, 5, 2

rng = np.random.RandomState(42)
X = rng.randint(0, max_features, (20, maxlen))
y = (X.sum(axis=1) > X.sum(axis=1).mean()).astype(int)

words = Input(shape=(maxlen,), dtype='int32', name='words')
x = Embedding(max_features, 8, input_length=maxlen)(words)
x = Convolution1D(nb_filter=nb_filter, filter_length=filter_length, border_mode='valid',
                  activation='relu', subsample_length=1)(x)
x = MaxPooling1D(pool_length=pool_length)(x)
x = LSTM(6, inner_activation='hard_sigmoid')(x)
answer = Dense(1, activation='sigmoid', name='answer')(x)
model = Model(input=words, output=answer)
model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
model.summary()

model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
before = model.predict(X)
model.fit(X, y, batch_size=10, nb_epoch=2, shuffle=False, verbose=0)
loss, acc = model.evaluate(X, y, verbose=0)
print('loss %.4f accuracy %.2f' % (loss, acc))
result = {'before': before, 'trained_loss': loss}
