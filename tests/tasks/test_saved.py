"""Run folders that are damaged, mixed up, or written by somebody else: one clear error."""

import copy
import hashlib
import json
import pickle
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from elman import tasks
from elman.data.tokenizer import Tokenizer
from elman.models import load_model
from elman.tasks import estimator, runs
from elman.tasks.estimator import read_card
from elman.tasks.predictions import run_card
from elman.tasks.saved import COUNT, FINITE, SHARE, WRITTEN, check
from elman.tasks.training import KeepBest, SaveState

sys.path.insert(0, str(Path(__file__).parent))
import hostile_runs


@pytest.fixture(scope="module", params=hostile_runs.NAMES)
def saved(request, tmp_path_factory):
    """A folder of each task, and what to ask it."""
    task, asked, about = hostile_runs.made(request.param)
    folder = tmp_path_factory.mktemp("saved") / request.param
    task.save(folder, **about)
    assert {path.name for path in folder.iterdir()} <= WRITTEN
    return folder, asked


@pytest.fixture
def models(monkeypatch):
    """Each model is loaded once: what is damaged here is beside it."""
    known = {}

    def load(path, **settings):
        key = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        if key not in known:
            known[key] = load_model(path, **settings)
        return known[key]

    monkeypatch.setattr(estimator, "load_model", load)


def test_damaged_folders_are_refused_with_the_name_of_the_file(saved, models):
    folder, asked = saved
    compiles = keras.backend.backend() != "torch"  # a step of each new generator
    asked = [] if compiles and folder.name in ("seq2seq", "captioner") else asked
    found = [hostile_runs.one(folder, asked, seed) for seed in range(60)]
    assert [words for words in found if words not in ("fine", "refused")] == []
    assert found.count("refused") > 30


def change(folder, part, *keys, value):
    found = inner = json.loads((folder / part).read_text())
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (folder / part).write_text(json.dumps(found))


def refused(folder, words):
    with pytest.raises(ValueError, match=words) as told:
        tasks.load(folder)
    assert str(folder) in str(told.value)


@pytest.fixture
def run(tmp_path):
    """A fresh folder of a task, by its name."""

    def make(name):
        task, _, about = hostile_runs.made(name)
        task.save(tmp_path / name, **about)
        return tmp_path / name

    return make


def test_a_card_sets_no_attribute_but_its_own(run, models):
    folder = run("tagger")
    change(folder, "card.json", "learnt", "_check", value="nothing is checked any more")
    change(folder, "card.json", "learnt", "model", value=3)
    task = tasks.load(folder)
    with pytest.raises(ValueError, match="must be a list of texts"):
        task.predict(["one text"])


@pytest.mark.parametrize(
    ("name", "keys", "value", "words"),
    [
        ("classifier", ("learnt", "share"), "0.5", r"card\.json: share of learnt must be a number"),
        ("classifier", ("learnt", "share"), float("nan"), "share of learnt must be a number"),
        ("classifier", ("learnt", "classes"), ["good"], "must be two or more"),
        ("classifier", ("learnt", "classes"), ["a", "b", "c"], r"outputs of \[3\]"),
        ("classifier", ("settings", "units"), "3", r"card\.json: units must be an integer"),
        ("classifier", ("settings", "cell"), 5, r"card\.json: cell of settings must be text"),
        ("classifier", ("settings", "gates"), 5, "got gates, of elman"),
        ("classifier", ("training", "shapes"), [3], r"item 0 of shapes of training .* a list"),
        ("classifier", ("versions",), {}, "versions of .* must have elman, got none"),
        ("classifier", ("task",), "Tagger", "must hold one of ImageCaptioner"),
        ("arrays", ("learnt", "deviation"), [1.0], "must be 2 numbers above 0"),
        ("arrays", ("learnt", "deviation"), [1.0, 0.0], "must be 2 numbers above 0"),
        ("arrays", ("settings", "normalize"), "data", r"inputs of the shapes \[\(None, 2\)\]"),
        ("tagger", ("learnt", "_inner"), ["O", "B-x", "I-y"], "tags_ of learnt must be those"),
        ("tagger", ("learnt", "scheme_"), "IOB1", "must be tags of entities"),
        ("tagger", ("learnt", "level_"), "character", r"features\.json: level must be 'character'"),
        ("seq2seq", ("learnt", "max_length"), 10**9, "max_length of learnt must be an integer"),
        ("captioner", ("learnt", "shape"), [10**6, 10**6, 3], "inputs of the shapes"),
        ("captioner", ("settings", "picture_size"), 10**6, "pictures must be of"),
    ],
)  # fmt: skip
def test_a_wrong_value_of_a_card_is_told(name, keys, value, words, run, models):
    folder = run(name)
    change(folder, "card.json", *keys, value=value)
    refused(folder, words)


def test_parts_of_another_run_are_told(run, models):
    folder = run("classifier")
    Tokenizer("character", size=60).fit(["other letters"]).save(folder / "tokenizer.json")
    refused(folder, r"model\.keras: the model must have embeddings of so many tokens: \[")
    folder = run("captioner")
    with np.load(folder / "memory.npz") as views:
        np.savez(folder / "memory.npz", *[view[:, :3] for view in views.values()])
    refused(folder, r"memory\.npz must hold vectors of")
    np.savez(folder / "memory.npz", np.ones((3, 2), "float32"))
    refused(folder, r"memory\.npz: a view must be finite numbers \[12, F\]")
    folder = run("seq2seq")
    change(folder, "memory.json", "answers", value=["one"])
    refused(folder, r"memory\.json: there must be 12 answers, got 1")
    change(folder, "memory.json", "gates", value=["one"])
    folder = run("tagger")
    shutil.copy(run("classifier") / "model.keras", folder)
    refused(folder, r"model\.keras: the model must have inputs")


