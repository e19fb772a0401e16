"""The kernels on JAX arrays: results and gradients, inside `jax.jit`, `jax.vmap`, from threads."""

import os
import pathlib
import socket
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import training_case
from engine_case import Case, cases, compute, same_bits, side_by_side

from elman import engine, layers

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytest.importorskip("jax_tvm_ffi")


def loss(*cases):
    """A number with the cases' gradients of the results, and the results, side by side."""
    compute = engine.find(*(case.spec for case in cases))

    def of(arguments):
        found = compute(
            *(
                engine.Inputs(*some, **case.options)
                for some, case in zip(arguments, cases, strict=True)
            )
        )
        total = 0
        for case, (outputs, last, states) in zip(cases, found, strict=True):
            total += jnp.sum(last * case.d_last)
            total += sum(jnp.sum(s * d) for s, d in zip(states, case.d_states, strict=True))
            if outputs is not None:
                total += jnp.sum(outputs * case.d_outputs)
        return total, found

    return of


def results_and_gradients(*cases):
    """(outputs, last, states) and the gradients of the arguments, of each case, side by side."""
    of = jax.jit(jax.grad(loss(*cases), has_aux=True))
    found, results = of([case.arguments for case in cases])
    return list(zip(results, found, strict=True))


def test_results_and_gradients_equal_the_reference(cell, size):
    with jax.enable_x64(True):
        for index, case in enumerate(cases("jax", cell, size)):
            if index % 5:
                continue
            [(results, found)] = results_and_gradients(case)
            case.check_results(*results)
            case.check_gradients(*found)
            case.check_results(*compute(case)[0])


@pytest.mark.parametrize("together", side_by_side("jax"), ids=["mixed", "directions"])
def test_side_by_side_is_the_same_as_one_by_one(together):
    alone = [results_and_gradients(case)[0] for case in together]
    assert same_bits(results_and_gradients(*together), alone)


def test_vmap():
    case = Case(engine.Spec("lstm", backend="jax", return_sequences=True), (6, 4, 3, 5))
    compute = engine.find(case.spec)

    def outputs(x):
        inputs = engine.Inputs(x, None, case.kernel, case.recurrent_kernel, case.bias)
        return compute(inputs)[0][0]

    def total(x):
        return jnp.sum(outputs(x) ** 2)

    x = case.x.reshape(2, 3, 4, 3)
    together = jax.vmap(outputs)(x)
    np.testing.assert_array_equal(together.reshape(6, 4, 5), outputs(case.x))
    gradient = jax.jit(jax.vmap(jax.grad(total)))(x)
    np.testing.assert_allclose(gradient.reshape(6, 4, 3), jax.grad(total)(case.x), atol=1e-6)


def test_a_derivative_beyond_the_first_is_refused():
    case = Case(engine.Spec("lstm", backend="jax"), (2, 3, 4, 5))
    first = jax.grad(lambda arguments: loss(case)(arguments)[0])
    twice = jax.jit(jax.grad(lambda x: jnp.sum(first([(x, *case.arguments[1:])])[0][0] ** 2)))
    with pytest.raises(NotImplementedError, match='engine="keras" to differentiate a gradient'):
        twice(case.x)


FORWARD_MODE = {
    "jvp": lambda f, x: jax.jvp(f, (x,), (x,)),
    "jit of jvp": lambda f, x: jax.jit(lambda x: jax.jvp(f, (x,), (x,)))(x),
    "jvp of jit": lambda f, x: jax.jvp(jax.jit(f), (x,), (x,)),
    "jacfwd": lambda f, x: jax.jacfwd(f)(x),
    "linearize": lambda f, x: jax.linearize(f, x)[1](x),
    "hessian": lambda f, x: jax.hessian(f)(x),
    "in a loop": lambda f, x: jax.jvp(lambda x: jax.lax.map(f, x[None]), (x,), (x,)),
}


@pytest.mark.parametrize("transform", FORWARD_MODE.values(), ids=FORWARD_MODE)
def test_forward_mode_names_the_way_out(transform):
    case = Case(engine.Spec("lstm", backend="jax"), (2, 3, 4, 5))
    compute = engine.find(case.spec)
    with pytest.raises(NotImplementedError, match='give the layer engine="keras"'):
        transform(lambda x: compute(engine.Inputs(x, *case.arguments[1:]))[0][1], case.x)


