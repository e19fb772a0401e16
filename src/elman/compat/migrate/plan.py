"""What becomes of each import and of each use of what it binds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import libcst as cst

from elman.compat.migrate import names
from elman.compat.migrate.names import Old, Today
from elman.compat.migrate.references import Binding, References, Use

Worded = Callable[[Old | None, Use], bool]
Note = Callable[[int, str], None]


@dataclass(frozen=True)
class Line:
    """``import module``, or ``from module import name as bound``."""

    module: str
    name: str = ""
    bound: str = ""


@dataclass
class Plan:
    """The new program's imports, and the new words for names.

    Attributes:
        lines: what is imported for each alias of a statement; None where the alias stays.
        words: the new words for a use that has other ones.
        today: what a use is today, for those that write its calls.
    """

    lines: dict[cst.CSTNode, list[list[Line | None]]] = field(default_factory=dict)
    words: dict[cst.CSTNode, str] = field(default_factory=dict)
    today: dict[cst.CSTNode, tuple[Old | None, Today]] = field(default_factory=dict)


def make(found: References, gone: Callable[[Use], bool], worded: Worded, note: Note) -> Plan:
    """Plan the new imports.

    Arguments:
        found: the imports of the program.
        gone: whether a use is in a statement that will be removed.
        worded: whether a use can have today's own object: its call is in today's words, or will be.
        note: is told what stays as it is.
    """
    planner = _Planner(found, gone, worded, note)
    for binding in found.bindings:
        planner.bind(binding)
    return planner.plan


class _Planner:
    def __init__(self, found: References, gone, worded: Worded, note: Note):
        self.plan = Plan()
        self._found, self._gone, self._note = found, gone, note
        self._old_worded = _all_worded(found.bindings, gone, worded)
        self._worded = worded
        self._names = {b.bound: b.full for b in found.bindings}

    def bind(self, binding: Binding) -> None:
        uses = [use for use in binding.uses if not self._gone(use)]
        self.plan.lines.setdefault(binding.statement, []).append(self._lines(binding, uses))

    def _lines(self, binding: Binding, uses: list[Use]) -> list[Line | None]:
        root = binding.full.partition(".")[0]
        name = names.old(binding.full)
        if root == "keras_contrib":
            return [self._contributed(binding)]
        if name is None and root != "tensorflow":
            return [None]
        if name is not None and name[0].name:
            return self._one(binding, name[0], uses)
        if name is not None and binding.alias is None:
            return [Line(names.module(name[0].today), "*")]
        return self._module(binding, uses)

    def _one(self, binding: Binding, name: Old, uses: list[Use]) -> list[Line | None]:
        """The lines for one name out of a module of Keras."""
        today = self._today(name, binding.line)
        if today is None:
            return [None]
        lines: list[Line | None] = [Line(today.module, today.name, binding.bound)]
        for use in uses:
            self.plan.today[use.node] = name, today
        return lines

    def _module(self, binding: Binding, uses: list[Use]) -> list[Line | None]:
        """The lines for a module, and new words for the names that are taken from it."""
        name = names.old(binding.full)
        by_root = name is None or not name[0].place
        if binding.alias is None:  # from tensorflow import *
            return [None]
        if name is None and "." in binding.full:
            taken = names.in_tensorflow(binding.full)
            if taken is None or taken[1]:
                return [None]
            return [Line(taken[0].module, taken[0].name, binding.bound)]
        if not uses:
            if name is None or by_root:
                return []
            return [_as(names.module(name[0].today), binding.bound)]
        resolved = {use: self._resolved(use) for use in uses}
        lines: list[Line | None] = []
        if any(today is None for today in resolved.values()):
            lines.append(None)
        own = None if by_root or lines else _main_module(resolved.values())
        if own:
            lines.append(_as(own, binding.bound))
        for use, today in resolved.items():
            if today is not None:
                lines += self._say(binding, use, today, own)
        return lines

    def _say(self, binding: Binding, use: Use, today: Today, own: str | None) -> list[Line]:
        """Put a use of a module's name into today's words; the lines that this needs."""
        name = names.old(use.full)
        taken = name or names.in_tensorflow(use.full)
        tail = "".join(f".{part}" for part in taken[1]) if taken else ""
        self.plan.today[use.node] = (name[0] if name else None), today
        if today.module == own:
            words, lines = f"{binding.bound}.{today.name}".rstrip("."), []
        elif today.module == "elman.ops" and self._is_free("ops"):
            words, lines = f"ops.{today.name}", [Line("elman", "ops", "ops")]
        else:
            words, lines = today.full, [_whole(today.module)]
        self.plan.words[use.node] = words + tail
        return lines

    def _is_free(self, name: str) -> bool:
        return name not in self._found.assigned and self._names.get(name, "elman.ops") in (
            "elman.ops",
            "keras.ops",
        )

    def _resolved(self, use: Use) -> Today | None:
        name = names.old(use.full)
        if name is not None:
            return self._today(name[0], use.line)
        taken = names.in_tensorflow(use.full)
        if taken is not None and self._worded(None, use):
            return taken[0]
        self._note(
            use.line,
            f"{use.full.replace('tensorflow', 'tf', 1)} is TensorFlow's own: left as it is, and "
            "TensorFlow must be installed",
        )
        return None

    def _today(self, name: Old, line: int) -> Today | None:
        """What ``name`` is today; None, and a note, where it is nothing."""
        try:
            today = names.find(name)
        except (ImportError, AttributeError) as error:
            self._note(line, f"left as it is: {' '.join(str(error).split())}")
            return None
        if today.module in ("keras.ops", "keras.backend"):
            return Today(f"elman.{today.module.partition('.')[2]}", today.name)
        if today.module.startswith("elman.compat") and (name.today, name.name) in self._old_worded:
            return names.modern(name) or today
        return today

    def _contributed(self, binding: Binding) -> Line | None:
        if binding.full.rpartition(".")[2] == "CRF":
            return Line("elman.compat.contrib", "CRF", binding.bound)
        self._note(binding.line, f"{binding.full} left as it is: of keras_contrib there is the CRF")
        return None


def _all_worded(bindings: Iterable[Binding], gone, worded: Worded) -> set[tuple[str, str]]:
    """The names all of whose uses are worded for today's own object."""
    uses = [u for b in bindings for u in b.uses if not gone(u)]
    named = [(found[0], use) for use in uses if (found := names.old(use.full)) and found[0].name]
    every = {(name.today, name.name) for name, _ in named}
    return every - {(name.today, name.name) for name, use in named if not worded(name, use)}


