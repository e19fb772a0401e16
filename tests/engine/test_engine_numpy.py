"""The kernels on NumPy arrays equal the reference, forward and backward, with every option."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from engine_case import CELLS, Case, cases, compute, label, same_bits, side_by_side

from elman import engine
from elman.engine import _native
from elman.engine import numpy as adapter


def gradients(*cases):
    """Results and gradients of each case, by the adapter's own forward and backward."""
    specs = [case.spec for case in cases]
    options, given = _native.options(specs), adapter.arrays(specs, [case.inputs for case in cases])
    results = adapter.forward(options, given, training=True)
    upstream = []
    for case in cases:
        upstream += [case.d_outputs, case.d_last, *[*case.d_states, None][:2]]
    found = adapter.backward(options, given, _native.kept(results), upstream)
    return [
        (result, (dx, [dh, dc][: len(case.d_states)], *weights))
        for case, result, (dx, dh, dc, *weights) in zip(
            cases, _native.results(specs, results), _native.each(found, len(cases)), strict=True
        )
    ]


def test_results_and_gradients_equal_the_reference(cell, size):
    for case in cases("numpy", cell, size):
        case.check_results(*compute(case)[0])
        [(results, found)] = gradients(case)
        case.check_results(*results)
        case.check_gradients(*found)


@pytest.mark.parametrize("together", side_by_side("numpy"), ids=["mixed", "directions"])
def test_side_by_side_is_the_same_as_one_by_one(together):
    for threads in (1, 2):
        engine.set_num_threads(threads)
        assert same_bits(compute(*together), [compute(case)[0] for case in together])
        assert same_bits(gradients(*together), [gradients(case)[0] for case in together])


@pytest.mark.parametrize("cell", CELLS, ids=label)
# Rows for each thread; few rows, whose units several threads share.
@pytest.mark.parametrize("size", [(40, 7, 64, 48), (5, 20, 30, 100), (2, 12, 20, 300)], ids=label)
def test_the_number_of_threads_changes_no_bit(cell, size):
    for case in cases("numpy", cell, size):
        runs = []
        for threads in (1, 2, 3):
            engine.set_num_threads(threads)
            runs.append(gradients(case))
        assert same_bits(runs[0], runs[1])
        assert same_bits(runs[0], runs[2])


def test_a_batch_is_its_rows_one_by_one(cell):
    case = Case(engine.Spec(cell[0], reset_after=cell[1]), (13, 6, 5, 20), mask=True)
    [(_, together, _)] = compute(case)
    for row in range(13):
        one = slice(row, row + 1)
        inputs = case.inputs._replace(
            x=case.x[one], states=[s[one] for s in case.states], mask=case.mask[one]
        )
        [(_, last, _)] = engine.find(case.spec)(inputs)
        case.close(last, together[one].astype("float64"), "row")


def test_a_long_sequence():
    case = Case(engine.Spec("gru", return_sequences=True), (1, 20_000, 2, 3))
    [(results, found)] = gradients(case)
    case.check_results(*results)
    # 20,000 terms are summed: the error of float32 grows with their number.
    np.testing.assert_allclose(found[2], case.gradients.kernel, rtol=1e-3, atol=0.05)


def test_100_000_steps_are_two_halves():
    H = 3
    spec = engine.Spec("lstm", return_sequences=True)
    random = np.random.default_rng(0)

    def draw(*shape):
        return random.uniform(-1, 1, shape).astype("float32")

    x, weights = draw(2, 100_000, 2), (draw(2, 4 * H), draw(H, 4 * H), draw(4 * H))
    d_outputs, d_last, d_h, d_c = draw(2, 100_000, H), draw(2, H), draw(2, H), draw(2, H)
    options = _native.options([spec])

    def forward(x, states):
        given = adapter.arrays([spec], [engine.Inputs(x, states, *weights)])
        return given, adapter.forward(options, given, training=True)

    def backward(given, results, gradients):
        return adapter.backward(options, given, _native.kept(results), gradients)

    zeros = [np.zeros((2, H), "float32")] * 2
    whole = forward(x, zeros)
    first = forward(x[:, :50_000], zeros)
    second = forward(x[:, 50_000:], first[1][2:4])
    assert same_bits(whole[1][1:4], second[1][1:4])
    d_whole = backward(*whole, [d_outputs, d_last, d_h, d_c])
    d_second = backward(*second, [d_outputs[:, 50_000:], d_last, d_h, d_c])
    d_first = backward(*first, [d_outputs[:, :50_000], None, *d_second[1:3]])
    np.testing.assert_array_equal(d_whole[0], np.concatenate([d_first[0], d_second[0]], axis=1))
    assert same_bits(d_whole[1:3], d_first[1:3])
    for together, one, other in zip(d_whole[3:], d_first[3:], d_second[3:], strict=True):
        # Sums of 200,000 terms in another order.
        np.testing.assert_allclose(together, one + other, rtol=1e-3, atol=0.1)


