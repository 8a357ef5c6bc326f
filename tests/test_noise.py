"""Random numbers of the collisions: the generator, its laws, independence."""

import numpy as np
import pytest
from scipy import stats

from kinetic import _noise

LAWS = {
    "gaussian": stats.norm(),
    "uniform": stats.uniform(-np.sqrt(3.0), 2.0 * np.sqrt(3.0)),
    "exponential": stats.expon(),
}
KINDS = {**_noise.NOISES, "exponential": _noise.Exponential()}
COUNT = 1_000_000
SURE = 4.5


def draw(kind, count=COUNT, seed=1):
    out = np.empty(count)
    _noise.fill(KINDS[kind], _noise.new_state(np.random.SeedSequence(seed)), out)
    return out


def test_words_are_those_of_the_published_generator():
    # The first outputs of xoshiro256++ from the state (1, 2, 3, 4), as its Rust crate tests them.
    state, found = [np.uint64(n) for n in (1, 2, 3, 4)], []
    for _ in range(5):
        word, *state = _noise.advance(*map(np.uint64, state))
        found.append(int(word))
    assert found == [
        41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205
    ]  # fmt: skip


def test_logarithm_and_circle_are_exact_to_rounding():
    u = np.random.default_rng(0).random(5000)
    for value in [*u, *2.0 ** -np.arange(53.0), 1.0 - 2.0**-52, np.sqrt(0.5)]:
        expected = pytest.approx(-2.0 * np.log(value), rel=1e-15, abs=1e-300)
        assert _noise.minus_2_log(value) == expected
    for fraction in np.linspace(-0.5, 0.5, 2001):
        angle = np.pi / 2.0 * fraction
        assert _noise.sine(fraction) == pytest.approx(np.sin(angle), rel=4e-16)
        assert _noise.cosine(fraction) == pytest.approx(np.cos(angle), rel=4e-16)


@pytest.mark.parametrize("kind", LAWS)
def test_numbers_have_their_law(kind):
    numbers, law = draw(kind), LAWS[kind]
    assert stats.kstest(numbers, law.cdf).pvalue > 1e-4
    for k in (1, 2, 3, 4):
        error = numbers**k
        assert abs(error.mean() - law.moment(k)) < SURE * error.std() / COUNT**0.5


def test_coins_are_fair_and_of_unit_size():
    numbers = draw("two-point")
    assert set(np.unique(numbers)) == {-1.0, 1.0}
    assert abs(numbers.mean()) < SURE / COUNT**0.5


def test_the_tails_of_normal_numbers_are_there():
    numbers = draw("gaussian")
    for level in (3.0, 4.0):
        expected = 2.0 * stats.norm.sf(level) * COUNT
        assert abs((abs(numbers) > level).sum() - expected) < SURE * expected**0.5


@pytest.mark.parametrize("kind", KINDS)
def test_no_correlation_within_and_between_streams(kind):
    one, other = draw(kind, seed=1), draw(kind, seed=2)
    one, other = one - one.mean(), other - other.mean()
    for first, second in ((one, one), (abs(one), abs(one)), (one, other)):
        first, second = first - first.mean(), second - second.mean()
        scale = first.std() * second.std() * COUNT**0.5
        if scale < 1e-6:  # coins have a constant size
            continue
        products = np.fft.irfft(np.fft.rfft(first) * np.conj(np.fft.rfft(second)))
        start = int(second is not other and first[0] == second[0])
        assert abs(products[start:1000]).max() / scale < 5.5


def test_pairs_of_normal_numbers_are_independent():
    numbers = draw("gaussian")[: COUNT // 128 * 128].reshape(-1, 2, 64)
    angle = np.arctan2(numbers[:, 1], numbers[:, 0]).ravel()
    assert stats.kstest(angle, stats.uniform(-np.pi, 2.0 * np.pi).cdf).pvalue > 1e-4
    radius = (numbers**2).sum(axis=1).ravel()
    assert abs(np.corrcoef(radius, np.cos(8.0 * angle))[0, 1]) < SURE / angle.size**0.5


def test_a_part_of_a_block_is_filled_as_the_whole():
    for kind in KINDS:
        for count in (1, 63, 64, 65, 128, 200):
            assert np.array_equal(draw(kind, count), draw(kind, 256)[:count])
