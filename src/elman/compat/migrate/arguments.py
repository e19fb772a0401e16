"""Arguments of a call in a program's text: read, renamed, dropped, added."""

import ast
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import libcst as cst

NOT_LITERAL = object()


def code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def literal(node: cst.CSTNode) -> Any:
    """The value of a literal, `NOT_LITERAL` of anything else."""
    try:
        return ast.literal_eval(code(node).strip())
    except (ValueError, SyntaxError):
        return NOT_LITERAL


def keyword(arg: cst.Arg) -> str:
    """The name that an argument is given by, "" for one by position."""
    return arg.keyword.value if arg.keyword else ""


def keywords(call: cst.Call) -> list[str]:
    return [keyword(arg) for arg in call.args if arg.keyword]


def positional(call: cst.Call) -> list[cst.Arg]:
    return [arg for arg in call.args if not arg.keyword and not arg.star]


def has_stars(call: cst.Call) -> bool:
    """Whether some arguments are hidden in ``*args`` or ``**kwargs``."""
    return any(arg.star for arg in call.args)


def given(call: cst.Call, name: str) -> cst.BaseExpression | None:
    """The value given by ``name``."""
    return next((arg.value for arg in call.args if keyword(arg) == name), None)


def named(name: str, value: cst.BaseExpression | str) -> cst.Arg:
    value = cst.parse_expression(value) if isinstance(value, str) else value
    return cst.Arg(
        value,
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )


def renamed(arg: cst.Arg, name: str, value: Any = NOT_LITERAL) -> cst.Arg:
    """The argument under another name, and with another value if one is given."""
    arg = arg if keyword(arg) == name else arg.with_changes(keyword=cst.Name(name))
    if value is NOT_LITERAL:
        return arg
    text = repr(value)
    if isinstance(value, str) and code(arg.value).startswith('"') and '"' not in value:
        text = f'"{value}"'
    return arg.with_changes(value=cst.parse_expression(text))


def filled(call: cst.Call, defaults: Mapping[str, Any], said: Collection[str]) -> cst.Call:
    """The call with each of the ``defaults`` that it does not say."""
    more = [named(name, repr(value)) for name, value in defaults.items() if name not in said]
    return with_args(call, [*call.args, *more]) if more else call


def with_args(call: cst.Call, args: Sequence[cst.Arg]) -> cst.Call:
    """The call with other arguments, laid out as before."""
    if not args:
        return call.with_changes(args=[], whitespace_before_args=cst.SimpleWhitespace(""))
    between = _between(call)
    last = call.args[-1].comma if call.args else cst.MaybeSentinel.DEFAULT
    commas = [arg.comma if isinstance(arg.comma, cst.Comma) else between for arg in args[:-1]]
    after = call.args[-1].whitespace_after_arg if call.args else cst.SimpleWhitespace("")
    placed = [
        arg.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))
        for arg, comma in zip(args, [*commas, last], strict=True)
    ]
    placed[-1] = placed[-1].with_changes(whitespace_after_arg=after)
    return call.with_changes(args=placed)


def _between(call: cst.Call) -> cst.Comma:
    """What stands before an argument that is added: a new line where other arguments begin one."""
    for arg in call.args[:-1]:
        space = getattr(arg.comma, "whitespace_after", None)
        if isinstance(space, cst.ParenthesizedWhitespace):
            return cst.Comma(
                whitespace_after=space.with_changes(
                    first_line=cst.TrailingWhitespace(), empty_lines=[]
                )
            )
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
