"""Particles through layers: methods against each other, closed flows, memory and threads."""

import tracemalloc

import numpy as np
import pytest

from kinetic import SimResNet, _layers, characteristics, network

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "gcu")
SMOOTH = ("identity", "sigmoid", "tanh", "gcu")


def layer_by_layer(net, x, steps, h):
    """Eq. (1) in plain numpy: the independent form of the compiled kernel."""
    for k in range(steps):
        w, b = net.parameters(k * h)
        u = w * x + b if net.dimension == 1 else x @ w.T + b
        x = x + h * net.activation(u)
    return x


def network_of_dimension(d, activation, seed=0):
    rng = np.random.default_rng(seed)
    if d == 1:
        return SimResNet(activation, rng.normal(), rng.normal())
    return SimResNet(activation, rng.normal(size=(d, d)) / d, rng.normal(size=d))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7, 16, 64])
def test_layers_agree_with_plain_numpy(activation, d):
    net = network_of_dimension(d, activation)
    x = np.random.default_rng(1).normal(size=(333, d) if d > 1 else 333)
    ours = network.propagate(net, x, 1.0, method="euler", step=0.05)
    np.testing.assert_allclose(ours, layer_by_layer(net, x, 20, 0.05), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_single_precision_stays_single_and_close(d):
    net = network_of_dimension(d, "tanh")
    x = np.random.default_rng(1).normal(size=(5000, d)).astype(np.float32)
    ours = network.propagate(net, x, 1.0, method="euler", step=0.05)
    assert ours.dtype == np.float32
    exact = network.propagate(net, x.astype(float), 1.0, method="euler", step=0.05)
    np.testing.assert_allclose(ours, exact, atol=3e-6)


def test_compiled_layers_agree_with_interpreted():
    net = network_of_dimension(3, "tanh")
    w, b = net.parameters(0.0)
    x = np.random.default_rng(1).normal(size=(5, 3))
    for method, (kernel, _) in _layers.METHODS.items():
        results = []
        for run in (kernel, kernel.py_func):
            out = np.empty_like(x)
            run(net.activation.tag, x, w[None], b[None], 0, 0.1, 4, True, -1.0, 1.0, out)
            results.append(out)
        np.testing.assert_allclose(*results, rtol=1e-13, err_msg=method)


@pytest.mark.parametrize("activation", SMOOTH)
@pytest.mark.parametrize(("method", "order"), [("euler", 1.0), ("rk4", 4.0)])
def test_order_of_convergence_to_the_exact_flow(activation, method, order):
    net = SimResNet(activation, -0.8, 0.4)
    x = np.linspace(-2.0, 3.0, 101)
    exact = network.propagate(net, x, 1.0)
    steps = np.array([1 / 10, 1 / 20, 1 / 40, 1 / 80])
    errors = [
        np.abs(network.propagate(net, x, 1.0, method=method, step=h) - exact).max() for h in steps
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_time_dependent_parameters_are_read_at_the_right_times(method):
    # x' = 2 t exactly integrated by RK4, and by Euler up to the left rectangle rule.
    net = SimResNet("identity", lambda t: 0.0, lambda t: 2.0 * t)
    ends = network.propagate(net, np.zeros(3), [0.0, 0.5, 1.0], method=method, step=0.1)
    times = np.array([0.0, 0.5, 1.0])
    expected = times**2 - (0.1 * times if method == "euler" else 0.0)
    np.testing.assert_allclose(ends, np.repeat(expected[:, None], 3, axis=1), atol=1e-14)


def test_many_time_dependent_layers_are_taken_in_parts(monkeypatch):
    net = SimResNet("tanh", lambda t: np.cos(t), lambda t: [np.sin(t)])
    x = np.linspace(-1.0, 1.0, 7)
    whole = network.propagate(net, x, 2.0, method="rk4", step=0.01)
    monkeypatch.setattr(network, "LAYERS_AT_ONCE", 33)
    np.testing.assert_allclose(
        network.propagate(net, x, 2.0, method="rk4", step=0.01), whole, rtol=1e-13
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_exact_agrees_with_small_runge_kutta_steps(activation):
    for w, b in ((-0.7, 0.3), (1.1, -0.2), (0.0, 0.5), (1e-5, 0.5)):
        net = SimResNet(activation, w, b)
        x = np.array([-1.3, 0.1, 0.4, 2.0])
        fine = network.propagate(net, x, [0.0, 0.6, 1.5], method="rk4", step=2e-4)
        np.testing.assert_allclose(network.propagate(net, x, [0.0, 0.6, 1.5]), fine, atol=2e-9)


@pytest.mark.parametrize(
    ("activation", "w"),
    [
        ("identity", [[0.0, 1.0], [-1.0, -0.5]]),
        ("tanh", [[-0.5, 0.0], [0.0, 1.5]]),
        ("tanh", [[0.0, 1.0], [-1.0, -0.5]]),
        ("tanh", lambda t: np.array([[np.sin(t), 1.0], [-1.0, -0.5]])),
    ],
)
def test_exact_in_the_plane_agrees_with_small_runge_kutta_steps(activation, w):
    net = SimResNet(activation, w, [0.3, -0.2])
    x = np.random.default_rng(0).normal(size=(40, 2))
    fine = network.propagate(net, x, 1.5, method="rk4", step=2e-3)
    np.testing.assert_allclose(network.propagate(net, x, 1.5), fine, atol=1e-10)


@pytest.mark.parametrize("method", ["exact", "euler", "rk4"])
def test_walls_stop_particles(method):
    net = SimResNet("tanh", 1.0, -5.0)
    x = np.linspace(2.0, 8.0, 50)
    step = None if method == "exact" else 1e-3
    paths = network.propagate(net, x, [0.0, 1.0, 30.0], method=method, step=step, walls=(2, 8))
    np.testing.assert_array_equal(paths[-1], np.where(x < 5.0, 2.0, 8.0))
    # A particle reaches its wall at ln(sinh 3 / |sinh(x0 - 5)|).
    arrived = np.log(np.sinh(3.0) / np.abs(np.sinh(x - 5.0))) < 1.0 - 1e-2
    assert np.isin(paths[1][arrived], (2.0, 8.0)).all()


@pytest.mark.parametrize("method", ["exact", "euler", "rk4"])
@pytest.mark.parametrize("d", [1, 3])
def test_result_does_not_depend_on_threads_or_neighbours(method, d):
    net = network_of_dimension(d, "tanh")
    x = np.random.default_rng(2).normal(size=(20_011, d))
    step = None if method == "exact" else 0.1
    times = [0.0, 0.5, 1.0] if method != "exact" or d == 1 else [0.0, 0.2]
    one = network.propagate(net, x, times, method=method, step=step, threads=1)
    three = network.propagate(net, x, times, method=method, step=step, threads=3)
    np.testing.assert_array_equal(one, three)
    if method != "exact":
        alone = network.propagate(net, x[7000:7001], times, method=method, step=step)
        np.testing.assert_array_equal(alone[:, 0], one[:, 7000])


def test_in_place_and_number_time_return_the_last_state():
    net = SimResNet("tanh", 1.0, -0.2)
    x = np.random.default_rng(2).normal(size=10_000)
    path = network.propagate(net, x, [0.0, 1.0], method="euler", step=0.1)
    given = x.copy()
    result = network.propagate(net, given, 1.0, method="euler", step=0.1, out=given)
    assert result is given
    np.testing.assert_array_equal(given, path[-1])
    np.testing.assert_array_equal(path[0], x)


@pytest.mark.parametrize("method", ["exact", "euler", "rk4"])
def test_memory_is_bounded_by_input_and_result(method):
    net = SimResNet("tanh", 1.0, -0.2)
    x = np.random.default_rng(2).normal(size=2_000_000)
    step = None if method == "exact" else 0.5
    network.propagate(net, x[:10], 1.0, method=method, step=step)
    tracemalloc.start()
    network.propagate(net, x, 1.0, method=method, step=step, out=x, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.75 * x.nbytes


def test_one_particle_and_many_layers():
    net = SimResNet("tanh", -1.0, 0.5)
    end = network.propagate(net, [3.0], 100.0, method="euler", step=1e-3)
    assert end == pytest.approx([0.5], abs=1e-12)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "gcu"])
@pytest.mark.parametrize(("method", "step"), [("exact", None), ("euler", 0.05), ("rk4", 0.1)])
def test_end_map_equals_the_layers_to_rounding(activation, method, step):
    net = SimResNet(activation, 0.5, -0.1)
    x = np.random.default_rng(0).uniform(-3.0, 3.0, 2000)
    table = network.end_map(net, (-3.0, 3.0), 1.0, method=method, step=step)
    layers = network.propagate(net, x, 1.0, method=method, step=step)
    np.testing.assert_allclose(table(x), layers, rtol=0.0, atol=5e-14)


def test_end_map_in_single_precision_and_in_place():
    net = SimResNet("tanh", 0.5, -0.1)
    table = network.end_map(net, (-3.0, 3.0), 1.0)
    x = np.linspace(-3.0, 3.0, 1001, dtype=np.float32)
    exact = network.propagate(net, x.astype(float), 1.0)
    assert table(x, out=x) is x
    np.testing.assert_allclose(x, exact, rtol=3e-7)


def test_end_map_may_overlap_its_input():
    table = network.end_map(SimResNet("tanh", 1.0, 0.1), (-1.0, 1.0), 1.0)
    line = np.linspace(-1.0, 1.0, 101)
    expected = table(line[:-1].copy())
    np.testing.assert_array_equal(table(line[:-1], out=line[1:]), expected)


def test_end_map_refuses_kinks_and_inputs_outside():
    with pytest.raises(ValueError, match="kinks"):
        network.end_map(SimResNet("relu", 1.0, 0.1), (-1.0, 1.0), 1.0)
    table = network.end_map(SimResNet("tanh", 1.0, 0.1), (-1.0, 1.0), 1.0)
    with pytest.raises(ValueError, match=r"must lie in \[-1.0, 1.0\]"):
        table(np.array([0.0, 1.1]))


def test_overflow_is_reported_not_returned():
    with pytest.raises(FloatingPointError, match="range of float64"):
        network.propagate(SimResNet("identity", 50.0, 0.0), [1.0], 100.0)
    x = np.ones(3, np.float32)
    with pytest.raises(FloatingPointError, match="range of float32"):
        network.propagate(SimResNet("identity", 5.0, 0.0), x, 100.0, method="rk4", step=0.1)


def test_nan_does_not_hide_behind_a_wall():
    net = SimResNet("gcu", 1e308, 0.0)
    with pytest.raises(FloatingPointError):
        network.propagate(net, [3.0], 1.0, method="euler", step=0.1, walls=(2.0, 8.0))


def test_result_may_overlap_the_input():
    net = SimResNet("tanh", 1.0, 0.3)
    x = np.linspace(-1.0, 1.0, 9000)
    expected = network.propagate(net, x, [0.0, 0.5, 1.0], method="euler", step=0.1)
    table = np.zeros((3, 9000))
    table[2] = x
    network.propagate(net, table[2], [0.0, 0.5, 1.0], method="euler", step=0.1, out=table)
    np.testing.assert_array_equal(table, expected)
    line = np.zeros(9001)
    line[:-1] = x
    network.propagate(net, line[:-1], 1.0, method="euler", step=0.1, out=line[1:], threads=2)
    np.testing.assert_array_equal(line[1:], expected[-1])


def test_exact_flow_far_from_the_rest_point_keeps_its_digits():
    net = SimResNet("identity", 1e-3, 1e6)
    expected = np.exp(1e-3) + 1e9 * np.expm1(1e-3)
    assert network.propagate(net, [1.0], 1.0)[0] == pytest.approx(expected, rel=1e-12)


def test_exact_sees_a_pulse_of_the_parameters():
    net = SimResNet("identity", lambda t: 10.0 * (abs(t - 0.5) < 0.05), 0.0)
    assert network.propagate(net, [1.0], 1.0)[0] == pytest.approx(np.e, rel=1e-9)


def test_a_stiff_exact_flow_is_refused(monkeypatch):
    monkeypatch.setattr(characteristics, "MOST_CALLS", 2000)
    with pytest.raises(FloatingPointError, match="w is too large for it"):
        network.propagate(SimResNet("tanh", lambda t: -1e5, 0.0), [1.0], 1.0)
    stiff = SimResNet("tanh", lambda t: -1e5, 0.0)
    with pytest.raises(FloatingPointError, match="w is too large for it"):
        characteristics.paths(stiff, np.array([1.0]), 0.0, np.array([0.5, 1.0]))
