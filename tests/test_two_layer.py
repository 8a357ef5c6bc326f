"""Online training of one hidden layer: against interpreted steps and closed forms; bad input."""

import re

import numpy as np
import pytest
from scipy import stats

from kinetic import activations, two_layer

ACTIVATIONS = ("tanh", "sigmoid", "identity", "relu")
X = np.linspace(-1.0, 1.0, 20)
Y = np.sin(2.0 * X)
UNEVEN = np.linspace(1.0, 3.0, 20) / 40.0


def draw(generator, n):
    return generator.uniform(-1.0, 1.0, n), generator.normal(size=n)


def train(x=X, y=Y, c0=(0.5, -1.0), w0=(1.0, 2.0), times=(0.0, 1.0), alpha=0.5, **options):
    return two_layer.train(x, y, c0, w0, alpha=alpha, times=times, **options)


def train_many(x=X, y=Y, initial=draw, neurons=10, runs=3, times=(1.0,), alpha=0.5, **options):
    return two_layer.train_many(x, y, initial, neurons, runs, alpha=alpha, times=times, **options)


def by_hand(x, y, c, w, order, rate, activation):
    """The update written as printed, neuron by neuron in NumPy; w is (N, d)."""
    sigma = activations.get(activation)
    for k in order:
        u = w @ x[k]
        g = np.mean(c * sigma(u))
        change = rate * (y[k] - g)
        c, w = (
            c + change * sigma(u),
            w + change * (c * sigma.derivative(u))[:, None] * x[k],
        )
    return c, w


def samples(generator, count, probabilities):
    """By inversion of the distribution function."""
    edges = np.cumsum(probabilities)
    return np.searchsorted(edges[:-1], generator.random(count) * edges[-1], side="right")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("neurons", [1, 10, 64, 150])
@pytest.mark.parametrize("d", [None, 1, 3, 64])
def test_steps_are_those_of_the_formula(d, neurons, activation):
    rng = np.random.default_rng(1)
    shape = () if d is None else (d,)
    x = rng.normal(size=(20, *shape)) / (1 if d is None else d**0.5)
    c0, w0 = rng.normal(size=neurons), rng.normal(size=(neurons, *shape))
    found = train(x, Y, c0, w0, [0.0, 2.0], 0.3, activation=activation, probabilities=UNEVEN, rng=5)
    order = samples(np.random.default_rng(5), 2 * neurons, UNEVEN)
    points = x.reshape(20, -1)
    c, w = by_hand(points, Y, c0, w0.reshape(neurons, -1), order, 0.3 / neurons, activation)
    assert found.w.shape == (2, *w0.shape)
    np.testing.assert_allclose(found.c[1], c, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.w[1], w.reshape(w0.shape), rtol=1e-12, atol=1e-12)
    g = activations.get(activation)(points @ w.T) @ c / neurons
    assert found.loss[1] == pytest.approx(UNEVEN @ (Y - g) ** 2 / 2, rel=1e-11)


def test_one_point_and_the_identity_in_closed_form():
    """c + w and c - w are multiplied by 1 + a and 1 - a, with a = alpha (y - g) / N."""
    rng = np.random.default_rng(2)
    c0, w0 = rng.normal(size=(2, 300))
    found = train([1.0], [2.0], c0, w0, [0.0, 1.5], 2.0, activation="identity")
    plus, minus = c0 + w0, c0 - w0
    for _ in range(450):
        a = 2.0 / 300 * (2.0 - np.mean(plus**2 - minus**2) / 4)
        plus, minus = (1 + a) * plus, (1 - a) * minus
    np.testing.assert_allclose(found.c[1] + found.w[1], plus, rtol=1e-11)
    np.testing.assert_allclose(found.c[1] - found.w[1], minus, rtol=1e-11)


def test_samples_have_their_probabilities():
    law = two_layer.data_law(X, Y, UNEVEN)
    found = two_layer._samples(np.random.default_rng(3), law, 100_000)
    counts = np.bincount(found, minlength=20)
    assert stats.chisquare(counts, 100_000 * UNEVEN).pvalue > 1e-4
    never = two_layer.data_law(X, Y, np.eye(20)[19])
    assert (two_layer._samples(np.random.default_rng(3), never, 100) == 19).all()


def test_samples_do_not_depend_on_the_output_times():
    start = draw(np.random.default_rng(4), 50)
    often = train(X, Y, *start, np.linspace(0.0, 3.0, 11), rng=6)
    once = train(X, Y, *start, [3.0], rng=6)
    assert (often.c[-1] == once.c[0]).all()
    assert (often.w[-1] == once.w[0]).all()
    several = train_many(runs=40, times=[0.3, 1.1, 2.0], rng=6).observed
    assert (several[2] == train_many(runs=40, times=[2.0], rng=6).observed[0]).all()


