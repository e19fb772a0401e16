"""Answers, token by token: what `Seq2Seq` and `ImageCaptioner` have in common.

Both hold a Keras model ``[source, answer so far] -> logits``. Its layer "encoder" is a model of its
own, ``source -> [memory, memory mask, *first states]``; `decoded` adds the others. In training all
steps run at once; asked for an answer, the model runs one step at a time.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from elman import layers
from elman.data.decoding import Hypothesis, beam_search, sample
from elman.data.tokenizer import END, PAD, START, UNKNOWN

# The layers that say an answer.
GENERATOR = {
    "encoder": keras.Model,
    "decoder": layers.AttentionDecoder,
    "target_embedding": keras.layers.Embedding,
    "output": keras.layers.Dense,
}


def decoded(target, encoded, *, tokens, embedding, units, dropout, sampling=None, **settings):
    """The logits [B, U, V] of a decoder for the answers so far.

    Arguments:
        target: [B, U], each answer with START before it.
        encoded: the outputs of the encoder.
        tokens: V; embedding: the width of a token's vector.
        units, dropout, settings: as of `elman.layers.AttentionDecoder`.
        sampling: a `ScheduledSampling` layer, or None.
    """
    memory, mask, *states = encoded
    embed = layers.Embedding(tokens, embedding, mask_zero=True, name="target_embedding")
    drop = layers.Dropout(dropout)
    decoder = layers.AttentionDecoder(units, dropout=dropout, name="decoder", **settings)
    output = layers.Dense(tokens, name="output")

    def logits(target):
        y = decoder(drop(embed(target)), memory, initial_state=states, memory_mask=mask)
        return output(y)

    first = logits(target)
    return first if sampling is None else logits(sampling([target, first]))


@keras.saving.register_keras_serializable("elman")
class ScheduledSampling(keras.layers.Layer):
    """Puts tokens that the model itself would have said in the place of true ones, in training.

    Of the answer so far each token but the first is replaced, with probability
    ``rate * min(1, n / steps)`` in the n-th training step, by one drawn from the model's own
    prediction. The predictions are those of a first pass over the true answers, all steps at once
    (Duckworth et al. 2019, "Parallel Scheduled Sampling"), so that the fast kernels still apply.

    Source: Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural
    Networks", NeurIPS 2015.
    """

    def __init__(self, rate, steps, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.steps, self.seed = rate, steps, seed
        self.random = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        self.done = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="steps_done"
        )

    def call(self, inputs, training=False):
        target, logits = inputs
        if not training:
            return target
        self.done.assign_add(1.0)
        probability = self.rate * ops.minimum(self.done / self.steps, 1.0)
        shape = ops.shape(logits)
        drawn = keras.random.categorical(
            ops.reshape(ops.stop_gradient(logits), (-1, shape[-1])), 1, seed=self.random
        )
        drawn = ops.cast(ops.reshape(drawn, shape[:2]), target.dtype)
        # What is said at step u is read at step u + 1; the first token stays the start.
        drawn = ops.concatenate([target[:, :1], drawn[:, :-1]], axis=1)
        chosen = keras.random.uniform(shape[:2], seed=self.random) < probability
        chosen = ops.logical_and(chosen, drawn > END)
        chosen = ops.logical_and(chosen, target != PAD)
        return ops.where(chosen, drawn, target)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "steps": self.steps, "seed": self.seed}


@keras.saving.register_keras_serializable("elman")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of token numbers and logits, with smoothed labels.

    loss = -(1 - smoothing) log p_true - smoothing mean_v log p_v

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
    """

    def __init__(self, smoothing=0.1, name="crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        true = ops.take_along_axis(y_pred, ops.cast(y_true, "int32")[..., None], axis=-1)[..., 0]
        norm = ops.logsumexp(y_pred, axis=-1)
        return norm - (1 - self.smoothing) * true - self.smoothing * ops.mean(y_pred, axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


class Generator:
    """Asks a model for answers, a token at a time.

    A step looks at the last tokens and the states carried along, never at what came before. There
    is one compiled step for each shape: sentences B, hypotheses K, timesteps T of the memory.

    Arguments:
        model: as described above.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self._encoder, self._decoder, self._embed, self._output = map(model.get_layer, GENERATOR)
        self._encode = compiled(self._encoded, model)
        self._step = compiled(self._stepped, model)

    def best(self, source, max_length: int, **settings) -> list[list[Hypothesis]]:
        """The answers that `elman.data.decoding.beam_search` finds, for each row of ``source``."""
        step = self._searched(source, settings["width"])
        settings |= {"start": START, "end": END, "max_length": max_length}
        return beam_search(step, len(source), **settings)

    def drawn(self, source, max_length: int, **settings) -> list[list[Hypothesis]]:
        """Answers that `elman.data.decoding.sample` draws, for each row of ``source``."""
        step = self._searched(source, settings["count"])
        settings |= {"start": START, "end": END, "max_length": max_length}
        return sample(step, len(source), **settings)

    def attention(self, source, tokens: Sequence[int]) -> np.ndarray:
        """Where the decoder looks for each of ``tokens``, the answer to one source: [U, T]."""
        memory, keys, mask, states = self._encode(source)
        carried, looks = [state[:, None] for state in states], []
        first = np.zeros((1, 1), "int32")
        for token in [START, *tokens[:-1]]:
            _, carried, scores = self._step(first + token, first, carried, memory, keys, mask)
            looks.append(ops.convert_to_numpy(scores)[0, 0])
        return np.stack(looks)

    def _searched(self, source, width: int):
        """The step of a search with ``width`` hypotheses for each row."""
        memory, keys, mask, states = self._encode(source)
        shape = (len(source), width, states[0].shape[-1])
        carried = [ops.broadcast_to(state[:, None], shape) for state in states]

        def step(tokens, parents):
            nonlocal carried
            given = (np.asarray(tokens, "int32"), np.asarray(parents, "int32"))
            log_probs, carried, _ = self._step(*given, carried, memory, keys, mask)
            return ops.convert_to_numpy(log_probs)

        return step

    def _encoded(self, source):
        memory, mask, *states = self._encoder(source, training=False)
        return memory, self._decoder.keys(memory), mask, states

    def _stepped(self, tokens, parents, states, memory, keys, mask):
        states = [ops.take_along_axis(state, parents[:, :, None], axis=1) for state in states]
        y, states, scores = self._decoder.step(self._embed(tokens), states, memory, keys, mask)
        logits = self._output(y)
        never = np.zeros(logits.shape[-1], "float32")
        never[[PAD, UNKNOWN, START]] = -np.inf
        logits += ops.convert_to_tensor(never)
        return ops.log_softmax(logits, axis=-1), states, scores


def compiled(function, model: keras.Model):
    """``function`` of arrays, with the weights of ``model``, compiled and without gradients.

    On JAX and TensorFlow it is compiled once for each set of shapes; torch runs it as it is.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        @jax.jit
        def run(values, arguments):
            mapping = list(zip(model.variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return function(*arguments)

        return lambda *arguments: run([v.value for v in model.variables], arguments)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    import torch

    return torch.no_grad()(lambda *arguments: function(*map(_as_tensor, arguments)))


def _as_tensor(argument):
    return ops.convert_to_tensor(argument) if isinstance(argument, np.ndarray) else argument
