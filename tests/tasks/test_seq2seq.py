"""Sentences for sentences: exact answers learnt, search, memory, scheduled sampling, folders."""

import numpy as np
import pytest
from keras import ops

from elman import tasks
from elman.tasks import Seq2Seq
from elman.tasks.answering import agreed, fitted_tokenizer
from elman.tasks.generation import ScheduledSampling
from elman.tasks.memory import TextMemory

SMALL = {
    "units": 48, "embedding": 24, "dropout": 0.0, "label_smoothing": 0.0, "learning_rate": 0.01,
    "batch_size": 16,
}  # fmt: skip


def strings(count, seed=0, letters="abcd", lengths=(4, 5)):
    """Of two lengths, because JAX compiles for each."""
    random = np.random.default_rng(seed)
    return ["".join(random.choice(list(letters), n)) for n in random.choice(lengths, count)]


@pytest.fixture(scope="module")
def reversing():
    sources = strings(300)
    model = Seq2Seq(**SMALL, epochs=15, cell="gru", attention="additive")
    return model.fit(sources, [text[::-1] for text in sources])


def test_it_learns_to_reverse_what_it_has_not_seen(reversing):
    new = sorted(set(strings(200, seed=1)) - set(strings(300)))
    assert len(new) > 50
    wanted = [text[::-1] for text in new]
    for method in ("greedy", "beam", "mbr"):
        answers = reversing.predict(new, method=method)
        assert np.mean([a == b for a, b in zip(answers, wanted, strict=True)]) > 0.9, method
    assert reversing.score(new, wanted) > 0.9
    assert reversing.source_tokenizer_.unit == "character"


def test_answers_do_not_depend_on_the_batch_and_come_in_order(reversing):
    new = strings(9, seed=2)
    together = reversing.candidates(new, beam=3)
    for text, answers in zip(new, together, strict=True):
        (alone,) = reversing.candidates([text], beam=3)
        assert [a for a, _ in alone] == [a for a, _ in answers]
        np.testing.assert_allclose([p for _, p in alone], [p for _, p in answers], atol=1e-4)
    assert all(a[0][1] <= 0 for a in together)


def test_the_search_knows_the_probabilities_of_the_trained_model(reversing):
    """Step by step, with the states carried along, as all at once with the whole answer."""
    new = strings(5, seed=3)
    for text, answers in zip(new, reversing.candidates(new, beam=4), strict=True):
        for answer, log_prob in answers[:2]:
            (x, labels, counted) = reversing._examples([text], [answer]).arrays([0], 8)
            log_probs = ops.log_softmax(reversing.model(x), axis=-1)
            told = np.take_along_axis(ops.convert_to_numpy(log_probs), labels[..., None], 2)
            # What is never said, such as padding, is left out of the search and of its sums.
            assert log_prob == pytest.approx(np.sum(told[..., 0] * counted), abs=0.02)


def test_a_step_is_compiled_once_for_each_shape(reversing, monkeypatch):
    lengths = []
    step = reversing._generator._decoder.step
    monkeypatch.setattr(
        reversing._generator._decoder,
        "step",
        lambda x, *rest: lengths.append(x.shape) or step(x, *rest),
    )
    reversing.predict(["abcab", "dcbad"], method="beam", beam=7)
    traced = len(lengths)
    assert set(lengths) == {(2, 7, SMALL["embedding"])}  # one token each: never what came before
    import keras

    if keras.backend.backend() != "torch":
        assert traced == 1


def test_sampling_is_told_by_its_seed(reversing):
    new = strings(6, seed=4)
    draws = [reversing.predict(new, method="sample", temperature=2.0) for _ in range(2)]
    assert draws[0] == draws[1]
    assert reversing.predict(new, method="sample", top_k=1) == reversing.predict(
        new, method="greedy"
    )


def test_where_an_answer_looks(reversing):
    ((source, answer, weights),) = reversing.attention_of(["abc"])
    assert source == ["a", "b", "c"]
    assert weights.shape == (len(answer), len(source))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_a_folder_holds_all_of_it(reversing, tmp_path):
    reversing.save(tmp_path / "run")
    again = tasks.load(tmp_path / "run")
    new = ["abca", "", "x y z", "dd" * 300]
    assert again.predict(new) == reversing.predict(new)
    assert again.get_params() == reversing.get_params()
    assert again.memory_.temperature == reversing.memory_.temperature
    assert again.predict([]) == []


