"""Statements of TensorFlow 1 that set up sessions, for which there is nothing left to do."""

from collections.abc import Iterable, Iterator

import libcst as cst
from libcst import matchers as m
from libcst import metadata

from elman.compat.migrate import names
from elman.compat.migrate.references import References, Use

_MAKERS = ("ConfigProto", "GPUOptions", "Session", "InteractiveSession")
_IDLE = (
    "enable_eager_execution",
    "enable_v2_behavior",
    "logging.set_verbosity",
    "reset_default_graph",
)


def boilerplate(found: References) -> set[cst.SimpleStatementLine]:
    """The lines that can go: sessions made, configured, set and closed, and never run."""
    made = {
        line: name
        for use in _uses(found)
        if _place(use) in _MAKERS and (line := _line(use.node, found)) is not None
        for name in [_assigned(line)]
        if name
    }
    idle = {
        line
        for use in _uses(found)
        if (_place(use) in _IDLE or _sets_session(use))
        and (line := _line(use.node, found)) is not None
        and m.matches(line.body[0], m.Expr(value=m.Call()))
        and use.call is line.body[0].value  # type: ignore[attr-defined]
    }
    touching = {name: set(_touching(name, found)) for name in made.values()}
    # A session that anything else uses stays, and so does what that one was made of.
    going = dict(made)
    while True:
        gone = set(going) | idle | _configuring(going.values(), touching)
        staying = [line for line, name in going.items() if not touching[name] <= gone]
        if not staying:
            needed = {line for line in idle if _is_needed(line, made, going)}
            return gone - needed
        for line in staying:
            del going[line]


def _uses(found: References) -> Iterator[Use]:
    for binding in found.bindings:
        yield from binding.uses


def _place(use: Use) -> str:
    if not use.full.startswith("tensorflow."):
        return ""
    return use.full.removeprefix("tensorflow.").removeprefix("compat.v1.")


def _sets_session(use: Use) -> bool:
    name = names.old(use.full)
    return name is not None and name[0].today == "backend" and name[0].name == "set_session"


def _line(node: cst.CSTNode, found: References) -> cst.SimpleStatementLine | None:
    """The line of one statement that ``node`` is in."""
    while not isinstance(node, cst.SimpleStatementLine):
        node = found.parents.get(node)  # type: ignore[assignment]
        if node is None or isinstance(node, cst.Module | cst.BaseCompoundStatement):
            return None
    return node if len(node.body) == 1 else None


def _assigned(line: cst.SimpleStatementLine) -> str:
    """The name that the line binds, if that is all it does."""
    if m.matches(line.body[0], m.Assign(targets=[m.AssignTarget(m.Name())], value=m.Call())):
        return line.body[0].targets[0].target.value  # type: ignore[attr-defined]
    return ""


def _touching(name: str, found: References) -> Iterator[cst.CSTNode]:
    """The lines that read ``name``; a node that is no line where it is read elsewhere."""
    for scope in found.scopes:
        for assignment in scope.assignments:
            if assignment.name != name or not isinstance(assignment, metadata.Assignment):
                continue
            for access in assignment.references:
                yield _line(access.node, found) or access.node


def _configuring(made: Iterable[str], touching) -> set[cst.SimpleStatementLine]:
    """Lines such as ``config.gpu_options.allow_growth = True`` and ``sess.close()``."""
    lines = set()
    for name in made:
        for line in touching[name]:
            if not isinstance(line, cst.SimpleStatementLine):
                continue
            target = m.OneOf(
                m.Assign(targets=[m.AssignTarget(m.Attribute())]),
                m.Expr(m.Call(m.Attribute(m.Name(name), m.Name("close")), args=[])),
            )
            if m.matches(line.body[0], target) and _begins(line.body[0], name):
                lines.add(line)
    return lines


def _begins(statement: cst.BaseSmallStatement, name: str) -> bool:
    if isinstance(statement, cst.Expr):
        return True
    node = statement.targets[0].target  # type: ignore[attr-defined]
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name) and node.value == name


def _is_needed(line: cst.SimpleStatementLine, made, going) -> bool:
    """Whether an idle line hands on a session that stays."""
    staying = {name for at, name in made.items() if at not in going}
    return any(
        isinstance(arg.value, cst.Name) and arg.value.value in staying
        for arg in line.body[0].value.args  # type: ignore[attr-defined]
    )
