"""Ensembles in blocks: the same for any schedule, and equal to exact laws within chance."""

import io
import pickle
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import redirect_stdout

import numpy as np
import pytest
from ensemble_problems import NET, WALLS, classification, fails_above_seven, forgetful
from scipy import integrate, stats

from kinetic import SimResNet, _ensemble_blocks, datasets, ensemble, mean_field, network
from kinetic.summaries import Histogram, Moments

LENGTHS = stats.uniform(2.0, 6.0)
PARTICLES = 37_500  # 38 blocks of 1,000, the last half empty


class Backwards(Executor):
    """Finishes what is submitted from the last to the first, when the last is submitted."""

    def __init__(self, count):
        self.count, self.waiting = count, []

    def submit(self, function, /, *args):
        future = Future()
        self.waiting.append((future, function, args))
        if len(self.waiting) == self.count:
            for future_, function_, args_ in reversed(self.waiting):
                future_.set_result(function_(*args_))
        return future


@pytest.fixture(scope="module")
def problem():
    return classification()


@pytest.fixture(scope="module")
def reference(problem):
    return ensemble.run(problem, PARTICLES)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 16, 38, 1000])
def test_the_result_does_not_depend_on_the_chunks(problem, reference, chunk):
    assert ensemble.run(problem, PARTICLES, chunk=chunk).digest == reference.digest


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, Backwards(13)])
def test_the_result_does_not_depend_on_the_executor(problem, reference, executor):
    found = ensemble.run(problem, PARTICLES, executor=executor, chunk=3)
    assert found.digest == reference.digest
    assert found["moments"].mean == reference["moments"].mean
    np.testing.assert_array_equal(found["bins"].counts, reference["bins"].counts)


def test_seed_and_block_are_part_of_the_problem(reference):
    digests = {
        ensemble.run(classification(**change), PARTICLES).digest
        for change in ({"seed": 1}, {"block": 500})
    }
    assert len(digests | {reference.digest}) == 3


def test_blocks_are_those_drawn_by_hand(problem, reference):
    streams = [np.random.SeedSequence(0, spawn_key=(i,)) for i in range(38)]
    drawn = [datasets.lengths(1000, np.random.default_rng(stream)) for stream in streams]
    x = network.propagate(NET, np.concatenate(drawn)[:PARTICLES], 2.0, walls=WALLS)
    moments = reference["moments"]
    assert moments.count == reference.particles == reference["bins"].count == PARTICLES
    assert moments.mean == pytest.approx(x.mean(), rel=1e-14)
    assert moments.variance == pytest.approx(x.var(), rel=1e-13)
    np.testing.assert_array_equal(reference["bins"].counts, np.histogram(x, 60, WALLS)[0])


def test_a_large_ensemble_agrees_with_the_exact_law():
    """Four standard errors, and a chi-squared test of all bins at the level 1e-4."""
    exact = mean_field.push_forward(NET, LENGTHS, 2.0, walls=WALLS)
    found = ensemble.run(classification(block=1 << 16), 4_000_000, executor=ThreadPoolExecutor)
    bins, moments = found["bins"], found["moments"]
    below = np.concatenate([[0.0], exact.cdf(np.nextafter(bins.edges[1:-1], 0.0)), [1.0]])
    assert stats.chisquare(bins.counts, np.diff(below) * found.particles).pvalue > 1e-4
    central = [
        integrate.quad(lambda u, k=k: (exact.ppf(u) - 5.0) ** k, 0.0, 1.0, points=[0.5], limit=200)[
            0
        ]
        for k in (2, 4)
    ]
    assert abs(moments.mean - 5.0) < 4.0 * moments.mean_error
    assert abs(moments.variance - central[0]) < 4.0 * moments.variance_error
    assert moments.mean_error == pytest.approx(np.sqrt(central[0] / found.particles), rel=1e-3)
    expected = np.sqrt((central[1] - central[0] ** 2) / found.particles)
    assert moments.variance_error == pytest.approx(expected, rel=1e-2)


