# Spam or ham, with the Tokenizer, early stopping and predict_classes
import numpy as np
from keras.callbacks import EarlyStopping
from keras.layers import Dense, Embedding, GRU
from keras.models import Sequential
from keras.optimizers import Adam
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer

messages = [
    ('Win a FREE phone now!!!', 1), ('Are we still on for lunch?', 0),
    ('Free prize: call this number now', 1), ('I will call you after class', 0),
    ('You won cash, claim your prize', 1), ('Mum says lunch is at one', 0),
    ('Claim a free holiday, call now', 1), ('See you in class tomorrow', 0),
]
texts = [text for text, _ in messages]
labels = np.array([label for _, label in messages])

vocabulary = 30
tokenizer = Tokenizer(num_words=vocabulary, oov_token='<oov>')
tokenizer.fit_on_texts(texts)
sequences = tokenizer.texts_to_sequences(texts)
word_index = tokenizer.word_index
print('Found %s unique tokens.' % len(word_index))
data = pad_sequences(sequences, maxlen=7, padding='post', truncating='post')

model = Sequential()
model.add(Embedding(vocabulary, 6, input_length=7, mask_zero=True))
model.add(GRU(5, dropout=0.0, recurrent_dropout=0.0, recurrent_activation='sigmoid'))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=Adam(lr=0.02), metrics=['acc'])
rng = np.random.RandomState(6)
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
first = model.predict_proba(data)

stop = EarlyStopping(monitor='loss', patience=2, mode='min')
history = model.fit(data, labels, epochs=4, batch_size=4, shuffle=False, callbacks=[stop],
                    verbose=0)
print('acc:', history.history['acc'][-1])
new = pad_sequences(tokenizer.texts_to_sequences(['call now for a free prize']), maxlen=7,
                    padding='post')
print('spam' if model.predict_classes(new)[0, 0] else 'ham')

result = {'data': data, 'first': first, 'trained': model.predict(data)}
