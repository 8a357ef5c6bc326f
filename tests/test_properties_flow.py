"""Laws of the flow: a group in time, of particles, of their laws, and of composed maps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from laws import ACTIVATIONS, lines, moving_lines, normal_laws, numbers, planes

from kinetic import SimResNet, characteristics, mean_field, network

X = np.array([-2.1, -0.7, -0.2, 0.0, 0.3, 0.9, 1.8])
PLANE = np.array([[-1.3, 0.2], [0.4, 0.9], [0.0, -0.6], [1.1, -0.1]])


def close(found, expected, stretch=0.0):
    """Equal up to integration to 1e-12, enlarged where the flow takes points apart."""
    tolerance = 1e-10 * np.exp(np.maximum(stretch, 0.0))
    assert (np.abs(found - expected) <= tolerance * (1.0 + np.abs(expected))).all()


def check_group(net, start, middle, end):
    halfway, first = characteristics.flow(net, X, start, middle)
    there, second = characteristics.flow(net, halfway, middle, end)
    direct, whole = characteristics.flow(net, X, start, end)
    back, inverse = characteristics.flow(net, direct, end, start)
    close(there, direct, second)
    close(back, X, inverse)
    if net.activation.name != "relu":  # its derivative jumps along paths through the kink
        np.testing.assert_allclose(first + second, whole, atol=1e-8)
        np.testing.assert_allclose(whole + inverse, 0.0, atol=1e-8)


@given(lines(), numbers(-1.0, 1.0), numbers(-1.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_flow_is_a_group_and_logarithms_of_its_derivative_add_up(net, middle, end):
    check_group(net, 0.0, middle, end)


@given(moving_lines(), *[numbers(-1.0, 1.0)] * 3)
@settings(max_examples=6, deadline=None)
def test_flow_between_times_composes_where_parameters_depend_on_time(net, start, middle, end):
    check_group(net, start, middle, end)


@given(planes(), numbers(0.05, 1.0), numbers(0.05, 1.0))
@settings(max_examples=20, deadline=None)
def test_particles_of_the_plane_may_stop_on_their_way(net, first, second):
    direct = network.propagate(net, PLANE, first + second)
    stopped = network.propagate(net, network.propagate(net, PLANE, first), second)
    tolerance = 1e-6 if net.activation.name == "relu" else 1e-9
    np.testing.assert_allclose(stopped, direct, rtol=tolerance, atol=tolerance)


@given(lines(), normal_laws, numbers(0.0, 0.7), numbers(0.0, 0.7))
@settings(max_examples=40, deadline=None)
def test_laws_may_be_pushed_in_two_steps(net, law, first, second):
    direct = mean_field.push_forward(net, law, first + second)
    stepwise = mean_field.push_forward(net, mean_field.push_forward(net, law, first), second)
    shares = np.linspace(0.02, 0.98, 13)
    points = direct.ppf(shares)
    scale = 1.0 + np.abs(points).max()
    np.testing.assert_allclose(stepwise.ppf(shares), points, atol=1e-9 * scale)
    np.testing.assert_allclose(direct.cdf(points), shares, atol=1e-7)
    np.testing.assert_allclose(stepwise.cdf(points), shares, atol=1e-7)
    densities = direct.pdf(points)
    assume(densities.max() < 1e6)
    np.testing.assert_allclose(stepwise.pdf(points), densities, rtol=1e-6, atol=1e-12)


@given(lines(), normal_laws, numbers(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_particles_at_quantiles_stay_at_quantiles(net, law, t):
    shares = np.linspace(0.01, 0.99, 15)
    moved = network.propagate(net, law.ppf(shares), [0.0, t or 1.0])[-1]
    found = mean_field.push_forward(net, law, t or 1.0).ppf(shares)
    np.testing.assert_allclose(found, moved, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", ["euler", "rk4"])
@given(lines() | moving_lines(), st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_layers_of_two_networks_in_a_row_are_those_of_one(method, net, first, second):
    # In time-dependent parameters the second network begins where the first one ends.
    h = 1.0 / 64.0

    def later(parameter):
        if callable(parameter):
            return lambda t: parameter(t + first * h)
        return parameter

    rest = SimResNet(net.activation, later(net.w), later(net.b))
    halfway = network.propagate(net, X, first * h, method=method, step=h)
    stepwise = network.propagate(rest, halfway, second * h, method=method, step=h)
    direct = network.propagate(net, X, (first + second) * h, method=method, step=h)
    np.testing.assert_allclose(stepwise, direct, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "relu"])
@given(w=numbers(-1.0, -0.2) | numbers(0.2, 1.0), b=numbers(-1.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_tabulated_network_is_increasing_and_the_flow(activation, w, b):
    net = SimResNet(activation, w, b)
    x = np.linspace(-1.5, 1.5, 200)
    ends = network.end_map(net, (-1.5, 1.5), 0.5)(x)
    assert (np.diff(ends) > 0.0).all()
    np.testing.assert_allclose(ends, characteristics.flow(net, x, 0.0, 0.5)[0], atol=1e-12)