def wrong_versions(array):
    """Arrays that cannot stand for this one, with what an error must say of them."""
    other = {"float32": "float64", "bool": "float32"}[array.dtype.name]
    wide = np.repeat(array, 2, axis=-1)
    return {
        "0-d": (np.zeros((), array.dtype), "must have shape"),
        "one axis more": (array[None, None], "must have shape"),
        "another size": (wide, "must have shape"),
        "another type": (array.astype(other), "must be (bool|float32|float64), got"),
        "integers": (array.astype("int32"), "must be (bool|float32|float64), got"),
        "strides": (wide[..., ::2], "must be contiguous"),
        "negative strides": (array[..., ::-1], "must be contiguous"),
    }


def test_every_wrong_array_raises():
    case = Case(engine.Spec("gru", return_sequences=True), (2, 3, 5, 7), mask=True, dropout=True)
    options = _native.options([case.spec])
    given = adapter.arrays([case.spec], [case.inputs])
    results = adapter.forward(options, given, training=True)
    upstream = [case.d_outputs, case.d_last, *case.d_states, np.empty(0, "float32")]
    gradients = adapter.backward(options, given, _native.kept(results), upstream)
    forward = [*given, *results]
    backward = [*given, *_native.kept(results), *upstream, *gradients]
    library = _native.library()
    for function, arrays in ((library.forward, forward), (library.backward, backward)):
        function(options, *arrays)
        for i, array in enumerate(arrays):
            if array.size == 0:
                continue
            for value, sentence in wrong_versions(array).values():
                changed = [*arrays[:i], value, *arrays[i + 1 :]]
                with pytest.raises(ValueError, match=sentence):
                    function(options, *changed)
        with pytest.raises(TypeError, match=f"there must be {len(arrays)} tensors"):
            function(options, *arrays[1:])
        with pytest.raises(TypeError, match="Cannot convert"):
            function(options, None, *arrays[1:])
        with pytest.raises(ValueError, match="6 numbers for each layer, got 5"):
            function(options[1:], *arrays)
        with pytest.raises(ValueError, match="cell must be 0 to 3, got 4"):
            function((4, *options[1:]), *arrays)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("x", (2, 3), r"x must have shape \(B, T, I\), got \(2, 3\)"),
        ("recurrent_kernel", (), r"recurrent_kernel must have shape \(H, G \* H\), got \(\)"),
        ("kernel", (6, 20), r"kernel must have shape \(5, 20\), got \(6, 20\)"),
        ("states", (4, 5), r"initial state h must have shape \(2, 5\), got \(4, 5\)"),
        ("bias", (5,), r"bias must have shape \(20,\), got \(5,\)"),
        ("mask", (2, 4), r"mask must have shape \(2, 3\), got \(2, 4\)"),
        ("input_dropout", (4, 5), r"input_dropout must have shape \(2, 5\), got \(4, 5\)"),
        ("recurrent_dropout", (3, 2, 5), r"recurrent_dropout must have shape \(4, 2, 5\)"),
    ],
)
def test_a_wrong_shape_is_told_by_name(name, value, sentence):
    case = Case(engine.Spec("lstm"), (2, 3, 5, 5))
    wrong = np.zeros(value, "float32")
    inputs = case.inputs._replace(**{name: [wrong] * 2 if name == "states" else wrong})
    with pytest.raises(ValueError, match=sentence):
        engine.find(case.spec)(inputs)


def test_any_strides_and_types_are_taken():
    case = Case(engine.Spec("lstm", return_sequences=True), (6, 4, 3, 5))
    turned = case.inputs._replace(
        x=np.asfortranarray(case.x.astype("float64")), kernel=np.repeat(case.kernel, 2, 1)[:, ::2]
    )
    turned.x.flags.writeable = False
    assert same_bits(engine.find(case.spec)(turned), compute(case))


def test_sizes_of_nothing_and_of_too_much():
    case = Case(engine.Spec("lstm"), (2, 3, 5, 5), states=False)
    for shape in [(0, 2**40, 5), (0, 0, 5)]:  # returns at once
        [(_, last, _)] = engine.find(case.spec)(case.inputs._replace(x=np.zeros(shape, "float32")))
        assert last.shape == (0, 5)
    for sizes in [(2**40, 2**40, 2**40), (-1, 2, 3)]:
        with pytest.raises(ValueError, match="a terabyte at most, got"):
            _native.empty(4, sizes)
    with pytest.raises(ValueError, match="a terabyte at most, got"):
        _native.saved_width(1, 4, -3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"activation": "softplus"}, "activation must be one of linear, tanh, .*, got softplus"),
        ({"recurrent_activation": "elu"}, "recurrent_activation must be one of"),
        ({"dtype": "float16"}, "compute in float32 and float64, not in float16"),
        ({"device": "gpu"}, "numpy has native kernels on the CPU, not on a GPU"),
        ({"backend": "mxnet"}, "no native kernels for the backend 'mxnet'"),
        ({"cell": "conv_lstm"}, "not for conv_lstm"),
    ],
)
def test_find_says_why_not(changes, sentence):
    found = engine.find(engine.Spec(**{"cell": "lstm", **changes}))
    assert isinstance(found, engine.Refusal)
    assert re.search(sentence, found.reason)


