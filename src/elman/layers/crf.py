"""`CRF`: a linear-chain conditional random field on top of the scores of a network."""

import contextlib
import weakref
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

import keras
import numpy as np
from keras import ops

from elman.layers.arguments import old_arguments
from elman.layers.loop import scan
from elman.layers.recomputing import RecomputedInside

# Finite, so that sums and gradients stay so: exp of it is 0 beside any score.
_FORBIDDEN = -1e30

_OPTIONS = ("initializer", "regularizer", "constraint")

# The newest layer of each name: where Keras itself reads a file, a loss comes after its layer.
_newest: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_of_model: ContextVar[Mapping[str, "CRF"] | None] = ContextVar("layers of a model", default=None)


@contextlib.contextmanager
def losses_of(model) -> Iterator[None]:
    """Within it a loss that is read from a configuration belongs to a layer of this model."""
    layers = model._flatten_layers(include_self=False)
    token = _of_model.set({layer.name: layer for layer in layers if isinstance(layer, CRF)})
    try:
        yield
    finally:
        _of_model.reset(token)


@keras.saving.register_keras_serializable("elman")
@old_arguments
class CRF(RecomputedInside, keras.layers.Layer):
    """Scores whole sequences of tags: a linear-chain conditional random field.

    s(u, y) = b_{y_1} + sum_t u_{t, y_t} + sum_{t > 1} A_{y_{t-1}, y_t} + e_{y_T}
    log p(y | u) = s(u, y) - log sum_{y'} exp s(u, y')

    u [B, T, K] are the scores of each step (of a Dense layer without activation, for instance), K
    the number of tags, A [K, K] the transitions from tag to tag, b and e [K] those from the
    beginning and to the end. The sum over all y' is worked out by the forward algorithm, the best y
    by Viterbi's, both exactly.

    A masked step is taken out of its sequence: the steps on both sides of it are neighbours. So any
    mask will do, right-padded or with holes; nothing of a masked step is read, NaN included. A row
    without any step has log p = 0.

    What the layer returns holds the scores and the best tags at once: with
    v_tk = u_tk - max_k u_tk, which means the same for p, it is 1 - v_tk for the tag of the best
    path and v_tk <= 0 for the others, and zeros at masked steps. So ``argmax(axis=-1)`` of what
    ``model.predict`` returns is Viterbi's path, and ``crf.loss`` and ``crf.accuracy`` can be used
    in ``compile``, where targets are tags (batch, timesteps) or one-hot (batch, timesteps, K).
    While training, the largest score of each step stands for the best path, which saves the search:
    the loss is the same, the accuracy of an epoch is that of single steps.
    `log_likelihood`, `log_partition`, `path_score`, `viterbi` and `marginals` take u itself.

    Arguments:
        units: K, a positive integer.
        allowed: boolean array of shape (K + 1, K + 1), or nested lists: ``allowed[i][j]`` says
            whether tag j may follow tag i; row K is the beginning, column K the end. A path that is
            not allowed has p = 0 (its log is about -1e30). None allows everything; see
            `elman.data.tags.allowed_transitions`.
        use_boundary: learn b and e; False leaves them 0.
        transition_initializer, boundary_initializer: of A; of b and e.
        transition_regularizer, boundary_regularizer, transition_constraint, boundary_constraint:
            the same.

    Call arguments:
        scores: array u of shape (batch, timesteps, K), floating point.
        mask: boolean array of shape (batch, timesteps).

    Returns:
        Array of shape (batch, timesteps, K), float32, or float64 for a layer of that dtype.

    Raises:
        ValueError: scores or ``allowed`` of another shape.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from elman.layers import CRF, Dense, Embedding, LSTM
        >>> words, tags = np.array([[1, 2, 3, 0]]), np.array([[0, 1, 2, 0]])
        >>> crf = CRF(3)
        >>> model = keras.Sequential([
        ...     Embedding(4, 8, mask_zero=True), LSTM(8, return_sequences=True), Dense(3), crf])
        >>> model.compile("adam", loss=crf.loss, metrics=[crf.accuracy])
        >>> history = model.fit(words, tags, verbose=0)
        >>> model.predict(words, verbose=0).argmax(axis=-1).shape
        (1, 4)

    Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001; Forney, "The
    Viterbi Algorithm", Proceedings of the IEEE 61 (1973), 268-278.
    """

    def __init__(
        self,
        units,
        allowed=None,
        use_boundary=True,
        transition_initializer="zeros",
        boundary_initializer="zeros",
        transition_regularizer=None,
        boundary_regularizer=None,
        transition_constraint=None,
        boundary_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.allowed = _checked(allowed, units)
        self.use_boundary = use_boundary
        self.transition_initializer = keras.initializers.get(transition_initializer)
        self.boundary_initializer = keras.initializers.get(boundary_initializer)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)
        self.boundary_regularizer = keras.regularizers.get(boundary_regularizer)
        self.transition_constraint = keras.constraints.get(transition_constraint)
        self.boundary_constraint = keras.constraints.get(boundary_constraint)
        self.supports_masking = True
        _newest[self.name] = self

    def build(self, scores_shape):
        self._check(scores_shape)
        units = self.units
        self.transitions = self._weight("transition", (units, units), "transitions")
        self.start_transitions = self.end_transitions = None
        if self.use_boundary:
            self.start_transitions = self._weight("boundary", (units,), "start_transitions")
            self.end_transitions = self._weight("boundary", (units,), "end_transitions")

    def _weight(self, kind, shape, name):
        options = {option: getattr(self, f"{kind}_{option}") for option in _OPTIONS}
        return self.add_weight(shape=shape, name=name, **options)

    def call(self, scores, mask=None, training=False):
        scores = self._prepared(scores, mask)
        best = ops.argmax(scores, axis=-1) if training else self.viterbi(scores, mask)
        best = ops.one_hot(best, self.units, dtype="bool")
        below = scores - ops.stop_gradient(_best(scores, axis=-1, keepdims=True))
        return _blank(ops.where(best, 1 - below, below), mask)

    def scores(self, outputs):
        """The scores u, less their largest at each step, and the mask, from what `call` returned.

        Returns:
            ``(scores [B, T, K], mask [B, T])``.
        """
        outputs = ops.convert_to_tensor(outputs)
        # Not `> 0`: a step that is NaN must not pass for a masked one.
        return ops.where(outputs > 0, 1 - outputs, outputs), ops.any(outputs != 0, axis=-1)

    # The chain

    def log_likelihood(self, scores, tags, mask=None):
        """log p(tags | scores), an array of shape (batch,).

        Arguments:
            scores: array u of shape (batch, timesteps, K).
            tags: integers of shape (batch, timesteps), or one-hot (batch, timesteps, K); those of
                masked steps may be any.
            mask: boolean array of shape (batch, timesteps).
        """
        return self.path_score(scores, tags, mask) - self.log_partition(scores, mask)

    def log_partition(self, scores, mask=None):
        """log sum_y exp s(scores, y) over all sequences of tags, an array of shape (batch,)."""
        return self._forward(self._prepared(scores, mask), mask, ops.logsumexp)[0]

    def path_score(self, scores, tags, mask=None):
        """s(scores, tags), an array of shape (batch,)."""
        scores = self._prepared(scores, mask)
        transitions, start, end = self._potentials(scores.dtype)
        tags, timesteps = _tags(tags), ops.shape(scores)[1]
        tags = _blank(tags, mask)
        emitted = ops.where(ops.one_hot(tags, self.units, dtype="bool"), scores, 0)
        emitted = ops.sum(_blank(emitted, mask), axis=(1, 2))
        place = ops.arange(timesteps)
        length = ops.full(ops.shape(tags)[:1], timesteps, dtype="int32")
        if mask is not None:
            mask = ops.convert_to_tensor(mask, dtype="int32")
            length = ops.sum(mask, axis=1)
            # The steps that count, moved to the front in their order.
            tags = ops.take_along_axis(tags, ops.argsort(place - mask * timesteps, axis=1), axis=1)
        length = length[:, None]
        pairs = tags[:, :-1] * self.units + tags[:, 1:]
        moved = ops.take(ops.reshape(transitions, (-1,)), pairs)
        moved = ops.sum(ops.where(place[1:] < length, moved, 0), axis=1)
        first = ops.where((place == 0) & (length > 0), ops.take(start, tags), 0)
        last = ops.where(place == length - 1, ops.take(end, tags), 0)
        return emitted + moved + ops.sum(first + last, axis=1)

    def viterbi(self, scores, mask=None):
        """The best sequence of tags, integers of shape (batch, timesteps); 0 at masked steps."""
        scores = ops.stop_gradient(self._prepared(scores, mask))
        transitions, _, end = self._potentials(scores.dtype)
        into = ops.transpose(transitions)
        _, ways, last = self._forward(scores, mask, _best)
        # The best ways to the step before; scan repeats them at masked steps.
        before = ops.concatenate([ops.zeros_like(ways[:, :1]), ways[:, :-1]], axis=1)

        def back(before, states):
            (tag,) = states
            previous = ops.argmax(before + ops.take(into, tag[:, 0], axis=0), axis=-1)
            return tag, [previous[:, None]]

        tag = ops.cast(ops.argmax(last + end, axis=-1), "int32")[:, None]
        options = {"output_size": 1, "go_backwards": True, "zero_output_for_mask": True}
        _, tags, _ = scan(back, before, [tag], mask, layer=self, **options)
        return ops.flip(tags[:, :, 0], axis=1)

    def marginals(self, scores, mask=None):
        """p(y_t = k | scores) of each step and tag, shape (batch, timesteps, K); 0 where masked."""
        scores = self._prepared(scores, mask)
        transitions, _, end = self._potentials(scores.dtype)
        total, ways, _ = self._forward(scores, mask, ops.logsumexp)

        def back(score, states):
            (beyond,) = states
            onward = transitions + (score + beyond)[:, None, :]
            return beyond, [ops.logsumexp(onward, axis=2)]

        beyond = ops.zeros((ops.shape(scores)[0], self.units), scores.dtype) + end
        _, beyond, _ = scan(back, scores, [beyond], mask, layer=self, go_backwards=True)
        return _blank(ops.exp(ways + ops.flip(beyond, axis=1) - total[:, None, None]), mask)

    def _forward(self, scores, mask, total):
        """All ways from the beginning, put together by ``total`` (`ops.logsumexp` or `_best`).

        Returns:
            Over all tags at the end [B]; into each tag at each step [B, T, K], and at the last.
        """
        transitions, start, end = self._potentials(scores.dtype)

        def step(score, states):
            ways, begun = states
            into = total(ways[:, :, None] + transitions, axis=1)
            ways = ops.where(begun > 0, into, start) + score
            return ways, [ways, ops.ones_like(begun)]

        batch = ops.shape(scores)[0]
        states = [ops.zeros((batch, size), scores.dtype) for size in (self.units, 1)]
        _, ways, (last, begun) = scan(step, scores, states, mask, layer=self)
        whole = ops.where(begun[:, 0] > 0, total(last + end, axis=-1), 0)
        return whole, ways, last

    # Training

    @property
    def loss(self):
        """-log p(y_true | scores), averaged over rows: for ``compile(loss=crf.loss)``."""
        return CRFLoss(self)

    @property
    def accuracy(self):
        """The share of unmasked steps whose best tag is right: for ``compile(metrics=[...])``."""
        return TagAccuracy()

    # Weights and shapes

    def _potentials(self, dtype):
        """A, b and e, with what is not allowed forbidden."""
        if not self.built:
            self.build((None, None, self.units))
        weights = [self.transitions, self.start_transitions, self.end_transitions]
        zeros = ops.zeros((self.units,), dtype)
        weights = [zeros if w is None else ops.cast(w, dtype) for w in weights]
        if self.allowed is None:
            return weights
        allowed = np.asarray(self.allowed)
        parts = allowed[:-1, :-1], allowed[-1, :-1], allowed[:-1, -1]
        return [ops.where(a, w, _FORBIDDEN) for a, w in zip(parts, weights, strict=True)]

    def _prepared(self, scores, mask):
        """In float32 at least, and zeros in place of masked steps."""
        scores = ops.convert_to_tensor(scores)
        self._check(scores.shape)
        wide = keras.backend.standardize_dtype(scores.dtype) == "float64"
        return _blank(ops.cast(scores, "float64" if wide else "float32"), mask)

    def _check(self, shape):
        if len(shape) != 3 or shape[-1] not in (None, self.units):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' must be given scores of shape (batch, "
                f"timesteps, {self.units}), one for each tag, got {tuple(shape)}; put a "
                f"Dense({self.units}) without activation before it."
            )

    def compute_output_shape(self, scores_shape):
        return tuple(scores_shape)

    def compute_output_spec(self, scores, mask=None, training=False):
        self._check(scores.shape)
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        return keras.KerasTensor(scores.shape, dtype)

    def get_config(self):
        config = {"units": self.units, "allowed": self.allowed, "use_boundary": self.use_boundary}
        for kind in ("transition", "boundary"):
            for option in _OPTIONS:
                value = getattr(self, f"{kind}_{option}")
                serialize = getattr(keras, f"{option}s").serialize
                config[f"{kind}_{option}"] = serialize(value) if value is not None else None
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("elman")
class CRFLoss(keras.losses.Loss):
    """-log p(y_true | scores) of a `CRF`, one number a row, from what the layer returned.

    Masked steps are known by the zeros there. It is saved and loaded with its model, whose layer it
    finds again.

    Arguments:
        layer: the `CRF`.
        reduction, name, dtype: as of `keras.losses.Loss`.

    Raises:
        ValueError: sample weights that are not one for each row: a sequence is scored as a whole.
    """

    def __init__(self, layer, reduction="sum_over_batch_size", name="crf_loss", dtype=None):
        wide = layer.compute_dtype == "float64"
        super().__init__(name, reduction, dtype or ("float64" if wide else "float32"))
        # Behind a function, so that Keras does not look here for weights to save.
        self._layer = lambda: layer

    def __call__(self, y_true, y_pred, sample_weight=None):
        shape = np.shape(sample_weight) if sample_weight is not None else ()
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ValueError(
                f"sample_weight must be one number for each sequence, shape (batch,), got {shape}; "
                "mask steps instead, for example with Embedding(mask_zero=True)."
            )
        # A new tensor, without the mask of Keras, which is for losses of shape (batch, timesteps).
        return super().__call__(y_true, ops.convert_to_tensor(y_pred) + 0, sample_weight)

    def call(self, y_true, y_pred):
        layer = self._layer()
        scores, mask = layer.scores(y_pred)
        return -layer.log_likelihood(scores, y_true, mask)

    def get_config(self):
        return {**super().get_config(), "layer": self._layer().name}

    @classmethod
    def from_config(cls, config):
        found = _of_model.get()
        layer = (_newest if found is None else found).get(config["layer"])
        if layer is None:
            raise ValueError(
                f"CRFLoss must be read together with the model of its layer {config['layer']!r}, "
                "got it alone; make it anew: crf.loss."
            )
        return cls(**{**config, "layer": layer})


