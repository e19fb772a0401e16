# 글자 단위 RNN: 다음 글자 맞히기
import numpy as np
from tensorflow.keras.layers import Dense, SimpleRNN, TimeDistributed
from tensorflow.keras.models import Sequential
from tensorflow.keras.utils import to_categorical

문장 = '봄이 오면 꽃이 피고 꽃이 지면 여름이 온다'
글자집합 = sorted(set(문장))
글자번호 = {글자: 번호 for 번호, 글자 in enumerate(글자집합)}
번호글자 = dict(enumerate(글자집합))
print('글자 수', len(글자집합))

창 = 8
x, y = [], []
for i in range(len(문장) - 창):
    x.append([글자번호[c] for c in 문장[i:i + 창]])
    y.append([글자번호[c] for c in 문장[i + 1:i + 창 + 1]])
x, y = to_categorical(x, len(글자집합)), to_categorical(y, len(글자집합))

model = Sequential()
model.add(SimpleRNN(12, input_shape=(창, len(글자집합)), return_sequences=True))
model.add(TimeDistributed(Dense(len(글자집합), activation='softmax')))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
난수 = np.random.RandomState(35)
model.set_weights([난수.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])
처음 = model.predict(x)
history = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
print('정확도', history.history['accuracy'][-1])
예측 = model.predict(x[:1]).argmax(axis=-1)[0]
print(문장[:창], '->', ''.join(번호글자[번호] for 번호 in 예측))
result = {'first': 처음, 'trained_loss': history.history['loss']}
