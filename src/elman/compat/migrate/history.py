"""``acc`` and ``val_acc``, which are ``accuracy`` and ``val_accuracy`` today."""

import libcst as cst

from elman.compat.migrate.arguments import keyword, literal

TODAY = {"acc": "accuracy", "val_acc": "val_accuracy"}

_NAMES = ("history", "hist", "history_dict", "logs")


def subscript(node: cst.Subscript) -> cst.Subscript:
    """``history.history['acc']`` in today's words."""
    index = node.slice[0].slice
    if _is_history(node.value) and isinstance(index, cst.Index):
        return node.with_deep_changes(index, value=_today(index.value))
    return node


def get(call: cst.Call) -> cst.Call:
    """``logs.get('val_acc')`` in today's words."""
    func = call.func
    if not (isinstance(func, cst.Attribute) and func.attr.value == "get" and call.args):
        return call
    if not _is_history(func.value):
        return call
    first = call.args[0].with_changes(value=_today(call.args[0].value))
    return call.with_changes(args=[first, *call.args[1:]])


def _is_history(node: cst.BaseExpression) -> bool:
    """Whether ``node`` is what programs call the history or the logs."""
    if isinstance(node, cst.Attribute):
        return node.attr.value == "history"
    return isinstance(node, cst.Name) and node.value in _NAMES


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


def _today(node: cst.BaseExpression) -> cst.BaseExpression:
    """The same string in today's words and the same quotes; anything else as it is."""
    if not isinstance(node, cst.SimpleString) or literal(node) not in TODAY:
        return node
    value = str(literal(node))
    return node.with_changes(value=node.value.replace(value, TODAY[value]))
