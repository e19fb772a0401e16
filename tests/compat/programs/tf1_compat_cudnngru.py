# CuDNNGRU out of the compatibility module
import numpy as np
from tensorflow.compat.v1.keras.layers import CuDNNGRU, CuDNNLSTM
from tensorflow.keras.layers import Dense, Input
from tensorflow.keras.models import Model

rng = np.random.RandomState(25)
data = rng.normal(size=(4, 5, 3))
i = Input((5, 3))
sequence, state = CuDNNGRU(4, return_sequences=True, return_state=True)(i)
h = CuDNNLSTM(3, go_backwards=True, unit_forget_bias=True)(sequence)
o = Dense(2)(h)
model = Model(i, [o, state])
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
answer, state = model.predict(data)
print(answer.shape, state.shape)
result = {'answer': answer, 'state': state}
