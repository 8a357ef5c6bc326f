"""d_t u = A(t) u by two exponentials a step: order, accuracy, what leaves, refusal."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from test_exponential import dense

from kinetic import _magnus

N = 30
DX = 1.0 / N


FACES = np.linspace(0.0, 1.0, N + 1)


def fluxes(t, is_open=False, drift_at_walls=2.0):
    """Noise and a drift that changes its sign in time."""
    drift = 3.0 * np.sin(4.0 * t) * np.sin(np.pi * FACES) ** 3 + drift_at_walls * np.cos(3.0 * t)
    found = np.stack([0.3 / DX + drift / 2.0, -0.3 / DX + drift / 2.0], axis=1)
    found[0, 0] = found[-1, 1] = 0.0
    if not is_open:
        found[[0, -1]] = 0.0
    return found


START = 1.0 + np.cos(2.0 * np.pi * (FACES[1:] - DX / 2.0)) / 2.0


def reference(end, **options):
    def rate(t, state):
        a, leaves = dense(fluxes(t, **options), DX)
        return np.concatenate([a @ state[:N], leaves @ state[:N]])

    start = np.append(START, [0.0, 0.0])
    found = solve_ivp(rate, (0.0, end), start, "Radau", rtol=1e-10, atol=1e-12)
    return found.y[:N, -1], found.y[N:, -1]


@pytest.mark.parametrize(("drift_at_walls", "order"), [(0.0, 4.0), (2.0, 2.5)])
def test_order(drift_at_walls, order):
    def at(t):
        return fluxes(t, drift_at_walls=drift_at_walls)

    exact, _ = reference(0.8, drift_at_walls=drift_at_walls)
    counts, errors = np.array([8, 16, 32]), []
    for count in counts:
        u, h = START, 0.8 / count
        for i in range(count):
            u, _ = _magnus._cross(u, i * h, h, at, DX)
        errors.append(np.abs(u - exact).sum())
    assert abs(-np.polyfit(np.log(counts), np.log(errors), 1)[0] - order) < 0.3


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
def test_against_a_solver_of_differential_equations(is_open, tolerance):
    exact, left = reference(1.5, is_open=is_open)
    found, leaving, taken = _magnus.advance(
        START, 0.0, 1.5, lambda t: fluxes(t, is_open), DX, tolerance
    )
    assert DX * np.abs(found - exact).sum() < 2.0 * tolerance
    np.testing.assert_allclose(leaving, left, atol=2.0 * tolerance)
    assert DX * (START.sum() - found.sum()) == pytest.approx(leaving.sum(), abs=1e-13)
    assert taken >= 2.0 * _magnus.FEWEST_STEPS


def test_no_result_where_steps_are_refused_or_too_short():
    assert _magnus.advance(START, 0.0, 1.0, fluxes, DX, 1e-4, lambda before, after: False) is None
    assert _magnus.advance(START, 0.0, 1.0, fluxes, DX, 1e-300) is None
    assert _magnus.advance(START, 1e17, 1.0 + 1e17, fluxes, DX, 1e-4) is not None
    assert _magnus.advance(START, 1e17, 1e17 + 64.0, fluxes, DX, 1e-4) is None
