# Anomalies in a series: an LSTM autoencoder and a threshold
import numpy as np
from tensorflow.keras.callbacks import EarlyStopping
from tensorflow.keras.layers import LSTM, Dense, Dropout, RepeatVector, TimeDistributed
from tensorflow.keras.models import Sequential, load_model

TIME_STEPS = 8
t = np.arange(90)
series = np.sin(t / 5)
series[70] += 2  # the fault
windows = np.stack([series[i:i + TIME_STEPS] for i in range(len(series) - TIME_STEPS)])[..., None]
train = windows[:50]

model = Sequential([
    LSTM(8, input_shape=(TIME_STEPS, 1), activation="tanh"),
    Dropout(rate=0.0),
    RepeatVector(n=TIME_STEPS),
    LSTM(8, return_sequences=True),
    TimeDistributed(Dense(1)),
])
model.compile(optimizer="adam", loss="mae")
rng = np.random.default_rng(2)
model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
history = model.fit(train, train, epochs=2, batch_size=25, validation_split=0.2, shuffle=False,
                    verbose=0, callbacks=[EarlyStopping(monitor="val_loss", patience=3)])
model.save("autoencoder.h5")
model = load_model("autoencoder.h5")
error = np.abs(model.predict(windows, verbose=0) - windows).mean(axis=(1, 2))
threshold = error[:50].max()
print("anomalies from", int(np.argmax(error > threshold)))
result = {"trained_error": error, "trained_val_loss": history.history["val_loss"]}
