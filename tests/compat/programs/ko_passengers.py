# -*- coding: utf-8 -*-
# 순환 신경망으로 승객 수 예측하기 (지어낸 자료)
import numpy as np
from keras.models import Sequential
from keras.layers import Dense, LSTM, Dropout
import matplotlib.pyplot as plt

# 1. 데이터 준비하기
def create_dataset(signal_data, look_back=1):
    dataX, dataY = [], []
    for i in range(len(signal_data) - look_back):
        dataX.append(signal_data[i:(i + look_back), 0])
        dataY.append(signal_data[i + look_back, 0])
    return np.array(dataX), np.array(dataY)


look_back = 6
월 = np.arange(60)
승객수 = (200 + 3 * 월 + 40 * np.cos(월 / 6.0 * np.pi))[:, None]
전처리 = (승객수 - 승객수.min()) / (승객수.max() - 승객수.min())
x_train, y_train = create_dataset(전처리[:40], look_back)
x_test, y_test = create_dataset(전처리[40:], look_back)
x_train = np.reshape(x_train, (x_train.shape[0], x_train.shape[1], 1))
x_test = np.reshape(x_test, (x_test.shape[0], x_test.shape[1], 1))

# 2. 모델 구성하기: 상태유지 LSTM
model = Sequential()
model.add(LSTM(8, batch_input_shape=(1, look_back, 1), stateful=True))
model.add(Dropout(0.0))
model.add(Dense(1))
난수 = np.random.RandomState(33)
model.set_weights([난수.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])

# 3. 모델 학습과정 설정하기
model.compile(loss='mean_squared_error', optimizer='adam')

# 4. 모델 학습시키기
기록 = []
for i in range(2):
    hist = model.fit(x_train, y_train, epochs=1, batch_size=1, shuffle=False, verbose=0)
    기록.append(hist.history['loss'][0])
    model.reset_states()
plt.plot(기록)
plt.ylabel('손실')
plt.show()

# 5. 모델 평가하기
trainScore = model.evaluate(x_train, y_train, batch_size=1, verbose=0)
model.reset_states()
print('훈련 점수: ', trainScore)

# 6. 모델 사용하기: 한 달씩 앞으로
xhat = x_test[0]
예측 = np.zeros((5, 1))
for i in range(5):
    prediction = model.predict(np.array([xhat]), batch_size=1)
    예측[i] = prediction
    xhat = np.vstack([xhat[1:], prediction])
result = {'trained_loss': 기록, 'trained_prediction': 예측}
