"""Every task from files to report and predictions, with an estimator that knows the answers."""

import json
import os
import unicodedata

import keras
import numpy as np
import pytest
from PIL import Image

from elman import tasks
from elman.tasks import runs
from elman.tasks.estimator import FORMAT
from elman.tasks.predictions import prediction_lines, reading_of, write_lines
from elman.tasks.sources import Reading
from elman.tasks.training import Training

LINES = [f"word{i} ends" for i in range(20)]


class Knowing:
    """Says a tag for each token, the text in capitals, or how bright a picture is."""

    level_, entities_ = "word", True
    attention, encoder, can_remember = "additive", "cnn", False

    def __init__(self, task):
        self.task = task
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        history = [{"loss": 2.0, "val_loss": 2.0}, {"loss": 1.0, "val_loss": 1.5}]
        self.training_ = Training(history, 2, 0.1, [(4, 5)])

    def get_params(self):
        return {"units": 3}

    def fit(self, X, y, validation_data=None, **_):
        assert len(list(X)) == len(list(y)) == 16
        assert len(list(validation_data[0])) == 2

    def predict(self, X):
        said = {
            "tagger": lambda tokens: ["B-W", *["O"] * (len(tokens) - 1)],
            "seq2seq": str.upper,
            "captioner": lambda picture: f"bright {picture.mean():.0f}",
        }[self.task]
        return [said(x) for x in X]

    def attention_of(self, X):
        if self.task == "captioner":
            return [([], np.eye(4)[:1]), *((["bright", "4"], np.eye(4)[:2]) for _ in X[1:])]
        return [(x.split(), x.upper().split(), np.eye(2)) for x in X]

    def save(self, folder, **about):
        folder.mkdir()
        versions = {"keras": "3", "backend": "none", "elman": "0"}
        training = {"history": self.training_.history, "best_epoch": 2, "seconds": 0.1}
        training |= {"shapes": [[4, 5]], "interrupted": False}
        card = {"format": FORMAT, "task": type(self).__name__, "parameters": 2, "settings": {}}
        card["learnt"] = {}
        card |= {"training": training, "versions": versions, "saved": "now"}
        (folder / "card.json").write_text(json.dumps(card | about))


@pytest.fixture(params=["tagger", "seq2seq", "captioner"])
def run(request, tmp_path, monkeypatch):
    """The task, its folder, and the report of its run."""
    task, reading = request.param, Reading()
    if task == "tagger":
        rows = [
            "\n".join(f"{t}\t{tag}" for t, tag in zip(x.split(), ("B-W", "O"), strict=True))
            for x in LINES
        ]
        (tmp_path / "data.conll").write_text("\n\n".join(rows) + "\n")
        data = tmp_path / "data.conll"
    elif task == "seq2seq":
        data = tmp_path / "data.tsv"
        data.write_text("source\ttarget\n" + "".join(f"{x}\t{x.upper()}\n" for x in LINES))
    else:
        data = tmp_path / "data.csv"
        data.write_text("image,caption\n" + "".join(f"{i}.png,bright {i}\n" for i in range(20)))
        (tmp_path / "pictures").mkdir()
        for i in range(20):
            Image.new("RGB", (4, 4), (i, i, i)).save(tmp_path / "pictures" / f"{i}.png")
        reading = Reading(pictures=(str(tmp_path / "pictures"),))
    monkeypatch.setattr(runs, "new_estimator", lambda task, *_: Knowing(task))
    monkeypatch.setattr(tasks, "load", lambda folder: Knowing(task))
    return task, tmp_path, runs.train(task, str(data), str(tmp_path / "run"), reading=reading)


def test_what_has_chosen_is_scored_then_remembered_and_saved(tmp_path, monkeypatch):
    done = []

    class Remembering(Knowing):
        can_remember = True

        def predict(self, X):
            done.append(("predict", len(X)))
            return super().predict(X)

        def remember(self, X, y):
            done.append(("remember", len(X)))

        def save(self, folder, **about):
            done.append(("save", None))
            folder.exists() or super().save(folder, **about)

    monkeypatch.setattr(runs, "new_estimator", lambda task, *_: Remembering(task))
    data = tmp_path / "data.tsv"
    data.write_text("source\ttarget\n" + "".join(f"{x}\t{x.upper()}\n" for x in LINES))
    runs.train("seq2seq", str(data), str(tmp_path / "run"))
    assert done[:4] == [("save", None), ("predict", 2), ("remember", 2), ("save", None)]


