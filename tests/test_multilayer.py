"""Multilayer networks: gradients, masses, descent, divergence and bad input."""

import itertools

import numpy as np
import pytest

from kinetic._multilayer_steps import LOSSES
from kinetic.multilayer import Network, draw, gradients, output, risk, train

WIDTHS = {3: (5, 7), 4: (6, 3, 9), 5: (4, 5, 6, 3)}
DIFFERENCE = 1e-5


def data(count=11, dimension=3, seed=1):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, dimension)), 2.0 * generator.normal(size=count)


def network(layers=3, masses="mean-field", activations=None, seed=2):
    if masses == "any":
        generator = np.random.default_rng(seed)
        masses = [generator.uniform(0.1, 1.0, n) for n in WIDTHS[layers]]
    net = draw(WIDTHS[layers], 3, mean=0.3, activations=activations, rng=seed)
    return Network(net.weights, net.activations, masses)


def mass_of_weights(net):
    """rho(j) rho(k) for every weight, arrays of the shapes of the weights."""
    first, *_ = net.masses
    products = [np.outer(below, above) for below, above in itertools.pairwise(net.masses)]
    return [first[:, None] * np.ones(net.dimension), *products, net.masses[-1]]


def difference(net, function, layer, index):
    """Central difference of a function of a network in one of its weights."""
    values = []
    for step in (DIFFERENCE, -DIFFERENCE):
        weights = [w.copy() for w in net.weights]
        weights[layer][index] += step
        values.append(function(net.with_weights(weights)))
    return (values[0] - values[1]) / (2.0 * DIFFERENCE)


def largest_difference(a, b):
    return max(abs(v - w).max() for v, w in zip(a.weights, b.weights, strict=True))


# --------------------------------------------------------------------------- values, gradients