def test_an_error_that_is_not_of_a_file_is_not_told_as_one(run, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a fault of ours")

    folder = run("classifier")
    monkeypatch.setattr(tasks.TextClassifier, "_restore", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        tasks.load(folder)
    monkeypatch.undo()
    monkeypatch.setattr(tasks.TextClassifier, "__init__", lambda self: None)
    monkeypatch.setattr(tasks.TextClassifier, "get_params", lambda self: {})
    change(folder, "card.json", "settings", value={})
    monkeypatch.setattr(tasks.TextClassifier, "_restore", lambda *_: int("x"))
    with pytest.raises(ValueError, match=r"^invalid literal for int"):
        tasks.load(folder)


def test_a_card_without_end_is_not_read(run):
    folder = run("classifier")
    with (folder / "card.json").open("r+b") as file:
        file.truncate(2**40)  # of which the disk holds nothing
    refused(folder, r"card\.json must be at most 268,435,456 bytes, got 1,099,511,627,776")


def test_what_train_wrote_is_one_task(run):
    folder = run("classifier")
    change(folder, "card.json", "kind", value="tagger")
    with pytest.raises(ValueError, match="must be of one task, got a tagger and a TextClassifier"):
        run_card(str(folder))
    change(folder, "card.json", "kind", value="classifier")
    change(folder, "card.json", "scores", value=[1])
    with pytest.raises(ValueError, match=r"scores of .*card\.json must be a dict, got a list of 1"):
        runs.info(str(folder))
    change(folder, "card.json", "scores", value={"test": {"accuracy": 0.5}})
    assert "test: accuracy 0.5" in runs.info(str(folder))


def test_scores_of_the_users_own_are_left_alone(tmp_path):
    task, _, _ = hostile_runs.made("classifier")
    task.save(tmp_path / "own", scores=0.5)
    assert read_card(tmp_path / "own")["scores"] == 0.5
    assert "0 epochs" in runs.info(str(tmp_path / "own"))


def test_the_state_of_a_training_names_no_other_file(tmp_path):
    """Its weights lie beside it, and have the shapes of the model."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    state = {
        "epoch": 3,
        "file": str(tmp_path.parent / "elsewhere.npz"),
        "history": [{"loss": 1.0}],
        "best": {"best": 0.5, "best_epoch": 2, "epoch": 2, "on_epoch_end": None},
    }
    last = [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]
    np.savez(tmp_path.parent / "elsewhere.npz", *last)

    def restored():
        best = KeepBest(None)
        (tmp_path / "state.json").write_text(json.dumps(state))
        return SaveState(tmp_path, best, 0).restore(model), best

    with pytest.raises(FileNotFoundError, match=r"got no epoch-3\.npz"):
        restored()
    arrays = {f"last {i}": value for i, value in enumerate(last)}
    best = {f"best {i}": value + 1 for i, value in enumerate(last[:2])}
    np.savez(tmp_path / "epoch-3.npz", **arrays, **best)
    epoch, kept = restored()
    assert (epoch, kept.best, kept.best_epoch) == (3, 0.5, 2)
    assert callable(kept.on_epoch_end)
    np.savez(tmp_path / "epoch-3.npz", **arrays, **{k: v[:1] for k, v in best.items()})
    with pytest.raises(ValueError, match=r"epoch-3\.npz: the weights must be of the shapes"):
        restored()
    state["best"] = {"best": "0.5", "best_epoch": 2, "epoch": 2}
    with pytest.raises(ValueError, match=r"best of best of .*state\.json must be an integer or a"):
        restored()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, int), (True, COUNT), (1.0, COUNT), (-1, COUNT), (2**60, COUNT), ("1", COUNT),
        (float("nan"), SHARE), (float("inf"), FINITE), (10**400, FINITE), (None, str),
        ([1, "a"], [str]), ({"a": 1}, {str: str}), ({"a": 1}, {"b": int}), ([], dict), ({}, [str]),
    ],
)  # fmt: skip
def test_what_is_of_no_kind(value, kind):
    with pytest.raises(ValueError, match="must"):
        check(value, kind, "it")


def test_a_large_value_is_told_in_few_words():
    with pytest.raises(ValueError, match=r"must be text, got a list of 1000000") as told:
        check([0] * 10**6, str, "it")
    assert len(str(told.value)) < 100


def test_a_deep_copy_has_weights_of_its_own(saved):
    folder, asked = saved
    first = tasks.load(folder)
    second = copy.deepcopy(first)
    for weight in first.model.weights:
        weight.assign(weight * 0)
    again = tasks.load(folder)
    for mine, theirs in zip(second.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert second.get_params() == again.get_params()
    assert str(second.predict(asked)) == str(again.predict(asked))
    unfitted = type(first)(epochs=7)
    assert copy.deepcopy(unfitted).epochs == 7
    with pytest.raises(TypeError, match=r"pickled.*elman.tasks.load.*n_jobs and return_estimator"):
        pickle.dumps(second)


def test_a_folder_that_is_written_anew_while_it_is_read(saved, monkeypatch):
    folder, _ = saved
    load = estimator.load_model

    def slow(path, **settings):
        change(folder, "card.json", "saved", value="2000-01-01T00:00:00+00:00")
        return load(path, **settings)

    monkeypatch.setattr(estimator, "load_model", slow)
    refused(folder, "written anew while it was read; load it again")
