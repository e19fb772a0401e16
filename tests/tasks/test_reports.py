"""Scores, tables and pictures of a report."""

import io

import numpy as np
import pytest
import sacrebleu
from PIL import Image
from sklearn import metrics

from elman.tasks import demo, plots, reports
from elman.tasks.progress import Bar, Lines, progress


def test_classes_are_scored_as_scikit_learn_does():
    random = np.random.default_rng(0)
    true, predicted = (random.integers(0, 4, 50).tolist() for _ in range(2))
    found = reports.scores_of("classifier", true, predicted)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(true, predicted, average="macro"))
    assert found["classes"]["2"]["recall"] == pytest.approx(
        metrics.recall_score(true, predicted, labels=[2], average="macro")
    )
    assert sum(map(sum, found["confusion"]["counts"])) == 50


def test_tags_are_scored_by_entities_where_they_mark_some():
    true = [["B-x", "I-x", "O"], ["O", "B-y"]]
    found = reports.scores_of("tagger", true, [["B-x", "I-x", "O"], ["O", "O"]])
    assert found["entity_f1"] == pytest.approx(2 / 3)
    assert (found["accuracy"], found["classes"]["y"]["recall"]) == (0.8, 0)
    found = reports.scores_of("tagger", [["NOUN", "VERB"]], [["NOUN", "NOUN"]])
    assert "entity_f1" not in found
    assert found["accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_answers_may_have_several_references_each():
    true = [["a cat sits here", "one cat sits"], ["two dogs run off"]]
    predicted = ["one cat sits", "two dogs run away"]
    found = reports.scores_of("captioner", true, predicted)
    assert found["exact_match"] == 0.5
    best = sacrebleu.corpus_chrf(predicted, [["one cat sits", "two dogs run off"]]).score
    assert found["chrf"] == pytest.approx(best)
    assert reports.scores_of("seq2seq", ["a b c d"], ["a b c d"])["bleu"] == pytest.approx(100)


def test_a_list_begins_behind_an_empty_line_or_is_not_there():
    part = {"file": "a.tsv", "examples": 3, "skipped": 1, "skipped_lines": ["line 2: no"]}
    assert reports._data({"train": part}).endswith("| 1 |\n\n- left out: line 2: no")
    whole = part | {"skipped": 0, "skipped_lines": []}
    assert reports._data({"train": whole}).endswith("| 0 |")


def test_long_answers_are_cut_and_wrong_ones_called_so():
    rows = [{"read": "a" * 201, "true": "x", "answer": "y" * 200}]
    told = reports._examples({"task": "classifier", "examples": rows})
    assert told.startswith("## Some wrong answers\n")
    assert told.endswith(f"| {'a' * 199}… | x | {'y' * 200} |")
    assert reports._examples({"task": "tagger", "examples": rows}).startswith("## Some answers\n")


def test_letters_without_a_font_are_numbered_and_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "_font_with", lambda letters: None)
    note = plots.confusion(tmp_path / "a.png", ["긍정", "부정"], [[3, 1], [0, 2]])
    assert note.endswith("#1 긍정; #2 부정")
    monkeypatch.setattr(
        plots, "_font_with", lambda letters: plots.OWN if max(letters) < "\x7f" else None
    )
    fonts, words, note = plots.drawable(["6", "카", "$", "카"])
    assert (fonts, words) == ([plots.OWN], ["6", "#1", r"\$", "#1"])
    assert note.endswith(": #1 카")
    assert Image.open(tmp_path / "a.png").width > 100


def test_a_font_is_found_for_letters_it_has():
    assert plots.drawable(["naïve", "5 $"]) == (["DejaVu Sans"], ["naïve", r"5 \$"], "")
    assert plots._font_with(frozenset("\U000f1234")) is None


def test_the_demo_has_letters_of_its_own(monkeypatch):
    """On a machine with no other font than matplotlib's."""
    manager = plots.font_manager.fontManager
    own = [entry for entry in manager.ttflist if entry.name == plots.OWN]
    monkeypatch.setattr(manager, "ttflist", own)
    plots._font_with.cache_clear()
    try:
        fonts, _, note = plots.drawable([*demo.KOREAN, "여덟\n(아홉)"])
        assert (fonts, note) == (["elman Hangul"], "")
        assert plots.drawable(["책"])[2]
    finally:
        plots._font_with.cache_clear()


def test_pictures_are_drawn_whole_or_not_at_all(tmp_path, monkeypatch):
    matrix = np.eye(40, dtype=int)
    assert plots.confusion(tmp_path / "a.png", [str(i) for i in range(40)], matrix) == ""
    plots.attention(tmp_path / "b.png", [["a", "b"]], [["c"]], [np.array([[0.2, 0.8]])])
    plots.captions(tmp_path / "c.png", [np.zeros((4, 4, 3), "uint8")] * 5, list("abcde"))
    plots.learning_curves(tmp_path / "d.png", [{"loss": 2.0, "val_loss": 3.0}] * 2, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png", "c.png", "d.png"]

    def full(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(plots.Figure, "savefig", full)
    before = (tmp_path / "d.png").read_bytes()
    with pytest.raises(OSError, match="No space"):
        plots.learning_curves(tmp_path / "d.png", [{"loss": 2.0}], 1)
    assert (tmp_path / "d.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 4


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run_through(shown, epochs=2, steps=3, first=0):
    shown.set_params({"epochs": epochs, "steps": steps})
    shown.on_train_begin()
    for epoch in range(first, epochs):
        shown.on_epoch_begin(epoch)
        for step in range(steps):
            shown.on_train_batch_end(step)
        shown.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25})
    shown.on_train_end()


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere():
    lines = io.StringIO()
    assert isinstance(progress(lines), Lines)
    run_through(progress(lines), first=1, epochs=3)
    first, second = lines.getvalue().splitlines()
    assert first.startswith("epoch 2/3: loss 0.5000, val_loss 0.2500; ")
    assert second.endswith(" 0 s left")
    terminal = Terminal()
    bar = progress(terminal)
    assert isinstance(bar, Bar)
    run_through(bar)
    assert bar.bar.finished
    assert "epoch 2/2" in terminal.getvalue()
    assert "val_loss 0.2500" in terminal.getvalue()
