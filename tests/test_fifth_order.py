"""The fifth order of finite_volume and mean_field in one dimension, and threads at both orders."""

import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_finite_volume import SMOOTH, TIME_DEPENDENT, exact_averages

from kinetic import (
    Grid,
    SimResNet,
    _blocks,
    _fifth_order,
    _positivity,
    _third_order,
    finite_volume,
    mean_field,
)

GRIDS = (200, 400, 800)


def errors(net, g0, domain, t, boundary, grids=GRIDS):
    for cells in grids:
        grid = Grid(*domain, cells)
        sol = mean_field.solve(
            net, g0, grid, [0.0, t], boundary=boundary, normalize=True, order=5
        )  # fmt: skip
        yield grid.norm(sol.density[-1] - exact_averages(net, g0, grid, t))


def fitted(grids, found):
    return -np.polyfit(np.log(grids), np.log(found), 1)[0]


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("activation", SMOOTH)
def test_fifth_order_on_smooth_data(activation, boundary):
    assert 4.8 <= fitted(GRIDS, list(errors(*SMOOTH[activation], boundary))) < 5.2


def test_fifth_order_with_time_dependent_parameters():
    grids = (400, 600, 800)
    found = list(errors(*TIME_DEPENDENT, "open", grids))
    assert 4.8 <= fitted(grids, found) < 5.2


def test_fifth_order_where_smooth_mass_leaves_an_open_domain():
    net, g0 = SimResNet("tanh", 1.0, 0.0), stats.norm(1.0, 0.2)
    outflow_errors, density_errors, grids = [], [], (100, 150, 225)
    for cells in grids:
        grid = Grid(-1.5, 2.5, cells)
        sol = mean_field.solve(net, g0, grid, [0.0, 1.5], boundary="open", order=5)
        law = mean_field.push_forward(net, g0, 1.5)
        assert sol.outflow[-1, 1] > 0.2
        outflow_errors.append(abs(sol.outflow[-1, 1] - (1.0 - law.cdf(2.5))))
        density_errors.append(grid.norm(sol.density[-1] - exact_averages(net, g0, grid, 1.5)))
    for found in (outflow_errors, density_errors):
        assert fitted(grids, found) >= 4.7


def test_order_five_in_time_alone():
    # On a fixed grid, against many steps: the error of the steps only, with a time-dependent
    # velocity, for which a method that is of order five for linear systems alone would fail.
    grid = Grid(0.0, 1.0, 40)
    u = grid.average(lambda x: 1.0 + 0.5 * np.sin(2.0 * np.pi * x))

    def run(steps):
        def velocity(t):
            return 0.6 * np.sin(np.pi * grid.faces) * np.sin(7.0 * t + 3.0 * grid.faces)

        state, end, outflow = u, 0.5, np.zeros(2)
        for k in range(steps):
            stages = [velocity((k + c) * end / steps) for c in _fifth_order.NODES]
            state = _blocks.take_steps(
                5, state, np.array(stages), end / steps / grid.dx, 1e8, 1, outflow, 1
            )
        return state

    reference = run(1000)
    counts = np.array([25, 35, 50, 70])
    found = [np.abs(run(n) - reference).max() for n in counts]
    assert 4.8 <= fitted(counts, found) < 5.4


