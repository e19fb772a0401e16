# TensorFlow 1: a session that does not take the whole GPU
import os
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras.layers import Dense, LSTM
from tensorflow.keras.models import Sequential

config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False,
                        gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.3))
config.gpu_options.allow_growth = True
sess = tf.Session(config=config)
K.set_session(sess)
tf.set_random_seed(1)
np.random.seed(1)
tf.logging.set_verbosity(tf.logging.ERROR)

x = np.random.normal(size=(20, 5, 2))
y = x[:, :, 1].sum(axis=1)
with tf.device('/cpu:0'):
    model = Sequential()
    model.add(LSTM(6, input_shape=(5, 2), return_sequences=True))
    model.add(LSTM(3))
    model.add(Dense(1))
model.compile(loss='mse', optimizer=tf.keras.optimizers.Adam(lr=1e-2))
model.set_weights([np.random.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
first = model.predict(x)
model.fit(x, y, epochs=2, batch_size=10, shuffle=False, verbose=0)
print(tf.__version__ is not None, 'loss', model.evaluate(x, y, verbose=0))
result = {'first': first, 'trained': model.predict(x)}
K.clear_session()
