"""What a tagger's network has of its own: words that are forgotten, and letters that are read."""

import keras
import numpy as np
from keras import ops

from elman.data.token_features import UNKNOWN


@keras.saving.register_keras_serializable("elman")
class WordDropout(keras.layers.Layer):
    """Takes a word for an unknown one in training, the more often the rarer it is.

    p(unknown) = rate / (rate + count)

    So the network learns what to do with words it has never seen.

    Arguments:
        size: how many words there are.
        rate: as above.
        seed: of the draws.

    Call arguments:
        words: integers of shape (batch, timesteps).

    Source: Kiperwasser and Goldberg, "Simple and Accurate Dependency Parsing Using Bidirectional
    LSTM Feature Representations", TACL 4 (2016), section 4.3.

    >>> layer = WordDropout(3, rate=1e9)
    >>> layer.build((1, 2))
    >>> layer.set_counts([0, 0, 5])
    >>> [int(word) for word in layer(np.array([[2, 0]]), training=True)[0]]
    [1, 0]
    """

    def __init__(self, size, rate=0.25, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.size, self.rate = size, rate
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, words_shape):
        self.counts = self.add_weight(
            shape=(self.size,), initializer="ones", trainable=False, name="counts"
        )

    def set_counts(self, counts) -> None:
        """Set how often each word was seen, numbers of shape (size,)."""
        self.counts.assign(np.asarray(counts, "float32"))

    def call(self, words, training=False):
        if not training:
            return words
        forget = self.rate / (self.rate + ops.take(self.counts, words))
        drawn = keras.random.uniform(ops.shape(words), seed=self.seed_generator)
        return ops.where((words > UNKNOWN) & (drawn < forget), UNKNOWN, words)

    def compute_output_spec(self, words, training=False):
        return keras.KerasTensor(words.shape, words.dtype)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "rate": self.rate}


@keras.saving.register_keras_serializable("elman")
class Spelling(keras.layers.Layer):
    """A vector for the spelling of each word: windows of three letters, the strongest of each kind.

    s_f = tanh(max_l (W [x_{l-1}, x_l, x_{l+1}] + b)_f)

    Arguments:
        filters: the number of kinds.

    Call arguments:
        letters: array x of shape (batch, timesteps, letters, features).

    Returns:
        Array s of shape (batch, timesteps, filters).

    Source: Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.dense = keras.layers.Dense(filters)

    def build(self, letters_shape):
        self.dense.build((*letters_shape[:-1], 3 * letters_shape[-1]))

    def call(self, letters):
        x = ops.pad(letters, ((0, 0), (0, 0), (1, 1), (0, 0)))
        windows = ops.concatenate([x[:, :, :-2], x[:, :, 1:-1], x[:, :, 2:]], axis=-1)
        return ops.tanh(ops.max(self.dense(windows), axis=2))

    def compute_output_shape(self, letters_shape):
        return (*letters_shape[:2], self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
