"""Compiling the program's code, so that some expressions go on meaning what they meant.

To Keras's users a tensor is a value: ``a *= b`` gives ``a`` another one. PyTorch changes the
tensor itself, and then cannot work out gradients that need what it was. So on that backend the
program's augmented assignments to names are calls of `augmented`, which leaves tensors alone.

Until NumPy 2.4 an array of one number was a number to ``float(a)``, ``int(a)`` and ``"%f" % a``,
and programs wrote ``float(model.predict(x))``. In the program these are calls of `number` and
`percent`, which take such arrays. And ``t.numpy()`` of a tensor without axes is a number in
TensorFlow, elsewhere an array without axes, of which no list can be made a tensor; `plain` makes
it one.
"""

import ast
import builtins
import operator
from types import CodeType
from typing import Any

import keras
import numpy as np

_IN_PLACE = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}
_NUMBERS = ("float", "int")


def compiled(source: bytes | str | ast.Module | ast.Expression, name: str, mode: str) -> CodeType:
    """The code of a part of the program, called ``name`` in tracebacks.

    Raises:
        SyntaxError: it is no Python.
    """
    tree: Any = source
    if isinstance(source, bytes | str):
        tree = compile(source, name, mode, flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    tree = _Numbers().visit(tree)
    if keras.backend.backend() == "torch":
        tree = _Augmented().visit(tree)
    return compile(ast.fix_missing_locations(tree), name, mode, dont_inherit=True)


class _Numbers(ast.NodeTransformer):
    """``float(a)`` as ``__number__(float, a)``, and ``"%f" % a`` and ``a.numpy()`` likewise."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        f, given = node.func, len(node.args)
        if isinstance(f, ast.Name) and f.id in _NUMBERS and given == 1 and not node.keywords:
            return _call("__number__", [f, node.args[0]], node)
        if isinstance(f, ast.Attribute) and f.attr == "numpy" and not given + len(node.keywords):
            return _call("__plain__", [node], node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        if not text or not isinstance(node.op, ast.Mod):
            return node
        return _call("__percent__", [node.left, node.right], node)


class _Augmented(ast.NodeTransformer):
    """``a *= b`` as ``a = __augmented__("mul", a, b)``."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        word = _IN_PLACE.get(type(node.op))
        if word is None or not isinstance(node.target, ast.Name):
            return node
        old = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        words = ast.copy_location(ast.Constant(word), node)
        call = _call("__augmented__", [words, old, node.value], node)
        return ast.copy_location(ast.Assign([node.target], call), node)


def _call(name: str, args: list[ast.expr], at: ast.AST) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, args, []), at)


def augmented(word: str, old: Any, value: Any) -> Any:
    """The new value of ``old``, in place unless it is a tensor of the backend."""
    return getattr(operator, word if keras.ops.is_tensor(old) else f"i{word}")(old, value)


def number(convert: Any, value: Any) -> Any:
    """``float(value)`` or ``int(value)``, also of an array of one number."""
    return convert(_one(value) if convert in (builtins.float, builtins.int) else value)


def percent(text: str, values: Any) -> str:
    """``text % values``, also where a number is asked for and an array of one is there."""
    try:
        return text % values
    except TypeError:
        given = values if isinstance(values, tuple) else (values,)
        if not any(isinstance(value, np.ndarray) for value in given):
            raise
        return text % tuple(map(_one, given))


def plain(value: Any) -> Any:
    """What ``tensor.numpy()`` gave; a number where the tensor has no axes."""
    return value[()] if isinstance(value, np.ndarray) else value


def _one(value: Any) -> Any:
    """The number in an array of one."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


# The names under which a program finds what its expressions became.
EXPRESSIONS = {
    "__augmented__": augmented,
    "__number__": number,
    "__percent__": percent,
    "__plain__": plain,
}