@given(
    seed=st.integers(0, 1000),
    cells=st.integers(5, 120),
    boundary=st.sampled_from(["no-flux", "open"]),
    cfl=st.floats(0.05, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_mass_is_conserved_and_rough_density_not_negative(seed, cells, boundary, cfl):
    rng = np.random.default_rng(seed)
    grid = Grid(-3.0, 2.0, cells)
    u = rng.random(cells) * (rng.random(cells) < 0.4)
    u[rng.integers(cells)] += 1.0
    a = rng.normal(size=cells + 1) if seed % 2 else np.sin(3.0 * grid.faces + seed)
    result = finite_volume.transport(
        u, a, grid, [0.0, 0.7, 3.0], boundary=boundary, cfl=cfl, order=5
    )
    mass = result.averages.sum(axis=1) * grid.dx + result.outflow.sum(axis=1)
    assert np.abs(mass / mass[0] - 1.0).max() < 1e-12
    assert result.averages.min() >= -1e-14 * result.averages.max()
    assert (result.outflow[-1] >= 0.0).all()


def test_limiter_takes_all_that_is_in_a_cell_and_no_more():
    u, flux = np.array([0.0, 1.0, 2.0, 1.0, 0.5, 0.0]), np.array([0.0, 0.9, 2.0, -4.0, 0.0])
    out, kept, scale = u.copy(), np.empty(6), 0.5
    out[1:5] = u[1:5] - scale * np.diff(flux)
    _positivity.limit.py_func(u, out, flux, kept, scale, 1)
    # Of the four cells the last holds 1/2 and would lose 2; the others lose less than they hold.
    np.testing.assert_allclose(flux, [0.0, 0.9, 2.0, -1.0, 0.0], rtol=1e-15)
    np.testing.assert_allclose(out[1:5], [0.55, 1.45, 2.5, 0.0], rtol=1e-15)


def test_a_moving_step_overshoots_by_less_than_half_a_per_cent():
    grid = Grid(0.0, 6.0, 400)
    u = np.diff(np.clip(grid.faces, 1.0, 2.0)) / grid.dx
    heights = {}
    for order in (3, 5):
        result = finite_volume.transport(u, np.ones(401), grid, [0.0, 3.0], order=order)
        exact = np.diff(np.clip(grid.faces, 4.0, 5.0)) / grid.dx
        heights[order] = result.averages[-1].max() - 1.0, grid.norm(result.averages[-1] - exact)
        assert result.averages.min() >= -1e-16
    assert heights[5][0] < 5e-3
    assert heights[5][1] < 0.75 * heights[3][1]


def test_mass_concentrates_in_the_right_cell():
    grid = Grid(-6.0, 7.0, 200)
    net = SimResNet("identity", -1.0, 0.37)
    sol = mean_field.solve(net, stats.norm(0.37, 0.5), grid, [0.0, 20.0], order=5)
    assert abs(sol.mass[-1] - 1.0) < 1e-12
    assert abs(sol.mean[-1] - 0.37) < grid.dx
    near = np.abs(grid.centers - 0.37) < 1.5 * grid.dx
    assert sol.density[-1, near].sum() * grid.dx > 0.999


def test_extrapolation_at_an_end_where_nothing_enters_is_stable():
    """All modes of the linear scheme decay; with quartic ghost cells one would grow."""
    n = 60
    faces, velocity, matrix = np.zeros(n + 1), np.ones(n + 1), np.empty((n, n))
    for k in range(n):
        padded = finite_volume.with_ghosts(np.eye(n)[k] + 2.0, 5)
        # A high floor makes the weights linear; 2 keeps the face values positive.
        _fifth_order._fluxes.py_func(padded, velocity, faces, 1e8)
        matrix[:, k] = -np.diff(faces)
    padded = finite_volume.with_ghosts(np.full(n, 2.0), 5)
    _fifth_order._fluxes.py_func(padded, velocity, faces, 1e8)
    matrix += np.diff(faces)[:, None]
    assert np.linalg.eigvals(matrix).real.max() < -0.1


def test_reconstruction_is_the_one_in_the_kernel():
    u = np.random.default_rng(0).random(30)
    c = finite_volume.reconstruct(u, 1e-3, order=5)
    e = np.diff(finite_volume.with_ghosts(u, 5))
    for j in range(30):
        high = u[j] + _fifth_order.deviation(*e[j : j + 4], 1e-3)
        low = u[j] + _fifth_order.deviation(*-e[j : j + 4][::-1], 1e-3)
        assert c[j] @ 0.5 ** np.arange(5) == pytest.approx(high, rel=1e-13)
        assert c[j] @ (-0.5) ** np.arange(5) == pytest.approx(low, rel=1e-13)
    np.testing.assert_allclose(c[:, 0] + c[:, 2] / 12.0 + c[:, 4] / 80.0, u, rtol=1e-13)


def from_the_definition(u, epsilon):
    """Coefficients in xi of the polynomial of the middle one of five cells."""

    def through(cells):
        edges = np.array(cells)[:, None] + np.array([-0.5, 0.5])
        powers = np.arange(len(cells))
        moments = np.diff(edges[..., None] ** (powers + 1), axis=1)[:, 0] / (powers + 1)
        found = np.linalg.solve(moments, u[np.array(cells) + 2])
        return np.polynomial.Polynomial(found)

    def indicator(p):
        squares = [p.deriv(k) ** 2 for k in range(1, p.degree() + 1)]
        return sum((q.integ()(0.5) - q.integ()(-0.5)) for q in squares)

    quartic = through([-2, -1, 0, 1, 2])
    parabolas = [through([-2, -1, 0]), through([-1, 0, 1]), through([0, 1, 2])]
    shares = 1 / 16, 1 / 8, 1 / 16
    rest = (quartic - sum(c * p for c, p in zip(shares, parabolas, strict=True))) / 0.75
    sizes = [indicator(p) for p in (quartic, *parabolas)]
    tau = 6 * sizes[0] - sizes[1] - 4 * sizes[2] - sizes[3]
    weights = np.array((0.75, *shares)) * (1 + (tau / (np.array(sizes) + epsilon)) ** 2)
    weights /= weights.sum()
    return sum(c * p for c, p in zip(weights, (rest, *parabolas), strict=True)).coef


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("epsilon", [1e-4, 0.1])
def test_reconstruction_is_that_of_the_definition(seed, epsilon):
    u = np.random.default_rng(seed).random(5)
    found = finite_volume.reconstruct(u, epsilon, order=5)[2]
    np.testing.assert_allclose(found, from_the_definition(u, epsilon), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_reconstruction_reproduces_polynomials_up_to_the_ends(degree):
    grid = Grid(0.0, 1.0, 20)
    polynomial = np.polynomial.Polynomial(np.arange(1.0, degree + 2.0))
    c = finite_volume.reconstruct(grid.average(polynomial), 1e8, order=5)
    for xi in (-0.5, 0.5):
        exact = polynomial(grid.centers + xi * grid.dx)
        np.testing.assert_allclose(c @ xi ** np.arange(5), exact, rtol=1e-8)


def test_moments_of_a_fifth_order_solution():
    net, g0 = SimResNet("identity", -1.0, 0.3), stats.norm(1.0, 0.5)
    sol = mean_field.solve(net, g0, Grid(-6.0, 8.0, 400), [0.0, 0.5], order=5)
    law = mean_field.push_forward(net, g0, 0.5)
    assert sol.order == 5
    assert sol.mean[-1] == pytest.approx(0.3 + 0.7 * np.exp(-0.5), abs=1e-8)
    assert sol.variance[-1] == pytest.approx(0.25 * np.exp(-1.0), abs=1e-7)
    assert sol.moment(4)[0] == pytest.approx(g0.moment(4), rel=1e-7)
    x = np.linspace(-1.0, 3.0, 9)
    np.testing.assert_allclose(sol.law(1).cdf(x), law.cdf(x), atol=1e-3)


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(order, boundary, threads, monkeypatch):
    monkeypatch.setattr(_blocks, "FEWEST_CELLS", 90)
    monkeypatch.setattr(_blocks, "LEAST_WORK", 1)
    rng = np.random.default_rng(threads)
    for cells, halo in ((451, 0.025), (1024, 0.5)):
        monkeypatch.setattr(_blocks, "HALO", halo)
        grid = Grid(0.0, 3.0, cells)
        u = rng.random(cells) * (rng.random(cells) < 0.5)
        a = np.sin(5.0 * grid.faces + 0.4)
        runs = [
            finite_volume.transport(
                u, a, grid, [0.0, 0.05, 0.4], boundary=boundary, order=order, threads=count
            )
            for count in (1, threads)
        ]
        np.testing.assert_array_equal(runs[0].averages, runs[1].averages)
        np.testing.assert_array_equal(runs[0].outflow, runs[1].outflow)


@pytest.mark.parametrize("kernels", [_third_order, _fifth_order])
def test_a_cell_sees_as_far_as_the_halo_and_no_further(kernels):
    ghosts, cells, block = kernels.GHOSTS, 100, slice(45, 55)

    def same_bits(halo, seed):
        rng = np.random.default_rng(seed)
        u, a = rng.random(cells) * (rng.random(cells) < 0.5), rng.normal(size=cells + 1)
        a = (a, np.abs(a), -np.abs(a))[seed % 3]

        def step(low, high):
            state = np.zeros((3, high - low + 2 * ghosts))
            faces = np.zeros((kernels.FACE_ROWS, high - low + 1))
            state[0, ghosts:-ghosts] = u[low:high]
            courant = 0.9 / np.abs(a).max()
            kernels.advance(
                state, faces, a[None, low : high + 1].copy(), courant, 1e-3, 1, np.zeros(2)
            )
            return state[0, ghosts + block.start - low : ghosts + block.stop - low]

        part = step(block.start - halo, block.stop + halo)
        return np.array_equal(part, step(0, cells))

    seeds = range(40)
    assert all(same_bits(kernels.REACH, seed) for seed in seeds)
    assert not all(same_bits(kernels.REACH - 1, seed) for seed in seeds)


def test_threads_are_used(monkeypatch):
    started = []
    pool = _blocks.ThreadPoolExecutor
    monkeypatch.setattr(_blocks, "ThreadPoolExecutor", lambda n: started.append(n) or pool(n))
    grid, u = Grid(0.0, 1.0, 6_400), np.ones(6_400)
    for threads, expected in ((1, []), (2, [1])):
        finite_volume.transport(u, np.ones(6_401), grid, [0.0, 0.02], threads=threads)
        assert started == expected


def test_a_failing_thread_does_not_leave_the_others_waiting(monkeypatch):
    take = _blocks._take

    def fail(scheme, states, cells, faces, velocity, plan, done, me, *rest):
        if me == 1:
            raise RuntimeError("no memory")
        return take(scheme, states, cells, faces, velocity, plan, done, me, *rest)

    monkeypatch.setattr(_blocks, "_take", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        finite_volume.transport(
            np.ones(6_400), np.ones(6_401), Grid(0.0, 1.0, 6_400), [0.0, 0.02], threads=2
        )


class Crowded(ThreadPoolExecutor):
    """A pool that cannot start a second thread."""

    def submit(self, work, me):
        if me > 1:
            raise MemoryError("no more")
        return super().submit(work, me)


def fail_second(work):
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise MemoryError("no more")
        return work(*arguments)

    return fail


@pytest.mark.parametrize(
    ("name", "replacement"),
    [("_arrays", fail_second(_blocks._arrays)), ("ThreadPoolExecutor", Crowded)],
)
def test_a_block_that_cannot_begin_does_not_leave_the_others_waiting(
    name, replacement, monkeypatch
):
    monkeypatch.setattr(_blocks, name, replacement)
    with pytest.raises(MemoryError, match="no more"):
        finite_volume.transport(
            np.ones(6_400), np.ones(6_401), Grid(0.0, 1.0, 6_400), [0.0, 0.02], threads=3
        )


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_long_solve_can_be_interrupted(order, threads):
    def interrupt(*_):
        raise KeyboardInterrupt

    grid = Grid(0.0, 1.0, 6_400)
    finite_volume.transport(
        np.ones(6_400), np.ones(6_401), grid, [0.0, 0.02], order=order, threads=threads
    )
    before, running = signal.signal(signal.SIGALRM, interrupt), threading.active_count()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    start = time.process_time()
    try:
        with pytest.raises(KeyboardInterrupt):
            finite_volume.transport(
                np.ones(6_400), np.ones(6_401), grid, [0.0, 100.0], order=order, threads=threads
            )
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - start < 10.0
    assert threading.active_count() == running


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_calls_of_kernels_leave_no_trace(order, threads, monkeypatch):
    grid, u = Grid(-1.0, 1.0, 2_100), np.random.default_rng(0).random(2_100)

    def run(count):
        return finite_volume.transport(
            u, np.sin(3.0 * grid.faces) + 0.2, grid, [0.0, 0.1], boundary="open", order=order,
            threads=count,
        )  # fmt: skip

    whole = run(1)
    monkeypatch.setattr(_blocks, "CALL", 2_100 * 6 * 23)
    parts = run(threads)
    np.testing.assert_array_equal(parts.averages, whole.averages)
    np.testing.assert_array_equal(parts.outflow, whole.outflow)


def test_solves_at_the_same_time_and_after_a_fork_are_alike():
    grid, u = Grid(-1.0, 1.0, 4_200), np.random.default_rng(0).random(4_200)

    def run(order):
        return finite_volume.transport(
            u, np.sin(3.0 * grid.faces), grid, [0.0, 0.1], order=order, threads=2
        ).averages

    alone = [run(order) for order in (3, 5, 3, 5)]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(run, (3, 5, 3, 5))), alone)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads about
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(run(3), alone[0]) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("order", [1, 4, 6])
def test_other_orders_are_refused(order):
    with pytest.raises(ValueError, match=f"order must be 3 or 5; got {order}"):
        finite_volume.transport(np.ones(9), np.ones(10), Grid(0.0, 1.0, 9), [0.0, 0.1], order=order)
    with pytest.raises(TypeError, match="order"):
        finite_volume.weight_floor(np.ones(9), order="five")
