# TensorFlow 2.0: a text classifier fed by tf.data
import numpy as np
import tensorflow as tf

tf.random.set_seed(0)
rng = np.random.RandomState(27)
encoded = rng.randint(1, 20, (24, 8))
labels = (encoded.mean(axis=1) > 10).astype('int32')

BUFFER_SIZE, BATCH_SIZE = 100, 8
train_dataset = tf.data.Dataset.from_tensor_slices((encoded[:16], labels[:16]))
train_dataset = train_dataset.batch(BATCH_SIZE)
test_dataset = tf.data.Dataset.from_tensor_slices((encoded[16:], labels[16:])).batch(BATCH_SIZE)

model = tf.keras.Sequential([
    tf.keras.layers.Embedding(20, 6, input_length=8),
    tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(5, return_sequences=True)),
    tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(3)),
    tf.keras.layers.Dense(4, activation='relu'),
    tf.keras.layers.Dense(1),
])
model.compile(loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
              optimizer=tf.keras.optimizers.Adam(1e-3), metrics=['accuracy'])
model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
first = model.predict(encoded)
history = model.fit(train_dataset, epochs=2, validation_data=test_dataset, validation_steps=1,
                    verbose=0)
test_loss, test_acc = model.evaluate(test_dataset, verbose=0)
print('Test Loss: {:.4f}'.format(test_loss))
result = {'first': first, 'trained_loss': history.history['loss'], 'trained_test': test_loss}
