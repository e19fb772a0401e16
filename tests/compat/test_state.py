"""What is changed for a program is so for this program alone, and only while it runs."""

import os
import sys
import threading

import keras
import numpy as np
import pytest

from elman import layers, models
from elman.compat import backend, contrib
from elman.compat.running import run_program
from elman.layers.activations import hard_sigmoid
from elman.legacy import eras
from elman.legacy.notes import heard_by, tell

# Of Keras 1, whose LSTM had another recurrent activation.
KERAS1 = "from keras.layers import LSTM\nLSTM(output_dim=3, inner_init='zero')\n"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)


def run(folder, text, name="program.py"):
    """The variables of the program, and the report."""
    path = folder / name
    path.write_text(text)
    code, report, names = run_program(path)
    assert code == 0
    return names, report


def in_thread(function):
    """What ``function`` gives in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_another_thread_has_no_era_and_hears_nothing():
    heard: list[str] = []
    with eras.in_force(eras.KERAS1), heard_by(heard.append):
        found = in_thread(lambda: (eras.current(), tell("of another thread")))
        tell("of this one")
    assert found[0] is None
    assert heard == ["of this one"]
    assert eras.current() is None


def test_a_thread_of_the_program_has_its_era(tmp_path):
    text = KERAS1 + (
        "import threading\nfrom concurrent.futures import ThreadPoolExecutor\nmade = []\n"
        "thread = threading.Thread(target=lambda: made.append(LSTM(2)))\n"
        "thread.start(); thread.join()\n"
        "with ThreadPoolExecutor(1) as pool:\n    made.append(pool.submit(LSTM, 2).result())\n"
    )
    names, report = run(tmp_path, text)
    assert {layer.cell.recurrent_activation for layer in names["made"]} == {hard_sigmoid}
    note = "line 6: LSTM: recurrent_activation='hard_sigmoid' (Keras 1's default)"
    assert note in map(str, report.notes)
    assert in_thread(eras.current) is None


def test_two_programs_at_once_wait_for_each_other(tmp_path):
    """Each sees its own arguments and era from its first line to its last."""
    text = (
        "import sys, time\nfrom keras.layers import LSTM\nseen = []\n"
        "for _ in range(20):\n    time.sleep(0.001)\n"
        "    seen.append((sys.argv[0], sys.modules['__main__'].__file__))\n"
    )
    results = {}

    def one(name, more):
        results[name] = run(tmp_path, text + more, name)[0]

    threads = [
        threading.Thread(target=one, args=("old.py", "layer = LSTM(2, inner_init='zero')\n")),
        threading.Thread(target=one, args=("new.py", "layer = LSTM(2)\n")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, names in results.items():
        assert set(names["seen"]) == {(str(tmp_path / name),) * 2}
    activations = {n: x["layer"].cell.recurrent_activation.__name__ for n, x in results.items()}
    assert activations == {"old.py": "hard_sigmoid", "new.py": "sigmoid"}


def test_nothing_is_left_of_a_program(tmp_path):
    state = lambda: (  # noqa: E731
        threading.Thread.start, sys.argv, list(sys.path), sys.modules["__main__"],
        list(sys.meta_path), dict(os.environ), dict(vars(keras.optimizers.Optimizer)),
        getattr(type(keras.ops.zeros(())), "numpy", None), backend.learning_phase(),
    )  # fmt: skip
    before = state()
    run(tmp_path, KERAS1 + "from keras import backend as K\nK.set_learning_phase(1)\n")
    assert state() == before


def test_figures_have_the_backend_that_they_had(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    run(tmp_path, KERAS1 + "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n")
    assert (tmp_path / "program-1.png").exists()
    assert plt.get_backend() == "svg"
    assert "MPLBACKEND" not in os.environ


def crf_model(transition=3.0):
    """A model whose CRF rewards a step that has the tag of the step before it."""
    crf = contrib.CRF(3)
    model = models.Sequential([layers.Embedding(5, 4, input_length=6, mask_zero=True), crf])
    model.compile("sgd", contrib.crf_loss, [contrib.crf_viterbi_accuracy])
    crf.transitions.assign(transition * np.eye(3))
    return model, crf


def test_crf_loss_is_of_the_model_that_is_compiled_with_it():
    """Not of the CRF that was made last, to which tags that stay the same are unlikely."""
    x, y = np.arange(24).reshape(4, 6) % 4 + 1, np.ones((4, 6), int)
    model, crf = crf_model()
    other, _ = crf_model(transition=-3.0)
    expected = float(keras.ops.convert_to_numpy(crf.loss(y, model.predict(x, verbose=0))))
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(expected, rel=1e-5)
    assert other.evaluate(x, y, verbose=0)[0] > expected + 5


def test_crf_loss_without_its_layer():
    with pytest.raises(
        ValueError, match=r"crf_loss must be the loss of a model with one CRF, got 0"
    ):
        models.Sequential([layers.Dense(3)]).compile("sgd", contrib.crf_loss)
    with pytest.raises(ValueError, match=r"crf_loss must be given to compile of a model of elman"):
        contrib.crf_loss([0], [0])
    model, crf = crf_model()
    del model
    twice = models.Sequential([crf, contrib.CRF(3)])
    with pytest.raises(ValueError, match=r"with one CRF, got 2"):
        twice.compile("sgd", contrib.crf_loss)


def test_a_model_with_crf_loss_is_saved_and_loaded_compiled(tmp_path):
    """Its loss is of its own layer again; Keras alone cannot save a metric that is a class."""
    x, y = np.arange(24).reshape(4, 6) % 4 + 1, np.ones((4, 6), int)
    model, _ = crf_model()
    model.save(tmp_path / "model.h5")
    given = {"CRF": contrib.CRF, "crf_viterbi_accuracy": contrib.crf_viterbi_accuracy}
    again = models.load_model(tmp_path / "model.h5", given)
    crf_model(transition=-3.0)
    expected = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), expected, rtol=1e-5)
