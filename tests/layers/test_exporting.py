"""A graph that leaves the process needs no elman where it arrives, whoever sent it there."""

import keras
import numpy as np
import pytest

from elman import explain, layers

BACKEND = keras.backend.backend()
CELLS = ("SimpleRNN", "LSTM", "GRU", "GRU of Keras 1")
SHAPES = ((2, 5), (3, 7), (1, 1))
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow's formats")
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="of JAX's format")
x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")


def trained():
    """A model of Keras with our layer, which has run with the kernels before it is exported."""
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(4), layers.Dense(2)])
    assert [row.engine for row in explain(model)] == ["native"]
    return model, model.predict(x, verbose=0)


@on_tensorflow
@pytest.mark.parametrize("way", ["export", "saved_model"])
def test_a_saved_model_has_no_kernel(way, tmp_path):
    import tensorflow as tf
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model, wanted = trained()
    if way == "export":
        model.export(tmp_path, verbose=False)
    else:
        tf.saved_model.save(model, tmp_path)
    saved = SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    operations = {node.op for function in functions for node in function.node_def}
    assert operations
    assert not [name for name in operations if "Elman" in name]
    serve = tf.saved_model.load(tmp_path).signatures["serving_default"]
    (found,) = serve(tf.constant(x)).values()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@on_tensorflow
@pytest.mark.filterwarnings("ignore")  # TFLite's, of its own move to another package
def test_tflite_takes_a_model():
    import tensorflow as tf

    model, wanted = trained()
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    [given], [found] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(found["index"]), wanted, atol=1e-6)


@on_jax
def test_an_exported_function_of_jax_has_no_kernel():
    import jax
    from jax import export

    model, wanted = trained()
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    exported = export.export(jax.jit(lambda x: model(x)))(shape)
    assert "elman.forward" not in exported.mlir_module()
    found = exported.call(x)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def made(cell, **arguments):
    if cell == "GRU of Keras 1":
        return layers.GRU(2, reset_after=False, **arguments)
    return getattr(layers, cell)(2, **arguments)


def open_model(cell, masks=True):
    """A model with open axes: both directions, sequences, states, a mask with holes, a stack.

    No weight is zero, so that a step of padding changes every state.
    """
    words = keras.Input((None,), dtype="int32")
    embedded = layers.Embedding(4, 3)(words)
    whole = made(cell, return_sequences=True, return_state=True)
    y = list(layers.Bidirectional(whole, merge_mode=None)(embedded))
    masked = layers.Embedding(4, 3, mask_zero=masks)(words)
    both = layers.Bidirectional(made(cell, return_sequences=True))(masked)
    return randomized(keras.Model(words, [*y, both, made(cell)(both)]))


def randomized(model):
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=w.shape, scale=0.7) for w in model.get_weights()])
    return model


def words_of(batch, timesteps):
    return np.random.default_rng(2).integers(4, size=(batch, timesteps)).astype("int32")


def assert_computes(run, model, batches):
    """Both sum in float32, in another order: 3e-7 was measured; a step off, it was above 0.05."""
    for x in batches:
        wanted = keras.tree.flatten(model.predict(x, verbose=0) if x.size else model(x))
        for number, (found, right) in enumerate(zip(run(x), wanted, strict=True)):
            message = f"output {number} of {x.shape}"
            np.testing.assert_allclose(found, right, rtol=0, atol=3e-6, err_msg=message)


def onnx_runtime(model, path):
    """The function that ONNX Runtime has of a model, exported after it ran with the kernels."""
    import onnxruntime

    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    [given] = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})


@on_tensorflow
@pytest.mark.filterwarnings("ignore:In the future .np.object.:FutureWarning")  # Keras's, of tf2onnx
@pytest.mark.parametrize("cell", CELLS)
def test_onnx_of_tensorflow(cell, tmp_path):
    model = open_model(cell)
    model.predict(words_of(2, 4), verbose=0)
    run = onnx_runtime(model, tmp_path / "model.onnx")
    assert_computes(run, model, [words_of(*shape) for shape in [*SHAPES, (2, 0)]])


@on_tensorflow
@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM"])
def test_onnx_of_tensorflow_with_a_known_number_of_timesteps(cell, tmp_path):
    given = keras.Input((5, 3))
    model = randomized(keras.Model(given, [made(cell, return_sequences=True)(given)]))
    model.predict(x, verbose=0)
    assert_computes(onnx_runtime(model, tmp_path / "model.onnx"), model, [x, x[:1]])


@pytest.mark.skipif(BACKEND != "torch", reason="of torch's converter")
@pytest.mark.filterwarnings("ignore")  # torch's, of what a trace fixes
@pytest.mark.parametrize("cell", CELLS[:3])  # of the last, and of masks, an open axis is refused
def test_onnx_of_torch(cell, tmp_path):
    model = open_model(cell, masks=False)
    model.predict(words_of(2, 4), verbose=0)
    run = onnx_runtime(model, tmp_path / "model.onnx")
    assert_computes(run, model, [words_of(*shape) for shape in SHAPES])


@on_jax
@pytest.mark.parametrize("cell", CELLS)
def test_an_exported_function_of_jax_with_open_axes(cell):
    import jax
    from jax import export

    model = open_model(cell)
    model.predict(words_of(2, 4), verbose=0)
    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, t"), "int32")
    exported = export.export(jax.jit(lambda x: model(x)))(shape)
    assert_computes(exported.call, model, [words_of(*shape) for shape in SHAPES])


@on_tensorflow
def test_tf2onnx_traces_a_function_without_a_kernel():
    import tensorflow as tf
    import tf2onnx

    model, _ = trained()
    signature = [tf.TensorSpec((None, 5, 3))]
    made, _ = tf2onnx.convert.from_function(tf.function(lambda x: model(x)), signature)
    assert made.graph.node
    assert not [node.op_type for node in made.graph.node if "Elman" in node.op_type]
