# Pretrained vectors and other weights handed to the constructors
import numpy as np
from keras.initializers import Constant
from keras.layers import Bidirectional, Dense, Embedding, GRU, LSTM, SimpleRNN, SpatialDropout1D
from keras.models import Sequential

EMBEDDING_DIM, MAX_SEQUENCE_LENGTH = 4, 6
word_index = {'love': 1, 'hate': 2, 'film': 3, 'music': 4}
rng = np.random.RandomState(22)
embeddings_index = {word: rng.normal(size=EMBEDDING_DIM) for word in ('love', 'film', 'music')}
num_words = len(word_index) + 1
embedding_matrix = np.zeros((num_words, EMBEDDING_DIM))
for word, i in word_index.items():
    embedding_vector = embeddings_index.get(word)
    if embedding_vector is not None:
        # words not found in embedding index will be all-zeros.
        embedding_matrix[i] = embedding_vector


def some(*shapes):
    return [rng.uniform(-0.5, 0.5, shape) for shape in shapes]


model = Sequential()
model.add(Embedding(num_words, EMBEDDING_DIM, weights=[embedding_matrix],
                    input_length=MAX_SEQUENCE_LENGTH, trainable=False))
model.add(SpatialDropout1D(0.1))
model.add(LSTM(3, return_sequences=True, weights=some((4, 12), (3, 12), (12,))))
model.add(SimpleRNN(2, weights=some((3, 2), (2, 2), (2,))))
model.add(Dense(1, weights=some((2, 1), (1,))))
x = rng.randint(0, num_words, (5, MAX_SEQUENCE_LENGTH))
print(model.predict(x)[:, 0])

# the shape on the inner layer
inner = Sequential()
inner.add(Bidirectional(LSTM(3, input_shape=(4, 2)), merge_mode='ave'))
inner.add(Dense(2))
steps = rng.normal(size=(2, 4, 2))
inner.predict(steps)
inner.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in inner.get_weights()])
print('trainable', len(model.trainable_weights), 'of', len(model.weights))

# tf.keras forgot these weights, so that nothing is compared
both = Sequential()
both.add(Bidirectional(GRU(2, reset_after=False), input_shape=(4, 2),
                       weights=some((2, 6), (2, 6), (6,), (2, 6), (2, 6), (6,))))
constant = Sequential([Embedding(num_words, EMBEDDING_DIM, batch_input_shape=(5, 6),
                                 embeddings_initializer=Constant(embedding_matrix))])
result = {'predicted': model.predict(x), 'inner': inner.predict(steps),
          'constant': constant.predict(x), 'both': both.predict(steps).shape}
