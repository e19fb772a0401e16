"""Tags that mark entities: what follows what, and the entities they mean.

``B-x`` begins an entity of kind x, ``I-x`` goes on with it, ``O`` is outside of all. In IOBES
``E-x`` ends an entity and ``S-x`` is one of a single step. In the older IOB1 ``B-x`` stands only
where an entity follows another of its kind.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

SCHEMES = ("IOB2", "IOBES")


class Entity(NamedTuple):
    """An entity: its steps are ``start`` to ``end - 1``."""

    kind: str
    start: int
    end: int


def are_entities(names: Iterable[str]) -> bool:
    """Whether tags mark entities: all are ``O`` or ``P-kind``, and some begin or go on.

    >>> are_entities(["O", "B-LOC", "I-LOC"]), are_entities(["NOUN", "VERB"])
    (True, False)
    """
    parts = [_split(name) for name in names]
    return all(prefix in "OBIES" and (prefix == "O") == (not kind) for prefix, kind in parts) and (
        any(prefix in "BI" for prefix, _ in parts)
    )


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of a sequence of tags, in IOB2 or IOBES, strictly read.

    An entity begins at ``B-x`` or ``S-x`` and goes on over ``I-x`` and ``E-x`` of its kind. An
    ``I-x`` or ``E-x`` that goes on with nothing begins none.

    >>> entities(["B-LOC", "I-LOC", "O", "I-LOC", "B-PER"])
    [Entity(kind='LOC', start=0, end=2), Entity(kind='PER', start=4, end=5)]
    """
    found: list[Entity] = []
    kind, start = "", 0
    for t, tag in enumerate([*tags, "O"]):
        prefix, of = _split(tag)
        if kind and not (prefix in "IE" and of == kind):
            found.append(Entity(kind, start, t))
            kind = ""
        if prefix in "BS":
            kind, start = of, t
        if prefix in "ES" and kind:
            found.append(Entity(kind, start, t + 1))
            kind = ""
    return found


def repaired(tags: Sequence[str]) -> list[str]:
    """Tags of any scheme (IOB1 and broken ones too) as IOB2: an entity always begins with B.

    >>> repaired(["I-LOC", "I-LOC", "O", "S-PER", "I-PER"])
    ['B-LOC', 'I-LOC', 'O', 'B-PER', 'B-PER']
    """
    result, open_kind = [], ""
    for tag in tags:
        prefix, kind = _split(tag)
        if prefix == "O":
            result.append(tag)
        else:
            goes_on = prefix in "IE" and kind == open_kind
            result.append(f"{'I' if goes_on else 'B'}-{kind}")
        open_kind = "" if prefix in "ES" else kind
    return result


def to_iobes(tags: Sequence[str]) -> list[str]:
    """IOB2 tags as IOBES.

    >>> to_iobes(["B-LOC", "I-LOC", "O", "B-PER"])
    ['B-LOC', 'E-LOC', 'O', 'S-PER']
    """
    result = []
    for tag, following in zip(tags, [*tags[1:], "O"], strict=True):
        prefix, kind = _split(tag)
        if prefix != "O" and following != f"I-{kind}":
            tag = f"{'S' if prefix == 'B' else 'E'}-{kind}"
        result.append(tag)
    return result


def to_iob2(tags: Sequence[str]) -> list[str]:
    """IOBES tags as IOB2.

    >>> to_iob2(["B-LOC", "E-LOC", "O", "S-PER"])
    ['B-LOC', 'I-LOC', 'O', 'B-PER']
    """
    today = {"E": "I", "S": "B"}
    return [today.get(tag[0], tag[0]) + tag[1:] if tag != "O" else tag for tag in tags]


def allowed_transitions(names: Sequence[str], scheme: str = "IOB2") -> np.ndarray:
    """Which tag may follow which, for the ``allowed`` of `elman.layers.CRF`.

    Arguments:
        names: the K tags, in the order of their numbers.
        scheme: ``"IOB2"`` or ``"IOBES"``.

    Returns:
        Boolean array of shape (K + 1, K + 1): ``[i, j]`` is whether tag j may follow tag i; row K
        is the beginning of a sequence, column K its end.

    Raises:
        ValueError: another scheme, or a tag that is none of it.

    >>> allowed_transitions(["O", "B-x", "I-x"]).astype(int)
    array([[1, 1, 0, 1],
           [1, 1, 1, 1],
           [1, 1, 1, 1],
           [1, 1, 0, 1]])
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}.")
    known = "OBI" if scheme == "IOB2" else "OBIES"
    for name in names:
        prefix, kind = _split(name)
        if prefix not in known or (prefix == "O") != (not kind):
            raise ValueError(
                f"tags must be O or one of {', '.join(known[1:])} with a kind (B-LOC), got "
                f"{name!r}; these are no {scheme} tags."
            )
    parts = [*(_split(name) for name in names), ("O", "")]
    allowed = np.ones((len(parts), len(parts)), dtype=bool)
    for i, (before, kind_before) in enumerate(parts):
        for j, (prefix, kind) in enumerate(parts):
            goes_on = prefix in "IE"
            if before in "BI" and scheme == "IOBES":
                allowed[i, j] = goes_on and kind == kind_before
            elif goes_on:
                allowed[i, j] = before in "BI" and kind == kind_before
    return allowed


def _split(tag: str) -> tuple[str, str]:
    """``("B", "LOC")``; ``("O", "")``; a tag that is none of them has all of it as prefix."""
    if tag == "O":
        return "O", ""
    prefix, dash, kind = tag.partition("-")
    return (prefix, kind) if dash and len(prefix) == 1 else ("?", tag)
