"""The kernels on torch tensors: results and gradients, also under `torch.compile`."""

import keras
import pytest
from engine_case import Case, cases, same_bits, side_by_side

from elman import engine

torch = pytest.importorskip("torch")


def tensor(array, requires_grad=False):
    return None if array is None else torch.tensor(array, requires_grad=requires_grad)


def results_and_gradients(*cases, wrap=lambda compute: compute):
    """(outputs, last, states) and the gradients of the arguments, of each case, side by side."""
    compute = wrap(engine.find(*(case.spec for case in cases)))
    given = []
    for case in cases:
        arguments = keras.tree.map_structure(lambda a: tensor(a, True), case.arguments)
        options = {name: tensor(value) for name, value in case.options.items()}
        given.append(engine.Inputs(*arguments, **options))
    found = compute(*given)
    total = 0
    for case, (outputs, last, states) in zip(cases, found, strict=True):
        total += (last * tensor(case.d_last)).sum()
        total += sum((s * tensor(d)).sum() for s, d in zip(states, case.d_states, strict=True))
        if outputs is not None:
            total += (outputs * tensor(case.d_outputs)).sum()
    total.backward()
    of = keras.tree.map_structure
    return [
        (
            of(lambda a: None if a is None else a.detach(), results),
            of(lambda a: None if a is None else a.grad, inputs[:5]),
        )
        for results, inputs in zip(found, given, strict=True)
    ]


def check(case, **options):
    [(results, found)] = results_and_gradients(case, **options)
    case.check_results(*results)
    case.check_gradients(*found)


def test_results_and_gradients_equal_the_reference(cell, size):
    for case in list(cases("torch", cell, size))[::5]:
        check(case)
        with torch.no_grad():
            [results] = engine.find(case.spec)(
                engine.Inputs(*keras.tree.map_structure(tensor, tuple(case.inputs)))
            )
        case.check_results(*results)


def whole(compute):
    return torch.compile(compute.__call__, fullgraph=True, backend="aot_eager")


def test_the_compiler_takes_it_whole(cell):
    for case in list(cases("torch", cell, (13, 5, 7, 17)))[::19]:
        torch.compiler.reset()
        check(case, wrap=whole)


@pytest.mark.parametrize("wrap", [lambda compute: compute, whole], ids=["eager", "compiled"])
@pytest.mark.parametrize("together", side_by_side("torch"), ids=["mixed", "directions"])
def test_side_by_side_is_the_same_as_one_by_one(together, wrap):
    alone = [results_and_gradients(case)[0] for case in together]
    assert same_bits(results_and_gradients(*together, wrap=wrap), alone)


def test_the_operators_keep_their_promises():
    case = Case(engine.Spec("lstm", backend="torch", dtype="float64"), (3, 4, 2, 3))
    compute = engine.find(case.spec)
    arguments = [tensor(a, True) for a in (case.x, case.kernel, case.recurrent_kernel, case.bias)]

    def last(x, kernel, recurrent_kernel, bias):
        return compute(engine.Inputs(x, None, kernel, recurrent_kernel, bias))[0][1]

    assert torch.autograd.gradcheck(last, arguments)


def test_a_step_after_a_weight_changed_in_place():
    case = Case(engine.Spec("gru", backend="torch"), (2, 3, 4, 5))
    compute = engine.find(case.spec)
    weights = [tensor(a, True) for a in (case.kernel, case.recurrent_kernel, case.bias)]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        [(_, last, _)] = compute(engine.Inputs(tensor(case.x), None, *weights))
        loss = (last**2).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")  # by torch itself
def test_a_derivative_beyond_the_first_is_refused():
    case = Case(engine.Spec("lstm", backend="torch"), (2, 3, 4, 5))
    compute, weights = engine.find(case.spec), [tensor(a) for a in case.arguments[2:]]

    def last(x):
        return compute(engine.Inputs(x, None, *weights))[0][1]

    x = tensor(case.x, requires_grad=True)
    [gradient] = torch.autograd.grad((last(x) ** 2).sum(), x, create_graph=True)
    refused = pytest.raises(NotImplementedError, match='engine="keras" to differentiate a gradient')
    with refused:
        torch.autograd.grad((gradient**2).sum(), x)
    with refused, torch.autograd.forward_ad.dual_level():
        last(torch.autograd.forward_ad.make_dual(x.detach(), torch.ones_like(x)))


TRANSFORMS = {
    "grad": lambda f, x: torch.func.grad(lambda x: f(x).sum())(x),
    "jacrev": lambda f, x: torch.func.jacrev(f)(x),
    "jacfwd": lambda f, x: torch.func.jacfwd(f)(x),
    "vjp": lambda f, x: torch.func.vjp(f, x),
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (x,)),
    "hessian": lambda f, x: torch.func.hessian(lambda x: f(x).sum())(x),
    "vmap": lambda f, x: torch.func.vmap(f)(x[None]),
    "batched gradients": lambda f, x: torch.autograd.functional.jacobian(f, x, vectorize=True),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")  # by torch itself
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_name_the_way_out(transform):
    case = Case(engine.Spec("lstm", backend="torch"), (2, 3, 4, 5))
    compute, weights = engine.find(case.spec), [tensor(a) for a in case.arguments[2:]]
    with pytest.raises(NotImplementedError, match='give the layer engine="keras"'):
        transform(lambda x: compute(engine.Inputs(x, None, *weights))[0][1], tensor(case.x))


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="torch"))
    with pytest.raises(ValueError, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        compute(engine.Inputs(torch.zeros(2, 3, 4), None, torch.zeros(4, 19), torch.zeros(5, 20)))


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="a layer of Keras on torch")
@pytest.mark.parametrize("name", ["LSTM", "Bidirectional"])
def test_the_compiler_takes_a_layer_whole(name):
    from elman import layers

    torch.compiler.reset()
    layer = layers.LSTM(5, return_sequences=True, engine="native")
    layer = layers.Bidirectional(layer) if name == "Bidirectional" else layer
    x = torch.rand(3, 4, 2, requires_grad=True)
    wanted = torch.autograd.grad(layer(x).sum(), x)
    compiled = torch.compile(lambda x: layer(x), fullgraph=True, backend="aot_eager")
    assert same_bits(torch.autograd.grad(compiled(x).sum(), x), wanted)
