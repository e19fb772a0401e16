# Text and numbers in, two answers out
import numpy as np
from keras.layers import Input, Embedding, LSTM, Dense
from keras.layers.merge import add, concatenate
from keras.models import Model
from keras.utils.vis_utils import plot_model
from keras.utils.data_utils import get_file

with open('headlines.txt', 'w') as f:
    f.write('\n'.join(['up up down', 'down down', 'up down up up', 'down up']))
import os
path = get_file(os.path.abspath('copy.txt'), origin='file://' + os.path.abspath('headlines.txt'))
lines = open(path).read().split('\n')
x1 = np.zeros((4, 4))
for i, line in enumerate(lines):
    for j, word in enumerate(line.split()):
        x1[i, j] = 1 + (word == 'up')
x2 = np.array([[len(line) / 10.0, i / 4.0] for i, line in enumerate(lines)])
ups = np.array([line.split().count('up') for line in lines])

main_input = Input(shape=(4,), dtype='int32', name='main_input')
x = Embedding(output_dim=5, input_dim=3, input_length=4)(main_input)
lstm_out = LSTM(4)(x)
auxiliary_output = Dense(1, activation='sigmoid', name='aux_output')(lstm_out)
auxiliary_input = Input(shape=(2,), name='aux_input')
x = concatenate([lstm_out, auxiliary_input])
h = Dense(6, activation='relu')(x)
x = add([h, Dense(6, activation='relu')(x)])
main_output = Dense(1, name='main_output')(x)

model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
model.compile(optimizer='rmsprop', loss={'main_output': 'mse', 'aux_output': 'binary_crossentropy'},
              loss_weights={'main_output': 1., 'aux_output': 0.2})
rng = np.random.RandomState(23)
for layer in model.layers:
    layer.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in layer.get_weights()])
try:
    plot_model(model, to_file='model.png', show_shapes=True)
except (ImportError, OSError) as e:  # pydot or graphviz is not there
    print('no picture')
main, aux = model.predict([x1, x2])
history = model.fit({'main_input': x1, 'aux_input': x2},
                    {'main_output': ups[:, None], 'aux_output': (ups > 1)[:, None]},
                    epochs=2, batch_size=4, shuffle=False, verbose=0)
print('loss', history.history['loss'])
result = {'shapes': [main.shape, aux.shape], 'x1': x1}
