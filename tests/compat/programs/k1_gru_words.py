# Every argument of Keras 1's recurrent layers at once
import numpy as np
from keras.layers.core import Dense, Dropout
from keras.layers.recurrent import GRU, LSTM, SimpleRNN
from keras.models import Sequential
from keras.optimizers import SGD

timesteps, features, hidden = 6, 3, 4
random = np.random.RandomState(11)
X = random.normal(size=(10, timesteps, features))
Y = X[:, :, 0].sum(axis=1, keepdims=True)

answers = {}
for layer in (
    SimpleRNN(hidden, input_length=timesteps, input_dim=features, init='glorot_uniform',
              inner_init='orthogonal', activation='tanh'),
    GRU(output_dim=hidden, input_length=timesteps, input_dim=features, init='he_normal',
        inner_init='orthogonal', inner_activation='hard_sigmoid', consume_less='mem'),
    LSTM(output_dim=hidden, input_length=timesteps, input_dim=features, init='uniform',
         inner_init='orthogonal', forget_bias_init='one', activation='tanh',
         inner_activation='sigmoid', consume_less='gpu', go_backwards=True),
    LSTM(hidden, input_shape=(timesteps, features), consume_less='cpu', unroll=True,
         W_regularizer='l2', U_regularizer='l1', b_regularizer=None),
):
    model = Sequential()
    model.add(layer)
    model.add(Dropout(p=0.0))
    model.add(Dense(1, init='zero', bias=True))
    model.compile(loss='mse', optimizer=SGD(lr=0.05, decay=1e-3, momentum=0.9, nesterov=True))
    model.set_weights([random.uniform(-0.6, 0.6, w.shape) for w in model.get_weights()])
    name = '%s_%d' % (layer.__class__.__name__, len(answers))
    answers[name] = model.predict(X)
    history = model.fit(X, Y, batch_size=5, nb_epoch=4, shuffle=False, verbose=0)
    answers['trained_' + name] = np.array(history.history['loss'])
    print(name, 'loss', ' '.join('%.3f' % loss for loss in history.history['loss']))

result = answers
