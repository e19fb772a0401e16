"""Layers on a GPU: results and gradients. What computes there computes on the CPU too."""

import re
from dataclasses import replace

import keras
import pytest
from engine_case import SIZES, Case, label

from elman import engine

SOME = [SIZES[1], SIZES[2], *SIZES[4:]]  # the last two have no steps, or no rows
CELLS = [("simple_rnn", "tanh"), ("simple_rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")]
each = keras.tree.map_structure
of_torch, of_jax = (
    pytest.mark.skipif(keras.backend.backend() != name, reason=f"of {name}")
    for name in ("torch", "jax")
)


def cases(backend, cell, size, dtype="float32"):
    """Every option at least once with every other."""
    name, activation = cell
    for bits in range(8):
        masked, backwards, sequences = (bool(bits >> i & 1) for i in range(3))
        spec = engine.Spec(
            name,
            activation,
            use_bias=bits != 5,
            go_backwards=backwards,
            return_sequences=sequences,
            zero_output_for_mask=bits in (1, 4, 7),
            dtype=dtype,
            device="gpu",
            backend=backend,
        )
        dropout = "all gates" if bits in (2, 5, 7) else None
        case = Case(spec, size, mask=masked, dropout=dropout, states=bits not in (1, 6), seed=bits)
        case.recurrent_dropout = None
        yield solved(case)


def two_directions(backend, cell, size, dtype="float32"):
    """Pairs of cases over one input, as a layer in both directions has them."""
    for case in cases(backend, cell, size, dtype):
        if case.spec.go_backwards:
            forward = Case(replace(case.spec, go_backwards=False), size, seed=9)
            forward.recurrent_dropout = None
            for name in ("x", "mask", "input_dropout"):
                setattr(forward, name, getattr(case, name))
            yield sum_where_shared((solved(forward), case))


def solved(case):
    case.solve()
    return case


def check(results, gradients, cases):
    for case, result, found in zip(cases, results, gradients, strict=True):
        case.check_results(*result)
        case.check_gradients(*found)


def sum_where_shared(cases):
    """The gradient of an input that two cases share is the sum of theirs."""
    if len(cases) > 1:
        total = sum(case.gradients.x for case in cases)
        for case in cases:
            case.gradients = case.gradients._replace(x=total)
    return cases


def loss(cases, found, array):
    """A number whose gradients, of the results, are those of the cases."""
    total = 0
    for case, (outputs, last, states) in zip(cases, found, strict=True):
        pairs = [(last, case.d_last), *zip(states, case.d_states, strict=True)]
        if outputs is not None:
            pairs.append((outputs, case.d_outputs))
        total += sum((result * array(d)).sum() for result, d in pairs)
    return total


def by_torch(*cases):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    made = {}

    def tensor(array):  # one tensor for an array that two cases share
        if array is None:
            return None
        new = torch.tensor(array, device=device, requires_grad=array.dtype != bool)
        return made.setdefault(id(array), new)

    def numpy(tensor):
        return None if tensor is None else tensor.detach().cpu().numpy()

    def gradient(tensor):  # None is that of what an empty result does not depend on
        if tensor is None:
            return None
        return numpy(torch.zeros_like(tensor) if tensor.grad is None else tensor.grad)

    inputs = [engine.Inputs(*each(tensor, tuple(case.inputs))) for case in cases]
    with torch.backends.cudnn.flags(allow_tf32=False):
        found = engine.find(*(case.spec for case in cases))(*inputs)
        loss(cases, found, tensor).backward()
    return each(numpy, found), each(gradient, [tuple(own[:5]) for own in inputs])


@of_torch
@pytest.mark.parametrize("size", SOME, ids=label)
@pytest.mark.parametrize("cell", CELLS, ids=label)
def test_torch_equals_the_reference(cell, size):
    dtype = "float64" if size == SIZES[1] else "float32"
    for case in cases("torch", cell, size, dtype):
        check(*by_torch(case), [case])
    for pair in two_directions("torch", cell, size, dtype):
        check(*by_torch(*pair), pair)


def by_jax(case):
    import jax

    compute = engine.find(case.spec)

    def of(arguments):
        found = compute(engine.Inputs(*arguments, **case.options))
        return loss([case], found, lambda d: d), found

    with jax.default_matmul_precision("highest"):
        gradients, results = jax.jit(jax.grad(of, has_aux=True))(case.arguments)
    return results, [gradients]


@of_jax
@pytest.mark.parametrize("size", SOME[1:], ids=label)
@pytest.mark.parametrize("cell", [*CELLS[1:], ("gru", "hard_sigmoid")], ids=label)
def test_jax_equals_the_reference(cell, size):
    for case in cases("jax", cell, size):
        check(*by_jax(case), [case])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"backend": "tensorflow"}, "tensorflow has native kernels on the CPU, not on a GPU"),
        ({"device": "tpu"}, "torch has native kernels on the CPU, not on a TPU"),
        (
            {"activation": "relu"},
            "cuDNN computes lstm with tanh and sigmoid, not with relu and sig",
        ),
        ({"recurrent_activation": "hard_sigmoid"}, "not with tanh and hard_sigmoid"),
        ({"cell": "simple_rnn", "activation": "linear"}, "simple_rnn with tanh or relu, not with"),
        ({"cell": "gru", "reset_after": False}, "reset_after=False has native kernels on the CPU"),
        ({"gate_dropout": True, "backend": "jax"}, "dropout of h, or drawn for each gate, has"),
        ({"activation": "softplus", "backend": "jax"}, "activation must be one of linear, tanh"),
    ],
)
def test_find_says_why_not(changes, sentence):
    given = {"cell": "lstm", "device": "gpu", "backend": "torch", **changes}
    found = engine.find(engine.Spec(**given))
    assert isinstance(found, engine.Refusal)
    assert re.search(sentence, found.reason)


@of_torch
def test_an_input_of_another_shape():
    import torch

    compute = engine.find(engine.Spec("lstm", device="gpu", backend="torch"))
    arrays = [torch.zeros(size) for size in [(2, 3), (3, 8), (2, 8), (8,)]]
    with pytest.raises(ValueError, match=re.escape("x must have shape (B, T, I), got (2, 3)")):
        compute(engine.Inputs(arrays[0], None, *arrays[1:]))


@of_jax
def test_a_cell_that_jax_does_not_know():
    import jax.numpy as jnp

    from elman.engine import jax_accelerated

    spec = engine.Spec("peephole", device="gpu", backend="jax")
    arrays = [jnp.zeros(size) for size in [(2, 4, 3), (3, 6), (2, 6), (6,)]]
    with pytest.raises(ValueError, match="cell must be simple_rnn, lstm or gru, got peephole"):
        jax_accelerated.run([spec], [engine.Inputs(arrays[0], None, *arrays[1:])])


@of_jax
def test_forward_mode_of_jax_names_the_way_out():
    import jax

    case = solved(Case(engine.Spec("lstm", device="gpu", backend="jax"), (2, 3, 4, 5)))
    compute = engine.find(case.spec)

    def last(x):
        return compute(engine.Inputs(x, *case.arguments[1:]))[0][1]

    assert jax.jacrev(last)(case.x).shape == (2, 5, 2, 3, 4)
    with pytest.raises(NotImplementedError, match='give the layer engine="keras"'):
        jax.jacfwd(last)(case.x)
