"""Run folders: what is in them, that nothing is lost, and that the same seed gives the same."""

import errno
import json
import shutil

import keras
import numpy as np
import pytest
from sklearn import metrics

from elman import tasks
from elman.tasks import runs
from elman.tasks.predictions import predictions, reading_of
from elman.tasks.reports import summary
from elman.tasks.saved import WRITTEN
from elman.tasks.sources import Reading

# A small model and texts of one length, which make one shape of batches: quick to compile.
SETTINGS = {
    "units": 3,
    "embedding": 4,
    "bidirectional": False,
    "pooling": "max",
    "ngrams": False,
    "unit": "character",
    "epochs": 3,
    "batch_size": 16,
}


def write_data(path, rows=60, labels=("bad", "good")):
    chosen = [labels[i % len(labels)] for i in range(rows)]
    lines = (f"{i}\tit is {label:<5} {i:03}\t{label}" for i, label in enumerate(chosen))
    path.write_text("id\tdocument\tmood\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def train(folder, name="run", task="classifier", **changes):
    settings = {"data": str(folder / "data.tsv"), "reading": Reading(label_column="mood")}
    settings |= {"settings": SETTINGS} | changes
    return runs.train(task, settings.pop("data"), str(folder / name), **settings)


def weights(run):
    return tasks.load(run).model.get_weights()


def same(a, b):
    return all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data and a run, and what was said."""
    folder = tmp_path_factory.mktemp("trained")
    write_data(folder / "data.tsv")
    said = []
    report = train(folder, say=said.append)
    return folder, report, said


def test_a_run_folder_has_all_that_was_promised(trained):
    folder, report, said = trained
    run = folder / "run"
    written = {path.name for path in run.iterdir()}
    assert {"card.json", "model.keras", "report.json", "report.md"} <= written
    assert {"learning.png", "confusion.png"} <= written <= WRITTEN
    assert not (folder / "run.training").exists()
    assert json.loads((run / "report.json").read_text()) == json.loads(json.dumps(report))
    assert said[0] == f"train: 48 examples of {folder / 'data.tsv'}, columns document -> mood"
    assert [report["data"][part]["examples"] for part in ("train", "valid", "test")] == [48, 6, 6]
    for text in ("| measure | test | valid |", "![Confusion matrix](confusion.png)", "seed 0"):
        assert text in (run / "report.md").read_text()
    told = runs.info(str(run))
    assert "test: accuracy" in told
    assert f"data: train {folder / 'data.tsv'}; seed 0" in told
    assert "\n3 epochs, " in told


def test_the_scores_are_those_of_its_answers(trained):
    folder, _, _ = trained
    found = runs.evaluate(str(folder / "run"), str(folder / "data.tsv"))
    told = list(predictions(str(folder / "run"), [str(folder / "data.tsv")]))
    true = [row["text"].split()[2] for row in told]
    predicted = [row["label"] for row in told]
    assert len(told) == 60
    assert found["scores"]["test"]["accuracy"] == metrics.accuracy_score(true, predicted)
    assert all(0.5 <= row["probability"] <= 1 for row in told)


class Stop(keras.callbacks.Callback):
    """Ctrl-C in the third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_best_so_far_and_the_same_seed_resumed_the_same_weights(trained):
    folder, whole, _ = trained
    closed = []
    stop = Stop()
    stop.close = lambda: closed.append(True)
    report = train(folder, "stopped", callbacks=[stop])
    assert closed == [True]
    assert report["training"]["interrupted"]
    assert len(report["training"]["history"]) == 2
    assert "ended by Ctrl-C" in (folder / "stopped" / "report.md").read_text()
    assert len(list(predictions(str(folder / "stopped"), ["so good"]))) == 1
    with pytest.raises(FileExistsError, match="do: --resume to go on, --overwrite to begin anew"):
        train(folder, "stopped")
    with pytest.raises(ValueError, match="--resume must get the same seed as before, 0, got 1"):
        train(folder, "stopped", resume=True, seed=1)
    with pytest.raises(
        ValueError, match=r"settings as before, \{'units': 3\}, got \{'units': 4\};"
    ):
        train(folder, "stopped", resume=True, settings=SETTINGS | {"units": 4})
    report = train(folder, "stopped", resume=True)
    assert report["training"]["history"] == whole["training"]["history"]
    assert not report["training"]["interrupted"]
    assert same(weights(folder / "run"), weights(folder / "stopped"))


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_nothing(trained, monkeypatch):
    folder, _, _ = trained
    before = weights(folder / "run")
    for writing in ("pathlib.Path.write_text", "keras.Model.save"):
        with monkeypatch.context() as patch:
            patch.setattr(writing, full)
            with pytest.raises(OSError, match="No space left"):
                tasks.load(folder / "run").save(folder / "run")
    with monkeypatch.context() as patch:
        patch.setattr("keras.Model.save", full)
        with pytest.raises(OSError, match="No space left"):
            train(folder, overwrite=True, settings={**SETTINGS, "learning_rate": 0.1})
    assert same(weights(folder / "run"), before)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    assert (folder / "run.training" / "state.json").is_file()  # --resume ends it in no time
    shutil.rmtree(folder / "run.training")


def test_what_is_there_is_not_overwritten(trained):
    folder, _, _ = trained
    with pytest.raises(FileExistsError, match=r"run, which is there; do: --overwrite"):
        train(folder)
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="which holds other things"):
        train(folder, "mine", overwrite=True)
    with pytest.raises(FileNotFoundError, match="--resume must find a training"):
        train(folder, "new", resume=True)


