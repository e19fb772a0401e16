"""`SequenceTagger`: learns, keeps to the scheme of the tags, saves, and tells what is wrong."""

import json

import numpy as np
import pytest
from sklearn.base import clone

from elman import tasks
from elman.tasks import SequenceTagger
from elman.tasks.measures import entity_scores, token_accuracy

NAMES = ["Ann", "Bob", "Carla", "Dmitri", "Eve", "Farid", "Grace", "Hugo"]


def phrases(count, seed, scheme="IOB2"):
    """Sentences in which only the word before tells a person from a place; all are of six words."""
    random = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(count):
        tokens, tags = [], []
        for number in random.permutation([1, 3]):
            kind = random.choice(["PER", "LOC"])
            tokens += [{"PER": "meet", "LOC": "visit"}[kind], *random.choice(NAMES, number)]
            entity = [f"B-{kind}", *[f"I-{kind}"] * (number - 1)]
            if scheme == "IOBES":
                entity[-1] = f"{'S' if number == 1 else 'E'}-{kind}"
            tags += ["O", *entity]
        X.append([str(token) for token in tokens])
        y.append(tags)
    return X, y


def small(**settings):
    settings = {"units": 8, "embedding": 12, "letters": 6, "epochs": 10} | settings
    return SequenceTagger(**{"learning_rate": 0.03, "dropout": 0.1} | settings)


@pytest.fixture(scope="module")
def fitted():
    return small().fit(*phrases(150, 0))


@pytest.fixture(scope="module")
def new():
    return phrases(60, 2)


def test_learns_what_only_the_neighbours_tell(fitted, new):
    assert fitted.score(*new) > 0.95
    assert fitted.tags_ == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert [len(tags) for tags in fitted.predict(new[0])] == [len(tokens) for tokens in new[0]]


@pytest.mark.variant
def test_learns_without_a_chain_and_without_clues(new):
    model = small(cell="gru", output="softmax", clues=False).fit(*phrases(150, 0))
    assert model.score(*new) > 0.9
    assert not np.any(model.model.get_layer("tags").get_weights()[0])


@pytest.mark.variant
def test_validation_data_moves_the_score_of_entities():
    """Entities of training are marked in some sentences only; those of validation data in all."""
    X, y = phrases(150, 0, "IOBES")
    random = np.random.default_rng(0)
    missing = [tags if random.random() < 0.4 else ["O"] * len(tags) for tags in y]

    class Recorded(SequenceTagger):
        def _mix(self, beside, share, leaning):
            self.leaning = leaning
            before = (1 - share) * self.model.get_layer("scores").get_weights()[1]
            super()._mix(beside, share, leaning)
            self.moved = self.model.get_layer("scores").get_weights()[1] - before

    model = Recorded(**small(epochs=6).get_params())
    model.fit(X, missing, phrases(40, 1, "IOBES"))
    new = phrases(60, 2, "IOBES")
    assert {tag[0] for tags in model.predict(new[0]) for tag in tags} == set("OBIES")
    assert model.leaning > 0
    moved, dense = model.score(*new), model.model.get_layer("scores")
    # Once for each entity, however long: a score for each of its tokens would favour long ones.
    begins = np.array([tag[0] in "BS" for tag in model._inner])
    np.testing.assert_allclose(model.moved, model.leaning * begins, atol=1e-6)
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel, bias - model.leaning * begins])
    assert moved > model.score(*new) + 0.1


def test_the_chain_of_clues_is_mixed_into_the_weights():
    """Scores are linear in the weights of clues and transitions: a mean of both is one model."""
    X, y = phrases(60, 0, "IOBES")

    class Recorded(SequenceTagger):
        def _mix(self, beside, share, leaning):
            self.before = self._cut_scores(X), self._chain()
            self.mixed = beside, share, leaning
            super()._mix(beside, share, leaning)

    model = Recorded(**small(epochs=2).get_params()).fit(X, y)
    (scores, chain), ((weights, beside), share, leaning) = model.before, model.mixed
    assert (share, leaning) == (0.5, 0.0)
    extra = model._clues(model._examples(X).tokens.values) @ weights
    expected = 0.5 * np.concatenate(scores) + 0.5 * extra
    found = np.concatenate(model._cut_scores(X))
    # Scores are known less their largest at a token; float32 sums of some thirty clues.
    shift = expected - found
    np.testing.assert_allclose(shift, shift[:, :1] * np.ones_like(shift), atol=1e-4)
    for mixed, one, other in zip(
        model._chain().weights, chain.weights, beside.weights, strict=True
    ):
        np.testing.assert_allclose(mixed, (one + other) / 2, atol=1e-6)


