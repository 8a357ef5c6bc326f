"""Laws of computed densities: mass, sign, translation, scaling, reflection, moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import ACTIVATIONS, lines, moving_lines, normal_laws, numbers, planes, rough

from kinetic import Grid, Grid2D, SimResNet, boltzmann, closures, fokker_planck, mean_field, network

TIMES = np.array([0.0, 0.3, 1.0])
BOUNDARIES = st.sampled_from(["no-flux", "open"])
ORDERS = st.sampled_from([3, 5])
SEEDS = st.integers(0, 10**6)
scales = st.floats(0.02, 50.0)
shifts = numbers(-20.0, 20.0)


def balance(solution):
    """What is in the grid and what has left it, over the initial mass, minus 1."""
    mass = solution.mass + solution.outflow.sum(axis=1)
    return np.abs(mass / mass[0] - 1.0).max()


@given(moving_lines(), st.integers(5, 60), SEEDS, BOUNDARIES, ORDERS)
@settings(max_examples=30, deadline=None)
def test_mass_and_sign_with_parameters_of_time(net, cells, seed, boundary, order):
    grid = Grid(-2.0, 2.0, cells)
    start = rough(cells, seed) / grid.dx
    solution = mean_field.solve(net, start, grid, TIMES, boundary=boundary, order=order)
    assert balance(solution) < 1e-12
    assert solution.density.min() >= -1e-14 / grid.dx


@given(planes(), st.integers(5, 20), st.integers(5, 20), SEEDS, BOUNDARIES, ORDERS)
@settings(max_examples=30, deadline=None)
def test_mass_and_sign_in_the_plane(net, nx, ny, seed, boundary, order):
    grid = Grid2D(Grid(-2.0, 2.0, nx), Grid(-1.0, 2.0, ny))
    start = rough(nx * ny, seed).reshape(nx, ny) / grid.area
    solution = mean_field.solve(net, start, grid, TIMES, boundary=boundary, order=order)
    assert balance(solution) < 1e-12
    assert solution.density.min() >= -1e-14 / grid.area


@given(lines(), SEEDS, shifts, scales, BOUNDARIES, ORDERS)
@settings(max_examples=60, deadline=None)
def test_units_and_origin_of_the_outputs_do_not_matter(net, seed, shift, scale, boundary, order):
    # y = shift + scale x at the time scale t obeys y' = sigma(w y / scale + b - w shift / scale).
    grid, cells = Grid(-2.0, 3.0, 50), 50
    start = rough(cells, seed) / grid.dx
    moved = Grid(shift - 2.0 * scale, shift + 3.0 * scale, cells)
    other = SimResNet(net.activation, net.w / scale, net.b - net.w * shift / scale)
    options = {"boundary": boundary, "order": order}
    one = mean_field.solve(net, start, grid, TIMES, **options)
    two = mean_field.solve(other, rough(cells, seed) / moved.dx, moved, scale * TIMES, **options)
    tolerance = 1e-7 * one.density.max()
    np.testing.assert_allclose(scale * two.density, one.density, atol=tolerance)
    np.testing.assert_allclose(two.outflow, one.outflow, atol=1e-8)
    for k in (1, 2):
        size = (2.0 + abs(shift) + 3.0 * scale) ** k
        expected = one.moment(1) * scale + shift
        if k == 2:
            expected = one.moment(2) * scale**2 + 2 * one.moment(1) * shift * scale + shift**2
        if boundary == "no-flux":
            np.testing.assert_allclose(two.moment(k), expected, atol=1e-7 * size)


@pytest.mark.parametrize("method", fokker_planck.METHODS)
@given(net=lines(("sigmoid", "tanh")), shift=shifts, scale=scales, seed=SEEDS, boundary=BOUNDARIES)
@settings(max_examples=8, deadline=None)
def test_units_and_origin_do_not_matter_with_noise(method, net, shift, scale, seed, boundary):
    # Brownian motion scales with the square root of time.
    grid, cells, times = Grid(-2.0, 3.0, 40), 40, TIMES[:2]
    moved = Grid(shift - 2.0 * scale, shift + 3.0 * scale, cells)
    other = SimResNet(net.activation, net.w / scale, net.b - net.w * shift / scale)
    options = {"method": method, "boundary": boundary}
    fixed = {} if method == "paper" else {"step": 0.02}
    one = fokker_planck.solve(
        net, rough(cells, seed) / grid.dx, grid, times, nu=0.9, **options, **fixed
    )
    if fixed:
        fixed["step"] *= scale
    two = fokker_planck.solve(
        other, rough(cells, seed) / moved.dx, moved, scale * times, nu=0.9 * scale**0.5,
        **options, **fixed,
    )  # fmt: skip
    assert two.steps == one.steps
    np.testing.assert_allclose(scale * two.density, one.density, atol=1e-7 * one.density.max())
    np.testing.assert_allclose(two.outflow, one.outflow, atol=1e-8)
    assert balance(two) < 1e-12


@given(net=lines(("sigmoid", "tanh")), shift=shifts, scale=st.floats(0.02, 8.0), seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_units_and_origin_do_not_matter_to_noisy_particles(net, shift, scale, seed):
    x0 = np.linspace(-1.0, 1.0, 40)
    other = SimResNet(net.activation, net.w / scale, net.b - net.w * shift / scale)
    options = {"clock": "fast", "diffusion": "1", "rng": seed}
    one = boltzmann.simulate(net, x0, [0.0, 0.5, 1.0], epsilon=0.125, nu=0.7, **options)
    two = boltzmann.simulate(
        other, shift + scale * x0, scale * np.array([0.0, 0.5, 1.0]), epsilon=0.125 * scale,
        nu=0.7 * scale**0.5, **options,
    )  # fmt: skip
    size = abs(shift) + scale * (1.0 + np.abs(one).max())
    np.testing.assert_allclose(two, shift + scale * one, atol=1e-10 * size)


@given(lines(("identity", "tanh")), SEEDS, BOUNDARIES, ORDERS)
@settings(max_examples=30, deadline=None)
def test_odd_activations_commute_with_reflection(net, seed, boundary, order):
    grid = Grid(-2.0, 2.0, 41)
    start = rough(41, seed) / grid.dx
    mirror = SimResNet(net.activation, net.w, -net.b)
    options = {"boundary": boundary, "order": order}
    one = mean_field.solve(net, start, grid, TIMES, **options)
    two = mean_field.solve(mirror, start[::-1].copy(), grid, TIMES, **options)
    np.testing.assert_allclose(two.density[:, ::-1], one.density, atol=1e-9 * one.density.max())
    np.testing.assert_allclose(two.outflow[:, ::-1], one.outflow, atol=1e-10)


@given(planes(), SEEDS, BOUNDARIES, ORDERS)
@settings(max_examples=20, deadline=None)
def test_names_of_the_coordinates_do_not_matter(net, seed, boundary, order):
    x, y = Grid(-2.0, 2.0, 14), Grid(-1.0, 2.0, 11)
    start = rough(14 * 11, seed).reshape(14, 11)
    one_grid, two_grid = Grid2D(x, y), Grid2D(y, x)
    other = SimResNet(net.activation, net.w[::-1, ::-1].copy(), net.b[::-1])
    options = {"boundary": boundary, "order": order}
    one = mean_field.solve(net, start / one_grid.area, one_grid, TIMES, **options)
    two = mean_field.solve(other, start.T / two_grid.area, two_grid, TIMES, **options)
    tolerance = 1e-9 * one.density.max()
    np.testing.assert_allclose(two.density.transpose(0, 2, 1), one.density, atol=tolerance)
    np.testing.assert_allclose(two.outflow[:, [2, 3, 0, 1]], one.outflow, atol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(w=numbers(-1.2, 1.2), b=numbers(-1.0, 1.0), law=normal_laws)
@settings(max_examples=8, deadline=None)
def test_particles_density_and_characteristics_have_the_same_moments(activation, w, b, law):
    net, times, count = SimResNet(activation, w, b), [0.0, 0.4, 0.8], 4000
    solution = mean_field.solve(net, law, Grid(-8.0, 8.0, 400), times, normalize=True)
    particles = network.propagate(net, law.ppf((np.arange(count) + 0.5) / count), times)
    exact = closures.exact_moments(net, law, times, 3).moments
    for k in range(1, 4):
        size = (np.abs(particles) ** k).mean(axis=1)
        # Cells of 0.04; the particles lack the farthest tails, 1/8000 of the mass at either end.
        assert (np.abs(solution.moment(k) - exact[:, k]) < 2e-3 * (1.0 + size)).all()
        assert (np.abs((particles**k).mean(axis=1) - exact[:, k]) < 2e-3 * (1.0 + size)).all()
