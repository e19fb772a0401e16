"""A graph that leaves the process needs no elman where it arrives, whoever sent it there."""

import keras
import numpy as np
import pytest
from keras import ops

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

    assert model._called  # Keras asks for it
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    names = [given.name for given in session.get_inputs()]
    return lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True)))


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


def stateful_model(**arguments):
    given = keras.Input(batch_shape=(1, 5, 3))
    return randomized(keras.Model(given, layers.LSTM(2, stateful=True, **arguments)(given)))


def onnx_of_torch(dynamo):
    def write(model, path):
        import torch

        if dynamo:
            pytest.importorskip("onnxscript")
        given = torch.ones(1, 5, 3)
        model.eval()
        torch.onnx.export(model, (given,), path, dynamo=dynamo, verbose=False)

    return write


def onnx_of_tf2onnx(model, path):
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((1, 5, 3))]
    tf2onnx.convert.from_function(tf.function(model.__call__), signature, output_path=path)


def onnx_of_jax2onnx(model, path):
    """What Keras does with the package jax2onnx, in whose place a trace stands here."""
    import types
    from unittest import mock

    import jax

    def to_onnx(function, inputs, output_path, **_):
        jax.make_jaxpr(function)(jax.ShapeDtypeStruct((1, 5, 3), "float32"))
        open(output_path, "w").close()

    with mock.patch.dict("sys.modules", jax2onnx=types.SimpleNamespace(to_onnx=to_onnx)):
        model.export(path, format="onnx", verbose=False)


WRITERS = {
    "torch": [onnx_of_torch(dynamo=False), onnx_of_torch(dynamo=True)],
    "tensorflow": [onnx_of_tf2onnx],
    "jax": [onnx_of_jax2onnx],
}[BACKEND]
if BACKEND != "jax":
    WRITERS.append(lambda model, path: model.export(path, format="onnx", verbose=False))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_onnx_refuses_a_stateful_layer_whose_state_it_would_freeze(write, wrapped, tmp_path):
    model, path = stateful_model(), tmp_path / "model.onnx"
    if wrapped:
        given = keras.Input(batch_shape=(1, 5, 3))
        pair = layers.Bidirectional(keras.layers.GRU(2, stateful=True))
        model = keras.Model(given, pair(given))
    before = ops.convert_to_numpy(model(x[:1]))
    with pytest.raises(Exception, match=r"stateful.*initial_state"):
        write(model, path)
    assert not path.exists()
    assert np.abs(ops.convert_to_numpy(model(x[:1])) - before).max() > 1e-3  # carried on


@pytest.mark.skipif(BACKEND == "jax", reason="jax2onnx is not installed")
@pytest.mark.filterwarnings("ignore")
def test_onnx_carries_a_state_that_is_handed_in_and_out(tmp_path):
    model, path = stateful_model(), tmp_path / "model.onnx"
    given = [keras.Input((5, 3)), keras.Input((2,)), keras.Input((2,))]
    twin = keras.Model(given, layers.LSTM(2, return_state=True)(given[0], initial_state=given[1:]))
    twin.set_weights(model.get_weights())
    states = [np.zeros((1, 2), "float32")] * 2
    twin.predict([x[:1], *states], verbose=0)
    run = onnx_runtime(twin, path)
    for _ in range(3):
        y, *states = run(x[:1], *states)
        np.testing.assert_allclose(y, model.predict(x[:1], verbose=0), rtol=0, atol=3e-6)


@on_tensorflow
def test_a_saved_model_carries_its_state(tmp_path):
    import tensorflow as tf

    model = stateful_model()
    model.export(tmp_path, verbose=False, input_signature=[tf.TensorSpec((1, 5, 3))])
    loaded = tf.saved_model.load(tmp_path)
    for _ in range(3):
        found = loaded.serve(tf.constant(x[:1]))
        np.testing.assert_allclose(found, model.predict(x[:1], verbose=0), rtol=0, atol=3e-6)


@on_jax
def test_a_state_is_exported_from_jax_only_where_it_is_handed_in_and_out():
    import jax
    from jax import export

    model = stateful_model()
    shape = jax.ShapeDtypeStruct((1, 5, 3), "float32")
    with pytest.raises(ValueError, match=r"stateful.*initial_state"):
        export.export(jax.jit(lambda x: model(x)))(shape)
    trained = [v.value for v in model.trainable_variables]
    state = [v.value for v in model.non_trainable_variables]
    step = jax.jit(lambda state, x: model.stateless_call(trained, state, x))
    exported = export.export(step)([jax.ShapeDtypeStruct(s.shape, s.dtype) for s in state], shape)
    for _ in range(3):
        found, state = exported.call(state, x[:1])
        np.testing.assert_allclose(found, model.predict(x[:1], verbose=0), rtol=0, atol=3e-6)


