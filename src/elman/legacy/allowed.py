"""What of Keras a model file may name: an allow list, checked before a single object is made.

Keras makes whatever class or function of its own a file names. Some of these read or write files,
open the network or change the process. A file that elman reads may name the layers, initializers,
losses and the like that are listed here, and what the caller hands in; nothing else.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from elman.legacy import tables
from elman.legacy.specs import Need, Needed
from elman.legacy.tables import names

LAYERS = frozenset(
    names(
        "Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D "
        "AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D "
        "Add AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average "
        "BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate "
        "ContrastLimitedAdaptiveHistogramEqualization CutMix Dense DepthwiseConv1D "
        "DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten "
        "GRU GRUCell GaussianDropout GaussianNoise GroupNormalization GroupQueryAttention "
        "HashedCrossing Hashing Identity InputLayer InputSpec IntegerLookup LSTM LSTMCell Layer "
        "LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes Maximum MelSpectrogram Minimum "
        "MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization "
        "RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast "
        "RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur "
        "RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization "
        "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom "
        "ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram "
        "SimpleRNN SimpleRNNCell Softmax Solarization SpectralNormalization StackedRNNCells "
        "StringLookup Subtract TextVectorization TimeDistributed UnitNormalization Wrapper"
    )
    + tuple(
        f"{kind}{n}D"
        for n in (1, 2, 3)
        for kind in names(
            "AveragePooling AvgPool Conv ConvLSTM Convolution Cropping GlobalAveragePooling "
            "GlobalAvgPool GlobalMaxPool GlobalMaxPooling MaxPool MaxPooling SeparableConv "
            "SeparableConvolution SpatialDropout UpSampling ZeroPadding"
        )
    )
    + tuple(f"{kind}{n}DTranspose" for n in (1, 2, 3) for kind in ("Conv", "Convolution"))
)

# What elman registers with Keras beside the layers above.
ELMAN = (
    LAYERS
    | {*tables.ALIASES}
    | {
        *names(
            "AttentionDecoder CRF CRFLoss FeatureMixing Functional LocallyConnected1D "
            "LocallyConnected2D Model Operation ScheduledSampling Sequential SequencePooling "
            "SmoothedCrossentropy SparseDense Spelling TagAccuracy TokenDropout WordDropout "
            "hard_sigmoid"
        )
    }
)

ACTIVATIONS = frozenset(
    names(
        "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh "
        "leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink "
        "softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh "
        "tanh_shrink threshold"
    )
)
INITIALIZERS = frozenset(
    names(
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer "
        "LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform "
        "STFT STFTInitializer TruncatedNormal VarianceScaling Zeros constant glorot_normal "
        "glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform normal one ones "
        "orthogonal random_normal random_uniform stft truncated_normal uniform variance_scaling "
        "zero zeros"
    )
)
REGULARIZERS = frozenset(
    names("L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2 l1l2 l2 orthogonal_regularizer")
)
CONSTRAINTS = frozenset(
    names("MaxNorm MinMaxNorm NonNeg UnitNorm max_norm min_max_norm non_neg unit_norm")
)
LOSSES = frozenset(
    names(
        "BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy "
        "CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge Circle "
        "CosineSimilarity Dice Hinge Huber KLDivergence LogCosh LossFunctionWrapper "
        "MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
        "MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky "
        "BCE KLD MAE MAPE MSE MSLE bce kld mae mape mse msle "
        "binary_crossentropy binary_focal_crossentropy categorical_crossentropy "
        "categorical_focal_crossentropy categorical_generalized_cross_entropy categorical_hinge "
        "circle cosine_similarity ctc dice hinge huber kl_divergence log_cosh mean_absolute_error "
        "mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson "
        "sparse_categorical_crossentropy squared_hinge tversky"
    )
)
METRICS = LOSSES | frozenset(
    names(
        "AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation F1Score "
        "FBetaScore FalseNegatives FalsePositives IoU LogCoshError Mean MeanIoU MeanMetricWrapper "
        "OneHotIoU OneHotMeanIoU PearsonCorrelation Precision PrecisionAtRecall R2Score Recall "
        "RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy "
        "SparseTopKCategoricalAccuracy SpecificityAtSensitivity Sum TopKCategoricalAccuracy "
        "TrueNegatives TruePositives acc accuracy auc binary_accuracy categorical_accuracy ce "
        "concordance_correlation crossentropy pearson_correlation precision recall "
        "sparse_categorical_accuracy sparse_top_k_categorical_accuracy top_k_categorical_accuracy"
    )
)
OPTIMIZERS = frozenset(
    names(
        "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer "
        "MultiOptimizer Muon Nadam RMSprop SGD ScheduleFreeAdamW"
    )
)
SCHEDULES = frozenset(
    names(
        "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay "
        "PolynomialDecay"
    )
)
POLICIES = frozenset(
    names(
        "AWQDTypePolicy DTypePolicy DTypePolicyMap FloatDTypePolicy GPTQDTypePolicy "
        "Int4DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy Policy"
    )
)
QUANTIZERS = frozenset(
    names(
        "AWQConfig AbsMaxQuantizer Float8QuantizationConfig GPTQConfig Int4QuantizationConfig "
        "Int8QuantizationConfig QuantizationConfig"
    )
)
MODELS = frozenset(names("Sequential Functional Model"))

# Functions of `keras.ops` of arrays alone: none takes a function, makes an array of a shape, or
# counts in Python what a shape says.
FUNCTIONS = frozenset(
    names(
        "abs absolute add all amax amin any append arccos arccosh arcsin arcsinh arctan arctan2 "
        "arctanh argmax argmin argsort average average_pool batch_normalization "
        "binary_crossentropy bitwise_and bitwise_not bitwise_or bitwise_xor broadcast_to cast "
        "categorical_crossentropy ceil celu clip concatenate conv conv_transpose copy cos cosh "
        "count_nonzero cross cumprod cumsum depthwise_conv diag diagonal divide "
        "divide_no_nan dot dot_product_attention einsum elu equal erf erfinv exp exp2 expand_dims "
        "expm1 flip floor floor_divide full_like gelu get_item glu greater greater_equal "
        "hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh hstack identity imag inner "
        "isclose isfinite isinf isnan layer_normalization leaky_relu less less_equal log log10 "
        "log1p log2 log_sigmoid log_softmax logaddexp logical_and logical_not logical_or "
        "logical_xor logsumexp matmul max max_pool maximum mean median min minimum mod moveaxis "
        "multi_hot multiply nan_to_num negative norm normalize not_equal one_hot ones_like outer "
        "pad power prod quantile ravel real reciprocal relu relu6 repeat reshape "
        "rms_normalization roll round rsqrt saturate_cast segment_max segment_min segment_sum "
        "selu separable_conv sigmoid sign silu sin sinh slice soft_shrink softmax softplus "
        "softsign sort sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparsemax "
        "sqrt square squareplus squeeze stack std stop_gradient subtract sum swapaxes swish take "
        "take_along_axis tan tanh tanh_shrink tensordot threshold tile top_k transpose tril triu "
        "true_divide trunc var vstack where zeros_like"
    )
)
# Operations of a graph, as Keras 3 writes them: the classes behind `keras.ops`, by their module.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "keras.src.ops.core": frozenset(
        names("Cast ConvertToTensor SaturateCast Scatter ScatterUpdate Slice SliceUpdate")
        + names("StopGradient Unstack")
    ),
    "keras.src.ops.einops": frozenset(["Rearrange"]),
    "keras.src.ops.image": frozenset(
        names(
            "AffineTransform CropImages ExtractPatches GaussianBlur HSVToRGB MapCoordinates "
            "PadImages PerspectiveTransform RGBToGrayscale RGBToHSV Resize ScaleAndTranslate "
            "SobelEdges"
        )
    ),
    "keras.src.ops.linalg": frozenset(
        names(
            "Cholesky CholeskyInverse Det Eig Eigh Inv Lstsq LuFactor MatrixRank Norm Pinv Qr SVD "
            "Solve SolveTriangular"
        )
    ),
    "keras.src.ops.math": frozenset(
        names(
            "Erf Erfc Erfinv ExtractSequences FFT FFT2 IFFT2 IRFFT ISTFT InTopK Logdet Logsumexp "
            "RFFT Rsqrt STFT SegmentMax SegmentMin SegmentSum TopK ViewAsComplex ViewAsReal"
        )
    ),
    "keras.src.ops.nn": frozenset(
        names(
            "AveragePool BatchNorm BinaryCrossentropy CategoricalCrossentropy Celu Conv "
            "ConvTranspose DepthToSpace DepthwiseConv DotProductAttention Elu Gelu Glu HardShrink "
            "HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool "
            "Moments MultiHot Normalize OneHot RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu "
            "SoftShrink Softmax Softplus Softsign SpaceToDepth SparseCategoricalCrossentropy "
            "SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold"
        )
    ),
    "keras.src.ops.numpy": frozenset(
        names(
            "Abs Absolute Add All Amax Amin Any Append Arccos Arccosh Arcsin Arcsinh Arctan "
            "Arctan2 Arctanh Argmax Argmin Argpartition Argsort Average BitwiseAnd BitwiseInvert "
            "BitwiseNot BitwiseOr BitwiseXor BroadcastTo Cbrt Ceil Clip Concatenate Conj "
            "Conjugate Copy Cos Cosh CountNonzero Cross Cumprod Cumsum Deg2rad Diag Diagonal Diff "
            "Digitize Divide DivideNoNan Dot Einsum Equal Exp Exp2 ExpandDims Expm1 Fabs Flip "
            "Fliplr Flipud Floor FloorDivide Fmax Fmin Fmod FullLike GetItem Greater GreaterEqual "
            "Heaviside Hstack Hypot Imag Inner Isclose Isfinite Isinf Isnan Kron Less LessEqual "
            "Log Log10 Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor "
            "Matmul Max Maximum Mean Median Min Minimum Mod Moveaxis Multiply NanToNum Nanmax "
            "Nanmean Nanmin Nansum Ndim Negative NotEqual OnesLike Outer Pad Power Prod Quantile "
            "Rad2deg Ravel Real Reciprocal Repeat Reshape Roll Rot90 Round SearchSorted Select "
            "Sign Signbit Sin Sinc Sinh Size Sort Split Sqrt Square Squeeze Stack Std Subtract Sum "
            "Swapaxes Take TakeAlongAxis Tan Tanh Tensordot Tile Trace Transpose Tril Triu "
            "TrueDivide Trunc Var Vdot Vstack Where ZerosLike"
        )
    ),
}

# The module that a file names, and what it may name of it. Keras 3 moved some of its own modules.
_MODULES: Mapping[str, frozenset[str]] = {
    "keras": POLICIES | MODELS,
    "keras.activations": ACTIVATIONS,
    "keras.constraints": CONSTRAINTS,
    "keras.dtype_policies": POLICIES,
    "keras.initializers": INITIALIZERS,
    "keras.layers": LAYERS,
    "keras.losses": LOSSES,
    "keras.metrics": METRICS,
    "keras.models": MODELS,
    "keras.ops": FUNCTIONS,
    "keras.optimizers": OPTIMIZERS,
    "keras.optimizers.schedules": SCHEDULES,
    "keras.quantizers": QUANTIZERS,
    "keras.random": frozenset(["SeedGenerator"]),
    "keras.regularizers": REGULARIZERS,
    "keras.src.dtype_policies.dtype_policy": POLICIES,
    "keras.src.losses.losses": LOSSES,
    "keras.src.metrics.reduction_metrics": METRICS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.model": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.src.quantizers.quantization_config": QUANTIZERS,
    "keras.src.random.seed_generator": frozenset(["SeedGenerator"]),
    **OPERATIONS,
}
_ANYWHERE = frozenset().union(*_MODULES.values(), tables.LAYERS)
_BUILTINS = ACTIVATIONS | LOSSES | METRICS | FUNCTIONS
DTYPES = frozenset(
    names("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64")
)
_VALUES = frozenset(names("__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__"))
_PATHS = {  # arguments that may be the name of a file, which would be read
    **dict.fromkeys(
        names("StringLookup IntegerLookup TextVectorization"), ("vocabulary", "idf_weights")
    ),
    "Discretization": ("bin_boundaries",),
}
# Layers that make arrays, and operations that count steps in Python, as soon as they are called.
_MOST: Mapping[str, int] = {
    **dict.fromkeys(names("MelSpectrogram STFTSpectrogram STFT ISTFT"), 2**15),
    **dict.fromkeys(names("Diff Pad Split Unstack"), 10_000),
    **dict.fromkeys(names("BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU"), 10_000),
    **dict.fromkeys(
        names("AUC PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity")
        + names("SpecificityAtSensitivity Precision Recall"),
        100_000,
    ),
}


def check_dtype(dtype: Any, layer: str) -> None:
    """Refuse a dtype of an array that is none of numbers."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"layer '{layer}': a dtype must be one of numbers, got {dtype!r:.80}")