def test_the_clock_counts_the_steps():
    start = draw(np.random.default_rng(4), 100)
    found = train(X, Y, *start, [0.0, 0.29, 0.7, 1.0])
    assert found.steps.tolist() == [0, 29, 70, 100]
    slow = train(X, Y, *start, [0.0, 29.0, 70.0, 100.0], clock=1)
    assert (slow.c == found.c).all()
    assert train(X, Y, *start, [2.0], clock=100**2).steps.tolist() == [20_000]
    assert train(X, Y, *start, [0.299, 0.3001]).steps.tolist() == [29, 30]


def test_trainings_do_not_depend_on_the_number_of_threads():
    one, two = (train_many(runs=100, times=[0.0, 2.0], threads=n).observed for n in (1, 3))
    assert one.shape == (2, 100, 10, 2)
    assert (one == two).all()


def test_trainings_are_trainings_of_their_own():
    """Each run starts from its own draw and sees its own samples."""
    observed = train_many(neurons=70, runs=33, times=[0.0, 2.0], rng=7).observed
    stream = np.random.default_rng(7).spawn(2)[0]
    starting, sampling = stream.spawn(2)
    c0, w0 = draw(starting, 32 * 70)
    orders = samples(sampling, 32 * 140, np.full(20, 0.05)).reshape(140, 32)
    for r in (0, 31):
        rows = slice(70 * r, 70 * (r + 1))
        assert (observed[0, r] == np.column_stack([c0[rows], w0[rows]])).all()
        c, w = by_hand(X[:, None], Y, c0[rows], w0[rows, None], orders[:, r], 0.5 / 70, "tanh")
        np.testing.assert_allclose(observed[1, r, :, 0], c, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(observed[1, r, :, 1], w[:, 0], rtol=1e-12, atol=1e-13)
    assert np.unique(observed[1, :, 0, 0]).size == 33


def test_trainings_from_one_start_differ_in_their_samples_only():
    start = draw(np.random.default_rng(8), 10)
    observed = train_many(initial=start, times=[0.0, 1.0], runs=40).observed
    assert (observed[0] == observed[0, 0]).all()
    assert np.unique(observed[1, :, 0, 0]).size == 40


def test_what_is_observed_is_what_the_function_returns():
    full = train_many(runs=50, times=[0.5, 1.0], rng=9)
    seen = train_many(
        runs=50, times=[0.5, 1.0], rng=9, observe=lambda c, w: two_layer.output(c, w, X[:4])
    )
    c, w = full.observed[..., 0], full.observed[..., 1]
    np.testing.assert_allclose(seen.observed, two_layer.output(c, w, X[:4]), rtol=1e-14)


def test_in_space_the_parameters_keep_their_axes():
    def in_space(generator, n):
        return generator.normal(size=n), generator.normal(size=(n, 3))

    x = np.random.default_rng(10).normal(size=(20, 3))
    found = train_many(x=x, initial=in_space, runs=4, times=[0.0, 1.0])
    assert found.observed.shape == (2, 4, 10, 4)
    shapes = []
    train_many(x=x, initial=in_space, observe=lambda c, w: shapes.append(w.shape) or c[:, 0])
    assert shapes == [(3, 10, 3)]


def test_output_and_loss_of_many_networks():
    rng = np.random.default_rng(11)
    c, w = rng.normal(size=(2, 5, 300)), rng.normal(size=(2, 5, 300, 2))
    x = rng.normal(size=(20, 2))
    g = two_layer.output(c, w, x, "sigmoid")
    expected = np.einsum("abn,abnm->abm", c, 1 / (1 + np.exp(-w @ x.T))) / 300
    np.testing.assert_allclose(g, expected, rtol=1e-12)
    found = two_layer.loss(c, w, x, Y, activation="sigmoid", probabilities=UNEVEN)
    np.testing.assert_allclose(found, (expected - Y) ** 2 @ UNEVEN / 2, rtol=1e-12)


@pytest.mark.parametrize("x", [X, np.column_stack([X, X**2])])
def test_divergence_is_found_at_its_step(x):
    c0 = np.full(10, 0.5)
    w0 = np.full((10, *x.shape[1:]), 0.5)
    with pytest.raises(FloatingPointError, match=r"diverges.*alpha=1000 and N=10") as caught:
        train(x, Y, c0, w0, [0.0, 1e4], 1000.0, activation="identity", rng=12)
    step = int(re.search(r"step (\d+) \(t=(\S+)\)", str(caught.value)).group(1))
    order = samples(np.random.default_rng(12), 2000, np.full(20, 0.05))
    points = x.reshape(20, -1)
    for k in (step - 1, step):
        c, w = by_hand(points, Y, c0, w0.reshape(10, -1), order[:k], 100.0, "identity")
        g = np.mean(c * (w @ points[order[k]]))
        assert (abs(g) > 1e10) == (k == step)


def test_divergence_names_the_run():
    with pytest.raises(FloatingPointError, match=r"run \d+ diverges.*after step \d+ \(t=.*alpha"):
        train_many(alpha=1e4, activation="identity", times=[1e3])


def test_a_rate_that_is_large_in_the_limit_alone_does_not_diverge():
    """One step changes the error by the factor 1 - alpha O(1) / N."""
    assert train(X, Y, *draw(np.random.default_rng(4), 100), [50.0], 100.0).loss[0] < 0.1


CASES = {
    "x of three axes": (lambda: train(x=np.ones((2, 2, 2))), ValueError, r"x must have shape"),
    "no points": (lambda: train(x=[], y=[]), ValueError, "M, d >= 1"),
    "x with nan": (lambda: train(x=[0.0, np.nan], y=[0, 1]), ValueError, r"x.*nan at index \(1\)"),
    "y of another length": (lambda: train(y=Y[:-1]), ValueError, r"y.*\(20,\).*got \(19,\)"),
    "y with nan": (lambda: train(y=Y * np.nan), ValueError, "y must be.*nan"),
    "y of text": (lambda: train(y=["a"] * 20), TypeError, "y must be"),
    "probabilities of another length": (
        lambda: train(probabilities=[1.0]), ValueError, r"probabilities.*\(20,\); got \(1,\)"
    ),
    "negative probability": (
        lambda: train(probabilities=np.r_[-0.5, 1.5, np.zeros(18)]), ValueError, "minimum -0.5"
    ),
    "probabilities of sum 2": (
        lambda: train(probabilities=2 * UNEVEN), ValueError, "sum 1; got.*sum 2"
    ),
    "no neurons": (lambda: train(c0=[], w0=[]), ValueError, "c0.*N >= 1"),
    "c0 a table": (lambda: train(c0=np.ones((2, 2))), ValueError, r"c0.*got \(2, 2\)"),
    "w0 of another length": (lambda: train(w0=[1.0]), ValueError, r"w0.*\(2,\).*got \(1,\)"),
    "w0 in space": (lambda: train(w0=np.ones((2, 3))), ValueError, r"w0.*\(2,\).*got \(2, 3\)"),
    "w0 of another dimension": (
        lambda: train(x=np.ones((20, 2)), w0=np.ones((2, 3))), ValueError, r"\(2, 2\).*\(2, 3\)"
    ),
    "w0 infinite": (lambda: train(w0=[np.inf, 0.0]), ValueError, "w0.*inf"),
    "alpha zero": (lambda: train(alpha=0.0), ValueError, "alpha.*positive number; got 0.0"),
    "alpha negative": (lambda: train(alpha=-1), ValueError, "alpha.*got -1.0"),
    "alpha nan": (lambda: train(alpha=np.nan), ValueError, "alpha.*nan"),
    "alpha of text": (lambda: train(alpha="1"), TypeError, "alpha"),
    "clock zero": (lambda: train(clock=0), ValueError, "clock.*positive.*got 0.0"),
    "time negative": (lambda: train(times=[-1.0, 1.0]), ValueError, "times.*at least 0; got -1"),
    "times equal": (lambda: train(times=[1.0, 1.0]), ValueError, "times must increase"),
    "too many steps": (lambda: train(times=[1e300]), ValueError, "at most.*steps"),
    "growing cosine unit": (
        lambda: train(activation="gcu"), ValueError, "one of 'tanh', 'sigmoid'.*got 'gcu'"
    ),
    "custom activation": (
        lambda: train(activation=activations.custom(np.sin, name="sine")), ValueError, "got 'sine'"
    ),
    "unknown activation": (lambda: train(activation="step"), ValueError, "activation.*'step'"),
    "bad seed": (lambda: train(rng="seed"), TypeError, "rng must be"),
    "no runs": (lambda: train_many(runs=0), ValueError, "runs.*at least 1; got 0"),
    "half a neuron": (lambda: train_many(neurons=2.5), TypeError, "neurons.*integer.*2.5"),
    "no initial law": (lambda: train_many(initial="normal"), TypeError, "initial must be"),
    "initial of one array": (
        lambda: train_many(initial=lambda g, n: np.ones(n)), TypeError, "initial must return two"
    ),
    "initial of too few": (
        lambda: train_many(initial=lambda g, n: tuple(np.ones((2, 3)))), ValueError,
        "30 neurons when asked for that many; got 3",
    ),
    "one start of another size": (
        lambda: train_many(initial=([1.0], [1.0])), ValueError, "neurons=10 neurons; got 1"
    ),
    "observe nothing callable": (lambda: train_many(observe="c"), TypeError, "observe.*got 'c'"),
    "observe a number": (
        lambda: train_many(observe=lambda c, w: 1.0), ValueError, r"3 runs; got shape \(\)"
    ),
    "no threads": (lambda: train_many(threads=0), ValueError, "threads.*got 0"),
    "output of a number": (lambda: two_layer.output(1.0, 1.0, X), ValueError, "c must have shape"),
    "output at a number": (lambda: two_layer.output([1.0], [1.0], 0.5), ValueError, "x must have"),
    "output in another dimension": (
        lambda: two_layer.output([1.0], np.ones((1, 2)), np.ones((4, 3))), ValueError,
        r"w must have shape \(1, 3\).*x of shape \(4, 3\); got \(1, 2\)",
    ),
    "loss with nan": (lambda: two_layer.loss([np.nan], [1.0], X, Y), ValueError, "c must be.*nan"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_wrong_argument(name):
    call, error, message = CASES[name]
    with pytest.raises(error, match=message):
        call()