def test_it_remembers_more_sentences():
    """The chain of clues is fitted to them too; the network keeps its share, and its weights."""
    X, y = phrases(60, 0, "IOBES")
    model = small(epochs=2).fit(X, y)
    network = {layer.name: layer.get_weights() for layer in model.model.layers}
    _, before, share = model._taught
    more = [["meet", "Ann"]] * 30, [["O", "S-LOC"]] * 30  # who elsewhere is a person
    expected = model.predict_proba(more[0][:1])[0][1]
    unknown = [["Ann", "meet"]], [["S-PER", "S-NEW"]]  # a tag it has not learnt teaches nothing
    model.remember(*unknown)
    assert model._taught[1] is before
    model.remember(more[0] + unknown[0], more[1] + unknown[1])
    learnt, after, _ = model._taught
    assert [len(part.lengths) for part in learnt] == [60, 30]
    assert model.predict(more[0][:1]) == more[1][:1]
    found = model.predict_proba(more[0][:1])[0][1]
    assert found[model.tags_.index("S-LOC")] > expected[model.tags_.index("S-LOC")] + 0.1
    for layer in model.model.layers:
        for weights, old in zip(layer.get_weights(), network[layer.name], strict=True):
            if layer.name not in ("clues", "tags"):
                np.testing.assert_array_equal(weights, old)
    moved = model.model.get_layer("clues").get_weights()[0] - network["clues"][0]
    np.testing.assert_allclose(moved, share * (after[0] - before[0]), atol=1e-6)


@pytest.mark.variant
def test_characters_and_tags_that_are_no_entities():
    """Spaces are tokens; the tag of a character hangs on the word it stands in."""
    X = [list(text) for text in ("만나 안나", "방문 서울", "만나 서울", "방문 안나")] * 20
    y = [["X"] * 3 + ["PS" if tokens[0] == "만" else "LC"] * 2 for tokens in X]
    model = small().fit(X, y)
    assert (model.level_, model.tags_) == ("character", ["LC", "PS", "X"])
    assert model.score(X, y) == token_accuracy(y, model.predict(X)) > 0.95


def test_probabilities(fitted, new):
    found = fitted.predict_proba(new[0])
    assert [p.shape for p in found] == [(len(tokens), 5) for tokens in new[0]]
    np.testing.assert_allclose(np.concatenate(found).sum(-1), 1, rtol=1e-4)
    likely = [[fitted.tags_[k] for k in p.argmax(-1)] for p in found]
    assert token_accuracy(new[1], likely) > 0.95


def test_comes_back_from_a_folder(fitted, new, tmp_path):
    fitted.save(tmp_path / "run")
    again = tasks.load(tmp_path / "run")
    with pytest.raises(ValueError, match="to remember more; do: fit"):
        again.remember(*new)
    assert again.predict(new[0]) == fitted.predict(new[0])
    for one, other in zip(again.predict_proba(new[0]), fitted.predict_proba(new[0]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert again.get_params() == fitted.get_params() == clone(fitted).get_params()
    json.loads((tmp_path / "run" / "card.json").read_text())


def test_nothing_to_tag(fitted):
    assert fitted.predict([]) == []
    assert fitted.predict([[], ["Ann"]])[0] == []
    assert [p.shape for p in fitted.predict_proba([[]])] == [(0, 5)]


def test_a_sentence_of_ten_thousand_words(fitted):
    (tags,) = fitted.predict([["visit", "Ann"] * 5000])
    assert tags == ["O", "B-LOC"] * 5000


def test_tags_never_seen_in_training_do_not_stop_an_evaluation(fitted):
    assert fitted.score([["visit", "Ann"]], [["O", "B-NEW"]]) == 0


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([["a"]], [["O"], ["O"]], "X and y must have the same length, got 1 and 2"),
        ([], [], "at least one example"),
        ([[]], [[]], "at least one token"),
        (["a b"], [["N", "V"]], r"X\[0\] must be a list of texts, .* got 'a b'; part a sentence"),
        (
            [["a"]],
            [[0]],
            r"y\[0\] must be a list of texts, .* got \[0\]; .* write a number as text",
        ),
        ([["a"], ["b"]], [["O"], ["O"]], r"at least two tags, got \['O'\]; give"),
        ([["a"], ["a", "b"]], [["N"], ["V"]], "2 tokens and 1 tags in sentence 1"),
    ],
)
def test_bad_data(X, y, message):
    with pytest.raises(ValueError, match=message):
        small().fit(X, y)


@pytest.mark.parametrize("setting", ["level", "cell", "output", "scheme"])
def test_bad_settings(setting):
    with pytest.raises(ValueError, match=f"{setting} must be one of .*got 'none such'"):
        small(**{setting: "none such"}).fit([["a"]], [["N"]])


def test_entity_scores_by_hand():
    true = [["B-x", "I-x", "O", "B-y"], ["I-x", "B-x", "I-x"]]
    found = [["B-x", "I-x", "B-y", "B-y"], ["B-x", "I-x", "I-x"]]
    scores = entity_scores(true, found)
    # Right: x at 0-2, y at 3-4. Found: 4; true: 4, for an I-x that begins counts as B-x.
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0.5, 0.5, 0.5)
    assert scores["kinds"]["y"] == {"precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1}
    with pytest.raises(ValueError, match="as many tags as tokens, got 1, 2"):
        entity_scores([["O"]], [["O", "O"]])
