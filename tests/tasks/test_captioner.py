"""Captions of drawn pictures: learnt to the letter, with and without attention, from features."""

import keras
import numpy as np
import pytest

from elman import tasks
from elman.tasks import ImageCaptioner
from elman.tasks.kernel_memory import KernelMemory

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
SMALL = {
    "picture_size": 16, "units": 32, "embedding": 16, "dropout": 0.0, "label_smoothing": 0.0,
    "learning_rate": 0.005, "batch_size": 16, "augment": False, "target_unit": "word",
}  # fmt: skip


def drawn(count, seed=0, size=16):
    """A square or a bar of a colour anywhere on white, and what it is."""
    random = np.random.default_rng(seed)
    pictures, captions = [], []
    for _ in range(count):
        name = random.choice(list(COLOURS))
        shape = random.choice(["square", "bar"])
        picture = np.full((size, size, 3), 255, "uint8")
        height, width = (size // 3, size // 3) if shape == "square" else (size // 8, size - 2)
        y, x = random.integers(0, size - height), random.integers(0, size - width)
        picture[y : y + height, x : x + width] = COLOURS[name]
        pictures.append(picture)
        captions.append(f"a {name} {shape}")
    return pictures, captions


def right(answers, captions):
    return np.mean([a == b for a, b in zip(answers, captions, strict=True)])


@pytest.fixture(scope="module", autouse=True)
def optimized():
    """An encoder of pictures runs long enough to be compiled well; the Makefile spares the rest."""
    if keras.backend.backend() != "jax":
        return (yield)
    import jax

    name = "jax_disable_most_optimizations"
    before = jax.config.read(name)
    jax.config.update(name, False)
    yield
    jax.config.update(name, before)


@pytest.fixture(scope="module")
def captioner():
    return ImageCaptioner(**SMALL, epochs=20).fit(*drawn(200))


def test_it_says_what_is_in_new_pictures(captioner):
    pictures, captions = drawn(60, seed=1)
    assert right(captioner.predict(pictures, method="greedy"), captions) > 0.9
    assert right(captioner.predict(pictures), captions) > 0.9
    assert captioner.score(pictures, captions) > 0.9


def test_pictures_of_any_size_and_files(captioner, tmp_path):
    from PIL import Image

    pictures, captions = drawn(6, seed=2, size=48)
    names = [tmp_path / f"{n}.png" for n in range(6)]
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(name)
    found = captioner.predict(pictures)
    assert captioner.predict(names) == found
    assert right(found, captions) > 0.8  # five of six: pictures of this size are new to it
    grey = captioner.predict([pictures[0].mean(-1)])
    assert len(grey) == 1


def test_a_folder_holds_all_of_it(captioner, tmp_path):
    captioner.save(tmp_path / "run")
    again = tasks.load(tmp_path / "run")
    pictures, _ = drawn(5, seed=3)
    assert again.predict(pictures) == captioner.predict(pictures)
    for view, same in zip(again.memory_.views, captioner.memory_.views, strict=True):
        np.testing.assert_array_equal(view, same)


def test_a_memory_of_before_mirrored_still_answers(captioner, monkeypatch):
    """It has all views but the last; a folder has as many arrays as there are views."""
    before = KernelMemory(captioner.memory_.views[:-1], captioner.memory_.answers)
    monkeypatch.setattr(captioner, "memory_", before)
    pictures, captions = drawn(20, seed=6)
    assert right(captioner.predict(pictures), captions) > 0.8
    captioner.remember(pictures, captions)
    assert len(captioner.memory_.views) == len(before.views)


def test_attention_is_a_share_for_each_place(captioner):
    pictures, _ = drawn(2, seed=4)
    for (tokens, weights), caption in zip(
        captioner.attention_of(pictures), captioner.predict(pictures, method="beam"), strict=True
    ):
        assert "".join(tokens).replace("▁", " ").split() == caption.split()
        side = np.sqrt(weights.shape[1])
        assert weights.shape[0] == len(tokens)
        assert side == int(side)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)  # float32


def test_weights_of_the_memory_are_a_ridge_regression():
    """Of any function of the answers: here of the sums of three features."""
    random = np.random.default_rng(0)
    views = [random.normal(size=(60, 3)), random.normal(size=(60, 2))]
    values = dict(zip(map(str, range(60)), views[0].sum(1), strict=True))
    memory = KernelMemory(views, [[name] for name in values])
    asked = [view[:20] + 0.05 * random.normal(size=view[:20].shape) for view in views]
    found = [sum(w * values[name] for name, w in near) for near in memory.nearest(asked)]
    assert np.corrcoef(found, views[0][:20].sum(1))[0, 1] > 0.95
    # Examples that are like each other share the weight of one.
    answers = [*([name] for name in values), ["0 again"]]
    twice = KernelMemory([np.vstack([v, v[:1]]) for v in views], answers)
    (near,) = twice.nearest([view[:1] for view in views])
    weights = dict(near)
    assert weights["0"] == pytest.approx(weights["0 again"])
    assert max(weights.values()) == pytest.approx(weights["0"])


