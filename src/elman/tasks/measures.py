"""How good answers are, by the measures of each field."""

from collections import Counter
from collections.abc import Iterable, Sequence

from elman.data.tags import entities, repaired

Tags = Sequence[str]


def token_accuracy(true: Iterable[Tags], predicted: Iterable[Tags]) -> float:
    """The share of tokens whose tag is right; 0 where there are none.

    >>> token_accuracy([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]])
    0.6666666666666666
    """
    pairs = [pair for a, b in zip(true, predicted, strict=True) for pair in zip(a, b, strict=True)]
    return sum(a == b for a, b in pairs) / max(len(pairs), 1)


def entity_scores(true: Iterable[Tags], predicted: Iterable[Tags]) -> dict:
    """Precision, recall and F1 of entities: one counts where its ends and its kind are right.

    precision = right / predicted,  recall = right / true,  F1 = 2 right / (predicted + true)

    Tags of any scheme are read as IOB2, in which an entity begins with B. Ratios of nothing are 0.

    Returns:
        ``{"precision", "recall", "f1", "support", "kinds": {kind: the same without kinds}}``.

    Raises:
        ValueError: a different number of sentences or of tags.

    Source: Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task", 2003.

    >>> scores = entity_scores([["B-LOC", "I-LOC", "O", "B-PER"]], [["B-LOC", "O", "O", "B-PER"]])
    >>> scores["f1"], scores["kinds"]["PER"]["f1"]
    (0.5, 1.0)
    """
    counts: dict[str, Counter] = {"true": Counter(), "predicted": Counter(), "right": Counter()}
    for a, b in zip(true, predicted, strict=True):
        if len(a) != len(b):
            raise ValueError(f"a sentence must have as many tags as tokens, got {len(a)}, {len(b)}")
        found, wanted = set(entities(repaired(b))), set(entities(repaired(a)))
        counts["true"].update(entity.kind for entity in wanted)
        counts["predicted"].update(entity.kind for entity in found)
        counts["right"].update(entity.kind for entity in found & wanted)
    kinds = sorted({*counts["true"], *counts["predicted"]})
    each = {kind: _ratios(*(count[kind] for count in counts.values())) for kind in kinds}
    return {**_ratios(*(count.total() for count in counts.values())), "kinds": each}


def _ratios(true: int, predicted: int, right: int) -> dict:
    return {
        "precision": right / max(predicted, 1),
        "recall": right / max(true, 1),
        "f1": 2 * right / max(predicted + true, 1),
        "support": true,
    }
