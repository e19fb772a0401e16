# International airline passengers (an invented series like it), window method
import numpy as np
import matplotlib.pyplot as plt
import math
from keras.models import Sequential
from keras.layers import Dense
from keras.layers import LSTM

# fix random seed for reproducibility
np.random.seed(7)


# convert an array of values into a dataset matrix
def create_dataset(dataset, look_back=1):
    dataX, dataY = [], []
    for i in range(len(dataset) - look_back - 1):
        a = dataset[i:(i + look_back), 0]
        dataX.append(a)
        dataY.append(dataset[i + look_back, 0])
    return np.array(dataX), np.array(dataY)


months = np.arange(72)
dataset = 100 + 2.5 * months + 30 * np.sin(2 * np.pi * months / 12) * (1 + months / 72.)
dataset = dataset.reshape(-1, 1).astype('float32')
low, high = dataset.min(), dataset.max()
dataset = (dataset - low) / (high - low)
train_size = int(len(dataset) * 0.67)
train, test = dataset[:train_size], dataset[train_size:]

look_back = 3
trainX, trainY = create_dataset(train, look_back)
testX, testY = create_dataset(test, look_back)
# reshape input to be [samples, time steps, features]
trainX = np.reshape(trainX, (trainX.shape[0], 1, trainX.shape[1]))
testX = np.reshape(testX, (testX.shape[0], 1, testX.shape[1]))

model = Sequential()
model.add(LSTM(4, input_shape=(1, look_back)))
model.add(Dense(1))
model.compile(loss='mean_squared_error', optimizer='adam')
model.set_weights([np.random.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict(testX)
model.fit(trainX, trainY, epochs=5, batch_size=8, verbose=2, shuffle=False)

trainPredict = model.predict(trainX)
testPredict = model.predict(testX)
trainScore = math.sqrt(np.mean((trainY - trainPredict[:, 0]) ** 2)) * (high - low)
print('Train Score: %.2f RMSE' % (trainScore))
plt.plot(dataset * (high - low) + low)
plt.plot(range(look_back, len(trainPredict) + look_back), trainPredict * (high - low) + low)
plt.show()

result = {'first': first, 'trained': testPredict}
