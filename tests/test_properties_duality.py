"""Adjoint identities on the grid: <L g, lambda> = <g, L* lambda>, and what follows in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import lines, normal_laws, numbers

from kinetic import Grid, SimResNet, _quasi_steady, mean_field, sensitivity

SEEDS = st.integers(0, 10**6)


def generator(net, grid, noise, flux):
    """(n, n) matrix L of d g / dt = L g between walls, from the fluxes of unit vectors."""
    points = grid.centers[:, None] + grid.dx * _quasi_steady.POINTS
    sigma, diffusion = net.velocity(points), noise(points)
    state = _quasi_steady.steady(sigma, diffusion, grid.dx)
    bands = flux(state, sigma, diffusion, grid.dx, False)
    n, k = grid.cells, bands.shape[1] // 2
    dense = np.zeros((n + 1, n + 2 * k))
    for q in range(2 * k):
        dense[np.arange(n + 1), np.arange(n + 1) + q] = bands[:, q]
    mean = np.exp(state.log_average - state.log_average.max())
    return -np.diff(dense[:, k : n + k], axis=0) / grid.dx, mean


@given(lines(w=1.5), numbers(0.1, 2.0), numbers(0.0, 0.9), SEEDS)
@settings(max_examples=60, deadline=None)
def test_generator_of_second_order_is_in_detailed_balance(net, strength, contrast, seed):
    # L* lambda = L(m lambda) / m: the backward equation is the forward one for g / m.
    grid = Grid(-2.0, 2.0, 24)

    def noise(x):
        return strength * (1.0 + contrast * np.sin(3.0 * x))

    matrix, m = generator(net, grid, noise, _quasi_steady.second_order)
    g, values = np.random.default_rng(seed).normal(size=(2, 24))
    forward = (matrix @ (m * g)) @ values
    backward = (m * g) @ (matrix @ (m * values) / m)
    size = np.abs(matrix) @ np.abs(m * g) @ np.abs(values)
    assert abs(forward - backward) <= 1e-12 * size


@pytest.mark.parametrize(
    ("flux", "least"), [(_quasi_steady.second_order, 1.8), (_quasi_steady.fourth_order, 3.6)]
)
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "gcu"])
def test_transposed_generator_is_the_backward_equation(activation, flux, least):
    # <L g, lambda> against int g (sigma lambda' + D lambda'') dx, for g that vanishes at the walls.
    net, cells, errors = SimResNet(activation, 0.8, -0.4), (80, 160, 320), []
    nodes, weights = np.polynomial.legendre.leggauss(200)

    def noise(x):
        return 0.3 + 0.1 * np.sin(x)

    def density(x):
        return np.exp(-8.0 * (x - 0.2) ** 2)

    x = 2.0 * nodes
    backward = net.velocity(x) * np.cos(x) - noise(x) * np.sin(x)
    expected = 2.0 * weights @ (density(x) * backward)
    for n in cells:
        grid = Grid(-2.0, 2.0, n)
        change = generator(net, grid, noise, flux)[0] @ grid.average(density)
        values = grid.average(np.sin)
        # The average of a product is that of the averages and 1/12 of that of the slopes.
        products = change * values + np.gradient(change) * np.gradient(values) / 12.0
        errors.append(abs(products.sum() * grid.dx - expected))
    assert -np.polyfit(np.log(cells), np.log(errors), 1)[0] > least


@given(lines(("identity", "sigmoid", "tanh"), w=1.0), normal_laws, numbers(-1.0, 1.0))
@settings(max_examples=25, deadline=None)
def test_density_and_adjoint_on_the_grid_keep_their_pairing(net, law, center):
    # d/dt int g lambda dx = 0, up to the errors of both schemes in cells of 1/20.
    grid, times = Grid(-10.0, 10.0, 400), np.array([0.0, 0.4, 0.8])
    back = sensitivity.adjoint_on_grid(net, np.tanh(grid.faces - center), grid, times)
    there = mean_field.solve(net, law, grid, times, normalize=True)
    bend = np.gradient(back.slopes, axis=1) * grid.dx
    averages = (back.values[:, 1:] + back.values[:, :-1]) / 2.0 - bend / 12.0
    slopes = np.gradient(there.density, axis=1) * np.gradient(averages, axis=1)
    pairing = (there.density * averages + slopes / 12.0).sum(axis=1) * grid.dx
    np.testing.assert_allclose(pairing, pairing[-1], atol=5e-4)