@pytest.mark.parametrize(
    "around",
    [jax.jit, jax.checkpoint, lambda f: lambda x: jax.vmap(f)(x[None])[0],
     lambda f: lambda x: jax.lax.map(f, x[None])[0]],
    ids=["jit", "checkpoint", "vmap", "loop"],
)  # fmt: skip
def test_reverse_mode_through_transforms(around):
    case = Case(engine.Spec("gru", backend="jax"), (2, 3, 4, 5))
    compute = engine.find(case.spec)

    def last(x):
        return compute(engine.Inputs(x, *case.arguments[1:]))[0][1]

    wanted = jax.jacrev(last)(case.x)
    np.testing.assert_allclose(jax.jacrev(around(last))(case.x), wanted, atol=1e-6)


def test_several_jitted_calls_at_once():
    case = Case(engine.Spec("gru", backend="jax"), (40, 20, 32, 32))
    of = jax.jit(jax.grad(loss(case), has_aux=True))
    wanted = of([case.arguments])
    found = []

    def call():
        found.append(same_bits(of([case.arguments]), wanted))

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert found == [True] * 6


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the layer computes on JAX")
def test_100_000_steps_through_a_layer_are_two_halves():
    layer = layers.LSTM(3, return_sequences=True, return_state=True)
    x = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 100_000, 2)), "float32")
    layer.build(x.shape)
    zeros = [jnp.zeros((1, 3))] * 2

    def whole(x):
        return layer(x, initial_state=zeros)[0]

    def halves(x):
        first, *states = layer(x[:, :50_000], initial_state=zeros)
        return jnp.concatenate([first, layer(x[:, 50_000:], initial_state=states)[0]], axis=1)

    def outputs_and_gradient(of):
        outputs, back = jax.vjp(jax.jit(of), x)
        return [outputs, *back(jnp.ones_like(outputs))]

    assert same_bits(outputs_and_gradient(whole), outputs_and_gradient(halves))


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="jax"))
    x, kernel, recurrent = jnp.zeros((2, 3, 4)), jnp.zeros((4, 19)), jnp.zeros((5, 20))
    with pytest.raises(Exception, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        jax.block_until_ready(compute(engine.Inputs(x, None, kernel, recurrent, jnp.zeros(20))))


SHARDED = """
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from engine_case import Case
from elman import engine

mesh = Mesh(np.array(jax.devices()), ("batch",))
for cell in ("lstm", "gru"):
    spec = engine.Spec(cell, backend="jax", return_sequences=True, go_backwards=True)
    case = Case(spec, (8, 5, 3, 20), mask=True, dropout="each gate")
    compute = engine.find(spec)

    def step(x, states, mask, masks, weights):
        def total(x, states, weights):
            inputs = engine.Inputs(x, states, *weights, mask, *masks)
            [(outputs, last, after)] = compute(inputs)
            return (outputs**2).sum() + last.sum() + sum(s.sum() for s in after), outputs
        return jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True)(x, states, weights)

    weights = (case.kernel, case.recurrent_kernel, case.bias)
    arrays = (case.x, case.states, case.mask, (case.input_dropout, case.recurrent_dropout))
    wanted = jax.jit(step)(*arrays, weights)
    rows, masks = NamedSharding(mesh, P("batch")), NamedSharding(mesh, P(None, "batch"))
    spread = jax.device_put(arrays, (rows, [rows] * len(case.states), rows, (masks, masks)))
    whole = jax.device_put(weights, NamedSharding(mesh, P()))
    compiled = jax.jit(step).lower(*spread, whole).compile()
    found = compiled(*spread, whole)
    assert "all-gather" not in compiled.as_text()
    (_, outputs), (dx, *_) = found
    assert outputs.sharding.is_equivalent_to(rows, 3) and dx.sharding.is_equivalent_to(rows, 3)
    for one, two in zip(jax.tree.leaves(wanted), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)
"""


def test_a_sharded_batch_stays_sharded():
    folder = pathlib.Path(__file__).parent
    flags = "--xla_force_host_platform_device_count=2"
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="keras.distribution is JAX's")
def test_two_processes_train_to_the_same_weights_as_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = pathlib.Path(__file__).parent
    path = os.pathsep.join([str(folder), *sys.path])
    files = [tmp_path / "0.npz", tmp_path / "1.npz"]
    ranks = [
        subprocess.Popen(
            [sys.executable, folder / "training_case.py", str(rank), str(port), file],
            env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, file in enumerate(files)
    ]
    try:
        wanted = training_case.train()
        for rank in ranks:
            _, said = rank.communicate(timeout=300)
            assert rank.returncode == 0, said
    finally:  # where one fails, the other waits for it
        for rank in ranks:
            rank.kill()
            rank.wait()
    for weights in map(np.load, files):
        for one, two in zip(weights.values(), wanted, strict=True):
            # The sums over the batch are in two parts.
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
