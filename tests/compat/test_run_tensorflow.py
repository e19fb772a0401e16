"""``import tensorflow as tf`` where the program runs on another backend, and on TensorFlow."""

import importlib.util
import re

import keras
import numpy as np
import pytest

from elman.compat.datasets import Dataset, timeseries_dataset_from_array
from elman.compat.running import run_program
from elman.layers import Dense
from elman.models import Sequential

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def run(folder, text):
    path = folder / "program.py"
    path.write_text(text)
    return run_program(path)


BOILERPLATE = """
import tensorflow as tf
import keras
from keras import backend as K
from tensorflow.python.client import device_lib
tf.logging.set_verbosity(tf.logging.ERROR)
tf.compat.v1.disable_eager_execution()
tf.compat.v1.disable_v2_behavior()
config = tf.compat.v1.ConfigProto(gpu_options=tf.compat.v1.GPUOptions(allow_growth=True))
config.gpu_options.per_process_gpu_memory_fraction = 0.4
sess = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=config)
K.set_session(sess)
tf.compat.v1.keras.backend.set_session(sess)
for gpu in tf.config.experimental.list_physical_devices('GPU'):
    tf.config.experimental.set_memory_growth(gpu, True)
devices = len(tf.config.list_physical_devices('GPU')), device_lib.list_local_devices()
with tf.Session() as s, tf.device('/gpu:0'), tf.Graph().as_default():
    s.run(tf.global_variables_initializer())
    layer = tf.keras.layers.LSTM(3)
tf.set_random_seed(1)
first = tf.keras.initializers.RandomNormal()((2, 2))
tf.random.set_seed(1)
strategy = tf.distribute.MirroredStrategy()
version = int(tf.__version__.split('.')[0])
same = tf.keras.layers.LSTM is keras.layers.LSTM
@tf.function
def double(x):
    return 2 * x
twice = double(2)
"""


def test_boilerplate_does_nothing(tmp_path):
    code, _, names = run(tmp_path, BOILERPLATE)
    assert code == 0
    assert names["devices"] == (0, [])
    assert names["version"] == 2
    assert names["same"]
    assert names["twice"] == 4


ARRAYS = """
import tensorflow as tf
x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
found = {
    "mean": tf.reduce_mean(x, axis=1),
    "std": tf.math.reduce_std(x),
    "sum": tf.reduce_sum(input_tensor=x, axis=0, keepdims=True),
    "matmul": tf.matmul(x, x, transpose_b=True),
    "concat": tf.concat([x, x], axis=-1),
    "stack": tf.stack([x, x], axis=1),
    "expand": tf.expand_dims(x, axis=0),
    "squeeze": tf.squeeze(tf.expand_dims(x, 0)),
    "reshape": tf.reshape(x, [-1, 2]),
    "transpose": tf.transpose(x, perm=[1, 0]),
    "argmax": tf.argmax(x),
    "one_hot": tf.one_hot([0, 2], depth=3),
    "cast": tf.cast(x, tf.int32),
    "softmax": tf.nn.softmax(x, axis=-1),
    "log": tf.math.log(x),
    "where": tf.where(x > 2, x, tf.zeros_like(x)),
    "split": tf.split(x, [1, 2], axis=1)[1],
    "pad": tf.pad(x, [[0, 0], [1, 0]]),
    "gather": tf.gather(x, [1, 1], axis=1),
    "clip": tf.clip_by_value(x, 2, 5),
    "mask": tf.sequence_mask([1, 3], 3),
    "range": tf.range(3),
    "ones": tf.ones((2, 2)),
    "square": tf.square(x, name="square"),
    "loss": tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones((2, 3)), logits=x),
}
found = {name: value.numpy() for name, value in found.items()}
dtype = tf.constant([1.0]).dtype == tf.float32 and tf.constant([1]).dtype == tf.int32
shape = tuple(x.get_shape())
drawn = tf.random.normal([500], mean=5.0, stddev=0.1).numpy()
"""


def test_functions_of_arrays_are_numpys(tmp_path):
    code, _, names = run(tmp_path, ARRAYS)
    assert code == 0
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")
    e = np.exp(x)
    wanted = {
        "mean": x.mean(1),
        "std": x.std(),
        "sum": x.sum(0, keepdims=True),
        "matmul": x @ x.T,
        "concat": np.hstack([x, x]),
        "stack": np.stack([x, x], 1),
        "expand": x[None],
        "squeeze": x,
        "reshape": x.reshape(3, 2),
        "transpose": x.T,
        "argmax": x.argmax(0),
        "one_hot": np.eye(3)[[0, 2]],
        "cast": x.astype(int),
        "softmax": e / e.sum(-1, keepdims=True),
        "log": np.log(x),
        "where": np.where(x > 2, x, 0),
        "split": x[:, 1:],
        "pad": np.pad(x, [(0, 0), (1, 0)]),
        "gather": x[:, [1, 1]],
        "clip": x.clip(2, 5),
        "mask": [[True, False, False], [True, True, True]],
        "range": [0, 1, 2],
        "ones": np.ones((2, 2)),
        "square": x**2,
        "loss": np.log1p(np.exp(-x)),
    }
    assert wanted.keys() == names["found"].keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(names["found"][name], value, 1e-5, 1e-6, err_msg=name)
    assert names["dtype"]
    assert names["shape"] == (2, 3)
    assert abs(names["drawn"].mean() - 5) < 0.05


