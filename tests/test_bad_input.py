"""Each wrong argument raises an error that names what was given and what is accepted."""

import numpy as np
import pytest
from scipy import stats

from kinetic import (
    Grid,
    SimResNet,
    activations,
    balance_law,
    boltzmann,
    characteristics,
    closures,
    datasets,
    finite_volume,
    mean_field,
    moments,
    network,
    stationary,
)
from kinetic.distances import wasserstein

NET = SimResNet("tanh", 1.0, -0.5)
PLANE = SimResNet("tanh", np.eye(2), [0.0, 0.0])
GRID = Grid(-6.0, 6.0, 60)
G0 = stats.norm()


class Below:
    """A law whose distribution function is -1 everywhere."""

    def cdf(self, x):
        return np.full(np.shape(x), -1.0)


def solve(g0=G0, grid=GRID, times=(0.0, 1.0), net=NET, **options):
    return mean_field.solve(net, g0, grid, times, **options)


CASES = {
    "unknown activation": (
        lambda: SimResNet("softmax", 1.0, 0.0),
        ValueError,
        "activation must be one of 'identity'.*got 'softmax'",
    ),
    "activation of another type": (lambda: activations.get(3), TypeError, "activation.*got 3"),
    "w not finite": (lambda: SimResNet("tanh", np.nan, 0.0), ValueError, "w must be.*finite.*nan"),
    "w a vector": (lambda: SimResNet("tanh", [1.0, 2.0], 0.0), ValueError, r"w.*\(d, d\).*\(2,\)"),
    "w not square": (lambda: SimResNet("tanh", np.ones((2, 3)), 0.0), ValueError, r"w.*\(2, 3\)"),
    "w a string": (lambda: SimResNet("tanh", "big", 0.0), TypeError, "w must be finite numbers"),
    "w complex": (lambda: SimResNet("tanh", 1j, 0.0), TypeError, "w must be finite.*complex"),
    "b of another length": (
        lambda: SimResNet("tanh", np.eye(2), [1.0, 2.0, 3.0]),
        ValueError,
        r"b must have shape \(2,\).*got shape \(3,\)",
    ),
    "b infinite": (lambda: SimResNet("tanh", 1.0, np.inf), ValueError, "b must be.*inf"),
    "w(t) not finite later": (
        lambda: network.propagate(
            SimResNet("tanh", lambda t: 1.0 if t < 0.5 else np.nan, 0.0),
            [1.0], 1.0, method="rk4", step=0.1,
        ),
        ValueError,
        r"w\(0.5\) must be finite numbers; got nan",
    ),
    "w(t) of changing shape": (
        lambda: solve(net=SimResNet("tanh", lambda t: 1.0 if t == 0 else [1.0, 2.0], 0.0)),
        ValueError,
        r"w\(.*\) must have shape \(1, 1\).*\(2,\)",
    ),
    "x0 with nan": (
        lambda: network.propagate(NET, [0.0, np.nan], 1.0), ValueError, r"x0.*nan at index \(1\)"
    ),
    "x0 of wrong dimension": (
        lambda: network.propagate(PLANE, np.ones((4, 3)), 1.0), ValueError, r"\(M, 2\).*\(4, 3\)"
    ),
    "x0 flat for d = 2": (
        lambda: network.propagate(PLANE, np.ones(4), 1.0), ValueError, r"\(M, 2\).*\(4,\)"
    ),
    "x0 empty": (lambda: network.propagate(NET, [], 1.0), ValueError, "M >= 1"),
    "x0 of strings": (lambda: network.propagate(NET, ["a"], 1.0), TypeError, "x0 must be"),
    "times decreasing": (
        lambda: network.propagate(NET, [1.0], [0.0, 2.0, 1.0]),
        ValueError,
        "times must increase; got 2.0 followed by 1.0",
    ),
    "times equal": (lambda: solve(times=[0.0, 0.0]), ValueError, "times must increase"),
    "times empty": (lambda: solve(times=[]), ValueError, "times.*non-empty"),
    "times nan": (lambda: solve(times=[0.0, np.nan]), ValueError, "times.*nan"),
    "time negative": (lambda: network.propagate(NET, [1.0], -1.0), ValueError, "times.*-1.0"),
    "unknown method": (
        lambda: network.propagate(NET, [1.0], 1.0, method="rk5"), ValueError, "method.*'rk5'"
    ),
    "no step": (
        lambda: network.propagate(NET, [1.0], 1.0, method="euler"), ValueError, "needs step="
    ),
    "step zero": (
        lambda: network.propagate(NET, [1.0], 1.0, method="rk4", step=0.0), ValueError, "step"
    ),
    "walls reversed": (
        lambda: network.propagate(NET, [1.0], 1.0, walls=(2, 0)), ValueError, "walls.*a < b"
    ),
    "x0 outside walls": (
        lambda: network.propagate(NET, [3.0], 1.0, walls=(0, 2)), ValueError, "between the walls"
    ),
    "walls in the plane": (
        lambda: network.propagate(PLANE, np.ones((1, 2)), 1.0, walls=(0, 2)), ValueError, "d = 1"
    ),
    "out of another shape": (
        lambda: network.propagate(NET, [1.0], 1.0, out=np.empty(2)), ValueError, "out must be"
    ),
    "threads zero": (
        lambda: network.propagate(NET, [1.0], 1.0, threads=0), ValueError, "threads.*1; got 0"
    ),
    "grid reversed": (lambda: Grid(1.0, 0.0, 10), ValueError, "left < right; got left=1.0"),
    "grid of equal ends": (lambda: Grid(1.0, 1.0, 10), ValueError, "left < right"),
    "grid with 4 cells": (lambda: Grid(0.0, 1.0, 4), ValueError, "cells.*at least 5; got 4"),
    "grid with 9.5 cells": (lambda: Grid(0.0, 1.0, 9.5), TypeError, "cells.*9.5"),
    "grid of complex ends": (lambda: Grid(0, np.complex128(1j), 9), TypeError, "right must be"),
    "grid of huge ends": (lambda: Grid(0, 10**400, 9), ValueError, "right must be.*inf"),
    "x0 ragged": (
        lambda: network.propagate(NET, [[1.0], [1.0, 2.0]], 1.0), ValueError, "x0.*unequal length"
    ),
    "x0 masked": (
        lambda: network.propagate(NET, np.ma.array([1.0, 2.0], mask=[0, 1]), 1.0),
        ValueError,
        "x0.*masked",
    ),
    "method an array": (
        lambda: network.propagate(NET, [1.0], 1.0, method=np.array(["rk4"])), ValueError, "method"
    ),
    "times of infinite span": (
        lambda: network.propagate(NET, [1.0], [-1e308, 1e308]), ValueError, "times must span"
    ),
    "w without rows": (lambda: SimResNet("tanh", np.zeros((0, 0)), []), ValueError, "w must have"),
    "w too large for x0": (
        lambda: network.propagate(SimResNet("tanh", 1e308, 0.0), [2.5], 1.0),
        FloatingPointError,
        "w x . b exceeds.*w=1e",
    ),
    "velocity of nan": (lambda: NET.velocity([np.nan]), ValueError, "x must be.*nan"),
    "activation of text": (lambda: activations.get("identity")("x"), TypeError, "u must be"),
    "too many zeros": (
        lambda: activations.get("gcu").zeros((0.0, 1e12)), ValueError, "interval must hold at most"
    ),
    "g0 beyond the walls": (
        lambda: mean_field.push_forward(NET, G0, 1.0, walls=(-1, 1)), ValueError, "between the wal"
    ),
    "cdf of a plain density": (
        lambda: mean_field.push_forward(NET, stats.norm.pdf, 1.0).cdf(0.0), TypeError, "g0 as a law"
    ),
    "transport without a grid": (
        lambda: finite_volume.transport(np.ones(9), np.ones(10), None, [0.0]), TypeError, "grid"
    ),
    "weight floor of nothing": (
        lambda: finite_volume.weight_floor(np.zeros(9)), ValueError, "averages.*positive"
    ),
    "moment beyond range": (lambda: solve().moment(1000), FloatingPointError, "moment of order k"),
    "grid finer than rounding": (lambda: Grid(1e16, 1e16 + 4, 10), ValueError, "wider than round"),
    "grid of infinite width": (lambda: Grid(-1e308, 1e308, 9), ValueError, "cells of"),
    "absurdly many steps": (lambda: solve(cfl=1e-300), ValueError, "steps; at most.*raise cfl"),
    "absurdly many steps in time": (
        lambda: solve(net=SimResNet("tanh", np.cos, 0.0), cfl=1e-300), ValueError, "steps; at most"
    ),
    "times beyond resolution": (
        lambda: solve(net=SimResNet("tanh", lambda t: 1.0, 0.0), times=[1e17, 1e17 + 64]),
        ValueError,
        "times near t=1e",
    ),
    "absurdly many layers": (
        lambda: network.propagate(NET, [1.0], 1.0, method="euler", step=1e-12),
        ValueError,
        "step must divide.*1e-12",
    ),
    "propagation of no network": (
        lambda: network.propagate("tanh", [1.0], 1.0), TypeError, "net must be a kinetic.SimResNet"
    ),
    "out read-only": (
        lambda: network.propagate(NET, [1.0], 1.0, out=np.broadcast_to(0.0, 1)),
        ValueError,
        "writeable",
    ),
    "grid too coarse for the density": (
        lambda: solve(g0=stats.norm(0.05, 0.03).pdf), ValueError, "too coarse for g0"
    ),
    "grid infinite": (lambda: Grid(0.0, np.inf, 9), ValueError, "right.*inf"),
    "grid of strings": (lambda: Grid("a", 1.0, 9), TypeError, "left.*'a'"),
    "no grid": (lambda: solve(grid=(0, 1, 10)), TypeError, "grid must be a kinetic.Grid"),
    "density negative": (
        lambda: solve(g0=lambda x: x * np.exp(-(x**2))), ValueError, "non-negative; its average is"
    ),
    "density not normalized": (
        lambda: solve(g0=lambda x: np.exp(-(x**2))), ValueError, "must have mass 1.*1.772"
    ),
    "averages not normalized": (
        lambda: solve(g0=np.ones(60)), ValueError, "must have mass 1.*it has 12"
    ),
    "averages of another length": (lambda: solve(g0=np.ones(61)), ValueError, r"\(60,\).*\(61,\)"),
    "density not finite": (
        lambda: solve(g0=lambda x: 1.0 / (x - GRID.centers[3])), ValueError, "finite on the grid"
    ),
    "density of another shape": (lambda: solve(g0=lambda x: 1.0), ValueError, r"got shape \(\)"),
    "mass outside the grid": (
        lambda: solve(grid=Grid(0.0, 6.0, 60)), ValueError, "g0 has mass 0.5 outside the grid"
    ),
    "no mass to normalize": (
        lambda: solve(g0=np.zeros(60), normalize=True), ValueError, "no mass in the grid"
    ),
    "cfl zero": (lambda: solve(cfl=0.0), ValueError, r"cfl.*\(0, 1\]; got 0.0"),
    "cfl above one": (lambda: solve(cfl=1.01), ValueError, r"cfl.*\(0, 1\]; got 1.01"),
    "cfl a string": (lambda: solve(cfl="0.45"), TypeError, "cfl.*'0.45'"),
    "unknown boundary": (
        lambda: solve(boundary="periodic"), ValueError, "boundary must be one of 'no-flux', 'open'"
    ),
    "network of dimension 3": (
        lambda: solve(net=SimResNet("tanh", np.eye(3), 0.0)), ValueError, "dimension 1 or 2; got 3"
    ),
    "no network": (lambda: solve(net="tanh"), TypeError, "net must be a kinetic.SimResNet"),
    "velocity of another shape": (
        lambda: finite_volume.transport(np.ones(60), np.ones(60), GRID, [0.0, 1.0]),
        ValueError,
        r"velocity must have shape \(61,\); got \(60,\)",
    ),
    "velocity not finite": (
        lambda: finite_volume.transport(np.ones(60), np.full(61, np.nan), GRID, [0.0, 1.0]),
        ValueError,
        "velocity.*nan",
    ),
    "epsilon zero": (
        lambda: finite_volume.reconstruct(np.ones(9), 0.0), ValueError, "epsilon.*positive"
    ),
    "too few averages": (lambda: finite_volume.reconstruct(np.ones(4), 1.0), ValueError, "5"),
    "negative time of the exact law": (
        lambda: mean_field.exact(NET, G0, -1.0, 0.0), ValueError, "t must be a time of at least 0"
    ),
    "exact law of an array": (
        lambda: mean_field.push_forward(NET, np.ones(3), 1.0), TypeError, "g0 must be a law"
    ),
    "distance of an empty sample": (lambda: wasserstein([], [1.0]), ValueError, "a must be.*non-e"),
    "distance of nan": (lambda: wasserstein([1.0], [np.nan]), ValueError, "b must be.*nan"),
    "distance of a table": (lambda: wasserstein(np.ones((2, 2)), [1.0]), ValueError, r"\(2, 2\)"),
    "negative moment": (lambda: solve().moment(-1), ValueError, "k must be.*-1"),
    "norm of order 0": (lambda: GRID.norm(np.ones(60), 0), ValueError, "p must be.*got 0"),
    "interval reversed": (
        lambda: activations.get("tanh").zeros((1.0, 0.0)), ValueError, "interval.*a < b"
    ),
    "flow for an infinite time": (
        lambda: activations.get("tanh").flow(1.0, np.inf), ValueError, "s must be"
    ),
    "a source that is not a number": (
        lambda: balance_law.solve(
            np.ones(60), GRID, [0.0, 1.0], velocity=np.ones(61), source=lambda u, t, x: u * np.nan
        ),
        FloatingPointError,
        "source left the range of float64 at t=0, where abs.u. is at most 1; .*finite",
    ),
    "a speed that is not a number": (
        lambda: balance_law.solve(
            np.ones(60), GRID, [0.0, 1.0], flux=lambda u, t, x: u, speed=lambda u, t, x: u * np.nan
        ),
        FloatingPointError,
        "speed left the range of float64",
    ),
    "distribution function below 0": (
        lambda: boltzmann.law(NET, Below(), GRID, 0.5, epsilon=0.25),
        ValueError,
        "g0 must be a law whose cdf increases from 0 to 1; got values from -1 to -1",
    ),
    "weights that splines do not bear": (
        lambda: boltzmann.law(SimResNet("identity", 1e300, 0.0), G0, GRID, 0.5, epsilon=0.25),
        ValueError,
        "w, b and nu must leave cells of a width that splines bear",
    ),
    "binary moments beyond float64": (
        lambda: boltzmann.binary_moments(
            SimResNet("identity", np.full((2, 2), -1e-160), [-0.4, 0.7]), np.full((2, 2), 9e299),
            [0.0, 0.3],
        ),
        FloatingPointError,
        "a moment exceeds the range.*m0",
    ),
    "support beyond float64": (
        lambda: stationary.steady_state(
            SimResNet("tanh", -1e-160, 0.0), nu=0.7, support=(-1e308, 1e308)
        ),
        ValueError,
        "cannot be computed on.*give another support=",
    ),
    "moments at times that touch": (
        lambda: moments.solve(
            SimResNet("identity", -1.3, 0.3), [1.0, 0.7, 0.9], [0.0, 5e-324], method="ode"
        ),
        FloatingPointError,
        "times too close",
    ),
    "horizon beyond float64": (
        lambda: moments.time_to_reach(
            SimResNet("identity", 0.0, 0.009), [1.0, 0.05, 0.3], 0.2, horizon=1e300
        ),
        FloatingPointError,
        "the energy exceeds float64.*horizon",
    ),
    "moments too far apart": (
        lambda: moments.threshold([1.0, 0.2, 1e308, 0.08, 0.27], 1.4),
        ValueError,
        "m0 must be the moments of a law",
    ),
    "support of bytes": (
        lambda: stationary.steady_state(SimResNet("tanh", -1.0, 0.3), nu=0.6, support=b"12"),
        TypeError,
        "support must be two numbers",
    ),
    "positions beyond float64": (
        lambda: datasets.regression(12, (-1e308, 0.7)),
        FloatingPointError,
        "count=12 and interval",
    ),
    "a boundary beyond float64": (
        lambda: closures.relu_rates(SimResNet("relu", 5e-324, -0.4), G0, [0.1]),
        FloatingPointError,
        "exceeds float64 for w=",
    ),
    "binary moments without end": (
        lambda: boltzmann.binary_moments(
            SimResNet("identity", [[0.18, 0.21], [-0.43, -2.3]], [1.4, 0.27]), [0.8, 0.96],
            [0.0, 1e300], epsilon=0.08,
        ),
        FloatingPointError,
        "shorten the times",
    ),
    "no vehicles": (lambda: datasets.vehicles(0), ValueError, "count.*at least 1; got 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named(case):
    call, error, message = CASES[case]
    with pytest.raises(error, match=message):
        call()


def test_nothing_is_written_when_an_argument_is_wrong():
    out = np.full(3, 7.0)
    with pytest.raises(ValueError, match="x0"):
        network.propagate(NET, [0.0, 1.0, np.nan], 1.0, out=out)
    with pytest.raises(ValueError, match="step must divide"):
        network.propagate(
            NET,
            np.ones(3),
            [0.0, 1.0],
            method="euler",
            step=1e-12,
            out=(table := np.ones((2, 3)) * 7),
        )
    assert (out == 7.0).all()
    assert (table == 7.0).all()


def test_a_path_may_be_asked_for_twice_at_a_time():
    net = SimResNet("tanh", lambda t: 1.0 + t, 0.2)
    for times in ([1.0, 0.5, 1.0], [-1.0, -0.5, -1.0]):
        states, divergence = characteristics.paths(net, np.array([0.3, -1.0]), 0.0, times)
        once = characteristics.paths(net, np.array([0.3, -1.0]), 0.0, times[:2])
        np.testing.assert_array_equal(states, once[0][[0, 1, 0]])
        np.testing.assert_array_equal(divergence, once[1][[0, 1, 0]])
