"""The chain of the reference equals all paths written out one by one."""

import itertools

import numpy as np
import pytest

from elman.reference import CRF

SIZES = pytest.mark.parametrize(("timesteps", "units"), [(1, 3), (4, 3), (5, 2), (3, 1)])


def make(timesteps, units, seed=0):
    random = np.random.default_rng(seed)
    weights = [random.normal(size=shape) for shape in ((units, units), units, units)]
    return CRF(*weights), random.normal(size=(timesteps, units))


def all_paths(timesteps, units):
    return [list(path) for path in itertools.product(range(units), repeat=timesteps)]


@SIZES
def test_all_paths_together_have_probability_one(timesteps, units):
    chain, u = make(timesteps, units)
    paths = all_paths(timesteps, units)
    assert sum(np.exp(chain.log_likelihood(u, path)) for path in paths) == pytest.approx(1, 1e-12)


@SIZES
def test_viterbi_is_the_best_of_all_paths(timesteps, units):
    for seed in range(5):
        chain, u = make(timesteps, units, seed)
        best = max(all_paths(timesteps, units), key=lambda path: chain.path_score(u, path))
        assert chain.viterbi(u) == best


@SIZES
def test_marginals_sum_over_all_paths(timesteps, units):
    chain, u = make(timesteps, units)
    expected = np.zeros((timesteps, units))
    for path in all_paths(timesteps, units):
        expected[np.arange(timesteps), path] += np.exp(chain.log_likelihood(u, path))
    np.testing.assert_allclose(chain.marginals(u), expected, rtol=1e-12)


def test_path_score_by_hand():
    chain = CRF([[1, 2], [3, 4]], start=[10, 20], end=[100, 200])
    assert chain.path_score([[0.5, 0], [0, 0.25]], [0, 1]) == 10 + 0.5 + 2 + 0.25 + 200


def test_marginals_are_the_gradient_of_the_partition():
    chain, u = make(4, 3)
    step, gradient = 1e-5, np.zeros_like(u)
    for index in np.ndindex(u.shape):
        around = np.zeros_like(u)
        around[index] = step
        above, below = chain.log_partition(u + around), chain.log_partition(u - around)
        gradient[index] = (above - below) / (2 * step)
    np.testing.assert_allclose(chain.marginals(u), gradient, atol=1e-9)


def test_no_steps():
    chain, u = make(0, 3)
    assert chain.log_likelihood(u, []) == 0
    assert chain.viterbi(u) == []
    assert chain.marginals(u).shape == (0, 3)


def test_large_scores_do_not_overflow():
    chain, u = make(4, 3)
    assert chain.log_partition(u + 1e4) == pytest.approx(chain.log_partition(u) + 4e4, 1e-12)
