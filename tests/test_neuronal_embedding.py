"""Limits of wide networks: other quadrature, closed forms, laws of the flow, sampled networks."""

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import multilayer
from kinetic.multilayer import Embedding, distance, limit

TAU = 2.0 * np.pi
S = (np.arange(8) - 3.5) / 4.0
X, Y = np.c_[S, np.ones(8)], np.sin(np.pi * S)
TIMES = np.array([0.0, 0.5, 1.0])


def circle(c):
    return np.c_[np.cos(TAU * c), np.sin(TAU * c)]


def wave(c, d):
    return 2.0 + np.cos(TAU * (c - d)) + np.sin(TAU * d)


def last(c):
    return 1.0 + np.cos(TAU * c)


PERIODIC = Embedding(circle, [wave], last)
DEEP = Embedding(circle, [wave, lambda c, d: wave(d, c) - 1.0], last)
SMOOTH = Embedding(
    lambda c: np.c_[np.cos(TAU / 2 * c), np.sin(TAU / 2 * c)],
    [lambda c, d: 3.0 * np.cos(TAU * c - TAU / 2 * d)],
    lambda c: np.cos(TAU / 2 * c),
)

VALUES = {
    "identity": lambda h: h,
    "tanh": np.tanh,
    "sigmoid": lambda h: 1.0 / (1.0 + np.exp(-h)),
}
SLOPES = {
    "identity": np.ones_like,
    "tanh": lambda h: 1.0 / np.cosh(h) ** 2,
    "sigmoid": lambda h: np.exp(-h) / (1.0 + np.exp(-h)) ** 2,
}
CUT = {"squared": lambda r: r, "huber": lambda r: np.clip(r, -1.0, 1.0)}


def gradients(weights, names, loss="squared"):
    """Of n neurons a layer, one datum after the other, as the theory writes them."""
    total = [np.zeros(w.shape) for w in weights]
    for x, y in zip(X, Y, strict=True):
        h, a = [weights[0] @ x], [x]
        for name, w in zip(names[:-1], weights[1:], strict=True):
            a.append(VALUES[name](h[-1]))
            h.append(a[-1] @ w / len(w))
        delta = np.atleast_1d(CUT[loss](VALUES[names[-1]](h[-1]) - y) * SLOPES[names[-1]](h[-1]))
        for i in range(len(weights) - 1, 0, -1):
            w = weights[i].reshape(len(weights[i]), -1)
            total[i] += np.outer(a[i], delta).reshape(weights[i].shape) / len(X)
            delta = w @ delta / delta.size * SLOPES[names[i - 1]](h[i - 1])
        total[0] += np.outer(delta, x) / len(X)
    return total


def gradient_flow(start, names, time, loss):
    ends = np.cumsum([w.size for w in start])[:-1]

    def unpacked(state):
        return [p.reshape(w.shape) for p, w in zip(np.split(state, ends), start, strict=True)]

    def rate(_, state):
        return -np.concatenate([g.ravel() for g in gradients(unpacked(state), names, loss)])

    state = np.concatenate([w.ravel() for w in start])
    end = integrate.solve_ivp(rate, (0.0, time), state, method="DOP853", rtol=1e-10, atol=1e-12)
    return unpacked(end.y[:, -1])


# ------------------------------------------------------------------------------------ the limit


@pytest.mark.parametrize(
    ("embedding", "names", "loss"),
    [
        (PERIODIC, ("tanh", "tanh", "identity"), "squared"),
        (PERIODIC, ("sigmoid", "tanh", "tanh"), "huber"),
        (DEEP, ("tanh", "sigmoid", "tanh", "identity"), "huber"),
    ],
)
def test_limit_is_that_of_equidistant_neurons_for_periodic_weights(embedding, names, loss):
    """The midpoint rule is spectrally accurate for periodic weights, so they are at the limit."""
    embedding = Embedding(embedding.first, embedding.inner, embedding.last, names)
    found = limit(embedding, X, Y, [0.0, 1.0], loss=loss, nodes=96)
    neurons = embedding.at([(np.arange(48) + 0.5) / 48] * embedding.hidden)
    start = neurons.network.weights
    expected = gradient_flow(start, names, 1.0, loss)
    for ours, theirs, before in zip(found.weights(1, neurons), expected, start, strict=True):
        assert np.abs(theirs - before).max() > 0.02
        assert np.abs(ours - theirs).max() < 1e-8


