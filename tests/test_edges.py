"""The edges of what is accepted: just outside is refused by name, the edge itself is not."""

import numpy as np
import pytest
from scipy import stats

from kinetic import Grid, Grid2D, SimResNet, datasets, mean_field, push_forward, retraining
from kinetic.two_layer_transport import Density

NET = SimResNet("tanh", 1.0, -0.5)
PLANE = SimResNet("tanh", np.eye(2), [0.0, 0.5])
NORMAL = stats.norm()
ROUND = stats.multivariate_normal([0.0, 0.0])


@pytest.mark.parametrize(("net", "law"), [(NET, NORMAL), (PLANE, ROUND)])
def test_a_law_is_pushed_forward_from_time_zero_on(net, law):
    points = np.array([[0.3, -0.2], [1.0, 0.7]])[:, : net.dimension]
    x = points if net.dimension == 2 else points[:, 0]
    now = push_forward.push_forward(net, law, 0.0)
    np.testing.assert_allclose(now.pdf(x), law.pdf(x), rtol=1e-14)
    with pytest.raises(ValueError, match=r"^t must be a time of at least 0; got -0\.5$"):
        push_forward.push_forward(net, law, -0.5)


@pytest.mark.parametrize("T", [0.0, -0.5])
def test_training_needs_a_positive_time(T):
    with pytest.raises(ValueError, match=r"^T must be a positive time; got"):
        retraining.retrain(NET, NORMAL, NORMAL, T)
    with pytest.raises(ValueError, match=r"^T must be a positive time; got"):
        retraining.algorithm_1(NET, NORMAL, NORMAL, T, Grid(-3.0, 3.0, 60))


def test_groups_divide_at_least_one_measurement():
    assert datasets.slopes_and_intercepts([1.0, 2.0], [1.0, 3.0], 2).tolist() == [[2.0, -1.0]]
    for count in (0, 1, 3):
        message = f"^group must divide the number of measurements {count}; got 2$"
        with pytest.raises(ValueError, match=message):
            datasets.slopes_and_intercepts(np.arange(count), np.arange(count), 2)


def test_density_between_centres_is_exact_for_degree_five(monkeypatch):
    grid = Grid2D(Grid(-1.0, 1.0, 12), Grid(0.0, 2.0, 14))

    def exact(c, w):
        return np.multiply.outer(1.0 + c**5, 2.0 - w**5)

    weights = (grid.area * exact(grid.x.centers, grid.y.centers)).reshape(1, -1)
    monkeypatch.setattr(Density, "weights", weights)
    density = Density(grid, np.zeros(1), None, np.zeros(1), 0, None)
    points = np.array([-0.5, 0.1, 0.33]), np.array([0.4, 1.0, 1.77])
    np.testing.assert_allclose(density.at(0, *points), exact(*points), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("dimension", [1, 2])
def test_steps_of_transport_are_counted_from_none(order, dimension):
    axis = Grid(-6.0, 6.0, 20)
    net, law, grid = (NET, NORMAL, axis) if dimension == 1 else (PLANE, ROUND, Grid2D(axis, axis))
    for times, steps in (([0.0], 0), ([0.0, 1e-3], 1), ([0.0, 1e-3, 2e-3], 2)):
        found = mean_field.solve(net, law, grid, times, order=order, normalize=True)
        assert found.steps == steps
        assert found.times.tolist() == times
