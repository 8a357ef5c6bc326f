"""Re-training of constant w and b for a new target or new inputs (sec. 2.4, 4.3; paper).

`algorithm_1` does what the paper prints; `retrain` is a well-posed version: a loss with a
gradient, a line search, and a condition that stops when nothing is left to gain. Both
start from the parameters of a network and report each step. Dimensionless; d = 1.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _validate, mean_field
from kinetic.adjoint import adjoint_on_grid, check_differentiable, gradient
from kinetic.adjoint import loss as loss_of
from kinetic.grid import Grid
from kinetic.losses import LOSSES, Points, mollified, target_law
from kinetic.network import SimResNet

TIMES = 64
MASS_TOLERANCE = 1e-6
SUFFICIENT = 1e-4
MOST_HALVINGS = 60
SMALLEST_WIDTH = 1e-300
ROUNDING = 1e-12
METHODS = ("bfgs", "descent")


class Step(NamedTuple):
    """Parameters that were reached.

    w, b : float
    loss : float
        At (w, b); for a mollified target that of the present width.
    gradient : (float, float)
        With respect to w and b, at (w, b); nan where the step could not be evaluated.
    gamma : float
        Step size that led here; 0 at the start, nan for BFGS.
    width : float
        Of the mollified target; 0 without.
    """

    w: float
    b: float
    loss: float
    gradient: tuple
    gamma: float
    width: float


class Retraining(NamedTuple):
    """Result of `algorithm_1` and `retrain`.

    network : SimResNet
        With the last parameters at which everything is finite.
    steps : list of Step
        The first one is the start.
    reason : str
        Why the iteration stopped.
    solves : int
        Solutions of the mean-field equation, forwards, and of its adjoint, backwards.
    """

    network: SimResNet
    steps: list
    reason: str
    solves: int


def algorithm_1(
    net, g0, target, T, grid, *,
    gamma=2.0, tol=1e-3, most_steps=3, integrand_at=None, signed=False, while_below=True,
):  # fmt: skip
    """Algorithm 1 as printed, or with its three slips repaired (Algorithm 1; paper).

    On a grid, on which a Dirac measure has a density, its mass divided by the width of a
    cell (half of it in either cell at a face). The first pass is made in any case, since
    w^{k+1} - w^k is known only after it.

    Parameters
    ----------
    net : SimResNet
        The trained network, of dimension one, with constant w and b and a differentiable
        activation.
    g0, target : laws
        Input and new target; the target may be a point or points of equal mass.
    T : float
        Positive.
    grid : Grid
        With open ends; g0 is normalized on it.
    gamma : float
        The step size, fixed.
    tol : float
        Positive.
    most_steps : int
        Largest number of passes; 0 only evaluates loss and update at the start.
    integrand_at : float, optional
        Time in [0, T] at which the integral over x of the update is taken, which is what
        is printed. The default takes the integral over [0, T] as well, as the derivative
        with respect to constants does.
    signed : bool
        lambda(T) = g(T) - h; otherwise |g(T) - h| as printed.
    while_below : bool
        Go on while the parameters change by less than tol, as printed; otherwise while
        they change by more.

    Returns
    -------
    Retraining
        The loss is that of the cell averages. Where the scheme cannot go on, the reason
        says so.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    w, b, T = _checked(net, T)
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    gamma = _validate.number("gamma", gamma, low=1e-300, accepted="a positive number")
    tol = _validate.number("tol", tol, low=1e-300, accepted="a positive number")
    most_steps = _validate.integer("most_steps", most_steps, low=0)
    signed, while_below = (
        _validate.flag(name, value)
        for name, value in (("signed", signed), ("while_below", while_below))
    )
    times = np.linspace(0.0, T, TIMES + 1)
    if integrand_at is not None:
        accepted = f"a time in [0, {T}]"
        at = _validate.number("integrand_at", integrand_at, low=0.0, high=T, accepted=accepted)
        at = T if T - at <= ROUNDING * T else at
        times = np.unique([0.0, at, T])
    h = _averages(target_law(target), grid)

    def evaluated(w, b, gamma):
        net_k = SimResNet(net.activation, w, b)
        g = mean_field.solve(net_k, g0, grid, times, boundary="open", normalize=True).density
        difference = g[-1] - h
        between = Grid(grid.centers[0], grid.centers[-1], grid.cells - 1)
        terminal = difference if signed else np.abs(difference)
        slopes = adjoint_on_grid(net_k, terminal, between, times).slopes
        x = between.centers
        weight = (g[:, 1:] + g[:, :-1]) / 2.0 * slopes
        weight *= net.activation.derivative(w * x + b) * grid.dx
        integrals = np.array([weight @ x, weight.sum(axis=1)])
        if integrand_at is None:
            found = np.trapezoid(integrals, times)
        else:
            found = integrals[:, np.searchsorted(times, at)]
        found = tuple(map(float, found))
        return Step(w, b, float(difference @ difference) * grid.dx / 2.0, found, gamma, 0.0)

    steps = [evaluated(w, b, 0.0)]
    reason = f"{most_steps} steps were made"
    for _ in range(most_steps):
        last = steps[-1]
        w, b = (float(p - gamma * d) for p, d in zip(last[:2], last.gradient, strict=True))
        change = abs(w - last.w) + abs(b - last.b)
        try:
            steps.append(evaluated(w, b, gamma))
        except (ValueError, FloatingPointError) as error:
            steps.append(Step(w, b, np.inf, (np.nan, np.nan), gamma, 0.0))
            reason = f"at w={w:.6g}, b={b:.6g} the equation cannot be solved: {error}"
            break
        if (change < tol) != while_below:
            word = "not below" if while_below else "below"
            reason = f"the parameters changed by {change:.3g}, which is {word} tol = {tol:g}"
            break
    kept = [step for step in steps if np.isfinite(step.loss)][-1]
    final = SimResNet(net.activation, kept.w, kept.b)
    return Retraining(final, steps, reason, 2 * sum(bool(np.isfinite(s.loss)) for s in steps))


