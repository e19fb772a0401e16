# Next frame of a tiny movie with a convolutional LSTM
import numpy as np
from keras.layers.convolutional import Conv3D
from keras.layers.convolutional_recurrent import ConvLSTM2D
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential

n_frames, size = 4, 6


def generate_movies(n_samples):
    rng = np.random.RandomState(0)
    noisy = np.zeros((n_samples, n_frames, size, size, 1))
    shifted = np.zeros((n_samples, n_frames, size, size, 1))
    for i in range(n_samples):
        row, col = rng.randint(0, size - n_frames, 2)
        for t in range(n_frames):
            noisy[i, t, row:row + 2, col + t:col + t + 2] = 1
            shifted[i, t, row:row + 2, col + t + 1:col + t + 3] = 1
    return noisy, shifted


seq = Sequential()
seq.add(ConvLSTM2D(filters=3, kernel_size=(3, 3), input_shape=(None, size, size, 1),
                   padding='same', return_sequences=True))
seq.add(BatchNormalization())
seq.add(Conv3D(filters=1, kernel_size=(3, 3, 3), activation='sigmoid', padding='same',
               data_format='channels_last'))
seq.compile(loss='binary_crossentropy', optimizer='adadelta')

random = np.random.RandomState(1)
for layer in (seq.layers[0], seq.layers[2]):
    layer.set_weights([random.uniform(-0.3, 0.3, w.shape) for w in layer.get_weights()])
noisy_movies, shifted_movies = generate_movies(4)
first = seq.predict(noisy_movies)
history = seq.fit(noisy_movies, shifted_movies, batch_size=2, epochs=1, shuffle=False, verbose=0)
print('loss %.4f' % history.history['loss'][0])
result = {'first': first, 'trained_loss': history.history['loss']}