def test_twice_the_nodes_change_nothing():
    neurons = SMOOTH.sample((40, 30), 1)
    coarse, fine = (limit(SMOOTH, X, Y, TIMES, nodes=nodes) for nodes in (64, 128))
    assert np.abs(coarse.loss - fine.loss).max() < 1e-10
    for one, other in zip(coarse.weights(2, neurons), fine.weights(2, neurons), strict=True):
        assert np.abs(one - other).max() < 1e-9
    assert fine.unresolved < 1e-12 < coarse.unresolved < 1e-7


def test_neurons_of_mass_zero_are_carried_along_to_where_interpolation_puts_them():
    nodes, others = SMOOTH.quadrature(64), SMOOTH.sample((5, 7), 3)
    points = [np.concatenate(pair) for pair in zip(nodes.points, others.points, strict=True)]
    masses = tuple(
        np.append(mass, np.zeros(point.size))
        for mass, point in zip(nodes.network.masses, others.points, strict=True)
    )
    carried = multilayer.Network(SMOOTH.at(points).network.weights, masses=masses)
    found = limit(SMOOTH, X, Y, [0.0, 0.5], nodes=64, loss="squared")
    ends = np.cumsum([w.size for w in carried.weights])[:-1]

    def unpacked(state):
        parts = zip(np.split(state, ends), carried.weights, strict=True)
        return carried.with_weights([p.reshape(w.shape) for p, w in parts])

    def rate(_, state):
        moved = multilayer.gradients(unpacked(state), X, Y, loss="squared")
        return -np.concatenate([g.ravel() for g in moved])

    state = np.concatenate([w.ravel() for w in carried.weights])
    end = integrate.solve_ivp(rate, (0, 0.5), state, method="DOP853", rtol=1e-11, atol=1e-13)
    w1, w2, w3 = unpacked(end.y[:, -1]).weights
    expected = (w1[64:], w2[64:, 64:], w3[64:])
    for ours, theirs in zip(found.weights(1, others), expected, strict=True):
        assert np.abs(ours - theirs).max() < 1e-8


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_loss_falls_at_the_rate_of_the_mean_squared_velocity(loss):
    h = 1e-3
    found = limit(DEEP, X, Y + 1.5, [0.0, 0.5 - h, 0.5 + h], loss=loss)
    masses = found.networks[0].masses[0]
    before, after = found.networks[1].weights, found.networks[2].weights
    rates = [(b - a) / (2 * h) for a, b in zip(before, after, strict=True)]
    total = masses @ (rates[0] ** 2).sum(axis=1) + masses @ rates[-1] ** 2
    total += sum(masses @ r**2 @ masses for r in rates[1:-1])
    assert total > 1e-3
    assert (found.loss[2] - found.loss[1]) / (2 * h) == pytest.approx(-total, rel=1e-5)


def test_equal_linear_neurons_keep_their_balance_and_find_the_regression():
    equal = Embedding(
        lambda c: np.full((c.size, 1), 0.9), [lambda c, d: 0.7], lambda c: 0.4, ("identity",) * 3
    )
    found = limit(equal, X[:, :1], 2.0 * S, [0.0, 1.0, 60.0], nodes=4, loss="squared")
    a, b, c = (np.array([net.weights[i].flat[0] for net in found.networks]) for i in range(3))
    assert a**2 - b**2 == pytest.approx(np.full(3, 0.32), abs=1e-9)
    assert b**2 - c**2 == pytest.approx(np.full(3, 0.33), abs=1e-9)
    assert a[1] > 0.9 + 1e-3
    assert (a * b * c)[2] == pytest.approx(2.0, abs=1e-9)


def test_initial_weights_belong_to_the_first_time():
    neurons = PERIODIC.sample((3, 4), 0)
    late, early = (limit(PERIODIC, X, Y, [t, t + 1.0]) for t in (5.0, 0.0))
    for given, start in zip(late.weights(0, neurons), neurons.network.weights, strict=True):
        assert np.array_equal(given, start)
    assert late.loss == pytest.approx(early.loss, abs=1e-12)


def test_jumps_are_not_resolved_and_said_so():
    jump = Embedding(circle, [lambda c, d: np.where(c < 0.4, 3.0, -1.0) + 0.0 * d], last)
    with pytest.raises(ValueError, match="nodes=64 do not resolve the weights"):
        limit(jump, X, Y, TIMES)


@pytest.mark.parametrize("size", [1e60, 1e200])
def test_weights_beyond_any_time_step_end_in_an_error(size):
    huge = Embedding(lambda c: size * circle(c), [lambda c, d: size], last, ("identity",) * 3)
    with pytest.raises(FloatingPointError, match="weights or data are too large"):
        limit(huge, X, Y, TIMES, nodes=8)