def test_streams_of_blocks_are_uncorrelated():
    """Means of neighbouring blocks, and of equal blocks of neighbouring seeds: 4 / sqrt n."""

    def means(seed):
        problem = ensemble.Problem(stats.norm(), seed=seed, block=100)
        return np.array(
            [_ensemble_blocks.measure(problem, 10**6, i, i + 1)[0, i][0][3] for i in range(3000)]
        )

    first, second = means(0), means(1)
    bound = 4.0 / np.sqrt(first.size)
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < bound
    assert abs(np.corrcoef(first, second)[0, 1]) < bound
    assert stats.kstest(10.0 * first, "norm").pvalue > 1e-4


def test_particles_in_the_plane():
    law = datasets.LineLaw()
    summaries = {"slope": Moments(component=0), "intercept": Moments(component=1)}
    found = ensemble.run(ensemble.Problem(law, None, summaries, block=5000), 400_000)
    for k, name in enumerate(summaries):
        assert abs(found[name].mean - law.mean[k]) < 4.0 * found[name].mean_error
        assert abs(found[name].variance - law.cov[k, k]) < 4.0 * found[name].variance_error


def test_memory_does_not_grow_with_the_ensemble():
    import tracemalloc

    problem, peaks = ensemble.Problem(LENGTHS, block=10_000), []
    for particles in (10**5, 10**7):
        tracemalloc.start()
        ensemble.run(problem, particles)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.0 * peaks[0] < 10 * 8 * 10**5


def test_workers_side_by_side_use_one_thread_each():
    seen = []

    def output(x):
        seen.append((threading.get_ident(), network._parallel.thread_count(None)))
        return x

    ensemble.run(ensemble.Problem(LENGTHS, output, block=10), 1000, executor=ThreadPoolExecutor(2))
    assert {threads for _, threads in seen} == {1}
    assert threading.get_ident() in {ident for ident, _ in seen}  # the trial
    assert len({ident for ident, _ in seen}) > 1


def test_progress_reaches_the_end(problem):
    seen = []
    ensemble.run(problem, PARTICLES, chunk=10, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(n, PARTICLES) for n in (10_000, 20_000, 30_000, PARTICLES)]


def test_progress_is_shown_as_a_line(problem):
    out = io.StringIO()
    with redirect_stdout(out):
        ensemble.run(problem, PARTICLES, chunk=10, progress=True)
    lines = out.getvalue().split("\r")
    assert lines[1].startswith(" 26.7% of 3.75e+04 particles")
    assert lines[-1].startswith("100.0%")
    assert lines[-1].endswith("\n")


def test_an_error_names_its_blocks():
    problem = classification(output=fails_above_seven, block=50)
    for executor in (None, ThreadPoolExecutor(2)):
        with pytest.raises(ArithmeticError, match=r"above 7\.99") as raised:
            ensemble.run(problem, 10**5, executor=executor, chunk=4)
        assert "in the blocks" in raised.value.__notes__[0]


def test_randomness_from_elsewhere_is_refused():
    with pytest.raises(ValueError, match="initial must take all its randomness from rng"):
        ensemble.run(ensemble.Problem(forgetful), 1000)


def test_an_interrupt_is_passed_on_and_cancels_what_waits():
    begun = []

    def output(x):
        begun.append(x.size)
        time.sleep(0.002)
        return x

    def interrupt(done, of):
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        ensemble.run(
            ensemble.Problem(LENGTHS, output, block=1), 2000, executor=pool, chunk=1,
            progress=interrupt,
        )  # fmt: skip
    assert len(begun) < 1000


def test_problems_travel():
    problem = classification()
    copy = pickle.loads(pickle.dumps(problem))
    assert ensemble.run(copy, 5000).digest == ensemble.run(problem, 5000).digest


