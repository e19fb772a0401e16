# 영화 리뷰 감성 분석 (지어낸 리뷰)
import re
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Embedding, Dense, LSTM
from tensorflow.keras.models import Sequential, load_model
from tensorflow.keras.callbacks import EarlyStopping, ModelCheckpoint
from tensorflow.keras.preprocessing.text import Tokenizer
from tensorflow.keras.preprocessing.sequence import pad_sequences

리뷰 = ['정말 재미있는 영화 였어요', '시간이 아까운 영화', '배우들 연기가 정말 좋다', '지루하고 재미없다 ㅠㅠ',
       '또 보고 싶은 영화!!', '돈이 아까운 영화', '연기가 좋다 추천', '너무 지루하고 별로']
라벨 = np.array([1, 0, 1, 0, 1, 0, 1, 0])
stopwords = ['너무', '또']

# 한글과 공백을 제외하고 모두 제거
cleaned = [re.sub('[^ㄱ-ㅎㅏ-ㅣ가-힣 ]', '', 문장) for 문장 in 리뷰]
X_train = [[단어 for 단어 in 문장.split() if 단어 not in stopwords] for 문장 in cleaned]

tokenizer = Tokenizer()
tokenizer.fit_on_texts(X_train)
threshold = 2
total_cnt = len(tokenizer.word_index)
rare_cnt = sum(1 for _, value in tokenizer.word_counts.items() if value < threshold)
print('단어 집합의 크기 :', total_cnt, ' 희귀 단어 :', rare_cnt)
vocab_size = total_cnt - rare_cnt + 2
tokenizer = Tokenizer(vocab_size, oov_token='OOV')
tokenizer.fit_on_texts(X_train)
X_train = pad_sequences(tokenizer.texts_to_sequences(X_train), maxlen=5)

model = Sequential()
model.add(Embedding(vocab_size, 10))
model.add(LSTM(6))
model.add(Dense(1, activation='sigmoid'))
model.build((None, 5))
rng = np.random.RandomState(34)
model.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in model.get_weights()])

es = EarlyStopping(monitor='val_loss', mode='min', verbose=1, patience=4)
mc = ModelCheckpoint('best_model.h5', monitor='val_acc', mode='max', verbose=1, save_best_only=True)
model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['acc'])
history = model.fit(X_train, 라벨, epochs=2, callbacks=[es, mc], batch_size=4, validation_split=0.25,
                    shuffle=False)
loaded_model = load_model('best_model.h5')
print("테스트 정확도: %.4f" % (loaded_model.evaluate(X_train, 라벨)[1]))


def sentiment_predict(new_sentence):
    encoded = tokenizer.texts_to_sequences([new_sentence.split()])
    score = float(loaded_model.predict(pad_sequences(encoded, maxlen=5))[0, 0])
    print("{:.2f}% 확률로 {} 리뷰입니다.".format(max(score, 1 - score) * 100, '긍정' if score > 0.5 else '부정'))
    return score


result = {'X': X_train, 'trained': [sentiment_predict('연기가 정말 좋다')],
          'trained_loss': history.history['loss']}
