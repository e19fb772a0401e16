"""What the tasks are compared with; each gives the scores of the test examples of a round."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.tokenizer import END, START, Tokenizer
from elman.tasks import runs
from elman.tasks.progress import Lines
from elman.tasks.reports import scores_of
from elman.tasks.sources import Reading, Source, read_parts

LONGEST = 120  # tokens that the textbook models read


def elman(task: str, one, seed: int, folder: Path) -> dict[str, Any]:
    """`elman train` with its defaults."""
    import sys

    report = runs.train(
        task,
        one.data,
        str(folder),
        valid=one.valid,
        test=one.test,
        reading=Reading(**one.reading),
        seed=seed,
        callbacks=[Lines(sys.stdout)],
    )
    return report["scores"]["test"]


def baseline(task: str, one, seed: int, folder: Path) -> dict[str, Any]:
    """The simple method of each task."""
    return _peer(task, one, seed, BASELINES)


def textbook(task: str, one, seed: int, folder: Path) -> dict[str, Any]:
    """The Keras model that books have for the task."""
    import keras

    keras.utils.set_random_seed(seed)
    return _peer(task, one, seed, TEXTBOOK)


def _peer(task: str, one, seed: int, methods: dict[str, Callable]) -> dict[str, Any]:
    """Learn from all but the test, and but a validation file, where the set has one."""
    reading = Reading(**one.reading)
    parts = read_parts(task, one.data, one.valid, one.test, reading, seed=seed)
    learnt = [parts["train"]] if one.valid else [p for n, p in parts.items() if n != "test"]
    X = [x for part in learnt for x in part.X]
    y = [label for part in learnt for label in part.y]
    test: Source = parts["test"]
    kind = "arrays" if task == "classifier" and isinstance(X[0], np.ndarray) else task
    predicted = methods[kind](X, y, list(test.X))
    return scores_of(task, list(test.y), list(predicted))


# Simple baselines


def tfidf(X: list[str], y: list, test: list[str]) -> list:
    """TF-IDF of characters, or of words too if that is better on a tenth, logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline, make_union

    def model(with_words: bool):
        settings = {"min_df": 2, "sublinear_tf": True}
        kinds = [TfidfVectorizer(analyzer="char", ngram_range=(1, 4), **settings)]
        words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", **settings)
        union = make_union(*kinds, words) if with_words else kinds[0]
        return make_pipeline(union, LogisticRegression(C=4, max_iter=300))

    learnt, held, y_learnt, y_held = train_test_split(X, y, test_size=0.1, random_state=0)
    scores = [model(words).fit(learnt, y_learnt).score(held, y_held) for words in (False, True)]
    return model(scores[1] > scores[0]).fit(X, y).predict(test).tolist()


def pooled(X: list[np.ndarray], y: list, test: list[np.ndarray]) -> list:
    """An SVM on means and deviations over time, of the whole and of each fifth."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    def statistics(sequence: np.ndarray) -> np.ndarray:
        parts = [sequence, *np.array_split(sequence, 5)]
        return np.concatenate([f(x.astype("float32"), 0) for x in parts for f in (np.mean, np.std)])

    model = make_pipeline(StandardScaler(), SVC(C=10))
    model.fit(np.stack([*map(statistics, X)]), y)
    return model.predict(np.stack([*map(statistics, test)])).tolist()


def crfsuite(X: list[list[str]], y: list[list[str]], test: list[list[str]]) -> list[list[str]]:
    """A linear chain over ordinary features: words, their ends and shapes, their neighbours."""
    import tempfile

    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for tokens, tags in zip(X, y, strict=True):
        trainer.append(features(tokens), tags)
    trainer.set_params({"c1": 0.05, "c2": 0.05, "max_iterations": 80})
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(f"{folder}/model")
        tagger = pycrfsuite.Tagger()
        tagger.open(f"{folder}/model")
        found = [tagger.tag(features(tokens)) for tokens in test]
        tagger.close()
    return found


def features(tokens: list[str]) -> list[list[str]]:
    """For each token itself, what it begins and ends with, its shape, and those around it."""
    padded = ["<s>", "<s>", *tokens, "</s>", "</s>"]
    rows = []
    for i, token in enumerate(tokens, 2):
        lower = token.lower()
        row = ["bias", f"word={lower}", f"shape={shape(token)}"]
        row += [f"start={lower[:n]}" for n in (1, 2, 3)] + [
            f"end={lower[-n:]}" for n in (1, 2, 3, 4)
        ]
        row += [f"{k}:word={padded[i + k].lower()}" for k in (-2, -1, 1, 2)]
        row += [f"{k}:shape={shape(padded[i + k])}" for k in (-1, 1)]
        row += [f"{k}:two={padded[i + k]}{padded[i + k + 1]}" for k in (-2, -1, 0, 1)]
        rows.append(row)
    return rows


def shape(token: str) -> str:
    """Letters as X and x, digits as 9, runs as one: "McCoy-3" is "XxXx-9"."""
    signs = [
        "X" if c.isupper() else "x" if c.isalpha() else "9" if c.isdigit() else c for c in token
    ]
    return "".join(c for i, c in enumerate(signs) if i == 0 or c != signs[i - 1])


def nearest_text(X: list[str], y: list[str], test: list[str]) -> list[str]:
    """The answer of the training sentence with the most similar characters (TF-IDF, cosine)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True)
    known = vectors.fit_transform(X)
    return [y[i] for i in np.asarray((vectors.transform(test) @ known.T).argmax(1)).ravel()]


