"""`TextClassifier` and `SequenceClassifier`: conventions, errors, saving, and that they learn."""

import pickle

import numpy as np
import pytest
from keras import ops
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from elman import layers, tasks
from elman.tasks import SequenceClassifier, TextClassifier, classifier

WORDS = ["the", "a", "film", "story", "was", "is", "very", "so", "and", "it", "this", "that"]


def reviews(count, seed):
    """Texts whose class is that of the one word that matters, wherever it stands."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=count)
    texts = []
    for label in labels:
        words = list(random.choice(WORDS, random.integers(3, 9)))
        words.insert(random.integers(len(words) + 1), ["dull", "lovely"][label])
        texts.append(" ".join(words))
    return texts, np.array(["bad", "good"])[labels]


def small(**settings):
    return TextClassifier(**{"units": 8, "embedding": 8, "epochs": 12, "ngrams": False} | settings)


@pytest.fixture(scope="module")
def fitted():
    return TextClassifier(units=8, embedding=8, epochs=12).fit(*reviews(300, 0))


@pytest.fixture(scope="module")
def new():
    return reviews(50, 1)


@pytest.mark.variant
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_learns_alone(cell, new):
    model = small(cell=cell, epochs=15, token_dropout=0.0, learning_rate=5e-3)
    assert model.fit(*reviews(300, 0)).score(*new) > 0.95


def test_probabilities_are_the_mean_of_both_models(fitted, new):
    found = fitted.predict_proba(new[0])
    assert found.shape == (50, 2)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    columns = fitted.ngrams_.transform(new[0]).toarray()
    kernel, bias = fitted.model.get_layer("linear").get_weights()
    linear = np.exp(columns @ kernel + bias)
    linear /= linear.sum(1, keepdims=True)
    alone = small().set_params(batch_size=4)
    alone.classes_, alone.tokenizer_, alone.ngrams_ = fitted.classes_, fitted.tokenizer_, None
    alone.model = fitted.network_
    np.testing.assert_allclose((linear + alone.predict_proba(new[0])) / 2, found, atol=1e-5)


def test_one_text_is_as_many(fitted, new):
    np.testing.assert_allclose(
        fitted.predict_proba(new[0][:1]), fitted.predict_proba(new[0])[:1], atol=1e-6
    )


def test_save_and_load(fitted, new, tmp_path):
    fitted.save(tmp_path / "run", scores={"accuracy": 1.0})
    loaded = tasks.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.predict_proba(new[0]), fitted.predict_proba(new[0]))
    assert loaded.get_params() == fitted.get_params()
    assert loaded.training_.history == fitted.training_.history


@pytest.mark.variant
def test_same_seed_same_weights():
    data = reviews(30, 0)
    one, two = (small(epochs=1).fit(*data).model.get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    other = small(epochs=1, random_state=1).fit(*data).model.get_weights()
    assert not np.array_equal(one[0], other[0])


def test_scikit_learn_conventions(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    assert pickle.loads(pickle.dumps(small())).get_params() == small().get_params()
    with pytest.raises(TypeError, match="must not be pickled"):
        pickle.dumps(fitted)
    with pytest.raises(NotFittedError, match="must be fitted before"):
        small().predict(["x"])


def test_no_texts_empty_texts_and_a_long_one(fitted):
    assert fitted.predict([]).shape == (0,)
    found = fitted.predict_proba(["", " ", "lovely " * 10_000])
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], found[1])


def test_validation_data_weigh_the_linear_model():
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["up", "down", "left"], 6)) for _ in range(120)]
    labels = [text.count("up") > 2 for text in texts]
    options = {"ngrams": True, "epochs": 1, "learning_rate": 1e-9}  # a network that knows nothing
    model = small(**options).fit(texts[:80], labels[:80], (texts[80:], labels[80:]))
    assert model.share_ == 0.8
    kernel, bias = model.model.get_layer("linear").get_weights()
    logits = model.ngrams_.transform(texts) @ kernel + bias
    linear = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    # The network says one half of every text.
    np.testing.assert_allclose(model.predict_proba(texts), 0.8 * linear + 0.1, atol=0.02)
    assert small(**options).fit(texts[:8], labels[:8]).share_ == 0.5
    assert small(ngrams=False, epochs=1).fit(texts[:8], labels[:8]).share_ == 0


def test_the_linear_model_of_few_texts_is_the_one_that_validation_finds_likely(monkeypatch):
    """A rare class, told by one word: without its weight and with a high penalty it is unlikely."""
    random = np.random.default_rng(0)
    labels = np.arange(160) % 10 == 0
    texts = [" ".join([*random.choice(WORDS, 6), "prize"][: 6 + label]) for label in labels]
    options = {"ngrams": True, "epochs": 1, "learning_rate": 1e-9}

    def scale(few):
        monkeypatch.setattr(classifier, "FEW", few)
        model = small(**options).fit(texts[:80], labels[:80], (texts[80:], labels[80:]))
        return np.abs(model.model.get_layer("linear").get_weights()[0]).max()

    assert scale(80) > 1.5 * scale(79)


def test_it_remembers_more_texts(tmp_path, monkeypatch):
    """The regression is the one of all texts, fitted at once; network and share stay."""
    (texts, labels), (more, others) = reviews(100, 0), reviews(50, 1)
    model = small(ngrams=True, epochs=1).fit(texts, labels)
    network = model.network_.get_weights()
    model.remember([*more, "dull"], [*others, "a class of another kind"])
    ngrams = model.ngrams_.transform([*texts, *more])
    alone = LogisticRegression(max_iter=200, C=5).fit(ngrams, np.append(labels, others))
    kernel, bias = model.model.get_layer("linear").get_weights()
    linear = ngrams @ kernel + bias
    np.testing.assert_allclose(linear[:, 1] - linear[:, 0], alone.decision_function(ngrams), 1e-3)
    for now, before in zip(model.network_.get_weights(), network, strict=True):
        np.testing.assert_array_equal(now, before)
    model.save(tmp_path / "run")
    loaded = tasks.load(tmp_path / "run")
    np.testing.assert_allclose(loaded.predict_proba(more), model.predict_proba(more), atol=1e-6)
    with pytest.raises(ValueError, match="to remember more; do: fit"):
        loaded.remember(more, others)
    monkeypatch.setattr(classifier, "FEW", 99)
    assert not small(ngrams=True, epochs=1).fit(texts, labels).can_remember
    assert not small(epochs=1).fit(texts, labels).can_remember


def test_hangul_is_read_by_letters_after_loading_too(tmp_path):
    texts, labels = ["정말 좋았다", "너무 싫었다"] * 8, [1, 0] * 8
    model = small(ngrams=True, epochs=1).fit(texts, labels)
    assert model.ngrams_.letters
    model.save(tmp_path / "run")
    loaded = tasks.load(tmp_path / "run")
    np.testing.assert_allclose(
        loaded.predict_proba(["좋아"]), model.predict_proba(["좋아"]), atol=1e-6
    )


def test_of_epochs_that_are_all_right_the_last_is_kept():
    X = [np.full((3, 1), sign * 3.0) for sign in (1, -1)] * 20
    y = [1, 0] * 20
    model = SequenceClassifier(units=8, normalize="data", epochs=6, learning_rate=0.02)
    history = model.fit(X, y, (X[:10], y[:10])).training_.history
    assert [epoch["val_accuracy"] for epoch in history[-2:]] == [1, 1]
    assert model.training_.best_epoch == 6


def test_a_sample_for_the_linear_model_has_every_class(monkeypatch):
    monkeypatch.setattr(classifier, "SAMPLE", 20)
    numbers = np.array([1] * 60 + [0] + [1] * 39 + [2])
    texts, chosen = classifier._sample([str(n) for n in numbers], numbers, 0)
    assert [*map(str, chosen)] == texts
    assert set(chosen) == {0, 1, 2}
    assert 20 <= len(texts) <= 23


@pytest.mark.variant
def test_classes_are_weighed():
    settings = {"epochs": 20, "token_dropout": 0.0, "learning_rate": 0.02}
    texts, labels = ["x"] * 40, ["a"] * 36 + ["b"] * 4
    plain = small(**settings).fit(texts, labels)
    assert plain.predict_proba(["x"])[0, 0] > 0.7
    even = small(**settings, class_weight="balanced").fit(texts, labels)
    assert 0.4 < even.predict_proba(["x"])[0, 0] < 0.6
    even.class_weight = {"b": 9.0}
    np.testing.assert_array_equal(even._class_weights(even._numbers(labels)), [1, 9])
    even.classes_, even.class_weight = np.array([3, 5]), {"5": 2.0}  # as from a shell
    np.testing.assert_array_equal(even._class_weights(even._numbers([3, 5])), [1, 2])


@pytest.mark.parametrize(
    ("settings", "X", "y", "message"),
    [
        ({}, [], [], "at least one example"),
        ({}, ["a b"], [1, 2], "same length, got 1 and 2"),
        ({}, ["a b", "c d"], [1, 1], "at least two classes, got 1"),
        ({}, "ab", [0, 1], r"X must be a list, got the text 'ab'; do: \[text\]"),
        ({}, [["a"], "b"], [0, 1], r"X must be a list of texts, got \['a'\] at 0"),
        ({}, ["a", float("nan")], [0, 1], "X must be a list of texts, got nan at 1"),
        ({}, np.array([["a"], ["b"]]), [0, 1], "X must be a list of texts, got 2 dimensions"),
        ({}, (x for x in "ab"), [0, 1], r"got a generator; do: list\(X\)"),
        ({}, ["a", "b"], ["x", None], r"y\[1\] must be a label, a text or a number, got None"),
        ({}, ["a", "b"], [float("nan"), 1.0], r"y\[0\] must be a label, .* got nan"),
        ({}, ["a", "b"], np.eye(2), r"y\[0\] must be a label, .* got \[1.0, 0.0\]"),
        ({}, ["a", "b"], [1, "x"], "labels must be texts all or numbers all, got both"),
        ({}, ["", " "], [0, 1], "at least one token"),
        ({"cell": "rnn"}, ["a", "b"], [0, 1], "cell must be one of lstm, gru, simple_rnn"),
        ({"pooling": "sum"}, ["a", "b"], [0, 1], "pooling must be last"),
        ({"class_weight": {2: 3}}, ["a", "b"], [0, 1], "labels of the data, 0, 1, got 2"),
        ({"class_weight": {1: "3"}}, ["a", "b"], [0, 1], "be numbers of 0 or more, got '3' for 1"),
        ({"class_weight": "equal"}, ["a", "b"], [0, 1], 'None, "balanced" or .label: weight.'),
        ({"epochs": 0}, ["a", "b"], [0, 1], "epochs must be an integer of 1 or more, got 0"),
        ({"random_state": -1}, ["a", "b"], [0, 1], "random_state must be an integer of 0 or more"),
        ({"dropout": 1}, ["a", "b"], [0, 1], "dropout must be a share from 0 to below 1, got 1"),
        ({"learning_rate": "fast"}, ["a", "b"], [0, 1], "learning_rate must be a number of 0 or"),
        ({"ngrams": "maybe"}, ["a", "b"], [0, 1], "ngrams must be True or False, got 'maybe'"),
        ({"unit": "letter"}, ["a", "b"], [0, 1], "unit must be one of character, word, subword"),
    ],
)
def test_bad_input(settings, X, y, message):
    with pytest.raises(ValueError, match=message):
        small(**settings).fit(X, y)


def test_what_no_text_is_when_predicted_and_validated(fitted):
    with pytest.raises(ValueError, match="X must be a list, got the text 'good film'"):
        fitted.predict("good film")
    with pytest.raises(ValueError, match="X must be a list of texts, got None at 0"):
        fitted.predict_proba([None])
    with pytest.raises(ValueError, match=r"validation_data must be \(X, y\), got 0\.2"):
        small().fit(["a", "b"], [0, 1], validation_data=0.2)
    with pytest.raises(ValueError, match="in the validation data, X and y must have the same"):
        small().fit(["a", "b"], [0, 1], validation_data=(["a"], [0, 1]))


def test_labels_never_learnt(fitted):
    with pytest.raises(ValueError, match="must be among those learnt, bad, good, got awful"):
        fitted._numbers(["good", "awful"])


def curves(count, seed):
    """Noisy waves of one of two speeds, of any length and height."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=count)
    X = [
        np.sin(np.arange(random.integers(10, 20)) * (0.5 + label))[:, None]
        * random.uniform(0.5, 2, (1, 2))
        + random.normal(0, 0.05, 2)
        for label in labels
    ]
    return X, labels


