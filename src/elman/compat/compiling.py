"""Compiling the program's code, so that ``a *= b`` means the same to a tensor on every backend.

To Keras's users a tensor is a value: ``a *= b`` gives ``a`` another one. PyTorch changes the
tensor itself, and then cannot work out gradients that need what it was. So on that backend the
program's augmented assignments to names are calls of `augmented`, which leaves tensors alone.
"""

import ast
import operator
from types import CodeType
from typing import Any

import keras

_IN_PLACE = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}


def compiled(source: bytes | str | ast.Module | ast.Expression, name: str, mode: str) -> CodeType:
    """The code of a part of the program, called ``name`` in tracebacks.

    Raises:
        SyntaxError: it is no Python.
    """
    tree: Any = source
    if isinstance(source, bytes | str):
        tree = compile(source, name, mode, flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    if keras.backend.backend() == "torch":
        tree = ast.fix_missing_locations(_Augmented().visit(tree))
    return compile(tree, name, mode, dont_inherit=True)


class _Augmented(ast.NodeTransformer):
    """``a *= b`` as ``a = __augmented__("mul", a, b)``."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        word = _IN_PLACE.get(type(node.op))
        if word is None or not isinstance(node.target, ast.Name):
            return node
        old = ast.Name(node.target.id, ast.Load())
        call = ast.Call(
            ast.Name("__augmented__", ast.Load()), [ast.Constant(word), old, node.value], []
        )
        assignment = ast.Assign([node.target], call)
        for made in ast.walk(assignment):
            if not hasattr(made, "lineno"):
                ast.copy_location(made, node)
        return assignment


def augmented(word: str, old: Any, value: Any) -> Any:
    """The new value of ``old``, in place unless it is a tensor of the backend."""
    return getattr(operator, word if keras.ops.is_tensor(old) else f"i{word}")(old, value)
