"""The constructor arguments of Keras 1.2.2 and Keras 2, as facts: layer, names in their order."""


def _read(text: str) -> dict[str, list[str]]:
    lines = (line.split(":") for line in text.replace("\n    ", " ").strip().splitlines())
    return {layer: names.split() for layer, names in lines}


_RULES = "W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias"
_CONV_1D = "init activation weights border_mode subsample_length"
_CONV = "init activation weights border_mode subsample"
_RECURRENT = "W_regularizer U_regularizer b_regularizer dropout_W dropout_U"
_LOOP = "weights return_sequences go_backwards stateful unroll consume_less input_dim input_length"

# By position up to the bar; by name only after it.
KERAS1 = _read(f"""
SimpleRNN: output_dim init inner_init activation {_RECURRENT} | {_LOOP}
GRU: output_dim init inner_init activation inner_activation {_RECURRENT} | {_LOOP}
LSTM: output_dim init inner_init forget_bias_init activation inner_activation {_RECURRENT} | {_LOOP}
ConvLSTM2D: nb_filter nb_row nb_col init inner_init forget_bias_init activation inner_activation
    dim_ordering border_mode subsample {_RECURRENT} | return_sequences go_backwards stateful
    weights
Bidirectional: layer merge_mode weights
TimeDistributed: layer
Dense: output_dim init activation weights {_RULES} input_dim
TimeDistributedDense: output_dim init activation weights {_RULES} input_dim input_length
Embedding: input_dim output_dim init input_length W_regularizer activity_regularizer W_constraint
    mask_zero weights dropout
Convolution1D: nb_filter filter_length {_CONV_1D} {_RULES} input_dim input_length
AtrousConvolution1D: nb_filter filter_length {_CONV_1D} atrous_rate {_RULES}
Convolution2D: nb_filter nb_row nb_col {_CONV} dim_ordering {_RULES}
AtrousConvolution2D: nb_filter nb_row nb_col {_CONV} atrous_rate dim_ordering {_RULES}
Deconvolution2D: nb_filter nb_row nb_col output_shape {_CONV} dim_ordering {_RULES}
SeparableConvolution2D: nb_filter nb_row nb_col {_CONV} depth_multiplier dim_ordering
    depthwise_regularizer pointwise_regularizer b_regularizer activity_regularizer
    depthwise_constraint pointwise_constraint b_constraint bias
Convolution3D: nb_filter kernel_dim1 kernel_dim2 kernel_dim3 {_CONV} dim_ordering {_RULES}
MaxPooling1D: pool_length stride border_mode
AveragePooling1D: pool_length stride border_mode
MaxPooling2D: pool_size strides border_mode dim_ordering
AveragePooling2D: pool_size strides border_mode dim_ordering
MaxPooling3D: pool_size strides border_mode dim_ordering
AveragePooling3D: pool_size strides border_mode dim_ordering
GlobalMaxPooling1D:
GlobalAveragePooling1D:
GlobalMaxPooling2D: dim_ordering
GlobalAveragePooling2D: dim_ordering
GlobalMaxPooling3D: dim_ordering
GlobalAveragePooling3D: dim_ordering
UpSampling1D: length
UpSampling2D: size dim_ordering
UpSampling3D: size dim_ordering
ZeroPadding1D: padding
ZeroPadding2D: padding dim_ordering
ZeroPadding3D: padding dim_ordering
Cropping1D: cropping
Cropping2D: cropping dim_ordering
Cropping3D: cropping dim_ordering
BatchNormalization: epsilon mode axis momentum weights beta_init gamma_init gamma_regularizer
    beta_regularizer
Dropout: p noise_shape seed
SpatialDropout1D: p
SpatialDropout2D: p dim_ordering
SpatialDropout3D: p dim_ordering
GaussianDropout: p
GaussianNoise: sigma
LeakyReLU: alpha
PReLU: init weights shared_axes
ELU: alpha
ThresholdedReLU: theta
Masking: mask_value
Activation: activation
Reshape: target_shape
Permute: dims
Flatten:
RepeatVector: n
Lambda: function output_shape arguments
ActivityRegularization: l1 l2
""")
KERAS1_ANY = ["input_shape", "batch_input_shape", "input_dtype", "name", "trainable"]
KERAS1_GONE = ["MaxoutDense", "Highway", "SReLU", "ParametricSoftplus"]

