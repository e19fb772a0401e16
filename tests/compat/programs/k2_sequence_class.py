# Data from a keras.utils.Sequence
import math

import numpy as np
from keras.layers import Dense, SimpleRNN
from keras.models import Sequential as Model
from keras.utils import Sequence


class Waves(Sequence):
    """Windows of a noisy wave; the target is the next value."""

    def __init__(self, length, batch_size):
        t = np.arange(length)
        self.wave = np.sin(t / 4.0) + np.random.RandomState(0).normal(scale=0.1, size=length)
        self.window = 5
        self.batch_size = batch_size

    def __len__(self):
        return int(math.ceil((len(self.wave) - self.window) / float(self.batch_size)))

    def __getitem__(self, index):
        start = index * self.batch_size
        stop = min(start + self.batch_size, len(self.wave) - self.window)
        x = np.array([self.wave[i:i + self.window] for i in range(start, stop)])
        y = self.wave[start + self.window:stop + self.window]
        return x[:, :, np.newaxis], y

    def on_epoch_end(self):
        print('an epoch of', len(self), 'batches')


waves = Waves(45, 8)
model = Model([SimpleRNN(6, input_shape=(5, 1)), Dense(1)])
model.compile(loss='mean_absolute_error', optimizer='adam', metrics=['mse'])
rng = np.random.RandomState(3)
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict_generator(waves, workers=1)
history = model.fit_generator(generator=waves, epochs=2, shuffle=False, workers=1,
                              use_multiprocessing=False, verbose=2)
loss, mse = model.evaluate_generator(waves)
result = {'first': first, 'trained_loss': history.history['loss'], 'trained_mse': mse}
