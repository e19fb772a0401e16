# The callbacks of 2018
import glob
import os

import numpy as np
from tensorflow import keras
from tensorflow.keras.callbacks import (Callback, EarlyStopping, LearningRateScheduler,
                                        ModelCheckpoint, TensorBoard, TerminateOnNaN)

os.environ['CUDA_VISIBLE_DEVICES'] = ''
rng = np.random.RandomState(26)
x, y = rng.normal(size=(16, 4, 1)), rng.normal(size=(16, 1))


class LossHistory(Callback):
    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get('loss'))


model = keras.models.Sequential([
    keras.layers.SimpleRNN(5, input_shape=(4, 1)),
    keras.layers.Dense(1),
])
model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.8), loss='mean_squared_error')
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
losses = LossHistory()
callbacks = [
    losses,
    TensorBoard(log_dir='./logs', histogram_freq=0, batch_size=8, write_graph=False,
                write_grads=False, write_images=False, embeddings_freq=0),
    ModelCheckpoint('checkpoint.ckpt', save_weights_only=True, period=1),
    LearningRateScheduler(lambda epoch: 0.05 * 0.5 ** epoch),
    EarlyStopping(monitor='val_loss', min_delta=0, patience=5, verbose=1, mode='auto'),
    TerminateOnNaN(),
]
history = model.fit(x, y, validation_data=(x, y), epochs=3, batch_size=8, shuffle=False, verbose=0,
                    callbacks=callbacks)
model.load_weights('checkpoint.ckpt')
print('lr at the end: %.4f' % keras.backend.get_value(model.optimizer.lr))
print(len(glob.glob('checkpoint*')) > 0, os.path.isdir('logs'))
result = {'trained_losses': losses.losses, 'trained': model.predict(x)}
