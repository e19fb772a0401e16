"""Compare the tasks with their peers on real data: a simple baseline, and a textbook Keras model.

    python benchmarks/tasks.py nsmc sms_spam ... [--peers elman baseline textbook] [--seed 0]

The data is in $ELMAN_DATA, else in ../shared/data. elman's figures come from the function behind
`elman train`, with its defaults. Each figure is added to FOLDER/tasks.jsonl when it is there, and
the table of all of them is printed and written to FOLDER/tasks.md.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(os.environ.get("ELMAN_DATA") or Path(__file__).parents[2] / "shared" / "data")


@dataclass
class Round:
    """One training and its test: arguments of `elman.tasks.runs.train`."""

    data: str
    test: str | None = None
    valid: str | None = None
    reading: dict[str, Any] = field(default_factory=dict)


@dataclass
class Set:
    """A data set: its task, what is measured, and its rounds, whose mean counts."""

    task: str
    measure: str
    score: Callable[[dict], float]
    rounds: Callable[[Path], Iterator[Round]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", choices=[*SETS, "all"])
    parser.add_argument("--peers", nargs="+", default=["baseline", "textbook", "elman"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, help="only the first few")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    for name in SETS if "all" in chosen.sets else chosen.sets:
        for peer in chosen.peers:
            row = {"data": name, "peer": peer, **measured(SETS[name], peer, chosen)}
            with (chosen.out / "tasks.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    text = table([json.loads(line) for line in (chosen.out / "tasks.jsonl").open()])
    (chosen.out / "tasks.md").write_text(text)
    print(text)


def measured(given: Set, peer: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """The mean score of a peer over the rounds of a set, and how long it took."""
    from tasks_peers import PEERS

    scores: list[float] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(given.rounds(Path(folder))):
            if number == chosen.rounds:
                break
            found = PEERS[peer](given.task, one, chosen.seed, Path(folder) / f"run{number}")
            scores.append(given.score(found))
            print(f"  {peer} round {number}: {scores[-1]:.4f}", flush=True)
    return {
        "measure": given.measure,
        "score": float(np.mean(scores)),
        "scores": scores,
        "seed": chosen.seed,
        "seconds": round(time.perf_counter() - started, 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The latest figure of each peer on each set, as Markdown; the best of a set is bold."""
    latest = {(row["data"], row["peer"], row["seed"]): row for row in rows}
    lines = ["| data | measure | peer | score | seed | time |", "|---|---|---|---|---|---|"]
    for row in sorted(latest.values(), key=lambda row: [*SETS].index(row["data"])):
        best = max(other["score"] for other in latest.values() if other["data"] == row["data"])
        score = f"{row['score']:.4g}"
        score = f"**{score}**" if row["score"] == best else score
        lines.append(
            f"| {row['data']} | {row['measure']} | {row['peer']} | {score} | {row['seed']} | "
            f"{row['seconds']:.0f} s |"
        )
    return "\n".join(lines) + "\n"


def files(*names: str, **reading) -> Callable[[Path], Iterator[Round]]:
    """One round on files that are there: the data, or data, (validation and) test."""

    def rounds(folder: Path) -> Iterator[Round]:
        data, *rest = (str(DATA / name) for name in names)
        yield Round(data, *reversed(rest), reading=reading)

    return rounds


