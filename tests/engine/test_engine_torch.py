"""The kernels on torch tensors: results and gradients, also under `torch.compile`."""

import pytest
from engine_case import Case, cases

from elman import engine

torch = pytest.importorskip("torch")


def tensor(array, requires_grad=False):
    return None if array is None else torch.tensor(array, requires_grad=requires_grad)


def check(case, compute):
    x, states, kernel, recurrent_kernel, bias = case.arguments
    x, kernel, recurrent_kernel, bias = (
        tensor(a, True) for a in (x, kernel, recurrent_kernel, bias)
    )
    states = None if states is None else [tensor(s, True) for s in states]
    options = {name: tensor(value) for name, value in case.options.items()}
    arguments = (x, states, kernel, recurrent_kernel, bias)
    outputs, last, found = compute(*arguments, **options)
    total = (last * tensor(case.d_last)).sum()
    total += sum((s * tensor(d)).sum() for s, d in zip(found, case.d_states, strict=True))
    if outputs is not None:
        total += (outputs * tensor(case.d_outputs)).sum()
    total.backward()
    case.check_gradients(
        x.grad,
        None if states is None else [s.grad for s in states],
        kernel.grad,
        recurrent_kernel.grad,
        None if bias is None else bias.grad,
    )
    with torch.no_grad():
        case.check_results(*compute(*arguments, **options))
    detached = None if outputs is None else outputs.detach()
    case.check_results(detached, last.detach(), [s.detach() for s in found])


def test_results_and_gradients_equal_the_reference(cell, size):
    for case in list(cases("torch", cell, size))[::5]:
        check(case, engine.find(case.spec))


def test_the_compiler_takes_it_whole(cell):
    for case in list(cases("torch", cell, (13, 5, 7, 17)))[::19]:
        torch.compiler.reset()
        compute = engine.find(case.spec)
        check(case, torch.compile(compute.__call__, fullgraph=True, backend="aot_eager"))


def test_the_operators_keep_their_promises():
    case = Case(engine.Spec("lstm", backend="torch", dtype="float64"), (3, 4, 2, 3))
    compute = engine.find(case.spec)
    arguments = [tensor(a, True) for a in (case.x, case.kernel, case.recurrent_kernel, case.bias)]

    def last(x, kernel, recurrent_kernel, bias):
        return compute(x, None, kernel, recurrent_kernel, bias)[1]

    assert torch.autograd.gradcheck(last, arguments)


def test_a_step_after_a_weight_changed_in_place():
    case = Case(engine.Spec("gru", backend="torch"), (2, 3, 4, 5))
    compute = engine.find(case.spec)
    weights = [tensor(a, True) for a in (case.kernel, case.recurrent_kernel, case.bias)]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = (compute(tensor(case.x), None, *weights)[1] ** 2).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


def test_a_wrong_array_raises():
    compute = engine.find(engine.Spec("lstm", backend="torch"))
    with pytest.raises(ValueError, match=r"kernel must have shape \(4, 20\), got \(4, 19\)"):
        compute(torch.zeros(2, 3, 4), None, torch.zeros(4, 19), torch.zeros(5, 20))
