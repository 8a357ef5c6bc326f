"""Rest points are where the velocity vanishes, and their stability is that of the flow."""

import numpy as np
import pytest
from scipy import optimize, stats

from kinetic import SimResNet, activations, mean_field, network
from kinetic.distances import wasserstein
from kinetic.rest_points import DiracSum

ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])
DEFINITE = np.array([[-1.0, 0.8], [-0.6, -0.7]])  # its symmetric part is negative definite
INDEFINITE = np.array([[0.5, 1.5], [-1.2, -0.9]])
SHEAR = np.array([[-1.0, 5.0], [0.0, -1.0]])
B2 = np.array([0.3, -0.2])


def jacobian(net, y, h=1e-6):
    """Central differences of the velocity at y."""
    columns = [(net.velocity(y + e) - net.velocity(y - e)) / (2 * h) for e in h * np.eye(y.size)]
    return np.array(columns).T


@pytest.mark.parametrize("w", [0.5, -0.5])
def test_points_on_the_line_are_the_changes_of_sign_of_the_velocity(w):
    net = SimResNet("gcu", w, -1.0)
    states = mean_field.steady_states(net, (-20.0, 30.0))
    fine = np.linspace(-20.0, 30.0, 50_000)
    speed = net.velocity(fine)
    changes = np.flatnonzero(np.diff(np.sign(speed)))
    np.testing.assert_allclose(states.points[:, 0], fine[changes], atol=1.01e-3)
    np.testing.assert_allclose(net.velocity(states.points[:, 0]), 0.0, atol=1e-13)
    falling = speed[changes] > 0.0
    assert (states.stable == falling).all()
    assert (states.unstable == ~falling).all()


@pytest.mark.parametrize("w", [DEFINITE, INDEFINITE, ROTATION, SHEAR])
def test_points_in_the_plane_are_what_newton_finds(w):
    net, box = SimResNet("gcu", w, B2), np.array([[-3.0, 3.0], [-2.0, 2.5]])
    states = mean_field.steady_states(net, box)
    starts = np.stack(np.meshgrid(*(np.linspace(*ends, 40) for ends in box)), axis=-1)
    found = set()
    for start in starts.reshape(-1, 2):
        y, _, flag, _ = optimize.fsolve(net.velocity, start, full_output=True, xtol=1e-13)
        if flag == 1 and (y > box[:, 0]).all() and (y < box[:, 1]).all():
            found.add(tuple(y.round(6) + 0.0))
    assert found == {tuple(y.round(6) + 0.0) for y in states.points}
    assert len(found) >= 4
    np.testing.assert_allclose(states.points @ w.T + B2, states.zeros, atol=1e-14)
    for y, eigenvalues in zip(states.points, states.eigenvalues, strict=True):
        expected = np.linalg.eigvals(jacobian(net, y))
        np.testing.assert_allclose(
            np.sort_complex(eigenvalues), np.sort_complex(expected), atol=1e-7
        )


def test_n_zeros_give_n_to_the_power_d_points():
    zeros = activations.get("gcu").zeros((-5.0, 5.0)).points
    for d in (1, 2, 3):
        w = np.diag(np.arange(1.0, d + 1.0))
        box = 5.0 / np.diag(w)[:, None] * [-1.0, 1.0]
        states = mean_field.steady_states(SimResNet("gcu", w, np.zeros(d)), box)
        assert len(states.points) == zeros.size**d


@pytest.mark.parametrize("w", [DEFINITE, INDEFINITE, SHEAR, -DEFINITE])
def test_linear_stability_is_that_of_the_flow(w):
    net = SimResNet("gcu", w, B2)
    states = mean_field.steady_states(net, (-3.0, 3.0))
    angles = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    circle = 1e-4 * np.column_stack([np.cos(angles), np.sin(angles)])
    assert states.stable.any()
    assert (states.stable != states.unstable).all()
    for y, rates, stable in zip(states.points, states.eigenvalues, states.stable, strict=True):
        late = network.propagate(net, y + circle, 4.0 / np.abs(rates.real).max())
        distance = np.linalg.norm(late - y, axis=1).max()
        assert (distance < 1e-4) == stable


