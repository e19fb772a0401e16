"""Tables: what is read is what was written, headers are found safely, bad lines are told."""

import csv
import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real import real

from elman.data import BadLine, read_labelled, read_parallel, read_table

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff\0"))
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t\ufeff"))


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


@given(st.lists(st.tuples(CELL, CELL), min_size=1))
def test_csv_reads_what_csv_writes(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("first", "second"), *rows])
    table = read_table(path, header=True, form=None)
    assert [tuple(row.values()) for row in table] == rows
    assert len(table) == len(rows)


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1))
def test_tsv_cells_are_what_stands_between_tabs(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    write(path, "".join("\t".join(row) + "\r\n" for row in [("first", "second"), *rows]))
    table = read_table(path, header=True, form=None)
    assert list(table.column("second")) == [row[1] for row in rows]


@given(st.lists(st.tuples(CELL, CELL), min_size=1))
def test_jsonl_reads_what_json_writes(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("jsonl") / "a"
    write(path, "".join(json.dumps(dict(zip("ab", row, strict=True))) + "\n" for row in rows))
    assert [tuple(row.values()) for row in read_table(path, form=None)] == rows


def test_json_values_that_are_no_text(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"t": "\\u1112\\u1161", "n": 0, "b": true, "x": null}\n')
    assert list(read_table(path)) == [{"t": "하", "n": "0", "b": "true", "x": ""}]


def test_iterating_twice_and_at_once_gives_the_same(tmp_path):
    table = read_table(write(tmp_path / "a.tsv", "text\tlabel\na\t0\nb\t1\nc\t0\n"))
    texts, labels = table.column("text"), table.column("label")
    assert list(zip(texts, labels, strict=True)) == [("a", "0"), ("b", "1"), ("c", "0")]
    assert list(texts) == list(texts) == ["a", "b", "c"]
    assert len(texts) == 3


def test_select_keeps_the_files_order_and_goes_on(tmp_path):
    table = read_table(write(tmp_path / "a", "a\nb\nc\nd\n"))
    some = table.select([3, 1, 1])
    assert list(some.column("text")) == ["b", "d"]
    assert len(some) == 2
    assert list(some.select([1]).column("text")) == ["d"]


@pytest.mark.parametrize(
    ("name", "text", "columns", "header"),
    [
        ("numbers_below", "id\tdocument\n7\tx\n", ("id", "document"), True),
        ("names_of_all", "question\tanswer\nhow\twell\n", ("question", "answer"), True),
        ("few_values", "review\tmood\n" + "so so,\tsad\nwell,\tglad\nno\tsad\n" * 9, None, True),
        ("no_header", "ham\tOk lar...\n" + "spam\tFree\nham\tHi\n" * 9, ("1", "2"), False),
        ("number_first", "1\tgood\n0\tbad\n", ("1", "2"), False),
        ("sentences", "Go.\t가.\nHi.\t안녕.\n", ("1", "2"), False),
        ("twice_the_same", "text\ttext\na\tb\n", ("1", "2"), False),
        ("one_row", "dogs\tcats\n", ("1", "2"), False),
    ],
)
def test_headers_are_found_where_rows_bear_them_out(name, text, columns, header, tmp_path):
    table = read_table(write(tmp_path / f"{name}.tsv", text))
    assert table.header is header
    assert table.columns == (columns or ("review", "mood"))
    assert len(list(table)) == text.count("\n") - header


def test_a_name_that_is_wanted_makes_a_header(tmp_path):
    path = write(tmp_path / "a.tsv", "dogs\tcats\nRex\tMinka\n")
    assert read_table(path).columns == ("1", "2")
    assert read_table(path, wanted=["cats", None]).columns == ("dogs", "cats")
    assert read_table(path, wanted=["cows"]).columns == ("1", "2")


def test_header_can_be_said(tmp_path):
    path = write(tmp_path / "a.tsv", "dogs\tcats\n1\t2\n")
    assert read_table(path, header=False).columns == ("1", "2")
    assert len(read_table(path, header=False)) == 2
    with pytest.raises(ValueError, match=r"got 1, 2; .*Its first line is no header: dogs, cats"):
        read_table(path, header=False).column("dogs")
    with pytest.raises(ValueError, match="different names of columns, got 'x' twice"):
        read_table(write(tmp_path / "b.tsv", "x\tx\n1\t2\n"), header=True)


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.csv", "a;b;c\n1;2;3\n", ("a", "b", "c")),
        ("a.csv", '"a,1","b"\n1,2\n', ("1", "2")),
        ("captions.txt", "image,caption\nx.png,A dog, two cats\n", None),
        ("captions.txt", 'image,caption\nx.png,"A dog, a cat"\n', ("image", "caption")),
        ("reviews", "well, well\nso so, so\n", ("text",)),
        ("reviews", "{curly} but no object\n", ("text",)),
        ("reviews", '{"a": 1}\n', ("a",)),
    ],
)
def test_formats_by_name_and_content(name, text, columns, tmp_path):
    path = write(tmp_path / name, text)
    if columns is None:
        with pytest.raises(BadLine, match=r"must have 2 columns \(image, caption\), got 3"):
            list(read_table(path))
    else:
        assert read_table(path).columns == columns