@pytest.mark.variant
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm", "layers": 2, "recurrent_dropout": 0.1, "dropout": 0.1},
        {"cell": "gru", "input_feeding": True, "scheduled_sampling": 0.3},
    ],
    ids=["lstm-2-layers", "gru-fed-scheduled"],
)
def test_other_settings_learn_to_copy(options):
    sources = strings(120, letters="abc", lengths=[3])
    model = Seq2Seq(**SMALL | options, epochs=20, memory=False).fit(sources, sources)
    history = model.training_.history
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert np.mean([a == b for a, b in zip(model.predict(sources), sources, strict=True)]) > 0.5


def test_scheduled_sampling_replaces_true_tokens_and_nothing_else():
    layer = ScheduledSampling(rate=1.0, steps=2, seed=0)
    target = np.array([[2, 5, 6, 7, 0, 0]] * 200, "int32")
    logits = np.full((200, 6, 9), -50.0, "float32")
    logits[..., 8] = 0
    assert np.array_equal(layer([target, logits]), target)
    half, whole = (ops.convert_to_numpy(layer([target, logits], training=True)) for _ in range(2))
    assert np.array_equal(whole, [[2, 8, 8, 8, 0, 0]] * 200)
    assert 0.4 < np.mean(half[:, 1:4] == 8) < 0.6
    logits[..., 3] = 100  # the model says the end: the true token stays
    assert np.array_equal(layer([target, logits], training=True), target)


def test_a_memory_answers_as_the_nearest_did_and_knows_how_well():
    words = ("good morning", "thank you", "where is it")
    texts = [f"{word} {n}" for word in words for n in range(9)]
    answers = [text[:-2].upper() for text in texts]
    memory = TextMemory(texts, answers)
    for near, word in zip(memory.nearest(["good mornin", "thank yo 5"]), words[:2], strict=True):
        assert near[0][0] == word.upper()
        assert sum(p for _, p in near) == pytest.approx(1)
    assert memory.agreement([0.1])[0] > 0.9
    shuffled = np.random.default_rng(0).permutation(answers).tolist()
    assert TextMemory(texts, shuffled).agreement([0.1])[0] < 0.6


def test_a_sure_decoder_outweighs_the_memory_and_an_unsure_one_does_not():
    assert agreed([("ab", np.log(0.9))], [("xy", 1.0)]) == "ab"
    assert agreed([("ab", np.log(0.01))], [("xy", 1.0)]) == "xy"
    assert agreed([("ab", np.log(0.01))], [("xy", 1.0)], share=0.6) == "ab"
    assert agreed([("ab", -2.0), ("cd", -1.0)], []) == "cd"


@pytest.mark.variant
def test_validation_data_choose_what_the_memory_weighs():
    texts = [f"{word} {n}" for word in ("good morning", "thank you") for n in range(10)]
    answers = [text[:-2] for text in texts]
    new = (["good morning x", "thank you y"], ["good morning", "thank you"])
    options = SMALL | {"units": 4, "embedding": 4, "learning_rate": 1e-9}
    model = Seq2Seq(**options, epochs=1).fit(texts, answers, new)
    assert model.share_ < 0.5  # a decoder that has learnt nothing
    assert model.predict(new[0]) == new[1]
    model.remember(["see you tomorrow"] * 3, ["see you"] * 3)
    assert model.predict(["see you tomorrow z"]) == ["see you"]
    assert len(model.memory_.texts) == 23


def test_the_data_choose_the_tokens():
    assert fitted_tokenizer(["12+7", "3+4"], None, None).unit == "character"
    words = fitted_tokenizer(["how are you today", "fine and you"] * 50, None, None)
    assert words.unit == "subword"
    assert fitted_tokenizer(["how are you"], "word", None).unit == "word"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Seq2Seq().predict(["a"]), "must be fitted before its use"),
        (lambda: Seq2Seq().fit(["a"], []), "the same length, got 1 and 0"),
        (lambda: Seq2Seq().fit(["a"], [["b"]]), r"y must be a list of texts, got \['b'\] at 0"),
        (lambda: Seq2Seq(cell="rnn").fit(["a"], ["b"]), "cell must be one of lstm, gru, simple"),
        (lambda: Seq2Seq(target_size=0).fit(["a"], ["b"]), "target_size must be an integer of 1"),
        (lambda: Seq2Seq(label_smoothing=2).fit(["a"], ["b"]), "smoothing must be a share from 0"),
        (lambda: Seq2Seq().predict(["a"], method="best"), "method must be one of mbr, beam"),
        (lambda: Seq2Seq().remember(["a"], ["b"]), "must be fitted before its use"),
    ],
    ids=["unfitted", "lengths", "texts", "cell", "size", "share", "method", "unfitted memory"],
)
def test_what_is_wrong_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