def test_a_definite_weight_attracts_where_all_slopes_have_the_other_sign():
    for sign in (1.0, -1.0):
        net = SimResNet("gcu", sign * DEFINITE, B2)
        states = mean_field.steady_states(net, (-4.0, 4.0))
        slopes = sign * net.activation.derivative(states.zeros)
        assert (states.stable == (slopes > 0.0).all(axis=1)).all()
        growing = (states.eigenvalues.real > 0.0).sum(axis=1)
        assert (growing == (slopes < 0.0).sum(axis=1)).all()


def test_an_attracting_point_need_not_have_a_definite_symmetric_part():
    states = mean_field.steady_states(SimResNet("identity", SHEAR, 0.0), (-1.0, 1.0))
    assert states.stable.tolist() == [True]
    assert np.linalg.eigvalsh(SHEAR + SHEAR.T).max() > 0.0


def test_a_rotation_is_neither_stable_nor_unstable():
    states = mean_field.steady_states(SimResNet("tanh", ROTATION, B2), (-1.0, 1.0))
    np.testing.assert_allclose(states.points, [[0.2, 0.3]], atol=1e-15)
    np.testing.assert_allclose(np.sort(states.eigenvalues.imag), [[-1.0, 1.0]], atol=1e-15)
    assert not states.stable.any()
    assert not states.unstable.any()


@pytest.mark.parametrize(
    ("net", "g0"),
    [
        (SimResNet("gcu", 0.5, -1.0), stats.norm(2.0, 1.5)),
        (SimResNet("gcu", -0.7, 0.3), stats.uniform(-6.0, 10.0)),
        (SimResNet("tanh", -2.0, 1.0), stats.norm(-1.0, 1.0)),
    ],
)
def test_the_limit_is_where_the_solution_goes(net, g0):
    limit = mean_field.steady_states(net, (-12.0, 12.0)).limit(g0)
    levels = (np.arange(2000) + 0.5) / 2000
    late = mean_field.push_forward(net, g0, 40.0).ppf(levels)
    assert np.abs(late - limit.ppf(levels)).mean() < 1e-6
    assert limit.weights.sum() == pytest.approx(1.0, abs=1e-14)


def test_an_atom_on_a_repelling_point_stays():
    states = mean_field.steady_states(SimResNet("gcu", 1.0, 0.0), (-3.0, 3.0))
    start = DiracSum(np.array([-0.5, 0.0, 1.0]), np.array([0.2, 0.3, 0.5]))
    np.testing.assert_allclose(states.weights(start), [0.2, 0.3, 0.5], atol=1e-15)
    np.testing.assert_allclose(states.limit(start).points, [-np.pi / 2, 0.0, np.pi / 2])


def test_mass_that_leaves_the_box_is_missing():
    states = mean_field.steady_states(SimResNet("tanh", 1.0, 0.0), (-5.0, 5.0))
    assert states.weights(stats.norm()).tolist() == [0.0]
    with pytest.raises(ValueError, match=r"mass 1 of g0 is outside the box .* or leaves it"):
        states.limit(stats.norm())


def test_shares_of_samples_agree_with_the_basins():
    net, g0 = SimResNet("gcu", 0.5, -1.0), stats.norm(2.0, 3.0)
    states = mean_field.steady_states(net, (-12.0, 16.0))
    sample = g0.rvs(4000, random_state=np.random.default_rng(3))
    shares = states.shares(network.propagate(net, sample, 40.0), 1e-3)
    np.testing.assert_allclose(shares, states.weights(g0), atol=0.03)


def test_shares_in_the_plane_reach_the_attracting_points_alone():
    net = SimResNet("gcu", -DEFINITE, B2)
    states = mean_field.steady_states(net, (-4.0, 4.0))
    start = np.random.default_rng(4).uniform(-1.0, 1.0, (400, 2))
    shares = states.shares(network.propagate(net, start, 40.0), 1e-4)
    assert shares[~states.stable].sum() == 0.0
    assert shares.sum() > 0.9
    assert states.shares(np.array([[50.0, 50.0]]), 1e-4).sum() == 0.0


