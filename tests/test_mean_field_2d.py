"""The mean-field level in two dimensions against closed forms, particles and itself."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.linalg import expm

from kinetic import Grid, Grid2D, SimResNet, mean_field, mean_field_2d, network
from kinetic.distances import wasserstein

FULL = np.array([[-0.8, 0.5], [-0.4, -0.6]])
DIAGONAL = np.diag([-1.0, 0.5])
G0 = stats.multivariate_normal([0.4, 0.2], [[0.25, 0.05], [0.05, 0.2]])
ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "gcu")


def square(cells, left=-3.5, right=4.0):
    return Grid2D(Grid(left, right, cells), Grid(left, right, cells + 5))


def points_around(grid):
    """Cell centres, those of one ring of cells outside among them."""
    axes = []
    for axis in (grid.x, grid.y):
        first, last = axis.centers[0] - axis.dx, axis.centers[-1] + axis.dx
        axes.append(np.concatenate([[first], axis.centers, [last]]))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def exact_averages(net, grid, t):
    """Cell averages of the exact density up to fourth order, from one value a cell."""
    g = mean_field.exact(net, G0, t, points_around(grid))
    c = g[1:-1, 1:-1]
    return c + (g[2:, 1:-1] + g[:-2, 1:-1] + g[1:-1, 2:] + g[1:-1, :-2] - 4.0 * c) / 24.0


def fitted_order(net, t, boundary, cells=(40, 80, 160)):
    errors = []
    for n in cells:
        grid = square(n)
        sol = mean_field.solve(net, G0, grid, [0.0, t], boundary=boundary, normalize=True)
        errors.append(grid.norm(sol.density[-1] - exact_averages(net, grid, t)))
    return -np.polyfit(np.log(cells), np.log(errors), 1)[0]


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("w", [FULL, DIAGONAL], ids=["full", "diagonal"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_third_order_on_smooth_data(activation, w, boundary):
    # ReLU: a bias that keeps its kink out of the support.
    relu = activation == "relu"
    net = SimResNet(activation, w, [6.0, 6.0] if relu else [0.2, -0.1])
    assert 2.8 <= fitted_order(net, 0.1 if relu else 0.5, boundary) < 3.6


def test_third_order_with_time_dependent_parameters():
    net = SimResNet("tanh", lambda t: np.cos(2.0 * t) * FULL, lambda t: np.array([t, -0.3]))
    assert 2.8 <= fitted_order(net, 0.5, "open", (32, 64, 128)) < 3.6


@pytest.mark.parametrize("w", [FULL, DIAGONAL], ids=["full", "diagonal"])
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh"])
def test_fifth_order_on_smooth_data(activation, w):
    net, cells, errors = SimResNet(activation, w, [0.2, -0.1]), (120, 170, 240), []
    for n in cells:
        grid = square(n)
        sol = mean_field.solve(net, G0, grid, [0.0, 0.5], boundary="open", normalize=True, order=5)
        exact = grid.average(lambda x, y: mean_field.exact(net, G0, 0.5, np.stack([x, y], axis=-1)))
        errors.append(grid.norm(sol.density[-1] - exact))
    assert 4.8 <= -np.polyfit(np.log(cells), np.log(errors), 1)[0] < 5.6


def test_fifth_order_with_time_dependent_parameters():
    grid, turn = square(60), np.array([[0.0, 1.0], [-1.0, 0.0]])
    # The angle of the rotation at the end is sin 1.
    net = SimResNet("identity", lambda t: np.cos(t) * turn, np.zeros(2))
    law = stats.multivariate_normal([0.4, 0.2], 0.2 * np.eye(2))
    sol = mean_field.solve(net, law, grid, [0.0, 1.0], boundary="open", normalize=True, order=5)
    assert sol.order == 5
    end = expm(np.sin(1.0) * turn) @ law.mean
    np.testing.assert_allclose(sol.mean[-1], end, atol=1e-6)


def test_moments_of_fifth_order_are_those_of_a_gaussian():
    net, t = SimResNet("identity", FULL, [0.3, -0.2]), 0.5
    law, errors = gaussian_at(FULL, np.array([0.3, -0.2]), t), {}
    for order in (3, 5):
        sol = mean_field.solve(
            net, G0, square(100), [0.0, t], boundary="open", normalize=True, order=order
        )
        errors[order] = [
            np.abs(sol.mean[-1] - law.mean).max(), np.abs(sol.covariance[-1] - law.cov).max()
        ]  # fmt: skip
    assert max(errors[5]) < 2e-6
    assert max(errors[5]) < 0.05 * max(errors[3])


def gaussian_at(w, b, t, law=G0):
    """The exact Gaussian law under the identity."""
    generator = np.zeros((3, 3))
    generator[:2, :2], generator[:2, 2] = w, b
    propagator = expm(t * generator)
    a = propagator[:2, :2]
    return stats.multivariate_normal(a @ law.mean + propagator[:2, 2], a @ law.cov @ a.T)


def test_gaussian_stays_gaussian_under_the_identity():
    x = np.random.default_rng(0).normal(size=(4, 5, 2))
    b = np.array([0.3, -0.2])
    exact = gaussian_at(FULL, b, 0.8).pdf(x)
    for net in (SimResNet("identity", FULL, b), SimResNet("identity", lambda t: FULL, b)):
        np.testing.assert_allclose(mean_field.exact(net, G0, 0.8, x), exact, rtol=1e-9)


def test_exact_density_of_a_diagonal_weight_is_a_product():
    net = SimResNet("tanh", DIAGONAL, [0.2, -0.1])
    laws = stats.norm(0.4, 0.5), stats.norm(0.2, 0.4)
    x = np.random.default_rng(0).normal(size=(20, 2))
    product = 1.0
    for k, law in enumerate(laws):
        line = SimResNet("tanh", DIAGONAL[k, k], [0.2, -0.1][k])
        product = product * mean_field.exact(line, law, 0.7, x[:, k])
    plane = mean_field.exact(net, lambda x, y: laws[0].pdf(x) * laws[1].pdf(y), 0.7, x)
    np.testing.assert_allclose(plane, product, rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_exact_density_is_that_of_the_inverse_jacobian(activation):
    # The Jacobian of the map back by central differences of particles, not by the divergence.
    net = SimResNet(activation, lambda t: (1.0 + t) * FULL, [0.2, -0.1])
    start, h = np.array([[0.5, 0.3], [-0.2, 0.6]]), 1e-5
    columns = []
    for shift in ([h, 0.0], [0.0, h]):
        ends = [network.propagate(net, start + s * np.array(shift), 0.6) for s in (1, -1)]
        columns.append((ends[0] - ends[1]) / (2 * h))
    jacobian = np.linalg.det(np.stack(columns, axis=-1))
    end = network.propagate(net, start, 0.6)
    np.testing.assert_allclose(
        mean_field.exact(net, G0, 0.6, end), G0.pdf(start) / jacobian, rtol=1e-7
    )


def test_in_three_dimensions_the_exact_density_has_mass_one():
    w = np.array([[-0.8, 0.5, 0.1], [-0.4, -0.6, 0.3], [0.2, 0.0, -0.5]])
    net = SimResNet("tanh", w, [0.1, 0.0, -0.1])
    axis = np.linspace(-4.0, 4.0, 41)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    g0 = stats.multivariate_normal(np.zeros(3), 0.4 * np.eye(3))
    g = mean_field.exact(net, g0, 0.5, points)
    assert g.sum() * 0.2**3 == pytest.approx(1.0, abs=1e-6)


def test_samples_follow_the_exact_law():
    net = SimResNet("identity", FULL, [0.3, -0.2])
    pushed = mean_field.push_forward(net, G0, 0.8)
    samples = pushed.rvs(20_000, 1)
    law = gaussian_at(FULL, [0.3, -0.2], 0.8)
    whitened = np.linalg.solve(np.linalg.cholesky(law.cov), (samples - law.mean).T)
    assert np.abs(whitened.mean(axis=1)).max() < 4.0 / np.sqrt(20_000)
    for row in whitened:
        assert stats.kstest(row, "norm").pvalue > 1e-3
    np.testing.assert_array_equal(samples, pushed.rvs(20_000, np.random.default_rng(1)))


def test_moments_of_the_solution_converge_at_third_order():
    b, t, errors = np.array([0.3, -0.2]), 0.7, []
    law = gaussian_at(FULL, b, t)
    third = law.mean[0] ** 2 * law.mean[1] + law.cov[0, 0] * law.mean[1]
    third += 2.0 * law.mean[0] * law.cov[0, 1]
    for cells in (40, 80, 160):
        sol = mean_field.solve(SimResNet("identity", FULL, b), G0, square(cells), [0.0, t])
        assert sol.mass == pytest.approx(sol.moment(0, 0), rel=1e-13)
        errors.append(
            [
                np.abs(sol.mean[-1] - law.mean).max(),
                np.abs(sol.covariance[-1] - law.cov).max(),
                abs(sol.moment(2, 1)[-1] - third),
            ]
        )
    assert (np.array(errors[-1]) < 5e-5).all()
    assert (np.array(errors[0]) / np.array(errors[-1]) > 4.0**2.5).all()


@pytest.mark.parametrize("activation", ["tanh", "gcu"])
def test_density_and_particles_agree(activation):
    net = SimResNet(activation, FULL, [0.2, -0.1])
    sol = mean_field.solve(net, G0, square(120), [0.0, 1.0], normalize=True)
    start = G0.rvs(40_000, random_state=np.random.default_rng(5))
    end = network.propagate(net, start, 1.0)
    np.testing.assert_allclose(sol.mean[-1], end.mean(axis=0), atol=4.0 * 0.5 / 200.0)
    np.testing.assert_allclose(sol.covariance[-1], np.cov(end.T), atol=4.0 * 0.3 / 200.0)


@pytest.mark.parametrize("cells", [33, 100])
@pytest.mark.parametrize(
    ("w", "b"), [(-np.eye(2), [1.0, 0.0]), ([[-1.0, 2.0], [-2.0, -1.0]], [1.0, 2.0])]
)
def test_concentration_ends_within_one_cell_of_the_dirac(w, b, cells):
    net = SimResNet("identity", w, b)
    sol = mean_field.solve(net, G0, square(cells), [0.0, 1.0, 3.0, 8.0, 20.0], normalize=True)
    point = np.linalg.solve(net.w, -np.asarray(b, float))
    assert np.abs(sol.mass - 1.0).max() < 1e-12
    assert sol.density.min() >= -1e-15 / sol.grid.area
    distances = sol.distance_to(point)
    for i, t in enumerate(sol.times):
        samples = mean_field.push_forward(net, G0, t).rvs(20_000, 0)
        sampled, spread = wasserstein(samples, point[None, :]), np.exp(-t)
        assert abs(distances[i] - sampled) < np.hypot(sol.grid.x.dx, sol.grid.y.dx) + 0.01 * spread


def test_distance_to_a_point_is_exact_for_densities_that_are_constant_in_cells():
    grid = Grid2D(Grid(-1.0, 1.0, 5), Grid(0.0, 1.5, 6))
    u = np.random.default_rng(0).random(grid.shape)
    u /= u.sum() * grid.area
    sol = mean_field.solve(SimResNet("tanh", FULL, 0.0), u, grid, [0.0])
    for point in ([0.1, 0.2], [0.2, 0.25], [3.0, -1.0], [-1.0, 0.0]):
        expected = sum(
            u[i, j]
            * integrate.dblquad(
                lambda y, x, p=point: np.hypot(x - p[0], y - p[1]),
                *grid.x.faces[i : i + 2], *grid.y.faces[j : j + 2], epsabs=1e-9,
            )[0]
            for i in range(5)
            for j in range(6)
        )  # fmt: skip
        assert sol.distance_to(point)[0] == pytest.approx(expected, abs=1e-6)


def test_law_density_and_averages_give_the_same_start():
    net, grid = SimResNet("tanh", FULL, 0.0), square(60)

    def density(x, y):
        return G0.pdf(np.stack([x, y], axis=-1))

    starts = [
        mean_field.solve(net, form, grid, [0.0]).density[0]
        for form in (G0, density, grid.average(density))
    ]
    np.testing.assert_array_equal(starts[1], starts[0])
    np.testing.assert_array_equal(starts[2], starts[0])


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("w", [FULL, lambda t: np.sin(t) * FULL], ids=["constant", "of time"])
def test_long_runs_do_not_drift_in_mass(w, boundary):
    grid = Grid2D(Grid(-1.5, 1.5, 20), Grid(-1.0, 2.0, 16))
    sol = mean_field.solve(
        SimResNet("tanh", w, [0.2, -0.1]), G0, grid, [0.0, 10.0, 100.0], boundary=boundary,
        normalize=True,
    )  # fmt: skip
    assert np.abs(sol.mass + sol.outflow.sum(axis=1) - 1.0).max() < 1e-12
    assert sol.density.min() >= -1e-14 / grid.area


def test_a_plane_of_the_identity_with_walls_keeps_its_mass():
    net = SimResNet("tanh", np.eye(2), [0.0, 0.0])
    grid = square(40, -1.0, 1.0)
    sol = mean_field.solve(net, lambda x, y: 0.25 + 0.0 * x * y, grid, [0.0, 10.0])
    corners = sol.density[-1][np.ix_([0, -1], [0, -1])] * grid.area
    np.testing.assert_allclose(corners, 0.25, atol=1e-3)
    assert sol.mass[-1] == pytest.approx(1.0, rel=1e-13)
    opened = mean_field.solve(
        net, lambda x, y: 0.25 + 0.0 * x * y, grid, [0.0, 10.0], boundary="open"
    )
    np.testing.assert_allclose(opened.outflow[-1], 0.25, atol=0.01)


GRID = square(60)
NET = SimResNet("tanh", FULL, [0.0, 0.1])


def solve(g0=G0, grid=GRID, net=NET, times=(0.0, 1.0), **options):
    return mean_field.solve(net, g0, grid, times, **options)


def solution():
    return solve(times=[0.0])


BAD = {
    "w not square": (
        lambda: SimResNet("tanh", np.ones((2, 3)), 0.0), ValueError, r"\(d, d\) matrix.*\(2, 3\)"
    ),
    "grid of one dimension": (
        lambda: solve(grid=Grid(0.0, 1.0, 10)), TypeError,
        "grid must be a kinetic.Grid2D for a net of dimension 2; got Grid"
    ),
    "plane for a line": (
        lambda: solve(net=SimResNet("tanh", 1.0, 0.0)), TypeError, "kinetic.Grid; got Grid2D"
    ),
    "grid of no grids": (lambda: Grid2D(GRID.x, 3), TypeError, "y must be a kinetic.Grid; got int"),
    "averages of another shape": (
        lambda: solve(g0=np.ones((60, 60))), ValueError, r"\(60, 65\); got \(60, 60\)"
    ),
    "averages negative": (
        lambda: solve(g0=-np.ones((60, 65))), ValueError, "non-negative.*-1.0 in the cell at"
    ),
    "averages nan": (lambda: solve(g0=np.full((60, 65), np.nan)), ValueError, r"g0.*nan at index"),
    "averages not normalized": (lambda: solve(g0=np.ones((60, 65))), ValueError, "it has 56.25"),
    "not normalized": (
        lambda: solve(g0=lambda x, y: np.exp(-(x**2) - y**2)), ValueError, "has 3.1415.*normalized"
    ),
    "too coarse": (
        lambda: solve(g0=stats.multivariate_normal([0, 0], 0.002 * np.eye(2))),
        ValueError,
        "60 x 65 cells is too coarse",
    ),
    "partly outside": (
        lambda: solve(g0=stats.multivariate_normal([3.5, 0])), ValueError, "or partly outside"
    ),
    "no mass": (
        lambda: solve(g0=np.zeros((60, 65)), normalize=True), ValueError, "no mass in the grid"
    ),
    "density of one value": (lambda: solve(g0=lambda x, y: 1.0), ValueError, r"got shape \(\)"),
    "density not finite": (
        lambda: solve(g0=lambda x, y: 0.0 * x + np.nan), ValueError, "finite on the grid.*x="
    ),
    "cfl of one dimension": (lambda: solve(cfl=1.0), ValueError, r"cfl.*\(0, 1/2\]; got 1.0"),
    "walls": (
        lambda: mean_field.exact(NET, G0, 1.0, [[0.0, 0.0]], walls=(0.0, 1.0)),
        ValueError,
        "walls are for d = 1",
    ),
    "points of another dimension": (
        lambda: mean_field.exact(NET, G0, 1.0, np.ones((4, 3))), ValueError, r"\(\.\.\., 2\); got"
    ),
    "points with nan": (
        lambda: mean_field.exact(NET, G0, 1.0, [[np.nan, 0.0]]), ValueError, "x must be.*nan"
    ),
    "negative time": (lambda: mean_field.exact(NET, G0, -1.0, [[0.0, 0.0]]), ValueError, "t must"),
    "no law": (lambda: mean_field.exact(NET, 3.0, 1.0, [[0.0, 0.0]]), TypeError, "law with pdf"),
    "samples of a density": (
        lambda: mean_field.push_forward(NET, lambda x, y: x, 1.0).rvs(3, 0), TypeError, "with rvs"
    ),
    "point of one number": (
        lambda: solution().distance_to(1.0), ValueError, r"point must be two numbers.*\(\)"
    ),
    "order not an integer": (lambda: solution().moment(1.5, 0), TypeError, "p must be an integer"),
    "concentrated": (
        lambda: mean_field.exact(SimResNet("identity", -np.eye(2), 0.0), G0, 400.0, [[0.0, 0.0]]),
        FloatingPointError,
        "t=400.0 exceeds",
    ),
    "flow out of range": (
        lambda: mean_field.exact(SimResNet("identity", -np.eye(2), 0.0), G0, 900.0, [[0.0, 0.0]]),
        FloatingPointError,
        "from t=900.0 to t=0.0 exceeds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_distance_primitive_has_the_distance_as_its_mixed_derivative():
    h = 1e-3
    x, y = np.array([0.7, -0.4, 0.3]), np.array([0.2, 0.9, -1.1])
    f = mean_field_2d._distance_primitive
    mixed = f(x + h, y + h) - f(x + h, y - h) - f(x - h, y + h) + f(x - h, y - h)
    np.testing.assert_allclose(mixed / (4 * h**2), np.hypot(x, y), rtol=1e-5)
