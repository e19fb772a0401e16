"""``acc`` and ``val_acc``, which are ``accuracy`` and ``val_accuracy`` today."""

import libcst as cst
from libcst import matchers as m

from elman.compat.migrate.arguments import keyword, literal

TODAY = {"acc": "accuracy", "val_acc": "val_accuracy"}

_READ_FROM = m.OneOf(
    m.Attribute(attr=m.Name("history")),
    m.Name("history"),
    m.Name("hist"),
    m.Name("history_dict"),
    m.Name("logs"),
)


def subscript(node: cst.Subscript) -> cst.Subscript:
    """``history.history['acc']`` in today's words."""
    if m.matches(node, m.Subscript(_READ_FROM, [m.SubscriptElement(m.Index(m.SimpleString()))])):
        index = node.slice[0].slice
        return node.with_deep_changes(index, value=_today(index.value))  # type: ignore[union-attr]
    return node


def get(call: cst.Call) -> cst.Call:
    """``logs.get('val_acc')`` in today's words."""
    if m.matches(call, m.Call(m.Attribute(_READ_FROM, m.Name("get")))) and call.args:
        return _with_first(call)
    return call


def monitor(call: cst.Call) -> cst.Call:
    """A callback that watches the accuracy."""
    args = [
        arg.with_changes(value=_today(arg.value)) if keyword(arg) == "monitor" else arg
        for arg in call.args
    ]
    return call.with_changes(args=args)


def metrics(call: cst.Call) -> cst.Call:
    """``compile(metrics=['acc'])`` in today's words."""
    return call.with_changes(
        args=[
            arg.with_changes(value=_elements(arg.value)) if keyword(arg) == "metrics" else arg
            for arg in call.args
        ]
    )


def _elements(value: cst.BaseExpression) -> cst.BaseExpression:
    if not isinstance(value, cst.List):
        return _today(value)
    return value.with_changes(
        elements=[e.with_changes(value=_today(e.value)) for e in value.elements]
    )


def _with_first(call: cst.Call) -> cst.Call:
    first = call.args[0].with_changes(value=_today(call.args[0].value))
    return call.with_changes(args=[first, *call.args[1:]])


def _today(node: cst.BaseExpression) -> cst.BaseExpression:
    """The same string in today's words and the same quotes; anything else as it is."""
    if not isinstance(node, cst.SimpleString) or literal(node) not in TODAY:
        return node
    value = str(literal(node))
    return node.with_changes(value=node.value.replace(value, TODAY[value]))
