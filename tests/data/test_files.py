"""Opening: packed files, encodings, normal forms, and what is said of broken ones."""

import gzip
import unicodedata
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data import files
from elman.data.files import BadLine, Skipped, TextFile, column_index, needed

TEXT = "첫 줄\nsecond line\n"
LINES = [(1, "첫 줄\n"), (2, "second line\n")]


def write(path, text=TEXT, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "."), text)
    return path


def test_plain_gz_and_zip_read_the_same_and_twice(tmp_path):
    plain = write(tmp_path / "a.txt")
    packed = tmp_path / "no_ending_at_all"
    packed.write_bytes(gzip.compress(TEXT.encode()))
    archive = zipped(tmp_path / "a.zip", a__txt=TEXT)
    for path in (plain, packed, archive, archive / "a.txt"):
        file = TextFile(path)
        assert list(file.lines()) == LINES
        assert list(file.lines()) == LINES


def test_an_archive_of_several_asks_which(tmp_path):
    archive = zipped(tmp_path / "a.zip", train__tsv="x", test__tsv="y")
    with pytest.raises(ValueError, match=r"got 2: train\.tsv, test\.tsv; write .*a\.zip/NAME"):
        TextFile(archive)
    assert list(TextFile(archive / "test.tsv").lines()) == [(1, "y")]
    with pytest.raises(FileNotFoundError, match=r"did you mean train\.tsv"):
        TextFile(archive / "tran.tsv")


def test_a_missing_file_names_the_near_one(tmp_path):
    write(tmp_path / "ratings_train.txt")
    with pytest.raises(FileNotFoundError, match=r"did you mean ratings_train\.txt"):
        TextFile(tmp_path / "rating_train.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        TextFile(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(IsADirectoryError, match="must be a file, got a folder"):
        TextFile(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_obeyed_and_left_out(encoding, tmp_path):
    assert list(TextFile(write(tmp_path / "a", encoding=encoding)).lines()) == LINES


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_encodings_by_name(encoding, tmp_path):
    assert list(TextFile(write(tmp_path / "a", encoding=encoding), encoding).lines()) == LINES


@pytest.mark.parametrize("name", ["utf-9", "rot13", "base64"])
def test_an_encoding_that_is_none(name, tmp_path):
    with pytest.raises(ValueError, match="encoding must be one of Python's"):
        TextFile(write(tmp_path / "a"), name)


def test_hangul_as_syllables_or_letters(tmp_path):
    path = write(tmp_path / "a", unicodedata.normalize("NFD", "각\n"))
    assert list(TextFile(path).lines()) == [(1, "각\n")]
    assert list(TextFile(path, form="NFD").lines()) == [(1, "\u1100\u1161\u11a8\n")]
    assert list(TextFile(write(tmp_path / "b", "ﬁ"), form=None).lines()) == [(1, "ﬁ")]
    with pytest.raises(ValueError, match="form must be None or one of NFC, NFD"):
        TextFile(path, form="nfc")


def test_the_wrong_encoding_says_where_and_what_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\n" + "영화가 좋다".encode("cp949") + b"\nend\n")
    with pytest.raises(BadLine) as caught:
        list(TextFile(path).lines())
    message = str(caught.value)
    assert "a.txt, line 2: must be utf-8, got the byte 0xbf at position 5 of the file" in message
    assert "encoding='cp949' would read '영화가 좋다'" in message
    assert "latin-1" in message
    path.write_text("각\n", "utf-8")
    with pytest.raises(BadLine, match=r"must be cp949, .* encoding='utf-8' would read '각'"):
        list(TextFile(path, encoding="cp949").lines())
    path.write_bytes(b"good\n" + "영화가 좋다".encode("cp949") + b"\nend\n")
    skipped = Skipped(skip=True)
    assert [text for _, text in TextFile(path).lines(skipped)] == ["good\n", "end\n"]
    assert skipped.count == 1


def test_wrong_utf16_is_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xfea\x00\n\x00b")
    with pytest.raises(BadLine, match="after line 1: must be utf-16"):
        list(TextFile(path).lines())


@pytest.mark.parametrize("cut", [5, 30, -12, -1])
def test_a_truncated_gz_is_told(cut, tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(range(256)).hex().encode() * 3 + b"\n")[:cut])
    with pytest.raises(ValueError, match="must be a whole file, got one that is cut off"):
        list(TextFile(path).lines())


@pytest.mark.parametrize("method", ["DEFLATED", "BZIP2", "LZMA"])
def test_any_damage_of_a_zip_is_told_as_damage(method, tmp_path):
    path, random, told = tmp_path / "a.zip", np.random.default_rng(1), []
    with zipfile.ZipFile(path, "w", getattr(zipfile, f"ZIP_{method}")) as archive:
        archive.writestr("a.txt", "one two three\n" * 9)
    whole = path.read_bytes()
    for _ in range(200):
        data = bytearray(whole)
        for place in random.integers(len(data), size=2):
            data[place] = random.integers(256)
        path.write_bytes(data)
        try:
            list(TextFile(path).lines())
        except ValueError as error:
            told.append("a.zip" in str(error))
    assert len(told) > 100
    assert all(told)


def test_a_damaged_zip_is_told(tmp_path):
    path = zipped(tmp_path / "a.zip", a__txt=bytes(range(256)).hex() * 9)
    data = bytearray(path.read_bytes())
    data[60:70] = b"\0" * 10
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cut off or damaged"):
        list(TextFile(path).lines())


def test_what_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 10_000)
    monkeypatch.setattr(files, "MAX_LINE", 2_000)
    one_line = tmp_path / "one.gz"
    one_line.write_bytes(gzip.compress(b"0" * 10_000))
    with pytest.raises(ValueError, match=r"line 1: must be shorter than 2,000 bytes"):
        list(TextFile(one_line).lines())
    many = zipped(tmp_path / "many.zip", a__txt="0" * 9 + "\n" * 1_000_000)
    with pytest.raises(ValueError, match="must unpack to less than 200 times its size"):
        list(TextFile(many).lines())


def test_a_locked_zip_is_told(tmp_path):
    path = zipped(tmp_path / "a.zip", a__txt=TEXT)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of encryption, in the file's header and in the directory's
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.zip/a\.txt must be readable, got: .*encrypted"):
        TextFile(path)


def test_missing_columns_name_those_there_are():
    with pytest.raises(ValueError, match="got document, label; did you mean 'document'"):
        column_index("documents", ["document", "label"], "a.tsv")
    with pytest.raises(ValueError, match="got document, label; name one of these"):
        column_index("x", ["document", "label"], "a.tsv")


def test_a_package_that_is_not_there_says_how_to_get_it():
    with pytest.raises(ImportError, match=r"pip install 'elman\[tasks\]'"):
        needed("no_such_package")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff")), min_size=1))
def test_lines_are_what_was_written(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes("\n".join(lines).encode())
    read = [text.removesuffix("\n") for _, text in TextFile(path, form=None).lines()]
    assert read == (lines if lines[-1] else lines[:-1])