@keras.saving.register_keras_serializable("elman")
class TagAccuracy(keras.metrics.Mean):
    """The share of steps at which the best path of a `CRF` has the right tag, masked ones left out.

    Sample weights are one number for each sequence, or for each step.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        weight = ops.cast(ops.any(y_pred != 0, axis=-1), self.dtype)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, self.dtype)
            weight *= ops.reshape(sample_weight, (ops.shape(sample_weight)[0], -1))
        right = _tags(y_true) == ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        return super().update_state(right, weight)


def _best(x, axis, keepdims=False):
    """`ops.max`, which on torch refuses a batch of no rows."""
    return (ops.sum if 0 in x.shape else ops.max)(x, axis=axis, keepdims=keepdims)


def _tags(y_true):
    """Integers [B, T], from [B, T], [B, T, 1] or one-hot [B, T, K]."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == 3:
        y_true = y_true[..., 0] if y_true.shape[-1] == 1 else ops.argmax(y_true, axis=-1)
    return ops.cast(y_true, "int32")


def _blank(x, mask):
    """Zeros at masked steps of ``x`` [B, T, ...]."""
    if mask is None:
        return x
    mask = ops.convert_to_tensor(mask, dtype="bool")
    return ops.where(ops.reshape(mask, ops.shape(mask) + (1,) * (len(x.shape) - 2)), x, 0)


def _checked(allowed, units: int):
    """``allowed`` as nested lists of bools, which a config can hold."""
    if allowed is None:
        return None
    array = np.asarray(allowed, dtype=bool)
    if array.shape != (units + 1, units + 1):
        raise ValueError(
            f"allowed must have the shape (units + 1, units + 1) = {(units + 1, units + 1)}, with "
            f"a row for the beginning and a column for the end, got {array.shape}."
        )
    return array.tolist()
