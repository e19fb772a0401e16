# A stateful network counts over batch borders; a callback forgets between epochs
import numpy as np
from keras.callbacks import Callback
from keras.layers import Dense, GRU, LSTM
from keras.models import Sequential

batch, steps = 2, 3


class ResetStates(Callback):
    def on_epoch_begin(self, epoch, logs={}):
        self.model.reset_states()
        print('epoch', epoch, 'starts from zero')


rng = np.random.RandomState(9)
x = rng.normal(size=(8, steps, 1))
y = np.cumsum(x.sum(axis=(1, 2)).reshape(4, 2), axis=0).reshape(8, 1)

model = Sequential()
model.add(LSTM(4, batch_input_shape=(batch, steps, 1), stateful=True, return_sequences=True,
               implementation=2))
model.add(GRU(3, stateful=True, reset_after=False, implementation=1))
model.add(Dense(1))
model.compile('sgd', 'mse')
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])

carried = model.predict(x, batch_size=batch)
model.reset_states()
halves = np.concatenate([model.predict(x[:4], batch_size=batch),
                         model.predict(x[4:], batch_size=batch)])

# start from states of our own
model.layers[0].reset_states(states=[np.full((batch, 4), 0.5), np.full((batch, 4), -0.5)])
model.layers[1].reset_states(np.ones((batch, 3)))
started = model.predict(x, batch_size=batch)

history = model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0,
                    callbacks=[ResetStates()])
result = {'carried': carried, 'halves': halves, 'started': started,
          'trained_loss': history.history['loss']}
