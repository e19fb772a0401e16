'''Bidirectional LSTM on invented reviews, with the curves of its training.'''
import matplotlib.pyplot as plt
import numpy as np
from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers import Dense, Dropout, Embedding, LSTM, Bidirectional

max_features = 25
maxlen = 10
batch_size = 8

rng = np.random.RandomState(4)
labels = rng.randint(0, 2, 32)
reviews = [list(rng.randint(1, 14, rng.randint(3, 13)) + 11 * label) for label in labels]
x_train = sequence.pad_sequences(reviews[:24], maxlen=maxlen)
x_test = sequence.pad_sequences(reviews[24:], maxlen=maxlen)
y_train, y_test = np.array(labels[:24]), np.array(labels[24:])
print('x_train shape:', x_train.shape)

model = Sequential()
model.add(Embedding(max_features, 8, input_length=maxlen, mask_zero=True))
model.add(Bidirectional(LSTM(4), merge_mode='sum'))
model.add(Dropout(0.0))
model.add(Dense(1, activation='sigmoid'))
model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict(x_test)

print('Train...')
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=3, shuffle=False,
                    validation_data=[x_test, y_test], verbose=0)

acc = history.history['acc']
val_acc = history.history['val_acc']
loss = history.history['loss']
val_loss = history.history['val_loss']
epochs = range(1, len(acc) + 1)

plt.plot(epochs, acc, 'bo', label='Training acc')
plt.plot(epochs, val_acc, 'b', label='Validation acc')
plt.title('Training and validation accuracy')
plt.legend()
plt.figure()
plt.plot(epochs, loss, 'bo', label='Training loss')
plt.plot(epochs, val_loss, 'b', label='Validation loss')
plt.title('Training and validation loss')
plt.legend()
plt.show()

result = {'first': first, 'trained_loss': loss, 'trained_val_loss': val_loss}
