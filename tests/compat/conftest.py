"""Old programs run in this process: what they leave behind is cleared away."""

import sys

import pytest

# Old programs are read, not collected.
collect_ignore = ["programs", "keras2.py"]


@pytest.fixture(autouse=True)
def _no_figures_of_others():
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
