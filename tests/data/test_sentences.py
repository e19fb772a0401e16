"""Sentences: CoNLL-U, CoNLL columns by word and by character, comments, bad lines."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from real import real

from elman.data import BadLine, read_sentences

CONLLU = """\
# sent_id = 1
# text = Take the I-95
1\tTake\ttake\tVERB\tVB\t_\t0\troot\t_\t_
2-3\tthe I-95\t_\t_\t_\t_\t_\t_\t_\t_
2\tthe\tthe\tDET\tDT\t_\t3\tdet\t_\t_
3\tI-95\tI-95\tPROPN\tNNP\t_\t1\tobj\t_\t_
3.1\tgone\tgo\tVERB\tVB\t_\t_\t_\t1:x\t_

# sent_id = 2
1\t#\t#\tSYM\t#\t_\t0\troot\t_\t_
"""


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("name", ["a.conllu", "a.txt"])
def test_conllu_leaves_out_ranges_and_empty_nodes(name, tmp_path):
    sentences = read_sentences(write(tmp_path / name, CONLLU))
    assert sentences.format == "conllu"
    for _ in range(2):
        assert list(sentences.tokens) == [["Take", "the", "I-95"], ["#"]]
        assert list(sentences.tags) == [["VERB", "DET", "PROPN"], ["SYM"]]
    assert next(iter(sentences)).comments == ["sent_id = 1", "text = Take the I-95"]
    assert len(sentences) == 2
    xpos = read_sentences(tmp_path / name, tag_column="xpos", token_column="lemma")
    assert list(xpos.tags) == [["VB", "DT", "NNP"], ["#"]]
    assert next(iter(xpos.tokens)) == ["take", "the", "I-95"]


def test_characters_with_spaces_as_tokens_and_klues_comments(tmp_path):
    text = "## made up\n## C\tTAG\n##id-1\t<나:PS> 는\n나\tB-PS\n \tO\n는\tO\n\n##id-2\t#\n#\tO\n"
    sentences = read_sentences(write(tmp_path / "a.tsv", text))
    assert list(sentences.tokens) == [["나", " ", "는"], ["#"]]
    assert list(sentences.tags) == [["B-PS", "O", "O"], ["O"]]
    assert [sentence.comments[-1] for sentence in sentences] == ["id-1\t<나:PS> 는", "id-2\t#"]


def test_a_hash_that_begins_a_sentence_is_a_token(tmp_path):
    sentences = read_sentences(write(tmp_path / "a", "#NFL\tO\nis\tO\n\n## \tO\non\tB-x\n"))
    assert list(sentences.tokens) == [["#NFL", "is"], ["## ", "on"]]


def test_columns_parted_by_spaces_and_docstart(tmp_path):
    text = "-DOCSTART- -X- O O\n\nEU NNP I-NP S-ORG\nrejects VBZ I-VP O\n\n# NN I-NP O\n"
    sentences = read_sentences(write(tmp_path / "a.txt", text))
    assert sentences.columns == ("1", "2", "3", "4")
    assert list(sentences.tokens) == [["EU", "rejects"], ["#"]]
    assert list(sentences.tags) == [["S-ORG", "O"], ["O"]]
    assert next(iter(read_sentences(tmp_path / "a.txt", tag_column="2").tags)) == ["NNP", "VBZ"]


def test_tokens_alone_have_no_tags(tmp_path):
    sentences = read_sentences(write(tmp_path / "a", "one\ntwo\n\nthree\n"))
    assert sentences.tags is None
    assert list(sentences.tokens) == [["one", "two"], ["three"]]


def test_select(tmp_path):
    sentences = read_sentences(write(tmp_path / "a", "a\tO\n\nb\tO\n\nc\tO\n"))
    assert list(sentences.select([2, 0]).tokens) == [["a"], ["c"]]
    assert len(sentences.select([1])) == 1


BAD = {
    "columns": ("a\tO\n\nb\tO\nx\n\nc\tO\n", 4, "must have 2 columns as the first has, got 1: 'x'"),
    "nothing": ("a\tO\n\nb\tO\nx\t\n\nc\tO\n", 4, "must have something in every column"),
    "fields.conllu": (CONLLU + "2\ta\tb\n\n" + CONLLU, 11, "must have 10 columns with tabs, got 3"),
    "number.conllu": (
        CONLLU.replace("1\t#", "one\t#") + "\n" + CONLLU,
        10,
        "must begin a sentence in CoNLL-U, got: .*'one' is not a valid ID",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lines_are_told_or_their_sentence_skipped(name, tmp_path):
    text, line, what = BAD[name]
    path = write(tmp_path / name, text)
    with pytest.raises(BadLine, match=rf"{name}, line {line}: {what}"):
        list(read_sentences(path))
    sentences = read_sentences(path, skip_bad=True)
    whole = [["a"], ["c"]] if ".conllu" not in name else [["Take", "the", "I-95"]] * 2 + [["#"]]
    assert list(sentences.tokens) == whole
    assert sentences.skipped == 1
    assert f"line {line}:" in sentences.skipped_lines[0]


@pytest.mark.parametrize("text", ["", "\n\n", "## only a comment\n"])
def test_an_empty_file_is_told(text, tmp_path):
    with pytest.raises(ValueError, match="must have at least one sentence, got an empty file"):
        read_sentences(write(tmp_path / "a", text))


def test_columns_and_formats_that_are_none(tmp_path):
    path = write(tmp_path / "a.conllu", CONLLU)
    with pytest.raises(ValueError, match=r"'upo' \(did you mean 'upos'\?\), got id, form"):
        read_sentences(path, tag_column="upo")
    with pytest.raises(ValueError, match="format must be conllu or columns, got 'xml'"):
        read_sentences(path, format="xml")


def test_a_sentence_of_ten_thousand_words(tmp_path):
    path = write(tmp_path / "a", "word\tO\n" * 10_000)
    assert [len(tokens) for tokens in read_sentences(path).tokens] == [10_000]


TOKEN = st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n\ufeff"), min_size=1)
TAGGED = st.tuples(TOKEN, st.sampled_from(["O", "B-X", "I-X"]))
# A document begins with this word, which is none of a sentence.
SENTENCE = st.lists(TAGGED, min_size=1).filter(lambda s: not s[0][0].startswith("-DOCSTART-"))


@given(st.lists(SENTENCE, min_size=1))
@example([[("the", "O"), ("-DOCSTART-", "O"), ("line", "O")]])
def test_columns_are_what_was_written(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("columns") / "a.tsv"
    blocks = ["".join(f"{token}\t{tag}\n" for token, tag in sentence) for sentence in sentences]
    read = read_sentences(write(path, "\n".join(blocks)), form=None)
    assert [list(zip(s.tokens, s.tags, strict=True)) for s in read] == sentences


@pytest.mark.parametrize(
    ("name", "sentences", "tokens", "tags"),
    [
        ("ud_korean_gsd/ko_gsd-ud-dev.conllu.gz", 950, 11_958, 15),
        ("wnut17/wnut17train.conll.gz", 3_394, 62_730, 13),
        ("wnut17/emerging.test.annotated.gz", 1_287, 23_394, 13),
        ("klue_ner/klue-ner-v1.1_dev.tsv.gz", 5_000, 285_929, 13),
    ],
)
def test_real_sentences(name, sentences, tokens, tags):
    read = list(read_sentences(real(name)))
    assert len(read) == sentences
    assert sum(len(sentence.tokens) for sentence in read) == tokens
    assert len({tag for sentence in read for tag in sentence.tags}) == tags
