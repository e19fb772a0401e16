"""Constructor calls of layers, in today's words; `elman.legacy` says what the old ones mean."""

import libcst as cst

from elman import layers
from elman.compat.migrate.arguments import (
    NOT_LITERAL,
    code,
    filled,
    has_stars,
    keyword,
    keywords,
    literal,
    named,
    positional,
    renamed,
    with_args,
)
from elman.legacy import eras, positions, tables, values
from elman.legacy.arguments import signature
from elman.legacy.eras import Era


class LeftAsItIs(Exception):
    """A call that elman's layers take as it is, and that this does not dare to write anew."""


def rewritten(layer: str, call: cst.Call, era: Era) -> cst.Call:
    """The call with today's names of arguments, saying aloud what its era meant unsaid.

    Raises:
        LeftAsItIs: old words are there, but what they mean depends on values that only a run knows.
    """
    name = tables.today(layer)
    if any(word in tables.keras1_arguments(name) for word in keywords(call)):
        era = eras.KERAS1
    call = _in_todays_words(layer, name, call)
    unsaid = eras.defaults(layer, era)
    if unsaid and has_stars(call):
        raise LeftAsItIs(f"*args or **kwargs may hide {', '.join(unsaid)}")
    return filled(call, unsaid, _said(layer, call)) if unsaid else call


def _in_todays_words(layer: str, name: str, call: cst.Call) -> cst.Call:
    table = {**tables.KERAS2.get(layer, tables.KERAS2.get(name, {})), **tables.KERAS1.get(name, {})}
    joined = tables.JOINED.get(name, {})
    words = {*table, *(part for parts in joined.values() for part in parts)}
    by_position = layer in positions.CERTAIN and len(positional(call)) > 1
    if not (words.intersection(keywords(call)) or by_position):
        return call
    if has_stars(call):
        raise LeftAsItIs("old arguments beside *args or **kwargs")
    args = _join(_by_name(layer, call), joined)
    return with_args(call, [today for arg in args for today in _today(name, arg, table)])


def _said(layer: str, call: cst.Call) -> set[str]:
    """The arguments that a call says, under today's names."""
    placed = [literal(arg.value) for arg in positional(call)]
    parameters, _ = signature(getattr(layers, layer).__init__)
    try:
        order = positions.by_name(layer, [1, *placed[1:]], {}, parameters) if placed else {}
    except TypeError as error:
        raise LeftAsItIs(str(error)) from None
    table = tables.old_arguments(layer)
    return {str(table.get(name, name)) for name in order} | {*keywords(call)}


def _by_name(layer: str, call: cst.Call) -> list[cst.Arg]:
    """The arguments, those by position too by name where the old order was another one."""
    placed = positional(call)
    if len(placed) < 2:
        return list(call.args)
    given = [literal(arg.value) for arg in placed]
    cls = getattr(layers, layer, None)
    if cls is None or NOT_LITERAL in given[1:]:
        raise LeftAsItIs("values by position that are not written out")
    parameters, _ = signature(cls.__init__)
    others = {keyword(arg): arg.value for arg in call.args if arg.keyword}
    order = list(positions.by_name(layer, [1, *given[1:]], others, parameters))[: len(placed)]
    if order == list(parameters[: len(placed)]):
        return list(call.args)
    first = zip(order, placed, strict=True)
    return [
        *(named(name, arg.value).with_changes(comma=arg.comma) for name, arg in first),
        *(arg for arg in call.args if arg.keyword),
    ]


def _join(args: list[cst.Arg], joined) -> list[cst.Arg]:
    """The arguments with several numbers in one tuple where they are one today."""
    for new, parts in joined.items():
        found = {keyword(arg): arg for arg in args if keyword(arg) in parts}
        if not found:
            continue
        if len(found) != len(parts):
            raise LeftAsItIs(f"not all of {', '.join(parts)}")
        together = ", ".join(code(found[part].value) for part in parts)
        first = found[parts[0]].with_changes(
            keyword=cst.Name(new), value=cst.parse_expression(f"({together})")
        )
        args = [
            first if keyword(arg) == parts[0] else arg
            for arg in args
            if keyword(arg) not in parts[1:]
        ]
    return args


def _today(layer: str, arg: cst.Arg, table) -> list[cst.Arg]:
    """What one argument is today: nothing, one argument, or several."""
    name = keyword(arg)
    entry = table.get(name)
    if entry is None:
        return [arg]
    value = literal(arg.value)
    if isinstance(entry, tables.Gone):
        if value is NOT_LITERAL or not entry.harmless(value):
            raise LeftAsItIs(f"{name}={code(arg.value)}")
        return []
    row = tables.Row((entry,)) if isinstance(entry, str) else entry
    if row.values:
        if value is NOT_LITERAL or value not in row.values:
            raise LeftAsItIs(f"{name}={code(arg.value)}")
        return [renamed(arg, new, row.values[value]) for new in row.new]
    if value is NOT_LITERAL:
        return [renamed(arg, new) for new in row.new]
    return [_valued(arg, new, value, values.today(layer, new, value)) for new in row.new]


def _valued(arg: cst.Arg, new: str, value, today) -> cst.Arg:
    return renamed(arg, new) if today is value else renamed(arg, new, today)
