"""Old programs of every generation run unedited, and give the numbers that Keras 2 gives.

The programs set their weights, so that numbers can be compared: predictions as they are, and what
a few deterministic steps of training made of them (names that begin with ``trained``).
"""

import corpus
import numpy as np
import pytest
from corpus import FOLDER, NAMES, NOT_IN_KERAS2, PYTHON2

from elman.compat.migrate import migrate_file
from elman.compat.running import run_program

RUNNABLE = [name for name in NAMES if name not in PYTHON2]


@pytest.fixture(scope="module", autouse=True)
def keras2():
    """Keras 2, started before the first program; None where it is not installed."""
    return corpus.Judge() if corpus.has_keras2() else None


@pytest.fixture(autouse=True)
def what_it_needs(request):
    name = request.node.callspec.params.get("name", "") if hasattr(request.node, "callspec") else ""
    if name and "sklearn" in (FOLDER / name).read_text(encoding="utf-8"):
        pytest.importorskip("sklearn", reason="the program uses scikit-learn")


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_program_runs(name):
    result = corpus.result(name)
    assert result
    for value in result.values():
        assert np.isfinite(value.astype(float)).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n not in {*NOT_IN_KERAS2, *PYTHON2}])
def test_its_numbers_are_those_of_keras2(name, keras2):
    if keras2 is None:
        pytest.skip("the judge is Keras 2: pip install tensorflow-cpu tf-keras")
    wanted = keras2.results[name]
    assert not isinstance(wanted, str), f"Keras 2 could not run it: {wanted}"
    corpus.assert_same(corpus.result(name), wanted, exact=1e-5, trained=1e-3)


def test_what_keras2_cannot_run_it_still_cannot(keras2):
    if keras2 is None:
        pytest.skip("the judge is Keras 2: pip install tensorflow-cpu tf-keras")
    failed = {name for name, result in keras2.results.items() if isinstance(result, str)}
    assert failed == set(NOT_IN_KERAS2)


def test_python_2_is_refused_with_the_line():
    with pytest.raises(ValueError, match=r"k1_py2_print\.py, line 16: .* must be Python 3"):
        run_program(FOLDER / "k1_py2_print.py")


def test_python_2_gives_the_numbers_of_keras2_once_migrated(keras2):
    names = {"__name__": "__main__"}
    exec(migrate_file(FOLDER / "k1_py2_print.py").source, names)
    ours = corpus.arrays(names)
    assert ours["predicted"].shape == (24, 2)
    if keras2 is None:
        pytest.skip("the judge is Keras 2: pip install tensorflow-cpu tf-keras")
    corpus.assert_same(ours, keras2.results["k1_py2_print.py"], exact=1e-5, trained=1e-3)


def test_every_generation_is_there():
    assert len(NAMES) >= 40
    generations = {name.partition("_")[0] for name in NAMES}
    assert generations == {"k1", "k2", "tf1", "tf2", "late", "ko"}