def check_numbers(class_name: str, value: Any, layer: str) -> None:
    """Refuse whole numbers, in a configuration or a call, that would take time without end."""
    most = _MOST.get(class_name)
    if most is None:
        return
    for number in _whole_numbers(value):
        if abs(number) > most:
            raise ValueError(
                f"layer '{layer}' ({class_name}) may ask for at most {most}, got {number!r:.40}"
            )


def _whole_numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value
    for item in inner if isinstance(value, Mapping | list | tuple) else ():
        yield from _whole_numbers(item)


# What a training configuration may name.
_TRAINING = (
    METRICS
    | OPTIMIZERS
    | SCHEDULES
    | POLICIES
    | _VALUES
    | {"CRFLoss", "TagAccuracy", "SmoothedCrossentropy"}
)


def unknown_in_training(value: Any, given: Collection[str]) -> list[Needed]:
    """What a training configuration names that nobody has; see `unknown`.

    Raises:
        ValueError: it names something that is no optimizer, loss or metric, too.
    """
    found = unknown(value, given, "the training configuration")
    unknown_names = {one.name for one in found}
    for one in dicts(value):
        if "class_name" not in one:
            continue
        name = str(_own_name(one)).rpartition(">")[2]
        if name not in _TRAINING and name not in given and name not in unknown_names:
            raise ValueError(
                f"the training configuration names {name!r:.80}, which is no optimizer, loss or "
                "metric; do: load_model(path, compile=False)"
            )
    return found


