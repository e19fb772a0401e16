"""A graph that leaves the process needs no elman where it arrives, whoever sent it there."""

import keras
import numpy as np
import pytest

from elman import explain, layers

BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow's formats")
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


@pytest.mark.skipif(BACKEND != "jax", reason="of JAX's format")
def test_an_exported_function_of_jax_has_no_kernel():
    import jax
    from jax import export

    model, wanted = trained()
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    exported = export.export(jax.jit(lambda x: model(x)))(shape)
    assert "elman.forward" not in exported.mlir_module()
    found = exported.call(x)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
