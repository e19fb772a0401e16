"""The linear chain in NumPy, against all paths one by one, and its fit against the gradient."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse

from elman.data.linear_chain import LinearChain, Packed, fit_chain
from elman.data.tags import allowed_transitions

LENGTHS = [3, 0, 1, 4, 2]
TAGS = 3  # O, B-x and I-x


@pytest.fixture(params=[None, "IOB2"], ids=["all-allowed", "IOB2"])
def chain(request):
    random = np.random.default_rng(0)
    allowed = request.param and allowed_transitions(["O", "B-x", "I-x"], request.param)
    shapes = (TAGS, TAGS), (TAGS,), (TAGS,)
    return LinearChain(*(random.standard_normal(shape) for shape in shapes), allowed)


@pytest.fixture
def scores():
    return np.random.default_rng(1).standard_normal((sum(LENGTHS), TAGS)) * 3


def paths(chain, u):
    """All sequences of tags [P, T] of a sentence, and the score of each; -inf where not allowed."""
    found = np.array([*product(range(TAGS), repeat=len(u))], int)
    total = u[np.arange(len(u)), found].sum(1) + chain.start[found[:, 0]] + chain.end[found[:, -1]]
    total += chain.transitions[found[:, :-1], found[:, 1:]].sum(1)
    if chain.allowed is not None:
        edge = np.full((len(found), 1), TAGS)
        whole = np.hstack([edge, found, edge])
        total[~chain.allowed[whole[:, :-1], whole[:, 1:]].all(1)] = -np.inf
    return found, total


def sentences(scores):
    return [u for u in np.split(scores, np.cumsum(LENGTHS)[:-1]) if len(u)]


def test_the_best_path_is_the_best_of_all(chain, scores):
    expected = []
    for u in sentences(scores):
        found, total = paths(chain, u)
        expected += found[total.argmax()].tolist()
    assert chain.best(scores, LENGTHS).tolist() == expected


def test_sums_are_those_of_all_paths(chain, scores):
    partition, marginals = 0.0, []
    pairs = np.zeros((TAGS, TAGS))
    for u in sentences(scores):
        found, total = paths(chain, u)
        weight = np.exp(total)
        partition += np.log(weight.sum())
        weight /= weight.sum()
        marginals.append((weight[:, None, None] * np.eye(TAGS)[found]).sum(0))
        np.add.at(pairs, (found[:, :-1], found[:, 1:]), weight[:, None])
    packed = Packed(LENGTHS)
    got = chain.sums(scores[packed.rows], packed)
    # Float64 throughout: a few dozen sums, each right to 1e-16.
    np.testing.assert_allclose(got[0], partition, rtol=1e-12)
    np.testing.assert_allclose(packed.unpacked(got[1]), np.concatenate(marginals), atol=1e-12)
    np.testing.assert_allclose(got[2], pairs, atol=1e-12)
    np.testing.assert_array_equal(chain.marginals(scores, LENGTHS), packed.unpacked(got[1]))


def test_nothing_at_all(chain):
    assert chain.best(np.zeros((0, TAGS)), []).shape == (0,)
    assert chain.marginals(np.zeros((0, TAGS)), [0, 0]).shape == (0, TAGS)


@pytest.mark.parametrize("chained", [True, False])
def test_a_fit_is_where_the_gradient_is_zero(chained):
    """Of  -log p(y) + decay / 2 |w|^2: each clue is there as often as expected, less the decay."""
    random = np.random.default_rng(2)
    lengths = np.array([7, 1, 5] * 10)
    clues = sparse.csr_matrix(random.integers(0, 2, (lengths.sum(), 4)).astype("float32"))
    tags = (clues.toarray()[:, 0] + random.integers(0, 2, lengths.sum())).astype(int)
    values, chain = fit_chain(clues, tags, lengths, TAGS, chained=chained, decay=0.5)
    expected = chain.marginals(clues @ values.astype("float64"), lengths)
    gap = clues.T @ (np.eye(TAGS)[tags] - expected) - 0.5 * values
    # The search ends when a step gains less than 1e-5 of the loss, which is about 100.
    np.testing.assert_allclose(gap, 0, atol=0.3)
    assert np.abs(0.5 * values).max() > 1
    assert np.any(chain.transitions) == np.any(chain.start) == np.any(chain.end) == chained
