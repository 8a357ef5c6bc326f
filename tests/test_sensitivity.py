"""Adjoint, gradients and re-training against finite differences, closed forms and each other."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import Grid, SimResNet, losses, mean_field, retraining, sensitivity
from kinetic.characteristics import flow, paths

G0 = stats.norm(1.0, 1.0)
GAUSSIAN = stats.norm(1.4, 0.6)
NET = SimResNet("tanh", -1.0, 0.6)
DIRAC = SimResNet("identity", -1.0, 1.0)
CASES = {
    "l2": ("l2", G0, GAUSSIAN),
    "w2": ("w2", G0, GAUSSIAN),
    "w2 to a point": ("w2", G0, 2.0),
    "w2 to points": ("w2", G0, np.array([0.3, 1.0, 2.5])),
    "l2 of a uniform input": ("l2", stats.uniform(0.0, 2.0), GAUSSIAN),
    "l2 to a uniform target": ("l2", G0, stats.uniform(0.3, 1.5)),
    "l2 between uniform laws": ("l2", stats.uniform(0.0, 2.0), stats.uniform(0.4, 0.9)),
    "l2 of cells": ("l2", mean_field.solve(NET, stats.uniform(0.0, 2.0), Grid(-1, 3, 40), [0, 0.1])
                    .law(1), GAUSSIAN),
    "w2 of a uniform input": ("w2", stats.uniform(0.0, 2.0), GAUSSIAN),
}  # fmt: skip


def difference_quotient(function, h=1e-3):
    """Fourth-order central difference at 0."""
    near, far = function(h) - function(-h), function(2 * h) - function(-2 * h)
    return (8.0 * near - far) / (12.0 * h)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("activation", ["identity", "tanh", "sigmoid"])
@pytest.mark.parametrize(("w", "b"), [(-1.0, 0.6), (0.8, -0.5), (0.0, 0.2)])
def test_gradient_is_the_limit_of_difference_quotients(activation, case, w, b):
    loss, g0, target = CASES[case]

    def value(dw, db):
        return sensitivity.loss(SimResNet(activation, w + dw, b + db), g0, target, 1.0, loss=loss)

    found = sensitivity.gradient(SimResNet(activation, w, b), g0, target, 1.0, loss=loss)
    assert found.loss == value(0.0, 0.0)
    assert found.w == pytest.approx(difference_quotient(lambda e: value(e, 0.0)), rel=1e-6)
    assert found.b == pytest.approx(difference_quotient(lambda e: value(0.0, e)), rel=1e-6)


def test_gradient_without_a_closed_flow():
    def value(w):
        return sensitivity.loss(SimResNet("gcu", w, 0.1), stats.norm(0.5, 0.2), 1.0, 0.5)

    found = sensitivity.gradient(SimResNet("gcu", 1.0, 0.1), stats.norm(0.5, 0.2), 1.0, 0.5)
    assert found.w == pytest.approx(difference_quotient(lambda e: value(1.0 + e)), rel=1e-6)


@pytest.mark.parametrize("loss", ["l2", "w2"])
def test_sensitivities_in_time_are_derivatives_in_the_direction_of_functions(loss):
    def net(dw, db):
        return SimResNet(
            "tanh",
            lambda t: np.sin(3.0 * t) - 1.0 + dw * np.cos(t),
            lambda t: 0.6 * t + db * t**2,
        )

    def value(dw, db):
        return sensitivity.loss(net(dw, db), G0, GAUSSIAN, 1.0, loss=loss)

    found = sensitivity.gradient(net(0.0, 0.0), G0, GAUSSIAN, 1.0, loss=loss)
    along_w = found.weights @ (found.w_at * np.cos(found.times))
    along_b = found.weights @ (found.b_at * found.times**2)
    assert along_w == pytest.approx(difference_quotient(lambda e: value(e, 0.0)), rel=1e-6)
    assert along_b == pytest.approx(difference_quotient(lambda e: value(0.0, e)), rel=1e-6)


@pytest.mark.parametrize("start", [0.0, 1.0])
@pytest.mark.parametrize("w", [-0.7, lambda t: np.cos(3.0 * t)], ids=["constant", "w(t)"])
def test_paths_are_the_flow_at_many_times_in_any_order(w, start):
    net, x, times = SimResNet("tanh", w, 0.2), np.linspace(-2.0, 3.0, 7), np.array([0.6, 1.0, 0.1])
    found = paths(net, x, start, times)
    for t, *states in zip(times, *found, strict=True):
        np.testing.assert_allclose(states, flow(net, x, start, t), rtol=1e-10, atol=1e-11)


def gaussian_output(w, b, T):
    """Mean and standard deviation of g(T) for the identity and N(1, 1)."""
    return math.exp(w * T) + b / w * math.expm1(w * T), math.exp(w * T)


@pytest.mark.parametrize("w", [-1.2, 0.7])
def test_losses_of_gaussians_in_closed_form(w):
    (mean, deviation), (m, s) = gaussian_output(w, 0.4, 1.5), (1.4, 0.6)
    net = SimResNet("identity", w, 0.4)
    transport = ((mean - m) ** 2 + (deviation - s) ** 2) / 2.0
    squares = (1.0 / deviation + 1.0 / s) / (2.0 * math.sqrt(math.pi))
    product = stats.norm(mean, math.hypot(deviation, s)).pdf(m)
    w2 = sensitivity.loss(net, G0, GAUSSIAN, 1.5, loss="w2")
    assert w2 == pytest.approx(transport, rel=1e-9)
    l2 = sensitivity.loss(net, G0, GAUSSIAN, 1.5, loss="l2")
    assert l2 == pytest.approx(squares / 2.0 - product, rel=1e-9)


def test_sensitivity_kernels_in_closed_form():
    # identity: lambda_x(t) = (X(T) - 2) e^{w (T - t)} along X(t) = e^{wt} z + b (e^{wt} - 1) / w
    w, b, T = -0.7, 0.5, 2.0
    found = sensitivity.gradient(SimResNet("identity", w, b), G0, 2.0, T)
    mean, deviation = gaussian_output(w, b, T)
    means, deviations = np.array([gaussian_output(w, b, t) for t in found.times]).T
    back = np.exp(w * (T - found.times))
    np.testing.assert_allclose(found.b_at, back * (mean - 2.0), rtol=1e-9)
    expected = back * ((mean - 2.0) * means + deviation * deviations)
    np.testing.assert_allclose(found.w_at, expected, rtol=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_gradient_is_the_double_integral_with_the_adjoint(activation):
    net, T, h = SimResNet(activation, 0.8, -0.3), 1.0, 1e-4
    pushed = mean_field.push_forward(net, G0, T)

    def terminal(x):
        return pushed.pdf(x) - GAUSSIAN.pdf(x)

    def integrand(t):
        x = np.linspace(-9.0, 12.0, 1501)
        slope = sensitivity.adjoint(net, terminal, T, t, x + h)
        slope = (slope - sensitivity.adjoint(net, terminal, T, t, x - h)) / (2.0 * h)
        weight = mean_field.exact(net, G0, t, x) * net.activation.derivative(0.8 * x - 0.3) * slope
        return np.array([np.trapezoid(weight * x, x), np.trapezoid(weight, x)])

    nodes, weights = np.polynomial.legendre.leggauss(8)
    double = weights @ [integrand(t) for t in (nodes + 1.0) * T / 2.0] * T / 2.0
    found = sensitivity.gradient(net, G0, GAUSSIAN, T, loss="l2")
    np.testing.assert_allclose([found.w, found.b], double, rtol=1e-6)


def test_gradient_is_that_of_forward_sensitivities():
    # dD/dw = int g0 (X(T) - S) dX(T)/dw dz with the derivative of the flow
    h, z = 1e-4, np.linspace(-6.0, 8.0, 2001)
    ends = [flow(SimResNet("tanh", -1.0 + e, 0.6), z, 0.0, 1.0)[0] for e in (-h, 0.0, h)]
    change = (ends[2] - ends[0]) / (2.0 * h)
    optimal = GAUSSIAN.ppf(G0.cdf(np.minimum(z, 7.0)))
    expected = np.trapezoid(G0.pdf(z) * (ends[1] - optimal) * change, z)
    assert sensitivity.gradient(NET, G0, GAUSSIAN, 1.0).w == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "sigmoid"])
def test_adjoint_is_dual_to_the_push_forward(activation):
    net = SimResNet(activation, 0.8, -0.3)
    pushed = mean_field.push_forward(net, G0, 1.0)
    at_end = integrate.quad(lambda x: np.sin(x) * pushed.pdf(x), -20.0, 20.0, limit=200)[0]
    at_start = integrate.quad(
        lambda z: float(sensitivity.adjoint(net, np.sin, 1.0, 0.0, z)) * G0.pdf(z), -8.0, 10.0,
        limit=200,
    )[0]  # fmt: skip
    assert at_start == pytest.approx(at_end, abs=1e-7)


@pytest.mark.parametrize(
    "net", [NET, SimResNet("tanh", lambda t: np.cos(4.0 * t), 0.3)], ids=["constant", "w(t)"]
)
def test_adjoint_on_grids_converges_to_that_by_characteristics(net):
    errors = []
    for cells in (100, 200, 400):
        grid = Grid(-6.0, 8.0, cells)
        found = sensitivity.adjoint_on_grid(
            net, np.exp(-((grid.faces - 1) ** 2)), grid, [0, 0.5, 1]
        )
        errors.append(
            [
                np.abs(
                    values
                    - sensitivity.adjoint(
                        net, lambda x: np.exp(-((x - 1) ** 2)), 1.0, t, grid.faces
                    )
                ).max()
                for t, values in zip(found.times, found.values, strict=True)
            ]
        )
    errors = np.array(errors)
    assert errors[:, 2].max() < 1e-14
    assert errors[2, :2].max() < 2e-3
    # At the extrema of lambda both parts of its slope have a kink.
    assert np.log2(errors[0, 0] / errors[2, 0]) / 2.0 > 1.6


def test_adjoint_on_a_grid_takes_only_values_of_its_end():
    grid = Grid(-3.0, 3.0, 120)
    terminal = np.where(np.abs(grid.faces) < 1.0, 2.0, 0.5)
    found = sensitivity.adjoint_on_grid(NET, terminal, grid, [0.0, 1.0])
    assert found.values.min() > 0.5 - 1e-12
    assert found.values.max() < 2.0 + 1e-12
    np.testing.assert_allclose(found.values[:, -1], 0.5, atol=1e-12)


def test_algorithm_1_as_printed_makes_one_step_and_leaves_the_bias():
    found = sensitivity.algorithm_1(DIRAC, G0, 2.0, 5.0, Grid(-3.0, 5.0, 200))
    assert len(found.steps) == 2
    assert "not below tol" in found.reason
    start, end = found.steps
    assert abs(start.gradient[1]) < 1e-9
    assert abs(end.b - 1.0) < 1e-9
    assert end.w > 5.0


def test_algorithm_1_uses_the_derivative_of_its_loss_when_repaired():
    grid, target = Grid(-5.0, 7.0, 1200), stats.norm(1.4, 0.6)
    found = sensitivity.algorithm_1(NET, G0, target, 1.0, grid, signed=True, most_steps=1)
    exact = sensitivity.gradient(NET, G0, target, 1.0, loss="l2")
    np.testing.assert_allclose(found.steps[0].gradient, [exact.w, exact.b], rtol=2e-3)
    assert found.steps[0].loss == pytest.approx(exact.loss, rel=1e-4)
    assert found.steps[1].w == pytest.approx(-1.0 - 2.0 * exact.w, rel=2e-3)


def test_algorithm_1_integrand_at_one_time_is_the_sensitivity_there():
    grid, target = Grid(-5.0, 7.0, 1200), stats.norm(1.4, 0.6)
    exact = sensitivity.gradient(NET, G0, target, 1.0, loss="l2")
    at = 0.3
    found = sensitivity.algorithm_1(
        NET, G0, target, 1.0, grid, signed=True, most_steps=1, integrand_at=at
    )
    expected = [np.interp(at, exact.times, kernel) for kernel in (exact.w_at, exact.b_at)]
    np.testing.assert_allclose(found.steps[0].gradient, expected, rtol=5e-3)


def test_algorithm_1_without_steps_evaluates_the_start():
    grid = Grid(-5.0, 7.0, 100)
    none, one = (
        sensitivity.algorithm_1(NET, G0, GAUSSIAN, 1.0, grid, most_steps=n) for n in (0, 1)
    )
    assert none.steps == one.steps[:1]
    assert none.network.parameters(0.0) == NET.parameters(0.0)
    assert (none.solves, one.solves) == (2, 4)


def test_algorithm_1_goes_on_only_under_its_condition():
    grid = Grid(-5.0, 7.0, 100)
    options = {"gamma": 1e-3, "most_steps": 4, "signed": True}
    below = sensitivity.algorithm_1(NET, G0, GAUSSIAN, 1.0, grid, tol=1.0, **options)
    assert len(below.steps) == 5
    above = sensitivity.algorithm_1(
        NET, G0, GAUSSIAN, 1.0, grid, tol=1.0, while_below=False, **options
    )
    assert len(above.steps) == 2
    assert "below tol" in above.reason


def test_algorithm_1_says_where_it_cannot_go_on():
    found = sensitivity.algorithm_1(DIRAC, G0, 2.0, 5.0, Grid(-3.0, 5.0, 200), gamma=1e9)
    assert "cannot be solved" in found.reason
    assert found.steps[-1].loss == math.inf
    assert found.network.parameters(0.0) == (-1.0, 1.0)


def test_a_point_on_a_face_is_shared_by_both_cells():
    grid = Grid(0.0, 2.0, 20)
    net = SimResNet("identity", 0.0, 0.0)
    # D = dx/2 sum (g - h)^2 with g = 1/2 and h = 5 in two cells, or 10 in one
    on_face = sensitivity.algorithm_1(net, stats.uniform(0, 2), 1.0, 1.0, grid, most_steps=1)
    inside = sensitivity.algorithm_1(net, stats.uniform(0, 2), 1.05, 1.0, grid, most_steps=1)
    assert on_face.steps[0].loss == pytest.approx(0.05 * (18 * 0.25 + 2 * 4.5**2))
    assert inside.steps[0].loss == pytest.approx(0.05 * (19 * 0.25 + 9.5**2))


@pytest.mark.parametrize("loss", ["l2", "w2"])
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_retraining_finds_the_parameters_that_made_the_target(activation, loss):
    hidden = SimResNet(activation, -0.8, 1.1)
    target = mean_field.push_forward(hidden, G0, 1.0)
    found = sensitivity.retrain(
        SimResNet(activation, -1.0, 0.6), G0, target, 1.0, loss=loss, tol=1e-9
    )
    np.testing.assert_allclose(found.network.parameters(0.0), (-0.8, 1.1), rtol=1e-6)
    assert found.steps[-1].loss < 1e-15


@pytest.mark.parametrize("loss", ["l2", "w2"])
def test_mollified_point_has_one_minimizer_for_each_width(loss):
    # g(T) = N(m, e^{2 w T}) meets N(2, delta^2) at w = ln(delta) / T.
    widths = (1.0, 0.3, 0.1)
    found = sensitivity.retrain(DIRAC, G0, 2.0, 5.0, loss=loss, widths=widths, tol=1e-7)
    last = {step.width: step for step in found.steps}
    for width in widths[1:]:
        w = math.log(width) / 5.0
        b = w * (2.0 - width) / (width - 1.0)
        np.testing.assert_allclose(last[width][:2], (w, b), rtol=1e-4)


def test_descent_lowers_the_loss_by_what_armijo_asks():
    found = sensitivity.retrain(DIRAC, G0, 2.0, 5.0, method="descent", most_steps=8, tol=0.0)
    assert found.reason == "8 steps were made"
    for before, after in zip(found.steps, found.steps[1:], strict=False):
        slope = before.gradient[0] ** 2 + before.gradient[1] ** 2
        assert after.loss <= before.loss - 1e-4 * after.gamma * slope
        step = np.array(after[:2]) - np.array(before[:2])
        np.testing.assert_allclose(step, -after.gamma * np.array(before.gradient), rtol=1e-9)
    assert found.steps[-1].loss < 1e-3


def test_solves_are_counted():
    found = sensitivity.retrain(DIRAC, G0, 2.0, 5.0, method="descent", most_steps=1, tol=0.0)
    halvings = round(math.log2(2.0 / found.steps[1].gamma))
    assert found.solves == 2 + (halvings + 1) + 2


def test_l2_loss_does_not_see_a_shift_between_separate_laws():
    far = sensitivity.mollified(2.0, 0.02)
    found = sensitivity.gradient(DIRAC, G0, far, 5.0, loss="l2")
    assert abs(found.b) < 1e-9
    assert found.w == pytest.approx(-5.0 * math.exp(5.0) / (4.0 * math.sqrt(math.pi)), rel=1e-9)
    assert sensitivity.gradient(DIRAC, G0, 2.0, 5.0, loss="w2").b == pytest.approx(
        -(1.0 - math.exp(-5.0)), rel=1e-9
    )


@pytest.mark.parametrize("points", [0.3, [0.0, 1.0, 1.1]])
def test_mollified_law_is_consistent(points):
    law = sensitivity.mollified(points, 0.2)
    assert integrate.quad(law.pdf, -3.0, 4.0)[0] == pytest.approx(1.0, abs=1e-9)
    assert law.cdf(0.9) == pytest.approx(integrate.quad(law.pdf, -3.0, 0.9)[0], abs=1e-9)
    q = np.array([1e-6, 0.2, 0.5, 0.99])
    np.testing.assert_allclose(law.cdf(law.ppf(q)), q, rtol=1e-9)


def gradient(net=NET, g0=G0, target=GAUSSIAN, T=1.0, **options):
    return sensitivity.gradient(net, g0, target, T, **options)


def algorithm_1(net=NET, grid=None, **options):
    grid = grid or Grid(-5.0, 7.0, 50)
    return sensitivity.algorithm_1(net, G0, options.pop("target", 2.0), 1.0, grid, **options)


def retrain(net=NET, target=2.0, **options):
    return sensitivity.retrain(net, G0, target, 1.0, **options)


VARIABLE = SimResNet("tanh", np.cos, 0.0)
BAD = {
    "l2 to a point": (
        lambda: gradient(target=2.0, loss="l2"), TypeError, "density.*got points.*'w2'.*mollified"
    ),
    "l2 to a law without pdf": (
        lambda: gradient(target=stats.binom(3, 0.5), loss="l2"), TypeError, "density.*rv_discrete"
    ),
    "unknown loss": (lambda: gradient(loss="l1"), ValueError, "loss must be one of 'l2', 'w2'"),
    "kink": (lambda: gradient(net=SimResNet("relu", 1.0, 0.0)), ValueError, "differentiable.*relu"),
    "g0 a density": (lambda: gradient(g0=G0.pdf), TypeError, "g0.*lacks pdf, cdf, ppf"),
    "g0 without mass": (
        lambda: gradient(g0=type("Law", (), {"pdf": lambda s, x: 0 * x, "cdf": G0.cdf,
                                             "ppf": G0.ppf})()),
        ValueError, "g0 must have a density of mass 1.*mass 0",
    ),
    "T zero": (lambda: gradient(T=0.0), ValueError, "T must be a positive time; got 0"),
    "plane": (lambda: gradient(net=SimResNet("tanh", np.eye(2), 0.0)), ValueError, "dimension 1"),
    "not a network": (lambda: gradient(net=3), TypeError, "net must be a kinetic.SimResNet"),
    "target with nan": (lambda: gradient(target=[1.0, np.nan]), ValueError, "target.*nan"),
    "target empty": (lambda: gradient(target=[]), ValueError, r"target.*shape \(0,\)"),
    "target a plane": (lambda: gradient(target=np.ones((2, 2))), ValueError, r"shape \(2, 2\)"),
    "target without second moment": (
        lambda: gradient(target=stats.cauchy()), ValueError, "optimal map.*tails too heavy"
    ),
    "g0 without second moment": (
        lambda: gradient(g0=stats.cauchy()), ValueError, r"g\(T\) has no second moment"
    ),
    "l2 too concentrated": (
        lambda: gradient(SimResNet("identity", -9.0, 1.0), T=5.0, loss="l2"),
        FloatingPointError, "cancels beyond rounding",
    ),
    "l2 too wide": (
        lambda: gradient(SimResNet("identity", 20.0, 1.0), T=5.0, loss="l2"),
        FloatingPointError, "too wide",
    ),
    "infinite density": (
        lambda: gradient(g0=stats.beta(0.5, 0.5), target=2.0), ValueError, "g0.pdf.*infinite"
    ),
    "infinite density, l2": (
        lambda: gradient(g0=stats.beta(0.5, 0.5), loss="l2"), ValueError, "g0.pdf.*infinite"
    ),
    "far target": (
        lambda: gradient(target=1e200),
        FloatingPointError, "optimal map from g0 to the target exceeds the range",
    ),
    "output beyond float64": (
        lambda: gradient(SimResNet("identity", 200.0, 0.0), target=2.0, T=5.0),
        FloatingPointError, "optimal map from g0 to the target exceeds the range",
    ),
    "terminal not a function": (
        lambda: sensitivity.adjoint(NET, 1.0, 1.0, 0.5, [0.0]), TypeError, "terminal.*got 1.0"
    ),
    "terminal of one value": (
        lambda: sensitivity.adjoint(NET, lambda x: 1.0, 1.0, 0.5, [0.0, 1.0]), ValueError,
        r"terminal.*each point; got shape \(\) for \(2,\)",
    ),
    "terminal nan": (
        lambda: sensitivity.adjoint(NET, lambda x: x * np.nan, 1.0, 0.5, [0.0]), ValueError,
        "terminal.*got nan",
    ),
    "characteristics beyond float64": (
        lambda: sensitivity.adjoint(SimResNet("identity", 1e3, 0.0), np.tanh, 1.0, 0.0, [1.0]),
        FloatingPointError, "characteristic exceeds float64",
    ),
    "terminal too steep": (
        lambda: sensitivity.adjoint_on_grid(
            NET, 1.7e308 * (-1.0) ** np.arange(51), Grid(0, 1, 50), [0, 1]),
        ValueError, "terminal must have slopes",
    ),
    "t after T": (
        lambda: sensitivity.adjoint(NET, np.sin, 1.0, 2.0, [0.0]), ValueError, r"\[0, 1.0\]; got 2"
    ),
    "terminal of another shape": (
        lambda: sensitivity.adjoint_on_grid(NET, np.ones(50), Grid(0, 1, 50), [0, 1]),
        ValueError, r"terminal must have shape \(51,\); got \(50,\)",
    ),
    "mollify a law": (
        lambda: sensitivity.mollified(GAUSSIAN, 0.1), TypeError, "target must be a point.*is a law"
    ),
    "width zero": (lambda: sensitivity.mollified(1.0, 0.0), ValueError, "width.*positive.*0.0"),
    "w(t) to re-train": (lambda: retrain(VARIABLE), ValueError, "w and b must be constant"),
    "unknown method": (lambda: retrain(method="newton"), ValueError, "'bfgs', 'descent'.*'newton'"),
    "gamma zero": (lambda: retrain(gamma=0.0), ValueError, "gamma must be a positive number"),
    "tol negative": (lambda: retrain(tol=-1.0), ValueError, "tol must be.*-1"),
    "no steps": (lambda: retrain(most_steps=0), ValueError, "most_steps.*at least 1; got 0"),
    "no widths": (lambda: retrain(widths=[]), ValueError, "widths must be a non-empty"),
    "width negative": (lambda: retrain(widths=[1.0, -1.0]), ValueError, "width must be.*-1.0"),
    "algorithm 1 without a grid": (
        lambda: algorithm_1(grid=100), TypeError, "grid must be a kinetic.Grid; got int"
    ),
    "algorithm 1, w(t)": (lambda: algorithm_1(VARIABLE), ValueError, "w and b must be constant"),
    "algorithm 1 with a kink": (
        lambda: algorithm_1(SimResNet("relu", 1.0, 0.0)), ValueError, "differentiable.*relu"
    ),
    "algorithm 1, target outside": (lambda: algorithm_1(target=9.0), ValueError, "in the grid"),
    "algorithm 1, target law outside": (
        lambda: algorithm_1(target=stats.norm(7.0, 1.0)), ValueError, "target.*it has mass 0.5"
    ),
    "algorithm 1, target without cdf": (
        lambda: algorithm_1(target=type("Law", (), {"ppf": G0.ppf})()), TypeError,
        "target must have cdf",
    ),
    "algorithm 1, fewer than no steps": (
        lambda: algorithm_1(most_steps=-1), ValueError, "most_steps.*at least 0; got -1"
    ),
    "algorithm 1, late integrand": (
        lambda: algorithm_1(integrand_at=3.0), ValueError, r"integrand_at.*\[0, 1.0\]; got 3.0"
    ),
}  # fmt: skip


def test_averages_of_points_hold_their_masses_up_to_the_ends_of_the_grid():
    grid = Grid(-1.0, 1.0, 8)
    points = losses.Points(np.array([-1.0, -0.75, 0.1, 1.0]))
    masses = retraining._averages(points, grid) * grid.dx
    np.testing.assert_allclose(masses, [0.375, 0.125, 0, 0, 0.25, 0, 0, 0.25], atol=1e-15)
    for outside in (-1.0 - 1e-9, 1.0 + 1e-9):
        with pytest.raises(ValueError, match=r"^target must lie in the grid \[-1\.0, 1\.0\]$"):
            retraining._averages(losses.Points(np.array([0.0, outside])), grid)


def test_averages_of_a_law_refuse_mass_outside_the_grid():
    law = stats.norm(0.0, 0.1)
    grid = Grid(-1.0, 1.0, 40)
    found = retraining._averages(law, grid)
    np.testing.assert_allclose(found * grid.dx, np.diff(law.cdf(grid.faces)), atol=1e-15)
    with pytest.raises(ValueError, match=r"^target must lie in the grid .* it has mass 0\.5 there"):
        retraining._averages(stats.norm(1.0, 0.1), grid)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()