PICTURES = {
    "tagger": [],
    "seq2seq": ["attention.png"],
    "captioner": ["captions.png", "attention.png"],
}


def test_a_report_has_the_scores_answers_and_pictures_of_its_task(run):
    task, folder, report = run
    scores = report["scores"]["test"]
    assert scores.get("entity_f1", scores.get("exact_match")) == 1
    assert all(row["true"] == row["answer"] for row in report["examples"])
    drawn = [one["file"] for one in report["pictures"] if one["file"] != "confusion.png"]
    assert drawn == ["learning.png", *PICTURES[task]]
    assert all((folder / "run" / one["file"]).is_file() for one in report["pictures"])


def test_what_is_asked_is_read_as_its_task_reads(run):
    task, folder, _ = run
    name = str(folder / "run")
    if task == "tagger":
        (folder / "plain.txt").write_text("one two\n\nthree\n")
        inputs = [str(folder / "plain.txt"), "-", str(folder / "data.conll")]
        lines = list(prediction_lines(name, inputs, stdin=["four\n"]))
        assert lines[:3] == ["one\tB-W\ntwo\tO\n", "three\tB-W\n", "four\tB-W\n"]
        assert len(lines) == 3 + 20
        assert list(prediction_lines(name, ["a b"], format="text")) == ["a/B-W b/O"]
        for ending, text in {
            "jsonl": '{"tokens": ["one", "two"]}\n{"tokens": "three"}\n',
            "csv": "id,text\n7,one two\n8,three\n",
        }.items():
            (folder / f"table.{ending}").write_text(text)
            lines = list(prediction_lines(name, [str(folder / f"table.{ending}")]))
            assert lines == ["one\tB-W\ntwo\tO\n", "three\tB-W\n"]
        reading = reading_of(name, text_column="texts")
        with pytest.raises(ValueError, match=r"a column 'texts' \(did you mean 'text'\?\)"):
            list(prediction_lines(name, [str(folder / "table.csv")], reading))
    elif task == "seq2seq":
        (folder / "one.txt").write_text("a file\n")
        inputs = [str(folder / "one.txt"), "a text", str(folder / "data.tsv")]
        lines = list(prediction_lines(name, inputs))
        assert lines[:3] == ["A FILE", "A TEXT", "WORD0 ENDS"]
        letters = unicodedata.normalize("NFD", "한글")
        lines = list(prediction_lines(name, [letters, "-"], stdin=[f"{letters}\r\n"]))
        assert lines == ["한글", "한글"]
        with pytest.raises(IsADirectoryError, match="must be a file, got a folder"):
            list(prediction_lines(name, [str(folder)]))
    else:
        one = str(folder / "pictures" / "7.png")
        assert (
            list(prediction_lines(name, [one, "-"], stdin=[f"{one}\n"])) == ["7.png\tbright 7"] * 2
        )
        rows = [
            json.loads(line)
            for line in prediction_lines(name, [str(folder / "pictures")], format="jsonl")
        ]
        assert {row["image"]: row["caption"] for row in rows}["12.png"] == "bright 12"
    if task != "tagger":
        with pytest.raises(ValueError, match="format conll must be asked of a tagger"):
            list(prediction_lines(name, [one if task == "captioner" else "x"], format="conll"))


def test_lines_to_a_pipe_are_written_into_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_lines(tmp_path / "pipe", ["a", "b"])
    assert os.read(reader, 10) == b"a\nb\n"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_an_output_file_is_whole_or_not_there(tmp_path):
    def broken():
        yield "one"
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_lines(tmp_path / "out.txt", broken())
    assert list(tmp_path.iterdir()) == []
    write_lines(tmp_path / "out.txt", ["one", "two"])
    assert (tmp_path / "out.txt").read_text() == "one\ntwo\n"
