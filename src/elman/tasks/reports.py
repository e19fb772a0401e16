"""Scores of a run, and the files that tell of it: report.json and report.md."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sacrebleu
from sklearn import metrics

from elman._writing import write_whole
from elman.data.tags import are_entities
from elman.tasks.measures import entity_scores, token_accuracy

MEASURES = {
    "accuracy": "accuracy",
    "entity_f1": "entity F1 (strict)",
    "macro_f1": "macro F1",
    "chrf": "chrF",
    "bleu": "BLEU",
    "exact_match": "exact match",
}


def scores_of(task: str, true: Sequence, predicted: Sequence) -> dict[str, Any]:
    """The measures of the field for answers of a task.

    classifier: accuracy, macro F1, precision, recall and F1 of each class, the confusion matrix.
    tagger: accuracy of tokens, and entity F1 for tags such as ``B-LOC``, else macro F1.
    seq2seq and captioner: chrF and BLEU, from 0 to 100, and the share of exact matches; a list of
    references is for one answer.

    >>> scores_of("classifier", ["a", "b", "b", "c"], ["a", "b", "a", "b"])["accuracy"]
    0.5
    >>> round(scores_of("seq2seq", ["a cat", "two cats"], ["a cat", "two dogs"])["chrf"], 1)
    31.9
    """
    if task == "classifier":
        return classification(true, predicted)
    if task == "tagger":
        return tagging(true, predicted)
    return generation(true, predicted)


def classification(true: Sequence, predicted: Sequence) -> dict[str, Any]:
    """Accuracy, macro F1 and each class, over the classes that occur in either."""
    labels = sorted({*true, *predicted}, key=str)
    each = metrics.precision_recall_fscore_support(
        true, predicted, labels=labels, average=None, zero_division=0
    )
    classes = {
        str(label): {"precision": p, "recall": r, "f1": f, "support": int(n)}
        for label, p, r, f, n in zip(labels, *(values.tolist() for values in each), strict=True)
    }
    counts = metrics.confusion_matrix(true, predicted, labels=labels).tolist()
    return {
        "accuracy": float(metrics.accuracy_score(true, predicted)),
        "macro_f1": sum(row["f1"] for row in classes.values()) / len(classes),
        "classes": classes,
        "confusion": {"labels": [str(label) for label in labels], "counts": counts},
    }


def tagging(true: Sequence, predicted: Sequence) -> dict[str, Any]:
    """Entity F1 for tags that mark entities, macro F1 for others, and the accuracy of tokens."""
    accuracy = token_accuracy(true, predicted)
    if are_entities({tag for tags in true for tag in tags}):
        found = entity_scores(true, predicted)
        kinds = found.pop("kinds")
        whole = {f"entity_{name}": value for name, value in found.items()}
        return {
            "entity_f1": whole.pop("entity_f1"),
            "accuracy": accuracy,
            **whole,
            "classes": kinds,
        }
    flat = [[tag for tags in sentences for tag in tags] for sentences in (true, predicted)]
    found = classification(*flat)
    return {"accuracy": accuracy, **{k: v for k, v in found.items() if k != "accuracy"}}


def generation(true: Sequence, predicted: Sequence) -> dict[str, Any]:
    """chrF, BLEU and exact match; each answer has one reference or a list of them."""
    references = [[one] if isinstance(one, str) else list(one) for one in true]
    most = max(map(len, references))
    streams: Any = [[one[i] if i < len(one) else None for one in references] for i in range(most)]
    exact = [
        a.strip() in {r.strip() for r in one} for a, one in zip(predicted, references, strict=True)
    ]
    return {
        "chrf": sacrebleu.corpus_chrf(list(predicted), streams).score,
        "bleu": sacrebleu.corpus_bleu(list(predicted), streams, force=True).score,
        "exact_match": sum(exact) / len(exact),
    }


def shown(value: Any) -> str:
    """A number as tables have it: four figures."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "epoch"), counted(1000, "epoch")
    ('1 epoch', '1,000 epochs')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def summary(report: Mapping[str, Any], where: str) -> str:
    """The scores of a report in a line for each part, and where the rest is."""
    lines = []
    for name, scores in report["scores"].items():
        known = {k: v for k, v in scores.items() if k in MEASURES}
        numbers = ", ".join(f"{MEASURES[k]} {shown(v)}" for k, v in known.items())
        lines.append(f"{name}: {numbers} ({counted(report['data'][name]['examples'], 'example')})")
        unseen = report["data"][name].get("unseen")
        if unseen:
            labels = ", ".join(unseen)
            lines.append(f"{name} has labels never seen in training, and so always wrong: {labels}")
    training = report.get("training")
    for name, part in {} if training else report["data"].items():
        if part["skipped"]:
            bad = counted(part["skipped"], "bad line")
            lines.append(f"{name}: {bad} left out, the first: {part['skipped_lines'][0]}")
    if training and training["interrupted"]:
        lines.append(f"ended by Ctrl-C: kept epoch {training['best_epoch']}; --resume goes on")
    return "\n".join([*lines, f"report: {where}/report.md"] if training else lines)