def test_end_maps_with_walls_are_propagation_with_walls():
    x = np.linspace(*WALLS, 10_001)
    for t in (0.5, 2.0, 8.0):
        table = network.end_map(NET, WALLS, t, walls=WALLS)
        np.testing.assert_allclose(
            table(x), network.propagate(NET, x, t, walls=WALLS), rtol=1e-13, atol=1e-13 * np.exp(t)
        )
    assert (table(x)[[0, -1]] == WALLS).all()


class NoSummary:
    measure = merge = None


BAD = {
    "not a problem": (lambda p: ensemble.run(3, 10), TypeError, "problem must be"),
    "no particles": (lambda p: ensemble.run(p, 0), ValueError, "particles must be"),
    "half a particle": (lambda p: ensemble.run(p, 1.5), TypeError, "particles must be"),
    "chunk": (lambda p: ensemble.run(p, 10, chunk=0), ValueError, "chunk must be"),
    "executor": (lambda p: ensemble.run(p, 10, executor=2), TypeError, "executor must be"),
    "no maker of executors": (
        lambda p: ensemble.run(p, 10, executor=dict), TypeError, "executor must make a.*{}",
    ),
    "progress": (lambda p: ensemble.run(p, 10, progress=1), TypeError, "progress must be"),
    "too many": (lambda p: ensemble.run(p, 10**18), ValueError, "particles must fill"),
    "workers": (lambda p: ensemble.processes(0), ValueError, "workers must be"),
    "initial": (lambda p: ensemble.Problem(1.0), TypeError, "initial must be a law"),
    "output": (lambda p: ensemble.Problem(LENGTHS, 1.0), TypeError, "output must be a function"),
    "no summaries": (lambda p: ensemble.Problem(LENGTHS, None, {}), TypeError, "summaries must"),
    "other summaries": (
        lambda p: ensemble.Problem(LENGTHS, None, {"a": NoSummary()}), TypeError, "measure, merge"
    ),
    "seed": (lambda p: ensemble.Problem(LENGTHS, seed=-1), ValueError, "seed must be"),
    "block": (lambda p: ensemble.Problem(LENGTHS, block=0), ValueError, "block must be"),
    "not finite": (
        lambda p: ensemble.run(ensemble.Problem(LENGTHS, lambda x: x / 0.0 * 0.0), 10),
        ValueError, "what output returns for block 0 must be.*nan",
    ),
    "other shape": (
        lambda p: ensemble.run(ensemble.Problem(LENGTHS, lambda x: x[1:]), 10),
        ValueError, r"output must return 10 particles.*\(9,\)",
    ),
    "a summary's state": (
        lambda p: ensemble.run(ensemble.Problem(LENGTHS, None, {"a": ListSummary()}), 10),
        TypeError, "summary 'a' must measure one array",
    ),
    "walls of a map": (
        lambda p: network.end_map(SimResNet("tanh", lambda t: t, 0.0), (0, 1), 1.0, walls=(0, 1)),
        ValueError, "walls can be tabulated for.*constant",
    ),
    "interval beyond walls": (
        lambda p: network.end_map(NET, (0, 9), 1.0, walls=WALLS), ValueError, "interval must lie",
    ),
}  # fmt: skip


class ListSummary(Moments):
    def measure(self, x):
        return [1.0]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(problem, case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call(problem)


def test_histograms_of_other_intervals_take_the_same_particles(problem, reference):
    halves = {"left": Histogram((2.0, 5.0), 30), "right": Histogram((5.0, 8.0), 30)}
    found = ensemble.run(
        ensemble.Problem(problem.initial, problem.output, halves, block=1000), PARTICLES
    )
    counts = np.concatenate([found["left"].counts[:-1], found["right"].counts])
    np.testing.assert_array_equal(counts, np.delete(reference["bins"].counts, 29))
    assert found["left"].above + found["left"].counts.sum() == PARTICLES
