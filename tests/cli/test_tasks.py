"""`elman train`, `predict`, `evaluate` and `info`: what they print, and how they leave."""

import contextlib
import errno
import io
import json
import sys
from inspect import signature
from typing import get_type_hints

import keras
import pytest

from elman import cli
from elman.cli.tasks import train
from elman.tasks import ImageCaptioner, Seq2Seq, SequenceTagger, TextClassifier, progress

# A small model and texts of one length: quick to compile.
OPTIONS = ["--units", "3", "--epochs", "2", "--batch-size", "16", "--set", "embedding=4"]
for setting in ("unit=character", "bidirectional=false", "pooling=max", "ngrams=false"):
    OPTIONS += ["--set", setting]


def call(*arguments):
    """Run the command line; returns its exit code."""
    with pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    return left.value.code or 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data.tsv and a run made by the command line, and what it wrote."""
    folder = tmp_path_factory.mktemp("cli")
    words = ["bad ", "good"] * 30
    rows = (f"it is {word} {i:03}\t{word.strip()}\n" for i, word in enumerate(words))
    (folder / "data.tsv").write_text("text\tlabel\n" + "".join(rows))
    data = ["--data", folder / "data.tsv", "--output", folder / "run"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert call("train", "classifier", *data, *OPTIONS) == 0
    return folder, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(trained):
    return trained[0]


def test_train_says_what_it_does_in_plain_lines_away_from_a_terminal(trained):
    folder, out, err = trained
    assert f"train: 48 examples of {folder / 'data.tsv'}, columns text -> label\n" in err
    assert "epoch 2/2: " in err
    assert out.startswith("test: accuracy ")
    assert out.endswith(f"report: {folder / 'run'}/report.md\n")


def test_predict_writes_text_and_jsonl_from_texts_and_standard_input(folder, capsys, monkeypatch):
    assert call("predict", folder / "run", "it is good 001", "it is bad  002") == 0
    assert {*capsys.readouterr().out.split()} <= {"good", "bad"}
    given = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfit is good\r\nso so\n"), "ascii")
    monkeypatch.setattr("sys.stdin", given)
    assert call("predict", folder / "run", "-", "--format", "jsonl") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in rows] == ["it is good", "so so"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("좋다\n".encode("cp949"))))
    assert call("predict", folder / "run", "-") == 2
    assert "standard input, line 1: must be utf-8, got the byte 0xc1" in capsys.readouterr().err
    assert call("predict", folder / "run", folder / "data.tsv", "-o", folder / "out.txt") == 0
    assert len((folder / "out.txt").read_text().splitlines()) == 60


def test_predict_leaves_out_bad_lines_when_told_to(folder, capsys):
    bad = folder / "bad.jsonl"
    bad.write_text('{"text": "it is good"}\nno JSON\n{"text": "it is bad"}\n')
    assert call("predict", folder / "run", bad) == 2
    assert "line 2: must be a JSON object" in capsys.readouterr().err
    assert call("predict", folder / "run", bad, "--skip-bad") == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "1 bad line left out, the first: " in said.err
    assert "line 2: must be a JSON object" in said.err


def test_evaluate_and_info_tell_the_scores(folder, capsys):
    assert call("evaluate", folder / "run", "--data", folder / "data.tsv", "--json") == 0
    scores = json.loads(capsys.readouterr().out)["scores"]["test"]
    assert call("evaluate", folder / "run", "--data", folder / "data.tsv") == 0
    assert f"accuracy {scores['accuracy']:.4g}" in capsys.readouterr().out
    for part in ("", "card.json", "report.json", "tokenizer.json"):
        name = folder / "run" / part
        assert call("info", name) == 0
        assert "TextClassifier in" in capsys.readouterr().out


def test_info_of_a_run_that_was_not_written_to_its_end(tmp_path, capsys):
    for name in (tmp_path, tmp_path / "card.json"):
        assert call("info", name) == 2
        assert "must hold card.json, got none: it is no saved task, or" in capsys.readouterr().err
    (tmp_path / "saved_model.pb").touch()
    assert call("info", tmp_path) == 2
    assert "if it is a TensorFlow SavedModel" in capsys.readouterr().err


TASKS = {"classifier": TextClassifier, "tagger": SequenceTagger, "seq2seq": Seq2Seq,
         "captioner": ImageCaptioner}  # fmt: skip


@pytest.mark.parametrize("name", ["cell", "units", "layers", "dropout", "batch_size"])
def test_help_tells_the_defaults_of_the_tasks(name):
    option = get_type_hints(train, include_extras=True)[name].__metadata__[0]
    default, *others = option.show_default.split("; ")
    told = dict.fromkeys(TASKS, default) | dict(other.split(" ", 1) for other in others)
    for task, kind in TASKS.items():
        value = signature(kind).parameters[name].default
        assert told[task] == (str(value) if value is not None else "up to 128, by how many")


def test_a_full_disk_is_told_in_words(folder, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("elman.tasks.predictions.write_lines", full)
    assert call("predict", folder / "run", "good", "-o", folder / "out.txt") == 2
    assert "elman: there is no space left on the disk; free some, and" in capsys.readouterr().err


def test_a_package_that_is_missing_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert call("predict", "run", "text") == 2
    assert "sacrebleu must be installed" in capsys.readouterr().err


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_ctrl_c_saves_and_leaves_with_130(folder, capsys, monkeypatch):
    monkeypatch.setattr(progress, "progress", Stop)
    data = ["--data", folder / "data.tsv", "--output", folder / "stopped"]
    assert call("train", "classifier", *data, *OPTIONS) == 130
    assert "ended by Ctrl-C: kept epoch 1; --resume goes on" in capsys.readouterr().out
    assert (folder / "stopped" / "card.json").is_file()
    assert (folder / "stopped.training" / "plan.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--label-column", "mood"), "must have a column 'mood', got text, label"),
        (("--split", "80"), "--split must be three shares such as 80/10/10, got '80'"),
        (("--set", "units"), "a setting must be NAME=VALUE, got 'units'"),
        (("--set", "colour=3"), "got 'colour'"),
        (("--encoding", "utf-9"), "encoding must be one of Python's, got 'utf-9'"),
        (("--test", "no.tsv"), "there is no file no.tsv"),
        (("--output", "."), "which holds other things"),
    ],
)
def test_bad_input_is_one_line_and_2(arguments, line, folder, capsys):
    data = ["--data", folder / "data.tsv", "--output", folder / "new"]
    assert call("train", "classifier", *data, *arguments) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert line in said[-1]
    assert said[-1].startswith("elman: ")
    assert not (folder / "new").exists()
