"""Splits and sources: nothing lost, nothing twice, and every kind of file a task takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.tasks import sources
from elman.tasks.sources import Reading, fractions, read_parts, read_source, split


@given(st.integers(1, 300), st.integers(0, 9))
def test_a_split_has_each_once_in_about_its_share(count, seed):
    parts = split(count, (0.8, 0.1, 0.1), seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert abs(len(parts[0]) - 0.8 * count) <= 0.5
    assert (np.concatenate(parts) == np.random.default_rng(seed).permutation(count)).all()


@given(st.lists(st.sampled_from("abbcccc"), min_size=1, max_size=200))
def test_a_split_by_labels_has_each_label_in_its_share(labels):
    parts = split(len(labels), (0.6, 0.2, 0.2), labels=labels)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    for label in {*labels}:
        share = sum(labels[i] == label for i in parts[0])
        assert abs(share - 0.6 * labels.count(label)) <= 0.5


@given(st.lists(st.integers(0, 20), min_size=1, max_size=100))
def test_a_split_by_groups_parts_none(groups):
    parts = split(len(groups), (0.5, 0.3, 0.2), 3, groups=groups)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    kinds = [{groups[i] for i in part} for part in parts]
    assert sum(map(len, kinds)) == len({*groups})
    assert all(kinds) or len({*groups}) < 3


@pytest.mark.parametrize("text", ["80/20", "a/b/c", "0/50/50", "-1/1/1", ""])
def test_shares_that_are_none(text):
    with pytest.raises(ValueError, match="--split must be three shares such as 80/10/10"):
        fractions(text)


def test_columns_are_taken_by_their_usual_names(tmp_path):
    (tmp_path / "a.tsv").write_text("id\tDocument\tlabel\n1\tx\t 2   \n2\ty\t2\n")
    source = read_source("classifier", tmp_path / "a.tsv", Reading())
    assert (source.reading.text_column, source.reading.label_column) == ("Document", "label")
    assert (source.X, source.y) == (["x", "y"], ["2", "2"])
    (tmp_path / "b.csv").write_text("Q,A,label\nhow,well,0\n")
    source = read_source("seq2seq", tmp_path / "b.csv", Reading())
    assert (source.X, source.y) == (["how"], ["well"])
    (tmp_path / "c.csv").write_text("번호,리뷰,평가\n7,좋다,긍정\n8,싫다,부정\n", "utf-8")
    for reading in (Reading(), Reading("리뷰", form="NFD")):
        assert len(read_source("classifier", tmp_path / "c.csv", reading)) == 2
    source = read_source("classifier", tmp_path / "c.csv", Reading())
    assert (source.X, source.y) == (["좋다", "싫다"], ["긍정", "부정"])
    (tmp_path / "d.csv").write_text("질문,답변\n배고파,먹자\n", "utf-8")
    source = read_source("seq2seq", tmp_path / "d.csv", Reading())
    assert (source.X, source.y) == (["배고파"], ["먹자"])
    (tmp_path / "pairs.txt").write_text("go\tgeh\tby me\nstay\tbleib\tby you\n")
    source = read_source("seq2seq", tmp_path / "pairs.txt", Reading())
    assert (source.X, source.y) == (["go", "stay"], ["geh", "bleib"])


@pytest.mark.parametrize(
    ("task", "reading", "told"),
    [
        ("classifier", Reading(pictures=("a",)), "--pictures must be given to a captioner"),
        ("tagger", Reading(group_column="a"), "--group-column must be given to another task"),
    ],
)
def test_what_a_task_does_not_read_by_is_refused(task, reading, told):
    with pytest.raises(ValueError, match=told):
        read_source(task, "none", reading)


def test_a_text_without_a_label_teaches_a_classifier_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,1\nso so,\n,0\nbad, \n")
    with pytest.raises(ValueError, match=r"a\.csv, line 3: must have something in .* 'label'"):
        read_source("classifier", path, Reading())
    source = read_source("classifier", path, Reading(skip_bad=True))
    assert (source.X, source.y, source.skipped) == (["good", ""], ["1", "0"], 2)


def test_columns_within_the_objects_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "data": {"text": "good"}, "label": {"name": "1"}}\n')
    with pytest.raises(ValueError, match=r"within an object is called data\.text, label\.name"):
        read_source("classifier", path, Reading())
    source = read_source("classifier", path, Reading("data.text", "label.name"))
    assert (source.X, source.y) == (["good"], ["1"])


@pytest.mark.parametrize("held", [0, 1 << 26], ids=["streamed", "held"])
def test_sources_stream_where_files_are_large(held, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HELD_BYTES", held)
    (tmp_path / "a.tsv").write_text("source\ttarget\na\tA\nb\tB\nc\tC\n")
    source = read_source("seq2seq", tmp_path / "a.tsv", Reading())
    assert isinstance(source.X, list) == bool(held)
    part = source.select(np.array([2, 0]))
    for _ in range(2):
        assert (list(part.X), list(part.y)) == (["a", "c"], ["A", "C"])
    (tmp_path / "a.conll").write_text("a\tO\n\nb\tO\nc\tB-x\n")
    part = read_source("tagger", tmp_path / "a.conll", Reading()).select(np.array([1]))
    assert (list(part.X), list(part.y), len(part)) == ([["b", "c"]], [["O", "B-x"]], 1)


def test_arrays_folders_and_groups(tmp_path):
    columns = {"digit": [3, 5], "who": ["a", "b"]}
    np.savez(tmp_path / "a.npz", features=np.ones((4, 2)), offsets=[0, 1, 4], **columns)
    source = read_source("classifier", tmp_path / "a.npz", Reading(group_column="who"))
    assert [len(x) for x in source.X] == [1, 3]
    assert (source.y, source.groups) == ([3, 5], ["a", "b"])
    (tmp_path / "classes").mkdir()
    for label in ("neg", "pos"):
        (tmp_path / "classes" / f"film.{label}").write_text(f"so {label}\n")
    source = read_source("classifier", tmp_path / "classes", Reading())
    assert (source.X, source.y) == (["so neg", "so pos"], ["neg", "pos"])


def test_tokens_without_tags_cannot_be_learnt_from(tmp_path):
    (tmp_path / "a").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match="must have a tag for each token, got tokens alone"):
        read_source("tagger", tmp_path / "a", Reading())


def test_parts_come_from_files_or_are_held_out(tmp_path):
    for name, rows in (("data", 100), ("other", 7)):
        lines = "".join(f"text {i}\t{i % 2}\n" for i in range(rows))
        (tmp_path / f"{name}.tsv").write_text("text\tlabel\n" + lines)
    data, other = str(tmp_path / "data.tsv"), str(tmp_path / "other.tsv")

    def sizes(**files):
        return {k: len(part) for k, part in read_parts("classifier", data, **files).items()}

    assert sizes() == {"train": 80, "valid": 10, "test": 10}
    assert sizes(test=other) == {"train": 96, "valid": 4, "test": 7}
    assert sizes(valid=other) == {"train": 100, "valid": 7}
    assert sizes(valid=other, test=other) == {"train": 100, "valid": 7, "test": 7}
    assert sizes(test=other, fractions=(1, 0, 0)) == {"train": 100, "test": 7}
    assert sizes(fractions=(0.9, 0, 0.1)) == {"train": 90, "test": 10}


def test_all_columns_that_are_missing_are_told_at_once(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("satz,art\na,b\nc,d\n")
    with pytest.raises(ValueError, match=r"text, .* and a column called label, .* got satz, art"):
        read_source("classifier", path, Reading(header=True))
    with pytest.raises(ValueError, match=r"with --label-column$"):
        read_source("classifier", path, Reading(text_column="satz", header=True))
    with pytest.raises(
        ValueError,
        match=r"'sats' \(did you mean 'satz'\?\) and a column 'tag' and a column 'who', got "
        r"satz, art; say which one with --text-column and --label-column and --group-column$",
    ):
        read_source("classifier", path, Reading("sats", "tag", "who", header=True))
    np.savez(tmp_path / "a.npz", features=np.ones((4, 2)), offsets=[0, 1, 4], digit=[3, 5])
    with pytest.raises(ValueError, match="a column 'tag' and a column 'who', got digit"):
        read_source("classifier", tmp_path / "a.npz", Reading(None, "tag", "who"))
    (tmp_path / "a.conll").write_text("a\tO\n\nb\tO\n")
    with pytest.raises(ValueError, match="a column '3' and a column '4', got 1, 2; "):
        read_source("tagger", tmp_path / "a.conll", Reading("3", "4"))


def test_a_tagger_does_not_learn_from_a_table_as_one_sentence(tmp_path):
    (tmp_path / "a.tsv").write_text("a\tO\nb\tO\n")
    with pytest.raises(ValueError, match=r"empty line after each sentence, got one .* of 2 tokens"):
        read_parts("tagger", str(tmp_path / "a.tsv"))
