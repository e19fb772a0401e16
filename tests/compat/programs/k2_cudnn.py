# Fast layers for the GPU: CuDNNLSTM and CuDNNGRU
import numpy as np
from keras.layers import CuDNNGRU, CuDNNLSTM, Bidirectional, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import Adam

SEQ_LEN, BATCH_SIZE, EPOCHS = 6, 8, 2
rng = np.random.RandomState(16)
train_x = rng.normal(size=(24, SEQ_LEN, 3))
train_y = (train_x[:, :, 0].mean(axis=1) > 0).astype(int)

model = Sequential()
model.add(CuDNNLSTM(6, input_shape=(train_x.shape[1:]), return_sequences=True))
model.add(Dropout(0.2))
model.add(Bidirectional(CuDNNLSTM(4, return_sequences=True)))
model.add(CuDNNGRU(5))
model.add(Dense(2, activation='softmax'))
opt = Adam(lr=0.001, decay=1e-6)
model.compile(loss='sparse_categorical_crossentropy', optimizer=opt, metrics=['accuracy'])
shapes = [w.shape for w in model.get_weights()]
model.set_weights([rng.uniform(-0.4, 0.4, shape) for shape in shapes])
predicted = model.predict(train_x)
history = model.fit(train_x, train_y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
print('losses', len(history.history['loss']), 'finite', np.isfinite(history.history['loss']).all())
result = {'predicted': predicted}