def test_two_trainings_do_not_share_a_folder(trained):
    """The second ends before it takes anything away; files of others stay, an old report goes."""
    folder, _, _ = trained
    shutil.copytree(folder / "run", folder / "twice")
    (folder / "twice" / "notes.txt").write_text("mine")
    second = []

    class Second(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for how in ({"overwrite": True}, {"resume": True}):
                with pytest.raises(FileExistsError, match="of no training that is going on"):
                    train(folder, "twice", **how)
                second.append(how)

    seen = []
    say = lambda line: seen.append({path.name for path in (folder / "twice").iterdir()})  # noqa: E731
    train(folder, "twice", overwrite=True, callbacks=[Second()], say=say)
    assert len(second) == 2 * SETTINGS["epochs"]
    assert seen[-1] == {"card.json", "model.keras", "tokenizer.json", "notes.txt"}
    assert same(weights(folder / "run"), weights(folder / "twice"))
    assert not (folder / "twice.training").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": {"unitz": 3}}, "'unitz'; did you mean unit"),
        ({"settings": {"colour": 3}}, "got 'colour'; there are: "),
        (
            {"reading": Reading(label_column="moods")},
            r"'moods' \(did you mean 'mood'\?\), got",
        ),
        (
            {"reading": Reading()},
            "called label, class, .* got id, document, mood; say which .*--label",
        ),
        ({"reading": Reading("text", "mood")}, "must have a column 'text', got id, document, mood"),
        ({"task": "parser"}, "task must be one of classifier, tagger"),
    ],
)
def test_wrong_settings_and_columns_are_told_before_anything_is_written(changes, message, trained):
    folder, _, _ = trained
    with pytest.raises(ValueError, match=message):
        train(folder, "new", **changes)
    assert not (folder / "new.training").exists()


@pytest.mark.parametrize("units", [0, 3], ids=["setting", "ctrl-c"])
def test_a_training_without_an_epoch_leaves_nothing_behind(units, trained):
    folder, _, _ = trained
    stop = Stop()
    stop.on_train_begin = lambda logs=None: stop.on_epoch_begin(2)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        train(folder, "begun", settings={**SETTINGS, "units": units}, callbacks=[stop])
    assert not list(folder.glob("*begun*"))


def test_one_class_only_and_an_empty_file(tmp_path):
    write_data(tmp_path / "data.tsv", labels=("good",))
    with pytest.raises(ValueError, match="at least two classes, got 1"):
        train(tmp_path)
    (tmp_path / "data.tsv").write_text("")
    with pytest.raises(ValueError, match="got an empty file"):
        train(tmp_path, "other")
    (tmp_path / "data.tsv").write_text("document\tlabel\n")
    with pytest.raises(ValueError, match="at least one row below its header"):
        train(tmp_path, "other", reading=Reading())


def test_labels_never_seen_in_training_are_counted_and_told(trained, tmp_path):
    folder, _, _ = trained
    data = write_data(tmp_path / "test.tsv", 6, ("bad", "good", "odd"))
    found = runs.evaluate(str(folder / "run"), data)
    assert found["data"]["test"]["unseen"] == {"odd": 2}
    both = {part: {**found[part], "valid": trained[1][part]["valid"]} for part in found}
    assert "test has labels never seen in training, and so always wrong: odd" in summary(both, "")
    assert found["scores"]["test"]["classes"]["odd"]["recall"] == 0
    assert found["scores"]["test"]["accuracy"] <= 4 / 6


def test_labels_of_the_validation_data_must_be_learnt(trained, tmp_path):
    folder, _, _ = trained
    valid = write_data(tmp_path / "valid.tsv", 6, ("good", "new"))
    with pytest.raises(
        ValueError, match=r"in the validation data, labels must be .* got new; leave"
    ):
        train(folder, "unlearnt", valid=valid)


