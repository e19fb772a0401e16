# One output at each step, before there was TimeDistributed(Dense)
import numpy as np
from keras.models import Sequential
from keras.layers.core import TimeDistributedDense, Activation, Masking
from keras.layers.recurrent import SimpleRNN

# Is the running sum of the bits odd?  Rows are padded with -1.
bits = np.array([[1, 0, 1, 1, 0], [0, 0, 1, -1, -1], [1, 1, 1, 1, -1], [0, 1, -1, -1, -1]])
real = bits >= 0
odd = np.where(real, np.cumsum(np.where(real, bits, 0), axis=1) % 2, 0)
X, Y = bits[:, :, None].astype('float32'), odd[:, :, None]

model = Sequential()
model.add(Masking(mask_value=-1., input_shape=(5, 1)))
model.add(SimpleRNN(output_dim=7, init='glorot_uniform', return_sequences=True))
model.add(TimeDistributedDense(1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adagrad')

rng = np.random.RandomState(2)
model.set_weights([rng.normal(scale=0.5, size=w.shape) for w in model.get_weights()])
before = model.predict(X)
for epoch in range(3):
    loss = model.train_on_batch(X, Y)
print('predicted', (model.predict(X)[0, :, 0] > 0.5).astype(int), 'wanted', odd[0])
result = {'before': before}
