"""Many streams side by side: independence, tails, and the increments that a simulation sees."""

import numpy as np
import pytest
from scipy import stats

from kinetic import SimResNet, _noise, boltzmann

SURE = 4.5
STREAMS, LENGTH = 128, 16_384
LAGS = (1, 2, 63, 64, 65, 127, 128, 129, 256)


def draws(law, streams, length, seed=0):
    """(streams, length) numbers, a row from each of the streams that a simulation would use."""
    out = np.empty((streams, length))
    for row, seeds in zip(out, boltzmann._seeds(seed).spawn(streams), strict=True):
        _noise.fill(_noise.NOISES[law], _noise.new_state(seeds.spawn(2)[1]), row)
    return out


def largest(correlations, count):
    """The largest of many correlations of ``count`` pairs in standard errors, and its bound.

    The bound is exceeded once in 10,000 by that many independent normal numbers.
    """
    entries = np.abs(np.ravel(correlations)) * count**0.5
    return entries.max(), stats.norm.isf(0.5e-4 / entries.size)


@pytest.mark.parametrize("law", _noise.NOISES)
def test_no_two_streams_are_correlated(law):
    rows = draws(law, STREAMS, LENGTH)
    for values in (rows, rows**3):
        matrix = np.corrcoef(values)
        found, bound = largest(matrix[np.triu_indices(STREAMS, 1)], LENGTH)
        assert found < bound
    if law == "gaussian":  # streams of changing size would show here
        found, bound = largest(np.corrcoef(rows**2)[np.triu_indices(STREAMS, 1)], LENGTH)
        assert found < bound


def test_streams_are_not_shifted_copies_of_each_other():
    rows = draws("gaussian", 24, LENGTH)
    spectra = np.fft.rfft(rows)
    worst = []
    for i in range(len(rows)):
        for j in range(i):
            shifted = np.fft.irfft(spectra[i] * np.conj(spectra[j])) / LENGTH
            worst.append(np.abs(shifted).max())
    found = max(worst) * LENGTH**0.5
    assert found < stats.norm.isf(0.5e-4 / (len(worst) * LENGTH))


def test_each_stream_has_the_normal_law_and_together_they_vary_as_they_should():
    rows = draws("gaussian", STREAMS, LENGTH)
    chances = [stats.kstest(row, stats.norm.cdf).pvalue for row in rows]
    assert min(chances) > 1e-4 / STREAMS
    assert stats.kstest(chances, stats.uniform.cdf).pvalue > 1e-4
    sums = rows.sum(axis=1) / LENGTH**0.5
    assert stats.kstest(sums, stats.norm.cdf).pvalue > 1e-4


def test_lanes_of_a_stream_are_not_correlated():
    lanes = draws("gaussian", 1, 2 * _noise.LANES * 8192).reshape(-1, 2 * _noise.LANES).T
    for values in (lanes, lanes**2):
        for delay in (0, 1, 2):
            first, second = values[:, delay:], values[:, : values.shape[1] - delay]
            both = np.corrcoef(first, second)[: len(lanes), len(lanes) :]
            both = both[~np.eye(len(lanes), dtype=bool)] if delay == 0 else both
            found, bound = largest(both, first.shape[1])
            assert found < bound


@pytest.mark.parametrize("lag", LAGS)
def test_pairs_fill_the_square_evenly(lag):
    levels = stats.norm.cdf(draws("gaussian", 1, 1 << 18, seed=lag)[0])
    parts = (16 * levels).astype(int)
    counts = np.bincount(16 * parts[lag:] + parts[:-lag], minlength=256)
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


def test_far_tails_and_high_moments():
    count, block = 1 << 25, 1 << 20
    state = _noise.new_state(np.random.SeedSequence(11))
    block_of = np.empty(block)
    beyond, sums, farthest = np.zeros((2, 3)), np.zeros(8), 0.0
    for _ in range(count // block):
        _noise.fill(_noise.NOISES["gaussian"], state, block_of)
        for i, level in enumerate((3.0, 4.0, 5.0)):
            beyond[:, i] += (block_of > level).sum(), (block_of < -level).sum()
        power = np.ones(block)
        for k in range(8):
            power *= block_of
            sums[k] += power.sum()
        farthest = max(farthest, np.abs(block_of).max())
    expected = stats.norm.sf([3.0, 4.0, 5.0]) * count
    assert np.all(np.abs(beyond - expected) < SURE * np.sqrt(expected))
    moments = np.array([stats.norm.moment(k) for k in range(1, 17)])
    errors = np.sqrt((moments[1::2] - moments[:8] ** 2) / count)
    assert np.all(np.abs(sums / count - moments[:8]) < SURE * errors)
    assert 5.0 < farthest < 8.5


def test_increments_of_paths_are_independent_between_steps_and_particles():
    count, steps = 3 * boltzmann.CHUNK, 40
    still = SimResNet("identity", 0.0, 0.0)
    times = 0.25 * np.arange(steps + 1)
    paths = boltzmann.simulate(
        still, np.zeros(count), times, epsilon=0.25, nu=2.0, clock="fast", rng=3
    )
    increments = np.diff(paths, axis=0)  # sqrt(1/4) nu eta = eta
    assert stats.kstest(increments.ravel(), stats.norm.cdf).pvalue > 1e-4
    matrix = np.corrcoef(increments)
    found, bound = largest(matrix[np.triu_indices(steps, 1)], count)
    assert found < bound
    flat = increments.ravel()
    for lag in (*LAGS, boltzmann.CHUNK, boltzmann.CHUNK + 64, count - 1, count + 1):
        product = (flat[lag:] * flat[:-lag]).mean() * (flat.size - lag) ** 0.5
        assert abs(product) < SURE
    end = paths[-1] / steps**0.5
    assert abs(end.mean()) < SURE / count**0.5
    assert abs(end.var() - 1.0) < SURE * (2.0 / count) ** 0.5


@pytest.mark.parametrize("diffusion", ["1", "x"])
@pytest.mark.parametrize("noise", _noise.NOISES)
def test_the_compiled_loop_is_the_step_by_step_formula(noise, diffusion):
    count, steps, epsilon, nu = 300, 5, 0.1, 0.7
    net = SimResNet("tanh", lambda t: 1.0 + t, lambda t: -t)
    x0, times = np.linspace(-2.0, 2.0, count), np.array([0.0, 0.2, 0.5])
    found = boltzmann.simulate(
        net, x0, times, epsilon=epsilon, nu=nu, diffusion=diffusion, noise=noise, clock="fast",
        rng=5,
    )  # fmt: skip
    state = _noise.new_state(boltzmann._seeds(5).spawn(1)[0].spawn(2)[1])
    x, eta, expected = x0.copy(), np.empty(count), [x0]
    for k in range(steps):
        _noise.fill(_noise.NOISES[noise], state, eta)
        kick = x if diffusion == "x" else 1.0
        drift = np.tanh((1.0 + k * epsilon) * x - k * epsilon)
        x = x + epsilon * drift + np.sqrt(epsilon) * nu * kick * eta
        if k in (1, 4):
            expected.append(x)
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-14)