class Fed(layers.Layer):
    """A decoder that feeds its output back, with its input as the memory."""

    def __init__(self):
        super().__init__()
        self.decoder = layers.AttentionDecoder(2, input_feeding=True)

    def build(self, shape):
        self.decoder.build(shape, shape)

    def call(self, sequences):
        return self.decoder(sequences, sequences)


class OwnLoop(layers.LSTM):
    """A layer that changes what the loop gives."""

    def inner_loop(self, *args, **kwargs):
        last, outputs, states = super().inner_loop(*args, **kwargs)
        return 2 * last, outputs, states


LOOPS = {
    "a loop of its own": (lambda: OwnLoop(2), (None, 3)),
    "CRF": (lambda: layers.CRF(3), (None, 3)),
    "AttentionDecoder": (Fed, (None, 3)),
    "Keras's in Bidirectional": (lambda: layers.Bidirectional(keras.layers.LSTM(2)), (None, 3)),
    "Keras's in TimeDistributed": (
        lambda: layers.TimeDistributed(keras.layers.Bidirectional(keras.layers.GRU(2))),
        (2, None, 3),
    ),
}


@pytest.mark.skipif(BACKEND != "torch", reason="of torch's converter")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LOOPS)
def test_onnx_of_torch_refuses_a_loop_over_an_open_number_of_timesteps(kind, tmp_path):
    make, shape = LOOPS[kind]
    given = keras.Input(shape)
    model, path = randomized(keras.Model(given, make()(given))), tmp_path / "model.onnx"
    model.predict(np.ones((2, *(4 if n is None else n for n in shape)), "float32"), verbose=0)
    with pytest.raises(ValueError, match=r"open number of timesteps.*fixed number"):
        model.export(path, format="onnx", verbose=False)
    assert not path.exists()


@pytest.mark.skipif(BACKEND != "torch", reason="of torch's converter")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LOOPS)
def test_onnx_of_torch_with_a_fixed_number_of_timesteps(kind, tmp_path):
    make, shape = LOOPS[kind]
    shape = tuple(5 if n is None else n for n in shape)
    given = keras.Input(shape)
    model = randomized(keras.Model(given, make()(given)))
    batches = [np.random.default_rng(3).normal(size=(n, *shape)).astype("float32") for n in (2, 3)]
    model.predict(batches[0], verbose=0)
    assert_computes(onnx_runtime(model, tmp_path / "model.onnx"), model, batches)


@pytest.mark.skipif(BACKEND != "torch", reason="of torch's traces")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["CRF", "LSTM"])
def test_what_torch_has_traced_takes_no_other_number_of_timesteps(kind, tmp_path):
    """Built for a fixed number, then given another axis: an error when it runs, no wrong number."""
    import onnxruntime
    import torch

    layer = layers.CRF(3) if kind == "CRF" else layers.LSTM(2, activation="relu")
    right = layer(x).detach().numpy()
    given, path = torch.from_numpy(x), tmp_path / "model.onnx"
    traced = torch.jit.trace(layer, (given,))
    np.testing.assert_allclose(traced(given).detach(), right, rtol=0, atol=3e-6)
    with pytest.raises(RuntimeError):
        traced(given[:, :4])
    names = {"input_names": ["x"], "dynamic_axes": {"x": {1: "t"}}}
    torch.onnx.export(layer, (given,), path, dynamo=False, **names)
    session = onnxruntime.InferenceSession(path)
    np.testing.assert_allclose(session.run(None, {"x": x})[0], right, rtol=0, atol=3e-6)
    for steps in (x[:, :4], np.concatenate([x, x], axis=1)):
        with pytest.raises(Exception, match=r"(?i)split"):
            session.run(None, {"x": steps})


@on_jax
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_a_model_with_dropout_goes_on_after_an_export(cell, engine):
    """Nothing is drawn where nothing is dropped, so that no seed is left of the trace."""
    import jax
    from jax import export

    given = keras.Input((5, 3))
    layer = made(cell, dropout=0.5, recurrent_dropout=0.5, engine=engine)
    model = randomized(keras.Model(given, layer(given)))
    seeds = [np.array(v) for v in model.non_trainable_variables]
    right = model(x)
    exported = export.export(jax.jit(lambda x: model(x)))(jax.ShapeDtypeStruct(x.shape, x.dtype))
    np.testing.assert_allclose(exported.call(x), right, rtol=0, atol=3e-6)
    np.testing.assert_allclose(model(x), right, rtol=0, atol=3e-6)
    assert seeds
    for variable, before in zip(model.non_trainable_variables, seeds, strict=True):
        np.testing.assert_array_equal(np.array(variable), before)
