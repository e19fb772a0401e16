import pytest
from engine_case import CELLS, SIZES, label

from elman import engine


@pytest.fixture(autouse=True)
def threads():
    """The number of threads as it was, after each test."""
    before = engine.num_threads()
    yield
    engine.set_num_threads(before)


@pytest.fixture(params=CELLS, ids=label)
def cell(request):
    return request.param


@pytest.fixture(params=SIZES, ids=label)
def size(request):
    return request.param