def test_plain_text_keeps_empty_lines_and_tables_do_not(tmp_path):
    assert list(read_table(write(tmp_path / "a", "a\n\nb\n")).column("text")) == ["a", "", "b"]
    assert len(read_table(write(tmp_path / "a.tsv", "text\tid\n\na\t1\n\n"))) == 1


def test_tabs_and_quotes_go_by_the_format(tmp_path):
    text = 'text\tid\n"so\t1\n'
    assert list(read_table(write(tmp_path / "a.tsv", text)).column("text")) == ['"so']
    quoted = 'text\tid\n"so\tso"\t1\n'
    assert list(read_table(write(tmp_path / "b.tsv", quoted), quoted=True)) == [
        {"text": "so\tso", "id": "1"}
    ]


BAD = {
    "too_few.tsv": ("text\tid\na\t1\nb\nc\t3\n", 3, r"must have 2 columns \(text, id\), got 1"),
    "no_quote.csv": ('text,id\na,1\n"b,2\nc,3\n', 3, "must be CSV, got a wrong quote"),
    "not_json.jsonl": ('{"text": "a"}\n{"text": \n{"text": "c"}\n', 2, "must be a JSON object"),
    "a_list.jsonl": (
        '{"text": "a"}\n["b"]\n{"text": "c"}\n',
        2,
        "must be a JSON object, got a list",
    ),
    "an_array.json": (
        '[{"text": "b"}]\n{"text": "a"}\n{"text": "c"}\n',
        1,
        "must be a JSON object, got a list",
    ),
    "no_key.jsonl": ('{"text": "a"}\n{"t": "b"}\n{"text": "c"}\n', 2, "must have the key 'text'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lines_are_told_or_skipped_and_counted(name, tmp_path):
    text, line, what = BAD[name]
    path = write(tmp_path / name, text)
    with pytest.raises(BadLine, match=rf"{name}, line {line}: {what}"):
        list(read_table(path))
    table = read_table(path, skip_bad=True)
    assert list(table.column("text")) == ["a", "c"]
    assert table.skipped == 1
    assert f"line {line}:" in table.skipped_lines[0]
    assert list(table.column("text")) == ["a", "c"]
    assert table.skipped == 1


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl", "a.txt"])
@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"], ids=["nothing", "blank", "mark"])
def test_an_empty_file_is_told(name, text, tmp_path):
    with pytest.raises(ValueError, match="must have at least one line of text, got an empty file"):
        read_table(write(tmp_path / name, text))


def test_a_format_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="format must be one of tsv, csv, jsonl, text, got 'xls'"):
        read_table(write(tmp_path / "a", "x\n"), format="xls")


def test_parallel_files(tmp_path):
    source, target = write(tmp_path / "a.en", "one\ntwo\n"), write(tmp_path / "a.ko", "하나\n둘\n")
    assert list(read_parallel(source, target).column("target")) == ["하나", "둘"]
    write(target, "하나\n")
    with pytest.raises(ValueError, match="as many lines, got 2 and 1; line 2 has no partner"):
        list(read_parallel(source, target))


def test_classes_by_file_and_by_folder(tmp_path):
    by_file, by_folder = tmp_path / "files", tmp_path / "folders"
    by_file.mkdir()
    write(by_file / "film.pos.txt", "good\nfine\n")
    write(by_file / "film.neg.txt", "bad\n")
    write(by_file / "README.txt", "about\n")
    rows = [("bad", "neg"), ("good", "pos"), ("fine", "pos")]
    assert [tuple(row.values()) for row in read_labelled(by_file)] == rows
    for label, text in {"neg": "bad", "pos": "go\nod"}.items():
        (by_folder / label).mkdir(parents=True)
        write(by_folder / label / "1.txt", text)
    rows = [("bad", "neg"), ("go od", "pos")]
    assert [tuple(row.values()) for row in read_labelled(by_folder)] == rows
    (by_file / "film.neg.txt").unlink()
    with pytest.raises(ValueError, match=r"two classes or more, .*got"):
        read_labelled(by_file)


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("nsmc/ratings_test.txt.gz", 50_000, "id document label"),
        ("sms_spam/SMSSpamCollection.gz", 5_574, "1 2"),
        ("chatbot_ko/ChatbotData.csv.gz", 11_823, "Q A label"),
        ("chatterbot_en_ko/pairs_ko.tsv", 693, "category conversation turn question answer"),
        ("tatoeba_ko_en/kor.txt.gz", 3_833, "1 2 3"),
        ("classic_series/co2.csv", 2_284, "date co2"),
        ("classic_series/sunspots.csv", 309, "YEAR SUNACTIVITY"),
        ("tinyshakespeare/input.txt.gz", 40_000, "text"),
    ],
)
def test_real_tables(name, rows, columns):
    table = read_table(real(name))
    assert table.columns == tuple(columns.split())
    assert len(table) == rows


