"""``keras_contrib``, of which the CRF was what programs used: a Dense layer and a CRF in one."""

import keras

from elman import layers
from elman.layers.arguments import old_arguments
from elman.layers.crf import TagAccuracy
from elman.legacy.notes import tell


@keras.saving.register_keras_serializable("elman_contrib")
@old_arguments
class CRF(layers.CRF):
    """``keras_contrib.layers.CRF``: scores x W + b of each step, and a chain on top of them.

    Arguments:
        units: the number of tags.
        learn_mode: "join", the likelihood of the whole sequence.
        test_mode: "viterbi"; ``predict(...).argmax(-1)`` is the best path.
        sparse_target: ignored; targets of either form are taken.
        use_boundary, use_bias, activation, kernel_initializer, bias_initializer: of the scores.
        chain_initializer: of the transitions; ``transition_initializer`` in `elman.layers.CRF`.
    """

    def __init__(
        self,
        units,
        learn_mode="join",
        test_mode=None,
        sparse_target=False,
        use_boundary=True,
        use_bias=True,
        activation="linear",
        kernel_initializer="glorot_uniform",
        chain_initializer="orthogonal",
        bias_initializer="zeros",
        boundary_initializer="zeros",
        unroll=False,
        **kwargs,
    ):
        if learn_mode != "join" or test_mode not in (None, "viterbi"):
            raise ValueError(
                "CRF must have learn_mode='join' and test_mode='viterbi', got "
                f"{learn_mode!r} and {test_mode!r}; elman.layers.CRF has marginals()"
            )
        super().__init__(
            units,
            use_boundary=use_boundary,
            transition_initializer=chain_initializer,
            boundary_initializer=boundary_initializer,
            **kwargs,
        )
        self.dense = keras.layers.Dense(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
        )
        tell("keras_contrib.layers.CRF(units) -> Dense(units), elman.layers.CRF(units)")

    def build(self, inputs_shape):
        self.dense.build(inputs_shape)
        super().build((*inputs_shape[:-1], self.units))

    def call(self, scores, mask=None, training=False):
        return super().call(self.dense(scores), mask, training=training)

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.units)

    def compute_output_spec(self, scores, mask=None, training=False):
        return keras.KerasTensor((*scores.shape[:-1], self.units), "float32")

    @property
    def loss_function(self):
        return self.loss

    @property
    def accuracy(self):
        return crf_viterbi_accuracy()

    viterbi_acc = accuracy

    def get_config(self):
        config = super().get_config()
        dense = self.dense.get_config()
        same = ("use_bias", "activation", "kernel_initializer", "bias_initializer")
        config["chain_initializer"] = config.pop("transition_initializer")
        for name in [name for name in config if name.startswith("transition_")]:
            del config[name]
        return {**config, **{name: dense[name] for name in same}}


class _LossOfModel:
    """``crf_loss``: the loss of the CRF of whichever model is compiled with it."""

    def of_model(self, model):
        """What ``compile`` of a model of elman puts in its place."""
        found = [layer for layer in model._flatten_layers() if isinstance(layer, layers.CRF)]
        if len(found) != 1:
            raise ValueError(
                f"crf_loss must be the loss of a model with one CRF, got {len(found)}; give each "
                "output the loss of its own layer: loss=crf.loss_function"
            )
        return found[0].loss

    def __call__(self, y_true, y_pred, sample_weight=None):
        raise ValueError(
            "crf_loss must be given to compile of a model of elman, which says whose loss it is; "
            "do: loss=crf.loss_function"
        )


crf_loss = _LossOfModel()


class crf_viterbi_accuracy(TagAccuracy):
    """The share of steps whose best tag is right. A class: Keras makes an instance for a model."""

    def __init__(self, name="crf_viterbi_accuracy", dtype=None):
        super().__init__(name, dtype)


crf_accuracy = crf_viterbi_accuracy
