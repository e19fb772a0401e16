"""The search, against every answer there is, of random models of four tokens."""

import itertools

import numpy as np
import pytest
import sacrebleu

from elman.data.decoding import agreement, beam_search, minimum_bayes_risk, sample

START, END, U = 3, 0, 4
ASK = {"start": START, "end": END, "max_length": U}


class Model:
    """log P(token | the two tokens before it), drawn at random for each of B sentences."""

    def __init__(self, batch, seed=0):
        logits = np.random.default_rng(seed).normal(scale=2, size=(batch, 4, 4, 4))
        logits[..., START] = -np.inf
        self.log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        self.batch, self.calls = batch, []

    def step(self, tokens, parents):
        """As a decoder: the states of the hypotheses follow their parents."""
        rows = np.arange(self.batch)[:, None]
        before = self.last[rows, parents] if self.calls else np.full_like(tokens, START)
        self.last = tokens
        self.calls.append(tokens.shape)
        return self.log_probs[rows, before, tokens]

    def log_prob(self, row, answer, ended=True):
        sequence = [START, START, *answer, *([END] if ended else [])]
        steps = zip(sequence, sequence[1:], sequence[2:], strict=False)
        return sum(self.log_probs[row, a, b, c] for a, b, c in steps)

    def all_answers(self, row, penalty):
        """(score, answer) of every answer that ends within U tokens, the best first."""
        answers = [a for n in range(U) for a in itertools.product((1, 2), repeat=n)]
        scored = [(self.log_prob(row, a) / ((6 + len(a)) / 6) ** penalty, list(a)) for a in answers]
        return sorted(scored, reverse=True)


@pytest.mark.parametrize("penalty", [0, 0.6, 1.5])
def test_a_wide_beam_finds_the_best_of_all_answers(penalty):
    model = Model(5)
    found = beam_search(model.step, 5, width=32, length_penalty=penalty, **ASK)
    for row, answers in enumerate(found):
        truth = model.all_answers(row, penalty)
        assert [a.tokens for a in answers] == [answer for _, answer in truth[: len(answers)]]
        np.testing.assert_allclose([a.score for a in answers], [s for s, _ in truth], rtol=1e-12)
        assert len(answers) == len(truth)


def test_width_one_is_greedy():
    model = Model(20, seed=1)
    found = beam_search(model.step, 20, width=1, **ASK)
    for row, (answer,) in enumerate(found):
        tokens = [START, START]
        while len(tokens) < U + 2 and (len(tokens) == 2 or tokens[-1] != END):
            tokens.append(int(model.log_probs[row, tokens[-2], tokens[-1]].argmax()))
        assert answer.tokens == [t for t in tokens[2:] if t != END]
        ended = tokens[-1] == END
        assert answer.log_prob == pytest.approx(model.log_prob(row, answer.tokens, ended))


def test_a_wider_beam_is_no_worse_here_and_a_row_is_as_it_is_alone():
    def best(width, rows=slice(None), penalty=0.0):
        model = Model(30, seed=2)
        model.log_probs = model.log_probs[rows]
        model.batch = len(model.log_probs)
        found = beam_search(model.step, model.batch, width=width, length_penalty=penalty, **ASK)
        return found

    narrow, wide, widest = ([row[0] for row in best(width)] for width in (1, 3, 32))
    ended = [len(answer.tokens) < U for answer in narrow]  # the others are not whole answers
    mean = [np.mean([a.log_prob for a in found], where=ended) for found in (narrow, wide, widest)]
    assert mean[0] < mean[1] <= mean[2]
    together = best(3, penalty=3.0)  # which may find better answers after a sentence is done
    for row in range(30):
        assert best(3, slice(row, row + 1), 3.0) == together[row : row + 1]


def test_the_search_stops_when_nothing_better_can_come_and_keeps_its_shapes():
    model = Model(2)
    model.log_probs[:] = np.log([0.97, 0.01, 0.02, 1e-300])
    found = beam_search(model.step, 2, width=2, length_penalty=0, **ASK)
    assert [answers[0].tokens for answers in found] == [[], []]
    assert model.calls == [(2, 2)] * 2


def test_an_answer_that_never_ends_is_cut_off():
    model = Model(1)
    model.log_probs[:] = np.log([1e-300, 0.4, 0.6, 1e-300])
    (answers,) = beam_search(model.step, 1, width=1, length_penalty=0, **ASK)
    assert answers[0].tokens == [2] * U
    assert answers[0].log_prob == pytest.approx(U * np.log(0.6))


def test_samples_are_drawn_with_the_probabilities_of_the_answers():
    model, count = Model(1, seed=4), 20000
    (answers,) = sample(model.step, 1, count=count, random=np.random.default_rng(0), **ASK)
    for score, answer in model.all_answers(0, 0):
        p = np.exp(score)
        share = sum(a.tokens == answer for a in answers) / count
        assert share == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / count) + 1e-9)
    some = answers[7]
    assert some.log_prob == pytest.approx(model.log_prob(0, some.tokens, len(some.tokens) < U))


def test_temperature_and_top_k_narrow_the_draw():
    random = np.random.default_rng(0)

    def drawn(**options):
        (answers,) = sample(Model(1, seed=5).step, 1, count=300, random=random, **ASK, **options)
        return {tuple(a.tokens) for a in answers}

    greedy = beam_search(Model(1, seed=5).step, 1, width=1, **ASK)[0][0].tokens
    assert drawn(top_k=1) == drawn(temperature=1e-3) == {tuple(greedy)}
    assert len(drawn(temperature=0.5)) < len(drawn(temperature=10.0))
    least = Model(1, seed=5).log_probs[0, START, START].argmin()
    first = {answer[:1] for answer in drawn(temperature=10.0, top_k=2)}
    assert (int(least),) not in first
    assert len(first) == 2


@pytest.mark.parametrize("wrong", [{"width": 0}, {"max_length": 0}])
def test_what_must_be_positive(wrong):
    with pytest.raises(ValueError, match="must be positive, got 0"):
        beam_search(Model(1).step, 1, **{**ASK, **wrong})


def test_agreement_counts_the_ngrams_of_sacrebleu():
    texts = ["the cat sat", "a cat sat down", "x", "", "고양이가 앉았다", "aaa", "aa a"]
    count = sacrebleu.CHRF()._extract_corpus_statistics  # of hypothesis, reference, both, by order
    shared = [[sum(count([i], [[j]])[0][2::3]) for j in texts] for i in texts]
    own = np.diag(shared)[:, None]
    np.testing.assert_allclose(agreement(texts), shared - 0.12 * own)


def test_a_long_answer_must_be_likely_enough():
    gains = agreement(["ab", "cdefgh", "xyz"])[:2]
    assert minimum_bayes_risk(gains, np.array([0.1, 0.1, 0.8])) == 0
    assert minimum_bayes_risk(gains, np.array([0.2, 0.2, 0.6])) == 1


def test_minimum_bayes_risk_weighs_what_agrees():
    gains = np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
    assert minimum_bayes_risk(gains, np.array([0.3, 0.3, 0.4])) == 0
    assert minimum_bayes_risk(gains, np.array([0.2, 0.3, 0.5])) == 2
