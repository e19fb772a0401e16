# Encoder and decoder as classes
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Dense, Embedding, GRU


class Encoder(tf.keras.Model):
    def __init__(self, vocab_size, embedding_dim, enc_units):
        super(Encoder, self).__init__()
        self.embedding = Embedding(vocab_size, embedding_dim)
        self.gru = GRU(enc_units, return_sequences=True, return_state=True,
                       recurrent_initializer='glorot_uniform')

    def call(self, x):
        output, state = self.gru(self.embedding(x))
        return output, state


class Decoder(tf.keras.Model):
    def __init__(self, vocab_size, embedding_dim, dec_units):
        super(Decoder, self).__init__()
        self.embedding = Embedding(vocab_size, embedding_dim)
        self.gru = GRU(dec_units, return_sequences=True, return_state=True)
        self.fc = Dense(vocab_size)

    def call(self, x, hidden):
        output, state = self.gru(self.embedding(x), initial_state=hidden)
        return self.fc(output), state


class Translator(tf.keras.Model):
    def __init__(self):
        super(Translator, self).__init__()
        self.encoder = Encoder(10, 4, 6)
        self.decoder = Decoder(8, 4, 6)

    def call(self, inputs):
        source, target = inputs
        _, state = self.encoder(source)
        logits, _ = self.decoder(target, state)
        return logits


rng = np.random.RandomState(28)
source, target = rng.randint(0, 10, (6, 5)), rng.randint(0, 8, (6, 4))
translator = Translator()
translator.compile(optimizer='adam',
                   loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
translator.predict([source, target])  # builds it
for part in (translator.encoder, translator.decoder):
    part.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in part.get_weights()])
first = translator.predict([source, target])
history = translator.fit([source, target], np.roll(target, -1, axis=1), epochs=2, batch_size=6,
                         shuffle=False, verbose=0)
print('loss', history.history['loss'][-1])
result = {'first': first, 'trained_loss': history.history['loss']}
