# Late Keras 2 (2.11): temperature of tomorrow
import matplotlib.pyplot as plt
import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(812)
hours = np.arange(120)
temperature = 10 + 8 * np.sin(hours / 24 * 2 * np.pi) + 0.02 * hours
weather = np.stack([temperature, 1000 + np.cos(hours / 30)], axis=1)
features = ((weather - weather.mean(axis=0)) / weather.std(axis=0)).astype('float32')

past, future = 12, 3
x = np.stack([features[i:i + past] for i in range(len(features) - past - future)])
y = features[past + future:, 0]

inputs = keras.layers.Input(shape=(x.shape[1], x.shape[2]))
lstm_out = keras.layers.LSTM(8)(inputs)
outputs = keras.layers.Dense(1)(lstm_out)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer=keras.optimizers.legacy.Adam(learning_rate=0.005, decay=1e-4), loss="mse",
              metrics=[keras.metrics.RootMeanSquaredError()])
rng = np.random.default_rng(0)
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
first = model.predict(x, verbose=0)

checkpoint = keras.callbacks.ModelCheckpoint(monitor="loss", filepath="model_checkpoint.h5",
                                             verbose=1, save_weights_only=True, save_best_only=True)
history = model.fit(x, y, epochs=2, batch_size=35, shuffle=False, verbose=0,
                    callbacks=[checkpoint, keras.callbacks.EarlyStopping("loss", patience=3)])
model.load_weights("model_checkpoint.h5")
plt.plot(history.history["loss"], label="Training loss")
plt.legend()
plt.savefig("loss.png")
result = {"first": first, "trained_loss": history.history["loss"]}