def _averages(law, grid):
    if isinstance(law, Points):
        inside = (law.points >= grid.left) & (law.points <= grid.right)
        if not inside.all():
            raise ValueError(f"target must lie in the grid [{grid.left}, {grid.right}]")
        position = (law.points - grid.left) / grid.dx
        nearest = np.rint(position)
        on_face = np.abs(position - nearest) < 1e-9
        above = np.where(on_face, nearest, np.floor(position)).astype(int)
        below = np.where(on_face, above - 1, above)
        averages = np.zeros(grid.cells)
        for cells in (above, below):
            np.add.at(averages, np.clip(cells, 0, grid.cells - 1), 0.5 / law.points.size / grid.dx)
        return averages
    if not hasattr(law, "cdf"):
        raise TypeError("target must have cdf, or be a point or points of equal mass")
    below = _validate.returned("target", law.cdf(grid.faces), grid.faces.shape)
    averages = np.diff(below) / grid.dx
    mass = averages.sum() * grid.dx
    if not abs(mass - 1.0) <= MASS_TOLERANCE:
        raise ValueError(
            f"target must lie in the grid [{grid.left}, {grid.right}]; it has mass {mass:.6g} there"
        )
    return averages


def retrain(
    net, g0, target, T, *, loss="w2", widths=None, gamma=2.0, tol=1e-6, most_steps=200,
    method="bfgs",
):  # fmt: skip
    """Re-train w and b to a new target or new inputs (sec. 2.4, 4.3; paper).

    Parameters at which the loss cannot be computed are refused by the line search.

    Parameters
    ----------
    net : SimResNet
        Where to start; of dimension one, with constant w and b and a differentiable
        activation.
    g0 : law
        With pdf, cdf and ppf.
    target : law, float or (M,) array_like
        As `sensitivity.gradient` takes it.
    T : float
        Positive.
    loss : {"w2", "l2"}
    widths : sequence of float, optional
        Continuation: points as a target are mollified by Gaussians of these widths in
        turn, each started where the one before has ended.
    gamma : float
        First step size of each line search of "descent".
    tol : float
        Stop at |dD/dw| + |dD/db| <= tol, or when no step lowers the loss.
    most_steps : int
        For each width.
    method : {"bfgs", "descent"}
        BFGS of `scipy.optimize.minimize`; or steps along the gradient as in Algorithm 1,
        the step size gamma halved until the loss falls by 1e-4 gamma |gradient|^2 (Armijo).

    Returns
    -------
    Retraining

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the loss cannot be computed at the start.
    """
    w, b, T = _checked(net, T)
    _validate.choice("loss", loss, tuple(LOSSES))
    _validate.choice("method", method, METHODS)
    gamma = _validate.number("gamma", gamma, low=1e-300, accepted="a positive number")
    tol = _validate.number("tol", tol, low=0.0, accepted="a number of at least 0")
    most_steps = _validate.integer("most_steps", most_steps, low=1)
    targets = [(0.0, target_law(target))]
    if widths is not None:
        widths = _validate.array("widths", widths, accepted="a sequence of positive numbers")
        if widths.ndim != 1 or widths.size == 0:
            raise ValueError(f"widths must be a non-empty sequence; got shape {widths.shape}")
        if widths.min() < SMALLEST_WIDTH:
            raise ValueError(f"widths: each width must be a positive number; got {widths.min()}")
        targets = [(width, mollified(target, width)) for width in widths.tolist()]
    steps, solves = [], 0
    search = _descend if method == "descent" else _bfgs
    for width, law in targets:
        problem = _Problem(net.activation, g0, law, T, loss, width)
        start = problem.step(w, b, 0.0)
        found, reason = search(problem, start, gamma, tol, most_steps)
        steps += [start, *found]
        solves += problem.solves
        w, b = steps[-1][:2]
    return Retraining(SimResNet(net.activation, w, b), steps, reason, solves)