def nearest_picture(X: list[np.ndarray], y: list[list[str]], test: list[np.ndarray]) -> list[str]:
    """The caption of the training picture whose pixels are nearest."""
    from sklearn.neighbors import NearestNeighbors

    flat = [np.stack([small(x).ravel() for x in pictures]) for pictures in (X, test)]
    found = NearestNeighbors(n_neighbors=1).fit(flat[0]).kneighbors(flat[1], return_distance=False)
    return [y[i][0] for i in found.ravel()]


def small(picture: np.ndarray, size: int = 32) -> np.ndarray:
    """A picture as float32 [size, size, 3] between 0 and 1."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((size, size)), "float32") / 255


# Textbook Keras models


def lstm_classifier(X: list[str], y: list, test: list[str]) -> list:
    """Embedding, bidirectional LSTM, dense: 2 epochs on large data, 5 on small."""
    from keras import layers

    tokenizer = Tokenizer("subword", size=16_000).fit(X)
    inputs = [padded(tokenizer.encode(texts)) for texts in (X, test)]
    names, numbers = np.unique(y, return_inverse=True)
    model = compiled(
        layers.Embedding(len(tokenizer), 128, mask_zero=True),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dense(len(names), activation="softmax"),
    )
    model.fit(inputs[0], numbers, batch_size=128, epochs=2 if len(X) > 50_000 else 5, verbose=2)
    return names[model.predict(inputs[1], verbose=0).argmax(-1)].tolist()


def gru_classifier(X: list[np.ndarray], y: list, test: list[np.ndarray]) -> list:
    """Two bidirectional GRUs on normalised sequences, 30 epochs."""
    from keras import layers

    every = np.concatenate(X).astype("float32")
    mean, deviation = every.mean(0), every.std(0)
    longest = max(map(len, [*X, *test]))

    def padded_sequences(sequences: list[np.ndarray]) -> np.ndarray:
        out = np.zeros((len(sequences), longest, len(mean)), "float32")
        for row, sequence in zip(out, sequences, strict=True):
            row[: len(sequence)] = (sequence - mean) / deviation
        return out

    names, numbers = np.unique(y, return_inverse=True)
    model = compiled(
        layers.Masking(),
        layers.Bidirectional(layers.GRU(64, return_sequences=True)),
        layers.Bidirectional(layers.GRU(64)),
        layers.Dropout(0.3),
        layers.Dense(len(names), activation="softmax"),
    )
    model.fit(padded_sequences(X), numbers, batch_size=64, epochs=30, verbose=2)
    return names[model.predict(padded_sequences(test), verbose=0).argmax(-1)].tolist()


def lstm_tagger(X: list[list[str]], y: list[list[str]], test: list[list[str]]) -> list[list[str]]:
    """Embedding of words, bidirectional LSTM, softmax at each step, 8 epochs."""
    from collections import Counter

    from keras import layers

    counts = Counter(token for tokens in X for token in tokens)
    number = {token: i for i, (token, n) in enumerate(counts.items(), 2) if n > 1}
    names = sorted({tag for tags in y for tag in tags})
    tag_number = {name: i for i, name in enumerate(names)}
    longest = max(map(len, test))
    inputs = padded([[number.get(t, 1) for t in tokens] for tokens in X], 4 * LONGEST)
    targets = padded([[tag_number[t] for t in tags] for tags in y], 4 * LONGEST)
    model = compiled(
        layers.Embedding(max(number.values()) + 1, 128, mask_zero=True),
        layers.Dropout(0.3),
        layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
        layers.Dense(len(names), activation="softmax"),
    )
    model.fit(inputs, targets, batch_size=32, epochs=8, verbose=2)
    asked = padded([[number.get(t, 1) for t in tokens] for tokens in test], longest)
    found = model.predict(asked, verbose=0).argmax(-1)
    return [[names[k] for k in row[: len(t)]] for row, t in zip(found, test, strict=True)]


def encoder_decoder(X: list[str], y: list[str], test: list[str]) -> list[str]:
    """Two LSTMs, the second starting from the state of the first; no attention; 20 epochs."""
    from keras import Input, layers

    source, target = (Tokenizer("subword", size=4_000).fit(texts) for texts in (X, y))
    inputs = padded(source.encode(X))
    first = Input((None,), dtype="int32")
    embedded = layers.Embedding(len(source), 128, mask_zero=True)(first)
    _, *states = layers.LSTM(256, return_state=True)(embedded)
    return decoder(first, states, inputs, y, target, padded(source.encode(test)), epochs=20)


def picture_decoder(X: list[np.ndarray], y: list[list[str]], test: list[np.ndarray]) -> list[str]:
    """A small CNN, whose last vector is the first state of an LSTM; 40 epochs."""
    from keras import Input, layers

    target = Tokenizer("subword", size=4_000).fit([texts[0] for texts in y])
    first = Input((32, 32, 3))
    vector = first
    for filters in (32, 64, 128):
        vector = layers.Conv2D(filters, 3, activation="relu", padding="same")(vector)
        vector = layers.MaxPooling2D()(vector)
    vector = layers.Dropout(0.3)(layers.Flatten()(vector))
    states = [layers.Dense(256, activation="tanh")(vector) for _ in range(2)]
    pictures = [np.stack([*map(small, part)]) for part in (X, test)]
    captions = [texts[0] for texts in y]
    return decoder(first, states, pictures[0], captions, target, pictures[1], epochs=40)


def decoder(first, states, inputs, answers, target: Tokenizer, test, epochs: int) -> list[str]:
    """Train an LSTM from ``states`` on ``answers`` by teacher forcing; answer ``test`` greedily."""
    from keras import Input, Model, layers

    encoded = [tokens[: LONGEST - 1] for tokens in target.encode(answers)]
    said = padded([[START, *tokens] for tokens in encoded])
    wanted = padded([[*tokens, END] for tokens in encoded])
    second = Input((None,), dtype="int32")
    embedded = layers.Embedding(len(target), 128, mask_zero=True)(second)
    hidden = layers.LSTM(256, return_sequences=True)(embedded, initial_state=states)
    model = Model([first, second], layers.Dense(len(target), activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit([inputs, said], wanted, batch_size=64, epochs=epochs, verbose=2)
    out = np.zeros((len(test), said.shape[1]), "int32")
    out[:, 0] = START
    for step in range(said.shape[1] - 1):  # the whole past again at each step, as books have it
        chosen = model.predict([test, out], verbose=0)[:, step].argmax(-1)
        out[:, step + 1] = chosen
    return target.decode([[*until_end(row[1:])] for row in out])


def until_end(tokens: Sequence[int]) -> Iterator[int]:
    for token in tokens:
        if token == END:
            return
        yield int(token)


def compiled(*layers_: Any):
    import keras

    model = keras.Sequential([*layers_])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def padded(sequences: Sequence[Sequence[int]], longest: int = LONGEST) -> np.ndarray:
    """Numbers as int32 [N, T], filled with 0; T is at most ``longest``."""
    length = min(longest, max(1, *map(len, sequences)))
    out = np.zeros((len(sequences), length), "int32")
    for row, sequence in zip(out, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return out


BASELINES = {
    "classifier": tfidf,
    "arrays": pooled,
    "tagger": crfsuite,
    "seq2seq": nearest_text,
    "captioner": nearest_picture,
}
TEXTBOOK = {
    "classifier": lstm_classifier,
    "arrays": gru_classifier,
    "tagger": lstm_tagger,
    "seq2seq": encoder_decoder,
    "captioner": picture_decoder,
}
PEERS = {"elman": elman, "baseline": baseline, "textbook": textbook}