# ------------------------------------------------------------------------- independent weights


def test_noise_is_independent_for_each_pair_and_stays_as_it_is():
    noisy = Embedding(circle, [lambda c, d: 1.0], last, noise=2.0)
    neurons = noisy.sample((300, 400), 7)
    w = (neurons.network.weights[1] - 1.0) / 2.0
    assert stats.kstest(w.ravel(), "norm").pvalue > 1e-3
    cycle = (w @ w.T) ** 2
    pairs = cycle[~np.eye(300, dtype=bool)].mean() / 400
    assert pairs == pytest.approx(1.0, abs=0.05)
    quiet = Embedding(circle, noisy.inner, last)
    found = [limit(embedding, X, Y, TIMES).networks[2].weights for embedding in (noisy, quiet)]
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize("depth", [3, 4, 5, 6])
def test_independent_weights_leave_one_neuron_in_layers_two_to_l_minus_two(depth):
    """Increments of w_2 depend on c_1 only, those of w_{L-1} on c_{L-1} only, others on neither."""
    means = [0.8 + 0.1 * i for i in range(depth - 2)]
    embedding = Embedding(circle, [lambda c, d, m=m: m for m in means], last)
    start, end = limit(embedding, X, Y, [0.0, 2.0], loss="squared").networks
    for i in range(1, depth - 1):
        moved = end.weights[i] - start.weights[i]
        of_below, of_above = np.ptp(moved, axis=0).max(), np.ptp(moved, axis=1).max()
        size = np.abs(moved).max()
        assert size > 1e-3
        assert (of_below > 1e-3 * size) == (i == 1)
        assert (of_above > 1e-3 * size) == (i == depth - 2)
        if depth > 3:
            assert min(of_below, of_above) < 1e-13


def test_independent_weights_of_mean_zero_never_move_in_four_layers():
    noisy = Embedding(circle, [lambda c, d: 0.0] * 2, last, noise=1.0)
    start, end = limit(noisy, X, Y, [0.0, 5.0]).networks
    for v, w in zip(start.weights, end.weights, strict=True):
        assert np.abs(w - v).max() < 1e-14


# --------------------------------------------------------------------------- coupled networks


def test_distance_of_a_moved_sample_is_what_was_moved():
    neurons = SMOOTH.sample((4, 3), 2)
    found = limit(SMOOTH, X, Y, TIMES)
    first, inner, final = (w.copy() for w in found.weights(2, neurons))
    first[1] += [3.0, 4.0]
    inner[2, 1] -= 0.6
    final += [0.0, 0.2, -0.1]
    far = distance(found, 2, neurons, neurons.network.with_weights([first, inner, final]))
    assert far.largest == pytest.approx([5.0, 0.6, 0.2], abs=1e-12)
    assert far.rms == pytest.approx([2.5, 0.6 / 12**0.5, (0.05 / 3) ** 0.5], abs=1e-12)


def worst(embedding, found, widths, rng):
    """Largest distances over layers and times, sup and root mean square."""
    neurons = embedding.sample(widths, rng)
    run = multilayer.train(
        neurons.network, X, Y, epsilon=0.05, times=found.times, batch=None, loss="squared"
    )
    far = [distance(found, i, neurons, run.networks[i]) for i in (1, 2)]
    return max(d.largest.max() for d in far), max(d.rms.max() for d in far)


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_root_mean_square_distance_of_coupled_networks_falls_like_one_over_root_n(noise):
    embedding = Embedding(SMOOTH.first, SMOOTH.inner, SMOOTH.last, noise=noise)
    found = limit(embedding, X, Y, TIMES, loss="squared")
    widths, runs = (16, 32, 64, 128, 256), 16
    logs = np.log([[worst(embedding, found, (n, n), k)[1] for k in range(runs)] for n in widths])
    fit = stats.linregress(np.repeat(np.log(widths), runs), logs.ravel())
    assert fit.slope == pytest.approx(-0.5, abs=3.5 * fit.stderr)
    assert fit.stderr < 0.06


def test_a_narrow_layer_keeps_a_wide_network_away_from_the_limit():
    found = limit(SMOOTH, X, Y, TIMES, loss="squared")
    mean = {
        widths: np.mean([worst(SMOOTH, found, widths, k)[1] for k in range(10)])
        for widths in ((16, 16), (16, 512), (512, 16), (512, 512))
    }
    assert mean[512, 512] < 0.35 * min(mean[16, 512], mean[512, 16])
    assert min(mean[16, 512], mean[512, 16]) > 0.3 * mean[16, 16]