def test_the_memory_alone_knows_training_pictures(captioner):
    pictures, captions = drawn(200)
    nearest = [near[0][0] for near in captioner.memory_.nearest(captioner._asked(pictures))]
    assert right(nearest, captions) > 0.9


def test_it_remembers_more_pictures(captioner, monkeypatch):
    monkeypatch.setattr(captioner, "memory_", captioner.memory_)  # for the other tests
    grey = np.full((3, 16, 16, 3), 128, "uint8")
    captioner.remember(grey, [["nothing", "grey"], "nothing", "nothing"])
    (near,) = captioner.memory_.nearest(captioner._asked(grey[:1]))
    assert max(near, key=lambda answer: answer[1])[0] == "nothing"
    monkeypatch.setattr(captioner, "memory_", None)
    with pytest.raises(ValueError, match="must have a memory to remember, got none"):
        captioner.remember(grey, ["nothing"] * 3)


@pytest.mark.variant
@pytest.mark.parametrize(
    "options",
    [{"attention": None, "cell": "gru"}, {"attention": "additive", "input_feeding": True}],
    ids=["none-gru", "additive-fed"],
)
def test_features_and_several_captions(options):
    random = np.random.default_rng(0)
    kinds = random.integers(0, 3, 60)
    features = random.normal(size=(60, 4, 5)) * 0.1
    features[np.arange(60), random.integers(0, 4, 60), kinds] += 2  # somewhere among four places
    words = ["cat", "dog", "fish"]
    captions = [[f"a {words[k]}", f"a {words[k]}"] for k in kinds]
    model = ImageCaptioner(encoder="features", **SMALL | options, epochs=8, memory=False)
    model.fit(features, captions)
    assert right(model.predict(features, method="beam"), [c[0] for c in captions]) > 0.9


@pytest.mark.variant
def test_an_encoder_of_keras_applications():
    model = ImageCaptioner(encoder="MobileNet", **SMALL)
    model.shape_ = (32, 32, 3)
    encoder = model._encoder()
    assert "mobilenet" in " ".join(layer.name for layer in encoder.layers)
    memory, _, *states = encoder.output_shape
    assert memory == (None, 1, 1024)
    assert states == [(None, SMALL["units"])] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "NoSuchNet"}, r"a model of keras\.applications, got 'NoSuchNet'"),
        ({"encoder": "MobileNetV2", "weights": "gone.h5"}, r"a file, got 'gone\.h5'"),
        ({"encoder": "features"}, "must have one shape for all"),
    ],
    ids=["encoder", "weights", "features"],
)
def test_what_is_wrong_is_told(options, message):
    pictures = [np.zeros((32, 32)), np.zeros((32, 31))]
    with pytest.raises(ValueError, match=message):
        ImageCaptioner(**SMALL | {"picture_size": 32} | options).fit(pictures, ["a b", "c d"])


def test_a_picture_without_a_caption_is_told():
    with pytest.raises(ValueError, match="must have a caption, got none for number 1"):
        ImageCaptioner(**SMALL).fit([np.zeros((4, 4))] * 2, [["a"], []])


def test_an_array_that_is_no_picture_is_told():
    with pytest.raises(ValueError, match=r"must be an array \[height, width\].*got \(4, 4, 7\)"):
        ImageCaptioner(**SMALL).fit([np.zeros((4, 4, 7))], ["a"])


def test_one_picture_and_what_no_caption_is():
    with pytest.raises(ValueError, match=r"X must be a list of pictures, got one, \(4, 5, 3\)"):
        ImageCaptioner(**SMALL).predict(np.zeros((4, 5, 3)))
    with pytest.raises(ValueError, match=r"y\[1\] must be a list of texts, got 7 at 0"):
        ImageCaptioner(**SMALL).fit([np.zeros((4, 4))] * 2, ["a", [7]])


def test_augmentation_is_for_training_only():
    model = ImageCaptioner(**SMALL | {"augment": True})
    model.shape_ = (16, 16, 3)
    encoder = model._encoder()
    pictures = np.stack(drawn(4, seed=5)[0])
    first, again, moved = (
        keras.ops.convert_to_numpy(encoder(pictures, training=training)[0])
        for training in (False, False, True)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(moved, first)


def test_another_fit_forgets_the_first():
    """Features of another shape; nothing of the first fit is left."""
    random = np.random.default_rng(0)
    task = ImageCaptioner(
        encoder="features", units=3, embedding=3, epochs=1, target_unit="character", memory=False
    )
    for shape in ((5,), (2, 7)):
        task.fit(list(random.normal(size=(2, *shape))), ["a", "b"])
    assert task.shape_ == (2, 7)