@pytest.mark.variant
def test_validation_examples_join_the_memory_once_they_have_been_scored(tmp_path):
    words = ["one", "two", "three", "four", "five", "six"]
    lines = [f"{a} {b}\t{b[::-1]} {a[::-1]}" for a in words for b in words]
    (tmp_path / "data.tsv").write_text("source\ttarget\n" + "\n".join(lines[:30]) + "\n")
    (tmp_path / "valid.tsv").write_text("source\ttarget\n" + "\n".join(lines[30:]) + "\n")
    settings = {"units": 4, "embedding": 4, "epochs": 1, "attention": None}
    files = {"data": str(tmp_path / "data.tsv"), "valid": str(tmp_path / "valid.tsv")}
    report = train(
        tmp_path, task="seq2seq", reading=Reading(), settings=settings, fractions=(1, 0, 0), **files
    )
    assert len(tasks.load(tmp_path / "run").memory_.texts) == 36
    again = runs.evaluate(str(tmp_path / "run"), files["valid"])["scores"]["test"]
    assert report["scores"]["valid"]["exact_match"] < again["exact_match"] == 1


def test_bad_lines_are_counted_in_the_report(trained, tmp_path):
    folder, _, _ = trained
    write_data(tmp_path / "data.tsv", 12)
    with (tmp_path / "data.tsv").open("a") as file:
        file.write("broken\n")
    reading = Reading(label_column="mood", skip_bad=True)
    found = runs.evaluate(str(folder / "run"), str(tmp_path / "data.tsv"), reading)
    assert found["data"]["test"]["skipped"] == 1
    assert "\ntest: 1 bad line left out, the first: " in summary(found, "")
    assert "line 14: must have 3 columns" in found["data"]["test"]["skipped_lines"][0]


def test_a_run_keeps_the_columns_and_not_the_encoding_of_its_data(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained[0] / "run", run)
    card = json.loads((run / "card.json").read_text())
    card["reading"] |= {"encoding": "cp949", "skip_bad": True}
    (run / "card.json").write_text(json.dumps(card))
    new = tmp_path / "new.tsv"
    new.write_text("document\tmood\n그저 그렇다\tbad\n", "utf-8")
    assert next(predictions(str(run), [str(new)]))["text"] == "그저 그렇다"
    new.write_text("document\tmood\n그저 그렇다\tbad\nbroken\n", "cp949")
    with pytest.raises(ValueError, match=r"line 2: must be utf-8, .* encoding='cp949' would read"):
        list(predictions(str(run), [str(new)]))
    with pytest.raises(ValueError, match="line 3: must have 2 columns"):
        runs.evaluate(str(run), str(new), reading_of(str(run), encoding="cp949"))


def test_half_written_and_foreign_run_folders_are_told(trained, tmp_path):
    folder, _, _ = trained
    card = json.loads((folder / "run" / "card.json").read_text())
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(trained[0] / "run" / "card.json", half)
    with pytest.raises(FileNotFoundError, match=r"half must hold all .* got no tokenizer\.json"):
        tasks.load(half)
    shutil.copy(folder / "run" / "model.keras", half)
    for part in ("tokenizer.json", "model.keras"):
        whole = (folder / "run" / part).read_bytes()
        (half / part).write_bytes(whole[:100])
        with pytest.raises(ValueError, match=rf"half/{part}"):
            tasks.load(half)
        (half / part).write_bytes(whole)
    (half / "card.json").write_text(json.dumps({**card, "settings": {"gates": 5}}))
    with pytest.raises(ValueError, match="settings of this version of elman, got gates, of elman"):
        tasks.load(half)
    with pytest.raises(FileNotFoundError, match=r"must hold card\.json, got none"):
        list(predictions(str(tmp_path), ["x"]))
    for change, message in [
        ({"format": 99}, "must be of format 2, got 99, written by elman"),
        ({"kind": None}, "must be a folder that elman train wrote"),
        ({"learnt": None}, "must be as save.. wrote it, got none of learnt"),
    ]:
        changed = {name: value for name, value in {**card, **change}.items() if value is not None}
        (tmp_path / "card.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=message):
            list(predictions(str(tmp_path), ["x"]))
    (tmp_path / "card.json").write_text('{"format": 2')
    with pytest.raises(ValueError, match="must be JSON"):
        list(predictions(str(tmp_path), ["x"]))


def test_answers_come_from_texts_files_and_lines(trained, tmp_path, monkeypatch):
    folder, _, _ = trained
    run = str(folder / "run")
    (tmp_path / "lines.txt").write_text("it is good\n\nit is bad\n")
    (tmp_path / "so, so").mkdir()
    monkeypatch.chdir(tmp_path)  # a text may be the name of a folder
    told = list(
        predictions(run, [str(tmp_path / "lines.txt"), "-", "so, so"], stdin=["data.tsv\n"])
    )
    assert [row["text"] for row in told] == ["it is good", "", "it is bad", "data.tsv", "so, so"]
    with pytest.raises(ValueError, match=r"must be of text for this run, got a\.npy"):
        list(predictions(run, ["a.npy"]))
    with pytest.raises(FileNotFoundError, match=r"did you mean lines\.txt"):
        list(predictions(run, [str(tmp_path / "line.txt")]))
    assert np.isfinite([row["probability"] for row in told]).all()
