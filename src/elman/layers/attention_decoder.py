"""`AttentionDecoder`: recurrent layers that look at a memory at each step."""

import functools
from typing import Any

import keras
from keras import ops, tree

from elman._keras_private import get_keras_mask
from elman.layers import checks, loop
from elman.layers.arguments import old_arguments
from elman.layers.gru import GRU
from elman.layers.layer import Layer
from elman.layers.lstm import LSTM
from elman.layers.recomputing import RecomputedInside
from elman.layers.simple_rnn import SimpleRNN

CELLS = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
SCORES = ("additive", "multiplicative", None)


@keras.saving.register_keras_serializable("elman")
@old_arguments
class AttentionDecoder(RecomputedInside, Layer):
    """Recurrent layers whose output at each step is joined by what they attend to in a memory.

    h_u, s_u = rnn([x_u; f_u], s_{u-1}),  f_u = y_{u-1} with ``input_feeding``, else nothing
    a_u = softmax_t(score(h_u, m_t)),  c_u = sum_t a_ut m_t
    y_u = tanh(W_y [h_u; c_u] + b_y)

    additive: score(h, m) = v . tanh(W_h h + W_m m + b_m);  multiplicative: h . W_m m

    x [B, U, I], memory m [B, T, M], y [B, U, H]. Without input feeding the recurrent layers run
    over all steps at once, on the native kernels where there are some; with it step by step.

    Arguments:
        units: H, of each recurrent layer and of the output.
        cell: ``"lstm"``, ``"gru"`` or ``"simple_rnn"``.
        layers: how many recurrent layers, one on the other.
        attention: ``"additive"``, ``"multiplicative"``, or None: y_u = tanh(W_y h_u + b_y), and the
            memory is not read.
        input_feeding: whether the output of a step is an input of the next.
        dropout: the share of the inputs of each recurrent layer, and of y, that is dropped.
        recurrent_dropout: the share of the recurrent layers' states that is dropped.
        seed: where the dropout starts from.

    Call arguments:
        inputs: x; memory: m.
        initial_state: list of ``state_count`` arrays [B, H]: the states of the first recurrent
            layer, then of the next, last y_0 with input feeding; zeros where it is not given.
        inputs_mask, memory_mask: boolean, [B, U] and [B, T]; Keras hands them on by itself.
        training: whether dropout is on.

    Raises:
        ValueError: a name or a number that is none of those above; a memory that is missing.

    Example:
        >>> import numpy as np
        >>> from elman.layers import AttentionDecoder
        >>> decoder = AttentionDecoder(4, cell="gru")
        >>> x, memory = np.ones((8, 3, 2), "float32"), np.ones((8, 5, 6), "float32")
        >>> tuple(decoder(x, memory).shape)
        (8, 3, 4)

    Source: Bahdanau, Cho, Bengio, "Neural Machine Translation by Jointly Learning to Align and
    Translate", ICLR 2015 (the additive score); Luong, Pham, Manning, "Effective Approaches to
    Attention-based Neural Machine Translation", EMNLP 2015 (all else).
    """

    key: Any
    query: Any
    attend: Any

    def __init__(
        self,
        units,
        cell="lstm",
        layers=1,
        attention="multiplicative",
        input_feeding=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.one_of("AttentionDecoder", "cell", cell, tuple(CELLS))
        checks.one_of("AttentionDecoder", "attention", attention, SCORES)
        checks.positive_integer("AttentionDecoder", "layers", layers)
        self.units, self.cell, self.layers, self.attention = units, cell, layers, attention
        self.input_feeding, self.dropout, self.seed = input_feeding, dropout, seed
        self.recurrent_dropout = recurrent_dropout
        self.supports_masking = True
        given = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": seed}
        given |= {"return_sequences": True, "return_state": True, "dtype": self.dtype_policy}
        self.recurrent = [CELLS[cell](units, name=f"{cell}_{n}", **given) for n in range(layers)]
        with keras.RematScope(mode=None):  # Keras would drop others when it recomputes
            self._make_others()

    def _make_others(self) -> None:
        """All but the recurrent layers."""
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        dense = functools.partial(keras.layers.Dense, self.units, dtype=self.dtype_policy)
        self.join = dense(activation="tanh", name="join")
        self.key = self.query = self.attend = None
        if self.attention == "additive":
            self.key, self.query = dense(name="key"), dense(use_bias=False, name="query")
            self.attend = keras.layers.AdditiveAttention(dtype=self.dtype_policy)
        elif self.attention == "multiplicative":
            self.key = dense(use_bias=False, name="key")
            self.attend = keras.layers.Attention(dtype=self.dtype_policy)

    @property
    def state_count(self) -> int:
        """The number of states of one step."""
        return self.layers * (2 if self.cell == "lstm" else 1) + self.input_feeding

    def build(self, inputs_shape, memory_shape=None, initial_state_shape=None):
        batch, steps, features = inputs_shape
        features += self.units if self.input_feeding else 0
        for layer in self.recurrent:
            layer.build((batch, steps, features))
            features = self.units
        if self.attention is None:
            self.join.build((batch, steps, self.units))
            return
        self._check_memory(memory_shape)
        self.key.build(memory_shape)
        hidden = (batch, steps, self.units)
        if self.query is not None:
            self.query.build(hidden)
        self.attend.build([hidden, tuple(memory_shape), (*memory_shape[:-1], self.units)])
        self.join.build((batch, steps, self.units + memory_shape[-1]))

    def call(
        self, inputs, memory=None, initial_state=None, inputs_mask=None, memory_mask=None,
        training=False,
    ):  # fmt: skip
        if inputs_mask is None:
            inputs_mask = get_keras_mask(inputs)
        states = initial_state
        if states is None:
            zeros = ops.zeros((ops.shape(inputs)[0], self.units), self.compute_dtype)
            states = [zeros] * self.state_count
        keys = self.keys(memory)
        if self.input_feeding:
            y = self._fed(inputs, states, memory, keys, inputs_mask, memory_mask, training)
        else:
            h = inputs
            for layer, own in zip(self.recurrent, self._of_each_layer(states), strict=True):
                h, *_ = layer(h, initial_state=own, mask=inputs_mask, training=training)
            y, _ = self._joined(h, memory, keys, memory_mask)
        return self.drop(y, training=training)

    def keys(self, memory):
        """What the score of each step of the memory needs, [B, T, H]; None without attention."""
        if self.attention is None:
            return None
        self._check_memory(memory)
        return self.key(memory)

    def step(self, x, states, memory=None, keys=None, memory_mask=None):
        """One step of K sequences for each row of the memory, without dropout.

        Arguments:
            x: array [B, K, I].
            states: list of ``state_count`` arrays [B, K, H].
            memory: array [B, T, M]; keys: those of the memory, from `keys`.
            memory_mask: boolean, [B, T].

        Returns:
            ``(y [B, K, H], the new states, a [B, K, T] or None)``.
        """
        return self._step(x, states, memory, keys, memory_mask, False)

    def _step(self, x, states, memory, keys, memory_mask, training):
        rows = ops.shape(x)[:2]
        if self.input_feeding:
            *states, y = states
            x = ops.concatenate([x, y], axis=-1)
        h = _flat(x)
        new_states = []
        for layer, own in zip(self.recurrent, self._of_each_layer(states), strict=True):
            h, new = layer.cell(h, [_flat(state) for state in own], training=training)
            new_states += [ops.reshape(s, (*rows, self.units)) for s in tree.flatten(new)]
        y, scores = self._joined(ops.reshape(h, (*rows, self.units)), memory, keys, memory_mask)
        return y, [*new_states, *([y] if self.input_feeding else [])], scores

    def _joined(self, h, memory, keys, memory_mask):
        """y and a of all steps h [B, U, H]."""
        if self.attention is None:
            return self.join(h), None
        query = h if self.query is None else self.query(h)
        context, scores = self.attend(
            [query, memory, keys], mask=[None, memory_mask], return_attention_scores=True
        )
        return self.join(ops.concatenate([h, context], axis=-1)), scores

    def _fed(self, inputs, states, memory, keys, inputs_mask, memory_mask, training):
        """y of all steps, one after the other, each fed to the next."""
        features = inputs.shape[-1] + self.units
        for layer, own in zip(self.recurrent, self._of_each_layer(states[:-1]), strict=True):
            zeros = ops.zeros((ops.shape(inputs)[0], 1, features), self.compute_dtype)
            layer._draw_dropout_masks(zeros, own, training)
            features = self.units

        def step(x, states):
            x, states = x[:, None], [state[:, None] for state in states]
            y, states, _ = self._step(x, states, memory, keys, memory_mask, training)
            return y[:, 0], [state[:, 0] for state in states]

        options = {"layer": self, "output_size": self.units}
        _, y, _ = loop.scan(step, inputs, list(states), inputs_mask, **options)
        for layer in self.recurrent:
            layer._maybe_reset_dropout_masks(layer.cell)
        return y

    def _of_each_layer(self, states) -> list[list]:
        each = 2 if self.cell == "lstm" else 1
        return [list(states[n * each : (n + 1) * each]) for n in range(self.layers)]

    def _check_memory(self, memory) -> None:
        if memory is None:
            raise ValueError(
                f"AttentionDecoder '{self.name}' must be called with the memory it attends to, got "
                "none; write decoder(x, memory), or make it with attention=None."
            )

    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the inputs goes on."""
        return previous_mask

    def compute_output_shape(self, inputs_shape, memory_shape=None, initial_state_shape=None):
        return (*inputs_shape[:2], self.units)

    def get_config(self):
        names = (
            "units", "cell", "layers", "attention", "input_feeding", "dropout",
            "recurrent_dropout", "seed",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _flat(x):
    """[B, K, ...] as [B * K, ...]."""
    return ops.reshape(x, (-1, *x.shape[2:]))
