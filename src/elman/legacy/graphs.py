"""The graph of a functional model: its calls put in an order, its references checked."""

from collections.abc import Mapping

from elman.legacy.specs import Kind, LayerSpec, ModelSpec, Ref, mapped, refs


def connect(model: ModelSpec) -> None:
    """Check what the layers of a functional model are called on, and find the order of the calls.

    Raises:
        ValueError: a call, an input or an output of a layer or a call that there is not, or layers
            that feed each other in a circle.
    """
    known = {layer.name: layer for layer in model.layers}
    if len(known) < len(model.layers):
        raise ValueError(f"model '{model.name}' must give each layer a name of its own")
    _count_from_zero(model)
    model.order = _order(model.layers, known)
    for ref in refs([model.inputs, model.outputs]):
        _check(ref, known)


def _count_from_zero(model: ModelSpec) -> None:
    """Count the calls of inner models from 0: a built model's making was its call number 0."""
    calls = [call for layer in model.layers for call in layer.calls]
    used: dict[str, set[int]] = {}
    for ref in refs([*(part for c in calls for part in (c.args, c.kwargs)), *_ends(model)]):
        used.setdefault(ref.name, set()).add(ref.node)
    late = {
        layer.name
        for layer in model.layers
        if layer.kind is Kind.MODEL and min(used.get(layer.name, {0})) == 1
    }

    def lowered(ref: Ref) -> Ref:
        return ref._replace(node=ref.node - 1) if ref.name in late else ref

    for call in calls:
        call.args, call.kwargs = mapped(call.args, lowered), mapped(call.kwargs, lowered)
    model.inputs, model.outputs = mapped(model.inputs, lowered), mapped(model.outputs, lowered)


def _ends(model: ModelSpec) -> tuple:
    return model.inputs, model.outputs


def _check(ref: Ref, known: Mapping[str, LayerSpec]) -> None:
    if ref.name not in known:
        raise ValueError(f"the model uses layer '{ref.name!s:.80}', which it does not have")
    layer = known[ref.name]
    calls = 1 if layer.is_input else len(layer.calls)
    if not 0 <= ref.node < calls or ref.tensor < 0:
        raise ValueError(f"the model uses call {ref.node} of layer '{ref.name}', which has {calls}")


def _order(layers: list[LayerSpec], known: Mapping[str, LayerSpec]) -> list[tuple[str, int]]:
    """The calls, each after those whose outputs it takes."""
    waits: dict[tuple[str, int], set[tuple[str, int]]] = {}
    users: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for layer in layers:
        for i, call in enumerate(layer.calls):
            found = refs([call.args, call.kwargs])
            for ref in found:
                _check(ref, known)
            needs = {(r.name, r.node) for r in found if known[r.name].calls}
            waits[layer.name, i] = needs
            for need in needs:
                users.setdefault(need, []).append((layer.name, i))
    ready = [key for key, needs in waits.items() if not needs]
    order: list[tuple[str, int]] = []
    while ready:
        key = ready.pop()
        order.append(key)
        for user in users.get(key, ()):
            waits[user].discard(key)
            if not waits[user]:
                ready.append(user)
    if len(order) < len(waits):
        stuck = sorted({name for (name, _), needs in waits.items() if needs})
        raise ValueError(f"the layers of a model must not feed each other in a circle: {stuck[:5]}")
    return order