def test_real_spam_has_two_labels_and_its_quotes():
    table = read_table(real("sms_spam/SMSSpamCollection.gz"))
    labels = list(table.column("1"))
    assert (labels.count("ham"), labels.count("spam")) == (4_827, 747)
    assert sum('"' in text for text in table.column("2")) > 50


def test_real_classes_by_file():
    labels = list(read_labelled(real("rt_polarity")).column("label"))
    assert (labels.count("neg"), labels.count("pos")) == (5_331, 5_331)


def test_a_large_file_takes_little_memory(tmp_path):
    path = write(tmp_path / "a.tsv", "id\ttext\n" + "7\tso many words\n" * 30_000)
    texts = read_table(path).column("text")
    tracemalloc.start()
    length = sum(map(len, texts))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == 13 * 30_000
    assert peak < 100_000  # bytes, of a file of 480,000


def test_a_line_of_lists_without_end_is_a_bad_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n' + "[" * 100_000 + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: must be a JSON object"):
        list(read_table(path).column("text"))


def test_names_of_many_columns_are_compared_at_once(tmp_path):
    """40,000 names, of which the last stands twice, and what is said of them is short."""
    names = [f"column {i}" for i in range(40_000)]
    path = tmp_path / "wide.tsv"
    path.write_text("\t".join([*names, names[-1]]) + "\n" + "\t".join("1" * 40_001) + "\n")
    began = time.process_time()
    with pytest.raises(ValueError, match="different names of columns, got 'column 39999' twice"):
        read_table(path, header=True)
    path.write_text("\t".join(names) + "\nshort\tline\n")
    with pytest.raises(ValueError, match=r"must have 40000 columns \(column 0, .*more\)") as told:
        len(read_table(path, header=True))
    assert len(str(told.value)) < 1000
    assert time.process_time() - began < 10