_KERNEL = (
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
    "activity_regularizer kernel_constraint bias_constraint"
)
_FILTER = "kernel_size strides padding"
_CELL = "kernel_initializer recurrent_initializer bias_initializer"
_LIMITS = (
    "kernel_regularizer recurrent_regularizer bias_regularizer kernel_constraint "
    "recurrent_constraint bias_constraint dropout recurrent_dropout"
)
_STEPS = "return_sequences return_state go_backwards stateful"
_CUDNN = (
    "activity_regularizer kernel_regularizer recurrent_regularizer bias_regularizer "
    f"kernel_constraint recurrent_constraint bias_constraint {_STEPS} time_major"
)
_LOOKUP = (
    "max_tokens num_oov_indices mask_token oov_token vocabulary idf_weights invert output_mode "
    "sparse pad_to_max_tokens"
)
_NORM = (
    "axis epsilon center scale beta_initializer gamma_initializer beta_regularizer "
    "gamma_regularizer beta_constraint gamma_constraint"
)

KERAS2 = _read(f"""
SimpleRNN: units activation use_bias {_CELL} {_LIMITS} activity_regularizer {_STEPS} unroll
    time_major zero_output_for_mask implementation input_length input_dim
LSTM: units activation recurrent_activation use_bias {_CELL} unit_forget_bias {_LIMITS}
    activity_regularizer {_STEPS} unroll time_major zero_output_for_mask implementation
    return_runtime input_length input_dim
GRU: units activation recurrent_activation use_bias {_CELL} {_LIMITS} activity_regularizer
    {_STEPS} unroll time_major reset_after zero_output_for_mask implementation return_runtime
    input_length input_dim
CuDNNLSTM: units {_CELL} unit_forget_bias {_CUDNN}
CuDNNGRU: units {_CELL} {_CUDNN}
SimpleRNNCell: units activation use_bias {_CELL} {_LIMITS} enable_caching_device
LSTMCell: units activation recurrent_activation use_bias {_CELL} unit_forget_bias {_LIMITS}
    implementation enable_caching_device
GRUCell: units activation recurrent_activation use_bias {_CELL} {_LIMITS} reset_after
    implementation enable_caching_device
StackedRNNCells: cells reverse_state_order
RNN: cell {_STEPS} unroll time_major zero_output_for_mask input_length input_dim
Bidirectional: layer merge_mode weights backward_layer
TimeDistributed: layer
ConvLSTM1D: filters {_FILTER} data_format dilation_rate activation recurrent_activation use_bias
    {_CELL} unit_forget_bias {_LIMITS} {_STEPS} activity_regularizer
ConvLSTM2D: filters {_FILTER} data_format dilation_rate activation recurrent_activation use_bias
    {_CELL} unit_forget_bias {_LIMITS} {_STEPS} activity_regularizer
ConvLSTM3D: filters {_FILTER} data_format dilation_rate activation recurrent_activation use_bias
    {_CELL} unit_forget_bias {_LIMITS} {_STEPS} activity_regularizer
Dense: units activation use_bias {_KERNEL}
EinsumDense: equation output_shape activation bias_axes {_KERNEL}
Embedding: input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer
    embeddings_constraint mask_zero input_length sparse use_one_hot_matmul
Conv1D: filters {_FILTER} data_format dilation_rate groups activation use_bias {_KERNEL}
Conv2D: filters {_FILTER} data_format dilation_rate groups activation use_bias {_KERNEL}
Conv3D: filters {_FILTER} data_format dilation_rate groups activation use_bias {_KERNEL}
Conv1DTranspose: filters {_FILTER} output_padding data_format dilation_rate activation use_bias
    {_KERNEL}
Conv2DTranspose: filters {_FILTER} output_padding data_format dilation_rate activation use_bias
    {_KERNEL}
Conv3DTranspose: filters {_FILTER} output_padding data_format dilation_rate activation use_bias
    {_KERNEL}
DepthwiseConv1D: {_FILTER} depth_multiplier data_format dilation_rate activation use_bias
    depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer
    activity_regularizer depthwise_constraint bias_constraint
DepthwiseConv2D: {_FILTER} depth_multiplier data_format dilation_rate activation use_bias
    depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer
    activity_regularizer depthwise_constraint bias_constraint
SeparableConv1D: filters {_FILTER} data_format dilation_rate depth_multiplier activation use_bias
    depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer
    pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint
    pointwise_constraint bias_constraint
SeparableConv2D: filters {_FILTER} data_format dilation_rate depth_multiplier activation use_bias
    depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer
    pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint
    pointwise_constraint bias_constraint
MaxPooling1D: pool_size strides padding data_format
AveragePooling1D: pool_size strides padding data_format
MaxPooling2D: pool_size strides padding data_format
AveragePooling2D: pool_size strides padding data_format
MaxPooling3D: pool_size strides padding data_format
AveragePooling3D: pool_size strides padding data_format
GlobalMaxPooling1D: data_format keepdims
GlobalAveragePooling1D: data_format keepdims
UpSampling1D: size
UpSampling2D: size data_format interpolation
UpSampling3D: size data_format
ZeroPadding1D: padding
ZeroPadding2D: padding data_format
ZeroPadding3D: padding data_format
Cropping1D: cropping
Cropping2D: cropping data_format
Cropping3D: cropping data_format
BatchNormalization: {_NORM} momentum moving_mean_initializer moving_variance_initializer
    synchronized renorm renorm_clipping renorm_momentum fused virtual_batch_size adjustment
LayerNormalization: {_NORM}
GroupNormalization: groups {_NORM}
UnitNormalization: axis
SpectralNormalization: layer power_iterations
Dropout: rate noise_shape seed
AlphaDropout: rate noise_shape seed
SpatialDropout1D: rate activity_regularizer
SpatialDropout2D: rate data_format activity_regularizer
SpatialDropout3D: rate data_format activity_regularizer
GaussianDropout: rate seed
GaussianNoise: stddev seed
ReLU: max_value negative_slope threshold
LeakyReLU: alpha
PReLU: alpha_initializer alpha_regularizer alpha_constraint shared_axes
ELU: alpha
ThresholdedReLU: theta
Softmax: axis robust_masking
Attention: use_scale score_mode dropout causal
AdditiveAttention: use_scale dropout causal
MultiHeadAttention: num_heads key_dim value_dim dropout use_bias output_shape attention_axes
    {_KERNEL} softmax_robust_masking
Masking: mask_value
Activation: activation
Reshape: target_shape
Permute: dims
Flatten: data_format
RepeatVector: n
Lambda: function output_shape mask arguments
ActivityRegularization: l1 l2
Add:
Concatenate: axis
Dot: axes normalize
InputLayer: input_shape batch_size dtype input_tensor sparse name ragged type_spec batch_input_shape
Normalization: axis mean variance invert
Discretization: bin_boundaries num_bins epsilon output_mode sparse
Hashing: num_bins mask_value salt output_mode sparse
StringLookup: {_LOOKUP} encoding
IntegerLookup: {_LOOKUP} vocabulary_dtype
TextVectorization: max_tokens standardize split ngrams output_mode output_sequence_length
    pad_to_max_tokens vocabulary idf_weights sparse ragged encoding
Rescaling: scale offset
Resizing: height width interpolation crop_to_aspect_ratio
RandomFlip: mode seed
""")
KERAS2_ANY = [*KERAS1_ANY[:2], "batch_size", "weights", "name", "trainable", "dtype", "dynamic"]
KERAS2_GONE = ["RandomHeight", "RandomWidth", "DenseFeatures"]
