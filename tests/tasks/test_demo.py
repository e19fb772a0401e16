"""The demo: its parts beat what needs no network, and its picture is drawn."""

import numpy as np
import pytest

from elman.tasks import demo


@pytest.fixture(scope="module")
def digits():
    return demo.Digits.load()


def test_a_network_reads_digits_better_than_logistic_regression(digits):
    shown = demo.read_by_rows(digits)
    assert shown.score > float(shown.baseline.split()[0]) > 0.9
    assert len(shown.panels) == demo.COLUMNS
    assert [panel.right for panel in shown.panels][-3:] == [False] * 3


def test_tags_compare_neighbours():
    images, labels = np.arange(10.0)[:, None, None] * np.ones((1, 8, 8)), np.arange(10)
    rows, tags = demo._rows(images, labels, 50)
    digits = rows[..., 0]
    names = np.array(demo.TAGS)[tags]
    assert (names[:, 0] == "first").all()
    before, after = digits[:, :-1], digits[:, 1:]
    expected = np.where(after > before, "larger", np.where(after < before, "smaller", "equal"))
    np.testing.assert_array_equal(names[:, 1:], expected)


def test_picture(tmp_path):
    image = np.eye(8)
    panels = [demo.Panel(image, "seven", True)] * 11 + [demo.Panel(image, "one", False)]
    sums = [demo.Panel(None, "1+1=2", True)] * 12
    parts = [
        demo.Shown("one-to-many", "a name", "exact", 0.9, "", None, panels),
        demo.Shown("many-to-many", "a sum", "exact", 1.0, "", None, sums),
    ]
    assert demo.draw(parts, tmp_path / "demo.png") == []
    assert (tmp_path / "demo.png").stat().st_size > 10_000


def test_study_note(capsys):
    demo.study_note()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("): ")[2] for line in lines] == [
        f"{shape}, 42 parameters" for shape in ("(None, 3)", "(8, 3)", "(8, 2, 3)")
    ]
