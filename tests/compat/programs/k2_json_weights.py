# Save the architecture and the weights apart, and put them together again
import os

import numpy as np
from keras.layers import GRU, Bidirectional, Dense, Masking
from keras.models import Sequential, model_from_json

model = Sequential()
model.add(Masking(mask_value=0., input_shape=(5, 2)))
model.add(Bidirectional(GRU(3, return_sequences=True, reset_after=True), merge_mode='concat'))
model.add(GRU(4, go_backwards=True, reset_after=True))
model.add(Dense(3, activation='softmax'))
rng = np.random.RandomState(14)
model.set_weights([rng.uniform(-0.6, 0.6, w.shape) for w in model.get_weights()])
X = rng.normal(size=(6, 5, 2))
X[3:, 3:] = 0.
wanted = model.predict(X)

# serialize model to JSON
model_json = model.to_json()
with open("model.json", "w") as json_file:
    json_file.write(model_json)
# serialize weights to HDF5
model.save_weights("model.h5")
print("Saved model to disk")

# later...
json_file = open('model.json', 'r')
loaded_model_json = json_file.read()
json_file.close()
loaded_model = model_from_json(loaded_model_json)
# load weights into new model
loaded_model.load_weights("model.h5")
print("Loaded model from disk", os.path.getsize("model.h5") > 0)
loaded_model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
Y = np.eye(3)[rng.randint(0, 3, 6)]
score = loaded_model.evaluate(X, Y, verbose=0)
print("%s: %.2f%%" % ('acc', score[1] * 100))
result = {'wanted': wanted, 'loaded': loaded_model.predict(X), 'score': score[0]}
