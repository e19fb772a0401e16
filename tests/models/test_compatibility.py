"""The program that makes docs/compatibility.md: some of its cells, and the page as it stands."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import compatibility

ERAS = {era.title: era for era in compatibility.ERAS}
ROWS = {row.title: row for row in compatibility.ROWS}
LARGEST = 1e-6  # of 32 bits against 64, after T = 5 steps

CELLS = [
    ("LSTM", "Keras 1.0"),
    ("GRU, reset before the product", "Keras 1.2"),
    ("A stack in a stack", "Keras 2.0"),
    ("CuDNNGRU", "Keras 2.2"),
    ("Conv1D", "TF 1.12"),
    ("An operation, `tf.abs(x)`", "TF 1.15, 2.0"),
    ("LSTM called twice", "TF 2.4"),
    ("Dense", "Keras 3 `.h5`"),
    ("Masking, GRU", "Keras 3 `.keras`"),
    ("Weights alone, LSTM and Dense", "Keras 1.2"),
]


@pytest.mark.parametrize(("row", "era"), CELLS, ids=lambda title: title)
def test_cells(row, era):
    said, why = compatibility.cell(ROWS[row], ERAS[era])
    assert not why
    assert float(said) < LARGEST


@pytest.mark.parametrize("era", ["Keras 2.15 `.h5`", "Keras 2.15 `.keras`"])
def test_cells_of_keras2(era):
    pytest.importorskip("tensorflow", reason="tf-keras, the judge, needs TensorFlow")
    pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")
    said, why = compatibility.cell(ROWS["Bidirectional LSTM"], ERAS[era])
    assert not why
    assert float(said) < LARGEST


def test_a_difference_is_seen(tmp_path):
    """Of the second call too, to which a state is carried."""
    row = ROWS["LSTM, `stateful`, two batches"]

    def wrong(era):
        laid = row.laid(era)
        return laid._replace(truth=lambda x: [laid.truth(x)[0], laid.truth(x)[1] + 0.25])

    found = compatibility.difference(
        dataclasses.replace(row, laid=wrong), ERAS["Keras 2.2"], tmp_path
    )
    assert found == pytest.approx(0.25, abs=1e-5)


def test_what_there_was_not():
    for title in ("Keras 1.0", "Keras 2.0", "Keras 3 `.keras`"):
        assert compatibility.cell(ROWS["CuDNNLSTM"], ERAS[title]) == ("-", "")


def test_a_file_that_does_not_load_says_why():
    row = dataclasses.replace(ROWS["Lambda, with `functions=`"], functions=None)
    lines, reasons = compatibility.table([row], [ERAS["Keras 2.2"]])
    assert lines[2] == "| Lambda, with `functions=` | no |"
    assert re.fullmatch(r"\| Lambda, with .*, Keras 2\.2 \| .*byte code, .*functions=.* \|",
                        reasons[0])  # fmt: skip


def test_what_does_not_load():
    found = dict(compatibility.refusals())
    assert len(found) == 5
    assert 'functions={"twice": ...}' in found["a Lambda, without `functions=`"]


def test_the_page_is_of_this_program():
    """Its rows and columns; numbers that say the files load."""
    text = compatibility.PAGE.read_text()
    assert f"\n    {compatibility.COMMAND}\n" in text
    tables = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
        for part in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]
    head, _, *rows = tables[0]
    assert head == ["", *ERAS], "make the page again: see its last paragraph"
    assert [row[0] for row in rows] == [*ROWS], "make the page again: see its last paragraph"
    for title, *cells in rows:
        for era, said in zip(ERAS, cells, strict=True):
            if said == "no":
                assert f"| {title}, {era} | " in text
            elif said != "-":
                assert re.fullmatch(r"0|\de-\d\d", said), (title, era, said)
                assert float(said) < LARGEST
    assert [row[0] for row in tables[1][2:7]] == [title for title, _ in compatibility.refusals()]
