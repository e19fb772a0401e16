# 글자 단위 번역기: 인코더의 상태를 디코더의 첫 상태로
import numpy as np
from tensorflow.keras.layers import Input, LSTM, Embedding, Dense, Masking
from tensorflow.keras.models import Model
from tensorflow.keras.preprocessing.sequence import pad_sequences

쌍 = [('가', 'go'), ('안녕', 'hi'), ('고마워', 'thanks'), ('뛰어', 'run'), ('멈춰', 'stop')]
src_vocab = sorted(set(''.join(원문 for 원문, _ in 쌍)))
tar_vocab = ['\t', '\n'] + sorted(set(''.join(번역 for _, 번역 in 쌍)))
src_to_index = {c: i + 1 for i, c in enumerate(src_vocab)}
tar_to_index = {c: i + 1 for i, c in enumerate(tar_vocab)}
encoder_input = pad_sequences([[src_to_index[c] for c in 원문] for 원문, _ in 쌍], padding='post')
decoder_input = pad_sequences([[tar_to_index[c] for c in '\t' + 번역] for _, 번역 in 쌍],
                              maxlen=7, padding='post')
decoder_target = pad_sequences([[tar_to_index[c] for c in 번역 + '\n'] for _, 번역 in 쌍],
                               maxlen=7, padding='post')

encoder_inputs = Input(shape=(None,))
enc_emb = Embedding(len(src_vocab) + 1, 6)
enc_masking = Masking(mask_value=0.0)
encoder_lstm = LSTM(8, return_state=True)
_, state_h, state_c = encoder_lstm(enc_masking(enc_emb(encoder_inputs)))
decoder_inputs = Input(shape=(None,))
dec_emb = Embedding(len(tar_vocab) + 1, 6, mask_zero=True)
decoder_lstm = LSTM(8, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(dec_emb(decoder_inputs), initial_state=[state_h, state_c])
decoder_dense = Dense(len(tar_vocab) + 1, activation='softmax')
model = Model([encoder_inputs, decoder_inputs], decoder_dense(decoder_outputs))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['acc'])
난수 = np.random.RandomState(36)
for 층 in (enc_emb, encoder_lstm, dec_emb, decoder_lstm, decoder_dense):
    층.set_weights([난수.uniform(-0.4, 0.4, w.shape) for w in 층.get_weights()])
처음 = model.predict([encoder_input, decoder_input])

encoder_model = Model(encoder_inputs, [state_h, state_c])
상태 = encoder_model.predict(encoder_input)
print('상태의 크기', 상태[0].shape, 상태[1].shape)
# 채움 글자 뒤는 비교하지 않는다
result = {'first': np.concatenate([줄[:len(번역)] for 줄, (_, 번역) in zip(처음, 쌍)]),
          'state_h': 상태[0], 'state_c': 상태[1]}
