# Looking into a network with K.function
import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Embedding, LSTM
from keras.models import Sequential, Model

K.clear_session()
print('float type', K.floatx(), 'epsilon', K.epsilon())

model = Sequential()
model.add(Embedding(12, 4, input_length=6))
model.add(LSTM(5, return_sequences=True, name='inner'))
model.add(LSTM(3, name='outer'))
model.add(Dropout(0.5))
model.add(Dense(2, activation='softmax'))
rng = np.random.RandomState(13)
model.set_weights([rng.uniform(-0.7, 0.7, w.shape) for w in model.get_weights()])
x = rng.randint(0, 12, (4, 6))

print('shape of the states', K.int_shape(model.get_layer('inner').output))
get_inner = K.function([model.layers[0].input], [model.layers[1].output])
inner = get_inner([x])[0]
# with the learning phase as an input: 0 = test
both = K.function([model.layers[0].input, K.learning_phase()],
                  [model.get_layer('outer').output, model.layers[-1].output])
outer, answer = both([x, 0])
middle = Model(inputs=model.input, outputs=model.get_layer('inner').output)
print('the same?', np.allclose(inner, middle.predict(x), atol=1e-6))

# gates of the last step, from the weights
kernel, recurrent, bias = [K.get_value(w) for w in model.get_layer('outer').weights]
a = K.variable(np.ones((2, 3)))
total = K.eval(K.sum(K.dot(a, K.transpose(a)) + 1., axis=-1))
result = {'inner': inner, 'outer': outer, 'answer': answer, 'kernel': kernel, 'total': total}
