# A cell of one's own, constants in it, and K.rnn by hand
import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Layer, RNN
from keras.models import Model


class MinimalRNNCell(Layer):
    """h = tanh(x W + h U + constant)"""

    def __init__(self, units, **kwargs):
        self.units = units
        self.state_size = units
        super(MinimalRNNCell, self).__init__(**kwargs)

    def build(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer='uniform',
                                      name='kernel')
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units),
                                                initializer='orthogonal', name='recurrent_kernel')
        self.built = True

    def call(self, inputs, states, constants=None):
        prev_output = states[0]
        output = K.dot(inputs, self.kernel) + K.dot(prev_output, self.recurrent_kernel)
        if constants is not None:
            output = output + constants[0]
        output = K.tanh(output)
        return output, [output]


rng = np.random.RandomState(21)
data, constant = rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 4))
weights = [rng.normal(scale=0.4, size=shape) for shape in ((2, 4), (4, 4))]

x = Input((5, 2))
given = Input((4,))
layer = RNN(MinimalRNNCell(4), return_sequences=True)
y = layer(x, constants=[given])
model = Model([x, given], y)
layer.set_weights(weights)
with_constant = model.predict([data, constant])

stacked = RNN([MinimalRNNCell(4), MinimalRNNCell(3)])
deep = Model(x, stacked(x))
deep.set_weights([rng.normal(scale=0.4, size=w.shape) for w in deep.get_weights()])


def step(inputs, states):
    new = K.tanh(inputs + 0.5 * states[0])
    return new, [new]


last, outputs, states = K.rnn(step, K.constant(data), [K.zeros((3, 2))])
print('last', K.eval(last)[0], 'states', len(states))
initial = layer.get_initial_state(K.constant(data))
result = {'with_constant': with_constant, 'deep': deep.predict(data), 'last': K.eval(last),
          'outputs': K.eval(outputs), 'initial': K.eval(initial[0])}
