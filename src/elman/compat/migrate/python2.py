"""The print statements of Python 2, which no parser of today reads."""

import ast
import re

_PRINT = re.compile(r"^(\s*)print\b[ \t]*(.*?)[ \t]*$")
_TO_FILE = re.compile(r"^>>\s*([\w.]+)\s*(?:,\s*|$)")
# A quotient of two names or numbers; in Python 2 whole numbers gave a whole one.
_DIVISION = re.compile(r"[\w)\]]\s*/\s*[\w(]")


def with_print_functions(source: str) -> tuple[str, list[tuple[int, str]]]:
    """The program with ``print(...)`` for each print statement on a line of its own.

    Returns:
        The program, and notes with their lines. Where it is not Python 3 for another reason, what
        cannot be read is still in it.

    >>> with_print_functions('print "loss:", 3  # so far\\n')
    ('print("loss:", 3)  # so far\\n', [(1, 'print statement -> print function')])
    """
    lines = source.splitlines(keepends=True)
    notes = []
    while (at := _print_statement("".join(lines))) and _replace(lines, at):
        notes.append((at, "print statement -> print function"))
    if notes:
        for at in _expressions("".join(lines)):
            if _replace(lines, at):
                notes.append((at, "print statement -> print function"))
        notes += _divisions(lines)
    return "".join(lines), notes


def _print_statement(source: str) -> int | None:
    """The line at which Python 3 stumbles over a print statement."""
    try:
        compile(source, "program", "exec", dont_inherit=True)
    except SyntaxError as error:
        if "Missing parentheses in call to 'print'" in str(error.msg):
            return error.lineno
    return None


def _expressions(source: str) -> list[int]:
    """The lines of ``print`` and ``print >>file, x``, which Python 3 reads and does not obey."""
    try:
        statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr)]
    except SyntaxError:
        return []
    found = []
    for statement in statements:
        value: ast.expr = statement.value
        value = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
        value = value.left if isinstance(value, ast.BinOp) else value
        if isinstance(value, ast.Name) and value.id == "print":
            found.append(statement.lineno)
    return found


def _replace(lines: list[str], at: int) -> bool:
    """Put the print statement of a line into a function's words; False if it is not plain."""
    text = lines[at - 1].rstrip("\r\n")
    new = _as_function(text)
    if new is None:
        return False
    lines[at - 1] = new + lines[at - 1][len(text) :]
    return True


def _as_function(line: str) -> str | None:
    match = _PRINT.match(line)
    if match is None:
        return None
    indent, rest = match.groups()
    # The first # behind which nothing belongs to the values begins the comment.
    ends = [i for i, letter in enumerate(rest) if letter == "#"]
    for end in (*ends, len(rest)):
        values, comment = rest[:end].rstrip(), rest[end:]
        call = f"print({_arguments(values)})"
        try:
            ast.parse(call)
        except SyntaxError:
            continue
        return f"{indent}{call}{'  ' if comment else ''}{comment}"
    return None


def _arguments(values: str) -> str:
    to_file = _TO_FILE.match(values)
    parts = [values[to_file.end() :] if to_file else values]
    if parts[0].endswith(","):
        parts = [parts[0][:-1], "end=' '"]
    if to_file:
        parts.append(f"file={to_file[1]}")
    return ", ".join(part for part in parts if part)


def _divisions(lines: list[str]) -> list[tuple[int, str]]:
    if any("import" in line and "division" in line for line in lines):
        return []
    sentence = "in Python 2 whole numbers divided by / gave a whole number; write // if it must be"
    return [
        (number, sentence)
        for number, line in enumerate(lines, 1)
        if _DIVISION.search(line.partition("#")[0])
    ]
