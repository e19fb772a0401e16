# Checkpoints while training, load_model afterwards
import glob

import numpy as np
from keras.callbacks import ModelCheckpoint, ReduceLROnPlateau, CSVLogger
from keras.layers import Dense, LSTM
from keras.models import Sequential, load_model
from keras.optimizers import Adam

rng = np.random.RandomState(15)
X = rng.normal(size=(16, 4, 2))
y = (X[:, -1, 0] > 0).astype('int')

model = Sequential()
model.add(LSTM(5, input_shape=(4, 2)))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=Adam(lr=0.01), metrics=['accuracy'])
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])

filepath = 'weights-{epoch:02d}-{val_acc:.2f}.hdf5'
every = ModelCheckpoint(filepath, monitor='val_acc', verbose=0, save_best_only=False, period=2)
best = ModelCheckpoint('best.h5', monitor='loss', save_best_only=True, mode='min')
slower = ReduceLROnPlateau(monitor='loss', factor=0.5, patience=1, min_lr=1e-4)
model.fit(X, y, validation_split=0.25, epochs=4, batch_size=4, shuffle=False, verbose=0,
          callbacks=[every, best, slower, CSVLogger('log.csv')])
print(sorted(glob.glob('weights-*.hdf5')))
wanted = model.predict(X)

loaded = load_model('best.h5')
print('loaded', loaded.__class__.__name__)
model.save('last.h5')
del model
last = load_model('last.h5')
last.fit(X, y, epochs=1, batch_size=4, shuffle=False, verbose=0)
result = {'trained': wanted, 'trained_best': loaded.predict(X), 'trained_last': last.predict(X),
          'files': len(glob.glob('weights-*.hdf5'))}
