# Batches of different lengths from a generator that never ends
import numpy as np
from keras.layers import Dense, LSTM, TimeDistributed
from keras.models import Sequential
from keras.optimizers import SGD


def train_generator(seed=0):
    rng = np.random.RandomState(seed)
    while True:
        length = (4, 6)[rng.randint(2)]
        x_train = rng.random_sample((5, length, 2))
        y_train = x_train.sum(axis=2, keepdims=True)
        yield x_train, y_train


model = Sequential()
model.add(LSTM(6, return_sequences=True, input_shape=(None, 2)))
model.add(TimeDistributed(Dense(1)))
print(model.summary())
model.compile(loss='mse', optimizer=SGD(lr=0.1, momentum=0.9, decay=1e-2))
start = np.random.RandomState(1)
model.set_weights([start.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])

first = model.predict_generator((x for x, _ in train_generator(5)), steps=1)
history = model.fit_generator(train_generator(), steps_per_epoch=6, epochs=2, verbose=1,
                              validation_data=train_generator(2), validation_steps=2,
                              max_queue_size=1)
score = model.evaluate_generator(train_generator(3), steps=2)
print('evaluated: %.4f' % score)
result = {'first': first, 'trained_loss': history.history['loss'], 'trained_score': score}