def unknown(value: Any, given: Collection[str], layer: str) -> list[Needed]:
    """What a part of a configuration names that neither Keras nor elman has.

    Arguments:
        value: out of JSON; the configuration of a layer, an optimizer, ...
        given: the names that the caller hands in.
        layer: whose it is.

    Raises:
        ValueError: byte code, the name of a file, or a name of Keras that is not allowed.

    >>> unknown({"class_name": "Dense", "config": {"activation": "half"}}, (), "d")
    [Needed(layer='d', need=<Need.ACTIVATION: 'the activation'>, name='half')]
    >>> unknown({"class_name": "CSVLogger", "module": "keras.callbacks", "config": {}}, (), "d")
    Traceback (most recent call last):
    ValueError: 'd' names 'keras.callbacks.CSVLogger', which is no layer, ...
    """
    found: list[Needed] = []
    for one in dicts(value):
        if "class_name" not in one:
            continue
        if not _check_object(one, given, layer):
            found.append(Needed(layer, Need.CLASS, _own_name(one)))
        elif isinstance(one.get("config"), Mapping) and one["class_name"] not in given:
            found += unknown_words(one["config"], given, layer)
    return list(dict.fromkeys(found))


_WORDS = {
    "activation": (Need.ACTIVATION, ACTIVATIONS),
    "initializer": (Need.INITIALIZER, INITIALIZERS),
    "regularizer": (Need.REGULARIZER, REGULARIZERS),
    "constraint": (Need.CONSTRAINT, CONSTRAINTS),
}