def _main_module(resolved: Iterable[Today | None]) -> str | None:
    """The module that most uses are in, functions of `elman.ops` aside."""
    modules = [today.module for today in resolved if today is not None]
    others = [m for m in modules if m != "elman.ops"]
    return max(others, key=others.count) if others else None


def _as(module: str, bound: str) -> Line:
    package, _, last = module.rpartition(".")
    return Line(package, last, bound) if package else Line(module)


def _whole(module: str) -> Line:
    """The line after which ``module``'s dotted name can be written."""
    return Line(module if module.startswith("elman.compat") else module.partition(".")[0])


def written(statement: cst.Import | cst.ImportFrom, plan: Plan) -> list[str] | None:
    """The import statements in place of ``statement``, as text; None to keep it as it is."""
    aliases = [None] if isinstance(statement.names, cst.ImportStar) else list(statement.names)
    by_alias = plan.lines.get(statement, [[None]])
    if all(lines == [None] for lines in by_alias):
        return None
    texts = []
    kept = [a for a, lines in zip(aliases, by_alias, strict=True) if None in lines]
    if kept:
        texts.append(_keep(statement, kept))
    grouped: dict[str, list[str]] = {}
    for line in dict.fromkeys(line for lines in by_alias for line in lines if line is not None):
        if not line.name:
            texts.append(f"import {line.module}")
            continue
        renamed = f" as {line.bound}" if line.bound not in ("", line.name) else ""
        grouped.setdefault(line.module, []).append(line.name + renamed)
    for module, imported in grouped.items():
        texts.append(_wrapped(f"from {module} import ", imported))
    return texts


def _keep(statement: cst.Import | cst.ImportFrom, aliases: list) -> str:
    """The statement with only those ``aliases``."""
    if aliases != [None]:
        last = aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        statement = statement.with_changes(names=[*aliases[:-1], last])
        if isinstance(statement, cst.ImportFrom):
            statement = statement.with_changes(lpar=None, rpar=None)
    return cst.Module([cst.SimpleStatementLine([statement])]).code.strip()


def _wrapped(start: str, imported: list[str], width: int = 100) -> str:
    text = start + ", ".join(imported)
    if len(text) <= width:
        return text
    rows, row = [], ""
    for name in imported:
        if len(row) + len(name) + 6 > width:
            rows.append(row)
            row = ""
        row += f" {name},"
    return f"{start}(\n" + "".join(f"   {r}\n" for r in (*rows, row)) + ")"
