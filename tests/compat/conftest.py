"""Old programs run in this process: what they leave behind is cleared away."""

import os
import sys

import pytest

# Old programs are read, not collected.
collect_ignore = ["programs", "keras2.py"]


@pytest.fixture(autouse=True)
def _no_figures_of_others():
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory):
    import corpus

    own = tmp_path_factory.getbasetemp()
    corpus.shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
