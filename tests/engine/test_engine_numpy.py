"""The kernels on NumPy arrays equal the reference, forward and backward, with every option."""

import multiprocessing
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from engine_case import CELLS, Case, cases, label

from elman import engine
from elman.engine import numpy as adapter


def gradients(case):
    """Results and gradients by the adapter's own forward and backward."""
    given = adapter.inputs(case.spec, *case.arguments, *case.options.values())
    outputs, last, h, c, saved = adapter.forward(case.spec, given, training=True)
    count = len(case.d_states)
    d_states = [*case.d_states, None][:2]
    dx, dh, dc, *weights = adapter.backward(
        case.spec, given, outputs, saved, [case.d_outputs, case.d_last, *d_states]
    )
    return (outputs, last, [h, c][:count]), (dx, [dh, dc][:count], *weights)


def test_results_and_gradients_equal_the_reference(cell, size):
    for case in cases("numpy", cell, size):
        case.check_results(*engine.find(case.spec)(*case.arguments, **case.options))
        results, found = gradients(case)
        if not case.spec.return_sequences:
            results = (None, *results[1:])
        case.check_results(*results)
        case.check_gradients(*found)


@pytest.mark.parametrize("cell", CELLS, ids=label)
@pytest.mark.parametrize("size", [(40, 7, 64, 48), (5, 20, 30, 100)], ids=label)
def test_the_number_of_threads_changes_no_bit(cell, size):
    for case in cases("numpy", cell, size):
        runs = []
        for threads in (1, 2, 3):
            engine.set_num_threads(threads)
            (outputs, last, states), (dx, d_states, *weights) = gradients(case)
            runs.append([outputs, last, *states, dx, *d_states, *weights])
        for run in runs[1:]:
            for one, many in zip(runs[0], run, strict=True):
                assert one.tobytes() == many.tobytes()


def test_a_batch_is_its_rows_one_by_one(cell):
    case = Case(engine.Spec(cell[0], reset_after=cell[1]), (13, 6, 5, 20), mask=True)
    compute = engine.find(case.spec)
    _, together, _ = compute(*case.arguments, **case.options)
    for row in range(13):
        one = slice(row, row + 1)
        states = [s[one] for s in case.states]
        _, last, _ = compute(
            case.x[one], states, case.kernel, case.recurrent_kernel, case.bias, mask=case.mask[one]
        )
        case.close(last, together[one].astype("float64"), "row")


def test_a_long_sequence():
    case = Case(engine.Spec("gru", return_sequences=True), (1, 20_000, 2, 3))
    (outputs, last, states), found = gradients(case)
    case.check_results(outputs, last, states)
    # 20,000 terms are summed: the error of float32 grows with their number.
    np.testing.assert_allclose(found[2], case.gradients.kernel, rtol=1e-3, atol=0.05)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("x", np.zeros((2, 3), "float32"), r"x must have shape \(B, T, I\)"),
        (
            "kernel",
            np.zeros((6, 20), "float32"),
            r"kernel must have shape \(5, 20\), got \(6, 20\)",
        ),
        ("h", np.zeros((4, 5), "float32"), r"initial state h must have shape \(2, 5\)"),
        ("bias", np.zeros(5, "float32"), r"bias must have shape \(20,\), got \(5,\)"),
        ("mask", np.zeros((2, 4), bool), r"mask must have shape \(2, 3\), got \(2, 4\)"),
        ("mask", np.zeros((2, 3), "float32"), "mask must be bool, got float32"),
        ("c", np.zeros((2, 5), "float64"), "initial state c must be float32, got float64"),
        ("x", np.zeros((2, 3, 5), "float16"), "x must be float32, got float16"),
        ("x", np.zeros((2, 3, 10), "float32")[..., ::2], "x must be contiguous"),
    ],
)
def test_wrong_arrays_raise(name, value, sentence):
    spec = engine.Spec("lstm")
    case = Case(spec, (2, 3, 5, 5))
    given = adapter.inputs(spec, *case.arguments, *case.options.values())
    with pytest.raises(ValueError, match=sentence):
        adapter.forward(spec, given._replace(**{name: value}), training=False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"activation": "softplus"}, "activation must be one of linear, tanh, .*, got softplus"),
        ({"recurrent_activation": "elu"}, "recurrent_activation must be one of"),
        ({"dtype": "float16"}, "compute in float32 and float64, not in float16"),
        ({"device": "gpu"}, "run on the CPU, and this layer runs on a GPU"),
        ({"backend": "mxnet"}, "no native kernels for the backend 'mxnet'"),
        ({"cell": "conv_lstm"}, "not for conv_lstm"),
    ],
)
def test_find_says_why_not(changes, sentence):
    found = engine.find(engine.Spec(**{"cell": "lstm", **changes}))
    assert isinstance(found, engine.Refusal)
    assert re.search(sentence, found.reason)


def test_wrong_numbers_of_threads_raise():
    with pytest.raises(ValueError, match="threads must be 1 to 4096, got 0"):
        engine.set_num_threads(0)


def large_case():
    return Case(engine.Spec("lstm"), (40, 20, 32, 32))


def digest(case):
    return b"".join(a.tobytes() for a in gradients(case)[1][2:])


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
engine.find(engine.Spec("lstm"))(np.ones((40, 9, 64), "f"), None, np.ones((64, 256), "f"),
    np.ones((64, 256), "f"), np.ones(256, "f"))
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
def test_memory_of_a_training_step():
    code = """
import numpy as np
from elman import engine
from elman.engine import numpy as adapter

def step(B, T, H):
    zeros = lambda *shape: np.zeros(shape, "float32")
    spec = engine.Spec("lstm", return_sequences=True)
    weights = zeros(H, 4 * H), zeros(H, 4 * H), zeros(4 * H)
    given = adapter.inputs(spec, zeros(B, T, H) + 1, None, *weights)
    before = peak()
    outputs, *_, saved = adapter.forward(spec, given, training=True)
    adapter.backward(spec, given, outputs, saved, [outputs, None, None, None])
    return peak() - before

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024

step(2, 2, 16)
B, T, H = 32, 400, 128
print(step(B, T, H) / (4 * B * T * H))
"""
    values = float(python(code, ELMAN_NUM_THREADS="1").stdout)
    # (2 G + 4) values for each unit and step, and 8 MiB whatever the sizes.
    assert 5 < values < 12 + 8 * 2**20 / (4 * 32 * 400 * 128)
