"""Tokenizers as files: all of them comes back, and nothing but tokens is taken from them."""

import json

import pytest

from elman.data.tokenizer import UNITS, Tokenizer

TEXTS = ["The cat sat on the mat, and <pad> sat", "나는 학교에 간다 정말로", "to be or not to be"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tokenizer.json"
    Tokenizer("subword", size=60).fit(TEXTS * 3).save(path)
    return path


@pytest.mark.parametrize("jamo", [False, True], ids=["syllables", "jamo"])
@pytest.mark.parametrize("lowercase", [False, True], ids=["Aa", "a"])
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_saved_is_loaded(unit, lowercase, jamo, tmp_path):
    made = Tokenizer(unit, size=60, lowercase=lowercase, jamo=jamo).fit(TEXTS * 3)
    made.save(tmp_path / "a.json")
    again = Tokenizer.load(tmp_path / "a.json")
    again.save(tmp_path / "b.json")
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(
        (tmp_path / "b.json").read_text()
    )
    asked = [*TEXTS, "<s> a zebra </s>", ""]
    assert again.encode(asked) == made.encode(asked)
    assert again.decode(made.encode(asked)) == made.decode(made.encode(asked))


def test_only_tokens_are_taken_from_a_file(path):
    """Padding to 10**12, a regular expression without end: what a file may ask a tokenizer for."""
    before = Tokenizer.load(path)
    found = json.loads(path.read_text())
    found["tokenizer"] |= {
        "padding": {"strategy": {"Fixed": 10**12}, "direction": "Right", "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "<pad>", "pad_to_multiple_of": None},
        "truncation": {"max_length": 1, "strategy": "LongestFirst", "stride": 0,
                       "direction": "Right"},
        "normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"},
    }  # fmt: skip
    path.write_text(json.dumps(found))
    assert Tokenizer.load(path).encode(TEXTS) == before.encode(TEXTS)


def changed(*keys, value):
    def change(found):
        for key in keys[:-1]:
            found = found[key]
        found[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed("elman", value=None),
        changed("elman", "unit", value="sentence"),
        changed("elman", "lowercase", value=10**12),
        changed("elman", "gates", value=1),
        changed("tokenizer", value=[]),
        changed("tokenizer", "model", value="BPE"),
        changed("tokenizer", "model", "vocab", value=[]),
        changed("tokenizer", "model", "vocab", "<pad>", value=10**12),
        changed("tokenizer", "model", "vocab", "<pad>", value=1),
        changed("tokenizer", "model", "vocab", "<pad>", value="0"),
        changed("tokenizer", "model", "merges", value=[["no", "token"]]),
        changed("tokenizer", "model", "merges", value=[[1]]),
        changed("tokenizer", "model", "merges", value=3),
    ],
)
def test_a_damaged_file_is_told(change, path):
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"tokenizer\.json must be as save\(\) wrote it, got"):
        Tokenizer.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null"])
def test_a_file_of_something_else_is_told(text, path):
    path.write_text(text)
    with pytest.raises(ValueError, match=r"tokenizer\.json must be as save\(\) wrote it, got"):
        Tokenizer.load(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        Tokenizer.load(path)