def test_side_by_side_must_agree():
    found = engine.find(engine.Spec("lstm"), engine.Spec("lstm", dtype="float64"))
    assert found.reason == "one call has arrays of one dtype, not of float32 and float64"
    found = engine.find(engine.Spec("lstm", backend="torch"), engine.Spec("lstm", backend="numpy"))
    assert found.reason == "one call has arrays of one backend, not of numpy and torch"
    with pytest.raises(ValueError, match="must be given one Spec or more, got none"):
        engine.find()
    case = Case(engine.Spec("lstm"), (2, 3, 5, 5))
    for wrong in ([], [case.inputs] * 2):
        with pytest.raises(ValueError, match=f"for each of its specs, 1, got {len(wrong)}"):
            engine.find(case.spec)(*wrong)


def test_wrong_numbers_of_threads_raise():
    with pytest.raises(ValueError, match="threads must be 1 to 4096, got 0"):
        engine.set_num_threads(0)


def large_case():
    return Case(engine.Spec("lstm"), (40, 20, 32, 32))


def digest(case):
    return b"".join(a.tobytes() for a in gradients(case)[0][1][2:])


def test_many_threads_at_once():
    case = large_case()
    wanted, got = digest(case), []
    callers = [threading.Thread(target=lambda: got.append(digest(case))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert got == [wanted] * 8


def _send_digest(pipe):
    pipe.send(digest(large_case()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_after_use():
    engine.set_num_threads(2)
    wanted = digest(large_case())
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        receiver, sender = context.Pipe(False)
        child = context.Process(target=_send_digest, args=(sender,))
        child.start()
        assert receiver.poll(60), "the child hangs"
        assert receiver.recv() == wanted
        child.join(60)
    assert digest(large_case()) == wanted


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no signals")
def test_an_interrupt_during_a_call():
    code = """
import signal, threading, time
import numpy as np
from elman import engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
call = engine.find(engine.Spec("gru"))
ones = lambda *shape: np.full(shape, 0.1, "float32")
def compute(steps):
    weights = ones(64, 192), ones(64, 192), ones(2, 192)
    return call(engine.Inputs(ones(16, steps, 64), None, *weights))[0][1].tobytes()

wanted, interrupted = compute(10), False
main = threading.main_thread().ident
threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
try:
    while True:
        compute(5000)
except KeyboardInterrupt:
    interrupted = True
assert interrupted and compute(10) == wanted
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_subnormal_numbers_survive():
    code = """
import numpy as np
from elman import engine
engine.find(engine.Spec("lstm"))(engine.Inputs(np.ones((40, 9, 64), "f"), None,
    np.ones((64, 256), "f"), np.ones((64, 256), "f"), np.ones(256, "f")))
assert np.float32(1e-39) / np.float32(2) > 0
"""
    assert python(code).returncode == 0


def test_the_instruction_set_can_be_forced():
    code = "from elman import engine; print(engine.instruction_set(), engine.num_threads())"
    names = ["baseline"] if os.uname().machine == "x86_64" else ["neon"]
    for name in names:
        assert python(code, ELMAN_ISA=name, ELMAN_NUM_THREADS="3").stdout.split() == [name, "3"]
    assert "ELMAN_ISA must be one of" in python(code, ELMAN_ISA="vax").stderr


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize(("cell", "gates"), [("simple_rnn", 1), ("lstm", 4), ("gru", 3)])
def test_memory_of_a_training_step(cell, gates):
    code = """
import numpy as np
from elman import engine
from elman.engine import _native, numpy as adapter

def step(B, T, H):
    zeros = lambda *shape: np.zeros(shape, "float32")
    specs = [engine.Spec(CELL, return_sequences=True)]
    bias = zeros(2, 3 * H) if CELL == "gru" else zeros(G * H)
    weights = zeros(H, G * H), zeros(H, G * H), bias
    given = adapter.arrays(specs, [engine.Inputs(zeros(B, T, H) + 1, None, *weights)])
    before, options = peak(), _native.options(specs)
    results = adapter.forward(options, given, training=True)
    adapter.backward(options, given, _native.kept(results), [results[0], None, None, None])
    return peak() - before

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024

step(2, 2, 16)
B, T, H = 32, 400, 128
print(step(B, T, H) / (4 * B * T * H))
"""
    code = code.replace("CELL", repr(cell)).replace("G *", f"{gates} *")
    values = float(python(code, ELMAN_NUM_THREADS="1").stdout)
    # (2 G + 4) values for each unit and step, and 8 MiB whatever the sizes.
    assert gates + 1 < values < 2 * gates + 4 + 8 * 2**20 / (4 * 32 * 400 * 128)
