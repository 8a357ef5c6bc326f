r"""The adjoint of the mean-field equation and the gradient of a loss (sec. 2.4; paper).

    lambda_t + sigma(w x + b) lambda_x = 0,    lambda(T) = derivative of the loss

runs backwards in time. lambda is constant along characteristics, and its slope obeys the
equation of the density, (lambda_x)_t + (sigma(w x + b) lambda_x)_x = 0.

Sign: here lambda(T) = g(T) - h for the L2 loss and

    dD/dw(t) = int g x sigma'(w x + b) lambda_x dx,  dD/db(t) = int g sigma'(w x + b) lambda_x dx,

as the paper prints these two integrals. Its Lagrangian belongs to -lambda, and its
terminal value |g(T) - h| loses the sign. All quantities are dimensionless; d = 1.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _validate, characteristics, finite_volume
from kinetic._quadrature import resolve
from kinetic.grid import Grid
from kinetic.losses import LOSSES
from kinetic.network import check_network

__all__ = ["Gradient", "GridAdjoint", "adjoint", "adjoint_on_grid", "gradient", "loss"]

FIRST_INTERVALS = 2
KINKED = "relu"
ROUNDING, TOLERATED = 1e-16, 1e-6


class GridAdjoint(NamedTuple):
    """Result of `adjoint_on_grid`.

    times : (T,) increasing times, the last of which is the terminal time.
    values : (T, n + 1) lambda on the faces of the grid.
    slopes : (T, n) averages of lambda_x over the cells.
    steps : number of time steps taken for both parts of lambda_x together.
    """

    times: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    steps: int


class Gradient(NamedTuple):
    """Result of `gradient`.

    loss : float
    w, b : float
        Derivatives with respect to constants added to w and b: the time integrals of
        the two sensitivities.
    times, weights : (J,) arrays
        Nodes and weights of the quadrature in [0, T].
    w_at, b_at : (J,) arrays
        Sensitivities at ``times``: the derivative in the direction (p(t), q(t)) is
        sum(weights * (w_at * p(times) + b_at * q(times))).
    """

    loss: float
    w: float
    b: float
    times: np.ndarray
    weights: np.ndarray
    w_at: np.ndarray
    b_at: np.ndarray


def adjoint(net, terminal, T, t, x):
    """lambda(t, x) by characteristics: terminal(X(T)) for X(t) = x (sec. 2.4; paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    terminal : callable
        lambda(T, .), vectorized.
    T : float
        Terminal time, at least 0.
    t : float
        Time in [0, T].
    x : array_like

    Returns
    -------
    ndarray
        Of the shape of x.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or terminal does not return one finite number
        for each point.
    FloatingPointError
        If a characteristic leaves the range of float64.
    """
    check_network(net, 1)
    if not callable(terminal):
        raise TypeError(f"terminal must be a function of x; got {terminal!r}")
    T = _validate.number("T", T, low=0.0, accepted="a time of at least 0")
    t = _validate.number("t", t, low=0.0, high=T, accepted=f"a time in [0, {T}]")
    x = _validate.array("x", x)
    ends = characteristics.flow(net, x, t, T)[0]
    if not np.isfinite(ends).all():
        raise FloatingPointError(f"a characteristic exceeds float64 between t={t} and T={T}")
    accepted = "a function that returns one finite real number for each point"
    values = _validate.array("terminal", terminal(ends), accepted=accepted)
    if values.shape != ends.shape:
        raise ValueError(f"terminal must be {accepted}; got shape {values.shape} for {ends.shape}")
    return values


def adjoint_on_grid(net, terminal, grid, times, *, cfl=0.45):
    """Solve the adjoint equation backwards by finite volumes for lambda_x (sec. 2.4; paper).

    The positive and the negative part of lambda_x are transported as densities are
    (`finite_volume.transport`), with the velocity and the time reversed; outside of the
    grid lambda(T) is constant. lambda is the sum of its jumps over the cells.

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    terminal : (n + 1,) array_like
        lambda(T) on the faces of the grid.
    grid : Grid
    times : (T,) array_like
        Increasing; the last one is the terminal time.
    cfl : float
        In (0, 1].

    Returns
    -------
    GridAdjoint

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    check_network(net, 1)
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    terminal = _validate.array("terminal", terminal)
    if terminal.shape != grid.faces.shape:
        raise ValueError(f"terminal must have shape {grid.faces.shape}; got {terminal.shape}")
    times = _validate.times(times)
    end = times[-1]
    velocity = -net.velocity(grid.faces)
    if not net.autonomous:

        def velocity(s):
            return -net.velocity(grid.faces, end - s)

    backward = end - times[::-1]
    slopes = np.zeros((times.size, grid.cells))
    lost = np.zeros(times.size)
    with np.errstate(over="ignore"):
        jumps, steps = np.diff(terminal) / grid.dx, 0
    if not np.isfinite(jumps).all():
        raise ValueError("terminal must have slopes within the range of float64; it is too steep")
    for sign in (1.0, -1.0):
        part = np.maximum(sign * jumps, 0.0)
        if part.any():
            run = finite_volume.transport(part, velocity, grid, backward, boundary="open", cfl=cfl)
            slopes += sign * run.averages[::-1]
            lost += sign * run.outflow[::-1, 0]
            steps += run.steps
    rises = np.cumsum(slopes, axis=1) * grid.dx
    first = terminal[0] + lost
    values = np.column_stack([first, first[:, None] + rises])
    return GridAdjoint(times, values, slopes, steps)


def loss(net, g0, target, T, *, loss="w2"):
    """The loss alone; arguments and errors are those of `gradient` (eq. (17); paper)."""
    return _terminal(net, g0, target, T, loss).loss


def gradient(net, g0, target, T, *, loss="w2"):
    """Loss at time T and its gradient with respect to w and b (eq. (17), sec. 2.4; paper).

    Along the characteristic X with X(0) = z, lambda_x(t, X(t)) is lambda_x(T, X(T)) times
    dX(T)/dX(t), and the mass is that of z. Both sensitivities are therefore integrals
    over z, computed on panels to about 1e-9 of the integral of absolute values.

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with a differentiable activation: not ReLU.
    g0 : law
        With pdf, cdf and ppf.
    target : law, float or (M,) array_like
        "l2": a law with pdf and ppf. "w2": a law with ppf, a point or points of equal mass.
    T : float
        Positive.
    loss : {"w2", "l2"}

    Returns
    -------
    Gradient

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or a density is too rough for quadrature.
    FloatingPointError
        If g(T) is too concentrated, or too wide, for floating point.
    """
    start = _terminal(net, g0, target, T, loss)
    T = float(T)

    lost = None

    def sensitivities(panels):
        nonlocal lost
        times = panels.points.ravel()
        x, stretch = characteristics.paths(net, start.inputs, 0.0, np.append(times, T))
        found, sizes = np.empty((2, 2, times.size))
        with np.errstate(over="ignore", invalid="ignore"):
            carried = start.force * np.exp(stretch[-1] - stretch[:-1])
            for j, t in enumerate(times):
                w, b = net.parameters(t)
                change = carried[j] * net.activation.derivative(w * x[j] + b)
                found[:, j] = change @ x[j], change.sum()
                sizes[:, j] = np.abs(change) @ np.abs(x[j]), np.abs(change).sum()
        if not np.isfinite(sizes).all():
            raise FloatingPointError(f"the gradient at w={net.w}, b={net.b} exceeds float64")
        lost = sizes.max(axis=0)
        shape = (2, *panels.points.shape)
        return found.reshape(shape), sizes.reshape(shape)

    panels, values = resolve(
        "the sensitivity in time to w and b",
        np.linspace(0.0, T, FIRST_INTERVALS + 1),
        sensitivities,
    )
    weights, at = panels.weights.ravel(), values.reshape(2, -1)
    if ROUNDING * float(lost @ weights) > TOLERATED * start.scale:
        raise FloatingPointError(
            f"the gradient at w={net.w}, b={net.b} cancels beyond rounding: g(T) is too "
            f"concentrated for loss={loss!r}"
        )
    return Gradient(start.loss, *map(float, at @ weights), panels.points.ravel(), weights, *at)


def check_differentiable(net):
    """Refuse networks of more than one dimension, and ReLU."""
    check_network(net, 1)
    if net.activation.name == KINKED:
        raise ValueError(f"the activation must be differentiable (sec. 2.4); got {KINKED!r}")


def _terminal(net, g0, target, T, loss):
    check_differentiable(net)
    lacking = [method for method in ("pdf", "cdf", "ppf") if not hasattr(g0, method)]
    if lacking:
        raise TypeError(f"g0 must be a law with pdf, cdf and ppf; it lacks {', '.join(lacking)}")
    T = _validate.number("T", T, low=1e-300, accepted="a positive time")
    return LOSSES[_validate.choice("loss", loss, tuple(LOSSES))](net, g0, target, T)
