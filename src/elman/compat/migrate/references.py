"""What a program imports, and where it uses it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst
from libcst import metadata
from libcst.helpers import get_full_name_for_node


@dataclass(eq=False)
class Use:
    """A place where an imported name is used: ``keras.layers.LSTM`` in ``keras.layers.LSTM(3)``.

    Attributes:
        node: the whole dotted name.
        full: what it stands for, e.g. "tensorflow.keras.layers.LSTM".
        call: the call that it is the function of, if it is one.
    """

    node: cst.Name | cst.Attribute
    full: str
    call: cst.Call | None
    line: int


@dataclass(eq=False)
class Binding:
    """One name bound by one import statement.

    Attributes:
        statement, alias: where it is imported; for ``from x import *`` the alias is None.
        bound: the name in the program, e.g. "K"; for ``import keras.layers`` it is "keras".
        full: what it stands for, e.g. "keras.backend".
        certain: whether nothing else is ever bound to the name.
    """

    statement: cst.Import | cst.ImportFrom
    alias: cst.ImportAlias | None
    bound: str
    full: str
    certain: bool
    line: int
    uses: list[Use] = field(default_factory=list)


@dataclass(eq=False)
class References:
    """The imports of a program, its other names, and where its nodes stand."""

    bindings: list[Binding]
    assigned: set[str]
    lines: dict[cst.CSTNode, int]
    parents: dict[cst.CSTNode, cst.CSTNode]
    scopes: set[metadata.Scope]


def read(wrapper: metadata.MetadataWrapper) -> References:
    """Find every import of the program and every use of what it binds."""
    parents = wrapper.resolve(metadata.ParentNodeProvider)
    positions = wrapper.resolve(metadata.PositionProvider)
    lines = {node: place.start.line for node, place in positions.items()}
    scopes = {s for s in wrapper.resolve(metadata.ScopeProvider).values() if s is not None}
    assigned = {
        assignment.name
        for scope in scopes
        for assignment in scope.assignments
        if isinstance(assignment, metadata.Assignment)
        and not isinstance(assignment, metadata.ImportAssignment)
    }
    found = References([], assigned, dict(lines), dict(parents), scopes)
    for statement in _imports(wrapper.module):
        found.bindings += _bindings(statement, found)
    return found


class _Imports(cst.CSTVisitor):
    def __init__(self):
        self.found: list[cst.Import | cst.ImportFrom] = []

    def visit_Import(self, node):
        self.found.append(node)

    def visit_ImportFrom(self, node):
        self.found.append(node)


def _imports(module: cst.Module) -> list[cst.Import | cst.ImportFrom]:
    visitor = _Imports()
    module.visit(visitor)
    return visitor.found


def _bindings(statement: cst.Import | cst.ImportFrom, found: References) -> Iterator[Binding]:
    line = found.lines[statement]
    base = ""
    if isinstance(statement, cst.ImportFrom):
        if statement.relative or statement.module is None:
            return
        base = get_full_name_for_node(statement.module) or ""
        if isinstance(statement.names, cst.ImportStar):
            yield Binding(statement, None, "*", base, False, line)
            return
    aliases = statement.names
    for alias in () if isinstance(aliases, cst.ImportStar) else aliases:
        name = alias.evaluated_name
        full = f"{base}.{name}" if base else name
        bound = alias.evaluated_alias or (name if base else name.partition(".")[0])
        if not base and not alias.evaluated_alias:
            full = bound  # `import keras.layers` binds keras.
        binding = Binding(statement, alias, bound, full, bound not in found.assigned, line)
        binding.uses = list(_uses(binding, found))
        yield binding


def _uses(binding: Binding, found: References) -> Iterator[Use]:
    seen = set()
    for scope in found.scopes:
        for assignment in scope.assignments:
            is_this = (
                isinstance(assignment, metadata.ImportAssignment)
                and assignment.node is binding.statement
                and assignment.name.partition(".")[0] == binding.bound
            )
            for access in assignment.references if is_this else ():
                node = _outermost(access.node, found.parents)
                if node not in seen:
                    seen.add(node)
                    yield _use(node, binding, found)


def _outermost(node: cst.CSTNode, parents: dict[cst.CSTNode, cst.CSTNode]) -> cst.CSTNode:
    """The whole dotted name that ``node`` is the beginning of."""
    parent = parents[node]
    while isinstance(parent, cst.Attribute) and parent.value is node:
        node, parent = parent, parents[parent]
    return node


def _use(node, binding: Binding, found: References) -> Use:
    parts = []
    inner = node
    while isinstance(inner, cst.Attribute):
        parts.append(inner.attr.value)
        inner = inner.value
    parent = found.parents[node]
    call = parent if isinstance(parent, cst.Call) and parent.func is node else None
    full = ".".join([binding.full, *reversed(parts)])
    return Use(node, full, call, found.lines[node])