def test_output_is_the_sum_that_the_module_states():
    net = network(4, "any", ("sigmoid", "tanh", "relu", "identity"))
    (w1, w2, w3, w4), (m1, m2, m3) = net.weights, net.masses
    x = np.array([0.3, -1.0, 0.5])
    h1 = [sum(w1[j, a] * x[a] for a in range(3)) for j in range(6)]
    h2 = [sum(m1[j] * w2[j, k] / (1 + np.exp(-h1[j])) for j in range(6)) for k in range(3)]
    h3 = [sum(m2[j] * w3[j, k] * np.tanh(h2[j]) for j in range(3)) for k in range(9)]
    expected = sum(m3[j] * w4[j] * max(h3[j], 0.0) for j in range(9))
    assert output(net, [x])[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("layers", [3, 4, 5])
@pytest.mark.parametrize("masses", ["mean-field", "standard", "any"])
@pytest.mark.parametrize("loss", ["huber", "squared"])
def test_gradients_are_finite_differences_divided_by_the_masses(layers, masses, loss):
    """To 1e-7 of the layer's largest, the accuracy of the differences."""
    names = (
        ("sigmoid",) + ("tanh",) * (layers - 2) + ("sigmoid" if masses == "any" else "identity",)
    )
    net, (x, y) = network(layers, masses, names), data()
    found = gradients(net, x, y, loss=loss)
    for layer, (gradient, mass) in enumerate(zip(found, mass_of_weights(net), strict=True)):
        plain = np.empty_like(gradient)
        for index in np.ndindex(gradient.shape):
            plain[index] = difference(net, lambda n: risk(n, x, y, loss=loss), layer, index)
        assert abs(plain / mass - gradient).max() < 1e-7 * abs(gradient).max()


def test_the_multipliers_of_three_layers_are_n1_n1_n2_and_n2():
    """Against the gradients of the same function in the standard form, written out."""
    net, (x, y) = network(), data()
    n1, n2 = net.widths
    same = Network((net.weights[0], net.weights[1] / n1, net.weights[2] / n2), None, "standard")
    assert output(net, x) == pytest.approx(output(same, x), rel=1e-13)
    plain = gradients(same, x, y)
    found = gradients(net, x, y)
    # w_2 / n_1 is the weight of the standard form: one factor comes from the chain rule.
    for gradient, other, factor in zip(found, plain, (n1, n2, 1), strict=True):
        assert gradient == pytest.approx(factor * other, rel=1e-12)


@pytest.mark.parametrize(("loss", "values"), [("squared", (0.5, 4.5)), ("huber", (0.5, 2.5))])
def test_losses(loss, values):
    net = Network((np.zeros((2, 1)), np.zeros((2, 2)), np.zeros(2)))
    found = [risk(net, [[1.0]], [y], loss=loss) for y in (-1.0, 3.0)]
    assert found == pytest.approx(values, rel=1e-15)


# -------------------------------------------------------------------------------------- masses


def test_a_neuron_counted_twice_is_one_of_twice_the_mass():
    """And stays so: both copies follow the one, at the same clock."""
    small, (x, y) = network(3), data()
    w1, w2, w3 = small.weights
    small = Network(small.weights, None, (np.arange(1.0, 6.0) / 15.0, small.masses[1]))
    twice = np.repeat(np.arange(5), np.arange(1, 6))
    large = Network((w1[twice], w2[twice], w3))
    runs = [train(net, x, y, epsilon=0.1, times=[3.0]).networks[0] for net in (small, large)]
    assert abs(runs[0].weights[1][twice] - runs[1].weights[1]).max() < 1e-13
    assert abs(runs[0].weights[0][twice] - runs[1].weights[0]).max() < 1e-13


@pytest.mark.parametrize("batch", [1, 4, None])
def test_a_neuron_of_mass_zero_moves_but_does_not_act(batch):
    net, (x, y) = network(4, "any"), data()
    w1, w2, w3, w4 = net.weights
    generator = np.random.default_rng(5)
    extra = (
        np.vstack([w1, generator.normal(size=(2, 3))]),
        np.vstack([w2, generator.normal(size=(2, 3))]),
        w3,
        w4,
    )
    idle = Network(extra, net.activations, (np.append(net.masses[0], [0.0, 0.0]), *net.masses[1:]))
    options = {"epsilon": 0.1, "times": [2.0], "batch": batch}
    run, carried = (train(n, x, y, **options).networks[0] for n in (net, idle))
    assert abs(carried.weights[0][:6] - run.weights[0]).max() < 1e-13
    assert abs(carried.weights[3] - run.weights[3]).max() < 1e-13
    assert abs(carried.weights[0][6:] - extra[0][6:]).min() > 1e-3


# ------------------------------------------------------------------------------------- descent


@pytest.mark.parametrize("layers", [3, 4, 5])
@pytest.mark.parametrize("batch", [1, 3, None])
@pytest.mark.parametrize("names", [("tanh", "tanh", "identity"), ("sigmoid", "relu", "sigmoid")])
def test_descent_follows_the_gradients(layers, batch, names):
    first, inner, last = names
    net = network(layers, "any", (first, *[inner] * (layers - 2), last))
    x, y = data()
    rates = [lambda t: 1.0 + t, 0.5, 0.7, 0.3, 0.9][:layers]
    run = train(net, x, y, epsilon=0.25, times=[0.0, 1.0, 2.5], batch=batch, rates=rates, rng=7)
    assert list(run.steps) == [0, 4, 10]
    assert largest_difference(run.networks[0], net) == 0.0
    order = None if batch is None else np.random.default_rng(7).integers(11, size=(4, batch))
    for k in range(4):
        rows = slice(None) if batch is None else order[k]
        xi = [1.0 + 0.25 * k, *rates[1:]]
        change = gradients(net, x[rows], y[rows])
        net = net.with_weights(
            [w - 0.25 * r * g for w, r, g in zip(net.weights, xi, change, strict=True)]
        )
    assert largest_difference(run.networks[1], net) < 1e-13
    assert run.loss[1] == pytest.approx(risk(net, x, y), rel=1e-13)


def test_unequal_widths_beyond_a_block_follow_the_gradients():
    """Widths that no power of two divides, and matrices larger than what is swept at once."""
    net, (x, y) = draw((301, 203, 97), 3, mean=0.5, rng=3), data()
    run = train(net, x, y, epsilon=0.2, times=[0.6], rng=4).networks[0]
    for row in np.random.default_rng(4).integers(11, size=3):
        change = gradients(net, x[[row]], y[[row]])
        net = net.with_weights([w - 0.2 * g for w, g in zip(net.weights, change, strict=True)])
    assert largest_difference(run, net) < 1e-13


def test_products_in_pieces_are_those_of_single_samples():
    """With 11 samples these matrices are cut into pieces, with one they are not."""
    net, (x, y) = draw((301, 203, 97), 3, mean=0.5, rng=3), data()
    single = [gradients(net, x[[k]], y[[k]]) for k in range(len(x))]
    for together, *apart in zip(gradients(net, x, y), *single, strict=True):
        assert abs(together - np.mean(apart, axis=0)).max() < 1e-13
    assert output(net, x) == pytest.approx([output(net, x[[k]])[0] for k in range(11)], rel=1e-13)


def test_runs_of_the_same_seed_agree_whatever_the_output_times():
    net, (x, y) = network(), data()
    a = train(net, x, y, epsilon=0.01, times=[0.37, 100.0], rng=5)
    b = train(net, x, y, epsilon=0.01, times=[100.0], rng=np.random.default_rng(5))
    assert largest_difference(a.networks[-1], b.networks[-1]) == 0.0
    c = train(net, x, y, epsilon=0.01, times=[100.0], rng=6)
    assert largest_difference(a.networks[-1], c.networks[-1]) > 1e-3


def test_observe_takes_the_place_of_the_networks():
    net, (x, y) = network(), data()
    run = train(net, x, y, epsilon=0.1, times=[0.0, 1.0], observe=lambda n: n.weights[2][0])
    assert run.networks[0] == net.weights[2][0]


def test_draws_have_the_moments_that_are_asked_for():
    for masses, scale in (("mean-field", (1, 1, 1)), ("standard", (2, 500, 400))):
        net = draw((500, 400), 2, mean=(0, 1, 2), deviation=(1, 2, 3), masses=masses, rng=1)
        for i, w in enumerate(net.weights):
            w = w * scale[i] ** 0.5
            assert abs(w.mean() - i) < 4.5 * (i + 1) / w.size**0.5
            assert abs(w.std() / (i + 1) - 1.0) < 4.5 / (2.0 * w.size) ** 0.5


# ---------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("batch", [1, None])
def test_divergence_names_step_time_and_epsilon(batch):
    """The step is the first with an output beyond 1e8 (1 + max |y|); the residual doubles."""
    net, (x, y) = network(3, "mean-field", ("identity",) * 3), data(1)
    hidden = x[0] @ net.weights[0].T @ net.weights[1] / 5
    epsilon = 3.0 / np.mean(hidden**2)
    residual, step = output(net, x)[0] - y[0], 0
    while abs(residual + y[0]) <= 1e8 * (1.0 + abs(y[0])):
        residual, step = -2.0 * residual, step + 1
    with pytest.raises(
        FloatingPointError,
        match=rf"step {step}, t={step * epsilon:g}, .*epsilon={epsilon}; .*smaller",
    ):
        train(
            net, x, y, epsilon=epsilon, times=[1e4], loss="squared", batch=batch, rates=(0, 0, 1)
        )  # fmt: skip


# ----------------------------------------------------------------------------------- bad input

W = (np.ones((2, 3)), np.ones((2, 4)), np.ones(4))
X, Y = np.ones((5, 3)), np.ones(5)


def run(net=None, x=X, y=Y, **options):
    options = {"epsilon": 0.1, "times": [1.0]} | options
    return train(Network(W) if net is None else net, x, y, **options)


BAD = {
    "two layers": (lambda: Network(W[1:]), ValueError, "at least three"),
    "widths apart": (lambda: Network((W[0], np.ones((3, 4)), W[2])), ValueError, "w_2.*2 rows"),
    "last apart": (lambda: Network((*W[:2], np.ones(3))), ValueError, r"w_3.*4 rows.*\(3,\)"),
    "last a matrix": (lambda: Network((*W[:2], np.ones((4, 1)))), ValueError, r"w_3.*\(n,\)"),
    "w with nan": (lambda: Network((*W[:2], W[2] * np.nan)), ValueError, "w_3.*nan"),
    "activation": (lambda: Network(W, ("tanh", "tanh", "gcu")), ValueError, "activation 3.*gcu"),
    "too few activations": (lambda: Network(W, ("tanh",)), ValueError, "3 names"),
    "unknown masses": (lambda: Network(W, None, "unit"), ValueError, "masses.*'standard'"),
    "masses apart": (lambda: Network(W, None, (W[2], W[2])), ValueError, r"layer 1.*\(2,\)"),
    "negative mass": (lambda: Network(W, None, ([1, -1], W[2])), ValueError, "at least 0"),
    "net": (lambda: run(3), TypeError, "net must be a Network"),
    "x of another dimension": (
        lambda: run(x=np.ones((5, 2))),
        ValueError,
        r"x.*\(M, 3\).*\(5, 2\)",
    ),
    "x with nan": (lambda: run(x=X * np.nan), ValueError, "x must be.*nan"),
    "y apart": (lambda: run(y=np.ones(4)), ValueError, r"y.*\(5,\)"),
    "epsilon": (lambda: run(epsilon=0.0), ValueError, "epsilon.*positive"),
    "negative times": (lambda: run(times=[-1.0]), ValueError, "times.*at least 0"),
    "batch": (lambda: run(batch=0), ValueError, "batch"),
    "two rates": (lambda: run(rates=(1.0, 1.0)), ValueError, "3 of them"),
    "negative rate": (lambda: run(rates=lambda t: 0.5 - t), ValueError, "rate of layer 1"),
    "loss": (lambda: run(loss="hinge"), ValueError, "loss.*'huber'.*hinge"),
    "rng": (lambda: run(rng=-1), ValueError, "rng"),
    "observe": (lambda: run(observe=3), TypeError, "observe"),
    "one width": (lambda: draw((4,), 2), ValueError, "at least two"),
    "means": (lambda: draw((4, 4), 2, mean=(1, 2)), ValueError, "3 numbers"),
    "deviation": (lambda: draw((4, 4), 2, deviation=-1.0), ValueError, "deviation"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_names_of_losses_are_refused_in_every_function():
    for function in (risk, gradients):
        with pytest.raises(ValueError, match="loss"):
            function(Network(W), X, Y, loss="hinge")
    assert LOSSES == ("squared", "huber")


def test_what_exceeds_float64_is_reported():
    net, (x, y) = network(), data()
    with pytest.raises(FloatingPointError, match="the loss exceeds float64"):
        risk(net, x, 1e200 * y, loss="squared")
    linear = draw((2, 2), 3, mean=1e200, activations=("identity",) * 3, rng=0)
    with pytest.raises(FloatingPointError, match="the output exceeds float64"):
        output(linear, x)
    with pytest.raises(FloatingPointError, match="the gradient of layer 1 exceeds float64"):
        gradients(linear, x, y)
    with pytest.raises(ValueError, match="epsilon=1e-30 needs more than"):
        train(net, x, y, epsilon=1e-30, times=[0.0, 1.0])