def unseen(true: Sequence, known: Sequence) -> dict[str, int]:
    """The labels that were never seen in training, and how often they occur."""
    known_ones = {str(label) for label in known}
    counts = Counter(str(label) for label in true)
    return {label: n for label, n in counts.items() if label not in known_ones}


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write report.json and report.md, each whole or not at all."""
    write_whole(folder / "report.json", json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    write_whole(folder / "report.md", as_markdown(report))


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    parts = [
        f"# {report['name']}: {report['task']}",
        _summary(report),
        _scores(report["scores"]),
        _data(report["data"]),
        _classes(report["scores"]),
        _examples(report),
        _pictures(report["pictures"]),
        _settings(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(report: dict[str, Any]) -> str:
    training = report["training"]
    end = ", ended by Ctrl-C" if training["interrupted"] else ""
    epochs = counted(len(training["history"]), "epoch")
    backend = report["versions"]["backend"]
    shapes = counted(len(training["shapes"]), "shape") + " of batches"
    compiled = f", {shapes}, each of which JAX compiles once" if backend == "jax" else ""
    engines = "; ".join(
        f"{row['layer']}: {row['engine']}" + (f" ({row['reason']})" if row["reason"] else "")
        for row in report["engines"]
    )
    return (
        f"{report['estimator']}, {report['parameters']:,} parameters, seed {report['seed']}. "
        f"{epochs}{end}, the weights of epoch {training['best_epoch']}; "
        f"{training['seconds']:.1f} s{compiled}. Keras {report['versions']['keras']} on {backend}; "
        f"recurrent layers by engine: {engines}."
    )


def _scores(scores: dict[str, dict]) -> str:
    names = [
        n for n, value in next(iter(scores.values())).items() if isinstance(value, int | float)
    ]
    rows = [
        [MEASURES.get(n, n.replace("_", " ")), *(shown(part[n]) for part in scores.values())]
        for n in names
    ]
    return table(["measure", *scores], rows)


def _data(data: dict[str, dict]) -> str:
    rows = [[k, d["file"], d["examples"], d["skipped"]] for k, d in data.items()]
    lines = [table(["data", "file", "examples", "lines left out"], rows), ""]
    for part in data.values():
        lines += [f"- left out: {line}" for line in part["skipped_lines"]]
        if part.get("unseen"):
            labels = ", ".join(f"{label} ({n})" for label, n in part["unseen"].items())
            lines.append(f"- never seen in training, and so always wrong: {labels}")
    return "\n".join(lines).strip()


def _classes(scores: dict[str, dict]) -> str:
    name, part = next(iter(scores.items()))
    if "classes" not in part:
        return ""
    rows = [[label, *(shown(v) for v in row.values())] for label, row in part["classes"].items()]
    return f"## Each class ({name})\n\n" + table(
        ["class", "precision", "recall", "F1", "support"], rows
    )


def _examples(report: dict[str, Any]) -> str:
    if not report["examples"]:
        return ""
    texts = ([str(value) for value in row.values()] for row in report["examples"])
    rows = [[text if len(text) <= 200 else f"{text[:199]}…" for text in row] for row in texts]
    title = "Some wrong answers" if report["task"] == "classifier" else "Some answers"
    return f"## {title}\n\n" + table([*report["examples"][0]], rows)


def _pictures(pictures: list[dict[str, str]]) -> str:
    return "\n\n".join(
        f"![{one['title']}]({one['file']})" + (f"\n\n{one['note']}" if one["note"] else "")
        for one in pictures
    )


def _settings(report: dict[str, Any]) -> str:
    rows = [[name, value] for name, value in report["settings"].items()]
    return "## Settings\n\n" + table(["setting", "value"], rows)


def table(head: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [[1, "x|y"]]))
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return (
        "\n".join("| " + " | ".join(line) + " |" for line in cells)
        .replace("| --- ", "|---")
        .replace("|--- |", "|---|")
    )