def unknown_words(config: Mapping[str, Any], given: Collection[str], layer: str) -> list[Needed]:
    """Activations, initializers and the like that are named by a word which nobody knows."""
    found = []
    for key, value in config.items():
        need, known = _WORDS.get(str(key).rpartition("_")[2], (None, ()))
        if need and isinstance(value, str) and value not in known and value not in given:
            found.append(Needed(layer, need, value))
    return found


def dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every dict in a structure."""
    if isinstance(value, Mapping):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value
    for item in inner if isinstance(value, Mapping | list | tuple) else ():
        yield from dicts(item)


def is_code(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__lambda__"


def check_paths(class_name: str, config: Any, what: str) -> None:
    """Refuse a vocabulary that is the name of a file: a model must not read other files."""
    for key in _PATHS.get(class_name, ()):
        if isinstance(config, Mapping) and isinstance(config.get(key), str | bytes):
            raise ValueError(
                f"{what}: {key} must be in the file itself, got the name of another file, "
                f"{config[key]!r:.80}; build the model in Python and do: model.load_weights(file)"
            )


def _own_name(one: Mapping[str, Any]) -> str:
    """The name by which the caller hands in what a file names."""
    return one["config"] if one["class_name"] == "function" else one["class_name"]


def _check_object(one: Mapping[str, Any], given: Collection[str], layer: str) -> bool:
    """Whether an object of a file is known; raises where it is not allowed."""
    name, module, config = one["class_name"], one.get("module"), one.get("config")
    registered = one.get("registered_name")
    texts = all(text is None or isinstance(text, str) for text in (module, registered))
    if not isinstance(name, str) or not texts:
        raise ValueError(
            f"layer '{layer}': class and module must be names, got {(name, module)!r:.120}"
        )
    if is_code(one):
        raise ValueError(
            f"layer '{layer}' holds byte code outside a Lambda layer's function, which is never "
            "run; build the model in Python and do: model.load_weights(file)"
        )
    if name in _VALUES:
        if isinstance(config, Mapping) and "dtype" in config:
            check_dtype(config["dtype"], layer)
        return True
    if name == "function":
        name, registered = config, None if registered == "function" else registered
        if not isinstance(name, str):
            raise ValueError(f"layer '{layer}': a function must be a name, got {name!r:.80}")
        if name in given:
            return True
        registered = registered or (name if ">" in name else None)
        name = name.rpartition(">")[2]
    check_paths(name, config, f"layer '{layer}'")
    check_numbers(name, config, layer)
    if _is_given(name, module, registered, given):
        return True
    if _is_allowed(name, module, registered):
        return True
    package = (registered or "").rpartition(">")[0]
    if (module or "keras").partition(".")[0] in ("keras", "elman") and package in ("", "elman"):
        if module is None and registered in (None, name):
            return False
        place = registered if package else f"{module or ''}.{name}".strip(".")
        raise ValueError(
            f"'{layer}' names {place!r:.120}, which is no layer, initializer, loss or the like of "
            "Keras or elman that a file may name; build the model in Python and do: "
            "model.load_weights(file)"
        )
    return False


def _is_given(
    name: str, module: str | None, registered: str | None, given: Collection[str]
) -> bool:
    """Whether Keras finds what the caller handed in, and nothing of its own, for these names."""
    if registered is not None and registered in given:
        return registered.rpartition(">")[2] == name
    if registered not in (None, name):
        return False  # Keras would make what is registered under that name
    of_keras = (module or "").partition(".")[0] in ("keras", "elman")
    return name in given and (not of_keras or name in _MODULES.get(str(module), ()))


def _is_allowed(name: str, module: str | None, registered: str | None) -> bool:
    package, _, registered_as = (registered or "").rpartition(">")
    if registered and registered_as != name:
        return False  # Keras would make what is registered, whatever the class is called
    place = (module or "").partition(".")[0]
    if package or place == "elman":
        ours = package in ("", "elman") and place in ("", "elman", "builtins")
        return ours and (name in ELMAN or name in OPTIMIZERS)
    if module is None:
        return name in _ANYWHERE or name in _BUILTINS
    if module == "builtins":
        return name in _BUILTINS
    return name in _MODULES.get(module, ())