def test_sequences_are_learnt_and_saved(tmp_path):
    settings = {"units": np.int64(12), "dropout": np.float32(0.5)}  # as of a search
    model = SequenceClassifier(**settings, epochs=12).fit(*curves(200, 0))
    X, y = curves(50, 1)
    assert model.score(X, y) > 0.9
    model.save(tmp_path / "run")
    np.testing.assert_array_equal(
        tasks.load(tmp_path / "run").predict_proba(X), model.predict_proba(X)
    )
    np.testing.assert_allclose(model.predict_proba(X[:1]), model.predict_proba(X)[:1], atol=1e-6)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.zeros((3, 2)), np.zeros((3, 1))], r"X\[1\] must be of shape \[T, 2\], got \[3, 1\]"),
        ([np.zeros((3, 2)), np.full((3, 2), np.nan)], r"X\[1\] must be finite, got NaN"),
        ([["a"], ["b"]], r"X\[0\] must be numbers"),
        ([np.zeros((2, 3, 4))] * 2, r"X\[0\] must be of shape \[T, I\]"),
    ],
)
def test_sequences_that_are_none(X, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(epochs=1).fit(X, [0, 1])


def test_features_are_mixed_in_training_alike_in_every_group_and_timestep():
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    layer = layers.FeatureMixing(0.3, groups=2, seed=1)
    both = np.concatenate([x, x], axis=2)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(both)), both)
    first, second = np.split(np.asarray(ops.convert_to_numpy(layer(both, training=True))), 2, 2)
    np.testing.assert_array_equal(first, second)
    for before, after in zip(x, first, strict=True):  # one linear map and one shift explain it
        known = np.column_stack([before, np.ones(6)])
        found, residual, *_ = np.linalg.lstsq(known, after, rcond=None)
        assert residual.max() < 1e-9
        assert 0 < np.abs(found - np.eye(4, 3)).max() < 1.5
    moved = layers.FeatureMixing(1.0, seed=0)(np.zeros((500, 2, 3)), training=True)
    assert np.std(ops.convert_to_numpy(moved)) == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="3 features must be 2 groups"):
        layers.FeatureMixing(0.3, groups=2)(x)
    with pytest.raises(ValueError, match="deviation must not be negative, got -1"):
        layers.FeatureMixing(-1)