class _Problem:
    """The loss as a function of w and b, with the count of solutions of both equations."""

    def __init__(self, activation, g0, target, T, loss, width):
        self.activation, self.width = activation, width
        self.arguments = {"g0": g0, "target": target, "T": T, "loss": loss}
        self.solves = 0

    def step(self, w, b, gamma):
        """The step to (w, b), one forward and one backward solution."""
        self.solves += 2
        found = gradient(SimResNet(self.activation, w, b), **self.arguments)
        return Step(w, b, found.loss, (found.w, found.b), gamma, self.width)

    def loss(self, w, b):
        """The loss, infinite where it cannot be computed."""
        self.solves += 1
        try:
            return loss_of(SimResNet(self.activation, w, b), **self.arguments)
        except (ValueError, FloatingPointError):
            return np.inf


def _size(step):
    return abs(step.gradient[0]) + abs(step.gradient[1])


def _descend(problem, start, gamma, tol, most_steps):
    steps, last = [], start
    while _size(last) > tol:
        if len(steps) == most_steps:
            return steps, f"{most_steps} steps were made"
        slope = last.gradient[0] ** 2 + last.gradient[1] ** 2
        for halvings in range(MOST_HALVINGS):
            size = gamma / 2.0**halvings
            w = last.w - size * last.gradient[0]
            b = last.b - size * last.gradient[1]
            if problem.loss(w, b) <= last.loss - SUFFICIENT * size * slope:
                break
        else:
            return steps, "no step along the gradient lowers the loss"
        last = problem.step(w, b, size)
        steps.append(last)
    return steps, f"the gradient is at most {tol:g}"


def _bfgs(problem, start, gamma, tol, most_steps):
    from scipy.optimize import minimize

    steps, tried = [], {start[:2]: start}

    def value_and_gradient(p):
        point = tuple(map(float, p))
        if point not in tried:
            try:
                tried[point] = problem.step(*point, np.nan)
            except (ValueError, FloatingPointError):
                return np.inf, np.zeros(2)
        return tried[point].loss, np.array(tried[point].gradient)

    found = minimize(
        value_and_gradient, start[:2], jac=True, method="BFGS",
        callback=lambda p: steps.append(tried[tuple(map(float, p))]),
        options={"gtol": tol, "norm": 1, "maxiter": most_steps},
    )  # fmt: skip
    return steps, f"the gradient is at most {tol:g}" if found.success else found.message


def _checked(net, T):
    """w, b and T of a network with constant parameters."""
    check_differentiable(net)
    if not net.autonomous:
        raise ValueError("w and b must be constant to be re-trained; got functions of t")
    T = _validate.number("T", T, low=1e-300, accepted="a positive time")
    return *net.parameters(0.0), T