def held_out(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows: the first ``share`` of a permutation, seed 0, is the test."""
    order = np.random.default_rng(0).permutation(count)
    test = round(share * count)
    return np.sort(order[test:]), np.sort(order[:test])


def pairs(name: str, source: str, target: str) -> Callable[[Path], Iterator[Round]]:
    """A table of pairs, 5 % of which are held out."""

    def rounds(folder: Path) -> Iterator[Round]:
        from elman.data import read_table

        rows = list(read_table(DATA / name))
        paths = [folder / "train.jsonl", folder / "test.jsonl"]
        for path, part in zip(paths, held_out(len(rows), 0.05), strict=True):
            chosen = ({"source": rows[i][source], "target": rows[i][target]} for i in part)
            path.write_text("".join(json.dumps(row) + "\n" for row in chosen))
        yield Round(*map(str, paths))

    return rounds


def folds(name: str, count: int = 10, **reading) -> Callable[[Path], Iterator[Round]]:
    """Cross-validation, by classes: `sklearn.model_selection.StratifiedKFold`, seed 0."""

    def rounds(folder: Path) -> Iterator[Round]:
        from sklearn.model_selection import StratifiedKFold

        from elman.tasks.sources import Reading, read_source

        whole = read_source("classifier", DATA / name, Reading(**reading))
        parts = StratifiedKFold(count, shuffle=True, random_state=0).split(whole.y, whole.y)
        for part in parts:
            paths = [folder / "train.jsonl", folder / "test.jsonl"]
            for path, rows in zip(paths, part, strict=True):
                lines = (json.dumps({"text": whole.X[i], "label": whole.y[i]}) for i in rows)
                path.write_text("\n".join(lines) + "\n")
            yield Round(*map(str, paths))

    return rounds


def digits(by_speaker: bool) -> Callable[[Path], Iterator[Round]]:
    """The official split, or a round for each speaker, who is left out of the training."""

    def rounds(folder: Path) -> Iterator[Round]:
        from elman.data import read_arrays

        whole = read_arrays(DATA / "spoken_digits" / "fsdd_mfcc13.npz")
        speaker, is_test = whole.column("speaker"), whole.column("is_test")
        for test in [speaker == one for one in np.unique(speaker)] if by_speaker else [is_test]:
            paths = [folder / "train.npz", folder / "test.npz"]
            for path, chosen in zip(paths, (~test, test), strict=True):
                part = whole.select(np.flatnonzero(chosen))
                values, offsets = part.sequences.values, part.sequences.offsets
                np.savez(path, features=values, offsets=offsets, digit=part.column("digit"))
            yield Round(*map(str, paths))

    return rounds


def emoji(language: str) -> Callable[[Path], Iterator[Round]]:
    """The base pictures, 10 % of which are held out."""

    def rounds(folder: Path) -> Iterator[Round]:
        from elman.data import read_table

        table = read_table(DATA / "emoji_captions" / "captions.tsv.gz")
        rows = [row for row in table if row["skin_tone"] == "0"]
        paths = [folder / "train.tsv", folder / "test.tsv"]
        for path, part in zip(paths, held_out(len(rows), 0.1), strict=True):
            lines = (f"{rows[i]['image']}\t{rows[i][f'caption_{language}']}\n" for i in part)
            path.write_text("image\tcaption\n" + "".join(lines))
        pictures = (str(DATA / "emoji_captions" / "emoji64_base.zip"),)
        yield Round(*map(str, paths), reading={"pictures": pictures})

    return rounds


def score(name: str) -> Callable[[dict], float]:
    return lambda found: found[name]


def universal(language: str, name: str) -> Callable[[Path], Iterator[Round]]:
    stem = f"ud_{language}_{name}/{ {'english': 'en', 'korean': 'ko'}[language] }_{name}-ud"
    return files(*(f"{stem}-{part}.conllu.gz" for part in ("train", "dev", "test")))


SETS = {
    "nsmc": Set(
        "classifier",
        "accuracy",
        score("accuracy"),
        files("nsmc/ratings_train.txt.gz", "nsmc/ratings_test.txt.gz"),
    ),
    "sms_spam": Set(
        "classifier",
        "F1 of spam, 10 folds",
        lambda found: found["classes"]["spam"]["f1"],
        folds("sms_spam/SMSSpamCollection.gz", text_column="2", label_column="1"),
    ),
    "rt_polarity": Set("classifier", "accuracy, 10 folds", score("accuracy"), folds("rt_polarity")),
    "spoken_digits": Set("classifier", "accuracy", score("accuracy"), digits(False)),
    "spoken_digits by speaker": Set(
        "classifier", "accuracy, each speaker left out", score("accuracy"), digits(True)
    ),
    "ud_english_ewt": Set(
        "tagger", "UPOS accuracy", score("accuracy"), universal("english", "ewt")
    ),
    "ud_korean_gsd": Set("tagger", "UPOS accuracy", score("accuracy"), universal("korean", "gsd")),
    "klue_ner": Set(
        "tagger", "entity F1", score("entity_f1"), files("klue_ner/klue-ner-v1.1_dev.tsv.gz")
    ),
    "wnut17": Set(
        "tagger",
        "entity F1",
        score("entity_f1"),
        files(
            "wnut17/wnut17train.conll.gz",
            "wnut17/emerging.dev.conll.gz",
            "wnut17/emerging.test.annotated.gz",
        ),
    ),
    "tatoeba_ko_en": Set(
        "seq2seq",
        "chrF, Korean to English",
        score("chrf"),
        pairs("tatoeba_ko_en/kor.txt.gz", "2", "1"),
    ),
    "chatbot_ko": Set(
        "seq2seq", "chrF", score("chrf"), pairs("chatbot_ko/ChatbotData.csv.gz", "Q", "A")
    ),
    "emoji_captions en": Set("captioner", "chrF", score("chrf"), emoji("en")),
    "emoji_captions ko": Set("captioner", "chrF", score("chrf"), emoji("ko")),
}

if __name__ == "__main__":
    main()
