"""Arrays of one number, which were numbers to ``float(a)`` and ``"%f" % a`` until NumPy 2.4."""

import re
from collections.abc import Collection

import libcst as cst
from libcst import matchers as m

from elman.compat.migrate.arguments import literal

_CONVERT = m.Call(m.Name(value=m.MatchIfTrue({"float", "int"}.__contains__)), [m.Arg(keyword=None)])
_PREDICTS = {"predict", "predict_on_batch", "predict_proba"}
# A format of numbers alone: an array is text to %s.
_NUMBERS = re.compile(r"(?:[^%]|%%|%[-+ #0]*(\d+|\*)?(\.\d+)?[dfeEgGi])*")


def is_prediction(node: cst.BaseExpression, models: Collection[str]) -> bool:
    """Whether it is ``model.predict(...)`` of one of the ``models``."""
    return m.matches(
        node, m.Call(m.Attribute(m.Name(), m.Name(value=m.MatchIfTrue(_PREDICTS.__contains__))))
    ) and (node.func.value.value in models)  # type: ignore[attr-defined]


def converted(
    call: cst.Call, models: Collection[str], predictions: Collection[str]
) -> cst.Call | None:
    """``float(model.predict(x))`` with ``.item()``; None for any other call.

    Arguments:
        models: the names that are models.
        predictions: the names that are what a model predicted.
    """
    if not m.matches(call, _CONVERT):
        return None
    [arg] = call.args
    one = _one(arg.value, models, predictions)
    return None if one is arg.value else call.with_changes(args=[arg.with_changes(value=one)])


def formatted(
    node: cst.BinaryOperation, models: Collection[str], predictions: Collection[str]
) -> cst.BinaryOperation:
    """``"%f" % model.predict(x)`` with ``.item()``."""
    text = literal(node.left)
    if not (isinstance(node.operator, cst.Modulo) and isinstance(text, str)):
        return node
    if not _NUMBERS.fullmatch(text):
        return node
    right = node.right
    if isinstance(right, cst.Tuple):
        ones = [_one(e.value, models, predictions) for e in right.elements]
        pairs = zip(right.elements, ones, strict=True)
        elements = [element.with_changes(value=one) for element, one in pairs]
        return node.with_changes(right=right.with_changes(elements=elements))
    return node.with_changes(right=_one(right, models, predictions))


def _one(node: cst.BaseExpression, models, predictions) -> cst.BaseExpression:
    """The number in the array; anything but a prediction, or a row of one, as it is."""
    inner = node.value if isinstance(node, cst.Subscript) else node
    is_name = isinstance(inner, cst.Name) and inner.value in predictions
    if not is_name and not is_prediction(inner, models):
        return node
    return cst.Call(cst.Attribute(node, cst.Name("item")))