@pytest.mark.skipif(ON_TENSORFLOW, reason="on this backend tf is TensorFlow itself")
@pytest.mark.parametrize(
    "text",
    [
        "tape = tf.GradientTape()",
        "x = tf.linalg.expm([[1.]])",
        "from tensorflow import GradientTape",
    ],
)
def test_what_is_not_there_says_where_and_what_to_do(text, tmp_path, capsys):
    code, _, _ = run(tmp_path, f"import tensorflow as tf\n\n{text}")
    assert code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(
        r"line 3: tf\.(GradientTape|linalg\.expm|linalg) is not in elman's stand-in .* do: "
        r"pip install 'elman\[tensorflow\]', .*elman --backend tensorflow run",
        last,
    )


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the backend is another one")
def test_on_its_own_backend_tensorflow_is_itself(tmp_path):
    text = (
        "import tensorflow as tf\nfrom tensorflow.keras.layers import CuDNNLSTM\n"
        "with tf.GradientTape() as tape:\n    x = tf.Variable(3.)\n    y = x * x\n"
        "slope = float(tape.gradient(y, x))\nlayer = CuDNNLSTM(3)\nversion = tf.__version__"
    )
    code, _, names = run(tmp_path, text)
    assert code == 0
    assert names["slope"] == 6
    assert names["version"] == importlib.import_module("tensorflow").__version__


def lists(dataset):
    return [np.asarray(element).tolist() for element in dataset]


def test_datasets():
    numbers = Dataset.range(7)
    assert lists(numbers.batch(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert lists(numbers.batch(3, drop_remainder=True).repeat(2)) == [[0, 1, 2], [3, 4, 5]] * 2
    assert sorted(lists(numbers.shuffle(4, seed=1))) == list(range(7))
    assert lists(numbers.shuffle(4, seed=1)) == lists(numbers.shuffle(4, seed=1)) != list(range(7))
    windows = numbers.window(3, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(3))
    assert lists(windows) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert lists(numbers.window(3, shift=4).flat_map(lambda w: w)) == [0, 1, 2, 4, 5, 6]
    pairs = windows.map(lambda w: (w[:-1], w[-1:]))
    assert [(x.tolist(), y.tolist()) for x, y in pairs] == [
        ([0, 1], [2]), ([2, 3], [4]), ([4, 5], [6]),
    ]  # fmt: skip
    assert lists(numbers.filter(lambda i: i % 2 == 1).take(2)) == [1, 3]
    assert lists(numbers.skip(5).concatenate(numbers.take(1))) == [5, 6, 0]
    ragged = Dataset.from_generator(lambda: iter([[1], [1, 2], [3]]))
    assert lists(ragged.padded_batch(2)) == [[[1, 0], [1, 2]], [[3]]]
    assert lists(Dataset.zip((numbers, numbers.skip(1))).take(1).map(lambda a, b: a + b)) == [1]
    assert len(numbers.batch(2)) == 4
    assert int(numbers.repeat().cardinality()) == -1
    with pytest.raises(TypeError, match="infinite"):
        len(numbers.repeat())


def test_a_model_is_fitted_with_a_dataset_in_its_order():
    x, y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8.0)[:, None]
    one, other = (Sequential([Dense(1, input_dim=2)]) for _ in range(2))
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.compile(keras.optimizers.SGD(0.01), "mse")
    one.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    batches = Dataset.from_tensor_slices((x, y)).batch(3)
    history = other.fit(batches, epochs=2, validation_data=batches, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert len(history.history["val_loss"]) == 2
    assert other.predict(Dataset.from_tensor_slices(x).batch(3), verbose=0).shape == (8, 1)
    steps = other.fit(batches.repeat(), steps_per_epoch=5, epochs=2, verbose=0)
    assert len(steps.history["loss"]) == 2


def test_windows_of_a_time_series():
    data = np.arange(10)
    dataset = timeseries_dataset_from_array(
        data, data[6:], sequence_length=3, sampling_rate=2, sequence_stride=2, batch_size=2
    )
    assert [(x.tolist(), y.tolist()) for x, y in dataset] == [([[0, 2, 4], [2, 4, 6]], [6, 8])]


def test_iterators_of_tensorflow_1_give_one_element_after_the_other():
    iterator = Dataset.from_tensor_slices([3, 5]).make_one_shot_iterator()
    assert [int(iterator.get_next()) for _ in range(2)] == [3, 5]
    with pytest.raises(StopIteration):
        iterator.get_next()