# ----------------------------------------------------------------------------------- bad input

NEURONS = SMOOTH.sample((4, 3), 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Embedding(1.0, [wave], last), TypeError, "first must be a function.*got 1.0"),
        (lambda: Embedding(circle, wave, last), TypeError, "inner must be a sequence"),
        (lambda: Embedding(circle, [], last), TypeError, "inner.*at least one"),
        (lambda: Embedding(circle, [2.0], last), TypeError, r"inner\[0\] must be a function"),
        (lambda: Embedding(circle, [wave], last, noise=-1), ValueError, "noise.*at least 0"),
        (lambda: Embedding(last, [wave], last), ValueError, r"first.*shape \(n, d\).*\(1,\)"),
        (lambda: Embedding(circle, [wave], circle), ValueError, r"last.*shape \(1,\).*\(1, 2\)"),
        (
            lambda: Embedding(circle, [lambda c, d: c[:, 0]], last),
            ValueError,
            r"inner\[0\] must return weights of shape \(1, 1\).*got shape \(1,\)",
        ),
        (lambda: Embedding(circle, [wave], lambda c: np.nan), ValueError, "weights from last.*nan"),
        (lambda: Embedding(circle, [wave], last, ("tanh",)), ValueError, "activations.*3"),
        (lambda: SMOOTH.sample((4,)), ValueError, "widths must be 2 integers"),
        (lambda: SMOOTH.sample(4), ValueError, "widths must be 2 integers.*got 4"),
        (lambda: SMOOTH.sample((4, 0)), ValueError, "widths.*at least 1; got 0"),
        (lambda: SMOOTH.sample((4, 2.5)), TypeError, "widths.*2.5"),
        (lambda: SMOOTH.sample((4, 4), "seed"), TypeError, "rng.*seed"),
        (lambda: SMOOTH.at([[0.5]]), ValueError, "points must be 2 arrays"),
        (lambda: SMOOTH.at([[0.5], [1.5]]), ValueError, r"points\[1\].*\[0, 1\]; got 1.5"),
        (lambda: SMOOTH.at([[0.5], []]), ValueError, r"points\[1\].*non-empty"),
        (lambda: SMOOTH.quadrature(1), ValueError, "nodes.*at least 2; got 1"),
        (lambda: limit(NEURONS, X, Y, TIMES), TypeError, "embedding must be an Embedding"),
        (lambda: limit(SMOOTH, X[:, :1], Y, TIMES), ValueError, "x must"),
        (lambda: limit(SMOOTH, X, Y[1:], TIMES), ValueError, "y must"),
        (lambda: limit(SMOOTH, X, Y * np.nan, TIMES), ValueError, "y must.*nan"),
        (lambda: limit(SMOOTH, X, Y, [1.0, 0.0]), ValueError, "times must increase"),
        (lambda: limit(SMOOTH, X, Y, TIMES, loss="l1"), ValueError, "loss.*'l1'"),
        (lambda: limit(SMOOTH, X, Y, TIMES, nodes=3), ValueError, "nodes.*at least 4; got 3"),
        (
            lambda: distance(limit(SMOOTH, X, Y, [0.0]), 0, NEURONS, SMOOTH.sample((4, 4)).network),
            ValueError,
            r"network must have weights of shapes \[\(4, 2\), \(4, 3\), \(3,\)\]; got",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_neurons_and_times_are_named():
    embedding = Embedding(lambda c: np.stack([c, c], 1), [lambda a, b: a * b], lambda c: c)
    deeper = Embedding(lambda c: np.stack([c, c], 1), [lambda a, b: a * b] * 2, lambda c: c)
    found = limit(embedding, [[1.0, -0.5], [0.3, 2.0]], [1.0, 0.0], [0.0, 0.1], nodes=24)
    neurons = embedding.sample([3, 4])
    for i in (-1, 2):
        with pytest.raises(ValueError, match=f"^i must be .*{i}"):
            found.weights(i, neurons)
    with pytest.raises(TypeError, match="neurons must be Neurons; got Network"):
        found.weights(1, neurons.network)
    with pytest.raises(ValueError, match="neurons must be those of the embedding"):
        found.weights(1, deeper.sample([3, 4, 2]))
    with pytest.raises(TypeError, match="network must be of Network; got Neurons"):
        distance(found, 1, neurons, neurons)
    with pytest.raises(ValueError, match="widths must be 2 integers"):
        embedding.sample({3, 4})