def test_dirac_sum_is_a_law():
    law = DiracSum(np.array([-1.0, 2.0]), np.array([0.25, 0.75]))
    assert law.cdf(np.array([-1.5, -1.0, 0.0, 2.0])).tolist() == [0.0, 0.25, 0.25, 1.0]
    assert law.ppf([0.0, 0.25, 0.2501, 1.0]).tolist() == [-1.0, -1.0, 2.0, 2.0]
    assert wasserstein(law, np.array([-1.0, 2.0, 2.0, 2.0])) == pytest.approx(0.0, abs=1e-12)


def test_relu_rests_on_a_region():
    states = mean_field.steady_states(SimResNet("relu", 2.0, -1.0), (-3.0, 3.0))
    assert states.points.shape == (0, 1)
    assert states.stable.shape == (0,)
    np.testing.assert_allclose((states.regions + 1.0) / 2.0, [[[-3.0, 0.5]]])
    plane = mean_field.steady_states(SimResNet("relu", DEFINITE, B2), (-2.0, 2.0))
    low, high = plane.regions[0, :, 0], plane.regions[0, :, 1]
    inside = np.linalg.solve(DEFINITE, (low + high) / 2.0 - B2)
    assert (SimResNet("relu", DEFINITE, B2).velocity(inside) == 0.0).all()
    assert (high == 0.0).all()
    with pytest.raises(ValueError, match=r"sigma \(relu\) vanishes on an interval"):
        states.weights(stats.norm())


def test_sigmoid_has_no_rest_point():
    states = mean_field.steady_states(SimResNet("sigmoid", np.eye(2), 0.0), (-5.0, 5.0))
    assert states.points.shape == (0, 2)
    assert states.shares([[0.0, 1.0]], 0.1).size == 0


GCU = SimResNet("gcu", 1.0, 0.0)
PLANE = SimResNet("gcu", np.eye(2), 0.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mean_field.steady_states("gcu", (0, 1)), TypeError, "net must be a kinetic.Sim"),
        (
            lambda: mean_field.steady_states(SimResNet("tanh", lambda t: -1.0, 0.0), (0, 1)),
            ValueError,
            "w and b must be constant",
        ),
        (
            lambda: mean_field.steady_states(SimResNet("tanh", np.ones((2, 2)), 0.0), (0, 1)),
            ValueError,
            "full rank 2; got rank 1",
        ),
        (
            lambda: mean_field.steady_states(SimResNet("tanh", 0.0, 1.0), (0, 1)),
            ValueError,
            "full rank 1; got rank 0",
        ),
        (lambda: mean_field.steady_states(GCU, (1, 0)), ValueError, "box must be two numbers"),
        (lambda: mean_field.steady_states(GCU, (0, np.inf)), ValueError, "box must be two finite"),
        (lambda: mean_field.steady_states(PLANE, (1, 2, 3)), ValueError, r"\(2,\) or \(2, 2\)"),
        (
            lambda: mean_field.steady_states(PLANE, (-5000, 5000)),
            ValueError,
            "at most 1000000 combinations",
        ),
        (
            lambda: mean_field.steady_states(GCU, (-1e8, 1e8)),
            ValueError,
            "box is too wide for the zeros of sigma there: interval must hold at most",
        ),
        (
            lambda: mean_field.steady_states(SimResNet("tanh", 1e10, 0.0), (0.0, 1e300)),
            ValueError,
            "box is too wide for the zeros of sigma there",
        ),
        (
            lambda: mean_field.steady_states(PLANE, (-2, 2)).weights(stats.norm()),
            ValueError,
            "net has d = 2",
        ),
        (
            lambda: mean_field.steady_states(GCU, (-2, 2)).weights(np.ones(3)),
            TypeError,
            "g0 must be a law with cdf; got ndarray",
        ),
        (
            lambda: mean_field.steady_states(PLANE, (-2, 2)).shares(np.ones(3), 0.1),
            ValueError,
            r"x must have shape \(M, 2\)",
        ),
        (
            lambda: mean_field.steady_states(GCU, (-2, 2)).shares([0.1], 0.0),
            ValueError,
            "tolerance must be a positive number",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
